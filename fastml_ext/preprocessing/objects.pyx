"""Columns of Python objects as codes of their distinct values. Contract: reference.py."""

from cpython.object cimport PyObject_Hash, Py_EQ
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free

from fastml_ext.preprocessing.hashing cimport Place, Table, begin, fastml_prefetch, grow

import numpy as np

__all__ = ["code_objects"]

cdef extern from *:
    """
    #define fastml_is_text(value) (Py_TYPE(value) == &PyUnicode_Type)
    #define fastml_is_float(value) (Py_TYPE(value) == &PyFloat_Type)
    #define fastml_is_whole(value) \\
        ((value) == Py_None || Py_TYPE(value) == &PyLong_Type || Py_TYPE(value) == &PyBool_Type)
    """
    bint fastml_is_text(PyObject *)
    bint fastml_is_float(PyObject *)
    bint fastml_is_whole(PyObject *)

cdef extern from "Python.h":
    PyObject *NONE "Py_None"
    int64_t hash_of_object "PyObject_Hash" (PyObject *) except? -1
    int compare_texts "PyUnicode_Compare" (PyObject *, PyObject *) except? -1
    int are_equal "PyObject_RichCompareBool" (PyObject *, PyObject *, int) except -1
    double as_double "PyFloat_AsDouble" (PyObject *) except? -1

cdef enum:
    SEEN = 16384  # objects of which it is kept which code they have: columns hold the same few again and again
    MOST_SEEN = 262144  # where a column holds that many different ones
    STRANGE = 1024  # equal texts at other addresses, from where on it is asked whether that is worth it
    AHEAD = 16  # objects that are asked for, hashed and sought before they are compared
    LETTERS = 48  # bytes behind an object's address where the letters of a text begin


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


cdef struct Known:
    Table table
    Seen *seen
    Py_ssize_t size  # of `seen`, a power of two
    int64_t met, strange  # objects found in it, and texts that equal one at another address
    int64_t nan


cdef int _code(values, size_t address, Py_ssize_t stride, int64_t[::1] codes, list distinct) except -1:
    cdef Py_ssize_t n = codes.shape[0], i
    cdef int64_t code
    cdef PyObject *next
    cdef object value
    cdef Known known
    known.size, known.met, known.strange, known.nan = 64, 0, 0, -1
    while known.size < n and known.size < SEEN:
        known.size *= 2
    known.seen = <Seen *> calloc(known.size, sizeof(Seen))
    if not begin(&known.table) or known.seen is NULL:
        free(known.seen)
        free(known.table.places)
        raise MemoryError
    try:
        i = _code_seen(address, stride, codes, distinct, &known)
        i = _code_plain(i, address, stride, codes, distinct, &known)
        while i < n:  # the classes of these values have code of their own, which may do anything
            next = (<PyObject **> (address + i * stride))[0]
            value = <object> next if next is not NULL else None
            if isinstance(value, float) and value != value:
                code = code_of_nan(&known, <PyObject *> value, distinct)
            else:
                code = place_of(&known, <PyObject *> value, <uint64_t> PyObject_Hash(value), distinct)
            codes[i] = code
            i += 1
    finally:
        free(known.table.places)
        free(known.seen)
    return 0


cdef inline PyObject *object_at(size_t address, Py_ssize_t stride, Py_ssize_t i) noexcept:
    cdef PyObject *value = (<PyObject **> (address + i * stride))[0]
    return value if value is not NULL else NONE


cdef inline void ask_for(const void *value) noexcept nogil:
    fastml_prefetch(value)
    fastml_prefetch(<const char *> value + LETTERS)


cdef Py_ssize_t _code_seen(size_t address, Py_ssize_t stride, int64_t[::1] codes, list distinct,
                           Known *known) except -1:
    """Code values whose objects are mostly the same few: how many, up to a strange one, or where this does not pay."""
    cdef Py_ssize_t n = codes.shape[0], i, at
    cdef PyObject *value
    for i in range(n):
        value = object_at(address, stride, i)
        at = <Py_ssize_t> ((<uint64_t> <size_t> value >> 4) * <uint64_t> 0x9E3779B97F4A7C15 >> 40) & (known.size - 1)
        if known.seen[at].value == value:
            codes[i] = known.seen[at].code
            known.met += 1
            continue
        if i + AHEAD < n:
            ask_for((<PyObject **> (address + (i + AHEAD) * stride))[0])
        if not is_plain(value):
            return i
        codes[i] = code_of(known, value, <uint64_t> hash_of_object(value), distinct)
        known.seen[at].value, known.seen[at].code = value, codes[i]
        if known.strange > STRANGE and known.strange > 3 * known.met:
            return i + 1
        if 2 * known.table.used > known.size and known.size < MOST_SEEN:
            widen(known)
    return n


cdef void widen(Known *known) noexcept:
    cdef Seen *wider = <Seen *> calloc(4 * known.size, sizeof(Seen))
    if wider is not NULL:
        free(known.seen)
        known.seen, known.size = wider, 4 * known.size


cdef Py_ssize_t _code_plain(Py_ssize_t start, size_t address, Py_ssize_t stride, int64_t[::1] codes, list distinct,
                            Known *known) except -1:
    """Code values from start on: how many values are coded then, all or those before the first strange one.

    Memory is asked for ahead: for an object, then for the place of its hash, then for the object that stands there.
    Nothing that plain values do meanwhile changes the array.
    """
    cdef uint64_t hashes[2 * AHEAD]
    cdef Py_ssize_t stop = codes.shape[0], i, next
    cdef const Place *place
    cdef PyObject *value
    for i in range(start - AHEAD, stop):
        if i + 2 * AHEAD < stop:
            ask_for((<PyObject **> (address + (i + 2 * AHEAD) * stride))[0])
        next = i + AHEAD
        if next < stop:
            value = object_at(address, stride, next)
            if is_plain(value):
                hashes[next % (2 * AHEAD)] = <uint64_t> hash_of_object(value)
                fastml_prefetch(&known.table.places[hashes[next % (2 * AHEAD)] & (known.table.size - 1)])
            else:
                stop = next
        next = i + AHEAD // 2
        if start <= next < stop:
            place = &known.table.places[hashes[next % (2 * AHEAD)] & (known.table.size - 1)]
            if place.code and place.hash == hashes[next % (2 * AHEAD)]:
                ask_for(place.value)
        if start <= i < stop:
            codes[i] = code_of(known, object_at(address, stride, i), hashes[i % (2 * AHEAD)], distinct)
    return stop


cdef inline bint is_plain(PyObject *value) noexcept:
    """A text, float, int, bool or None: hashing and comparing these runs no code of Python's."""
    return fastml_is_text(value) or fastml_is_float(value) or fastml_is_whole(value)


cdef inline int64_t code_of(Known *known, PyObject *value, uint64_t hash, list distinct) except -1:
    if fastml_is_float(value) and as_double(value) != as_double(value):
        return code_of_nan(known, value, distinct)
    return place_of(known, value, hash, distinct)


cdef int64_t code_of_nan(Known *known, PyObject *value, list distinct) except -1:
    if known.nan < 0:
        known.nan = len(distinct)
        distinct.append(<object> value)
    return known.nan


cdef int64_t place_of(Known *known, PyObject *value, uint64_t hash, list distinct) except -1:
    """The code of an object, which is a new one where none of the distinct ones equals it."""
    cdef Table *table = &known.table
    cdef uint64_t at = hash & (table.size - 1)
    cdef PyObject *other
    cdef bint text = fastml_is_text(value)
    while table.places[at].code:
        if table.places[at].hash == hash:
            other = <PyObject *> table.places[at].value
            if other == value:
                return table.places[at].code - 1
            if text and fastml_is_text(other):
                if compare_texts(other, value) == 0:
                    known.strange += 1
                    return table.places[at].code - 1
            elif are_equal(other, value, Py_EQ):
                return table.places[at].code - 1
        at = (at + 1) & (table.size - 1)
    distinct.append(<object> value)
    table.places[at].hash, table.places[at].code, table.places[at].value = hash, len(distinct), value
    table.used += 1
    if 2 * table.used > <int64_t> table.size and not grow(table):
        raise MemoryError
    return len(distinct) - 1
