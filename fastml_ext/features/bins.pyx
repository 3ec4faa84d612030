"""Numbers to the intervals they lie in, one pass over the rows. Contract: reference/bins.py."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t

import numpy as np

from fastml_ext import pool

__all__ = ["fill_spans", "list_spans", "look_up"]

ctypedef fused index_t:
    int32_t
    int64_t

COST = 4.0  # ns a number: a search among some ten cuts, and one value written


def look_up(X, cuts, starts, values, n_jobs=None):
    """The value of each number's place. Contract: reference/bins.py."""
    n, d = X.shape
    out = np.empty((n, d), X.dtype)
    pool.run(_look_up, n, X, cuts, starts, values, out, cost=COST * d, n_jobs=n_jobs)
    return out


def fill_spans(X, cuts, starts, begins, ends, n_columns, n_jobs=None):
    """Dense rows with ones in the span of each number's place. Contract: reference/bins.py."""
    n, d = X.shape
    out = np.zeros((n, n_columns), X.dtype)
    pool.run(_fill, n, X, cuts, starts, begins, ends, out, cost=COST * d + 0.5 * n_columns, n_jobs=n_jobs)
    return out


def list_spans(X, cuts, starts, begins, ends, n_jobs=None):
    """The ones of `fill_spans` as CSR. Contract: reference/bins.py."""
    n, d = X.shape
    lengths = np.maximum(ends - begins, 0)
    longest = int(lengths.max(initial=0))
    dtype = index_dtype(n * d * longest)
    if longest == 1 == lengths.min(initial=1):  # each number has one column: nothing needs to be counted
        indptr = np.arange(0, n * d + 1, d, dtype=dtype)
    else:
        indptr = np.zeros(n + 1, dtype)
        pool.run(_count, n, X, cuts, starts, lengths, indptr, cost=COST * d, n_jobs=n_jobs)
        np.cumsum(indptr, out=indptr)
        indptr = indptr.astype(index_dtype(indptr[n]), copy=False)  # each number might have had the longest span
    indices = np.empty(indptr[n], indptr.dtype)
    pool.run(_list, n, X, cuts, starts, begins, ends, indptr, indices, cost=COST * d, n_jobs=n_jobs)
    return indptr, indices


def index_dtype(count):
    """The dtype of indptr and indices of a CSR matrix with up to `count` ones."""
    return np.int32 if count < 2**31 else np.int64


cdef inline Py_ssize_t _place(floating x, const floating* cuts, Py_ssize_t k) noexcept nogil:
    """How many of the k cuts are below x, and k + 1 for NaN; every search takes as many steps, and none is guessed."""
    cdef Py_ssize_t base = 0, left = k, half
    while left > 1:
        half = left >> 1
        base += half * (cuts[base + half - 1] < x)
        left -= half
    if k > 0:
        base += cuts[base] < x
    return base if x == x else k + 1


def _look_up(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const floating[::1] cuts,
             const int64_t[::1] starts, const floating[::1] values, floating[:, ::1] out):
    cdef Py_ssize_t i, j, d = X.shape[1]
    cdef const floating* first = &cuts[0] if cuts.shape[0] else NULL
    with nogil:
        for i in range(start, stop):
            for j in range(d):
                out[i, j] = values[starts[j] + 2 * j + _place(X[i, j], first + starts[j], starts[j + 1] - starts[j])]


def _fill(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const floating[::1] cuts,
          const int64_t[::1] starts, const int64_t[::1] begins, const int64_t[::1] ends, floating[:, ::1] out):
    cdef Py_ssize_t i, j, p, c, d = X.shape[1]
    cdef const floating* first = &cuts[0] if cuts.shape[0] else NULL
    with nogil:
        for i in range(start, stop):
            for j in range(d):
                p = starts[j] + 2 * j + _place(X[i, j], first + starts[j], starts[j + 1] - starts[j])
                for c in range(begins[p], ends[p]):
                    out[i, c] = 1


def _count(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const floating[::1] cuts,
           const int64_t[::1] starts, const int64_t[::1] lengths, index_t[::1] indptr):
    """The number of ones of row i, at indptr[i + 1]."""
    cdef Py_ssize_t i, j, total, d = X.shape[1]
    cdef const floating* first = &cuts[0] if cuts.shape[0] else NULL
    with nogil:
        for i in range(start, stop):
            total = 0
            for j in range(d):
                total += lengths[starts[j] + 2 * j + _place(X[i, j], first + starts[j], starts[j + 1] - starts[j])]
            indptr[i + 1] = <index_t> total


def _list(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const floating[::1] cuts,
          const int64_t[::1] starts, const int64_t[::1] begins, const int64_t[::1] ends, const index_t[::1] indptr,
          index_t[::1] indices):
    cdef Py_ssize_t i, j, p, c, at, d = X.shape[1]
    cdef const floating* first = &cuts[0] if cuts.shape[0] else NULL
    with nogil:
        for i in range(start, stop):
            at = indptr[i]
            for j in range(d):
                p = starts[j] + 2 * j + _place(X[i, j], first + starts[j], starts[j + 1] - starts[j])
                for c in range(begins[p], ends[p]):
                    indices[at] = <index_t> c
                    at += 1
