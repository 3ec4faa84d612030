"""Arrays in memory."""

import numpy as np

from fastml_ext.jit import kernel

__all__ = ["grown"]


@kernel
def grown(array, size):
    """A copy with room for `size` items, whose end is not set."""
    larger = np.empty(size, array.dtype)
    for i in range(len(array)):  # not by slices: the error that Numba builds in for them takes two seconds to compile
        larger[i] = array[i]
    return larger
