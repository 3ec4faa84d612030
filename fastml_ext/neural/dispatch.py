"""What the kernels of a network are called through: buffers, cuts, the choice between one thread and many."""

import functools
import itertools

import numpy as np
import scipy.sparse as sp

from fastml_ext import blas, pool
from fastml_ext.neural.batches import (
    LOOPS,
    few_rows,
    forward_part,
    gradient_part,
    loss_part,
    rows_part,
    train_slice,
    weights_part,
)
from fastml_ext.neural.codes import Buffers, Design, Method, State, Table
from fastml_ext.neural.small import train_small
from fastml_ext.neural.steps import scale_of

__all__ = ["examine", "gradients", "mean_loss", "outputs", "train"]

SAME = 1e-6  # activations this near to one another are one
PART = 128  # rows of a part at most
BLOCK = 16384  # weights of a block at least, where a layer has as many
ROWS = 2048  # rows of a full gradient that are held at a time
# Multiplications of a batch up to which train_small is faster: in general; with one output, or one or two rows.
SMALL, SMALL_PLAIN = 30_000, 200_000
SERIAL = 3e5  # ns: a batch shorter than this is done in one thread
PRODUCT = 0.03  # ns a multiplication takes in BLAS, on one thread


class Nothing:
    """What stands for the parts of a table that are not there, made once for each dtype: one row must be quick."""

    def __init__(self, dtype):
        integers = np.empty(0, np.int32)
        self.rows = np.empty(0, dtype), integers, integers, np.empty(0, np.int64)
        self.Y, self.weight = np.empty((0, 0), dtype), np.empty(0)


NOTHING = {char: Nothing(char) for char in "fd"}


@functools.cache
def product_address(char):
    """Address of SciPy's matrix product for the dtype: the library that blas.single() holds to one thread."""
    return blas.address({"f": "sgemm", "d": "dgemm"}[char])


def table_of(X, Y=None, weight=None):
    nothing = NOTHING[X.dtype.char]
    if type(X) is np.ndarray:
        parts = X, *nothing.rows
    else:
        parts = nothing.Y, X.data, X.indices, X.indptr, np.array([X.shape[1]])
    return Table(*parts, nothing.Y if Y is None else Y, nothing.weight if weight is None else weight)


def buffers_for(units, rows, dtype, whole=None):
    """Buffers for batches of up to `rows` rows; parts and blocks by the shapes alone.

    whole: number of weights, where their gradient must be there as a whole before any is stepped
    """
    units = [int(u) for u in units]
    places, blocks = np.zeros((len(units), 4), np.int64), []
    for layer, (k, n) in enumerate(itertools.pairwise(units)):
        places[layer + 1] = places[layer] + [rows * k, rows * n, k * n + n, k * n * (0 < layer and k * n <= LOOPS)]
        count = max(1, k * n // BLOCK)
        cuts = [k * b // count for b in range(count + 1)]
        blocks += [(layer, low, high) for low, high in itertools.pairwise(cuts)]
    widest = max((high - low) * units[layer + 1] + units[layer + 1] for layer, low, high in blocks)
    parts = max(1, -(-rows // PART))
    hidden = max([1, *units[1:-1]])
    return Buffers(
        blas=product_address(np.dtype(dtype).char),
        part=-(-rows // parts),
        widest=widest,
        hidden=hidden,
        places=places,
        blocks=np.array(blocks, np.int64),
        values=np.empty(rows * sum(units), dtype),
        slopes=np.empty(rows * sum(units[1:]), dtype),
        carry=np.zeros((rows + 1) * hidden, dtype),  # the last of it stays 0
        turned=np.empty(max(1, places[-1, 3]), dtype),
        gradient=np.empty(widest if whole is None else whole, dtype),
        sums=np.zeros(2),
    )


def typed(record):
    """The record with its numbers in the one type that its kernels are compiled for."""
    return type(record)(
        *(convert(value, type(default)) for value, default in zip(record, DEFAULTS[type(record)], strict=True))
    )


def convert(value, kind):
    return value if isinstance(value, np.ndarray) else kind(value)


def defaults(record):
    return [record._field_defaults.get(name) for name in record._fields]


DEFAULTS = {Design: defaults(Design), Method: defaults(Method)}


def multiplications(design):
    return int(sum(k * n for k, n in itertools.pairwise(design.units)))


def train(design, method, order, batch, data, state, n_jobs=None):
    design, method = typed(design), typed(method)
    batch = min(batch, len(order))
    table = table_of(data.X, data.Y, data.weight)
    saved = design.units[0] - data.X.nnz / max(1, data.X.shape[0]) if sp.issparse(data.X) else 0
    work = (multiplications(design) - saved * int(design.units[1])) * batch * PRODUCT
    losses = np.zeros(-(-len(order) // batch))
    if is_small(design, method, batch, data.X):
        train_small(design, method, state, order, batch, table, losses)
        return losses
    buffers = buffers_for(design.units, batch, state.w.dtype, len(state.w) if method.clip_norm < np.inf else None)
    with blas.single():
        if method.immediate or method.clip_norm < np.inf or work < SERIAL:
            train_slice(design, method, state, order, batch, table, buffers, losses)
        else:
            train_in_parts(design, method, order, batch, state, table, buffers, losses, n_jobs)
    return losses


def is_small(design, method, batch, X):
    """Whether train_small can do it, and is faster at that."""
    plain = not (method.immediate or design.noise or design.l1 or design.dropout.any() or sp.issparse(X))
    clipped = min(method.clip_norm, method.clip_value) < np.inf
    limit = SMALL_PLAIN if design.units[-1] == 1 or batch <= 2 else SMALL
    return plain and not clipped and multiplications(design) * batch <= limit


def train_in_parts(design, method, order, batch, state, table, buffers, losses, n_jobs):
    """Batches whose two phases are each spread over the threads."""
    multiplied, stepped = multiplications(design) * PRODUCT, 1.0 * len(state.w)
    for begin in range(0, len(order), batch):
        rows = order[begin : begin + batch]
        arguments = design, method, state, rows, table, buffers
        parts = -(-len(rows) // buffers.part)
        cost = 2 * multiplied * len(rows) / parts
        found = pool.run(rows_part, parts, *arguments, cost=cost, n_jobs=n_jobs)
        total, weights = (sum(column) for column in zip(*found, strict=True))
        if weights == 0:
            continue
        loss, buffers.sums[0] = scale_of(design, total, weights)
        buffers.sums[1] = weights
        state.clock[0] += 1
        cost = (multiplied * len(rows) + stepped) / len(buffers.blocks)
        penalties = pool.run(weights_part, len(buffers.blocks), *arguments, cost=cost, n_jobs=n_jobs)
        losses[begin // batch] = len(rows) * (loss + sum(penalties) / weights)


def gradients(design, w, data, n_jobs=None):
    loss, gradient, _ = full_gradient(design, w, data, ROWS, n_jobs)
    return loss, gradient


def full_gradient(design, w, data, most, n_jobs=None):
    """(loss, gradient, buffers), taking at most `most` rows at a time; the buffers hold the last of them."""
    design = typed(design)._replace(noise=0.0, dropout=np.zeros(len(design.activations)))
    n = data.X.shape[0]
    size = min(n, most)
    table, buffers = table_of(data.X, data.Y, data.weight), buffers_for(design.units, size, w.dtype)
    state, G, method = State(w, w[:0], w[:0], np.zeros(1, np.int64)), np.zeros_like(w), typed(Method())
    total, weights, cost = 0.0, 0.0, multiplications(design) * PRODUCT
    with blas.single():
        for begin in range(0, n, size):
            rows = np.arange(begin, min(begin + size, n))
            parts = -(-len(rows) // buffers.part)
            arguments = design, method, state, rows, table, buffers
            for loss, weight in pool.run(rows_part, parts, *arguments, cost=2 * cost * buffers.part, n_jobs=n_jobs):
                total, weights = total + loss, weights + weight
            per_block = cost * len(rows) / len(buffers.blocks)
            pool.run(gradient_part, len(buffers.blocks), design, rows, table, buffers, G, cost=per_block, n_jobs=n_jobs)
    if weights == 0:
        return 0.0, G, buffers
    loss, scale = scale_of(design, total, weights)
    G *= w.dtype.type(scale)
    penalty, at = 0.0, 0
    for k, n_out in itertools.pairwise(design.units):
        coef = w[at : at + k * n_out]
        penalty += 0.5 * design.l2 * float(np.dot(coef, coef)) + design.l1 * float(np.abs(coef).sum(dtype=float))
        G[at : at + k * n_out] += (design.l2 * coef + design.l1 * np.sign(coef)) / weights
        at += k * n_out + n_out
    return loss + penalty / weights, G, buffers


def examine(design, w, data):
    n = data.X.shape[0]
    loss, gradient, buffers = full_gradient(design, w, data, n)
    sizes = np.cumsum([(k + 1) * u for k, u in itertools.pairwise(design.units)])
    norms = np.sqrt([np.sum(np.square(part, dtype=float)) for part in np.split(gradient, sizes[:-1])])
    starts, dead, saturated = buffers.places[:, 0], [], []
    layers = [buffers.values[s : s + n * u].reshape(n, u) for s, u in zip(starts[1:], design.units[1:], strict=True)]
    for code, a in zip(design.activations, layers[:-1], strict=False):
        dead.append(np.mean(a.max(axis=0) - a.min(axis=0) <= SAME))
        middle = {1: lambda a: 2 * a - 1, 2: lambda a: a}.get(int(code))
        saturated.append(0.0 if middle is None else np.mean(np.abs(middle(a)) > 0.95))
    return loss, norms, np.array(dead), np.array(saturated), layers[-1]


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
    arguments = units, activations, functions, w, table_of(X), out, product_address(w.dtype.char)
    with blas.single():
        cost = 5 + multiplications(design) * PRODUCT
        pool.run(forward_part, n, *arguments, cost=cost, step=128, n_jobs=n_jobs)
    return out
