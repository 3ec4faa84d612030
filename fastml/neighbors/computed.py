"""Searches among rows of distances: given ones, and those of metrics that no kernel serves."""

import numpy as np
from scipy.sparse import issparse

from fastml.neighbors.flat import joined, starts_from, without
from fastml.neighbors.metrics import table_of
from fastml.neighbors.search import Search, slices
from fastml_ext import neighbors as kernels

__all__ = ["Computed", "Given"]


class Computed(Search):
    """Rows of distances, a few queries at a time: given ("precomputed"), or computed by no kernel of ours."""

    AT_ONCE = 2**23  # distances: 64 MB

    def __init__(self, points, metric):
        super().__init__(points, metric)
        self._rows = kernels.prepare(np.empty((points.shape[0], 0), self.dtype), "precomputed")

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
        for part in slices(Q, self.AT_ONCE // max(self.points.shape[0], 1), progress):
            yield part, self._distances(Q[part])

    def _distances(self, Q):
        if self.metric.name == "precomputed":
            return np.ascontiguousarray(Q, self.dtype)
        rows = np.ascontiguousarray(table_of(self.metric, Q, self.points), self.dtype)
        undefined = np.isnan(rows)  # as the correlation of a constant row is: they stand last
        return np.where(undefined, np.inf, rows) if undefined.any() else rows


class Given(Search):
    """Given distances ("precomputed"): of a sparse table only pairs that are stored, zeros too, can be neighbours."""

    def __init__(self, points, metric):
        super().__init__(points, metric)
        self._full = Computed(points, metric)

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
                f" the sparse precomputed distances stores {stored[few[0]]} of {self.points.shape[1]}, itself not"
                f" counted: store more, or ask for fewer"
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
