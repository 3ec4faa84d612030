"""Periodic columns by definition."""

import math

import numpy as np

__all__ = ["harmonics", "wrap"]


def harmonics(X, period, origin, n_harmonics):
    """(n, 2 H d): sin(2 pi h (x - origin) / period) and its cosine, for each column of X, for h = 1..H, in that order.

    X (n, d) float32 or float64; NaN gives NaN | period, origin (d,) float64, in the unit of X, period > 0 | the
    difference x - origin is rounded to float64, and its multiples of the period fall away without rounding
    """
    out = np.empty((len(X), X.shape[1], n_harmonics, 2), X.dtype)
    for (i, j), r in np.ndenumerate(wrap(X.astype(np.float64), period, origin)):
        for h in range(n_harmonics):
            angle = 2 * math.pi * (h + 1) * (r / period[j])
            out[i, j, h] = math.sin(angle), math.cos(angle)
    return out.reshape(len(X), -1)


def wrap(X, period, origin):
    """(n, d): (x - origin) modulo the period, from 0 up to the period, in the dtype of X.

    Shapes and dtypes as in `harmonics`. The period itself comes out where rounding makes it so: -1e-20 modulo 1 is 1.0.
    """
    out = np.empty_like(X)
    for (i, j), x in np.ndenumerate(X):
        out[i, j] = (float(x) - float(origin[j])) % float(period[j])
    return out
