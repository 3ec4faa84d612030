"""Scores of rows."""

import numpy as np

__all__ = ["row_scores", "scores"]


def scores(X, coef, intercept):
    """X (n, d) @ coef (k, d).T + intercept (k,): (n, k) in the dtype of X. A sum may be taken in any order: it may be
    off by (d + 1) eps sum |w_j x_j|."""
    return (X @ coef.T + intercept).astype(X.dtype)


def row_scores(X, coef, intercept):
    """As `scores`; a row has the same bits whatever other rows there are."""
    return np.array([row @ coef.T + intercept for row in X], X.dtype).reshape(len(X), len(coef))
