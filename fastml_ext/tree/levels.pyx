"""Rows of a table that is read a piece at a time, on their way down a tree that grows level by level.

Contract: reference/levels.py.
"""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free

from fastml_ext import pool

__all__ = ["count_codes", "go_down"]

COST = 3.0  # ns a row and column, or test

ctypedef fused code_t:
    uint8_t
    uint16_t
    uint32_t

ctypedef fused label_t:
    uint8_t
    uint32_t

cdef struct Codes:  # of one column
    const uint8_t* narrow
    const uint16_t* middle
    const uint32_t* wide


cdef inline uint32_t code_of(const Codes* codes, Py_ssize_t i) noexcept nogil:
    if codes.narrow != NULL:
        return codes.narrow[i]
    return codes.middle[i] if codes.middle != NULL else codes.wide[i]


def go_down(codes, feature, cut, missing, missing_left, left, right, nodes, n_jobs=None):
    """The node that each row reaches. Contract: reference/levels.py."""
    pool.run(_go_down, len(nodes), codes, feature, cut, missing, missing_left, left, right, nodes, cost=10 * COST,
             n_jobs=n_jobs)


def _go_down(Py_ssize_t start, Py_ssize_t stop, codes, const int32_t[::1] feature, const uint32_t[::1] cut,
             const uint32_t[::1] missing, const uint8_t[::1] missing_left, const int32_t[::1] left,
             const int32_t[::1] right, int32_t[::1] nodes):
    cdef Codes* columns = <Codes*> calloc(max(1, len(codes)), sizeof(Codes))
    cdef Py_ssize_t i, j
    cdef int32_t node
    cdef uint32_t code
    cdef bint goes_left
    if columns == NULL:
        raise MemoryError
    try:
        for j in range(len(codes)):
            _take(columns + j, codes[j])
        with nogil:
            for i in range(start, stop):
                node = 0
                while feature[node] >= 0:
                    j = feature[node]
                    code = code_of(columns + j, i)
                    goes_left = code <= cut[node]
                    if code == missing[j]:
                        goes_left = missing_left[node] != 0
                    if goes_left:
                        node = left[node]
                    else:
                        node = right[node]
                nodes[i] = node
    finally:
        free(columns)


cdef _take(Codes* to, codes):
    cdef const uint8_t[::1] narrow
    cdef const uint16_t[::1] middle
    cdef const uint32_t[::1] wide
    if not len(codes):
        return
    if codes.itemsize == 1:
        narrow = codes
        to.narrow = &narrow[0]
    elif codes.itemsize == 2:
        middle = codes
        to.middle = &middle[0]
    else:
        wide = codes
        to.wide = &wide[0]


def count_codes(codes, slot, label, counts, n_jobs=None):
    """Count codes and classes of the rows of some nodes. Contract: reference/levels.py."""
    pool.run(_count_columns, len(codes), codes, slot, label, counts, cost=COST * len(slot), n_jobs=n_jobs)


def _count_columns(start, stop, codes, slot, label, counts):
    for j in range(start, stop):
        _count_column(codes[j], slot, label, counts[j])


def _count_column(const code_t[::1] codes, const int32_t[::1] slot, const label_t[::1] label,
                  uint32_t[:, :, ::1] counts):
    cdef Py_ssize_t i
    with nogil:
        for i in range(codes.shape[0]):
            if slot[i] >= 0:
                counts[slot[i], codes[i], label[i]] += 1
