"""Down the tree: the node at which each row stops. Contract: reference/applying.py."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

from fastml_ext.device.finite cimport finite32, finite64, within32, within64

cdef enum:
    LANES = 8  # rows that walk side by side: one waits for memory while the others move
    WIDE_ROW = 32768  # columns: sparse rows that are wider walk down small trees one at a time, in the second cache
    SMALL_TREE = 64  # nodes

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

NARROW = np.dtype([("threshold", np.float32), ("feature", np.int32), ("child", np.int32, 2)])
WIDE = np.dtype([("threshold", np.float64), ("feature", np.int32), ("unused", np.int32), ("child", np.int32, 2)])
WHOLE = np.dtype([("threshold", np.int64), ("feature", np.int32), ("unused", np.int32), ("child", np.int32, 2)])
assert (NARROW.itemsize, WIDE.itemsize, WHOLE.itemsize) == (sizeof(Narrow), sizeof(Wide), sizeof(Whole)), \
    "NumPy's records are not the structs"


cdef class NarrowTree:
    """The nodes of a tree as rows of float32 walk down them; leaves are their own children.

    limit: the largest magnitude that counts as finite
    """

    cdef const Narrow[::1] nodes
    cdef const uint8_t[::1] missing_left
    cdef uint64_t carry  # what takes the bits of a larger magnitude into the sign

    def __init__(self, nodes, missing_left, limit=np.finfo(np.float32).max):
        self.nodes, self.missing_left = nodes, missing_left
        self.carry = 2**31 - 1 - int(np.float32(limit).view(np.uint32))


cdef class WideTree:
    """As NarrowTree, for rows of float64."""

    cdef const Wide[::1] nodes
    cdef const uint8_t[::1] missing_left
    cdef uint64_t carry

    def __init__(self, nodes, missing_left, limit=np.finfo(np.float64).max):
        self.nodes, self.missing_left = nodes, missing_left
        self.carry = 2**63 - 1 - int(np.float64(limit).view(np.uint64))


cdef class WholeTree:
    """As NarrowTree, for rows of integers."""

    cdef const Whole[::1] nodes
    cdef const uint8_t[::1] missing_left

    def __init__(self, nodes, missing_left):
        self.nodes, self.missing_left = nodes, missing_left


cdef inline bint _finite(const number* x, Py_ssize_t n) noexcept nogil:
    if number is float:
        return finite32(<const uint32_t*> x, n)
    elif number is double:
        return finite64(<const uint64_t*> x, n)
    else:
        return True


cdef inline bint _within(const number* x, Py_ssize_t n, uint64_t carry) noexcept nogil:
    """Reading the rows from end to end also brings them into the cache for the walk."""
    if number is float:
        return within32(<const uint32_t*> x, n, <uint32_t> carry)
    elif number is double:
        return within64(<const uint64_t*> x, n, carry)
    else:
        return True


cdef inline int32_t _next(const number* x, const packed* nodes, int32_t at) noexcept nogil:
    cdef const packed* node = nodes + at
    return node.child[not x[node.feature] <= node.threshold]


cdef int32_t _stop(const number* x, const packed* nodes) noexcept nogil:
    cdef int32_t at = 0, old = -1
    while at != old:
        old = at
        at = _next(x, nodes, at)
    return at


cdef int32_t _stop_missing(const number* x, const packed* nodes, const uint8_t* missing_left) noexcept nogil:
    cdef int32_t at = 0, old = -1
    cdef number value
    while at != old:
        old = at
        value = x[nodes[at].feature]
        at = _next(x, nodes, at) if value == value else nodes[at].child[not missing_left[at]]
    return at


cdef inline void _walk_lanes(const number* x, Py_ssize_t d, const packed* nodes, int32_t* at) noexcept nogil:
    """LANES finite rows side by side."""
    cdef int32_t old, moved = 1
    cdef Py_ssize_t lane
    memset(at, 0, LANES * sizeof(int32_t))
    while moved:
        moved = 0
        for lane in range(LANES):
            old = at[lane]
            at[lane] = _next(x + lane * d, nodes, old)
            moved |= old ^ at[lane]


cdef bint _walk(const number* x, Py_ssize_t d, Py_ssize_t n, const packed* nodes, const uint8_t* missing_left,
                uint64_t carry, const int64_t* answers, int64_t* out) noexcept nogil:
    """Rows walk side by side, LANES at a time. False where a value was not finite, or beyond the limit."""
    cdef int32_t at[LANES]
    cdef Py_ssize_t i = 0, lane
    cdef bint clean = True
    while i < n:
        if i + LANES > n or not _within(x + i * d, LANES * d, carry):
            for lane in range(i, min(i + LANES, n)):
                clean &= _within(x + lane * d, d, carry)
                out[lane] = answers[_stop_missing(x + lane * d, nodes, missing_left)]
            i += LANES
            continue
        _walk_lanes(x + i * d, d, nodes, at)
        for lane in range(LANES):
            out[i + lane] = answers[at[lane]]
        i += LANES
    return clean


def walk_float32(Py_ssize_t start, Py_ssize_t stop, const float[:, ::1] X, NarrowTree tree not None,
                 const int64_t[::1] answers, int64_t[::1] out):
    """Put the answer of the node at which each row stops into out; are all its values finite?"""
    cdef bint clean
    with nogil:
        clean = _walk(&X[start, 0], X.shape[1], stop - start, &tree.nodes[0], &tree.missing_left[0], tree.carry,
                      &answers[0], &out[start])
    return clean


def walk_float64(Py_ssize_t start, Py_ssize_t stop, const double[:, ::1] X, WideTree tree not None,
                 const int64_t[::1] answers, int64_t[::1] out):
    """Put the answer of the node at which each row stops into out; are all its values finite?"""
    cdef bint clean
    with nogil:
        clean = _walk(&X[start, 0], X.shape[1], stop - start, &tree.nodes[0], &tree.missing_left[0], tree.carry,
                      &answers[0], &out[start])
    return clean


ctypedef fused whole_number:
    uint8_t
    int32_t
    int64_t


def walk_whole(Py_ssize_t start, Py_ssize_t stop, const whole_number[:, ::1] X, WholeTree tree not None,
               const int64_t[::1] answers, int64_t[::1] out):
    """Put the answer of the node at which each row stops into out."""
    with nogil:
        _walk(&X[start, 0], X.shape[1], stop - start, &tree.nodes[0], &tree.missing_left[0], 0, &answers[0],
              &out[start])
    return True


ctypedef fused real:
    float
    double

ctypedef fused index_t:
    int32_t
    int64_t


cdef bint _inside(const index_t* indices, Py_ssize_t n, Py_ssize_t d) noexcept nogil:
    cdef Py_ssize_t k
    cdef bint inside = True
    for k in range(n):
        inside &= 0 <= indices[k] < d
    return inside


cdef bint _infinite(const real* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(n):
        if x[k] == x[k] and x[k] - x[k] != 0:
            return True
    return False


cdef bint _ascending(const index_t* indptr, Py_ssize_t n, Py_ssize_t n_entries) noexcept nogil:
    """Whether rows begin and end within the entries."""
    cdef Py_ssize_t i
    cdef bint ascending = indptr[0] >= 0 and indptr[n] <= n_entries
    for i in range(n):
        ascending &= indptr[i] <= indptr[i + 1]
    return ascending


def walk_sparse(Py_ssize_t start, Py_ssize_t stop, const real[::1] data, const index_t[::1] indices,
                const index_t[::1] indptr, Py_ssize_t d, tree, const int64_t[::1] answers, int64_t[::1] out):
    """As walk_float32 and walk_float64, of rows of a sparse matrix of d columns; NaN passes.

    False, too, where an index or a row's end is not in the matrix.
    """
    cdef real* rows
    cdef const real* x = &data[0] if data.shape[0] else NULL
    cdef const index_t* column = &indices[0] if indices.shape[0] else NULL
    cdef Py_ssize_t i, k, lane, first, n, lanes = LANES
    cdef bint finite
    cdef NarrowTree narrow
    cdef WideTree wide
    if real is float:
        narrow = tree
        lanes = 1 if d > WIDE_ROW and narrow.nodes.shape[0] <= SMALL_TREE else LANES
    else:
        wide = tree
        lanes = 1 if d > WIDE_ROW and wide.nodes.shape[0] <= SMALL_TREE else LANES
    if not _ascending(&indptr[start], stop - start, min(data.shape[0], indices.shape[0])):
        return False
    first, n = indptr[start], indptr[stop] - indptr[start]
    finite = _finite(x + first, n)
    if not _inside(column + first, n, d) or (not finite and _infinite(x + first, n)):
        return False
    rows = <real*> calloc(lanes * d, sizeof(real))
    if rows == NULL:
        raise MemoryError
    with nogil:
        i = start
        while i < stop:
            n = min(lanes, stop - i)
            for lane in range(n):
                for k in range(indptr[i + lane], indptr[i + lane + 1]):
                    rows[lane * d + column[k]] += x[k]
            if real is float:
                _walk_unpacked(
                    rows, d, n, lanes, &narrow.nodes[0], &narrow.missing_left[0], &answers[0], &out[i], finite
                )
            else:
                _walk_unpacked(rows, d, n, lanes, &wide.nodes[0], &wide.missing_left[0], &answers[0], &out[i], finite)
            for lane in range(n):
                for k in range(indptr[i + lane], indptr[i + lane + 1]):
                    rows[lane * d + column[k]] = 0
            i += lanes
    free(rows)
    return True


cdef void _walk_unpacked(const real* x, Py_ssize_t d, Py_ssize_t n, Py_ssize_t lanes, const packed* nodes,
                         const uint8_t* missing_left, const int64_t* answers, int64_t* out, bint finite) noexcept nogil:
    """n rows, of which there is room for `lanes`: one or LANES."""
    cdef int32_t at[LANES]
    cdef Py_ssize_t lane
    if finite and lanes == 1:
        out[0] = answers[_stop(x, nodes)]
        return
    if finite:
        _walk_lanes(x, d, nodes, at)
    for lane in range(n):
        out[lane] = answers[at[lane] if finite else _stop_missing(x + lane * d, nodes, missing_left)]


def stop_float32(const float[:, ::1] X, NarrowTree tree not None):
    """The node at which the only row of X stops; its values are finite."""
    return _stop(&X[0, 0], &tree.nodes[0])


def stop_float64(const double[:, ::1] X, WideTree tree not None):
    """The node at which the only row of X stops; its values are finite."""
    return _stop(&X[0, 0], &tree.nodes[0])


def paths(const int64_t[::1] stops, const int64_t[::1] parent, const int64_t[::1] depth):
    """(indptr, indices) of the sparse matrix of the nodes each row passes, from the root."""
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
