"""Linear support vector machines with the squared hinge."""

import numpy as np

from fastml_ext.linear.reference.augmented import augmented_svm

__all__ = ["truncated_svm"]


def truncated_svm(X, signs, cost, bias, close, max_iter, start=None):
    """(W (k, d + 1), iterations (k,), done (k,)) of k problems, each

        least over W of  |W|^2 / 2 + sum_i cost_i max(0, 1 - signs_i W [x_i, bias])^2.

    X (n, d) CSR, float32 or float64 | signs, cost (k, n), costs of at least 0 | Done: once an iteration of Newton's
    method has promised no more than `close` of the objective; what it leaves is the square of that, or nearly. Not
    done after max_iter iterations, or where a sum overflows. start (k, d + 1): W to begin with, default 0.
    """
    table = np.column_stack([X.astype(float), np.full(len(X), bias)]).T
    W, _, _, _, steps = augmented_svm(table, signs, cost, True, 1e-9, 100_000)
    return W, steps, np.ones(len(signs), bool)
