"""Linear models on columns that are scaled or encoded first, without the table between. Contract: reference.py."""

from cpython.buffer cimport PyObject_GetBuffer, PyBuffer_Release, PyBUF_FORMAT, PyBUF_C_CONTIGUOUS
from cython cimport floating
from libc.stdint cimport int64_t, uint32_t, uint64_t

import numpy as np

from fastml_ext import pool

from fastml_ext.device.finite cimport finite32, finite64

__all__ = ["add_looked", "few_divided", "few_multiplied", "put_looked", "scaled_scores"]


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


def few_divided(X, centre, scale):
    """(x - centre) / scale of a few finite numbers, or None. Contract: reference.py."""
    return _few(X, centre, scale, True)


def few_multiplied(X, scale, shift):
    """x * scale + shift of a few finite numbers, or None. Contract: reference.py."""
    return None if scale is None or shift is None else _few(X, scale, shift, False)


cdef object _few(X, first, second, bint divided):
    """By their buffers: typed views of the arrays of a row take longer than the row."""
    cdef Py_buffer x, a, b, y
    cdef bint clean
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype.char not in "fd":
        return None
    if not (_are_columns(first, X) and _are_columns(second, X)):
        return None
    out = np.empty(X.shape, X.dtype)
    try:
        PyObject_GetBuffer(X, &x, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, ValueError):
        return None
    clean = x.format[0] in b"fd" and x.format[1] == 0
    a.buf = b.buf = NULL
    if first is not None:
        PyObject_GetBuffer(first, &a, PyBUF_C_CONTIGUOUS)
    if second is not None:
        PyObject_GetBuffer(second, &b, PyBUF_C_CONTIGUOUS)
    PyObject_GetBuffer(out, &y, PyBUF_C_CONTIGUOUS)
    if not clean:
        pass
    elif x.itemsize == sizeof(double):
        clean = finite64(<const uint64_t*> x.buf, x.len // 8)
        _apply[double](<const double*> x.buf, <const double*> a.buf, <const double*> b.buf, x.shape[0], x.shape[1],
                       divided, <double*> y.buf)
    else:
        clean = finite32(<const uint32_t*> x.buf, x.len // 4)
        _apply[float](<const float*> x.buf, <const float*> a.buf, <const float*> b.buf, x.shape[0], x.shape[1],
                      divided, <float*> y.buf)
    PyBuffer_Release(&x)
    PyBuffer_Release(&y)
    if a.buf != NULL:
        PyBuffer_Release(&a)
    if b.buf != NULL:
        PyBuffer_Release(&b)
    return out if clean else None


cdef bint _are_columns(values, X):
    """Whether these are None, or a number for each column of X, in its dtype and one behind the other."""
    return values is None or (
        type(values) is np.ndarray and values.dtype == X.dtype and values.shape == X.shape[1:]
        and values.flags.c_contiguous
    )


cdef void _apply(const floating* x, const floating* a, const floating* b, Py_ssize_t n, Py_ssize_t d, bint divided,
                 floating* y) noexcept nogil:
    """Two steps of their own, so that no compiler fuses a product and a sum."""
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(d):
            y[i * d + j] = (x[i * d + j] if a == NULL else x[i * d + j] - a[j]) if divided else x[i * d + j] * a[j]
    if b == NULL:
        return
    for i in range(n):
        for j in range(d):
            y[i * d + j] = y[i * d + j] / b[j] if divided else y[i * d + j] + b[j]
