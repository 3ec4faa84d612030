"""Numbers for the different spans of an array, pairs of numbers as spans, and hashes of names.

Contract: reference/templates.py.
"""

from cpython.unicode cimport PyUnicode_AsEncodedString
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy

import numpy as np

cdef enum:
    CODE_BITS = 40          # of a slot: 1 + the code; the bits above hold a part of the hash


cdef struct Table:          # spans by their code, and slots that find them: a power of two, at most half of them used
    uint32_t* chars
    int64_t* starts
    uint64_t* slots
    Py_ssize_t n, room, chars_room
    uint64_t mask


cdef inline uint64_t _hash(const uint32_t* text, Py_ssize_t length) noexcept nogil:
    """Multiply and add, then the finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    cdef uint64_t hash = length
    for i in range(length):
        hash = (hash ^ text[i]) * <uint64_t> 0x9e3779b97f4a7c15u
        hash ^= hash >> 29
    hash = (hash ^ (hash >> 30)) * <uint64_t> 0xbf58476d1ce4e5b9u
    hash = (hash ^ (hash >> 27)) * <uint64_t> 0x94d049bb133111ebu
    return hash ^ (hash >> 31)


cdef inline int64_t _find(const Table* table, const uint32_t* text, Py_ssize_t length, uint64_t hash,
                          uint64_t* at) noexcept nogil:
    """The code of a span, or -1; `at` is then the free slot where it belongs."""
    cdef uint64_t slot
    cdef int64_t code, start
    at[0] = hash & table.mask
    while True:
        slot = table.slots[at[0]]
        if not slot:
            return -1
        if slot >> CODE_BITS == hash >> CODE_BITS:
            code = (slot & ((<uint64_t> 1 << CODE_BITS) - 1)) - 1
            start = table.starts[code]
            if table.starts[code + 1] - start == length and (
                    not length or not memcmp(&table.chars[start], text, length * sizeof(uint32_t))):
                return code
        at[0] = (at[0] + 1) & table.mask


cdef bint _add(Table* table, const uint32_t* text, Py_ssize_t length, uint64_t hash, uint64_t at) noexcept nogil:
    """Give a span the next code; False: out of memory."""
    cdef void* more
    cdef int64_t start = table.starts[table.n]
    if start + length > table.chars_room:
        table.chars_room = 2 * (start + length)
        more = realloc(table.chars, table.chars_room * sizeof(uint32_t))
        if more == NULL:
            return False
        table.chars = <uint32_t*> more
    if table.n + 1 >= table.room:
        table.room *= 2
        more = realloc(table.starts, table.room * sizeof(int64_t))
        if more == NULL:
            return False
        table.starts = <int64_t*> more
    if length:
        memcpy(&table.chars[start], text, length * sizeof(uint32_t))
    table.n += 1
    table.starts[table.n] = start + length
    table.slots[at] = (hash >> CODE_BITS << CODE_BITS) | <uint64_t> table.n
    return 2 * <uint64_t> table.n <= table.mask or _double(table)


cdef bint _double(Table* table) noexcept nogil:
    cdef uint64_t mask = 2 * table.mask + 1, hash, at
    cdef uint64_t* slots = <uint64_t*> calloc(mask + 1, sizeof(uint64_t))
    cdef Py_ssize_t code
    if slots == NULL:
        return False
    for code in range(table.n):
        hash = _hash(&table.chars[table.starts[code]], table.starts[code + 1] - table.starts[code])
        at = hash & mask
        while slots[at]:
            at = (at + 1) & mask
        slots[at] = (hash >> CODE_BITS << CODE_BITS) | <uint64_t> (code + 1)
    free(table.slots)
    table.slots, table.mask = slots, mask
    return True


cdef bint _copy(Table* own, const Table* given) noexcept nogil:
    """A table that may grow, with what the given one holds. False: out of memory."""
    own.n, own.mask = given.n, given.mask
    own.room, own.chars_room = given.n + 64, given.starts[given.n] + 64
    own.chars = <uint32_t*> malloc(own.chars_room * sizeof(uint32_t))
    own.starts = <int64_t*> malloc(own.room * sizeof(int64_t))
    own.slots = <uint64_t*> malloc((own.mask + 1) * sizeof(uint64_t))
    if own.chars == NULL or own.starts == NULL or own.slots == NULL:
        return False
    if given.starts[given.n]:  # copying nothing from nowhere is undefined in C
        memcpy(own.chars, given.chars, given.starts[given.n] * sizeof(uint32_t))
    memcpy(own.starts, given.starts, (given.n + 1) * sizeof(int64_t))
    memcpy(own.slots, given.slots, (own.mask + 1) * sizeof(uint64_t))
    return True


cdef struct Marks:          # of each code the last row that had it, counted from 1, and where in the output
    int64_t* row
    int64_t* at
    Py_ssize_t room


cdef bint _more_marks(Marks* marks, Py_ssize_t room) noexcept nogil:
    """Room for that many codes; new ones are in no row. False: out of memory."""
    cdef int64_t* row = <int64_t*> calloc(room, sizeof(int64_t))
    cdef int64_t* at = <int64_t*> malloc(room * sizeof(int64_t))
    if row != NULL and at != NULL and marks.room:
        memcpy(row, marks.row, marks.room * sizeof(int64_t))
        memcpy(at, marks.at, marks.room * sizeof(int64_t))
    free(marks.row)
    free(marks.at)
    marks.row, marks.at, marks.room = row, at, room
    return row != NULL and at != NULL


def count_spans(const uint32_t[::1] chars, const int64_t[::1] begin, const int64_t[::1] end,
                const int64_t[::1] rows, const double[::1] values, tuple table, bint grow):
    """(codes, sums, rows, table): of each row the different spans by their codes, and how often each stands there."""
    cdef const uint32_t[::1] known_chars = table[0]
    cdef const int64_t[::1] known_starts = table[1]
    cdef const uint64_t[::1] known_slots = table[2]
    cdef Table own
    cdef Marks marks
    cdef Py_ssize_t n = rows.shape[0] - 1, used = 0
    cdef bint fits = True
    codes, sums = np.empty(begin.shape[0], np.int64), np.empty(begin.shape[0])
    counted = np.empty(n + 1, np.int64)
    cdef int64_t[::1] code = codes, count = counted
    cdef double[::1] total = sums
    cdef const uint32_t* letters = &known_chars[0] if known_chars.shape[0] else NULL  # no word is known yet
    cdef Table given = Table(<uint32_t*> letters, <int64_t*> &known_starts[0], <uint64_t*> &known_slots[0],
                             known_starts.shape[0] - 1, 0, 0, known_slots.shape[0] - 1)
    marks.row, marks.at, marks.room = NULL, NULL, 0
    own = given
    with nogil:
        if grow:
            fits = _copy(&own, &given)
        fits = fits and _more_marks(&marks, own.n + 64)
        if fits:
            used = _count(chars, begin, end, rows, values, &own, &marks, grow, code, total, count)
        free(marks.row)
        free(marks.at)
    if grow:
        if fits and used >= 0:
            table = _arrays(&own)
        free(own.chars)
        free(own.starts)
        free(own.slots)
    if not fits or used < 0:
        raise MemoryError
    return codes[:used], sums[:used], counted, table


cdef Py_ssize_t _count(const uint32_t[::1] chars, const int64_t[::1] begin, const int64_t[::1] end,
                       const int64_t[::1] rows, const double[::1] values, Table* table, Marks* marks, bint grow,
                       int64_t[::1] codes, double[::1] sums, int64_t[::1] counted) noexcept nogil:
    """How many entries were written; -1: out of memory."""
    cdef Py_ssize_t i, j, length, used = 0
    cdef int64_t code
    cdef uint64_t hash, at
    cdef bint one = values.shape[0] == 0
    counted[0] = 0
    for i in range(rows.shape[0] - 1):
        for j in range(rows[i], rows[i + 1]):
            length = end[j] - begin[j]
            hash = _hash(&chars[begin[j]], length)
            code = _find(table, &chars[begin[j]], length, hash, &at)
            if code < 0:
                if not grow:
                    continue
                code = table.n
                if not _add(table, &chars[begin[j]], length, hash, at):
                    return -1
                if code >= marks.room and not _more_marks(marks, 2 * code + 64):
                    return -1
            if marks.row[code] != i + 1:
                marks.row[code], marks.at[code] = i + 1, used
                codes[used], sums[used] = code, 0
                used += 1
            sums[marks.at[code]] += 1 if one else values[j]
        counted[i + 1] = used
    return used


cdef tuple _arrays(const Table* table):
    """(chars, starts, slots) as arrays."""
    chars, starts = np.empty(table.starts[table.n], np.uint32), np.empty(table.n + 1, np.int64)
    slots = np.empty(table.mask + 1, np.uint64)
    cdef uint32_t[::1] char = chars
    cdef int64_t[::1] start = starts
    cdef uint64_t[::1] slot = slots
    if char.shape[0]:
        memcpy(&char[0], table.chars, chars.nbytes)
    memcpy(&start[0], table.starts, starts.nbytes)
    memcpy(&slot[0], table.slots, slots.nbytes)
    return chars, starts, slots


def cross(const int64_t[::1] rows, const int64_t[::1] codes, const double[::1] values,
          const int64_t[::1] other_rows, const int64_t[::1] other_codes, const double[::1] other_values):
    """(keys, values, rows): of each row all pairs of an entry of one and an entry of the other."""
    cdef Py_ssize_t i, j, k, n = rows.shape[0] - 1, at = 0
    total = int((np.diff(rows) * np.diff(other_rows)).sum())
    keys, products = np.empty((total, 2), np.int64), np.empty(total)
    pairs = np.empty(n + 1, np.int64)
    cdef int64_t[:, ::1] key = keys
    cdef double[::1] product = products
    cdef int64_t[::1] pair = pairs
    with nogil:
        pair[0] = 0
        for i in range(n):
            for j in range(rows[i], rows[i + 1]):
                for k in range(other_rows[i], other_rows[i + 1]):
                    key[at, 0], key[at, 1] = codes[j], other_codes[k]
                    product[at] = values[j] * other_values[k]
                    at += 1
            pair[i + 1] = at
    return keys, products, pairs


cdef struct Ranked:         # a word by its first three characters, 21 bits each, which tell most words apart
    uint64_t key
    int64_t word


cdef inline bint _before(const Ranked* a, const Ranked* b, const uint32_t* chars, const int64_t* starts) noexcept nogil:
    """Whether a comes before b; equal words stay in their order."""
    if a.key != b.key:
        return a.key < b.key
    cdef int64_t i, n = starts[a.word + 1] - starts[a.word], m = starts[b.word + 1] - starts[b.word]
    cdef const uint32_t* text = chars + starts[a.word]
    cdef const uint32_t* other = chars + starts[b.word]
    for i in range(3, min(n, m)):
        if text[i] != other[i]:
            return text[i] < other[i]
    return n < m or (n == m and a.word < b.word)


def order_words(const uint32_t[::1] chars, const int64_t[::1] starts):
    """(n_words,) int64: the words in ascending order of their characters."""
    cdef Py_ssize_t i, j, left, right, middle, stop, width = 1, n = starts.shape[0] - 1
    cdef Ranked* row = <Ranked*> malloc((2 * n + 1) * sizeof(Ranked))
    cdef Ranked* from_
    cdef Ranked* to
    cdef const uint32_t* letters = &chars[0] if chars.shape[0] else NULL  # every word may be empty
    order = np.empty(n, np.int64)
    cdef int64_t[::1] place = order
    if row == NULL:
        raise MemoryError
    with nogil:
        from_, to = row, row + n
        for i in range(n):
            from_[i].word, from_[i].key = i, 0
            for j in range(3):
                from_[i].key <<= 21
                if starts[i] + j < starts[i + 1]:
                    from_[i].key |= chars[starts[i] + j] + 1
        while width < n:
            i = 0
            while i < n:
                left, middle, stop = i, min(i + width, n), min(i + 2 * width, n)
                right = middle
                for j in range(i, stop):
                    if right == stop or (left < middle and _before(&from_[left], &from_[right], letters, &starts[0])):
                        to[j] = from_[left]
                        left += 1
                    else:
                        to[j] = from_[right]
                        right += 1
                i += 2 * width
            from_, to = to, from_
            width *= 2
        for i in range(n):
            place[i] = from_[i].word
        free(row)
    return order


cdef inline uint32_t _rotate(uint32_t x, int by) noexcept nogil:
    return (x << by) | (x >> (32 - by))


cdef uint32_t _murmur(const uint8_t* text, Py_ssize_t length) noexcept nogil:
    """MurmurHash3_x86_32 of Austin Appleby (public domain) with seed 0."""
    cdef uint32_t hash = 0, block
    cdef Py_ssize_t i, whole = length // 4 * 4
    for i in range(0, length, 4):
        block = text[i]
        if i + 1 < length:
            block |= <uint32_t> text[i + 1] << 8
        if i + 2 < length:
            block |= <uint32_t> text[i + 2] << 16
        if i + 3 < length:
            block |= <uint32_t> text[i + 3] << 24
        hash ^= _rotate(block * <uint32_t> 0xcc9e2d51u, 15) * <uint32_t> 0x1b873593u
        if i < whole:
            hash = _rotate(hash, 13) * 5 + <uint32_t> 0xe6546b64u
    hash ^= <uint32_t> length
    hash = (hash ^ (hash >> 16)) * <uint32_t> 0x85ebca6bu
    hash = (hash ^ (hash >> 13)) * <uint32_t> 0xc2b2ae35u
    return hash ^ (hash >> 16)


def hash_names(list names, int64_t n_columns):
    """(columns, signs): where the hash of each name puts it, and with which sign."""
    cdef Py_ssize_t i
    cdef int32_t hash
    cdef bytes encoded
    columns, signs = np.empty(len(names), np.int64), np.empty(len(names))
    cdef int64_t[::1] column = columns
    cdef double[::1] sign = signs
    for i in range(len(names)):
        encoded = PyUnicode_AsEncodedString(names[i], "utf-8", "surrogatepass")
        hash = <int32_t> _murmur(<const uint8_t*> <const char*> encoded, len(encoded))
        column[i] = (-<int64_t> hash if hash < 0 else hash) % n_columns
        sign[i] = 1.0 if hash >= 0 else -1.0
    return columns, signs
