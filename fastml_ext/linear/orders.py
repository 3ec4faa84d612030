"""The order in which an epoch visits the rows. Contract: reference/orders.py."""

import numpy as np

from fastml_ext.device.numbers import GOLDEN, mix
from fastml_ext.jit import kernel

__all__ = ["block_order"]


def block_order(n, seed, epoch, block=64):
    order = np.empty(n, np.int64)
    shuffle_blocks(n, block, seed, epoch, order)
    return order


@kernel
def shuffle_blocks(n, block, seed, epoch, order):
    """Blocks in random order, then the rows within each: a random walk that leaves every block's rows in cache."""
    state = np.uint64(seed) ^ (np.uint64(epoch) * np.uint64(0xD1342543DE82EF95))
    blocks = np.arange((n + block - 1) // block)
    for i in range(len(blocks) - 1, 0, -1):
        state += GOLDEN
        j = np.int64(mix(state) % np.uint64(i + 1))
        blocks[i], blocks[j] = blocks[j], blocks[i]
    at = 0
    for b in blocks:
        first, last = at, at + min(block, n - b * block)
        for row in range(b * block, min(n, (b + 1) * block)):
            order[at] = row
            at += 1
        for i in range(last - first - 1, 0, -1):
            state += GOLDEN
            j = np.int64(mix(state) % np.uint64(i + 1))
            order[first + i], order[first + j] = order[first + j], order[first + i]
