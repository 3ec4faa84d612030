"""Epochs in the commonest case: one score, one row a step, plain steps, at most l2. See `epochs.py`.

A CSR row of 14 stored values takes 20 ns here and 100 ns there, where scores stand in arrays and every step asks what
else there is to do; a dense row of 4 values 15 ns instead of 55. Contract: reference/epochs.py.
"""

import numpy as np

from fastml_ext.jit import cgutils, intrinsic, kernel, types
from fastml_ext.products import inner

__all__ = ["dense_steps", "prefetch", "sparse_steps", "takes"]

LOSSES = 5  # squared, log, hinge, squared hinge, modified Huber: the codes below this
STEPS, SCALE, RATES = 0, 1, 4  # places in State.clock
FOLD = 0.01  # as in epochs.py


@intrinsic
def prefetch(typing_context, X, at):
    """Ask for the cache line of X's at-th value, while the processor works on something else."""

    def code(context, builder, signature, arguments):
        ir = cgutils.ir
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        line = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(ask, [line, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(X, types.intp), code


def takes(task, state):
    """Whether the epochs of this module do what the task asks for."""
    plain = task.batch == 1 and task.method == 0 and task.l1 == 0 and task.schedule < 3 and task.average_from < 0
    one_score = 1 in state.W.shape
    return plain and task.loss < LOSSES and one_score and state.strength.size == 0


@kernel
def margin_loss(code, c, s, y):
    """(loss, slope) of score s at target y; hinge, the commonest, has been dealt with."""
    if code == 0:
        return 0.5 * (s - y) ** 2, s - y
    z = y * s
    if code == 1:
        e = np.exp(-abs(z))
        return np.log1p(e) - min(z, 0.0), -y * (e if z > 0 else 1.0) / (1.0 + e)
    if code == 3:
        z = c - z
        return (z * z, -2.0 * y * z) if z > 0 else (0.0, 0.0)
    if z >= 1:
        return 0.0, 0.0
    return ((1.0 - z) ** 2, -2.0 * y * (1.0 - z)) if z >= -1 else (-4.0 * z, -4.0 * y)


@kernel
def rate(task, step):
    """Step size of the step-th step, counted from 1; the commonest powers by square roots, five times as fast."""
    if task.schedule == 0:
        return task.eta0
    if task.schedule == 2:
        return task.eta0 / (task.alpha * (task.optimal + step - 1.0))
    if task.power == 0.25:
        return task.eta0 / np.sqrt(np.sqrt(step))
    return task.eta0 / (np.sqrt(step) if task.power == 0.5 else step**task.power)


@kernel
def dense_steps(task, order, X, Y, weight, class_weight, state, hits):
    """As epochs.dense_slice."""
    w, clock, d = state.W.reshape(-1), state.clock, X.shape[1]
    losses, step, scale, rates, intercept = 0.0, clock[STEPS], clock[SCALE], clock[RATES], float(w[d])
    code, c, others, own, finite = task.loss, task.parameter, class_weight[0, 0], class_weight[1, 0], True
    line = 64 // X.itemsize
    for place in range(len(order)):
        i = order[place]
        if place + 1 < len(order):
            ahead = order[place + 1] * d
            for j in range(0, d, line):
                prefetch(X, ahead + j)
        y, s = Y[i, 0], scale * inner(X, i * d, w, 0, d) + intercept
        if code == 2:
            z = c - y * s
            loss, slope = (z, -y) if z >= 0 else (z * 0.0, 0.0)
        else:
            loss, slope = margin_loss(code, c, s, y)
        v = (own if y > 0 else others) * (weight[i] if len(weight) else 1.0)
        slope *= v
        finite = np.isfinite(loss * v)
        if not finite:
            break
        losses += loss * v
        if len(hits):
            hits[place, 0] = -np.sign(slope)
        step += 1.0
        eta = rate(task, step)
        rates += eta
        scale *= max(0.0, 1.0 - eta * task.l2)
        if scale < FOLD:
            for j in range(d):
                w[j] *= scale
            scale = 1.0
        if slope != 0.0:
            intercept -= task.intercept * eta * slope
            a = w.dtype.type(-eta * slope / scale)
            for j in range(d):
                w[j] += a * X[i, j]
    clock[STEPS], clock[SCALE], clock[RATES], w[d] = step, scale, rates, intercept
    return losses, finite


@kernel
def sparse_steps(task, order, data, indices, indptr, Y, weight, class_weight, state, hits):
    """As epochs.sparse_slice. Unsigned places spare the test for negative ones; two sums of a row run side by side."""
    w, clock = state.W.reshape(-1), state.clock
    d, losses, one, two = len(w) - 1, 0.0, np.uint64(1), np.uint64(2)
    step, scale, rates, intercept = clock[STEPS], clock[SCALE], clock[RATES], w[d]
    code, c, others, own, finite = task.loss, task.parameter, class_weight[0, 0], class_weight[1, 0], True
    for place in range(len(order)):
        i = order[place]
        first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
        even, odd, at = 0.0, 0.0, first
        while at + one < last:
            even += data[at] * w[np.uint64(indices[at])]
            odd += data[at + one] * w[np.uint64(indices[at + one])]
            at += two
        if at < last:
            even += data[at] * w[np.uint64(indices[at])]
        y, s = Y[i, 0], scale * (even + odd) + intercept
        if code == 2:
            z = c - y * s
            loss, slope = (z, -y) if z >= 0 else (z * 0.0, 0.0)
        else:
            loss, slope = margin_loss(code, c, s, y)
        v = (own if y > 0 else others) * (weight[i] if len(weight) else 1.0)
        slope *= v
        finite = np.isfinite(loss * v)
        if not finite:
            break
        losses += loss * v
        if len(hits):
            hits[place, 0] = -np.sign(slope)
        step += 1.0
        eta = rate(task, step)
        rates += eta
        scale *= max(0.0, 1.0 - eta * task.l2)
        if scale < FOLD:
            for j in range(d):
                w[j] *= scale
            scale = 1.0
        if slope != 0.0:
            intercept -= task.intercept * eta * slope
            a = -eta * slope / scale
            for at in range(first, last):
                w[np.uint64(indices[at])] += a * data[at]
    clock[STEPS], clock[SCALE], clock[RATES], w[d] = step, scale, rates, intercept
    return losses, finite
