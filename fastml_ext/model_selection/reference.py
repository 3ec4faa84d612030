"""What the kernels of this family compute, by definition.

Shapes: n points, m queries, K neighbours of each, nearest first, p numbers of neighbours.
"""

import numpy as np

__all__ = ["first_kept", "share_path"]


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


def share_path(indices, weights, codes, n_classes, numbers):
    """Share of the votes of the first numbers[i] neighbours that each class has: (p, m, n_classes) float64.

    indices (m, K) int64 into codes
    weights (m, K) float64, what each vote counts, not negative, or (0, 0) for one each
    codes (n,) int64, class of each point, 0 to n_classes - 1 | numbers (p,) int64, ascending, 1 to K
    Rows sum to 1; votes that count nothing give a row of zeros.
    """
    shares = np.zeros((len(numbers), len(indices), n_classes))
    for at, k in enumerate(numbers):
        for q, row in enumerate(codes[indices[:, :k]]):
            weight = weights[q, :k] if len(weights) else np.ones(k)
            votes = [in_order(weight[row == c]) for c in range(n_classes)]
            total = in_order(weight)
            shares[at, q] = np.array(votes) / total if total > 0 else 0
    return shares


def in_order(values):
    """The sum from the first to the last, each step rounded: Python's own sum compensates from version 3.12 on."""
    total = 0.0
    for value in values:
        total += value
    return total
