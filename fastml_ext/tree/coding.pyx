"""Rank-coding of columns: a value becomes its place among the distinct values of its column. Contract: reference.py."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from fastml_ext import pool

from fastml_ext.tree.structure import Coded

__all__ = ["Numbers", "encode", "encode_sparse"]

ctypedef fused number:
    float
    double
    uint8_t
    int32_t
    int64_t
    uint64_t

ctypedef fused word:
    uint32_t
    uint64_t

ctypedef fused code_t:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    BLOCK = 16  # columns copied out together: one cache line of a float32 table
    TILE = 512  # rows copied out together: the tile's cache lines are still there for the last column
    DIGIT = 11  # bits sorted by in one pass: 2048 counters stay in the first cache

MOST_ROWS, MOST_CELLS = 2048, 1 << 19  # of a table that is taken as Numbers
COST = 12.0  # ns a value; the columns of one block are one item of the pool


def encode(X, n_jobs=None):
    """[(values, codes)] of every column of X. Contract: reference.py."""
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
    """[(values, codes, rest)] of sparse columns. Contract: reference.py."""
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


cdef inline word _key(number value, word kind) noexcept nogil:
    """Unsigned integers in the order of the values; -0.0 is 0.0, and NaN comes last."""
    cdef word bits = 0, sign = <word> 1 << (8 * sizeof(word) - 1)
    cdef number zero = 0
    if number is float or number is double:
        if value != value:
            return ~<word> 0
        if value == zero:
            return sign
        memcpy(&bits, &value, sizeof(number))
        return ~bits if bits & sign else bits | sign
    elif number is int32_t or number is int64_t:
        return (<word> value) ^ sign
    else:
        return <word> value


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
                keys[i] = _key(x[i], kind)
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


# ------------------------------------------------------------------------------------------------ small tables

cdef struct Entry:
    uint64_t key
    uint32_t row


cdef class Numbers:
    """A small table of finite floats or NaN, coded as `encode` does, all columns side by side: a sequence of Coded.

    Of a table of 100 x 10 the arrays of each column would take longer than its coding. Codes have one byte below 256
    rows, else two.
    """

    @staticmethod
    def fits(X):
        """Whether X is small, and an array, or sparse matrix, that `Numbers` takes: (n, d) float32 or float64.

        With more rows the arrays of a column no longer matter, and it is sorted faster by itself.
        """
        if X is None or X.dtype.char not in "fd" or not X.dtype.isnative:
            return False
        n, d = X.shape
        return 0 < n <= MOST_ROWS and 0 < n * d <= MOST_CELLS

    def __init__(self, X):
        self.n, self.d = X.shape
        self.dtype = X.dtype
        self.width = 1 if self.n < 256 else 2
        self.values = np.empty(self.n * self.d, X.dtype)
        self.codes = np.empty(self.n * self.d * self.width, np.uint8)
        self.n_values, self.spread = np.empty(self.d, np.uint32), np.empty(self.d)
        self.missing = np.empty(self.d, np.uint8)
        if X.dtype == np.float32:
            _code_table[float](X, self)
        else:
            _code_table[double](X, self)

    def __len__(self):
        return self.d

    def __getitem__(self, j):
        if not 0 <= j < self.d:
            raise IndexError(j)
        cells = slice(j * self.n, (j + 1) * self.n)
        codes = self.codes if self.width == 1 else self.codes.view(np.uint16)
        return Coded(codes[cells], self.values[cells][:self.n_values[j]])


cdef _code_table(const number[:, :] X, Numbers table):
    cdef Py_ssize_t n = table.n, d = table.d, i, j
    cdef number[::1] values = table.values
    cdef uint8_t[::1] codes = table.codes, missing = table.missing
    cdef uint32_t[::1] n_values = table.n_values
    cdef double[::1] spread = table.spread
    cdef Entry* entries = <Entry*> malloc(2 * n * sizeof(Entry))
    cdef number* x = <number*> malloc(n * sizeof(number))
    try:
        if entries == NULL or x == NULL:
            raise MemoryError
        with nogil:
            for j in range(d):
                for i in range(n):
                    x[i] = X[i, j]
                n_values[j] = _code_few(x, n, entries, &values[j * n], &codes[j * n * table.width], table.width,
                                        &missing[j])
                spread[j] = 0
                if n_values[j]:
                    spread[j] = <double> values[j * n + n_values[j] - 1] - <double> values[j * n]
                if spread[j] - spread[j] != 0:  # more than float64 holds
                    spread[j] = 0
    finally:
        free(entries)
        free(x)
    table.first_value, table.first_code = &values[0], &codes[0]


cdef uint32_t _code_few(const number* x, Py_ssize_t n, Entry* entries, number* values, uint8_t* codes, int width,
                        uint8_t* missing) noexcept nogil:
    """Code one column; the number of its values."""
    cdef const Entry* ordered
    cdef Py_ssize_t i, n_entries = 0
    cdef uint64_t key, zero, previous = 0
    cdef uint32_t code = 0, code_of_zero = 0
    cdef bint zeros_wait
    zero = _key[number, uint32_t](0, 0) if number is float else _key[number, uint64_t](0, 0)
    for i in range(n):  # zeros, of which there may be many, are not sorted
        key = _key[number, uint32_t](x[i], 0) if number is float else _key[number, uint64_t](x[i], 0)
        entries[n_entries].key, entries[n_entries].row = key, <uint32_t> i
        n_entries += key != zero
    ordered = _sort_entries(entries, entries + n, n_entries, 4 if number is float else 8)
    zeros_wait = n_entries < n
    for i in range(n_entries):
        if zeros_wait and ordered[i].key > zero:
            code += i > 0
            code_of_zero, values[code], previous, zeros_wait = code, 0, zero, False
            code += 1
        elif i > 0 and ordered[i].key != previous:
            code += 1
        previous = ordered[i].key
        _write_code(codes, width, ordered[i].row, code)
        values[code] = x[ordered[i].row]
    if zeros_wait:
        code += n_entries > 0
        code_of_zero, values[code] = code, 0
    for i in range(n if n_entries < n else 0):
        if x[i] == 0:
            _write_code(codes, width, i, code_of_zero)
    missing[0] = values[code] != values[code]
    return code + 1 - missing[0]


cdef inline void _write_code(uint8_t* codes, int width, Py_ssize_t i, uint32_t code) noexcept nogil:
    if width == 1:
        codes[i] = <uint8_t> code
    else:
        (<uint16_t*> codes)[i] = <uint16_t> code


cdef const Entry* _sort_entries(Entry* entries, Entry* spare, Py_ssize_t n, int n_bytes) noexcept nogil:
    """Sort by key, stably: a few by merging, more by their bytes. Where the result is."""
    cdef Entry entry
    cdef Entry* exchange
    cdef Py_ssize_t i, j, a, b, end, take, step = 8
    if n > 256:
        return _sort_bytes(entries, spare, n, n_bytes)
    for i in range(n):
        entry, j = entries[i], i
        while j % 8 and entries[j - 1].key > entry.key:
            entries[j] = entries[j - 1]
            j -= 1
        entries[j] = entry
    while step < n:
        i = 0
        while i < n:
            a, b, end, j = i, min(i + step, n), min(i + 2 * step, n), i
            while a < i + step and b < end:
                take = entries[b].key < entries[a].key  # without a branch, which could not be foreseen
                spare[j] = entries[b if take else a]
                b += take
                a += 1 - take
                j += 1
            if b < end:
                memcpy(spare + j, entries + b, (end - b) * sizeof(Entry))
            else:
                memcpy(spare + j, entries + a, (end - j) * sizeof(Entry))
            i += 2 * step
        exchange = entries
        entries = spare
        spare = exchange
        step *= 2
    return entries


cdef const Entry* _sort_bytes(Entry* entries, Entry* spare, Py_ssize_t n, int n_bytes) noexcept nogil:
    cdef uint32_t count[8][256]
    cdef Py_ssize_t i
    cdef uint32_t total, step
    cdef int byte, value
    cdef Entry* exchange
    memset(count, 0, sizeof(count))
    for i in range(n):
        for byte in range(n_bytes):
            count[byte][(entries[i].key >> (8 * byte)) & 255] += 1
    for byte in range(n_bytes):
        if count[byte][(entries[0].key >> (8 * byte)) & 255] == n:
            continue
        total = 0
        for value in range(256):
            step = count[byte][value]
            count[byte][value] = total
            total += step
        for i in range(n):
            value = (entries[i].key >> (8 * byte)) & 255
            spare[count[byte][value]] = entries[i]
            count[byte][value] += 1
        exchange = entries
        entries = spare
        spare = exchange
    return entries
