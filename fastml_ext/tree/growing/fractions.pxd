from fastml_ext.tree.growing.groups cimport Scratch
from fastml_ext.tree.growing.nodes cimport Parts, Place
from fastml_ext.tree.growing.search cimport Split
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules

cdef struct Fractions:
    Rows rows  # of all nodes that wait, those of the next one last
    Rows spare  # of the node in hand
    Py_ssize_t room

cdef bint open_fractions(Fractions* fractions, const Rows* rows, Parts* parts, bint wanted) noexcept nogil
cdef void fill_fractions(Fractions* fractions, const Rows* rows) noexcept nogil
cdef void close_fractions(Fractions* fractions) noexcept nogil
cdef bint deal_rows(const Column* column, Fractions* fractions, const Place* place, const Node* node,
                    const Rules* rules, Scratch* scratch, const Split* split, Parts* parts) noexcept nogil
