"""The support vector machine of Crammer and Singer by its dual, one row's variables at a time.

S. Keerthi et al., A sequential dual method for large scale multi-class linear SVMs, KDD 2008.
Contract: reference/multiclass.py.
"""

import numpy as np
import scipy.sparse as sp

from fastml_ext.device.memory import borrow, keep
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel
from fastml_ext.linear.dual import shuffle

__all__ = ["multiclass_svm"]

SLICE = 20e6  # ns of work in one call
ACTIVE, SWEEPS, DONE, WORST, _, SEED = range(6)  # places in the state; the active rows are the first of the order


def multiclass_svm(X, codes, n_classes, cost, bias, tol, max_iter, seed):
    (n, d), sparse, X = X.shape, sp.issparse(X), X.astype(np.float64, copy=False)
    alpha, order = np.zeros((n, n_classes)), np.arange(n)
    W = np.zeros((d + 1, n_classes) if sparse else (n_classes, d + 1))
    state = np.array([n, 0.0, 0.0, np.inf, 0.0, seed % 2**31])
    if sparse:
        rows, stored = (X.data, X.indices, X.indptr), X.nnz
        squares = np.bincount(np.repeat(np.arange(n), np.diff(X.indptr)), X.data**2, minlength=n)
    else:
        rows, stored, squares = (X,), X.size, np.einsum("ij,ij->i", X, X)
    sweep = sparse_sweeps if sparse else dense_sweeps
    most = max(1, int(SLICE / (n_classes * (10.0 * n + stored))))
    while not state[DONE] and state[SWEEPS] < max_iter:
        until = float(min(state[SWEEPS] + most, max_iter))
        sweep(until, *rows, codes, cost, squares + bias**2, float(bias), float(tol), W, alpha, order, state)
    return (W.T if sparse else W).copy(), alpha, int(state[SWEEPS]), bool(state[DONE])


@kernel
def violation(slopes, alpha, own, cost):
    """How far the highest of a row's slopes stands above the lowest of those whose variable may still grow."""
    top, bottom = -np.inf, np.inf
    for c in range(len(slopes)):
        top = max(top, slopes[c])
        if alpha[c] < (cost if c == own else 0.0):
            bottom = min(bottom, slopes[c])
    return top - bottom


@kernel
def best_moves(slopes, alpha, own, cost, square, levels, moves):
    """Into moves (k,) what leads a row's variables to their optimum, all others as they are; levels (k,) is scratch."""
    k = len(slopes)
    if square <= 0.0:  # a row of zeros: its dual is linear
        for c in range(k):
            moves[c] = -alpha[c]
        moves[own] += cost
        moves[1 if own == 0 else 0] -= cost
        return
    for c in range(k):
        level = slopes[c] - square * alpha[c] + (square * cost if c == own else 0.0)
        at = c
        while at > 0 and levels[at - 1] < level:
            levels[at] = levels[at - 1]
            at -= 1
        levels[at] = level
    total, r = levels[0] - square * cost, 1
    while r < k and total < r * levels[r]:
        total += levels[r]
        r += 1
    for c in range(k):
        free = alpha[c] + (total / r - slopes[c]) / square
        moves[c] = min(cost if c == own else 0.0, free) - alpha[c]


@kernel
def visit(slopes, alpha, own, cost, square, asleep_below, levels, moves):
    """(violation, whether the row may sleep, whether it moves): into moves (k,) what leads its variables on."""
    v = violation(slopes, alpha, own, cost)
    sleeps = v < asleep_below and size(alpha) == 0.0
    moving = not (sleeps or v <= 1e-14)
    if moving:
        best_moves(slopes, alpha, own, cost, square, levels, moves)
    return v, sleeps, moving


@kernel
def size(alpha):
    total = 0.0
    for a in alpha:
        total += abs(a)
    return total


@kernel
def settle(state, n, worst, tol):
    """End a sweep: done if all rows are within tol; if only the active ones are, all become active again."""
    state[SWEEPS] += 1
    if worst <= tol:
        state[DONE] = 1.0 if state[ACTIVE] == n else 0.0
        state[ACTIVE], state[WORST] = n, np.inf
    else:
        state[WORST] = worst


@kernel
def dense_sweeps(until, X, codes, cost, squares, bias, tol, W, alpha, order, state):
    k, d = W.shape[0], W.shape[1] - 1
    own_work = np.empty((3, k))
    work, X, alpha = borrow(own_work), borrow(X), borrow(alpha)
    slopes, levels, moves = work[0], work[1], work[2]
    while state[SWEEPS] < until and not state[DONE]:
        active, place, worst = int(state[ACTIVE]), 0, 0.0
        shuffle(order, active, state)
        while place < active:
            i = order[place]
            own = codes[i]
            for c in range(k):
                slopes[c] = inner(X, i * d, W, c * (d + 1), d) + bias * W[c, d] + (0.0 if c == own else 1.0)
            v, sleeps, moving = visit(slopes, alpha[i], own, cost[i], squares[i], -state[WORST], levels, moves)
            if sleeps:
                active -= 1
                order[place], order[active] = order[active], i
                continue
            place += 1
            worst = max(worst, v)
            for c in range(k if moving else 0):
                if moves[c] != 0.0:
                    alpha[i, c] += moves[c]
                    for j in range(d):
                        W[c, j] += moves[c] * X[i, j]
                    W[c, d] += moves[c] * bias
        state[ACTIVE] = active
        settle(state, len(X), worst, tol)
    keep(own_work)


@kernel
def sparse_sweeps(until, data, indices, indptr, codes, cost, squares, bias, tol, W, alpha, order, state):
    """As `dense_sweeps`, with W (d + 1, k)."""
    d, k = W.shape[0] - 1, W.shape[1]
    own_work = np.empty((3, k))
    work, alpha = borrow(own_work), borrow(alpha)
    slopes, levels, moves = work[0], work[1], work[2]
    while state[SWEEPS] < until and not state[DONE]:
        active, place, worst = int(state[ACTIVE]), 0, 0.0
        shuffle(order, active, state)
        while place < active:
            i = order[place]
            own = codes[i]
            for c in range(k):
                slopes[c] = bias * W[d, c] + (0.0 if c == own else 1.0)
            for at in range(indptr[i], indptr[i + 1]):
                for c in range(k):
                    slopes[c] += data[at] * W[indices[at], c]
            v, sleeps, moving = visit(slopes, alpha[i], own, cost[i], squares[i], -state[WORST], levels, moves)
            if sleeps:
                active -= 1
                order[place], order[active] = order[active], i
                continue
            place += 1
            worst = max(worst, v)
            if not moving:
                continue
            for c in range(k):
                alpha[i, c] += moves[c]
                W[d, c] += moves[c] * bias
            for at in range(indptr[i], indptr[i + 1]):
                for c in range(k):
                    W[indices[at], c] += moves[c] * data[at]
        state[ACTIVE] = active
        settle(state, len(indptr) - 1, worst, tol)
    keep(own_work)
