"""Networks layer by layer: forward, and backward by the chain rule."""

import numpy as np

from fastml_ext.neural.reference.functions import CANONICAL, activate, activation_derivative, loss, loss_derivative

__all__ = ["backward", "forward", "join", "pre_activations", "split"]


def forward(X, coefs, intercepts, activations, factors=None):
    """Activations of every layer: [X, (n, units) of the first layer, ..., (n, k) of the last].

    X (n, d) | coefs: a layer's weights (n_in, n_out), for each layer | intercepts: (n_out,) for each
    activations: a name of ACTIVATIONS, or a pair (function, derivative), for each, the last layer's last
    factors: what each layer's activations are multiplied with, (n, units) each, where units drop out; None: ones
    """
    values = [X]
    for layer, name in enumerate(activations):
        a = activate(name, values[-1] @ coefs[layer] + intercepts[layer])
        values.append(a if factors is None else a * factors[layer])
    return values


def pre_activations(X, coefs, intercepts, activations, factors=None):
    """The weighted sums z of every layer, (n, units) each."""
    values = forward(X, coefs, intercepts, activations, factors)
    return [a @ coef + intercept for a, coef, intercept in zip(values, coefs, intercepts, strict=False)]


def backward(X, Y, coefs, intercepts, activations, loss_name, sample_weight=None, delta=1.0):
    """(loss, gradients of it by the coefs, by the intercepts, by X): a number, two lists and an array (n, d).

    Y (n, k) | loss_name, sample_weight, delta: as for `loss`; no penalty is in it
    """
    values = forward(X, coefs, intercepts, activations)
    sums = pre_activations(X, coefs, intercepts, activations)
    slope = output_slope(values[-1], sums[-1], Y, activations[-1], loss_name, sample_weight, delta)
    coef_gradients, intercept_gradients = [], []
    for layer in reversed(range(len(coefs))):
        coef_gradients.insert(0, values[layer].T @ slope)
        intercept_gradients.insert(0, slope.sum(axis=0))
        slope = slope @ coefs[layer].T
        if layer > 0:
            slope = through(activations[layer - 1], sums[layer - 1], slope)
    value = loss(loss_name, values[-1], Y, sample_weight, delta)
    return value, coef_gradients, intercept_gradients, slope


def through(name, z, slope):
    """The derivative by z of what has the derivative `slope` by the activations of z."""
    derivative = activation_derivative(name, z)
    return np.einsum("nij,ni->nj", derivative, slope) if derivative.ndim == 3 else slope * derivative


def output_slope(output, z, Y, activation, loss_name, sample_weight, delta):
    """Derivative of the loss by the last layer's z, (n, k): of the pairs in CANONICAL output - y, however near to 0."""
    if (activation, loss_name) in CANONICAL:
        weight = np.ones(len(Y)) if sample_weight is None else sample_weight
        return (output - Y) * (weight / weight.sum())[:, None]
    return through(activation, z, loss_derivative(loss_name, output, Y, sample_weight, delta))


def split(w, units):
    """(coefs, intercepts) as views of the flat weights w (P,): each layer's (n_in, n_out), then its (n_out,)."""
    coefs, intercepts, at = [], [], 0
    for layer in range(len(units) - 1):
        n_in, n_out = units[layer], units[layer + 1]
        coefs.append(w[at : at + n_in * n_out].reshape(n_in, n_out))
        at += n_in * n_out
        intercepts.append(w[at : at + n_out])
        at += n_out
    return coefs, intercepts


def join(coefs, intercepts):
    """The flat weights of the coefs and intercepts: what `split` takes apart."""
    return np.concatenate([part.ravel() for pair in zip(coefs, intercepts, strict=True) for part in pair])
