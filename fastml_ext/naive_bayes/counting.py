"""Tables of each class's sums and counts. Contract: reference.py."""

import numpy as np
from scipy.sparse import issparse

from fastml_ext import pool
from fastml_ext.blocks import GROUP, Tree, block_rows
from fastml_ext.jit import kernel
from fastml_ext.naive_bayes.chunks import blocks_at_once, number_of_chunks

__all__ = ["count_above", "count_categories", "sum_by_class"]

DENSE, SPARSE, SCATTERED = 0.3, 1.5, 1.5  # nanoseconds a value


def sum_by_class(X, codes, weight, n_classes, n_jobs=None):
    n, d = X.shape
    if not issparse(X):
        return sum_in_blocks(X, codes, weight, n_classes, n_jobs)
    chunks = number_of_chunks(n, X.nnz, n_classes * d)
    sums, negative = np.zeros((chunks, n_classes, d)), np.zeros(chunks, np.int64)
    arrays = X.data, X.indices, X.indptr, codes, weight, sums, negative
    pool.run(sum_sparse, chunks, *arrays, cost=SPARSE * X.nnz / chunks, n_jobs=n_jobs)
    return added(sums), int(negative.sum())


def sum_in_blocks(X, codes, weight, k, n_jobs):
    """Sums of fractions depend on where rows are cut: in blocks that are those of blocks.py."""
    n, d = X.shape
    rows, tree, below = block_rows(k), Tree(np.add), 0
    step = rows * blocks_at_once(k * d)
    for start in range(0, max(n, 1), step):
        chunk = slice(start, start + step)
        blocks = max(1, -(-len(X[chunk]) // rows))
        sums, negative = np.zeros((blocks, k, d)), np.zeros(blocks, np.int64)
        arrays = X[chunk], codes[chunk], weight[chunk], rows, sums, negative
        pool.run(sum_dense, blocks, *arrays, cost=DENSE * X[chunk].size / blocks, n_jobs=n_jobs)
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
    n, chunks = len(indptr) - 1, len(sums)
    for chunk in range(start, stop):
        below = 0
        for i in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            for at in range(indptr[i], indptr[i + 1]):
                x = data[at]
                sums[chunk, c, indices[at]] += w * x if x == x else 0.0
                below += x < 0
        negative[chunk] = below


def count_above(X, codes, weight, n_classes, threshold, n_jobs=None):
    n, d = X.shape
    n_values = X.nnz if issparse(X) else X.size
    chunks = number_of_chunks(n, n_values, 2 * n_classes * d)
    above, missing = np.zeros((chunks, n_classes, d)), np.zeros((chunks, n_classes, d))
    if issparse(X):
        arrays = X.data, X.indices, X.indptr, codes, weight, threshold, above, missing
        pool.run(above_sparse, chunks, *arrays, cost=SPARSE * n_values / chunks, n_jobs=n_jobs)
    else:
        arrays = X, codes, weight, threshold, above, missing
        pool.run(above_dense, chunks, *arrays, cost=DENSE * n_values / chunks, n_jobs=n_jobs)
    return added(above), added(missing)


@kernel
def above_dense(start, stop, X, codes, weight, threshold, above, missing):
    (n, d), chunks = X.shape, len(above)
    for chunk in range(start, stop):
        for i in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            c, holes = codes[i], 0
            w = weight[i] if len(weight) else 1.0
            for j in range(d):
                x = X[i, j]
                above[chunk, c, j] += w if x > threshold else 0.0
                holes += x != x
            if holes:
                for j in range(d):
                    missing[chunk, c, j] += w if X[i, j] != X[i, j] else 0.0


@kernel
def above_sparse(start, stop, data, indices, indptr, codes, weight, threshold, above, missing):
    n, chunks = len(indptr) - 1, len(above)
    for chunk in range(start, stop):
        for i in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            for at in range(indptr[i], indptr[i + 1]):
                if data[at] > threshold:
                    above[chunk, c, indices[at]] += w
                elif data[at] != data[at]:
                    missing[chunk, c, indices[at]] += w


def count_categories(X, codes, weight, starts, n_classes, n_jobs=None):
    n = len(X)
    chunks = number_of_chunks(n, X.size, int(starts[-1]) * n_classes)
    tables = np.zeros((chunks, starts[-1], n_classes))
    cost = SCATTERED * X.size / chunks
    pool.run(categories_of_rows, chunks, X, codes, weight, starts, tables, cost=cost, n_jobs=n_jobs)
    return added(tables)


@kernel
def categories_of_rows(start, stop, X, codes, weight, starts, tables):
    (n, d), chunks = X.shape, len(tables)
    for chunk in range(start, stop):
        for i in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            for j in range(d):
                if X[i, j] >= 0:  # neither NaN nor a negative code
                    tables[chunk, starts[j] + np.int64(X[i, j]), c] += w


def added(tables):
    """The sum of the chunks' tables, in their order."""
    return tables[0] if len(tables) == 1 else np.add.reduce(tables, axis=0)
