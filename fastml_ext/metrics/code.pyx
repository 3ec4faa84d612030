"""Labels of any kind as integers 0, 1, 2, ... in order of their first appearance. Contract: reference.py."""

from cpython.buffer cimport PyObject_GetBuffer, PyBuffer_Release, PyBUF_FORMAT, PyBUF_STRIDES
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

import numpy as np

from fastml_ext.device.splitmix cimport finalise

cdef extern from "Python.h":
    PyObject* PyDict_GetItemWithError(dict p, object key) except? NULL  # borrowed

cdef enum:
    FEWEST_SLOTS = 64
    CACHED_OBJECTS = 1024  # the objects of an array of labels are mostly the same few, met again and again


cdef struct Slots:         # open addressing: a power of two of slots, at most half of them used
    int64_t* code          # 1 + code of the label in the slot, 0 for none
    uint64_t* hash
    Py_ssize_t mask
    Py_ssize_t used


cdef bint _open(Slots* slots, Py_ssize_t size) noexcept nogil:
    slots.code = <int64_t*> calloc(size, sizeof(int64_t))
    slots.hash = <uint64_t*> malloc(size * sizeof(uint64_t))
    slots.mask = size - 1
    slots.used = 0
    return slots.code != NULL and slots.hash != NULL


cdef Py_ssize_t _close(Slots* slots) noexcept nogil:
    """Give the memory back: how many labels there were."""
    free(slots.code)
    free(slots.hash)
    return slots.used


cdef bint _put(Slots* slots, Py_ssize_t at, uint64_t hash, int64_t code) noexcept nogil:
    """Write a new label into its free slot; the table is doubled where it is half full. False: out of memory."""
    cdef Slots larger
    cdef Py_ssize_t i, j
    slots.code[at] = code + 1
    slots.hash[at] = hash
    slots.used += 1
    if 2 * slots.used <= slots.mask:
        return True
    if not _open(&larger, 2 * (slots.mask + 1)):
        _close(&larger)
        return False
    for i in range(slots.mask + 1):
        if slots.code[i]:
            j = slots.hash[i] & larger.mask
            while larger.code[j]:
                j = (j + 1) & larger.mask
            larger.code[j] = slots.code[i]
            larger.hash[j] = slots.hash[i]
    larger.used = slots.used
    _close(slots)
    slots[0] = larger
    return True


def code_integers(const int64_t[::1] y_true, const int64_t[::1] y_pred):
    """(values, codes of y_true, codes of y_pred): values[codes] is y, values in order of first appearance."""
    cdef Slots slots
    cdef Py_ssize_t i, at, n = y_true.shape[0]
    cdef int64_t y
    cdef uint64_t hash
    cdef bint fits
    codes = np.empty((2, n), np.int64)
    values = np.empty(2 * n, np.int64)
    cdef int64_t[::1] code = codes.ravel()
    cdef int64_t[::1] value = values
    with nogil:
        fits = _open(&slots, FEWEST_SLOTS)
        for i in range(2 * n if fits else 0):
            y = y_true[i] if i < n else y_pred[i - n]
            hash = finalise(y)
            at = hash & slots.mask
            while slots.code[at] and value[slots.code[at] - 1] != y:
                at = (at + 1) & slots.mask
            code[i] = slots.code[at] - 1 if slots.code[at] else slots.used
            if not slots.code[at]:
                value[slots.used] = y
                fits = _put(&slots, at, hash, slots.used)
                if not fits:
                    break
        n = _close(&slots)
    if not fits:
        raise MemoryError
    return values[:n].copy(), codes[0], codes[1]


cdef inline Py_ssize_t _length(const uint32_t* text, Py_ssize_t width) noexcept nogil:
    """Characters of a string padded with zeros to `width`."""
    while width > 0 and text[width - 1] == 0:
        width -= 1
    return width


cdef inline uint64_t _hash(const uint32_t* text, Py_ssize_t length) noexcept nogil:
    cdef uint64_t hash = length
    for i in range(length):
        hash = (hash ^ text[i]) * <uint64_t> 0x100000001b3u
    return finalise(hash)


cdef struct Strings:       # two tables of fixed-width strings, numbered one after the other
    const uint32_t* row[2]
    Py_ssize_t width[2]
    Py_ssize_t n


cdef inline bint _is(const Strings* strings, Py_ssize_t index, const uint32_t* text, Py_ssize_t length) noexcept nogil:
    """Is the string with that number the same as `text`?"""
    cdef int which = index >= strings.n
    cdef Py_ssize_t i, width = strings.width[which]
    cdef const uint32_t* other = strings.row[which] + (index - which * strings.n) * width
    if _length(other, width) != length:
        return False
    for i in range(length):
        if other[i] != text[i]:
            return False
    return True


def code_strings(const uint32_t[:, ::1] y_true, const uint32_t[:, ::1] y_pred):
    """(first, codes of y_true, codes of y_pred): where in y_true and then y_pred each string first stands."""
    cdef Slots slots
    cdef Strings strings
    cdef Py_ssize_t i, at, length, n = y_true.shape[0]
    cdef uint64_t hash
    cdef bint fits
    cdef int which
    cdef const uint32_t* text
    codes = np.empty((2, n), np.int64)
    firsts = np.empty(2 * n, np.int64)
    cdef int64_t[:, ::1] code = codes
    cdef int64_t[::1] first = firsts
    strings.row[0], strings.width[0] = &y_true[0, 0], y_true.shape[1]
    strings.row[1], strings.width[1] = &y_pred[0, 0], y_pred.shape[1]
    strings.n = n
    with nogil:
        fits = _open(&slots, FEWEST_SLOTS)
        for i in range(2 * n if fits else 0):
            which = i >= n
            text = strings.row[which] + (i - which * n) * strings.width[which]
            length = _length(text, strings.width[which])
            hash = _hash(text, length)
            at = hash & slots.mask
            while slots.code[at] and not (
                    slots.hash[at] == hash and _is(&strings, first[slots.code[at] - 1], text, length)):
                at = (at + 1) & slots.mask
            code[which, i - which * n] = slots.code[at] - 1 if slots.code[at] else slots.used
            if not slots.code[at]:
                first[slots.used] = i
                fits = _put(&slots, at, hash, slots.used)
                if not fits:
                    break
        n = _close(&slots)
    if not fits:
        raise MemoryError
    return firsts[:n].copy(), codes[0], codes[1]


def code_objects(y_true, y_pred):
    """(values, codes of y_true, codes of y_pred) of two vectors of Python strings; None where one is no string."""
    cdef dict known = {}
    codes = np.empty((2, len(y_true)), np.int64)
    if not (_code_objects(y_true, known, codes[0]) and _code_objects(y_pred, known, codes[1])):
        return None
    return list(known), codes[0], codes[1]


cdef bint _code_objects(y, dict known, int64_t[::1] code) except -1:
    cdef Py_buffer view
    cdef PyObject* cached[CACHED_OBJECTS]
    cdef int64_t cached_code[CACHED_OBJECTS]
    cdef PyObject* item
    cdef PyObject* found
    cdef Py_ssize_t i, at
    cdef bint strings = True
    for i in range(CACHED_OBJECTS):
        cached[i] = NULL
    PyObject_GetBuffer(y, &view, PyBUF_FORMAT | PyBUF_STRIDES)
    try:
        for i in range(view.shape[0]):
            item = _item(&view, i)
            at = (<size_t> item >> 4) % CACHED_OBJECTS
            if cached[at] != item:
                if item == NULL or not isinstance(<object> item, str):
                    strings = False
                    break
                found = PyDict_GetItemWithError(known, <object> item)
                if found == NULL:
                    known[<object> item] = len(known)
                    found = PyDict_GetItemWithError(known, <object> item)
                cached[at], cached_code[at] = item, <object> found
            code[i] = cached_code[at]
    finally:
        PyBuffer_Release(&view)
    return strings


cdef inline PyObject* _item(const Py_buffer* view, Py_ssize_t i) noexcept:
    return (<PyObject**> (<char*> view.buf + i * view.strides[0]))[0]


def equal_objects(y_true, y_pred):
    """(n,) bool: which entries of two vectors of Python strings are equal; None where one is no string."""
    cdef Py_buffer left, right
    cdef PyObject* a
    cdef PyObject* b
    cdef Py_ssize_t i
    cdef bint strings = True
    hits = np.empty(len(y_true), np.bool_)
    cdef uint8_t[::1] hit = hits.view(np.uint8)
    PyObject_GetBuffer(y_true, &left, PyBUF_FORMAT | PyBUF_STRIDES)
    try:
        PyObject_GetBuffer(y_pred, &right, PyBUF_FORMAT | PyBUF_STRIDES)
        try:
            for i in range(left.shape[0]):
                a, b = _item(&left, i), _item(&right, i)
                if a == NULL or b == NULL or not (isinstance(<object> a, str) and isinstance(<object> b, str)):
                    strings = False
                    break
                hit[i] = a == b or <str> <object> a == <str> <object> b
        finally:
            PyBuffer_Release(&right)
    finally:
        PyBuffer_Release(&left)
    return hits if strings else None
