"""What `checks` computes, by definition."""

import math

import numpy as np

__all__ = ["first_nonfinite", "is_table"]


def is_table(X, n_columns, array_type):
    """Is X exactly an `array_type` of native float32 or float64, in C order, with n_columns columns, all finite?

    X: any object | a table without rows is not one | never raises
    """
    if type(X) is not array_type or X.ndim != 2 or len(X) == 0 or X.shape[1] != n_columns:
        return False
    if X.dtype not in (np.float32, np.float64) or not X.dtype.isnative or not X.flags.c_contiguous:
        return False
    return all(math.isfinite(value) for row in X for value in row)


def first_nonfinite(X):
    """(row, column) of the first NaN or infinity of X, in row order; None if there is none.

    X (n, d) float32 or float64, any strides, may be read-only
    """
    for i, row in enumerate(X):
        for j, value in enumerate(row):
            if not math.isfinite(value):
                return i, j
    return None
