"""One pass over an array: are all values finite, and where is the first that is not. Contract: checks_reference.py."""

from cpython.buffer cimport PyObject_GetBuffer, PyBuffer_Release, PyBUF_FORMAT, PyBUF_C_CONTIGUOUS
from libc.stdint cimport uint32_t, uint64_t

from fastml_ext.device.finite cimport finite32, finite64

cdef fused bits:
    uint32_t
    uint64_t

cdef enum:
    BLOCK = 4096  # values looked at between two chances to stop early: 16 or 32 KB, within the first cache


cdef bint _finite(const bits* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t start = 0
    cdef bint clean = True
    while clean and start < n:
        if bits is uint32_t:
            clean = finite32(x + start, min(n - start, BLOCK))
        else:
            clean = finite64(x + start, min(n - start, BLOCK))
        start += BLOCK
    return clean


def is_table(X, Py_ssize_t n_columns, array_type):
    """Is X exactly an `array_type` of native float32 or float64, in C order, with n_columns columns, all finite?

    For the fast path of predict: True means that X may go to a kernel as it is. False says nothing about what is
    wrong; the full check then finds and names it.
    """
    cdef Py_buffer view
    cdef bint clean = False, shaped
    if type(X) is not array_type:
        return False
    try:
        PyObject_GetBuffer(X, &view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, ValueError):  # not contiguous, or a dtype that has no buffer
        return False
    shaped = view.ndim == 2 and view.shape[0] > 0 and view.shape[1] == n_columns
    if shaped and view.format != NULL and view.format[1] == 0:  # one character: native byte order
        if view.format[0] == c'd':
            with nogil:
                clean = _finite(<const uint64_t*> view.buf, view.len // 8)
        elif view.format[0] == c'f':
            with nogil:
                clean = _finite(<const uint32_t*> view.buf, view.len // 4)
    PyBuffer_Release(&view)
    return clean


def first_nonfinite(X):
    """(row, column) of the first NaN or infinity of a float32 or float64 table, in row order; None if there is none."""
    cdef const float[:, :] single
    cdef const double[:, :] double_
    if X.dtype.char == "f":
        single = X
        return _first[float](single)
    double_ = X
    return _first[double](double_)


ctypedef fused floating:
    float
    double


cdef _first(const floating[:, :] X):
    """Most tables have no bad value: see that in one fast pass where the rows stand one behind another."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], i, j, row = -1, column = -1
    cdef bint together = X.strides[1] == sizeof(floating) and X.strides[0] == d * X.strides[1]
    if n == 0 or d == 0:
        return None
    with nogil:
        if not (together and _all_finite(&X[0, 0], n * d)):
            for i in range(n):
                for j in range(d):
                    if not (X[i, j] - X[i, j] == 0):
                        row, column = i, j
                        break
                if row >= 0:
                    break
    return None if row < 0 else (row, column)


cdef bint _all_finite(const floating* x, Py_ssize_t n) noexcept nogil:
    if floating is double:
        return _finite(<const uint64_t*> x, n)
    else:
        return _finite(<const uint32_t*> x, n)
