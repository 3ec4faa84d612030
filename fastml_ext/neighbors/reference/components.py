"""Neighbourhood components by definition: the contract of the kernel."""

import numpy as np

__all__ = ["class_shares"]


def class_shares(A, X, counts, n_jobs=None):
    """(total, gradient): how many rows find their class where each draws one neighbour, and how that changes with A.

    A (k, d) float64 | X (n, d) float64, n > 1, rows of one class side by side | counts (c,) int64, rows of each class
    n_jobs: threads

    Row i draws row j with the share exp(-|A x_i - A x_j|^2) of all rows but itself (Goldberger, Roweis, Hinton and
    Salakhutdinov 2004). total: the sum over rows of the shares of their own class. gradient (k, d): its derivative.
    """
    codes = np.repeat(np.arange(len(counts)), counts)
    Z, total, gradient = X @ A.T, 0.0, np.zeros_like(A)
    for i in range(len(X)):
        square = ((Z - Z[i]) ** 2).sum(axis=1)
        square[i] = np.inf
        share = np.exp(square.min() - square)
        share /= share.sum()
        same = codes == codes[i]
        own = share[same].sum()
        total += own
        apart = X - X[i]
        gradient += 2 * A @ (apart.T * (share * (own - same)) @ apart)
    return total, gradient
