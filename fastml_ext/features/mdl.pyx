"""Cuts by entropy and minimum description length. Contract: reference/mdl.py."""

from libc.math cimport exp2, log2
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

import numpy as np

from fastml_ext import pool

__all__ = ["mdl_cuts"]

ctypedef fused code_t:
    uint8_t
    uint16_t
    uint32_t

COST = 200.0  # ns a row of a column: sorted once, swept once for each level of cuts


cdef double LOG2_3 = 1.584962500721156
cdef double EQUAL_BITS = 1e-10  # as in the reference


def mdl_cuts(codes, n_values, y, weight, n_classes, n_jobs=None):
    """The values after which each column is cut. Contract: reference/mdl.py."""
    parts = pool.run(_columns, len(codes), codes, n_values, y, weight, n_classes, cost=COST * len(y), n_jobs=n_jobs)
    return [cuts for part in parts for cuts in part]


def _columns(start, stop, codes, n_values, y, weight, n_classes):
    return [_cut_column(codes[j], n_values[j], y, weight, n_classes) for j in range(start, stop)]


cdef struct Rows:
    const int64_t* y  # classes in the order of the column's values
    const double* weight
    const int64_t* first  # of each value, the first of its rows
    double* left  # weights of the classes on the left, and of all, in the range in hand
    double* total
    Py_ssize_t n_classes


cdef struct Cut:
    Py_ssize_t at  # the rank before the cut; -1 for none
    double gain


def _cut_column(const code_t[::1] codes, Py_ssize_t n_values, const int64_t[::1] y, weight, Py_ssize_t n_classes):
    kept = _present(codes, n_values, weight)
    cdef int64_t[::1] first = np.zeros(n_values + 1, np.int64)
    cdef Py_ssize_t n = y.shape[0], i, code, m
    cdef const double[::1] w = np.ones(n) if weight is None else weight
    cdef int64_t[::1] classes = np.empty(max(n, 1), np.int64)
    cdef double[::1] weights = np.empty(max(n, 1))
    cdef double[::1] scratch = np.empty(2 * n_classes)
    cdef uint8_t[::1] cut = np.zeros(max(n_values, 1), np.uint8)
    cdef const uint8_t[::1] used = kept
    cdef Rows rows
    if n_values < 2:
        return np.empty(0, np.int64)
    with nogil:
        for i in range(n):
            if used[i]:
                first[codes[i] + 1] += 1
        for m in range(n_values):
            first[m + 1] += first[m]
        for i in range(n):
            if used[i]:
                code = codes[i]
                classes[first[code]] = y[i]
                weights[first[code]] = w[i]
                first[code] += 1
        for m in range(n_values, 0, -1):  # filling moved each start to the next value's
            first[m] = first[m - 1]
        first[0] = 0
        rows.y, rows.weight, rows.first = &classes[0], &weights[0], &first[0]
        rows.left, rows.total, rows.n_classes = &scratch[0], &scratch[n_classes], n_classes
    if not _mark_cuts(&rows, n_values, cut):
        raise MemoryError
    return np.flatnonzero(cut).astype(np.int64, copy=False)


def _present(codes, n_values, weight):
    """(n,) uint8: rows that have a value and a weight."""
    kept = np.asarray(codes) < n_values
    return (kept if weight is None else kept & (weight > 0)).view(np.uint8)


cdef bint _mark_cuts(Rows* rows, Py_ssize_t n_values, uint8_t[::1] cut):
    """Set cut[r] for every cut after rank r; False where there is no memory for the ranges still to do."""
    cdef Py_ssize_t* todo = <Py_ssize_t*> malloc(2 * (n_values + 1) * sizeof(Py_ssize_t))
    cdef Py_ssize_t waiting = 1, begin, end
    cdef Cut found
    if todo == NULL:
        return False
    todo[0], todo[1] = 0, n_values
    with nogil:
        while waiting:
            waiting -= 1
            begin, end = todo[2 * waiting], todo[2 * waiting + 1]
            found = _best_cut(rows, begin, end)
            if found.at < 0 or not _worth(rows, begin, end, found):
                continue
            cut[found.at] = 1
            todo[2 * waiting], todo[2 * waiting + 1] = begin, found.at + 1
            todo[2 * waiting + 2], todo[2 * waiting + 3] = found.at + 1, end
            waiting += 2
    free(todo)
    return True


cdef inline double _bits(double weight) noexcept nogil:
    """w log2 w: what weights contribute to an entropy times its weight."""
    return weight * log2(weight) if weight > 0 else 0.0


cdef double _tally(const Rows* rows, Py_ssize_t begin, Py_ssize_t end, double* counts) noexcept nogil:
    """The weight of each class, and in all, of the values of ranks begin up to before end."""
    cdef Py_ssize_t i
    cdef double weight = 0
    memset(counts, 0, rows.n_classes * sizeof(double))
    for i in range(rows.first[begin], rows.first[end]):
        counts[rows.y[i]] += rows.weight[i]
        weight += rows.weight[i]
    return weight


cdef Cut _best_cut(Rows* rows, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """The first cut of largest gain: rows move to the left one by one, and the sums of w log2 w follow."""
    cdef Cut best
    cdef double* left = rows.left
    cdef double* total = rows.total
    cdef double weight = _tally(rows, begin, end, total), moved = 0, whole = 0, sum_left = 0, sum_right, w, gain, entropy
    cdef Py_ssize_t rank, i, c
    best.at, best.gain = -1, 0
    for c in range(rows.n_classes):
        whole += _bits(total[c])
    entropy = (_bits(weight) - whole) / weight if weight > 0 else 0
    if weight <= 1 or entropy <= 0:
        return best
    sum_right = whole
    memset(left, 0, rows.n_classes * sizeof(double))
    for rank in range(begin, end - 1):
        if rows.first[rank] == rows.first[rank + 1]:  # no row of this value counts: the cut would be the one before
            continue
        for i in range(rows.first[rank], rows.first[rank + 1]):
            c, w = rows.y[i], rows.weight[i]
            sum_left += _bits(left[c] + w) - _bits(left[c])
            sum_right += _bits(total[c] - left[c] - w) - _bits(total[c] - left[c])
            left[c] += w
            moved += w
        if rows.first[rank + 1] == rows.first[end]:
            break
        gain = entropy - (_bits(moved) - sum_left + _bits(weight - moved) - sum_right) / weight
        if gain > best.gain + EQUAL_BITS:
            best.at, best.gain = rank, gain
    return best


cdef bint _worth(Rows* rows, Py_ssize_t begin, Py_ssize_t end, Cut cut) noexcept nogil:
    """Is the gain larger than the price of describing the cut?"""
    cdef double weight = _tally(rows, begin, end, rows.total), k = 0, price
    cdef double apart = 0, delta
    delta = _price_of(rows.total, rows.n_classes, weight, &k)
    price = log2(weight - 1) + k * LOG2_3 + log2(1 - 2 * exp2(-k * LOG2_3)) - delta
    weight = _tally(rows, begin, cut.at + 1, rows.left)
    apart = _price_of(rows.left, rows.n_classes, weight, &k)
    weight = _tally(rows, cut.at + 1, end, rows.left)
    apart += _price_of(rows.left, rows.n_classes, weight, &k)
    weight = _tally(rows, begin, end, rows.total)
    return cut.gain > (price + apart) / weight


cdef double _price_of(const double* counts, Py_ssize_t n_classes, double weight, double* k) noexcept nogil:
    """k E: the number of classes that are there, which is stored in k, times the entropy."""
    cdef Py_ssize_t c
    cdef double total = 0
    k[0] = 0
    for c in range(n_classes):
        total += _bits(counts[c])
        k[0] += counts[c] > 0
    return k[0] * (_bits(weight) - total) / weight
