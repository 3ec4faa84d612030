"""Sums of columns and of their products with a target, in one pass. Contract: reference.py."""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel

__all__ = ["sums_with"]

PARTS, WORTH_A_PART = 16, 20_000  # values


def sums_with(X, y, shift, n_jobs=None):
    n, d = X.shape
    parts = max(1, min(PARTS, n * d // WORTH_A_PART))
    sums = np.zeros((parts, 3, d))
    pool.run(add_rows, parts, X, y, shift, sums, cost=1.0 * n * d / parts, n_jobs=n_jobs)
    return tuple(sums.sum(axis=0))


@kernel
def add_rows(start, stop, X, y, shift, sums):
    (n, d), parts = X.shape, len(sums)
    for part in range(start, stop):
        for i in range(part * n // parts, (part + 1) * n // parts):
            t = y[i]
            for j in range(d):
                z = X[i, j] - shift[j]
                sums[part, 0, j] += z
                sums[part, 1, j] += z * z
                sums[part, 2, j] += z * t
