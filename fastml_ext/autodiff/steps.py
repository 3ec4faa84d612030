"""Steps of the optimisers on a flat vector of weights. Contract: reference.py."""

import math

import numpy as np

from fastml_ext.jit import kernel

__all__ = ["adagrad_step", "adam_step", "penalty", "sgd_step"]

TINY = 1e-30  # averages below are set to zero: subnormal numbers would stay for ever and slow every later step


@kernel
def sgd_step(w, g, state, hyper, l1, l2, t):
    """hyper: rate, momentum | state (2, n): velocity in its first row."""
    rate, momentum = hyper[0], hyper[1]
    velocity = state[0]
    for i in range(w.size):
        slope = g[i] + l2[i] * w[i] + l1[i] * np.sign(w[i])
        v = momentum * velocity[i] - rate * slope
        velocity[i] = v if abs(v) > TINY else 0.0
        w[i] += v


@kernel
def adagrad_step(w, g, state, hyper, l1, l2, t):
    """hyper: rate, epsilon | state (2, n): sums of squares in its first row."""
    rate, epsilon = hyper[0], hyper[1]
    squares = state[0]
    for i in range(w.size):
        slope = g[i] + l2[i] * w[i] + l1[i] * np.sign(w[i])
        squares[i] += slope * slope
        w[i] -= rate * slope / (math.sqrt(squares[i]) + epsilon)


@kernel
def adam_step(w, g, state, hyper, l1, l2, t):
    """hyper: rate, epsilon, beta1, beta2 | state (2, n): averages of slopes, and of their squares."""
    epsilon, beta1, beta2 = hyper[1], hyper[2], hyper[3]
    rate = hyper[0] * math.sqrt(1 - beta2**t) / (1 - beta1**t)
    mean, square = state[0], state[1]
    for i in range(w.size):
        slope = g[i] + l2[i] * w[i] + l1[i] * np.sign(w[i])
        m = beta1 * mean[i] + (1 - beta1) * slope
        s = beta2 * square[i] + (1 - beta2) * slope * slope
        mean[i] = m if abs(m) > TINY else 0.0
        square[i] = s if s > TINY else 0.0
        w[i] -= rate * m / (math.sqrt(s) + epsilon)


@kernel
def penalty(w, l1, l2):
    """Sum of l1 |w| + l2 w^2 / 2 over the weights."""
    total = 0.0
    for i in range(w.size):
        total += l1[i] * abs(w[i]) + 0.5 * l2[i] * w[i] * w[i]
    return total
