"""Bins that tell of the classes, by definition: entropy and minimum description length."""

import math

import numpy as np

__all__ = ["mdl_cuts"]

EQUAL = 1e-10  # bits: gains that differ by less are equal


def mdl_cuts(codes, n_values, y, weight, n_classes):
    """For each column the values after which it is cut, by Fayyad and Irani (1993, equations 3 to 9).

    codes: for each column (n,) unsigned, the rank of the row's value among the column's distinct values; a row of code
    n_values[j] or more has no value there, and counts for nothing | y (n,) int64, classes below n_classes | weight (n,)
    float64, positive or 0, or None for 1 each | the result: for each column an ascending int64 array of ranks r, a cut
    between the values of ranks r and r + 1

    A range of values is cut where that gains most bits of the class, at the lowest of equal gains, and its parts are
    cut in turn, as long as with N the weight of the range, k classes of entropy E in it, k1, E1 and k2, E2 in its parts

        gain > (log2(N - 1) + log2(3^k - 2) - (k E - k1 E1 - k2 E2)) / N

    A range of weight 1 or less is not cut. Rows of weight 0 do not count.
    """
    weight = np.ones(len(y)) if weight is None else weight
    return [_cuts(*rows) for rows in (_present(c, m, y, weight) for c, m in zip(codes, n_values, strict=True))]


def _present(codes, n_values, y, weight):
    kept = (codes < n_values) & (weight > 0)
    return codes[kept].astype(np.int64), y[kept], weight[kept]


def _cuts(codes, y, weight):
    values = np.unique(codes)
    best, at = 0.0, None
    for value in values[:-1]:
        gained = _gain(codes <= value, y, weight)
        if gained > best + EQUAL:
            best, at = gained, value
    if at is None or weight.sum() <= 1 or not best > _price(codes <= at, y, weight):
        return np.empty(0, np.int64)
    left = codes <= at
    below = _cuts(codes[left], y[left], weight[left])
    return np.concatenate([below, [at], _cuts(codes[~left], y[~left], weight[~left])])


def _entropy(y, weight):
    """(entropy in bits, number of classes) of weighted classes."""
    shares = np.array([weight[y == c].sum() for c in np.unique(y)]) / weight.sum()
    return -sum(p * math.log2(p) for p in shares), len(shares)


def _gain(left, y, weight):
    parts = sum(_entropy(y[side], weight[side])[0] * weight[side].sum() for side in (left, ~left))
    return _entropy(y, weight)[0] - parts / weight.sum()


def _price(left, y, weight):
    (E, k), (E1, k1), (E2, k2) = (_entropy(y[side], weight[side]) for side in (left | True, left, ~left))
    total = weight.sum()
    return (math.log2(total - 1) + math.log2(3**k - 2) - (k * E - k1 * E1 - k2 * E2)) / total
