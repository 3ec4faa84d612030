"""B-splines of columns, each number by itself. Contract: reference.py."""

from cython cimport floating
from libc.math cimport INFINITY, fmod
from libc.stdlib cimport free, malloc

import numpy as np

from fastml_ext import pool

__all__ = ["spline_basis"]

cdef enum:
    ERROR
    CONSTANT
    LINEAR
    CONTINUE
    PERIODIC

BEYOND = {"error": ERROR, "constant": CONSTANT, "linear": LINEAR, "continue": CONTINUE, "periodic": PERIODIC}


def spline_basis(X, knots, degree, n_splines, beyond, width, by_columns=False, n_jobs=None):
    """The B-splines of each column that are not 0, among zeros. Contract: reference.py."""
    n, d = X.shape
    out = np.zeros((d * width, n) if by_columns else (n, d * width), X.dtype)
    call = _by_columns if by_columns else _by_rows
    given = X, knots, int(degree), int(n_splines), int(width), BEYOND[beyond], out
    if any(pool.run(call, n, *given, cost=(10.0 + 4 * degree * degree + width) * d, n_jobs=n_jobs)):
        return None
    return out.T if by_columns else out


def _by_rows(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[:, ::1] knots, int degree,
             Py_ssize_t n_splines, Py_ssize_t width, int beyond, floating[:, ::1] out):
    """Whether a number is infinite, or beyond the knots where it must not be."""
    cdef Py_ssize_t d = X.shape[1], i, j
    cdef bint bad = False
    cdef double *work = _memory(degree, n_splines)
    with nogil:
        for i in range(start, stop):
            for j in range(d):
                bad |= _fill(X[i, j], &knots[j, 0], knots.shape[1], degree, n_splines, beyond, work)
                _write(work, n_splines, width, &out[i, j * width], 1)
    free(work)
    return bad


def _by_columns(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[:, ::1] knots, int degree,
                Py_ssize_t n_splines, Py_ssize_t width, int beyond, floating[:, ::1] out):
    """The same, written to columns."""
    cdef Py_ssize_t d = X.shape[1], i, j
    cdef bint bad = False
    cdef double *work = _memory(degree, n_splines)
    with nogil:
        for j in range(d):
            for i in range(start, stop):
                bad |= _fill(X[i, j], &knots[j, 0], knots.shape[1], degree, n_splines, beyond, work)
                _write(work, n_splines, width, &out[j * width, i], out.shape[1])
    free(work)
    return bad


cdef double *_memory(int degree, Py_ssize_t n_splines) except NULL:
    """Of the splines of a number, and of what they are made from."""
    cdef double *work = <double *> malloc((n_splines + 4 * (degree + 2)) * sizeof(double))
    if work == NULL:
        raise MemoryError(f"no memory for {n_splines} splines")
    return work


cdef inline void _write(const double *found, Py_ssize_t n_splines, Py_ssize_t width, floating *out,
                        Py_ssize_t stride) noexcept nogil:
    cdef Py_ssize_t s
    for s in range(min(n_splines, width)):
        out[s * stride] = <floating> found[s]


cdef bint _fill(double x, const double *t, Py_ssize_t n_knots, int degree, Py_ssize_t n_splines, int beyond,
                double *found) noexcept nogil:
    """The splines of x; whether it is infinite, or beyond the knots where it must not be."""
    cdef Py_ssize_t n = n_knots - degree - 1, s, l
    cdef double low = t[degree], high = t[n], at = x, period
    cdef double *h = found + n_splines
    for s in range(n_splines):
        found[s] = 0
    if x != x or low != low:
        return False
    if x == INFINITY or x == -INFINITY:
        return True
    if beyond == PERIODIC:
        period, at = high - low, 0
        if period > 0:
            at = fmod(x - low, period)
            at = low + (at + period if at < 0 else at)
    elif x < low or x > high:
        if beyond == ERROR:
            return True
        if beyond != CONTINUE:
            at = low if x < low else high
    l = _interval(t, n, degree, at)
    _de_boor(t, degree, l, at, h, False)
    for s in range(degree + 1):
        found[(l - degree + s) % n_splines] += h[s]
    if beyond == LINEAR and at != x:
        _de_boor(t, degree, l, at, h, True)
        for s in range(degree + 1):
            found[l - degree + s] += (x - at) * h[s]
    if at != x and (beyond == LINEAR or beyond == CONSTANT):
        _keep_end(found, n_splines, degree + (beyond == LINEAR and degree < 2), x < at)
    return False


cdef inline void _keep_end(double *found, Py_ssize_t n_splines, Py_ssize_t most, bint first) noexcept nogil:
    """Where knots are alike, others than the outer splines may be left, which scikit-learn does not look at."""
    cdef Py_ssize_t s
    for s in range(n_splines):
        if (s >= most) if first else (s < n_splines - most):
            found[s] = 0


cdef inline Py_ssize_t _interval(const double *t, Py_ssize_t n, Py_ssize_t degree, double x) noexcept nogil:
    """The last place from degree to n - 1 whose knot is not above x, or degree."""
    cdef Py_ssize_t knot = degree, size = n - degree, half
    while size > 1:
        half = size >> 1
        if t[knot + half] <= x:
            knot += half
        size -= half
    return knot


cdef void _de_boor(const double *t, int degree, Py_ssize_t l, double x, double *h, bint slope) noexcept nogil:
    """The splines l - degree to l at x, or their derivatives (de Boor 1978, chapter X)."""
    cdef double *before = h + degree + 2
    cdef double a, b, w
    cdef int j, m
    h[0] = 1
    for j in range(1, degree + 1):
        for m in range(j):
            before[m] = h[m]
        h[0] = 0
        for m in range(1, j + 1):
            b, a = t[l + m], t[l + m - j]
            if a == b:
                h[m] = 0
                continue
            if slope and j == degree:
                w = j * before[m - 1] / (b - a)
                h[m - 1] -= w
                h[m] = w
            else:
                w = before[m - 1] / (b - a)
                h[m - 1] += w * (b - x)
                h[m] = w * (x - a)
    if slope and degree == 0:
        h[0] = 0
