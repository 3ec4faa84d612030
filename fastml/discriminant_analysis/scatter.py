"""Products of the columns round the means of the classes, in blocks of rows that stay in the cache."""

import numpy as np

from fastml_ext import blas, pool
from fastml_ext import naive_bayes as counting

__all__ = ["class_means", "scatter"]

EACH = np.empty(0)  # weights of one each
ROWS, SPEED = 2048, 0.03  # of a block; nanoseconds a product
SMALL = 20_000  # numbers, up to which handing over costs more


def class_means(X, codes, counts):
    """(k, d) float64."""
    base = X[0].astype(np.float64)
    sums, _ = counting.sum_by_class(X, codes, EACH, len(counts))
    means = sums / counts[:, None]
    if (np.abs(means) > 1e6 * np.abs(means - base).max(axis=0)).any():  # far from 0: the sums were too coarse
        sums, _ = counting.sum_by_class(X - base, codes, EACH, len(counts))
        means = base + sums / counts[:, None]
    return means


def scatter(X, codes, means):
    """(d, d) float64: the sum over the rows of the products of their distances from the mean of their class."""
    n, d = X.shape
    if X.size <= SMALL:
        return of_rows(0, n, X, codes, means)
    with blas.single_for(n * d * d):
        parts = pool.run(of_rows, n, X, codes, means, cost=SPEED * d * d + 2 * d, step=ROWS)
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total


def of_rows(start, stop, X, codes, means):
    total = np.zeros((X.shape[1],) * 2)
    for first in range(start, stop, ROWS):
        last = min(stop, first + ROWS)
        rows = (X[first:last] - means[codes[first:last]]).astype(X.dtype, copy=False)
        total += rows.T @ rows
    return total
