from libc.stdint cimport uint32_t

from fastml_ext.tree.growing.nodes cimport Limits, Place
from fastml_ext.tree.growing.state cimport Column, Rows, Rules
from fastml_ext.tree.numbers cimport Numbers


cdef class Problem:
    cdef Rules rules
    cdef Limits limits
    cdef Column* columns
    cdef readonly Py_ssize_t n_columns  # those that exclude one another are one
    cdef readonly Py_ssize_t n_codes  # of the column that has most
    cdef readonly double n_entries  # of a column, on average
    cdef readonly Py_ssize_t alone  # the only column that varies, where alone.pyx grows the tree; else -1
    cdef readonly bint located  # whether there are sparse columns
    cdef Rows every
    cdef uint32_t* where  # of every row of the table its place among `every`; NULL without sparse columns
    cdef list kept  # the arrays that the pointers lead into
    cdef Rows rows(self, const Place* place) noexcept nogil
    cdef _set_rules(self, sample, settings)
    cdef _set_limits(self, sample, settings, Py_ssize_t n_columns)
    cdef _take_rows(self, sample)
    cdef _locate_rows(self, sample)
    cdef _take_table(self, Numbers table)
    cdef _take_columns(self, list columns, settings)
    cdef _take_column(self, Column* to, codes, Py_ssize_t n_codes, int kind)
    cdef _allocate(self)


cdef class Waiting:
    cdef Place place
    cdef readonly object active
    cdef const uint32_t[::1] columns
