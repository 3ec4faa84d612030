"""Sums of products of columns and targets, and the least squares that they give."""

import numpy as np

__all__ = ["moments", "residual_moments", "small_squares"]


def moments(X, Y, weight, shift, shift_y):
    """Z.T @ diag(weight) @ Z of Z = [X - shift, Y - shift_y, 1]: (d + k + 1, d + k + 1) float64.

    X (n, d) | Y (n, k) | weight (n,), or empty for 1 each | shift (d,), taken as a number of the dtype of X | shift_y
    (k,) | Sums over float32 are right to about 1e-6 of the lengths of their columns, and to 5e-5 where these
    stand far from shift; of float64 to 1e-13.
    """
    weight = weight if len(weight) else np.ones(len(X))
    Z = np.column_stack([X.astype(float) - shift.astype(X.dtype), Y - shift_y, np.ones(len(X))])
    return Z.T @ np.diag(weight) @ Z


def residual_moments(X, Y, weight, shift, shift_y, coef, intercept):
    """Sums of weight r_c [x - shift, 1] of what is left, r = y - shift_y - coef (x - shift) - intercept: (k, d + 1).

    coef (k, d) | intercept (k,) | else as of `moments`
    """
    weight = weight if len(weight) else np.ones(len(X))
    Z = X.astype(float) - shift.astype(X.dtype)
    residuals = Y - shift_y - Z @ coef.T - intercept
    return residuals.T @ np.diag(weight) @ np.column_stack([Z, np.ones(len(X))])


def small_squares(X, Y, weight, alphas, free):
    """(coef (k, d), centre (d,), means (k,), G (d, d), solved): least sum weight (y - coef x - b)^2 + alpha |coef|^2.

    alphas (k,), one for each output | free: whether there is an intercept, b = means - coef centre; else centre and
    means are 0 | weight (n,), or empty for 1 each | G: products of the centred columns, 0 for a constant one, whose
    weight is 0 | solved: False where a column is nearly a sum of the others: what it keeps of its square beside those
    before it is no more than 1e-4. coef means nothing then.
    """
    weight = weight if len(weight) else np.ones(len(X))
    centre = weight @ X / weight.sum() if free else np.zeros(X.shape[1])
    means = weight @ Y / weight.sum() if free else np.zeros(Y.shape[1])
    Z, T = X - centre, Y - means
    Z[:, np.ptp(X[weight > 0], axis=0) == 0] *= not free
    G, coef, solved = Z.T @ np.diag(weight) @ Z, [], True
    for t, alpha in zip(T.T, alphas, strict=True):
        H = G + alpha * np.eye(len(G))
        H = H[np.ix_(np.diag(H) > 0, np.diag(H) > 0)] / np.sqrt(np.outer(*2 * [np.diag(H)[np.diag(H) > 0]]))
        kept = [1 - H[j, :j] @ np.linalg.pinv(H[:j, :j]) @ H[:j, j] for j in range(len(H))]
        solved = solved and all(share > 1e-4 for share in kept)
        coef.append(np.linalg.pinv(G + alpha * np.eye(len(G)), hermitian=True) @ (Z.T @ (weight * t)))
    return np.array(coef), centre, means, G, solved
