"""Linear support vector machines."""

import warnings
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from fastml.base import Interval, StrOptions, encode_labels, hand_through
from fastml.class_weight import class_factors
from fastml.linear_model import inside, solvers
from fastml.linear_model.base import MOST, LinearClassifier
from fastml.linear_model.columns import Joined, joined_constants, refuse_huge
from fastml.linear_model.interior import Together, interior_point
from fastml.linear_model.margins import ENOUGH, Margins
from fastml.linear_model.objective import Objective
from fastml.linear_model.sharing import SharedPath
from fastml.linear_model.stochastic import check_total, weights_of
from fastml_ext import blas
from fastml_ext import linear as kernels

__all__ = ["LinearSVC"]

SMALL = 200_000  # values in one pass: where it costs next to nothing, the optimum is found to the last digits
FEW_WEIGHTS = 200  # of all classes together: so many are found to the last digits
INSIDE = 50_000_000  # values of a table that an interior point method may copy
PRECISE, LAST_DIGITS = 1e-10, 1e-8  # duality gaps beside the objective: what it is asked for, and where it is asked
CLOSE, CLOSE_OF_FEW = 1e-3, 1e-5  # times tol, of the objective: what the last step on sparse rows may promise
MOST_STEPS = 100  # such steps at most
BEYOND = 1e50  # an intercept's scale: it is free, or held at 0, long before
FAR = 1e3  # from values of this size on constant columns are looked for
LARGEST = 1e153  # the square of more than this, added to its like, may overflow

__getattr__, __dir__ = hand_through(__name__, "sklearn.svm")


class LinearSVC(SharedPath, LinearClassifier):
    """Linear support vector machine: the widest margin, to the optimum, with the duality gap to prove it.

    The objective, for each class against the rest, is |w|^2/2 + (b / intercept_scaling)^2/2 + C sum_i v_i loss_i.

    Parameters
    ----------
    penalty : {"l2", "l1"}, default="l2"
        |w|^2/2, or |w|_1 with loss="squared_hinge".
    loss : {"squared_hinge", "hinge"}, default="squared_hinge"
        max(0, 1 - y score), or its square.
    dual : "auto" or bool, default="auto"
        True: dual coordinate descent. False: Newton's method on the primal, for "squared_hinge". "auto": Newton for
        "squared_hinge" with up to 1000 columns and more rows than columns, or sparse rows, else the dual.
    tol : float, default=1e-4
        Dual: the largest difference of two projected slopes, or the duality gap beside the objective; Newton: the
        largest entry of the mean gradient, columns scaled to unit variance. Where it costs little, more is done.
    C : float, default=1.0
        What a loss costs.
    multi_class : {"ovr", "crammer_singer"}, default="ovr"
        Each class against the rest; or all together, each row's own class against the best of the others by their hinge
        (`penalty`, `loss` and `dual` then say nothing).
    fit_intercept : bool, default=True
        Whether an intercept is learnt.
    intercept_scaling : float, default=1.0
        Value of the constant column whose weight makes the intercept: the larger, the less it is penalised.
    class_weight : dict, "balanced" or None, default=None
        What C is multiplied with for each class.
    verbose : int, default=0
        Accepted for scikit-learn's sake.
    random_state : int, RandomState or None, default=None
        Seed of the orders.
    max_iter : int, default=1000
        Most sweeps, iterations or epochs.
    solver : {"auto", "dual", "newton", "sgd"}, default="auto"
        "auto" follows `dual`; "sgd" is stochastic gradient descent.
    n_jobs : int, default=None
        Threads: the classes of the dual, the rows of Newton's method.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The weights.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The intercepts.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_iter_ : int
        Most sweeps or iterations of a class.
    solver_ : str
        "dual", "newton", "cd" (for l1), "proximal" (for l1 and many columns) or "sgd".
    duality_gap_ : ndarray of shape (1,) or (n_classes,)
        The primal objective minus the dual's, of solver "dual": no weights are better by more than this.
    dual_coef_ : ndarray of shape (1, n_samples) or (n_classes, n_samples)
        The dual variables, of solver "dual"; those that are not 0 belong to the support vectors.

    Notes
    -----
    Newton's steps of the squared hinge see the rows within the margin alone.

    The dual starts with sweeps over its coordinates; on sparse rows those of a hinge go on, and Newton's steps between
    them move the variables at no bound. Where some have not got there, Newton's method on augmented Lagrangians
    finishes, up to 1000 rows or columns: it needs tens of passes over the rows whatever C and the columns' scales are,
    and ends at a duality gap of 1e-8 of the objective. All classes together are finished by an interior point method.

    C.-J. Hsieh et al., A dual coordinate descent method for large-scale linear SVM, ICML 2008; O. Chapelle, Training a
    support vector machine in the primal, Neural Computation 19 (2007); S. Keerthi et al., A sequential dual method for
    large scale multi-class linear SVMs, KDD 2008.

    Examples
    --------
    >>> from fastml.svm import LinearSVC
    >>> model = LinearSVC(loss="hinge", C=10.0).fit([[0.0], [1.0], [3.0], [4.0]], [0, 0, 1, 1])
    >>> model.predict([[1.8], [2.4]]).tolist()
    [0, 1]
    >>> bool(model.duality_gap_[0] < 1e-3)
    True
    """

    _parameter_constraints = {
        "penalty": [StrOptions({"l1", "l2"})],
        "loss": [StrOptions({"hinge", "squared_hinge"})],
        "dual": ["boolean", StrOptions({"auto"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "C": [Interval(Real, 0, None, closed="neither")],
        "multi_class": [StrOptions({"ovr", "crammer_singer"})],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [None, dict, StrOptions({"balanced"})],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "max_iter": [Interval(Integral, 0, MOST, closed="both")],
        "solver": [StrOptions({"auto", "dual", "newton", "sgd"})],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        penalty: str | None = "l2",
        loss: Any = "squared_hinge",
        *,
        dual: bool | str = "auto",
        tol: float = 1e-4,
        C: float = 1.0,
        multi_class: str = "ovr",
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
        max_iter: int = 1000,
        solver: str = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.penalty = penalty
        self.loss = loss
        self.dual = dual
        self.tol = tol
        self.C = C
        self.multi_class = multi_class
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.verbose = verbose
        self.random_state = random_state
        self.max_iter = max_iter
        self.solver = solver
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Find the widest margin.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples, float32 or float64, dense or CSR, used as they are.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            What C is multiplied with for each sample: a weight of 2 is the sample twice, of 0 none.

        Returns
        -------
        self
        """
        if self.solver == "sgd":
            return self._fit_by_epochs(X, y, sample_weight)
        return self._solve(*self._problem(X, y, sample_weight), None)

    _weighted_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.linear_model.in_parts import fit_margins

        fit_margins(self, table, reduce)

    def fit_path(self, X: Any, y: Any, Cs: Any, sample_weight: ArrayLike | None = None) -> list[Any]:
        if not self._goes_to_the_optimum():
            raise ValueError("a path needs a solver that goes to the optimum: not 'sgd', and not 'crammer_singer'")
        return super().fit_path(X, y, Cs, sample_weight)

    fit_path.__doc__ = SharedPath.fit_path.__doc__

    def _solve_each(self, models, *problem):
        insides: dict = {}  # of each class: its sums serve the next C
        for model in models:
            model._insides = insides
        try:
            return super()._solve_each(models, *problem)
        finally:
            for model in models:
                del model._insides

    def _reached(self):
        return *super()._reached(), getattr(self, "dual_coef_", 0.0) / self.C  # the costs are multiples of C

    def _goes_to_the_optimum(self):
        return self.solver != "sgd" and self.multi_class == "ovr"

    def _coded(self, X, y):
        X, y = self._check_fit(X, y)
        self.classes_, codes = encode_labels(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class only, {self.classes_[0]!r}, and LinearSVC tells at least 2 classes apart"
                " (the number of classes has to be greater than one)"
            )
        return X, codes

    def _problem(self, X, y, sample_weight):
        """(X, the labels' codes, weight of each sample for each score)."""
        X, codes = self._coded(X, y)
        weight = weights_of(sample_weight, X)
        weight = weight if len(weight) else np.ones(X.shape[0])
        factors = class_factors(self.class_weight, self.classes_, codes, weight)
        if self.class_weight is not None:
            with np.errstate(over="ignore"):
                check_total(weight * factors[codes], "class_weight")
        if len(self.classes_) == 2 or self.multi_class == "crammer_singer":
            return X, codes, (weight * factors[codes])[None, :]
        return X, codes, np.array([weight * np.where(codes == c, factors[c], 1.0) for c in range(len(factors))])

    @blas.single()  # the optimiser's short sums take ten times longer where its threads wait for the pool's
    def _solve(self, X, codes, weights, start):
        self.solver_ = self._solver_for(X)
        if self.multi_class == "crammer_singer":
            return self._keep(X.dtype, *self._solve_together(X, codes, self.C * weights[0]))
        own = [1] if len(self.classes_) == 2 else range(len(self.classes_))
        signs, costs = np.array([np.where(codes == c, 1.0, -1.0) for c in own]), self.C * weights
        if self.solver_ == "dual":
            coef, intercept, done = self._solve_dual(X, signs, costs, start)
        else:
            coef, intercept, done = self._solve_directly(X, signs, costs, start)
        return self._keep(X.dtype, coef, intercept, done)

    def _keep(self, dtype, coef, intercept, done):
        self.coef_, self.intercept_ = coef.astype(dtype), intercept.astype(dtype)
        if not done:
            warnings.warn(
                "Liblinear failed to converge, increase the number of iterations."
                f" LinearSVC(solver={self.solver_!r}) reached max_iter={self.max_iter} before tol={self.tol}:"
                " raise max_iter, or lower C",
                ConvergenceWarning,
                stacklevel=4,
            )
        return self

    def _refuse(self, why):
        given = f"penalty={self.penalty!r}, loss={self.loss!r}, dual={self.dual!r}"
        raise ValueError(f"Unsupported set of arguments: {given}. {why}")

    def _solver_for(self, X):
        few = X.shape[1] <= solvers.FEW_COLUMNS
        if self.multi_class == "crammer_singer":
            if self.solver == "newton":
                raise ValueError("multi_class='crammer_singer' is solved by its dual: use solver='auto' or 'dual'")
            return "dual"
        if self.penalty == "l1":
            if self.loss == "hinge" or self.dual is True or self.solver == "dual":
                self._refuse("penalty='l1' goes with loss='squared_hinge' and dual=False or 'auto'")
            return "cd" if few else "proximal"
        if self.loss == "hinge":
            if self.dual is False or self.solver == "newton":
                self._refuse("loss='hinge' has no second derivative for dual=False: use dual=True, or squared_hinge")
            return "dual"
        if self.solver != "auto":
            return self.solver
        if self.dual != "auto":
            return "dual" if self.dual else "newton"
        if sp.issparse(X):
            return "newton" if few or X.shape[0] >= X.shape[1] else "dual"
        return "newton" if few and X.shape[0] >= X.shape[1] else "dual"

    def _solve_dual(self, X, signs, costs, start):
        """(coef, intercept, whether all classes reached tol)."""
        found, weights = self._margins(X, signs, costs, start)
        self.dual_coef_, self.duality_gap_ = found.alpha, found.gaps
        return *weights, found.done.all()

    def _solve_directly(self, X, signs, costs, start):
        """The first of the ways that reaches tol; the last says whether it does."""
        ways = [self._solve_primal]
        if self.solver_ == "newton" and self.max_iter >= ENOUGH:
            if self._small(X):  # beside a column of 1e15, say, steps of sixteen digits end before the last are reached
                ways.insert(0, self._solve_small)
            if sp.issparse(X):
                ways.insert(0, self._solve_sparse)
                if X.shape[0] < X.shape[1] and self.solver == self.dual == "auto":
                    ways = [self._solve_dual]  # few sweeps over few stored values
        for way in ways:
            if way == self._solve_dual:
                self.solver_ = "dual"
            coef, intercept, done = way(X, signs, costs, start)
            if done:
                break
        return coef, intercept, done

    def _solve_sparse(self, X, signs, costs, start):
        """As `_solve_primal`, for the squared hinge of sparse rows; columns of very unlike sizes are not for it."""
        bias = min(self.intercept_scaling, BEYOND) if self.fit_intercept else 0.0
        most = min(self.max_iter, MOST_STEPS)
        close = self.tol * (CLOSE_OF_FEW if self._small(X) else CLOSE)
        first = None if start is None else np.column_stack([start[0], start[1] / bias if bias else 0.0 * start[1]])
        with np.errstate(over="ignore", invalid="ignore"):
            found = kernels.truncated_svm(X, signs, costs, bias, close, most, first, self.n_jobs)
        W, steps, done = found
        self.n_iter_ = int(steps.max())
        return W[:, :-1], bias * W[:, -1], done.all()

    def _solve_small(self, X, signs, costs, start):
        """As `_solve_primal`, for the squared hinge of a small table: all classes by one kernel, to the last digits."""
        found, weights = self._margins(X, signs, costs, start)
        return *weights, found.done.all()

    def _margins(self, X, signs, costs, start):
        """(all classes solved, (coef, intercept)); start: (coef, intercept, duals of costs of 1)."""
        rows, seed = self._path(X, costs.sum(axis=1).min())
        found = Margins(rows.X, signs, costs, self.loss == "squared_hinge", rows.bias, self.tol, self.n_jobs)
        if start is not None:
            coef, intercept, shares = start
            start = rows.point(coef, intercept), self.C * shares
        self.n_iter_ = int(found.solve(self.max_iter, seed, start).steps.max(initial=0))
        return found, rows.weights(found.W)

    def _path(self, X, cost):
        """(`Joined` rows, seed) of a dual's path; cost: of all losses."""
        values = X.data if sp.issparse(X) else X
        largest = max(values.max(initial=0), -values.min(initial=0))
        bias = float(self.intercept_scaling) if self.fit_intercept else 0.0
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if max(largest, bias) > FAR:
            rows = joined_constants(X, bias, cost)
        else:
            sizes = np.append(np.zeros(X.shape[1]), bias)
            rows = Joined(X, bias, (sizes != 0) * 1.0, sizes)
        if largest > LARGEST / np.sqrt(1 + X.shape[1]):
            values = rows.X.data if sp.issparse(X) else rows.X
            if max(values.max(initial=0), -values.min(initial=0)) > LARGEST / np.sqrt(1 + X.shape[1]):
                refuse_huge(X)
        return rows, seed

    def _small(self, X):
        return X.shape[0] * X.shape[1] <= SMALL

    def _goes_inside(self, X, *sizes):
        """Whether an interior point method, whose systems have the least of `sizes` unknowns, may finish."""
        return (
            min(sizes) <= solvers.FEW_COLUMNS and X.shape[0] * X.shape[1] <= INSIDE and self.max_iter >= solvers.ENOUGH
        )

    def _sweeps(self, X, inner):
        """Most sweeps over the coordinates: no more than take the time of the interior point method that may follow."""
        return min(self.max_iter, max(100, 30 * min(X.shape))) if inner else self.max_iter

    def _solve_together(self, X, codes, cost):
        """(coef, intercept, whether tol was reached) of all classes at once; of two, the second less the first."""
        k, (rows, seed) = len(self.classes_), self._path(X, cost.sum())
        X, bias = rows.X, rows.bias
        tol = max(self.tol * 1e-7, 1e-11) if self._small(X) else self.tol
        inner = self._goes_inside(X, k * (X.shape[1] + 1))
        most = self._sweeps(X, inner)
        W, alpha, self.n_iter_, done = kernels.multiclass_svm(X, codes, k, cost, bias, tol, most, seed)
        own, scores = np.arange(k) == codes[:, None], X @ W[:, :-1].T + bias * W[:, -1]
        loss = cost @ np.maximum(0.0, 1.0 - (scores[own] - np.where(own, -np.inf, scores).max(axis=1)))
        gap = (W**2).sum() + loss + alpha[~own].sum()
        done |= gap <= self.tol * loss
        few = k * X.shape[1] <= FEW_WEIGHTS and self._small(X)
        if inner and (not done or (few and gap > LAST_DIGITS * loss)):
            at = np.flatnonzero(cost)
            found, duals, better, steps = interior_point(
                Together(with_bias(X[at], bias), codes[at], k), cost[at], PRECISE
            )
            self.n_iter_ += steps
            if better < gap:
                W, gap, alpha[at] = found, better, np.where(own[at], duals.sum(axis=1, keepdims=True), -duals)
                done |= gap <= self.tol * duals.sum()
        self.dual_coef_, self.duality_gap_ = alpha.T, np.array([gap])
        if k == 2:
            W = W[1:] - W[:1]
        return *rows.weights(W), done

    def _solve_primal(self, X, signs, costs, start):
        """(coef, intercept, whether all classes reached tol), one class after another."""
        d, coefs, intercepts, counts, done, l1 = X.shape[1], [], [], [], True, self.penalty == "l1"
        options = {"form": "scaled", "centred": False, "n_jobs": self.n_jobs}
        penalty = 0.0 if l1 else 1.0 / costs[0].sum()
        scaling = min(max(self.intercept_scaling, 1.0 / BEYOND), BEYOND)
        first = Objective("squared_hinge", X, signs[0], costs[0], 1, penalty, self.fit_intercept, **options)
        for y, cost in zip(signs, costs, strict=True):
            total = cost.sum()
            strength = 0.0 if l1 else 1.0 / total
            objective = first.of_class(y, cost, strength, strength / scaling**2)
            u, thresholds = np.zeros(d + 1), np.zeros(d + 1)
            if start is not None:
                at = len(coefs)
                u = objective.point(start[0][at : at + 1].astype(float), start[1][at : at + 1].astype(float))
            if l1:
                thresholds = np.append(objective.scale, 1.0 / scaling) / total
            few = objective.n * d <= SMALL and X.dtype == np.float64
            solution = self._run(objective, u, thresholds, self.tol * (1e-6 if few else 1.0), len(coefs))
            if not solution.converged:
                _, gradient = objective(solution.u, curvature=False)
                done &= solvers.subgradient(solution.u, gradient, thresholds) <= self.tol
            coef, intercept = objective.weights(solution.u)
            coefs.append(coef[0])
            intercepts.append(intercept[0])
            counts.append(solution.n_iter)
        self.n_iter_ = max(counts)
        return np.array(coefs), np.array(intercepts), done

    def _run(self, objective, u, thresholds, tol, at):
        """The `Solution` of problem `at`."""
        if self.solver_ == "cd":
            return solvers.proximal_newton(objective, u, thresholds, tol, self.max_iter)
        if self.solver_ == "proximal":
            return solvers.proximal(objective, u, thresholds, tol, self.max_iter)
        if objective.d <= solvers.FEW_COLUMNS:
            insides = self.__dict__.get("_insides", {})
            solution, insides[at] = inside.newton(objective, u, tol, self.max_iter, insides.get(at))
            return solution
        return solvers.conjugate_newton(objective, u, tol, self.max_iter)

    def _fit_by_epochs(self, X, y, sample_weight):
        from fastml.linear_model.sgd import SGDClassifier

        X, codes = self._coded(X, y)
        self.solver_, together = "sgd", self.multi_class == "crammer_singer" and len(self.classes_) > 2
        model = SGDClassifier(
            "hinge" if together else self.loss,
            penalty=self.penalty,
            alpha=1.0 / (self.C * X.shape[0]),
            fit_intercept=self.fit_intercept,
            class_weight=self.class_weight,
            max_iter=max(1, self.max_iter),
            random_state=self.random_state,
            multi_class="multinomial" if together else "ovr",
        )
        model.fit(X, self.classes_[codes], sample_weight=sample_weight)
        self.coef_, self.intercept_, self.n_iter_ = model.coef_, model.intercept_, model.n_iter_
        return self


def with_bias(X, bias):
    """Rows as a dense float64 table, with a last column `bias`."""
    rows = X.toarray() if sp.issparse(X) else X
    return np.column_stack([rows.astype(np.float64), np.full(len(rows), bias)])
