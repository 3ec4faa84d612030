"""Full passes over the rows: loss, gradient and curvature together, products with the Hessian, the Hessian itself.

A pass is cut into ranges by the number of rows alone and its parts are added in their order: the same bits for any
number of threads. Contract: reference/passes.py.
"""

import numpy as np
import scipy.sparse as sp

from fastml_ext import blas, pool
from fastml_ext.device.losses import loss_of, weighted
from fastml_ext.device.memory import borrow, keep
from fastml_ext.device.numbers import exponentials
from fastml_ext.device.rows import row_product
from fastml_ext.jit import kernel, kernel_inline
from fastml_ext.linear.sums import moments

__all__ = ["evaluate", "gram", "hessian_product", "softmax_hessian"]

BLOCK = 128  # rows at a time: their part of X is still in the cache when the gradient reads it again
HELD = 2**20  # bytes of what the rows of a block bring to all classes
NO_CURVATURE = np.empty((0, 0))


@kernel_inline
def curve_row(code, S, q, Y, i, v, curvature):
    """Loss of row i; its scores S[q] become slopes, and curvature[i] the curvatures, or under softmax the shares."""
    k = S.shape[1]
    if k == 1:
        loss, slope, curve = loss_of(code, 1.0, S[q, 0], Y[i])
        S[q, 0] = v * slope
        if len(curvature):
            curvature[i, 0] = v * curve
        return weighted(v, loss)
    own = int(Y[i])
    mine = S[q, own]
    top, total = exponentials(S[q], S[q])
    for c in range(k):
        p = S[q, c] / total
        if len(curvature):
            curvature[i, c] = p
        S[q, c] = v * p
    S[q, own] -= v
    return weighted(v, np.log(total) - (mine - top))


@kernel
def dense_pass(start, stop, code, X, Y, weight, W, b, curvature):
    k, d = W.shape
    gradient, losses, Wt = np.zeros((k, d + 1)), 0.0, np.ascontiguousarray(W.T)
    S = np.empty((BLOCK, k))
    for first in range(start, stop, BLOCK):
        m = min(BLOCK, stop - first)
        rows = X[first : first + m]
        raw = np.dot(rows, Wt)
        for q in range(m):
            for c in range(k):
                S[q, c] = raw[q, c] + b[c]
            losses += curve_row(code, S, q, Y, first + q, weight[first + q] if len(weight) else 1.0, curvature)
            for c in range(k):
                raw[q, c] = S[q, c]
                gradient[c, d] += S[q, c]
        part = np.dot(np.ascontiguousarray(raw.T), rows)
        for c in range(k):
            for j in range(d):
                gradient[c, j] += part[c, j]
    return losses, gradient


@kernel_inline
def score_row(data, indices, indptr, i, W, b, S):
    """The scores S[0] (k,) of a sparse row with weights W (d, k) and intercepts b."""
    for c in range(len(b)):
        S[0, c] = b[c]
    for at in range(indptr[i], indptr[i + 1]):
        j = np.uint64(indices[at])
        for c in range(len(b)):
            S[0, c] += data[at] * W[j, c]


@kernel_inline
def add_row(data, indices, indptr, i, S, total):
    """total (d + 1, k) += a sparse row and a 1, times each of S[0] (k,)."""
    d, k = total.shape[0] - 1, total.shape[1]
    for c in range(k):
        total[d, c] += S[0, c]
    for at in range(indptr[i], indptr[i + 1]):
        j = np.uint64(indices[at])
        for c in range(k):
            total[j, c] += data[at] * S[0, c]


@kernel_inline
def add_multiple(a, data, indices, first, last, total):
    """total (d + 1,) += a times a sparse row and a 1."""
    total[len(total) - 1] += a
    if a != 0.0:
        for at in range(first, last):
            total[np.uint64(indices[at])] += a * data[at]


@kernel
def sparse_pass(start, stop, code, data, indices, indptr, Y, weight, W, b, curvature):
    """W (d, k) here."""
    (d, k), indptr, b = W.shape, borrow(indptr), borrow(b)
    own_gradient, losses, own_scores = np.zeros((d + 1, k)), 0.0, np.empty((1, k))
    gradient, S, data, indices, W = borrow(own_gradient), borrow(own_scores), borrow(data), borrow(indices), borrow(W)
    flat, total, Y, curvature = W.reshape(-1), gradient.reshape(-1), borrow(Y), borrow(curvature)  # of one score
    for i in range(start, stop):
        first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
        if k == 1:
            S[0, 0] = row_product(data, indices, first, last, flat, b[0])
            losses += curve_row(code, S, 0, Y, i, weight[i] if len(weight) else 1.0, curvature)
            add_multiple(S[0, 0], data, indices, first, last, total)
            continue
        score_row(data, indices, indptr, i, W, b, S)
        losses += curve_row(code, S, 0, Y, i, weight[i] if len(weight) else 1.0, curvature)
        add_row(data, indices, indptr, i, S, gradient)
    keep(own_scores)
    keep(own_gradient)
    return losses, own_gradient


@kernel
def curve_scores(S, q, curvature, i, v):
    """Scores S[q] of a direction become the slopes' change along it."""
    k = S.shape[1]
    if k == 1:
        S[q, 0] *= curvature[i, 0]
        return
    mean = 0.0
    for c in range(k):
        mean += curvature[i, c] * S[q, c]
    for c in range(k):
        S[q, c] = v * curvature[i, c] * (S[q, c] - mean)


@kernel
def dense_product(start, stop, X, weight, curvature, V, b):
    k, d = V.shape
    result, Vt, S = np.zeros((k, d + 1)), np.ascontiguousarray(V.T), np.empty((BLOCK, k))
    for first in range(start, stop, BLOCK):
        m = min(BLOCK, stop - first)
        rows = X[first : first + m]
        raw = np.dot(rows, Vt)
        for q in range(m):
            for c in range(k):
                S[q, c] = raw[q, c] + b[c]
            curve_scores(S, q, curvature, first + q, weight[first + q] if len(weight) else 1.0)
            for c in range(k):
                raw[q, c] = S[q, c]
                result[c, d] += S[q, c]
        part = np.dot(np.ascontiguousarray(raw.T), rows)
        for c in range(k):
            for j in range(d):
                result[c, j] += part[c, j]
    return result


@kernel
def sparse_product(start, stop, data, indices, indptr, weight, curvature, V, b):
    (d, k), indptr, b = V.shape, borrow(indptr), borrow(b)
    own_result, own_scores = np.zeros((d + 1, k)), np.empty((1, k))
    result, S, data, indices, V = borrow(own_result), borrow(own_scores), borrow(data), borrow(indices), borrow(V)
    flat, total, curvature = V.reshape(-1), result.reshape(-1), borrow(curvature)  # of one score
    for i in range(start, stop):
        first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
        if k == 1:
            S[0, 0] = row_product(data, indices, first, last, flat, b[0])
            curve_scores(S, 0, curvature, i, weight[i] if len(weight) else 1.0)
            add_multiple(S[0, 0], data, indices, first, last, total)
            continue
        score_row(data, indices, indptr, i, V, b, S)
        curve_scores(S, 0, curvature, i, weight[i] if len(weight) else 1.0)
        add_row(data, indices, indptr, i, S, result)
    keep(own_scores)
    keep(own_result)
    return own_result


@kernel
def sparse_gram(start, stop, data, indices, indptr, curvature, result):
    """Row by row, each pair of stored values once; the intercept is a last column of ones."""
    d = result - 1
    total = np.zeros((result, result))
    for i in range(start, stop):
        h = curvature[i] if len(curvature) else 1.0
        if h == 0.0:
            continue
        total[d, d] += h
        for at in range(indptr[i], indptr[i + 1]):
            j, a = indices[at], h * data[at]
            total[d, j] += a
            for other in range(indptr[i], at + 1):
                total[j, indices[other]] += a * data[other]
    return total


def few_parts(n, cost, share=8):
    """Rows of a part: 8 parts, or as many as Ctrl-C needs, for each has a whole gradient of its own; or one.

    share: how many gradients take less time than the values of all rows
    """
    parts = min(8, max(1, share))
    return n if n * cost < pool.SHORTEST_PARALLEL else max(1, min(-(-n // parts), int(pool.LONGEST_CHUNK / cost)))


def evaluate(code, X, Y, weight, coef, intercept, curvature=NO_CURVATURE, n_jobs=None):
    k, d = coef.shape
    if sp.issparse(X):
        arrays = code, X.data, X.indices, X.indptr, Y, weight, np.ascontiguousarray(coef.T), intercept, curvature
        cost = 20 * k + 3 * k * X.nnz / max(1, X.shape[0])
        step = few_parts(X.shape[0], cost, X.nnz // (2 * max(1, d)))
        parts = pool.run(sparse_pass, X.shape[0], *arrays, cost=cost, step=step, n_jobs=n_jobs)
        gradient = sum(part[1] for part in parts).T
    else:
        arrays = code, X, Y, weight, np.ascontiguousarray(coef.astype(X.dtype)), intercept, curvature
        with blas.single_for(X.shape[0] * k * (d + 1)):
            parts = pool.run(dense_pass, len(X), *arrays, cost=20 * k + 0.2 * k * d, step=BLOCK, n_jobs=n_jobs)
        gradient = sum(part[1] for part in parts)
    return sum(part[0] for part in parts), np.ascontiguousarray(gradient)


def hessian_product(X, weight, curvature, V, n_jobs=None):
    k, d = V.shape[0], V.shape[1] - 1
    b = np.ascontiguousarray(V[:, d])
    if sp.issparse(X):
        arrays = X.data, X.indices, X.indptr, weight, curvature, np.ascontiguousarray(V[:, :d].T), b
        cost = 10 * k + 3 * k * X.nnz / max(1, X.shape[0])
        step = few_parts(X.shape[0], cost, X.nnz // (2 * max(1, d)))
        return sum(pool.run(sparse_product, X.shape[0], *arrays, cost=cost, step=step, n_jobs=n_jobs)).T
    arrays = X, weight, curvature, np.ascontiguousarray(V[:, :d].astype(X.dtype)), b
    with blas.single():
        return sum(pool.run(dense_product, len(X), *arrays, cost=10 * k + 0.2 * k * d, step=BLOCK, n_jobs=n_jobs))


def gram(X, curvature, centre, scale, n_jobs=None):
    n, d = X.shape
    if sp.issparse(X):
        stored = X.nnz / max(1, n)
        arrays = X.data, X.indices, X.indptr, curvature, d + 1
        total = sum(pool.run(sparse_gram, n, *arrays, cost=10 + stored**2, step=-(-n // 8), n_jobs=n_jobs))
        pairs, sums = total[:d, :d], total[d, :d].copy()
        total[:d, :d] = pairs + pairs.T - np.diag(np.diag(pairs))
        total[:d, :d] -= np.outer(sums, centre) + np.outer(centre, sums - total[d, d] * centre)
        total[d, :d] -= total[d, d] * centre
        total *= np.outer(np.append(scale, 1.0), np.append(scale, 1.0))
    else:
        total = moments(X, np.empty((n, 0)), curvature, centre, np.empty(0), n_jobs)
        lengths = np.append(scale, 1.0)
        return total * (lengths[:, None] * lengths)
    total[:d, d] = total[d, :d]
    return total


def softmax_hessian(X, weight, shares, centre, scale, n_jobs=None):
    (n, k), p = shares.shape, X.shape[1] + 1
    cost = 0.05 * (k * p) ** 2 + 2.0 * k * p
    step = -(-n // max(1, min(8, int(n * cost / 1e6))))
    with blas.single_for(n * (k * p) ** 2):
        parts = pool.run(class_products, n, X, weight, shares, centre, scale, cost=cost, step=step, n_jobs=n_jobs)
    return sum(parts).reshape(k, p, k, p)


def class_products(start, stop, X, weight, shares, centre, scale):
    """Of a row and all its shares one vector is made, so that one product gives all pairs of classes."""
    k, p = shares.shape[1], X.shape[1] + 1
    size = max(64, HELD // (8 * k * p))
    total, own = np.zeros((k * p, k * p)), np.zeros((k * p, p))
    for first in range(start, stop, size):
        last = min(stop, first + size)
        Z = np.ones((last - first, p))
        Z[:, :-1] = (X[first:last] - centre) * scale
        if len(weight):
            Z *= np.sqrt(weight[first:last, None])
        spread = (shares[first:last, :, None] * Z[:, None, :]).reshape(last - first, k * p)
        total -= spread.T @ spread
        own += spread.T @ Z
    for c in range(0, k * p, p):
        total[c : c + p, c : c + p] += own[c : c + p]
    return total
