"""Where the edges of bins come from: the data's range, its quantiles, its classes, a tree, or the user."""

import numpy as np
from sklearn.base import clone
from sklearn.utils.multiclass import type_of_target

from fastml.base import encode_labels
from fastml_ext import features as kernels
from fastml_ext import pool
from fastml_ext import tree as tree_kernels

__all__ = ["description_length_edges", "given_edges", "quantile_edges", "tree_edges", "uniform_edges"]

SORTING = 15.0  # ns a number


def uniform_edges(columns, n_bins, n_jobs):
    """Bins of equal width from the smallest to the largest value of each column (values, weights or None)."""
    edges = []
    for (x, _), k in zip(columns, n_bins, strict=True):
        low, high = np.float64(x.min()), np.float64(x.max())
        edges.append(np.linspace(low, high, k + 1) if low < high else np.array([low, high]))
    return edges


def quantile_edges(columns, n_bins, n_jobs):
    """Bins of equal weight; quantiles are values, or means of two, and equal ones are one edge."""

    def find(start, stop):
        return [distinct(quantiles(*columns[j], n_bins[j])) for j in range(start, stop)]

    parts = pool.run(find, len(columns), cost=SORTING * max(len(x) for x, _ in columns), n_jobs=n_jobs)
    return [edges for part in parts for edges in part]


def quantiles(x, weight, k):
    """(k + 1,) float64: at share s the value where the weight up to it passes s, the mean of two where it equals s."""
    if weight is None:
        x, shares = np.sort(x), np.arange(k + 1) * len(x)  # shares times k, as whole numbers: no rounding decides
        first, after = -(-shares // k) - 1, shares // k
    else:
        order = np.argsort(x, kind="stable")
        x, total = x[order], np.cumsum(weight[order])
        wanted = np.arange(k + 1) * total[-1] / k
        first, after = np.searchsorted(total, wanted, "left"), np.searchsorted(total, wanted, "right")
    last = len(x) - 1
    return x[np.clip(first, 0, last)] / np.float64(2) + x[np.clip(after, 0, last)] / np.float64(2)


def distinct(edges):
    """Edges without repetitions; a constant column keeps two equal ones, as one bin."""
    kept = np.unique(edges)
    return kept if len(kept) > 1 else np.repeat(kept, 2)


def description_length_edges(X, y, weight, n_jobs):
    """Cuts between classes, as far as they pay for their own description (Fayyad and Irani 1993)."""
    classes, labels = encode_labels(y)
    coded = tree_kernels.encode(X, n_jobs)
    sizes = [len(values) for values, _ in coded]
    ranks = kernels.mdl_cuts([codes for _, codes in coded], sizes, labels, weight, len(classes), n_jobs)
    edges = []
    for (values, _), at in zip(coded, ranks, strict=True):
        cuts = tree_kernels.midpoint(values[at], values[at + 1]).astype(np.float64)
        edges.append(between(values, cuts))
    return edges


def tree_edges(X, y, weight, n_bins, tree, n_jobs):
    """Thresholds of a decision tree grown on each column alone, or of the fitted tree that is given."""
    if hasattr(tree, "tree_"):
        if tree.n_features_in_ != X.shape[1]:
            raise ValueError(f"tree was fitted to {tree.n_features_in_} columns, but X has {X.shape[1]}")
        thresholds = [thresholds_of(tree.tree_, j) for j in range(X.shape[1])]
    else:
        thresholds = []
        for x, k in zip(X.T, n_bins, strict=True):
            known = ~np.isnan(x)
            model = clone(tree) if tree is not None else default_tree(y, k, n_jobs)
            model.fit(x[known, None], y[known], None if weight is None else weight[known])
            thresholds.append(thresholds_of(model.tree_, 0))
    return [between(x[~np.isnan(x)], cuts) for x, cuts in zip(X.T, thresholds, strict=True)]


def default_tree(y, n_leaves, n_jobs):
    from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if type_of_target(y) in ("continuous", "continuous-multioutput"):
        return DecisionTreeRegressor(max_leaf_nodes=n_leaves, random_state=0, n_jobs=n_jobs)
    return DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=n_leaves, random_state=0, n_jobs=n_jobs)


def thresholds_of(tree, feature):
    from fastml_ext.tree.structure import NUMERIC

    found = tree.threshold[(tree.kind == NUMERIC) & (tree.feature == feature)]
    return np.unique(found[np.isfinite(found)])  # infinity parts what is missing from what is not


def between(values, cuts):
    """The cuts that part some of the values, with their smallest and largest value round them."""
    low, high = np.float64(values.min()), np.float64(values.max())
    inner = cuts[(cuts >= low) & (cuts < high)]
    return np.array([low, *inner, high])


def given_edges(edges, names, dtype):
    """Edges for each column from what the user gave: one array for all, one for each, or a dict by name."""
    if isinstance(edges, dict):
        absent = [name for name in names if name not in edges]
        if absent:
            raise ValueError(f"edges has no entry for the column {absent[0]!r}; it names {', '.join(map(repr, edges))}")
        each = [edges[name] for name in names]
    elif len(edges) and np.ndim(edges[0]) == 0:
        each = [edges] * len(names)
    else:
        each = list(edges)
    if len(each) != len(names):
        raise ValueError(
            f"edges has {len(each)} arrays for the {len(names)} columns of X: give one each, or one for all"
        )
    return [checked_edges(e, name, dtype) for e, name in zip(each, names, strict=True)]


def checked_edges(edges, name, dtype):
    try:
        edges = np.asarray(edges, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"edges of the column {name!r} are {edges!r}: they must be numbers") from None
    with np.errstate(over="ignore"):
        rounded = edges.astype(dtype)
    if edges.ndim != 1 or len(edges) < 2 or not (rounded[:-1] < rounded[1:]).all():
        raise ValueError(
            f"edges of the column {name!r} are {edges.tolist()}: two or more {np.dtype(dtype)} numbers in ascending"
            " order are needed, each larger than the one before"
        )
    return rounded.astype(np.float64)
