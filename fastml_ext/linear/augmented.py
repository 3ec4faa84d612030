"""Linear support vector machines to the last digits by Newton's method on augmented Lagrangians.

The proximal point method on the dual, R. T. Rockafellar, Augmented Lagrangians and applications of the proximal point
algorithm, Mathematics of Operations Research 1 (1976): a hinge is met by its Moreau envelope around the multipliers,
whose minimum semismooth Newton steps with an exact line search find after finitely many; then the multipliers move.
The square of the hinge is an envelope itself. Contract: reference/augmented.py.
"""

from typing import NamedTuple

import numpy as np

from fastml_ext import blas, pool
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel

__all__ = ["augmented_svm"]

SLICE, USUAL = 20e6, 20  # ns of work in one call, and steps that most problems need
BEFORE, SHARPNESS, PRIMAL, DUAL, INNER, STALLED, STEPS, DONE = range(8)  # places in a problem's state
COLD, WARM, GROWTH, SHARPEST = 0.5, 4.0, 3.0, 1e5  # 1 / the width of an envelope in margins: first, later, last
SETTLED, LONGEST = 1e-14, 40  # an envelope is minimised once a step promises less of the objective, or after so many
STILL, PATIENCE = 0.95, 10  # what a round of multipliers leaves of the gap where it counts for nothing; so many end it
BY_BLAS = 4096  # multiplications for half a Hessian from which a call of BLAS is worth its time


class Problems(NamedTuple):
    """What is to be solved, a row for each of k problems."""

    table: np.ndarray  # (p, n): the columns of [X, bias]
    signs: np.ndarray  # (k, n)
    cost: np.ndarray  # (k, n)
    squared: bool
    tol: float


class Points(NamedTuple):
    """The weights and multipliers so far; these are shares of the cost: 0 to 1 for the hinge, any for its square."""

    W: np.ndarray  # (k, p)
    share: np.ndarray  # (k, n)
    best: np.ndarray  # (k, p): of the least primal objective so far
    best_share: np.ndarray  # (k, n): of the largest dual objective so far
    state: np.ndarray  # (k, 8)


def augmented_svm(table, signs, cost, squared, tol, max_steps, start=None, n_jobs=None):
    (p, n), k = table.shape, len(signs)
    W, share = np.zeros((k, p)), np.zeros((k, n))
    if start is not None:
        W[:] = start[0]
        if not squared:
            np.divide(start[1], cost, out=share, where=cost > 0)
    state = np.zeros((k, 8))
    state[:, SHARPNESS] = 2.0 if squared else COLD if start is None else WARM
    state[:, PRIMAL], state[:, DUAL], state[:, BEFORE] = np.inf, -np.inf, np.inf
    problems = Problems(table, signs, cost, bool(squared), float(tol))
    points = Points(W, share, W.copy(), share.copy(), state)
    each = n * (8.0 + p * (0.3 + 0.01 * min(p, 100)))  # ns of a step
    most = min(max(1, int(SLICE / each)), max_steps)
    with blas.single_for(n * p * p):
        while not state[:, DONE].all() and state[:, STEPS].max() < max_steps:
            pool.run(newton_steps, k, most, max_steps, problems, points, cost=min(most, USUAL) * each, n_jobs=n_jobs)
    gaps = state[:, PRIMAL] - state[:, DUAL]
    return points.best, points.best_share * cost, state[:, PRIMAL], gaps, state[:, STEPS].astype(np.int64)


@kernel
def margins(table, signs, w, m):
    """m_i = signs_i (w z_i), row after row of the table."""
    p, n = table.shape
    for i in range(n):
        m[i] = 0.0
    for j in range(p):
        a = w[j]
        if a != 0.0:
            for i in range(n):
                m[i] += a * table[j, i]
    for i in range(n):
        m[i] *= signs[i]


@kernel
def solved(H, x):
    """x <- H^-1 x by a Cholesky factor that takes the place of the upper half of H (n, n); whether H is regular.

    Four rows at a time leave the rows below them: each is read and written once for four products.
    """
    n = len(H)
    for first in range(0, n, 4):
        last = min(first + 4, n)
        for k in range(first, last):
            for q in range(first, k):
                a = H[q, k]
                for j in range(k, n):
                    H[k, j] -= a * H[q, j]
            if not H[k, k] > 0.0:
                return False
            root = 1.0 / np.sqrt(H[k, k])
            for j in range(k, n):
                H[k, j] *= root
        if last == first + 4:
            for i in range(last, n):
                a, b, c, d = H[first, i], H[first + 1, i], H[first + 2, i], H[first + 3, i]
                for j in range(i, n):
                    H[i, j] -= (a * H[first, j] + b * H[first + 1, j]) + (c * H[first + 2, j] + d * H[first + 3, j])
    for i in range(n):
        x[i] /= H[i, i]
        for j in range(i + 1, n):
            x[j] -= x[i] * H[i, j]
    for i in range(n - 1, -1, -1):
        rest = x[i]
        for j in range(i + 1, n):
            rest -= H[i, j] * x[j]
        x[i] = rest / H[i, i]
    return True


@kernel
def products(B):
    """B B' of B (m, n), the upper half at least."""
    m, n = B.shape
    if m * m * n > BY_BLAS:
        return np.dot(B, np.ascontiguousarray(B.T))
    result = np.empty((m, m))
    for i in range(m):
        for l in range(i, m):
            result[i, l] = inner(B, i * n, B, l * n, n)
    return result


@kernel
def direction(table, curvature, free, g, dw):
    """dw = -(I + sum over the free rows of curvature_i z_i z_i')^-1 g; by the smaller of two systems."""
    p, e = len(table), len(free)
    for j in range(p):
        dw[j] = -g[j]
    if e < p:
        B, x = np.empty((e, p)), np.empty(e)
        for q in range(e):
            root = np.sqrt(curvature[free[q]])
            for j in range(p):
                B[q, j] = root * table[j, free[q]]
            x[q] = inner(B, q * p, g, 0, p)
        K = products(B)
        for q in range(e):
            K[q, q] += 1.0
        if solved(K, x):
            for q in range(e):
                for j in range(p):
                    dw[j] += x[q] * B[q, j]
        return
    B, root = np.empty((p, e)), np.empty(e)
    for q in range(e):
        root[q] = np.sqrt(curvature[free[q]])
    for j in range(p):
        for q in range(e):
            B[j, q] = root[q] * table[j, free[q]]
    H = products(B)
    for j in range(p):
        H[j, j] += 1.0
    if not solved(H, dw):  # the gradient will do
        for j in range(p):
            dw[j] = -g[j]


@kernel
def length(t, move, top, weight, share, flat, square, first):
    """How far to go: the zero of the slope flat + s square - sum_i weight_i share_i(s) where share = clip(t - s move).

    first: the slope at 0. Any place where a tenth of it is left will do.
    """
    n, low, high, s = len(t), 0.0, np.inf, 1.0
    at_low, at_high = first, 0.0
    for _ in range(40):
        for i in range(n):
            share[i] = min(max(t[i] - s * move[i], 0.0), top)
        slope = flat + s * square - inner(share, 0, weight, 0, n)
        if abs(slope) <= 0.1 * abs(first):
            break
        if slope < 0.0:
            low, at_low = s, slope
        else:
            high, at_high = s, slope
        if high == np.inf:
            s *= 4.0
        else:
            s = low + (high - low) * min(0.95, max(0.05, at_low / (at_low - at_high)))
    return s


@kernel
def compare(problems, c, points, m, t, share, weight, g):
    """The primal objective at w and the dual one at the envelope's multipliers; the gradient of the envelopes."""
    table, signs, cost, w, state = problems.table, problems.signs[c], problems.cost[c], points.W[c], points.state[c]
    p, n = table.shape
    primal, dual, top = 0.0, 0.0, np.inf if problems.squared else 1.0
    for i in range(n):
        t[i] = points.share[c, i] + state[SHARPNESS] * (1.0 - m[i])
        share[i] = min(max(t[i], 0.0), top)
        weight[i] = cost[i] * signs[i] * share[i]
        hinge = max(1.0 - m[i], 0.0)
        primal += cost[i] * (hinge * hinge if problems.squared else hinge)
        dual += cost[i] * share[i] * (1.0 - 0.25 * share[i] if problems.squared else 1.0)
    for j in range(p):
        back = inner(weight, 0, table, j * n, n)
        g[j] = w[j] - back
        primal += 0.5 * w[j] * w[j]
        dual -= 0.5 * back * back
    if primal < state[PRIMAL]:
        state[PRIMAL] = primal
        for j in range(p):
            points.best[c, j] = w[j]
    if dual > state[DUAL]:
        state[DUAL] = dual
        for i in range(n):
            points.best_share[c, i] = share[i]
    return primal


@kernel
def multipliers(state, share, t):
    """The envelope's minimum is found: its multipliers become those to start from, and the next one is narrower."""
    for i in range(len(t)):
        share[i] = min(max(t[i], 0.0), 1.0)
    state[SHARPNESS] = min(GROWTH * state[SHARPNESS], SHARPEST)
    gap = state[PRIMAL] - state[DUAL]
    state[STALLED] = state[STALLED] + 1.0 if gap >= STILL * state[BEFORE] else 0.0
    state[BEFORE] = gap


@kernel
def newton_steps(start, stop, most, max_steps, problems, points):
    table = problems.table
    p, n = table.shape
    m, t, share, weight, move, dm = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    g, dw, curvature, free = np.empty(p), np.empty(p), np.empty(n), np.empty(n, np.int64)
    top = np.inf if problems.squared else 1.0
    for c in range(start, stop):
        signs, cost, w, state = problems.signs[c], problems.cost[c], points.W[c], points.state[c]
        margins(table, signs, w, m)
        for _ in range(most):
            if state[DONE] or state[STEPS] >= max_steps:
                break
            state[STEPS] += 1
            primal = compare(problems, c, points, m, t, share, weight, g)
            if state[PRIMAL] - state[DUAL] <= problems.tol * state[PRIMAL] or state[STALLED] >= PATIENCE:
                state[DONE] = 1.0
                break
            e, sharpness = 0, state[SHARPNESS]
            for i in range(n):
                if 0.0 < t[i] < top and cost[i] > 0.0:
                    curvature[i], free[e] = sharpness * cost[i], i
                    e += 1
            direction(table, curvature, free[:e], g, dw)
            margins(table, signs, dw, dm)
            for i in range(n):
                move[i], weight[i] = sharpness * dm[i], cost[i] * dm[i]
            flat, square = inner(dw, 0, w, 0, p), inner(dw, 0, dw, 0, p)
            slope = flat - inner(share, 0, weight, 0, n)
            s = length(t, move, top, weight, share, flat, square, slope)
            same = s == 1.0
            for i in range(n):
                new = t[i] - s * move[i]
                same = same and (t[i] > 0.0) == (new > 0.0) and (t[i] < top) == (new < top)
                m[i] += s * dm[i]
                t[i] = new
            for j in range(p):
                w[j] += s * dw[j]
            state[INNER] += 1.0
            if same or -slope <= SETTLED * primal or state[INNER] >= LONGEST:
                state[INNER] = 0.0
                margins(table, signs, w, m)  # without what the steps have rounded
                if not problems.squared:
                    multipliers(state, points.share[c], t)
                elif not same:
                    state[STALLED] += 1.0
