"""The nodes that were grown as the arrays of a Tree; the thresholds of columns of floats are those of thresholds.py."""

from libc.math cimport INFINITY, nextafter, nextafterf
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free

import numpy as np

from fastml_ext.tree.enums cimport MULTIWAY, NUMERIC
from fastml_ext.tree.growing.nodes cimport Record
from fastml_ext.tree.numbers cimport Numbers

from fastml_ext.tree.thresholds import midpoints

cdef struct Values:  # of a column of floats, ascending
    const double* wide  # or
    const float* narrow
    Py_ssize_t n


def unpack(records, columns, n_categories):
    """(left, right, feature, kind, threshold, threshold_int, missing_go_to_left, impurity, n_samples, weight, gain,
    category_start) of n RECORDs, in a block of each type: an array by itself takes longer than a small tree's."""
    cdef const Record[::1] given = records
    cdef const Record* record = &given[0]
    cdef Py_ssize_t n = len(records), i
    cdef bint multiway
    integers, floats, flags = np.empty((5, n), np.int64), np.empty((4, n)), np.empty((2, n), np.uint8)
    category_start = np.empty(n + 1, np.int64)
    cdef int64_t[:, ::1] whole = integers
    cdef double[:, ::1] real = floats
    cdef uint8_t[:, ::1] flag = flags
    cdef int64_t[::1] start = category_start
    with nogil:
        for i in range(n):
            multiway = record[i].kind == MULTIWAY
            whole[0, i], whole[1, i] = -3 if multiway else record[i].left, -3 if multiway else record[i].right
            whole[2, i], whole[3, i], whole[4, i] = record[i].feature, 0, record[i].n_samples
            real[0, i], real[1, i] = -2, record[i].impurity
            real[2, i], real[3, i] = record[i].weight, record[i].gain
            flag[0, i], flag[1, i] = <uint8_t> record[i].kind, record[i].missing_left != 0
            start[i] = record[i].category_start
    start[n] = n_categories
    if not _thresholds(columns, record, n, real[0]):
        floats[0], integers[3] = midpoints(records, columns)
    left, right, feature, threshold_int, n_samples = integers
    threshold, impurity, weight, gain = floats
    return (left, right, feature, flags[0], threshold, threshold_int, flags[1].view(bool), impurity, n_samples, weight,
            gain, category_start)


cdef bint _thresholds(columns, const Record* record, Py_ssize_t n, double[::1] out) except -1:
    """Put the thresholds into out; False where a column is not one of floats, or a threshold was drawn."""
    cdef Values* values = <Values*> calloc(len(columns) + 1, sizeof(Values))
    cdef Values* column
    cdef Py_ssize_t i
    if values == NULL:
        raise MemoryError
    try:
        if isinstance(columns, Numbers):
            _point_at_table(columns, values)
        for i in range(n):
            if record[i].kind != NUMERIC:
                continue
            column = values + record[i].feature
            if record[i].threshold == record[i].threshold:
                return False
            if column.n == 0 and not _point_at_column(columns[record[i].feature], column):
                return False
            if record[i].code_right == column.n:  # missing against not
                out[i] = INFINITY
            elif column.wide != NULL:
                out[i] = _midpoint(column.wide[record[i].code_left], column.wide[record[i].code_right])
            else:
                out[i] = _round_down(_midpoint(column.narrow[record[i].code_left], column.narrow[record[i].code_right]))
    finally:
        free(values)
    return True


cdef void _point_at_table(Numbers table, Values* values):
    cdef const uint32_t[::1] n_values = table.n_values
    cdef const int64_t[::1] begin = table.begin
    cdef Py_ssize_t j
    for j in range(table.d):
        values[j].n = n_values[j]
        if table.narrow != NULL:
            values[j].narrow = table.narrow + begin[j] + j
        else:
            values[j].wide = table.wide + begin[j] + j


cdef bint _point_at_column(column, Values* values) except -1:
    cdef const double[::1] wide
    cdef const float[::1] narrow
    if column.split != "numeric" or len(column.values) == 0:
        return False
    if column.values.dtype == np.float64:
        wide = column.values
        values.wide, values.n = &wide[0], len(wide)
    elif column.values.dtype == np.float32:
        narrow = column.values
        values.narrow, values.n = &narrow[0], len(narrow)
    else:
        return False
    return True


cdef inline double _midpoint(double low, double high) noexcept nogil:
    """As thresholds.midpoint: the error of the sum (Knuth's two-sum) tells whether it was rounded up."""
    cdef double half = low / 2 + high / 2, back = half - low / 2
    cdef double error = (low / 2 - (half - back)) + (high / 2 - back)
    if error < 0:
        half = nextafter(half, -INFINITY)
    return low if half < low or half >= high else half


cdef inline double _round_down(double x) noexcept nogil:
    cdef float near = <float> x
    return nextafterf(near, -INFINITY) if <double> near > x else near
