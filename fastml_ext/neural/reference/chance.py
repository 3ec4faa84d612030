"""Random numbers that are a function of where they are used: (seed, step, row, column), in any order, on any thread."""

import numpy as np

__all__ = ["dropout_factors", "input_noise", "random_bits"]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
INPUT = 2**32  # the input's columns count from here, so that they share no number with a unit


def mix(z):
    """The output function of SplitMix64 (Steele, Lea, Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def random_bits(seed, step, rows, columns):
    """64 random bits for every place of a table: (rows, columns) uint64.

    seed, step: integers | rows, columns: integers (r,) and (c,), the place of a row in its batch and of a unit in the
    network, the units of all layers counted on
    """
    with np.errstate(over="ignore"):
        key = mix(np.uint64(seed) + GOLDEN * np.uint64(step + 1))
        by_row = mix(key + GOLDEN * (np.asarray(rows, np.uint64) + np.uint64(1)))
        return mix(by_row[:, None] + GOLDEN * (np.asarray(columns, np.uint64)[None, :] + np.uint64(1)))


def dropout_factors(seed, step, n, first, units, share):
    """0 with probability `share`, else 1 / (1 - share): (n, units), for the units that count from `first` on.

    Srivastava et al. 2014, scaled while training so that nothing changes at prediction.
    """
    bits = random_bits(seed, step, range(n), range(first, first + units))
    uniform = (bits >> np.uint64(11)).astype(float) / 2**53
    return np.where(uniform < share, 0.0, 1 / (1 - share))


def input_noise(seed, step, n, d):
    """Standard normal numbers (n, d), by Box and Muller (1958) from the upper and the lower half of each 64 bits."""
    bits = random_bits(seed, step, range(n), range(INPUT, INPUT + d))
    u = ((bits >> np.uint64(32)).astype(float) + 0.5) / 2**32
    v = (bits & np.uint64(2**32 - 1)).astype(float) / 2**32
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)
