"""Votes of the neighbours: which class wins, and the share of each. Contract: reference.py."""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel

__all__ = ["vote", "vote_shares"]


def vote(indices, weights, codes, n_classes, n_jobs=None):
    m, k = indices.shape
    winners = np.empty(m, np.int64)
    pool.run(elect, m, indices, weights, codes, n_classes, winners, cost=5 * k, n_jobs=n_jobs)
    return winners


def vote_shares(indices, weights, codes, n_classes, n_jobs=None):
    m, k = indices.shape
    shares = np.zeros((m, n_classes))
    pool.run(share, m, indices, weights, codes, shares, cost=5 * k + n_classes, n_jobs=n_jobs)
    return shares


@kernel
def elect(start, stop, indices, weights, codes, n_classes, winners):
    k, uniform = indices.shape[1], weights.shape[0] == 0
    votes = np.zeros(n_classes)
    for q in range(start, stop):
        for j in range(k):
            votes[codes[indices[q, j]]] += 1.0 if uniform else weights[q, j]
        best = codes[indices[q, 0]]
        for j in range(1, k):  # only classes with a neighbour can win: no pass over all classes
            rival = codes[indices[q, j]]
            if votes[rival] > votes[best] or (votes[rival] == votes[best] and rival < best):
                best = rival
        winners[q] = best
        for j in range(k):
            votes[codes[indices[q, j]]] = 0.0


@kernel
def share(start, stop, indices, weights, codes, shares):
    k, uniform = indices.shape[1], weights.shape[0] == 0
    for q in range(start, stop):
        total = 0.0
        for j in range(k):
            weight = 1.0 if uniform else weights[q, j]
            shares[q, codes[indices[q, j]]] += weight
            total += weight
        for c in range(shares.shape[1]):
            shares[q, c] /= total
