from libc.stdint cimport uint32_t, uint64_t

from fastml_ext.tree.growing.state cimport Column, Rows, Rules, Sweep

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
    Rows by_number  # of a subtree: the rows in the order of their numbers, as presorted columns name them
    uint32_t* numbers  # (n,) of rows with an entry, while columns are compacted
    double* reciprocal  # (n + 1,) of the numbers of rows

cdef bint reserve(Scratch* scratch, const Rules* rules, Py_ssize_t n, Py_ssize_t n_codes) noexcept nogil
cdef void release(Scratch* scratch) noexcept nogil
cdef void prepare_totals(Scratch* scratch, const Rules* rules, const Rows* rows, const double* totals) noexcept nogil
cdef void prepare(Scratch* scratch, const Rules* rules, const Rows* rows) noexcept nogil
cdef Py_ssize_t rank_by_bits(Scratch* scratch, Py_ssize_t n) noexcept nogil
cdef void gather(const Column* column, const Rows* rows, Py_ssize_t first, Py_ssize_t n, uint32_t* codes) noexcept nogil
cdef uint32_t entry_code(const Column* column, Py_ssize_t e) noexcept nogil
cdef void list_rows(Scratch* scratch, Py_ssize_t n) noexcept nogil
cdef bint is_rest(const Column* column, const Rows* rows) noexcept nogil
cdef bint group(Scratch* scratch, const Column* column, const Rules* rules, const Rows* rows) noexcept nogil
