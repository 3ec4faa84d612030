"""Epochs over CSR rows in the commonest case: one score, one row a step, plain steps, at most l2. See `epochs.py`.

A row of 14 stored values takes 20 ns here and 100 ns there, where scores stand in arrays and every step asks what else
there is to do. Contract: reference/epochs.py.
"""

import numpy as np

from fastml_ext.jit import kernel

__all__ = ["sparse_steps", "takes"]

LOSSES = 5  # squared, log, hinge, squared hinge, modified Huber: the codes below this
STEPS, SCALE, RATES = 0, 1, 4  # places in State.clock
FOLD = 0.01  # as in epochs.py


def takes(task, state):
    """Whether `sparse_steps` does what the task asks for."""
    plain = task.batch == 1 and task.method == 0 and task.l1 == 0 and task.schedule < 3 and task.average_from < 0
    return plain and task.loss < LOSSES and state.W.shape[1] == 1 and state.strength.size == 0


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
        eta = task.eta0
        if task.schedule == 1:
            eta /= step**task.power
        elif task.schedule == 2:
            eta /= task.alpha * (task.optimal + step - 1.0)
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
