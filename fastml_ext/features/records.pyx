"""Dictionaries of features as entries of a sparse matrix, and entries as CSR. Contract: reference/templates.py."""

from collections.abc import Iterable, Mapping
from numbers import Number

from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF, Py_XINCREF
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

import numpy as np

cdef extern from "Python.h":
    int PyDict_Next(dict p, Py_ssize_t* pos, PyObject** key, PyObject** value)
    PyObject* PyDict_GetItemWithError(dict p, object key) except? NULL  # borrowed
    double PyFloat_AsDouble(PyObject* value) except? -1.0
    long long PyLong_AsLongLong(PyObject* value) except? -1
    double PyLong_AsDouble(PyObject* value) except? -1.0
    bint PyFloat_CheckExact(PyObject* value)
    bint PyLong_Check(PyObject* value)
    bint PyUnicode_CheckExact(PyObject* value)

cdef enum:
    REMEMBERED = 256        # records mostly have the same few keys in the same order


cdef class _Coder:
    """Names with their codes, the entries written so far, and the key that stood last at each place of a record."""
    cdef dict names, known
    cdef str separator
    cdef bint grow
    cdef object codes, values
    cdef int64_t[::1] code
    cdef double[::1] value
    cdef Py_ssize_t used
    cdef PyObject* key[REMEMBERED]      # held, or another object could take its address
    cdef int64_t key_code[REMEMBERED]   # -1: not asked for yet; -2: unknown
    cdef PyObject* key_values[REMEMBERED]

    def __cinit__(self):
        for i in range(REMEMBERED):
            self.key[i] = NULL

    def __dealloc__(self):
        for i in range(REMEMBERED):
            Py_XDECREF(self.key[i])

    cdef int room(self, Py_ssize_t more) except -1:
        if self.used + more > self.code.shape[0]:
            self.codes = np.resize(self.codes, 2 * (self.used + more))
            self.values = np.resize(self.values, 2 * (self.used + more))
            self.code, self.value = self.codes, self.values
        return 0

    cdef int64_t number(self, object name) except -3:
        """The code of a name, a new one where there is none, -2 where none may be added."""
        cdef PyObject* found = PyDict_GetItemWithError(self.names, name)
        if found != NULL:
            return PyLong_AsLongLong(found)
        if not self.grow:
            return -2
        self.names[name] = len(self.names)
        return len(self.names) - 1

    cdef int64_t choice(self, object key, dict choices, object value) except -3:
        """The code of "key=value"."""
        cdef PyObject* found = PyDict_GetItemWithError(choices, value)
        cdef int64_t code
        if found != NULL:
            return PyLong_AsLongLong(found)
        code = self.number(f"{key}{self.separator}{value}")
        if code >= 0:
            choices[value] = code
        return code

    cdef inline void put(self, int64_t code, double value) noexcept:
        if code >= 0:
            self.code[self.used], self.value[self.used] = code, value
            self.used += 1

    cdef PyObject* choices(self, object key) except NULL:
        cdef PyObject* found = PyDict_GetItemWithError(self.known, key)
        if found == NULL:
            self.known[key] = {}
            found = PyDict_GetItemWithError(self.known, key)
        return found

    cdef int remember(self, Py_ssize_t at, PyObject* key) except -1:
        Py_XINCREF(key)
        Py_XDECREF(self.key[at])
        self.key[at], self.key_code[at], self.key_values[at] = key, -1, NULL
        return 0

    cdef int add(self, dict record) except -1:
        cdef PyObject* key
        cdef PyObject* value
        cdef Py_ssize_t place = 0, at, i = 0
        self.room(len(record))
        while PyDict_Next(record, &place, &key, &value):
            at = i & (REMEMBERED - 1)
            i += 1
            if self.key[at] != key:
                self.remember(at, key)
            if PyFloat_CheckExact(value):
                if self.key_code[at] == -1:
                    self.key_code[at] = self.number(<object> key)
                self.put(self.key_code[at], PyFloat_AsDouble(value))
            elif PyLong_Check(value):  # bool too
                if self.key_code[at] == -1:
                    self.key_code[at] = self.number(<object> key)
                self.put(self.key_code[at], PyLong_AsDouble(value))
            elif PyUnicode_CheckExact(value):
                if self.key_values[at] == NULL:
                    self.key_values[at] = self.choices(<object> key)
                self.put(self.choice(<object> key, <dict> self.key_values[at], <object> value), 1.0)
            else:
                self.other(<object> key, <object> value, at)
        return 0

    cdef int other(self, object key, object value, Py_ssize_t at) except -1:
        """A value that is no float, integer or plain string."""
        cdef dict choices
        if value is None or isinstance(value, Number):
            if self.key_code[at] == -1:
                self.key_code[at] = self.number(key)
            self.put(self.key_code[at], float("nan") if value is None else float(value))
        elif isinstance(value, str):
            self.put(self.choice(key, <dict> self.choices(key), str(value)), 1.0)
        elif isinstance(value, Iterable) and not isinstance(value, (Mapping, bytes)):
            choices = <dict> self.choices(key)
            for each in value:
                if not isinstance(each, str):
                    raise TypeError(f"{key!r} holds {each!r} of {type(each).__name__} in its list of strings")
                self.room(REMEMBERED)
                self.put(self.choice(key, choices, each), 1.0)
        else:
            raise TypeError(f"{key!r} is {value!r} of {type(value).__name__}")
        return 0


def code_records(list records, dict names, dict known, str separator, bint grow):
    """(codes, values, rows): the entries of each record in its own order; `names` and `known` take in what is new."""
    cdef Py_ssize_t i, n = len(records)
    cdef _Coder coder = _Coder()
    coder.names, coder.known, coder.separator, coder.grow, coder.used = names, known, separator, grow, 0
    coder.codes, coder.values = np.empty(8 * n + 8, np.int64), np.empty(8 * n + 8)
    coder.code, coder.value = coder.codes, coder.values
    rows = np.zeros(n + 1, np.int64)
    cdef int64_t[::1] row = rows
    for i in range(n):
        record = records[i]
        try:
            coder.add(record if type(record) is dict else dict(record.items()))
        except (AttributeError, TypeError) as error:
            raise TypeError(f"X[{i}]: {error}") from None
        row[i + 1] = coder.used
    return coder.codes[:coder.used], coder.values[:coder.used], rows


def assemble(Py_ssize_t n, list blocks):
    """(indptr, indices, data) of the CSR matrix that holds the entries of all blocks."""
    cdef const int64_t[::1] rows, columns
    cdef const double[::1] values
    cdef Py_ssize_t i, j, longest = 0
    begins = np.zeros(n + 1, np.int64)
    cdef int64_t[::1] begin = begins, fill, index
    cdef double[::1] entry
    for rows, columns, _ in blocks:
        for i in range(n):
            for j in range(rows[i], rows[i + 1]):
                begin[i + 1] += columns[j] >= 0
    fills = np.empty(n, np.int64)
    fill = fills
    for i in range(n):
        fill[i] = begin[i]
        begin[i + 1] += begin[i]
        longest = max(longest, begin[i + 1] - begin[i])
    indices, data = np.empty(begin[n], np.int64), np.empty(begin[n])
    index, entry = indices, data
    for rows, columns, values in blocks:
        with nogil:
            for i in range(n):
                for j in range(rows[i], rows[i + 1]):
                    if columns[j] >= 0:
                        index[fill[i]], entry[fill[i]] = columns[j], values[j]
                        fill[i] += 1
    return _canonical(begins, indices, data, longest)


cdef enum:
    SHORT = 16              # entries that are sorted faster by insertion than by merging


cdef struct Entry:
    int64_t column
    double value


cdef tuple _canonical(object begins, object indices, object data, Py_ssize_t longest):
    """The same rows with ascending columns, entries of one column added up in their order."""
    cdef int64_t[::1] begin = begins, index = indices
    cdef double[::1] entry = data
    cdef Py_ssize_t i, j, at = 0, first, n = begin.shape[0] - 1
    cdef Entry* row = <Entry*> malloc((2 * longest + 1) * sizeof(Entry))
    if row == NULL:
        raise MemoryError
    with nogil:
        for i in range(n):
            first = begin[i]
            begin[i] = at
            if not _is_ascending(index, first, begin[i + 1]):
                _sort(index, entry, first, begin[i + 1], row, row + longest)
            for j in range(first, begin[i + 1]):
                if at > begin[i] and index[at - 1] == index[j]:
                    entry[at - 1] += entry[j]
                else:
                    index[at], entry[at] = index[j], entry[j]
                    at += 1
        begin[n] = at
    free(row)
    return begins, indices[:at], data[:at]


cdef inline bint _is_ascending(const int64_t[::1] index, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(start + 1, stop):
        if index[j] < index[j - 1]:
            return False
    return True


cdef void _sort(int64_t[::1] index, double[::1] entry, Py_ssize_t start, Py_ssize_t stop,
                Entry* row, Entry* other) noexcept nogil:
    """Sort the entries start .. stop - 1 by column, equal ones in the order they came in."""
    cdef Py_ssize_t j, k, n = stop - start, width = SHORT
    cdef Entry entry_
    for j in range(n):                                   # runs of SHORT by insertion
        entry_.column, entry_.value, k = index[start + j], entry[start + j], j
        while k % SHORT and row[k - 1].column > entry_.column:
            row[k] = row[k - 1]
            k -= 1
        row[k] = entry_
    while width < n:
        j = 0
        while j < n:
            _merge(row, j, min(j + width, n), min(j + 2 * width, n), other)
            j += 2 * width
        row, other = other, row
        width *= 2
    for j in range(n):
        index[start + j], entry[start + j] = row[j].column, row[j].value


cdef inline void _merge(const Entry* row, Py_ssize_t start, Py_ssize_t middle, Py_ssize_t stop,
                        Entry* out) noexcept nogil:
    cdef Py_ssize_t at, left = start, right = middle
    for at in range(start, stop):
        if right == stop or (left < middle and row[left].column <= row[right].column):
            out[at] = row[left]
            left += 1
        else:
            out[at] = row[right]
            right += 1
