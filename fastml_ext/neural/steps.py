"""A solver's step, and the scale of a batch's gradient. Contract: reference/training.py."""

import numpy as np

from fastml_ext.device.optimizers import LEAST, adaptive_step, corrected_rate, decayed, velocity
from fastml_ext.jit import kernel
from fastml_ext.neural.codes import ADAGRAD, ADAMW, NESTEROV, RMSPROP, ROOT, SGD

__all__ = ["move", "scale_of"]


@kernel
def scale_of(design, total, weights):
    """(loss of a batch, what sums of gradients are multiplied with) from the sums of its losses and of its weights."""
    if design.loss == ROOT:
        value = np.sqrt(total / weights)
        return value, (1.0 / (weights * value) if value > 0 else 0.0)
    return total / weights, 1.0 / weights


@kernel
def move(method, t, w, first, second, gradient):
    """The step number t of weights w with their moments, all as long as their gradient; moments may be empty."""
    T, solver, n = w.dtype.type, method.solver, len(gradient)
    rate, mu, eps, least = T(method.rate), T(method.momentum), T(method.epsilon), T(LEAST)
    zero, one = T(0), T(1)
    if solver == SGD:
        for i in range(n):
            w[i] -= rate * gradient[i]
    elif solver <= NESTEROV:
        ahead, along = (mu, rate) if solver == NESTEROV else (one, zero)
        for i in range(n):
            v = velocity(mu, first[i], -rate, gradient[i], least)
            first[i] = v
            w[i] += ahead * v - along * gradient[i]
    elif solver <= RMSPROP:
        keep, share = (one, one) if solver == ADAGRAD else (T(method.beta_2), T(1 - method.beta_2))
        for i in range(n):
            g = gradient[i]
            s = decayed(keep, second[i], share * (g * g), least)
            second[i] = s
            w[i] -= adaptive_step(rate, g, s, eps)
    else:
        b1, b2 = T(method.beta_1), T(method.beta_2)
        c1, c2 = T(1 - method.beta_1), T(1 - method.beta_2)
        rate = T(corrected_rate(method.rate, method.beta_1, method.beta_2, t))
        keep = T(1 - method.rate * method.decay) if solver == ADAMW else one
        for i in range(n):
            g = gradient[i]
            m, s = decayed(b1, first[i], c1 * g, least), decayed(b2, second[i], c2 * (g * g), least)
            first[i], second[i] = m, s
            w[i] = keep * w[i] - adaptive_step(rate, m, s, eps)
