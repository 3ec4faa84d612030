"""What the estimators trained by stochastic gradient descent share: parameters, epochs, warm starts, new columns."""

import functools
import math
import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import check_random_state

from fastml._sklearn import validate_data
from fastml.base import Interval, StrOptions, check_weight
from fastml.linear_model.base import MOST, LinearModel
from fastml.linear_model.columns import spread_rows
from fastml.linear_model.training import Plan, Rows, check_slope, copied, descend, for_rows, refitted, widen
from fastml.warning import warn_of_future
from fastml_ext import linear as kernels
from fastml_ext.linear.codes import LOSSES, METHODS, SCHEDULES, State, Task

__all__ = [
    "NUMBER_LOSSES",
    "SGD_PARAMETERS",
    "StochasticModel",
    "check_total",
    "rows_for",
    "warn_if_not_converged",
    "weights_of",
]

NAMES = {"squared_error": "squared", "log_loss": "log", "perceptron": "hinge"}  # scikit-learn's name: the kernels'
PARAMETERS = {"hinge": 1.0, "perceptron": 0.0}
STEPS = {"adaptive": "constant", "momentum": "constant", "adagrad": "constant", "adam": "constant"}

LARGEST_TOTAL = 1e300  # of the weights of all rows
SPARSE = 0.5  # where fewer of the values differ from 0, the intercept takes smaller steps than the weights,
LEAST_INTERCEPT = 0.01  # but not by more than this
RATES = {"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2", "momentum", "adagrad", "adam"}
NUMBER_LOSSES = {"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"}
SGD_PARAMETERS = {
    "learning_rate": [StrOptions(RATES)],
    "power_t": [Interval(Real, None, None, closed="neither")],
    "epsilon": [Interval(Real, 0, None, closed="left")],
    "average": [Interval(Integral, 1, MOST, closed="both"), "boolean"],
    "batch_size": [Interval(Integral, 1, MOST, closed="both"), StrOptions({"full"})],
    "momentum": [Interval(Real, 0, 1, closed="left")],
    "penalty_strength": ["array-like", None],
    "derivative": [callable, None],
}


class LossFunctions:
    """`loss_functions` of a class: scikit-learn's table of the losses it has, for code that looks there."""

    def __get__(self, model, cls):
        import sklearn.linear_model

        name = next(each.__name__ for each in cls.__mro__ if hasattr(sklearn.linear_model, each.__name__))
        return getattr(sklearn.linear_model, name).loss_functions


class StochasticModel(LinearModel):
    """Epochs of stochastic gradient descent, from scratch, from given weights, or one at a time."""

    _sequential = True  # weights are no repetitions: the order of the updates matters

    _parameter_constraints = {
        "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, MOST, closed="both")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "shuffle": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "eta0": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, MOST, closed="both")],
        "warm_start": ["boolean"],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "callbacks": [callable, list, tuple, None],
    }
    # What estimators without these parameters do.
    average: Any
    batch_size: Any
    penalty_strength: Any
    derivative: Any
    batch_size, momentum, penalty_strength, average, power_t, epsilon, derivative = 1, 0.9, None, False, 0.5, 0.1, None
    loss_functions = LossFunctions()
    coupling = "each"
    _passive_loss: str | None = None

    def _task(self, X, targets):
        """The parameters as numbers for the kernels."""
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError(
                "l1_ratio must be set when penalty is 'elasticnet': l1_ratio=None with penalty='elasticnet', give the"
                " share of l1, between 0 and 1"
            )
        share = {"l1": 1.0, "elasticnet": self.l1_ratio}.get(self.penalty, 0.0)
        alpha = 0.0 if self.penalty is None else self.alpha
        rate = self.learning_rate
        if rate in ("pa1", "pa2") and self.loss != self._passive_loss:
            raise ValueError(
                f"learning_rate={rate!r} is the passive-aggressive step of loss={self._passive_loss!r}, not of"
                f" {self.loss!r}: choose another learning_rate"
            )
        if self.power_t < 0:
            warn_of_future(
                "Negative values for `power_t` are deprecated in version 1.8 and will raise an error in 1.10. Use"
                f" values in the range [0.0, inf) instead: steps of eta0 / t^power_t grow with power_t={self.power_t}"
            )
        if rate == "optimal" and self.alpha == 0:
            raise ValueError("alpha=0 with learning_rate='optimal', whose step is 1 / (alpha (t0 + t)): choose another")
        own = callable(self.loss)
        name = "user" if own else NAMES.get(self.loss, self.loss)
        task = Task(
            loss=LOSSES[name],
            parameter=float(self._loss_parameter()),
            coupling=kernels.COUPLINGS[self.coupling_],
            l1=alpha * share,
            l2=alpha * (1 - share),
            schedule=SCHEDULES[STEPS.get(rate, rate)],
            eta0=1.0 if rate == "optimal" else float(self.eta0),
            power=float(self.power_t),
            alpha=float(self.alpha),
            method=METHODS.get(rate, 0),
            momentum=float(self.momentum),
            batch=X.shape[0] if self.batch_size in (None, "full") else min(self.batch_size, X.shape[0]),
            intercept=float(self.fit_intercept and (intercept_step(X) if rate == "optimal" else 1.0)),
            average_from=-1 if self.average in (False, "voted") else int(self.average) - 1,
        )
        if own:
            task = self._with_user_loss(task, targets)
        return task._replace(optimal=first_step(task)) if rate == "optimal" else task

    def _loss_parameter(self):
        return PARAMETERS.get(self.loss, self.epsilon) if not callable(self.loss) else 0.0

    def _with_user_loss(self, task, targets):
        """The user's loss(score, y) and its derivative, compiled and held to one another."""
        if self.derivative is None:
            from fastml.autodiff import scalar_function

            found = scalar_function(self.loss, 2)
            self._compiled = found.value, found.derivative
        else:
            from fastml_ext.device.calls import FAILURE, compile_function, numbers

            failure = f"{FAILURE}, as a function of (score, y)"
            functions = {"loss": self.loss, "derivative": self.derivative}
            self._compiled = [compile_function(f, numbers(2), name, failure) for name, f in functions.items()]
        value, slope = self._compiled
        task = task._replace(user_value=value.address, user_slope=slope.address)
        check_slope(task, getattr(self.loss, "__name__", "loss"), targets)
        return task

    def __getstate__(self):
        state = super().__getstate__()
        state.pop("_compiled", None)  # machine code is made anew where the model is trained again
        return state

    def _strength(self, n_columns):
        if self.penalty_strength is None:
            return None
        strength = np.asarray(self.penalty_strength, np.float64)
        if strength.shape != (n_columns,) or not (strength >= 0).all() or not np.isfinite(strength).all():
            raise ValueError(
                f"penalty_strength has shape {strength.shape} for {n_columns} columns:"
                " give each column a finite strength of at least 0"
            )
        return strength

    def _train(self, rows, targets, start, plan):
        """Epochs over `rows` from `start`, a pair (coef, intercept); stores what comes out."""
        task = self._task(rows.X, targets)
        first = functools.partial(kernels.begin, task, *start, rows.sparse, self._strength(rows.X.shape[1]))
        return self._keep(descend(task, rows, first, plan), rows)

    def _keep(self, outcome, rows, so_far=0):
        self._state, self._state_sparse = outcome.state, rows.sparse
        dtype = rows.X.dtype  # an average is taken in float64
        self._set_weights(outcome.coef.astype(dtype, copy=False), outcome.intercept.astype(dtype, copy=False))
        self.history_ = outcome.history
        self.stopped_, self.eta_ = outcome.stopped, outcome.eta0
        self.n_iter_ = len(outcome.history["loss"])
        self.t_ = so_far + self.n_iter_ * rows.n + 1.0
        return self

    def _plan(self, validate=None, **options):
        """The parameters that say when to stop."""
        callbacks = [] if self.callbacks is None else self.callbacks
        callbacks = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
        return Plan(
            max_iter=self.max_iter,
            tol=self.tol,
            patience=self.n_iter_no_change,
            shuffle=self.shuffle,
            seed=seed_of(self.random_state),
            adaptive=self.learning_rate == "adaptive",
            max_time=self.max_time,
            verbose=int(self.verbose),
            validate=validate,
            keep_best=validate is not None,
            callbacks=[self._telling(callback) for callback in callbacks],
            **options,
        )

    def _telling(self, callback):
        """A callback(model, epoch) sees the model with the weights of the epoch."""

        def call(row, learner):
            self._set_weights(*learner.current())
            return callback(self, row)

        return call

    def _split(self, X, y, weight, stratify):
        """(rows to learn from, rows to validate on) by validation_fraction, as index arrays."""
        n = X.shape[0]
        held = math.ceil(self.validation_fraction * n)
        counts = np.unique(y, return_counts=True)[1] if stratify else np.array([n])
        least = len(counts) if stratify else 2
        if held < least or n - held < (least if stratify else 1) or counts.min() < 2:
            needs = f"a sample of each of {least} classes in both parts" if stratify else "2 to score, 1 to learn from"
            raise ValueError(
                f"early_stopping=True with validation_fraction={self.validation_fraction} holds out {held} of {n}"
                f" samples, but needs {needs}: give more samples, choose another validation_fraction, or set"
                " early_stopping=False"
            )
        splitter = StratifiedShuffleSplit if stratify else ShuffleSplit
        split = splitter(test_size=self.validation_fraction, random_state=self.random_state)
        train, test = next(split.split(np.zeros((n, 1)), y))
        if len(weight) and not weight[test].any():
            raise ValueError(
                "The sample weights for validation set are all zero, consider using a different random state. The"
                f" {len(test)} of {n} samples that early_stopping=True holds out have no weight in sample_weight"
            )
        return np.sort(train), test  # in the order of X, which counts where rows are not shuffled

    def _check_weights_held(self, sample_weight):
        """Refuse weights of 0 everywhere; of rows held out scikit-learn says it first."""
        if self.early_stopping and sample_weight is not None and not np.any(sample_weight):
            raise ValueError(
                "The sample weights for validation set are all zero, consider using a different random state."
                " sample_weight is 0 everywhere: Sample weights must contain at least one non-zero number."
            )

    def _validator(self, X, y, weight):
        """validate(coef, intercept) on a validation set; works on a copy of the model, so that nothing leaks."""
        probe = object.__new__(type(self))
        probe.__dict__ = dict(self.__dict__)
        probe.__dict__.pop("feature_names_in_", None)  # its rows are those of the fit, checked and without names

        def validate(coef, intercept):
            probe._set_weights(coef, intercept)
            return probe.score(X, y, weight)

        return validate

    def _more_columns(self, X, first):
        """Take in a partial_fit's X with more columns than before, or with other names, whose weights start at 0."""
        known = getattr(self, "n_features_in_", None)
        names = getattr(X, "columns", None)
        if first or known is None or not hasattr(X, "shape") or len(X.shape) != 2:
            return X
        if hasattr(self, "feature_names_in_") and names is not None:
            old, new = list(self.feature_names_in_), list(names)
            fresh = [name for name in new if name not in set(old)]
            missing = [name for name in old if name not in set(new)]
            if missing:
                self._refuse_names(X, missing)
            if fresh:
                X = X[old + fresh]
                self.feature_names_in_ = np.array(old + fresh, dtype=object)
                self._widen(len(old) + len(fresh))
        elif X.shape[1] > known:
            self._widen(X.shape[1])
        return X

    def _refuse_names(self, X, missing):
        ours = f"X lacks the columns {missing}: partial_fit may bring new columns, not drop old ones"
        try:
            validate_data(self, X, reset=False, skip_check_array=True)
        except ValueError as error:  # scikit-learn's words, which name the columns
            raise ValueError(f"{error}{ours}") from None
        raise ValueError(ours)

    def _widen(self, n_columns):
        self._state = widen(self._state, self._state_sparse, n_columns)
        extra = n_columns - self.n_features_in_
        coef = self.coef_.toarray() if sp.issparse(self.coef_) else self.coef_
        zeros = np.zeros((*coef.shape[:-1], extra), coef.dtype)
        self.coef_ = np.concatenate([coef, zeros], axis=-1)
        self.n_features_in_ = n_columns
        if self._fast_columns >= 0:
            self._fast_columns = n_columns

    def _check_no_early_stopping(self):
        if self.early_stopping:
            self._validate_params()  # what is no bool is said as that
            raise ValueError(
                "early_stopping should be False with partial_fit, which never holds out samples: score each batch"
                " before it is learnt, or use fit"
            )

    def _one_more_epoch(self, rows, targets, k):
        """partial_fit: one epoch from where the last one ended, steps, moments and averages included."""
        task, d = self._task(rows.X, targets), rows.X.shape[1]
        if getattr(self, "_state", None) is None:
            start = self._old_weights(k, d, rows.X.dtype)
            state = kernels.begin(task, *start, rows.sparse, self._strength(d))
        else:
            state = for_rows(self._state, self._state_sparse, rows.sparse)
            state = State(*(part.astype(rows.X.dtype) for part in state[:5]), *copied(state)[5:])
            fresh = kernels.begin(task, *kernels.weights(state, rows.sparse), rows.sparse, self._strength(d))
            state = refitted(state, fresh, task.average_from)
        plan = self._plan()
        plan.max_iter, plan.tol, plan.verbose = 1, None, int(self.verbose)
        return self._keep(descend(task, rows, lambda: copied(state), plan), rows, getattr(self, "t_", 1.0) - 1.0)

    def _old_weights(self, k, d, dtype):
        """Weights to start from: those of an earlier fit, else zeros."""
        if getattr(self, "coef_", None) is None:
            return np.zeros((k, d), dtype), np.zeros(k, dtype)
        coef = self.coef_.toarray() if sp.issparse(self.coef_) else np.atleast_2d(self.coef_)
        if coef.shape != (k, d):
            raise ValueError(
                f"warm_start from coef_ of shape {coef.shape}, but this X and y need {(k, d)}: fit a new model"
            )
        return coef.astype(dtype), np.broadcast_to(self.intercept_, k).astype(dtype)

    def _first_weights(self, k, d, dtype, coef_init, intercept_init):
        """(coef, intercept) before the first epoch of a fit."""
        coef, intercept = np.zeros((k, d), dtype), np.zeros(k, dtype)
        if self.warm_start and hasattr(self, "coef_"):
            coef, intercept = self._old_weights(k, d, dtype)
        for name, given, shape in (("coef_init", coef_init, (k, d)), ("intercept_init", intercept_init, (k,))):
            if given is not None and np.size(given) != np.prod(shape):
                raise ValueError(
                    f"Provided {name} does not match dataset: {name} has shape {np.shape(given)}, but {shape} is needed"
                )
        if coef_init is not None:
            coef = np.asarray(coef_init, dtype).reshape(k, d)
        if intercept_init is not None:
            intercept = np.asarray(intercept_init, dtype).reshape(k)
        return coef, intercept


def seed_of(random_state):
    """The seed of a fit's orders, below 2**31 - 1."""
    return first_of_generator(random_state) if type(random_state) is int else next_of(random_state)


def next_of(random_state):
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


first_of_generator = functools.lru_cache(1000)(next_of)  # a generator takes 100 us to start, as long as a small fit


def weights_of(sample_weight, X):
    """Sample weights for the kernels: (n,) float64, or empty for one each."""
    if sample_weight is None:
        return np.empty(0)
    weight = check_weight(sample_weight, X.shape[0])
    check_total(weight, "sample_weight")
    return weight


def check_total(weight, name):
    """Refuse weights with whose sum no loss can be multiplied, or by which none can be divided."""
    with np.errstate(over="ignore"):
        total = float(np.sum(weight))
    if total > LARGEST_TOTAL or 0 < total < 1 / LARGEST_TOTAL:
        raise ValueError(
            f"{name} sums to {total:.4g} over the samples, beyond {1 / LARGEST_TOTAL:.0e} to {LARGEST_TOTAL:.0e}, where"
            f" losses overflow or vanish: scale {name} to a mean of about 1"
        )


def first_step(task):
    """t0 of the schedule 1 / (alpha (t0 + t)): the first step is about what the weights are expected to grow to.

    L. Bottou's heuristic: weights of size sqrt(1 / sqrt(alpha)), moved there by one slope.
    """
    size = np.sqrt(1.0 / np.sqrt(task.alpha))
    softmax_as_log = task._replace(coupling=0)
    _, slope = kernels.slopes(softmax_as_log, np.array([[-size]]), np.ones((1, 1)), np.empty(0), np.ones((2, 1)))
    return 1.0 / (size / max(1.0, abs(float(slope[0, 0]))) * task.alpha)


def intercept_step(X, sample=1000):
    """Share of the step that the intercept takes under "optimal": less where columns are 0 in most rows of X.

    Every row moves the intercept. Where a column is met by one row in a thousand, its weight takes few of these large
    first steps and the intercept a thousand times as many, so that it swings and the weights follow its swings.
    """
    if X.shape[0] >= 2 * sample:
        X = X[spread_rows(X.shape[0], sample)]
    met = np.count_nonzero(X.data if sp.issparse(X) else X) / (X.shape[0] * X.shape[1])
    return min(1.0, max(LEAST_INTERCEPT, (met / SPARSE) ** 2))


def rows_for(X, Y, weight, class_weight):
    return Rows(X, np.ascontiguousarray(Y, np.float64), weight, np.ascontiguousarray(class_weight, np.float64))


def warn_if_not_converged(model):
    if model.stopped_ == "max_iter" and model.tol is not None:
        warnings.warn(
            "Maximum number of iteration reached before convergence. Consider increasing max_iter to improve the fit."
            f" {type(model).__name__} reached max_iter={model.max_iter} epochs before the loss settled within"
            f" tol={model.tol}: raise max_iter, or scale the columns of X",
            ConvergenceWarning,
            stacklevel=4,
        )
