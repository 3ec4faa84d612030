"""Nearest neighbours by definition: the contract of the kernels.

Shapes: n points, m queries, d columns, k neighbours. X (n, d) and Q (m, d) share one dtype, float32 or float64, hold
finite values only and stand in C order. Distances come back in that dtype, indices as int64.
"""

import math

import numpy as np

__all__ = ["nearest", "prepare", "vote", "vote_shares"]


def prepare(X):
    """Whatever a search wants to know of X (n, d) beforehand; the definition wants nothing."""
    return X


def nearest(index, Q, k, exclude=None):
    """The k nearest points of each query: (distances (m, k), indices (m, k)), nearest first.

    Points at one distance stand in order of their index; the order is that of the squared distances, summed over the
    columns from first to last. exclude (m,): a point that is no neighbour of that query, -1 for none | 1 <= k <= n,
    and k <= n - 1 where a point is excluded.
    """
    distances, indices = np.empty((len(Q), k), index.dtype), np.empty((len(Q), k), np.int64)
    for q, query in enumerate(Q):
        left_out = -1 if exclude is None else exclude[q]
        ranked = sorted((squared_distance(x, query), i) for i, x in enumerate(index) if i != left_out)[:k]
        distances[q] = [math.sqrt(s) for s, _ in ranked]
        indices[q] = [i for _, i in ranked]
    return distances, indices


def squared_distance(x, y):
    """Sum of the squared differences of x (d,) and y (d,), column by column, in their dtype."""
    total = x.dtype.type(0)
    for a, b in zip(x, y, strict=True):
        total += (a - b) ** 2
    return total


def vote(indices, weights, codes, n_classes):
    """The class of most votes among each query's neighbours (m,); the lowest class where several have most.

    indices (m, k) neighbours | weights (m, k) what each vote counts, or (0, 0) for one each; at least one of a query's
    is positive, none negative | codes (n,) class of each point, 0 to n_classes - 1
    """
    return np.argmax(vote_shares(indices, weights, codes, n_classes), axis=1)


def vote_shares(indices, weights, codes, n_classes):
    """Share of the votes that each class has among each query's neighbours: (m, n_classes), rows sum to 1.

    Input as for `vote`.
    """
    shares = np.zeros((len(indices), n_classes))
    for q, neighbours in enumerate(indices):
        for j, i in enumerate(neighbours):
            shares[q, codes[i]] += weights[q, j] if len(weights) else 1.0
        shares[q] /= shares[q].sum()
    return shares
