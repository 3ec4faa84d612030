from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from fastml_ext.tree.growing.groups cimport Scratch
from fastml_ext.tree.growing.search cimport Split
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules

cdef enum:
    NOWHERE = 0xffffffff  # the branch of a row of unknown value, of which each branch gets a share

cdef struct Limits:  # when a node is a leaf
    int64_t max_depth, min_split, min_leaf, max_features
    double min_weight, min_decrease, total_weight, pure

cdef struct Place:  # a node that waits for its turn
    int64_t begin, end, depth, parent, branch, n_constant
    int64_t is_leaf  # for certain: its part of the presorted columns is not there
    double lower, upper
    uint64_t key

cdef struct Record:  # a node that is grown; RECORD in nodes.pyx names the same fields for NumPy
    int64_t left, right, feature, kind, missing_left, n_samples, category_start, code_left, code_right
    double weight, impurity, gain, threshold

cdef struct Nodes:
    Record* records
    double* values
    uint32_t* codes
    int64_t* children
    Py_ssize_t n, room, n_categories, category_room, n_classes

cdef struct Parts:  # how one node's rows were parted
    uint32_t* branch  # (n,) of each row
    uint32_t* begin  # (n_branches + 1,)
    uint8_t* goes_left  # (n_groups,) in SUBSET splits
    uint8_t* side  # (n,) of each row of a subtree, by its number, whether it goes right
    uint32_t* spare
    double* spare_double
    int64_t* end  # (n_branches + 1,) of shares of rows: branch b has the rows end[b + 1] .. end[b] of the fractions
    Py_ssize_t n_branches
    bint any_missing
cdef bint more_nodes(Nodes* nodes) noexcept nogil
cdef bint more_categories(Nodes* nodes, Py_ssize_t n) noexcept nogil
cdef void free_nodes(Nodes* nodes) noexcept nogil
cdef bint reserve_parts(Parts* parts, Py_ssize_t n) noexcept nogil
cdef void free_parts(Parts* parts) noexcept nogil
cdef void describe(Scratch* scratch, const Rules* rules, const Rows* rows, Record* record, double* value) noexcept nogil
cdef void blank(Record* record, Py_ssize_t n) noexcept nogil
cdef void describe_classes(Scratch* s, const Rules* rules, Record* record, double* value) noexcept nogil
cdef void clip(const Rules* rules, double* value, const Place* place) noexcept nogil
cdef bint may_split(const Limits* limits, const Record* record, int64_t depth) noexcept nogil
cdef Py_ssize_t choose(const Split* splits, Py_ssize_t n, double tolerance, bint ratio) noexcept nogil
cdef bint gains_enough(const Split* split, const Limits* limits) noexcept nogil
cdef void find_branches(const Column* column, const Rows* rows, const Node* node, const Rules* rules, Scratch* scratch,
                        const Split* split, Parts* parts) noexcept nogil
cdef void part_rows(const Column* column, Rows* rows, const Node* node, const Rules* rules, Scratch* scratch,
                    const Split* split, Parts* parts) noexcept nogil
cdef void note_split(const Column* column, const Split* split, const Parts* parts, Record* record) noexcept nogil
cdef void bounds(const Column* column, const Record* node, Rows* rows, const Rules* rules, Scratch* scratch,
                 const Parts* parts, const Place* place, Py_ssize_t branch, double* lower, double* upper) noexcept nogil
