"""A tree as the list of its rules: one for each leaf, the tests of its path drawn together column by column."""

from typing import Any, NamedTuple

from fastml.tree.view import view as view_of

__all__ = ["Rule", "paths", "rules"]


class Rule(NamedTuple):
    """If all conditions hold, then the prediction. `print` shows it as a sentence."""

    conditions: list[str]  # one for each column tested on the path
    prediction: Any  # a label, or a number
    samples: int  # training samples in the leaf
    support: float  # their (weighted) share of all
    confidence: float | None  # the predicted class's share of them; None in regression
    node: int
    text: str  # the prediction as it prints

    def __str__(self):
        conditions = " and ".join(self.conditions)
        return (f"if {conditions} then " if conditions else "always ") + self.text + self.evidence()

    def evidence(self):
        confidence = "" if self.confidence is None else f", P = {self.confidence:.2f}"
        samples = "1 sample" if self.samples == 1 else f"{self.samples} samples"
        return f"   [{samples}, support {self.support:.3g}{confidence}]"


def rules(decision_tree: Any, *, feature_names: Any = None, class_names: Any = None, decimals: int = 2) -> list[Rule]:
    """The rules of a fitted tree in the order of its leaves; exactly one of them holds for a row of known values.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    feature_names, class_names : array-like of str, default=None
        Names to use instead of those the tree was fitted with; class names in the order of `classes_`.
    decimals : int or None, default=2
        Decimals of the thresholds; None for all digits.

    Returns
    -------
    rules : list of Rule
        NamedTuples of `conditions` (one text for each column tested on the path), `prediction`, `samples`, `support`
        (share of the training weight), `confidence` (share of the predicted class in the leaf) and `node`.

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If there are not as many names as columns or classes.

    Notes
    -----
    Quinlan 1993, C4.5, chapter 5, turns trees into rules so; these are not shortened any further.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastml.tree import DecisionTreeClassifier, rules
    >>> iris = load_iris()
    >>> tree = DecisionTreeClassifier(max_depth=2).fit(iris.data[:, [3]], iris.target_names[iris.target])
    >>> for rule in rules(tree, feature_names=["width"]):
    ...     print(rule)
    if width <= 0.80 then setosa   [50 samples, support 0.333, P = 1.00]
    if 0.80 < width <= 1.75 then versicolor   [54 samples, support 0.36, P = 0.91]
    if width > 1.75 then virginica   [46 samples, support 0.307, P = 0.98]
    """
    view = view_of(decision_tree, feature_names, class_names)
    return [rule_of(view, node, regions, decimals) for node, regions in paths(view)]


def rule_of(view, node, regions, decimals):
    tree = view.tree
    return Rule(
        [view.says(feature, region, decimals, long=None) for feature, region in regions.items()],
        view.answer(node),
        int(tree.n_node_samples[node]),
        float(tree.weighted_n_node_samples[node] / tree.weighted_n_node_samples[0]),
        view.share(node),
        node,
        view.answer_text(node, decimals),
    )


def paths(view, stops=False):
    """Yield (node, {column: Region}) for every leaf, in order.

    stops: also for every node at which a row may stop, after the leaves below it; its regions hold for those, too.
    """
    stack: list[tuple[int, dict, bool]] = [(0, {}, False)]
    while stack:
        node, regions, below = stack.pop()
        children = () if below else view.branches(node)
        if not children:
            yield node, regions
            continue
        if stops and view.may_stop(node):
            stack.append((node, regions, True))
        feature = int(view.tree.feature[node])
        before = regions.get(feature)
        for child, region in reversed(children):
            stack.append((child, {**regions, feature: region if before is None else before.meet(region)}, False))
