"""What the kernels of a network are called through: buffers, cuts, the choice between one thread and many."""

import ctypes
import functools
import itertools
import sys

import numpy as np

from fastml_ext import pool
from fastml_ext.device.products import ROOM
from fastml_ext.neural.batches import (
    LATE,
    LIMIT,
    TILE,
    clocks_of,
    gradient_of,
    gradient_part,
    losses_from,
    mirror_all,
    rows_part,
    train_shared,
    train_slice,
)
from fastml_ext.neural.codes import Buffers, Design, Method, State, Table
from fastml_ext.neural.inference import (
    few_rows,
    forward_part,
    loss_part,
    norms_of,
    r_squared_of,
    right_of,
    units_of,
    whole_gradient,
)
from fastml_ext.neural.small import train_small
from fastml_ext.neural.steps import scale_of

__all__ = ["examine", "gradients", "mean_loss", "outputs", "r_squared", "share_right", "train", "update_ratios"]

BLOCK = 16384  # weights of a block at most, but for those of a few rows
LEAST = 1e-30  # norm of weights that a step is compared with
ROWS = 2048  # rows of a full gradient that are held at a time
ITEM = 10e3  # ns that a part or block takes at least
PARTS, BLOCKS = 32, 64  # of a batch at most
SERIAL = 500e3  # ns: a full gradient of less is done by one call
SHARED = 40e3  # ns: a batch of less is done by one thread
PATIENCE = 200  # microseconds that a thread waits for another beyond what the work takes, before it goes on alone
PRODUCT = {"f": 0.012, "d": 0.024}  # ns of a multiplication, by one thread
UNIT, STEP = 0.3, 0.6  # ns of an activation forward and back, and of a weight's step


class Nothing:
    """What stands for the parts of a table that are not there, made once for each dtype: one row must be quick."""

    def __init__(self, dtype):
        integers = np.empty(0, np.int32)
        self.rows = np.empty(0, dtype), integers, integers, np.empty(0, np.int64)
        self.Y, self.weight = np.empty((0, 0), dtype), np.empty(0)


NOTHING = {char: Nothing(char) for char in "fd"}


@functools.cache
def relaxing():
    """Address of the system's function by which a thread that waits lets others run."""
    try:
        library = ctypes.windll.kernel32 if sys.platform == "win32" else ctypes.CDLL(None)
        function = library.SwitchToThread if sys.platform == "win32" else library.sched_yield
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def table_of(X, Y=None, weight=None):
    nothing = NOTHING[X.dtype.char]
    if type(X) is np.ndarray:
        parts = X, *nothing.rows
    else:
        parts = nothing.Y, X.data, X.indices, X.indptr, np.array([X.shape[1]])
    return Table(*parts, nothing.Y if Y is None else Y, nothing.weight if weight is None else weight)


class Layout:
    """Where the arrays of a batch begin, and how it is cut, by the shapes alone."""

    def __init__(self, units, rows, char):
        product = PRODUCT[char]
        self.units, self.rows = units, rows
        offsets, blocks = np.zeros((len(units), 4), np.int64), []
        per_row = sum(2 * k * n * product + n * UNIT for k, n in itertools.pairwise(units))
        self.parts = even(min(PARTS, rows * per_row / ITEM, -(-rows // TILE)))
        for layer, (k, n) in enumerate(itertools.pairwise(units)):
            offsets[layer + 1] = offsets[layer] + [rows * k, rows * n, k * n + n, k * n if 0 < layer and n > 1 else 0]
            cost = k * n * (rows * product + STEP)
            tiles = -(-k // TILE)
            count = even(min(max(min(BLOCKS, cost / ITEM), k * n / BLOCK), tiles))
            cuts = [min(b * tiles // count * TILE, k) for b in range(count + 1)]
            blocks += [(layer, low, high) for low, high in itertools.pairwise(cuts)]
        self.offsets, self.blocks = offsets, np.array(blocks, np.int64)
        self.widest = max((high - low) * units[layer + 1] + units[layer + 1] for layer, low, high in blocks)
        self.hidden = max([1, *units[1:-1]])
        self.weights = int(offsets[-1, 2])
        self.edge = int(np.flatnonzero(self.weights - offsets[1:, 2] < ROOM)[0])
        self.cost = rows * per_row * 1.5 + STEP * self.weights  # ns of a batch

    def buffers(self, dtype, whole=False):
        """Room for a batch; whole: where the gradient of all weights must be there before any is stepped."""
        return Buffers(
            parts=self.parts,
            hidden=self.hidden,
            offsets=self.offsets,
            blocks=self.blocks,
            values=np.zeros(int(self.offsets[-1, 0]) + self.rows * self.units[-1] + ROOM, dtype),
            deltas=np.zeros(int(self.offsets[-1, 1]) + ROOM, dtype),
            workspace=np.zeros(self.rows * self.hidden, dtype),
            zeros=np.zeros(max(self.units) + ROOM, dtype),
            transposed=np.zeros(int(self.offsets[-1, 3]) + ROOM, dtype),
            edge=self.edge,
            tail=np.zeros(self.weights - int(self.offsets[self.edge, 2]) + ROOM, dtype),
            gradient=np.zeros((self.weights if whole else self.widest) + ROOM, dtype),
        )


def even(count):
    """A count of parts that two threads can halve, or one."""
    return int(count) // 2 * 2 or 1


@functools.lru_cache(256)
def layout_of(units, rows, char):
    """units: as bytes of int64"""
    return Layout(np.frombuffer(units, np.int64).tolist(), rows, char)


def layout_for(design, rows, char):
    return layout_of(design.units.tobytes(), rows, char)


def typed(record):
    """The record with its numbers in the one type that its kernels are compiled for."""
    kinds = KINDS[type(record)]
    if tuple(map(type, record)) == kinds:
        return record
    return type(record)(
        *(value if kind is np.ndarray else kind(value) for value, kind in zip(record, kinds, strict=True))
    )


def kinds_of(record):
    defaults = record._field_defaults
    return tuple(type(defaults[name]) if name in defaults else np.ndarray for name in record._fields)


KINDS = {Design: kinds_of(Design), Method: kinds_of(Method)}


def multiplications(design):
    units = design.units.tolist()
    return sum(k * n for k, n in itertools.pairwise(units))


def train(design, method, order, batch, data, state, before=None, n_jobs=None):
    design, method, char = typed(design), typed(method), state.w.dtype.char
    batch = min(batch, len(order))
    table = table_of(data.X, data.Y, data.weight)
    losses, before = np.zeros(-(-len(order) // batch)), state.w[:0] if before is None else before
    layout, sparse, whole = layout_for(design, batch, char), len(table.indptr) > 0, method.clip_norm < np.inf
    plain = not (method.immediate or whole or sparse or design.noise or design.l1 or design.dropout.any())
    if plain and (layout.cost < SHARED or layout.parts == 1) and method.clip_value == np.inf:
        train_small(design, method, state, order, batch, table, before, losses)
        return losses
    buffers, saved = layout.buffers(state.w.dtype, whole), 0.0
    if sparse:
        zeros = design.units[0] - data.X.nnz / max(1, data.X.shape[0])
        saved = 3 * zeros * batch * int(design.units[1]) * PRODUCT[char]
    if method.immediate or whole or layout.parts == 1 or layout.cost - saved < SHARED:
        train_slice(design, method, state, order, batch, table, buffers, before, losses)
    else:
        share(design, method, state, order, batch, table, layout, buffers, before, losses, n_jobs)
    return losses


def share(design, method, state, order, batch, table, layout, buffers, before, losses, n_jobs):
    """Batches whose parts and blocks the threads take as they come, all batches in one call of each thread."""
    clocks = np.arange(1, len(losses) + 1) + state.clock[0]
    if table.weight.size:
        clocks_of(order, batch, table.weight, int(state.clock[0]), clocks)
    sums = np.zeros((len(losses), layout.parts + len(layout.blocks), 2))
    counters, jobs = np.zeros(32, np.int64), min(pool.effective_jobs(n_jobs), layout.parts)
    counters[LIMIT] = PATIENCE + 4e-3 * layout.cost / min(layout.parts, len(layout.blocks))
    arguments = design, method, state, order, batch, table, buffers, before, clocks, sums, counters, relaxing()
    mirror_all(design.units, state.w, buffers)
    cost = layout.cost * len(losses) / jobs
    pool.run(train_shared, jobs, *arguments, cost=cost, n_jobs=jobs)
    if counters[LATE]:
        pool.came_late()
    losses_from(design, order, batch, layout.parts, sums, losses)
    state.clock[0] = clocks[-1]


def gradients(design, w, data, n_jobs=None):
    loss, gradient, _ = full_gradient(design, w, data, ROWS, n_jobs)
    return loss, gradient


def full_gradient(design, w, data, most, n_jobs=None):
    """(loss, gradient, buffers), taking at most `most` rows at a time; the buffers hold the last of them."""
    design = typed(design)
    if design.noise or design.dropout.any():
        design = design._replace(noise=0.0, dropout=np.zeros(len(design.activations)))
    n = data.X.shape[0]
    size = min(n, most)
    layout, table = layout_for(design, size, w.dtype.char), table_of(data.X, data.Y, data.weight)
    buffers, G = layout.buffers(w.dtype), np.zeros_like(w)
    state = State(w, w[:0], w[:0], np.zeros(1, np.int64))
    if size == n and layout.cost < SERIAL:
        total, weights = gradient_of(design, METHOD, state, np.arange(n), table, buffers, G)
    else:
        total, weights = in_parts(design, state, size, n, table, layout, buffers, G, n_jobs)
    if weights == 0:
        return 0.0, G, buffers
    loss, scale = scale_of(design, total, weights)
    penalty = whole_gradient(design, w, G, scale, weights)
    return loss + penalty / weights, G, buffers


def in_parts(design, state, size, n, table, layout, buffers, G, n_jobs):
    """(sum of losses, sum of weights) of n rows, `size` at a time, and the sums of their gradients into G."""
    total, weights, parts, blocks = 0.0, 0.0, layout.parts, len(layout.blocks)
    mirror_all(design.units, state.w, buffers)
    for begin in range(0, n, size):
        rows = np.arange(begin, min(begin + size, n))
        arguments, cost = (design, METHOD, state, rows, table, buffers), 0.7 * layout.cost / parts
        for loss, weight in pool.run(rows_part, parts, *arguments, cost=cost, n_jobs=n_jobs):
            total, weights = total + loss, weights + weight
        cost = 0.3 * layout.cost / blocks
        pool.run(gradient_part, blocks, design, rows, table, buffers, G, cost=cost, n_jobs=n_jobs)
    return total, weights


METHOD = typed(Method())


def examine(design, w, data, n_jobs=None):
    n, layers = data.X.shape[0], len(design.activations)
    loss, gradient, buffers = full_gradient(design, w, data, n, n_jobs)
    norms, dead, saturated = np.empty(layers), np.empty(layers - 1), np.empty(layers - 1)
    norms_of(design.units, gradient, gradient[:0], norms)
    units_of(typed(design), buffers.offsets, buffers.values, n, dead, saturated)
    outputs = buffers.values[buffers.offsets[-1, 0] :][: n * design.units[-1]].reshape(n, -1)
    return loss, norms, dead, saturated, outputs


def update_ratios(units, w, before):
    change, size = np.empty(len(units) - 1), np.empty(len(units) - 1)
    norms_of(units, w, before, change)
    norms_of(units, before, before[:0], size)
    return change / np.maximum(size, LEAST)


def r_squared(output, Y, weight):
    return r_squared_of(output, Y, weight)


def share_right(output, Y, weight, one_of_several):
    return right_of(output, Y, weight, one_of_several)


def mean_loss(design, output, data):
    total, weights = loss_part(0, len(output), typed(design), output, data.Y, data.weight)
    return float(scale_of(design, total, weights)[0])


def outputs(design, w, X, n_jobs=None):
    n = X.shape[0]
    units, activations, functions = design[:3]
    out = np.empty((n, units[-1]), w.dtype)
    if n <= 2 and type(X) is np.ndarray:
        few_rows(units, activations, functions, w, X, out)
        return out
    arguments = units, activations, functions, w, table_of(X), out
    cost = 5 + multiplications(design) * PRODUCT[w.dtype.char]
    pool.run(forward_part, n, *arguments, cost=cost, step=128, n_jobs=n_jobs)
    return out
