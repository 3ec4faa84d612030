"""L-BFGS: products with its inverse Hessian, and passes over the rows of a dense table.

J. Nocedal, Updating quasi-Newton matrices with limited storage, Mathematics of Computation 35 (1980).
Contract: reference/quasi.py.
"""

import numpy as np

from fastml_ext import pool
from fastml_ext.device.codes import LOG
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel, kernel_inline
from fastml_ext.linear.likelihoods import binary_losses, softmax_losses
from fastml_ext.linear.newton import row_loss
from fastml_ext.linear.passes import few_parts

__all__ = ["quasi_newton", "table_pass"]


def quasi_newton(steps, changes, order, first, right):
    q, shares = right.copy(), np.empty(len(steps))
    newest_first(steps, changes, order, q, shares)
    q = first(q)
    oldest_first(steps, changes, order, q, shares)
    return q


@kernel
def newest_first(steps, changes, order, q, shares):
    n = len(q)
    for at in range(len(order) - 1, -1, -1):
        i = order[at]
        shares[i] = inner(steps, i * n, q, 0, n) / inner(steps, i * n, changes, i * n, n)
        for j in range(n):
            q[j] -= shares[i] * changes[i, j]


@kernel
def oldest_first(steps, changes, order, q, shares):
    n = len(q)
    for i in order:
        share = shares[i] - inner(changes, i * n, q, 0, n) / inner(steps, i * n, changes, i * n, n)
        for j in range(n):
            q[j] += share * steps[i, j]


def table_pass(code, Z, Y, weight, l2, U, curvature, n_jobs=None):
    (n, p), k = Z.shape, len(U)
    cost = (20.0 + 0.15 * p) * k
    arrays = code, Z, Y, weight, U, curvature, np.empty(curvature.shape)
    parts = pool.run(by_rows, n, *arrays, cost=cost, step=few_parts(n, cost), n_jobs=n_jobs)
    gradient = l2 * U
    value = 0.5 * np.vdot(gradient, U)
    for losses, part in parts:
        value += losses
        gradient += part
    return float(value), gradient


@kernel
def by_rows(start, stop, code, Z, Y, weight, U, curvature, slopes):
    """(losses, gradient); to this go four rows at once, while they are in the first cache."""
    p, k, total, gradient = Z.shape[1], len(U), 0.0, np.zeros(U.shape)
    size = 4 * max(1, min(16, 512 // p))
    scores, flat, losses = curvature.reshape(-1), slopes.reshape(-1), np.empty(size)
    for first in range(start, stop, size):
        rows = min(size, stop - first)
        for i in range(first, first + rows):
            for c in range(k):
                scores[i * k + c] = inner(Z, i * p, U, c * p, p)
        if k > 1:
            total += softmax_losses(scores, first * k, rows, k, Y, weight, first)
            for i in range(first, first + rows):
                for c in range(k):
                    flat[i * k + c] = weight[i] * scores[i * k + c]
                flat[i * k + int(Y[i])] -= weight[i]
        elif code == LOG:
            total += binary_losses(scores, first, rows, Y, weight, flat, losses)
        else:
            for i in range(first, first + rows):
                total += row_loss(code, curvature, i, Y[i], weight[i], slopes)
        for at in range(first, first + rows, 4):
            add_rows(at, min(at + 4, first + rows), Z, slopes, gradient)
    return total, gradient


@kernel_inline
def add_rows(first, last, Z, slopes, gradient):
    """Up to four rows, by their slopes."""
    k, p = gradient.shape
    if last == first + 4:
        for c in range(k):
            s, t, u, v = slopes[first, c], slopes[first + 1, c], slopes[first + 2, c], slopes[first + 3, c]
            for j in range(p):
                a = s * Z[first, j] + t * Z[first + 1, j]
                gradient[c, j] += a + (u * Z[first + 2, j] + v * Z[first + 3, j])
    else:
        for i in range(first, last):
            for c in range(k):
                for j in range(p):
                    gradient[c, j] += slopes[i, c] * Z[i, j]
