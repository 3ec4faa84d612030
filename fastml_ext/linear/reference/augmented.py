"""Linear support vector machines to the last digits."""

import numpy as np

from fastml_ext.linear.reference.dual import dual_svm

__all__ = ["augmented_svm"]


def augmented_svm(table, signs, cost, squared, tol, max_steps, start=None):
    """(W (k, p), alpha (k, n), values (k,), gaps (k,), steps (k,)) of k problems, each

        least over W of  |W|^2 / 2 + sum_i cost_i max(0, 1 - signs_i W table[:, i]), or with the hinge squared.

    table (p, n) holds the rows of X as columns, that of the intercept last. values are the objectives of W; no weights
    are better than these by more than the gaps, as alpha, the dual variables, 0 to cost_i for the hinge, prove: the
    dual objective is sum_i alpha_i - |sum_i alpha_i signs_i table[:, i]|^2 / 2, less alpha_i^2 / (4 cost_i) for the
    square. Done once gap <= tol * value, after max_steps >= 1, or where rounding hides what is left. start: (W, alpha)
    to begin with, which change the path and not the optimum.
    """
    X, k = table.T, len(signs)
    with np.errstate(divide="ignore"):
        upper = np.where(cost > 0, np.inf if squared else cost, 0.0)
        diagonal = np.where(cost > 0, 0.5 / cost, 0.0) if squared else np.zeros_like(cost)
    W, alpha, steps, _ = dual_svm(X, signs, upper, diagonal, 0.0, tol, max_steps, 0)
    W, values, gaps = W[:, :-1], np.empty(k), np.empty(k)
    for c in range(k):
        hinge = np.maximum(0.0, 1.0 - signs[c] * (X @ W[c]))
        values[c] = W[c] @ W[c] / 2 + cost[c] @ (hinge**2 if squared else hinge)
        back = (alpha[c] * signs[c]) @ X
        gaps[c] = values[c] - alpha[c].sum() + back @ back / 2 + diagonal[c] @ alpha[c] ** 2 / 2
    return W, alpha, values, gaps, steps
