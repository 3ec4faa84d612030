"""Columns of a table that is read a piece at a time: their distinct values, digits of their order, and codes.

A number is told by its key, an unsigned integer in the order of the numbers. Contract: reference/counting.py.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

import numpy as np

from fastml_ext.tree.keys cimport key_of

from fastml_ext import pool

__all__ = ["add_distinct", "code_values", "count_digits", "keys_of_prefixes"]

ctypedef fused real:
    float
    double

ctypedef fused code_t:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    FIRST = 1024  # places of a set to begin with
    HEADS = 11  # bits of a key by which the prefixes wanted are found
    SPARE = 1  # bits by which buckets outnumber keys: most have one at most
    LEAST = 16  # bits of buckets: of floats, most buckets are of numbers near 0, and few hold all others

COST = 6.0  # ns a value


cdef struct Keys:  # a set
    uint64_t* places  # 0 where there is none: the key of no number
    uint64_t size  # a power of two
    int64_t used


cdef inline uint64_t _key(real value) noexcept nogil:
    if real is float:
        return key_of[float, uint32_t](value, 0)
    else:
        return key_of[double, uint64_t](value, 0)


cdef inline bint _put(Keys* keys, uint64_t key) noexcept nogil:
    """Whether the key is a new one."""
    cdef uint64_t at = (key * <uint64_t> 0x9E3779B97F4A7C15) >> 32 & (keys.size - 1)
    while keys.places[at]:
        if keys.places[at] == key:
            return False
        at = (at + 1) & (keys.size - 1)
    keys.places[at] = key
    keys.used += 1
    return True


cdef bint _widen(Keys* keys) noexcept nogil:
    """Four times as many places; False where there is no memory."""
    cdef Keys wide
    cdef uint64_t i
    wide.size, wide.used = 4 * keys.size, 0
    wide.places = <uint64_t*> calloc(wide.size, sizeof(uint64_t))
    if wide.places == NULL:
        return False
    for i in range(keys.size):
        if keys.places[i]:
            _put(&wide, keys.places[i])
    free(keys.places)
    keys[0] = wide
    return True


def add_distinct(X, known, most, n_jobs=None):
    """The keys of the distinct values of columns, with those known before. Contract: reference/counting.py."""
    parts = pool.run(_distinct_columns, len(known), X, known, most, cost=COST * len(X), n_jobs=n_jobs)
    return [keys for part in parts for keys in part]


def _distinct_columns(start, stop, X, known, most):
    return [None if known[j] is None else _distinct(X[:, j], known[j], most) for j in range(start, stop)]


def _distinct(const real[:] x, const uint64_t[::1] known, int64_t most):
    cdef Keys keys
    cdef Py_ssize_t i, n = x.shape[0]
    cdef bint few = True, memory = True
    cdef uint64_t last = 0, key
    keys.size, keys.used = FIRST, 0
    while keys.size < 2 * <uint64_t> known.shape[0]:
        keys.size *= 4
    keys.places = <uint64_t*> calloc(keys.size, sizeof(uint64_t))
    memory = keys.places != NULL
    with nogil:
        for i in range(known.shape[0] if memory else 0):
            _put(&keys, known[i])
        for i in range(n if memory else 0):
            if x[i] != x[i]:
                continue
            key = _key(x[i])
            if key == last:
                continue
            last = key
            if _put(&keys, key) and 2 * keys.used > <int64_t> keys.size:
                few = keys.used <= most
                memory = not few or _widen(&keys)
                if not few or not memory:
                    break
    try:
        if not memory:
            raise MemoryError
        if not few or keys.used > most:
            return None
        return np.asarray(known) if keys.used == known.shape[0] else _listed(&keys)
    finally:
        free(keys.places)


cdef _listed(const Keys* keys):
    found = np.empty(keys.used, np.uint64)
    cdef uint64_t[::1] out = found
    cdef uint64_t i
    cdef Py_ssize_t n = 0
    for i in range(keys.size):
        if keys.places[i]:
            out[n] = keys.places[i]
            n += 1
    found.sort()
    return found


# ------------------------------------------------------------------------------------------------ digits


def count_digits(X, prefixes, shift, bits, counts, n_jobs=None):
    """Count the next digit of the keys that have one of the prefixes. Contract: reference/counting.py."""
    pool.run(_count_columns, len(prefixes), X, prefixes, shift, bits, counts, cost=COST * len(X), n_jobs=n_jobs)


def _count_columns(start, stop, X, prefixes, shift, bits, counts):
    for j in range(start, stop):
        if len(prefixes[j]):
            _count_digits(X[:, j], prefixes[j], 8 * X.dtype.itemsize - shift - bits, shift, bits, counts[j])


def _count_digits(const real[:] x, const uint64_t[::1] prefixes, int length, int shift, int bits,
                  int64_t[:, ::1] counts):
    """length: bits of a prefix"""
    cdef uint64_t key, mask = (<uint64_t> 1 << bits) - 1
    cdef const int64_t[::1] begin = _heads(prefixes, length)
    cdef Py_ssize_t i, at
    with nogil:
        for i in range(x.shape[0]):
            if x[i] != x[i]:
                continue
            key = _key(x[i])
            at = _find(prefixes, begin, key >> (shift + bits) if length else 0, length)
            if at >= 0:
                counts[at, (key >> shift) & mask] += 1


def _heads(prefixes, int length):
    """Of each head of a prefix of so many bits, the first prefix that has it or a higher one."""
    heads = min(HEADS, length)
    every = np.arange(2**heads + 1, dtype=np.uint64)
    return np.searchsorted(np.asarray(prefixes) >> np.uint64(length - heads), every).astype(np.int64)


cdef inline Py_ssize_t _find(const uint64_t[::1] prefixes, const int64_t[::1] begin, uint64_t prefix,
                             int length) noexcept nogil:
    """The place of a prefix, or -1."""
    cdef uint64_t head = prefix >> (length - min(HEADS, length))
    cdef Py_ssize_t low = begin[head], end = begin[head + 1], high = end, middle
    while low < high:
        middle = (low + high) >> 1
        if prefixes[middle] < prefix:
            low = middle + 1
        else:
            high = middle
    return low if low < end and prefixes[low] == prefix else -1


def keys_of_prefixes(X, prefixes, shift, n_jobs=None):
    """The keys that have one of the prefixes. Contract: reference/counting.py."""
    parts = pool.run(_keys_of_columns, len(prefixes), X, prefixes, shift, cost=COST * len(X), n_jobs=n_jobs)
    return [keys for part in parts for keys in part]


def _keys_of_columns(start, stop, X, prefixes, shift):
    return [_keys_with(X[:, j], prefixes[j], 8 * X.dtype.itemsize - shift, shift) for j in range(start, stop)]


def _keys_with(const real[:] x, const uint64_t[::1] prefixes, int length, int shift):
    cdef const int64_t[::1] begin = _heads(prefixes, length)
    cdef Py_ssize_t i, n = 0
    cdef uint64_t key
    found = np.empty(x.shape[0], np.uint64)
    cdef uint64_t[::1] out = found
    with nogil:
        for i in range(x.shape[0]):
            if x[i] != x[i]:
                continue
            key = _key(x[i])
            if _find(prefixes, begin, key >> shift, length) >= 0:
                out[n] = key
                n += 1
    return found[:n].copy()


# ------------------------------------------------------------------------------------------------ codes


def code_values(X, keys, whole, codes, n_jobs=None):
    """Codes of values by their keys' places. Contract: reference/counting.py."""
    pool.run(_code_columns, len(keys), X, keys, whole, codes, found := [-1] * len(keys),
             cost=COST * len(X), n_jobs=n_jobs)
    return found


def _code_columns(start, stop, X, keys, whole, codes, found):
    for j in range(start, stop):
        found[j] = _code_column(X[:, j], keys[j], whole[j], codes[j])


def _code_column(const real[:] x, const uint64_t[::1] keys, bint whole, code_t[::1] codes):
    """The first row whose value has no key of its own, where all must have one; else -1."""
    cdef Py_ssize_t i, low, high, middle, n = keys.shape[0], strange = -1
    cdef uint64_t key, first = keys[0] if n else 0, last = keys[n - 1] if n else 0, at
    cdef code_t missing = <code_t> (n if whole else n + 1)
    cdef int shift = 0, bits = LEAST
    while n >> (bits - SPARE):
        bits += 1
    while (last - first) >> shift >> bits:
        shift += 1
    cdef uint32_t[::1] begin = np.empty(((last - first) >> shift) + 2, np.uint32)  # of each bucket, its first key
    with nogil:
        at = 0
        for i in range(n):
            while at <= (keys[i] - first) >> shift:
                begin[at] = <uint32_t> i
                at += 1
        for at in range(at, <uint64_t> begin.shape[0]):
            begin[at] = <uint32_t> n
        for i in range(x.shape[0]):
            if x[i] != x[i]:
                codes[i] = missing
                continue
            key = _key(x[i])
            if key <= first or key > last:
                low = 0 if key <= first and n else n
            else:
                at = (key - first) >> shift
                low, high = begin[at], begin[at + 1]
                while low < high:
                    middle = (low + high) >> 1
                    if keys[middle] < key:
                        low = middle + 1
                    else:
                        high = middle
            codes[i] = <code_t> low
            if whole and strange < 0 and (low == n or keys[low] != key):
                strange = i
    return strange
