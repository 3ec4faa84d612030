"""The order in which an epoch visits the rows."""

import numpy as np

__all__ = ["block_order"]

WORD = 2**64


def block_order(n, seed, epoch, block=64):
    """The rows 0 to n - 1, int64: blocks of `block` rows in random order, and the rows of each in random order.

    Both are shuffled from the last place down, place i with a place up to i (Fisher and Yates), by the remainders of a
    stream of SplitMix64 that starts at seed XOR epoch * 0xD1342543DE82EF95. A block's rows stay in the cache, so an
    epoch takes half the time of one in fully random order. Blocks larger than 1 are for rows that stand in random order
    themselves: sorted ones would come by in stretches of one kind. 0 <= seed < 2^63; one (seed, epoch) is one order,
    on any machine.
    """
    stream = splitmix(seed ^ (epoch * 0xD1342543DE82EF95) % WORD)
    blocks = [list(range(start, min(n, start + block))) for start in range(0, n, block)]
    shuffle(blocks, stream)
    for rows in blocks:
        shuffle(rows, stream)
    return np.array([row for rows in blocks for row in rows], dtype=np.int64)


def shuffle(places, stream):
    for i in range(len(places) - 1, 0, -1):
        j = next(stream) % (i + 1)
        places[i], places[j] = places[j], places[i]


def splitmix(state):
    """Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) % WORD
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % WORD
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
        yield z ^ (z >> 31)
