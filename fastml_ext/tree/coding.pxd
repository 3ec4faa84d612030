from libc.stdint cimport uint8_t


cdef class Numbers:
    cdef readonly Py_ssize_t n, d
    cdef readonly int width  # bytes of a code
    cdef readonly object dtype
    cdef readonly object values  # (d * n,): those of column j from j * n on, ascending
    cdef readonly object codes  # (d * n * width,) uint8
    cdef readonly object n_values  # (d,) uint32
    cdef readonly object missing  # (d,) uint8: whether a value is missing
    cdef readonly object spread  # (d,) the largest value minus the smallest, 0 where that overflows
    cdef const void* first_value
    cdef const uint8_t* first_code
