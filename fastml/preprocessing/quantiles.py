"""Quantiles of columns by selection or by sorting, as NumPy defines them."""

import numpy as np

from fastml_ext import pool
from fastml_ext import preprocessing as kernels

__all__ = [
    "at_places", "between", "middle", "nan_medians", "nan_medians_and_quantiles", "nan_quantiles",
    "quantiles_with_zeros", "rows_at",
]  # fmt: skip


def nan_quantiles(X, shares, rows=None):
    """(len(shares), d): quantiles of the columns as numpy.nanpercentile's by default, to the bit; NaN is left out.

    rows: numbers of the rows that are meant; None for all
    """
    low, high, count, _ = kernels.quantiles(X, shares, rows)
    return between(low, high, count, shares)


def quantiles_with_zeros(stored, zeros, shares):
    """As `nan_quantiles` of columns that hold the numbers `stored` and so many zeros; 0 of a column without a value."""
    found = np.zeros((len(shares), len(stored)))
    cost = 2e4 + 15.0 * sum(map(len, stored)) / max(len(stored), 1)
    pool.run(fill_quantiles, len(stored), stored, zeros, shares, found, cost=cost)
    return found


def fill_quantiles(start, stop, stored, zeros, shares, found):
    """Of columns; what is not stored stands before the first stored number that is not below 0."""
    for j in range(start, stop):
        ordered = np.sort(stored[j])  # NaN last
        known, empty = len(ordered) - int(np.isnan(ordered).sum()), zeros[j]
        count = known + empty
        if not count:
            found[:, j] = np.nan if len(ordered) else 0.0
            continue
        below = np.floor(shares * (count - 1)).astype(np.int64)
        first = int(np.searchsorted(ordered[:known], 0))
        values = np.append(ordered[:known], ordered.dtype.type(0))
        places = np.stack([below, np.minimum(below + 1, count - 1)])
        behind = np.where(places < first + empty, known, places - empty)
        low, high = values[np.where(places < first, places, behind)]
        found[:, j] = interpolated(low, high, shares * (count - 1))


def nan_medians(X):
    """(medians, extremes) of the columns, (d,) as numpy.nanmedian's, to the bit, and (2, d); NaN is left out."""
    low, high, count, extremes = kernels.quantiles(X, [0.5])
    return middle(low, high, count), extremes


def nan_medians_and_quantiles(X, shares):
    """(medians, quantiles, extremes) as the two functions of these names give them, from one pass."""
    low, high, count, extremes = kernels.quantiles(X, [0.5, *shares])
    return middle(low, high, count), between(low[1:], high[1:], count, shares), extremes


def between(low, high, count, shares):
    """Quantiles from the numbers beside them, as `kernels.quantiles` gives these."""
    return interpolated(low, high, np.asarray(shares, np.float64)[:, None] * (np.maximum(count, 1) - 1))


def interpolated(low, high, place):
    """What NumPy makes of the numbers at the whole places beside `place`."""
    part = place - np.floor(place)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = high - low
        found = np.where(part < 0.5, low + apart * part, high - apart * (1 - part))
        if np.isinf(apart).any():  # their difference is beyond the dtype
            found = np.where(np.isinf(apart), low * (1 - part) + high * part, found)
    return found


def middle(low, high, count):
    """Medians from the numbers beside the share 0.5."""
    with np.errstate(over="ignore"):
        half_way = (low[0] + high[0]) / low.dtype.type(2)
    large = np.isinf(half_way)
    if large.any():  # their sum is beyond the dtype, their middle is not
        half_way[large] = low[0][large] / 2 + high[0][large] / 2
    return np.where(count % 2 == 1, low[0], half_way)


def at_places(X, places, rows=None):
    """(len(places), d): what stands at places from 0 to n - 1 of the columns of X, were they in order; none is missing.

    Between two whole places is interpolated, as NumPy does | rows: numbers of the n rows that are meant; None for all
    """
    n = len(X) if rows is None else len(rows)
    inner = (places > 0) & (places < n - 1)
    some = places[inner]
    shares = (np.floor(some) + 0.5) / (n - 1) if n > 1 else some  # no rounding moves it across a whole place
    low, high, _, extremes = kernels.quantiles(X, shares, rows)
    found = np.where((places == 0)[:, None], *extremes)
    if inner.any():
        values = interpolated(low, high, some[:, None])
        found = found.astype(values.dtype)
        found[inner] = values
    return found


def rows_at(X, places):
    """Rows of X in the order in which they stand there, by several threads; a table ordered as X."""
    places = np.sort(places)
    if not X.flags.c_contiguous and X.flags.f_contiguous:
        columns = np.empty((X.shape[1], len(places)), X.dtype)
        pool.run(put_columns, X.shape[1], X, places, columns, cost=2.0 * len(places))
        return columns.T
    out = np.empty((len(places), X.shape[1]), X.dtype)
    pool.run(take_rows, len(places), X, places, out, cost=20.0 + X.shape[1])
    return out


def put_columns(start, stop, X, places, columns):
    kernels.put_lines(start, stop, X, places, columns[start:stop])


def take_rows(start, stop, X, places, out):
    np.take(X, places[start:stop], axis=0, out=out[start:stop], mode="clip")  # which does not copy them first
