"""Stochastic gradient descent: slices of an epoch over dense and over CSR rows. Contract: reference/epochs.py.

Every loss, penalty, schedule and method is an integer or a number of `Task`. Plain steps keep the weights as scale * W,
so that a row whose loss is flat costs no more than its score; all other methods pass over every weight at each step.
What every row goes through is written out in the two slices: a helper costs 10 ns for each array it is handed.
"""

import numpy as np

from fastml_ext.jit import cgutils, intrinsic, kernel, types
from fastml_ext.linear.codes import State, Task
from fastml_ext.linear.settled import COUNT, OWED, RATES, SCALE, SCALES, STEPS, settle
from fastml_ext.linear.steps import dense_steps, prefetch, sparse_steps, takes
from fastml_ext.products import inner

__all__ = ["State", "Task", "begin", "dense_epoch", "slopes", "sparse_epoch"]

EACH, REST, SOFTMAX, ARGMAX = 0, 1, 2, 3
FOLD = 0.01  # the scale is folded into W below this: two digits of W at most are lost to it
LEAST_MOMENT = 1e-30  # smaller moments are zero: subnormal numbers take 100 times longer


@intrinsic
def call_user(typing_context, address, score, y):
    """Call the user's compiled function float64(float64, float64) that stands at `address`."""
    signature = types.float64(types.int64, types.float64, types.float64)

    def code(context, builder, signature, arguments):
        real = context.get_value_type(types.float64)
        function = cgutils.ir.FunctionType(real, [real, real])
        pointer = builder.inttoptr(arguments[0], function.as_pointer())
        return builder.call(pointer, arguments[1:])

    return signature, code


@kernel
def one_loss(task, s, y):
    """(loss, slope) of one score s at target y; the class targets are -1 and 1."""
    code, c = task.loss, task.parameter
    if code == 0:
        return 0.5 * (s - y) ** 2, s - y
    if code == 1:
        z = y * s
        if z > 0:
            e = np.exp(-z)
            return np.log1p(e), -y * e / (1.0 + e)
        e = np.exp(z)
        return np.log1p(e) - z, -y / (1.0 + e)
    if code == 2:
        z = c - y * s
        return (z, -y) if z >= 0 else (0.0, 0.0)
    if code == 3:
        z = c - y * s
        return (z * z, -2.0 * y * z) if z > 0 else (0.0, 0.0)
    if code == 4:
        z = y * s
        if z >= 1:
            return 0.0, 0.0
        return ((1.0 - z) ** 2, -2.0 * y * (1.0 - z)) if z >= -1 else (-4.0 * z, -4.0 * y)
    r = s - y
    if code == 5:
        return (0.5 * r * r, r) if abs(r) <= c else (c * (abs(r) - 0.5 * c), c * np.sign(r))
    if code == 6:
        return (abs(r) - c, np.sign(r)) if abs(r) > c else (0.0, 0.0)
    if code == 7:
        z = abs(r) - c
        return (z * z, 2.0 * z * np.sign(r)) if z > 0 else (0.0, 0.0)
    if code == 8:
        return (-c * r, -c) if r < 0 else ((1.0 - c) * r, (1.0 - c) * np.sign(r))
    if code == 9:
        e = np.exp(s)
        return e - y * s, e - y
    return call_user(task.user_value, s, y), call_user(task.user_slope, s, y)


@kernel
def single_loss(task, c, s, y, v, others, own):
    """(loss, slope) of score c of a row of weight v; others, own: class weights of targets -1 and 1."""
    if task.coupling == REST:
        y = 1.0 if y == c else -1.0
    value, slope = one_loss(task, s, y)
    u = v * (own if y > 0 else others)
    return u * value, u * slope


@kernel
def joint_loss(task, scores, own, v, slopes, q):
    """Loss of a row of class `own`, whose scores are judged together, and into slopes[q] (k,) its derivatives."""
    k = len(scores)
    if task.coupling == SOFTMAX:
        top, total = scores[0], 0.0
        for c in range(1, k):
            top = max(top, scores[c])
        for c in range(k):
            slopes[q, c] = np.exp(scores[c] - top)
            total += slopes[q, c]
        for c in range(k):
            slopes[q, c] *= v / total
        slopes[q, own] -= v
        return v * (np.log(total) + top - scores[own])
    rival = 1 if own == 0 else 0
    for c in range(k):
        slopes[q, c] = 0.0
        if c != own and scores[c] > scores[rival]:
            rival = c
    gap = task.parameter - (scores[own] - scores[rival])
    if gap < 0:
        return 0.0
    slopes[q, own], slopes[q, rival] = -v, v
    return v * gap


@kernel
def rate(task, step):
    """Step size of the step-th step, counted from 1."""
    if task.schedule == 1:
        return task.eta0 / step**task.power
    if task.schedule == 2:
        return task.eta0 / (task.alpha * (task.optimal + step - 1.0))
    return task.eta0 if task.schedule == 0 else 1.0


@kernel
def passive(task, loss, square):
    """What a passive-aggressive step multiplies a slope with: just enough to satisfy the row, at most eta0."""
    if task.schedule == 3:
        return min(task.eta0, loss / square) if square > 0 else 0.0
    return loss / (square + 0.5 / task.eta0)


@kernel
def pay(w, owed, taken):
    """w drawn towards 0, no further, by what the l1 penalty is owed so far less what it has taken (signed)."""
    if w > 0.0:
        return max(0.0, w - (owed + taken))
    return min(0.0, w + (owed - taken)) if w < 0.0 else 0.0


@kernel
def move(task, eta, step, gradient, met, state):
    """One step of every weight along `gradient` (flat), by momentum, AdaGrad, Adam or plainly; those `met` pay l1."""
    W, strength, total = state.W.reshape(-1), state.strength.reshape(-1), state.total.reshape(-1)
    first, second, touched = state.first.reshape(-1), state.second.reshape(-1), state.touched
    fix1, fix2 = 1.0 - 0.9**step, 1.0 - 0.999**step
    for j in range(len(W)):
        pull = task.l2 * strength[j]
        if task.method == 0:
            pull = min(pull, 1.0 / eta)
        g = gradient[j] + pull * W[j]
        own = eta
        if task.method == 1:
            first[j] = task.momentum * first[j] + g
            g = first[j]
        elif task.method == 2:
            second[j] += g * g
            own = eta / (np.sqrt(second[j]) + 1e-10)
        elif task.method == 3:
            first[j] = 0.9 * first[j] + 0.1 * g
            second[j] = 0.999 * second[j] + 0.001 * g * g
            if abs(first[j]) < LEAST_MOMENT:
                first[j] = 0
            if second[j] < LEAST_MOMENT:
                second[j] = 0
            own = eta / (np.sqrt(second[j] / fix2) + 1e-8)
            g = first[j] / fix1
        W[j] -= own * g
        if task.l1 > 0:
            owed = len(W) + j
            touched[owed] += own * task.l1 * strength[j]
            if met[j] or task.method > 0:
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
    W, clock, touched, line = state.W, state.clock, state.touched, 64 // X.itemsize
    k, d, eager, averaged = W.shape[0], W.shape[1] - 1, state.strength.size > 0, state.total.size > 0
    scores, gradients = np.empty(k), np.empty((min(task.batch, len(order)), k))
    gradient = np.empty((k, d + 1) if eager else (0, 0), W.dtype)
    met = np.empty(gradient.shape, np.bool_)
    losses, square = 0.0, 0.0
    for start in range(0, len(order), task.batch):
        m = min(task.batch, len(order) - start)
        for q in range(m):
            i = order[start + q]
            if start + q + 1 < len(order):
                ahead = order[start + q + 1] * d
                for j in range(0, d, line):
                    prefetch(X, ahead + j)
            for c in range(k):
                scores[c] = clock[SCALE] * score(X, i, W, c, d) + W[c, d]
            if task.schedule >= 3:
                square = float(score(X, i, X, i, d))
            own, v, loss = int(Y[i, 0]), weight[i] if len(weight) else 1.0, 0.0
            if task.coupling <= REST:
                for c in range(k):
                    y = Y[i, c] if task.coupling == EACH else Y[i, 0]
                    value, slope = single_loss(task, c, scores[c], y, v, class_weight[0, c], class_weight[1, c])
                    loss += value
                    if task.schedule >= 3:
                        one = single_loss(task, c, scores[c], y, 1.0, 1.0, 1.0)[0]
                        slope *= passive(task, one, square)
                    gradients[q, c] = slope
            else:
                loss = joint_loss(task, scores, own, v * class_weight[1, own], gradients, q)
            if not np.isfinite(loss):
                return losses, False
            losses += loss
            if len(hits):
                for c in range(k):
                    hits[start + q, c] = -np.sign(gradients[q, c])
        clock[STEPS] += 1
        eta = rate(task, clock[STEPS])
        clock[RATES] += eta
        if eager:
            gradient[:], met[:] = 0, False
            add_rows(1.0 / m, order, start, m, X, gradients, gradient, task.intercept)
            for q in range(m):
                for j in range(d):
                    if X[order[start + q], j] != 0.0:
                        met[:, j] = True
            move(task, eta, clock[STEPS], gradient.reshape(-1), met.reshape(-1), state)
            continue
        clock[SCALE] *= max(0.0, 1.0 - eta * task.l2)
        if clock[SCALE] < FOLD:
            settle(state, False)
        if averaged:
            add_rows_behind(task, eta / m, order, start, m, X, gradients, state)
        for q in range(m):
            i = order[start + q]
            for c in range(k):
                g = -eta / m * gradients[q, c]
                if g != 0.0:
                    a = W.dtype.type(g / clock[SCALE])
                    for j in range(d):
                        W[c, j] += a * X[i, j]
                    W[c, d] += task.intercept * g
        if task.l1 > 0:
            clock[OWED] += eta * task.l1
            for q in range(m):
                for c in range(k):
                    for j in range(d):
                        if W[c, j] != 0.0 and X[order[start + q], j] != 0.0:
                            at, w = c * (d + 1) + j, float(W[c, j])
                            W[c, j] = pay(w, clock[OWED] / clock[SCALE], touched[at] / clock[SCALE])
                            touched[at] += clock[SCALE] * (W[c, j] - w)
        if 0 <= task.average_from < clock[STEPS]:
            clock[SCALES] += clock[SCALE]
            clock[COUNT] += 1
    return losses, True


@kernel
def add_rows_behind(task, eta, order, start, m, X, gradients, state):
    """What the weights of all earlier steps in the average lack of this step (Daume 2006, figure 2.3)."""
    total, clock, d = state.total, state.clock, state.W.shape[1] - 1
    a = -eta * clock[SCALES] / clock[SCALE]
    if clock[COUNT] > 0:
        add_rows(a, order, start, m, X, gradients, total, 0.0)
        for q in range(m):
            for c in range(len(total)):
                total[c, d] -= task.intercept * eta * clock[COUNT] * gradients[q, c]


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
    W, clock, touched = state.W, state.clock, state.touched
    d, k, eager, averaged = W.shape[0] - 1, W.shape[1], state.strength.size > 0, state.total.size > 0
    scores, gradients = np.empty(k), np.empty((min(task.batch, len(order)), k))
    gradient = np.empty((d + 1, k) if eager else (0, 0), W.dtype)
    met = np.empty(gradient.shape, np.bool_)
    losses = 0.0
    for start in range(0, len(order), task.batch):
        m = min(task.batch, len(order) - start)
        for q in range(m):
            i, square = order[start + q], 0.0
            for c in range(k):
                scores[c] = 0.0
            for at in range(indptr[i], indptr[i + 1]):
                j, x = indices[at], data[at]
                square += x * x
                for c in range(k):
                    scores[c] += x * W[j, c]
            for c in range(k):
                scores[c] = clock[SCALE] * scores[c] + W[d, c]
            own, v, loss = int(Y[i, 0]), weight[i] if len(weight) else 1.0, 0.0
            if task.coupling <= REST:
                for c in range(k):
                    y = Y[i, c] if task.coupling == EACH else Y[i, 0]
                    value, slope = single_loss(task, c, scores[c], y, v, class_weight[0, c], class_weight[1, c])
                    loss += value
                    if task.schedule >= 3:
                        one = single_loss(task, c, scores[c], y, 1.0, 1.0, 1.0)[0]
                        slope *= passive(task, one, square)
                    gradients[q, c] = slope
            else:
                loss = joint_loss(task, scores, own, v * class_weight[1, own], gradients, q)
            if not np.isfinite(loss):
                return losses, False
            losses += loss
            if len(hits):
                for c in range(k):
                    hits[start + q, c] = -np.sign(gradients[q, c])
        clock[STEPS] += 1
        eta = rate(task, clock[STEPS])
        clock[RATES] += eta
        if eager:
            gradient[:], met[:] = 0, False
            add_sparse(1.0 / m, task.intercept / m, order, start, m, data, indices, indptr, gradients, gradient)
            for q in range(m):
                for at in range(indptr[order[start + q]], indptr[order[start + q] + 1]):
                    if data[at] != 0.0:
                        met[indices[at]] = True
            move(task, eta, clock[STEPS], gradient.reshape(-1), met.reshape(-1), state)
            continue
        clock[SCALE] *= max(0.0, 1.0 - eta * task.l2)
        if clock[SCALE] < FOLD:
            settle(state, True)
        if averaged and clock[COUNT] > 0:
            a, b = -eta / m * clock[SCALES] / clock[SCALE], task.intercept * -eta / m * clock[COUNT]
            add_sparse(a, b, order, start, m, data, indices, indptr, gradients, state.total)
        for q in range(m):
            i, flat = order[start + q], True
            for c in range(k):
                scores[c] = -eta / m * gradients[q, c]
                flat = flat and scores[c] == 0.0
                W[d, c] += task.intercept * scores[c]
            if not flat:
                for at in range(indptr[i], indptr[i + 1]):
                    j, a = indices[at], data[at] / clock[SCALE]
                    for c in range(k):
                        W[j, c] += a * scores[c]
        if task.l1 > 0:
            clock[OWED] += eta * task.l1
            for q in range(m):
                i = order[start + q]
                for at in range(indptr[i], indptr[i + 1]):
                    for c in range(k):
                        j = indices[at]
                        if W[j, c] != 0.0 and data[at] != 0.0:
                            place, w = j * k + c, float(W[j, c])
                            W[j, c] = pay(w, clock[OWED] / clock[SCALE], touched[place] / clock[SCALE])
                            touched[place] += clock[SCALE] * (W[j, c] - w)
        if 0 <= task.average_from < clock[STEPS]:
            clock[SCALES] += clock[SCALE]
            clock[COUNT] += 1
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
    for i in range(len(scores)):
        own, v = int(Y[i, 0]), weight[i] if len(weight) else 1.0
        if task.coupling > REST:
            losses[i] = joint_loss(task, scores[i], own, v * class_weight[1, own], slopes, i)
            continue
        losses[i] = 0.0
        for c in range(scores.shape[1]):
            y = Y[i, c] if task.coupling == EACH else Y[i, 0]
            value, slope = single_loss(task, c, scores[i, c], y, v, class_weight[0, c], class_weight[1, c])
            losses[i] += value
            slopes[i, c] = slope


def begin(task, coef, intercept, sparse=False, strength=None):
    d, dtype = coef.shape[1], coef.dtype
    W = np.column_stack([coef, intercept]).astype(dtype)
    if sparse:
        W = W.T
    W = np.array(W, dtype, order="C")
    nothing = np.empty((0, 0), dtype)
    averaged = task.average_from >= 0
    eager = task.method > 0 or strength is not None or (task.l1 > 0 and averaged)
    penalised = np.append(np.ones(d) if strength is None else strength, 0.0)
    strengths = np.array(np.broadcast_to(penalised[:, None] if sparse else penalised, W.shape), dtype, order="C")
    clock = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    return State(
        W,
        np.zeros_like(W) if averaged else nothing,
        np.zeros_like(W) if task.method in (1, 3) else nothing,
        np.zeros_like(W) if task.method in (2, 3) else nothing,
        strengths if eager else nothing,
        np.zeros((0 if task.l1 == 0 else 2 if eager else 1) * W.size),
        clock,
    )


def dense_epoch(task, order, X, Y, weight, class_weight, state, hits):
    slice_of_epoch = dense_steps if takes(task, state) else dense_slice
    return slice_of_epoch(task, order, X, Y, weight, class_weight, state, hits)


def sparse_epoch(task, order, X, Y, weight, class_weight, state, hits):
    slice_of_epoch = sparse_steps if takes(task, state) else sparse_slice
    return slice_of_epoch(task, order, X.data, X.indices, X.indptr, Y, weight, class_weight, state, hits)


def slopes(task, scores, Y, weight, class_weight):
    losses, result = np.empty(len(scores)), np.empty(scores.shape)
    all_slopes(task, np.asarray(scores, np.float64), Y, weight, class_weight, losses, result)
    return losses, result
