"""Steps of the optimisers on a flat vector of weights. Contract: reference.py."""

import numpy as np

from fastml_ext.device.optimizers import LEAST, adaptive_step, corrected_rate, decayed, velocity
from fastml_ext.jit import kernel

__all__ = ["adagrad_step", "adam_step", "penalty", "sgd_step"]


@kernel
def penalised(slope, w, l1, l2):
    """Slope of the function with its penalties."""
    return slope + l2 * w + l1 * np.sign(w)


@kernel
def sgd_step(w, g, state, hyper, l1, l2, t):
    """hyper: rate, momentum | state (2, n): velocity in its first row."""
    rate, momentum, speed = hyper[0], hyper[1], state[0]
    for i in range(w.size):
        v = velocity(momentum, speed[i], -rate, penalised(g[i], w[i], l1[i], l2[i]), LEAST)
        speed[i] = v
        w[i] += v


@kernel
def adagrad_step(w, g, state, hyper, l1, l2, t):
    """hyper: rate, epsilon | state (2, n): sums of squares in its first row."""
    rate, epsilon, squares = hyper[0], hyper[1], state[0]
    for i in range(w.size):
        slope = penalised(g[i], w[i], l1[i], l2[i])
        squares[i] = decayed(1.0, squares[i], slope * slope, LEAST)
        w[i] -= adaptive_step(rate, slope, squares[i], epsilon)


@kernel
def adam_step(w, g, state, hyper, l1, l2, t):
    """hyper: rate, epsilon, beta1, beta2 | state (2, n): averages of slopes, and of their squares."""
    epsilon, beta1, beta2 = hyper[1], hyper[2], hyper[3]
    rate = corrected_rate(hyper[0], beta1, beta2, t)
    mean, square = state[0], state[1]
    for i in range(w.size):
        slope = penalised(g[i], w[i], l1[i], l2[i])
        m = decayed(beta1, mean[i], (1 - beta1) * slope, LEAST)
        s = decayed(beta2, square[i], (1 - beta2) * slope * slope, LEAST)
        mean[i], square[i] = m, s
        w[i] -= adaptive_step(rate, m, s, epsilon)


@kernel
def penalty(w, l1, l2):
    """Sum of l1 |w| + l2 w^2 / 2 over the weights."""
    total = 0.0
    for i in range(w.size):
        total += l1[i] * abs(w[i]) + 0.5 * l2[i] * w[i] * w[i]
    return total
