from libc.stdint cimport uint8_t, uint32_t, uint64_t

from fastml_ext.tree.sweep cimport Column, Node, Rows, Rules, Sweep

cdef struct Split:
    double gain  # decrease of the weighted impurity; -infinity: the column has no admissible split
    double info  # split information in bits, for the gain ratio
    double threshold  # drawn at random; not a number where the values on either side decide
    uint32_t column  # in the input
    uint32_t left, right  # codes of the whole table on either side of a numeric split; left: the code of a bundle's member
    bint constant, missing_left

cdef struct Scratch:
    void* memory
    Sweep sweep
    Py_ssize_t n_groups
    uint32_t* present  # (n_groups,) the codes that occur, ascending
    uint32_t* slot  # (n,) code, then group of each row
    uint32_t* listed
    uint32_t* begin
    uint64_t* keys
    uint64_t* bits
    uint32_t* rank
    Py_ssize_t cells  # room in counts or sums
    uint32_t* counts
    double* sums
    double* scores
    uint32_t* order
    uint32_t* ranks
    double* ranked

cdef bint reserve(Scratch* scratch, const Rules* rules, Py_ssize_t n, Py_ssize_t n_codes) noexcept nogil
cdef void release(Scratch* scratch) noexcept nogil
cdef void prepare_totals(Scratch* scratch, const Rules* rules, const Rows* rows, const double* totals) noexcept nogil
cdef void prepare(Scratch* scratch, const Rules* rules, const Rows* rows) noexcept nogil
cdef void search_column(const Column* column, const Rows* rows, const Node* node, const Rules* rules, Scratch* scratch,
                        Split* split, uint8_t* goes_left) noexcept nogil
cdef Py_ssize_t rank_by_bits(Scratch* scratch, Py_ssize_t n) noexcept nogil
cdef void gather(const Column* column, const uint32_t* row, Py_ssize_t n, uint32_t* codes) noexcept nogil
cdef uint64_t mix(uint64_t key, uint64_t branch) noexcept nogil
cdef double uniform(uint64_t key) noexcept nogil
