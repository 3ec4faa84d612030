"""Nearest neighbours by a KD-tree. Contract: reference/."""

import functools
from typing import NamedTuple

import numpy as np

from fastml_ext import pool
from fastml_ext.neighbors import metrics
from fastml_ext.neighbors.kd_tree import search
from fastml_ext.neighbors.kd_tree.grow import grow, lowest_indices
from fastml_ext.neighbors.kd_tree.places import places

__all__ = ["Tree", "build_tree", "count_pairs", "count_radius", "pairs", "query_radius", "query_tree"]

NONE, ALL = np.empty(0, np.int64), np.empty(0, np.bool_)
UNLIMITED = {np.dtype(real): np.full(1, np.inf, real) for real in (np.float32, np.float64)}
UNROLLED = 3  # columns up to which their number may be compiled in: from 4 on that gains nothing
NARROW = 8  # columns up to which NumPy is slow along a row
SMALL, LARGE = 16, 32  # points in a leaf


class Tree(NamedTuple):
    """Points in leaves of equal size, and the splits above them: node v has its left child at v + 1 (see grow.py)."""

    leaves: np.ndarray  # (n_leaves, d, leaf size): the points, column by column; infinite where there is none
    index: np.ndarray  # (n_leaves, leaf size): which point stands where; the dtype's maximum where there is none
    edges: np.ndarray  # (n_leaves - 1, 2): greatest value left of a split, least right of it
    column: np.ndarray  # (n_leaves - 1,): the column that is split
    lowest: np.ndarray  # (2 n_leaves - 1,): lowest index in a node or leaf, all numbered in preorder
    box: np.ndarray  # (2, d): least and greatest value of each column
    weights: np.ndarray  # (d,)
    p: float
    metric: int  # a code of metrics.py, and search.WEIGHTED if the columns have weights
    shrink: float  # what a bound is multiplied by before it is trusted, where it is not exact
    n: int
    nobody: int  # the index of no point, above all others


def build_tree(X, leaf_size=None, metric="euclidean", p=2, w=None, n_jobs=None):
    """Grow a KD-tree over the points X (n, d)."""
    code, p = metric_code(metric, p, w, X.shape[1])
    X = np.ascontiguousarray(X, np.float32 if X.dtype.newbyteorder("=") == np.float32 else np.float64)
    n, d = X.shape
    weights = np.ones(d, X.dtype) if w is None else np.ascontiguousarray(w, X.dtype)
    X = without_unweighted(X, weights)
    leaves, index, edges, column = grow(X, points_in_leaf(d, leaf_size), n_jobs)
    lowest, box = lowest_indices(index, ALL), bounding_box(X)
    shrink = 1 - (3 * d + 256) * np.finfo(X.dtype).eps
    return Tree(leaves, index, edges, column, lowest, box, weights, p, code, shrink, n, np.iinfo(index.dtype).max)


def points_in_leaf(d, wanted=None):
    """16 or 32: what is quickest for so many columns, unless clearly fewer or more points are wanted.

    Each size needs kernels of its own, so there are two: the answers are the same for any.
    """
    if wanted is not None and not SMALL < wanted < 2 * LARGE:
        return SMALL if wanted <= SMALL else LARGE
    return SMALL if d < 5 else LARGE


def without_unweighted(X, weights):
    """X with 0 in the columns of weight 0: a difference that overflows, times 0, would be no number."""
    return X if weights.all() else np.where(weights == 0, X.dtype.type(0), X)


def bounding_box(X):
    """(2, d): column by column where they are few, because NumPy takes 20 times longer along a short last axis."""
    if X.shape[1] > NARROW:
        return np.array([X.min(axis=0), X.max(axis=0)])
    return np.array([[column.min() for column in X.T], [column.max() for column in X.T]])


def metric_code(metric, p, w, n_features):
    """(code, p) of a metric; the powers 1, 2 and infinity have kernels of their own, with and without weights."""
    row = metrics.by_name(metric)
    if metrics.TREE not in row.served_by:
        raise ValueError(f"metric={metric!r}: a tree serves {', '.join(metrics.served_by(metrics.TREE))}")
    p = metrics.resolve("minkowski", row.power or p, {"w": w}, n_features).p
    if p < 1:
        raise ValueError(f"p={p!r}: below 1 there is no distance that a tree can serve, pass at least 1")
    row = metrics.METRICS[metrics.BY_POWER.get(p, "minkowski")]
    return row.code + (0 if w is None else search.WEIGHTED), 1.0 if p == np.inf else p


def query_tree(tree, Q, k, upper_bound=np.inf, allowed=None, exclude=None, n_jobs=None, progress=None):
    """The k nearest points of each query: (distances (m, k), indices (m, k))."""
    tree, Q, home, order, wanted = plan(tree, Q, upper_bound, allowed, exclude, n_jobs)
    m, dtype = len(Q), Q.dtype
    distances, indices = np.empty((m, k), dtype), np.empty((m, k), np.int64)
    kernel = search.nearest_kernel(*variant(tree), lanes(tree.metric, k))
    arrays = tree, Q, home, order, wanted, distances, indices
    pool.run(kernel, m, *arrays, cost=cost(tree, k), n_jobs=n_jobs, progress=progress)
    return distances, indices


def query_radius(tree, Q, r, allowed=None, exclude=None, n_jobs=None, progress=None):
    """The points within r of each query: (indptr (m + 1,), indices, distances)."""
    arrays = plan(tree, Q, r, allowed, exclude, n_jobs)
    return find_within(*arrays, search.BY_DISTANCE, n_jobs, progress)


def count_radius(tree, Q, r, allowed=None, exclude=None, n_jobs=None):
    """Number of points within r of each query (m,)."""
    return np.diff(count_within(*plan(tree, Q, r, allowed, exclude, n_jobs), n_jobs))


def pairs(tree, r, allowed=None, n_jobs=None, progress=None):
    """Every two points within r of one another: (n_pairs, 2)."""
    *arrays, wanted = plan(tree, points(tree), r, allowed, None, n_jobs)
    after = np.arange(tree.n)
    if allowed is not None:
        after[~allowed] = tree.n
    arrays = *arrays, wanted._replace(after=after)
    indptr, second, _ = find_within(*arrays, search.BY_INDEX, n_jobs, progress)
    return np.column_stack([np.repeat(np.arange(tree.n), np.diff(indptr)), second])


def count_pairs(tree, r, allowed=None, n_jobs=None):
    """Number of pairs within r of one another."""
    counts = count_radius(tree, points(tree), r, allowed, n_jobs=n_jobs)
    if allowed is not None:
        counts = counts[allowed]
    return int((counts.sum() - len(counts)) // 2)  # but for itself, each pair is counted from both ends


def count_within(tree, Q, home, order, wanted, n_jobs):
    """(m + 1,) where the neighbours of each query begin, if written one after the other."""
    indptr = np.zeros(len(Q) + 1, np.int64)
    arrays = tree, Q, home, order, wanted, search.COUNT, indptr, NONE, np.empty(0, Q.dtype)
    pool.run(search.within_kernel(*variant(tree)), len(Q), *arrays, cost=cost(tree, 10), n_jobs=n_jobs)
    return np.cumsum(indptr, out=indptr)


def find_within(tree, Q, home, order, wanted, sorting, n_jobs, progress):
    """(indptr, indices, distances) of the neighbours of each query."""
    indptr = count_within(tree, Q, home, order, wanted, n_jobs)
    indices, distances = np.empty(indptr[-1], np.int64), np.empty(indptr[-1], Q.dtype)
    arrays = tree, Q, home, order, wanted, sorting, indptr, indices, distances
    kernel, each = search.within_kernel(*variant(tree)), 40 * indptr[-1] / max(1, len(Q))
    pool.run(kernel, len(Q), *arrays, cost=cost(tree, 10) + each, n_jobs=n_jobs, progress=progress)
    return indptr, indices, distances


def plan(tree, Q, radius, allowed, exclude, n_jobs):
    """The tree and the queries, where they fall and in what order they are served, and what they may find."""
    dtype = tree.leaves.dtype
    Q = np.ascontiguousarray(Q, dtype)
    if tree.metric >= search.WEIGHTED:
        Q = without_unweighted(Q, tree.weights)
    if allowed is not None:
        tree = tree._replace(lowest=lowest_indices(tree.index, allowed))
    limit = UNLIMITED[dtype] if radius is np.inf else limits_at(radius, tree)
    home, order = places(tree, Q, n_jobs)
    wanted = search.Wanted(limit, NONE if exclude is None else exclude, NONE, ALL if allowed is None else allowed)
    return tree, Q, home, order, wanted


def limits_at(radius, tree):
    """The largest reduced distance at a radius, of all queries or of each: (1,) or (m,)."""
    dtype = tree.leaves.dtype
    radius = np.atleast_1d(np.asarray(radius, dtype))
    limit = radius.copy()
    if not np.isinf(radius).all():
        search.limits(0, len(radius), radius, dtype.type(tree.p), tree.metric, limit)
    return limit


def variant(tree):
    """What the kernels that serve a tree have compiled in: columns, metric, size of leaves."""
    _, d, size = tree.leaves.shape
    return compiled_in(d, tree.metric, size)


@functools.lru_cache(256)
def compiled_in(d, metric, size):
    """(columns, metric, size of leaves): kernels for 0 columns serve any number.

    Only those of the Euclidean distance are made for a few columns, and for the size of leaves that suits them.
    """
    special = metric == search.EUCLIDEAN and 2 <= d <= UNROLLED and size == points_in_leaf(d)
    return d if special else 0, metric, size


@functools.lru_cache(256)
def lanes(metric, k):
    """How many neighbours the kernel for a metric holds in a vector, at least k; 0: any number, in memory."""
    return next((n for n in ((1, 8, 16) if metric == search.EUCLIDEAN else (8, 16)) if k <= n), 0)


def all_compiled_in():
    """All that `variant` and `lanes` can say: (columns, metric, size of leaves, lanes), for the list of kernels."""
    served = [metrics.METRICS[name].code for name in metrics.served_by(metrics.TREE)]
    weighted = [code + search.WEIGHTED for code in served if code != metrics.CHEBYSHEV]
    codes, sizes = served + weighted, (SMALL, LARGE)
    shapes = {compiled_in(d, code, size) for d in range(1, UNROLLED + 2) for code in codes for size in sizes}
    return sorted({(*shape, lanes(shape[1], k)) for shape in shapes for k in (1, 8, 16, 17)})


def cost(tree, k):
    return cost_of(*tree.leaves.shape, k)


@functools.lru_cache(256)
def cost_of(n_leaves, d, size, k):
    """Nanoseconds a query may take: about (1 + (k / size)^(1/d))^d leaves are visited."""
    visited = min(n_leaves, (1 + (k / size) ** (1 / d)) ** d)
    return 150 + 30 * k + visited * (20 + 0.1 * d * size)


def points(tree):
    """The points in the order in which they were given."""
    d = tree.leaves.shape[1]
    X = np.empty((tree.n, d), tree.leaves.dtype)
    X[tree.index.ravel()[: tree.n]] = tree.leaves.transpose(0, 2, 1).reshape(-1, d)[: tree.n]
    return X
