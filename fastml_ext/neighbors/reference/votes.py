"""Votes of neighbours by definition: the contract of the kernels."""

import numpy as np

__all__ = ["average", "inverse_distances", "take_copies", "vote", "vote_path", "vote_shares"]


def vote(starts, indices, weights, codes, n_classes):
    """The class of most votes among each query's neighbours (m,); the lowest class where several have most, -1 of none.

    starts (m + 1,), indices (all,): the neighbours of query q are indices[starts[q] : starts[q + 1]]
    weights (all,): what each vote counts, none negative; or (0,) for one each | codes (n,): class of each point, from 0
    """
    winners = np.full(len(starts) - 1, -1)
    for q, (neighbours, votes) in enumerate(votes_of(starts, indices, weights)):
        totals = np.bincount(codes[neighbours], votes, n_classes)
        if len(neighbours):
            winners[q] = max(set(codes[neighbours].tolist()), key=lambda c: (totals[c], -c))
    return winners


def vote_shares(starts, indices, weights, codes, n_classes):
    """Share of the votes that each class has among each query's neighbours: (m, n_classes).

    Rows sum to 1; a query whose votes count nothing has a row of zeros. Input as for `vote`.
    """
    shares = np.zeros((len(starts) - 1, n_classes))
    for q, (neighbours, votes) in enumerate(votes_of(starts, indices, weights)):
        totals = np.bincount(codes[neighbours], votes, n_classes)
        shares[q] = totals / totals.sum() if totals.sum() > 0 else 0
    return shares


def vote_path(indices, weights, codes, n_classes, numbers):
    """The winner among the first `numbers[i]` neighbours of each query: (len(numbers), m).

    indices (m, k), weights (m, k) or (0, 0) | numbers ascending, at least 1, at most k
    """
    paths = []
    for number in numbers:
        starts = np.arange(len(indices) + 1) * number
        paths.append(vote(starts, indices[:, :number].ravel(), weights[:, :number].ravel(), codes, n_classes))
    return np.array(paths).reshape(len(numbers), len(indices))


def average(starts, indices, weights, targets):
    """Weighted mean of the targets (n, n_outputs) of each query's neighbours: (m, n_outputs); NaN where it has none."""
    means = np.full((len(starts) - 1, targets.shape[1]), np.nan)
    for q, (neighbours, votes) in enumerate(votes_of(starts, indices, weights)):
        if votes.sum() > 0:
            means[q] = (votes[:, None] * targets[neighbours]).sum(axis=0) / votes.sum()
    return means


def inverse_distances(starts, distances):
    """1 / distance, float64 (all,); where neighbours stand on the query itself, 1 for each of those and 0 for others.

    starts, distances (all,), float32 or float64, none negative: those of query q are distances[starts[q] :
    starts[q + 1]] | only their ratios count: where a distance above 0 lies below 2^-1000, 1 / (2^500 distance)
    """
    votes = np.zeros(len(distances))
    for own in map(slice, starts[:-1], starts[1:]):
        distance = distances[own].astype(float)
        if (distance == 0).any():
            votes[own] = distance == 0
        elif len(distance):
            votes[own] = 1 / (distance * 2.0**500 if distance.min() < 2.0**-1000 else distance)
    return votes


def take_copies(indices, copies, k, itself):
    """How many copies of each neighbour, nearest first, make up k: (m, neighbours) float64.

    copies (n,): a point stands for so many, which need not be whole; the last one taken may be taken in part
    itself (m,): the point that a query is itself, of which one copy less is there; or (0,)
    """
    taken = np.zeros(indices.shape)
    for q, neighbours in enumerate(indices):
        for j, i in enumerate(neighbours):
            there = max(copies[i] - 1, 0) if len(itself) and itself[q] == i else copies[i]
            taken[q, j] = min(there, k - taken[q, :j].sum())
    return taken


def votes_of(starts, indices, weights):
    """(neighbours, what their votes count) of each query."""
    for q in range(len(starts) - 1):
        own = slice(starts[q], starts[q + 1])
        yield indices[own], weights[own] if len(weights) else np.ones(own.stop - own.start)
