"""Epochs over dense rows in the commonest case: one score, one row a step, plain steps, at most l2. See `epochs.py`.

A row of 8 values takes 10 ns here and 55 ns there, where scores stand in arrays and every step asks what else there is
to do. Contract: reference/epochs.py.

Steps wait for one another, so what a step does not need of the one before is done ahead of it. The sizes of many steps
are found at once, in registers full of them. Rows are asked for long before they are met, because memory answers after
the time of a dozen steps. And the product of a narrow row x' with the weights is taken before they have moved along
the row before it, x: a step of a adds a x x' to the product.
"""

import numpy as np

from fastml_ext.device.losses import hinge, margin_loss
from fastml_ext.device.memory import borrow, keep, prefetch
from fastml_ext.device.rows import moved, moved_ahead
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel, kernel_inline
from fastml_ext.linear.codes import HINGE, INVSCALING, MODIFIED_HUBER, OPTIMAL, PA1, PLAIN

__all__ = ["FOLD", "TOGETHER", "dense_steps", "judge", "one_at_a_time", "prepare", "rows_ahead", "takes"]

FOLD = 0.01  # as in epochs.py
TOGETHER = 256  # steps whose sizes are found at once
NARROW = 128  # columns up to which a product of two rows costs less than to wait for the weights
IN_CACHE = 2**18  # bytes of rows that need not be asked for
FLYING = 2**14  # bytes that are asked for at most before they are needed, and of how many rows:
MOST_AHEAD = 16


def one_at_a_time(task, state):
    """Whether each step is a plain one along one row, of one score with one of the commonest losses."""
    plain = task.batch == 1 and task.method == PLAIN and state.strength.size == 0 and task.schedule < PA1
    return plain and 1 in state.W.shape and task.loss <= MODIFIED_HUBER


def takes(task, state):
    """Whether the epochs of this module do what the task asks for."""
    return one_at_a_time(task, state) and task.l1 == 0 and task.average_from < 0


@kernel
def rows_ahead(n, size):
    """How many rows ahead of its step a row is asked for, of n rows that take `size` bytes in all; n for never."""
    if size <= IN_CACHE:
        return n
    return max(1, min(MOST_AHEAD, FLYING * n // size))


@kernel
def prepare(task, step, scale, etas, scales, factors):
    """Of the steps after the step-th: their sizes, the scale after each one's shrinking, -size over the scale."""
    first, etas, scales, factors = step + 1.0, borrow(etas), borrow(scales), borrow(factors)
    for q in range(len(etas)):
        etas[q] = 1.0 if task.schedule >= PA1 else task.eta0
    if task.schedule == OPTIMAL:
        for q in range(len(etas)):
            etas[q] /= task.alpha * (task.optimal + (first + q) - 1.0)
    elif task.schedule == INVSCALING and task.power == 0.25:
        for q in range(len(etas)):
            etas[q] /= np.sqrt(np.sqrt(first + q))
    elif task.schedule == INVSCALING and task.power == 0.5:
        for q in range(len(etas)):
            etas[q] /= np.sqrt(first + q)
    elif task.schedule == INVSCALING:
        for q in range(len(etas)):
            etas[q] /= (first + q) ** task.power
    for q in range(len(etas)):
        scale *= max(0.0, 1.0 - etas[q] * task.l2)
        scales[q] = scale
        scale = 1.0 if scale < FOLD else scale
        factors[q] = scale
    for q in range(len(etas)):
        factors[q] = -etas[q] / factors[q]


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
def fold(w, scale):
    for j in range(len(w) - 1):
        w[j] *= scale


@kernel
def dense_steps(task, order, X, Y, weight, class_weight, state, hits):
    """As epochs.dense_slice. The last step's move of the weights, a times row `before`, is made in the next step."""
    w, hits, d, n, losses = borrow(state.W.reshape(-1)), borrow(hits), X.shape[1], len(order), 0.0
    scale, rates, intercept = state.scale[0], state.sum_of_rates[0], float(w[d])
    others, own, finite, done = class_weight[0, 0], class_weight[1, 0], True, 0
    line, ahead, narrow = 64 // X.itemsize, rows_ahead(len(X), X.size * X.itemsize), d <= NARROW
    own_plan, a, square = np.empty((3, TOGETHER)), w.dtype.type(0), 0.0
    plan = borrow(own_plan)
    before = i = order[0] * d if n > 0 else 0
    product = float(inner(X, i, w, 0, d)) if n > 0 else 0.0
    while finite and done < n:
        m = min(TOGETHER, n - done)
        etas, scales, factors = plan[0, :m], plan[1, :m], plan[2, :m]
        prepare(task, state.n_steps[0] + done, scale, etas, scales, factors)
        for q in range(m):
            place = done + q
            if place + ahead < n:
                asked = order[place + ahead] * d
                for j in range(0, d, line):
                    prefetch(X, asked + j)
            following = order[min(place + 1, n - 1)] * d
            next_product, next_square = 0.0, 0.0
            if narrow:
                product += float(a) * square
                p, g = moved_ahead(w, X, before, a, i, following, d)
                next_product, next_square = float(p), float(g)
            elif a != 0.0:
                product = float(moved(w, X, before, a, i, i, d)[0])
            else:
                product = float(inner(X, i, w, 0, d))
            y, s = Y[order[place], 0], scale * product + intercept
            if not np.isfinite(s):  # a product of two rows may overflow where the score does not
                s = scale * float(inner(X, i, w, 0, d)) + intercept
            v = (own if y > 0 else others) * (weight[order[place]] if len(weight) else 1.0)
            loss, slope, finite = judge(task, s, y, v, hits, place)
            if not finite:
                m, a = q, w.dtype.type(0)
                break
            losses, rates, scale = losses + loss, rates + etas[q], scales[q]
            if scale < FOLD:
                fold(w, scale)
                next_product *= scale
                scale = 1.0
            intercept -= task.intercept * etas[q] * slope
            a = w.dtype.type(factors[q] * slope)
            before, i, product, square = i, following, next_product, next_square
        done += m
    moved(w, X, before, a, before, before, d if n > 0 else 0)
    state.scale[0], state.sum_of_rates[0], w[d] = scale, rates, intercept
    state.n_steps[0] += done
    keep(own_plan)
    return losses, finite
