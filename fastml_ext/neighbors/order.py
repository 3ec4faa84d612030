"""Sorting what a search for many neighbours has held: the k nearest, by (distance, index). The order
is that of `nearest` and `within_radius` in reference/search.py.

Searches call it between their own kernels, so that one compiled sort serves all of them.
"""

from fastml_ext.device.sorting import MOST_RANKED, rank_pairs, sort_pairs
from fastml_ext.jit import kernel_exact

__all__ = ["by_query", "sort_each", "write_nearest"]


@kernel_exact
def write_nearest(held, held_indices, counts, rows, reduced, indices):
    """Write into reduced[q] and indices[q], q = rows[lane], the first k of the counts[lane] candidates of each lane.

    held, held_indices (lanes, room): reduced distances and points, sorted here or left as they are | counts (lanes,):
    at least k each, or -1 where the row is written already
    """
    k = reduced.shape[1]
    for lane in range(len(rows)):
        count, q = counts[lane], rows[lane]
        if 0 <= count <= MOST_RANKED:
            rank_pairs(held[lane, :count], held_indices[lane, :count], reduced[q], indices[q])
        elif count >= 0:
            sort_pairs(held[lane, :count], held_indices[lane, :count])
            for j in range(k):  # not by slices: the error that Numba builds in for them takes two seconds to compile
                reduced[q, j], indices[q, j] = held[lane, j], held_indices[lane, j]


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
