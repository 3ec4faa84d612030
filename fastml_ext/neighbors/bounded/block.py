"""The search of one block of queries: its kernels and the helpers they inline. See __init__.py.

There are three kernels, because a first search should compile no more than it needs: exact scores need no second
stage, and few queries must be kept in order.

`search` is a Search and `state` a State of __init__.py, `lane` the place of a query in its block, `position` the one in
search.queries.order.
"""

import functools

import numpy as np

from fastml_ext.device.distances import estimate, squared
from fastml_ext.device.sorting import at_least, insert
from fastml_ext.device.vectors import compare_mask, lowest_bit, panel_product
from fastml_ext.jit import LANES, kernel, kernel_bound, kernel_exact
from fastml_ext.neighbors import axes as bounds

__all__ = ["BLOCK", "FARTHEST", "HEIGHT", "IN_ORDER", "WIDTH", "hold_kernel", "order_block"]

WIDTH = 2 * LANES  # points in a panel
HEIGHT = 6  # queries in a panel: 12 sums stay in registers even where there are 16 of them
BLOCK = 40 * HEIGHT  # queries that share one order of visiting the points
SEEDED = 64  # up to so many neighbours the best scores of the first block are looked at first
ABREAST = 8  # points scored side by side: one sum waits for its additions, and its row for the memory
IN_ORDER = -1
FARTHEST = 1e30  # N of a query beyond which float32 may overflow: it is compared with every point
multiply, not_below = panel_product(HEIGHT, LANES), compare_mask(WIDTH)


@functools.cache
def hold_kernel(BOUNDS):
    """The kernel that holds many neighbours, where scores are only bounds or where they are exact."""

    @kernel
    def hold_block(first, last, visit, search, state):
        """Hold the points that may be near the queries from first to last in queries.order, and score what is left.

        The queries that must be kept in order instead are marked so, and left to order_block.
        """
        points, queries, limits = search.points, search.queries, search.limits
        wanted = search.squares.shape[1] + (1 if len(search.exclude) else 0)
        scores = np.empty((HEIGHT, points.block), np.float32)
        for lane in range(last - first):
            state.reach[lane] = -1.0 if state.counts[lane] == IN_ORDER else np.inf
        for b in visit:
            begin = b * points.block
            count = min(points.block, len(points.order) - begin)
            for at in range(first, last, HEIGHT):
                end = min(at + HEIGHT, last)
                if not score_block(points, queries, b, at, end, state.reach[at - first :], scores):
                    continue
                for position in range(at, end):
                    row, norm, lane = scores[position - at, :count], queries.norms[position], position - first
                    if state.counts[lane] == IN_ORDER:
                        continue
                    if state.cuts[lane] == -np.inf and count >= wanted:  # the best of the first block give a cut
                        rank = first_rank(row, wanted, norm, limits, state.folded)
                        if BOUNDS:
                            cut_by_bounds(search, state, position, lane, begin, row, rank)
                        else:
                            cut_at(rank, state, lane, norm, limits)
                    start = np.int64(0)  # typed, or Numba compiles all twice
                    while start < count and state.counts[lane] <= 2 * wanted:
                        before = state.counts[lane]
                        start = pick_from(row, start, state.cuts[lane], begin, state, lane)
                        if BOUNDS and state.counts[lane] > before:
                            look_closer(search, state, position, lane, before)
                        if state.counts[lane] > wanted + wanted // 2:
                            tighten(state, lane, wanted, norm, limits)
                    if state.counts[lane] > 2 * wanted:  # hardly any can be told apart by their scores
                        state.counts[lane], state.reach[lane] = IN_ORDER, -1.0
        for position in range(first, last):
            if state.counts[position - first] != IN_ORDER:
                finish(search, state, position, position - first)

    return hold_block


@kernel
def order_block(first, last, visit, search, state):
    """Find the neighbours of those of the queries at first to last in queries.order that are kept in order."""
    points, queries, k = search.points, search.queries, search.squares.shape[1]
    scores, picked = np.empty((HEIGHT, points.block), np.float32), np.empty(points.block, np.int64)
    for lane in range(last - first):
        state.reach[lane] = -1.0
        if state.counts[lane] == IN_ORDER:
            state.reach[lane], q = np.inf, queries.order[first + lane]
            search.squares[q], search.indices[q] = np.inf, -1
    for b in visit:
        begin = b * points.block
        count = min(points.block, len(points.order) - begin)
        for at in range(first, last, HEIGHT):
            end = min(at + HEIGHT, last)
            if not score_block(points, queries, b, at, end, state.reach[at - first :], scores):
                continue
            for position in range(at, end):
                row, lane = scores[position - at, :count], position - first
                hits = pick(row, state.cuts[lane], picked) if state.counts[lane] == IN_ORDER else 0
                if hits > 0:
                    if hits > k and k <= SEEDED and state.cuts[lane] == -np.inf:
                        best_first(row, picked[:hits], k)
                    refine(search, state, position, lane, begin, row, picked[:hits])


@kernel
def cut_by_bounds(search, state, position, lane, begin, row, rank):
    """Set a first cut by the points whose bounds reach `rank`."""
    state.counts[lane] = 0
    pick_from(row, np.int64(0), rank, begin, state, lane)
    look_closer(search, state, position, lane, np.int64(0))
    wanted = search.squares.shape[1] + (1 if len(search.exclude) else 0)
    tighten(state, lane, wanted, search.queries.norms[position], search.limits)
    state.counts[lane] = 0  # they come again


@kernel
def pick_from(row, start, cut, begin, state, lane):
    """Hold the points from column `start` on whose scores are not below the cut: where it ended for want of room."""
    count, most = state.counts[lane], state.scores.shape[1] - WIDTH
    while start < len(row) and count <= most:
        left = not_below(row, start, cut)
        while left:
            j = start + lowest_bit(left)
            left &= left - np.uint64(1)
            if j < len(row):  # the end of the last panel is empty
                state.scores[lane, count], state.places[lane, count] = row[j], begin + j
                count += 1
        start += WIDTH
    state.counts[lane] = count
    return start


@kernel
def look_closer(search, state, position, lane, before):
    """Of the points held from `before` on, whose scores are only bounds, keep those near enough, with their scores."""
    points, norm, query = search.points, search.queries.norms[position], search.Q[search.queries.order[position]]
    scores, places, cut, count = state.scores[lane], state.places[lane], state.cuts[lane], before
    for t in range(before, state.counts[lane]):
        place = places[t]
        if scores[t] + dot(points.rest[place], search.queries.rest[position]) < cut:
            continue
        square = np.float64(estimate(search.X[points.order[place]], query)) * search.limits.square
        score = np.float32((norm - square) / 2)
        if not score < cut:
            scores[count], places[count] = score, place
            count += 1
    state.counts[lane] = count


@kernel
def first_rank(row, k, norm, limits, folded):
    """A number that k or more of the scores reach: near the k-th best of the best of their groups."""
    low = np.float32(-norm - 2 * limits.longest - bounds.TINY)
    size = -(-4 * k // 64) * 64
    if 2 * size > len(row):
        return at_least(row, k, low, np.float32(norm / 2))
    for j in range(size):  # not by slices: the error that Numba builds in for them takes two seconds to compile
        folded[j] = row[j]
    for start in range(size, len(row) - size + 1, size):
        fold(row[start : start + size], folded)
    return at_least(folded[:size], k, low, np.float32(norm / 2))


@kernel
def fold(row, folded):
    """Raise each value to that of the row; as numbers, because max() over arrays is not made of vectors."""
    for j in range(len(row)):
        old, new = folded[j], row[j]
        folded[j] = old if old > new else new


@kernel
def tighten(state, lane, wanted, norm, limits):
    """Raise the cut to what the k-th best of the points held allows, and drop those that are below it."""
    count, scores, places = state.counts[lane], state.scores[lane], state.places[lane]
    if count < wanted:
        return
    end = -(-count // LANES) * LANES
    scores[count:end] = -np.inf  # whole vectors only
    low = max(state.cuts[lane], np.float32(-norm - 2 * limits.longest - bounds.TINY))
    cut_at(at_least(scores[:end], wanted, low, np.float32(norm / 2)), state, lane, norm, limits)
    left = 0
    for t in range(count):
        scores[left], places[left] = scores[t], places[t]
        left += 1 if scores[t] >= state.cuts[lane] else 0
    state.counts[lane] = left


@kernel
def cut_at(score, state, lane, norm, limits):
    """Raise the cut to what is known once k points have scores, not only bounds, of at least `score`."""
    # The other side of the bound: so far away, scaled, may be a point that has this score. See axes.py.
    farthest = norm - 2 * np.float64(score) + limits.slack * (2 * norm + 5 * limits.longest) + 4 * bounds.TINY
    cut, reach = thresholds_at(loosest(max(farthest, 0.0) / limits.square, limits), norm, limits)
    if cut > state.cuts[lane]:
        state.cuts[lane], state.reach[lane] = cut, reach


@kernel
def finish(search, state, position, lane):
    """Score the points held as the contract says."""
    q, squares, places = search.queries.order[position], state.squares[lane], state.places[lane]
    left_out = search.exclude[q] if len(search.exclude) else -1
    wanted, found = search.squares.shape[1] + (1 if len(search.exclude) else 0), 0
    if state.counts[lane] > wanted + wanted // 4:
        tighten(state, lane, wanted, search.queries.norms[position], search.limits)
    count, point_order = state.counts[lane], search.points.order
    for start in range(0, count, ABREAST):
        sums = squared_abreast(search.X, point_order, places[:count], start, search.Q[q])
        for t in range(min(ABREAST, count - start)):
            i = point_order[places[start + t]]
            if i != left_out:
                squares[found], places[found] = sums[t], i
                found += 1
    state.counts[lane] = found


@kernel
def score_block(points, queries, b, at, end, reach, scores):
    """Write the scores of block b for the queries from `at` to `end`; False, unwritten, if it is beyond their reach."""
    if beyond(points, queries, b, at, end, reach):
        return False
    begin = b * points.block
    for j in range(0, min(points.block, len(points.order) - begin), WIDTH):
        multiply(queries.panels, at // HEIGHT, points.panels, (begin + j) // WIDTH, scores, j)
    return True


@kernel
def beyond(points, queries, b, at, end, reach):
    """Whether block b lies out of reach of all queries from `at` to `end`, by its box on the leading axes."""
    for position in range(at, end):
        gap = np.float32(0)
        for c in range(points.low.shape[1]):
            value = queries.panels[at // HEIGHT, c, position - at]
            outside = max(points.low[b, c] - value, value - points.high[b, c], np.float32(0))
            gap += outside * outside
        if not gap > reach[position - at]:
            return False
    return True


@kernel
def pick(row, cut, picked):
    """Put the columns of a row whose scores are not below the cut into `picked`, and count them."""
    hits = 0
    for start in range(0, len(row), WIDTH):
        left = not_below(row, start, cut)
        while left:
            picked[hits] = start + lowest_bit(left)
            hits += 1
            left &= left - np.uint64(1)
    while hits > 0 and picked[hits - 1] >= len(row):  # the end of the last panel is empty
        hits -= 1
    return hits


@kernel
def best_first(row, picked, k):
    """Move the k best scores to the front, so that the first threshold is a good one."""
    for s in range(k):
        best = s
        for t in range(s + 1, len(picked)):
            if row[picked[t]] > row[picked[best]]:
                best = t
        picked[s], picked[best] = picked[best], picked[s]


@kernel
def refine(search, state, position, lane, begin, row, picked):
    """Look closer at the picked points, and keep those that are nearer than the k-th, in order."""
    points, k, q = search.points, search.squares.shape[1], search.queries.order[position]
    squares, indices, query = search.squares[q], search.indices[q], search.Q[q]
    left_out = search.exclude[q] if len(search.exclude) else -1
    cut, reach = state.cuts[lane], state.reach[lane]
    loose = loosest(squares[k - 1], search.limits)
    for j in picked:
        if row[j] < cut:
            continue
        if points.rest.shape[1] and row[j] + dot(points.rest[begin + j], search.queries.rest[position]) < cut:
            continue
        i = points.order[begin + j]
        if i == left_out or estimate(search.X[i], query) > loose:
            continue
        if offer(squared(search.X[i], query), i, squares, indices) and indices[k - 1] >= 0:
            cut, reach = thresholds_at(squares[k - 1], search.queries.norms[position], search.limits)
            loose = loosest(squares[k - 1], search.limits)
    state.cuts[lane], state.reach[lane] = cut, reach


@kernel
def offer(s, i, squares, indices):
    """Put point i at squared distance s in its place by (distance, index), if it has one; the last one drops out."""
    at = len(squares) - 1
    if not (s < squares[at] or (s == squares[at] and (indices[at] < 0 or i < indices[at]))):
        return False
    insert(s, i, squares, indices)
    return True


@kernel
def loosest(worst, limits):
    """What a sum in any order may come to for a point whose sum in order is at most `worst`."""
    return (worst * (1 + limits.relative) + limits.absolute) * (1 + limits.relative) + limits.absolute


@kernel
def thresholds_at(worst, norm, limits):
    """(lowest score, largest squared distance of a box) of a point that is not further than `worst`."""
    farthest = (worst * (1 + limits.relative) + limits.absolute) * limits.square
    cut = (norm - farthest) / 2 - limits.slack * norm - bounds.TINY
    if not (norm < FARTHEST and farthest < FARTHEST):
        return np.float32(-np.inf), np.inf
    reach = farthest + 2 * limits.slack * (norm + limits.longest) + bounds.TINY
    return np.float32(cut - abs(cut) * 2.0**-22), reach * (1 + 2.0**-18)


@kernel_bound
def dot(x, y):
    total = np.float32(0)
    for j in range(len(x)):
        total += x[j] * y[j]
    return total


@kernel_exact
def squared_abreast(points, order, places, start, query):
    """`squared` of eight points, from order[places[start]] on, the last one again where there are fewer."""
    last = len(places) - 1
    a, b = points[order[places[start]]], points[order[places[min(start + 1, last)]]]
    c, d = points[order[places[min(start + 2, last)]]], points[order[places[min(start + 3, last)]]]
    e, f = points[order[places[min(start + 4, last)]]], points[order[places[min(start + 5, last)]]]
    g, h = points[order[places[min(start + 6, last)]]], points[order[places[min(start + 7, last)]]]
    real = query.dtype.type
    sa = sb = sc = sd = se = sf = sg = sh = real(0)
    for j in range(len(query)):
        y = query[j]
        da, db, dc, dd = real(a[j]) - y, real(b[j]) - y, real(c[j]) - y, real(d[j]) - y
        de, df, dg, dh = real(e[j]) - y, real(f[j]) - y, real(g[j]) - y, real(h[j]) - y
        sa, sb, sc, sd = sa + da * da, sb + db * db, sc + dc * dc, sd + dd * dd
        se, sf, sg, sh = se + de * de, sf + df * df, sg + dg * dg, sh + dh * dh
    return sa, sb, sc, sd, se, sf, sg, sh
