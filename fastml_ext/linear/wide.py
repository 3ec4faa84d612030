"""Newton's method for tables with more columns than rows: in one number for each row. Contract: reference/wide.py."""

import numpy as np

from fastml_ext.jit import kernel

__all__ = ["wide_newton"]

BLOCK = 32  # columns of the Cholesky factor at a time
ROUNDING = 1e-16  # relative to the value: no gain smaller than this can be seen
LONGEST = 1e3  # steps of Newton's in one


def wide_newton(K, Y, weight, strength, free, tol, max_iter):
    a, history = np.zeros(len(K)), np.empty(min(max_iter, 1000) + 1)
    steps, done, b = descend_rows(K, Y, weight, strength, free, tol, len(history) - 1, a, history)
    return a, b, history[: steps + 1], done


@kernel
def descend_rows(K, Y, weight, strength, free, tol, max_iter, a, history):
    """(steps made, whether done, the intercept); a and history are written."""
    n, b, steps, penalty = len(K), 0.0, 0, 0.0
    f, g, W, M, R = np.zeros(n), np.empty(n), np.empty(n), np.empty((n, n)), np.empty((n, 2))
    value = losses_at(Y, weight, f, g, W)
    history[0] = value
    while steps < max_iter:
        for i in range(n):
            R[i, 0], R[i, 1] = W[i] * f[i] - g[i], W[i]
        if not scaled_solve(K, W, strength, M, R):
            return steps, False, b
        new_b = R[:, 0].sum() / R[:, 1].sum() if free else 0.0
        da, db = R[:, 0] - new_b * R[:, 1] - a, new_b - b
        df = np.dot(K, da)
        cross, square, gain = 0.0, 0.0, 0.0
        for i in range(n):
            cross += a[i] * df[i]
            square += da[i] * df[i]
            df[i] += db
            gain -= g[i] * df[i]
        gain -= strength * cross
        if gain <= ROUNDING * abs(value):
            return steps, True, b
        t = best_length(Y, weight, f, df, strength * cross, strength * square)
        while t > 1e-10:
            new = losses_at(Y, weight, f + t * df, g, W) + penalty + strength * t * (cross + 0.5 * t * square)
            if new <= value - 1e-4 * min(t, 1.0) * gain:
                break
            t /= 2.0
        else:
            losses_at(Y, weight, f, g, W)
            return steps, gain <= 1e-9 * abs(value), b
        for i in range(n):
            a[i] += t * da[i]
            f[i] += t * df[i]
        b += t * db
        penalty += strength * t * (cross + 0.5 * t * square)
        value, steps = new, steps + 1
        history[steps] = value
        if gain <= tol * abs(value):
            return steps, True, b
    return steps, False, b


@kernel
def losses_at(Y, weight, f, g, W):
    """Sum of the losses at scores f; their slopes and curvatures."""
    total = 0.0
    for i in range(len(f)):
        v, z = weight[i], Y[i] * f[i]
        e = np.exp(-abs(z))
        p = e / (1.0 + e) if z > 0 else 1.0 / (1.0 + e)  # of the wrong class
        total += v * (np.log1p(e) - min(z, 0.0))
        g[i], W[i] = -v * Y[i] * p, v * e / (1.0 + e) ** 2
    return total


@kernel
def best_length(Y, weight, f, df, cross, square):
    """Where the objective is least along df, about: beyond 1 where the classes part, which saves many steps."""
    t = 1.0
    for _ in range(6):
        slope, curve = cross + t * square, square
        for i in range(len(f)):
            z = Y[i] * (f[i] + t * df[i])
            e = np.exp(-abs(z))
            p = e / (1.0 + e) if z > 0 else 1.0 / (1.0 + e)
            slope -= weight[i] * Y[i] * p * df[i]
            curve += weight[i] * e / (1.0 + e) ** 2 * df[i] * df[i]
        if not curve > 0.0:
            break
        move = slope / curve
        t = min(max(t - move, 0.3 * t), 3.0 * t, LONGEST)
        if abs(move) <= 0.05 * t:
            break
    return t


@kernel
def scaled_solve(K, W, strength, M, R):
    """R becomes (strength I + diag(W) K)^-1 R, of two columns; False where rounding leaves no factor."""
    n = len(K)
    root, right = np.sqrt(W), np.dot(K, R)
    for i in range(n):
        for j in range(i, n):
            M[i, j] = root[i] * root[j] * K[i, j]
        M[i, i] += strength
    if not factor(M, 0.0):
        return False
    for c in range(2):
        x = root * right[:, c]
        for i in range(n):
            x[i] /= M[i, i]
            for j in range(i + 1, n):
                x[j] -= x[i] * M[i, j]
        for i in range(n - 1, -1, -1):
            total = x[i]
            for j in range(i + 1, n):
                total -= M[i, j] * x[j]
            x[i] = total / M[i, i]
        for i in range(n):
            R[i, c] = (R[i, c] - root[i] * x[i]) / strength
    return True


@kernel
def factor(M, least):
    """The upper half of M becomes U, U'U = M; False where too little is left of a diagonal entry."""
    n = len(M)
    floor = np.empty(n)
    for j in range(n):
        floor[j] = least * M[j, j]
    for first in range(0, n, BLOCK):  # whose products BLAS takes
        last = min(first + BLOCK, n)
        for j in range(first, last):
            pivot = M[j, j]
            if not pivot > floor[j]:
                return False
            pivot = np.sqrt(pivot)
            for l in range(j, n):
                M[j, l] /= pivot
            for i in range(j + 1, last):
                x = M[j, i]
                for l in range(i, n):
                    M[i, l] -= x * M[j, l]
        if last < n:
            rows = np.ascontiguousarray(M[first:last, last:])
            products = np.dot(rows.T, rows)
            for i in range(last, n):
                for l in range(i, n):
                    M[i, l] -= products[i - last, l - last]
    return True
