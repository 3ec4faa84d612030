"""What the kernels of this family compute, by definition.

Shapes: m queries, K neighbours of each, nearest first, p numbers of neighbours.
"""

import numpy as np

__all__ = ["first_kept", "share_path", "vote_path"]


def first_kept(indices, kept, k):
    """(columns, indices) of the first k neighbours of each query that are kept.

    indices (m, K) int64 into kept | kept (n,) uint8, 1 for a point that may be a neighbour | k >= 1
    returns (m, k), (m, k) int64, -1 where fewer are kept
    """
    columns, nearest = np.full((len(indices), k), -1), np.full((len(indices), k), -1)
    for q, row in enumerate(indices):
        found = [j for j, i in enumerate(row) if kept[i]][:k]
        columns[q, : len(found)], nearest[q, : len(found)] = found, row[found]
    return columns, nearest


def vote_path(codes, weights, n_classes, ks):
    """The class of most votes among the first k neighbours, for every k; the lowest class where several have most.

    codes (m, K) int64, class of each neighbour, 0 to n_classes - 1
    weights (m, K) float64, what each vote counts, not negative, or (0, 0) for one each; of a class without a neighbour
    among the first k nothing is counted, and it cannot win
    ks (p,) int64, ascending, 1 to K | returns (p, m) int64
    """
    winners = np.empty((len(ks), len(codes)), np.int64)
    for at, k in enumerate(ks):
        for q, row in enumerate(codes[:, :k]):
            weight = weights[q, :k] if len(weights) else np.ones(k)
            votes = {c: sum(weight[row == c].tolist()) for c in sorted(set(row.tolist()))}
            winners[at, q] = max(votes, key=votes.get)
    return winners


def share_path(codes, weights, n_classes, ks):
    """Share of the votes of the first k neighbours that each class has, for every k.

    Input as for `vote_path`, with the weight of the nearest neighbour positive | returns (p, m, n_classes) float64
    """
    shares = np.empty((len(ks), len(codes), n_classes))
    for at, k in enumerate(ks):
        for q, row in enumerate(codes[:, :k]):
            weight = weights[q, :k] if len(weights) else np.ones(k)
            votes = [sum(weight[row == c].tolist()) for c in range(n_classes)]
            shares[at, q] = np.array(votes) / sum(weight.tolist())
    return shares
