"""Down the tree: the node at which each row stops. Contract: reference.py."""

from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np

cdef enum:
    LANES = 8  # rows that walk side by side: one waits for memory while the others move
    MULTIWAY = 2
    SUBSET = 3

ctypedef fused number:
    float
    double
    uint8_t
    int32_t
    int64_t

cdef struct Narrow:
    float threshold
    int32_t feature
    int32_t child[2]

cdef struct Wide:
    double threshold
    int32_t feature, unused
    int32_t child[2]

cdef struct Whole:
    int64_t threshold
    int32_t feature, unused
    int32_t child[2]

ctypedef fused packed:
    Narrow
    Wide
    Whole

# Leaves are their own children. Where a missing value goes left, the feature is stored as ~feature.
NARROW = np.dtype([("threshold", np.float32), ("feature", np.int32), ("child", np.int32, 2)])
WIDE = np.dtype([("threshold", np.float64), ("feature", np.int32), ("unused", np.int32), ("child", np.int32, 2)])
WHOLE = np.dtype([("threshold", np.int64), ("feature", np.int32), ("unused", np.int32), ("child", np.int32, 2)])


cdef inline int32_t _next(const number* x, const packed* nodes, int32_t at) noexcept nogil:
    cdef const packed* node = nodes + at
    cdef int32_t left = node.feature >> 31  # -1 where missing values go left, else 0
    cdef number value = x[node.feature ^ left]
    if number is float or number is double:
        return node.child[(not value <= node.threshold) & ((not left) | (value == value))]
    else:
        return node.child[<int64_t> value > node.threshold]


cdef void _walk(const number* x, Py_ssize_t d, Py_ssize_t n, const packed* nodes, int64_t* out) noexcept nogil:
    cdef int32_t at[LANES]
    cdef int32_t old, moved
    cdef Py_ssize_t i = 0, lane
    while i + LANES <= n:
        for lane in range(LANES):
            at[lane] = 0
        moved = 1
        while moved:
            moved = 0
            for lane in range(LANES):
                old = at[lane]
                at[lane] = _next(x + (i + lane) * d, nodes, old)
                moved |= old ^ at[lane]
        for lane in range(LANES):
            out[i + lane] = at[lane]
        i += LANES
    while i < n:
        at[0] = 0
        moved = 1
        while moved:
            old = at[0]
            at[0] = _next(x + i * d, nodes, old)
            moved = old ^ at[0]
        out[i] = at[0]
        i += 1


def walk_float32(Py_ssize_t start, Py_ssize_t stop, const float[:, ::1] X, const uint8_t[::1] nodes, int64_t[::1] out):
    with nogil:
        _walk(&X[start, 0], X.shape[1], stop - start, <const Narrow*> &nodes[0], &out[start])


def walk_float64(Py_ssize_t start, Py_ssize_t stop, const double[:, ::1] X, const uint8_t[::1] nodes, int64_t[::1] out):
    with nogil:
        _walk(&X[start, 0], X.shape[1], stop - start, <const Wide*> &nodes[0], &out[start])


def walk_uint8(Py_ssize_t start, Py_ssize_t stop, const uint8_t[:, ::1] X, const uint8_t[::1] nodes, int64_t[::1] out):
    with nogil:
        _walk(&X[start, 0], X.shape[1], stop - start, <const Whole*> &nodes[0], &out[start])


def walk_int32(Py_ssize_t start, Py_ssize_t stop, const int32_t[:, ::1] X, const uint8_t[::1] nodes, int64_t[::1] out):
    with nogil:
        _walk(&X[start, 0], X.shape[1], stop - start, <const Whole*> &nodes[0], &out[start])


def walk_int64(Py_ssize_t start, Py_ssize_t stop, const int64_t[:, ::1] X, const uint8_t[::1] nodes, int64_t[::1] out):
    with nogil:
        _walk(&X[start, 0], X.shape[1], stop - start, <const Whole*> &nodes[0], &out[start])


def stop_float32(const float[:, ::1] X, const uint8_t[::1] nodes):
    """The node of the only row of X."""
    cdef int64_t out
    _walk(&X[0, 0], X.shape[1], 1, <const Narrow*> &nodes[0], &out)
    return out


def stop_float64(const double[:, ::1] X, const uint8_t[::1] nodes):
    """The node of the only row of X."""
    cdef int64_t out
    _walk(&X[0, 0], X.shape[1], 1, <const Wide*> &nodes[0], &out)
    return out


def walk_codes(Py_ssize_t start, Py_ssize_t stop, const int64_t[:, ::1] codes, const uint8_t[::1] kind,
               const int64_t[::1] feature, const int64_t[::1] cut, const uint8_t[::1] missing_left,
               const int64_t[::1] left, const int64_t[::1] right, const int64_t[::1] category_start,
               const int64_t[::1] category_code, const int64_t[::1] category_child, int64_t[::1] out):
    """As the others, on codes: of numbers, how many thresholds of the column are below them, -1 where
    missing, -2 for an ordered category that was not fitted."""
    cdef Py_ssize_t i
    cdef int64_t at, code, low, high, middle
    cdef bint goes_left
    with nogil:
        for i in range(start, stop):
            at = 0
            while kind[at]:
                code = codes[i, feature[at]]
                if kind[at] != MULTIWAY and kind[at] != SUBSET:
                    goes_left = code <= cut[at]
                    if code < -1:
                        break
                    if code < 0:
                        goes_left = missing_left[at]
                    at = left[at] if goes_left else right[at]
                    continue
                low, high = category_start[at], category_start[at + 1]
                while low < high:
                    middle = (low + high) // 2
                    if category_code[middle] < code:
                        low = middle + 1
                    else:
                        high = middle
                if low == category_start[at + 1] or category_code[low] != code:
                    break  # a category that did not occur here in training
                at = category_child[low]
            out[i] = at


def paths(const int64_t[::1] stops, const int64_t[::1] parent, const int64_t[::1] depth):
    """(indptr, indices) of the sparse matrix of the nodes each row passes, in order from the root. Contract: reference.py.
    """
    cdef Py_ssize_t i, n = stops.shape[0]
    cdef int64_t at, node
    indptr = np.zeros(n + 1, np.int64)
    cdef int64_t[::1] end = indptr
    for i in range(n):
        end[i + 1] = end[i] + depth[stops[i]] + 1
    indices = np.empty(end[n], np.int64)
    cdef int64_t[::1] out = indices
    with nogil:
        for i in range(n):
            at, node = end[i + 1], stops[i]
            while node >= 0:
                at -= 1
                out[at] = node
                node = parent[node]
    return indptr, indices
