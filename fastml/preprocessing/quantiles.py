"""Quantiles of columns by selection, as NumPy defines them."""

import numpy as np

from fastml_ext import preprocessing as kernels

__all__ = ["between", "middle", "nan_medians", "nan_quantiles"]


def nan_quantiles(X, shares):
    """(len(shares), d): quantiles of the columns as numpy.nanpercentile's by default, to the bit; NaN is left out."""
    low, high, count = kernels.quantiles(X, np.asarray(shares, np.float64))
    return between(low, high, count, shares)


def between(low, high, count, shares):
    """Quantiles from the numbers beside them, as `kernels.quantiles` gives these."""
    place = np.asarray(shares, np.float64)[:, None] * (np.maximum(count, 1) - 1)
    part = place - np.floor(place)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = high - low
        return np.where(part < 0.5, low + apart * part, high - apart * (1 - part))


def nan_medians(X):
    """(d,) of the dtype of X: medians of the columns as numpy.nanmedian's, to the bit; NaN is left out."""
    low, high, count = kernels.quantiles(X, np.array([0.5]))
    return middle(low, high, count)


def middle(low, high, count):
    """Medians from the numbers beside the share 0.5."""
    with np.errstate(over="ignore"):
        return np.where(count % 2 == 1, low[0], (low[0] + high[0]) / low.dtype.type(2))
