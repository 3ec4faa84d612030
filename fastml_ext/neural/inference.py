"""Outputs of a dense network, and what is told of them. Contract: reference/."""

import numpy as np

from fastml_ext.device.numbers import softmax_rows
from fastml_ext.device.products import ROOM, inner, matvec
from fastml_ext.jit import kernel
from fastml_ext.neural.codes import SOFTMAX
from fastml_ext.neural.functions import activate, one_loss
from fastml_ext.neural.passes import multiply, multiply_sparse

__all__ = [
    "few_rows",
    "forward_part",
    "loss_part",
    "norms_of",
    "r_squared_of",
    "right_of",
    "units_of",
    "whole_gradient",
]

LOGISTIC, TANH = 1, 2  # codes.ACTIVATIONS
SAME = 1e-6  # activations this near to one another are one
SATURATED = 0.95  # of the way from the middle of a logistic or a tanh to its ends
CHUNK = 128  # rows of a forward pass that is not trained from


@kernel
def forward_part(start, stop, units, activations, functions, w, table, out):
    """Outputs of rows start..stop of a table into out, CHUNK rows at a time."""
    layers, widest, sparse = len(activations), np.int64(1), len(table.indptr) > 0
    for layer in range(layers):
        widest = max(widest, units[layer + 1])
    size = min(stop - start, CHUNK) * widest
    one, other, waste = np.empty(size, w.dtype), np.empty(size, w.dtype), np.empty(size, w.dtype)
    flat, edge, begin = table.X.reshape(-1), layers, np.int64(len(w))
    while edge > 0 and len(w) - begin < ROOM:  # layers whose weights tiles read beyond the last one: see Buffers
        edge -= 1
        begin -= (units[edge] + 1) * units[edge + 1]
    tail = np.zeros(len(w) - begin + ROOM, w.dtype)
    for i in range(begin, len(w)):
        tail[i - begin] = w[i]
    for low in range(start, stop, CHUNK):
        m, place = min(CHUNK, stop - low), np.int64(0)
        for layer in range(layers):
            k, n = units[layer], units[layer + 1]
            target = one if layer % 2 == 0 else other
            source = other if layer % 2 == 0 else one
            if layer == 0 and sparse:
                multiply_sparse(table, np.arange(low, low + m), 0, m, w, place, target, n)
            elif layer == 0 and edge > 0:
                multiply((flat, low * k), (w, place), (target, 0), m, n, k)
            elif layer == 0:
                multiply((flat, low * k), (tail, place), (target, 0), m, n, k)
            elif layer < edge:
                multiply((source, 0), (w, place), (target, 0), m, n, k)
            else:
                multiply((source, 0), (tail, place - begin), (target, 0), m, n, k)
            if activations[layer] == SOFTMAX:
                softmax_rows(target, 0, m, n)
            else:
                activate(activations[layer], functions[layer], target, 0, m * n, waste, 0)
            place += k * n + n
        for r in range(m):
            row, answer = target[r * n : (r + 1) * n], out[low + r]
            for o in range(n):
                answer[o] = row[o]


@kernel
def few_rows(units, activations, functions, w, X, out):
    """Outputs of a row or two, for which the records of `forward_part` cost too much."""
    widest = np.int64(1)
    for n in units:
        widest = max(widest, n)
    one, other, waste = np.empty(widest, w.dtype), np.empty(widest, w.dtype), np.empty(widest, w.dtype)
    for i in range(len(X)):
        place = np.int64(0)
        for j in range(units[0]):
            one[j] = X[i, j]
        for layer in range(len(activations)):
            k, n = units[layer], units[layer + 1]
            matvec(other, w, place + k * n, one, w, place, n, k)
            if activations[layer] == SOFTMAX:
                softmax_rows(other, 0, 1, n)
            else:
                activate(activations[layer], functions[layer], other, 0, n, waste, 0)
            one, other = other, one
            place += k * n + n
        for o in range(len(out[i])):
            out[i, o] = one[o]


@kernel
def loss_part(start, stop, design, output, Y, weight):
    """(sum of weighted losses, sum of weights) of given outputs."""
    total, weights, eps = 0.0, 0.0, np.float64(np.finfo(output.dtype).eps)
    for i in range(start, stop):
        v = weight[i] if len(weight) else 1.0
        for c in range(Y.shape[1]):
            total += v * one_loss(design, np.float64(output[i, c]), np.float64(Y[i, c]), eps)[0]
        weights += v
    return total, weights


@kernel
def whole_gradient(design, w, G, scale, weights):
    """The gradient of the objective in G, from sums over all rows; the penalty."""
    T, penalty, at, units = w.dtype.type, 0.0, np.int64(0), design.units
    factor, l2, l1 = T(scale), T(design.l2 / weights), T(design.l1 / weights)
    for i in range(len(G)):
        G[i] *= factor
    for layer in range(len(units) - 1):
        end = at + units[layer] * units[layer + 1]
        if design.l2 > 0:
            penalty += 0.5 * design.l2 * inner(w, at, w, at, end - at)
            for i in range(at, end):
                G[i] += l2 * w[i]
        if design.l1 > 0:
            for i in range(at, end):
                penalty += design.l1 * abs(np.float64(w[i]))
                G[i] += l1 * np.sign(w[i])
        at = end + units[layer + 1]
    return penalty


@kernel
def norms_of(units, G, B, norms):
    """Norm of each layer's part of G - B, flat weights or gradients; B may be empty."""
    at = np.int64(0)
    for layer in range(len(units) - 1):
        end, total = at + (units[layer] + 1) * units[layer + 1], 0.0
        for i in range(at, end):
            g = np.float64(G[i]) - (np.float64(B[i]) if len(B) else 0.0)
            total += g * g
        norms[layer], at = np.sqrt(total), end


@kernel
def units_of(design, offsets, values, n, dead, saturated):
    """Shares of each hidden layer's units that are dead, and of its activations that are saturated, over n rows."""
    for layer in range(len(design.units) - 2):
        k, at, code = design.units[layer + 1], offsets[layer + 1, 0], design.activations[layer]
        low, high, ends = values[at : at + k].copy(), values[at : at + k].copy(), 0
        middle, half = (0.5, 0.5) if code == LOGISTIC else (0.0, 1.0)
        for r in range(n):
            row = values[at + r * k : at + (r + 1) * k]
            for j in range(k):
                low[j] = row[j] if row[j] < low[j] else low[j]
                high[j] = row[j] if row[j] > high[j] else high[j]
            if code in (LOGISTIC, TANH):
                for j in range(k):
                    ends += 1 if abs(row[j] - middle) > SATURATED * half else 0
        still = 0
        for j in range(k):
            still += 1 if high[j] - low[j] <= SAME else 0
        dead[layer], saturated[layer] = still / k, ends / (n * k)


@kernel
def r_squared_of(output, Y, weight):
    """Mean over the outputs of R^2; see reference."""
    n, k = Y.shape
    score, total = 0.0, np.float64(n)
    if len(weight):
        total = 0.0
        for i in range(n):
            total += weight[i]
    for c in range(k):
        mean, wrong, spread, constant = 0.0, 0.0, 0.0, True
        for i in range(n):
            mean += (weight[i] if len(weight) else 1.0) * Y[i, c]
        mean /= total
        for i in range(n):
            v, y = weight[i] if len(weight) else 1.0, np.float64(Y[i, c])
            wrong += v * (y - output[i, c]) ** 2
            spread += v * (y - mean) ** 2
            constant = constant and Y[i, c] == Y[0, c]
        score += (1.0 if wrong == 0 else 0.0) if constant else 1.0 - wrong / spread
    return score / k


@kernel
def right_of(output, Y, weight, one_of_several):
    """Share of the rows whose outputs decide as Y does; see reference."""
    n, k = Y.shape
    right, total = 0.0, 0.0
    for i in range(n):
        v, same = weight[i] if len(weight) else 1.0, True
        if one_of_several:
            best, wanted = 0, 0
            for c in range(1, k):
                best = c if output[i, c] > output[i, best] else best
                wanted = c if Y[i, c] > Y[i, wanted] else wanted
            same = best == wanted
        else:
            for c in range(k):
                same = same and (output[i, c] > 0.5) == (Y[i, c] > 0.5)
        right += v if same else 0.0
        total += v
    return right / total
