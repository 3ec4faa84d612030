"""Full passes over the rows."""

import numpy as np

from fastml_ext.linear.reference.losses import LOSSES

__all__ = ["evaluate", "gram", "hessian_product", "softmax_hessian"]

CURVATURES = {
    "squared": lambda s, y: 1.0,
    "log": lambda s, y: 1 / ((1 + np.exp(-s)) * (1 + np.exp(s))),
    "squared_hinge": lambda s, y: 2.0 * (y * s < 1),
    "poisson": lambda s, y: np.exp(s),
}


def evaluate(code, X, Y, weight, coef, intercept, curvature=None):
    """(sum of the weighted losses, its gradient (k, d + 1) by [coef, intercept]).

    code: of squared, log, squared_hinge or poisson, with one score; with k > 1 scores it is "log", and means the
    negative log-likelihood under softmax | Y (n,) targets, or classes 0 to k - 1 | weight (n,), or empty for 1 each
    curvature (n, k): written: with one score, weight times the second derivative of each loss; with several, the
    probabilities of the classes. Empty: not wanted.
    """
    losses, k = 0.0, len(coef)
    gradient = np.zeros((k, X.shape[1] + 1))
    for i, x in enumerate(X):
        s, v = coef @ x + intercept, weight[i] if len(weight) else 1.0
        if k == 1:
            name = list(LOSSES)[code] if code < len(LOSSES) else "poisson"
            loss, slope = LOSSES[name]
            value, slopes = loss(s[0], Y[i], 1.0), np.array([slope(s[0], Y[i], 1.0)])
            curves = np.array([v * CURVATURES[name](s[0], Y[i])])
        else:
            curves = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
            value, slopes = -np.log(curves[int(Y[i])]), curves - (np.arange(k) == Y[i])
        losses += v * value
        gradient += v * np.outer(slopes, np.append(x, 1.0))
        if curvature is not None and len(curvature):
            curvature[i] = curves
    return losses, gradient


def hessian_product(X, weight, curvature, V):
    """Product of the Hessian of `evaluate`'s sum with V (k, d + 1), from the curvature (n, k) it wrote: (k, d + 1)."""
    result = np.zeros(V.shape)
    for i, x in enumerate(X):
        x, v = np.append(x, 1.0), weight[i] if len(weight) else 1.0
        p = curvature[i]
        H = np.diag(p) if len(p) == 1 else v * (np.diag(p) - np.outer(p, p))
        result += np.outer(H @ (V @ x), x)
    return result


def gram(X, curvature, centre, scale):
    """Z.T @ diag(curvature) @ Z of Z = [(X - centre) * scale, 1]: (d + 1, d + 1) float64.

    curvature (n,), or empty for 1 each | centre, scale (d,)
    """
    Z = np.column_stack([(X - centre) * scale, np.ones(len(X))])
    return Z.T @ np.diag(curvature if len(curvature) else np.ones(len(X))) @ Z


def softmax_hessian(X, weight, shares, centre, scale):
    """The Hessian of `evaluate`'s sum by the weights of Z = [(X - centre) * scale, 1]: (k, d + 1, k, d + 1) float64.

    shares (n, k), k > 1: the probabilities that `evaluate` wrote | weight (n,), or empty for 1 each | scale (d,)
    """
    Z, k = np.column_stack([(X - centre) * scale, np.ones(len(X))]), shares.shape[1]
    result = np.zeros((k, Z.shape[1], k, Z.shape[1]))
    for z, p, v in zip(Z, shares, weight if len(weight) else np.ones(len(X)), strict=True):
        result += v * np.einsum("ab,i,j->aibj", np.diag(p) - np.outer(p, p), z, z)
    return result
