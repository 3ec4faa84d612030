"""Nearest neighbours by definition: the contract of the kernels.

Shapes: n points, m queries, d columns, k neighbours.
"""

import math

import numpy as np

__all__ = ["distances", "nearest", "prepare", "reduced_distances", "within_radius"]


def prepare(X, metric="euclidean", p=2, w=None):
    """What a search needs to know of the points X (n, d): the definition keeps them as they are.

    X: float32, float64, or an integer type of up to 32 bits, or of 64 bits within 2**53; or a SciPy sparse matrix, for
    euclidean, manhattan and cosine only. C order. Finite, but NaN stands for a missing value where the metric is
    nan_euclidean.
    metric: a name of `distances`, or a function of two rows (d,) float64 that returns a number
    p: power of minkowski, above 0 | w (d,): weights of the columns, finite and not negative, for minkowski with a
    finite p

    Raises ValueError for a metric, p or w that is none of these, and for a function that cannot be compiled.
    """
    return X, metric, p, w


def nearest(index, Q, k, exclude=None):
    """The k nearest points of each query Q (m, d): (distances (m, k), indices (m, k) int64), nearest first.

    Points at one reduced distance (see `reduced_distances`) stand in order of their index.
    index: from `prepare` | exclude (m,): a point that is no neighbour of that query, -1 for none | 1 <= k <= n, and
    k <= n - 1 where a point is excluded. Q: in the dtype of the distances, see `distances`, C order.
    """
    X, metric, p, w = index
    reduced = reduced_distances(X, Q, metric, p, w)
    indices = np.empty((len(reduced), k), np.int64)
    for q, row in enumerate(reduced):
        left_out = -1 if exclude is None else exclude[q]
        ranked = sorted((value, i) for i, value in enumerate(row) if i != left_out)
        indices[q] = [i for _, i in ranked[:k]]
    return np.take_along_axis(distances(X, Q, metric, p, w), indices, axis=1), indices


def within_radius(index, Q, r):
    """All points at a distance of at most r: (indptr (m + 1,), indices, distances), int64, int64 and as in `distances`.

    The neighbours of query q are indices[indptr[q]:indptr[q + 1]], nearest first as in `nearest`.
    """
    X, metric, p, w = index
    reduced, found = reduced_distances(X, Q, metric, p, w), distances(X, Q, metric, p, w)
    inside = [sorted(np.flatnonzero(row <= r), key=lambda i, q=q: (reduced[q, i], i)) for q, row in enumerate(found)]
    indptr = np.cumsum([0, *(len(row) for row in inside)])
    values = [found[q, i] for q, row in enumerate(inside) for i in row]
    return indptr, np.array([i for row in inside for i in row], np.int64), np.array(values, found.dtype)


def distances(X, Q, metric="euclidean", p=2, w=None):
    """All distances (m, n), float32 if X is float32 and else float64: a function of the reduced ones for each metric.

    euclidean, manhattan, chebyshev, minkowski    as usual; minkowski is (sum of w |x - q|^p)^(1/p)
    hamming          share of the columns that differ
    cosine           1 - cos of the angle between x and q, as half the squared distance of the rows scaled to length 1,
                     which loses nothing to cancellation; 1 where either row is all zeros
    nan_euclidean    squares of the columns that both have, times d over their number; NaN where there is none, which
                     stands after all others
    haversine        great circle between (latitude, longitude) in radians, on a sphere of radius 1
    precomputed      Q (m, n) holds the distances themselves
    """
    reduced = reduced_distances(X, Q, metric, p, w)
    dtype = reduced.dtype.type
    if metric in ("euclidean", "nan_euclidean") or (metric == "minkowski" and p == 2):
        return np.where(np.isinf(reduced) & (metric == "nan_euclidean"), dtype(np.nan), np.sqrt(reduced))
    if metric == "minkowski" and p not in (1, np.inf):
        return power(reduced, dtype(1) / dtype(p))
    if metric == "cosine":
        return np.minimum(reduced / 2, dtype(2))
    if metric == "hamming":
        return reduced / dtype(X.shape[1])
    if metric == "haversine":
        return 2 * np.arcsin(np.sqrt(np.minimum(reduced, dtype(1))))
    return reduced


def reduced_distances(X, Q, metric="euclidean", p=2, w=None):
    """What neighbours are ordered by, (m, n): the distance without its last step.

    Differences of the values as given, summed from the first column to the last, each operation rounded by itself in
    the dtype of the distances. A column of weight 0 takes no part, even where its power overflows.
    """
    if metric == "precomputed":
        return Q
    dtype = np.float32 if X.dtype == np.float32 else np.float64
    X, Q = (rows.toarray() if hasattr(rows, "toarray") else rows for rows in (X, Q))
    X, Q = X.astype(dtype), Q.astype(dtype)
    if callable(metric):
        values = np.array([[metric(y, x) for x in X] for y in Q])
        return np.where(np.isnan(values), np.inf, values)
    if metric == "cosine":
        X, Q = unit_rows(X, 0), unit_rows(Q, 1)
    total = np.zeros((len(Q), len(X)), dtype)
    if metric == "haversine":
        latitude, longitude = (np.sin((X[:, j] - Q[:, j, None]) / 2) for j in (0, 1))
        return latitude**2 + np.cos(X[:, 0]) * np.cos(Q[:, 0, None]) * longitude**2
    for j in range(X.shape[1]):
        size = np.abs(X[:, j] - Q[:, j, None])
        if metric == "chebyshev" or (metric == "minkowski" and p == np.inf):
            total = np.maximum(total, size)
        else:
            total += column_term(size, metric, p, 1 if w is None else np.asarray(w)[j].astype(dtype))
    if metric == "nan_euclidean":
        shared = (~(np.isnan(X) | np.isnan(Q[:, None]))).sum(axis=2)
        others = dtype(X.shape[1]) / np.maximum(shared, 1).astype(dtype)
        return np.where(shared == 0, dtype(np.inf), total * others)
    return total


def column_term(size, metric, p, weight):
    """What columns that differ by `size` add to the reduced distance."""
    if metric == "manhattan":
        return size
    if metric == "hamming":
        return size != 0
    if metric == "nan_euclidean":
        return np.where(np.isnan(size), 0, size * size)
    if metric in ("euclidean", "cosine"):
        return size * size
    if weight == 0:
        return 0
    return weight * (size if p == 1 else size * size if p == 2 else power(size, p))


def power(values, p):
    """values**p, p rounded to their dtype, one by one: over whole arrays NumPy's powers depend on the machine."""
    flat = [value ** values.dtype.type(p) for value in values.ravel()]
    return np.array(flat, values.dtype).reshape(values.shape)


def unit_rows(X, own):
    """Rows scaled to length 1; a row of zeros points along one of two further columns, its own for X and for Q."""
    rows = np.zeros((len(X), X.shape[1] + 2), X.dtype)
    for row, x in zip(rows, X, strict=True):
        x = np.ldexp(x, -math.frexp(np.abs(x).max())[1])  # a power of two, so that squares neither overflow nor vanish
        length = math.sqrt(np.cumsum(np.square(x, dtype=np.float64))[-1])  # added up in order, each step rounded
        row[: len(x)] = x / X.dtype.type(length or 1)
        row[len(x) + own] = length == 0
    return rows
