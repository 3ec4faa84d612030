from libc.stdint cimport uint8_t, uint32_t

from fastml_ext.tree.growing.groups cimport Scratch
from fastml_ext.tree.growing.search cimport Split
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules

cdef bint number_rows(Scratch* scratch, const Rules* rules, const Rows* rows) noexcept nogil
cdef void free_numbers(Scratch* scratch) noexcept nogil
cdef bint are_scanned(const Rules* rules, const Rows* rows) noexcept nogil
cdef bint is_scanned(const Column* column, const Rows* rows, const Rules* rules) noexcept nogil
cdef void scan(const Column* column, const Rows* rows, const Node* node, const Rules* rules, Scratch* scratch,
               Split* split) noexcept nogil
cdef Py_ssize_t part_order(uint32_t* order, Py_ssize_t n, const uint8_t* side, bint left, bint right,
                           uint32_t* spare) noexcept nogil
