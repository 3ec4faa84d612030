"""Products of the columns of a table, row by row or column by column. Contract: reference.py."""

from cython cimport floating
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

import numpy as np

from fastml_ext import pool
from fastml_ext.preprocessing.columns import by_rows

__all__ = ["products"]

cdef enum:
    ROWS = 2048  # of a block of columns
    VALUES = 65536  # of a block of terms that are not in the result
    LONG = 65536  # rows of columns that are multiplied one after the other
    TURNED = 64  # rows whose numbers are put into their columns at a time

COST = 0.8  # ns a term


def products(X, steps, n_terms, n_out, bias, by_columns=False, n_jobs=None):
    """Terms of higher degrees from those of lower ones. Contract: reference.py."""
    n = len(X)
    out = np.empty((n_out, n), X.dtype) if by_columns else np.empty((n, n_out), X.dtype)
    if by_columns and n_out == n_terms > bias:
        _fill_table(X, steps, bool(bias), out, n_jobs)
        return out.T
    X = X if X.flags.c_contiguous else by_rows(X)
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


def _fill_table(X, steps, bias, out, n_jobs):
    """All terms, column by column: memory is written in the order in which it stands."""
    n, d = X.shape
    out[:bias] = 1
    if X.flags.c_contiguous:
        pool.run(_turn, n, X, bias, out, cost=COST * d, step=TURNED, n_jobs=n_jobs)
    else:
        pool.run(_copy, d, X.T, bias, out, cost=COST * n, n_jobs=n_jobs)
    begin = 0
    while begin < len(steps):  # those of a degree, which read what the degrees below have made
        of_degree = steps[begin:]
        later = of_degree[:, 1] > of_degree[0, 3]
        some = of_degree[:int(later.argmax())] if later.any() else of_degree
        sizes = some[:, 1] - some[:, 0]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        sources, factors, targets = np.repeat(some[:, 0], sizes), np.repeat(some[:, 2], sizes), some[0, 3]
        plan = np.stack([sources + within, factors + bias, targets + np.arange(len(within))], axis=1)
        pool.run(_multiply, len(plan), plan, out, cost=COST * n, n_jobs=n_jobs)
        begin += len(some)


def _copy(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] columns, bint bias, floating[:, ::1] out):
    cdef Py_ssize_t j
    with nogil:
        for j in range(start, stop):
            memcpy(&out[bias + j, 0], &columns[j, 0], columns.shape[1] * sizeof(floating))


def _turn(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, bint bias, floating[:, ::1] out):
    cdef Py_ssize_t first = start, rows, d = X.shape[1], i, j
    cdef const floating *x
    cdef floating *column
    with nogil:
        while first < stop:
            rows, x = min(<Py_ssize_t> TURNED, stop - first), &X[first, 0]
            for j in range(d):
                column = &out[bias + j, first]
                for i in range(rows):
                    column[i] = x[i * d + j]
            first += rows


def _multiply(Py_ssize_t start, Py_ssize_t stop, const int64_t[:, ::1] plan, floating[:, ::1] out):
    """Columns of the result that are products of two others: (first factor, second factor, product)."""
    cdef Py_ssize_t n = out.shape[1], first = 0, rows, t, i
    cdef const floating *a
    cdef const floating *b
    cdef floating *product
    with nogil:
        while first < n:
            rows = min(<Py_ssize_t> LONG, n - first)
            for t in range(start, stop):
                a, b, product = &out[plan[t, 0], first], &out[plan[t, 1], first], &out[plan[t, 2], first]
                for i in range(rows):
                    product[i] = a[i] * b[i]
            first += rows


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
