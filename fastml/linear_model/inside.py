"""The squared hinge of two classes by Newton's method on the rows within the margin.

A row beyond the margin has neither slope nor curvature. So a step reads the rows within it, makes second derivatives of
those that came and went since the step before, and goes as far as is best along its line, where the scores are all
that counts. O. Chapelle, Training a support vector machine in the primal, Neural Computation 19 (2007).
"""

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import dpotrf, dpotrs

from fastml.linear_model import solvers
from fastml.linear_model.columns import NO_WEIGHT, refuse_huge
from fastml.linear_model.margins import Margins
from fastml_ext import linear as kernels

__all__ = ["Inside", "newton"]

HELD = 2**22  # values of rows that are copied at once
BLOCK = 2**12  # rows whose sum is of their own dtype
FADED = 0.1  # of the rows that sums were made of: with fewer left, they are made anew
SWEEPS = 4  # over the dual: they tell which rows will be within the margin where few are
SLOPE_LEFT, LONGEST = 0.1, 30  # of a line's slope at its start, where its search ends, and trials


class Inside:
    """Rows within the margin, and the sums of their products: columns of X and one of ones."""

    def __init__(self, X, y, n_jobs=None):
        self.X, self.y, self.n_jobs = X, y, n_jobs
        self.rows, self.G, self.most = np.zeros(len(y), bool), np.zeros((X.shape[1] + 1,) * 2), 0

    def take(self, weight):
        """The rows' weights: a multiple of those before."""
        self.unit = weight.max()
        shares = weight / self.unit
        self.counted = shares > 0.0
        self.shares = NO_WEIGHT if (shares == 1.0).all() else shares

    def products(self, at):
        """Sums over the rows `at`, (d + 1, d + 1)."""
        d, total = self.X.shape[1], np.zeros_like(self.G)
        size = max(1, HELD // (d + 1))
        for first in range(0, len(at), size):
            part = at[first : first + size]
            rows, shares = self.X[part], self.shares[part] if len(self.shares) else NO_WEIGHT
            total += kernels.gram(rows, shares, np.zeros(d), np.ones(d), self.n_jobs)
        return total

    def move_to(self, rows):
        """The sums of other rows, from those there are where few come and go."""
        count = np.count_nonzero(rows)
        changed = np.count_nonzero(rows != self.rows)
        if changed >= count or count < FADED * self.most:
            self.G, self.most = self.products(np.flatnonzero(rows)), count
        elif changed:
            came, went = np.flatnonzero(rows & ~self.rows), np.flatnonzero(self.rows & ~rows)
            if len(came):
                self.G = self.G + self.products(came)
            if len(went):
                self.G = self.G - self.products(went)
            self.most = max(self.most, count)
        self.rows = rows
        return self.G

    def scores(self, coef, intercept):
        if sp.issparse(self.X):
            return self.X @ coef + intercept
        both = coef[None, :].astype(self.X.dtype), np.array([intercept], self.X.dtype)
        return kernels.scores(self.X, *both, self.n_jobs)[:, 0].astype(np.float64)

    def back(self, slopes):
        """Sums of rows [x, 1] times slopes (n,), most of which may be 0; in blocks, as those of float32 need."""
        X, total = self.X, np.append(np.zeros(self.X.shape[1]), slopes.sum())
        if sp.issparse(X):
            total[:-1] = X.T @ slopes
            return total
        at = np.flatnonzero(slopes)
        few = 2 * len(at) < len(slopes)
        own, count = slopes.astype(X.dtype), len(at) if few else len(slopes)
        for first in range(0, count, BLOCK):
            rows = at[first : first + BLOCK] if few else slice(first, first + BLOCK)
            total[:-1] += X[rows].T @ own[rows]
        return total


def newton(objective, u, tol, max_iter, inside=None, close=None):
    """(a `Solution`, its `Inside`); inside: that of the same rows where u is near the optimum, None elsewhere."""
    before = 0
    if inside is None:
        inside = Inside(objective.X, objective.Y, objective.n_jobs)
        u, before = start(objective, u, max_iter)
    inside.take(objective.weight)
    y, size = inside.y, np.append(objective.scale, 1.0 if objective.fit_intercept else 0.0)
    cost, penalty = objective.weight / objective.total, objective.penalties()
    close = close or (solvers.CLOSE if objective.X.dtype == np.float64 else solvers.CLOSE_SINGLES)
    m, history = y * inside.scores(u[:-1] * size[:-1], u[-1] * size[-1]), []
    for iteration in range(before, max_iter + 1):
        short = np.maximum(1.0 - m, 0.0) * inside.counted
        gradient = inside.back(-2.0 * cost * y * short) * size + penalty * u
        value = cost @ short**2 + 0.5 * (penalty @ u**2)
        history.append(value)
        if not np.isfinite(gradient).all():
            refuse_huge(objective.X)
        H = inside.move_to(short > 0.0) * (2.0 * inside.unit / objective.total * size[:, None] * size)
        H.flat[:: len(H) + 1] += penalty
        step = solved(H, gradient)
        gain, left = gradient @ step, np.abs(gradient).max()
        if (left <= tol and gain <= close * abs(value)) or (gain <= solvers.seen(objective, value) and u.any()):
            return solvers.Solution(u, value, iteration, True, history, gradient), inside
        move = -y * inside.scores(step[:-1] * size[:-1], step[-1] * size[-1])
        t = length(m, move, cost, (penalty * u) @ step, penalty @ step**2)
        u, m = u - t * step, m + t * move
    return solvers.Solution(u, value, max_iter, bool(left <= tol), history, gradient), inside


def start(objective, u, max_iter):
    """(about where the optimum is, iterations spent): by some of the rows of many, or by sweeps over the dual."""
    if objective.n >= solvers.MANY_ROWS and objective.n >= 100 * objective.d and max_iter >= solvers.ENOUGH:
        rough = newton(objective.some_rows(solvers.SHARE), u, 1e-2, max_iter, close=solvers.ROUGHLY)[0]
        return rough.u, rough.n_iter
    most = min(SWEEPS, max_iter)
    bias = np.sqrt(1.0 / objective.total / objective.l2_intercept) if objective.fit_intercept else 0.0
    y, cost = objective.Y[None], objective.weight[None]
    found = Margins(objective.X, y, cost, True, bias, 1e-4, objective.n_jobs)
    with np.errstate(over="ignore", invalid="ignore"):
        found.sweep(most, 0)
        better = found.primal(found.W, y, cost)[0] < cost.sum()
        swept = objective.point(found.W[:, :-1], bias * found.W[:, -1])
    return (swept if better and np.isfinite(swept).all() else u), most


def solved(H, gradient):
    """H^-1 gradient; where H has lost its digits, as little as makes it regular is added."""
    diagonal = H.diagonal()
    lengths = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    unit = H / (lengths[:, None] * lengths)
    extra = 0.0
    for _ in range(12):
        unit.flat[:: len(unit) + 1] = 1.0 + extra
        factor, failed = dpotrf(unit.T, lower=1, clean=0)
        if not failed:
            return dpotrs(factor, gradient / lengths, lower=1)[0] / lengths
        extra = max(10.0 * extra, 1e-12)
    return gradient / lengths**2


def length(m, move, cost, flat, square):
    """How far along margins m + t move (n,) the objective falls: a zero of its slope, which never falls with t.

    flat, square: of the penalty, whose slope is t square - flat
    """
    low, high, t, first = 0.0, np.inf, 1.0, None
    weighed = 2.0 * cost * move
    first = -flat - np.maximum(1.0 - m, 0.0) @ weighed
    for _ in range(LONGEST):
        short = 1.0 - (m + t * move)
        slope = t * square - flat - np.maximum(short, 0.0) @ weighed
        if abs(slope) <= SLOPE_LEFT * abs(first):
            break
        low, high = (t, high) if slope < 0.0 else (low, t)
        curve = square + np.where(short > 0.0, move, 0.0) @ weighed
        t -= slope / curve if curve > 0.0 else 0.0
        if not low < t < high:
            t = 2.0 * low if high == np.inf else 0.5 * (low + high)
    return t
