"""The algorithms behind one interface: nearest(Q, k, exclude) and within(Q, r), one answer from all of them.

Neighbours stand in order of (distance, index). `exclude` (m,) is a fitted point that is left out for that query.
"""

import functools
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastml.neighbors.metrics import table_of
from fastml_ext import neighbors as kernels

__all__ = ["Brute", "Computed", "Given", "Tree", "only"]


class Search:
    """Queries are checked rows, dense or CSR; where the points are dense, CSR is written out a few rows at a time."""

    DENSE_AT_ONCE = 2**22  # values: 32 MB
    _nearest: Any
    _within: Any

    def nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        if isinstance(Q, np.ndarray) or not self._writes_out():
            return self._nearest(Q, k, exclude, n_jobs, progress)
        parts = [
            self._nearest(Q[part].toarray(), k, None if exclude is None else exclude[part], n_jobs)
            for part in self._parts(Q, self.DENSE_AT_ONCE // max(Q.shape[1], 1), progress)
        ]
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        if isinstance(Q, np.ndarray) or not self._writes_out():
            return self._within(Q, r, exclude, n_jobs, progress)
        return joined(
            self._within(Q[part].toarray(), r, None if exclude is None else exclude[part], n_jobs)
            for part in self._parts(Q, self.DENSE_AT_ONCE // max(Q.shape[1], 1), progress)
        )

    def _writes_out(self):
        return True

    @staticmethod
    def _parts(Q, size, progress):
        """Slices of at most `size` queries, at least one."""
        size = max(1, size)
        for start in range(0, Q.shape[0], size):
            if progress is not None:
                progress(start)
            yield slice(start, start + size)


class ScaledSearch(Search):
    """A search whose distances double with the numbers: where squares overflow or vanish, in units of 2**exponent.

    Told by the results, so that a search of ordinary numbers costs nothing more.
    """

    _dtype: np.dtype
    _anew: Any  # the same search among other points

    def __init__(self, points, metric):
        self._points, self._metric = points, metric
        self._scaled = metric.row.scales and points.dtype.kind == "f"
        self._largest, self._in_units = None, (0, None)

    def nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        found = super().nearest(Q, k, exclude, n_jobs, progress)
        if not self._scaled or in_range(found[0], self._dtype):
            return found
        exponent = self._exponent(Q)
        if exponent == 0 and self._metric.name == "minkowski" and np.isinf(found[0]).any():  # of a high power
            exponent = int(np.frexp(max(self._largest, largest_of(Q)))[1])
        if exponent == 0:
            return found
        distances, indices = self._in(exponent).nearest(in_units(Q, exponent), k, exclude, n_jobs, progress)
        distances = in_units(distances, -exponent)
        return (distances, indices) if exponent < 0 else near_then_far(found, (distances, indices))

    def within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        exponent = self._exponent(Q) if self._scaled else 0
        high = SAFE[self._dtype][1] if exponent > 0 else np.inf
        if exponent == 0 or (exponent > 0 and r < high):  # a distance that overflows is no such distance
            with np.errstate(over="ignore"):
                return super().within(Q, r, exclude, n_jobs, progress)
        in_unit = float(in_units(np.float64(r), exponent))
        starts, indices, distances = self._in(exponent).within(
            in_units(Q, exponent), in_unit, exclude, n_jobs, progress
        )
        distances = in_units(distances, -exponent)
        if exponent > 0:  # what is small beside the unit has no digits in it
            near = super().within(Q, high, exclude, n_jobs, progress)
            put_near_first(near, starts, indices, distances)
        return starts, indices, distances

    def _exponent(self, Q):
        """That of the largest number of points and queries where squares may overflow or vanish, else 0."""
        if self._largest is None:
            self._largest = largest_of(self._points)
        largest = max(self._largest, largest_of(Q))
        low, high = SAFE[self._dtype]
        return 0 if low < largest < high or largest == 0 else int(np.frexp(largest)[1])

    def _in(self, exponent):
        if self._in_units[0] != exponent:
            self._in_units = exponent, self._anew(in_units(self._points, exponent))
        return self._in_units[1]


class Brute(ScaledSearch):
    """Every point is looked at; keeps what the first large search finds worth preparing."""

    def __init__(self, points, metric):
        super().__init__(points, metric)
        self._dtype, self._sparse = dtype_of_distances(points), issparse(points)
        self._index = kernels.prepare(points, metric)

    def _anew(self, points):
        return Brute(points, self._metric)

    def _writes_out(self):
        return not self._sparse

    def _nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        return kernels.nearest(self._index, Q.astype(self._dtype, copy=False), k, exclude, n_jobs, progress)

    def _within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        Q = Q.astype(self._dtype, copy=False)
        starts, indices, distances = kernels.within_radius(self._index, Q, r, n_jobs, progress)
        return without(exclude, starts, indices, distances)


class Tree(ScaledSearch):
    """A KD-tree, grown by the first search: a fit that is never asked anything costs no tree."""

    def __init__(self, points, metric, leaf_size, n_jobs):
        super().__init__(points, metric)
        self._anew = lambda points: Tree(points, metric, leaf_size, n_jobs)
        self._dtype, self._growth = dtype_of_distances(points), (leaf_size, n_jobs)

    @functools.cached_property
    def _tree(self):
        (leaf_size, n_jobs), metric = self._growth, self._metric
        points = self._points.astype(self._dtype, copy=False)
        return kernels.build_tree(points, leaf_size, metric.name, metric.p, metric.w, n_jobs)

    def _nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        Q = Q.astype(self._dtype, copy=False)
        return kernels.query_tree(self._tree, Q, k, exclude=exclude, n_jobs=n_jobs, progress=progress)

    def _within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        Q = Q.astype(self._dtype, copy=False)
        starts, indices, distances = kernels.query_radius(self._tree, Q, r, n_jobs=n_jobs, progress=progress)
        return without(exclude, starts, indices, distances)


class Computed(Search):
    """Rows of distances, a few queries at a time: given ("precomputed"), or computed by no kernel of ours."""

    AT_ONCE = 2**23  # distances: 64 MB

    def __init__(self, points, metric):
        self._points, self._metric = points, metric
        self._rows = kernels.prepare(np.empty((points.shape[0], 0), dtype_of_distances(points)), "precomputed")

    def _writes_out(self):
        return not issparse(self._points)

    def _nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        parts = [
            kernels.nearest(self._rows, rows, k, None if exclude is None else exclude[part], n_jobs)
            for part, rows in self._in_blocks(Q, progress)
        ]
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def _within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        return joined(
            without(None if exclude is None else exclude[part], *kernels.within_radius(self._rows, rows, r, n_jobs))
            for part, rows in self._in_blocks(Q, progress)
        )

    def _in_blocks(self, Q, progress):
        """(slice of the queries, their rows of distances), a few at a time."""
        for part in self._parts(Q, self.AT_ONCE // max(self._points.shape[0], 1), progress):
            yield part, self._distances(Q[part])

    def _distances(self, Q):
        if self._metric.name == "precomputed":
            return np.ascontiguousarray(Q, self._rows.dtype)
        rows = np.ascontiguousarray(table_of(self._metric, Q, self._points), self._rows.dtype)
        undefined = np.isnan(rows)  # as the correlation of a constant row is: they stand last
        return np.where(undefined, np.inf, rows) if undefined.any() else rows


class Given(Search):
    """Given distances ("precomputed"): of a sparse table only pairs that are stored, zeros too, can be neighbours."""

    def __init__(self, points, metric):
        self._n, self._full = points.shape[1], Computed(points, metric)

    def _writes_out(self):
        return False

    def _nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        if not issparse(Q):
            return self._full.nearest(Q, k, exclude, n_jobs, progress)
        starts, indices, distances = self._within(Q, np.inf, exclude)
        stored = np.diff(starts)
        few = np.flatnonzero(stored < k)
        if len(few):
            itself = 0 if exclude is None else 1
            raise ValueError(
                f"{k + itself} neighbors per samples are required, but some samples have only"
                f" {stored.min() + itself} neighbors in precomputed graph matrix. n_neighbors={k} but row {few[0]} of"
                f" the sparse precomputed distances stores {stored[few[0]]} of {self._n}, itself not counted: store"
                f" more, or ask for fewer"
            )
        at = starts[:-1, None] + np.arange(k)
        return distances[at], indices[at]

    def _within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        if not issparse(Q):
            return self._full.within(Q, r, exclude, n_jobs, progress)
        queries = np.repeat(np.arange(Q.shape[0]), np.diff(Q.indptr))
        order = np.lexsort((Q.indices, Q.data, queries))
        order = order[Q.data[order] <= r]
        starts = starts_from(np.bincount(queries[order], minlength=Q.shape[0]))
        return without(exclude, starts, Q.indices[order].astype(np.int64), Q.data[order])


# Numbers whose squares, summed over many columns, stay inside the dtype.
SAFE = {np.dtype(np.float32): (2.0**-40, 2.0**55), np.dtype(np.float64): (2.0**-400, 2.0**490)}


def in_range(distances, dtype):
    """Did no distance overflow, and not all k of a query vanish?"""
    low = SAFE[dtype][0]
    last = distances[:, -1]
    return low < last[0] < np.inf if len(last) == 1 else bool((last > low).all() and (last < np.inf).all())


def near_then_far(near, far):
    """(distances, indices) of the k nearest, from those in the numbers' own unit, where the distant ones overflow, and
    from those in a unit so large that differences of the near ones vanish.
    """
    distances, indices = near[0].copy(), near[1].copy()
    for i in np.flatnonzero(~np.isfinite(distances).all(axis=1)):
        n_near = int(np.isfinite(distances[i]).sum())
        others = ~np.isin(far[1][i], indices[i, :n_near]) | (far[1][i] < 0)
        rest = np.flatnonzero(others)[: distances.shape[1] - n_near]
        distances[i, n_near:], indices[i, n_near:] = far[0][i, rest], far[1][i, rest]
    return distances, indices


def put_near_first(near, starts, indices, distances):
    """As `near_then_far`, for the neighbours within a radius, (starts, indices, distances), in place."""
    for i in range(len(starts) - 1):
        own, nearer = slice(starts[i], starts[i + 1]), slice(near[0][i], near[0][i + 1])
        rest = ~np.isin(indices[own], near[1][nearer])
        indices[own] = np.concatenate([near[1][nearer], indices[own][rest]])
        distances[own] = np.concatenate([near[2][nearer], distances[own][rest]])


def largest_of(rows):
    """The largest size of a number in a table, dense or CSR; 0 of none."""
    values = rows.data if issparse(rows) else rows
    return max(float(np.fmax.reduce(values, None)), -float(np.fmin.reduce(values, None))) if values.size else 0.0


def in_units(rows, exponent):
    """A table, dense or CSR, over 2**exponent."""
    with np.errstate(over="ignore", under="ignore"):
        if not issparse(rows):
            return np.ldexp(rows, -exponent)
        return type(rows)((np.ldexp(rows.data, -exponent), rows.indices, rows.indptr), shape=rows.shape)


def dtype_of_distances(points):
    """float32 for float32 points, else float64."""
    return np.dtype(np.float32 if points.dtype == np.float32 else np.float64)


def starts_from(counts):
    return np.concatenate([[0], np.cumsum(counts)])


def joined(parts):
    """The results of a radius search in parts, one after the other."""
    counts, indices, distances = zip(*((np.diff(starts), i, d) for starts, i, d in parts), strict=True)
    return starts_from(np.concatenate(counts)), np.concatenate(indices), np.concatenate(distances)


def without(exclude, starts, indices, distances):
    """The neighbours of a radius search less the one that each query leaves out."""
    if exclude is None:
        return starts, indices, distances
    queries = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return only(indices != exclude[queries], starts, indices, distances)


def only(kept, starts, indices, distances):
    """The neighbours of a radius search where the mask `kept` is true."""
    return np.concatenate([[0], np.cumsum(kept)])[starts], indices[kept], distances[kept]
