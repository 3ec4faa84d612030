"""Support vector machines of two classes each: sweeps over the coordinates of the dual, and Newton's method."""

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import dpotrf, dtrtrs

from fastml.linear_model.objective import FEW_COLUMNS
from fastml_ext import linear as kernels

__all__ = ["ENOUGH", "Margins"]

INSIDE = 50_000_000  # values of a table that may be copied as columns
DIRECT, DIRECT_OF_WIDE = 20_000, 2_000  # values up to which sweeps save nothing; of sparse rows, no more than columns
FEW_SWEEPS, ENOUGH = 12, 20  # iterations: below the second as max_iter, the solver asked for runs and is seen to stop
FEW_OF_HINGES = 31  # on sparse rows: after 30 sweeps the duality gap is looked at, and often it is small enough
MOST_STEPS, LAST_DIGITS = 300, 1e-8  # at most, and the duality gap beside the objective that ends them
OF_A_SYSTEM, CALLS = 4, 2_000_000  # operations of systems in the time of one on a value in a sweep; of calls alone
THIN, NARROW = 5, 80  # times the stored values are no more than the table's, and columns that are few
CLOSER = 0.1  # of tol: where sweeps end, so that their objective is no worse than where others end at tol


def goes_to_last_digits(X, max_iter):
    """Whether Newton's method, whose systems have as many unknowns as rows or columns of X, can finish."""
    n, d = X.shape
    return min(n, d + 1) <= FEW_COLUMNS and n * d <= INSIDE and max_iter >= ENOUGH


def is_thin(X):
    """Whether a pass over the stored values takes far less time than one over a dense table of no few columns."""
    return sp.issparse(X) and X.shape[1] > NARROW and THIN * X.nnz <= X.shape[0] * X.shape[1]


class Margins:
    """k problems, each least |W|^2 / 2 + sum_i cost_i loss(sign_i W [x_i, bias]), and what has been reached.

    Sweeps get far in a few passes over the rows, and to the end where costs are small. Where they do not, Newton's
    method needs some tens of passes, whatever the costs and the scales of the columns.
    """

    def __init__(self, X, signs, costs, squared, bias, tol, n_jobs):
        self.X, self.signs, self.costs, self.squared, self.bias = X, signs, costs, squared, bias
        self.tol, self.n_jobs = tol, n_jobs
        k, n = signs.shape
        self.W, self.alpha, self.gaps = np.zeros((k, X.shape[1] + 1)), np.zeros((k, n)), np.full(k, np.inf)
        self.steps, self.done = np.zeros(k, np.int64), np.zeros(k, bool)

    def solve(self, max_iter, seed, start=None):
        """start: (W, alpha) of a problem like this one."""
        n, d = self.X.shape
        newton = goes_to_last_digits(self.X, max_iter)
        direct = DIRECT_OF_WIDE if sp.issparse(self.X) and n <= d else DIRECT
        if not newton or (start is None and n * min(n, d + 1) > direct):
            few = newton and (self.squared or not is_thin(self.X))
            self.sweep(min(self.few_sweeps(), max_iter) if few else max_iter, seed)
            start = self.W, self.alpha
        if newton and n <= d and not self.done.all():
            self.newton(start, factor_of_rows(self.X, self.bias), True)
            start = self.W, self.alpha
        if newton and not self.done.all():  # or digits that inner products of rows have lost
            self.newton(start, columns_with(self.X, self.bias), False)
        if newton and not self.done.all():  # digits that the systems do not have
            self.sweep(max_iter, seed)
        return self

    def few_sweeps(self):
        """Sweeps that take no longer than Newton's method after them."""
        n, d = self.X.shape
        if not sp.issparse(self.X):
            return FEW_SWEEPS
        few = FEW_SWEEPS if self.squared else FEW_OF_HINGES
        return max(few, int((n**3 + CALLS) // (OF_A_SYSTEM * max(1, self.X.nnz)))) if n <= d else few

    def sweep(self, most, seed):
        """Sweeps over the coordinates of the classes that are not done, from 0."""
        classes = np.flatnonzero(~self.done)
        y, c = self.signs[classes], self.costs[classes]
        with np.errstate(divide="ignore"):
            upper = np.where(c > 0, np.inf if self.squared else c, 0.0)
            diagonal = np.where(c > 0, 0.5 / c, 0.0) if self.squared else np.zeros_like(c)
        path = self.bias, CLOSER * self.tol, most, seed, self.n_jobs
        W, alpha, sweeps, done = kernels.dual_svm(self.X, y, upper, diagonal, *path)
        values = self.primal(W, y, c)
        gaps = values - self.dual(W, alpha, c)
        self.take(classes, W, alpha, gaps, sweeps, done | (gaps <= LAST_DIGITS * values))

    def newton(self, start, table, by_rows):
        """Newton's method on the classes that are not done; by_rows: table is what `factor_of_rows` gives."""
        classes = np.flatnonzero(~self.done)
        y, c = self.signs[classes], self.costs[classes]
        if start is not None:
            W, alpha = (part[classes] if np.ndim(part) else np.zeros_like(c) for part in start)
            start = ((alpha * y) @ table.T if by_rows else W), alpha
        options = self.squared, LAST_DIGITS, MOST_STEPS, start, self.n_jobs
        W, alpha, values, gaps, steps = kernels.augmented_svm(table, y, c, *options)
        if by_rows:
            W, values, gaps = self.from_coordinates(table, W, alpha, y, c)
        self.take(classes, W, alpha, gaps, steps, gaps <= self.tol * values)

    def from_coordinates(self, table, W, alpha, y, c):
        """(weights, objectives, gaps) of W (k, n) in the coordinates of `factor_of_rows`.

        The weights are sums of rows by the dual variables, or by what W itself says, where that is better: the one has
        not reached the last digit that the other has.
        """
        plain, rounded = alpha * y, dtrtrs(table, W.T)[0].T
        by_dual, by_W = (self.sums(shares) for shares in (plain, rounded))
        dual = self.dual(by_dual, alpha, c)
        values, others = self.primal(by_dual, y, c), self.primal(by_W, y, c)
        better = others < values
        by_dual[better], values[better] = by_W[better], others[better]
        return by_dual, values, values - dual

    def sums(self, shares):
        """sum_i shares_i [x_i, bias] for shares (k, n)."""
        return np.column_stack([shares @ self.X, self.bias * shares.sum(axis=1)])

    def primal(self, W, y, c):
        """The objectives (k,) of weights W (k, d + 1)."""
        hinge = np.maximum(0.0, 1.0 - y * (self.X @ W[:, :-1].T + self.bias * W[:, -1]).T)
        return 0.5 * np.einsum("kj,kj->k", W, W) + (c * (hinge**2 if self.squared else hinge)).sum(axis=1)

    def dual(self, W, alpha, c):
        """The dual objectives (k,) where W = sum_i alpha_i sign_i [x_i, bias]."""
        values = alpha.sum(axis=1) - 0.5 * np.einsum("kj,kj->k", W, W)
        if self.squared:
            values -= np.divide(alpha**2, 4.0 * c, out=np.zeros_like(c), where=c > 0).sum(axis=1)
        return values

    def take(self, classes, W, alpha, gaps, steps, done):
        """Keep what is better than what there was."""
        better = gaps <= self.gaps[classes]
        at = classes[better]
        self.W[at], self.alpha[at], self.gaps[at] = W[better], alpha[better], gaps[better]
        self.steps[classes] += steps
        self.done[classes] |= done


def columns_with(X, bias):
    """(d + 1, n) float64: the columns of X (n, d), dense or CSR, and one of `bias`."""
    n, d = X.shape
    table = np.empty((d + 1, n))
    table[:-1] = (X.toarray() if sp.issparse(X) else X).T
    table[-1] = bias
    return table


def factor_of_rows(X, bias):
    """U (n, n) with U'U = X X' + bias^2: columns whose inner products are those of the rows, in as few coordinates."""
    X = X.astype(np.float64, copy=False)
    K = X @ X.T
    K = (K.toarray() if sp.issparse(K) else K) + bias**2
    extra = max(np.trace(K) / len(K), 1e-300)
    for digits in (14, 12, 10, 8):  # so much of a regular matrix makes every K regular
        H = K.copy()
        H.flat[:: len(K) + 1] += 10.0**-digits * extra
        U, failed = dpotrf(H, lower=0, clean=1)
        if not failed:
            return np.ascontiguousarray(U)
    return np.ascontiguousarray(np.diag(np.sqrt(np.diag(H))))
