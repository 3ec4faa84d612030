"""The weights of a descent as they are: without their scale, averaged, measured. Contract: reference/epochs.py."""

import numpy as np

from fastml_ext.jit import kernel

__all__ = ["average", "look", "settle", "weights"]


@kernel
def settle(state, sparse):
    """Fold the scale into W; bring the sum for the average up to date."""
    W, total, scale = state.W, state.total, state.scale
    sum_of_scales, n_averaged = state.sum_of_scales, state.n_averaged
    d = W.shape[0] - 1 if sparse else W.shape[1] - 1
    k = W.shape[1] if sparse else W.shape[0]
    for c in range(k):
        for j in range(d + 1):
            a, b = (j, c) if sparse else (c, j)
            if total.size and state.strength.size == 0:
                share = sum_of_scales[0] if j < d else n_averaged[0]
                total[a, b] -= share * W[a, b]
            if j < d:
                W[a, b] *= scale[0]
    scale[0], sum_of_scales[0], n_averaged[0] = 1.0, 0.0, 0.0


@kernel
def measure(start, stop, w, scale, before, now):
    """Weights start to stop of w, times scale, into `now`: (their squares, those of their moves, their sizes)."""
    squares, moves, sizes = 0.0, 0.0, 0.0
    for j in range(start, stop):
        x = scale * w[j]
        now[j] = x
        move = x - before[j]
        squares += x * x
        moves += move * move
        sizes += abs(x)
    return squares, moves, sizes


@kernel
def measure_weights(task, state, sparse, before, now):
    """`look`, with sums over a weight's neighbours in memory: a pass over all weights, as they lie."""
    W = state.W
    d, k = (W.shape[0] - 1, W.shape[1]) if sparse else (W.shape[1] - 1, W.shape[0])
    w, factor, scale = W.reshape(-1), 1.0, state.scale[0]
    count = state.n_steps[0] - task.average_from
    if 0 <= task.average_from and count > 0:
        settle(state, sparse)
        w, factor, scale = state.total.reshape(-1), -1.0 / count, -1.0 / count
    squares, moves, sizes, inside = 0.0, 0.0, 0.0, 0.0
    for c in range(1 if sparse else k):
        width = k if sparse else 1  # of intercepts, after so many weights
        first = c * (d + 1)
        last = first + d * width
        a, b, size = measure(first, last, w, scale, before, now)
        inner, change, _ = measure(last, last + width, w, factor, before, now)
        squares, moves, sizes, inside = squares + a, moves + b + change, sizes + size, inside + inner
    return squares, moves, sizes, inside


def look(task, state, sparse, before, now):
    return measure_weights(task, state, sparse, before.reshape(-1), now.reshape(-1))


def weights(state, sparse=False):
    settle(state, sparse)
    W = state.W.T if sparse else state.W
    return np.array(W[:, :-1], order="C"), np.array(W[:, -1])


def average(task, state, sparse=False):
    count = state.n_steps[0] - task.average_from
    if task.average_from < 0 or count <= 0:
        return weights(state, sparse)
    settle(state, sparse)
    W = -(state.total.T if sparse else state.total) / count
    return np.array(W[:, :-1], order="C"), np.array(W[:, -1])
