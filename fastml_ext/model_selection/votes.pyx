"""Neighbours without a fold, and the shares of the votes for many k in one pass. Contract: reference.py."""

from libc.stdint cimport int64_t, uint8_t

import numpy as np


def first_kept(const int64_t[:, ::1] indices,              # (m, K) IN
               const uint8_t[::1] kept,                    # (n,) IN, 1 for the points that may be neighbours
               Py_ssize_t k):
    """((m, k), (m, k)) int64: columns and indices of the first k kept neighbours of each query; -1 where fewer are."""
    cdef Py_ssize_t q, j, found
    columns = np.full((indices.shape[0], k), -1, np.int64)
    nearest = np.full((indices.shape[0], k), -1, np.int64)
    cdef int64_t[:, ::1] column = columns, neighbour = nearest
    with nogil:
        for q in range(indices.shape[0]):
            found = 0
            for j in range(indices.shape[1]):
                if found == k:
                    break
                if kept[indices[q, j]]:
                    column[q, found] = j
                    neighbour[q, found] = indices[q, j]
                    found += 1
    return columns, nearest


def share_path(const int64_t[:, ::1] indices,              # (m, K) IN, nearest first
               const double[:, ::1] weights,               # (m, K) IN, or (0, 0) for one each
               const int64_t[::1] codes,                   # (n,) IN, class of each point
               Py_ssize_t n_classes,
               const int64_t[::1] numbers):                # (p,) IN, ascending, 1 to K
    """(p, m, n_classes) float64: the share of each class in the votes of the first numbers[i] neighbours."""
    cdef Py_ssize_t q, j, c, done
    cdef double weight, total
    cdef bint uniform = weights.shape[0] == 0
    shares = np.zeros((numbers.shape[0], indices.shape[0], n_classes))
    cdef double[:, :, ::1] share = shares
    cdef double[::1] votes = np.zeros(n_classes)
    with nogil:
        for q in range(indices.shape[0]):
            total, done = 0, 0
            for j in range(indices.shape[1]):
                weight = 1.0 if uniform else weights[q, j]
                votes[codes[indices[q, j]]] += weight
                total += weight
                while done < numbers.shape[0] and numbers[done] == j + 1:
                    if total > 0:
                        for c in range(n_classes):
                            share[done, q, c] = votes[c] / total
                    done += 1
            for j in range(indices.shape[1]):
                votes[codes[indices[q, j]]] = 0
    return shares
