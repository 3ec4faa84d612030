"""A tree as text to read."""

from typing import Any

from fastml.tree.counterpart import counterpart, plain_names
from fastml.tree.rules import paths, rule_of
from fastml.tree.view import check_depth, number, truncated
from fastml.tree.view import view as view_of
from fastml_ext.tree.structure import LEAF, depths, parents

__all__ = ["export_text"]


def export_text(
    decision_tree: Any,
    *,
    feature_names: Any = None,
    class_names: Any = None,
    max_depth: int | None = 10,
    spacing: int = 3,
    decimals: int = 2,
    show_weights: bool = False,
    style: str = "auto",
) -> str:
    """A fitted tree as text: scikit-learn's, or if/then with the support and the probability of every answer.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    feature_names, class_names : array-like of str, default=None
        Names to use instead of those the tree was fitted with; class names in the order of `classes_`.
    max_depth : int or None, default=10
        Depth at which the rest is left out, with a word of how much; None for the whole tree. scikit-learn's text goes
        a level further.
    spacing : int, default=3
        Spaces by which each level is indented.
    decimals : int or None, default=2
        Decimals of thresholds, probabilities and predictions; None for all digits.
    show_weights : bool, default=False
        Whether the weight of the samples of each class is shown at the leaves, too.
    style : {"auto", "tree", "rules"}, default="auto"
        "auto" writes what scikit-learn's function writes of the tree, to the letter, where that says all: where columns
        are numbers, none was missing, and the levels are at most 300; else "tree". "tree" indents the branches of a
        node under its test; "rules" writes one line for each leaf (or node at `max_depth`), with all tests on its path,
        those of one column drawn together.

    Returns
    -------
    text : str

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If there are not as many names as columns or classes, or an option has no such value.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, ID3Classifier, export_text
    >>> X = [["sunny", "high"], ["sunny", "normal"], ["overcast", "high"], ["rain", "high"]]
    >>> tree = ID3Classifier().fit(X, ["no", "yes", "yes", "yes"])
    >>> print(export_text(tree, feature_names=["outlook", "humidity"]))
    if outlook = overcast then yes   [1 sample, P = 1.00]
    if outlook = rain then yes   [1 sample, P = 1.00]
    if outlook = sunny
       if humidity = high then no   [1 sample, P = 1.00]
       if humidity = normal then yes   [1 sample, P = 1.00]

    >>> numbers = DecisionTreeClassifier().fit([[1.5], [2.5]], ["a", "b"])
    >>> print(export_text(numbers, feature_names=["size"]), end="")
    |--- size <= 2.00
    |   |--- class: a
    |--- size >  2.00
    |   |--- class: b
    """
    if style not in ("auto", "tree", "rules"):
        raise ValueError(f"style={style!r} must be 'auto', 'tree' or 'rules'")
    if spacing < 1:
        raise ValueError(f"spacing={spacing} must be at least 1")
    if decimals is not None and decimals < 0:
        raise ValueError(f"decimals={decimals} must not be negative; None shows all digits")
    miscounted = "feature_names must contain {fitted} elements, got {given}"
    view = view_of(decision_tree, feature_names, class_names, miscounted=miscounted)
    check_depth(max_depth)
    twin = counterpart(decision_tree) if style == "auto" and decimals is not None else None
    if twin is not None:
        from sklearn.tree import export_text as theirs

        return theirs(
            twin,
            feature_names=plain_names(feature_names),
            class_names=plain_names(class_names),
            max_depth=twin.tree_.max_depth if max_depth is None else max_depth,
            spacing=spacing,
            decimals=decimals,
            show_weights=show_weights,
        )
    lines = as_rules if style == "rules" else as_tree
    return "\n".join(lines(view, max_depth, spacing, decimals, show_weights))


def as_tree(view, max_depth, spacing, decimals, show_weights):
    cut = truncated(view, max_depth)
    rest = what_is_left_out(view, cut)
    stack = [(0, 0, "always")]
    while stack:
        node, depth, test = stack.pop()
        indent = " " * (spacing * max(depth - 1, 0))
        children = () if cut[node] else view.branches(node)
        if not children:
            then = "" if test == "always" else " then"
            yield f"{indent}{test}{then} {leaf_text(view, node, decimals, show_weights)}{rest.get(node, '')}"
            continue
        if depth:
            yield indent + test
        feature = view.tree.feature[node]
        for child, region in reversed(children):
            stack.append((child, depth + 1, f"if {view.says(feature, region, decimals)}"))


def as_rules(view, max_depth, spacing, decimals, show_weights):
    cut = truncated(view, max_depth)
    rest = what_is_left_out(view, cut)
    shown = view if not cut.any() else view._replace(tree=view.tree._replace(kind=_with_leaves(view.tree.kind, cut)))
    for node, regions in paths(shown):
        rule = rule_of(view, node, regions, decimals)
        weights = weights_text(view, node, decimals) if show_weights else ""
        yield f"{rule}{weights}{rest.get(node, '')}"


def _with_leaves(kind, cut):
    kind = kind.copy()
    kind[cut] = LEAF
    return kind


def leaf_text(view, node, decimals, show_weights):
    n = int(view.tree.n_node_samples[node])
    share = view.share(node)
    probability = "" if share is None else f", P = {number(share, decimals)}"
    weights = weights_text(view, node, decimals) if show_weights else ""
    return f"{view.answer_text(node, decimals)}   [{n} sample{'s' * (n != 1)}{probability}]{weights}"


def weights_text(view, node, decimals):
    """The weight of the samples of each class, as scikit-learn's export_text has it; nothing in regression."""
    if view.classes is None:
        return ""
    weights = view.tree.value[node, 0] * view.tree.weighted_n_node_samples[node]
    return f" weights: [{', '.join(number(w, decimals) for w in weights.tolist())}]"


def what_is_left_out(view, cut):
    """{node: words} for the nodes that are cut: how many leaves and levels stand below."""
    if not cut.any():
        return {}
    depth, parent = depths(view.tree).tolist(), parents(view.tree).tolist()
    leaves, levels = [0] * len(parent), [0] * len(parent)
    for node in range(len(parent) - 1, 0, -1):  # children come after their parents
        if view.tree.kind[node] == LEAF:
            leaves[node] = 1
        levels[node] = max(levels[node], depth[node])
        above = parent[node]
        leaves[above] += leaves[node]
        levels[above] = max(levels[above], levels[node])
    return {
        node: f" … {leaves[node]} leaves, {levels[node] - depth[node]} deep, left out"
        for node in map(int, cut.nonzero()[0])
    }
