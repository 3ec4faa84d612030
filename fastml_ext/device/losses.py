"""Loss, slope and curvature of one score s at target y: by code, or by name where the caller knows which.

Slopes and curvatures are derivatives by s; at a corner, one of those on its sides. y is -1 or 1 for the losses of
classes: log, the hinges, and modified Huber.
"""

import numpy as np

from fastml_ext.device.codes import (
    EPSILON_INSENSITIVE,
    HINGE,
    HUBER,
    LOG,
    MODIFIED_HUBER,
    QUANTILE,
    SQUARED,
    SQUARED_EPSILON_INSENSITIVE,
    SQUARED_HINGE,
)
from fastml_ext.jit import kernel_exact, kernel_inline

__all__ = ["hinge", "huber", "log_loss", "loss_of", "margin_loss", "weighted"]


@kernel_exact
def weighted(v, loss):
    """v * loss, rounded by itself: fused with a sum, it would depend on how a kernel was put together."""
    return v * loss


@kernel_inline
def log_loss(s, y):
    """log(1 + exp(-y s)); no exponential overflows."""
    z = y * s
    e = np.exp(-abs(z))
    wrong = (e if z > 0 else 1.0) / (1.0 + e)  # probability of the wrong class
    return np.log1p(e) - min(z, 0.0), -y * wrong, e / (1.0 + e) ** 2


@kernel_inline
def hinge(c, s, y):
    """max(0, c - y s), or NaN: a score that is not a number must not count as a right one."""
    z = c - y * s
    return (z, -y, 0.0) if z >= 0 else (z * 0.0, 0.0, 0.0)


@kernel_inline
def huber(c, r):
    """r^2 / 2 of a residual r up to c, linear beyond."""
    return (0.5 * r * r, r, 1.0) if abs(r) <= c else (c * (abs(r) - 0.5 * c), c * np.sign(r), 0.0)


@kernel_inline
def margin_loss(code, c, s, y):
    """As `loss_of`, for the codes up to MODIFIED_HUBER, which most models use."""
    if code == SQUARED:
        return 0.5 * (s - y) ** 2, s - y, 1.0
    if code == LOG:
        return log_loss(s, y)
    if code == HINGE:
        return hinge(c, s, y)
    if code == SQUARED_HINGE:
        z = c - y * s
        return (z * z, -2.0 * y * z, 2.0) if z > 0 else (0.0, 0.0, 0.0)
    z = y * s
    if z >= 1:
        return 0.0, 0.0, 0.0
    return ((1.0 - z) ** 2, -2.0 * y * (1.0 - z), 2.0) if z >= -1 else (-4.0 * z, -4.0 * y, 0.0)


@kernel_inline
def loss_of(code, c, s, y):
    """(loss, slope, curvature) by a code other than USER; c: margin, epsilon or quantile of the loss."""
    if code <= MODIFIED_HUBER:
        return margin_loss(code, c, s, y)
    r = s - y
    if code == HUBER:
        return huber(c, r)
    if code == EPSILON_INSENSITIVE:
        return (abs(r) - c, np.sign(r), 0.0) if abs(r) > c else (0.0, 0.0, 0.0)
    if code == SQUARED_EPSILON_INSENSITIVE:
        z = abs(r) - c
        return (z * z, 2.0 * z * np.sign(r), 2.0) if z > 0 else (0.0, 0.0, 0.0)
    if code == QUANTILE:
        return (-c * r, -c, 0.0) if r < 0 else ((1.0 - c) * r, (1.0 - c) * np.sign(r), 0.0)
    e = np.exp(s)
    return e - y * s, e - y, e
