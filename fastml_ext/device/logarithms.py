"""Natural logarithms, and their inverse, without a branch, so that loops of them vectorise; within an ulp."""

import numpy as np

from fastml_ext.device.numbers import expm1, power_of_two
from fastml_ext.jit import intrinsic, kernel, types

__all__ = ["exp", "log", "log1p"]

LOW_ROOT = 0x3FE6A09E << 32  # the exponent and the first bits of sqrt(1/2), where mantissas begin
UP_TO_1 = (0x3FF << 52) - LOW_ROOT  # added to the bits of a number, puts the exponent up by 1 from sqrt(1/2) * 2^k on
MANTISSA = (1 << 52) - 1
TINY = 2.0**-1022  # numbers below it have no exponent of their own


@intrinsic
def bits_of(typing_context, x):
    """The 64 bits of a float64 as an integer."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), code


@intrinsic
def float_of(typing_context, bits):
    """The float64 of these 64 bits."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.int64), code


@kernel
def _log(u, error, shift):
    """log(u + error) - shift log(2), for u above 0 and an error below its rounding.

    u is 2^k (1 + f), with 1 + f between the roots of 1/2 and 2. With s = f / (2 + f), log(1 + f) is 2 artanh(s), of
    which the first term, 2 s = f - s f, is computed so that f comes in whole. The series of the others, 2 s^3 / 3 and
    so on, ends where the rest is below 2^-56 of the sum; log 2 is split in two, the first of 32 bits, so that its
    product with k is exact (Cody, Waite 1980).
    """
    bits = bits_of(u) + UP_TO_1
    k = np.float64((bits >> 52) - 1023) - shift
    f = float_of((bits & MANTISSA) + LOW_ROOT) - 1.0
    s = f / (2.0 + f)
    z = s * s
    rest = z * (2 / 23)
    rest = (rest + 2 / 21) * z
    rest = (rest + 2 / 19) * z
    rest = (rest + 2 / 17) * z
    rest = (rest + 2 / 15) * z
    rest = (rest + 2 / 13) * z
    rest = (rest + 2 / 11) * z
    rest = (rest + 2 / 9) * z
    rest = (rest + 2 / 7) * z
    rest = (rest + 2 / 5) * z
    rest = (rest + 2 / 3) * z
    half = 0.5 * f * f
    small = k * 1.9082149292705877e-10 + error / u
    return k * 0.6931471803691238 - ((half - (s * (half + rest) + small)) - f)


@kernel
def log(x):
    """log(x) of a float64; NaN below 0, and of NaN."""
    low = x < TINY
    found = _log(x * 2.0**54 if low else x, 0.0, 54.0 if low else 0.0)
    found = x if x == np.inf else found
    return found if x > 0.0 else (-np.inf if x == 0.0 else np.nan)


@kernel
def log1p(x):
    """log(1 + x) of a float64, of which 1 + x keeps the rounding error; NaN below -1, and of NaN."""
    u = 1.0 + x
    rounded = u - 1.0
    found = _log(u, (1.0 - (u - rounded)) + (x - rounded), 0.0)
    found = x if x == np.inf else found
    return found if u > 0.0 else (-np.inf if u == 0.0 else np.nan)


@kernel
def exp(x):
    """exp(x) of a float64 from -708 to 708, its relative error within two ulps."""
    x = min(max(x, -708.0), 708.0)
    n = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    return (expm1(r) + 1.0) * power_of_two(np.int64(n))
