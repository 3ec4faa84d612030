"""Quantiles of columns by selection or by sorting, as NumPy defines them."""

import numpy as np

from fastml_ext import pool
from fastml_ext import preprocessing as kernels

__all__ = ["at_places", "between", "middle", "nan_medians", "nan_medians_and_quantiles", "nan_quantiles", "rows_at"]

FEW = 8  # quantiles, up to which selection may take less time than NumPy's vectorised sort
SORTED = 256, 10_000  # rows between which it does not
TOGETHER = 8  # columns, which lie in one line of the cache
SORTING = 15.0  # ns a number


def beside(X, shares):
    """(low, high, count): the numbers beside each quantile, as `fastml_ext.preprocessing.quantiles` finds them."""
    shares = np.asarray(shares, np.float64)
    if len(shares) > FEW or SORTED[0] < len(X) < SORTED[1]:
        return sorted_quantiles(X, shares)
    return kernels.quantiles(X, shares)


def nan_quantiles(X, shares):
    """(len(shares), d): quantiles of the columns as numpy.nanpercentile's by default, to the bit; NaN is left out."""
    low, high, count = beside(X, shares)
    return between(low, high, count, shares)


def nan_medians(X):
    """(d,) of the dtype of X: medians of the columns as numpy.nanmedian's, to the bit; NaN is left out."""
    low, high, count = beside(X, [0.5])
    return middle(low, high, count)


def nan_medians_and_quantiles(X, shares):
    """(medians, quantiles) as the two functions of these names give them, from one pass."""
    low, high, count = beside(X, [0.5, *shares])
    return middle(low, high, count), between(low[1:], high[1:], count, shares)


def between(low, high, count, shares):
    """Quantiles from the numbers beside them, as `kernels.quantiles` gives these."""
    return interpolated(low, high, np.asarray(shares, np.float64)[:, None] * (np.maximum(count, 1) - 1))


def interpolated(low, high, place):
    """What NumPy makes of the numbers at the whole places beside `place`."""
    part = place - np.floor(place)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = high - low
        return np.where(part < 0.5, low + apart * part, high - apart * (1 - part))


def middle(low, high, count):
    """Medians from the numbers beside the share 0.5."""
    with np.errstate(over="ignore"):
        return np.where(count % 2 == 1, low[0], (low[0] + high[0]) / low.dtype.type(2))


def at_places(X, places, least, largest):
    """(len(places), d): what stands at places from 0 to n - 1 of the columns of X, were they in order; none is missing.

    Between two whole places is interpolated, as NumPy does | least, largest: of the columns
    """
    n = len(X)
    inner = (places > 0) & (places < n - 1)
    found = np.where((places == 0)[:, None], least, largest)
    if inner.any():
        some = places[inner]
        shares = (np.floor(some) + 0.5) / (n - 1)  # of a place between two whole ones: no rounding moves it across
        low, high, _ = beside(X, shares)
        values = interpolated(low, high, some[:, None])
        found = found.astype(values.dtype)
        found[inner] = values
    return found


def rows_at(X, places):
    """Rows of X in the order in which they stand there, by several threads."""
    places = np.sort(places)
    out = np.empty((len(places), X.shape[1]), X.dtype)
    pool.run(take_rows, len(places), X, places, out, cost=20.0 + X.shape[1])
    return out


def take_rows(start, stop, X, places, out):
    np.take(X, places[start:stop], axis=0, out=out[start:stop], mode="clip")  # which does not copy them first


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
