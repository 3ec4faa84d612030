"""Linear regression and ridge regression: exactly, by gradient descent, or by stochastic gradients."""

from numbers import Integral, Real

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, lsqr
from sklearn.base import clone

from fastml.base import Interval, StrOptions
from fastml.linear_model import solvers
from fastml.linear_model.base import LinearRegressor
from fastml.linear_model.objective import FEW_COLUMNS, Objective, column_scales
from fastml.linear_model.stochastic import weights_of
from fastml.sharing import NotShared, rows_of, separate_fit
from fastml_ext import linear as kernels

__all__ = ["LinearRegression", "Ridge"]

HELD_AT_ONCE = 2**17  # residuals: 1 MB
WELL_CONDITIONED = 1e-8  # the smallest square of a Cholesky pivot of unit columns that is trusted


class LeastSquares(LinearRegressor):
    """What the two share: checked input, centred columns, the systems solved."""

    def _take(self, X, y, sample_weight):
        X, y = self._check_fit(X, y, y_numeric=True, multi_output=True)
        self._flat = y.ndim == 1
        self._one_output = self._flat
        Y = y.reshape(len(y), -1).astype(np.float64)
        weight = weights_of(sample_weight, X)
        return X, Y, weight

    def _centres(self, X, Y, weight):
        """Weighted means of the columns of X and of Y; zeros without an intercept."""
        if not self.fit_intercept:
            return np.zeros(X.shape[1]), np.zeros(Y.shape[1])
        share = weight / weight.sum() if len(weight) else np.full(X.shape[0], 1.0 / X.shape[0])
        return np.asarray(X.T @ share, float).ravel(), share @ Y

    def _store(self, coef, centre, means, dtype):
        """coef (k, d) of the centred problem, stored in the shapes that scikit-learn gives its own."""
        self.coef_ = (coef[0] if self._one_output else coef).astype(dtype)
        if not self.fit_intercept:
            self.intercept_ = 0.0
            return self
        intercept = (means - coef @ centre).astype(dtype)
        self.intercept_ = intercept[0] if self._one_output and self._flat else intercept
        return self

    def _by_factor(self, X, Y, weight, centre, means, alphas, columns=None):
        """coef (k, d) by Cholesky factors of the normal equations, corrected once; None where they are singular.

        columns (k,): the column of Y that each of `alphas` is for; default: the first for the first, and so on
        """
        columns = np.arange(len(alphas)) if columns is None else columns
        scale = column_scales(X, self.fit_intercept)[1]
        G = kernels.gram(X, weight, centre, scale, getattr(self, "n_jobs", None))[:-1, :-1]
        self._gram = G / np.outer(scale, scale)
        factors: dict = {}
        for alpha in alphas:
            if alpha not in factors:
                factors[alpha] = unit_factor(G + alpha * np.diag(scale**2))
            if factors[alpha] is None:
                return None
        coefs = np.zeros((len(alphas), X.shape[1]))
        for _ in range(2):  # the second round takes off what the first left by rounding
            slopes = self._slopes(X, Y, weight, centre, means, coefs, columns) - alphas[:, None] * coefs
            for coef, slope, alpha in zip(coefs, slopes, alphas, strict=True):
                factor, size = factors[alpha]
                coef += scale * scipy.linalg.cho_solve(factor, slope * scale / size, check_finite=False) / size
        return coefs

    def _slopes(self, X, Y, weight, centre, means, coefs, columns):
        """Centred X times what `coefs` (k, d) leave of the targets, (k, d); in blocks of rows that fit the cache."""
        if not coefs.any() and len(columns) > Y.shape[1]:
            every = np.arange(Y.shape[1])
            return self._slopes(X, Y, weight, centre, means, coefs[: len(every)], every)[columns]
        result, sums, shifts = np.zeros(coefs.shape), np.zeros(len(coefs)), coefs @ centre - means[columns]
        size = max(256, HELD_AT_ONCE // max(1, len(coefs)))
        for start in range(0, X.shape[0], size):
            rows = X[start : start + size]
            residual = shifts - rows @ coefs.T
            residual += Y[start : start + size][:, columns] if Y.shape[1] > 1 else Y[start : start + size]
            if len(weight):
                residual *= weight[start : start + size, None]
            result += np.asarray(rows.T @ residual, float).T
            sums += residual.sum(axis=0)
        return result - sums[:, None] * centre

    def _whole(self, X, Y, weight, centre, means):
        """(rows, targets), centred and multiplied with the roots of their weights; dense."""
        rows, targets = (X.toarray() if sp.issparse(X) else X).astype(np.float64) - centre, Y - means
        root = np.sqrt(weight)[:, None] if len(weight) else 1.0
        return rows * root, targets * root

    def _by_lsqr(self, X, Y, weight, centre, means, alphas, tol, max_iter=None):
        """coef (k, d) of a sparse X that is never made dense."""
        root = np.sqrt(weight) if len(weight) else np.ones(X.shape[0])
        operator = LinearOperator(
            X.shape,
            matvec=lambda v: root * (X @ v.ravel() - centre @ v.ravel()),
            rmatvec=lambda r: X.T @ (root * r.ravel()) - centre * (root @ r.ravel()),
            dtype=np.float64,
        )
        columns = []
        for c, alpha in enumerate(alphas):
            options = {"damp": np.sqrt(alpha), "atol": tol, "btol": tol, "iter_lim": max_iter}
            columns.append(lsqr(operator, root * (Y[:, c] - means[c]), **options)[0])
        return np.array(columns)

    def _positive(self, X, Y, weight, centre, means, alphas):
        """coef (k, d), none negative, by Lawson and Hanson's active sets."""
        rows, targets = self._whole(X, Y, weight, centre, means)
        coefs = []
        for c, alpha in enumerate(alphas):
            below = np.sqrt(alpha) * np.eye(rows.shape[1]) if alpha else np.empty((0, rows.shape[1]))
            right = np.append(targets[:, c], np.zeros(len(below)))
            coefs.append(scipy.optimize.nnls(np.vstack([rows, below]), right)[0])
        return np.array(coefs)


def unit_factor(H):
    """(Cholesky factor of H with columns of unit length, their lengths); None where H is singular, or all but that."""
    size = np.sqrt(np.diag(H))
    if not (size > 0).all():
        return None
    try:
        factor = scipy.linalg.cho_factor(H / np.outer(size, size), lower=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    return (factor, size) if np.diag(factor[0]).min() ** 2 >= WELL_CONDITIONED else None


class LinearRegression(LeastSquares):
    """Least mean squares, exactly or by gradient descent.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether an intercept is learnt.
    copy_X : bool, default=True
        Accepted for scikit-learn's sake: X is never written to.
    tol : float, default=1e-6
        Precision for sparse X of more than 1000 columns; for "gd" the largest entry of the gradient at the end.
    n_jobs : int, default=None
        Threads; the result has the same bits for any number of them.
    positive : bool, default=False
        Whether no weight may be negative.
    solver : {"exact", "gd", "sgd"}, default="exact"
        In closed form; gradient descent on the mean of (prediction - y)^2/2; or stochastic gradient descent on it.
    eta0 : float, default=None
        The step of "gd" and "sgd"; None for the inverse of the largest curvature, and 0.01.
    max_iter : int, default=1000
        Most steps of "gd", epochs of "sgd".
    random_state : int, RandomState or None, default=None
        Seed of "sgd".

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
        The weights; of several that fit equally well, the shortest.
    intercept_ : float or ndarray of shape (n_outputs,)
        The intercepts.
    rank_ : int
        Rank of the centred X, for the closed form of a dense X.
    singular_ : ndarray of shape (min(n_samples, n_features),)
        Singular values of the centred X, for the closed form of a dense X.
    solver_ : str
        "cholesky", "lstsq", "lsqr", "nnls", "gd" or "sgd".
    history_ : dict
        "objective" after each step or epoch, of "gd" and "sgd".

    Notes
    -----
    The closed form takes Cholesky factors of the normal equations with one correction where the columns are far from
    dependent (Björck, Numerical Methods for Least Squares Problems, 1996, section 2.4), else the singular values.

    Examples
    --------
    >>> from fastml.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[1.0], [2.0], [4.0]], [1.0, 3.0, 3.0])
    >>> round(float(model.intercept_), 3), model.coef_.round(3).tolist()
    (1.0, [0.571])
    """

    _parameter_constraints = {
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [None, Integral],
        "positive": ["boolean"],
        "solver": [StrOptions({"exact", "gd", "sgd"})],
        "eta0": [Interval(Real, 0, None, closed="neither"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        fit_intercept=True,
        copy_X=True,
        tol=1e-6,
        n_jobs=None,
        positive=False,
        solver="exact",
        eta0=None,
        max_iter=1000,
        random_state=None,
    ):
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive
        self.solver = solver
        self.eta0 = eta0
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Find the weights.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples, float32 or float64, dense or CSR, used as they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample counts: a weight of 2 is the sample twice, of 0 none.

        Returns
        -------
        self
        """
        X, Y, weight = self._take(X, y, sample_weight)
        if self.solver != "exact" and self.positive:
            raise ValueError(f"positive=True goes with solver='exact', not {self.solver!r}")
        self.n_iter_ = 1
        if self.solver == "gd":
            return self._descend(X, Y, weight)
        if self.solver == "sgd":
            return self._fit_by_epochs(X, Y, sample_weight)
        centred = X, Y, weight, *self._centres(X, Y, weight)
        return self._store(self._solve(*centred), *centred[3:], X.dtype)

    def _solve(self, *centred):
        X, nothing = centred[0], np.zeros(centred[1].shape[1])
        n, d = X.shape
        if self.positive:
            self.solver_ = "nnls"
            return self._positive(*centred, nothing)
        coef = self._by_factor(*centred, nothing) if n > d and d <= FEW_COLUMNS else None
        if coef is not None:
            self.solver_ = "cholesky"
            if not sp.issparse(X):
                values = scipy.linalg.eigvalsh(self._gram)[::-1]
                self.rank_, self.singular_ = d, np.sqrt(np.maximum(values, 0.0))
            del self._gram
            return coef
        if sp.issparse(X):
            self.solver_ = "lsqr"
            return self._by_lsqr(*centred, nothing, self.tol)
        self.solver_ = "lstsq"
        rows, targets = self._whole(*centred)
        noise = max(rows.shape) * np.finfo(X.dtype).eps  # singular values below this, relative to the first, are 0
        coef, _, self.rank_, self.singular_ = scipy.linalg.lstsq(rows, targets, cond=noise)
        return coef.T

    def _descend(self, X, Y, weight):
        self.solver_, self.history_ = "gd", {"objective": []}
        coefs, intercepts = [], []
        for y in Y.T:
            objective = Objective(
                "squared",
                X,
                np.ascontiguousarray(y),
                weight,
                1,
                0.0,
                self.fit_intercept,
                form="raw",
                n_jobs=self.n_jobs,
            )
            start = np.zeros(X.shape[1] + 1)
            solution, self.eta_ = solvers.gradient_descent(objective, start, self.tol, self.max_iter, self.eta0)
            coef, intercept = objective.weights(solution.u)
            coefs.append(coef[0])
            intercepts.append(intercept[0])
            self.history_["objective"], self.n_iter_ = solution.history, max(1, solution.n_iter)
        return self._store(np.array(coefs), np.zeros(X.shape[1]), np.array(intercepts), X.dtype)

    def _fit_by_epochs(self, X, Y, sample_weight):
        from fastml.linear_model.sgd_regressor import SGDRegressor

        model = SGDRegressor(
            penalty=None,
            fit_intercept=self.fit_intercept,
            max_iter=self.max_iter,
            tol=self.tol,
            learning_rate="adaptive",
            eta0=self.eta0 or 0.01,
            random_state=self.random_state,
        ).fit(X, Y, sample_weight=sample_weight)
        self.solver_, self.history_, self.n_iter_ = "sgd", model.history_, model.n_iter_
        return self._store(model.coef_, np.zeros(X.shape[1]), model.intercept_, X.dtype)


class Ridge(LeastSquares):
    """Linear least squares with an l2 penalty: |y - X w|^2 + alpha |w|^2, the intercept free.

    Parameters
    ----------
    alpha : float or array-like of shape (n_outputs,), default=1.0
        Strength of the penalty, one for each output.
    fit_intercept : bool, default=True
        Whether an intercept is learnt.
    copy_X : bool, default=True
        Accepted for scikit-learn's sake: X is never written to.
    max_iter : int or None, default=None
        Most iterations for sparse X of more than 1000 columns.
    tol : float, default=1e-4
        Precision for sparse X of more than 1000 columns, a thousandth of this.
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}, default="auto"
        Accepted for scikit-learn's sake: all find the one optimum. `solver_` says what ran.
    positive : bool, default=False
        Whether no weight may be negative.
    random_state : int, RandomState or None, default=None
        Accepted for scikit-learn's sake: nothing is random.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
        The weights.
    intercept_ : float or ndarray of shape (n_outputs,)
        The intercepts.
    solver_ : str
        "cholesky", "dual" (more columns than rows), "lstsq", "lsqr" or "nnls".
    n_iter_ : int
        1.

    Notes
    -----
    A. Hoerl, R. Kennard, Ridge regression, Technometrics 12 (1970).

    Examples
    --------
    >>> from fastml.linear_model import Ridge
    >>> Ridge(alpha=2.0).fit([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0]).coef_.tolist()
    [1.0]
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions({"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"})],
        "positive": ["boolean"],
        "random_state": ["random_state"],
    }

    shared_parameters, shared_to_tolerance = ("alpha",), True  # see fastml.sharing

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=None,
        tol=1e-4,
        solver="auto",
        positive=False,
        random_state=None,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Find the weights.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples, float32 or float64, dense or CSR, used as they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample counts: a weight of 2 is the sample twice, of 0 none.

        Returns
        -------
        self
        """
        X, Y, weight = self._take(X, y, sample_weight)
        alphas = np.asarray(self.alpha, np.float64)
        if alphas.ndim > 1 or (alphas.ndim == 1 and len(alphas) != Y.shape[1]) or not (alphas >= 0).all():
            raise ValueError(
                f"alpha={self.alpha!r} must be one number of at least 0, or one for each of {Y.shape[1]} outputs"
            )
        self._one_output = Y.shape[1] == 1  # scikit-learn's Ridge makes no difference between (n,) and (n, 1)
        alphas, self.n_iter_ = np.broadcast_to(alphas, Y.shape[1]), 1
        centred = X, Y, weight, *self._centres(X, Y, weight)
        coef = self._solve(*centred, alphas)
        self.__dict__.pop("_gram", None)
        return self._store(coef, *centred[3:], X.dtype)

    def shared_responses(self, X, y, splits, settings, method):
        """Predictions of every alpha for each split: one matrix of normal equations serves them all."""
        with separate_fit():
            alphas = np.array([setting["alpha"] for setting in settings], np.float64)
        if method != "predict" or self.positive or alphas.ndim > 1 or not (np.isfinite(alphas) & (alphas >= 0)).all():
            raise NotShared("only predictions for alphas that are one number of at least 0 are shared")
        for train, test in splits:
            model = clone(self)
            with separate_fit():
                rows, Y, weight = model._take(rows_of(X, train), rows_of(y, train), None)
            if not model._flat:
                raise NotShared("only one output is shared")
            centred = rows, Y, weight, *model._centres(rows, Y, weight)
            coefs = None
            if model._by_factor_pays(rows):
                coefs = model._by_factor(*centred, alphas, np.zeros(len(alphas), int))
            if coefs is None:
                raise NotShared("normal equations that are singular or too many are not shared")
            intercepts = centred[4][0] - coefs @ centred[3] if self.fit_intercept else np.zeros(len(alphas))
            with separate_fit():
                asked = model._check_rows(rows_of(X, test))
            scores = asked @ coefs.astype(rows.dtype).T + intercepts.astype(rows.dtype)
            yield list(scores.T)

    def _by_factor_pays(self, X):
        return X.shape[1] <= min(FEW_COLUMNS, max(X.shape[0], 50))

    def _solve(self, X, Y, weight, centre, means, alphas):
        n, d = X.shape
        centred = X, Y, weight, centre, means
        if self.positive:
            self.solver_ = "nnls"
            return self._positive(*centred, alphas)
        coef = self._by_factor(*centred, alphas) if self._by_factor_pays(X) else None
        if coef is not None:
            self.solver_ = "cholesky"
            return coef
        if sp.issparse(X):
            self.solver_ = "lsqr"
            return self._by_lsqr(*centred, alphas, 1e-3 * self.tol, self.max_iter)
        rows, targets = self._whole(*centred)
        coefs = []
        for c, alpha in enumerate(alphas):
            if alpha > 0 and n < d:
                self.solver_ = "dual"
                dual = scipy.linalg.solve(rows @ rows.T + alpha * np.eye(n), targets[:, c], assume_a="pos")
                coefs.append(rows.T @ dual)
            else:
                self.solver_ = "lstsq"
                below = np.sqrt(alpha) * np.eye(d)
                right = np.append(targets[:, c], np.zeros(d))
                coefs.append(scipy.linalg.lstsq(np.vstack([rows, below]), right)[0])
        return np.array(coefs)
