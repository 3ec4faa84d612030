"""Passes over the columns of a table in the order of its rows. Contract: reference.py."""

from cython cimport floating
from libc.math cimport fabs, sqrt

import numpy as np

from fastml_ext import pool

__all__ = ["binarise", "by_rows", "moments", "normalise"]

cdef enum:
    VALUES = 16384  # of a block, which is read twice: it stays within the second cache
    LINE = 64  # bytes

COST = 0.6  # ns a value that is read once
NORMS = {"l1": 1, "l2": 2, "max": 0}


def moments(X, n_jobs=None):
    """Count, mean and sum of squared deviations of each column. Contract: reference.py."""
    n, d = X.shape
    shift = np.where(np.isfinite(X[0]), X[0], 0.0).astype(np.float64)  # differences from it lose no digits
    parts = pool.run(_moments, n, X, shift, cost=2 * COST * d, n_jobs=n_jobs)
    found = parts[0]
    for part in parts[1:]:
        _merge_all(found, part)
    count, mean, squares = found
    if not count.all():
        mean[count == 0] = squares[count == 0] = np.nan
    mean += shift
    return count, mean, squares


def _merge_all(double[:, ::1] a, const double[:, ::1] b):
    cdef Py_ssize_t j
    for j in range(a.shape[1]):
        _merge(&a[0, j], &a[1, j], &a[2, j], b[0, j], b[1, j], b[2, j])


cdef inline void _merge(double* n, double* mean, double* squares, double n2, double mean2,
                        double squares2) noexcept nogil:
    """Chan, Golub and LeVeque 1983, equation 1.5."""
    cdef double both = n[0] + n2, apart = mean2 - mean[0]
    if n2 == 0:
        return
    if n[0] == 0:
        n[0], mean[0], squares[0] = n2, mean2, squares2
        return
    mean[0] += apart * (n2 / both)
    squares[0] += squares2 + apart * apart * (n[0] * (n2 / both))
    n[0] = both


def _moments(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[::1] shift):
    """(3, d): count, mean and squares of X - shift from start to stop, in blocks of rows, each about its own mean."""
    cdef Py_ssize_t d = X.shape[1], rows = min(max(8, VALUES // max(d, 1)), 256), i, j, low, high
    found = np.zeros((3, d))
    cdef double[:, ::1] out = found
    cdef double[:, ::1] work = np.empty((3, d))
    cdef double *s
    cdef double *c
    cdef double *m
    cdef const double *k
    cdef double b, x
    if d == 0:
        return found
    s, c, m, k = &work[0, 0], &work[1, 0], &work[2, 0], &shift[0]
    with nogil:
        low = start
        while low < stop:
            high = min(low + rows, stop)
            b = high - low
            for j in range(d):
                s[j] = c[j] = m[j] = 0
            for i in range(low, high):
                for j in range(d):
                    s[j] += X[i, j] - k[j]
            for j in range(d):
                s[j] /= b
            for i in range(low, high):
                for j in range(d):
                    x = (X[i, j] - k[j]) - s[j]
                    c[j] += x
                    m[j] += x * x
            for j in range(d):
                if c[j] - c[j] == 0:  # else NaN, or infinity, is in the column
                    m[j] = max(m[j] - c[j] * (c[j] / b), 0.0) if m[j] > 0 else m[j]
                    _merge(&out[0, j], &out[1, j], &out[2, j], b, s[j] + c[j] / b, m[j])
                else:
                    _merge_known(X, low, high, j, k[j], &out[0, j], &out[1, j], &out[2, j])
            low = high
    return found


cdef void _merge_known(const floating[:, ::1] X, Py_ssize_t low, Py_ssize_t high, Py_ssize_t j, double shift, double* n,
                       double* mean, double* squares) noexcept nogil:
    """As the block's columns are merged, of a column in which numbers are missing."""
    cdef Py_ssize_t i
    cdef double count = 0, total = 0, centre, error = 0, sum2 = 0, x
    for i in range(low, high):
        if X[i, j] == X[i, j]:
            count += 1
            total += X[i, j] - shift
    if count == 0:
        return
    centre = total / count
    for i in range(low, high):
        if X[i, j] == X[i, j]:
            x = (X[i, j] - shift) - centre
            error += x
            sum2 += x * x
    _merge(n, mean, squares, count, centre + error / count, sum2 - error * (error / count))


def by_rows(X, n_jobs=None):
    """X in C order. Contract: reference.py."""
    n, d = X.shape
    out = np.empty((n, d), X.dtype)
    pool.run(_by_rows, n, X.T, out, cost=2 * COST * d, n_jobs=n_jobs)
    return out


def _by_rows(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] columns, floating[:, ::1] out):
    """A line of the cache at a time of each row."""
    cdef Py_ssize_t n = columns.shape[1], d = columns.shape[0], wide = LINE // sizeof(floating), first = 0, k, i, j
    cdef const floating *x
    cdef floating *y
    with nogil:
        while first < d:
            x, k = &columns[first, 0], min(wide, d - first)
            for i in range(start, stop):
                y = &out[i, first]
                for j in range(k):
                    y[j] = x[j * n + i]
            first += wide


def normalise(X, norm, n_jobs=None):
    """Rows divided by their norms, by 1 where a norm is rounding, and the norms. Contract: reference.py."""
    n, d = X.shape
    out, norms = np.empty((n, d), X.dtype), np.empty(n, X.dtype)
    pool.run(_normalise, n, X, NORMS[norm], out, norms, cost=3 * COST * d, n_jobs=n_jobs)
    return out, norms


def _normalise(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, int norm, floating[:, ::1] out,
               floating[::1] norms):
    cdef Py_ssize_t d = X.shape[1], i, j
    cdef double size, x
    cdef floating divisor, least = 10 * (<double> 2.0 ** -23 if floating is float else <double> 2.0 ** -52)
    with nogil:
        for i in range(start, stop):
            size = 0
            if norm == 2:
                for j in range(d):
                    x = X[i, j]
                    size += x * x
                size = sqrt(size)
            elif norm == 1:
                for j in range(d):
                    size += fabs(X[i, j])
            else:
                for j in range(d):
                    x = fabs(X[i, j])
                    size = x if x > size else size
            divisor = size
            if divisor < least:
                divisor = 1
            norms[i] = divisor
            for j in range(d):
                out[i, j] = X[i, j] / divisor


def binarise(X, threshold, n_jobs=None):
    """1 where x is above the threshold, else 0. Contract: reference.py."""
    n, d = X.shape
    out = np.empty((n, d), X.dtype)
    pool.run(_binarise, n, X, float(threshold), out, cost=2 * COST * d, n_jobs=n_jobs)
    return out


def _binarise(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, double threshold, floating[:, ::1] out):
    cdef Py_ssize_t d = X.shape[1], i, j
    cdef floating above = threshold
    with nogil:
        for i in range(start, stop):
            for j in range(d):
                out[i, j] = 1 if X[i, j] > above else 0
