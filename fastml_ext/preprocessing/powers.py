"""Power transformations of columns, and how likely normal numbers are behind them. Contract: reference.py.

Rows are read as one line of numbers, a block at a time, beside which the exponents of their columns are laid out: one
loop without a branch, whatever the number of columns is, which becomes code for whole registers.
"""

import numpy as np

from fastml_ext import pool
from fastml_ext.device.logarithms import exp, log, log1p
from fastml_ext.device.numbers import expm1
from fastml_ext.jit import kernel

__all__ = ["power_columns", "power_likelihood", "unpower_columns"]

BLOCK = 512  # numbers that are worked on together
EPS = 2.0**-52
TINY = 2.0**-1022
FAR = 708.0  # from there on exponentials are left to libm, which knows of infinity
COST = 2.0  # ns a number
INFINITE, NO_NUMBER = 1, 2  # what a result says of the table


def power_columns(X, lambdas, box_cox, centre=None, scale=None, n_jobs=None):
    """Each column transformed by its exponent, then centred and scaled. Contract: reference.py."""
    out, found = _run(_powers, X, lambdas, box_cox, centre, scale, n_jobs)
    return None if found & INFINITE else out


def unpower_columns(X, lambdas, box_cox, centre=None, scale=None, n_jobs=None):
    """The numbers whose transformation X is, and whether one is none. Contract: reference.py."""
    out, found = _run(_unpowers, X, lambdas, box_cox, centre, scale, n_jobs)
    return None if found & INFINITE else (out, bool(found & NO_NUMBER))


def _run(call, X, lambdas, box_cox, centre, scale, n_jobs):
    n, d = X.shape
    out, found = np.empty((n, d), X.dtype), 0
    wide = max(1, BLOCK // max(d, 1))  # rows of a block
    tiled = [np.tile(lambdas, wide)]
    tiled += [np.tile(values, wide) if centre is not None else np.empty(0, X.dtype) for values in (centre, scale)]
    given = X.reshape(-1), wide * d, d, *tiled, bool(box_cox), out.reshape(-1)
    for more in pool.run(call, n, *given, cost=COST * d, n_jobs=n_jobs):
        found |= more
    return out, found


@kernel
def _powers(start, stop, X, most, d, lambdas, centre, scale, box_cox, out):
    """The rows from start to stop of X, read as one line; what of INFINITE and NO_NUMBER is true."""
    work = np.empty(most)
    found = 0
    for first in range(start * d, stop * d, most):
        m = min(most, stop * d - first)
        x = X[first : first + m]
        y = out[first : first + m]
        found |= INFINITE * _any_infinite(x)
        if box_cox:
            for k in range(m):
                work[k] = log(np.float64(x[k]))
        else:
            for k in range(m):
                work[k] = log1p(abs(np.float64(x[k])))
        far = 0
        for k in range(m):
            negative = x[k] < 0 and not box_cox
            exponent = 2.0 - lambdas[k] if negative else lambdas[k]
            size = _power(work[k], exponent)
            far |= exponent * work[k] > FAR
            y[k] = -size if negative else size
        if far:
            _far_powers(x, work, lambdas, box_cox, y)
        if len(centre):
            for k in range(m):
                y[k] = (y[k] - centre[k]) / scale[k]
    return found


@kernel
def _any_infinite(x):
    found = 0
    for k in range(len(x)):
        found |= abs(x[k]) == np.inf
    return found


@kernel
def _power(logarithm, exponent):
    """The number's power less 1, divided by the exponent; within 708 of 0 where that is not 0. NaN stays."""
    by = exponent if abs(exponent) > EPS else 1.0
    power = expm1(exponent * logarithm) / by
    power = power if abs(exponent) > EPS else logarithm
    return power if logarithm == logarithm else logarithm


@kernel
def _far_powers(x, logs, lambdas, box_cox, y):
    for k in range(len(x)):
        negative = x[k] < 0 and not box_cox
        exponent = 2.0 - lambdas[k] if negative else lambdas[k]
        if exponent * logs[k] > FAR:
            size = np.expm1(exponent * logs[k]) / exponent
            y[k] = -size if negative else size


@kernel
def _unpowers(start, stop, X, most, d, lambdas, centre, scale, box_cox, out):
    """As `_powers`, backwards."""
    work = np.empty(most)
    found = 0
    for first in range(start * d, stop * d, most):
        m = min(most, stop * d - first)
        x = X[first : first + m]
        y = out[first : first + m]
        found |= INFINITE * _any_infinite(x)
        if len(centre):
            for k in range(m):
                y[k] = x[k] * scale[k]
                y[k] = y[k] + centre[k]
        else:
            for k in range(m):
                y[k] = x[k]
        for k in range(m):
            z = np.float64(y[k])
            negative = z < 0.0 and not box_cox
            exponent = 2.0 - lambdas[k] if negative else lambdas[k]
            z = abs(z) if negative else z
            by = exponent if abs(exponent) > EPS else 1.0
            logarithm = log1p(exponent * z) / by
            work[k] = logarithm if abs(exponent) > EPS else z
        _exponentials(work, box_cox, y)
        none = 0
        for k in range(m):
            none |= (y[k] != y[k]) & (x[k] == x[k])
        found |= NO_NUMBER * none
    return found


@kernel
def _exponentials(logs, box_cox, y):
    """y becomes exp(logs) where box_cox, else exp(logs) - 1 with the sign of y."""
    far = 0
    for k in range(len(y)):
        far |= not abs(logs[k]) < FAR
        size = exp(logs[k]) if box_cox else expm1(logs[k])
        y[k] = -size if y[k] < 0 and not box_cox else size
    if far:
        for k in range(len(y)):
            if not abs(logs[k]) < FAR:
                size = np.exp(logs[k]) if box_cox else np.expm1(logs[k])
                y[k] = -size if y[k] < 0 and not box_cox else size


@kernel
def power_likelihood(logs, lmbda, box_cox):
    """The log-likelihood of an exponent. Contract: reference.py.

    Powers of Box and Cox's that would be large are divided by the largest, whose logarithm is added in the end.
    """
    n, total, shift = len(logs), 0.0, 0.0
    count, mean, squares = 0.0, 0.0, 0.0
    work, sums = np.zeros(BLOCK), np.zeros(BLOCK)
    if box_cox:
        for i in range(n):
            shift = max(shift, lmbda * logs[i])
    shift = shift if shift > 1.0 else 0.0
    for first in range(0, n, BLOCK):
        size = min(BLOCK, n - first)
        block = logs[first : first + size]
        _transformed(block, lmbda, box_cox, shift, work)
        for i in range(size):
            sums[i] = block[i]
        total += _sum(sums, size)
        for i in range(size):
            sums[i] = work[i] - work[0]
        centre = work[0] + _sum(sums, size) / size
        for i in range(size):
            sums[i] = (work[i] - centre) * (work[i] - centre)
        apart = centre - mean if count else centre  # Chan, Golub and LeVeque 1983, equation 1.5
        share = size / (count + size)
        squares += _sum(sums, size) + apart * apart * (count * share)
        mean = mean + apart * share if count else centre
        count += size
    if squares / n < TINY:
        return np.inf
    variance = np.log(squares / n)
    if shift:
        variance += 2.0 * shift - 2.0 * np.log(abs(lmbda))
    return (lmbda - 1.0) * total - 0.5 * n * variance


@kernel
def _transformed(logs, lmbda, box_cox, shift, work):
    """The powers of a block; with a shift exp(lmbda log(x) - shift) less 1, which has the same variance."""
    far = 0
    if shift:
        for i in range(len(logs)):
            work[i] = expm1(lmbda * logs[i] - shift)
        return
    for i in range(len(logs)):
        negative = logs[i] < 0.0 and not box_cox
        exponent = 2.0 - lmbda if negative else lmbda
        size = -logs[i] if negative else logs[i]
        far |= exponent * size > FAR
        power = _power(size, exponent)
        work[i] = -power if negative else power
    if far:
        _far_powers(logs, np.abs(logs), np.full(len(logs), lmbda), box_cox, work)


@kernel
def _sum(x, n):
    """Sum of x[:n]; halves are added to one another, so that the order is one for all registers. x is overwritten."""
    for i in range(n, BLOCK):
        x[i] = 0.0
    half = BLOCK // 2
    while half:
        for i in range(half):
            x[i] += x[half + i]
        half //= 2
    return x[0]
