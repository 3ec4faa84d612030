"""Sums of products of the columns of a dense table and its targets: the normal equations of least squares.

A pass is cut by the sizes alone and its parts are added in their order: the same bits for any number of threads. Blocks
of rows stay in the cache, where BLAS takes their products. Contract: reference/sums.py.
"""

import numpy as np

from fastml_ext import blas, pool
from fastml_ext.jit import kernel
from fastml_ext.linear.columns import MOST_COLUMNS, add_products

__all__ = ["moments", "residual_moments", "small_squares"]

HELD = 2**20  # bytes of a block
FEW = 24  # columns: up to here the conversion to float64 costs no more than a copy
PLAIN_ROWS = {4: 2048, 8: 2**62}  # that are not copied: sums of float32 go on in float64 after these
BY_BLAS = 40_000  # products: from here on BLAS makes up for a copy of X
PARTS, WORTH_A_PART = 8, 1e6  # ns; each has a matrix of its own


def moments(X, Y, weight, shift, shift_y, n_jobs=None):
    p = X.shape[1] + Y.shape[1] + 1
    dtype = np.dtype(np.float64) if X.shape[1] <= FEW else X.dtype
    plain = not len(weight) and not shift.any()
    dtype = X.dtype if plain else dtype
    size = PLAIN_ROWS[X.itemsize] if plain else rows_at_once(p, dtype)
    with blas.single_for(len(X) * p * p):
        if plain:
            targets = np.empty((Y.shape[1] + 1, len(X)), dtype)
            targets[:-1], targets[-1] = (Y - shift_y).T, 1.0
            parts = in_parts(plain_moments, X, (X, targets, size), p, size, n_jobs)
        else:
            arrays = X, Y, np.sqrt(weight), shift.astype(X.dtype), shift_y, size, dtype
            parts = in_parts(shifted_moments, X, arrays, p, size, n_jobs)
    return parts


def residual_moments(X, Y, weight, shift, shift_y, coef, intercept, n_jobs=None):
    p, k = X.shape[1] + Y.shape[1] + 1, Y.shape[1]
    size = rows_at_once(p, np.dtype(np.float64))
    line = np.concatenate([-coef, np.eye(k), -intercept[:, None]], axis=1).T
    arrays = X, Y, np.sqrt(weight), shift.astype(X.dtype), shift_y, np.ascontiguousarray(line), size
    with blas.single_for(len(X) * p * k):
        total = in_parts(shifted_residuals, X, arrays, 1, size, n_jobs, cost=1.5 * p)
    return np.delete(total, np.s_[p - 1 - k : p - 1], axis=1)


def rows_at_once(p, dtype):
    return max(128, min(4096, HELD // (p * dtype.itemsize)))


def in_parts(function, X, arrays, p, size, n_jobs, cost=0.0):
    """The sum of the parts of a pass."""
    n, speed = len(X), 0.012 if X.dtype == np.float32 else 0.025  # ns a product
    cost = cost or speed * p * p + p
    count = max(1, min(PARTS, int(n * cost / WORTH_A_PART), max(2, n // (4 * p))))
    step = -(-n // count)
    parts = pool.run(function, n, *arrays, cost=cost, step=step, n_jobs=n_jobs)
    for part in parts[1:]:
        parts[0] += part
    return parts[0]


def plain_moments(start, stop, X, targets, size):
    """Of rows that need neither a shift nor a weight: X is read where it stands."""
    d = X.shape[1]
    total = np.zeros((d + len(targets),) * 2)
    if d <= MOST_COLUMNS and X.flags.c_contiguous:
        add_products(start, stop, X, targets, total)
        others = targets[:, start:stop]
        total[d:, d:] = others @ others.T
        return total
    for first in range(start, stop, size):
        last = min(stop, first + size)
        rows, others = X[first:last], targets[:, first:last]
        total[:d, :d] += rows.T @ rows
        total[d:, d:] += others @ others.T
        for c, other in enumerate(others):  # twice as fast as the product of two narrow tables
            total[d + c, :d] += other @ rows
    total[:d, d:] = total[d:, :d].T
    return total


def shifted_moments(start, stop, X, Y, root, shift, shift_y, size, dtype):
    p = X.shape[1] + Y.shape[1] + 1
    Z, total = np.empty((min(size, stop - start), p), dtype), np.zeros((p, p))
    for first in range(start, stop, size):
        last = min(stop, first + size)
        fill_block(first, last, X, Y, root, shift, shift_y, Z)
        rows = Z[: last - first]
        total += rows.T @ rows
    return total


def shifted_residuals(start, stop, X, Y, root, shift, shift_y, line, size):
    p, k = X.shape[1] + Y.shape[1] + 1, Y.shape[1]
    Z, total = np.empty((min(size, stop - start), p)), np.zeros((k, p))
    for first in range(start, stop, size):
        last = min(stop, first + size)
        fill_block(first, last, X, Y, root, shift, shift_y, Z)
        rows = Z[: last - first]
        total += (rows @ line).T @ rows
    return total


@kernel
def fill_block(first, last, X, Y, root, shift, shift_y, Z):
    """Z: rows first to last of [X - shift, Y - shift_y, 1], times the roots of their weights."""
    d, k = X.shape[1], Y.shape[1]
    for i in range(first, last):
        q = i - first
        for j in range(d):
            Z[q, j] = np.float64(X[i, j]) - np.float64(shift[j])
        for c in range(k):
            Z[q, d + c] = Y[i, c] - shift_y[c]
        Z[q, d + k] = 1.0
        if len(root):
            for j in range(d + k + 1):
                Z[q, j] *= root[i]


def small_squares(X, Y, weight, alphas, free):
    d, k = X.shape[1], Y.shape[1]
    coef, centre, means, G = np.zeros((k, d)), np.zeros(d), np.zeros(k), np.zeros((d, d))
    with blas.single_for(len(X) * d * d if len(X) * d * d > BY_BLAS else 0):
        solved = normal_equations(X, Y, weight, alphas, free, coef, centre, means, G)
    return coef, centre, means, G, solved


@kernel
def normal_equations(X, Y, weight, alphas, free, coef, centre, means, G):
    """Whether the weights, written to `coef`, are to be trusted; the rest as in the reference."""
    d, k = X.shape[1], Y.shape[1]
    add_up(X, Y, weight, free, centre, means, G, coef)
    U, size, before = np.empty((d, d)), np.empty(d), -1.0
    for c in range(k):
        if alphas[c] != before:
            if not factor_unit(G, alphas[c], U, size):
                return False
            before = alphas[c]
        for i in range(d):
            coef[c, i] *= size[i]
        for i in range(d):
            coef[c, i] /= U[i, i]
            for l in range(i + 1, d):
                coef[c, l] -= coef[c, i] * U[i, l]
        for i in range(d - 1, -1, -1):
            for l in range(i + 1, d):
                coef[c, i] -= U[i, l] * coef[c, l]
            coef[c, i] /= U[i, i]
        for i in range(d):
            coef[c, i] *= size[i]
            if not abs(coef[c, i]) < np.inf:
                return False
    return True


@kernel
def add_up(X, Y, weight, free, centre, means, G, right):
    """Means, where the intercept is free, and products of what is left; both seen from the first row that counts."""
    (n, d), k, count, first, base = X.shape, Y.shape[1], 0.0, 0, np.zeros(X.shape[1])
    while len(weight) and weight[first] == 0.0:
        first += 1
    if free:
        for j in range(d):
            base[j] = X[first, j]
        for i in range(n):
            v = weight[i] if len(weight) else 1.0
            count += v
            for j in range(d):
                centre[j] += v * (X[i, j] - base[j])
            for c in range(k):
                means[c] += v * (Y[i, c] - Y[first, c])
        for j in range(d):
            centre[j] /= count
        for c in range(k):
            means[c] = Y[first, c] + means[c] / count
    if n * d * d > BY_BLAS:
        products_by_blas(X, Y, weight, base, centre, means, G, right)
    else:
        products(X, Y, weight, base, centre, means, G, right)
    for j in range(d):
        centre[j] += base[j]  # only now: their sum may be too coarse to take off
        rounding = np.finfo(X.dtype).eps * centre[j]
        if free and G[j, j] < np.inf and G[j, j] <= count * rounding * rounding:  # a constant column
            G[j, :] = 0.0
            G[:, j] = 0.0
            for c in range(k):
                right[c, j] = 0.0
    for j in range(d):
        for l in range(j):
            G[j, l] = G[l, j]


@kernel
def products(X, Y, weight, base, centre, means, G, right):
    (n, d), k = X.shape, Y.shape[1]
    z = np.empty(d)
    for i in range(n):
        v = weight[i] if len(weight) else 1.0
        for j in range(d):
            z[j] = X[i, j] - base[j] - centre[j]
        for c in range(k):
            t = v * (Y[i, c] - means[c])
            for j in range(d):
                right[c, j] += t * z[j]
        for j in range(d):
            a = v * z[j]
            for l in range(j, d):
                G[j, l] += a * z[l]


@kernel
def products_by_blas(X, Y, weight, base, centre, means, G, right):
    (n, d), k = X.shape, Y.shape[1]
    Z, T = np.empty((n, d)), np.empty((n, k))
    for i in range(n):
        root = np.sqrt(weight[i]) if len(weight) else 1.0
        for j in range(d):
            Z[i, j] = root * (X[i, j] - base[j] - centre[j])
        for c in range(k):
            T[i, c] = root * (Y[i, c] - means[c])
    np.dot(Z.T, Z, G)
    np.dot(T.T, Z, right)


@kernel
def factor_unit(G, alpha, U, size):
    """U'U is G + alpha I with columns of unit length, size 1 / their lengths; whether no pivot is small."""
    d = len(G)
    for j in range(d):
        length = G[j, j] + alpha
        if not length < np.inf:
            return False
        size[j] = 1.0 / np.sqrt(length) if length > 0.0 else 1.0
    for j in range(d):
        U[j, j] = 1.0
        for l in range(j + 1, d):
            U[j, l] = G[j, l] * size[j] * size[l]
    for j in range(d):
        pivot = U[j, j]
        if not pivot > 1e-4:  # nine digits and more are right
            return False
        pivot = np.sqrt(pivot)
        for l in range(j, d):
            U[j, l] /= pivot
        for i in range(j + 1, d):
            a = U[j, i]
            for l in range(i, d):
                U[i, l] -= a * U[j, l]
    return True
