"""Whole batches of a small network in one array, cache and thread. Contract: reference/training.py, `train`.

The kernels of batches.py hand a dozen arrays from helper to helper, which costs more than the work where a batch has a
few thousand multiplications. Here weights, moments, values, deltas and gradients are parts of one array.
"""

import numpy as np

from fastml_ext.device.memory import borrow, keep
from fastml_ext.device.products import ROOM, inner, product, row_sums, transpose
from fastml_ext.jit import kernel
from fastml_ext.neural.functions import activate, output_rows
from fastml_ext.neural.passes import multiply
from fastml_ext.neural.steps import move, scale_of

__all__ = ["train_small"]


@kernel
def backward(M, size, k, n, deltas, w, below, room, zeros):
    """Deltas (size, k) of the layer below, times the derivatives that stand there; room for transposed weights."""
    if n == 1:
        row = M[w : w + k]
        for r in range(size):
            delta, target = M[deltas + r], M[below + r * k : below + (r + 1) * k]
            for j in range(k):
                target[j] *= delta * row[j]
        return
    workspace = room + k * n
    transpose(M, w, k, n, 0, k, M, room)
    product((M, workspace, k), (M, zeros, 0), (M, deltas, n, 1), (M, room, k), size, k, n)
    target, row = M[below : below + size * k], M[workspace : workspace + size * k]
    for i in range(size * k):
        target[i] *= row[i]


@kernel
def gradient(M, size, k, n, at, deltas, g, zeros, ones):
    """Sums over the batch: coefs (k, n) and intercepts (n,) into M from g on; `ones`: where as many ones stand."""
    if n == 1:
        row_sums(M, g, M, zeros, (M, deltas), (M, at, k), k, size)
    else:
        product((M, g, n), (M, zeros, 0), (M, at, 1, k), (M, deltas, n), k, n, size)
    row_sums(M, g + k * n, M, zeros, (M, ones), (M, deltas, n), n, size)


@kernel
def offsets_of(units, batch):
    """Where in the array each layer's weights, gradients, values and deltas begin (L + 1, 4); where the rest begins."""
    layers = len(units) - 1
    offsets, count = np.zeros((layers + 1, 4), np.int64), np.int64(0)
    for layer in range(layers):
        count += (units[layer] + 1) * units[layer + 1]
    values, w = 2 * count, np.int64(0)
    deltas = values + batch * units.sum()
    for layer in range(layers + 1):
        offsets[layer, 0], offsets[layer, 1], offsets[layer, 2], offsets[layer, 3] = w, count + w, values, deltas
        values += batch * units[layer]
        if layer < layers:
            w += (units[layer] + 1) * units[layer + 1]
            deltas += batch * units[layer + 1]
    return offsets, deltas


@kernel
def train_small(design, method, state, order, batch, table, before, losses):
    """As train_slice, of a dense table, without noise, dropout, l1, clipping, and layers stepped together."""
    units, layers = design.units, len(design.units) - 1
    offsets, zeros = offsets_of(units, batch)
    P, widest, hidden = offsets[layers, 0], units.max(), units[1:].max()
    ones = zeros + widest + ROOM
    room = ones + batch
    M = np.zeros(room + hidden * (hidden + batch) + ROOM, state.w.dtype)
    for j in range(P):  # M[:P] = state.w would check the shapes at run time, by code that needs Python's interpreter
        M[j] = state.w[j]
    for r in range(batch):
        M[ones + r] = 1
    X, Y, weight, order = borrow(table.X), borrow(table.Y), borrow(table.weight), borrow(order)
    A, at = borrow(M), borrow(offsets)
    first, second, clock = borrow(state.first), borrow(state.second), borrow(state.clock)
    codes, functions = borrow(design.activations), borrow(design.functions)
    T, last, d = M.dtype.type, layers - 1, units[0]
    for begin in range(0, len(order), batch):
        rows = order[begin : begin + batch]
        size = len(rows)
        if begin + batch >= len(order):
            for j in range(len(before)):
                before[j] = A[j]
        for r in range(size):
            source, target = X[rows[r]], A[at[0, 2] + r * d : at[0, 2] + (r + 1) * d]
            for j in range(d):
                target[j] = source[j]
        for layer in range(layers):
            k, n = units[layer], units[layer + 1]
            multiply((A, at[layer, 2]), (A, at[layer, 0]), (A, at[layer + 1, 2]), size, n, k)
            if layer < last:
                z = at[layer + 1, 2]
                activate(codes[layer], functions[layer], A, z, z + size * n, A, at[layer, 3])
        total, weights = output_rows(design, A, at[layers, 2], A, at[last, 3], rows, Y, weight)
        if weights == 0:
            continue
        loss, scale = scale_of(design, total, weights)
        clock[0] += 1
        factor, l2, penalty = T(scale), T(design.l2 / weights), 0.0
        deltas = A[at[last, 3] : at[last, 3] + size * units[layers]]
        for i in range(len(deltas)):
            deltas[i] *= factor
        for layer in range(last, -1, -1):
            k, n = units[layer], units[layer + 1]
            w, g = at[layer, 0], at[layer, 1]
            if layer > 0:
                backward(A, size, k, n, at[layer, 3], w, at[layer - 1, 3], room, zeros)
            gradient(A, size, k, n, at[layer, 2], at[layer, 3], g, zeros, ones)
            if design.l2 > 0:
                penalty += 0.5 * design.l2 * inner(A, w, A, w, k * n)
                own, along = A[w : w + k * n], A[g : g + k * n]
                for i in range(len(own)):
                    along[i] += l2 * own[i]
        move(method, clock[0], A[:P], first, second, A[P : 2 * P])
        losses[begin // batch] = size * (loss + penalty / weights)
    for j in range(P):
        state.w[j] = M[j]
    keep(M)
    keep(offsets)
