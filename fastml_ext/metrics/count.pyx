"""Pairs of class codes counted into tables. Contract: reference.py."""

from libc.stdint cimport int64_t

import numpy as np


def extent(const int64_t[::1] y_true, const int64_t[::1] y_pred):
    """(smallest, largest) value of two vectors of the same length, at least one row."""
    cdef Py_ssize_t i
    cdef int64_t low = y_true[0], high = low
    with nogil:
        for i in range(y_true.shape[0]):
            low = min(low, y_true[i], y_pred[i])
            high = max(high, y_true[i], y_pred[i])
    return low, high


def count_pairs(Py_ssize_t start, Py_ssize_t stop,
                const int64_t[::1] y_true, const int64_t[::1] y_pred,      # (n,) IN, in [low, low + width)
                int64_t low, Py_ssize_t width):
    """(width, width) int64: how often each pair (true, predicted) stands in rows start .. stop - 1."""
    table = np.zeros((2, width, width), np.int64)
    cdef int64_t[:, :, ::1] view = table
    cdef int64_t* even = &view[0, 0, 0]
    cdef int64_t* odd = &view[1, 0, 0]
    cdef Py_ssize_t i, pairs = start + (stop - start) // 2 * 2
    with nogil:
        for i in range(start, pairs, 2):           # two tables: a cell need not wait for its own last increment
            even[(y_true[i] - low) * width + y_pred[i] - low] += 1
            odd[(y_true[i + 1] - low) * width + y_pred[i + 1] - low] += 1
        if pairs < stop:
            even[(y_true[pairs] - low) * width + y_pred[pairs] - low] += 1
        for i in range(width * width):
            even[i] += odd[i]
    return table[0]


def count_pairs_weighted(const int64_t[::1] y_true, const int64_t[::1] y_pred, const double[::1] weight,
                         int64_t low, Py_ssize_t width):
    """(width, width) float64: the summed weight of each pair (true, predicted), added in order of the rows."""
    table = np.zeros((width, width))
    cdef double[:, ::1] view = table
    cdef Py_ssize_t i
    with nogil:
        for i in range(y_true.shape[0]):
            view[y_true[i] - low, y_pred[i] - low] += weight[i]
    return table


def margins(const int64_t[:, ::1] table):
    """(3, width) int64 of a table of pairs: the diagonal, the sum of each row, the sum of each column."""
    cdef Py_ssize_t i, j, width = table.shape[0]
    sums = np.zeros((3, width), np.int64)
    cdef int64_t[:, ::1] view = sums
    with nogil:
        for i in range(width):
            view[0, i] = table[i, i]
            for j in range(width):
                view[1, i] += table[i, j]
                view[2, j] += table[i, j]
    return sums


def count_margins(const int64_t[::1] y_true, const int64_t[::1] y_pred, weight, int64_t low, Py_ssize_t width):
    """(3, width) float64: weight of the correct rows, of the true rows and of the predicted rows of each class.

    weight None counts every row once. Each sum is added in order of the rows.
    """
    cdef Py_ssize_t i
    cdef const double[::1] w
    cdef bint weighted = weight is not None
    cdef double value = 1
    sums = np.zeros((3, width))
    cdef double[:, ::1] view = sums
    if weighted:
        w = weight
    with nogil:
        for i in range(y_true.shape[0]):
            if weighted:
                value = w[i]
            if y_true[i] == y_pred[i]:
                view[0, y_true[i] - low] += value
            view[1, y_true[i] - low] += value
            view[2, y_pred[i] - low] += value
    return sums
