"""Mean and spread of each feature in each class, in one pass, and those of two sets of rows together.

Contract: reference.py. Rows are taken in by Welford's update (Technometrics 1962) of their distances from the class's
first row, so that nothing cancels where the mean is large beside the spread; parts are joined as Chan, Golub and
LeVeque do (1979).
"""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel
from fastml_ext.naive_bayes.parts import number_of_parts

__all__ = ["merge_moments", "moments"]

COST, CAREFUL = 0.6, 4.0  # nanoseconds a value


def moments(X, codes, weight, n_classes, n_jobs=None):
    (n, d), k = X.shape, n_classes
    parts = number_of_parts(n, X.size, 3 * k * d)
    totals, (origin, mean, spread) = np.zeros((parts, k)), np.zeros((3, parts, k, d))
    arrays = X, codes, weight, totals, origin, mean, spread
    pool.run(take_rows, parts, *arrays, cost=COST * X.size / parts, n_jobs=n_jobs)
    if not np.isnan(mean).any():
        totals = np.repeat(totals[:, :, None], d, axis=2)
    else:  # every value has to be looked at by itself
        totals, origin, mean, spread = np.zeros((4, parts, k, d))
        arrays = X, codes, weight, totals, origin, mean, spread
        pool.run(take_known, parts, *arrays, cost=CAREFUL * X.size / parts, n_jobs=n_jobs)
    mean += origin
    joined = totals[0], mean[0], spread[0]
    for part in range(1, parts):
        joined = merge_moments(joined, (totals[part], mean[part], spread[part]))
    return joined


@kernel
def take_rows(start, stop, X, codes, weight, totals, origin, mean, spread):
    (n, d), parts = X.shape, len(totals)
    for part in range(start, stop):
        for i in range(part * n // parts, (part + 1) * n // parts):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            if w == 0:
                continue  # w / total may be 0 / 0
            if totals[part, c] == 0:
                for j in range(d):
                    origin[part, c, j] = X[i, j]
            totals[part, c] += w
            share = w / totals[part, c]
            for j in range(d):
                x, m = X[i, j] - origin[part, c, j], mean[part, c, j]
                moved = m + share * (x - m)
                mean[part, c, j] = moved
                spread[part, c, j] += w * (x - m) * (x - moved)


@kernel
def take_known(start, stop, X, codes, weight, totals, origin, mean, spread):
    (n, d), parts = X.shape, len(totals)
    for part in range(start, stop):
        for i in range(part * n // parts, (part + 1) * n // parts):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            for j in range(d):
                if w == 0 or X[i, j] != X[i, j]:
                    continue
                if totals[part, c, j] == 0:
                    origin[part, c, j] = X[i, j]
                totals[part, c, j] += w
                x, m = X[i, j] - origin[part, c, j], mean[part, c, j]
                mean[part, c, j] += w / totals[part, c, j] * (x - m)
                spread[part, c, j] += w * (x - m) * (x - mean[part, c, j])


def merge_moments(first, second):
    (total_a, mean_a, spread_a), (total_b, mean_b, spread_b) = first, second
    total = total_a + total_b
    share = np.divide(total_b, total, out=np.zeros_like(total), where=total > 0)
    apart = mean_b - mean_a
    return total, mean_a + share * apart, spread_a + spread_b + total_a * share * apart**2
