"""Exact Euclidean neighbours of many queries: a bound from a few columns leaves few points to look at. See axes.py.

A block of queries meets a block of points as one product, six queries by two vectors of points at a time, kept in
registers. A point whose score is below its query's threshold is out. The others meet a second stage of the bound, then
the squared distance on the original values summed in any order, and those few that are left are scored as the
contract says. All stages only ever leave out points that are further than k others, so the answer does not depend on
them, nor on blocks, threads or the machine.
"""

from typing import NamedTuple

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastml_ext import blas, pool
from fastml_ext.jit import kernel, kernel_bound, kernel_exact
from fastml_ext.neighbors import axes as bounds

__all__ = ["nearest"]

_FEATURES = llvmlite.binding.get_host_cpu_features()
LANES = 16 if _FEATURES.get("avx512f") else 8 if _FEATURES.get("avx") else 4  # float32 values in a register
WIDTH = 2 * LANES  # points in a panel
HEIGHT = 6  # queries in a panel: 12 sums stay in registers even where there are 16 of them
BLOCK = 40 * HEIGHT  # queries that share one order of visiting the points
SEEDED = 64  # up to so many neighbours the best scores of the first block are looked at first
FARTHEST = 1e30  # N of a query beyond which float32 may overflow: it is compared with every point


@intrinsic
def multiply(typing_context, queries, group, points, panel, scores, column):
    """scores[:, column : column + WIDTH] = queries[group]' points[panel]: a product whose sums stay in registers."""

    def emit(context, builder, signature, values):
        def data(at):
            array = context.make_array(signature.args[at])(context, builder, values[at])
            return array.data, [builder.extract_value(array.shape, axis) for axis in range(signature.args[at].ndim)]

        (a, (_, depth, _)), (b, _), (c, (_, stride)) = data(0), data(2), data(4)
        size = depth.type
        a = builder.gep(a, [builder.mul(builder.mul(values[1], depth), size(HEIGHT))])
        b = builder.gep(b, [builder.mul(builder.mul(values[3], depth), size(WIDTH))])
        sums = _emit_product(builder, a, b, depth)
        for i in range(HEIGHT):
            for j in range(2):
                at = builder.add(builder.add(builder.mul(stride, size(i)), values[5]), size(j * LANES))
                place = builder.bitcast(builder.gep(c, [at]), sums[i][j].type.as_pointer())
                builder.store(sums[i][j], place, align=4)
        return context.get_dummy_value()

    return types.void(queries, types.intp, points, types.intp, scores, types.intp), emit


def _emit_product(builder, a, b, depth):
    """Code for sums[i][j] = sum over t < depth of a[t, i] * b[t, vector j], for HEIGHT rows and two vectors."""
    size, vector, lane = depth.type, ir.VectorType(ir.FloatType(), LANES), ir.IntType(32)
    before, loop, after = builder.block, builder.append_basic_block("depth"), builder.append_basic_block("product")
    builder.branch(loop)
    builder.position_at_end(loop)
    t = builder.phi(size)
    sums = [[builder.phi(vector) for _ in range(2)] for _ in range(HEIGHT)]
    row, column = builder.gep(a, [builder.mul(t, size(HEIGHT))]), builder.gep(b, [builder.mul(t, size(WIDTH))])
    right = [
        builder.load(builder.bitcast(builder.gep(column, [size(j * LANES)]), vector.as_pointer()), align=4)
        for j in range(2)
    ]
    undefined, spread = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(lane, LANES), [0] * LANES)
    following = builder.add(t, size(1))
    t.add_incoming(size(0), before)
    t.add_incoming(following, loop)
    for i in range(HEIGHT):
        left = builder.insert_element(undefined, builder.load(builder.gep(row, [size(i)])), lane(0))
        left = builder.shuffle_vector(left, undefined, spread)
        for j in range(2):
            product = builder.fmul(left, right[j], flags=("contract",))
            total = builder.fadd(product, sums[i][j], flags=("contract",))
            sums[i][j].add_incoming(ir.Constant(vector, [0.0] * LANES), before)
            sums[i][j].add_incoming(total, loop)
            sums[i][j] = total
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
    builder.position_at_end(after)
    return sums


@intrinsic
def not_below(typing_context, scores, row, column, cut):
    """Bit j says that scores[row, column + j] is not below the cut (or not a number), for j < WIDTH."""

    def emit(context, builder, signature, values):
        array = context.make_array(scores)(context, builder, values[0])
        at = builder.add(builder.mul(values[1], builder.extract_value(array.shape, 1)), values[2])
        vector = ir.VectorType(ir.FloatType(), WIDTH)
        place = builder.bitcast(builder.gep(array.data, [at]), vector.as_pointer())
        low = builder.insert_element(ir.Constant(vector, ir.Undefined), values[3], ir.IntType(32)(0))
        spread = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        low = builder.shuffle_vector(low, ir.Constant(vector, ir.Undefined), spread)
        hits = builder.fcmp_unordered(">=", builder.load(place, align=4), low)
        return builder.zext(builder.bitcast(hits, ir.IntType(WIDTH)), ir.IntType(64))

    return types.uint64(scores, types.intp, types.intp, types.float32), emit


@intrinsic
def lowest(typing_context, bits):
    """Place of the lowest bit that is set."""

    def emit(context, builder, signature, values):
        return builder.cttz(values[0], ir.IntType(1)(1))

    return types.intp(types.uint64), emit


class Limits(NamedTuple):
    """What rounding can do to the numbers that are compared."""

    slack: float  # of a score, relative to N
    relative: float  # of a squared distance on the original values
    absolute: float  # the same, what underflow adds
    square: float  # the scale of a squared distance
    longest: float  # the largest N of a point


class Search(NamedTuple):
    """What one search reads. Numba passes it on as its fields."""

    points: np.ndarray  # (n, d) the original values
    Q: np.ndarray  # (m, d) float32 or float64
    exclude: np.ndarray  # (m,) or (0,) int64
    kept: bounds.Kept
    asked: bounds.Asked
    limits: Limits


def nearest(points, made, Q, k, exclude, n_jobs=None, progress=None):
    """(squared distances, indices) of the k nearest; `made` is what axes.make returned for `points`."""
    axes, kept = made
    m, d = Q.shape
    squares, indices = np.full((m, k), np.inf, Q.dtype), np.full((m, k), -1, np.int64)
    with blas.single():
        limits = Limits(axes.slack, *bounds.rounding(Q.dtype, d), float(axes.scale) ** 2, kept.longest)
        asked = bounds.ask(Q, axes, HEIGHT, BLOCK, n_jobs)
        task = Search(points, Q, exclude, kept, asked, limits)
        cost = len(points) * kept.panels.shape[1] / 60
        pool.run(search, m, task, squares, indices, step=BLOCK, cost=cost, n_jobs=n_jobs, progress=progress)
    return squares, indices


def search(start, stop, task, squares, indices):
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        visit = visiting_order(task.asked.panels[first // HEIGHT : -(-last // HEIGHT)], task.kept)
        search_block(first, last, visit, task, squares, indices)


def visiting_order(panels, kept):
    """The blocks of points, those whose box is nearest to the middle of the queries first."""
    middle = panels[:, : kept.low.shape[1]].mean(axis=(0, 2))
    gap = np.maximum(np.maximum(kept.low - middle, middle - kept.high), 0)
    return np.argsort((gap**2).sum(axis=1), kind="stable")


@kernel
def search_block(first, last, visit, task, squares, indices):
    """The neighbours of the queries that stand at first to last in asked.order."""
    kept, asked, k = task.kept, task.asked, squares.shape[1]
    scores, picked = np.empty((HEIGHT, kept.block), np.float32), np.empty(kept.block, np.int64)
    cuts = np.full(last - first, -np.inf, np.float32)  # a lower score is out
    reach = np.full(last - first, np.inf)  # squared distance of the farthest box that may hold a neighbour
    for b in visit:
        begin = b * kept.block
        count = min(kept.block, len(kept.order) - begin)
        for at in range(first, last, HEIGHT):
            end = min(at + HEIGHT, last)
            if beyond(kept, asked, b, at, end, reach[at - first :]):
                continue
            for j in range(0, count, WIDTH):
                multiply(asked.panels, at // HEIGHT, kept.panels, (begin + j) // WIDTH, scores, j)
            for position in range(at, end):
                row, lane = scores[position - at], position - first
                hits = pick(scores, position - at, count, cuts[lane], picked)
                if hits > 0:
                    if hits > k and k <= SEEDED and cuts[lane] == -np.inf:
                        best_first(row, picked[:hits], k)
                    cuts[lane], reach[lane] = refine(
                        task, position, begin, row, picked[:hits], (cuts[lane], reach[lane]), squares, indices
                    )


@kernel
def beyond(kept, asked, b, at, end, reach):
    """Whether block b lies out of reach of all queries from `at` to `end`, by its box on the leading axes."""
    for position in range(at, end):
        gap = np.float32(0)
        for c in range(kept.low.shape[1]):
            value = asked.panels[at // HEIGHT, c, position - at]
            outside = max(kept.low[b, c] - value, value - kept.high[b, c], np.float32(0))
            gap += outside * outside
        if not gap > reach[position - at]:
            return False
    return True


@kernel
def pick(scores, row, count, cut, picked):
    """Put the columns of scores[row] that are not below the cut into `picked`, and count them."""
    hits = 0
    for start in range(0, count, WIDTH):
        left = not_below(scores, row, start, cut)
        while left:
            picked[hits] = start + lowest(left)
            hits += 1
            left &= left - np.uint64(1)
    while hits > 0 and picked[hits - 1] >= count:  # the end of the last panel is empty
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
def refine(task, position, begin, row, picked, thresholds, squares, indices):
    """Look closer at the picked points, keep those that are nearer than the k-th, and return the new thresholds."""
    kept, k, q = task.kept, squares.shape[1], task.asked.order[position]
    near, who, query = squares[q], indices[q], task.Q[q]
    left_out = task.exclude[q] if len(task.exclude) else -1
    cut, reach = thresholds
    loose = loosest(near[k - 1], task.limits)
    for j in picked:
        if row[j] < cut:
            continue
        if kept.rest.shape[1] and row[j] + dot(kept.rest[begin + j], task.asked.rest[position]) < cut:
            continue
        i = kept.order[begin + j]
        if i == left_out or estimate(task.points[i], query) > loose:
            continue
        s = squared(task.points[i], query)
        if s < near[k - 1] or (s == near[k - 1] and (who[k - 1] < 0 or i < who[k - 1])):
            insert(s, i, near, who)
            if who[k - 1] >= 0:
                cut, reach = thresholds_at(near[k - 1], task.asked.norms[position], task.limits)
                loose = loosest(near[k - 1], task.limits)
    return cut, reach


@kernel
def insert(s, i, near, who):
    """Put point i at squared distance s in its place by (distance, index); the last one drops out."""
    at = len(near) - 1
    while at > 0 and (who[at - 1] < 0 or s < near[at - 1] or (s == near[at - 1] and i < who[at - 1])):
        near[at], who[at] = near[at - 1], who[at - 1]
        at -= 1
    near[at], who[at] = s, i


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


@kernel_bound
def estimate(x, y):
    """Squared distance, summed in any order."""
    total = y.dtype.type(0)
    for j in range(len(y)):
        difference = y[j] - x[j]
        total += difference * difference
    return total


@kernel_exact
def squared(x, y):
    """Squared distance as the contract has it: column by column."""
    total = y.dtype.type(0)
    for j in range(len(y)):
        difference = y.dtype.type(x[j]) - y[j]
        total += difference * difference
    return total
