"""A tree as a picture in a page: inline SVG that takes the colours of the page around it, light or dark."""

from html import escape
from typing import Any

from fastml.tree.layout import GAP, LINE, PAD, SMALL, Options, scene, text_width
from fastml.tree.view import plain
from fastml.tree.view import view as view_of
from fastml_ext.tree.structure import depths

__all__ = ["Page", "tree_html"]

EM = 13  # pixels
MOST = 400  # nodes drawn when no max_depth is given
STYLE = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;max-width:none;height:auto;display:block"


class Page(str):
    """HTML that a notebook shows as such."""

    __slots__ = ()

    def _repr_html_(self):
        return str(self)


def tree_html(
    decision_tree: Any,
    *,
    feature_names: Any = None,
    class_names: Any = None,
    max_depth: int | None = None,
    decimals: int = 2,
    orientation: str = "auto",
) -> str:
    """A fitted tree as a picture for notebooks and pages: self-contained HTML, shown when it is a cell's last value.

    Text and lines take the colour of the page around them, boxes a transparent shade of their class's colour, so it
    reads on light and dark pages. Pointing at a node shows the test that leads to it, with all categories, and the
    share of each class.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    feature_names, class_names : array-like of str, default=None
        Names to use instead of those the tree was fitted with; class names in the order of `classes_`.
    max_depth : int, default=None
        Depth at which the rest is left out; None for as many levels as have at most 400 nodes together.
    decimals : int, default=2
        Decimals of the numbers.
    orientation : {"auto", "down", "right"}, default="auto"
        Where the tree grows; "auto" is where it fills a page with the larger letters.

    Returns
    -------
    html : Page, a str

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If there are not as many names as columns or classes, or an option has no such value.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, tree_html
    >>> page = tree_html(DecisionTreeClassifier().fit([[1.5], [2.5]], ["a", "b"]))
    >>> page[:24], page.count("<title>"), "≤ 2.00" in page
    ('<div class="fastml-tree"', 3, True)
    """
    if orientation not in ("auto", "down", "right"):
        raise ValueError(f"orientation={orientation!r} must be 'auto', 'down' or 'right'")
    view = view_of(decision_tree, feature_names, class_names)
    if max_depth is None:
        max_depth = levels_that_fit(view)
    drawn = scene(view, Options(max_depth=max_depth, precision=decimals, orientation=orientation))
    return Page(page(view, drawn, decimals))


def levels_that_fit(view):
    """The largest max_depth at which at most MOST nodes are drawn; None if all are."""
    if view.tree.node_count <= MOST:
        return None
    depth = sorted(depths(view.tree).tolist())
    return max(depth[MOST] - 1, 1)


def page(view, drawn, decimals):
    below = [box for box in drawn.boxes.values() if box.parent is not None]
    parts = [edge(drawn.boxes[box.parent], box, drawn.sideways) for box in below]
    for box in drawn.boxes.values():
        parts += node(view, box, decimals)
    top = drawn.height + 1.2 * GAP
    parts += legend(drawn.legend, top)
    width = max(drawn.width, sum(text_width(label, SMALL) + 2 for label, _ in drawn.legend) if drawn.legend else 0) + 1
    height = top + (LINE + GAP if drawn.legend else 0)
    w, h = round(width * EM), round(height * EM)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" role="img" aria-label="decision tree"'
        f' viewBox="{-EM / 2} {-EM / 2} {w} {h}" style="{STYLE}">{"".join(parts)}</svg>'
    )
    return f'<div class="fastml-tree" style="overflow:auto">{svg}</div>'


def edge(parent, box, sideways):
    """The line to a box, and the words at it."""
    if sideways:
        x0, y0 = parent.x + parent.width, parent.y + parent.height / 2
        x1, y1 = box.x, box.y + box.height / 2
        path = f"M{px(x0)} {px(y0)}H{px(box.turn)}V{px(y1)}H{px(x1)}"
        words = text(x1 - 0.5 * GAP, y1 - 0.25, box.test, SMALL, "end")
    else:
        x0, y0 = parent.x + parent.width / 2, parent.y + parent.height
        x1, y1 = box.x + box.width / 2, box.y
        path = f"M{px(x0)} {px(y0)}V{px(y0 + 0.6 * GAP)}H{px(x1)}V{px(y1 - SMALL * LINE - 0.1)}"
        words = text(x1, y1 - 0.35, box.test, SMALL, "middle")
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity=".45"/>{words}'


def node(view, box, decimals):
    """A box: its shade, its words, the bar of shares; what is said when it is pointed at."""
    yield f"<g><title>{escape(hint(view, box, decimals))}</title>"
    dashes = ' stroke-dasharray="5 4"' if box.cut else ""
    frame = f' fill-opacity=".28" stroke="currentColor" stroke-opacity=".5" rx="4"{dashes}'
    yield rect(box.x, box.y, box.width, box.height, box.colour, frame)
    middle, y = box.x + box.width / 2, box.y + LINE * 0.9
    yield text(middle, y, box.title, 1.0, "middle", ' font-weight="600"')
    for line in box.lines:
        y += LINE * SMALL
        yield text(middle, y, line, SMALL, "middle", ' fill-opacity=".8"')
    x, inside = box.x + PAD, box.width - 2 * PAD
    for share, colour in box.shares:
        if share > 0:
            yield rect(x, box.y + box.height - 0.55, share * inside, 0.28, colour, "")
            x += share * inside
    yield "</g>"


def hint(view, box, decimals):
    lines = [f"node {box.node}", *box.lines]
    if box.parent is not None:
        region = dict(view.branches(box.parent))[box.node]
        lines.insert(0, view.says(view.tree.feature[box.parent], region, decimals, long=None))
    if view.labels is not None:
        value = view.tree.value[box.node, 0].tolist()
        lines += [f"{label}: {share:.4g}" for label, share in zip(view.labels, value, strict=True)]
    return "\n".join(lines)


def legend(labels, y):
    x = 0.0
    for label, colour in labels:
        yield rect(x, y - 0.1, 0.8, 0.8, colour, "") + text(x + 1.1, y + 0.6, label, SMALL, "start")
        x += text_width(label, SMALL) + 2


def rect(x, y, width, height, fill, more):
    return f'<rect x="{px(x)}" y="{px(y)}" width="{px(width)}" height="{px(height)}" fill="{fill}"{more}/>'


def text(x, y, words, size, anchor, more=""):
    where = f'x="{px(x)}" y="{px(y)}" font-size="{px(size)}" text-anchor="{anchor}"'
    return f'<text {where} fill="currentColor"{more}>{escape(plain(words))}</text>'


def px(length):
    return f"{length * EM:.1f}"
