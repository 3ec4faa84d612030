"""log P(c) + log P(x | c) of rows x for every class c. Contract: reference.py.

Rows of plain numbers are scored by loops that vectorise. Where the sum is NaN, because a value is missing or 0 log 0
stands in it, that row and class is scored again with care.
"""

import numpy as np
from scipy.sparse import issparse

from fastml_ext import pool
from fastml_ext.jit import kernel, kernel_bound

__all__ = ["bernoulli_scores", "category_scores", "event_scores", "gaussian_scores", "linear_scores"]


def linear_scores(X, weights, bias, n_jobs=None):
    n, k = X.shape[0], len(weights)
    result = np.empty((n, k))
    if issparse(X):
        arrays = X.data, X.indices, X.indptr, np.ascontiguousarray(weights.T), bias, result
        pool.run(linear_sparse, n, *arrays, cost=(1.0 + 0.5 * k) * X.nnz / n + 5, n_jobs=n_jobs)
    else:
        weights = np.ascontiguousarray(weights)
        pool.run(linear_dense, n, X, weights, bias, result, cost=0.2 * weights.size + 5, n_jobs=n_jobs)
    return result


@kernel_bound
def four_dots(x, z, v, w):
    """Two rows by two weights, so that each is read half as often. Sums are off by at most d eps sum |w_j x_j|."""
    xv = xw = zv = zw = 0.0
    for j in range(len(x)):
        xv += x[j] * v[j]
        xw += x[j] * w[j]
        zv += z[j] * v[j]
        zw += z[j] * w[j]
    return xv, xw, zv, zw


@kernel
def careful(total, x, w):
    """The sum of the products of the known values, if `total` is none."""
    if total == total:
        return total
    total = 0.0
    for j in range(len(x)):
        if x[j] > 0 or x[j] < 0:
            total += x[j] * w[j]
    return total


@kernel
def linear_dense(start, stop, X, weights, bias, result):
    """An odd row or class is summed twice, so that there is one way to sum, and a row scores the same everywhere."""
    for i in range(start, stop, 2):
        k = min(i + 1, stop - 1)
        for c in range(0, len(weights), 2):
            e = min(c + 1, len(weights) - 1)
            x, z, v, w = X[i], X[k], weights[c], weights[e]
            xv, xw, zv, zw = four_dots(x, z, v, w)
            result[i, c] = careful(xv, x, v) + bias[c]
            result[i, e] = careful(xw, x, w) + bias[e]
            result[k, c] = careful(zv, z, v) + bias[c]
            result[k, e] = careful(zw, z, w) + bias[e]


@kernel
def linear_sparse(start, stop, data, indices, indptr, weights, bias, result):
    for i in range(start, stop):
        first, second = bias[0], bias[-1]
        if len(bias) == 2:  # sums that stay in registers: twice as fast
            for at in range(indptr[i], indptr[i + 1]):
                x, j = data[at], indices[at]
                if x > 0 or x < 0:
                    first += x * weights[j, 0]
                    second += x * weights[j, 1]
            result[i, 0], result[i, 1] = first, second
            continue
        for c in range(len(bias)):
            result[i, c] = bias[c]
        for at in range(indptr[i], indptr[i + 1]):
            x = data[at]
            if x > 0 or x < 0:
                for c in range(len(bias)):
                    result[i, c] += x * weights[indices[at], c]


def bernoulli_scores(X, threshold, present, absent, prior, n_jobs=None):
    result = np.empty((len(X), len(present)))
    arrays = X, threshold, present, absent, prior, result
    pool.run(bernoulli_rows, len(X), *arrays, cost=0.3 * present.size + 5, n_jobs=n_jobs)
    return result


@kernel_bound
def chosen(X, i, threshold, present, absent, c):
    """The order of this sum is free: it is off by at most d eps times the sum of the sizes of its terms."""
    total = 0.0
    for j in range(X.shape[1]):
        yes, no = present[c, j], absent[c, j]  # both read, or the loop would not vectorise
        total += yes if X[i, j] > threshold else no
    return total


@kernel
def bernoulli_rows(start, stop, X, threshold, present, absent, prior, result):
    d = X.shape[1]
    for i in range(start, stop):
        holes = 0
        for j in range(d):
            holes += X[i, j] != X[i, j]
        for c in range(len(present)):
            if holes == 0:
                total = chosen(X, i, threshold, present, absent, c)
            else:
                total = 0.0
                for j in range(d):
                    if X[i, j] == X[i, j]:
                        total += present[c, j] if X[i, j] > threshold else absent[c, j]
            result[i, c] = total + prior[c]


def event_scores(X, threshold, gain, absent, empty, n_jobs=None):
    n, k = X.shape[0], len(empty)
    result = np.empty((n, k))
    arrays = X.data, X.indices, X.indptr, threshold, gain, absent, empty, result
    pool.run(event_rows, n, *arrays, cost=(1.0 + 0.5 * k) * X.nnz / n + 5, n_jobs=n_jobs)
    return result


@kernel
def event_rows(start, stop, data, indices, indptr, threshold, gain, absent, empty, result):
    for i in range(start, stop):
        if len(empty) == 2:  # as above
            first, second = empty[0], empty[1]
            for at in range(indptr[i], indptr[i + 1]):
                x, j = data[at], indices[at]
                if x > threshold:
                    first += gain[j, 0]
                    second += gain[j, 1]
                elif x != x:
                    first -= absent[j, 0]
                    second -= absent[j, 1]
            result[i, 0], result[i, 1] = first, second
            continue
        for c in range(len(empty)):
            result[i, c] = empty[c]
        for at in range(indptr[i], indptr[i + 1]):
            x, j = data[at], indices[at]
            if x > threshold:
                for c in range(len(empty)):
                    result[i, c] += gain[j, c]
            elif x != x:
                for c in range(len(empty)):
                    result[i, c] -= absent[j, c]


def gaussian_scores(X, mean, inverse, constant, prior, n_jobs=None):
    result = np.empty((len(X), len(mean)))
    arrays = X, mean, inverse, constant, prior, result
    pool.run(gaussian_rows, len(X), *arrays, cost=0.3 * mean.size + 5, n_jobs=n_jobs)
    return result


@kernel_bound
def gaussian_sum(X, i, mean, inverse, constant, c):
    """The order of this sum is free: it is off by at most d eps times the sum of the sizes of its terms."""
    total = 0.0
    for j in range(X.shape[1]):
        apart = (X[i, j] - mean[c, j]) * inverse[c, j]
        total += constant[c, j] - 0.5 * (apart * apart)
    return total


@kernel
def gaussian_rows(start, stop, X, mean, inverse, constant, prior, result):
    for i in range(start, stop):
        highest = -np.inf
        for c in range(len(mean)):
            total = gaussian_sum(X, i, mean, inverse, constant, c)
            if total != total:
                total = 0.0
                for j in range(X.shape[1]):
                    if X[i, j] == X[i, j]:
                        apart = (X[i, j] - mean[c, j]) * inverse[c, j]
                        total += constant[c, j] - 0.5 * (apart * apart)
            result[i, c] = total + prior[c]
            highest = max(highest, result[i, c])
        if highest == -np.inf:
            far_row(X[i], mean, inverse, result[i])


@kernel
def distance(x, mean, inverse):
    """2^-601 of the distance in standard deviations, which itself may overflow; 0 of a missing value."""
    return abs(0.5 * x - 0.5 * mean) * 2.409919865102884e-181 * inverse if x == x else 0.0


@kernel
def far_row(x, mean, inverse, result):
    """Scores of a row of which every class's squared distance overflows: in units of the largest distance."""
    largest = 0.0
    for c in range(len(mean)):
        for j in range(len(x)):
            largest = max(largest, distance(x[j], mean[c, j], inverse[c, j]))
    for c in range(len(mean)):
        total = 0.0
        for j in range(len(x)):
            share = distance(x[j], mean[c, j], inverse[c, j]) / largest if largest > 0 else 0.0
            total += share * share
        result[c] = -1e300 * total


def category_scores(X, starts, table, prior, n_jobs=None):
    (n, d), k = X.shape, len(prior)
    result = np.empty((n, k))
    pool.run(category_rows, n, X, starts, table, prior, result, cost=d * (2 + 0.3 * k) + 5, n_jobs=n_jobs)
    return result


@kernel
def category_rows(start, stop, X, starts, table, prior, result):
    d, k = X.shape[1], len(prior)
    for i in range(start, stop):
        for c in range(k):
            result[i, c] = prior[c]
        for j in range(d):
            x = X[i, j]
            if x >= 0:  # neither NaN nor a negative code
                last = starts[j + 1] - 1
                row = last if x >= last - starts[j] else starts[j] + np.int64(x)
                for c in range(k):
                    result[i, c] += table[row, c]
