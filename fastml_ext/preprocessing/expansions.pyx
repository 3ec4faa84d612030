"""Products of the columns of a sparse table, row by row. Contract: reference.py."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

import math

import numpy as np

from fastml_ext import pool

__all__ = ["sparse_products"]

COST = 1.5  # ns a product
WIDE = 2**16  # columns from where on those that hold nothing are left out of tables

ctypedef fused index:
    int32_t
    int64_t


def sparse_products(data, indices, indptr, d, least, largest, apart, bias, n_jobs=None):
    """A sparse table of products of the columns of another. Contract: reference.py."""
    n, apart = len(indptr) - 1, bool(apart)
    degrees = [g for g in range(largest + 1) if (bias if g == 0 else g >= least)]
    widths = [_choices(d, g, apart) for g in range(largest + 1)]
    begins, starts = np.zeros(n + 1, np.int64), np.cumsum([0] + [widths[g] for g in degrees])
    np.cumsum(_counted(np.diff(indptr), degrees, apart), out=begins[1:])
    stored, n_out = int(begins[n]), sum(widths[g] for g in degrees)
    dtype = np.int32 if max(stored, n_out - 1) <= np.iinfo(np.int32).max else np.int64
    out = np.empty(stored, data.dtype), np.empty(stored, dtype)
    plan = np.array([degrees, starts[:len(degrees)], [apart] * len(degrees)], np.int64).T.copy()
    given = data, indices, *_places(indices, d, largest, apart), np.stack([indptr, begins]), plan, *out
    pool.run(_rows, n, *given, cost=10.0 + COST * stored / max(n, 1), n_jobs=n_jobs)
    return *out, begins.astype(dtype), n_out


def _counted(held, degrees, apart):
    """How many products of these degrees the rows have, of which `held` numbers are stored."""
    made = np.zeros(len(held), np.int64)
    for k in np.unique(held).tolist():
        made[held == k] = sum(_choices(k, g, apart) for g in degrees)
    return made


def _choices(k, degree, apart):
    """How many products of a degree k columns have; `apart`: of different columns."""
    return math.comb(k, degree) if apart else math.comb(k + degree - 1, degree) if k else int(degree == 0)


def _places(indices, d, largest, apart):
    """(places, ranks): how many products of each degree have a first column before one, by the column's rank.

    places (2, largest + 1, n_ranks) int64: before a column, and before the first that may stand behind it
    ranks: of the columns of `indices`; of many columns most of which hold nothing, among those that do
    """
    if d > WIDE and d > 4 * len(indices):
        used, ranks = np.unique(indices, return_inverse=True)
        tables = [
            [[_choices(d, g, apart) - _choices(d - v - by, g, apart) if g else 0 for v in used.tolist()]
             for g in range(largest + 1)]
            for by in (0, int(apart))
        ]
        return np.array(tables, np.int64).reshape(2, largest + 1, -1), ranks.astype(np.int64)
    chosen = np.zeros((largest + 1, d + 1), np.int64)  # how many products of each degree the first columns have
    chosen[0] = 1
    for g in range(1, largest + 1):
        np.cumsum(chosen[g - 1, :-1] if apart else chosen[g - 1, 1:], out=chosen[g, 1:])
    places = chosen[:, -1:] - chosen[:, ::-1]
    return np.stack([places[:, :-1], places[:, int(apart):d + int(apart)]]), indices


def _rows(Py_ssize_t start, Py_ssize_t stop, const floating[::1] data, const int64_t[::1] indices,
          const int64_t[:, :, ::1] places, const int64_t[::1] ranks, const int64_t[:, ::1] begins,
          const int64_t[:, ::1] plan, floating[::1] values, index[::1] columns):
    """Rows from start to stop: products by rising degree, each degree in the order of its columns.

    places, ranks: see `_places` | begins (2, n + 1): of the rows in the table and in the result
    plan (n_degrees, 3): degree, first of its columns, whether its factors are different columns
    """
    cdef Py_ssize_t i, g, at, k, first
    cdef int64_t *work = <int64_t *> malloc(2 * (places.shape[1] + 1) * sizeof(int64_t))
    cdef floating *products = <floating *> malloc((places.shape[1] + 1) * sizeof(floating))
    if work == NULL or products == NULL:
        free(work)
        free(products)
        raise MemoryError("no memory for the factors of a product")
    with nogil:
        for i in range(start, stop):
            first, at = begins[0, i], begins[1, i]
            k = begins[0, i + 1] - first
            for g in range(plan.shape[0]):
                if plan[g, 0] == 0:
                    values[at], columns[at] = 1, <index> plan[g, 1]
                    at += 1
                elif k:
                    at += _of_degree(&data[first], &indices[first], &ranks[first], k, places, &plan[g, 0], work,
                                     products, &values[at], &columns[at])
    free(work)
    free(products)


cdef Py_ssize_t _of_degree(const floating *x, const int64_t *column, const int64_t *rank, Py_ssize_t k,
                           const int64_t[:, :, ::1] places, const int64_t *plan, int64_t *work, floating *products,
                           floating *values, index *columns) noexcept nogil:
    """How many products of k numbers were written. The last factor runs through them while the others stay."""
    cdef int64_t *chosen = work  # of each factor but the last, which of the numbers it is
    cdef int64_t *place = work + places.shape[1] + 1  # the first column of what its choice, and those before it, begin
    cdef Py_ssize_t level = 0, first, q, made = 0
    cdef int64_t base, degree = plan[0], apart = plan[2]
    cdef floating factor
    place[0], products[0], chosen[0] = plan[1], 1, -1
    while True:
        if level == degree - 1:  # the last factor
            first = 0 if level == 0 else chosen[level - 1] + apart
            base, factor = place[level], products[level]
            if level:
                base -= column[chosen[level - 1]] + apart
            for q in range(first, k):
                values[made] = factor * x[q] if level else x[q]
                columns[made] = <index> (base + column[q])
                made += 1
            level -= 1
            if level < 0:
                return made
        chosen[level] += 1  # the next choice of this factor
        q = chosen[level]
        if q >= k:
            level -= 1
            if level < 0:
                return made
            continue
        base = place[level] + places[0, degree - level, rank[q]]
        if level:
            base -= places[1, degree - level, rank[chosen[level - 1]]]
        place[level + 1] = base
        products[level + 1] = products[level] * x[q] if level else x[q]
        level += 1
        if level < degree - 1:
            chosen[level] = q + apart - 1
