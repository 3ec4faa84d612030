"""Activations and losses with their derivatives, in place, for rows of a batch. Contract: reference/functions.py."""

import math

import numpy as np

from fastml_ext.jit import kernel
from fastml_ext.neural.instructions import call_one, call_two, expm1

__all__ = ["ROOT", "SOFTMAX", "activate", "one_loss", "output_row", "softmax"]

SQUARED, ROOT, ABSOLUTE, HUBER, LOG, BINARY, POISSON, OWN = range(8)  # codes.LOSSES
IDENTITY, LOGISTIC, TANH, RELU, LEAKY, GELU, ELU, SOFTPLUS, STEP, THROUGH, EXP, SOFTMAX, USER = range(13)


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
    values, slopes = Z[first:last], D[at : at + last - first]
    zero, one = Z.dtype.type(0), Z.dtype.type(1)
    if code == RELU:
        for i in range(len(values)):
            z = values[i]
            slopes[i] = one if z > zero else zero
            values[i] = z if z > zero else zero
    elif code == LOGISTIC:
        for i in range(len(values)):
            z = np.float64(values[i])
            e = expm1(-abs(z)) + 1.0
            s = 1.0 / (1.0 + e)
            s = s if z > 0 else e * s
            values[i] = s
            slopes[i] = s * (1.0 - s)
    elif code == TANH:
        for i in range(len(values)):
            z = np.float64(values[i])
            e = expm1(-2.0 * abs(z))
            t = -e / (e + 2.0)
            t = t if z > 0 else -t
            values[i] = t
            slopes[i] = 1.0 - t * t
    else:
        for i in range(len(values)):
            a, d = activation(code, np.float64(values[i]), functions)
            values[i] = a
            slopes[i] = d


@kernel
def softmax(Z, first, last):
    top, total = Z[first], 0.0
    for i in range(first + 1, last):
        top = max(top, Z[i])
    for i in range(first, last):
        e = np.exp(np.float64(Z[i] - top))
        Z[i] = e
        total += e
    for i in range(first, last):
        Z[i] /= total


@kernel
def one_loss(design, a, y, eps):
    """(loss, its derivative by a) of one output a at target y."""
    code, r = design.loss, a - y
    if code <= ROOT:
        return (0.5 * r * r, r) if code == SQUARED else (r * r, r)  # ROOT: what is missing comes with the scale
    if code == ABSOLUTE:
        return abs(r), np.sign(r)
    if code == HUBER:
        c = design.delta
        return (0.5 * r * r, r) if abs(r) <= c else (c * (abs(r) - 0.5 * c), c * np.sign(r))
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
def output_row(design, Z, at, D, to, y, v, eps):
    """Loss of a row of weight v, whose last z stand in Z from `at` on; its derivative by them into D from `to` on."""
    k, last = len(y), len(design.activations) - 1
    code, total = design.activations[last], 0.0
    canonical = (
        (code == SOFTMAX and design.loss == LOG)
        or (code == LOGISTIC and design.loss == BINARY)
        or (code == IDENTITY and design.loss == SQUARED)
        or (code == EXP and design.loss == POISSON)
    )
    if code == SOFTMAX:
        softmax(Z, at, at + k)
    else:
        activate(code, design.functions[last], Z, at, at + k, D, to)
    inner = 0.0
    for c in range(k):
        a = np.float64(Z[at + c])
        loss, slope = one_loss(design, a, np.float64(y[c]), eps)
        total += loss
        if canonical:
            D[to + c] = v * (a - y[c])
        elif code == SOFTMAX:
            D[to + c] = slope
            inner += slope * a
        else:
            D[to + c] *= v * slope
    if code == SOFTMAX and not canonical:
        for c in range(k):
            D[to + c] = v * Z[at + c] * (D[to + c] - inner)
    return v * total
