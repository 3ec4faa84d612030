"""Columns as codes of their distinct values, by the bytes of these. Contract: reference.py."""

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset

from fastml_ext.preprocessing.hashing cimport Place, Table, begin, fastml_prefetch, grow

import numpy as np

from fastml_ext import pool

__all__ = ["code_rows", "code_texts", "code_views", "look_up"]

cdef enum:
    LINE = 64  # bytes of the cache
    INLINE = 12  # bytes of a text that stand in its view
    TOGETHER = 16  # items that are hashed, then sought, then compared: memory is asked for a step ahead


cdef struct Source:
    # Where item i stands: rows of a table, texts one after the other, or views of texts, as Arrow has them.
    Py_ssize_t width, apart  # of the rows, and from one to the next, in bytes
    const char *data  # of rows and of texts
    const int32_t *short_ends  # of texts: where each begins, and the last one ends
    const int64_t *long_ends
    const uint32_t *views  # four words each: the length, then the text, or its first bytes, its buffer and its place
    const char **buffers
    const uint8_t *valid  # a bit for each item, 0 for one that is missing; NULL where none is
    Py_ssize_t skipped  # bits before the first item's


cdef inline const char *item(Source *source, Py_ssize_t i, Py_ssize_t *length) noexcept nogil:
    cdef const uint32_t *view
    if source.views is not NULL:
        view = source.views + 4 * i
        length[0] = view[0]
        return <const char *> (view + 1) if view[0] <= INLINE else source.buffers[view[2]] + view[3]
    if source.long_ends is not NULL:
        length[0] = source.long_ends[i + 1] - source.long_ends[i]
        return source.data + source.long_ends[i]
    if source.short_ends is not NULL:
        length[0] = source.short_ends[i + 1] - source.short_ends[i]
        return source.data + source.short_ends[i]
    length[0] = source.width
    return source.data + i * source.apart


cdef inline bint is_missing(Source *source, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t bit = source.skipped + i
    return source.valid is not NULL and not (source.valid[bit >> 3] >> (bit & 7)) & 1


def code_rows(words):
    """(codes, first). Contract: reference.py."""
    cdef Source source
    cdef const uint32_t[:, :] rows = words
    codes = np.empty(len(words), np.int64)
    memset(&source, 0, sizeof(Source))
    if rows.shape[1] > 1 and rows.strides[1] != 4:
        raise ValueError("the words of a row must lie side by side")
    if len(words):
        source.width, source.apart, source.data = 4 * rows.shape[1], rows.strides[0], <const char *> &rows[0, 0]
    return codes, code_items(&source, codes)


def code_texts(data, ends, valid, Py_ssize_t skipped=0):
    """(codes, distinct texts). Contract: reference.py."""
    cdef Source source
    cdef const uint8_t[::1] letters = data, bits
    cdef const int32_t[::1] short_ends
    cdef const int64_t[::1] long_ends
    codes = np.empty(len(ends) - 1, np.int64)
    memset(&source, 0, sizeof(Source))
    source.data = <const char *> &letters[0] if letters.shape[0] else NULL
    if ends.dtype == np.int32:
        short_ends = ends
        source.short_ends = &short_ends[0]
    else:
        long_ends = ends
        source.long_ends = &long_ends[0]
    if valid is not None:
        bits = valid
        source.valid, source.skipped = &bits[0], skipped
    return codes, texts(&source, code_items(&source, codes))


def code_views(views, list buffers, valid, Py_ssize_t skipped=0):
    """(codes, distinct texts). Contract: reference.py."""
    cdef Source source
    cdef const uint32_t[:, ::1] words = views
    cdef const uint8_t[::1] bits
    codes, addresses = np.empty(len(views), np.int64), np.zeros(max(1, len(buffers)), np.uintp)
    cdef size_t[::1] starts = addresses
    for place, buffer in enumerate(buffers):
        starts[place] = buffer.__array_interface__["data"][0]
    memset(&source, 0, sizeof(Source))
    if valid is not None:
        bits = valid
        source.valid, source.skipped = &bits[0], skipped
    if not len(views):
        return codes, []
    source.views, source.buffers = &words[0, 0], <const char **> &starts[0]
    return codes, texts(&source, code_items(&source, codes))


cdef list texts(Source *source, const int64_t[::1] first):
    cdef Py_ssize_t k, length
    cdef const char *letters
    found = []
    for k in range(first.shape[0]):
        letters = item(source, first[k], &length)
        found.append(PyUnicode_DecodeUTF8(letters, length, NULL) if length else "")
    return found


cdef code_items(Source *source, int64_t[::1] codes):
    """The code of each item, -1 where it is missing; where each distinct one first stands."""
    cdef Py_ssize_t n = codes.shape[0], i = 0, room = 64
    cdef Table table
    cdef int64_t *first = <int64_t *> malloc(room * sizeof(int64_t))
    cdef bint whole = first is not NULL
    if not begin(&table):
        free(first)
        raise MemoryError
    with nogil:
        while i < n and whole:
            whole = code_some(source, i, min(i + TOGETHER, n), &codes[0], &table, &first, &room)
            i += TOGETHER
    free(table.places)
    if not whole:
        free(first)
        raise MemoryError
    found = np.empty(table.used, np.int64)
    cdef int64_t[::1] out = found
    for i in range(table.used):
        out[i] = first[i]
    free(first)
    return found


cdef inline void ask_for_row(const char *row, Py_ssize_t width) noexcept nogil:
    """A few lines of it; one behind the last row is not read."""
    cdef Py_ssize_t at = 0
    while at < min(width, 4 * LINE):
        fastml_prefetch(row + at)
        at += LINE
    fastml_prefetch(row + min(width, 4 * LINE) - 1)


cdef bint code_some(Source *source, Py_ssize_t start, Py_ssize_t stop, int64_t *codes, Table *table, int64_t **first,
                    Py_ssize_t *room) noexcept nogil:
    """Write the codes of some items; False where there is no memory."""
    cdef const char *letters[TOGETHER]
    cdef Py_ssize_t lengths[TOGETHER]
    cdef uint64_t hashes[TOGETHER]
    cdef uint64_t at
    cdef Py_ssize_t i
    cdef int k
    cdef Place *place
    for i in range(start, stop):
        k = <int> (i - start)
        if source.apart > source.width:  # columns of a table: no processor guesses these steps
            ask_for_row(source.data + (i + 2 * TOGETHER) * source.apart, source.width)
        if is_missing(source, i):
            lengths[k] = -1
            continue
        letters[k] = item(source, i, &lengths[k])
        hashes[k] = hash_of(letters[k], lengths[k])
        fastml_prefetch(&table.places[hashes[k] & (table.size - 1)])
    for k in range(<int> (stop - start)):
        if lengths[k] >= 0:
            place = &table.places[hashes[k] & (table.size - 1)]
            if place.code and place.hash == hashes[k]:
                fastml_prefetch(place.value)
    for i in range(start, stop):
        k = <int> (i - start)
        if lengths[k] < 0:
            codes[i] = -1
            continue
        at = hashes[k] & (table.size - 1)
        place = &table.places[at]
        while place.code and (place.hash != hashes[k] or place.length != lengths[k]
                              or not same(<const char *> place.value, letters[k], lengths[k])):
            at = (at + 1) & (table.size - 1)
            place = &table.places[at]
        if place.code:
            codes[i] = place.code - 1
            continue
        if table.used == room[0]:
            first[0] = more(first[0], room)
            if first[0] is NULL:
                return False
        first[0][table.used] = i
        codes[i] = table.used
        table.used += 1
        place.hash, place.code, place.value, place.length = hashes[k], table.used, letters[k], lengths[k]
        if 2 * table.used > <int64_t> table.size and not grow(table):
            return False
    return True


cdef inline bint same(const char *a, const char *b, Py_ssize_t length) noexcept nogil:
    """Whether so many bytes are the same; short ones without a call."""
    cdef Py_ssize_t j = 0
    if length > 96:
        return memcmp(a, b, length) == 0
    while j + 8 <= length:
        if word_at(a + j) != word_at(b + j):
            return False
        j += 8
    if j == length:
        return True
    if length >= 8:
        return word_at(a + length - 8) == word_at(b + length - 8)
    return rest_of(a, length) == rest_of(b, length)


cdef inline uint64_t word_at(const char *letters) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, letters, 8)
    return word


cdef inline uint64_t rest_of(const char *letters, Py_ssize_t length) noexcept nogil:
    """Fewer than eight bytes as one number, 0 for none."""
    cdef uint32_t low, high
    if length >= 4:
        memcpy(&low, letters, 4)
        memcpy(&high, letters + length - 4, 4)
        return (<uint64_t> high << 32) | low
    if length == 0:
        return 0
    low = <uint8_t> letters[0]
    low |= <uint32_t> <uint8_t> letters[length >> 1] << 8
    return low | <uint32_t> <uint8_t> letters[length - 1] << 16


cdef inline uint64_t hash_of(const char *letters, Py_ssize_t length) noexcept nogil:
    """Eight bytes at a time, each times an odd number; the high half is mixed in, for places are the low bits.

    Of longer items two words at a time, which do not wait for one another.
    """
    cdef uint64_t hash = <uint64_t> length, other = 0
    cdef Py_ssize_t j = 0
    while j + 16 <= length:
        hash = (hash ^ word_at(letters + j)) * <uint64_t> 0x9E3779B97F4A7C15
        other = (other ^ word_at(letters + j + 8)) * <uint64_t> 0xD6E8FEB86659FD93
        hash ^= hash >> 29
        other ^= other >> 32
        j += 16
    if j + 8 <= length:
        hash = (hash ^ word_at(letters + j)) * <uint64_t> 0x9E3779B97F4A7C15
        hash ^= hash >> 29
        j += 8
    if j < length:
        other ^= word_at(letters + length - 8) if length >= 8 else rest_of(letters, length)
    hash = (hash ^ other * <uint64_t> 0x94D049BB133111EB) * <uint64_t> 0x9E3779B97F4A7C15
    hash ^= hash >> 29
    hash *= <uint64_t> 0xBF58476D1CE4E5B9
    return hash ^ (hash >> 32)


cdef int64_t *more(int64_t *first, Py_ssize_t *room) noexcept nogil:
    """Twice the room; NULL, and the old freed, where there is none."""
    cdef int64_t *wider = <int64_t *> malloc(2 * room[0] * sizeof(int64_t))
    cdef Py_ssize_t i
    if wider is not NULL:
        for i in range(room[0]):
            wider[i] = first[i]
        room[0] *= 2
    free(first)
    return wider


# ---------------------------------------------------------------------------------------------------- codes looked up


ctypedef fused number:
    float
    double
    int32_t
    int64_t


def look_up(codes, tables, out):
    """Write tables[j][codes[j]] into column j. Contract: reference.py."""
    for j, (places, table) in enumerate(zip(codes, tables, strict=True)):
        pool.run(_look_up, len(places), places, table, out, j, cost=1.5)


def _look_up(Py_ssize_t start, Py_ssize_t stop, const int64_t[::1] codes, const number[::1] table,
             number[:, ::1] out, Py_ssize_t column):
    cdef Py_ssize_t i
    with nogil:
        for i in range(start, stop):
            out[i, column] = table[codes[i]]
