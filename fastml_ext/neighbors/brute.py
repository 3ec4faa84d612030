"""Nearest neighbours without a tree: points as a search reads them, and which search serves. Contract: reference/."""

from typing import Any, NamedTuple

import numpy as np

from fastml_ext import pool
from fastml_ext.neighbors import axes, bounded, metrics, order, scan, sparse
from fastml_ext.neighbors.user_metric import compile_metric

__all__ = ["nearest", "prepare", "within_radius"]

NOBODY = np.empty(0, np.int64)
SMALLEST_BOUNDED = 2**20  # values compared, n m d, from which a product beats a scan when the panels are there
FEWEST_QUERIES = 8  # of one search that a product serves
WORTH_PANELS = 16  # queries of one search from which it pays to lay the points out in panels
PRODUCT, MOMENT, ROTATION = 1 / 90, 0.04, 1.0  # ns: a value that the principal axes save, of their covariance, of d**3


class Index(NamedTuple):
    """The points of a search. `cache` holds what large searches computed; it may be cleared."""

    points: Any  # (n, d) ndarray in C order, or sparse.Rows; of the cosine metric, rows of length 1
    dtype: np.dtype  # of distances and queries: float32 or float64
    metric: metrics.Row
    p: float
    w: np.ndarray  # (d,) or (0,)
    function: Any  # the user's compiled metric, or None
    cache: dict


def prepare(X, metric="euclidean", p=2, w=None):
    """The Index of the points X. `metric` may also be a Metric, which is taken as it is."""
    dtype = np.dtype(np.float32 if X.dtype == np.float32 else np.float64)
    if not isinstance(metric, metrics.Metric):
        metric = metrics.of(metric, p, w, X.shape[1])
    row, function = metric.row, None
    if row.code == metrics.FUNCTION:
        function = compile_metric(metric.function)
        X = np.ascontiguousarray(X, np.float64)
        dtype = X.dtype
    elif metrics.COMPUTED in row.served_by:
        raise ValueError(f"metric={row.name!r} has no kernel: search its distances with metric='precomputed'")
    if row.code == metrics.MINKOWSKI:
        weights = np.ones(X.shape[1], dtype) if metric.w is None else metric.w.astype(dtype)
    else:
        weights = np.empty(0, dtype)
    if not isinstance(X, np.ndarray):
        if metrics.SPARSE not in row.served_by:
            served = ", ".join(metrics.served_by(metrics.SPARSE))
            raise ValueError(f"metric={row.name!r} does not take a sparse X, only {served} do: use X.toarray()")
        X = sparse.rows(X, dtype, unit=row.name == "cosine")
    elif row.name == "cosine":
        X = on_unit_sphere(X, dtype, own=0)
    elif row.code == metrics.PRECOMPUTED:
        X = np.empty((len(X), 0), dtype)
    return Index(X, dtype, row, metric.p, weights, function, {})


def nearest(index, Q, k, exclude=None, n_jobs=None, progress=None):
    exclude = NOBODY if exclude is None else exclude
    Q = queries(index, Q, n_jobs)
    if isinstance(index.points, sparse.Rows):
        reduced, indices = sparse.nearest(index.points, Q, k, exclude, index.metric.name, n_jobs, progress)
    elif (projection := product_of(index, Q, k, n_jobs)) is not None:
        reduced, indices = bounded.nearest(index.points, projection, Q, k, exclude, n_jobs, progress)
    else:
        reduced, indices = scan.nearest(scan_of(index, Q, exclude), k, n_jobs, progress)
    return distances(index, reduced), indices


def within_radius(index, Q, r, n_jobs=None, progress=None):
    Q = queries(index, Q, n_jobs)
    limit = index.dtype.type(largest_reduced(index, r))
    if isinstance(index.points, sparse.Rows):
        parts = sparse.within(index.points, Q, limit, index.metric.name, n_jobs, progress)
    elif limit >= 0 and (projection := product_of(index, Q, 0, n_jobs)) is not None:
        parts = bounded.within(index.points, projection, Q, limit, n_jobs, progress)
    else:
        parts = scan.within(scan_of(index, Q, NOBODY), limit, n_jobs, progress)
    rows, indices, reduced = (np.concatenate([part[at] for part in parts] or [NOBODY]) for at in range(3))
    inside = distances(index, reduced.copy()) <= r
    if not inside.all():
        rows, indices, reduced = rows[inside], indices[inside], reduced[inside]
    return in_order(index, Q.shape[0], rows, indices, reduced, n_jobs)


def in_order(index, m, rows, indices, reduced, n_jobs):
    """(indptr, indices, distances) of what was found for the queries `rows`, of m: in order of (distance, index)."""
    indptr = np.zeros(m + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=m), out=indptr[1:])
    reduced, places = reduced.astype(index.dtype, copy=False), indptr[:-1].copy()
    sorted_indices, sorted_reduced = np.empty(len(rows), np.int64), np.empty(len(rows), index.dtype)
    order.by_query(rows, indices, reduced, places, sorted_indices, sorted_reduced)
    cost = 40 * len(rows) / max(m, 1) + 10
    pool.run(order.sort_each, m, indptr, sorted_reduced, sorted_indices, cost=cost, n_jobs=n_jobs)
    return indptr, sorted_indices, distances(index, sorted_reduced)


def queries(index, Q, n_jobs=None):
    """The queries in the form of the points."""
    if isinstance(index.points, sparse.Rows):
        return sparse.rows(Q, index.dtype, unit=index.metric.name == "cosine", own=1)
    if index.metric.name == "cosine":
        return on_unit_sphere(Q, index.dtype, 1, n_jobs)
    return np.ascontiguousarray(Q, index.dtype)


def on_unit_sphere(X, dtype, own, n_jobs=None):
    """Rows of length 1, on which the cosine distance is half the squared Euclidean one.

    A row of zeros has no direction: it gets one of its own, at right angles to all others, points and queries apart,
    which is where scikit-learn's 1 - 0 puts it. This costs two columns.
    """
    rows = np.zeros((len(X), X.shape[1] + 2), dtype)
    pool.run(scan.to_unit_length, len(X), X, X.shape[1] + own, rows, cost=2 * X.shape[1], n_jobs=n_jobs)
    return rows


def product_of(index, Q, k, n_jobs):
    """(Axes, PointPanels) if a product serves this search: Euclidean, of enough queries, its panels there or worth it.

    The rule is a function of the shapes, and of the searches before only through what they left in the cache and
    how many queries they had.
    """
    (m, d), n, cache = Q.shape, len(index.points), index.cache
    if metrics.PRODUCT not in index.metric.served_by or m < FEWEST_QUERIES or n * m * d < SMALLEST_BOUNDED or 4 * k > n:
        return None
    if "axes" not in cache and m < WORTH_PANELS:
        return None
    cache["queries"] = cache.get("queries", 0) + m
    rotate = axes.may_rotate(d) and worth_rotation(n, d, cache["queries"])
    if "axes" not in cache or (rotate and not cache["rotated"]):
        cache["axes"] = axes.make(index.points, bounded.WIDTH, rotate, n_jobs)
        cache["rotated"] = rotate
    return cache["axes"]


def worth_rotation(n, d, queries):
    """Whether so many queries have cost more than finding the principal axes, which save up to two thirds of that."""
    return n * d * queries * PRODUCT > d * d * (MOMENT * axes.sample_size(n, d) + ROTATION * d)


def scan_of(index, Q, exclude):
    function = 0 if index.function is None else index.function.address
    relative, absolute = axes.rounding(index.dtype, Q.shape[1])
    return scan.Scan(index.points, Q, exclude, index.metric.code, index.p, index.w, function, relative, absolute)


def distances(index, reduced):
    """The distances that reduced ones stand for; may be written over them."""
    return index.metric.distance(reduced, index.p, index.points.shape[1])


def largest_reduced(index, r):
    """A reduced distance that none at a distance of r exceeds, by a margin far above its rounding."""
    r = float(r)
    if r < 0:
        return -1.0
    with np.errstate(over="ignore"):
        r = np.float64(r) * (1 + 2.0**-18) + float(np.finfo(index.dtype).tiny) * 2.0**10
        return index.metric.reduced(r, index.p, index.points.shape[1])
