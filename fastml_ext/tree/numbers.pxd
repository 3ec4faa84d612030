from libc.stdint cimport uint8_t, uint32_t


cdef class Numbers:
    cdef readonly Py_ssize_t n, d
    cdef readonly int width  # bytes of a code
    cdef readonly bint sparse  # whether only the entries of a sparse matrix have codes
    cdef readonly object dtype
    cdef readonly object values  # those of column j from begin[j] + j on, ascending
    cdef readonly object codes  # uint8: those of column j from begin[j] * width on
    cdef readonly object begin  # (d + 1,) int64
    cdef readonly object rows  # uint32, of the entries
    cdef readonly object n_values  # (d,) uint32
    cdef readonly object rest  # (d,) uint32: the code of 0, which rows without an entry have
    cdef readonly object missing  # (d,) uint8: whether a value is missing
    cdef readonly object spread  # (d,) the largest value minus the smallest, 0 where that overflows
    cdef float* narrow  # the first of `values`, or
    cdef double* wide
    cdef uint8_t* first_code
    cdef const uint32_t* first_row
    cdef _point(self)
