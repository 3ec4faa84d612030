"""What is known of a table before it is counted. Contract: reference.py."""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel

__all__ = ["first_negative", "has_repeats", "highest_codes"]


def first_negative(X, n_jobs=None):
    n, d = X.shape
    found = pool.run(first_in_rows, n, X, cost=0.5 * d + 1, n_jobs=n_jobs)
    at = next((at for at in found if at >= 0), -1)
    return None if at < 0 else divmod(at, d)


@kernel
def first_in_rows(start, stop, X):
    d = X.shape[1]
    for i in range(start, stop):
        below = 0
        for j in range(d):
            below += X[i, j] < 0
        if below:
            for j in range(d):
                if X[i, j] < 0:
                    return np.int64(i) * d + j
    return np.int64(-1)


def highest_codes(X, n_jobs=None):
    return np.max(pool.run(highest_in_rows, len(X), X, cost=0.5 * X.shape[1] + 1, n_jobs=n_jobs), axis=0)


@kernel
def highest_in_rows(start, stop, X):
    highest = np.full(X.shape[1], -1.0)
    for i in range(start, stop):
        for j in range(X.shape[1]):
            highest[j] = X[i, j] if X[i, j] > highest[j] else highest[j]
    return highest


def has_repeats(X):
    return repeats(X.indices, X.indptr, np.full(X.shape[1], -1))


@kernel
def repeats(indices, indptr, row):
    """row (n_columns,) of -1: the last row in which each column was seen"""
    for i in range(len(indptr) - 1):
        for at in range(indptr[i], indptr[i + 1]):
            if row[indices[at]] == i:
                return True
            row[indices[at]] = i
    return False
