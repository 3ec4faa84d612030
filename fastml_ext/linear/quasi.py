"""L-BFGS: products with its inverse Hessian, and passes over the rows of a dense table.

J. Nocedal, Updating quasi-Newton matrices with limited storage, Mathematics of Computation 35 (1980).
Contract: reference/quasi.py.
"""

import numpy as np

from fastml_ext import pool
from fastml_ext.device.vectors import inner
from fastml_ext.jit import kernel
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
    for first in range(start, stop, 4):
        last = min(first + 4, stop)
        for i in range(first, last):
            for c in range(k):
                curvature[i, c] = inner(Z, i * p, U, c * p, p)
            total += row_loss(code, curvature, i, Y[i], weight[i], slopes)
        if last == first + 4:
            for c in range(k):
                s, t, u, v = slopes[first, c], slopes[first + 1, c], slopes[first + 2, c], slopes[first + 3, c]
                for j in range(p):
                    a = s * Z[first, j] + t * Z[first + 1, j]
                    gradient[c, j] += a + (u * Z[first + 2, j] + v * Z[first + 3, j])
            continue
        for i in range(first, last):
            for c in range(k):
                for j in range(p):
                    gradient[c, j] += slopes[i, c] * Z[i, j]
    return total, gradient
