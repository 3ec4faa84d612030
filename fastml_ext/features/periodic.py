"""Sines, cosines and remainders of columns with a period. Contract: reference/periodic.py."""

import math

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel

__all__ = ["harmonics", "wrap"]

FAR = 2.0**50  # periods, from where on the number of whole ones is not found by one product
BLOCK = 256  # numbers of a column worked on together: three buffers of 2 KB

# Taylor's series of sin(2 pi a) / a and cos(2 pi a) in a^2, to 1e-18 for |a| <= 1/8; the highest power first.
TURN = 2 * math.pi
SINE = tuple((-1) ** k * TURN ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(8, -1, -1))
COSINE = tuple((-1) ** k * TURN ** (2 * k) / math.factorial(2 * k) for k in range(8, -1, -1))


def harmonics(X, period, origin, n_harmonics, n_jobs=None):
    """Sines and cosines of the multiples of a period's angle. Contract: reference/periodic.py."""
    n, d = X.shape
    out = np.empty((n, 2 * n_harmonics * d), X.dtype)
    cost = d * (3.0 + 2.0 * n_harmonics)
    pool.run(_harmonics, n, X, period, origin, n_harmonics, out, cost=cost, n_jobs=n_jobs)
    return out


def wrap(X, period, origin, n_jobs=None):
    """The place of each number within its period. Contract: reference/periodic.py."""
    out = np.empty(X.shape, X.dtype)
    pool.run(_wrap, len(X), X, period, origin, out, cost=10.0 * X.shape[1], n_jobs=n_jobs)
    return out


@kernel
def _harmonics(start, stop, X, period, origin, n_harmonics, out):
    angle = np.empty(BLOCK)
    sine = np.empty(BLOCK)
    cosine = np.empty(BLOCK)
    for first in range(start, stop, BLOCK):
        m = min(BLOCK, stop - first)
        for j in range(X.shape[1]):
            far = FAR * period[j]
            for i in range(m):
                x = np.float64(X[first + i, j]) - origin[j]
                angle[i] = x % period[j] if abs(x) > far else x
            _turn(m, angle, period[j], sine, cosine)
            at = 2 * n_harmonics * j
            for i in range(m):
                s, c = sine[i], cosine[i]
                sh, ch = s, c
                out[first + i, at] = s
                out[first + i, at + 1] = c
                for h in range(1, n_harmonics):  # (cos + i sin)^(h + 1): one rounding a step, and no more sines
                    sh, ch = sh * c + ch * s, ch * c - sh * s
                    out[first + i, at + 2 * h] = sh
                    out[first + i, at + 2 * h + 1] = ch


@kernel
def _turn(m, x, period, sine, cosine):
    """Sine and cosine of x[:m] / period turns, without a branch, so that it is vectorised."""
    inverse = 1.0 / period
    for i in range(m):
        whole = math.floor(x[i] * inverse + 0.5)
        t = (x[i] - whole * period) * inverse  # product and difference are rounded once, together
        k = math.floor(4.0 * t + 0.5)
        a = t - 0.25 * k
        z = a * a
        s = SINE[0]
        c = COSINE[0]
        for p in range(1, 9):
            s = s * z + SINE[p]
            c = c * z + COSINE[p]
        s *= a
        odd = k * k == 1.0
        sine[i] = (c if odd else s) * (-1.0 if (k < 0.0 or k > 1.5) else 1.0) + 0.0
        cosine[i] = (s if odd else c) * (-1.0 if (k > 0.5 or k < -1.5) else 1.0) + 0.0  # no zero is negative


@kernel
def _wrap(start, stop, X, period, origin, out):
    for i in range(start, stop):
        for j in range(X.shape[1]):
            out[i, j] = (np.float64(X[i, j]) - origin[j]) % period[j]
