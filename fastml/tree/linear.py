"""A tree as a linear threshold function of its paths."""

from typing import Any, NamedTuple

import numpy as np

from fastml.tree.explain import holds, read_value
from fastml.tree.rules import paths
from fastml.tree.view import Region, View, number
from fastml.tree.view import view as view_of
from fastml_ext.tree.structure import LEAF

__all__ = ["PathModel", "to_linear"]


class PathModel(NamedTuple):
    """A linear model whose features are conjunctions of tests; `print` shows it as a sum."""

    conjunctions: list[str]  # one for each path
    weights: Any  # (n_outputs, n_paths) float64
    classes: list | None  # labels; None in regression
    nodes: list[int]  # where each path ends
    tests: list[list[tuple[int, Region, bool]]]  # of each path: column, region, whether its value must be inside
    view: View

    def features(self, X):
        """(n, n_paths) float64: 1 where a row meets all tests of a path, else 0; exactly one 1 in each row."""
        table = np.asarray(X, dtype=object)
        columns = self.view.columns
        if table.ndim != 2 or table.shape[1] != len(columns):
            raise ValueError(f"X has shape {table.shape}, but a table of {len(columns)} columns is needed")
        rows = [[read_value(self.view, column, x) for column, x in zip(columns, row, strict=True)] for row in table]
        meets = [
            [all(holds(region, row[j]) == inside for j, region, inside in path) for path in self.tests] for row in rows
        ]
        return np.array(meets, float).reshape(len(rows), len(self.tests))

    def decision_function(self, X):
        """The weighted sums: (n,) for two classes and in regression, else (n, n_classes) float64."""
        scores = self.features(X) @ self.weights.T
        return scores[:, 0] if len(self.weights) == 1 else scores

    def predict(self, X):
        """(n,) what the tree predicts: the sign of the sum for two classes, else the class of the largest sum."""
        scores = self.decision_function(X)
        if self.classes is None:
            return scores
        if len(self.weights) == 1:
            scores = np.stack([-scores, scores][: len(self.classes)], axis=1)
        return np.asarray(self.classes)[scores.argmax(axis=1)]

    def __str__(self):
        labels = self.view.labels
        if labels is None:
            head, words = "the sum of", [number(w, 4) for w in self.weights[0].tolist()]
        elif len(labels) == 2:
            head, words = f"{labels[1]} if 0 <", [f"{w:+.0f}" for w in self.weights[0]]
        else:
            head, words = "the class with the largest sum of", [labels[k] for k in self.weights.argmax(axis=0)]
        width = max(map(len, words))
        return "\n".join([head, *(f"  {w:>{width}} [{c}]" for w, c in zip(words, self.conjunctions, strict=True))])


def to_linear(
    decision_tree: Any, *, feature_names: Any = None, class_names: Any = None, decimals: int = 2
) -> PathModel:
    """A fitted tree as a linear threshold function: a weight for each path, the paths being conjunctions of tests.

    A path from the root to a leaf is a conjunction, 1 for the rows that meet all its tests and 0 for all others. Over
    binary attributes it is a product of literals, x or 1 - x. Every row meets exactly one path. So the weight 1 for
    the paths that end in the second class and -1 for those of the first make a sum whose sign is the tree's answer:
    a tree is a linear model in the space of its paths, though over the attributes themselves (XOR) none may exist.
    With more classes there is a row of weights for each, 1 where the path ends in the class, and the largest sum wins;
    in regression the weight is the prediction and the sum is the answer. Paths that end at an inner node, for values
    that no branch is for, are listed too.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    feature_names, class_names : array-like of str, default=None
        Names to use instead of those the tree was fitted with; class names in the order of `classes_`.
    decimals : int, default=2
        Decimals of the thresholds.

    Returns
    -------
    model : PathModel
        With `conjunctions`, `weights` of shape (1 or n_classes, n_paths), and the methods `features`,
        `decision_function` and `predict`, for tables of a size to study: they are plain Python.

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If there are not as many names as columns or classes.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, to_linear
    >>> X = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> model = to_linear(DecisionTreeClassifier().fit(X, [0, 1, 1, 0]), feature_names=["a", "b"])
    >>> print(model)
    1 if 0 <
      -1 [a <= 0.50 and b <= 0.50]
      +1 [a <= 0.50 and b > 0.50]
      +1 [a > 0.50 and b <= 0.50]
      -1 [a > 0.50 and b > 0.50]
    >>> model.features(X)[1], model.predict(X)
    (array([0., 1., 0., 0.]), array([0, 1, 1, 0]))
    """
    view = view_of(decision_tree, feature_names, class_names, one_way="to_linear")
    found = sorted(paths(view, stops=True), key=lambda path: view.tree.kind[path[0]] != LEAF)
    nodes = [node for node, _ in found]
    tests = [[(j, region, True) for j, region in regions.items()] for _, regions in found]
    texts = [[view.says(j, region, decimals, long=None) for j, region in regions.items()] for _, regions in found]
    for node, test, text in zip(nodes, tests, texts, strict=True):
        if view.tree.kind[node] != LEAF:
            feature, region = branch_values(view, node)
            test.append((feature, region, False))
            text.append(f"no branch of {view.names[feature]}")
    conjunctions = [" and ".join(text) or "always" for text in texts]
    return PathModel(conjunctions, weights_of(view, nodes), view.classes, nodes, tests, view)


def branch_values(view, node):
    """(column, Region of all values that some branch of the node is for)."""
    feature = int(view.tree.feature[node])
    codes = [region.codes for _, region in view.branches(node)]
    return feature, Region(codes=frozenset().union(*codes))


def weights_of(view, nodes):
    values = view.tree.value[nodes, 0]
    if view.classes is None:
        return values.T.copy()
    ends = (values.argmax(axis=1)[None, :] == np.arange(values.shape[1])[:, None]).astype(float)
    return ends if len(ends) != 2 else 2 * ends[1:] - 1
