"""Logistic regression, to the optimum."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from fastml import telling
from fastml._sklearn import Hidden
from fastml.base import Interval, StrOptions, encode_labels
from fastml.class_weight import row_weights
from fastml.linear_model import paths, quasi, solvers, wide
from fastml.linear_model.base import MOST, LinearClassifier
from fastml.linear_model.columns import column_scales, moved_columns, used_columns
from fastml.linear_model.objective import Objective, small_table
from fastml.linear_model.settings import OWN, check_solver, liblinear_rows, refuse_wide_indices, warn_of_settings
from fastml.linear_model.sharing import SharedPath
from fastml.linear_model.stochastic import check_total, weights_of
from fastml.telling import CallbackSupportMixin
from fastml.warning import warn
from fastml_ext import blas

__all__ = ["LogisticRegression"]

SOLVERS = {*OWN, "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"}
SMALL = 200_000  # values to look at in one pass, times classes
LEAST_SCALING = 1e-50  # of an intercept: it is held at 0 long before
FORMS = {"newton-cholesky": "scaled", "newton-cg": "white", "gd": "raw", "cd": "scaled"}


# What scikit-learn's warning says of its solvers; programs look for these words.
NOT_CONVERGED = {
    "lbfgs": "lbfgs failed to converge. Increase the number of iterations. ",
    "newton-cg": "newton-cg failed to converge. Increase the number of iterations. ",
    "liblinear": "Liblinear failed to converge, increase the number of iterations. ",
    "sag": "The max_iter was reached which means the coef_ did not converge. ",
    "saga": "The max_iter was reached which means the coef_ did not converge. ",
    "newton-cholesky": "Newton solver did not converge after {} iterations. ",
}


class LogisticRegression(CallbackSupportMixin, SharedPath, LinearClassifier):
    """Logistic regression: the most likely weights, with any penalty, to the optimum, whatever the columns' scales.

    The objective is C sum_i v_i loss_i + (1 - l1_ratio)/2 |w|^2 + l1_ratio |w|_1, the intercept free: binary for two
    classes, multinomial (softmax) for more. solver="liblinear" is for two classes, and penalises the intercept too.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet"} or None, default="deprecated"
        Older name of `l1_ratio` (0, 1, itself) and of C = infinity; scikit-learn 1.10 will have it no more.
    C : float, default=1.0
        The inverse of the penalty's strength; infinity for none.
    l1_ratio : float, default=0.0
        Share of l1 in the penalty. As in scikit-learn, "saga" takes any, "liblinear" 0 and 1, its other solvers 0;
        "auto" and the other solvers of fastml take any.
    dual : bool, default=False
        For solver="liblinear" and l2 alone; the optimum is the same.
    tol : float, default=1e-4
        Training ends when no entry of the gradient of the mean objective exceeds this, columns scaled to unit variance.
    fit_intercept : bool, default=True
        Whether an intercept is learnt.
    intercept_scaling : float, default=1
        With solver="liblinear" the intercept is the weight of a column of this value, and penalised as every weight:
        the larger, the less. It is free with all other solvers.
    class_weight : dict, "balanced" or None, default=None
        What the loss of each class is multiplied with.
    random_state : int, RandomState or None, default=None
        Seed of solver="sgd".
    solver : {"lbfgs", "newton", "newton-cholesky", "newton-cg", "gd", "sgd", "auto", "liblinear", "sag", "saga"}, \
            default="lbfgs"
        "newton" takes Cholesky factors for two classes and up to 1000 columns, else conjugate gradients, and so do
        "auto", "liblinear", "sag" and "saga"; "gd" is gradient descent on the mean loss. With l1, coordinate descent on
        Newton's quadratics, or accelerated proximal steps, whatever the name. Where Newton's
        system is small (small tables, two classes and few rows beside the columns, and but for "lbfgs" several classes
        and few columns) "newton-cholesky" runs for any of them but "gd" and "sgd", unless max_iter is below 20.
        `solver_` says which ran. "liblinear" gives float64, whatever X is.
    max_iter : int, default=100
        Most iterations.
    verbose : int, default=0
        Accepted for scikit-learn's sake; solver="sgd" shows a progress bar.
    warm_start : bool, default=False
        Whether `fit` starts from the last weights.
    n_jobs : int, default=None
        Threads; the result has the same bits for any number of them. Deprecated in scikit-learn, where it says nothing.
    eta0 : float, default=None
        Step of solver="gd", on the mean loss; None for the inverse of the largest curvature.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The weights, in the units of X.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The intercepts.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_iter_ : ndarray of shape (1,)
        Iterations.
    solver_ : str
        The solver that ran: "newton-cholesky", "newton-cg", "lbfgs", "gd", "sgd", "cd" or "proximal"; or "lbfgs,
        newton-cg" where the second went on: the first did not reach tol in max_iter iterations.
    gradient_norm_ : float
        The largest entry of the gradient of the mean objective at the end, in the units of X.
    history_ : dict
        "objective": the mean objective after each iteration.
    converged_ : bool
        Whether tol was reached.

    Notes
    -----
    Columns are centred and scaled inside, and for "newton-cg" decorrelated as well where there are at most 1000 of
    them, so that badly scaled data converges; the weights are given back in the user's units. "lbfgs" makes the second
    derivatives of each class where its passes over the rows have taken as long as these would, and goes on from them.
    D. Böhning, Multinomial logistic regression algorithm, Ann. Inst. Stat. Math. 44 (1992) bounds the curvature;
    J. Friedman, T. Hastie, R. Tibshirani, Regularization paths, J. Stat. Softw. 33 (2010) for l1.

    Examples
    --------
    >>> from fastml.linear_model import LogisticRegression
    >>> model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"])
    >>> model.predict([[0.4], [2.6]]).tolist()
    ['low', 'high']
    >>> model.predict_proba([[1.5]]).round(2).tolist()
    [[0.5, 0.5]]
    """

    _parameter_constraints = {
        "penalty": [StrOptions({"l1", "l2", "elasticnet"}), Hidden(StrOptions({"deprecated"})), None],
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "dual": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "solver": [StrOptions(SOLVERS)],
        "max_iter": [Interval(Integral, 0, MOST, closed="both")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
        "eta0": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        penalty: str | None = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        dual: bool | str = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
        eta0: float | None = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.eta0 = eta0

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Find the most likely weights.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples, float32 or float64, dense or CSR, used as they are.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample counts: a weight of 2 is the sample twice, of 0 none.

        Returns
        -------
        self
        """
        X, Y, weight = self._problem(X, y, sample_weight)
        warn_of_settings(self)
        start = (self.coef_, self.intercept_) if self.warm_start and hasattr(self, "coef_") else None
        if start is not None and not (np.isfinite(start[0]).all() and np.isfinite(start[1]).all()):
            raise ValueError(
                "Floating-point under-/overflow occurred: warm_start=True begins from coef_ and intercept_, which hold"
                " NaN or infinity: fit a new model, or set warm_start=False"
            )
        return self._solve(X, Y, weight, start)

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Have scikit-learn's callbacks listen to each iteration of solver="lbfgs", which then is the one that runs.

        Parameters
        ----------
        *callbacks : callbacks of scikit-learn 1.9 or later
            None of them: nobody listens.

        Returns
        -------
        self
        """
        if self.solver != "lbfgs":
            warn(
                f"Callbacks are only supported in {type(self).__name__} for solver='lbfgs': with"
                f" solver={self.solver!r} they hear of the fit as a whole"
            )
        super().set_callbacks(*callbacks)
        return self

    def _n_tasks(self):
        return max(self.max_iter, 1) + 1

    _weighted_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.linear_model.in_parts import fit_logistic

        fit_logistic(self, table, reduce)

    def _goes_to_the_optimum(self):
        return self.solver not in ("gd", "sgd")

    def _problem(self, X, y, sample_weight):
        """(X, targets, weights) as the kernels take them."""
        if sp.issparse(X):
            refuse_wide_indices(X, self.solver)
        X, y = self._check_fit(X, y)
        check_solver(self)
        self.classes_, codes = encode_labels(y)
        if len(self.classes_) < 2:
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data contains only one class:"
                f" y has one class only, {self.classes_.tolist()[0]!r}, and LogisticRegression tells at least 2 classes"
                " apart (the number of classes has to be greater than one)"
            )
        if self.solver == "liblinear":
            X = liblinear_rows(X, len(self.classes_))
            self._dtype = X.dtype
        weight = weights_of(sample_weight, X)
        if self.class_weight is not None:
            with np.errstate(over="ignore"):
                weight = row_weights(self.class_weight, self.classes_, codes, weight)
            check_total(weight, "class_weight")
        if len(weight) and not weight.sum() > 0:
            raise ValueError("class_weight is 0 for every sample: at least one must count")
        Y = np.where(codes == 1, 1.0, -1.0) if len(self.classes_) == 2 else codes.astype(float)
        return X, Y, weight

    def _penalties(self, total):
        """(l1, l2) of the mean objective."""
        ratio = {"l1": 1.0, "l2": 0.0}.get(self.penalty, self.l1_ratio)
        strength = 0.0 if self.penalty is None or self.C == np.inf else 1.0 / (self.C * total)
        ratio = 0.0 if ratio is None else ratio  # scikit-learn's older name of no l1
        return strength * ratio, strength * (1 - ratio)

    def _solver_for(self, X, k, l1, l2):
        n, d = X.shape
        few = k == 1 and d <= solvers.FEW_COLUMNS
        if self.solver in ("gd", "sgd") and not (l1 and self.solver == "gd"):
            return self.solver
        if self._listened_to() and not l1:  # to the iterations of the solver that was asked for
            return "lbfgs"
        if l1:
            return "cd" if few else "proximal"
        enough = self.max_iter >= solvers.ENOUGH
        if enough and small_table(n, d, k) and (self.solver != "lbfgs" or solvers.newton_is_quicker(n, d, k)):
            return "newton-cholesky"
        if enough and l2 > 0 and self.solver != "lbfgs" and solvers.newton_pays(X, k):
            return "newton-cholesky"
        if self.solver in ("lbfgs", "newton-cg"):
            return self.solver
        return "newton-cholesky" if few else "newton-cg"

    def _solve(self, X, Y, weight, start):
        """The optimiser's short sums take ten times longer where BLAS's threads wait for the pool's: one thread."""
        k, d = 1 if len(self.classes_) == 2 else len(self.classes_), X.shape[1]
        with blas.single_for(k * (d + 1) * max(X.shape[0], (k * (d + 1)) ** 2)):
            return self._on_used_columns(X, Y, weight, start, k, d)

    def _on_used_columns(self, X, Y, weight, start, k, d):
        """A column that holds no value has weight 0."""
        fits = self._goes_to_the_optimum() and not self._listened_to() and (start is None or start[0].shape == (k, d))
        rows, used = used_columns(X) if fits else (X, None)
        if used is None:
            return self._optimise(X, Y, weight, start, k, d)
        start = start and (start[0][:, used], start[1])
        self._optimise(rows, Y, weight, start, k, len(used))
        coef = np.zeros((k, d), self.coef_.dtype)
        coef[:, used] = self.coef_
        self.coef_ = coef
        return self

    def _optimise(self, X, Y, weight, start, k, d):
        l1, l2 = self._penalties(weight.sum() if len(weight) else X.shape[0])
        self.solver_ = self._solver_for(X, k, l1, l2)
        if self.solver_ == "sgd":
            return self._solve_by_epochs(X, Y, weight, start)
        if self._by_rows_pays(X.shape[0], k, d, l1, l2, start):
            found = wide.solve_by_rows(X, Y, weight, *self._by_rows_options(l2, weight, X.shape[0]))
            if found is not None:
                coef, intercept, solution, size = found
                self.solver_ = "newton-cholesky"
                return self._keep(X, coef[None], np.array([intercept]), solution, size)
        form = FORMS.get(self.solver_, "scaled")
        bound = self._intercept_bound()
        options = {"form": form, "n_jobs": self.n_jobs, "l2_intercept": l2 * bound**2, "centred": not bound}
        objective = Objective("log", X, Y, weight, k, l2, self.fit_intercept, **options)
        coef, intercept = (np.zeros((k, d)), np.zeros(k)) if start is None else start
        if np.shape(coef) != (k, d):
            raise ValueError(f"warm_start from coef_ of shape {coef.shape}, but {(k, d)} is needed: fit a new model")
        u = objective.point(np.asarray(coef, float), np.asarray(intercept, float))
        thresholds = np.tile(np.append(l1 * objective.scale, l1 * bound), k)
        solution = self._run(objective, u, thresholds, start is not None)
        gradient = solution.gradient
        if gradient is None:
            _, gradient = objective(solution.u, curvature=False)
        solution.converged |= solvers.subgradient(solution.u, gradient, thresholds) <= self.tol
        coef, intercept = weights_at(objective, solution.u, l1)
        return self._keep(X, coef, intercept, solution, objective.gradient_norm)

    def _solve_each(self, models, X, Y, weight):
        k, total = 1 if len(self.classes_) == 2 else len(self.classes_), weight.sum() if len(weight) else X.shape[0]
        penalties = [model._penalties(total) for model in models]
        shared = self.max_iter >= solvers.ENOUGH and not self._listened_to() and not self._intercept_bound()
        for model, (l1, l2) in zip(models, penalties, strict=True):
            model.solver_ = model._solver_for(X, k, l1, l2)
            shared = (
                shared and l2 > 0 and model.solver_ == "lbfgs" and not self._by_rows_pays(*X.shape, k, l1, l2, None)
            )
        if not shared:
            return super()._solve_each(models, X, Y, weight)
        with blas.single_for(k * (X.shape[1] + 1) * max(X.shape[0], (k * (X.shape[1] + 1)) ** 2)):
            strengths = [l2 for _, l2 in penalties]
            objective = Objective("log", X, Y, weight, k, strengths[0], self.fit_intercept, n_jobs=self.n_jobs)
            passes = quasi.passes_of(objective)
            found = paths.solutions(objective, passes, strengths, self.tol, self.max_iter)
            for model, solution in zip(models, found, strict=True):
                model._keep(X, *weights_at(objective, solution.u), solution, objective.gradient_norm)
        return models

    def _by_rows_pays(self, n, k, d, l1, l2, start):
        few = k == 1 and not l1 and l2 > 0 and start is None and not self._listened_to() and not self._intercept_bound()
        return few and self.solver not in ("gd", "sgd") and self.max_iter >= solvers.ENOUGH and wide.pays(n, d)

    def _intercept_bound(self):
        """What the intercept is multiplied with where it is penalised as a weight; 0 where it is free."""
        return (
            1.0 / max(self.intercept_scaling, LEAST_SCALING)
            if self.solver == "liblinear" and self.fit_intercept
            else 0.0
        )

    def _by_rows_options(self, l2, weight, n):
        return l2 * (weight.sum() if len(weight) else n), self.fit_intercept, self.tol, self.max_iter

    def _keep(self, X, coef, intercept, solution, gradient_norm):
        self.coef_, self.intercept_ = coef.astype(X.dtype), intercept.astype(X.dtype)
        self.gradient_norm_, self.converged_ = gradient_norm, solution.converged
        self.n_iter_ = np.array([solution.n_iter], np.int32)
        self.history_ = {"objective": solution.history}
        if not solution.converged:
            said = NOT_CONVERGED.get(self.solver, "").format(self.max_iter)
            warn(
                f"{said}LogisticRegression(solver={self.solver_!r}) reached max_iter={self.max_iter} with a gradient of"
                f" {self.gradient_norm_:.3g} (tol={self.tol}): raise max_iter",
                ConvergenceWarning,
            )
        return self

    def _run(self, objective, u, thresholds, warm):
        # Where a pass costs next to nothing, the optimum is found to the last digits.
        small = objective.n * objective.d * objective.k <= SMALL and objective.X.dtype == np.float64
        small = small and self.max_iter >= solvers.ENOUGH
        tol = self.tol * (1e-6 if small else 1.0)
        match self.solver_:
            case "newton-cholesky":
                return solvers.newton(objective, u, tol, self.max_iter, warm)
            case "newton-cg":
                return solvers.conjugate_newton(objective, u, tol, self.max_iter)
            case "cd":
                return solvers.proximal_newton(objective, u, thresholds, tol, self.max_iter)
            case "proximal":
                return solvers.proximal(objective, u, thresholds, tol, 10 * self.max_iter)
            case "gd":
                solution, self.eta_ = solvers.gradient_descent(objective, u, self.tol, self.max_iter, self.eta0)
                return solution
        if self._listened_to():
            return self._run_told(objective, u, warm)
        solution = quasi.lbfgs(objective, u, self.tol, self.max_iter, warm)
        if solution.converged or self.max_iter < solvers.ENOUGH:
            return solution
        self.solver_ = "lbfgs, newton-cg"
        last = solvers.conjugate_newton(objective, solution.u, self.tol, self.max_iter)
        last.n_iter, last.history = solution.n_iter + last.n_iter, solution.history + last.history
        return last

    def _listened_to(self):
        return self.solver == "lbfgs" and "_callback_fit_ctx" in self.__dict__

    def _run_told(self, objective, u, warm):
        """L-BFGS with each iteration told to scikit-learn's callbacks."""

        def learnt(u):
            coef, intercept = weights_at(objective, u)
            return {"coef_": coef.astype(objective.X.dtype), "intercept_": intercept.astype(objective.X.dtype)}

        with telling.task(self, "lbfgs-iter", learnt(u)) as told:
            return quasi.lbfgs(objective, u, self.tol, self.max_iter, warm, told=lambda u: told(learnt(u)))

    def _solve_by_epochs(self, X, Y, weight, start):
        from fastml.linear_model.sgd import SGDClassifier

        l1, l2 = self._penalties(weight.sum() if len(weight) else X.shape[0])
        dense = not sp.issparse(X) and not l1
        dtype, shift, centre, scale = X.dtype, np.zeros(X.shape[1]), np.zeros(X.shape[1]), np.ones(X.shape[1])
        if dense and self.fit_intercept:
            X, shift, centre, scale, _ = moved_columns(X, weight)
        elif dense:
            scale = column_scales(X, weight)
        model = SGDClassifier(
            "log_loss",
            penalty="elasticnet" if l1 + l2 else None,
            alpha=max(l1 + l2, 1e-9),
            l1_ratio=l1 / (l1 + l2) if l1 + l2 else 0.0,
            penalty_strength=scale**2 if dense else None,
            fit_intercept=self.fit_intercept,
            max_iter=max(1, self.max_iter),
            tol=self.tol,
            random_state=self.random_state,
            multi_class="multinomial",
            verbose=self.verbose,
            learning_rate="adaptive",
            eta0=0.01,
        )
        first = {}
        if start is not None:
            first = {"coef_init": start[0] / scale, "intercept_init": start[1] + start[0] @ (centre + shift)}
        mean = weight.mean() if len(weight) else 1.0
        rows = ((X - centre) * scale).astype(dtype) if dense else X
        model.fit(rows, Y, sample_weight=weight / mean if len(weight) else None, **first)
        coef = model.coef_ * scale
        self.coef_, self.intercept_ = coef.astype(dtype), (model.intercept_ - coef @ (centre + shift)).astype(dtype)
        self.gradient_norm_, self.converged_ = model.history_["gradient_norm"][-1], model.stopped_ == "tol"
        self.history_, self.n_iter_ = model.history_, np.array([model.n_iter_], np.int32)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each of `classes_`: (n_samples, n_classes), the logistic function or softmax of the scores."""
        scores = self._scores(X)
        if scores.shape[1] == 1:
            positive = expit(scores[:, 0])
            return np.column_stack([1 - positive, positive])
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of `predict_proba`: finite also where a probability is too small for a float."""
        scores = self._scores(X)
        if scores.shape[1] == 1:
            return -np.column_stack([np.logaddexp(0, scores[:, 0]), np.logaddexp(0, -scores[:, 0])])
        scores = scores - scores.max(axis=1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def weights_at(objective, u, l1=0.0):
    """(coefficients, intercepts) of a point of the solver."""
    coef, intercept = objective.weights(u)
    if objective.k > 1:  # softmax does not see a shift of all scores, and the penalty l2 is least without one
        intercept -= intercept.mean()
        coef = coef if l1 else coef - coef.mean(axis=0)
    return coef, intercept
