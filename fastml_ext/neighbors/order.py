"""Sorting what a search for many neighbours has held: the k nearest, by (distance, index). Contract: reference.py.

Searches call it between their own kernels, so that one compiled sort serves all of them.
"""

from fastml_ext.jit import kernel_exact

__all__ = ["by_query", "sort_each", "write_nearest"]

MOST_RANKED = 256  # candidates that are sorted by counting, for each, those before it


@kernel_exact
def write_nearest(near, who, counts, rows, reduced, indices):
    """Write into reduced[q] and indices[q], q = rows[lane], the first k of the counts[lane] candidates of each lane.

    near, who (lanes, room): reduced distances and points, sorted here or left as they are | counts (lanes,): at least
    k each, or -1 where the row is written already
    """
    k = reduced.shape[1]
    for lane in range(len(rows)):
        count, q = counts[lane], rows[lane]
        if 0 <= count <= MOST_RANKED:
            rank_pairs(near[lane, :count], who[lane, :count], reduced[q], indices[q])
        elif count >= 0:
            sort_pairs(near[lane, :count], who[lane, :count])
            for j in range(k):  # not by slices: the error that Numba builds in for them takes two seconds to compile
                reduced[q, j], indices[q, j] = near[lane, j], who[lane, j]


@kernel_exact
def rank_pairs(near, who, reduced, indices):
    """Write each pair to the place that is the number of those before it: quadratic, but without a branch."""
    for a in range(len(near)):
        s, i, before = near[a], who[a], 0
        for b in range(len(near)):
            before += 1 if (near[b] < s) | ((near[b] == s) & (who[b] < i)) else 0
        if before < len(reduced):
            reduced[before], indices[before] = s, i


@kernel_exact
def sort_pairs(near, who):
    """Heap sort: needs no room and is never quadratic."""
    n = len(near)
    for end in range(n + n // 2 - 1, 0, -1):
        parent, size = end - n, n  # first build the heap from its last parent, then take the greatest off it
        if parent < 0:
            near[0], near[end] = near[end], near[0]
            who[0], who[end] = who[end], who[0]
            parent, size = 0, end
        s, i, child = near[parent], who[parent], 2 * parent + 1
        while child < size:
            if child + 1 < size and later(near[child + 1], who[child + 1], near[child], who[child]):
                child += 1
            if not later(near[child], who[child], s, i):
                break
            near[parent], who[parent] = near[child], who[child]
            parent, child = child, 2 * child + 1
        near[parent], who[parent] = s, i


@kernel_exact
def by_query(queries, indices, reduced, places, sorted_indices, sorted_reduced):
    """Write what was found, in any order, query by query: that of q from places[q] on, which moves behind it."""
    for t in range(len(queries)):
        at = places[queries[t]]
        sorted_indices[at], sorted_reduced[at] = indices[t], reduced[t]
        places[queries[t]] = at + 1


@kernel_exact
def sort_each(start, stop, starts, reduced, indices):
    """Sort the neighbours starts[q] to starts[q + 1] of each query by (distance, index), in place."""
    for q in range(start, stop):
        sort_pairs(reduced[starts[q] : starts[q + 1]], indices[starts[q] : starts[q + 1]])


@kernel_exact
def later(s, i, t, j):
    return s > t or (s == t and i > j)
