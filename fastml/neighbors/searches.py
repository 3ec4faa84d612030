"""The algorithms behind one interface: nearest(Q, k, exclude) and within(Q, r), one answer from all of them.

Neighbours stand in order of (distance, index). `exclude` (m,) is a fitted point that is left out for that query.
"""

import numpy as np

from fastml_ext import neighbors as kernels

__all__ = ["Brute", "Computed", "Graph", "Tree", "only"]


class Brute:
    """Every point is looked at; keeps what the first large search finds worth preparing."""

    def __init__(self, points, metric):
        self._dtype = dtype_of_distances(points)
        self._index = kernels.prepare(points, metric.function or metric.name, metric.p, metric.w)

    def nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        return kernels.nearest(self._index, Q.astype(self._dtype, copy=False), k, exclude, n_jobs, progress)

    def within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        Q = Q.astype(self._dtype, copy=False)
        starts, indices, distances = kernels.within_radius(self._index, Q, r, n_jobs, progress)
        return without(exclude, starts, indices, distances)


class Tree:
    """A KD-tree."""

    def __init__(self, points, metric, leaf_size, n_jobs):
        self._dtype = dtype_of_distances(points)
        points = points.astype(self._dtype, copy=False)
        self._tree = kernels.build_tree(points, leaf_size, metric.name, metric.p, metric.w, n_jobs)

    def nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        Q = Q.astype(self._dtype, copy=False)
        return kernels.query_tree(self._tree, Q, k, exclude=exclude, n_jobs=n_jobs, progress=progress)

    def within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        Q = Q.astype(self._dtype, copy=False)
        starts, indices, distances = kernels.query_radius(self._tree, Q, r, n_jobs=n_jobs, progress=progress)
        return without(exclude, starts, indices, distances)


class Computed:
    """Rows of distances: given ("precomputed"), or computed by SciPy a few queries at a time."""

    AT_ONCE = 2**23  # distances: 64 MB

    def __init__(self, points, metric):
        self._points, self._metric = points, metric
        self._rows = kernels.prepare(np.empty((len(points), 0), dtype_of_distances(points)), "precomputed")

    def nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        parts = [
            kernels.nearest(self._rows, rows, k, None if exclude is None else exclude[part], n_jobs)
            for part, rows in self._in_blocks(Q, progress)
        ]
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        parts = [kernels.within_radius(self._rows, rows, r, n_jobs) for _, rows in self._in_blocks(Q, progress)]
        counts, indices, distances = zip(*((np.diff(starts), i, d) for starts, i, d in parts), strict=True)
        return without(exclude, starts_from(np.concatenate(counts)), np.concatenate(indices), np.concatenate(distances))

    def _in_blocks(self, Q, progress):
        """(slice of the queries, their rows of distances), a few at a time."""
        size = max(1, self.AT_ONCE // max(len(self._points), 1))
        for start in range(0, len(Q), size):
            if progress is not None:
                progress(start)
            part = slice(start, start + size)
            yield part, self._distances(Q[part])

    def _distances(self, Q):
        if self._metric.name == "precomputed":
            return np.ascontiguousarray(Q, dtype_of_distances(self._points))
        from scipy.spatial.distance import cdist

        return cdist(Q, self._points, self._metric.name, **self._metric.options)


class Graph:
    """Given distances in a sparse table: only pairs that are stored, zeros too, can be neighbours."""

    def __init__(self, points, metric):
        self._n = points.shape[1]

    def nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        starts, indices, distances = self.within(Q, np.inf, exclude)
        few = np.flatnonzero(np.diff(starts) < k)
        if len(few):
            raise ValueError(
                f"n_neighbors={k} but row {few[0]} of the sparse precomputed distances stores {np.diff(starts)[few[0]]}"
                f" of {self._n}, itself not counted: store more, or ask for fewer"
            )
        at = starts[:-1, None] + np.arange(k)
        return distances[at], indices[at]

    def within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        queries = np.repeat(np.arange(Q.shape[0]), np.diff(Q.indptr))
        order = np.lexsort((Q.indices, Q.data, queries))
        order = order[Q.data[order] <= r]
        starts = starts_from(np.bincount(queries[order], minlength=Q.shape[0]))
        return without(exclude, starts, Q.indices[order].astype(np.int64), Q.data[order])


def dtype_of_distances(points):
    """float32 for float32 points, else float64."""
    return np.dtype(np.float32 if points.dtype == np.float32 else np.float64)


def starts_from(counts):
    return np.concatenate([[0], np.cumsum(counts)])


def without(exclude, starts, indices, distances):
    """The neighbours of a radius search less the one that each query leaves out."""
    if exclude is None:
        return starts, indices, distances
    queries = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return only(indices != exclude[queries], starts, indices, distances)


def only(kept, starts, indices, distances):
    """The neighbours of a radius search where the mask `kept` is true."""
    return np.concatenate([[0], np.cumsum(kept)])[starts], indices[kept], distances[kept]
