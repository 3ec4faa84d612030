"""What the vote of a neighbour counts: by its distance, by the weight of its row."""

import itertools

import numpy as np

from fastml.base import StrOptions, check_weight
from fastml.neighbors.flat import starts_of
from fastml_ext import neighbors as kernels

__all__ = ["WEIGHTS", "copies_of", "few_copies_of", "take_copies", "vote_weights", "weights_within"]

ONE_EACH = np.empty(0)  # weights of a plain majority vote
NOBODY = np.empty(0, np.int64)
LARGE_COPIES = 2.0**20
LARGE_VOTE = 2.0**960  # the sum of many such would overflow
WEIGHTS = {"weights": [StrOptions({"uniform", "distance"}), callable, None]}


def copies_of(sample_weight, X):
    """A row of weight w stands for w copies of itself: (n,); None, for one each, where all weights are 1."""
    if sample_weight is None:
        return None
    copies = check_weight(sample_weight, X.shape[0])
    return None if (copies == 1).all() else copies


def few_copies_of(sample_weight, X):
    """As `copies_of` where only ratios count: small enough for sums not to overflow."""
    copies = copies_of(sample_weight, X)
    if copies is None or (largest := copies.max()) <= LARGE_COPIES:
        return copies
    return np.ldexp(copies, -np.frexp(largest)[1])


def take_copies(model, queries, k, exclude, progress):
    """(distances, indices, copies taken), all (m, j): j neighbours make up k copies for every query of the part."""
    k, n = int(k), model.n_samples_fit_
    itself = NOBODY if exclude is None else exclude
    there = model._copies.sum() - (0 if exclude is None else 1)
    if there < k * (1 - 1e-9):
        raise ValueError(f"n_neighbors={k} but the sample_weight of all samples fitted is {there:g} together")
    wanted = min(k, n)
    while True:
        distances, indices = model._search.nearest(queries, wanted, None, model.n_jobs, progress)
        taken = kernels.take_copies(indices, model._copies, k, itself, model.n_jobs)
        if wanted == n or (taken.sum(axis=1) >= k * (1 - 1e-9)).all():
            return distances, indices, taken
        wanted = min(2 * wanted, n)


def weights_within(model, starts, indices, distances):
    """What the votes of all within a radius count: (all,), or ONE_EACH."""
    copies = None if model._copies is None else model._copies[indices]
    if model.weights == "distance":
        votes = kernels.inverse_distances(starts, distances, model.n_jobs)
    elif callable(model.weights):
        votes = np.empty(len(distances))
        for begin, end in itertools.pairwise(starts):
            if end > begin:
                votes[begin:end] = called(model.weights, distances[None, begin:end])[0]
    else:
        return ONE_EACH if copies is None else copies
    return votes if copies is None else votes * copies


def vote_weights(weights, distances, copies=None, n_jobs=None):
    """What the votes of neighbours at `distances` (m, k), each taken `copies` times, count: (m, k), or ONE_EACH."""
    if weights in ("uniform", None):
        return ONE_EACH if copies is None else copies
    if weights == "distance":
        if copies is not None:
            distances = np.where(copies > 0, distances, np.inf)  # what is not taken does not stand on the query either
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
