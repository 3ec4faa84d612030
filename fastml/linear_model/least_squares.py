"""Linear regression and ridge regression: exactly, by gradient descent, or by stochastic gradients."""

import functools
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import ArrayLike
from scipy.linalg.lapack import dpotrf, dpotrs
from sklearn.base import clone

from fastml.base import Interval, StrOptions
from fastml.linear_model import solvers
from fastml.linear_model.base import MOST
from fastml.linear_model.columns import NO_WEIGHT
from fastml.linear_model.objective import FEW_COLUMNS, Objective
from fastml.linear_model.systems import SMALL, LeastSquares, Problem, dense_time, factor_time, multiplications
from fastml.sharing import NotShared, rows_of, separate_fit
from fastml.warning import warn
from fastml_ext import blas

__all__ = ["LinearRegression", "Ridge"]

HIGH_TOL_OF_SAG = 1e-4  # above this scikit-learn warns of its solver on sparse rows


class LinearRegression(LeastSquares):
    """Least mean squares, exactly or by gradient descent.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether an intercept is learnt.
    copy_X : bool, default=True
        Accepted for scikit-learn's sake: X is never written to.
    tol : float, default=1e-6
        Precision of the weights for sparse X, a hundredth of this, and at least 1e-10 up to 1000 columns; for "gd" the
        largest entry of the gradient at the end.
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
        "cholesky", "dual" (no more rows than columns), "sparse_cg" (of sparse X), "lstsq", "nnls", "gd" or "sgd".
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
        "max_iter": [Interval(Integral, 1, MOST, closed="both")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
        solver: str = "exact",
        eta0: float | None = None,
        max_iter: int = 1000,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive
        self.solver = solver
        self.eta0 = eta0
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
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
        for name in ("singular_", "rank_", "_gram"):
            self.__dict__.pop(name, None)  # of an earlier fit
        found = None if self.positive else self._by_sums(X, Y, weight, np.zeros(Y.shape[1]))
        if found is not None:
            self.solver_ = "cholesky" if found.G.shape[0] == X.shape[1] else "dual"
            self._gram = found.G
            full = X.shape[0] - self.fit_intercept if self.solver_ == "dual" else np.count_nonzero(found.G.diagonal())
            self.rank_ = int(full)
            return self._keep(found.coef, found.means - found.coef @ found.centre, X, Y)
        with blas.single_unless_long(multiplications(X)):
            problem = self._centred(X, Y, weight)
            return self._store(self._solve(problem), problem)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.positive
        return tags

    def _check_sparse(self):
        """Refuse what scikit-learn refuses of sparse rows."""
        if self.positive:
            raise TypeError(
                "Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert to a dense numpy"
                " array: positive=True is for dense rows; Ridge(alpha=0, positive=True) takes sparse ones"
            )

    @functools.cached_property
    def singular_(self):
        """Singular values of the centred X, from the products of its columns or rows when they are first asked for."""
        if "_gram" not in self.__dict__:
            raise AttributeError("singular_ is known of a dense X only, after fit in closed form")
        return np.sqrt(np.maximum(np.linalg.eigvalsh(self.__dict__["_gram"])[::-1], 0.0))

    def __getstate__(self):
        if "_gram" in self.__dict__:
            _ = self.singular_
        state = super().__getstate__()
        state.pop("_gram", None)
        return state

    def _solve(self, problem):
        X, nothing = problem.X, np.zeros(problem.Y.shape[1])
        n, d = X.shape
        if self.positive:
            self.solver_ = "nnls"
            return self._positive(problem, nothing)
        by_factor = n > d and d <= FEW_COLUMNS
        if sp.issparse(X):
            direct = factor_time(X) if by_factor else dense_time(X, 0.5)
            coef = self._by_steps(problem, nothing, 10 * max(n, d), direct)
            if coef is not None:
                self.solver_ = "sparse_cg"
                return coef
        coef = self._by_factor(problem, nothing) if by_factor else None
        if coef is not None:
            self.solver_ = "cholesky"
            if not sp.issparse(X):
                G, scale = self._gram
                self._gram = G / (scale[:, None] * scale)
                self.rank_ = int(np.count_nonzero(G.diagonal()))  # less the constant columns
            else:
                del self._gram
            return coef
        if sp.issparse(X) and n * d > SMALL:
            self.solver_ = "sparse_cg"
            return self._by_steps(problem, nothing, 10 * max(n, d), np.inf)
        self.solver_ = "lstsq"
        rows, targets = self._whole(problem)
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
        return self._store_as_found(X, Y, np.array(coefs), np.array(intercepts))

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
        ).fit(X, Y[:, 0] if Y.shape[1] == 1 else Y, sample_weight=sample_weight)
        self.solver_, self.history_, self.n_iter_ = "sgd", model.history_, model.n_iter_
        return self._store_as_found(X, Y, np.atleast_2d(model.coef_), model.intercept_)

    def _store_as_found(self, X, Y, coef, intercept):
        nothing = np.zeros(X.shape[1])
        return self._store(coef, Problem(X, Y, NO_WEIGHT, nothing, intercept, nothing, nothing, np.ones(len(coef))))


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
        Most iterations for sparse X of more than 1000 columns; None for ten times its longer side.
    tol : float, default=1e-4
        Precision of the weights for sparse X, a hundredth of this, and at least 1e-10 up to 1000 columns.
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}, default="auto"
        Whichever it is, the one optimum is found in the quickest way. As in scikit-learn, "svd" is for dense X, and
        "cholesky" and "saga" fit no intercept of sparse X.
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
        The solver that was asked for; of "auto" what ran: "cholesky", "dual" (more columns than rows), "sparse_cg"
        (of sparse X), "lstsq" or "nnls".
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
        "max_iter": [Interval(Integral, 1, MOST, closed="both"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions({"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"})],
        "positive": ["boolean"],
        "random_state": ["random_state"],
    }

    shared_parameters, shared_to_tolerance = ("alpha",), True  # see fastml.sharing

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
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
                "Number of targets and number of penalties do not correspond:" * (alphas.ndim == 1)
                + f" {alphas.size} != {Y.shape[1]}. " * (alphas.ndim == 1)
                + f"alpha={self.alpha!r} must be one number of at least 0, or one for each of {Y.shape[1]} outputs"
            )
        if self.positive and self.solver not in ("auto", "lbfgs"):
            raise ValueError(
                f"solver={self.solver!r} does not support positive fitting. Please set the solver to 'auto' or 'lbfgs',"
                " or set `positive=False`"
            )
        if not self.positive and self.solver == "lbfgs":
            raise ValueError("solver='lbfgs' can be used only when positive=True: use solver='auto'")
        self._one_output = Y.shape[1] == 1  # scikit-learn's Ridge makes no difference between (n,) and (n, 1)
        alphas, self.n_iter_ = np.full(Y.shape[1], alphas), 1
        found = None if self.positive else self._by_sums(X, Y, weight, alphas)
        if found is not None:
            self._name_solver("cholesky" if found.G.shape[0] == X.shape[1] else "dual")
            return self._keep(found.coef, found.means - found.coef @ found.centre, X, Y)
        with blas.single_unless_long(multiplications(X)):
            problem = self._centred(X, Y, weight)
            coef = self._solve(problem, alphas)
        self._name_solver(self.solver_)
        self.__dict__.pop("_gram", None)
        return self._store(coef, problem)

    def _check_sparse(self):
        """Refuse what scikit-learn refuses of sparse rows."""
        if self.fit_intercept and self.solver in ("svd", "cholesky", "saga"):
            raise ValueError(
                f"solver={self.solver!r} does not support fitting the intercept on sparse data. Please set the solver"
                " to 'auto' or 'lsqr', 'sparse_cg', 'sag', 'lbfgs' or set `fit_intercept=False`"
            )
        if self.solver == "svd":
            raise TypeError("SVD solver does not support sparse inputs currently: leave solver='auto'")
        if self.fit_intercept and self.solver == "sag" and self.max_iter is None and self.tol > HIGH_TOL_OF_SAG:
            warn(
                '"sag" solver requires many iterations to fit an intercept with sparse inputs. Either set the solver to'
                ' "auto" or "sparse_cg", or set a low "tol" and a high "max_iter" (especially if inputs are not'
                " standardized). Here the optimum is found by any name, so that this is for code that scikit-learn runs"
                " too"
            )

    def _name_solver(self, ran):
        self.solver_ = ran if self.solver == "auto" else self.solver  # which scikit-learn's code asks for

    def shared_responses(self, X: Any, y: Any, splits: Any, settings: Any, method: str) -> Iterator[Any]:
        """Predictions of every alpha for each split: one matrix of normal equations serves them all."""
        with separate_fit():
            alphas = np.array([setting["alpha"] for setting in settings], np.float64)
        if method != "predict" or self.positive or alphas.ndim > 1 or not (np.isfinite(alphas) & (alphas >= 0)).all():
            raise NotShared("only predictions for alphas that are one number of at least 0 are shared")
        for train, test in splits:
            model = clone(self)
            with separate_fit():
                rows, Y, weight = model._take(rows_of(X, train), rows_of(y, train), None)
                problem = model._centred(rows, Y, weight)
            if not model._flat:
                raise NotShared("only one output is shared")
            coefs = None
            if model._by_factor_pays(rows):
                with separate_fit():
                    coefs = model._by_factor(problem, alphas, np.zeros(len(alphas), int))
            if coefs is None:
                raise NotShared("normal equations that are singular or too many are not shared")
            coefs *= problem.unit[0]
            intercepts = problem.means[0] * problem.unit[0] - coefs @ (problem.centre + problem.shift)
            with separate_fit():
                asked = model._check_rows(rows_of(X, test))
            scores = asked @ coefs.astype(rows.dtype).T + intercepts.astype(rows.dtype)
            yield list(scores.T)

    def _by_factor_pays(self, X):
        return X.shape[1] <= min(FEW_COLUMNS, max(X.shape[0], 50))

    def _solve(self, problem, alphas):
        X, (n, d) = problem.X, problem.X.shape
        if self.positive:
            self.solver_ = "nnls"
            return self._positive(problem, alphas)
        by_factor, most = self._by_factor_pays(X), self.max_iter or 10 * max(n, d)
        if sp.issparse(X):
            coef = self._by_steps(problem, alphas, most, factor_time(X) if by_factor else dense_time(X, 0.1))
            if coef is not None:
                self.solver_ = "sparse_cg"
                return coef
        coef = self._by_factor(problem, alphas) if by_factor else None
        if coef is not None:
            self.solver_ = "cholesky"
            return coef
        if sp.issparse(X) and n * d > SMALL:
            self.solver_ = "sparse_cg"
            return self._by_steps(problem, alphas, most, np.inf)
        rows, targets = self._whole(problem)
        coefs = []
        for c, alpha in enumerate(alphas):
            weights = dual_weights(rows, targets[:, c], alpha) if alpha > 0 and n < d else None
            self.solver_ = "lstsq" if weights is None else "dual"
            if weights is None:
                below = np.sqrt(alpha) * np.eye(d)
                right = np.append(targets[:, c], np.zeros(d))
                noise = max(n, d) * np.finfo(X.dtype).eps if alpha == 0 else None
                weights = scipy.linalg.lstsq(np.vstack([rows, below]), right, cond=noise)[0]
            coefs.append(weights)
        return np.array(coefs)


def dual_weights(rows, target, alpha):
    """The weights by a system of as many equations as rows; None where alpha is lost beside the rows' size."""
    with blas.single_unless_long(rows.size * len(rows)):
        system = rows @ rows.T + alpha * np.eye(len(rows))
        factor, singular = dpotrf(system, lower=1)
        return None if singular else rows.T @ dpotrs(factor, target, lower=1)[0]
