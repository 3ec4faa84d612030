"""Rows in another order, and the order itself: what a split of a table costs. Contract: reference.py."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

import numpy as np

from fastml_ext import pool

__all__ = ["permutation", "take_columns", "take_rows"]

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define fastml_prefetch(address) __builtin_prefetch(address)
    #else
    #define fastml_prefetch(address) ((void) 0)
    #endif
    """
    void fastml_prefetch(const void *) noexcept nogil

cdef enum:
    BLOCK = 128  # places that are drawn, and whose memory is asked for, before the first is changed
    AHEAD = 6  # rows whose memory is asked for before they are copied
    LINE = 64  # bytes
    ROWS = 32  # that stand beside each other before they go to their places: 14 kB of 54 columns of float64
    SMALL = 131072  # bytes that are copied in one call

cdef struct Bits:  # NumPy's bitgen_t, which its documentation lays down
    void *state
    uint64_t (*next_uint64)(void *) noexcept nogil
    uint32_t (*next_uint32)(void *) noexcept nogil
    double (*next_double)(void *) noexcept nogil
    uint64_t (*next_raw)(void *) noexcept nogil


def permutation(n, generator):
    """0 to n - 1 in the order of RandomState(generator).permutation(n). Contract: reference.py."""
    order = np.arange(n, dtype=np.int64)
    with generator.lock:
        _shuffle(generator.capsule, order)
    return order


def _shuffle(capsule, int64_t[::1] order):
    cdef Bits *bits = <Bits *> PyCapsule_GetPointer(capsule, "BitGenerator")
    cdef int64_t places[BLOCK]
    cdef int64_t i = order.shape[0] - 1, first, held
    cdef uint32_t mask = 0xFFFFFFFF, value
    cdef int k, count
    with nogil:
        while i > 0:
            count = <int> min(<int64_t> BLOCK, i)
            for k in range(count):
                first = i - k
                while <int64_t> (mask >> 1) >= first:
                    mask >>= 1
                value = bits.next_uint32(bits.state) & mask
                while <int64_t> value > first:
                    value = bits.next_uint32(bits.state) & mask
                places[k] = value
                fastml_prefetch(&order[value])
            for k in range(count):
                held = order[i - k]
                order[i - k] = order[places[k]]
                order[places[k]] = held
            i -= count


def take_rows(array, rows):
    """array[rows] in C order. Contract: reference.py."""
    n, m = len(array), len(rows)
    out = np.empty((m, *array.shape[1:]), array.dtype)
    width = array.nbytes // n
    at, to = address_of(array), address_of(out)
    if not array.flags.c_contiguous:
        place = np.full(n, -1)
        place[rows] = np.arange(m)
        pool.run(_spread, n, at, n, array.dtype.itemsize, array.shape[1], place, to, cost=2 + 0.2 * width, step=ROWS)
    elif out.nbytes <= SMALL:
        _take(0, m, at, width, rows, to)
    else:
        pool.run(_take, m, at, width, rows, to, cost=2 + 0.12 * width)
    return out


def take_columns(array, columns):
    """array[:, columns] in C order. Contract: reference.py."""
    d, n = array.shape
    out = np.empty((d, len(columns)), array.dtype)
    where = address_of(array), n, array.dtype.itemsize, columns, address_of(out)
    pool.run(_take_columns, d, *where, cost=2 * len(columns))
    return out


def address_of(array):
    return array.__array_interface__["data"][0]


def _take_columns(Py_ssize_t start, Py_ssize_t stop, size_t source, Py_ssize_t n, Py_ssize_t width,
                  const int64_t[::1] rows, size_t out):
    cdef Py_ssize_t j, m = rows.shape[0]
    with nogil:
        for j in range(start, stop):
            copy(0, m, <const char *> source + j * n * width, width, rows, <char *> out + j * m * width)


def _spread(Py_ssize_t start, Py_ssize_t stop, size_t source, Py_ssize_t n, Py_ssize_t width, Py_ssize_t d,
            const int64_t[::1] place, size_t out):
    """Rows of a table in Fortran's order to their places: a few rows at a time stand beside each other first."""
    cdef char *block = <char *> malloc(ROWS * width * d)
    cdef Py_ssize_t i, j, first, count
    if block is NULL:
        raise MemoryError
    with nogil:
        first = start
        while first < stop:
            count = min(<Py_ssize_t> ROWS, stop - first)
            for j in range(d):
                side_by_side(<const char *> source + (j * n + first) * width, count, width, d, block + j * width)
            for i in range(count):
                if place[first + i] >= 0:
                    memcpy(<char *> out + place[first + i] * width * d, block + i * width * d, width * d)
            first += ROWS
        free(block)


cdef void side_by_side(const char *column, Py_ssize_t count, Py_ssize_t width, Py_ssize_t d, char *out) noexcept nogil:
    cdef Py_ssize_t i
    if width == 8:
        for i in range(count):
            (<uint64_t *> out)[i * d] = (<const uint64_t *> column)[i]
    elif width == 4:
        for i in range(count):
            (<uint32_t *> out)[i * d] = (<const uint32_t *> column)[i]
    else:
        for i in range(count):
            memcpy(out + i * d * width, column + i * width, width)


def _take(Py_ssize_t start, Py_ssize_t stop, size_t source, Py_ssize_t width, const int64_t[::1] rows, size_t out):
    with nogil:
        copy(start, stop, <const char *> source, width, rows, <char *> out)


cdef void copy(Py_ssize_t start, Py_ssize_t stop, const char *source, Py_ssize_t width, const int64_t[::1] rows,
               char *out) noexcept nogil:
    """Items of the registers' sizes are loaded and stored; longer rows are asked for ahead, line by line."""
    cdef Py_ssize_t i, k
    cdef const char *next
    if width == 8:
        for i in range(start, stop):
            (<uint64_t *> out)[i] = (<const uint64_t *> source)[rows[i]]
    elif width == 4:
        for i in range(start, stop):
            (<uint32_t *> out)[i] = (<const uint32_t *> source)[rows[i]]
    elif width == 2:
        for i in range(start, stop):
            (<uint16_t *> out)[i] = (<const uint16_t *> source)[rows[i]]
    elif width == 1:
        for i in range(start, stop):
            (<uint8_t *> out)[i] = (<const uint8_t *> source)[rows[i]]
    else:
        for i in range(start, stop):
            if i + AHEAD < stop:
                next = source + rows[i + AHEAD] * width
                k = 0
                while k < width and k < 16 * LINE:
                    fastml_prefetch(next + k)
                    k += LINE
            memcpy(out + i * width, source + rows[i] * width, width)
