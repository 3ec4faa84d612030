"""Scores of rows."""

__all__ = ["scores"]


def scores(X, coef, intercept):
    """X (n, d) @ coef (k, d).T + intercept (k,): (n, k) in the dtype of X. A sum may be taken in any order: it may be
    off by (d + 1) eps sum |w_j x_j|."""
    return (X @ coef.T + intercept).astype(X.dtype)
