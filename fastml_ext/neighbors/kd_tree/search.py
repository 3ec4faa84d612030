"""Walking the tree: the kernels of the searches, and the helpers they inline. Contract: reference/trees.py.

Which nodes may be skipped. Along the way to a node, every column has a gap: how far the query lies from the
nearest value the node's points have in it, or 0. A point's difference from the query is no smaller than the gap,
before rounding and, since rounding is monotone, after it; and so are its square, and the sum over the columns in the
same order. So a bound summed by the operations that sum a distance is never above the distance, to the last bit, and
a node may be skipped where its bound is greater than the distance of the k-th neighbour found so far. Where they are
equal, it may be skipped only if all its points have higher indices. Two cases need room for rounding, `shrink`:
- more than 8 columns, where the bound is not summed anew at each node but corrected by one term. With u the rounding
  unit, each of at most 64 corrections errs by at most 2u of the bound, the first sum by d u, and the distance by d u.
- powers, which err by up to an ulp each, and are not monotone.
"""

import functools
from typing import NamedTuple

import numpy as np

from fastml_ext.device.sorting import MOST_RANKED, at_most, rank_pairs, sort_pairs
from fastml_ext.device.vectors import WEIGHTED, keep_nearest, leaf_distances, lowest_bit
from fastml_ext.jit import kernel_exact
from fastml_ext.neighbors.metrics import CHEBYSHEV, EUCLIDEAN, MINKOWSKI

__all__ = [
    "BY_DISTANCE",
    "BY_INDEX",
    "COUNT",
    "EUCLIDEAN",
    "WEIGHTED",
    "Wanted",
    "limits",
    "nearest_kernel",
    "within_kernel",
]

COUNT, BY_DISTANCE, BY_INDEX = range(3)  # what a search within a radius does with the points: order them by...


class Wanted(NamedTuple):
    """Which points a query may find."""

    limit: np.ndarray  # (m,), or (1,) for all: the greatest reduced distance
    exclude: np.ndarray  # (m,), or (0,) for none: a point left out
    after: np.ndarray  # (m,), or (0,) for none: only points of higher index
    allowed: np.ndarray  # (n,) bool, or (0,) for all


@kernel_exact
def term(t, weight, p, metric):
    """What a difference t >= 0 in a column adds to a reduced distance."""
    if metric % WEIGHTED == EUCLIDEAN:
        t = t * t
    elif metric % WEIGHTED == MINKOWSKI:
        t = t**p
    return weight * t if metric >= WEIGHTED else t


@kernel_exact
def root(s, inverse, metric):
    """The distance of a reduced distance s; inverse: 1 / p."""
    if metric % WEIGHTED == EUCLIDEAN:
        return np.sqrt(s)
    return s**inverse if metric % WEIGHTED == MINKOWSKI else s


@kernel_exact
def limits(start, stop, radius, p, metric, limit):
    """The greatest reduced distance whose distance is not above the radius."""
    zero, infinite, inverse = radius.dtype.type(0), radius.dtype.type(np.inf), radius.dtype.type(1) / p
    for q in range(start, stop):
        r = radius[q]
        s = term(r, r, p, metric % WEIGHTED)
        while root(s, inverse, metric) > r:
            s = np.nextafter(s, zero)
        while s < infinite and root(np.nextafter(s, infinite), inverse, metric) <= r:
            s = np.nextafter(s, infinite)
        limit[q] = s


class Walk(NamedTuple):
    """Where a search stands: a stack of the nodes put off, and the siblings that lie along the way up to the root."""

    gaps: np.ndarray  # (d,) of the present node
    outside: np.ndarray  # (d,) of the root
    stack: np.ndarray  # (64, 3) node, first leaf, leaves
    stack_bounds: np.ndarray  # (64,)
    stack_gaps: np.ndarray  # (64, d)
    path: np.ndarray  # (64, 4) node, first leaf, leaves, column of the split; from the root down
    path_edges: np.ndarray  # (64,) where the sibling begins


@kernel_exact
def new_walk(d, row):
    """A walk that has not begun; row (d,) of the queries' dtype."""
    dtype = row.dtype
    stack, path = np.empty((64, 3), np.int64), np.empty((64, 4), np.int64)
    gaps, outside, put_off = np.empty(d, dtype), np.empty(d, dtype), np.empty((64, d), dtype)
    return Walk(gaps, outside, stack, np.empty(64, dtype), put_off, path, np.empty(64, dtype))


@kernel_exact
def find_path(tree, home, walk):
    """Write the siblings of a leaf and of its ancestors: their number."""
    path, edges = walk.path, walk.path_edges
    node, leaf, size, depth = 0, 0, len(tree.index), 0
    while size > 1:
        left = (size + 1) >> 1
        path[depth, 3] = tree.column[node]
        if home < leaf + left:
            path[depth, 0], path[depth, 1], path[depth, 2] = node + left, leaf + left, size - left
            edges[depth] = tree.edges[node, 1]
            node, size = node + 1, left
        else:
            path[depth, 0], path[depth, 1], path[depth, 2] = node + 1, leaf, left
            edges[depth] = tree.edges[node, 0]
            node, leaf, size = node + left, leaf + left, size - left
        depth += 1
    return depth


@kernel_exact
def enter(tree, walk, x):
    """Write how far x lies outside the box of all points: whether it lies inside."""
    inside = True
    for c in range(len(x)):
        walk.outside[c] = max(max(tree.box[0, c] - x[c], x[c] - tree.box[1, c]), x.dtype.type(0))
        inside &= walk.outside[c] == 0
    return inside


@kernel_exact
def moved(bound, gaps, c, gap, tree, p, D, metric):
    """The bound of a node that has this gap in column c and is otherwise like the one with `bound` and `gaps`."""
    if metric == CHEBYSHEV:
        return max(bound, gap)
    if D == 0:
        return bound + (term(gap, tree.weights[c], p, metric) - term(gaps[c], tree.weights[c], p, metric))
    total = gaps.dtype.type(0)  # not 0: a float32 bound must be rounded like a float32 distance
    for j in range(D):
        total += term(gap if j == c else gaps[j], tree.weights[j], p, metric)
    return total


@kernel_exact
def skipped(bound, worst, last, tree, place, masked):
    """May a node be skipped whose points are at least at `bound`? place: its number among nodes and leaves."""
    if bound > worst:
        return True
    if not (bound == worst or masked):
        return False
    low = tree.lowest[place]
    return low == tree.nobody or (bound == worst and low > last)


@kernel_exact
def permitted(found, index, skip, allowed, nobody):
    """The bits of the points in a leaf that are found and may be."""
    left = found
    while left:
        j = lowest_bit(left)
        left &= left - np.uint64(1)
        i = np.int64(index[j])
        if i == skip or (len(allowed) > 0 and (i == nobody or not allowed[i])):
            found ^= np.uint64(1) << np.uint64(j)
    return found


@kernel_exact
def descend(tree, walk, x, node, leaf, size, bound, depth, worst, shrink, D, metric):
    """Go down to the leaf on the side of x, putting off the other sides: (leaf, depth of the stack)."""
    p = x.dtype.type(tree.p)
    while size > 1:
        c = np.int64(tree.column[node])
        left = (size + 1) >> 1
        if not x[c] > tree.edges[node, 0]:  # to the left among equal points: they have the lower indices
            gap = tree.edges[node, 1] - x[c]
            far, far_leaf, far_size = node + left, leaf + left, size - left
            node, size = node + 1, left
        else:
            gap = x[c] - tree.edges[node, 0]
            far, far_leaf, far_size = node + 1, leaf, left
            node, leaf, size = node + left, leaf + left, size - left
        far_bound = moved(bound, walk.gaps, c, gap, tree, p, D, metric)
        if not far_bound * shrink > worst:
            walk.stack[depth, 0], walk.stack[depth, 1], walk.stack[depth, 2] = far, far_leaf, far_size
            walk.stack_bounds[depth] = far_bound
            for j in range(D or len(x)):
                walk.stack_gaps[depth, j] = gap if j == c else walk.gaps[j]
            depth += 1
    return leaf, depth


@functools.cache
def nearest_kernel(D, METRIC, LEAF, LANES):
    """The kernel for D columns (0: any number), a metric, a size of leaves, and up to LANES neighbours (0: any)."""

    @kernel_exact
    def nearest(start, stop, tree, Q, home, order, wanted, distances, indices):
        d, k = D or Q.shape[1], distances.shape[1]
        zero, one, p = Q.dtype.type(0), Q.dtype.type(1), Q.dtype.type(tree.p)
        exact = D > 0 and METRIC % WEIGHTED != MINKOWSKI
        shrink = one if exact else Q.dtype.type(tree.shrink)
        nobody, points = tree.nobody, (tree.leaves, tree.weights, tree.p)
        masked, excluding, limited = len(wanted.allowed) > 0, len(wanted.exclude) > 0, len(wanted.limit) > 1
        # Many neighbours are held as they come, and parted and sorted now and then: there is room for two leaves more.
        most = k + max(k // 4, LEAF)
        buffer, room = np.empty(LEAF, Q.dtype), LANES or most + LEAF
        held, held_indices = np.empty(room, Q.dtype), np.empty(room, np.int64)
        held[:], held_indices[:] = -np.inf, -1  # np.full takes longer to compile
        nearest_held, nearest_indices = (held, held_indices) if LANES else (np.empty(k, Q.dtype), np.empty(k, np.int64))
        walk, at_home, ancestors = new_walk(d, Q[0]), np.int64(-1), np.int64(0)
        rows = np.empty((stop - start, d), Q.dtype)
        for at in range(start, stop):
            for c in range(d):
                rows[at - start, c] = Q[order[at], c]
        for at in range(start, stop):
            q, x = order[at], rows[at - start]
            if home[q] != at_home:
                at_home = home[q]
                ancestors = find_path(tree, at_home, walk)
            skip = wanted.exclude[q] if excluding else -1
            worst, last = wanted.limit[q if limited else 0], nobody
            count = 0
            if LANES:
                for j in range(room - k, room):  # places before these hold what comes before every point
                    held[j], held_indices[j] = worst, nobody
            inside = enter(tree, walk, x)
            base = moved(zero, walk.outside, np.int64(0), walk.outside[0], tree, p, d, METRIC)
            node, leaf, size, bound = np.int64(0), at_home, np.int64(1), zero  # typed, or Numba compiles all twice
            depth, level = np.int64(0), ancestors
            while True:
                leaf, depth = descend(tree, walk, x, node, leaf, size, bound, depth, worst, shrink, D, METRIC)
                found = leaf_distances(points, leaf, rows, at - start, d, LEAF, METRIC, worst, buffer)
                if excluding or masked:
                    found = permitted(found, tree.index[leaf], skip, wanted.allowed, nobody)
                if LANES:
                    keep_nearest(held, held_indices, found, buffer, tree.index, leaf, LANES)
                    worst, last = held[room - 1], held_indices[room - 1]
                else:
                    count = hold(held, held_indices, count, found, buffer, tree.index[leaf], nobody)
                    if count > most or (count >= k and worst == np.inf):
                        count, worst, last = tighten(held, held_indices, count, k, most, last)
                more = False
                while depth > 0 and not more:
                    depth -= 1
                    bound = walk.stack_bounds[depth]
                    node, leaf, size = walk.stack[depth, 0], walk.stack[depth, 1], walk.stack[depth, 2]
                    more = not skipped(bound * shrink, worst, last, tree, node + leaf, masked)
                    if more:
                        for c in range(d):
                            walk.gaps[c] = walk.stack_gaps[depth, c]
                while level > 0 and not more:
                    level -= 1
                    c = walk.path[level, 3]
                    gap = abs(x[c] - walk.path_edges[level])
                    bound = term(gap, tree.weights[c], p, METRIC)
                    if not bound * shrink > worst:
                        if not inside:
                            bound = moved(base, walk.outside, c, gap, tree, p, D, METRIC)
                        node, leaf, size = walk.path[level, 0], walk.path[level, 1], walk.path[level, 2]
                        more = not skipped(bound * shrink, worst, last, tree, node + leaf, masked)
                        if more:
                            for j in range(d):
                                walk.gaps[j] = gap if j == c else walk.outside[j]
                if not more:
                    break
            if not LANES:
                write_sorted(held[:count], held_indices[:count], nearest_held, nearest_indices, nobody)
            for j in range(k):
                at_j = room - k + j if LANES else j
                s, i = nearest_held[at_j], nearest_indices[at_j]
                distances[q, j] = root(s, one / p, METRIC) if i < nobody else np.inf
                indices[q, j] = i if i < nobody else -1

    return nearest


@kernel_exact
def hold(held, held_indices, count, found, distances, index, nobody):
    """Add the points of a leaf that are found to `count` of them."""
    while found:
        j = lowest_bit(found)
        found &= found - np.uint64(1)
        held[count], held_indices[count] = distances[j], np.int64(index[j])
        count += 1 if index[j] != nobody else 0
    return count


@kernel_exact
def write_sorted(reduced, indices, sorted_reduced, sorted_indices, nobody):
    """Write the first by (distance, index), and `nobody` where there are too few."""
    k = len(sorted_reduced)
    if len(reduced) > MOST_RANKED:
        sort_pairs(reduced, indices)
        for j in range(min(k, len(reduced))):
            sorted_reduced[j], sorted_indices[j] = reduced[j], indices[j]
    else:
        rank_pairs(reduced, indices, sorted_reduced, sorted_indices)
    for j in range(len(reduced), k):
        sorted_indices[j] = nobody


@kernel_exact
def tighten(reduced, indices, count, k, most, last):
    """Drop points that k others are nearer than: (how many are left, the greatest distance of interest, `last`)."""
    worst = at_most(reduced[:count], k)
    left = 0
    for j in range(count):
        reduced[left], indices[left] = reduced[j], indices[j]
        left += 1 if reduced[j] <= worst else 0
    if left <= most - (most - k) // 2:
        return left, worst, last
    sort_pairs(reduced[:left], indices[:left])  # too many at nearly one distance: only their order tells who is nearer
    return k, reduced[k - 1], indices[k - 1]


@functools.cache
def within_kernel(D, METRIC, LEAF):
    """The kernel for D columns (0: any number), a metric and a size of leaves; `fill`: COUNT, BY_DISTANCE, BY_INDEX."""

    @kernel_exact
    def within(start, stop, tree, Q, home, order, wanted, fill, indptr, indices, distances):
        d = D or Q.shape[1]
        zero, one, p = Q.dtype.type(0), Q.dtype.type(1), Q.dtype.type(tree.p)
        exact = D > 0 and METRIC % WEIGHTED != MINKOWSKI
        shrink = one if exact else Q.dtype.type(tree.shrink)
        nobody, points = tree.nobody, (tree.leaves, tree.weights, tree.p)
        masked, limited = len(wanted.allowed) > 0, len(wanted.limit) > 1
        buffer, walk = np.empty(LEAF, Q.dtype), new_walk(d, Q[0])
        for at in range(start, stop):
            q = order[at]
            x = Q[q]
            skip = wanted.exclude[q] if len(wanted.exclude) > 0 else -1
            after = wanted.after[q] if len(wanted.after) > 0 else -1
            limit = wanted.limit[q if limited else 0]
            enter(tree, walk, x)
            for c in range(d):
                walk.gaps[c] = walk.outside[c]
            bound = moved(zero, walk.outside, np.int64(0), walk.outside[0], tree, p, d, METRIC)
            node, leaf, size, depth, count = np.int64(0), np.int64(0), len(tree.index), np.int64(0), 0
            more = not skipped(bound * shrink, limit, nobody, tree, node + leaf, masked)
            while more:
                leaf, depth = descend(tree, walk, x, node, leaf, size, bound, depth, limit, shrink, D, METRIC)
                found = leaf_distances(points, leaf, Q, q, d, LEAF, METRIC, limit, buffer)
                while found:
                    j = lowest_bit(found)
                    found &= found - np.uint64(1)
                    i = np.int64(tree.index[leaf, j])
                    if i in (nobody, skip) or i <= after or (masked and not wanted.allowed[i]):
                        continue
                    if fill != COUNT:
                        indices[indptr[q] + count] = i
                        distances[indptr[q] + count] = buffer[j] if fill == BY_DISTANCE else zero
                    count += 1
                more = False
                while depth > 0 and not more:
                    depth -= 1
                    bound = walk.stack_bounds[depth]
                    node, leaf, size = walk.stack[depth, 0], walk.stack[depth, 1], walk.stack[depth, 2]
                    more = not skipped(bound * shrink, limit, nobody, tree, node + leaf, masked)
                    if more:
                        for c in range(d):
                            walk.gaps[c] = walk.stack_gaps[depth, c]
            if fill != COUNT:
                own = slice(indptr[q], indptr[q + 1])
                sort_pairs(distances[own], indices[own])
                for j in range(indptr[q], indptr[q + 1]):
                    distances[j] = root(distances[j], one / p, METRIC)
            else:
                indptr[q + 1] = count

    return within
