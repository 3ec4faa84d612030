"""Exact neighbours by looking at every point, for every metric. Contract: reference/.

Points are turned by tiles of POINTS so that the sums of a whole tile grow side by side, each column by column in the
contract's order. Partial sums only grow, so a tile is left as soon as all of them are beyond the k-th neighbour.

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
QUERIES = 48  # queries that share a turned tile
FEW = 8  # fewer queries than this are not worth turning a tile for
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


def nearest(task, k, n_jobs=None, progress=None):
    """(reduced distances, indices) of the k nearest points of each query."""
    m = len(task.Q)
    reduced, indices = np.empty((m, k), task.Q.dtype), np.empty((m, k), np.int64)
    reduced.fill(np.inf)  # np.full takes a microsecond more, of ten that one row may take
    indices.fill(-1)
    rows = task.code in BY_ROWS or (task.code == EUCLIDEAN and m < FEW)
    work, step = (scan_rows, 1) if rows else (scan_tiles if k <= IN_ORDER else scan_for_many, QUERIES)
    if m == 1:  # one call, nothing else: for one row, the pool costs more than a small search
        work(0, 1, task, reduced, indices)
        return reduced, indices
    cost = len(task.points) * (0.1 * task.points.shape[1] + 2) + 20 * k
    pool.run(work, m, task, reduced, indices, step=step, cost=cost, n_jobs=n_jobs, progress=progress)
    return reduced, indices


def within(task, limit, n_jobs=None, progress=None):
    """[(queries, indices, reduced distances) of a range of queries]: all points at a reduced distance up to `limit`."""
    work, step = (within_rows, 1) if task.code in BY_ROWS else (within_tiles, QUERIES)
    cost = len(task.points) * (0.1 * task.points.shape[1] + 2)
    return pool.run(work, len(task.Q), task, limit, step=step, cost=cost, n_jobs=n_jobs, progress=progress)


def scan_for_many(start, stop, task, reduced, indices):
    """Many neighbours of the queries start to stop: held as they come, parted now and then, and sorted at the end."""
    room = 2 * reduced.shape[1] + POINTS
    near, who = np.empty((QUERIES, room), reduced.dtype), np.empty((QUERIES, room), np.int64)
    counts = np.empty(QUERIES, np.int64)
    for first in range(start, stop, QUERIES):
        last = min(first + QUERIES, stop)
        hold_tiles(first, last, task, reduced.shape[1], near, who, counts)
        order.write_nearest(near, who, counts, np.arange(first, last), reduced, indices)


@kernel_exact
def hold_tiles(first, last, task, k, near, who, counts):
    """Hold the points that may be among the k nearest of the queries first to last, in order of their index."""
    n, d = task.points.shape
    tile, totals = np.zeros((d, POINTS), near.dtype), np.empty(POINTS, near.dtype)
    worst = np.full(last - first, np.inf, near.dtype)
    counts[: last - first] = 0
    for begin in range(0, n, POINTS):
        count = min(POINTS, n - begin)
        turn(task.points, begin, count, tile)
        for q in range(first, last):
            lane = q - first
            if not measure(task, tile, task.Q[q], worst[lane], totals):
                continue
            left_out, held = task.exclude[q] if len(task.exclude) else -1, counts[lane]
            for i in range(count):
                # Of points at one distance the first ones stay: once k are held that near, no later one is needed.
                if (totals[i] < worst[lane] or worst[lane] == np.inf) and begin + i != left_out:
                    near[lane, held], who[lane, held] = totals[i], begin + i
                    held += 1
            counts[lane] = held
            if held > 2 * k or (held >= k and worst[lane] == np.inf):
                counts[lane], worst[lane] = part(near[lane], who[lane], held, k)


@kernel_exact
def part(near, who, count, k):
    """Drop points that k others are nearer than: (how many are left, a distance that k of them do not exceed)."""
    low, high = near.dtype.type(0), near[0]
    for j in range(1, count):
        high = max(high, near[j])
    middle = low if high < np.inf else high  # halving an infinite range leads nowhere: then only ties are dropped
    while middle < high:
        reached = 0
        for j in range(count):
            reached += 1 if near[j] <= middle else 0
        low, high = (middle, high) if reached < k else (low, middle)
        if k <= reached <= k + k // 8:
            break
        middle = low + (high - low) / near.dtype.type(2)
        if not low < middle:  # no number lies between
            break
    left, spare = 0, k  # of those that could not be told apart from the k-th, only so many
    for j in range(count):
        spare -= 1 if near[j] < high else 0
    for j in range(count):
        near[left], who[left] = near[j], who[j]
        left += 1 if near[j] < high or (near[j] == high and spare > 0) else 0
        spare -= 1 if near[j] == high else 0
    return left, high


@kernel_exact
def scan_tiles(start, stop, task, reduced, indices):
    """Neighbours of the queries start to stop, a tile of points at a time."""
    points, Q = task.points, task.Q
    n, d = points.shape
    tile, totals = np.zeros((d, POINTS), Q.dtype), np.empty(POINTS, Q.dtype)
    for first in range(start, stop, QUERIES):
        last = min(first + QUERIES, stop)
        for begin in range(0, n, POINTS):
            count = min(POINTS, n - begin)
            turn(points, begin, count, tile)
            for q in range(first, last):
                near, who = reduced[q], indices[q]
                open_end = who[len(who) - 1] < 0  # fewer than k found so far: even a distance of infinity is taken
                worst = near[len(near) - 1]
                if not measure(task, tile, Q[q], worst, totals) and not open_end:
                    continue
                left_out = task.exclude[q] if len(task.exclude) else -1
                for i in range(count):
                    # The points come in order of their index, so that of two at one distance the first stays.
                    if (totals[i] < near[len(near) - 1] or who[len(who) - 1] < 0) and begin + i != left_out:
                        insert(totals[i], begin + i, near, who)


@kernel_exact
def turn(points, begin, count, tile):
    """Write the points from `begin` into the columns of `tile`, in its dtype."""
    for i in range(count):
        for j in range(tile.shape[0]):
            tile[j, i] = points[begin + i, j]


@kernel_exact
def measure(task, tile, query, worst, totals):
    """Fill `totals` with the reduced distances of a tile's points; False, unfinished, if all are beyond `worst`."""
    code = task.code
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
            add_powers(tile, query, first, last, task.p, task.w, totals)
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
def scan_rows(start, stop, task, reduced, indices):
    """Neighbours of the queries start to stop, a point at a time."""
    for q in range(start, stop):
        near, who = reduced[q], indices[q]
        left_out = task.exclude[q] if len(task.exclude) else -1
        loose = np.inf
        for i in range(len(task.points)):
            if task.code == EUCLIDEAN and estimate(task.points[i], task.Q[q]) > loose:
                continue
            s = pair(task, i, q)
            if (s < near[len(near) - 1] or who[len(who) - 1] < 0) and i != left_out:
                insert(s, i, near, who)
                loose = widened(widened(near[len(near) - 1], task), task)


@kernel_exact
def pair(task, i, q):
    """Reduced distance of point i and query q, for the metrics that are not served by tiles."""
    x, y = task.points[i], task.Q[q]
    if task.code == EUCLIDEAN:
        return squared(x, y)
    if task.code == HAVERSINE:
        return haversine(x, y)
    if task.code == PRECOMPUTED:
        return y[i]
    if task.code == FUNCTION:
        value = y.dtype.type(call_rows(task.function, y, x))
        return value if value == value else y.dtype.type(np.inf)
    return y.dtype.type(np.nan)  # never reached: every other metric is served by tiles


@kernel_exact
def widened(worst, task):
    """Largest sum, whatever its order, of a point whose true squared distance may be `worst`."""
    return worst * (1 + task.relative) + task.absolute


@kernel_exact
def haversine(x, y):
    """sin^2 of half the angle between two points (latitude, longitude) in radians."""
    half = y.dtype.type(0.5)
    latitude, longitude = np.sin(half * (x[0] - y[0])), np.sin(half * (x[1] - y[1]))
    return y.dtype.type(latitude * latitude + np.cos(x[0]) * np.cos(y[0]) * longitude * longitude)


@kernel_exact
def within_tiles(start, stop, task, limit):
    n, d = task.points.shape
    indices, reduced, used = np.empty(64, np.int64), np.empty(64, task.Q.dtype), 0
    tile, totals = np.zeros((d, POINTS), task.Q.dtype), np.empty(POINTS, task.Q.dtype)
    queries = np.empty(64, np.int64)
    for first in range(start, stop, QUERIES):
        for begin in range(0, n, POINTS):
            count = min(POINTS, n - begin)
            turn(task.points, begin, count, tile)
            for q in range(first, min(first + QUERIES, stop)):
                if not measure(task, tile, task.Q[q], limit, totals):
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
def within_rows(start, stop, task, limit):
    indices, reduced, used = np.empty(64, np.int64), np.empty(64, task.Q.dtype), 0
    queries = np.empty(64, np.int64)
    for q in range(start, stop):
        for i in range(len(task.points)):
            s = pair(task, i, q)
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
def to_unit_length(start, stop, X, spare, rows):
    """Write X scaled to length 1 into the first columns of `rows`; where X is all zeros, put 1 into column `spare`."""
    d = X.shape[1]
    for i in range(start, stop):
        row, squares, largest = rows[i], 0.0, rows.dtype.type(0)
        for j in range(d):
            row[j] = X[i, j]
            largest = max(largest, abs(row[j]))
        if largest == 0:
            row[spare] = 1
            continue
        exponent = math.frexp(largest)[1]
        for j in range(d):
            row[j] = math.ldexp(row[j], -exponent)  # so that squares neither overflow nor vanish
            squares += np.float64(row[j]) * np.float64(row[j])
        length = rows.dtype.type(np.sqrt(squares))
        for j in range(d):
            row[j] /= length
