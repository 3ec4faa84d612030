"""Exact Euclidean neighbours of many queries: a bound from a few columns leaves few points to look at. See axes.py.

A block of queries meets a block of points as one product, six queries by two vectors of points at a time, kept in
registers. A point whose score is below its query's threshold is out. The others meet a second stage of the bound, then
the squared distance on the original values summed in any order, and those few that are left are scored as the
contract says. All stages only ever leave out points that are further than k others, so the answer does not depend on
them, nor on blocks, threads or the machine.

Few neighbours are kept in order from the start (`refine`). Many are held as they come (`hold`): now and then the k-th
best is estimated and those clearly worse are dropped, and only those left at the end are scored exactly and sorted.
Where too many stand at nearly one distance to be told apart so, they are kept in order after all, from the start.
"""

import contextlib
from typing import NamedTuple

import numpy as np

from fastml_ext import blas, pool
from fastml_ext.neighbors import axes as bounds
from fastml_ext.neighbors import order
from fastml_ext.neighbors.bounded.block import BLOCK, FARTHEST, HEIGHT, IN_ORDER, WIDTH, hold_kernel, order_block
from fastml_ext.neighbors.bounded.radius import within_block

__all__ = ["WIDTH", "nearest", "within"]

NOBODY = np.empty(0, np.int64)

PARTS = 4  # of the queries, at least, for the threads
LEFT = 0.5  # ns a column of what is left to be scored: about as many points as neighbours
FEW_SCORED, FEW_BOUNDED = 0, 16  # up to so many neighbours are kept in order, where the score is exact, or a bound


class Limits(NamedTuple):
    """What rounding can do to the numbers that are compared."""

    slack: float  # of a score, relative to N
    relative: float  # of a squared distance on the original values
    absolute: float  # the same, what underflow adds
    square: float  # the scale of a squared distance
    longest: float  # the largest N of a point


class Search(NamedTuple):
    """What one search reads, and the answers it writes. Numba passes it on as its fields."""

    X: np.ndarray  # (n, d) the points, as they were given
    Q: np.ndarray  # (m, d) float32 or float64
    exclude: np.ndarray  # (m,) or (0,) int64
    points: bounds.PointPanels
    queries: bounds.QueryPanels
    limits: Limits
    squares: np.ndarray  # (m, k) OUT
    indices: np.ndarray  # (m, k) OUT


class State(NamedTuple):
    """What is known so far of each query of a block."""

    cuts: np.ndarray  # (BLOCK,) float32: a lower score is out
    reach: np.ndarray  # (BLOCK,): squared distance of the farthest box that may hold a neighbour
    counts: np.ndarray  # (BLOCK,) int64: points held; IN_ORDER where neighbours are kept in order instead
    scores: np.ndarray  # (BLOCK, room) float32: of the points held
    places: np.ndarray  # (BLOCK, room): where they stand; at the end, which points they are
    squares: np.ndarray  # (BLOCK, room): at the end, their squared distances
    folded: np.ndarray  # (4 wanted or more,) float32


def nearest(X, projection, Q, k, exclude, n_jobs=None, progress=None):
    """(squared distances, indices) of the k nearest; `projection` is what axes.make returned for X."""
    m, points, free = len(Q), projection[1], []
    squares, indices = np.empty((m, k), Q.dtype), np.empty((m, k), np.int64)
    few = FEW_BOUNDED if points.rest.shape[1] else FEW_SCORED
    hold_block = hold_kernel(points.rest.shape[1] > 0) if k > few else None
    with one_blas_thread(projection):
        search = search_of(X, projection, Q, exclude, squares, indices, n_jobs)
        arguments = hold_block, search, free
        ns = cost(points) + LEFT * k * X.shape[1]
        step = min(BLOCK, HEIGHT * -(-m // (PARTS * HEIGHT)))
        pool.run(nearest_by_blocks, m, *arguments, step=step, cost=ns, n_jobs=n_jobs, progress=progress)
    return squares, indices


def within(X, projection, Q, limit, n_jobs=None, progress=None):
    """[(queries, indices, squared distances)]: all points at a squared distance up to `limit`, in any order."""
    nothing = np.empty((0, 0), Q.dtype), np.empty((0, 0), np.int64)
    with one_blas_thread(projection):
        search = search_of(X, projection, Q, NOBODY, *nothing, n_jobs)
        work, ns = within_by_blocks, cost(projection[1])
        parts = pool.run(work, len(Q), search, limit, step=BLOCK, cost=ns, n_jobs=n_jobs, progress=progress)
    return [found for part in parts for found in part]


def one_blas_thread(projection):
    """For the product that rotates the queries, if they are rotated."""
    return blas.single() if projection[0].rotation.size else contextlib.nullcontext()


def search_of(X, projection, Q, exclude, squares, indices, n_jobs):
    axes, points = projection
    limits = Limits(axes.slack, *bounds.rounding(Q.dtype, Q.shape[1]), float(axes.scale) ** 2, points.longest)
    queries = bounds.lay_out_queries(Q, axes, HEIGHT, BLOCK, n_jobs)
    return Search(X, Q, exclude, points, queries, limits, squares, indices)


def cost(points):
    """Nanoseconds of one query."""
    return len(points.order) * points.panels.shape[1] / 60


def nearest_by_blocks(start, stop, hold_block, search, free):
    """hold_block: None if all are kept in order | free: the states that no thread is using, for the next one."""
    try:
        state = free.pop()
    except IndexError:
        state = new_state(search, 0 if hold_block is None else 3 * (search.squares.shape[1] + 1) + 2 * WIDTH)
    for first, last, visit in blocks(start, stop, search):
        counts = state.counts[: last - first]
        counts[:], state.cuts[:] = IN_ORDER, -np.inf
        if hold_block is not None:
            counts[search.queries.norms[first:last] < FARTHEST] = 0
            hold_block(first, last, visit, search, state)
            rows = search.queries.order[first:last]
            order.write_nearest(state.squares, state.places, counts, rows, search.squares, search.indices)
        if (counts == IN_ORDER).any():
            order_block(first, last, visit, search, state)
    free.append(state)


def within_by_blocks(start, stop, search, limit):
    return [within_block(*block, search, limit) for block in blocks(start, stop, search)]


def blocks(start, stop, search):
    """(first, last, order of visiting the points) of each block of queries from start to stop."""
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        yield first, last, visiting_order(search.queries.panels[first // HEIGHT : -(-last // HEIGHT)], search.points)


def new_state(search, room):
    numbers = np.int32 if len(search.points.order) < 2**31 else np.int64
    scores, places, squares = (np.empty((BLOCK, room), kind) for kind in (np.float32, numbers, search.Q.dtype))
    cuts, reach, counts = np.empty(BLOCK, np.float32), np.empty(BLOCK), np.empty(BLOCK, np.int64)
    return State(cuts, reach, counts, scores, places, squares, np.empty(2 * room + 64, np.float32))


def visiting_order(panels, points):
    """The blocks of points, those whose box is nearest to the middle of the queries first."""
    if not points.low.shape[1]:  # no boxes
        return np.arange(len(points.low))
    with np.errstate(over="ignore", invalid="ignore"):  # a query may be far beyond the range of float32
        middle = panels[:, : points.low.shape[1]].mean(axis=(0, 2))
        gap = np.maximum(np.maximum(points.low - middle, middle - points.high), 0)
        return np.argsort((gap**2).sum(axis=1), kind="stable")
