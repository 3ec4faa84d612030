"""Layer by layer: values forward, derivatives backward by the chain rule. Contract: fastml_ext/neural/reference."""

import math
from typing import Any, NamedTuple

import numpy as np

from fastml.neural_network.formulas import NATURAL

__all__ = ["Forward", "Gradients", "backward", "forward", "loss_value", "propagate", "through"]


class Forward(NamedTuple):
    """All that a network computes on its way from X to its output."""

    activations: list  # X (n, d), then (n, units) of each layer: one array more than layers
    sums: list  # the weighted sums z, (n, units) of each layer, before its activation

    @property
    def output(self):
        """Activations of the last layer (n, k)."""
        return self.activations[-1]


class Gradients(NamedTuple):
    """A loss and its derivatives."""

    loss: float
    coefs: list  # (n_in, n_out) of each layer
    intercepts: list  # (n_out,) of each layer
    X: Any  # (n, d)


def forward(X, coefs, intercepts, activations):
    """The Forward pass of X (n, d), dense or CSR."""
    values, sums = [X], []
    for coef, intercept, activation in zip(coefs, intercepts, activations, strict=True):
        z = values[-1] @ coef
        z += intercept
        sums.append(z)
        values.append(np.asarray(activation.value(z), z.dtype))
    return Forward(values, sums)


def backward(passed, Y, coefs, activations, loss, weight=None, delta=1.0):
    """The Gradients of the mean loss at what `forward` gave, by weight (n,)."""
    weight = np.ones(len(Y)) if weight is None else weight
    output, z = passed.output, passed.sums[-1]
    if NATURAL.get(activations[-1].name) == loss.name:
        deltas = (output - Y) * (weight / weight.sum())[:, None]
    else:
        deltas = through(activations[-1], z, output, loss_slope(loss, output, Y, weight, delta))
    deltas = deltas.astype(output.dtype, copy=False)
    by_coefs, by_intercepts = [], []
    for layer in reversed(range(len(coefs))):
        by_coefs.append(np.asarray(passed.activations[layer].T @ deltas))
        by_intercepts.append(deltas.sum(axis=0))
        deltas = propagate(passed, coefs, activations, layer, deltas)
    value = loss_value(loss, output, Y, weight, delta)
    return Gradients(value, by_coefs[::-1], by_intercepts[::-1], deltas)


def propagate(passed, coefs, activations, layer, deltas):
    """From the deltas of a layer, derivatives by its z, to those of the layer below, or to derivatives by X."""
    deltas = deltas @ coefs[layer].T
    if layer == 0:
        return deltas
    return through(activations[layer - 1], passed.sums[layer - 1], passed.activations[layer], deltas)


def through(activation, z, a, deltas):
    """From derivatives by activations a = activation(z), given as deltas, to those by z."""
    if activation.slope is None:  # softmax: a_i (1_ij - a_j)
        return a * (deltas - (deltas * a).sum(axis=-1, keepdims=True))
    return deltas * np.asarray(activation.slope(z, a), z.dtype)


def held(loss, output):
    """Outputs held within the bounds of the loss: no logarithm of 0."""
    if not np.isfinite([loss.low, loss.high]).any():
        return output
    eps = np.finfo(output.dtype).eps
    return np.clip(output, loss.low * eps, 1 - loss.high * eps)


def loss_value(loss, output, Y, weight, delta):
    """Mean over the rows of the sum over the outputs."""
    each = np.asarray(loss.value(held(loss, output), Y, delta))
    mean = float(weight @ each.sum(axis=1, dtype=float) / weight.sum())
    return math.sqrt(mean) if loss.name == "root_mean_squared_error" else mean


def loss_slope(loss, output, Y, weight, delta):
    slope = loss.slope(held(loss, output), Y, delta) * (weight / weight.sum())[:, None]
    if loss.name == "root_mean_squared_error":
        value = loss_value(loss, output, Y, weight, delta)
        return slope / (2 * value) if value > 0 else 0 * slope
    return slope
