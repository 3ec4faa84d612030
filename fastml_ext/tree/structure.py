"""A decision tree as flat arrays: what growing makes, what pruning changes, what prediction and every reader take.

Nodes are numbered in depth-first order: node 0 is the root, a node comes before its children, and the whole subtree of
its first child before its second. The children of a node are told by its `kind`:

    LEAF      none: children_left = children_right = -1, feature = -2, threshold = -2
    NUMERIC   two: "x[feature] <= threshold" goes to children_left, more to children_right, a missing value to
              children_left where missing_go_to_left, else to children_right. Columns of ordered categories are split so
              too: the number compared is the category's code, so categories[0 .. threshold] go left
    MULTIWAY  one for each category that occurred in the node: a list of (code, child), see below
    SUBSET    two, each for a set of categories: the same list, whose children are children_left or children_right

The categories of the nodes of kind MULTIWAY and SUBSET stand in one flat list: node i owns the entries
category_start[i] to category_start[i + 1] of category_code (ascending) and category_child. A code is the place of the
category in `Column.categories`; len(Column.categories) is the code of a missing value. A category that is not in the
node's list did not occur there: a row that has it stops at this node and is answered by the node's own value.
In a MULTIWAY node children_left = children_right = -3, which no array may be indexed with by mistake.

Thresholds are exact: for float columns `threshold` is the value itself (float16 and float32 are exact in float64). For
integer and bool columns, whole numbers are compared with `threshold_int`, exact beyond 2^53, and floats with
`threshold`, which may lie half way between two of them; no integer tells the two apart. For ordered categories both are
a code. `exact_threshold` gives one that counts for all. A split "is missing" against "is not" has the threshold +inf,
or the largest integer, and missing values go right.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from fastml_ext.tree.enums import Kind

__all__ = [
    "LEAF", "MULTIWAY", "NUMERIC", "SUBSET", "Coded", "Column", "Tree",
    "branches", "depths", "exact_threshold", "parents",
]  # fmt: skip

# Plain numbers: NumPy compares an array with these as quickly as it can.
LEAF, NUMERIC, MULTIWAY, SUBSET = map(int, (Kind.LEAF, Kind.NUMERIC, Kind.MULTIWAY, Kind.SUBSET))


class Column(NamedTuple):
    """What a tree knows of one column of its input; an estimator has them as `columns_`."""

    name: str  # as in the data frame, or x0, x1, ...
    split: str  # "numeric", "ordered", "multiway" or "subset"
    dtype: np.dtype  # of the values compared; float16, float32, float64, an integer, bool; object for categories
    categories: np.ndarray | None = None  # the values in order of their codes; None for numeric columns
    missing: bool = False  # whether a value was missing in training
    spread: float = 0.0  # of numbers: the largest met in training minus the smallest


class Coded(NamedTuple):
    """A column as growing sees it."""

    codes: np.ndarray  # (n,) uint8, uint16 or uint32: places in values; len(values) where the value is missing
    values: np.ndarray  # ascending numbers; of categories, their codes
    split: str = "numeric"  # or "ordered", "multiway", "subset"
    monotonic: int = 0  # 1, -1: predictions may only rise, only fall with the column
    rows: np.ndarray | None = None  # uint32, ascending: of a sparse column the rows that `codes` are of
    rest: int = 0  # and the code of all others


class Tree(NamedTuple):
    """The arrays of a tree of N nodes and C listed categories; K is the number of classes, or 1 in regression."""

    children_left: np.ndarray  # (N,) int64
    children_right: np.ndarray  # (N,) int64
    feature: np.ndarray  # (N,) int64: the column tested
    kind: np.ndarray  # (N,) uint8: LEAF, NUMERIC, MULTIWAY or SUBSET
    threshold: np.ndarray  # (N,) float64; -2 but for NUMERIC nodes
    threshold_int: np.ndarray  # (N,) int64, uint64 columns by their bits; 0 but for NUMERIC nodes of integer columns
    missing_go_to_left: np.ndarray  # (N,) bool; where no missing value was met in training, the side with more samples
    impurity: np.ndarray  # (N,) float64, in the criterion's unit: bits for entropy
    n_node_samples: np.ndarray  # (N,) int64
    weighted_n_node_samples: np.ndarray  # (N,) float64
    value: np.ndarray  # (N, n_outputs, K) float64: share of each class, or the predicted number
    gain: np.ndarray  # (N,) float64: impurity minus the children's weighted mean impurity; 0 at leaves
    category_start: np.ndarray  # (N + 1,) int64
    category_code: np.ndarray  # (C,) int64
    category_child: np.ndarray  # (C,) int64: a node
    n_features: int = 0

    @property
    def node_count(self):
        return len(self.feature)

    @property
    def n_leaves(self):
        return int(np.count_nonzero(self.kind == LEAF))

    @property
    def max_depth(self):
        return int(depths(self).max())

    @property
    def n_outputs(self):
        return self.value.shape[1]

    @property
    def n_classes(self):
        if self.n_outputs == 1:
            return np.array([self.value.shape[2]])
        return np.array([np.flatnonzero(shares)[-1] + 1 if shares.any() else 1 for shares in self.value[0]])

    @property
    def max_n_classes(self):
        return self.value.shape[2]

    @property
    def capacity(self):
        return self.node_count

    def apply(self, X):
        """(n,) node at which each row of X, dense or sparse numbers without categories, stops."""
        from fastml_ext.tree import apply

        if (self.kind == MULTIWAY).any() or (self.kind == SUBSET).any():
            raise ValueError("the tree tests categories, which its own apply does not know: ask the estimator's")
        numbers = X.toarray() if hasattr(X, "toarray") else np.ascontiguousarray(X)
        numbers = numbers if numbers.dtype.kind == "f" else numbers.astype(np.float64)
        return apply(self, numbers, [np.dtype(np.float64)] * self.n_features)

    def predict(self, X):
        """The value of the node at which each row stops: (n, K), of several outputs (n, n_outputs, K)."""
        values = self.value[self.apply(X)]
        return values[:, 0] if self.n_outputs == 1 else values

    def decision_path(self, X):
        """Sparse 0/1 matrix (n, N): the nodes that each row passes."""
        from fastml_ext.tree import decision_path

        indptr, indices = decision_path(self, self.apply(X))
        return csr_matrix((np.ones(len(indices), np.int64), indices, indptr), shape=(len(indptr) - 1, self.node_count))

    def compute_node_depths(self):
        """(N,) int64: the number of nodes from the root to every node, both included."""
        return depths(self) + 1

    def compute_partial_dependence(self, X, target_features, out):
        """Add to out (n,) the mean value of the tree when the columns target_features have the values of X (n, t).

        At other columns a row goes down both ways, by the weight of their rows.
        """
        for i, row in enumerate(np.asarray(X, np.float64)):
            waiting = [(0, 1.0)]
            while waiting:
                node, share = waiting.pop()
                if self.kind[node] == LEAF:
                    out[i] += share * self.value[node, 0, 0]
                    continue
                left, right = int(self.children_left[node]), int(self.children_right[node])
                at = np.flatnonzero(np.asarray(target_features) == self.feature[node])
                if len(at):
                    waiting.append((left if row[at[0]] <= self.threshold[node] else right, share))
                else:
                    part = self.weighted_n_node_samples[left] / self.weighted_n_node_samples[node]
                    waiting += [(left, share * part), (right, share * (1 - part))]

    def compute_feature_importances(self, normalize=True):
        """(n_features,) total decrease of impurity by each column, weighted by the rows it reached."""
        total = np.zeros(self.n_features)
        inner = self.kind != LEAF
        gain, share = self.gain, self.weighted_n_node_samples / self.weighted_n_node_samples[0]
        if normalize and not np.isfinite(gain).all():
            gain = gains_of_means(self)
        if normalize and gain.any():
            gain = gain / gain.max()  # so that no sum overflows
        np.add.at(total, self.feature[inner], (gain * share)[inner])
        return total / total.sum() if normalize and total.sum() > 0 else total


def gains_of_means(tree):
    """(N,) decreases of the variance as the values of the nodes tell them, in a unit in which they do not overflow."""
    value, weight, above = tree.value / np.abs(tree.value).max(), tree.weighted_n_node_samples, parents(tree)[1:]
    gain = np.zeros(tree.node_count)
    np.add.at(gain, above, weight[1:] / weight[above] * ((value[1:] - value[above]) ** 2).mean(axis=(1, 2)))
    return gain


def branches(tree, node):
    """[(child, codes)] of a node in order: codes is None at NUMERIC nodes, else the category codes that go there."""
    if tree.kind[node] == LEAF:
        return []
    pair = [int(tree.children_left[node]), int(tree.children_right[node])]
    if tree.kind[node] == NUMERIC:
        return [(child, None) for child in pair]
    start, stop = tree.category_start[node], tree.category_start[node + 1]
    codes, children = tree.category_code[start:stop], tree.category_child[start:stop]
    order = sorted(set(children.tolist())) if tree.kind[node] == MULTIWAY else pair
    return [(child, codes[children == child]) for child in order]


def exact_threshold(tree, node, dtype):
    """The threshold of a NUMERIC node, with which numbers of every dtype compare as the node compares them.

    A NumPy scalar of its column's dtype; of integers int64 or uint64, or float64 where it lies between two integers.
    """
    dtype = np.dtype(np.int64) if dtype.kind in "OSUT" else np.dtype(dtype)
    if dtype.kind == "f":
        return dtype.type(tree.threshold[node])
    if np.isfinite(tree.threshold[node]) and tree.threshold[node] % 1:
        return tree.threshold[node]
    return tree.threshold_int[node : node + 1].astype(np.uint64 if dtype == np.uint64 else np.int64)[0]


def parents(tree):
    """(N,) int64: the parent of every node, -1 for the root."""
    parent = np.full(tree.node_count, -1)
    for children in (tree.children_left, tree.children_right):
        inner = children >= 0
        parent[children[inner]] = np.flatnonzero(inner)
    parent[tree.category_child] = np.repeat(np.arange(tree.node_count), np.diff(tree.category_start))
    return parent


def depths(tree):
    """(N,) int64: the number of edges from the root to every node."""
    depth = np.zeros(tree.node_count, np.int64)
    for node, parent in enumerate(parents(tree).tolist()[1:], 1):
        depth[node] = depth[parent] + 1
    return depth
