"""Linear support vector machines by dual coordinate descent with shrinking. Contract: reference/dual.py.

C.-J. Hsieh et al., A dual coordinate descent method for large-scale linear SVM, ICML 2008. Sweeps soon tell which duals
of a hinge end at a bound, and take thousands more to settle the few that do not: these are moved by Newton's steps.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import dpotrf, dpotrs

from fastml_ext import blas, pool
from fastml_ext.device.rows import row_product_by_four
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel

__all__ = ["dual_svm"]

SLICE = 20e6  # ns of work in one call
ACTIVE, SWEEPS, DONE, HIGH, LOW, SEED, RIDGE = range(7)  # places in a problem's state
FIRST, BETWEEN, LONGEST = 30, 20, 40  # sweeps before the first Newton steps, and at least and at most between those
FIRST_OF_WIDE = 120  # on sparse rows that are few beside the columns, and hardly get into each other's way
MANY, MOST_FREE = 3, 1000  # such steps at once while more duals are free than columns, and unknowns of a system
GAP = 0.3  # times tol, beside the objective: duality gaps that end a problem of a hinge
COLD, WARMER, COLDER = 0.1, 0.2, 3.0  # a step's ridge, times the mean bound: at first, after a whole step, a short one


class Problems(NamedTuple):
    """What is to be solved, a row for each of k problems."""

    signs: np.ndarray  # (k, n)
    upper: np.ndarray  # (k, n)
    diagonal: np.ndarray  # (k, n)
    squares: np.ndarray  # (n,): |[x_i, bias]|^2
    bias: float
    tol: float
    max_iter: int


class Paths(NamedTuple):
    """The weights and the dual variables so far."""

    W: np.ndarray  # (k, d + 1)
    alpha: np.ndarray  # (k, n)
    order: np.ndarray  # (k, n): the active rows first
    state: np.ndarray  # (k, 7)


def dual_svm(X, signs, upper, diagonal, bias, tol, max_iter, seed, n_jobs=None):
    X = X.astype(np.float64, copy=False)  # as W, and each row is read in every sweep
    k, n, d = len(signs), X.shape[0], X.shape[1]
    order, state = np.tile(np.arange(n), (k, 1)), np.zeros((k, 7))
    state[:, ACTIVE], state[:, HIGH], state[:, LOW] = n, np.inf, -np.inf
    state[:, SEED], state[:, RIDGE] = seed % 2**31 + np.arange(k), COLD
    if sp.issparse(X):
        rows_of_values = np.repeat(np.arange(n), np.diff(X.indptr))
        squares = np.bincount(rows_of_values, X.data**2, minlength=n)
        sweep, rows, stored = sparse_sweeps, (X.data, X.indices, X.indptr), X.nnz
    else:
        squares, sweep, rows, stored = np.einsum("ij,ij->i", X, X), dense_sweeps, X, X.size
    cost = 10.0 * n + 1.0 * stored
    most = min(max(1, int(SLICE / cost)), max_iter)
    problems = Problems(signs, upper, diagonal, squares + bias**2, float(bias), float(tol), int(max_iter))
    paths = Paths(np.zeros((k, d + 1)), np.zeros((k, n)), order, state)
    bounded, first = not diagonal.any(), FIRST_OF_WIDE if sp.issparse(X) and n <= 2 * d else FIRST
    with blas.single_for(SLICE):
        while not state[:, DONE].all() and state[:, SWEEPS].max() < max_iter:
            if bounded:
                most = min(first or pause(paths, stored / max(1, n)), max_iter)
                if not first and not settled(X, problems, paths):
                    pool.run(newton_steps, k, X, problems, paths, cost=SLICE, n_jobs=n_jobs)
            pool.run(sweep, k, most, rows, problems, paths, cost=most * cost, n_jobs=n_jobs)
            first = 0
    return paths.W, paths.alpha, state[:, SWEEPS].astype(np.int64), state[:, DONE] > 0


def settled(X, problems, paths):
    """Whether all are done, by their slopes or by a duality gap of `tol` of the objective."""
    going = np.flatnonzero(paths.state[:, DONE] == 0)
    W, cost = paths.W[going], problems.upper[going]
    short = np.maximum(0.0, 1.0 - problems.signs[going] * (X @ W[:, :-1].T + problems.bias * W[:, -1]).T)
    losses, half = np.einsum("ij,ij->i", cost, short), 0.5 * np.einsum("ij,ij->i", W, W)
    gaps = 2.0 * half + losses - paths.alpha[going].sum(axis=1)
    paths.state[going[gaps <= GAP * problems.tol * (half + losses)], DONE] = 1.0
    return paths.state[:, DONE].all()


def pause(paths, stored):
    """Sweeps between Newton's steps: about as many as take half the time of these; stored: values of a row."""
    going = paths.state[:, DONE] == 0
    size = min(paths.state[going, ACTIVE].max(), paths.W.shape[1], MOST_FREE)
    step, sweep = 0.03 * size**3 + 30.0 * size**2, paths.state[going, ACTIVE].mean() * (10.0 + stored)
    return int(min(max(BETWEEN, 0.5 * step / max(sweep, 1.0)), LONGEST))


def newton_steps(start, stop, X, problems, paths):
    for c in range(start, stop):
        for _ in range(MANY):
            free = np.flatnonzero((paths.alpha[c] > 0.0) & (paths.alpha[c] < problems.upper[c]))
            if paths.state[c, DONE] or not newton_step(X, problems, paths, c, free) or len(free) < paths.W.shape[1]:
                break


def newton_step(X, problems, paths, c, free):
    """Newton's step of the duals that are at no bound, cut off at the bounds and halved until the dual gains."""
    alpha, W, state, bias = paths.alpha[c], paths.W[c], paths.state[c], problems.bias
    if not len(free) or min(len(free), len(W)) > MOST_FREE:
        return False
    rows, y, a, upper = X[free], problems.signs[c, free], alpha[free], problems.upper[c, free]
    slope = y * (rows @ W[:-1] + bias * W[-1]) - 1.0
    step = free_direction(rows, y, bias, slope, state[RIDGE] / upper.mean())
    t = 1.0
    while step is not None and t > 1e-4:
        new = np.minimum(np.maximum(a + t * step, 0.0), upper)
        change = new - a
        move = np.append((change * y) @ rows, bias * (change @ y))
        if slope @ change + 0.5 * (move @ move) < 0.0:
            alpha[free] = new
            W += move
            state[RIDGE] *= WARMER if t == 1.0 else COLDER if t < 0.3 else 1.0
            return True
        t *= 0.5
    return False


def free_direction(rows, y, bias, slope, ridge):
    """-(Q + ridge I)^-1 slope, Q the products of y_i [x_i, bias], by the smaller of two systems; None if singular.

    What the sums of products can hold is the least that `ridge` is.
    """
    e, p = len(y), rows.shape[1] + 1
    if e <= p:
        K = rows @ rows.T
        K = ((K.toarray() if sp.issparse(K) else K) + bias**2) * (y[:, None] * y)
        K.flat[:: e + 1] += max(ridge, 1e-10 * np.trace(K) / e)
        factor, failed = dpotrf(K, lower=1, overwrite_a=1)
        return None if failed else -dpotrs(factor, slope, lower=1)[0]
    H = np.empty((p, p))
    products = rows.T @ rows
    H[:-1, :-1] = products.toarray() if sp.issparse(products) else products
    H[-1, :-1] = H[:-1, -1] = bias * np.asarray(rows.sum(axis=0)).ravel()
    H[-1, -1] = e * bias**2
    ridge = max(ridge, 1e-8 * np.trace(H) / e)
    H.flat[:: p + 1] += ridge
    factor, failed = dpotrf(H, lower=1, overwrite_a=1)
    if failed:
        return None
    part = dpotrs(factor, np.append((slope * y) @ rows, bias * (slope @ y)), lower=1)[0]
    return -(slope - y * (rows @ part[:-1] + bias * part[-1])) / ridge


@kernel
def shuffle(order, active, state):
    """A new order of the active rows, by a linear congruential generator whose state a float holds exactly.

    Blocks of rows that share cache lines would make a sweep a third faster, and take twice as many sweeps.
    """
    seed = np.uint64(state[SEED])
    for i in range(active - 1, 0, -1):
        seed = (seed * np.uint64(1103515245) + np.uint64(12345)) & np.uint64(0x7FFFFFFF)
        j = np.int64((seed * np.uint64(i + 1)) >> np.uint64(31))
        order[i], order[j] = order[j], order[i]
    state[SEED] = seed


@kernel
def moved(g, a, upper, square):
    """(the part of the dual's slope g along which a in [0, upper] can still move, where a goes)."""
    if upper == 0.0:
        return 0.0, 0.0
    free = min(g, 0.0) if a == 0.0 else (max(g, 0.0) if a == upper else g)
    if abs(free) <= 1e-14:
        return free, a
    if square <= 0.0:  # a row of zeros: its dual is linear
        return free, 0.0 if g > 0.0 else upper
    return free, min(max(a - g / square, 0.0), upper)


@kernel
def settle(state, n, high, low, tol):
    """End a sweep: done if all rows are within tol; else these slopes say which rows the next sweep leaves out."""
    state[SWEEPS] += 1
    if high - low <= tol:
        if state[ACTIVE] == n:
            state[DONE] = 1
            return
        state[ACTIVE], state[HIGH], state[LOW] = n, np.inf, -np.inf
        return
    state[HIGH] = high if high > 0 else np.inf
    state[LOW] = low if low < 0 else -np.inf


@kernel
def dense_sweeps(start, stop, most, X, problems, paths):
    n, d = X.shape
    for c in range(start, stop):
        signs, upper, diagonal = problems.signs[c], problems.upper[c], problems.diagonal[c]
        w, alpha, order, state = paths.W[c], paths.alpha[c], paths.order[c], paths.state[c]
        for _ in range(most):
            if state[DONE] or state[SWEEPS] >= problems.max_iter:
                break
            active, at, high, low = int(state[ACTIVE]), 0, -np.inf, np.inf
            shuffle(order, active, state)
            while at < active:
                i = order[at]
                y, a, most_a = signs[i], alpha[i], upper[i]
                g = y * (inner(X, i * d, w, 0, d) + problems.bias * w[d]) - 1.0 + diagonal[i] * a
                if (a == 0.0 and g > state[HIGH]) or (a == most_a and g < state[LOW]):
                    active -= 1
                    order[at], order[active] = order[active], i
                    continue
                at += 1
                free, new = moved(g, a, most_a, problems.squares[i] + diagonal[i])
                high, low = max(high, free), min(low, free)
                if new != a:
                    alpha[i] = new
                    step = (new - a) * y
                    for j in range(d):
                        w[j] += step * X[i, j]
                    w[d] += step * problems.bias
            state[ACTIVE] = active
            settle(state, n, high, low, problems.tol)


@kernel
def sparse_sweeps(start, stop, most, rows, problems, paths):
    """Unsigned places spare the test for negative ones."""
    data, indices, indptr = rows
    n, d = len(indptr) - 1, paths.W.shape[1] - 1
    bias, squares = problems.bias, problems.squares
    for c in range(start, stop):
        signs, upper, diagonal = problems.signs[c], problems.upper[c], problems.diagonal[c]
        w, alpha, order, state = paths.W[c], paths.alpha[c], paths.order[c], paths.state[c]
        for _ in range(most):
            if state[DONE] or state[SWEEPS] >= problems.max_iter:
                break
            active, place, high, low = int(state[ACTIVE]), 0, -np.inf, np.inf
            shuffle(order, active, state)
            top, bottom, last_weight = state[HIGH], state[LOW], w[d]
            while place < active:
                i = order[place]
                first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
                score = row_product_by_four(data, indices, first, last, w, bias * last_weight)
                y, a, most_a = signs[i], alpha[i], upper[i]
                g = y * score - 1.0 + diagonal[i] * a
                if (a == 0.0 and g > top) or (a == most_a and g < bottom):
                    active -= 1
                    order[place], order[active] = order[active], i
                    continue
                place += 1
                free, new = moved(g, a, most_a, squares[i] + diagonal[i])
                high, low = max(high, free), min(low, free)
                if new != a:
                    alpha[i] = new
                    step = (new - a) * y
                    for at in range(first, last):
                        w[np.uint64(indices[at])] += step * data[at]
                    last_weight += step * bias
            w[d], state[ACTIVE] = last_weight, active
            settle(state, n, high, low, problems.tol)
