"""Linear support vector machines by dual coordinate descent with shrinking. Contract: reference/dual.py.

C.-J. Hsieh et al., A dual coordinate descent method for large-scale linear SVM, ICML 2008.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from fastml_ext import pool
from fastml_ext.device.rows import row_product_by_four
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel

__all__ = ["dual_svm"]

SLICE = 20e6  # ns of work in one call
ACTIVE, SWEEPS, DONE, HIGH, LOW, SEED = range(6)  # places in a problem's state


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
    state: np.ndarray  # (k, 6)


def dual_svm(X, signs, upper, diagonal, bias, tol, max_iter, seed, n_jobs=None):
    X = X.astype(np.float64, copy=False)  # as W, and each row is read in every sweep
    k, n, d = len(signs), X.shape[0], X.shape[1]
    order, state = np.tile(np.arange(n), (k, 1)), np.zeros((k, 6))
    state[:, ACTIVE], state[:, HIGH], state[:, LOW] = n, np.inf, -np.inf
    state[:, SEED] = seed % 2**31 + np.arange(k)
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
    while not state[:, DONE].all() and state[:, SWEEPS].max() < max_iter:
        pool.run(sweep, k, most, rows, problems, paths, cost=most * cost, n_jobs=n_jobs)
    return paths.W, paths.alpha, state[:, SWEEPS].astype(np.int64), state[:, DONE] > 0


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
