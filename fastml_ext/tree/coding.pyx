"""Rank-coding of columns: a value becomes its place among the distinct values of its column.

Contract: reference/columns.py.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from fastml_ext.tree.keys cimport key_of, number, word

from fastml_ext import pool

__all__ = ["encode", "encode_sparse"]

ctypedef fused code_t:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    BLOCK = 16  # columns copied out together: one cache line of a float32 table
    TILE = 512  # rows copied out together: the tile's cache lines are still there for the last column
    DIGIT = 11  # bits sorted by in one pass: 2048 counters stay in the first cache

COST = 12.0  # ns a value; the columns of one block are one item of the pool


def encode(X, n_jobs=None):
    """[(values, codes)] of every column of X. Contract: reference/columns.py."""
    n, d = X.shape
    if n >= 2**31:
        raise ValueError(f"X has {n} rows, but a tree indexes its rows with 31 bits; fit a sample of them")
    parts = pool.run(_encode_blocks, -(-d // BLOCK), X, cost=COST * n * min(d, BLOCK), n_jobs=n_jobs)
    return [column for part in parts for column in part]


def _encode_blocks(start, stop, X):
    compared = WIDER.get(X.dtype.name, X.dtype.name)  # the type that the kernel reads; exact for every value
    columns = []
    for block in range(start, stop):
        part = X[:, block * BLOCK : (block + 1) * BLOCK].astype(compared, copy=False)
        columns += [(values.astype(X.dtype, copy=False), codes) for values, codes in _encode_block(part)]
    return columns


def encode_sparse(data, start, n_jobs=None):
    """[(values, codes, rest)] of sparse columns. Contract: reference/columns.py."""
    n = int(np.diff(start).max()) if len(start) > 1 else 0
    compared = data.astype(WIDER.get(data.dtype.name, data.dtype.name), copy=False)
    parts = pool.run(_encode_entries, len(start) - 1, compared, start.astype(np.int64), n,
                     cost=3000 + COST * len(data) / max(1, len(start) - 1), n_jobs=n_jobs)
    return [(values.astype(data.dtype, copy=False), *codes) for part in parts for values, *codes in part]


def _encode_entries(Py_ssize_t first, Py_ssize_t stop, const number[::1] data, const int64_t[::1] start, Py_ssize_t n):
    cdef Py_ssize_t j, length
    cdef number* x = <number*> malloc((n + 1) * sizeof(number))
    columns = []
    if x == NULL:
        raise MemoryError
    try:
        for j in range(first, stop):
            length = start[j + 1] - start[j]
            if length:
                memcpy(x, &data[start[j]], length * sizeof(number))
            x[length] = 0
            values, codes = _encode_column(x, length + 1)
            columns.append((values, codes[:length], int(codes[length])))
    finally:
        free(x)
    return columns


def _encode_block(const number[:, :] X):
    """The columns of a narrow table; rows are copied out tile by tile, so that each cache line is read once."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], i, j, start = 0, stop
    cdef bint contiguous = X.strides[0] == sizeof(number)
    cdef number* block = NULL
    columns = []
    if not contiguous:
        block = <number*> malloc(max(1, n * d) * sizeof(number))
        if block == NULL:
            raise MemoryError
        with nogil:
            while start < n:
                stop = min(start + TILE, n)
                for j in range(d):
                    for i in range(start, stop):
                        block[j * n + i] = X[i, j]
                start = stop
    try:
        for j in range(d):
            columns.append(_encode_column(&X[0, j] if contiguous else block + j * n, n))
    finally:
        free(block)
    return columns


cdef _encode_column(const number* x, Py_ssize_t n):
    cdef number low = 0, high = 0
    cdef bint small
    cdef uint64_t width
    with nogil:
        small = _whole_numbers(x, n, &low, &high)
        width = <uint64_t> _offset(high, low)
    if small and width < 4096 + 2 * <uint64_t> n:
        return _by_table(x, n, low, <Py_ssize_t> width + 1)
    if number is float or number is int32_t or number is uint8_t:
        return _by_sorting[number, uint32_t](x, n, 0)
    else:
        return _by_sorting[number, uint64_t](x, n, 0)


cdef bint _whole_numbers(const number* x, Py_ssize_t n, number* low, number* high) noexcept nogil:
    """Smallest and largest value of x, and whether all are whole numbers that a table can be indexed with."""
    cdef Py_ssize_t i, start = 0, stop
    cdef number a = x[0], b = x[0]
    cdef bint whole = True
    if number is float or number is double:
        if not (-1e9 < x[0] < 1e9):
            return False
        while start < n and whole:
            stop = min(start + 1024, n)
            for i in range(start, stop):  # NaN and numbers out of range fail the test of the conversion
                whole &= <number> <int32_t> x[i] == x[i]
                a = x[i] if x[i] < a else a
                b = x[i] if x[i] > b else b
            start = stop
    else:
        for i in range(n):
            a = x[i] if x[i] < a else a
            b = x[i] if x[i] > b else b
    low[0], high[0] = a, b
    return whole


cdef inline Py_ssize_t _offset(number value, number low) noexcept nogil:
    if number is float or number is double:
        return <Py_ssize_t> value - <Py_ssize_t> low
    else:
        return <Py_ssize_t> (<uint64_t> value - <uint64_t> low)


cdef _by_table(const number* x, Py_ssize_t n, number low, Py_ssize_t width):
    """Codes by a table over all whole numbers between the smallest and the largest value."""
    cdef uint32_t[::1] rank = np.zeros(width, np.uint32)
    cdef Py_ssize_t i, u = 0
    with nogil:
        for i in range(n):
            rank[_offset(x[i], low)] = 1
        for i in range(width):
            if rank[i]:
                rank[i] = <uint32_t> u
                u += 1
            else:
                rank[i] = 0xffffffffu
    present = np.flatnonzero(np.asarray(rank) != 0xffffffff)
    values = (present.astype(np.uint64) + np.uint64(<uint64_t> <int64_t> low)) if not (
        number is float or number is double) else present + <double> low
    codes = _empty_codes(n, u)
    if u < 256:
        _look_up[number, uint8_t](x, n, low, rank, codes)
    elif u < 65536:
        _look_up[number, uint16_t](x, n, low, rank, codes)
    else:
        _look_up[number, uint32_t](x, n, low, rank, codes)
    return values.astype(_dtype(x)), codes


cdef _look_up(const number* x, Py_ssize_t n, number low, const uint32_t[::1] rank, code_t[::1] codes):
    cdef Py_ssize_t i
    with nogil:
        for i in range(n):
            codes[i] = <code_t> rank[_offset(x[i], low)]


cdef _by_sorting(const number* x, Py_ssize_t n, word kind):
    """Codes by a radix sort of (key, row)."""
    cdef word* keys = <word*> malloc(2 * n * sizeof(word))
    cdef uint32_t* rows = <uint32_t*> malloc(2 * n * sizeof(uint32_t))
    cdef word* sorted_keys
    cdef uint32_t* sorted_rows
    cdef Py_ssize_t i, u = 0
    cdef number[::1] distinct
    cdef number first
    cdef bint odd
    if keys == NULL or rows == NULL:
        free(keys)
        free(rows)
        raise MemoryError
    try:
        with nogil:
            for i in range(n):
                keys[i] = key_of(x[i], kind)
                rows[i] = <uint32_t> i
            odd = _radix_sort(keys, rows, keys + n, rows + n, n)
            sorted_keys = keys + n if odd else keys
            sorted_rows = rows + n if odd else rows
            for i in range(n):
                u += i == 0 or sorted_keys[i] != sorted_keys[i - 1]
        values = np.empty(u, _dtype(x))
        distinct = values
        codes = _empty_codes(n, u)
        if u < 256:
            _number_rows[word, uint8_t](sorted_keys, sorted_rows, n, codes)
        elif u < 65536:
            _number_rows[word, uint16_t](sorted_keys, sorted_rows, n, codes)
        else:
            _number_rows[word, uint32_t](sorted_keys, sorted_rows, n, codes)
        with nogil:
            u = 0
            for i in range(n):
                if i == 0 or sorted_keys[i] != sorted_keys[i - 1]:
                    first = x[sorted_rows[i]]
                    distinct[u] = first + 0  # the zero of either sign is stored as 0.0
                    u += 1
            if number is float or number is double:
                if distinct[u - 1] != distinct[u - 1]:
                    u -= 1
        return values[:u], codes
    finally:
        free(keys)
        free(rows)


cdef _number_rows(const word* keys, const uint32_t* rows, Py_ssize_t n, code_t[::1] codes):
    cdef Py_ssize_t i, rank = 0
    with nogil:
        for i in range(n):
            rank += i > 0 and keys[i] != keys[i - 1]
            codes[rows[i]] = <code_t> rank


cdef bint _radix_sort(word* keys, uint32_t* rows, word* keys2, uint32_t* rows2, Py_ssize_t n) noexcept nogil:
    """Sort by the lowest digit first, stably; digits that are equal everywhere are skipped. Is the result in keys2?"""
    cdef uint32_t count[1 << DIGIT]
    cdef Py_ssize_t i, place
    cdef word differing = 0
    cdef int shift = 0, digit = DIGIT if n > 1024 else 8
    cdef uint32_t mask = (1u << digit) - 1, value, total, step
    cdef bint odd = False
    for i in range(n):
        differing |= keys[i] ^ keys[0]
    while shift < 8 * <int> sizeof(word):
        if (differing >> shift) & mask:
            memset(count, 0, sizeof(count))
            for i in range(n):
                count[(keys[i] >> shift) & mask] += 1
            total = 0
            for value in range(mask + 1):
                step = count[value]
                count[value] = total
                total += step
            for i in range(n):
                value = <uint32_t> (keys[i] >> shift) & mask
                place = count[value]
                count[value] += 1
                keys2[place] = keys[i]
                rows2[place] = rows[i]
            keys, keys2, rows, rows2, odd = keys2, keys, rows2, rows, not odd
        shift += digit
    return odd


cdef _empty_codes(Py_ssize_t n, Py_ssize_t u):
    return np.empty(n, np.uint8 if u < 256 else np.uint16 if u < 65536 else np.uint32)


cdef _dtype(const number* x):
    if number is float:
        return np.float32
    elif number is double:
        return np.float64
    elif number is uint8_t:
        return np.uint8
    elif number is int32_t:
        return np.int32
    elif number is int64_t:
        return np.int64
    else:
        return np.uint64


WIDER = {
    "bool": "uint8", "int8": "int32", "int16": "int32", "uint16": "int32", "uint32": "int64", "float16": "float32",
}
