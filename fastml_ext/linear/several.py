"""Epochs of several scores, or of any loss, one row a plain step, at most l2. See `epochs.py`, and `steps.py`.

The scores of a row wait for nothing but the row before, so all of them are worked on at once: over dense rows one after
the other, each weight moved along the last row and multiplied with this one in one pass; over CSR rows in the lanes of
registers, because the weights of a column stand side by side there. Contract: reference/epochs.py.
"""

import numpy as np

from fastml_ext.device.memory import borrow, keep, prefetch
from fastml_ext.device.rows import add_to_columns, column_sums, moved
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel, kernel_inline
from fastml_ext.linear.codes import PA1, PLAIN
from fastml_ext.linear.losses import row_loss
from fastml_ext.linear.settled import settle
from fastml_ext.linear.steps import FOLD, NARROW, TOGETHER, prepare, rows_ahead

__all__ = ["dense_scores", "row_by_row", "sparse_scores"]

NOT_PASSIVE = -1.0  # in the place of a row's squared length
IN_CACHE = 2**20  # bytes of weights that need not be asked for


def row_by_row(task, state):
    """Whether each step is a plain one along one row, without l1."""
    return task.batch == 1 and task.method == PLAIN and state.strength.size == 0 and task.l1 == 0


@kernel_inline
def note(slopes, hits, place):
    """Into hits[place] (k,) the way in which a row draws each score; where hits are asked for at all."""
    if len(hits):
        for c in range(slopes.shape[1]):
            hits[place, c] = -np.sign(slopes[0, c])


@kernel
def dense_scores(task, order, X, Y, weight, class_weight, state, hits):
    """As epochs.dense_slice. The last step's moves, steps (k,) times row `before`, are made in the next step."""
    W, Y, hits, class_weight = borrow(state.W), borrow(Y), borrow(hits), borrow(class_weight)
    (k, d), n, losses = (W.shape[0], X.shape[1]), len(order), 0.0
    own_plan, own_steps, own_work = np.empty((3, TOGETHER)), np.zeros(k, W.dtype), np.empty((2, k))
    plan, steps, scores, slopes = borrow(own_plan), borrow(own_steps), borrow(own_work[0]), borrow(own_work[1:])
    scale, rates, finite, done = state.scale[0], state.sum_of_rates[0], True, 0
    ahead, line, narrow = rows_ahead(len(X), X.size * X.itemsize), 64 // X.itemsize, d <= NARROW
    before = order[0] * d if n > 0 else 0
    while finite and done < n:
        m = min(TOGETHER, n - done)
        etas, scales, factors = plan[0, :m], plan[1, :m], plan[2, :m]
        prepare(task, state.n_steps[0], scale, etas, scales, factors)
        for q in range(m):
            row = order[done + q]
            i = row * d
            if done + q + ahead < n:
                asked = order[done + q + ahead] * d
                for j in range(0, d, line):
                    prefetch(X, asked + j)
            for c in range(k):
                w = W[c]
                if narrow or steps[c] != 0.0:
                    product = moved(w, X, before, steps[c], i, i, d)[0]
                else:
                    product = inner(X, i, w, 0, d)
                scores[c] = scale * product + w[d]
            square = float(inner(X, i, X, i, d)) if task.schedule >= PA1 else NOT_PASSIVE
            v = weight[row] if len(weight) else 1.0
            loss = row_loss(task, scores, Y, row, v, class_weight, square, slopes, 0)
            finite = np.isfinite(loss)
            if not finite:
                m = q
                steps[:] = 0
                break
            note(slopes, hits, done + q)
            losses, rates, scale = losses + loss, rates + etas[q], scales[q]
            if scale < FOLD:
                state.scale[0] = scale
                settle(state, False)
                scale = 1.0
            for c in range(k):
                steps[c] = factors[q] * slopes[0, c]
                W[c, d] -= task.intercept * etas[q] * slopes[0, c]
            before = i
        done += m
        state.n_steps[0] += m
    for c in range(k if n > 0 else 0):
        moved(W[c], X, before, steps[c], before, before, d)
    state.scale[0], state.sum_of_rates[0] = scale, rates
    keep(own_plan)
    keep(own_steps)
    keep(own_work)
    return losses, finite


@kernel_inline
def ask_for(data, indices, first, last, W, k):
    """Ask for the weights that a row's stored values meet."""
    for at in range(first, last):
        prefetch(W, np.int64(indices[at]) * k)


@kernel
def sparse_scores(task, order, data, indices, indptr, Y, weight, class_weight, state, hits):
    """As epochs.sparse_slice."""
    W, total, Y, hits = borrow(state.W.reshape(-1)), borrow(state.total.reshape(-1)), borrow(Y), borrow(hits)
    class_weight, k, n, losses = borrow(class_weight), state.W.shape[1], len(order), 0.0
    own_plan, own_work, last_place = np.empty((3, TOGETHER)), np.empty((3, k)), len(W) - k
    plan, scores, slopes, steps = borrow(own_plan), borrow(own_work[0]), borrow(own_work[1:2]), borrow(own_work[2])
    scale, rates, finite, done = state.scale[0], state.sum_of_rates[0], True, 0
    ahead = rows_ahead(len(indptr) - 1, len(data) * (data.itemsize + indices.itemsize))
    line, far = 64 // data.itemsize, W.size * W.itemsize > IN_CACHE
    while finite and done < n:
        m = min(TOGETHER, n - done)
        etas, scales, factors = plan[0, :m], plan[1, :m], plan[2, :m]
        prepare(task, state.n_steps[0], scale, etas, scales, factors)
        for q in range(m):
            i = order[done + q]
            first, last, square = np.int64(indptr[i]), np.int64(indptr[i + 1]), NOT_PASSIVE
            if done + q + ahead < n:
                asked = order[done + q + ahead]
                for at in range(indptr[asked], indptr[asked + 1], line):
                    prefetch(data, at)
                    prefetch(indices, at)
            column_sums(data, indices, first, last, W, k, scores)
            if far and done + q + 1 < n:
                ask_for(data, indices, indptr[order[done + q + 1]], indptr[order[done + q + 1] + 1], W, k)
            for c in range(k):
                scores[c] = scale * scores[c] + W[last_place + c]
            if task.schedule >= PA1:
                square = 0.0
                for at in range(first, last):
                    square += float(data[at]) * float(data[at])
            v = weight[i] if len(weight) else 1.0
            loss = row_loss(task, scores, Y, i, v, class_weight, square, slopes, 0)
            finite = np.isfinite(loss)
            if not finite:
                m = q
                break
            note(slopes, hits, done + q)
            losses, rates, scale = losses + loss, rates + etas[q], scales[q]
            state.scale[0] = scale
            if scale < FOLD:
                settle(state, True)
                scale = 1.0
            flat = True
            for c in range(k):
                steps[c] = factors[q] * slopes[0, c]
                flat = flat and steps[c] == 0.0
                W[last_place + c] -= task.intercept * etas[q] * slopes[0, c]
            if not flat:
                add_to_columns(data, indices, first, last, W, k, steps)
                if len(total):
                    average(task, etas[q], slopes, state, steps)
                    add_to_columns(data, indices, first, last, total, k, steps)
            if 0 <= task.average_from <= state.n_steps[0] + q:
                state.sum_of_scales[0] += scale
                state.n_averaged[0] += 1.0
        done += m
        state.n_steps[0] += m
    state.scale[0], state.sum_of_rates[0] = scale, rates
    keep(own_plan)
    keep(own_work)
    return losses, finite


@kernel_inline
def average(task, eta, slopes, state, steps):
    """Steps become what the sum for the mean lacks of them: their moves in all steps of the mean that came before."""
    d = len(state.total) - 1
    for c in range(len(steps)):
        steps[c] *= state.sum_of_scales[0]
        state.total[d, c] -= task.intercept * eta * state.n_averaged[0] * slopes[0, c]
