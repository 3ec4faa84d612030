"""Texts as one array of code points, and the words and n-grams in them. Contract: reference/templates.py."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy

import numpy as np

cdef extern from "Python.h":
    uint32_t* PyUnicode_AsUCS4(object text, uint32_t* buffer, Py_ssize_t room, int copy_null) except NULL
    Py_ssize_t PyUnicode_GetLength(object text) except -1

cdef enum:
    SPACE = 32


def pack(list texts):
    """(chars, starts): text i is chars[starts[i] : starts[i + 1]]; None where one is no string."""
    cdef Py_ssize_t i, at = 0, n = len(texts)
    starts = np.empty(n + 1, np.int64)
    cdef int64_t[::1] start = starts
    for i in range(n):
        if not isinstance(texts[i], str):
            return None
        start[i] = at
        at += PyUnicode_GetLength(texts[i])
    start[n] = at
    chars = np.empty(at, np.uint32)
    cdef uint32_t[::1] char = chars
    for i in range(n):
        if start[i] < start[i + 1]:
            PyUnicode_AsUCS4(texts[i], &char[start[i]], start[i + 1] - start[i], 0)
    return chars, starts


def pages(const uint32_t[::1] chars):
    """(0x1100,) uint8: 1 for each run of 256 code points that one of the characters is in."""
    cdef Py_ssize_t i
    met = np.zeros(0x1100, np.uint8)
    cdef uint8_t[::1] page = met
    with nogil:
        for i in range(chars.shape[0]):
            page[chars[i] >> 8] = 1
    return met


def tokenize(const uint32_t[::1] chars, const int64_t[::1] starts, const uint16_t[::1] marks, int mark, int least):
    """(chars, first, last, rows): the words of each text, each between two spaces."""
    cdef Py_ssize_t i, j, begin, n = starts.shape[0] - 1, at = 0, words = 0, here
    cdef Py_ssize_t total = starts[n] - starts[0]
    spaced = np.empty(total + total // 2 + 2 * n + 1, np.uint32)  # a word and a space at least for two characters
    firsts, lasts = np.empty((2, total // 2 + n + 1), np.int64)
    rows = np.empty(n + 1, np.int64)
    cdef uint32_t[::1] out = spaced
    cdef int64_t[::1] first = firsts, last = lasts, row = rows
    with nogil:
        row[0] = 0
        for i in range(n):
            here, j = words, starts[i]
            while j < starts[i + 1]:
                if not marks[chars[j]] & mark:
                    j += 1
                    continue
                begin = j
                while j < starts[i + 1] and marks[chars[j]] & mark:
                    j += 1
                if j - begin < least:
                    continue
                out[at] = SPACE
                memcpy(&out[at + 1], &chars[begin], (j - begin) * sizeof(uint32_t))
                first[words] = at + 1
                at += 1 + j - begin
                last[words] = at
                words += 1
            if words > here:
                out[at] = SPACE
                at += 1
            row[i + 1] = words
    return spaced[:at], firsts[:words], lasts[:words], rows


def squeeze(const uint32_t[::1] chars, const int64_t[::1] starts, const uint16_t[::1] marks, int mark):
    """(chars, starts) of the texts with each run of two or more marked characters as one space."""
    cdef Py_ssize_t i, j, begin, at = 0, n = starts.shape[0] - 1
    squeezed = np.empty(starts[n] - starts[0], np.uint32)
    moved = np.empty(n + 1, np.int64)
    cdef uint32_t[::1] out = squeezed
    cdef int64_t[::1] move = moved
    with nogil:
        move[0] = 0
        for i in range(n):
            j = starts[i]
            while j < starts[i + 1]:
                begin = j
                while j < starts[i + 1] and marks[chars[j]] & mark:
                    j += 1
                if j - begin >= 2:
                    out[at] = SPACE
                    at += 1
                    continue
                out[at] = chars[begin]
                at += 1
                j = begin + 1
            move[i + 1] = at
    return squeezed[:at], moved


def word_grams(const int64_t[::1] first, const int64_t[::1] last, const int64_t[::1] rows, int low, int high):
    """(begin, end, rows): every run of low to high neighbouring words of a text."""
    cdef Py_ssize_t i, k, j, words, n = rows.shape[0] - 1, at = 0
    counts = np.diff(rows)
    total = sum(int(np.maximum(counts - k + 1, 0).sum()) for k in range(low, high + 1))
    begins, ends = np.empty((2, total), np.int64)
    grams = np.empty(n + 1, np.int64)
    cdef int64_t[::1] begin = begins, end = ends, gram = grams
    with nogil:
        gram[0] = 0
        for i in range(n):
            words = rows[i + 1] - rows[i]
            for k in range(low, min(high, words) + 1):
                for j in range(rows[i], rows[i + 1] - k + 1):
                    begin[at], end[at] = first[j], last[j + k - 1]
                    at += 1
            gram[i + 1] = at
    return begins, ends, grams


def char_grams(const int64_t[::1] first, const int64_t[::1] last, const int64_t[::1] rows, int low, int high,
               bint short):
    """(begin, end, rows): every run of low to high neighbouring characters of a piece."""
    cdef Py_ssize_t i, k, j, p, n = rows.shape[0] - 1, at = 0
    begins, ends = np.empty((2, _how_many(first, last, low, high, short)), np.int64)
    grams = np.empty(n + 1, np.int64)
    cdef int64_t[::1] begin = begins, end = ends, gram = grams
    with nogil:
        gram[0] = 0
        for i in range(n):
            for p in range(rows[i], rows[i + 1]):
                if short and last[p] - first[p] < low:
                    begin[at], end[at] = first[p], last[p]
                    at += 1
                for k in range(low, min(high, last[p] - first[p]) + 1):
                    for j in range(first[p], last[p] - k + 1):
                        begin[at], end[at] = j, j + k
                        at += 1
            gram[i + 1] = at
    return begins, ends, grams


cdef Py_ssize_t _how_many(const int64_t[::1] first, const int64_t[::1] last, int low, int high, bint short) noexcept:
    cdef Py_ssize_t p, k, length, total = 0
    for p in range(first.shape[0]):
        length = last[p] - first[p]
        total += short and length < low
        for k in range(low, min(high, length) + 1):
            total += length - k + 1
    return total


def count_marked(const uint32_t[::1] chars, const int64_t[::1] starts, const uint16_t[::1] marks, int mark):
    """(n,) int64: how many characters of each text are marked."""
    cdef Py_ssize_t i, j, n = starts.shape[0] - 1
    cdef int64_t count
    counts = np.empty(n, np.int64)
    cdef int64_t[::1] out = counts
    with nogil:
        for i in range(n):
            count = 0
            for j in range(starts[i], starts[i + 1]):
                count += (marks[chars[j]] & mark) != 0
            out[i] = count
    return counts


def count_text(const uint32_t[::1] chars, const int64_t[::1] starts, const uint32_t[::1] wanted):
    """(n,) int64: how often `wanted` stands in each text, counted from the left, none overlapping another."""
    cdef Py_ssize_t i, j, length = wanted.shape[0], n = starts.shape[0] - 1
    cdef int64_t count
    counts = np.empty(n, np.int64)
    cdef int64_t[::1] out = counts
    with nogil:
        for i in range(n):
            count, j = 0, starts[i]
            while j <= starts[i + 1] - length:
                if chars[j] == wanted[0] and not memcmp(&chars[j], &wanted[0], length * sizeof(uint32_t)):
                    count += 1
                    j += length
                else:
                    j += 1
            out[i] = count
    return counts
