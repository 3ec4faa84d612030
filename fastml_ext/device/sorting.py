"""Pairs of a distance and an index: put in their place, ranked, sorted, and the k-th of many values.

Pairs are ordered by (distance, index). All of it compares and moves: nothing is rounded.
"""

from fastml_ext.jit import kernel_exact

__all__ = ["MOST_RANKED", "at_least", "at_most", "insert", "later", "rank_pairs", "sort_pairs"]

MOST_RANKED = 256  # pairs up to which ranking is quicker than sorting


@kernel_exact
def later(s, i, t, j):
    """Whether (s, i) comes after (t, j)."""
    return s > t or (s == t and i > j)


@kernel_exact
def insert(s, i, distances, indices):
    """Put (s, i) in its place among sorted pairs; the last one drops out. An index below 0 is an empty place."""
    at = len(distances) - 1
    while at > 0 and (indices[at - 1] < 0 or s < distances[at - 1] or (s == distances[at - 1] and i < indices[at - 1])):
        distances[at], indices[at] = distances[at - 1], indices[at - 1]
        at -= 1
    distances[at], indices[at] = s, i


@kernel_exact
def rank_pairs(distances, indices, sorted_distances, sorted_indices):
    """Write the first pairs in order: each to the number of those before it. Quadratic, but without a branch."""
    for a in range(len(distances)):
        s, i, before = distances[a], indices[a], 0
        for b in range(len(distances)):
            before += 1 if (distances[b] < s) | ((distances[b] == s) & (indices[b] < i)) else 0
        if before < len(sorted_distances):
            sorted_distances[before], sorted_indices[before] = s, i


@kernel_exact
def sort_pairs(distances, indices):
    """Sort pairs in place by heap sort, which needs no memory and is never quadratic."""
    n = len(distances)
    for end in range(n + n // 2 - 1, 0, -1):
        parent, size = end - n, n  # first build the heap from its last parent, then take the greatest off it
        if parent < 0:
            distances[0], distances[end] = distances[end], distances[0]
            indices[0], indices[end] = indices[end], indices[0]
            parent, size = 0, end
        s, i, child = distances[parent], indices[parent], 2 * parent + 1
        while child < size:
            if child + 1 < size and later(distances[child + 1], indices[child + 1], distances[child], indices[child]):
                child += 1
            if not later(distances[child], indices[child], s, i):
                break
            distances[parent], indices[parent] = distances[child], indices[child]
            parent, child = child, 2 * child + 1
        distances[parent], indices[parent] = s, i


@kernel_exact
def at_most(values, k):
    """A number that k or a few more of the values do not exceed, by halving what lies between 0 and the greatest."""
    low, high = values.dtype.type(0), values[0]
    for value in values:
        high = max(high, value)
    for _ in range(30):
        middle = low + (high - low) / values.dtype.type(2)
        reached = 0
        for i in range(len(values)):
            reached += 1 if values[i] <= middle else 0
        if reached < k:
            low = middle
        else:
            high = middle
            if reached <= k + k // 16:
                break
    return high


@kernel_exact
def at_least(values, k, low, high):
    """A number that k or a few more of the values reach, by halving what lies between two numbers.

    low: a number that k of them reach | high: about the greatest
    """
    for _ in range(30):
        middle = low + (high - low) / values.dtype.type(2)
        reached = 0
        for i in range(len(values)):
            reached += 1 if values[i] >= middle else 0
        if reached < k:
            high = middle
        else:
            low = middle
            if reached <= k + k // 8:
                break
    return low
