"""Who votes on a query, and what each vote counts."""

import copy
import itertools
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastml.base import Interval, StrOptions, check_weight
from fastml.neighbors import base
from fastml.neighbors.base import NeighborSearch
from fastml.neighbors.queries import KNeighbors, RadiusNeighbors, starts_of
from fastml.neighbors.searches import only
from fastml.progress import progress_bar
from fastml_ext import neighbors as kernels

__all__ = ["KBallots", "RadiusBallots"]

ONE_EACH = np.empty(0)  # weights of a plain majority vote
NOBODY = np.empty(0, np.int64)
LARGE_COPIES = 2.0**20
LARGE_VOTE = 2.0**960  # the sum of many such would overflow
WEIGHTS = {"weights": [StrOptions({"uniform", "distance"}), callable, None]}


class Ballots(NeighborSearch):
    """`_ballots(X)` yields (starts, indices, weights) of a few queries at a time: neighbours flat, as in CSR.

    So predicting never holds the neighbours of all queries at once.
    """

    _parameter_constraints = NeighborSearch._parameter_constraints | WEIGHTS
    _copies: Any = None  # (n_samples_fit_,), or None for one of each

    def _keep_copies(self, sample_weight, X):
        """A row of weight w stands for w copies of itself; None, for one each, where all weights are 1."""
        self._copies = None
        if sample_weight is not None:
            copies = check_weight(sample_weight, X.shape[0])
            self._copies = None if (copies == 1).all() else copies

    def _parts(self, X, size):
        """(queries, excluded points) of `size` queries at a time, with a bar that shows how far they have come."""
        queries, exclude = self._check_queries(X)
        m = queries.shape[0]
        if m <= size and not self.verbose:
            yield queries, exclude, None
            return
        with progress_bar("predicting", m, self.verbose) as show:
            for start in range(0, m, size):
                part = slice(start, start + size)
                progress = show and (lambda done, start=start: show(start + done))
                yield queries[part], exclude if exclude is None else exclude[part], progress


class KBallots(KNeighbors, Ballots):
    """The k nearest vote; where rows have weights, as many of the nearest as make up k copies."""

    _parameter_constraints = Ballots._parameter_constraints | {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")]
    }

    def _ballots(self, X):
        for queries, exclude, progress in self._parts(X, max(256, base.AT_ONCE // self.n_neighbors)):
            if self._copies is None:
                k = self._check_k(None, excluded=exclude is not None)
                distances, indices = self._search.nearest(queries, k, exclude, self.n_jobs, progress)
                copies = None
            else:
                distances, indices, copies = self._nearest_copies(queries, exclude, progress)
            weights = vote_weights(self.weights, distances, copies, self.n_jobs)
            yield starts_of(indices), indices.ravel(), weights.ravel()

    def _nearest_copies(self, queries, exclude, progress):
        """(distances, indices, copies taken), all (m, j): j neighbours make up k copies for every query of the part."""
        k, n = int(self.n_neighbors), self.n_samples_fit_
        itself = NOBODY if exclude is None else exclude
        there = self._copies.sum() - (0 if exclude is None else 1)
        if there < k * (1 - 1e-9):
            raise ValueError(f"n_neighbors={k} but the sample_weight of all samples fitted is {there:g} together")
        wanted = min(k, n)
        while True:
            distances, indices = self._search.nearest(queries, wanted, None, self.n_jobs, progress)
            taken = kernels.take_copies(indices, self._copies, k, itself, self.n_jobs)
            if wanted == n or (taken.sum(axis=1) >= k * (1 - 1e-9)).all():
                return distances, indices, taken
            wanted = min(2 * wanted, n)

    def _check_path(self, n_neighbors):
        """The numbers of a path (n_values,), checked."""
        check_is_fitted(self)
        numbers = np.atleast_1d(n_neighbors)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or not len(numbers) or numbers.min() < 1:
            raise ValueError(f"n_neighbors={n_neighbors!r} must hold whole numbers, each at least 1")
        return numbers

    def _with_k(self, k):
        """This fitted estimator with another number of neighbours: the same points, the same search."""
        other = copy.copy(self)
        other.n_neighbors = k
        return other


class RadiusBallots(RadiusNeighbors, Ballots):
    """All within a radius vote; a row of weight w with w votes."""

    _parameter_constraints = Ballots._parameter_constraints | {"radius": [Interval(Real, 0, None, closed="both")]}

    def _keep_copies(self, sample_weight, X):
        super()._keep_copies(sample_weight, X)
        if self._copies is not None and (largest := self._copies.max()) > LARGE_COPIES:
            self._copies = np.ldexp(self._copies, -np.frexp(largest)[1])  # only ratios count, and sums would overflow

    def _ballots(self, X):
        for queries, exclude, progress in self._parts(X, 1024):
            starts, indices, distances = self._search.within(queries, self.radius, exclude, self.n_jobs, progress)
            if self._copies is not None:  # who stands for no copy is not there
                starts, indices, distances = only(self._copies[indices] > 0, starts, indices, distances)
            yield starts, indices, self._radius_weights(starts, indices, distances)

    def _radius_weights(self, starts, indices, distances):
        copies = None if self._copies is None else self._copies[indices]
        if self.weights == "distance":
            votes = kernels.inverse_distances(starts, distances, self.n_jobs)
        elif callable(self.weights):
            votes = np.empty(len(distances))
            for begin, end in itertools.pairwise(starts):
                if end > begin:
                    votes[begin:end] = called(self.weights, distances[None, begin:end])[0]
        else:
            return ONE_EACH if copies is None else copies
        return votes if copies is None else votes * copies


def vote_weights(weights, distances, copies=None, n_jobs=None):
    """What the votes of neighbours at `distances` (m, k), each taken `copies` times, count: (m, k), or ONE_EACH."""
    if weights in ("uniform", None):
        return ONE_EACH if copies is None else copies
    if weights == "distance":
        if copies is not None:
            distances = np.where(copies > 0, distances, np.inf)  # who is not taken does not stand on the query either
        votes = kernels.inverse_distances(starts_of(distances), distances.ravel(), n_jobs).reshape(distances.shape)
    else:
        votes = called(weights, distances)
    return votes if copies is None else votes * copies


def called(weights, distances):
    """A user's function of the distances (m, k), its result checked."""
    votes = np.ascontiguousarray(weights(distances), np.float64)
    name = getattr(weights, "__name__", weights)
    if votes.shape != distances.shape:
        raise ValueError(f"weights={name} returned shape {votes.shape} for distances of shape {distances.shape}")
    if not (votes >= 0).all():
        raise ValueError(
            f"weights={name} returned {votes[~(votes >= 0)][0]}, a negative or non-finite weight: votes count from 0"
            f" upwards, up to inf, which outvotes all that are finite"
        )
    m, k = votes.shape
    votes = without_infinite(votes.ravel(), np.arange(0, m * k + 1, k)).reshape(m, k) if k else votes
    if not votes.any(axis=1).all():
        raise ValueError(
            "All neighbors of some sample is getting zero weights. Please modify 'weights' to avoid this case if you"
            f" are using a user-defined function. weights={name} returned only zeros for a query"
        )
    largest = votes.max(axis=1, initial=0, keepdims=True)
    return np.ldexp(votes, -np.frexp(largest)[1]) if (largest > LARGE_VOTE).any() else votes


def without_infinite(votes, starts):
    """The votes, where some of a query's are infinite 1 for each of those and 0 for all others; may be written over."""
    infinite = np.isinf(votes)
    if infinite.any():
        counts = np.diff(starts)
        has_one = np.logical_or.reduceat(infinite, starts[:-1][counts > 0])
        here = np.repeat(has_one, counts[counts > 0])
        votes[here] = infinite[here]
    return votes
