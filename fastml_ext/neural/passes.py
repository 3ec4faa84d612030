"""Some rows of a batch through a dense network, forward and backward. Contract: reference/layers.py.

All arrays of a batch are flat: of each layer, rows after rows. `buffers.offsets` says where a layer's begin.
"""

import numpy as np

from fastml_ext.device.numbers import GOLDEN, mix
from fastml_ext.device.products import inner, product
from fastml_ext.jit import kernel
from fastml_ext.neural.functions import activate, output_rows

__all__ = ["backward_rows", "forward_rows", "losses_of", "multiply", "multiply_sparse"]

INPUT = np.uint64(2**32)


@kernel
def multiply(A, W, C, m, n, k):
    """C (m, n) = A (m, k) W (k, n) + the intercepts (n,) that follow W; each a (flat array, first place)."""
    a, a0 = A
    w, w0 = W
    c, c0 = C
    bias = w0 + k * n
    if n == 1:
        for r in range(m):
            c[c0 + r] = w[bias] + inner(a, a0 + r * k, w, w0, k)
        return
    product((c, c0, n), (w, bias, 0), (a, a0, k, 1), (w, w0, n), m, n, k)


@kernel
def multiply_sparse(table, rows, first, last, W, w0, C, n):
    """C (rows, n) = the CSR rows times W (d, n), plus the intercepts that follow W."""
    bias = w0 + np.int64(table.columns[0]) * n
    for r in range(first, last):
        i = rows[r]
        row = C[r * n : (r + 1) * n]
        for o in range(n):
            row[o] = W[bias + o]
        for p in range(table.indptr[i], table.indptr[i + 1]):
            x, at = table.stored[p], w0 + np.int64(table.indices[p]) * n
            w = W[at : at + n]
            for o in range(n):
                row[o] += x * w[o]


@kernel
def row_key(seed, step, row):
    """What the random numbers of a row of the batch start from."""
    key = mix(np.uint64(seed) + GOLDEN * np.uint64(step + 1))
    return mix(key + GOLDEN * np.uint64(row + 1))


@kernel
def gather(design, method, step, rows, first, last, table, values):
    """Rows of X, with noise on them, into the first layer's values."""
    d = design.units[0]
    for r in range(first, last):
        row, target = table.X[rows[r]], values[r * d : (r + 1) * d]
        for j in range(d):
            target[j] = row[j]
        if design.noise > 0:
            key = row_key(method.seed, step, r)
            for j in range(d):
                bits = mix(key + GOLDEN * (np.uint64(j) + INPUT + np.uint64(1)))
                u = (np.float64(bits >> np.uint64(32)) + 0.5) / 2.0**32
                v = np.float64(bits & np.uint64(2**32 - 1)) / 2.0**32
                values[r * d + j] += design.noise * np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * v)


@kernel
def drop(share, seed, step, first, last, n, counted, Z, z0, D, d0):
    """Multiply activations and derivatives of rows first..last with 0, or with what makes up for it."""
    up = 1.0 / (1.0 - share)
    for r in range(first, last):
        key = row_key(seed, step, r)
        for j in range(n):
            bits = mix(key + GOLDEN * np.uint64(counted + j + 1))
            factor = 0.0 if np.float64(bits >> np.uint64(11)) / 2.0**53 < share else up
            Z[z0 + r * n + j] *= factor
            D[d0 + r * n + j] *= factor


@kernel
def forward_rows(design, method, w, step, rows, first, last, table, buffers):
    """Activations and derivatives of all layers but the last, whose z are left as they are, for rows first..last.

    step: steps done so far, which noise and dropout are drawn by
    """
    units, values, deltas = design.units, buffers.values, buffers.deltas
    sparse, counted = len(table.indptr) > 0, np.int64(0)
    if not sparse:
        gather(design, method, step, rows, first, last, table, values)
    for layer in range(len(units) - 1):
        k, n = units[layer], units[layer + 1]
        at, to, weights = buffers.offsets[layer, 0], buffers.offsets[layer, 1], buffers.offsets[layer, 2]
        after = buffers.offsets[layer + 1, 0]
        if sparse and layer == 0:
            multiply_sparse(table, rows, first, last, w, weights, values[after:], n)
        elif layer < buffers.edge:
            multiply((values, at + first * k), (w, weights), (values, after + first * n), last - first, n, k)
        else:
            W = buffers.tail, weights - buffers.offsets[buffers.edge, 2]
            multiply((values, at + first * k), W, (values, after + first * n), last - first, n, k)
        if layer < len(units) - 2:
            z0, z1 = after + first * n, after + last * n
            activate(design.activations[layer], design.functions[layer], values, z0, z1, deltas, to + first * n)
            if design.dropout[layer] > 0:
                drop(design.dropout[layer], method.seed, step, first, last, n, counted, values, after, deltas, to)
        counted += n


@kernel
def losses_of(design, rows, first, last, table, buffers):
    """(sum of weighted losses, sum of weights) of rows first..last; the last layer's deltas."""
    at, to, k = buffers.offsets[-1, 0], buffers.offsets[-2, 1], design.units[-1]
    values, deltas = buffers.values, buffers.deltas
    rows = rows[first:last]
    return output_rows(design, values, at + first * k, deltas, to + first * k, rows, table.Y, table.weight)


@kernel
def backward_rows(design, w, first, last, buffers, layer):
    """Deltas of the layer below `layer` for rows first..last: through its weights, times the derivatives there."""
    to, below = buffers.offsets[layer, 1], buffers.offsets[layer - 1, 1]
    k, n, m = design.units[layer], design.units[layer + 1], last - first
    deltas, workspace = buffers.deltas, buffers.workspace
    if n == 1:
        row = w[buffers.offsets[layer, 2] : buffers.offsets[layer, 2] + k]
        for r in range(first, last):
            delta, target = deltas[to + r], deltas[below + r * k : below + (r + 1) * k]
            for j in range(k):
                target[j] *= delta * row[j]
        return
    own = first * buffers.hidden  # parts may be at different layers: each has its own room
    A, W = (deltas, to + first * n, n, 1), (buffers.transposed, buffers.offsets[layer, 3], k)
    product((workspace, own, k), (buffers.zeros, 0, 0), A, W, m, k, n)
    row, target = workspace[own : own + m * k], deltas[below + first * k : below + last * k]
    for i in range(m * k):
        target[i] *= row[i]
