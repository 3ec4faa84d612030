"""Quantiles of columns by selection or by sorting, as NumPy defines them."""

import numpy as np

from fastml_ext import pool
from fastml_ext import preprocessing as kernels

__all__ = ["nan_medians", "nan_quantiles"]

FEW = 8  # quantiles, up to which selection takes less time than NumPy's vectorised sort
TOGETHER = 8  # columns, which lie in one line of the cache
SORTING = 15.0  # ns a number


def nan_quantiles(X, shares):
    """(len(shares), d): quantiles of the columns as numpy.nanpercentile's by default, to the bit; NaN is left out."""
    shares = np.asarray(shares, np.float64)
    low, high, count = kernels.quantiles(X, shares) if len(shares) <= FEW else sorted_quantiles(X, shares)
    return between(low, high, shares[:, None] * (np.maximum(count, 1) - 1))


def between(low, high, place):
    """What NumPy interpolates at `place` between the numbers at the whole places beside it."""
    part = place - np.floor(place)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = high - low
        return np.where(part < 0.5, low + apart * part, high - apart * (1 - part))


def nan_medians(X):
    """(d,) of the dtype of X: medians of the columns as numpy.nanmedian's, to the bit; NaN is left out."""
    low, high, count = kernels.quantiles(X, np.array([0.5]))
    with np.errstate(over="ignore"):
        return np.where(count % 2 == 1, low[0], (low[0] + high[0]) / X.dtype.type(2))


def sorted_quantiles(X, shares):
    """What `fastml_ext.preprocessing.quantiles` gives."""
    n, d = X.shape
    low, high, count = np.empty((len(shares), d), X.dtype), np.empty((len(shares), d), X.dtype), np.empty(d, np.int64)
    pool.run(sort_columns, d, X, shares, low, high, count, cost=SORTING * n, step=TOGETHER)
    return low, high, count


def sort_columns(start, stop, X, shares, low, high, count):
    for first in range(start, stop, TOGETHER):
        some = slice(first, min(first + TOGETHER, stop))
        ordered = np.sort(np.ascontiguousarray(X[:, some].T), axis=1)  # NaN last
        held = len(X) - np.isnan(ordered).sum(axis=1)
        below = np.floor(shares[:, None] * (np.maximum(held, 1) - 1)).astype(np.int64)
        columns = np.arange(len(ordered))
        low[:, some], high[:, some] = ordered[columns, below], ordered[columns, np.minimum(below + 1, held - 1)]
        count[some] = held
