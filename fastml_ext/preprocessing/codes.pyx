"""Columns as codes of their distinct values. Contract: reference.py."""

from cpython.object cimport PyObject_Hash, PyObject_RichCompareBool, Py_EQ
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_Compare, PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

import numpy as np

from fastml_ext import pool

__all__ = ["code_objects", "code_rows", "code_texts", "code_views", "look_up"]

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
    SEEN = 16384  # objects of which it is kept which code they have: columns hold the same few again and again
    INLINE = 12  # bytes of a text that stand in its view
    AHEAD = 12  # objects whose memory is asked for before they are looked at
    FIRST = 1024  # places of a table to begin with


cdef struct Place:
    uint64_t hash
    int64_t code  # and one more, so that 0 is an empty place
    PyObject *value  # of objects: one that the list of the distinct ones holds


cdef struct Table:
    Place *places
    uint64_t size  # a power of two
    int64_t used


cdef bint begin(Table *table) noexcept nogil:
    table.size, table.used = FIRST, 0
    table.places = <Place *> calloc(FIRST, sizeof(Place))
    return table.places is not NULL


cdef bint grow(Table *table) noexcept nogil:
    """Four times as many places, once half of them are used."""
    cdef uint64_t size = 4 * table.size, i, at
    cdef Place *places = <Place *> calloc(size, sizeof(Place))
    if places is NULL:
        return False
    for i in range(table.size):
        if table.places[i].code:
            at = table.places[i].hash & (size - 1)
            while places[at].code:
                at = (at + 1) & (size - 1)
            places[at] = table.places[i]
    free(table.places)
    table.places, table.size = places, size
    return True


# ---------------------------------------------------------------------------------------------------- objects


def code_objects(values):
    """(codes, distinct values in the order of their first places). Contract: reference.py."""
    codes = np.empty(len(values), np.int64)
    distinct: list = []
    if len(values):
        address = values.__array_interface__["data"][0]
        _code(values, address, values.strides[0], codes, distinct)
    return codes, distinct


cdef struct Seen:
    PyObject *value
    int64_t code


cdef int _code(values, size_t address, Py_ssize_t stride, int64_t[::1] codes, list distinct) except -1:
    cdef Py_ssize_t n = codes.shape[0], i, at, size = 64
    cdef int64_t nan = -1, code
    cdef Seen *seen
    cdef PyObject *next
    cdef char *ahead
    cdef object value
    cdef Table table
    while size < n and size < SEEN:
        size *= 2
    seen = <Seen *> calloc(size, sizeof(Seen))
    if not begin(&table) or seen is NULL:
        free(seen)
        free(table.places)
        raise MemoryError
    try:
        for i in range(n):
            next = (<PyObject **> (address + i * stride))[0]
            at = <Py_ssize_t> ((<uint64_t> <size_t> next >> 4) * <uint64_t> 0x9E3779B97F4A7C15 >> 40) & (size - 1)
            if seen[at].value == next and next is not NULL:
                codes[i] = seen[at].code
                continue
            if i + AHEAD < n:
                ahead = (<char **> (address + (i + AHEAD) * stride))[0]
                fastml_prefetch(ahead)
                fastml_prefetch(ahead + 48)  # where the letters of a text begin
            value = <object> next if next is not NULL else None
            if isinstance(value, float) and value != value:
                if nan < 0:
                    nan = len(distinct)
                    distinct.append(value)
                code = nan
            else:
                code = place_of(&table, value, distinct)
            codes[i], seen[at].value, seen[at].code = code, next, code
    finally:
        free(table.places)
        free(seen)
    return 0


cdef int64_t place_of(Table *table, value, list distinct) except -1:
    """The code of an object, which is a new one where none of the distinct ones equals it."""
    cdef uint64_t hash = <uint64_t> PyObject_Hash(value), at = hash & (table.size - 1)
    cdef PyObject *other
    cdef bint text = type(value) is str
    while table.places[at].code:
        if table.places[at].hash == hash:
            other = table.places[at].value
            if other == <PyObject *> value:
                return table.places[at].code - 1
            if text and type(<object> other) is str:
                if PyUnicode_Compare(<object> other, value) == 0:
                    return table.places[at].code - 1
            elif PyObject_RichCompareBool(<object> other, value, Py_EQ):
                return table.places[at].code - 1
        at = (at + 1) & (table.size - 1)
    distinct.append(value)
    table.places[at].hash, table.places[at].code, table.places[at].value = hash, len(distinct), <PyObject *> value
    table.used += 1
    if 2 * table.used > <int64_t> table.size and not grow(table):
        raise MemoryError
    return len(distinct) - 1


# ---------------------------------------------------------------------------------------------------- bytes


cdef struct Source:
    # Where item i stands: rows of a table, texts one after the other, or views of texts, as Arrow has them.
    Py_ssize_t width  # of the rows, in bytes
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
    return source.data + i * source.width


cdef inline bint is_missing(Source *source, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t bit = source.skipped + i
    return source.valid is not NULL and not (source.valid[bit >> 3] >> (bit & 7)) & 1


def code_rows(words):
    """(codes, first). Contract: reference.py."""
    cdef Source source
    cdef const uint32_t[:, ::1] rows = words
    codes = np.empty(len(words), np.int64)
    memset(&source, 0, sizeof(Source))
    if len(words):
        source.width, source.data = 4 * words.shape[1], <const char *> &rows[0, 0]
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
    cdef Py_ssize_t n = codes.shape[0], i, room = 64, length, other
    cdef uint64_t hash, at
    cdef Table table
    cdef const char *letters
    cdef const char *others
    cdef int64_t *first = <int64_t *> malloc(room * sizeof(int64_t))
    cdef bint whole = first is not NULL
    if not begin(&table):
        free(first)
        raise MemoryError
    with nogil:
        i = 0
        while i < n and whole:
            if is_missing(source, i):
                codes[i] = -1
                i += 1
                continue
            letters = item(source, i, &length)
            hash = hash_of(letters, length)
            at = hash & (table.size - 1)
            while table.places[at].code:
                if table.places[at].hash == hash:
                    others = item(source, first[table.places[at].code - 1], &other)
                    if length == other and memcmp(letters, others, length) == 0:
                        break
                at = (at + 1) & (table.size - 1)
            if not table.places[at].code:
                if table.used == room:
                    first = more(first, &room)
                    whole = first is not NULL
                if whole:
                    first[table.used] = i
                    table.used += 1
                    table.places[at].hash, table.places[at].code = hash, table.used
                    codes[i] = table.used - 1
                    if 2 * table.used > <int64_t> table.size:
                        whole = grow(&table)
            else:
                codes[i] = table.places[at].code - 1
            i += 1
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


cdef inline uint64_t hash_of(const char *letters, Py_ssize_t length) noexcept nogil:
    """Eight bytes at a time, each times an odd number; the high half is mixed in, for places are the low bits."""
    cdef uint64_t hash = <uint64_t> length, word
    cdef uint32_t half
    cdef Py_ssize_t j = 0
    while j + 8 <= length:
        memcpy(&word, letters + j, 8)
        hash = (hash ^ word) * <uint64_t> 0x9E3779B97F4A7C15
        hash ^= hash >> 29
        j += 8
    if j < length:
        word = 0
        if length - j >= 4:
            memcpy(&half, letters + j, 4)
            word, j = half, j + 4
        while j < length:
            word = (word << 8) | <uint8_t> letters[j]
            j += 1
        hash = (hash ^ word) * <uint64_t> 0x9E3779B97F4A7C15
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
