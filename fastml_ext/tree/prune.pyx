"""Which nodes of a tree become leaves. Contract: reference.py."""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t

import heapq

import numpy as np

__all__ = ["accumulate", "cheapest_leaves", "first_stop", "weakest_links"]


def accumulate(const int64_t[::1] parent, values):
    """(N, m): for each node the sum of the rows of `values` in its subtree."""
    total = np.array(values, np.float64, order="C")
    cdef double[:, ::1] sums = total
    cdef Py_ssize_t i, j
    with nogil:
        for i in range(parent.shape[0] - 1, 0, -1):
            for j in range(sums.shape[1]):
                sums[parent[i], j] += sums[i, j]
    return total


def cheapest_leaves(const int64_t[::1] parent, const double[::1] cost, double slack):
    """(N,) bool: the nodes that cost no more as leaves than their subtrees, each pruned at its best, do."""
    cdef Py_ssize_t i, n = parent.shape[0]
    cdef double[::1] below = np.zeros(n)
    cdef double best
    stop = np.zeros(n, np.uint8)
    cdef uint8_t[::1] leaf = stop
    cdef uint8_t[::1] inner = np.zeros(n, np.uint8)
    with nogil:
        for i in range(1, n):
            inner[parent[i]] = True
        for i in range(n - 1, -1, -1):
            best = below[i]
            if not inner[i] or cost[i] <= best + slack:
                leaf[i] = True
                best = cost[i]
            if i:
                below[parent[i]] += best
    return stop.view(bool)


def weakest_links(const int64_t[::1] parent, const double[::1] cost):
    """(alpha (N,), path (m, 2)): where each node is cut off, and the (alpha, cost) of every step."""
    cdef Py_ssize_t n = parent.shape[0], i, node, up
    cdef int64_t[::1] end = np.arange(1, n + 1)  # of the subtree: its nodes are numbered in a row
    cdef int64_t[::1] leaves = np.zeros(n, np.int64)
    cdef double[::1] below = np.zeros(n)
    cdef double lost, strength
    alphas = np.full(n, np.inf)
    cdef double[::1] alpha = alphas, current = np.full(n, np.inf)
    for i in range(n - 1, -1, -1):
        if leaves[i] == 0:
            leaves[i], below[i] = 1, cost[i]
        else:
            current[i] = (cost[i] - below[i]) / (leaves[i] - 1)
        if i:
            leaves[parent[i]] += leaves[i]
            below[parent[i]] += below[i]
            end[parent[i]] = max(end[parent[i]], end[i])
    heap = [(current[i], i) for i in range(n) if leaves[i] > 1]
    heapq.heapify(heap)
    path = [(0.0, below[0])]
    while heap:
        strength, node = heapq.heappop(heap)
        if current[node] != strength or leaves[node] == 1:
            continue
        lost, removed = cost[node] - below[node], leaves[node] - 1
        for i in range(node, end[node]):
            if current[i] < INFINITY:
                current[i] = INFINITY
                alpha[i] = strength
        up = node
        while up >= 0:
            leaves[up] -= removed
            below[up] += lost
            if up != node:
                current[up] = (cost[up] - below[up]) / (leaves[up] - 1)
                heapq.heappush(heap, (current[up], up))
            up = parent[up]
        path.append((strength, below[0]))
    return alphas, np.array(path)


def first_stop(const int64_t[::1] parent, const uint8_t[::1] stop):
    """(N,): the first marked node on the way from the root to each node, the node itself where there is none."""
    cdef Py_ssize_t i, n = parent.shape[0]
    first = np.arange(n)
    cdef int64_t[::1] out = first
    with nogil:
        for i in range(1, n):
            if out[parent[i]] != parent[i] or stop[parent[i]]:
                out[i] = out[parent[i]]
    return first
