"""Where the edges of bins come from: the data's range, its quantiles, its classes, a tree, or the user."""

import numpy as np
from sklearn.base import clone
from sklearn.utils.multiclass import type_of_target

from fastml.base import encode_labels
from fastml_ext import features as kernels
from fastml_ext import pool
from fastml_ext import tree as tree_kernels

__all__ = [
    "description_length_edges", "equal_parts", "given_edges", "middle", "quantile_edges", "tree_edges", "uniform_edges",
]  # fmt: skip

SORTING = 15.0  # ns a number
LARGE = 1e300  # a sum of weights that a number of bins could take beyond the largest float


def uniform_edges(columns, n_bins, n_jobs, closed="right"):
    """Bins of equal width from the smallest to the largest value of each column (values, weights or None)."""
    edges = []
    for (x, _), k in zip(columns, n_bins, strict=True):
        low, high = np.float64(x.min()), np.float64(x.max())
        edges.append(distinct(equal_parts(low, high, int(k)), closed))
    return edges


def equal_parts(low, high, k):
    """(k + 1,) float64: the numbers nearest to low + i (high - low) / k; in exact arithmetic, which cannot overflow."""
    (a, p), (b, q) = float(low).as_integer_ratio(), float(high).as_integer_ratio()
    whole = max(p, q)  # both are powers of two
    a, b = a * (whole // p), b * (whole // q)
    return np.array([(a * (k - i) + b * i) / (whole * k) for i in range(k + 1)])


def quantile_edges(columns, n_bins, n_jobs, closed="right"):
    """Bins of equal weight; quantiles are values, or means of two, and equal ones are one edge.

    A quantile that is the largest value (closed="right") would part nothing, as would the smallest (closed="left"): the
    edge then is the value next to it, so that the rows that hold the extreme are a bin of their own.
    """

    wanted = list(zip(columns, n_bins, strict=True))

    def find(start, stop):
        return [moved(quantiles(x, w, k), x, closed) for (x, w), k in wanted[start:stop]]

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
        wanted = np.arange(k + 1) * (total[-1] / k) if total[-1] > LARGE else np.arange(k + 1) * total[-1] / k
        first, after = np.searchsorted(total, wanted, "left"), np.searchsorted(total, wanted, "right")
    last = len(x) - 1
    return middle(x[np.clip(first, 0, last)], x[np.clip(after, 0, last)])


def middle(a, b):
    """The means of two arrays, float64: none overflows, and that of two equal numbers, however small, is the number."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.where(a == b, a, np.clip(a / 2 + b / 2, np.minimum(a, b), np.maximum(a, b)))


def moved(edges, x, closed):
    """Quantiles as edges that part something."""
    low, high = edges[0], edges[-1]
    if low < high:
        inner = edges[1:-1]
        if closed == "right" and (inner == high).any():
            inner[inner == high] = x[x < high].max()
        elif closed == "left" and (inner == low).any():
            inner[inner == low] = x[x > low].min()
    return distinct(edges, closed)


def distinct(edges, closed):
    """Edges without repetitions but where one parts the rows that hold an extreme: [0, 0, 2] is x <= 0 and x > 0.

    A constant column keeps two equal ones, as one bin.
    """
    low, high, inner = edges[0], edges[-1], np.unique(edges[1:-1])
    parting = (inner >= low) & (inner < high) if closed == "right" else (inner > low) & (inner <= high)
    return np.array([low, *inner[parting], high])


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
        given = np.asarray(edges)
        if given.dtype.kind in "mMc":
            raise TypeError
        edges = given.astype(np.float64)
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
