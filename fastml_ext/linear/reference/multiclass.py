"""The support vector machine of Crammer and Singer by its dual."""

import numpy as np

__all__ = ["multiclass_svm"]


def multiclass_svm(X, codes, n_classes, cost, bias, tol, max_iter, seed):
    """(W (k, d + 1), alpha (n, k), sweeps, done): all classes' weights together, W = alpha.T @ [X, bias], at

        least over alpha of  |W|^2 / 2 + sum_i sum_(c != y_i) alpha_ic
        where every row of alpha adds up to 0, alpha_ic <= 0 for c != y_i, and alpha_ic <= cost_i for c = y_i,

    the dual of  |W|^2 / 2 + sum_i cost_i max(0, 1 - (the score of y_i less that of the best other class))  with the
    scores W @ [x_i, bias]. A row whose cost is 0 has alpha 0. A row whose [x_i, bias] is zero has cost_i at its own
    class. Done once, in a whole sweep, no row's slope is more than tol above another of that row whose variable may
    still grow. codes (n,) below n_classes | cost (n,) | the seed may change the path, and not the optimum.
    K. Crammer, Y. Singer, On the algorithmic implementation of multiclass kernel-based vector machines, JMLR 2 (2001).
    """
    Z = np.column_stack([X, np.full(len(X), bias)])
    alpha, own = np.zeros((len(X), n_classes)), np.arange(n_classes) == np.asarray(codes)[:, None]
    for sweep in range(1, max_iter + 1):
        worst = 0.0
        for i, z in enumerate(Z):
            upper, square = np.where(own[i], cost[i], 0.0), z @ z
            slopes = (alpha.T @ Z) @ z + ~own[i]
            free = alpha[i] < upper
            if not free.any() or slopes.max() - slopes[free].min() <= 0:
                continue
            worst = max(worst, slopes.max() - slopes[free].min())
            if square == 0:
                rival = int(np.argmin(own[i]))
                alpha[i] = np.where(own[i], cost[i], np.where(np.arange(n_classes) == rival, -cost[i], 0.0))
            else:
                alpha[i] = projected(alpha[i] - slopes / square, upper)
        if worst <= tol:
            return alpha.T @ Z, alpha, sweep, True
    return alpha.T @ Z, alpha, max_iter, False


def projected(target, upper):
    """The point nearest to `target` among those that add up to 0 and nowhere exceed `upper`: min(upper, target + t)."""
    low, high = -abs(target).max() - abs(upper).max(), abs(target).max() + abs(upper).max()
    for _ in range(200):
        t = (low + high) / 2
        if np.minimum(upper, target + t).sum() > 0:
            high = t
        else:
            low = t
    return np.minimum(upper, target + high)
