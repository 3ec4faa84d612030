"""Least squares of a sparse table by conjugate gradients: its values are read where they stand, once a step.

A step's product with the normal equations is cut by the sizes alone and its parts are added in their order: the same
bits for any number of threads. M. Hestenes, E. Stiefel, Methods of conjugate gradients for solving linear systems,
J. Res. Nat. Bur. Stand. 49 (1952). Contract: reference/conjugate.py.
"""

from typing import NamedTuple

import numpy as np

from fastml_ext import pool
from fastml_ext.device.rows import row_product
from fastml_ext.jit import kernel

__all__ = ["column_sums", "sparse_residuals", "sparse_squares"]

MODE, FIRST, SQUARE, STEPS, LEAST, MOST, LAST = range(7)  # places in the state
GRADIENT, PRODUCT, DONE, STUCK = range(4)  # modes: which pass is next, or how it ended
SLACK = 4.0  # so much larger than the steps' own account of it may the square of the true gradient be
CURVELESS = 1e-30  # curvature beside the length of a direction: none is left


class System(NamedTuple):
    """(Z'VZ + alpha I) w = Z'V t of the rows Z = X - centre with weights V."""

    weight: np.ndarray  # (n,), or empty for 1 each
    targets: np.ndarray  # (n,)
    centre: np.ndarray  # (d,)
    inverse: np.ndarray  # (d,): 1 / what stands for the diagonal
    alpha: float
    accuracy: float


def column_sums(X, weight, n_jobs=None):
    cost = 5.0 + 2.0 * X.nnz / max(1, X.shape[0])
    step = parts_of_rows(X.shape[0], cost, X.nnz // (2 * max(1, X.shape[1])))
    arrays = X.data, X.indices, X.indptr, weight, X.shape[1]
    return sum(pool.run(sparse_columns, X.shape[0], *arrays, cost=cost, step=step, n_jobs=n_jobs))


def sparse_residuals(X, weight, targets, coef, shift, n_jobs=None):
    n, cost = X.shape[0], 10.0 + 2.5 * X.nnz / max(1, X.shape[0])
    arrays = X.data, X.indices, X.indptr, weight, targets, coef, float(shift)
    step = parts_of_rows(n, cost, X.nnz // (2 * max(1, X.shape[1])))
    return sum(pool.run(sparse_products, n, *arrays, cost=cost, step=step, n_jobs=n_jobs))


def sparse_squares(X, Y, weight, centre, means, alphas, inverses, accuracy, max_iter, n_jobs=None):
    (n, d), k = X.shape, Y.shape[1]
    rows, coef = (X.data, X.indices, X.indptr), np.zeros((k, d))
    steps, done = np.zeros(k, np.int64), np.zeros(k, bool)
    cost = 10.0 + 2.5 * X.nnz / max(1, n)
    for c in range(k):
        targets = np.ascontiguousarray(Y[:, c]) - means[c]
        system = System(weight, targets, centre, inverses[c], float(alphas[c]), float(accuracy))
        gradient, direction, state = np.zeros(d), np.zeros(d), np.array([GRADIENT, 0.0, 0.0, 0.0, np.inf, 0.0, np.inf])
        path = coef[c], gradient, direction, state
        while state[MODE] < DONE:
            if n * cost < pool.SHORTEST_PARALLEL:
                sparse_steps(max(1, int(pool.LONGEST_CHUNK / (n * cost))), max_iter, *rows, system, *path)
                continue
            at, targets = (direction, targets[:0]) if state[MODE] == PRODUCT else (coef[c], system.targets)
            arrays = *rows, weight, targets, at, float(centre @ at)
            parts = pool.run(sparse_products, n, *arrays, cost=cost, step=parts_of_rows(n, cost), n_jobs=n_jobs)
            move(sum(parts), max_iter, system, *path)
        steps[c], done[c] = state[STEPS], state[MODE] == DONE
    return coef, steps, done


def parts_of_rows(n, cost, share=8):
    """Rows of a part: 8 parts, or as many as Ctrl-C needs, for each has sums of all columns; or one.

    share: how many such sums take less time than the values of all rows
    """
    parts = min(8, max(1, share))
    return n if n * cost < pool.SHORTEST_PARALLEL else max(1, min(-(-n // parts), int(pool.LONGEST_CHUNK / cost)))


@kernel
def sparse_columns(start, stop, data, indices, indptr, weight, d):
    total = np.zeros((d, 4))
    for i in range(start, stop):
        v = weight[i] if len(weight) else 1.0
        for at in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            j, x = np.uint64(indices[at]), np.float64(data[at])
            total[j, 0] += 1.0
            total[j, 1] += v * x
            total[j, 2] += v * x * x
            if v > 0.0:
                total[j, 3] += x * x
    return total


@kernel
def sparse_products(start, stop, data, indices, indptr, weight, targets, w, shift):
    """Sums of v r [x, 1], (d + 1,): r is x w - shift, or what that leaves of the targets where there are any."""
    d = len(w)
    total = np.zeros(d + 1)
    for i in range(start, stop):
        first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
        r = row_product(data, indices, first, last, w, -shift)
        if len(targets):
            r = targets[i] - r
        if len(weight):
            r *= weight[i]
        total[d] += r
        if r != 0.0:
            for at in range(first, last):
                total[np.uint64(indices[at])] += r * data[at]
    return total


@kernel
def move(total, max_iter, system, coef, gradient, direction, state):
    """One step by what a pass has found; it says which pass is next."""
    d, centre, inverse = len(coef), system.centre, system.inverse
    sums = total[d]
    if state[MODE] == GRADIENT:
        square = 0.0
        for j in range(d):
            gradient[j] = total[j] - sums * centre[j] - system.alpha * coef[j]
            direction[j] = inverse[j] * gradient[j]
            square += gradient[j] * direction[j]
        judge(square, state, system.accuracy)
        return
    curve, length = 0.0, 0.0
    for j in range(d):
        total[j] += system.alpha * direction[j] - sums * centre[j]
        curve += direction[j] * total[j]
        length += direction[j] * direction[j] / inverse[j]
    if not curve > CURVELESS * length:
        state[MODE] = STUCK
        return
    state[LEAST], state[MOST] = min(state[LEAST], curve / length), max(state[MOST], curve / length)
    t, square = state[SQUARE] / curve, 0.0
    for j in range(d):
        coef[j] += t * direction[j]
        gradient[j] -= t * total[j]
        square += inverse[j] * gradient[j] * gradient[j]
    for j in range(d):
        direction[j] = inverse[j] * gradient[j] + square / state[SQUARE] * direction[j]
    state[SQUARE] = square
    state[STEPS] += 1.0
    if square <= target(state, system.accuracy):
        state[MODE] = GRADIENT
    elif state[STEPS] >= max_iter or not square < np.inf:
        state[MODE] = STUCK


@kernel
def target(state, accuracy):
    """Square of a gradient that leaves no more than `accuracy` of the weights to find, by the curvatures met so far."""
    share = accuracy * state[LEAST] / state[MOST] if state[MOST] > 0.0 else accuracy
    return share * share * state[FIRST]


@kernel
def judge(square, state, accuracy):
    """Of the true gradient, by which the steps start, and start anew where rounding has led them astray."""
    if state[STEPS] == 0.0:
        state[FIRST] = square
    if not square < np.inf or (square > 0.25 * state[LAST] and square > SLACK * target(state, accuracy)):
        state[MODE] = STUCK
    elif square == 0.0 or (state[STEPS] > 0.0 and square <= SLACK * target(state, accuracy)):
        state[MODE] = DONE
    else:
        state[MODE], state[LAST] = PRODUCT, square
    state[SQUARE] = square


@kernel
def sparse_steps(most, max_iter, data, indices, indptr, system, coef, gradient, direction, state):
    """At most so many steps, of a table so small that its passes take less time than calls of them."""
    n, d = len(indptr) - 1, len(coef)
    for _ in range(most):
        if state[MODE] >= DONE:
            break
        product, shift = state[MODE] == PRODUCT, 0.0
        at = direction if product else coef
        targets = system.targets[:0] if product else system.targets
        for j in range(d):
            shift += system.centre[j] * at[j]
        total = sparse_products(0, n, data, indices, indptr, system.weight, targets, at, shift)
        move(total, max_iter, system, coef, gradient, direction, state)
