"""Stochastic gradient descent: slices of an epoch over dense and over CSR rows. Contract: reference/epochs.py.

Every loss, penalty, schedule and method is an integer or a number of `Task`. Plain steps keep the weights as scale * W,
so that a row whose loss is flat costs no more than its score; all other methods pass over every weight at each step.
What every row goes through is written out in the two slices: a helper costs 10 ns for each array it is handed.
"""

import numpy as np

from fastml_ext.device.memory import borrow, keep, prefetch
from fastml_ext.device.optimizers import LEAST, adaptive_step, decayed, power, velocity
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel, kernel_inline
from fastml_ext.linear.codes import ADAGRAD, ADAM, INVSCALING, MOMENTUM, OPTIMAL, PA1, PLAIN, State, Task
from fastml_ext.linear.losses import row_loss
from fastml_ext.linear.settled import settle
from fastml_ext.linear.several import dense_scores, row_by_row, sparse_scores
from fastml_ext.linear.steps import dense_steps, one_at_a_time, rows_ahead, takes
from fastml_ext.linear.stored import pay, sparse_steps

__all__ = ["State", "Task", "begin", "dense_epoch", "slopes", "sparse_epoch"]

FOLD = 0.01  # the scale is folded into W below this: two digits of W at most are lost to it
NOT_PASSIVE = -1.0  # in the place of a row's squared length


@kernel
def rate(task, step):
    """Step size of the step-th step, counted from 1."""
    if task.schedule == INVSCALING:
        return task.eta0 / step**task.power
    if task.schedule == OPTIMAL:
        return task.eta0 / (task.alpha * (task.optimal + step - 1.0))
    return 1.0 if task.schedule >= PA1 else task.eta0


@kernel_inline
def next_rate(task, n_steps, sum_of_rates):
    """Step size of the next step, which is counted."""
    n_steps[0] += 1
    eta = rate(task, n_steps[0])
    sum_of_rates[0] += eta
    return eta


@kernel_inline
def note_hits(gradients, q, hits, place):
    """Into hits[place] (k,) the way in which row q of a batch draws each score; where hits are asked for at all."""
    if len(hits):
        for c in range(gradients.shape[1]):
            hits[place, c] = -np.sign(gradients[q, c])


@kernel_inline
def move(task, eta, step, gradient, met, state):
    """One step of every weight along `gradient` (flat), by momentum, AdaGrad, Adam or plainly; those `met` pay l1."""
    W, strength, total = state.W.reshape(-1), state.strength.reshape(-1), state.total.reshape(-1)
    first, second, touched = state.first.reshape(-1), state.second.reshape(-1), state.touched
    fix1, fix2 = 1.0 - power(0.9, step), 1.0 - power(0.999, step)
    for j in range(len(W)):
        pull = task.l2 * strength[j]
        if task.method == PLAIN:
            pull = min(pull, 1.0 / eta)
        g = gradient[j] + pull * W[j]
        own = eta
        if task.method == MOMENTUM:
            first[j] = velocity(task.momentum, first[j], 1.0, g, LEAST)
            g = first[j]
        elif task.method == ADAGRAD:
            second[j] = decayed(1.0, second[j], g * g, LEAST)
            own = adaptive_step(eta, 1.0, second[j], 1e-10)
        elif task.method == ADAM:
            first[j] = decayed(0.9, first[j], 0.1 * g, LEAST)
            second[j] = decayed(0.999, second[j], 0.001 * g * g, LEAST)
            own = adaptive_step(eta, 1.0, second[j] / fix2, 1e-8)
            g = first[j] / fix1
        W[j] -= own * g
        if task.l1 > 0:
            owed = len(W) + j
            touched[owed] += own * task.l1 * strength[j]
            if met[j] or task.method != PLAIN:
                w = float(W[j])
                W[j] = pay(w, touched[owed], touched[j])
                touched[j] += W[j] - w
    if 0 <= task.average_from < step:
        for j in range(len(W)):
            total[j] -= W[j]


@kernel
def score(X, i, W, c, d):
    """Product of row i and weights c, summed in lanes: reference.score states its error."""
    return inner(X, i * X.shape[1], W, c * W.shape[1], d)


@kernel
def dense_slice(task, order, X, Y, weight, class_weight, state, hits):
    """Steps over the rows named by `order`; (sum of the losses, whether all were finite)."""
    W, touched, line = state.W, state.touched, 64 // X.itemsize
    n_steps, scale, owed, sum_of_rates = state.n_steps, state.scale, state.owed, state.sum_of_rates
    sum_of_scales, n_averaged = state.sum_of_scales, state.n_averaged
    k, d, eager, averaged = W.shape[0], W.shape[1] - 1, state.strength.size > 0, state.total.size > 0
    own_scores, own_gradients = np.empty(k), np.empty((min(task.batch, len(order)), k))
    scores, gradients, Y, class_weight = borrow(own_scores), borrow(own_gradients), borrow(Y), borrow(class_weight)
    gradient = np.empty((k, d + 1) if eager else (0, 0), W.dtype)
    met = np.empty(gradient.shape, np.bool_)
    losses, ahead = 0.0, rows_ahead(len(X), X.size * X.itemsize)
    for start in range(0, len(order), task.batch):
        m = min(task.batch, len(order) - start)
        for q in range(m):
            i = order[start + q]
            if start + q + ahead < len(order):
                asked = order[start + q + ahead] * d
                for j in range(0, d, line):
                    prefetch(X, asked + j)
            for c in range(k):
                scores[c] = scale[0] * score(X, i, W, c, d) + W[c, d]
            square = float(score(X, i, X, i, d)) if task.schedule >= PA1 else NOT_PASSIVE
            v = weight[i] if len(weight) else 1.0
            loss = row_loss(task, scores, Y, i, v, class_weight, square, gradients, q)
            if not np.isfinite(loss):
                return losses, False
            losses += loss
            note_hits(gradients, q, hits, start + q)
        eta = next_rate(task, n_steps, sum_of_rates)
        if eager:
            gradient[:], met[:] = 0, False
            add_rows(1.0 / m, order, start, m, X, gradients, gradient, task.intercept)
            for q in range(m):
                for j in range(d):
                    if X[order[start + q], j] != 0.0:
                        met[:, j] = True
            move(task, eta, n_steps[0], gradient.reshape(-1), met.reshape(-1), state)
            continue
        scale[0] *= max(0.0, 1.0 - eta * task.l2)
        if scale[0] < FOLD:
            settle(state, False)
        if averaged:
            add_rows_behind(task, eta / m, order, start, m, X, gradients, state)
        for q in range(m):
            i = order[start + q]
            for c in range(k):
                g = -eta / m * gradients[q, c]
                if g != 0.0:
                    a = W.dtype.type(g / scale[0])
                    for j in range(d):
                        W[c, j] += a * X[i, j]
                    W[c, d] += task.intercept * g
        if task.l1 > 0:
            owed[0] += eta * task.l1
            debt = owed[0] / scale[0]
            for q in range(m):
                for c in range(k):
                    for j in range(d):
                        if W[c, j] != 0.0 and X[order[start + q], j] != 0.0:
                            at, w = c * (d + 1) + j, float(W[c, j])
                            W[c, j] = pay(w, debt, touched[at] / scale[0])
                            touched[at] += scale[0] * (W[c, j] - w)
                            if averaged:
                                state.total[c, j] += sum_of_scales[0] * (W[c, j] - w)
        if 0 <= task.average_from < n_steps[0]:
            sum_of_scales[0] += scale[0]
            n_averaged[0] += 1
    keep(own_scores)
    keep(own_gradients)
    return losses, True


@kernel_inline
def add_rows_behind(task, eta, order, start, m, X, gradients, state):
    """What the weights of all earlier steps in the average lack of this step (Daume 2006, figure 2.3)."""
    total, d = state.total, state.W.shape[1] - 1
    scale, sum_of_scales, n_averaged = state.scale, state.sum_of_scales, state.n_averaged
    a = -eta * sum_of_scales[0] / scale[0]
    if n_averaged[0] > 0:
        add_rows(a, order, start, m, X, gradients, total, 0.0)
        for q in range(m):
            for c in range(len(total)):
                total[c, d] -= task.intercept * eta * n_averaged[0] * gradients[q, c]


@kernel
def add_rows(factor, order, start, m, X, gradients, target, intercept):
    """target (k, d + 1) += factor * gradients.T @ [X[rows], intercept]."""
    d = target.shape[1] - 1
    for q in range(m):
        i = order[start + q]
        for c in range(len(target)):
            g = gradients[q, c]
            if g != 0.0:
                a = target.dtype.type(factor * g)
                for j in range(d):
                    target[c, j] += a * X[i, j]
                target[c, d] += intercept * a


@kernel
def sparse_slice(task, order, data, indices, indptr, Y, weight, class_weight, state, hits):
    """As `dense_slice` for CSR rows: a plain step touches only the columns that its rows store."""
    W, touched, sum_of_scales, n_averaged = state.W, state.touched, state.sum_of_scales, state.n_averaged
    n_steps, scale, owed, sum_of_rates = state.n_steps, state.scale, state.owed, state.sum_of_rates
    line, ahead = 64 // data.itemsize, rows_ahead(len(indptr) - 1, len(data) * (data.itemsize + indices.itemsize))
    d, k, eager, averaged = W.shape[0] - 1, W.shape[1], state.strength.size > 0, state.total.size > 0
    own_scores, own_gradients = np.empty(k), np.empty((min(task.batch, len(order)), k))
    scores, gradients, Y, class_weight = borrow(own_scores), borrow(own_gradients), borrow(Y), borrow(class_weight)
    gradient = np.empty((d + 1, k) if eager else (0, 0), W.dtype)
    met = np.empty(gradient.shape, np.bool_)
    losses = 0.0
    for start in range(0, len(order), task.batch):
        m = min(task.batch, len(order) - start)
        for q in range(m):
            i, square = order[start + q], 0.0
            if start + q + ahead < len(order):
                asked = order[start + q + ahead]
                for at in range(indptr[asked], indptr[asked + 1], line):
                    prefetch(data, at)
                    prefetch(indices, at)
            for c in range(k):
                scores[c] = 0.0
            for at in range(indptr[i], indptr[i + 1]):
                j, x = indices[at], data[at]
                square += x * x
                for c in range(k):
                    scores[c] += x * W[j, c]
            for c in range(k):
                scores[c] = scale[0] * scores[c] + W[d, c]
            square = square if task.schedule >= PA1 else NOT_PASSIVE
            v = weight[i] if len(weight) else 1.0
            loss = row_loss(task, scores, Y, i, v, class_weight, square, gradients, q)
            if not np.isfinite(loss):
                return losses, False
            losses += loss
            note_hits(gradients, q, hits, start + q)
        eta = next_rate(task, n_steps, sum_of_rates)
        if eager:
            gradient[:], met[:] = 0, False
            add_sparse(1.0 / m, task.intercept / m, order, start, m, data, indices, indptr, gradients, gradient)
            for q in range(m):
                for at in range(indptr[order[start + q]], indptr[order[start + q] + 1]):
                    if data[at] != 0.0:
                        met[indices[at]] = True
            move(task, eta, n_steps[0], gradient.reshape(-1), met.reshape(-1), state)
            continue
        scale[0] *= max(0.0, 1.0 - eta * task.l2)
        if scale[0] < FOLD:
            settle(state, True)
        if averaged and n_averaged[0] > 0:
            a, b = -eta / m * sum_of_scales[0] / scale[0], task.intercept * -eta / m * n_averaged[0]
            add_sparse(a, b, order, start, m, data, indices, indptr, gradients, state.total)
        for q in range(m):
            i, flat = order[start + q], True
            for c in range(k):
                scores[c] = -eta / m * gradients[q, c]
                flat = flat and scores[c] == 0.0
                W[d, c] += task.intercept * scores[c]
            factor = scale[0]
            if not flat:
                for at in range(indptr[i], indptr[i + 1]):
                    j, a = indices[at], data[at] / factor
                    for c in range(k):
                        W[j, c] += a * scores[c]
        if task.l1 > 0:
            owed[0] += eta * task.l1
            factor = scale[0]
            debt = owed[0] / factor
            for q in range(m):
                i = order[start + q]
                for at in range(indptr[i], indptr[i + 1]):
                    for c in range(k):
                        j = indices[at]
                        if W[j, c] != 0.0 and data[at] != 0.0:
                            place, w = j * k + c, float(W[j, c])
                            W[j, c] = pay(w, debt, touched[place] / factor)
                            touched[place] += factor * (W[j, c] - w)
                            if averaged:
                                state.total[j, c] += sum_of_scales[0] * (W[j, c] - w)
        if 0 <= task.average_from < n_steps[0]:
            sum_of_scales[0] += scale[0]
            n_averaged[0] += 1
    keep(own_scores)
    keep(own_gradients)
    return losses, True


@kernel
def add_sparse(factor, intercept, order, start, m, data, indices, indptr, gradients, target):
    """target (d + 1, k) += [factor * X[rows].T, intercept] @ gradients."""
    d, k = target.shape[0] - 1, target.shape[1]
    for q in range(m):
        i = order[start + q]
        flat = True
        for c in range(k):
            flat = flat and gradients[q, c] == 0.0
            target[d, c] += intercept * gradients[q, c]
        if flat:
            continue
        for at in range(indptr[i], indptr[i + 1]):
            j, a = indices[at], factor * data[at]
            for c in range(k):
                target[j, c] += a * gradients[q, c]


@kernel
def all_slopes(task, scores, Y, weight, class_weight, losses, slopes):
    scores, Y, class_weight, slopes = borrow(scores), borrow(Y), borrow(class_weight), borrow(slopes)
    for i in range(len(scores)):
        v = weight[i] if len(weight) else 1.0
        losses[i] = row_loss(task, scores[i], Y, i, v, class_weight, NOT_PASSIVE, slopes, i)


def begin(task, coef, intercept, sparse=False, strength=None):
    (k, d), dtype = coef.shape, coef.dtype
    W = np.zeros((d + 1, k) if sparse else (k, d + 1), dtype)
    if coef.any():
        (W[:-1].T if sparse else W[:, :-1])[:] = coef
    (W[-1] if sparse else W[:, -1])[:] = intercept
    nothing = np.empty((0, 0), dtype)
    averaged = task.average_from >= 0
    eager = task.method != PLAIN or strength is not None
    strengths = nothing
    if eager:
        penalised = np.append(np.ones(d) if strength is None else strength, 0.0)
        strengths = np.array(np.broadcast_to(penalised[:, None] if sparse else penalised, W.shape), dtype, order="C")
    counted = np.zeros((6, 1))
    counted[1] = 1.0  # the scale
    return State(
        W,
        np.zeros_like(W) if averaged else nothing,
        np.zeros_like(W) if task.method in (MOMENTUM, ADAM) else nothing,
        np.zeros_like(W) if task.method in (ADAGRAD, ADAM) else nothing,
        strengths,
        np.zeros((0 if task.l1 == 0 else 2 if eager else 1) * W.size),
        *counted,
    )


def dense_epoch(task, order, X, Y, weight, class_weight, state, hits):
    many = dense_scores if row_by_row(task, state) and task.average_from < 0 else dense_slice
    slice_of_epoch = dense_steps if takes(task, state) else many
    return slice_of_epoch(task, order, X, Y, weight, class_weight, state, hits)


def sparse_epoch(task, order, X, Y, weight, class_weight, state, hits):
    many = sparse_scores if row_by_row(task, state) else sparse_slice
    slice_of_epoch = sparse_steps if one_at_a_time(task, state) else many
    return slice_of_epoch(task, order, X.data, X.indices, X.indptr, Y, weight, class_weight, state, hits)


def slopes(task, scores, Y, weight, class_weight):
    losses, result = np.empty(len(scores)), np.empty(scores.shape)
    all_slopes(task, np.asarray(scores, np.float64), Y, weight, class_weight, losses, result)
    return losses, result
