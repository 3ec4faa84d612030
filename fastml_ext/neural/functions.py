"""Activations and losses with their derivatives, in place, for rows of a batch. Contract: reference/functions.py."""

import math

import numpy as np

from fastml_ext.device.calls import call_one, call_two
from fastml_ext.device.losses import huber
from fastml_ext.device.numbers import expm1, softmax_rows
from fastml_ext.jit import kernel
from fastml_ext.neural.codes import (
    ABSOLUTE,
    BINARY,
    ELU,
    EXP,
    GELU,
    HUBER,
    IDENTITY,
    LEAKY,
    LOG,
    LOGISTIC,
    OWN,
    POISSON,
    RELU,
    ROOT,
    SOFTMAX,
    SOFTPLUS,
    SQUARED,
    STEP,
    TANH,
    THROUGH,
)

__all__ = ["activate", "one_loss", "output_rows"]


@kernel
def activation(code, z, functions):
    """(activation of z, its derivative), one number each."""
    if code == RELU:
        return (z, 1.0) if z > 0 else (0.0, 0.0)
    if code == IDENTITY:
        return z, 1.0
    if code == LEAKY:
        return (z, 1.0) if z > 0 else (0.01 * z, 0.01)
    if code == GELU:
        cdf = 0.5 + 0.5 * math.erf(z * 0.7071067811865476)
        return z * cdf, cdf + z * 0.3989422804014327 * np.exp(-0.5 * z * z)
    if code == ELU:
        e = expm1(min(z, 0.0))
        return (z, 1.0) if z > 0 else (e, e + 1.0)
    if code == SOFTPLUS:
        e = np.exp(-abs(z))
        return max(z, 0.0) + np.log1p(e), (1.0 if z > 0 else e) / (1.0 + e)
    if code == STEP:
        return (1.0 if z >= 0 else 0.0), 0.0
    if code == THROUGH:
        return (1.0 if z >= 0 else 0.0), (1.0 if abs(z) <= 1 else 0.0)
    if code == EXP:
        e = np.exp(z)
        return e, e
    return call_one(functions[0], z), call_one(functions[1], z)


@kernel
def activate(code, functions, Z, first, last, D, at):
    """Activations of Z[first:last] in place; their derivatives into D from `at` on."""
    values, derivatives = Z[first:last], D[at : at + last - first]
    zero, one = Z.dtype.type(0), Z.dtype.type(1)
    if code == RELU:
        for i in range(len(values)):
            z = values[i]
            derivatives[i] = one if z > zero else zero
            values[i] = z if z > zero else zero
    elif code == LOGISTIC:
        for i in range(len(values)):
            z = np.float64(values[i])
            e = expm1(-abs(z)) + 1.0
            s = 1.0 / (1.0 + e)
            s = s if z > 0 else e * s
            values[i] = s
            derivatives[i] = s * (1.0 - s)
    elif code == TANH:
        for i in range(len(values)):
            z = np.float64(values[i])
            e = expm1(-2.0 * abs(z))
            t = -e / (e + 2.0)
            t = t if z > 0 else -t
            values[i] = t
            derivatives[i] = 1.0 - t * t
    else:
        for i in range(len(values)):
            a, d = activation(code, np.float64(values[i]), functions)
            values[i] = a
            derivatives[i] = d


@kernel
def one_loss(design, a, y, eps):
    """(loss, its derivative by a) of one output a at target y."""
    code, r = design.loss, a - y
    if code <= ROOT:
        return (0.5 * r * r, r) if code == SQUARED else (r * r, r)  # ROOT: what is missing comes with the scale
    if code == ABSOLUTE:
        return abs(r), np.sign(r)
    if code == HUBER:
        loss, slope, _ = huber(design.delta, r)
        return loss, slope
    if code == OWN:
        return call_two(design.loss_value, a, y), call_two(design.loss_slope, a, y)
    a = max(a, eps)
    if code == POISSON:
        return (y * np.log(y / a) if y != 0 else 0.0) - y + a, 1.0 - y / a
    a = min(a, 1.0 - eps)
    loss = -y * np.log(a) if y != 0 else 0.0
    if code == LOG:
        return loss, -y / a
    if y != 1:
        loss -= (1.0 - y) * np.log(1.0 - a)
    return loss, (1.0 - y) / (1.0 - a) - y / a


@kernel
def output_rows(design, Z, at, D, to, rows, Y, weight):
    """(sum of weighted losses, sum of weights) of rows whose last z stand in Z from `at` on, row after row.

    Activations take the place of z; derivatives of the weighted losses by z go into D from `to` on.
    rows: their numbers in Y and in weight, which may be empty
    """
    k, n, layer = Y.shape[1], len(rows), len(design.activations) - 1
    code, eps = design.activations[layer], np.float64(np.finfo(Z.dtype).eps)
    if code == SOFTMAX:
        softmax_rows(Z, at, n, k)
    else:
        activate(code, design.functions[layer], Z, at, at + n * k, D, to)
    if code == LOGISTIC and design.loss == BINARY:
        total = binary_losses(Z, at, D, to, rows, Y, weight, eps)
    elif code == IDENTITY and design.loss == SQUARED:
        total = squared_losses(Z, at, D, to, rows, Y, weight)
    elif code == SOFTMAX and design.loss == LOG:
        total = log_losses(Z, at, D, to, rows, Y, weight, eps)
    else:
        total = other_losses(design, Z, at, D, to, rows, Y, weight, eps)
    if len(weight) == 0:
        return total, np.float64(n)
    weights = 0.0
    for r in range(n):
        weights += weight[rows[r]]
    return total, weights


@kernel
def squared_losses(Z, at, D, to, rows, Y, weight):
    total, k = 0.0, Y.shape[1]
    for r in range(len(rows)):
        i = rows[r]
        v = weight[i] if len(weight) else 1.0
        for c in range(k):
            difference = np.float64(Z[at + r * k + c]) - Y[i, c]
            total += v * (0.5 * difference * difference)
            D[to + r * k + c] = v * difference
    return total


@kernel
def binary_losses(Z, at, D, to, rows, Y, weight, eps):
    total, k = 0.0, Y.shape[1]
    for r in range(len(rows)):
        i = rows[r]
        v = weight[i] if len(weight) else 1.0
        for c in range(k):
            a, y = np.float64(Z[at + r * k + c]), np.float64(Y[i, c])
            D[to + r * k + c] = v * (a - y)
            a = min(max(a, eps), 1.0 - eps)
            if y == 0 or y == 1:
                total -= v * np.log(a if y == 1 else 1.0 - a)
            else:
                total -= v * (y * np.log(a) + (1.0 - y) * np.log(1.0 - a))
    return total


@kernel
def log_losses(Z, at, D, to, rows, Y, weight, eps):
    total, k = 0.0, Y.shape[1]
    for r in range(len(rows)):
        i = rows[r]
        v = weight[i] if len(weight) else 1.0
        for c in range(k):
            a, y = np.float64(Z[at + r * k + c]), np.float64(Y[i, c])
            D[to + r * k + c] = v * (a - y)
            if y != 0:
                total -= v * y * np.log(min(max(a, eps), 1.0 - eps))
    return total


@kernel
def other_losses(design, Z, at, D, to, rows, Y, weight, eps):
    """D holds the derivatives of the activations, but for softmax."""
    total, k, code = 0.0, Y.shape[1], design.activations[len(design.activations) - 1]
    for r in range(len(rows)):
        i, row, back = rows[r], at + r * k, to + r * k
        v = weight[i] if len(weight) else 1.0
        inner = 0.0
        for c in range(k):
            a, y = np.float64(Z[row + c]), np.float64(Y[i, c])
            loss, derivative = one_loss(design, a, y, eps)
            total += v * loss
            if code == EXP and design.loss == POISSON:
                D[back + c] = v * (a - y)
            elif code == SOFTMAX:
                D[back + c] = derivative
                inner += derivative * a
            else:
                D[back + c] *= v * derivative
        if code == SOFTMAX:
            for c in range(k):
                D[back + c] = v * Z[row + c] * (D[back + c] - inner)
    return total
