"""Least squares: what linear and ridge regression share. Checked input, centred columns, the systems solved."""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse as sp
from scipy.linalg.lapack import dpotrf, dpotrs

from fastml.linear_model.base import LinearRegressor
from fastml.linear_model.columns import NO_WEIGHT, column_scales, moved_columns, refuse_huge
from fastml.linear_model.normal import by_columns, by_rows
from fastml.linear_model.objective import FEW_COLUMNS
from fastml.linear_model.stochastic import weights_of
from fastml_ext import linear as kernels

__all__ = ["LeastSquares", "Problem"]

ACCURATE = {4: 1e-8, 8: 1e-10}  # at least: weights by conjugate gradients, where factors may follow
ROUNDED = 1e-12  # so near to the weights steps do not come, and factors do
FEWEST = 10  # steps: where factors take less time than these, there is no need to try
SMALL = 2**20  # values of a sparse table that is made dense where its columns depend on one another
HELD_AT_ONCE = 2**17  # residuals: 1 MB
WELL_CONDITIONED = 1e-8  # the smallest square of a Cholesky pivot of unit columns that is trusted
TRUSTED = 1e-7  # of a sparse column's mean square: a variance below this has lost too many digits
HUGE = 1e150  # targets beyond this are divided by a power of two, so that no sum of theirs overflows


class Problem(NamedTuple):
    """Rows and targets as the systems take them: the weights sought are those of X - centre and Y - means."""

    X: Any  # (n, d): moved by `shift`, see `columns`
    Y: np.ndarray  # (n, k): divided by `unit`
    weight: np.ndarray  # (n,), or empty
    centre: np.ndarray  # (d,)
    means: np.ndarray  # (k,)
    scale: np.ndarray  # (d,): about 1 / the spread of each column
    shift: np.ndarray  # (d,)
    unit: np.ndarray  # (k,)
    sums: np.ndarray | None = None  # of sparse X, as kernels.column_sums


class LeastSquares(LinearRegressor):
    """What the two share: checked input, centred columns, the systems solved."""

    def _take(self, X, y, sample_weight):
        """(X, Y (n, k), weight), checked; whether a dense X is finite is left to `_by_sums`, and to `_centred`."""
        if sp.issparse(X):
            self._validate_params()
            self._check_sparse()
        X, y = self._check_fit(X, y, finite=False, y_numeric=True, multi_output=True)
        self._flat = y.ndim == 1
        self._one_output = self._flat
        Y = np.ascontiguousarray(y.reshape(len(y), -1), np.float64)
        weight = weights_of(sample_weight, X) if sample_weight is not None else NO_WEIGHT
        return X, Y, weight

    _weighted_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.linear_model.in_parts import fit_least_squares

        fit_least_squares(self, table, reduce)

    def _by_sums(self, X, Y, weight, alphas):
        """`Fitted` of a dense X by one pass over it; None where that is not to be trusted, or X not finite."""
        if type(X) is not np.ndarray:
            return None
        n, d = X.shape
        if d <= FEW_COLUMNS and (d < n or (d <= 50 and min(alphas) > 0)):
            return by_columns(X, Y, weight, alphas, self.fit_intercept, getattr(self, "n_jobs", None))
        return by_rows(X, Y, weight, alphas, self.fit_intercept) if n <= d and n <= FEW_COLUMNS else None

    def _centred(self, X, Y, weight):
        """The `Problem`: with an intercept, columns and targets minus their weighted means."""
        self._check_finite(X)
        unit = np.ones(Y.shape[1])
        if max(Y.max(), -Y.min()) > HUGE:
            top = np.abs(Y).max(axis=0)
            unit = np.where(top > HUGE, np.exp2(np.floor(np.log2(np.maximum(top, 1.0)))), 1.0)
            Y = Y / unit
        if not self.fit_intercept:
            nothing = np.zeros(X.shape[1])
            return Problem(X, Y, weight, nothing, np.zeros(Y.shape[1]), column_scales(X, weight), nothing, unit)
        X, shift, _, scale, sums = moved_columns(X, weight)
        total = weight.sum() if len(weight) else float(X.shape[0])
        share = weight / total if len(weight) else np.full(X.shape[0], 1.0 / total)
        centre = X.T @ share if sums is None else sums[:, 1] / total
        return Problem(X, Y, weight, centre, share @ Y, scale, shift, unit, sums)

    def _store(self, coef, problem):
        """coef (k, d) of the centred problem."""
        with np.errstate(over="ignore", invalid="ignore"):
            intercept = (problem.means - coef @ (problem.centre + problem.shift)) * problem.unit
            coef = coef * problem.unit[:, None]
        return self._keep(coef, intercept, problem.X, problem.Y * problem.unit)

    def _keep(self, coef, intercept, X, Y):
        """coef (k, d) and intercept (k,), stored in the shapes that scikit-learn gives its own."""
        with np.errstate(over="ignore"):
            coef, intercept = coef.astype(X.dtype, copy=False), intercept.astype(X.dtype, copy=False)
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            raise ValueError(
                f"y holds values up to {np.abs(Y).max():.4g}, for which weights of {X.dtype}"
                f" overflow: divide y{', or pass X as float64' if X.dtype == np.float32 else ''}"
            )
        self.coef_ = coef[0] if self._one_output else coef
        if not self.fit_intercept:
            self.intercept_ = 0.0
            return self
        self.intercept_ = intercept[0] if self._one_output and self._flat else intercept
        return self

    def _by_factor(self, problem, alphas, columns=None):
        """coef (k, d) by Cholesky factors of the normal equations, corrected once; None where they are singular.

        columns (k,): the column of Y that each of `alphas` is for; default: the first for the first, and so on
        """
        X, scale = problem.X, problem.scale
        columns = np.arange(len(alphas)) if columns is None else columns
        G = kernels.gram(X, problem.weight, problem.centre, scale, getattr(self, "n_jobs", None))[:-1, :-1]
        if not np.isfinite(G).all():
            refuse_huge(X)
        if sp.issparse(X) and self.fit_intercept and loses_digits(G, problem):
            return None
        factors: dict = {}
        for alpha in alphas:
            if alpha not in factors:
                H = G.copy()
                H.flat[:: len(H) + 1] += alpha * scale**2
                factors[alpha] = unit_factor(H)
            if factors[alpha] is None:
                return None
        coefs = np.zeros((len(alphas), X.shape[1]))
        for _ in range(2):  # the second round takes off what the first left by rounding
            slopes = self._slopes(problem, coefs, columns) - alphas[:, None] * coefs
            for coef, slope, alpha in zip(coefs, slopes, alphas, strict=True):
                factor, size = factors[alpha]
                coef += scale * dpotrs(factor, slope * scale / size, lower=1)[0] / size
        self._gram = G, scale
        return coefs

    def _slopes(self, problem, coefs, columns):
        """Centred X times what `coefs` (k, d) leave of the targets, (k, d); in blocks of rows that fit the cache."""
        X, Y, weight, centre, means = problem[:5]
        if not coefs.any() and len(columns) > Y.shape[1]:
            every = np.arange(Y.shape[1])
            return self._slopes(problem, coefs[: len(every)], every)[columns]
        if sp.issparse(X):
            shifts, targets = coefs @ centre - means[columns], np.ascontiguousarray(Y.T)
            each = zip(columns, coefs, shifts, strict=True)
            sums = [kernels.sparse_residuals(X, weight, targets[c], coef, shift) for c, coef, shift in each]
            return np.array([own[:-1] - own[-1] * centre for own in sums])
        result, sums, moved = np.zeros(coefs.shape), np.zeros(len(coefs)), coefs.any()
        shifts = coefs @ centre - means[columns]
        size = max(256, HELD_AT_ONCE // max(1, len(coefs)))
        for start in range(0, X.shape[0], size):
            rows = X[start : start + size]
            residual = shifts - rows @ coefs.T if moved else shifts
            residual = residual + (Y[start : start + size][:, columns] if Y.shape[1] > 1 else Y[start : start + size])
            if len(weight):
                residual *= weight[start : start + size, None]
            result += np.asarray(rows.T @ residual, float).T
            sums += residual.sum(axis=0)
        return result - sums[:, None] * centre

    def _whole(self, problem):
        """(rows, targets), centred and multiplied with the roots of their weights; dense."""
        X, Y, weight, centre, means = problem[:5]
        rows, targets = (X.toarray() if sp.issparse(X) else X).astype(np.float64) - centre, Y - means
        root = np.sqrt(weight)[:, None] if len(weight) else 1.0
        return rows * root, targets * root

    def _by_conjugates(self, problem, alphas, accuracy, most):
        """(coef (k, d), whether it has that accuracy) of a sparse X, in at most so many steps for each output."""
        X, Y, weight, centre, means = problem[:5]
        sums = kernels.column_sums(X, weight) if problem.sums is None else problem.sums
        total = weight.sum() if len(weight) else X.shape[0]
        squares = np.maximum(sums[:, 2] - total * centre**2, 0.0)
        inverses = np.ones((len(alphas), X.shape[1]))  # steps from 0 are sums of rows, as is the shortest of solutions
        if X.shape[0] > X.shape[1]:
            np.divide(1.0, squares + alphas[:, None], out=inverses, where=alphas[:, None] > 0)
        arrays = X, Y, weight, centre, means, alphas, inverses, accuracy, most, getattr(self, "n_jobs", None)
        coef, _, done = kernels.sparse_squares(*arrays)
        return coef, bool(done.all()) and not (squares <= TRUSTED * total * centre**2)[centre != 0].any()

    def _by_steps(self, problem, alphas, most, direct):
        """coef (k, d) of a sparse X by conjugate gradients; None where factors are better, or are there sooner.

        direct: time of factors, in ns; infinite where there is no other way: then `most` steps, by the user's tol
        """
        (n, d), k = problem.X.shape, len(alphas)
        if direct == np.inf:
            return self._by_conjugates(problem, alphas, 0.01 * self.tol, most)[0]
        most = int(direct / (k * (1e3 + 5.0 * n + 8.0 * d + 1.3 * problem.X.nnz)))
        accuracy = min(0.01 * self.tol, ACCURATE[problem.X.dtype.itemsize])
        if most < FEWEST or accuracy < ROUNDED:
            return None
        coef, done = self._by_conjugates(problem, alphas, accuracy, most)
        return coef if done else None

    def _positive(self, problem, alphas):
        """coef (k, d), none negative, by Lawson and Hanson's active sets."""
        rows, targets = self._whole(problem)
        coefs = []
        for c, alpha in enumerate(alphas):
            below = np.sqrt(alpha) * np.eye(rows.shape[1]) if alpha else np.empty((0, rows.shape[1]))
            right = np.append(targets[:, c], np.zeros(len(below)))
            coefs.append(scipy.optimize.nnls(np.vstack([rows, below]), right)[0])
        return np.array(coefs)


def multiplications(X):
    """Of the largest decomposition that least squares of X may take."""
    n, d = X.shape
    return n + X.nnz + min(n, d) ** 3 / 3.0 if sp.issparse(X) else n * d * min(n, d)


def dense_time(X, product):
    """Of a dense copy of a sparse X, in ns, if it is small enough for one; product: ns for each of its products."""
    n, d = X.shape
    return 1e5 + n * d * (5.0 + product * min(n, d)) if n * d <= SMALL else np.inf


def factor_time(X):
    """Of the normal equations of a sparse X, in ns: their sums, and Cholesky's factor."""
    return 1e5 + X.nnz * (6.0 + X.nnz / max(1, X.shape[0])) + 20.0 * X.shape[1] ** 2 + 0.03 * X.shape[1] ** 3


def loses_digits(G, problem):
    """Whether centring the sums of products of a sparse X leaves too few digits of a column's own."""
    total = problem.weight.sum() if len(problem.weight) else problem.X.shape[0]
    means = problem.centre * problem.scale
    return bool((np.diag(G) <= TRUSTED * total * means**2)[means != 0].any())


def unit_factor(H):
    """(Cholesky factor of H with columns of unit length, their lengths); None where H is singular, or all but that.

    A column that is 0 throughout is nobody's neighbour: its length is given as 1.
    """
    lengths = H.diagonal()
    size = np.sqrt(np.where(lengths > 0, lengths, 1.0))
    unit = H / (size[:, None] * size)
    unit.flat[:: len(unit) + 1] = 1.0
    factor, singular = dpotrf(unit.T, lower=1, clean=0, overwrite_a=1)  # SciPy's cho_factor takes 15 us more a call
    return (factor, size) if not singular and factor.diagonal().min() ** 2 >= WELL_CONDITIONED else None
