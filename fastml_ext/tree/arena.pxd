from fastml_ext.tree.groups cimport Scratch
from fastml_ext.tree.nodes cimport Parts, Place
from fastml_ext.tree.search cimport Split
from fastml_ext.tree.state cimport Column, Node, Rows, Rules

cdef struct Arena:
    Rows rows  # of all nodes that wait, those of the next one last
    Rows spare  # of the node in hand
    Py_ssize_t room

cdef bint open_arena(Arena* arena, const Rows* rows, Parts* parts, bint wanted) noexcept nogil
cdef void fill_arena(Arena* arena, const Rows* rows) noexcept nogil
cdef void close_arena(Arena* arena) noexcept nogil
cdef bint deal_rows(const Column* column, Arena* arena, const Place* place, const Node* node, const Rules* rules,
                    Scratch* scratch, const Split* split, Parts* parts) noexcept nogil
