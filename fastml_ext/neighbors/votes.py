"""What the neighbours of a query say: votes for classes, averages of numbers. Contract: reference/."""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel, kernel_exact

__all__ = ["average", "inverse_distances", "take_copies", "vote", "vote_path", "vote_shares"]

SMALL = 2.0**-1000  # a distance whose inverse would overflow, times some


def vote(starts, indices, weights, codes, n_classes, n_jobs=None):
    m = len(starts) - 1
    winners = np.empty(m, np.int64)
    pool.run(elect, m, starts, indices, weights, codes, n_classes, winners, cost=cost_of(indices, m), n_jobs=n_jobs)
    return winners


def vote_shares(starts, indices, weights, codes, n_classes, n_jobs=None):
    m = len(starts) - 1
    shares = np.zeros((m, n_classes))
    cost = cost_of(indices, m) + n_classes
    pool.run(share, m, starts, indices, weights, codes, shares, cost=cost, n_jobs=n_jobs)
    return shares


def vote_path(indices, weights, codes, n_classes, numbers, n_jobs=None):
    m, k = indices.shape
    winners = np.empty((len(numbers), m), np.int64)
    pool.run(elect_for_each, m, indices, weights, codes, n_classes, numbers, winners, cost=5 * k, n_jobs=n_jobs)
    return winners


def average(starts, indices, weights, targets, n_jobs=None):
    m = len(starts) - 1
    means = np.empty((m, targets.shape[1]))
    cost = cost_of(indices, m) * targets.shape[1]
    pool.run(mean, m, starts, indices, weights, targets, means, cost=cost, n_jobs=n_jobs)
    return means


def inverse_distances(starts, distances, n_jobs=None):
    m = len(starts) - 1
    votes = np.empty(len(distances))
    pool.run(invert, m, starts, distances, votes, cost=2 * len(distances) / max(m, 1) + 10, n_jobs=n_jobs)
    return votes


def take_copies(indices, copies, k, itself, n_jobs=None):
    taken = np.empty(indices.shape)
    pool.run(take, len(indices), indices, copies, float(k), itself, taken, cost=5 * indices.shape[1], n_jobs=n_jobs)
    return taken


def cost_of(indices, m):
    return 5 * (len(indices) / max(m, 1)) + 20


@kernel
def elect(start, stop, starts, indices, weights, codes, n_classes, winners):
    votes = np.zeros(n_classes)
    for q in range(start, stop):
        begin, end, best = starts[q], starts[q + 1], -1
        for at in range(begin, end):
            votes[codes[indices[at]]] += weights[at] if len(weights) else 1.0
        for at in range(begin, end):  # only classes of neighbours can win: no pass over all classes
            rival = codes[indices[at]]
            if best < 0 or votes[rival] > votes[best] or (votes[rival] == votes[best] and rival < best):
                best = rival
        for at in range(begin, end):
            votes[codes[indices[at]]] = 0.0
        winners[q] = best


@kernel
def share(start, stop, starts, indices, weights, codes, shares):
    for q in range(start, stop):
        total = 0.0
        for at in range(starts[q], starts[q + 1]):
            weight = weights[at] if len(weights) else 1.0
            shares[q, codes[indices[at]]] += weight
            total += weight
        if total > 0:
            for c in range(shares.shape[1]):
                shares[q, c] /= total


@kernel
def elect_for_each(start, stop, indices, weights, codes, n_classes, numbers, winners):
    """A vote only ever adds to one class: the winner so far, or that class, is the winner after it."""
    votes = np.zeros(n_classes)
    for q in range(start, stop):
        best, done = -1, 0
        for j in range(indices.shape[1]):
            rival = codes[indices[q, j]]
            votes[rival] += weights[q, j] if len(weights) else 1.0
            if best < 0 or votes[rival] > votes[best] or (votes[rival] == votes[best] and rival < best):
                best = rival
            while done < len(numbers) and numbers[done] == j + 1:
                winners[done, q] = best
                done += 1
        for j in range(indices.shape[1]):
            votes[codes[indices[q, j]]] = 0.0


@kernel
def mean(start, stop, starts, indices, weights, targets, means):
    for q in range(start, stop):
        for o in range(targets.shape[1]):
            total, weight_total = 0.0, 0.0
            for at in range(starts[q], starts[q + 1]):
                weight = weights[at] if len(weights) else 1.0
                total += weight * targets[indices[at], o]
                weight_total += weight
            means[q, o] = total / weight_total


@kernel
def take(start, stop, indices, copies, k, itself, taken):
    for q in range(start, stop):
        wanted = k
        for j in range(indices.shape[1]):
            there = copies[indices[q, j]]
            if len(itself) and itself[q] == indices[q, j]:
                there = max(there - 1.0, 0.0)
            taken[q, j] = min(there, wanted)
            wanted -= taken[q, j]


@kernel_exact
def invert(start, stop, starts, distances, votes):
    for q in range(start, stop):
        begin, end = starts[q], starts[q + 1]
        equal, scale = 0, 1.0  # only ratios count
        for at in range(begin, end):
            equal += distances[at] == 0
            scale = 2.0**500 if distances[at] < SMALL else scale
        for at in range(begin, end):
            if equal:
                votes[at] = 1.0 if distances[at] == 0 else 0.0
            else:
                votes[at] = 1.0 / (np.float64(distances[at]) * scale)
