from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from fastml_ext.tree.growing.groups cimport Scratch
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules

cdef struct Split:  # of a column; SPLIT in large.pyx names the same fields for NumPy
    double gain  # decrease of the weighted impurity; -infinity: the column has no admissible split
    double info  # split information in bits, for the gain ratio
    double threshold  # drawn at random; not a number where the values on either side decide
    uint32_t column  # in the input
    uint32_t left, right  # codes of the whole table on either side of a cut; of a bundle, left is the member's code
    uint8_t constant, missing_left
    uint16_t unused

cdef void search_column(const Column* column, const Rows* rows, const Node* node, const Rules* rules, Scratch* scratch,
                        Split* split, uint8_t* goes_left) noexcept nogil
cdef void search_groups(const Column* column, const Node* node, const Rules* rules, Scratch* scratch, Split* split,
                        uint8_t* goes_left) noexcept nogil
cdef uint64_t mix(uint64_t key, uint64_t branch) noexcept nogil
cdef double uniform(uint64_t key) noexcept nogil
