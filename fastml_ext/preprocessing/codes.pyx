"""Columns as codes of their distinct values. Contract: reference.py."""

from cpython.object cimport PyObject_Hash, PyObject_RichCompareBool, Py_EQ
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_Compare
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp

import numpy as np

__all__ = ["code_objects", "code_rows"]

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
    SEEN = 1024  # objects of which it is kept which code they have: columns hold the same few again and again
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


cdef int _code(values, size_t address, Py_ssize_t stride, int64_t[::1] codes, list distinct) except -1:
    cdef Py_ssize_t n = codes.shape[0], i, at
    cdef int64_t nan = -1, code
    cdef PyObject *seen[SEEN]
    cdef int64_t kept[SEEN]
    cdef PyObject *next
    cdef char *ahead
    cdef object value
    cdef Table table
    for at in range(SEEN):
        seen[at] = NULL
    if not begin(&table):
        raise MemoryError
    try:
        for i in range(n):
            next = (<PyObject **> (address + i * stride))[0]
            if i + AHEAD < n:
                ahead = (<char **> (address + (i + AHEAD) * stride))[0]
                fastml_prefetch(ahead)
                fastml_prefetch(ahead + 48)  # where the letters of a text begin
            at = (<size_t> next >> 4) % SEEN
            if seen[at] == next:
                codes[i] = kept[at]
                continue
            value = <object> next if next is not NULL else None
            if isinstance(value, float) and value != value:
                if nan < 0:
                    nan = len(distinct)
                    distinct.append(value)
                code = nan
            else:
                code = place_of(&table, value, distinct)
            codes[i], seen[at], kept[at] = code, next, code
    finally:
        free(table.places)
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


# ---------------------------------------------------------------------------------------------------- rows of bytes


def code_rows(words):
    """(codes, first). Contract: reference.py."""
    codes = np.empty(len(words), np.int64)
    return codes, _code_rows(words, codes)


def _code_rows(const uint32_t[:, ::1] words, int64_t[::1] codes):
    cdef Py_ssize_t n = words.shape[0], width = words.shape[1], i, room = 64
    cdef uint64_t hash, at
    cdef Table table
    cdef const uint32_t *row
    cdef int64_t *first = <int64_t *> malloc(room * sizeof(int64_t))
    cdef bint whole = first is not NULL
    if not begin(&table):
        free(first)
        raise MemoryError
    with nogil:
        i = 0
        while i < n and whole:
            row = &words[i, 0]
            hash = hash_of(row, width)
            at = hash & (table.size - 1)
            while table.places[at].code:
                if table.places[at].hash == hash and memcmp(row, &words[first[table.places[at].code - 1], 0],
                                                            4 * width) == 0:
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


cdef uint64_t hash_of(const uint32_t *row, Py_ssize_t width) noexcept nogil:
    """Two words at a time, each multiplied by an odd number; the high half is mixed in, for places are the low bits."""
    cdef uint64_t hash = <uint64_t> width, word
    cdef Py_ssize_t j = 0
    while j + 2 <= width:
        word = row[j] | (<uint64_t> row[j + 1] << 32)
        hash = (hash ^ word) * <uint64_t> 0x9E3779B97F4A7C15
        hash ^= hash >> 29
        j += 2
    if j < width:
        hash = (hash ^ row[j]) * <uint64_t> 0x9E3779B97F4A7C15
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
