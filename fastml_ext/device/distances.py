"""Squared Euclidean distances of a point x from a query y, in the dtype of y."""

from fastml_ext.jit import kernel_bound, kernel_exact

__all__ = ["estimate", "squared"]


@kernel_exact
def squared(x, y):
    """As results have it: column by column, each operation rounded by itself."""
    total = y.dtype.type(0)
    for j in range(len(y)):
        difference = y.dtype.type(x[j]) - y[j]
        total += difference * difference
    return total


@kernel_bound
def estimate(x, y):
    """Summed in any order: only where an error bound covers the rounding."""
    total = y.dtype.type(0)
    for j in range(len(y)):
        difference = y[j] - x[j]
        total += difference * difference
    return total
