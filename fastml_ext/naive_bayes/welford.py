"""Mean and spread of each feature in each class, in one pass, and those of two sets of rows together.

Contract: reference.py. Rows are taken in by Welford's update (Technometrics 1962) of their distances from the class's
first row, so that nothing cancels where the mean is large beside the spread; blocks of rows (blocks.py) are joined as
Chan, Golub and LeVeque do (1979).
"""

import numpy as np

from fastml_ext import pool
from fastml_ext.blocks import GROUP, Tree, block_rows
from fastml_ext.jit import kernel, kernel_exact
from fastml_ext.naive_bayes.chunks import blocks_at_once

__all__ = ["merge_moments", "moments"]

COST, CAREFUL = 0.6, 4.0  # nanoseconds a value


def moments(X, codes, weight, n_classes, n_jobs=None):
    (n, d), k = X.shape, n_classes
    rows = block_rows(3 * k)
    if n <= rows:
        total, mean, spread = moments_of_blocks(X, codes, weight, k, rows, n_jobs)
        return total[0], mean[0], spread[0]
    tree, step = Tree(merge_moments), rows * blocks_at_once(3 * k * d)
    for start in range(0, n, step):
        part = slice(start, start + step)
        states = moments_of_blocks(X[part], codes[part], weight[part], k, rows, n_jobs)
        if step < GROUP * rows:
            for state in zip(*states, strict=True):
                tree.add(state)
            continue
        for first in range(0, len(states[0]), GROUP):
            join_blocks(first, min(first + GROUP, len(states[0])), *states)
            tree.add_group(tuple(each[first] for each in states))
    return tree.total()


def moments_of_blocks(X, codes, weight, k, rows, n_jobs):
    """(total, mean, spread), each (n_blocks, k, d)."""
    n, d = X.shape
    blocks = max(1, -(-n // rows))
    totals, (origin, mean, spread) = np.zeros((blocks, k)), np.zeros((3, blocks, k, d))
    arrays = X, codes, weight, rows, totals, origin, mean, spread
    pool.run(take_rows, blocks, *arrays, cost=COST * X.size / blocks, n_jobs=n_jobs)
    totals = np.repeat(totals[:, :, None], d, axis=2)
    if np.isnan(mean).any():  # in blocks with holes every value has to be looked at by itself
        holes = np.isnan(mean).any(axis=(1, 2))
        for table in totals, origin, mean, spread:
            table[holes] = 0.0
        arrays = X, codes, weight, rows, totals, origin, mean, spread
        pool.run(take_known, blocks, *arrays, cost=CAREFUL * X.size / blocks, n_jobs=n_jobs)
    mean += origin
    return totals, mean, spread


@kernel
def take_rows(start, stop, X, codes, weight, rows, totals, origin, mean, spread):
    n, d = X.shape
    for block in range(start, stop):
        for i in range(block * rows, min(n, (block + 1) * rows)):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            if w == 0:
                continue  # w / total may be 0 / 0
            if totals[block, c] == 0:
                for j in range(d):
                    origin[block, c, j] = X[i, j]
            totals[block, c] += w
            share = w / totals[block, c]
            for j in range(d):
                x, m = X[i, j] - origin[block, c, j], mean[block, c, j]
                moved = m + share * (x - m)
                mean[block, c, j] = moved
                spread[block, c, j] += w * (x - m) * (x - moved)


@kernel
def counted(totals):
    """Whether a block has been: some total of it is above 0."""
    for c in range(totals.shape[0]):
        for j in range(totals.shape[1]):
            if totals[c, j] > 0:
                return True
    return False


@kernel
def take_known(start, stop, X, codes, weight, rows, totals, origin, mean, spread):
    n, d = X.shape
    for block in range(start, stop):
        if counted(totals[block]):
            continue
        for i in range(block * rows, min(n, (block + 1) * rows)):
            c = codes[i]
            w = weight[i] if len(weight) else 1.0
            for j in range(d):
                if w == 0 or X[i, j] != X[i, j]:
                    continue
                if totals[block, c, j] == 0:
                    origin[block, c, j] = X[i, j]
                totals[block, c, j] += w
                x, m = X[i, j] - origin[block, c, j], mean[block, c, j]
                mean[block, c, j] += w / totals[block, c, j] * (x - m)
                spread[block, c, j] += w * (x - m) * (x - mean[block, c, j])


@kernel_exact
def join_blocks(first, last, totals, mean, spread):
    """Blocks first to last, joined in their order into the first: to the bit what `merge_moments` makes of them."""
    k, d = mean.shape[1], mean.shape[2]
    for block in range(first + 1, last):
        for c in range(k):
            for j in range(d):
                a, b = totals[first, c, j], totals[block, c, j]
                total = a + b
                share = b / total if total > 0 else 0.0
                apart = mean[block, c, j] - mean[first, c, j]
                totals[first, c, j] = total
                mean[first, c, j] = mean[first, c, j] + share * apart
                spread[first, c, j] = spread[first, c, j] + spread[block, c, j] + a * share * (apart * apart)


def merge_moments(first, second):
    (total_a, mean_a, spread_a), (total_b, mean_b, spread_b) = first, second
    total = total_a + total_b
    share = np.divide(total_b, total, out=np.zeros_like(total), where=total > 0)
    apart = mean_b - mean_a
    return total, mean_a + share * apart, spread_a + spread_b + total_a * share * apart**2
