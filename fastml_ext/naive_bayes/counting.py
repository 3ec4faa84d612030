"""Tables of each class's sums and counts. Contract: reference.py."""

import numpy as np
from scipy.sparse import issparse

from fastml_ext import pool
from fastml_ext.blocks import GROUP, Tree, block_rows
from fastml_ext.jit import kernel
from fastml_ext.naive_bayes.parts import blocks_at_once, number_of_parts

__all__ = ["count_above", "count_categories", "sum_by_class"]

DENSE, SPARSE, SCATTERED = 0.3, 1.5, 1.5  # nanoseconds a value


def sum_by_class(X, codes, weight, n_classes, n_jobs=None):
    n, d = X.shape
    if not issparse(X):
        return sum_in_blocks(X, codes, weight, n_classes, n_jobs)
    parts = number_of_parts(n, X.nnz, n_classes * d)
    sums, negative = np.zeros((parts, n_classes, d)), np.zeros(parts, np.int64)
    arrays = X.data, X.indices, X.indptr, codes, weight, sums, negative
    pool.run(sum_sparse, parts, *arrays, cost=SPARSE * X.nnz / parts, n_jobs=n_jobs)
    return added(sums), int(negative.sum())


def sum_in_blocks(X, codes, weight, k, n_jobs):
    """Sums of fractions depend on where rows are cut: in blocks that are those of blocks.py."""
    n, d = X.shape
    rows, tree, below = block_rows(k), Tree(np.add), 0
    step = rows * blocks_at_once(k * d)
    for start in range(0, max(n, 1), step):
        part = slice(start, start + step)
        blocks = max(1, -(-len(X[part]) // rows))
        sums, negative = np.zeros((blocks, k, d)), np.zeros(blocks, np.int64)
        arrays = X[part], codes[part], weight[part], rows, sums, negative
        pool.run(sum_dense, blocks, *arrays, cost=DENSE * X[part].size / blocks, n_jobs=n_jobs)
        below += int(negative.sum())
        if step < GROUP * rows:
            for table in sums:
                tree.add(table)
            continue
        for first in range(0, blocks, GROUP):
            tree.add_group(in_order(sums[first : first + GROUP]))
    return tree.total(), below


def in_order(tables):
    """Their sum, from the first to the last: `add.reduce` may take another order."""
    return tables[0] if len(tables) == 1 else np.add.accumulate(tables, axis=0)[-1]


@kernel
def sum_dense(start, stop, X, codes, weight, rows, sums, negative):
    n, d = X.shape
    for block in range(start, stop):
        below = 0
        for i in range(block * rows, min(n, (block + 1) * rows)):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            for j in range(d):
                x = X[i, j]
                sums[block, c, j] += w * x if x == x else 0.0
                below += x < 0
        negative[block] = below


@kernel
def sum_sparse(start, stop, data, indices, indptr, codes, weight, sums, negative):
    n, parts = len(indptr) - 1, len(sums)
    for part in range(start, stop):
        below = 0
        for i in range(part * n // parts, (part + 1) * n // parts):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            for at in range(indptr[i], indptr[i + 1]):
                x = data[at]
                sums[part, c, indices[at]] += w * x if x == x else 0.0
                below += x < 0
        negative[part] = below


def count_above(X, codes, weight, n_classes, threshold, n_jobs=None):
    n, d = X.shape
    n_values = X.nnz if issparse(X) else X.size
    parts = number_of_parts(n, n_values, 2 * n_classes * d)
    above, missing = np.zeros((parts, n_classes, d)), np.zeros((parts, n_classes, d))
    if issparse(X):
        arrays = X.data, X.indices, X.indptr, codes, weight, threshold, above, missing
        pool.run(above_sparse, parts, *arrays, cost=SPARSE * n_values / parts, n_jobs=n_jobs)
    else:
        arrays = X, codes, weight, threshold, above, missing
        pool.run(above_dense, parts, *arrays, cost=DENSE * n_values / parts, n_jobs=n_jobs)
    return added(above), added(missing)


@kernel
def above_dense(start, stop, X, codes, weight, threshold, above, missing):
    (n, d), parts = X.shape, len(above)
    for part in range(start, stop):
        for i in range(part * n // parts, (part + 1) * n // parts):
            c, holes = codes[i], 0
            w = weight[i] if len(weight) else 1.0
            for j in range(d):
                x = X[i, j]
                above[part, c, j] += w if x > threshold else 0.0
                holes += x != x
            if holes:
                for j in range(d):
                    missing[part, c, j] += w if X[i, j] != X[i, j] else 0.0


@kernel
def above_sparse(start, stop, data, indices, indptr, codes, weight, threshold, above, missing):
    n, parts = len(indptr) - 1, len(above)
    for part in range(start, stop):
        for i in range(part * n // parts, (part + 1) * n // parts):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            for at in range(indptr[i], indptr[i + 1]):
                if data[at] > threshold:
                    above[part, c, indices[at]] += w
                elif data[at] != data[at]:
                    missing[part, c, indices[at]] += w


def count_categories(X, codes, weight, starts, n_classes, n_jobs=None):
    n = len(X)
    parts = number_of_parts(n, X.size, int(starts[-1]) * n_classes)
    tables = np.zeros((parts, starts[-1], n_classes))
    cost = SCATTERED * X.size / parts
    pool.run(categories_of_rows, parts, X, codes, weight, starts, tables, cost=cost, n_jobs=n_jobs)
    return added(tables)


@kernel
def categories_of_rows(start, stop, X, codes, weight, starts, tables):
    (n, d), parts = X.shape, len(tables)
    for part in range(start, stop):
        for i in range(part * n // parts, (part + 1) * n // parts):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            for j in range(d):
                if X[i, j] >= 0:  # neither NaN nor a negative code
                    tables[part, starts[j] + np.int64(X[i, j]), c] += w


def added(tables):
    """The sum of the parts' tables, in their order."""
    return tables[0] if len(tables) == 1 else np.add.reduce(tables, axis=0)
