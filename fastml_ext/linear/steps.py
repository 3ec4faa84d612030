"""Epochs in the commonest case: one score, one row a step, plain steps, at most l2. See `epochs.py`.

A CSR row of 14 stored values takes 20 ns here and 100 ns there, where scores stand in arrays and every step asks what
else there is to do; a dense row of 4 values 15 ns instead of 55. Contract: reference/epochs.py.
"""

import numpy as np

from fastml_ext.device.losses import hinge, margin_loss
from fastml_ext.device.memory import borrow, prefetch
from fastml_ext.device.rows import row_product
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel, kernel_inline
from fastml_ext.linear.codes import CONSTANT, HINGE, MODIFIED_HUBER, OPTIMAL, PA1, PLAIN

__all__ = ["dense_steps", "sparse_steps", "takes"]

FOLD = 0.01  # as in epochs.py


def takes(task, state):
    """Whether the epochs of this module do what the task asks for."""
    plain = task.batch == 1 and task.method == PLAIN and task.l1 == 0 and task.schedule < PA1
    one_score = 1 in state.W.shape
    at_once = task.average_from < 0 and state.strength.size == 0
    return plain and at_once and one_score and task.loss <= MODIFIED_HUBER


@kernel
def rate(task, step):
    """Step size of the step-th step, counted from 1; the commonest powers by square roots, five times as fast."""
    if task.schedule == CONSTANT:
        return task.eta0
    if task.schedule == OPTIMAL:
        return task.eta0 / (task.alpha * (task.optimal + step - 1.0))
    if task.power == 0.25:
        return task.eta0 / np.sqrt(np.sqrt(step))
    return task.eta0 / (np.sqrt(step) if task.power == 0.5 else step**task.power)


@kernel_inline
def judge(task, s, y, v, hits, place):
    """(loss, slope, whether the loss is finite) of a row of weight v at score s; into hits[place] how it draws s."""
    code, c = task.loss, task.parameter
    loss, slope, _ = hinge(c, s, y) if code == HINGE else margin_loss(code, c, s, y)  # the commonest first
    loss, slope = loss * v, slope * v
    finite = np.isfinite(loss)
    if len(hits) and finite:
        hits[place, 0] = -np.sign(slope)
    return loss, slope, finite


@kernel_inline
def advance(task, step, scale, w):
    """(number of the next step, its size, the scale after its shrinking); w is rescaled where the scale runs out."""
    step += 1.0
    eta = rate(task, step)
    scale *= max(0.0, 1.0 - eta * task.l2)
    if scale < FOLD:
        for j in range(len(w) - 1):
            w[j] *= scale
        scale = 1.0
    return step, eta, scale


@kernel
def dense_steps(task, order, X, Y, weight, class_weight, state, hits):
    """As epochs.dense_slice."""
    w, hits, d, losses = borrow(state.W.reshape(-1)), borrow(hits), X.shape[1], 0.0
    step, scale, rates, intercept = state.n_steps[0], state.scale[0], state.sum_of_rates[0], float(w[d])
    others, own, finite = class_weight[0, 0], class_weight[1, 0], True
    line = 64 // X.itemsize
    for place in range(len(order)):
        i = order[place]
        if place + 1 < len(order):
            ahead = order[place + 1] * d
            for j in range(0, d, line):
                prefetch(X, ahead + j)
        y, s = Y[i, 0], scale * inner(X, i * d, w, 0, d) + intercept
        v = (own if y > 0 else others) * (weight[i] if len(weight) else 1.0)
        loss, slope, finite = judge(task, s, y, v, hits, place)
        if not finite:
            break
        losses += loss
        step, eta, scale = advance(task, step, scale, w)
        rates += eta
        if slope != 0.0:
            intercept -= task.intercept * eta * slope
            a = w.dtype.type(-eta * slope / scale)
            for j in range(d):
                w[j] += a * X[i, j]
    state.n_steps[0], state.scale[0], state.sum_of_rates[0], w[d] = step, scale, rates, intercept
    return losses, finite


@kernel
def sparse_steps(task, order, data, indices, indptr, Y, weight, class_weight, state, hits):
    """As epochs.sparse_slice. Unsigned places spare the test for negative ones."""
    w, hits, losses = borrow(state.W.reshape(-1)), borrow(hits), 0.0
    d = len(w) - 1
    step, scale, rates, intercept = state.n_steps[0], state.scale[0], state.sum_of_rates[0], w[d]
    others, own, finite = class_weight[0, 0], class_weight[1, 0], True
    for place in range(len(order)):
        i = order[place]
        first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
        y, s = Y[i, 0], scale * row_product(data, indices, first, last, w, 0.0) + intercept
        v = (own if y > 0 else others) * (weight[i] if len(weight) else 1.0)
        loss, slope, finite = judge(task, s, y, v, hits, place)
        if not finite:
            break
        losses += loss
        step, eta, scale = advance(task, step, scale, w)
        rates += eta
        if slope != 0.0:
            intercept -= task.intercept * eta * slope
            a = -eta * slope / scale
            for at in range(first, last):
                w[np.uint64(indices[at])] += a * data[at]
    state.n_steps[0], state.scale[0], state.sum_of_rates[0], w[d] = step, scale, rates, intercept
    return losses, finite
