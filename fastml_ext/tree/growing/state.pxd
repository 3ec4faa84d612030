"""What the kernels of growing share: the columns, rules and rows of a tree, and the sweep of a node (sweep.pxd)."""

from libc.stdint cimport int8_t, int64_t, uint8_t, uint32_t, uint64_t

from fastml_ext.tree.enums cimport Criterion, Mode

cdef struct Column:
    const void* codes
    const double* values  # of the codes, for thresholds drawn at random; or NULL
    const uint32_t* original  # the codes' names in the whole table; or NULL where they are the same
    const uint32_t* rows  # of a sparse column, ascending: the rows that `codes` are of; NULL of a dense one
    Py_ssize_t first, n_entries  # of the node in hand in a presorted column, or the number of rows in `rows`
    uint32_t rest  # of a sparse column, or a presorted one: the code of all other rows
    bint partial  # a presorted column in which the code `rest` has no entries
    const uint32_t* members  # BUNDLE: the columns that codes 1, 2, ... stand for
    uint32_t n_codes  # also the code of a missing value
    uint32_t* order  # of a presorted column: its rows in the order of their codes (presorted.pyx); or NULL
    uint32_t number  # of the column in the input
    uint8_t width  # bytes of a code
    uint8_t kind  # a Kind
    int8_t monotonic

cdef struct Rules:  # what holds for a whole tree
    Mode mode
    Criterion criterion
    bint regression, ratio, random, monotone
    bint fractional  # a row whose value is missing goes down every branch with a share of its weight
    Py_ssize_t n_classes, n_outputs, n_stats, min_leaf
    bint whole  # every target is a whole number
    double min_weight, unit  # the worth of 1 in `logs`
    const int64_t* logs  # n log2 n
    # Of several outputs, none of them COUNTS; a row's label is then its place here, and each output has its own sums.
    const uint32_t* labels  # (n, n_outputs) classes, or ranks of the targets, or NULL
    const double* targets  # (n, n_outputs) or NULL

cdef struct Rows:  # the rows of one node, in their order in the table
    uint32_t* row
    uint32_t* label  # class, or rank of the target
    double* weight  # or NULL: 1 each
    double* target  # or NULL in classification
    const uint32_t* where  # of every row of the table its place in the order of all; NULL without sparse columns
    int64_t begin  # the place of the first of these rows in it, and in the order of a presorted column
    double* share  # of each row in the node, which is what is counted; or NULL: all of it
    Py_ssize_t n

cdef struct Node:  # what a search must know of its node
    double weight, tolerance, lower, upper
    uint64_t key

cdef struct Deviations:  # of one output, in DEVIATIONS
    Py_ssize_t n_ranks  # distinct targets in the node
    double* ranked  # the targets, ascending
    uint32_t* rank  # of each row
    double* tree_left  # Fenwick trees of (weight, weight x target)
    double* tree_right
    double middle, target_left, target_right, target_all

cdef struct Sweep:
    const Rules* rules
    const Rows* rows
    double* middles  # (n_outputs,) what the node's targets are taken from
    Py_ssize_t n_groups
    const uint32_t* counts  # (n_groups, n_stats) or
    const double* sums  # (n_groups, n_stats) or
    const uint32_t* listed  # rows in order of their groups; group g has listed[begin[g]:begin[g + 1]]
    const uint32_t* begin
    uint32_t* count_left
    uint32_t* count_right
    double* sum_left
    double* sum_right
    double* sum_all
    double* sum_kept  # sum_all is kept here while the rows whose value is missing are set aside
    int64_t n_left, n_right, score_left, score_right
    Deviations* deviations  # (n_outputs,)
    double weight_left, weight_right
    int8_t monotonic
    double lower, upper


cdef inline double tie_of(double weight, double impurity) noexcept nogil:
    """What two gains of a node may differ by and be equal: a share of its impurity, TIE in the reference."""
    return 2.0 ** -40 * weight * impurity


cdef inline double target_of(const Rules* rules, const Rows* rows, Py_ssize_t i, Py_ssize_t q) noexcept nogil:
    return rows.target[i] if rules.n_outputs == 1 else rules.targets[rows.label[i] * rules.n_outputs + q]
