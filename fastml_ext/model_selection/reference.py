"""What the kernels of this family compute, by definition.

Shapes: n points, m queries, K neighbours of each, nearest first, p numbers of neighbours.
"""

import numpy as np

__all__ = ["first_kept", "permutation", "share_path", "take_columns", "take_rows"]


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


def permutation(n, generator):
    """0 to n - 1 in a drawn order, (n,) int64: that of numpy.random.RandomState(generator).permutation(n).

    generator: a numpy.random.MT19937, which goes on from its state | 0 <= n <= 2**32
    Fisher and Yates's shuffle from the last place to the second: place i is exchanged with a drawn one of 0 to i. A
    draw is the low bits of 32 random ones, as many as i has, and is repeated while it is above i.
    """
    order = np.arange(n)
    for i in range(n - 1, 0, -1):
        bits = i.bit_length()
        j = int(generator.random_raw()) % 2**bits
        while j > i:
            j = int(generator.random_raw()) % 2**bits
        order[[i, j]] = order[[j, i]]
    return order


def take_rows(array, rows):
    """array[rows] in C order.

    array (n, ...) in C order, of n > 0, or (n, d) in Fortran's; of any dtype but objects
    rows (m,) int64, 0 to n - 1, no row twice where the array is in Fortran's order
    """
    taken = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for place, i in enumerate(rows.tolist()):
        taken[place] = array[i]
    return taken


def take_columns(array, columns):
    """array[:, columns] in C order: array (d, n) in C order, no objects | columns (m,) int64, 0 to n - 1"""
    return take_rows(np.ascontiguousarray(array.T), columns).T.copy()


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
