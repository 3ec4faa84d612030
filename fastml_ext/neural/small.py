"""Whole batches of a small network in one array, cache and thread. Contract: reference/training.py, `train`.

The kernels of batches.py hand a dozen arrays from helper to helper, which costs more than the work where a batch has a
few thousand multiplications. Here weights, moments, values, slopes and gradients are places of one array.
"""

import numpy as np

from fastml_ext.jit import kernel
from fastml_ext.neural.functions import activate, one_loss, output_row
from fastml_ext.neural.instructions import borrow, expm1, inner, panel_1, panel_4, panel_16, panel_32
from fastml_ext.neural.steps import move, scale_of

__all__ = ["train_small"]

LOGISTIC, BINARY = 1, 5  # codes.ACTIVATIONS, codes.LOSSES


@kernel
def sums(M, c, b, a, step, w, stride, n, count):
    """M[c : c + n] = M[b : b + n] + sum of M[a + j * step] * M[w + j * stride : ... + n] over j < count."""
    o = np.int64(0)
    while o + 32 <= n:
        panel_32((M, c + o), (M, b + o), (M, a, step), (M, w + o, stride), count)
        o += 32
    if o + 16 <= n:
        panel_16((M, c + o), (M, b + o), (M, a, step), (M, w + o, stride), count)
        o += 16
    while o + 4 <= n:
        panel_4((M, c + o), (M, b + o), (M, a, step), (M, w + o, stride), count)
        o += 4
    while o < n:
        panel_1((M, c + o), (M, b + o), (M, a, step), (M, w + o, stride), count)
        o += 1


@kernel
def forward(M, size, k, n, at, w, to):
    """z of a layer: M[to : to + size * n] from the values (size, k) at `at` and the weights at `w`."""
    bias = w + k * n
    for r in range(size):
        if n == 1:
            M[to + r] = M[bias] + inner(M, at + r * k, M, w, k)
        else:
            sums(M, to + r * n, bias, at + r * k, 1, w, n, n, k)


@kernel
def backward(M, size, k, n, d, w, below, room, zeros):
    """Slopes (size, k) of the layer below, times the derivatives that stand there; room for the turned weights."""
    turned, carry = room, room + k * n
    if n == 1:
        turned = w
    else:
        for j in range(k):
            row = M[w + j * n : w + (j + 1) * n]
            for o in range(n):
                M[turned + o * k + j] = row[o]
    through = M[carry : carry + k]
    for r in range(size):
        sums(M, carry, zeros, d + r * n, 1, turned, k, k, n)
        target = M[below + r * k : below + (r + 1) * k]
        for j in range(k):
            target[j] *= through[j]


@kernel
def gradient(M, size, k, n, at, d, g, zeros, one):
    """Sums over the batch: coefs (k, n) and intercepts (n,) into M from g on; M[one] is 1."""
    if n == 1:
        sums(M, g, zeros, d, 1, at, k, k, size)
        sums(M, g + k, zeros, one, 0, d, 1, 1, size)
        return
    for j in range(k):
        sums(M, g + j * n, zeros, at + j, k, d, n, n, size)
    sums(M, g + k * n, zeros, one, 0, d, n, n, size)


@kernel
def losses_of(design, M, rows, z, d, Y, weight, eps):
    """(sum of weighted losses, sum of weights); the slopes of the last layer into M from d on."""
    total, weights, n = 0.0, 0.0, Y.shape[1]
    if len(weight) == 0 and n == 1 and design.activations[-1] == LOGISTIC and design.loss == BINARY:
        for r in range(len(rows)):
            x, y = np.float64(M[z + r]), np.float64(Y[rows[r], 0])
            e = expm1(-abs(x)) + 1.0
            a = (1.0 if x > 0 else e) / (1.0 + e)
            M[z + r] = a
            M[d + r] = a - y
            a = min(max(np.float64(M[z + r]), eps), 1.0 - eps)
            if y == 0 or y == 1:
                total -= np.log(a if y == 1 else 1.0 - a)
            else:
                total += one_loss(design, a, y, eps)[0]
        return total, np.float64(len(rows))
    for r in range(len(rows)):
        i = rows[r]
        v = weight[i] if len(weight) else 1.0
        total += output_row(design, M, z + r * n, M, d + r * n, Y[i], v, eps)
        weights += v
    return total, weights


@kernel
def places_of(units, batch):
    """Where in the array each layer's weights, gradients, values and slopes begin (L + 1, 4); where the rest begins."""
    layers = len(units) - 1
    places, count = np.zeros((layers + 1, 4), np.int64), np.int64(0)
    for layer in range(layers):
        count += (units[layer] + 1) * units[layer + 1]
    values, w = 2 * count, np.int64(0)
    slopes = values + batch * units.sum()
    for layer in range(layers + 1):
        places[layer, 0], places[layer, 1], places[layer, 2], places[layer, 3] = w, count + w, values, slopes
        values += batch * units[layer]
        if layer < layers:
            w += (units[layer] + 1) * units[layer + 1]
            slopes += batch * units[layer + 1]
    return places, slopes


@kernel
def train_small(design, method, state, order, batch, table, losses):
    """As train_slice, of a dense table, without noise, dropout, l1, clipping, and layers stepped together."""
    units, layers, P = design.units, len(design.units) - 1, len(state.w)
    places, zeros = places_of(units, batch)
    widest = units.max()
    one = zeros + widest
    factor, room = one + 1, one + 2
    M = np.zeros(room + widest * (widest + 1), state.w.dtype)
    for j in range(P):  # M[:P] = state.w would check the shapes at run time, by code that needs Python's interpreter
        M[j] = state.w[j]
    M[one] = 1
    X, Y, weight, order = borrow(table.X), borrow(table.Y), borrow(table.weight), borrow(order)
    A, at = borrow(M), borrow(places)
    first, second, clock = borrow(state.first), borrow(state.second), borrow(state.clock)
    codes, functions = borrow(design.activations), borrow(design.functions)
    eps, T = np.float64(np.finfo(M.dtype).eps), M.dtype.type
    last, d = layers - 1, units[0]
    for begin in range(0, len(order), batch):
        rows = order[begin : begin + batch]
        size = len(rows)
        for r in range(size):
            source, target = X[rows[r]], A[at[0, 2] + r * d : at[0, 2] + (r + 1) * d]
            for j in range(d):
                target[j] = source[j]
        for layer in range(layers):
            k, n = units[layer], units[layer + 1]
            forward(A, size, k, n, at[layer, 2], at[layer, 0], at[layer + 1, 2])
            if layer < last:
                z = at[layer + 1, 2]
                activate(codes[layer], functions[layer], A, z, z + size * n, A, at[layer, 3])
        total, weights = losses_of(design, A, rows, at[layers, 2], at[last, 3], Y, weight, eps)
        if weights == 0:
            continue
        loss, scale = scale_of(design, total, weights)
        clock[0] += 1
        slope = T(scale)
        slopes = A[at[last, 3] : at[last, 3] + size * units[layers]]
        for i in range(len(slopes)):
            slopes[i] *= slope
        penalty = 0.0
        for layer in range(last, -1, -1):
            k, n = units[layer], units[layer + 1]
            w, g = at[layer, 0], at[layer, 1]
            if layer > 0:
                backward(A, size, k, n, at[layer, 3], w, at[layer - 1, 3], room, zeros)
            gradient(A, size, k, n, at[layer, 2], at[layer, 3], g, zeros, one)
            if design.l2 > 0:
                penalty += 0.5 * design.l2 * inner(A, w, A, w, k * n)
                A[factor] = design.l2 / weights
                sums(A, g, g, factor, 0, w, 0, k * n, 1)
        move(method, clock[0], A[:P], first, second, A[P : 2 * P])
        losses[begin // batch] = size * (loss + penalty / weights)
    for j in range(P):
        state.w[j] = M[j]
