"""The index that an estimator has: neighbours among fitted points, one answer from whatever serves.

`nearest_voters` and `voters_within` ask it for the neighbours of many queries, a few at a time. Neighbours stand in
order of (distance, index). `exclude` (m,) is a fitted point that is left out for that query.
"""

import functools
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastml.neighbors import units
from fastml.neighbors.flat import joined, only, starts_of, without
from fastml.neighbors.queries import check_k
from fastml.neighbors.weights import take_copies, vote_weights, weights_within
from fastml.progress import progress_bar
from fastml_ext import neighbors as kernels
from fastml_ext.neighbors.metrics import resolve

__all__ = ["Brute", "Refused", "Search", "Tree", "dtype_of_distances", "nearest_voters", "voters_within"]

AT_ONCE = 2**20  # neighbours held at a time between search and vote: 16 MB
DENSE_AT_ONCE = 2**22  # values of sparse queries written out at a time: 32 MB


def nearest_voters(model, X, n_neighbors=None):
    """(starts, indices, weights) of a few queries at a time: their k nearest, flat as in CSR, and what each counts.

    Where rows have weights, as many of the nearest vote as make up k copies. So predicting never holds the neighbours
    of all queries at once.
    """
    k = model.n_neighbors if n_neighbors is None else n_neighbors
    for queries, exclude, progress in parts_of(model, X, max(256, AT_ONCE // (k or 1))):
        if model._copies is None:
            k = check_k(k, model.n_samples_fit_, exclude is not None)
            distances, indices = model._search.nearest(queries, k, exclude, model.n_jobs, progress)
            copies = None
        else:
            distances, indices, copies = take_copies(model, queries, k, exclude, progress)
        weights = vote_weights(model.weights, distances, copies, model.n_jobs)
        yield starts_of(indices), indices.ravel(), weights.ravel()


def voters_within(model, X):
    """As `nearest_voters`, of all within the radius; a row of weight w has w votes."""
    for queries, exclude, progress in parts_of(model, X, 1024):
        starts, indices, distances = model._search.within(queries, model.radius, exclude, model.n_jobs, progress)
        if model._copies is not None:  # a point that stands for no copy is not there
            starts, indices, distances = only(model._copies[indices] > 0, starts, indices, distances)
        yield starts, indices, weights_within(model, starts, indices, distances)


def parts_of(model, X, size):
    """(queries, excluded points, progress) of `size` queries at a time, with a bar that shows how far it is."""
    queries, exclude = model._check_queries(X)
    m = queries.shape[0]
    if m <= size and not model.verbose:
        yield queries, exclude, None
        return
    with progress_bar("predicting", m, model.verbose) as show:
        for start in range(0, m, size):
            part = slice(start, start + size)
            progress = show and (lambda done, start=start: show(start + done))
            yield queries[part], exclude if exclude is None else exclude[part], progress


class Search:
    """Points and a metric; what serves it is `_nearest` and `_within` of a subclass.

    Queries are checked rows, dense or CSR; where the points are dense, CSR is written out a few rows at a time.
    """

    _nearest: Any
    _within: Any

    def __init__(self, points, metric):
        self.points, self.metric, self.dtype = points, metric, dtype_of_distances(points)
        self.scales = metric.row.scales and points.dtype.kind == "f"
        self.largest, self.in_units = None, (0, None)  # of units.py

    def nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        """(distances (m, k), indices (m, k)) of the k nearest points."""
        if isinstance(Q, np.ndarray) or not self._writes_out():
            found = self._nearest(Q, k, exclude, n_jobs, progress)
        else:
            parts = [
                self._nearest(Q[part].toarray(), k, None if exclude is None else exclude[part], n_jobs)
                for part in slices(Q, DENSE_AT_ONCE // max(Q.shape[1], 1), progress)
            ]
            found = tuple(map(np.concatenate, zip(*parts, strict=True)))
        if not self.scales or units.in_range(found[0], self.dtype):
            return found
        return units.nearest(self, found, Q, k, exclude, n_jobs, progress)

    def within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        """(starts, indices, distances) of all points within r, flat."""
        found = units.within(self, Q, r, exclude, n_jobs, progress) if self.scales else None
        return self.within_own(Q, r, exclude, n_jobs, progress) if found is None else found

    def within_own(self, Q, r, exclude, n_jobs, progress):
        """`within`, in the numbers' own unit."""
        if isinstance(Q, np.ndarray) or not self._writes_out():
            return self._within(Q, r, exclude, n_jobs, progress)
        return joined(
            self._within(Q[part].toarray(), r, None if exclude is None else exclude[part], n_jobs)
            for part in slices(Q, DENSE_AT_ONCE // max(Q.shape[1], 1), progress)
        )

    def _writes_out(self):
        return not issparse(self.points)

    def among(self, points):
        """The same search among other points."""
        return type(self)(points, self.metric)


class Brute(Search):
    """Every point is looked at; keeps what the first large search finds worth preparing."""

    def __init__(self, points, metric):
        super().__init__(points, metric)
        self._index = kernels.prepare(points, metric)

    def _nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        return kernels.nearest(self._index, Q.astype(self.dtype, copy=False), k, exclude, n_jobs, progress)

    def _within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        Q = Q.astype(self.dtype, copy=False)
        with np.errstate(over="ignore"):
            return without(exclude, *kernels.within_radius(self._index, Q, r, n_jobs, progress))


class Refused(Search):
    """A metric for points of another width, which says so when it is asked."""

    def _nearest(self, *_):
        resolve(self.metric.name, n_features=self.points.shape[1])

    _within = _nearest


class Tree(Search):
    """A KD-tree, grown by the first search: a fit that is never asked anything costs no tree."""

    def __init__(self, points, metric, leaf_size, n_jobs):
        super().__init__(points, metric)
        self._growth = leaf_size, n_jobs

    def among(self, points):
        return Tree(points, self.metric, *self._growth)

    @functools.cached_property
    def _tree(self):
        (leaf_size, n_jobs), metric = self._growth, self.metric
        points = self.points.astype(self.dtype, copy=False)
        return kernels.build_tree(points, leaf_size, metric.name, metric.p, metric.w, n_jobs)

    def _nearest(self, Q, k, exclude=None, n_jobs=None, progress=None):
        Q = Q.astype(self.dtype, copy=False)
        return kernels.query_tree(self._tree, Q, k, exclude=exclude, n_jobs=n_jobs, progress=progress)

    def _within(self, Q, r, exclude=None, n_jobs=None, progress=None):
        Q = Q.astype(self.dtype, copy=False)
        with np.errstate(over="ignore"):
            return without(exclude, *kernels.query_radius(self._tree, Q, r, n_jobs=n_jobs, progress=progress))


def slices(Q, size, progress):
    """Slices of at most `size` queries, at least one."""
    size = max(1, size)
    for start in range(0, Q.shape[0], size):
        if progress is not None:
            progress(start)
        yield slice(start, start + size)


def dtype_of_distances(points):
    """float32 for float32 points, else float64."""
    return np.dtype(np.float32 if points.dtype == np.float32 else np.float64)
