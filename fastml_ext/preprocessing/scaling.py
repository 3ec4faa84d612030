"""Extremes of columns; columns centred, scaled, clipped and filled, in whole registers. Contract: reference.py."""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel_exact
from fastml_ext.preprocessing.layout import CHUNK, LONG, by_columns, of_parts, rows_together

__all__ = ["extremes", "fill", "rescale", "standardise"]

NONE = {np.dtype(kind): np.empty(0, kind) for kind in (np.float32, np.float64)}
COST = 0.5  # ns a number


def standardise(X, centre, scale, n_jobs=None):
    """(x - centre) / scale, or None where a number is infinite. Contract: reference.py."""
    return _run(_standardise, X, [centre, scale], NONE[X.dtype], n_jobs)


def rescale(X, scale, shift, low, high, n_jobs=None):
    """x * scale + shift between low and high, or None where a number is infinite. Contract: reference.py."""
    ends = NONE[X.dtype] if low == -np.inf and high == np.inf else np.array([low, high], X.dtype)
    return _run(_rescale, X, [scale, shift], ends, n_jobs)


def fill(X, values, n_jobs=None):
    """X with a value for each column where a number is missing, None where one is infinite. Contract: reference.py."""
    return _run(_fill, X, [values, None], NONE[X.dtype], n_jobs)


def extremes(X, n_jobs=None):
    """Least and largest of each column, NaN left out. Contract: reference.py."""
    n, d = X.shape
    if d == 0:
        return np.empty(0, X.dtype), np.empty(0, X.dtype)
    parts = of_parts(_extremes, X, (), COST, n_jobs, rows_together(n, d) * d)
    least, largest = parts[0]
    for low, high in parts[1:]:
        np.minimum(least, low, out=least)
        np.maximum(largest, high, out=largest)
    absent = least > largest  # no number was there
    if absent.any():
        least[absent] = largest[absent] = np.nan
    return least, largest


def _run(call, X, columns, ends, n_jobs):
    n, d = X.shape
    dtype = next((values.dtype for values in columns if values is not None), X.dtype)
    if by_columns(X):
        lines = np.empty((d, n), X.dtype)
        pieces, cost = -(-n // CHUNK), COST * min(n, CHUNK)
        given = X.T, pieces, columns, NONE[dtype], ends, lines
        bad = pool.run(_some_columns, d * pieces, call, *given, cost=cost, n_jobs=n_jobs)
        return None if any(bad) else lines.T
    out, wide = np.empty((n, d), X.dtype), rows_together(n, d)
    first, second = (NONE[dtype] if each is None else np.tile(each, wide) if wide > 1 else each for each in columns)
    given = np.ascontiguousarray(X).reshape(-1), d, wide * d, first, second, ends, out.reshape(-1)
    return None if d and any(pool.run(call, n, *given, cost=COST * d, n_jobs=n_jobs)) else out


def _some_columns(start, stop, call, lines, pieces, columns, none, ends, out):
    """Whether a number of these parts of columns is infinite."""
    bad = 0
    for at in range(start, stop):
        j, part = divmod(at, pieces)
        first, second = (none if each is None else np.full(LONG, each[j], each.dtype) for each in columns)
        rows = part * CHUNK, min((part + 1) * CHUNK, lines.shape[1])
        bad |= call(*rows, lines[j], 1, LONG, first, second, ends, out[j])
    return bad


@kernel_exact
def _extremes(start, stop, X, d, m):
    """(least, largest) of the rows from start to stop; infinity, and less than it, of a column without numbers."""
    low, high = np.full(m, np.inf, X.dtype), np.full(m, -np.inf, X.dtype)
    for first in range(start * d, stop * d, m):
        x = X[first : min(first + m, stop * d)]
        for k in range(len(x)):
            low[k] = x[k] if x[k] < low[k] else low[k]
        for k in range(len(x)):
            high[k] = x[k] if x[k] > high[k] else high[k]
    least, largest = np.full(d, np.inf, X.dtype), np.full(d, -np.inf, X.dtype)
    for first in range(0, m, d):
        for j in range(d):
            least[j], largest[j] = min(least[j], low[first + j]), max(largest[j], high[first + j])
    return least, largest


@kernel_exact
def _standardise(start, stop, X, d, m, centre, scale, ends, out):
    """Whether a number is infinite."""
    bad = 0
    for first in range(start * d, stop * d, m):
        n = min(m, stop * d - first)
        x, y = X[first : first + n], out[first : first + n]
        for k in range(n):
            bad |= abs(x[k]) == np.inf
        if len(centre):
            for k in range(n):
                y[k] = x[k] - centre[k]
        else:
            for k in range(n):
                y[k] = x[k]
        if len(scale):
            for k in range(n):
                y[k] = y[k] / scale[k]
    return bad


@kernel_exact
def _rescale(start, stop, X, d, m, scale, shift, ends, out):
    """Whether a number is infinite."""
    bad = 0
    for first in range(start * d, stop * d, m):
        n = min(m, stop * d - first)
        x, y = X[first : first + n], out[first : first + n]
        for k in range(n):
            bad |= abs(x[k]) == np.inf
        for k in range(n):
            y[k] = x[k] * scale[k]
        for k in range(n):
            y[k] = y[k] + shift[k]
        if len(ends):
            low, high = ends[0], ends[1]
            for k in range(n):  # NaN is neither below nor above
                y[k] = low if y[k] < low else (high if y[k] > high else y[k])
    return bad


@kernel_exact
def _fill(start, stop, X, d, m, values, nothing, ends, out):
    """Whether a number is infinite."""
    bad = 0
    for first in range(start * d, stop * d, m):
        n = min(m, stop * d - first)
        x, y = X[first : first + n], out[first : first + n]
        for k in range(n):
            bad |= abs(x[k]) == np.inf
        for k in range(n):
            y[k] = x[k] if x[k] == x[k] else values[k]
    return bad
