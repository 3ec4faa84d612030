"""Logistic regression of two classes on tables with fewer rows than columns: the rows' system is the small one."""

import numpy as np
import scipy.sparse as sp

from fastml.linear_model.solvers import Solution
from fastml_ext import blas
from fastml_ext import linear as kernels

__all__ = ["pays", "solve_by_rows"]

MOST_ROWS = 150  # from here on a factor of n x n takes longer than what L-BFGS needs
GAIN = 3e-5  # promised by the last step, relative to the value: it leaves about the square of this


def pays(n, d):
    """Whether a system of the rows is smaller than one of the columns."""
    return n <= MOST_ROWS and n <= 1.6 * d


def solve_by_rows(X, Y, weight, strength, free, tol, max_iter):
    """(coef (d,), intercept, Solution, largest entry of the mean gradient), or None where rounding stops it."""
    n = X.shape[0]
    weight = weight if len(weight) else np.ones(n)
    total = weight.sum()
    with np.errstate(over="ignore", invalid="ignore"), blas.single_for(n * n):
        if sp.issparse(X):
            Z, centre = X.astype(np.float64), np.zeros(X.shape[1])
            K = np.ascontiguousarray((Z @ Z.T).toarray())
        else:
            centre = X[0].astype(float) if free else np.zeros(X.shape[1])
            Z = X - centre
            if free:
                mean = np.add.reduce(Z, axis=0) / n
                Z -= mean
                centre += mean
            K = Z @ Z.T
        if not np.isfinite(K.diagonal()).all():
            return None
        wanted = GAIN
        for _ in range(3):
            a, b, history, done = kernels.wide_newton(K, Y, weight, strength, free, wanted, max_iter)
            coef = a @ Z if not sp.issparse(Z) else Z.T @ a
            f = K @ a + b
            slopes = -weight * Y / (1.0 + np.exp(Y * f))
            left = (slopes + strength * a) / total
            size = float(np.abs(left @ Z if not sp.issparse(Z) else Z.T @ left).max())
            size = max(size, abs(float(slopes.sum())) / total if free else 0.0)
            if size <= tol or len(history) > max_iter or not done:
                break
            wanted *= 1e-6
    if not np.isfinite(coef).all() or (not done and len(history) <= max_iter):
        return None
    found = Solution(coef, history[-1] / total, len(history) - 1, bool(size <= tol), (history / total).tolist())
    return coef, b - coef @ centre, found, size
