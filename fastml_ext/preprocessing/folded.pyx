"""Linear models on columns that are scaled or encoded first, without the table between. Contract: reference.py."""

from cython cimport floating
from libc.stdint cimport int64_t

import numpy as np

from fastml_ext import pool

__all__ = ["add_looked", "put_looked", "scaled_scores"]


def scaled_scores(X, centre, scale, coef, intercept, n_jobs=None):
    """Scores of the rows (X - centre) / scale. Contract: reference.py."""
    cdef Py_ssize_t n = X.shape[0], k = coef.shape[0], d = coef.shape[1]
    out, weights = np.empty((n, k), X.dtype), np.empty((k, d))
    if n * k * d < 50_000:
        _all_scores(X, centre, scale, coef, intercept, weights, out)
        return out
    _weigh(coef, scale, weights)
    pool.run(_scores, n, X, centre, weights, intercept, out, cost=0.6 * k * d + 5, n_jobs=n_jobs)
    return out


def _all_scores(const floating[:, ::1] X, const floating[::1] centre, const floating[::1] scale,
                const floating[:, ::1] coef, const floating[::1] intercept, double[:, ::1] weights,
                floating[:, ::1] out):
    """In one call: finding out which dtype it is takes as long as the scores of a row."""
    _divide(coef, scale, weights)
    with nogil:
        _add_up(0, X.shape[0], X, centre, weights, intercept, out)


def _weigh(const floating[:, ::1] coef, const floating[::1] scale, double[:, ::1] weights):
    _divide(coef, scale, weights)


cdef void _divide(const floating[:, ::1] coef, const floating[::1] scale, double[:, ::1] weights) noexcept:
    cdef Py_ssize_t c, j
    for c in range(coef.shape[0]):
        for j in range(coef.shape[1]):
            weights[c, j] = coef[c, j] if scale is None else coef[c, j] / <double> scale[j]


def _scores(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const floating[::1] centre,
            const double[:, ::1] weights, const floating[::1] intercept, floating[:, ::1] out):
    with nogil:
        _add_up(start, stop, X, centre, weights, intercept, out)


cdef void _add_up(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const floating[::1] centre,
                  const double[:, ::1] weights, const floating[::1] intercept, floating[:, ::1] out) noexcept nogil:
    """Each sum in four parts: columns 0, 4, 8, ..., columns 1, 5, 9, ..., and so on, in float64."""
    cdef Py_ssize_t k = weights.shape[0], d = weights.shape[1], i, j, c
    cdef double a, b, e, f
    cdef const double *w
    cdef const floating *x
    cdef const floating *m = &centre[0] if centre is not None else NULL
    cdef bint centred = centre is not None
    for i in range(start, stop):
        x = &X[i, 0]
        for c in range(k):
            w, a, b, e, f, j = &weights[c, 0], 0, 0, 0, 0, 0
            if centred:
                while j + 4 <= d:
                    a += w[j] * (x[j] - m[j])
                    b += w[j + 1] * (x[j + 1] - m[j + 1])
                    e += w[j + 2] * (x[j + 2] - m[j + 2])
                    f += w[j + 3] * (x[j + 3] - m[j + 3])
                    j += 4
                while j < d:
                    a += w[j] * (x[j] - m[j])
                    j += 1
            else:
                while j + 4 <= d:
                    a += w[j] * x[j]
                    b += w[j + 1] * x[j + 1]
                    e += w[j + 2] * x[j + 2]
                    f += w[j + 3] * x[j + 3]
                    j += 4
                while j < d:
                    a += w[j] * x[j]
                    j += 1
            out[i, c] = <floating> (((a + b) + (e + f)) + intercept[c])


def add_looked(codes, table, out):
    """Add table[codes[i]] to row i. Contract: reference.py."""
    pool.run(_add_looked, len(codes), codes, table, out, cost=1 + table.shape[1])


def _add_looked(Py_ssize_t start, Py_ssize_t stop, const int64_t[::1] codes, const double[:, ::1] table,
                double[:, ::1] out):
    cdef Py_ssize_t i, c, k = table.shape[1]
    with nogil:
        for i in range(start, stop):
            for c in range(k):
                out[i, c] += table[codes[i], c]


def put_looked(codes, places, numbers, out):
    """Write numbers[codes[i]] into its place of row i. Contract: reference.py."""
    pool.run(_put_looked, len(codes), codes, places, numbers, out, cost=2)


def _put_looked(Py_ssize_t start, Py_ssize_t stop, const int64_t[::1] codes, const int64_t[::1] places,
                const double[::1] numbers, double[:, ::1] out):
    cdef Py_ssize_t i
    cdef int64_t code
    with nogil:
        for i in range(start, stop):
            code = codes[i]
            if places[code] >= 0:
                out[i, places[code]] = numbers[code]
