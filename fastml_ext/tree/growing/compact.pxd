from libc.stdint cimport uint32_t

from fastml_ext.tree.growing.groups cimport Scratch
from fastml_ext.tree.growing.state cimport Column, Rows, Rules

cdef Py_ssize_t compact(Scratch* scratch, const Rules* rules, const Column* columns, const uint32_t* active,
                        Py_ssize_t n_active, const Rows* rows, bint presorts, Column* out) noexcept nogil
cdef void free_columns(Column* columns, Py_ssize_t n) noexcept nogil
