"""Scores of rows: X @ coef.T + intercept. Contract: reference/scores.py."""

import numpy as np

from fastml_ext import pool
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel

__all__ = ["row_scores", "scores"]

FEW = 4  # from here on the matrix product's blocks win over one dot product after another


def scores(X, coef, intercept, n_jobs=None):
    if len(coef) >= FEW and len(X) > 16:  # a single row takes 1 us here: nothing may come before it
        return X @ coef.T + intercept
    return row_scores(X, coef, intercept, n_jobs)


def row_scores(X, coef, intercept, n_jobs=None):
    n, (k, d) = len(X), coef.shape
    result = np.empty((n, k), X.dtype)
    if n * k * d < 50_000:
        score_rows(0, n, X, coef, intercept, result)
    else:
        pool.run(score_rows, n, X, coef, intercept, result, cost=0.15 * k * d + 5, n_jobs=n_jobs)
    return result


@kernel
def score_rows(start, stop, X, coef, intercept, result):
    """Each sum is off by at most d eps sum |w_j x_j|."""
    d = X.shape[1]
    for i in range(start, stop):
        for c in range(len(coef)):
            result[i, c] = inner(X, i * d, coef, c * d, d) + intercept[c]
