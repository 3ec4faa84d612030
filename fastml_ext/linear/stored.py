"""Epochs over CSR rows in the commonest case: one score, one row a step, plain steps. See `epochs.py`, and `steps.py`.

A step touches what its row stores, and nothing else. l2 is a scale of all weights; l1 takes what a weight owes when its
column is met; and the sum of all steps' weights lacks, of each weight, what its moves changed for the steps before.
Contract: reference/epochs.py.
"""

import numpy as np

from fastml_ext.device.memory import borrow, keep, prefetch
from fastml_ext.device.rows import row_product
from fastml_ext.jit import kernel, kernel_inline
from fastml_ext.linear.settled import settle
from fastml_ext.linear.steps import FOLD, TOGETHER, judge, prepare, rows_ahead

__all__ = ["pay", "sparse_steps"]


@kernel
def pay(w, owed, taken):
    """w drawn towards 0, no further, by what the l1 penalty is owed so far less what it has taken (signed)."""
    if w > 0.0:
        return max(0.0, w - (owed + taken))
    return min(0.0, w + (owed - taken)) if w < 0.0 else 0.0


@kernel_inline
def move(data, indices, first, last, a, w):
    """The weights by a times a row. Unsigned places spare the test for negative ones."""
    for at in range(first, last):
        w[np.uint64(indices[at])] += a * data[at]


@kernel_inline
def move_in_mean(data, indices, first, last, a, w, earlier, total):
    """As `move`, where a mean of the weights is asked for; earlier: the sum of the scales of its steps so far."""
    for at in range(first, last):
        j, step = np.uint64(indices[at]), a * data[at]
        w[j] += step
        total[j] += earlier * step


@kernel_inline
def move_and_pay(data, indices, places, a, w, debts, touched, total):
    """As `move_in_mean`; then each weight pays. debts: (owed, 1 / scale, scale, earlier)."""
    owed, inverse, scale, earlier = debts
    for at in range(places[0], places[1]):
        j, x = np.uint64(indices[at]), data[at]
        before = w[j]
        now = before + w.dtype.type(a * x)
        if now != 0.0 and x != 0.0:
            paid = w.dtype.type(pay(float(now), owed * inverse, touched[j] * inverse))
            touched[j] += scale * (float(paid) - float(now))
            now = paid
        w[j] = now
        if len(total):
            total[j] += earlier * (float(now) - float(before))


@kernel
def sparse_steps(task, order, data, indices, indptr, Y, weight, class_weight, state, hits):
    """As epochs.sparse_slice."""
    w, hits, n, losses = borrow(state.W.reshape(-1)), borrow(hits), len(order), 0.0
    total, touched = borrow(state.total.reshape(-1)), borrow(state.touched)
    scale, rates, intercept, d = state.scale[0], state.sum_of_rates[0], float(w[len(w) - 1]), len(w) - 1
    others, own, finite, done = class_weight[0, 0], class_weight[1, 0], True, 0
    owed, earlier, counted = state.owed[0], state.sum_of_scales[0], state.n_averaged[0]
    ahead, line = rows_ahead(len(indptr) - 1, len(data) * (data.itemsize + indices.itemsize)), 64 // data.itemsize
    own_plan = np.empty((3, TOGETHER))
    plan = borrow(own_plan)
    while finite and done < n:
        m = min(TOGETHER, n - done)
        etas, scales, factors = plan[0, :m], plan[1, :m], plan[2, :m]
        prepare(task, state.n_steps[0], scale, etas, scales, factors)
        for q in range(m):
            i = order[done + q]
            if done + q + ahead < n:
                asked = order[done + q + ahead]
                for at in range(indptr[asked], indptr[asked + 1], line):
                    prefetch(data, at)
                    prefetch(indices, at)
            first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
            y, s = Y[i, 0], scale * row_product(data, indices, first, last, w, 0.0) + intercept
            v = (own if y > 0 else others) * (weight[i] if len(weight) else 1.0)
            loss, slope, finite = judge(task, s, y, v, hits, done + q)
            if not finite:
                m = q
                break
            losses, rates, scale, eta = losses + loss, rates + etas[q], scales[q], etas[q]
            if scale < FOLD:
                state.scale[0], state.sum_of_scales[0], state.n_averaged[0], w[d] = scale, earlier, counted, intercept
                settle(state, True)
                scale, earlier, counted = 1.0, 0.0, 0.0
            intercept -= task.intercept * eta * slope
            if len(total):
                total[d] -= counted * task.intercept * eta * slope
            if task.l1 > 0:
                owed += eta * task.l1
                debts = owed, 1.0 / scale, scale, earlier
                move_and_pay(data, indices, (first, last), factors[q] * slope, w, debts, touched, total)
            elif slope != 0.0 and len(total):
                move_in_mean(data, indices, first, last, factors[q] * slope, w, earlier, total)
            elif slope != 0.0:
                move(data, indices, first, last, factors[q] * slope, w)
            if 0 <= task.average_from <= state.n_steps[0] + q:
                earlier, counted = earlier + scale, counted + 1.0
        done += m
        state.n_steps[0] += m
    state.scale[0], state.sum_of_rates[0], w[d] = scale, rates, intercept
    state.owed[0], state.sum_of_scales[0], state.n_averaged[0] = owed, earlier, counted
    keep(own_plan)
    return losses, finite
