"""Votes of the first k neighbours for many k in one pass, and neighbours without a fold. Contract: reference.py."""

from libc.stdint cimport int64_t, uint8_t

import numpy as np


def first_kept(const int64_t[:, ::1] indices,              # (m, K) IN
               const uint8_t[::1] kept,                    # (n,) IN, 1 for the points that may be neighbours
               Py_ssize_t k):
    """((m, k) int64, (m, k) int64): the columns of the first k kept neighbours of each query, and their indices; or -1."""
    cdef Py_ssize_t q, j, found
    columns = np.full((indices.shape[0], k), -1, np.int64)
    nearest = np.full((indices.shape[0], k), -1, np.int64)
    cdef int64_t[:, ::1] column = columns, near = nearest
    with nogil:
        for q in range(indices.shape[0]):
            found = 0
            for j in range(indices.shape[1]):
                if found == k:
                    break
                if kept[indices[q, j]]:
                    column[q, found] = j
                    near[q, found] = indices[q, j]
                    found += 1
    return columns, nearest


def vote_path(const int64_t[:, ::1] codes,                 # (m, K) IN, class of each neighbour, nearest first
              const double[:, ::1] weights,                # (m, K) IN, or (0, 0) for one each
              Py_ssize_t n_classes,
              const int64_t[::1] ks):                      # (p,) IN, ascending, 1 to K
    """(p, m) int64: the class that wins among the first k neighbours of each query, for every k of `ks`."""
    cdef Py_ssize_t q, j, at
    cdef int64_t code, best
    cdef bint uniform = weights.shape[0] == 0
    winners = np.empty((ks.shape[0], codes.shape[0]), np.int64)
    cdef int64_t[:, ::1] winner = winners
    cdef double[::1] votes = np.zeros(n_classes)
    with nogil:
        for q in range(codes.shape[0]):
            best, at = codes[q, 0], 0
            for j in range(codes.shape[1]):
                code = codes[q, j]
                votes[code] += 1.0 if uniform else weights[q, j]
                if votes[code] > votes[best] or (votes[code] == votes[best] and code < best):
                    best = code                            # no other class has gained a vote
                while at < ks.shape[0] and ks[at] == j + 1:
                    winner[at, q] = best
                    at += 1
            for j in range(codes.shape[1]):
                votes[codes[q, j]] = 0
    return winners


def share_path(const int64_t[:, ::1] codes, const double[:, ::1] weights, Py_ssize_t n_classes, const int64_t[::1] ks):
    """(p, m, n_classes) float64: the share of the votes of the first k neighbours that each class has; as `vote_path`."""
    cdef Py_ssize_t q, j, c, at
    cdef double weight, total
    cdef bint uniform = weights.shape[0] == 0
    shares = np.empty((ks.shape[0], codes.shape[0], n_classes))
    cdef double[:, :, ::1] share = shares
    cdef double[::1] votes = np.zeros(n_classes)
    with nogil:
        for q in range(codes.shape[0]):
            total, at = 0, 0
            for j in range(codes.shape[1]):
                weight = 1.0 if uniform else weights[q, j]
                votes[codes[q, j]] += weight
                total += weight
                while at < ks.shape[0] and ks[at] == j + 1:
                    for c in range(n_classes):
                        share[at, q, c] = votes[c] / total
                    at += 1
            for j in range(codes.shape[1]):
                votes[codes[q, j]] = 0
    return shares
