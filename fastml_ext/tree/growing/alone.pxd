from fastml_ext.tree.growing.nodes cimport Limits, Nodes
from fastml_ext.tree.growing.state cimport Column, Rows, Rules

cdef Py_ssize_t find_alone(const Column* columns, Py_ssize_t n_columns, const Rules* rules,
                           const Rows* rows) noexcept nogil
cdef bint grow_alone(const Column* column, const Rows* rows, const Rules* rules, const Limits* limits,
                     Nodes* nodes) noexcept nogil
