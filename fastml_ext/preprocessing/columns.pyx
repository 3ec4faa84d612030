"""Passes over the columns of a table in the order of its rows. Contract: reference.py."""

from cython cimport floating
from libc.math cimport fabs, sqrt
from libc.stdint cimport int64_t

from fastml_ext.preprocessing.hashing cimport fastml_prefetch

import numpy as np

from fastml_ext import pool

__all__ = ["binarise", "by_rows", "normalise", "put_lines"]

cdef enum:
    LINE = 64  # bytes
    AHEAD = 16  # rows that are asked for before they are read

COST = 0.6  # ns a value that is read once
NORMS = {"l1": 1, "l2": 2, "max": 0}


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


def put_lines(Py_ssize_t first, Py_ssize_t last, const floating[:, :] X, const int64_t[::1] rows, floating[:, ::1] out):
    """Columns first to last of X as rows of `out`; of `rows` alone, where there are some. Contract: reference.py."""
    cdef Py_ssize_t n = out.shape[1], wide = last - first, i, j, at
    cdef bint drawn = rows.shape[0] > 0
    cdef const floating *x
    with nogil:
        if X.strides[0] == sizeof(floating):  # in Fortran's order
            for j in range(wide):
                x = &X[0, first + j]
                for i in range(n):
                    out[j, i] = x[rows[i]] if drawn else x[i]
        else:
            for i in range(n):
                if drawn and i + AHEAD < n:
                    fastml_prefetch(&X[rows[i + AHEAD], first])
                at = rows[i] if drawn else i
                for j in range(wide):
                    out[j, i] = X[at, first + j]


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
