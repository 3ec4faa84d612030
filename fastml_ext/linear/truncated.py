"""The squared hinge on sparse rows by Newton's method, its systems by conjugate gradients. Contract: reference.

C.-J. Lin, R. Weng, S. Keerthi, Trust region Newton method for large-scale logistic regression, JMLR 9 (2008), whose
trust region an exact search along the step replaces: margins are straight lines there.
"""

from typing import NamedTuple

import numpy as np

from fastml_ext import pool
from fastml_ext.device.rows import row_product
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel

__all__ = ["truncated_svm"]

SLICE, PASSES = 20e6, 12.0  # ns of work in one call, and passes that an iteration takes
ITERATIONS, DONE, FIRST = range(3)  # places in a problem's state
LOOSE, LONGEST, TRIALS = 0.3, 100, 30  # precision of systems, steps of each at most, and trials along a line
CLOSER = 10.0  # times what is left of the gradient: the precision of a system, where that is less


class Problems(NamedTuple):
    """What is to be solved, a row for each of k problems."""

    signs: np.ndarray  # (k, n)
    cost: np.ndarray  # (k, n)
    bias: float
    close: float
    max_iter: int


def truncated_svm(X, signs, cost, bias, close, max_iter, start=None, n_jobs=None):
    (n, d), k = X.shape, len(signs)
    W, margins, state = np.zeros((k, d + 1)), np.zeros((k, n)), np.zeros((k, 3))
    if start is not None:
        W[:] = start
        margins[:] = signs * (X @ W[:, :-1].T + bias * W[:, -1]).T
    problems = Problems(signs, cost, float(bias), float(close), int(max_iter))
    each = PASSES * (10.0 * n + 2.0 * X.nnz) + 100.0 * d
    most = max(1, int(SLICE / each))
    arrays = most, X.data, X.indices, X.indptr, problems, W, margins, state
    while not (state[:, DONE] + (state[:, ITERATIONS] >= max_iter)).all():
        pool.run(newton_steps, k, *arrays, cost=most * each, n_jobs=n_jobs)
    return W, state[:, ITERATIONS].astype(np.int64), state[:, DONE] > 0


@kernel
def newton_steps(start, stop, most, data, indices, indptr, problems, W, margins, state):
    n, p = len(indptr) - 1, W.shape[1]
    inside, curvature, move = np.empty(n, np.int64), np.empty(n), np.empty(n)
    g, diagonal, step = np.empty(p), np.empty(p), np.empty(p)
    for c in range(start, stop):
        w, m, y, cost, own = W[c], margins[c], problems.signs[c], problems.cost[c], state[c]
        for _ in range(most):
            if own[DONE] or own[ITERATIONS] >= problems.max_iter:
                break
            own[ITERATIONS] += 1.0
            rows = data, indices, indptr, problems.bias
            value, count = gradient(rows, y, cost, w, m, inside, curvature, g, diagonal)
            size = 0.0
            for j in range(p):
                size += g[j] * g[j] / diagonal[j]
            if own[FIRST] == 0.0:
                own[FIRST] = size
            if not 0.0 < size < np.inf:
                own[DONE] = 1.0 if size == 0.0 else 0.0
                own[ITERATIONS] = problems.max_iter if size != 0.0 else own[ITERATIONS]
                break
            precision = LOOSE * min(1.0, CLOSER * np.sqrt(size / own[FIRST]))
            conjugate(rows, inside[:count], curvature, g, diagonal, precision, size, step)
            gain = -inner(g, 0, step, 0, p)
            for i in range(n):
                first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
                move[i] = y[i] * row_product(data, indices, first, last, step, problems.bias * step[p - 1])
            t = length(m, move, cost, inner(w, 0, step, 0, p), inner(step, 0, step, 0, p))
            for j in range(p):
                w[j] += t * step[j]
            for i in range(n):
                m[i] += t * move[i]
            if gain <= problems.close * value:
                own[DONE] = 1.0


@kernel
def gradient(rows, y, cost, w, m, inside, curvature, g, diagonal):
    """(objective, number of rows within the margin); these rows, twice their costs, gradient and diagonal at w."""
    data, indices, indptr, bias = rows
    p, count, value = len(w), 0, 0.0
    for j in range(p):
        g[j], diagonal[j] = w[j], 1.0
        value += 0.5 * w[j] * w[j]
    for i in range(len(m)):
        short = 1.0 - m[i]
        if short <= 0.0 or cost[i] == 0.0:
            continue
        inside[count] = i
        count += 1
        curve = 2.0 * cost[i]
        curvature[i] = curve
        value += cost[i] * short * short
        slope = -curve * y[i] * short
        g[p - 1] += slope * bias
        diagonal[p - 1] += curve * bias * bias
        for at in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            j, x = np.uint64(indices[at]), np.float64(data[at])
            g[j] += slope * x
            diagonal[j] += curve * x * x
    return value, count


@kernel
def conjugate(rows, inside, curvature, g, diagonal, precision, size, step):
    """step: about -H^-1 g, H = I + the sum over the rows inside of curvature [x, bias]' [x, bias]."""
    data, indices, indptr, bias = rows
    p = len(g)
    r, direction, product = np.empty(p), np.empty(p), np.empty(p)
    for j in range(p):
        step[j], r[j], direction[j] = 0.0, -g[j], -g[j] / diagonal[j]
    left = size
    for _ in range(LONGEST):
        for j in range(p):
            product[j] = direction[j]
        shift, sums = bias * direction[p - 1], 0.0
        for i in inside:
            first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
            a = curvature[i] * row_product(data, indices, first, last, direction, shift)
            sums += a
            for at in range(first, last):
                product[np.uint64(indices[at])] += a * data[at]
        product[p - 1] += sums * bias
        t = left / inner(direction, 0, product, 0, p)
        before, left = left, 0.0
        for j in range(p):
            step[j] += t * direction[j]
            r[j] -= t * product[j]
            left += r[j] * r[j] / diagonal[j]
        if not left > precision * precision * size:
            break
        for j in range(p):
            direction[j] = r[j] / diagonal[j] + left / before * direction[j]


@kernel
def length(m, move, cost, flat, square):
    """How far along margins m + t move the objective falls: about the zero of its slope, which never falls with t."""
    low, high, t, first = 0.0, np.inf, 1.0, 0.0
    for trial in range(TRIALS):
        slope, curve, at_start = flat + t * square, square, flat
        for i in range(len(m)):
            short = 1.0 - m[i]
            if trial == 0 and short > 0.0:
                at_start -= 2.0 * cost[i] * move[i] * short
            short -= t * move[i]
            if short > 0.0:
                slope -= 2.0 * cost[i] * move[i] * short
                curve += 2.0 * cost[i] * move[i] * move[i]
        first = at_start if trial == 0 else first
        if abs(slope) <= 0.01 * abs(first):
            break
        if slope < 0.0:
            low = t
        else:
            high = t
        t -= slope / curve
        if not low < t < high:
            t = 2.0 * low if high == np.inf else 0.5 * (low + high)
    return t
