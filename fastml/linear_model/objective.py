"""The objective of the models trained to the optimum, seen through coordinates in which it is well conditioned."""

import copy

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from fastml.linear_model.columns import SMALLEST, column_scales, moved_columns, refuse_huge, spread_rows
from fastml_ext import linear as kernels
from fastml_ext.linear.codes import LOSSES

__all__ = ["Objective"]

SETTLED = 0.03  # of the loss's curvature at 0 is left at a typical optimum, where most rows are far from the boundary
FEW_COLUMNS = 1000  # up to here d x d matrices are made and factored
SMALL_TABLE, SMALL_HESSIAN = 200_000, 5_000_000  # values in one pass, products in one Hessian
IN_CACHE = 2**15  # numbers of a table that are worked on at once
ROWS_TO_LOOK_AT = 4000  # at least this many, spread over the table, tell how the columns are correlated


class Objective:
    """mean loss + l2/2 sum_j |w_j|^2, of weights (k, d + 1) that are seen as `points` u, a flat vector.

    form: "raw", u is w; "scaled", u are the weights of centred columns of unit variance, or less where the penalty
    outweighs the data, so that all curvatures are about one; "white", of columns that are uncorrelated too, where they
    are few. What the user is told (values, gradient norms, weights) is in units of X; a column that stands far from 0
    has the gradient of the column moved there.
    """

    def __init__(
        self, loss, X, Y, weight, k, l2, fit_intercept, *, l2_intercept=0.0, form="scaled", centred=True, n_jobs=None
    ):
        self.code, self.X, self.Y, self.weight, self.k = LOSSES[loss], X, Y, weight, k
        self.n, self.d = X.shape
        self.l2, self.fit_intercept, self.l2_intercept, self.n_jobs = l2, fit_intercept, l2_intercept, n_jobs
        self.form, self.total = form, float(weight.sum()) if len(weight) else float(self.n)
        self.shift, self.centre, self.scale = np.zeros(self.d), np.zeros(self.d), np.ones(self.d)
        if form != "raw":
            if fit_intercept and centred:
                self.X, self.shift, self.centre, self.scale, sums = moved_columns(X, weight)
                if sums is not None:  # no value is written: the intercept takes up what the means of columns bring
                    self.centre = sums[:, 1] / self.total
            else:
                self.scale = column_scales(X, weight)
            if l2 == 0:
                self._drop_specks()
            # A rare column of unit variance would be all penalty, and the worst conditioned of them all.
            self.scale = 1.0 / np.hypot(1.0 / self.scale, np.sqrt(l2 / (SETTLED * self.share())))
        self.factor = self._correlations() if form == "white" and self.d <= FEW_COLUMNS else None
        self.curvature = np.empty((self.n, k))

    def _drop_specks(self):
        """Columns all but 0 become 0: their weights, held down by no penalty, would be beyond what X can hold."""
        specks = self.scale >= 1.0 / SMALLEST[self.X.dtype.itemsize]
        if not specks.any():
            return
        self.X = self.X.copy()
        if sp.issparse(self.X):
            self.X.data[specks[self.X.indices]] = 0.0
        else:
            self.X[:, specks] = 0.0
        for each, left in ((self.shift, 0.0), (self.centre, 0.0), (self.scale, 1.0)):
            each[specks] = left

    def _correlations(self):
        """Cholesky factor L of the Hessian at 0 in scaled coordinates, from some of the rows: u -> L^-T u whitens."""
        rows = self.X[spread_rows(self.n, max(ROWS_TO_LOOK_AT, 8 * self.d))]
        H = kernels.gram(rows, np.empty(0), self.centre, self.scale, self.n_jobs)[:-1, :-1] / rows.shape[0]
        H = self.share() * H + np.diag(self._penalty())
        H[np.diag_indices_from(H)] += 1e-6 * max(np.trace(H) / self.d, 1e-300)
        return scipy.linalg.cholesky(H, lower=True)

    def _penalty(self):
        """(d,): the curvature of the l2 penalty along each scaled weight."""
        return (np.sqrt(self.l2) * self.scale) ** 2  # scale**2 alone may overflow

    def diagonal(self):
        """Second derivatives at weights of 0 along each entry of u, (k (d + 1),), for u that are not whitened."""
        penalty = self._penalty()
        of_columns = self.share() - penalty / SETTLED + penalty
        return np.tile(np.append(of_columns, self.share() + self.l2_intercept), self.k)

    def share(self):
        """Curvature of the loss of one score at 0."""
        if self.code == LOSSES["log"]:
            return 0.25 if self.k == 1 else (self.k - 1) / self.k**2
        return 2.0 if self.code == LOSSES["squared_hinge"] else 1.0

    def some_rows(self, share):
        """The objective of one row in `share`, in the same coordinates."""
        part, at = copy.copy(self), spread_rows(self.n, self.n // share)
        part.X, part.Y = self.X[at], self.Y[at]
        part.weight = self.weight[at] if len(self.weight) else self.weight
        part.n = part.X.shape[0]
        part.total = float(part.weight.sum()) if len(part.weight) else float(part.n)
        part.curvature = np.empty((part.n, self.k))
        return part if part.total > 0 else self

    def of_class(self, Y, weight, l2, l2_intercept):
        """The objective of other targets, weights and strengths, in the same coordinates, none of them white."""
        other = copy.copy(self)
        other.Y, other.weight, other.total = Y, weight, float(weight.sum())
        other.l2, other.l2_intercept = l2, l2_intercept
        return other

    def weights(self, u):
        """(coef (k, d), intercept (k,)) for X as it was given."""
        coef, intercept = self._inner(u)
        return coef, intercept - coef @ self.shift

    def _inner(self, u):
        """As `weights`, for X as it was moved."""
        U = u.reshape(self.k, self.d + 1)
        coef = U[:, :-1]
        if self.factor is not None:
            coef = scipy.linalg.solve_triangular(self.factor, coef.T, lower=True, trans="T").T
        coef = coef * self.scale
        intercept = U[:, -1] - coef @ self.centre if self.fit_intercept else np.zeros(self.k)
        return coef, intercept

    def point(self, coef, intercept):
        """The u of given weights."""
        scaled = coef / self.scale
        if self.factor is not None:
            scaled = (self.factor.T @ scaled.T).T
        return np.column_stack([scaled, intercept + coef @ (self.centre + self.shift)]).ravel()

    def _back(self, gradient):
        """A gradient by [coef, intercept] (k, d + 1) as one by u."""
        coef = (gradient[:, :-1] - gradient[:, -1:] * self.centre) * self.scale
        if self.factor is not None:
            coef = scipy.linalg.solve_triangular(self.factor, coef.T, lower=True).T
        last = gradient[:, -1:] if self.fit_intercept else np.zeros((self.k, 1))
        return np.concatenate([coef, last], axis=1).ravel()

    def __call__(self, u, curvature=True):
        """(value, gradient by u); the curvature is kept for `hessian` and `product`."""
        coef, intercept = self._inner(u)
        kept = self.curvature if curvature else self.curvature[:0]
        with np.errstate(over="ignore", invalid="ignore"):
            losses, gradient = kernels.evaluate(
                self.code, self.X, self.Y, self.weight, coef, intercept.astype(self.X.dtype), kept, self.n_jobs
            )
        gradient = gradient / self.total
        if self.form != "raw" and not np.isfinite(gradient).all():
            refuse_huge(self.X)
        gradient[:, :-1] += self.l2 * coef
        gradient[:, -1] += self.l2_intercept * intercept
        self.gradient_norm = float(np.abs(gradient if self.fit_intercept else gradient[:, :-1]).max())
        penalty = np.sum((np.sqrt(self.l2) * coef) ** 2) + self.l2_intercept * np.sum(intercept**2)
        return losses / self.total + 0.5 * penalty, self._back(gradient)

    def is_small(self):
        known = self.code in (LOSSES["log"], LOSSES["squared_hinge"])
        return known and small_table(self.n, self.d, self.k)

    def table(self):
        """(Z, weight, l2) such that the objective is sum weight loss(U z) + sum l2 u^2 / 2 of u not whitened."""
        X, Z = self.X.toarray() if sp.issparse(self.X) else self.X, np.empty((self.n, self.d + 1))
        size = max(1, IN_CACHE // (self.d + 1))
        for first in range(0, self.n, size):
            rows = Z[first : first + size]
            np.subtract(X[first : first + size], self.centre, out=rows[:, :-1])
            rows[:, :-1] *= self.scale
            rows[:, -1] = self.fit_intercept
        weight = self.weight / self.total if len(self.weight) else np.full(self.n, 1.0 / self.total)
        l2 = self.penalties()
        if self.l2 == 0:
            l2[:-1][~Z[:, :-1].any(axis=0)] = 1.0
        return Z, weight, l2

    def penalties(self):
        """(d + 1,): the curvature of the penalty along each entry of u; of what has no weight, 1."""
        return np.append(self._penalty(), self.l2_intercept if self.fit_intercept else 1.0)

    def product(self, v):
        """Hessian by u, at the last point called, times v."""
        V = v.reshape(self.k, self.d + 1)
        coef, intercept = self._inner(V)
        both = np.column_stack([coef, intercept])
        result = kernels.hessian_product(self.X, self.weight, self.curvature, both, self.n_jobs) / self.total
        result[:, :-1] += self.l2 * coef
        result[:, -1] += self.l2_intercept * intercept
        return self._back(result)

    def hessian(self):
        """Hessian by u, (k (d + 1),) * 2, at the last point called, for u that are not whitened.

        What the objective does not see is given a curvature of its own: the weight of a column of zeros, an intercept
        that is not there, and with several scores what all intercepts have in common.
        """
        k, p = self.k, self.d + 1
        if k > 1 and not sp.issparse(self.X):
            arrays = self.X, self.weight, self.curvature, self.centre, self.scale
            return self._regular(kernels.softmax_hessian(*arrays, self.n_jobs) / self.total)
        H = np.zeros((k, p, k, p))
        for a in range(k):
            for b in range(a + 1):
                H[a, :, b] = self._gram(self._curvature(a, b)) / self.total
                H[b, :, a] = H[a, :, b]
        return self._regular(H)

    def hessian_of(self, columns):
        """The rows and columns of `hessian` that belong to `columns` (indices) and the intercept; of one score."""
        part = copy.copy(self)
        part.X = self.X[:, columns] if sp.issparse(self.X) else self.X.take(columns, axis=1)
        part.d = len(columns)
        part.centre, part.scale = self.centre[columns], self.scale[columns]
        return part.own_hessian(0)

    def own_hessian(self, c):
        """The block of `hessian` that belongs to score c."""
        return self._regular_block(self._gram(self._curvature(c, c)) / self.total)

    def _curvature(self, a, b):
        if self.k == 1:
            return self.curvature[:, 0]
        shares = self.curvature[:, a] * ((a == b) - self.curvature[:, b])
        return shares * self.weight if len(self.weight) else shares

    def _gram(self, curvature):
        if not (curvature < 0).any():
            return kernels.gram(self.X, curvature, self.centre, self.scale, self.n_jobs)
        return -kernels.gram(self.X, -curvature, self.centre, self.scale, self.n_jobs)

    def _regular(self, H):
        k, p = self.k, self.d + 1
        for a in range(k):
            H[a, :, a] = self._regular_block(H[a, :, a])
            if not self.fit_intercept:
                H[a, -1], H[:, :, a, -1] = 0.0, 0.0
                H[a, -1, a, -1] = 1.0
        if k > 1 and self.fit_intercept and self.l2_intercept == 0:
            H[:, -1, :, -1] += self.share() / k
        return H.reshape(k * p, k * p)

    def _regular_block(self, own):
        to_intercept = np.append(-self.centre * self.scale, 1.0)
        own[np.diag_indices(self.d)] += self._penalty()
        own += self.l2_intercept * np.outer(to_intercept, to_intercept)
        own[np.diag_indices(self.d)] += own.diagonal()[:-1] == 0
        if not self.fit_intercept:
            own[-1], own[:, -1] = 0.0, 0.0
            own[-1, -1] = 1.0
        return own


def small_table(n, d, k):
    """Whether all of Newton's method costs little more than calling the kernels of its parts would."""
    size = k * (d + 1)
    return n * size <= SMALL_TABLE and n * size**2 <= SMALL_HESSIAN
