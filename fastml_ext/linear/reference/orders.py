"""The order in which an epoch visits the rows."""

import numpy as np

__all__ = ["random_order"]

WORD = 2**64


def random_order(n, seed, epoch):
    """The rows 0 to n - 1, int64, in random order.

    They are shuffled from the last place down, place i with a place up to i (Fisher and Yates), which is the upper half
    of i + 1 times the upper 32 bits of the next number of a stream of SplitMix64 that starts at seed XOR epoch *
    0xD1342543DE82EF95. So each place up to i comes with probability 1 / (i + 1) but for 2^-32. n <= 2^32,
    0 <= seed < 2^63; one (seed, epoch) is one order, on any machine.
    """
    stream = splitmix(seed ^ (epoch * 0xD1342543DE82EF95) % WORD)
    rows = list(range(n))
    for i in range(n - 1, 0, -1):
        j = (next(stream) >> 32) * (i + 1) >> 32
        rows[i], rows[j] = rows[j], rows[i]
    return np.array(rows, dtype=np.int64)


def splitmix(state):
    """Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) % WORD
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % WORD
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
        yield z ^ (z >> 31)
