"""Power transformations of columns, and how likely normal numbers are behind them. Contract: reference.py."""

from cython cimport floating
from libc.math cimport INFINITY, NAN, exp, expm1, fabs, log

import numpy as np

from fastml_ext import pool

__all__ = ["power_likelihood", "power_columns"]

cdef enum:
    BLOCK = 512

cdef double EPS = 2.0 ** -52
cdef double TINY = 2.0 ** -1022


cdef inline double _log1p(double x) noexcept nogil:
    """log(1 + x) for x >= 0 to rounding (Kahan); libm's takes three times as long."""
    cdef double u = 1 + x
    return x if u == 1 else log(u) * (x / (u - 1))


cdef inline double _power(double signed_log, double lmbda, bint box_cox) noexcept nogil:
    """The transformation of a number whose logarithm is given: log(x), or log(1 + |x|) with the sign of x."""
    if box_cox or signed_log >= 0:
        return signed_log if fabs(lmbda) < EPS else expm1(lmbda * signed_log) / lmbda
    lmbda = 2 - lmbda
    return signed_log if fabs(lmbda) <= EPS else -expm1(-lmbda * signed_log) / lmbda


cdef inline double _logarithm(double x, bint box_cox) noexcept nogil:
    if box_cox:
        return log(x)
    return _log1p(x) if x >= 0 else -_log1p(-x)


def power_likelihood(const double[::1] logs, double lmbda, bint box_cox):
    """The log-likelihood of an exponent. Contract: reference.py."""
    cdef Py_ssize_t n = logs.shape[0], first = 0, size, i
    cdef double work[BLOCK]
    cdef double total = 0, shift = 0, mean = 0, squares = 0, count = 0, centre, more, apart
    cdef bint large = False
    with nogil:
        if box_cox:
            for i in range(n):
                shift = max(shift, lmbda * logs[i])
            large = shift > 1  # else the logarithm of the largest power is taken out, which cannot overflow then
        while first < n:
            size = min(BLOCK, n - first)
            centre = more = 0
            for i in range(size):
                total += logs[first + i]
                work[i] = exp(lmbda * logs[first + i] - shift) if large else _power(logs[first + i], lmbda, box_cox)
                centre += work[i] - work[0]
            centre = work[0] + centre / size
            for i in range(size):
                more += (work[i] - centre) * (work[i] - centre)
            apart = centre - mean if count else centre  # Chan, Golub and LeVeque 1983, equation 1.5
            squares += more + apart * apart * (count * (size / (count + size)))
            mean = mean + apart * (size / (count + size)) if count else centre
            count += size
            first += size
    if squares / n < TINY:
        return INFINITY
    more = log(squares / n)
    if large:
        more += 2 * shift - 2 * log(fabs(lmbda))
    return (lmbda - 1) * total - 0.5 * n * more


def power_columns(X, lambdas, box_cox, centre=None, scale=None, n_jobs=None):
    """Each column transformed by its exponent, then centred and scaled. Contract: reference.py."""
    n, d = X.shape
    out = np.empty((n, d), X.dtype)
    given = X, lambdas, bool(box_cox), centre, scale, out
    return out if not any(pool.run(_powers, n, *given, cost=30.0 * d, n_jobs=n_jobs)) else None


def _powers(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[::1] lambdas, bint box_cox,
            const floating[::1] centre, const floating[::1] scale, floating[:, ::1] out):
    """Whether a number is infinite."""
    cdef Py_ssize_t d = X.shape[1], i, j
    cdef floating x, y
    cdef bint bad = False, standard = centre is not None
    with nogil:
        for i in range(start, stop):
            for j in range(d):
                x = X[i, j]
                bad |= (x == INFINITY) | (x == -INFINITY)
                y = <floating> _power(_logarithm(x, box_cox), lambdas[j], box_cox) if x == x else <floating> NAN
                out[i, j] = (y - centre[j]) / scale[j] if standard else y
    return bad
