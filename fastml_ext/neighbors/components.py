"""How surely rows find their own class among their neighbours in a projection. Contract: reference/components.py."""

import numpy as np

from fastml_ext import pool
from fastml_ext.device.numbers import LEAST_EXPONENT, expm1
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel

__all__ = ["class_shares"]

BLOCK = 64  # rows whose distances to all others are held at once
PARTS = 8  # most ranges of rows, each with sums of its own for every row


def class_shares(A, X, counts, n_jobs=None):
    n, k = len(X), len(A)
    Z = np.ascontiguousarray(X @ A.T)
    ends = np.cumsum(counts)
    first, last = np.repeat(ends - counts, counts), np.repeat(ends, counts)
    step = BLOCK * -(-n // (PARTS * BLOCK))
    parts = pool.run(
        add_rows, n, Z, np.einsum("ij,ij->i", Z, Z), first, last, cost=n * (4 + 0.2 * k), step=step, n_jobs=n_jobs
    )
    total, sums = parts[0]
    for more, others in parts[1:]:
        total += more
        sums += others
    return total, 2 * (sums.T @ X)


@kernel
def add_rows(start, stop, Z, sizes, first, last):
    """(sum of the shares, (n, k) sums that the gradient is made of) of the rows from start to stop."""
    n, k = Z.shape
    total, sums, columns, ones = 0.0, np.zeros((n, k)), np.zeros(n), np.ones(n)
    distances, of_rows, of_columns = np.empty((BLOCK, n)), np.empty((BLOCK, k)), np.empty((n, k))
    for begin in range(start, stop, BLOCK):
        rows = min(BLOCK, stop - begin)
        own, weights, added = Z[begin : begin + rows], distances[:rows], of_rows[:rows]
        np.dot(own, Z.T, weights)
        for r in range(rows):
            i = begin + r
            total += weigh(weights[r], i, first[i], last[i], sizes, ones)
            for j in range(n):
                columns[j] += weights[r, j]
        np.dot(weights, Z, added)
        np.dot(weights.T, own, of_columns)
        for r in range(rows):
            for c in range(k):
                sums[begin + r, c] += added[r, c]
        for j in range(n):
            for c in range(k):
                sums[j, c] += of_columns[j, c]
    for j in range(n):
        for c in range(k):
            sums[j, c] -= columns[j] * Z[j, c]
    return total, sums


@kernel
def weigh(row, i, first, last, sizes, ones):
    """From the products of row i with all rows to the weights of the gradient; the share of its own class."""
    n, least, size = len(row), np.inf, sizes[i]
    for j in range(n):
        square = size + sizes[j] - 2.0 * row[j]
        row[j] = square if square > 0.0 or square != square else 0.0
    row[i] = np.inf
    for j in range(n):
        least = row[j] if row[j] < least else least
    for j in range(n):
        z = least - row[j]
        row[j] = expm1(z) + 1.0 if z > LEAST_EXPONENT else 0.0
    row[i] = 0.0
    total = inner(row, 0, ones, 0, n)
    share = inner(row, first, ones, 0, last - first) / total
    for j in range(n):
        row[j] *= -share / total
    for j in range(first, last):
        row[j] *= (share - 1.0) / share if share > 0.0 else 0.0
    return share
