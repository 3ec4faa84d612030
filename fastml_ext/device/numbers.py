"""Random bits, exp(x) - 1 and exponentials that are to be shares of 1."""

import numpy as np

from fastml_ext.jit import cgutils, intrinsic, kernel, kernel_inline, types

__all__ = ["GOLDEN", "expm1", "exponentials", "mix", "power_of_two", "softmax_rows"]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # what SplitMix64 adds to its state for each number
LEAST_EXPONENT = -708.0  # exp of less is no normal number


@kernel
def mix(z):
    """The output function of SplitMix64 (Steele, Lea, Flood 2014). In Cython: splitmix.pxd."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@intrinsic
def power_of_two(typing_context, n):
    """2.0 ** n for -1022 <= n <= 1023: n is the exponent of a float64."""

    def code(context, builder, signature, arguments):
        ir = cgutils.ir
        wide = ir.IntType(64)
        bits = builder.shl(builder.add(arguments[0], wide(1023)), wide(52))
        return builder.bitcast(bits, ir.DoubleType())

    return types.float64(types.int64), code


@kernel
def expm1(x):
    """exp(x) - 1 without a branch, so that loops of it vectorise: 2^n (1 + series(r)) - 1, |r| <= log(2) / 2.

    The coefficients are 1/n!, as far as the rest of the series is below 1e-17; log 2 is split in two, of which the
    first has 32 bits, so that its product with n is exact (Cody, Waite 1980). x is held within [-708, 709].
    """
    x = min(max(x, -708.0), 709.0)
    n = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    q = 1.6059043836821613e-10
    q = q * r + 2.08767569878681e-09
    q = q * r + 2.505210838544172e-08
    q = q * r + 2.755731922398589e-07
    q = q * r + 2.7557319223985893e-06
    q = q * r + 2.48015873015873e-05
    q = q * r + 0.0001984126984126984
    q = q * r + 0.001388888888888889
    q = q * r + 0.008333333333333333
    q = q * r + 0.041666666666666664
    q = q * r + 0.16666666666666666
    q = q * r + 0.5
    q = q * r * r + r
    scale = power_of_two(np.int64(n) - 1)  # half of it: 2^1024 is none
    return 2.0 * (scale * q + (scale - 0.5))


@kernel_inline
def exponentials(scores, result):
    """result = exp(scores - their greatest); (the greatest, the sum of the result). May be the same array."""
    top, total = scores[0], 0.0
    for c in range(1, len(scores)):
        top = max(top, scores[c])
    for c in range(len(scores)):
        result[c] = np.exp(scores[c] - top)
        total += result[c]
    return top, total


@kernel
def softmax_rows(Z, start, rows, k):
    """Rows of k numbers in Z from `start` on become positive, with a sum of 1 each; the exponentials vectorise."""
    for r in range(rows):
        row = Z[start + r * k : start + (r + 1) * k]
        top = row[0]
        for c in range(1, k):
            top = max(top, row[c])
        for c in range(k):
            row[c] -= top
    values = Z[start : start + rows * k]
    for i in range(len(values)):
        z = np.float64(values[i])
        values[i] = expm1(z) + 1.0 if z > LEAST_EXPONENT else 0.0
    for r in range(rows):
        row, total = Z[start + r * k : start + (r + 1) * k], 0.0
        for c in range(k):
            total += row[c]
        for c in range(k):
            row[c] /= total
