"""Columns of Python objects as codes of their distinct values. Contract: reference.py."""

from cpython.dict cimport PyDict_GetItemWithError
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t

import numpy as np

__all__ = ["code_objects"]


def code_objects(values):
    """(codes, distinct values in the order of their first places). Contract: reference.py."""
    codes = np.empty(len(values), np.int64)
    distinct = []
    _code(values.tolist(), codes, {}, distinct)
    return codes, distinct


cdef enum:
    SEEN = 1024  # objects of which it is kept which code they have: columns hold the same few again and again


def _code(list values, int64_t[::1] codes, dict place, list distinct):
    cdef Py_ssize_t i = -1, at
    cdef int64_t nan = -1, code
    cdef PyObject *found
    cdef PyObject *seen[SEEN]
    cdef int64_t kept[SEEN]
    for at in range(SEEN):
        seen[at] = NULL
    for value in values:
        i += 1
        at = (<size_t> <PyObject *> value >> 4) % SEEN
        if seen[at] == <PyObject *> value:
            codes[i] = kept[at]
            continue
        if isinstance(value, float) and value != value:
            if nan < 0:
                nan = len(distinct)
                distinct.append(value)
            code = nan
        else:
            found = PyDict_GetItemWithError(place, value)
            if found is NULL:
                code = len(distinct)
                place[value] = code
                distinct.append(value)
            else:
                code = <object> found
        codes[i], seen[at], kept[at] = code, <PyObject *> value, code
