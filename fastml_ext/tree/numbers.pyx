"""Tables of floats coded as a whole, all columns side by side: arrays of each would cost more than its coding."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from fastml_ext.tree.keys cimport key_of

from fastml_ext import pool
from fastml_ext.tree.structure import Coded

__all__ = ["Numbers"]

MOST_ROWS, MOST_CELLS = 2048, 1 << 19  # of a dense table: with more rows `encode` is faster
SPARSE = 16  # a sparse matrix has fewer entries than cells / SPARSE
COST = 12.0  # ns a value

ctypedef fused real:
    float
    double

cdef struct Entry:
    uint64_t key
    uint32_t row


cdef class Numbers:
    """A table of finite floats or NaN, coded as `encode` and `encode_sparse` do: a sequence of Coded.

    X: (n, d) float32 or float64, or (data, rows, begin, n) of a sparse matrix by columns, without duplicates.
    Codes have one byte where each column has fewer than 256 rows, or entries and 0, else two, or four.
    """

    @staticmethod
    def fits(X):
        """Whether X, an array or a sparse matrix, is to be taken as Numbers; it has no infinity."""
        if X is None or X.dtype.char not in "fd" or not X.dtype.isnative:
            return False
        n, d = X.shape
        if not 0 < n * d or n >= 2**31:
            return False
        return (n <= MOST_ROWS and n * d <= MOST_CELLS) or (type(X) is not np.ndarray and X.nnz * SPARSE < n * d)

    def __init__(self, X, n_jobs=None):
        self.sparse = type(X) is tuple
        if self.sparse:
            data, rows, self.begin, self.n = X
            self.rows = rows if len(rows) else np.zeros(1, np.uint32)  # a column without a place for rows is dense
            self.d = len(self.begin) - 1
        else:
            data, self.rows = X, np.empty(0, np.uint32)
            self.n, self.d = X.shape
            self.begin = np.arange(0, self.n * self.d + 1, self.n)
        longest = int(np.diff(self.begin).max()) if self.sparse else self.n - 1
        self.dtype, self.width = data.dtype, 1 if longest < 255 else 2 if longest < 65535 else 4
        size = int(self.begin[self.d])
        self.values = np.empty(size + self.d, data.dtype)
        self.codes = np.empty(max(size, 1) * self.width, np.uint8)
        self.n_values, self.rest = np.empty(self.d, np.uint32), np.zeros(self.d, np.uint32)
        self.missing, self.spread = np.empty(self.d, np.uint8), np.empty(self.d)
        self._point()
        pool.run(_code_columns, self.d, data, self, longest + 1, cost=COST * (1 + size / self.d), n_jobs=n_jobs)

    cdef _point(self):
        cdef uint8_t[::1] codes = self.codes
        cdef const uint32_t[::1] rows = self.rows
        cdef float[::1] narrow
        cdef double[::1] wide
        if self.dtype == np.float32:
            narrow = self.values
            self.narrow = &narrow[0]
        else:
            wide = self.values
            self.wide = &wide[0]
        self.first_code = &codes[0]
        self.first_row = &rows[0] if len(rows) else NULL

    def __len__(self):
        return self.d

    def __getitem__(self, j):
        if not 0 <= j < self.d:
            raise IndexError(j)
        first, last = self.begin[j], self.begin[j + 1]
        codes = self.codes.view(f"u{self.width}")[first:last]
        values = self.values[first + j:first + j + self.n_values[j]]
        if not self.sparse:
            return Coded(codes, values)
        if first == last:  # nothing is stored: let one row say so
            return Coded(np.zeros(1, np.uint8), values, rows=np.zeros(1, np.uint32))
        return Coded(codes, values, rows=self.rows[first:last], rest=int(self.rest[j]))


def _code_columns(Py_ssize_t start, Py_ssize_t stop, data, Numbers table, Py_ssize_t longest):
    """Code columns start .. stop, none of which is longer."""
    if table.sparse:
        if table.dtype == np.float32:
            _code_entries[float](start, stop, data, table, longest)
        else:
            _code_entries[double](start, stop, data, table, longest)
    elif table.dtype == np.float32:
        _code_table[float](start, stop, data, table)
    else:
        _code_table[double](start, stop, data, table)


cdef inline real* _values(Numbers table, real kind) noexcept:
    if real is float:
        return table.narrow
    else:
        return table.wide


cdef _code_table(Py_ssize_t start, Py_ssize_t stop, const real[:, :] X, Numbers table):
    cdef Py_ssize_t n = table.n, i, j
    cdef uint8_t[::1] missing = table.missing
    cdef uint32_t[::1] n_values = table.n_values, rest = table.rest
    cdef double[::1] spread = table.spread
    cdef real* values = _values[real](table, 0)
    cdef uint8_t* codes = table.first_code
    cdef Entry* entries = <Entry*> malloc(3 * n * sizeof(Entry))
    cdef real* x = <real*> malloc(n * sizeof(real))
    try:
        if entries == NULL or x == NULL:
            raise MemoryError
        with nogil:
            for j in range(start, stop):
                for i in range(n):
                    x[i] = X[i, j]
                n_values[j] = _code(x, n, False, entries, values + j * n + j, codes + j * n * table.width,
                                    table.width, &rest[j], &missing[j])
                spread[j] = _spread(values + j * n + j, n_values[j])
    finally:
        free(entries)
        free(x)


cdef _code_entries(Py_ssize_t start, Py_ssize_t stop, const real[::1] data, Numbers table, Py_ssize_t longest):
    cdef Py_ssize_t j, first, n
    cdef const int64_t[::1] begin = table.begin
    cdef uint8_t[::1] missing = table.missing
    cdef uint32_t[::1] n_values = table.n_values, rest = table.rest
    cdef double[::1] spread = table.spread
    cdef real* values = _values[real](table, 0)
    cdef uint8_t* codes = table.first_code
    cdef const real* x = &data[0] if data.shape[0] else NULL
    cdef Entry* entries = <Entry*> malloc(3 * (longest + 1) * sizeof(Entry))
    if entries == NULL:
        raise MemoryError
    with nogil:
        for j in range(start, stop):
            first, n = begin[j], begin[j + 1] - begin[j]
            n_values[j] = _code(x + first, n, True, entries, values + first + j, codes + first * table.width,
                                table.width, &rest[j], &missing[j])
            spread[j] = _spread(values + first + j, n_values[j])
    free(entries)


cdef inline double _spread(const real* values, Py_ssize_t n) noexcept nogil:
    cdef double spread = <double> values[n - 1] - <double> values[0] if n else 0
    return spread if spread - spread == 0 else 0  # more than float64 holds


cdef inline uint64_t _key(real x) noexcept nogil:
    if real is float:
        return key_of[float, uint32_t](x, 0)
    else:
        return key_of[double, uint64_t](x, 0)


cdef uint32_t _code(const real* x, Py_ssize_t n, bint with_zero, Entry* entries, real* values, uint8_t* codes,
                    int width, uint32_t* rest, uint8_t* missing) noexcept nogil:
    """Code one column, which has the value 0 if `with_zero`, and put its code into `rest`; the number of values."""
    cdef const Entry* ordered
    cdef Py_ssize_t i, n_entries = 0
    cdef uint64_t key, zero = _key[real](0), previous = 0
    cdef uint32_t code = 0
    cdef bint zero_waits
    for i in range(n):  # zeros, of which there may be many, are not sorted
        key = _key(x[i])
        entries[n_entries].key, entries[n_entries].row = key, <uint32_t> i
        n_entries += key != zero
    if n <= 65536:
        _sort_few(entries, <uint64_t*> (entries + n), n_entries, real is float)
        ordered = entries
    else:
        ordered = _sort_bytes(entries, entries + n, n_entries, 4 if real is float else 8)
    zero_waits = with_zero or n_entries < n
    for i in range(n_entries):
        key = ordered[i].key
        if zero_waits and key > zero:
            code += i > 0
            rest[0], values[code], zero_waits = code, 0, False
            code += 1
        elif i > 0 and key != previous:
            code += 1
        previous = key
        _write(codes, width, ordered[i].row, code)
        values[code] = x[ordered[i].row]
    if zero_waits:
        code += n_entries > 0
        rest[0], values[code] = code, 0
    for i in range(n if n_entries < n else 0):
        if x[i] == 0:
            _write(codes, width, i, rest[0])
    missing[0] = values[code] != values[code]
    return code + 1 - missing[0]


cdef inline void _write(uint8_t* codes, int width, Py_ssize_t i, uint32_t code) noexcept nogil:
    if width == 1:
        codes[i] = <uint8_t> code
    elif width == 2:
        (<uint16_t*> codes)[i] = <uint16_t> code
    else:
        (<uint32_t*> codes)[i] = code


cdef void _sort_few(Entry* entries, uint64_t* words, Py_ssize_t n, bint narrow) noexcept nogil:
    """Sort at most 65536 entries by key: words of 48 bits of the key and the place of the entry, and then by the rest.

    words: room for 4 n of them
    """
    cdef Py_ssize_t i, j, n_moves = 0
    cdef const uint64_t* ordered
    cdef Entry* copy = <Entry*> (words + 2 * n)
    cdef Entry entry
    for i in range(n):
        words[i] = (entries[i].key << 16 if narrow else entries[i].key & ~<uint64_t> 0xffff) | <uint64_t> i
    ordered = _merge(words, words + n, n) if n <= 40 else _sort_words(words, words + n, n, 4 if narrow else 6)
    memcpy(copy, entries, n * sizeof(Entry))
    for i in range(n):
        entry, j = copy[ordered[i] & 0xffff], i
        while j > 0 and entries[j - 1].key > entry.key:
            entries[j] = entries[j - 1]
            j -= 1
            n_moves += 1
        entries[j] = entry
        if n_moves > 8 * n:  # numbers that have the first 48 bits in common
            memcpy(entries, copy, n * sizeof(Entry))
            _sort_back(entries, copy, n)
            return


cdef void _sort_back(Entry* entries, Entry* spare, Py_ssize_t n) noexcept nogil:
    cdef const Entry* ordered = _sort_bytes(entries, spare, n, 8)
    if ordered != entries:
        memcpy(entries, ordered, n * sizeof(Entry))


cdef const uint64_t* _merge(uint64_t* words, uint64_t* spare, Py_ssize_t n) noexcept nogil:
    """Sort distinct words by merging; where the result is."""
    cdef uint64_t word, other
    cdef uint64_t* exchange
    cdef Py_ssize_t i, j, a, b, middle, end, take, step = 8
    for i in range(n):
        word, j = words[i], i
        while j % 8 and words[j - 1] > word:
            words[j] = words[j - 1]
            j -= 1
        words[j] = word
    while step < n:
        i = 0
        while i < n:
            a, middle, end, j = i, min(i + step, n), min(i + 2 * step, n), i
            b = middle
            while a < middle and b < end:  # no branch within, for it could not be foreseen
                word, other = words[a], words[b]
                take = other < word
                spare[j] = other if take else word
                b += take
                a += 1 - take
                j += 1
            if b < end:
                memcpy(spare + j, words + b, (end - b) * sizeof(uint64_t))
            else:
                memcpy(spare + j, words + a, (middle - a) * sizeof(uint64_t))
            i += 2 * step
        exchange = words
        words = spare
        spare = exchange
        step *= 2
    return words


cdef const uint64_t* _sort_words(uint64_t* words, uint64_t* spare, Py_ssize_t n, int n_bytes) noexcept nogil:
    """Sort words by n_bytes above the lowest two, by which they are sorted already; where the result is."""
    cdef uint32_t count[6][256]
    cdef Py_ssize_t i
    cdef uint32_t total, step
    cdef int byte, value
    cdef uint64_t* exchange
    memset(count, 0, sizeof(count))
    for i in range(n):
        for byte in range(n_bytes):
            count[byte][(words[i] >> (16 + 8 * byte)) & 255] += 1
    for byte in range(n_bytes):
        if count[byte][(words[0] >> (16 + 8 * byte)) & 255] == n:
            continue
        total = 0
        for value in range(256):
            step = count[byte][value]
            count[byte][value] = total
            total += step
        for i in range(n):
            value = (words[i] >> (16 + 8 * byte)) & 255
            spare[count[byte][value]] = words[i]
            count[byte][value] += 1
        exchange = words
        words = spare
        spare = exchange
    return words


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
