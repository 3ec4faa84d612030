"""Which nodes of a tree become leaves. Contract: reference/pruning.py."""

from libc.math cimport frexp, ldexp, rint
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
    """(alpha (N,), path (m, 2)): where each node is cut off, and the (alpha, cost) of every step.

    A cut makes the links above it stronger or leaves them as they are, so they are looked at again only when it is
    their turn; what was cut off below a node is a sum over its numbers, which a Fenwick tree gives: near-linear time.
    """
    cdef Py_ssize_t n = parent.shape[0], i, node
    cdef int64_t[::1] end = np.arange(1, n + 1)  # of the subtree: its nodes are numbered in a row
    cdef double[::1] leaves = np.zeros(n), below = np.zeros(n)
    cdef double[:, ::1] cut = np.zeros((n + 1, 2))  # leaves and costs that were cut off
    cdef double strength, now, lost, removed, total
    alphas = np.full(n, np.inf)
    cdef double[::1] alpha = alphas
    cdef uint8_t[::1] gone = np.zeros(n, np.uint8)
    for i in range(n - 1, -1, -1):
        if leaves[i] == 0:
            leaves[i], below[i], gone[i] = 1, cost[i], True
        if i:
            leaves[parent[i]] += leaves[i]
            below[parent[i]] += below[i]
            end[parent[i]] = max(end[parent[i]], end[i])
    heap = [(_rounded((cost[i] - below[i]) / (leaves[i] - 1)), i) for i in range(n) if not gone[i]]
    heapq.heapify(heap)
    total = below[0]
    path = [(0.0, total)]
    while heap:
        strength, node = heapq.heappop(heap)
        if gone[node]:
            continue
        removed = leaves[node] - 1 - _sum(cut, 0, node, end[node])
        lost = cost[node] - below[node] - _sum(cut, 1, node, end[node])
        now = lost / removed
        if _rounded(now) > strength:
            heapq.heappush(heap, (_rounded(now), node))
            continue
        i = node
        while i < end[node]:
            if gone[i]:
                i = end[i]  # a leaf, or cut off before with all below it
                continue
            gone[i] = True
            alpha[i] = now
            i += 1
        _add(cut, node, removed, lost)
        total += lost
        path.append((now, total))
    return alphas, np.array(path)


cdef double _rounded(double x) noexcept nogil:
    """To 40 binary digits: links that differ by the rounding of sums are equal, and the lowest node is cut first."""
    cdef int exponent = 0
    cdef double digits = frexp(x, &exponent)
    return ldexp(rint(ldexp(digits, 40)), exponent - 40)


cdef void _add(double[:, ::1] cut, Py_ssize_t at, double removed, double lost) noexcept nogil:
    at += 1
    while at < cut.shape[0]:
        cut[at, 0] += removed
        cut[at, 1] += lost
        at += at & -at


cdef double _sum(double[:, ::1] cut, Py_ssize_t k, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """The sum over the nodes begin .. end."""
    cdef double total = 0
    while end > begin:  # down to a common ancestor: nothing that is not inside is added and taken away again
        total += cut[end, k]
        end -= end & -end
    while begin > end:
        total -= cut[begin, k]
        begin -= begin & -begin
    return total


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
