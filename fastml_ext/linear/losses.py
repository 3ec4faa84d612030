"""Loss of a row in stochastic gradient descent, and its derivatives by its scores. Contract: reference/losses.py."""

import numpy as np

from fastml_ext.device.calls import call_two
from fastml_ext.device.codes import USER
from fastml_ext.device.losses import loss_of, weighted
from fastml_ext.device.numbers import exponentials
from fastml_ext.jit import kernel_inline
from fastml_ext.linear.codes import EACH, PA1, REST, SOFTMAX

__all__ = ["row_loss"]


@kernel_inline
def row_loss(task, scores, Y, i, v, class_weight, square, slopes, q):
    """Loss of row i of weight v, whose scores these are; into slopes[q] (k,) its derivatives.

    square: squared length of the row, for steps that are as long as the row asks for, or a negative number for others
    """
    if task.coupling > REST:
        own = int(Y[i, 0])
        return joint_loss(task, scores, own, v * class_weight[1, own], slopes, q)
    loss = 0.0
    for c in range(len(scores)):
        y = Y[i, c] if task.coupling == EACH else Y[i, 0]
        if task.coupling == REST:
            y = 1.0 if y == c else -1.0
        value, slope = one_loss(task, scores[c], y)
        u = v * (class_weight[1, c] if y > 0 else class_weight[0, c])
        loss += u * value
        slope *= u
        if square >= 0.0:
            slope *= passive(task, value, square)
        slopes[q, c] = slope
    return loss


@kernel_inline
def one_loss(task, s, y):
    """(loss, slope) of one score s at target y; the class targets are -1 and 1."""
    if task.loss == USER:
        return call_two(task.user_value, s, y), call_two(task.user_slope, s, y)
    loss, slope, _ = loss_of(task.loss, task.parameter, s, y)
    return loss, slope


@kernel_inline
def joint_loss(task, scores, own, v, slopes, q):
    """Loss of a row of class `own`, whose scores are judged together, and into slopes[q] (k,) its derivatives."""
    k = len(scores)
    if task.coupling == SOFTMAX:
        top, total = exponentials(scores, slopes[q])
        for c in range(k):
            slopes[q, c] *= v / total
        slopes[q, own] -= v
        return weighted(v, np.log(total) + top - scores[own])
    rival = 1 if own == 0 else 0
    for c in range(k):
        slopes[q, c] = 0.0
        if c != own and scores[c] > scores[rival]:
            rival = c
    gap = task.parameter - (scores[own] - scores[rival])
    if gap < 0:
        return 0.0
    slopes[q, own], slopes[q, rival] = -v, v
    return weighted(v, gap)


@kernel_inline
def passive(task, loss, square):
    """What a passive-aggressive step multiplies a slope with: just enough to satisfy the row, at most eta0."""
    if task.schedule == PA1:
        return min(task.eta0, loss / square) if square > 0 else 0.0
    return loss / (square + 0.5 / task.eta0)
