"""Least squares of a sparse table."""

import numpy as np

__all__ = ["column_sums", "sparse_residuals", "sparse_squares"]


def column_sums(X, weight):
    """(d, 4) float64: how many values of a column are stored, and sums of v x, v x^2, and x^2 where v is above 0.

    weight (n,): the v of each row, or empty for 1 each
    """
    weight = weight if len(weight) else np.ones(len(X))
    X = X.astype(float)
    return np.column_stack([np.count_nonzero(X, axis=0), weight @ X, weight @ X**2, (weight > 0) @ X**2])


def sparse_residuals(X, weight, targets, coef, shift):
    """(d + 1,): sums of v (t - x coef + shift) [x, 1] over the rows x, their targets t and weights v.

    weight (n,), or empty for 1 each | targets (n,) | coef (d,)
    """
    weight, X = weight if len(weight) else np.ones(len(X)), X.astype(float)
    left = weight * (targets - X @ coef + shift)
    return np.append(left @ X, left.sum())


def sparse_squares(X, Y, weight, centre, means, alphas, inverses, accuracy, max_iter):
    """(coef (k, d), steps (k,), done (k,)): least sum weight (y - means - coef (x - centre))^2 + alpha |coef|^2.

    X (n, d) CSR, float32 or float64 | Y (n, k) | weight (n,), or empty for 1 each | alphas (k,), one for each output;
    0: of many solutions the shortest, where inverses are 1 | inverses (k, d), above 0: 1 / the squares of lengths in
    which the columns are about alike | Done: once the gradient, in these lengths and beside that at 0, is no more than
    `accuracy` divided by the condition of the system, as far as the steps have met it; or after max_iter steps, with
    done False, as also where rounding hides what is left.
    """
    weight = weight if len(weight) else np.ones(len(X))
    Z, coef = X.astype(float) - centre, []
    for t, alpha in zip((Y - means).T, alphas, strict=True):
        H = Z.T @ np.diag(weight) @ Z + alpha * np.eye(Z.shape[1])
        coef.append(np.linalg.pinv(H, rcond=1e-12, hermitian=True) @ Z.T @ (weight * t))
    return np.array(coef), np.zeros(len(alphas), int), np.ones(len(alphas), bool)
