"""Activations and losses by their formulas, with their derivatives."""

import math

import numpy as np

__all__ = ["ACTIVATIONS", "CANONICAL", "LOSSES", "activate", "activation_derivative", "loss", "loss_derivative"]

LEAK = 0.01  # slope of leaky_relu below 0

erf = np.vectorize(math.erf, otypes=[float])


def normal_cdf(z):
    return 0.5 * (1 + erf(z / math.sqrt(2)))


def normal_density(z):
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def logistic(z):
    return 0.5 * (1 + np.tanh(z / 2))


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# name: (activation of z, its derivative; at a corner, the derivative from the left), in the order of the kernels' codes
ACTIVATIONS = {
    "identity": (lambda z: z, lambda z: np.ones_like(z)),
    "logistic": (logistic, lambda z: logistic(z) * (1 - logistic(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (lambda z: np.where(z > 0, z, LEAK * z), lambda z: np.where(z > 0, 1.0, LEAK)),
    "gelu": (lambda z: z * normal_cdf(z), lambda z: normal_cdf(z) + z * normal_density(z)),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), lambda z: np.exp(np.minimum(z, 0))),
    "softplus": (lambda z: np.logaddexp(0, z), logistic),
    "step": (lambda z: np.where(z >= 0, 1.0, 0.0), lambda z: np.zeros_like(z)),
    "straight_through": (lambda z: np.where(z >= 0, 1.0, 0.0), lambda z: np.where(np.abs(z) <= 1, 1.0, 0.0)),
    "exp": (np.exp, np.exp),
    "softmax": (softmax, None),  # each unit's activation depends on every z: see `activation_derivative`
}


def activate(name, z):
    """Activations of a layer whose weighted sums are z (n, units).

    name: one of ACTIVATIONS, or a pair (function, derivative) of functions of an array
    step(0) is 1. "straight_through" (Hubara et al. 2016, section 2.3) is step with the derivative of a line on [-1, 1].
    """
    return ACTIVATIONS.get(name, name)[0](z) if isinstance(name, str) else name[0](z)


def activation_derivative(name, z):
    """Derivatives at z (n, units): elementwise (n, units); of softmax the Jacobians (n, units, units)."""
    if name == "softmax":
        a = softmax(z)
        return a[:, :, None] * (np.eye(a.shape[1]) - a[:, None, :])
    return ACTIVATIONS[name][1](z) if isinstance(name, str) else name[1](z)


def xlogy(x, y):
    return np.where(x == 0, 0.0, x * np.log(np.where(x == 0, 1.0, y)))


# name: (loss of output a at target y, its derivative by a); c is where huber turns linear
LOSSES = {
    "squared_error": (lambda a, y, c: (a - y) ** 2 / 2, lambda a, y, c: a - y),
    "root_mean_squared_error": (lambda a, y, c: (a - y) ** 2, lambda a, y, c: 2 * (a - y)),  # the root comes last
    "absolute_error": (lambda a, y, c: np.abs(a - y), lambda a, y, c: np.sign(a - y)),
    "huber": (
        lambda a, y, c: np.where(np.abs(a - y) <= c, (a - y) ** 2 / 2, c * (np.abs(a - y) - c / 2)),
        lambda a, y, c: np.clip(a - y, -c, c),
    ),
    "log_loss": (lambda a, y, c: -xlogy(y, a), lambda a, y, c: -y / a),
    "binary_log_loss": (
        lambda a, y, c: -xlogy(y, a) - xlogy(1 - y, 1 - a),
        lambda a, y, c: (1 - y) / (1 - a) - y / a,
    ),
    "poisson": (lambda a, y, c: xlogy(y, y / a) - y + a, lambda a, y, c: 1 - y / a),
}
SHARES = ("log_loss", "binary_log_loss")  # outputs are probabilities, kept within [eps, 1 - eps]; poisson's above eps

# (activation, loss): the derivative by the last layer's z is output - y
CANONICAL = {
    ("identity", "squared_error"),
    ("softmax", "log_loss"),
    ("logistic", "binary_log_loss"),
    ("exp", "poisson"),
}


def within(name, output):
    eps = np.finfo(output.dtype).eps
    if name in SHARES:
        return np.clip(output, eps, 1 - eps)
    return np.maximum(output, eps) if name == "poisson" else output


def loss(name, output, Y, sample_weight=None, delta=1.0):
    """Mean over the rows, weighted by sample_weight (n,), of the loss of output (n, k) at Y, summed over the outputs.

    name: one of LOSSES, or a pair (function, derivative) of functions (output, y) of arrays
    root_mean_squared_error is the root of the mean of the summed squares.
    """
    weight = np.ones(len(output)) if sample_weight is None else sample_weight
    each = LOSSES[name][0](within(name, output), Y, delta) if isinstance(name, str) else name[0](output, Y)
    mean = float(weight @ each.sum(axis=1, dtype=float) / weight.sum())
    return math.sqrt(mean) if name == "root_mean_squared_error" else mean


def loss_derivative(name, output, Y, sample_weight=None, delta=1.0):
    """Derivative of `loss` by output: (n, k). 0 where a root mean squared error is 0."""
    weight = np.ones(len(output)) if sample_weight is None else sample_weight
    slope = LOSSES[name][1](within(name, output), Y, delta) if isinstance(name, str) else name[1](output, Y)
    slope = slope * (weight / weight.sum())[:, None]
    if name == "root_mean_squared_error":
        value = loss(name, output, Y, sample_weight)
        return slope / (2 * value) if value > 0 else 0 * slope
    return slope
