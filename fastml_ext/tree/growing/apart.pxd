from fastml_ext.tree.growing.state cimport Sweep

cdef double unit_deviance(double x) noexcept nogil
cdef double poisson_cost(const Sweep* s, const double* sums, Py_ssize_t q) noexcept nogil
cdef void fenwick_add(double* tree, Py_ssize_t n, Py_ssize_t rank, double w, double wt) noexcept nogil
cdef void shift_row(Sweep* s, Py_ssize_t i, int sign) noexcept nogil
cdef void start_deviations(Sweep* s) noexcept nogil
cdef double side_median(const Sweep* s, bint left, Py_ssize_t q) noexcept nogil
cdef double deviations_cost(const Sweep* s, bint left) noexcept nogil
