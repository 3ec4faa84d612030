"""Numbers to shares of a distribution and back, by its quantiles. Contract: reference.py.

Rows are taken in blocks, column by column, so that the quantiles of one column stay in the first cache.
"""

from cython cimport floating
from libc.math cimport INFINITY, NAN, erfc, fabs, log, sqrt

import numpy as np

from fastml_ext import pool

__all__ = ["from_distribution", "to_distribution"]

cdef enum:
    VALUES = 8192  # of a block of rows
    MOST = 512  # rows of it

cdef double NEAR = 1e-7  # of a normal distribution: nearer than this to an end is at it
STEP = 2.5  # ns of each of the log2(m) steps of a search


def to_distribution(X, points, ties, shares, ends=None, n_jobs=None):
    """The share of each number among its column's, or the normal number of that share. Contract: reference.py."""
    n, d = X.shape
    out = np.empty((n, d), X.dtype)
    low, high = (0.0, 0.0) if ends is None else ends
    given = X, points, ties, shares, ends is not None, float(low), float(high), out
    cost = d * (STEP * points.shape[1].bit_length() + (5 if ends is None else 20))
    return out if not any(pool.run(_to, n, *given, cost=cost, n_jobs=n_jobs)) else None


cdef inline Py_ssize_t _upto(const double *points, Py_ssize_t m, double x) noexcept nogil:
    """How many of the m points are at most x; every search takes as many steps, and none is guessed."""
    cdef Py_ssize_t base = 0, left = m, half
    while left > 1:
        half = left >> 1
        base += half & -(<Py_ssize_t> (points[base + half - 1] <= x))
        left -= half
    return base + (points[base] <= x)


cdef inline void _four_upto(const double *points, Py_ssize_t m, const double *x, Py_ssize_t *found) noexcept nogil:
    """The same of four numbers, whose searches do not wait for one another."""
    cdef Py_ssize_t a = 0, b = 0, c = 0, e = 0, left = m, half
    while left > 1:
        half = left >> 1
        a += half & -(<Py_ssize_t> (points[a + half - 1] <= x[0]))
        b += half & -(<Py_ssize_t> (points[b + half - 1] <= x[1]))
        c += half & -(<Py_ssize_t> (points[c + half - 1] <= x[2]))
        e += half & -(<Py_ssize_t> (points[e + half - 1] <= x[3]))
        left -= half
    found[0], found[1] = a + (points[a] <= x[0]), b + (points[b] <= x[1])
    found[2], found[3] = c + (points[c] <= x[2]), e + (points[e] <= x[3])


def _to(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[:, ::1] points,
        const double[:, ::1] ties, const double[::1] shares, bint normal, double low, double high,
        floating[:, ::1] out):
    """Whether a number is infinite."""
    cdef Py_ssize_t d = X.shape[1], m = shares.shape[0], rows, first, last, i, j, k
    cdef const double *p
    cdef double numbers[MOST]
    cdef double found[MOST]
    cdef floating x, near = <floating> NEAR
    cdef bint bad = False
    rows = min(max(VALUES // max(d, 1), 16), MOST)
    with nogil:
        first = start
        while first < stop:
            last = min(first + rows, stop)
            k = last - first
            for j in range(d):
                p = &points[j, 0]
                for i in range(k):
                    x = X[first + i, j]
                    bad |= (x == INFINITY) | (x == -INFINITY)
                    numbers[i] = x
                _find_shares(p, &ties[j, 0], &shares[0], m, numbers, found, k)
                if normal:
                    for i in range(k):
                        x = X[first + i, j]
                        found[i] = 1 if <floating> (x + near) > p[m - 1] else found[i]
                        found[i] = 0 if <floating> (x - near) < p[0] else found[i]
                        found[i] = <floating> found[i]
                    _normal_quantiles(found, low, high, k)
                if p[0] != p[0] and m > 1:  # a column without numbers
                    for i in range(k):
                        found[i] = NAN
                for i in range(k):
                    out[first + i, j] = <floating> found[i] if numbers[i] == numbers[i] else <floating> NAN
            first = last
    return bad


cdef void _find_shares(const double *p, const double *t, const double *r, Py_ssize_t m, const double *x, double *out,
                       Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t found[4]
    cdef Py_ssize_t i = 0, k
    while i + 4 <= n:
        _four_upto(p, m, x + i, found)
        for k in range(4):
            out[i + k] = _share(p, t, r, m, x[i + k], found[k] - 1)
        i += 4
    while i < n:
        out[i] = _share(p, t, r, m, x[i], _upto(p, m, x[i]) - 1)
        i += 1


cdef inline double _share(const double *p, const double *t, const double *r, Py_ssize_t m, double x,
                          Py_ssize_t j) noexcept nogil:
    """The mean of what is interpolated upwards and downwards; where x is a point, what its ties have.

    j: the place of the last point that is not above x, or -1
    """
    cdef double slope, up, down
    if j < 0:
        return r[0]
    if p[j] == x:
        return t[j]
    if j == m - 1:
        return r[m - 1]
    slope = (r[j + 1] - r[j]) / (p[j + 1] - p[j])
    up = slope * (x - p[j]) + r[j]
    down = slope * (p[j + 1] - x) - r[j + 1]
    return 0.5 * (up - down)


cdef void _normal_quantiles(double *p, double low, double high, Py_ssize_t n) noexcept nogil:
    """Shares p become the numbers below which they lie, between low and high (Wichura 1988, AS 241, PPND16)."""
    cdef double middle[MOST]
    cdef double q, r
    cdef Py_ssize_t i
    for i in range(n):  # as if all were in the middle, of which a compiler makes vector code
        q = p[i] - 0.5
        r = 0.180625 - q * q
        middle[i] = q * (
            (((((((2.5090809287301226727e+3 * r + 3.3430575583588128105e+4) * r + 6.7265770927008700853e+4) * r
                + 4.5921953931549871457e+4) * r + 1.3731693765509461125e+4) * r + 1.9715909503065514427e+3) * r
                + 1.3314166789178437745e+2) * r + 3.3871328727963666080e+0)
            / (((((((5.2264952788528545610e+3 * r + 2.8729085735721942674e+4) * r + 3.9307895800092710610e+4) * r
                + 2.1213794301586595867e+4) * r + 5.3941960214247511077e+3) * r + 6.8718700749205790830e+2) * r
                + 4.2313330701600911252e+1) * r + 1.0)
        )
    for i in range(n):
        q = middle[i] if fabs(p[i] - 0.5) <= 0.425 else _outer_quantile(p[i])
        p[i] = low if q < low else (high if q > high else q)


cdef double _outer_quantile(double p) noexcept nogil:
    """The same of a share beyond the middle."""
    cdef double r = p if p < 0.5 else 1 - p
    if r <= 0:
        return -INFINITY if p < 0.5 else INFINITY
    r = sqrt(-log(r))
    if r <= 5.0:
        r -= 1.6
        r = (
            (((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r
                + 1.27045825245236838258e+0) * r + 3.64784832476320460504e+0) * r + 5.76949722146069140550e+0) * r
                + 4.63033784615654529590e+0) * r + 1.42343711074968357734e+0)
            / (((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r
                + 1.48103976427480074590e-1) * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e+0) * r
                + 2.05319162663775882187e+0) * r + 1.0)
        )
    else:
        r = INFINITY  # below 1e-11, which is beyond both ends
    return -r if p < 0.5 else r


def from_distribution(X, points, shares, normal, n_jobs=None):
    """The number of its column that each share, or normal number, stands for. Contract: reference.py."""
    n, d = X.shape
    out = np.empty((n, d), X.dtype)
    cost = d * (STEP * points.shape[1].bit_length() + (25 if normal else 5))
    given = X, points, shares, bool(normal), out
    return out if not any(pool.run(_from, n, *given, cost=cost, n_jobs=n_jobs)) else None


def _from(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[:, ::1] points,
          const double[::1] shares, bint normal, floating[:, ::1] out):
    """Whether a number is infinite."""
    cdef Py_ssize_t d = X.shape[1], m = shares.shape[0], i, j, at
    cdef const double *p
    cdef const double *r = &shares[0]
    cdef floating x
    cdef double share, found
    cdef bint bad = False
    with nogil:
        for i in range(start, stop):
            for j in range(d):
                x, p = X[i, j], &points[j, 0]
                bad |= x == INFINITY or x == -INFINITY
                if x != x:
                    out[i, j] = NAN
                    continue
                share = 0.5 * erfc(-x / sqrt(2.0)) if normal else x
                at = _upto(r, m, share) - 1
                if at < 0:
                    found = p[0]
                elif at == m - 1 or r[at] == share:
                    found = p[at]
                else:
                    found = (p[at + 1] - p[at]) / (r[at + 1] - r[at]) * (share - r[at]) + p[at]
                if (share - NEAR < 0) if normal else share == 0:
                    found = p[0]
                elif (share + NEAR > 1) if normal else share == 1:
                    found = p[m - 1]
                out[i, j] = <floating> found
    return bad
