"""Linear support vector machines by dual coordinate descent with shrinking. Contract: reference/dual.py.

C.-J. Hsieh et al., A dual coordinate descent method for large-scale linear SVM, ICML 2008.
"""

import numpy as np
import scipy.sparse as sp

from fastml_ext import pool
from fastml_ext.jit import kernel, kernel_bound

__all__ = ["dual_svm"]

SLICE = 20e6  # ns of work in one call
ACTIVE, SWEEPS, DONE, HIGH, LOW, SEED = range(6)  # places in a problem's state


def dual_svm(X, signs, upper, diagonal, bias, tol, max_iter, seed, n_jobs=None):
    k, n, d = len(signs), X.shape[0], X.shape[1]
    W, alpha = np.zeros((k, d + 1)), np.zeros((k, n))
    order = np.tile(np.arange(n), (k, 1))
    state = np.zeros((k, 6))
    state[:, ACTIVE], state[:, HIGH], state[:, LOW] = n, np.inf, -np.inf
    state[:, SEED] = seed + np.arange(k)
    if sp.issparse(X):
        squares = np.asarray(X.multiply(X).sum(axis=1), float).ravel()
        sweep, data, stored = sparse_sweeps, (X.data, X.indices, X.indptr), X.nnz
    else:
        squares, sweep, data, stored = np.einsum("ij,ij->i", X, X).astype(float), dense_sweeps, (X,), X.size
    cost = 10.0 * n + 1.0 * stored
    sweeps = max(1, int(SLICE / cost))
    arrays = signs, upper, diagonal, squares + bias**2, bias, W, alpha, order, state
    while not state[:, DONE].all() and state[:, SWEEPS].max() < max_iter:
        most = min(sweeps, max_iter)
        pool.run(sweep, k, most, max_iter, tol, *data, *arrays, cost=most * cost, n_jobs=n_jobs)
    return W, alpha, state[:, SWEEPS].astype(np.int64), state[:, DONE] > 0


@kernel
def shuffle(order, active, state):
    """A new order of the active rows, by a linear congruential generator that fits a float's 53 bits exactly."""
    seed = int(state[SEED])
    for i in range(active - 1, 0, -1):
        seed = (seed * 1103515245 + 12345) % 2147483648
        j = (seed >> 8) % (i + 1)
        order[i], order[j] = order[j], order[i]
    state[SEED] = seed


@kernel
def projected(g, a, upper):
    """The part of the dual's slope g along which a in [0, upper] can still move."""
    if a == 0.0:
        return min(g, 0.0)
    return max(g, 0.0) if a == upper else g


@kernel
def settle(state, n, high, low, tol):
    """After a sweep: are we there, on the active rows or on all? Shrink by these slopes the next time."""
    state[SWEEPS] += 1
    if high - low <= tol:
        if state[ACTIVE] == n:
            state[DONE] = 1
            return
        state[ACTIVE], state[HIGH], state[LOW] = n, np.inf, -np.inf
        return
    state[HIGH] = high if high > 0 else np.inf
    state[LOW] = low if low < 0 else -np.inf


@kernel_bound
def dot(X, i, W, c):
    total = 0.0
    for j in range(X.shape[1]):
        total += X[i, j] * W[c, j]
    return total


@kernel
def dense_sweeps(start, stop, most, max_iter, tol, X, signs, upper, diagonal, squares, bias, W, alpha, order, state):
    n, d = X.shape
    for c in range(start, stop):
        for _ in range(most):
            if state[c, DONE] or state[c, SWEEPS] >= max_iter:
                break
            active, at, high, low = int(state[c, ACTIVE]), 0, -np.inf, np.inf
            shuffle(order[c], active, state[c])
            while at < active:
                i = order[c, at]
                y, a, most_a = signs[c, i], alpha[c, i], upper[c, i]
                g = y * (dot(X, i, W, c) + bias * W[c, d]) - 1.0 + diagonal[c, i] * a
                if (a == 0.0 and g > state[c, HIGH]) or (a == most_a and g < state[c, LOW]):
                    active -= 1
                    order[c, at], order[c, active] = order[c, active], i
                    continue
                at += 1
                pg = projected(g, a, most_a)
                high, low = max(high, pg), min(low, pg)
                square = squares[i] + diagonal[c, i]
                if abs(pg) > 1e-14 and square > 0.0:
                    new = min(max(a - g / square, 0.0), most_a)
                    alpha[c, i] = new
                    step = (new - a) * y
                    for j in range(d):
                        W[c, j] += step * X[i, j]
                    W[c, d] += step * bias
            state[c, ACTIVE] = active
            settle(state[c], n, high, low, tol)


@kernel
def sparse_sweeps(
    start,
    stop,
    most,
    max_iter,
    tol,
    data,
    indices,
    indptr,
    signs,
    upper,
    diagonal,
    squares,
    bias,
    W,
    alpha,
    order,
    state,
):
    n, d = len(indptr) - 1, W.shape[1] - 1
    for c in range(start, stop):
        for _ in range(most):
            if state[c, DONE] or state[c, SWEEPS] >= max_iter:
                break
            active, at, high, low = int(state[c, ACTIVE]), 0, -np.inf, np.inf
            shuffle(order[c], active, state[c])
            while at < active:
                i = order[c, at]
                y, a, most_a = signs[c, i], alpha[c, i], upper[c, i]
                g = bias * W[c, d]
                for q in range(indptr[i], indptr[i + 1]):
                    g += data[q] * W[c, indices[q]]
                g = y * g - 1.0 + diagonal[c, i] * a
                if (a == 0.0 and g > state[c, HIGH]) or (a == most_a and g < state[c, LOW]):
                    active -= 1
                    order[c, at], order[c, active] = order[c, active], i
                    continue
                at += 1
                pg = projected(g, a, most_a)
                high, low = max(high, pg), min(low, pg)
                square = squares[i] + diagonal[c, i]
                if abs(pg) > 1e-14 and square > 0.0:
                    new = min(max(a - g / square, 0.0), most_a)
                    alpha[c, i] = new
                    step = (new - a) * y
                    for q in range(indptr[i], indptr[i + 1]):
                        W[c, indices[q]] += step * data[q]
                    W[c, d] += step * bias
            state[c, ACTIVE] = active
            settle(state[c], n, high, low, tol)
