"""A solver's step, and the scale of a batch's gradient. Contract: reference/training.py."""

import numpy as np

from fastml_ext.jit import kernel
from fastml_ext.neural.functions import ROOT

__all__ = ["move", "scale_of"]

SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM, ADAMW = range(7)
LEAST = 1e-30  # smaller moments are zero: subnormal numbers take 100 times longer
VANISHED = 40.0  # 1 - exp(-VANISHED) is 1


@kernel
def scale_of(design, total, weights):
    """(loss of a batch, what sums of gradients are multiplied with) from the sums of its losses and of its weights."""
    if design.loss == ROOT:
        value = np.sqrt(total / weights)
        return value, (1.0 / (weights * value) if value > 0 else 0.0)
    return total / weights, 1.0 / weights


@kernel
def power(beta, t):
    """beta ** t, or 0 where 1 - beta ** t is 1: pow takes its slow way where it underflows."""
    return beta**t if beta > 0 and -t * np.log(beta) < VANISHED else 0.0


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
            v = mu * first[i] - rate * gradient[i]
            v = v if abs(v) > least else zero
            first[i] = v
            w[i] += ahead * v - along * gradient[i]
    elif solver <= RMSPROP:
        keep, share = (one, one) if solver == ADAGRAD else (T(method.beta_2), T(1 - method.beta_2))
        for i in range(n):
            g = gradient[i]
            s = keep * second[i] + share * (g * g)
            s = s if s > least else zero
            second[i] = s
            w[i] -= rate * g / (np.sqrt(s) + eps)
    else:
        b1, b2 = T(method.beta_1), T(method.beta_2)
        c1, c2 = T(1 - method.beta_1), T(1 - method.beta_2)
        rate = T(method.rate * np.sqrt(1 - power(method.beta_2, t)) / (1 - power(method.beta_1, t)))
        keep = T(1 - method.rate * method.decay) if solver == ADAMW else one
        for i in range(n):
            g = gradient[i]
            m = b1 * first[i] + c1 * g
            s = b2 * second[i] + c2 * (g * g)
            m = m if abs(m) > least else zero
            s = s if s > least else zero
            first[i], second[i] = m, s
            w[i] = keep * w[i] - rate * m / (np.sqrt(s) + eps)
