"""Activations and losses as expressions: of arrays NumPy computes them, of traced values they become a graph.

Contract: fastml_ext/neural/reference/functions.py.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastml import autodiff as ad
from fastml.autodiff.node import Node

__all__ = ["ACTIVATIONS", "LOSSES", "Activation", "Loss", "activation_of", "default_loss", "loss_of"]

LEAK = 0.01  # slope of leaky_relu below 0
TINY = 1e-37  # what stands for 0 inside a logarithm that is multiplied with 0; a float32 holds it


class Activation(NamedTuple):
    """What a layer does to its weighted sums z."""

    name: str
    value: Callable  # of z, an array or traced
    slope: Any  # (z, activation of z) -> derivative at z; None for softmax, whose outputs depend on each other


class Loss(NamedTuple):
    """What an output costs at a target, entry by entry; where there is a root, it is taken of the mean."""

    name: str
    value: Callable  # (output, y, delta), arrays or traced
    slope: Callable  # (output, y, delta) -> its derivative by output
    low: float = -np.inf  # outputs are held within [low eps, 1 - high eps]
    high: float = -np.inf


def gelu(z):
    if type(z) is Node:
        raise ValueError("activation 'gelu' needs erf, which fastml.autodiff has not: no graph can hold it")
    return z * normal(z)


def normal(z):
    from scipy.special import ndtr

    return ndtr(z)


def gelu_slope(z, a):
    return normal(z) + z * np.exp(-0.5 * z * z) * 0.3989422804014327


def straight_through(z):
    if type(z) is Node:
        raise ValueError("activation 'straight_through' is no function that has its derivative: use 'step' in a graph")
    return ad.step(z)


ACTIVATIONS = {
    name: Activation(name, value, slope)
    for name, value, slope in [
        ("identity", lambda z: z, lambda z, a: np.ones_like(z)),
        ("logistic", ad.sigmoid, lambda z, a: a * (1 - a)),
        ("tanh", ad.tanh, lambda z, a: 1 - a * a),
        ("relu", ad.relu, lambda z, a: (z > 0).astype(z.dtype)),
        (
            "leaky_relu",
            lambda z: ad.where(ad.greater(z, 0.0), z, LEAK * z),
            lambda z, a: np.where(z > 0, 1.0, LEAK).astype(z.dtype),
        ),
        ("gelu", gelu, gelu_slope),
        (
            "elu",
            lambda z: ad.where(ad.greater(z, 0.0), z, ad.expm1(ad.minimum(z, 0.0))),
            lambda z, a: np.where(z > 0, np.ones_like(a), a + 1),
        ),
        ("softplus", ad.softplus, lambda z, a: ad.sigmoid(z)),
        ("step", ad.step, lambda z, a: np.zeros_like(z)),
        ("straight_through", straight_through, lambda z, a: (np.abs(z) <= 1).astype(z.dtype)),
        ("exp", ad.exp, lambda z, a: a),
        ("softmax", ad.softmax, None),
    ]
}


ALIASES = {"sigmoid": "logistic"}


def huber(a, y, c):
    r = ad.abs(a - y)
    return ad.where(ad.less_equal(r, c), 0.5 * r * r, c * (r - 0.5 * c))


LOSSES = {
    loss.name: loss
    for loss in [
        Loss("squared_error", lambda a, y, c: 0.5 * ad.square(a - y), lambda a, y, c: a - y),
        Loss("root_mean_squared_error", lambda a, y, c: ad.square(a - y), lambda a, y, c: 2 * (a - y)),
        Loss("absolute_error", lambda a, y, c: ad.abs(a - y), lambda a, y, c: np.sign(a - y)),
        Loss("huber", huber, lambda a, y, c: np.clip(a - y, -c, c)),
        Loss("log_loss", lambda a, y, c: -(y * ad.log(a)), lambda a, y, c: -y / a, 1, 1),
        Loss(
            "binary_log_loss",
            lambda a, y, c: -(y * ad.log(a) + (1.0 - y) * ad.log(1.0 - a)),
            lambda a, y, c: (1 - y) / (1 - a) - y / a,
            1,
            1,
        ),
        Loss(
            "poisson",
            lambda a, y, c: y * ad.log(ad.maximum(y, TINY) / a) - y + a,
            lambda a, y, c: 1 - y / a,
            1,
        ),
    ]
}

# The last layer's activation: the loss it goes with, whose derivative by its z is output - y.
NATURAL = {
    "identity": "squared_error",
    "softmax": "log_loss",
    "logistic": "binary_log_loss",
    "exp": "poisson",
}


def activation_of(given, where):
    """The Activation meant by a name, a function of z, or a pair (function, derivative)."""
    if isinstance(given, Activation):
        return given
    if isinstance(given, str):
        given = ALIASES.get(given, given)
        if given not in ACTIVATIONS:
            raise ValueError(f"{where}={given!r} is none of {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[given]
    if callable(given):
        return Activation(name_of(given), given, lambda z, a: differentiated(given, z))
    if isinstance(given, tuple) and len(given) == 2 and all(map(callable, given)):
        function, derivative = given
        return Activation(name_of(function), function, lambda z, a: derivative(z))
    raise ValueError(f"{where}={given!r} is neither a name, nor a function, nor a pair (function, derivative)")


def loss_of(given):
    """The Loss meant by a name, a function of (output, y), or a pair (function, derivative by output)."""
    if isinstance(given, str):
        if given not in LOSSES:
            raise ValueError(f"loss={given!r} is none of {', '.join(LOSSES)}")
        return LOSSES[given]
    if callable(given):
        slope = ad.grad(lambda a, y: ad.sum(given(a, y)))
        return Loss(name_of(given), lambda a, y, c: given(a, y), lambda a, y, c: slope(a, y))
    if isinstance(given, tuple) and len(given) == 2 and all(map(callable, given)):
        function, derivative = given
        return Loss(name_of(function), lambda a, y, c: function(a, y), lambda a, y, c: derivative(a, y))
    raise ValueError(f"loss={given!r} is neither a name, nor a function, nor a pair (function, derivative)")


def default_loss(activation):
    """The loss that goes with the last layer's activation; squared_error where none does by nature."""
    return NATURAL.get(activation.name, "squared_error")


def differentiated(function, z):
    """Derivatives of a function of an array, entry by entry."""
    return ad.grad(lambda z: ad.sum(function(z)))(z)


def name_of(function):
    name = getattr(function, "__name__", type(function).__name__)
    return "function" if name == "<lambda>" else name
