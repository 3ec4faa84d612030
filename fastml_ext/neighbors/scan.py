"""Exact neighbours by looking at every point, for every metric. Contract: reference/.

Points are transposed by tiles of POINTS so that the sums of a whole tile grow side by side, each column by column in
the contract's order. Partial sums only grow, so a tile is left as soon as all of them are beyond the k-th neighbour.

The code of the metric is an argument, so that one compiled kernel serves all. The loops over a tile run to
len(totals), not to POINTS: LLVM unrolls a loop of known length before it would vectorise it, which cost a factor of 6.
"""

import math
from typing import NamedTuple

import numpy as np

from fastml_ext import pool
from fastml_ext.device.calls import call_rows
from fastml_ext.device.distances import estimate, squared
from fastml_ext.device.memory import grown
from fastml_ext.device.sorting import insert
from fastml_ext.jit import kernel_exact
from fastml_ext.neighbors import order
from fastml_ext.neighbors.metrics import (
    CHEBYSHEV,
    EUCLIDEAN,
    FUNCTION,
    HAMMING,
    HAVERSINE,
    MANHATTAN,
    METRICS,
    NAN_EUCLIDEAN,
    OTHERS,
    PRECOMPUTED,
    TILES,
)

__all__ = ["Scan", "nearest", "take_roots", "within"]

BY_ROWS = tuple({row.code for row in (*METRICS.values(), *OTHERS.values()) if TILES not in row.served_by} - {-1})
POINTS = 64  # points in a tile
QUERIES = 48  # queries that share a transposed tile
FEW = 8  # fewer queries than this are not worth transposing a tile for
IN_ORDER = 16  # neighbours, up to which they are kept in order from the start
COLUMNS = 32  # columns between two looks at whether the tile can be left


class Scan(NamedTuple):
    """What a scan reads. Numba passes it on as its fields."""

    points: np.ndarray  # (n, d) of any number type that the dtype of Q holds exactly; (n, 0) if precomputed
    Q: np.ndarray  # (m, d) float32 or float64; (m, n) if precomputed
    exclude: np.ndarray  # (m,) or (0,) int64
    code: int
    p: float
    w: np.ndarray  # (d,) in the dtype of Q; (0,) but for MINKOWSKI
    function: int  # address of a compiled metric; 0 but for FUNCTION
    relative: float  # what another order of summing can do to a squared distance, relatively
    absolute: float  # and by underflow


def nearest(search, k, n_jobs=None, progress=None):
    """(reduced distances, indices) of the k nearest points of each query."""
    m = len(search.Q)
    reduced, indices = np.empty((m, k), search.Q.dtype), np.empty((m, k), np.int64)
    reduced.fill(np.inf)  # np.full takes a microsecond more, of ten that one row may take
    indices.fill(-1)
    rows = search.code in BY_ROWS or (search.code == EUCLIDEAN and m < FEW)
    work, step = (scan_rows, 1) if rows else (scan_tiles if k <= IN_ORDER else scan_for_many, QUERIES)
    if m == 1:  # one call, nothing else: for one row, the pool costs more than a small search
        work(0, 1, search, reduced, indices)
        return reduced, indices
    cost = len(search.points) * (0.1 * search.points.shape[1] + 2) + 20 * k
    pool.run(work, m, search, reduced, indices, step=step, cost=cost, n_jobs=n_jobs, progress=progress)
    return reduced, indices


def within(search, limit, n_jobs=None, progress=None):
    """[(queries, indices, reduced distances) of a range of queries]: all points at a reduced distance up to `limit`."""
    work, step = (within_rows, 1) if search.code in BY_ROWS else (within_tiles, QUERIES)
    cost = len(search.points) * (0.1 * search.points.shape[1] + 2)
    return pool.run(work, len(search.Q), search, limit, step=step, cost=cost, n_jobs=n_jobs, progress=progress)


def scan_for_many(start, stop, search, reduced, indices):
    """Many neighbours of the queries start to stop: held as they come, parted now and then, and sorted at the end."""
    room = 2 * reduced.shape[1] + POINTS
    held, held_indices = np.empty((QUERIES, room), reduced.dtype), np.empty((QUERIES, room), np.int64)
    counts = np.empty(QUERIES, np.int64)
    for first in range(start, stop, QUERIES):
        last = min(first + QUERIES, stop)
        hold_tiles(first, last, search, reduced.shape[1], held, held_indices, counts)
        order.write_nearest(held, held_indices, counts, np.arange(first, last), reduced, indices)


@kernel_exact
def hold_tiles(first, last, search, k, reduced, indices, counts):
    """Hold the points that may be among the k nearest of the queries first to last, in order of their index."""
    n, d = search.points.shape
    tile, totals = np.zeros((d, POINTS), reduced.dtype), np.empty(POINTS, reduced.dtype)
    worst = np.full(last - first, np.inf, reduced.dtype)
    counts[: last - first] = 0
    for begin in range(0, n, POINTS):
        count = min(POINTS, n - begin)
        transpose(search.points, begin, count, tile)
        for q in range(first, last):
            lane = q - first
            if not measure(search, tile, search.Q[q], worst[lane], totals):
                continue
            left_out, held = search.exclude[q] if len(search.exclude) else -1, counts[lane]
            for i in range(count):
                # Of points at one distance the first ones stay: once k are held that near, no later one is needed.
                if (totals[i] < worst[lane] or worst[lane] == np.inf) and begin + i != left_out:
                    reduced[lane, held], indices[lane, held] = totals[i], begin + i
                    held += 1
            counts[lane] = held
            if held > 2 * k or (held >= k and worst[lane] == np.inf):
                counts[lane], worst[lane] = part(reduced[lane], indices[lane], held, k)


@kernel_exact
def part(reduced, indices, count, k):
    """Drop points that k others are nearer than: (how many are left, a distance that k of them do not exceed)."""
    low, high = reduced.dtype.type(0), reduced[0]
    for j in range(1, count):
        high = max(high, reduced[j])
    middle = low if high < np.inf else high  # halving an infinite range leads nowhere: then only ties are dropped
    while middle < high:
        reached = 0
        for j in range(count):
            reached += 1 if reduced[j] <= middle else 0
        low, high = (middle, high) if reached < k else (low, middle)
        if k <= reached <= k + k // 8:
            break
        middle = low + (high - low) / reduced.dtype.type(2)
        if not low < middle:  # no number lies between
            break
    left, ties = 0, k  # of those that could not be told apart from the k-th, only so many
    for j in range(count):
        ties -= 1 if reduced[j] < high else 0
    for j in range(count):
        reduced[left], indices[left] = reduced[j], indices[j]
        left += 1 if reduced[j] < high or (reduced[j] == high and ties > 0) else 0
        ties -= 1 if reduced[j] == high else 0
    return left, high


@kernel_exact
def scan_tiles(start, stop, search, reduced, indices):
    """Neighbours of the queries start to stop, a tile of points at a time."""
    points, Q, k = search.points, search.Q, reduced.shape[1]
    n, d = points.shape
    tile, totals = np.zeros((d, POINTS), Q.dtype), np.empty(POINTS, Q.dtype)
    for first in range(start, stop, QUERIES):
        last = min(first + QUERIES, stop)
        for begin in range(0, n, POINTS):
            count = min(POINTS, n - begin)
            transpose(points, begin, count, tile)
            for q in range(first, last):
                reduced_q, indices_q = reduced[q], indices[q]
                open_end = indices_q[k - 1] < 0  # fewer than k found so far: even a distance of infinity is taken
                worst = reduced_q[k - 1]
                if not measure(search, tile, Q[q], worst, totals) and not open_end:
                    continue
                left_out = search.exclude[q] if len(search.exclude) else -1
                for i in range(count):
                    # The points come in order of their index, so that of two at one distance the first stays.
                    if (totals[i] < reduced_q[k - 1] or indices_q[k - 1] < 0) and begin + i != left_out:
                        insert(totals[i], begin + i, reduced_q, indices_q)


@kernel_exact
def transpose(points, begin, count, tile):
    """Write the points from `begin` into the columns of `tile`, in its dtype."""
    for i in range(count):
        for j in range(tile.shape[0]):
            tile[j, i] = points[begin + i, j]


@kernel_exact
def measure(search, tile, query, worst, totals):
    """Fill `totals` with the reduced distances of a tile's points; False, unfinished, if all are beyond `worst`."""
    code = search.code
    totals[:] = 0
    if code == NAN_EUCLIDEAN:
        return add_nan_squares(tile, query, totals)
    for first in range(0, len(query), COLUMNS):
        last = min(first + COLUMNS, len(query))
        if code == EUCLIDEAN:
            add_squares(tile, query, first, last, totals)
        elif code == MANHATTAN:
            add_sizes(tile, query, first, last, totals)
        elif code == CHEBYSHEV:
            take_largest(tile, query, first, last, totals)
        elif code == HAMMING:
            count_different(tile, query, first, last, totals)
        else:
            add_powers(tile, query, first, last, search.p, search.w, totals)
        if all_beyond(totals, worst):
            return False
    return True


@kernel_exact
def all_beyond(totals, worst):
    beyond = 0
    for i in range(len(totals)):
        beyond += 1 if totals[i] > worst else 0
    return beyond == len(totals)


@kernel_exact
def add_squares(tile, query, first, last, totals):
    whole = first + (last - first) // 4 * 4
    for j in range(first, whole, 4):  # four columns at a time: the totals are read and written a quarter as often
        column_a, column_b, column_c, column_d = tile[j], tile[j + 1], tile[j + 2], tile[j + 3]
        at_a, at_b, at_c, at_d = query[j], query[j + 1], query[j + 2], query[j + 3]
        for i in range(len(totals)):
            a, b, c, d = column_a[i] - at_a, column_b[i] - at_b, column_c[i] - at_c, column_d[i] - at_d
            totals[i] = totals[i] + a * a + b * b + c * c + d * d
    for j in range(whole, last):
        for i in range(len(totals)):
            difference = tile[j, i] - query[j]
            totals[i] += difference * difference


@kernel_exact
def add_sizes(tile, query, first, last, totals):
    for j in range(first, last):
        for i in range(len(totals)):
            totals[i] += abs(tile[j, i] - query[j])


@kernel_exact
def take_largest(tile, query, first, last, totals):
    for j in range(first, last):
        for i in range(len(totals)):
            size = abs(tile[j, i] - query[j])
            totals[i] = size if size > totals[i] else totals[i]


@kernel_exact
def count_different(tile, query, first, last, totals):
    for j in range(first, last):
        for i in range(len(totals)):
            totals[i] += 1 if tile[j, i] != query[j] else 0


@kernel_exact
def add_powers(tile, query, first, last, p, w, totals):
    p = query.dtype.type(p)  # as every operation is, a power is rounded in the dtype of the distances
    for j in range(first, last):
        if w[j] == 0:  # times a power that overflows it would be no number
            continue
        for i in range(len(totals)):
            size = abs(tile[j, i] - query[j])
            totals[i] += w[j] * (size if p == 1 else size * size if p == 2 else size**p)


@kernel_exact
def take_roots(values, inverse):
    """Raise each to the power `inverse`, in place; one by one, because NumPy rounds powers of arrays in its own way."""
    for i in range(len(values)):
        values[i] = values[i] ** inverse


@kernel_exact
def add_nan_squares(tile, query, totals):
    """Squares over the columns that both have, as if the others were like them; NaN where there is none."""
    d = len(query)
    for i in range(len(totals)):
        shared = 0
        for j in range(d):
            difference = tile[j, i] - query[j]
            if difference == difference:
                totals[i] += difference * difference
                shared += 1
        totals[i] = totals[i] * (totals.dtype.type(d) / totals.dtype.type(shared)) if shared else np.inf
    return True


@kernel_exact
def scan_rows(start, stop, search, reduced, indices):
    """Neighbours of the queries start to stop, a point at a time."""
    k = reduced.shape[1]
    for q in range(start, stop):
        reduced_q, indices_q = reduced[q], indices[q]
        left_out = search.exclude[q] if len(search.exclude) else -1
        loose = np.inf
        for i in range(len(search.points)):
            if search.code == EUCLIDEAN and estimate(search.points[i], search.Q[q]) > loose:
                continue
            s = pair(search, i, q)
            if (s < reduced_q[k - 1] or indices_q[k - 1] < 0) and i != left_out:
                insert(s, i, reduced_q, indices_q)
                loose = widened(widened(reduced_q[k - 1], search), search)


@kernel_exact
def pair(search, i, q):
    """Reduced distance of point i and query q, for the metrics that are not served by tiles."""
    x, y = search.points[i], search.Q[q]
    if search.code == EUCLIDEAN:
        return squared(x, y)
    if search.code == HAVERSINE:
        return haversine(x, y)
    if search.code == PRECOMPUTED:
        return y[i]
    if search.code == FUNCTION:
        value = y.dtype.type(call_rows(search.function, y, x))
        return value if value == value else y.dtype.type(np.inf)
    return y.dtype.type(np.nan)  # never reached: every other metric is served by tiles


@kernel_exact
def widened(worst, search):
    """Largest sum, whatever its order, of a point whose true squared distance may be `worst`."""
    return worst * (1 + search.relative) + search.absolute


@kernel_exact
def haversine(x, y):
    """sin^2 of half the angle between two points (latitude, longitude) in radians."""
    half = y.dtype.type(0.5)
    latitude, longitude = np.sin(half * (x[0] - y[0])), np.sin(half * (x[1] - y[1]))
    return y.dtype.type(latitude * latitude + np.cos(x[0]) * np.cos(y[0]) * longitude * longitude)


@kernel_exact
def within_tiles(start, stop, search, limit):
    n, d = search.points.shape
    indices, reduced, used = np.empty(64, np.int64), np.empty(64, search.Q.dtype), 0
    tile, totals = np.zeros((d, POINTS), search.Q.dtype), np.empty(POINTS, search.Q.dtype)
    queries = np.empty(64, np.int64)
    for first in range(start, stop, QUERIES):
        for begin in range(0, n, POINTS):
            count = min(POINTS, n - begin)
            transpose(search.points, begin, count, tile)
            for q in range(first, min(first + QUERIES, stop)):
                if not measure(search, tile, search.Q[q], limit, totals):
                    continue
                for i in range(count):
                    if totals[i] <= limit:
                        if used == len(indices):
                            indices, reduced, queries = (
                                grown(indices, 2 * used),
                                grown(reduced, 2 * used),
                                grown(queries, 2 * used),
                            )
                        indices[used], reduced[used], queries[used] = begin + i, totals[i], q
                        used += 1
    return queries[:used], indices[:used], reduced[:used]


@kernel_exact
def within_rows(start, stop, search, limit):
    indices, reduced, used = np.empty(64, np.int64), np.empty(64, search.Q.dtype), 0
    queries = np.empty(64, np.int64)
    for q in range(start, stop):
        for i in range(len(search.points)):
            s = pair(search, i, q)
            if s <= limit:
                if used == len(indices):
                    indices, reduced, queries = (
                        grown(indices, 2 * used),
                        grown(reduced, 2 * used),
                        grown(queries, 2 * used),
                    )
                indices[used], reduced[used], queries[used] = i, s, q
                used += 1
    return queries[:used], indices[:used], reduced[:used]


@kernel_exact
def to_unit_length(start, stop, X, free, rows):
    """Write X scaled to length 1 into the first columns of `rows`; where X is all zeros, put 1 into column `free`."""
    d = X.shape[1]
    for i in range(start, stop):
        row, squares, largest = rows[i], 0.0, rows.dtype.type(0)
        for j in range(d):
            row[j] = X[i, j]
            largest = max(largest, abs(row[j]))
        if largest == 0:
            row[free] = 1
            continue
        exponent = math.frexp(largest)[1]
        for j in range(d):
            row[j] = math.ldexp(row[j], -exponent)  # so that squares neither overflow nor vanish
            squares += np.float64(row[j]) * np.float64(row[j])
        length = rows.dtype.type(np.sqrt(squares))
        for j in range(d):
            row[j] /= length
