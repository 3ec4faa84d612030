"""How far rows stand from normal distributions, on the whitened axes of each. Contract: reference/lengths.py."""

import numpy as np

from fastml_ext import pool
from fastml_ext.device.products import ROOM, inner, product
from fastml_ext.jit import kernel

__all__ = ["squared_lengths"]

ROWS = 128  # at a time: they and their coordinates stay in the cache
PRODUCT = {4: 0.012, 8: 0.025}  # ns of a multiplication


def squared_lengths(X, centre, axes, n_jobs=None):
    n, (k, _, d) = len(X), axes.shape
    result = np.empty((n, k))
    cost = k * (d + 1) * d * PRODUCT[X.itemsize] + d + 5
    pool.run(length_rows, n, X, centre, axes, result, cost=cost, n_jobs=n_jobs)
    return result


@kernel
def length_rows(start, stop, X, centre, axes, result):
    k, above, d = axes.shape
    most, size, flat = min(ROWS, stop - start), above * d, axes.reshape(-1)
    seen, sides, offset = np.empty(most * d, X.dtype), np.empty(most * d, X.dtype), np.zeros(d + ROOM, X.dtype)
    tail = np.zeros(size + ROOM if d < ROOM else 0, X.dtype)  # the last class, with room for what tiles read behind it
    for j in range(len(tail) - ROOM):
        tail[j] = flat[(k - 1) * size + j]
    for low in range(start, stop, ROWS):
        m = min(ROWS, stop - low)
        for r in range(m):
            for j in range(d):
                seen[r * d + j] = X[low + r, j] - centre[j]
        for c in range(k):
            for o in range(d):
                offset[o] = axes[c, d, o]
            weights = (tail, 0, d) if c == k - 1 and len(tail) > 0 else (flat, c * size, d)
            product((sides, 0, d), (offset, 0, 0), (seen, 0, d, 1), weights, m, d, d)
            for r in range(m):
                result[low + r, c] = inner(sides, r * d, sides, r * d, d)
