"""Least squares of a dense table by one pass: the normal equations, or of a wide table those of its rows.

What comes out is checked, by the condition of the system and what rounding it was made with; where that is not enough
a second pass corrects it, and where this cannot be enough either, None sends the caller to the singular values.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpocon, dpotrf, dpotrs

from fastml.linear_model.columns import spread_rows
from fastml_ext import blas
from fastml_ext import linear as kernels

__all__ = ["ROUNDING", "Fitted", "Sums", "by_columns", "by_rows", "solve"]

SMALL, NARROW = 3_000_000, 100  # products, columns: up to here all of it is one kernel's work
SEEN = 64  # rows that tell about where a column stands
FAR = {4: 2.0, 8: 100.0}  # by the bytes of a number: a mean of so many spreads is taken off before sums are made
FARTHEST = 100.0  # times that at the end, and the sums have lost too many digits
ROUNDING = {4: 3e-7, 8: 4e-16}  # of the products of two columns, relative to their lengths
ENOUGH = {4: 1e-4, 8: 1e-10}  # so much may the condition make of the rounding, or there is a second pass
WELL_CONDITIONED = 1e-8  # as reciprocal of the condition


class Fitted(NamedTuple):
    """Weights and what they are the weights of."""

    coef: np.ndarray  # (k, d)
    centre: np.ndarray  # (d,)
    means: np.ndarray  # (k,): of Y
    G: np.ndarray  # products of the centred columns (d, d), or of the centred rows (n, n)


def by_columns(X, Y, weight, alphas, free, n_jobs=None):
    """`Fitted`, or None where the columns are too near to dependent, or some sum is not finite."""
    n, d = X.shape
    if n * (d + 1) ** 2 <= SMALL and d <= NARROW:
        coef, centre, means, G, solved = kernels.small_squares(X, Y, weight, alphas, free)
        if solved:
            return Fitted(coef, centre, means, G)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = centred_sums(X, Y, weight, free, n_jobs)
        if sums is None:
            return None

        def residuals(coef, intercept):
            return kernels.residual_moments(X, Y, weight, sums.shift, sums.shift_y, coef, intercept, n_jobs)

        coef = solve(sums, alphas, free, X.dtype.itemsize, residuals)
    if coef is None:
        return None
    return Fitted(coef, sums.shift + sums.centre, sums.shift_y + sums.means, sums.G)


class Sums(NamedTuple):
    """The normal equations of the columns less `shift`, about their means."""

    shift: np.ndarray  # (d,), exact in the dtype of X
    shift_y: np.ndarray  # (k,)
    centre: np.ndarray  # (d,): means of X - shift
    means: np.ndarray  # (k,)
    G: np.ndarray  # (d, d); 0 for constant columns
    right: np.ndarray  # (k, d)
    rounding: float  # of G, relative to the lengths of the columns


def centred_sums(X, Y, weight, free, n_jobs):
    d, size = X.shape[1], X.dtype.itemsize
    shift, shift_y = whereabouts(X, Y, weight) if free else (np.zeros(d), np.zeros(Y.shape[1]))
    for _ in range(2):
        M = kernels.moments(X, Y, weight, shift, shift_y, n_jobs)
        if not np.isfinite(M.diagonal()).all():
            return None
        if not free:
            G, right = np.ascontiguousarray(M[:d, :d]), np.ascontiguousarray(M[d:-1, :d])
            return Sums(shift, shift_y, np.zeros(d), np.zeros(len(shift_y)), G, right, ROUNDING[size])
        count = M[-1, -1]
        means = M[-1, :-1] / count
        C = M[:-1, :-1] - (count * means)[:, None] * means
        squares, centre = C.diagonal()[:d] / count, means[:d]
        constant = squares <= (np.finfo(X.dtype).eps * (shift + centre)) ** 2
        off = np.where(constant, 0.0, centre**2 / np.where(constant, 1.0, squares)).max()
        if not off > (FARTHEST * FAR[size]) ** 2 and not (constant & (centre != 0)).any():
            C[:d][constant] = 0.0
            C[:, :d][:, constant] = 0.0
            rounding = ROUNDING[size] * (1.0 + off)
            return Sums(shift, shift_y, centre, means[d:], np.ascontiguousarray(C[:d, :d]), C[d:, :d], rounding)
        shift, shift_y = (shift + centre).astype(X.dtype).astype(float), shift_y + means[d:]
    return None


def whereabouts(X, Y, weight):
    """(shift (d,), shift_y (k,)): about where columns that stand far from 0 stand, and the targets; by some rows."""
    at = spread_rows(len(X), SEEN) if not len(weight) else np.flatnonzero(weight)[:: max(1, len(weight) // SEEN)]
    rows = X[at].astype(float)
    first = rows[0].copy()
    rows -= first
    mean = np.add.reduce(rows, axis=0) / len(rows)
    rows -= mean
    spread = np.sqrt(np.einsum("ij,ij->j", rows, rows) / len(rows))
    mean += first
    far = (np.abs(mean) > FAR[X.dtype.itemsize] * spread).any() or (X.dtype == np.float32 and len(weight))
    return (mean.astype(X.dtype).astype(float) if far else np.zeros(X.shape[1])), Y[at].mean(axis=0)


def solve(sums, alphas, free, size, residuals):
    """coef (k, d) of the normal equations, corrected by the residuals of a second pass where that is called for.

    size: bytes of a number of X | residuals(coef, intercept): the second pass, as kernels.residual_moments
    """
    coef, factors, doubt = np.zeros(sums.right.shape), {}, 0.0
    for c, alpha in enumerate(alphas):
        if alpha not in factors:
            factors[alpha] = unit_factor(sums.G, alpha)
            if factors[alpha] is None:
                return None
            doubt = max(doubt, sums.rounding / factors[alpha][2])
        coef[c] = step(factors[alpha], sums.right[c])
    if doubt <= ENOUGH[size]:
        return coef
    constant = sums.G.diagonal() == 0
    for _ in range(1 if doubt <= 1e-3 else 2):
        intercept = sums.means - coef @ sums.centre
        left = residuals(coef, intercept)
        gradient = left[:, :-1] - left[:, -1:] * sums.centre - np.asarray(alphas)[:, None] * coef
        if free:
            gradient[:, constant] = 0.0
        before = np.abs(coef).max()
        for c, alpha in enumerate(alphas):
            move = step(factors[alpha], gradient[c])
            coef[c] += move
        if not np.isfinite(coef).all() or np.abs(coef).max() > 10 * max(before, 1e-300):
            return None
    return coef


def unit_factor(G, alpha):
    """(Cholesky factor of G + alpha I with columns of unit length, 1 / their lengths, 1 / condition), or None.

    A column that is 0 throughout is nobody's neighbour: its length is given as 1.
    """
    lengths = G.diagonal() + alpha
    size = 1.0 / np.sqrt(np.where(lengths > 0, lengths, 1.0))
    unit = G * (size[:, None] * size)
    unit.flat[:: len(unit) + 1] = 1.0
    norm = float(np.abs(unit).sum(axis=0).max())
    factor, singular = dpotrf(unit.T, lower=1, clean=0, overwrite_a=1)  # SciPy's cho_factor takes 15 us more a call
    if singular:
        return None
    reciprocal = dpocon(factor, norm, uplo="L")[0]
    return (factor, size, reciprocal) if reciprocal >= WELL_CONDITIONED else None


def step(factor, right):
    lower, size, _ = factor
    return size * dpotrs(lower, size * right, lower=1)[0]


def by_rows(X, Y, weight, alphas, free):
    """`Fitted` of a table with fewer rows than columns, by the products of its rows; of many solutions the shortest."""
    n, d = X.shape
    with np.errstate(over="ignore", invalid="ignore"), blas.single_unless_long(n * n * d):
        root = np.sqrt(weight) if len(weight) else np.ones(n)
        share = root**2 / (root @ root)
        first = X[int(np.argmax(root > 0))].astype(float)
        Z = X - first
        centre, means = (share @ Z, share @ Y) if free else (-first, np.zeros(Y.shape[1]))
        Z -= centre
        if free:
            spread = np.sqrt(share @ (Z * Z))
            Z[:, spread <= np.finfo(X.dtype).eps * np.abs(first + centre)] = 0.0
        T = Y - means
        if len(weight):
            Z, T = Z * root[:, None], T * root[:, None]
        K = Z @ Z.T
        if not np.isfinite(K.diagonal()).all():
            return None
        # What centring has made dependent, the rows' weighted sum, is given a length of its own.
        line = root / np.sqrt(root @ root) * np.sqrt(K.trace() / n) if free else np.zeros(n)
        G = K + line[:, None] * line
        coef, factors = np.zeros((Y.shape[1], d)), {}
        for c, alpha in enumerate(alphas):
            if alpha not in factors:
                factors[alpha] = unit_factor(G, alpha)
                if factors[alpha] is None:
                    return None
            dual = step(factors[alpha], T[:, c])
            dual += step(factors[alpha], T[:, c] - K @ dual - alpha * dual - line * (line @ dual))
            coef[c] = dual @ Z
    return Fitted(coef, first + centre, means, K) if np.isfinite(coef).all() else None
