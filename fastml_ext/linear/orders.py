"""The order in which an epoch visits the rows. Contract: reference/orders.py."""

import numpy as np

from fastml_ext.device.numbers import GOLDEN, mix
from fastml_ext.jit import kernel

__all__ = ["random_order"]


def random_order(n, seed, epoch):
    order = np.empty(n, np.int64)
    shuffle_rows(seed, epoch, order)
    return order


@kernel
def shuffle_rows(seed, epoch, order):
    """Into `order` its places in random order. A product's upper half takes 2 ns less than a remainder."""
    state, half = np.uint64(seed) ^ (np.uint64(epoch) * np.uint64(0xD1342543DE82EF95)), np.uint64(32)
    for i in range(len(order)):
        order[i] = i
    for i in range(len(order) - 1, 0, -1):
        state += GOLDEN
        j = np.int64(((mix(state) >> half) * np.uint64(i + 1)) >> half)
        order[i], order[j] = order[j], order[i]
