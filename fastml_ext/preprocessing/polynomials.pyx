"""Products of the columns of a table, row by row or column by column. Contract: reference.py."""

from cython cimport floating
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

import numpy as np

from fastml_ext import pool

__all__ = ["products"]

cdef enum:
    ROWS = 2048  # of a block of columns
    VALUES = 65536  # of a block of terms that are not in the result

COST = 0.8  # ns a term


def products(X, steps, n_terms, n_out, bias, by_columns=False, n_jobs=None):
    """Terms of higher degrees from those of lower ones. Contract: reference.py."""
    n = len(X)
    out = np.empty((n_out, n), X.dtype) if by_columns else np.empty((n, n_out), X.dtype)
    call, step = (_by_columns, ROWS) if by_columns else (_by_rows, 1)
    pool.run(call, n, X, steps, n_terms, bool(bias), out, cost=COST * n_terms + 3, step=step, n_jobs=n_jobs)
    return out.T if by_columns else out


def _by_rows(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const int64_t[:, ::1] steps,
             Py_ssize_t n_terms, bint bias, floating[:, ::1] out):
    cdef Py_ssize_t n_out = out.shape[1], i, c
    cdef bint whole = n_terms == n_out
    cdef floating *work = NULL
    cdef floating *terms
    if not whole:
        work = <floating *> malloc(n_terms * sizeof(floating))
        if work == NULL:
            raise MemoryError(f"no memory for {n_terms} terms")
    with nogil:
        for i in range(start, stop):
            terms = &out[i, 0] if whole else work
            _fill(&X[i, 0], X.shape[1], &steps[0, 0] if steps.shape[0] else NULL, steps.shape[0], n_terms, bias, terms)
            if not whole:
                if bias:
                    out[i, 0] = 1
                for c in range(bias, n_out):
                    out[i, c] = work[n_terms - n_out + c]
    free(work)


cdef inline void _fill(const floating *x, Py_ssize_t d, const int64_t *steps, Py_ssize_t n_steps, Py_ssize_t n_terms,
                       bint bias, floating *terms) noexcept nogil:
    """The terms of one row."""
    cdef Py_ssize_t s, c, size
    cdef floating *source
    cdef floating *target
    cdef floating factor
    if bias:
        terms[0] = 1
    if n_terms > bias:
        for c in range(d):
            terms[bias + c] = x[c]
    for s in range(n_steps):
        source, target = terms + steps[4 * s], terms + steps[4 * s + 3]
        size, factor = steps[4 * s + 1] - steps[4 * s], x[steps[4 * s + 2]]
        for c in range(size):
            target[c] = source[c] * factor


def _by_columns(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const int64_t[:, ::1] steps,
                Py_ssize_t n_terms, bint bias, floating[:, ::1] out):
    """Of blocks of rows, whose terms stand one after the other."""
    cdef Py_ssize_t n_out = out.shape[0], d = X.shape[1], first, rows, stride, i, j, c, most
    cdef bint whole = n_terms == n_out
    cdef floating *work
    cdef floating *terms
    most = ROWS if whole else min(ROWS, max(8, VALUES // max(n_terms, 1)))
    work = <floating *> malloc((d * most + (0 if whole else n_terms * most)) * sizeof(floating))
    if work == NULL:
        raise MemoryError(f"no memory for {n_terms} terms of {most} rows")
    with nogil:
        first = start
        while first < stop:
            rows = min(most, stop - first)
            for i in range(rows):
                for j in range(d):
                    work[j * most + i] = X[first + i, j]
            terms, stride = work + d * most, most
            if whole:
                terms, stride = &out[0, first], out.shape[1]
            _fill_columns(work, most, d, steps, n_terms, bias, terms, stride, rows)
            if not whole:
                for c in range(n_out):
                    for i in range(rows):
                        out[c, first + i] = 1 if bias and c == 0 else terms[(n_terms - n_out + c) * stride + i]
            first += rows
    free(work)


cdef void _fill_columns(const floating *columns, Py_ssize_t most, Py_ssize_t d, const int64_t[:, ::1] steps,
                        Py_ssize_t n_terms, bint bias, floating *terms, Py_ssize_t stride,
                        Py_ssize_t rows) noexcept nogil:
    """The terms of a block of rows, each `stride` after the one before."""
    cdef Py_ssize_t s, c, i
    cdef const floating *factor
    cdef floating *source
    cdef floating *target
    if bias:
        for i in range(rows):
            terms[i] = 1
    if n_terms > bias:
        for c in range(d):
            for i in range(rows):
                terms[(bias + c) * stride + i] = columns[c * most + i]
    for s in range(steps.shape[0]):
        factor = columns + steps[s, 2] * most
        for c in range(steps[s, 1] - steps[s, 0]):
            source, target = terms + (steps[s, 0] + c) * stride, terms + (steps[s, 3] + c) * stride
            for i in range(rows):
                target[i] = source[i] * factor[i]
