"""A decision tree drawn with matplotlib."""

from typing import Any

from fastml.tree.counterpart import counterpart, plain_names
from fastml.tree.layout import GAP, LINE, PAD, SMALL, Options, scene, text_width
from fastml.tree.view import check_depth
from fastml.tree.view import view as view_of

__all__ = ["plot_tree"]

FONT = 9  # points, where the figure is made to measure
GREY = "#555555"


def plot_tree(
    decision_tree: Any,
    *,
    max_depth: int | None = None,
    feature_names: Any = None,
    class_names: Any = None,
    label: str = "all",
    filled: bool = False,
    impurity: bool = True,
    node_ids: bool = False,
    proportion: bool = False,
    rounded: bool = False,
    precision: int = 3,
    ax: Any = None,
    fontsize: float | None = None,
    orientation: str | None = None,
) -> list:
    """Draw a fitted tree: as scikit-learn's function does, or with names, answers and shares of the classes.

    With `orientation`, an inner node shows the column it tests, and its branches stand at their edges; a leaf shows its
    answer. The bar in a node is the share of each class. No two boxes or words overlap.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    max_depth : int, default=None
        Depth at which the rest is left out.
    feature_names, class_names : array-like of str, default=None
        Names to use instead of those the tree was fitted with; class names in the order of `classes_`.
    label : {"all", "root", "none"}, default="all"
        Which nodes say what their numbers are.
    filled, rounded : bool, default=False
        Whether boxes have the colour of their class, or of their number; whether their corners are round.
    impurity, node_ids, proportion : bool, default=True, False, False
        Whether inner nodes show their impurity, all their number, and shares in place of counts.
    precision : int, default=3
        Decimals of the numbers.
    ax : matplotlib Axes, default=None
        Where to draw. None takes the current axes, as scikit-learn does, or, with `orientation` and where no figure is
        open, a new one whose size is made to measure.
    fontsize : float, default=None
        Points of the titles. None fills the axes, or is 9 in a new figure made to measure.
    orientation : {"auto", "down", "right"}, default=None
        Where the tree grows; "auto" is where it fills a page with the larger letters. None draws what scikit-learn's
        function draws, where that says all: where columns are numbers, none was missing, and the levels are at most
        300; else it is "auto".

    Returns
    -------
    titles : list of matplotlib Text
        The first line of each node, in depth-first order; of scikit-learn's drawing its annotations.

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If there are not as many names as columns or classes, or an option has no such value.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, plot_tree
    >>> tree = DecisionTreeClassifier().fit([[1.5], [2.5]], ["a", "b"])
    >>> [title.get_text() for title in plot_tree(tree, feature_names=["size"], orientation="right")]
    ['size', 'a', 'b']
    >>> plot_tree(tree, feature_names=["size"])[0].get_text().splitlines()
    ['size <= 2.0', 'gini = 0.5', 'samples = 2', 'value = [1, 1]']
    """
    for name, value, allowed in (
        ("label", label, ("all", "root", "none")),
        ("orientation", orientation, (None, "auto", "down", "right")),
    ):
        if value not in allowed:
            raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, allowed))}")
    twin = counterpart(decision_tree) if orientation is None else None
    if twin is not None:
        if twin.tree_.n_outputs == 1:
            view_of(decision_tree, feature_names, class_names)  # for its refusals
        check_depth(max_depth)
        return as_scikit_learn(
            twin,
            feature_names=plain_names(feature_names),
            class_names=plain_names(class_names),
            max_depth=max_depth,
            label=label,
            filled=filled,
            impurity=impurity,
            node_ids=node_ids,
            proportion=proportion,
            rounded=rounded,
            precision=precision,
            ax=ax,
            fontsize=fontsize,
        )
    view = view_of(decision_tree, feature_names, class_names)
    criterion = str(getattr(decision_tree, "criterion", "impurity")).replace("_", " ")
    options = Options(max_depth, label, impurity, node_ids, proportion, precision, criterion, orientation or "auto")
    return as_own(scene(view, options), ax, fontsize, filled, rounded)


def as_scikit_learn(twin, **options):
    """What scikit-learn's function draws, with dollars in names as they are."""
    from sklearn.tree import plot_tree as theirs

    drawn = theirs(twin, **options)
    for words in drawn:
        words.set_parse_math(False)
    return drawn


def as_own(drawn, ax, fontsize, filled, rounded):
    import matplotlib.pyplot as plt

    width, height = size_of(drawn)
    if ax is None and not plt.get_fignums():
        points = fontsize or FONT
        figure = plt.figure(figsize=(width * points / 72, height * points / 72))
        ax = figure.add_axes((0, 0, 1, 1))
    ax = plt.gca() if ax is None else ax
    frame(ax, width, height)
    return draw(ax, drawn, fontsize or points_that_fit(ax, width, height), filled, rounded)


def size_of(drawn):
    """(width, height) of the picture with its margins and legend."""
    legend = sum(text_width(label, SMALL) + 2 for label, _ in drawn.legend)
    return max(drawn.width, legend) + 2, drawn.height + 2 + (LINE + GAP) * bool(drawn.legend)


def frame(ax, width, height):
    ax.set_axis_off()
    ax.set_xlim(-1, width - 1)
    ax.set_ylim(height - 1, -1)
    ax.set_aspect("equal")


def points_that_fit(ax, width, height):
    """The size of letters for which the picture fills the axes."""
    box = ax.get_window_extent()
    pixels = min(box.width / width, box.height / height)
    return pixels * 72 / ax.figure.dpi


def draw(ax, drawn, points, filled, rounded):
    for box in drawn.boxes.values():
        if box.parent is not None:
            draw_edge(ax, drawn.boxes[box.parent], box, drawn.sideways, points)
    titles = [draw_box(ax, box, points, filled, rounded) for box in drawn.boxes.values()]
    x, y = 0.0, drawn.height + GAP
    for label, colour in drawn.legend:
        draw_bar(ax, x, y, 0.8, 0.8, colour)
        write(ax, x + 1.1, y + 0.4, label, points * SMALL, ha="left")
        x += text_width(label, SMALL) + 2
    return titles


def draw_edge(ax, parent, box, sideways, points):
    if sideways:
        x0, y0 = parent.x + parent.width, parent.y + parent.height / 2
        x1, y1 = box.x, box.y + box.height / 2
        ax.plot([x0, box.turn, box.turn, x1], [y0, y0, y1, y1], color=GREY, linewidth=points / 11, zorder=1)
        write(ax, x1 - 0.5 * GAP, y1 - 0.15, box.test, points * SMALL, ha="right", va="bottom", color=GREY)
    else:
        x0, y0 = parent.x + parent.width / 2, parent.y + parent.height
        x1, y1 = box.x + box.width / 2, box.y - SMALL * LINE - 0.1
        turn = y0 + 0.6 * GAP
        ax.plot([x0, x0, x1, x1], [y0, turn, turn, y1], color=GREY, linewidth=points / 11, zorder=1)
        write(ax, x1, box.y - 0.2, box.test, points * SMALL, ha="center", va="bottom", color=GREY)


def draw_box(ax, box, points, filled, rounded):
    from matplotlib.patches import FancyBboxPatch

    ax.add_patch(
        FancyBboxPatch(
            (box.x, box.y),
            box.width,
            box.height,
            boxstyle="round,pad=0,rounding_size=0.4" if rounded else "square,pad=0",
            facecolor=box.colour if filled else "white",
            edgecolor=GREY,
            linestyle="--" if box.cut else "-",
            linewidth=points / 11,
            zorder=2,
        )
    )
    middle, y = box.x + box.width / 2, box.y + LINE * 0.6
    title = write(ax, middle, y, box.title, points, weight="bold")
    for line in box.lines:
        y += LINE * SMALL
        write(ax, middle, y, line, points * SMALL)
    x, inside = box.x + PAD, box.width - 2 * PAD
    for share, colour in box.shares:
        if share > 0:
            draw_bar(ax, x, box.y + box.height - 0.6, share * inside, 0.3, colour)
            x += share * inside
    return title


def draw_bar(ax, x, y, width, height, colour):
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor="none", zorder=3))


def write(ax, x, y, words, points, ha="center", va="center", **style):
    return ax.text(x, y, words, fontsize=points, ha=ha, va=va, zorder=4, parse_math=False, **{"color": "black"} | style)
