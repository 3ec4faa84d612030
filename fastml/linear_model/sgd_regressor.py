"""Regression by stochastic gradient descent."""

from collections.abc import Callable
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import DataConversionWarning

from fastml.base import Interval, StrOptions
from fastml.linear_model.base import LinearRegressor
from fastml.linear_model.stochastic import (
    NUMBER_LOSSES,
    SGD_PARAMETERS,
    StochasticModel,
    rows_for,
    warn_if_not_converged,
    weights_of,
)
from fastml.warning import warn

__all__ = ["SGDRegressor"]


class SGDRegressor(StochasticModel, LinearRegressor):
    """Linear regression by stochastic gradient descent: squared, robust, quantile, Poisson and user's losses.

    Parameters
    ----------
    loss : {"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive", "quantile", "poisson"} or \
            callable, default="squared_error"
        What a prediction costs: squared is half the square; "poisson" is exp(score) - y score, and predicts exp(score).
        A function loss(score, y) of two numbers is compiled; see `derivative`.
    penalty, alpha, l1_ratio, fit_intercept, max_iter, tol, shuffle, verbose, random_state : see SGDClassifier
        As for SGDClassifier.
    epsilon : float, default=0.1
        Where "huber" turns linear, and what the epsilon-insensitive losses forgive.
    learning_rate : as for SGDClassifier, default="invscaling"
        The step.
    eta0 : float, default=0.01
        The step size.
    power_t : float, default=0.25
        Exponent of "invscaling".
    early_stopping, validation_fraction, n_iter_no_change, warm_start, average : see SGDClassifier
        As for SGDClassifier; the score is R^2.
    batch_size, momentum, penalty_strength, derivative, max_time, callbacks : see SGDClassifier
        As for SGDClassifier.
    quantile : float, default=0.5
        The quantile that loss="quantile" finds.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
        The weights.
    intercept_ : ndarray of shape (1,) or (n_outputs,)
        The intercepts.
    history_, stopped_, n_iter_, t_, eta_
        As for SGDClassifier.

    Notes
    -----
    See SGDClassifier. Several outputs are trained in one pass over the rows.

    Examples
    --------
    >>> from fastml.linear_model import SGDRegressor
    >>> X, y = [[1.0], [2.0], [4.0]], [1.0, 3.0, 3.0]
    >>> model = SGDRegressor(penalty=None, learning_rate="constant", eta0=0.1, batch_size="full", tol=None)
    >>> model = model.fit(X, y)
    >>> model.intercept_.round(3).tolist(), model.coef_.round(3).tolist()
    ([1.0], [0.571])
    """

    _parameter_constraints = (
        StochasticModel._parameter_constraints
        | SGD_PARAMETERS
        | {
            "loss": [StrOptions(NUMBER_LOSSES | {"quantile", "poisson"}), callable],
            "quantile": [Interval(Real, 0, 1, closed="neither")],
        }
    )
    coupling_, _passive_loss = "each", "epsilon_insensitive"

    def __init__(
        self,
        loss: Any = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        learning_rate: str = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 5,
        warm_start: bool = False,
        average: Any = False,
        batch_size: int | str = 1,
        momentum: float = 0.9,
        penalty_strength: ArrayLike | None = None,
        derivative: Callable | None = None,
        max_time: float | None = None,
        callbacks: Any = None,
        quantile: float = 0.5,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.average = average
        self.batch_size = batch_size
        self.momentum = momentum
        self.penalty_strength = penalty_strength
        self.derivative = derivative
        self.max_time = max_time
        self.callbacks = callbacks
        self.quantile = quantile

    def fit(
        self,
        X: Any,
        y: Any,
        coef_init: ArrayLike | None = None,
        intercept_init: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Learn from scratch, or with `warm_start` from the weights of the last fit.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples, float32 or float64, dense or CSR, used as they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        coef_init, intercept_init : array-like, default=None
            Weights to start from.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample's loss is multiplied with. Updates are sequential: a weight of 2 is not two updates.
        X_val, y_val : array-like, default=None
            A validation set: training stops when its R^2 no longer rises, and the best epoch's weights are kept.

        Returns
        -------
        self
        """
        X, Y = self._check_targets(X, y)
        self._state = None
        self._check_weights_held(sample_weight)
        weight = weights_of(sample_weight, X)
        validate = None
        if X_val is not None:
            validate = self._validator(X_val, y_val, None)
        elif self.early_stopping:
            train, test = self._split(X, Y, weight, stratify=False)
            held = Y[test, 0] if self._one_output else Y[test]
            validate = self._validator(X[test], held, weight[test] if len(weight) else None)
            X, Y, weight = X[train], Y[train], weight[train] if len(weight) else weight
        rows = rows_for(X, Y, weight, np.ones((2, Y.shape[1])))
        start = self._first_weights(Y.shape[1], X.shape[1], X.dtype, coef_init, intercept_init)
        self._train(rows, Y, start, self._plan(validate))
        warn_if_not_converged(self)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """One epoch over X, as for SGDClassifier; X may bring new columns, whose weights start at 0.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample's loss is multiplied with.

        Returns
        -------
        self
        """
        self._check_no_early_stopping()
        first = getattr(self, "coef_", None) is None
        X, Y = self._check_targets(self._more_columns(X, first), y, reset=first)
        X = X if first else X.astype(self.coef_.dtype, copy=False)
        rows = rows_for(X, Y, weights_of(sample_weight, X), np.ones((2, Y.shape[1])))
        return self._one_more_epoch(rows, Y, Y.shape[1])

    def predict(self, X: Any) -> np.ndarray:
        """The outputs of each row of X, array-like or sparse: (n_samples,) or (n_samples, n_outputs)."""
        predictions = super().predict(X)
        return np.exp(predictions) if self.loss == "poisson" else predictions

    def _check_targets(self, X, y, **options):
        X, y = self._check_fit(X, y, y_numeric=True, multi_output=True, **options)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(f"y has {y.min()}, but loss='poisson' is for counts and rates, at least 0")
        if y.ndim == 2 and y.shape[1] == 1:
            warn(
                "A column-vector y was passed when a 1d array was expected. Please change the shape of y to"
                " (n_samples, ), for example using ravel().",
                DataConversionWarning,
            )
            y = y[:, 0]
        self._one_output = y.ndim == 1
        return X, y.reshape(len(y), -1).astype(np.float64)

    def _loss_parameter(self):
        return self.quantile if self.loss == "quantile" else super()._loss_parameter()

    def _set_weights(self, coef, intercept):
        self.coef_, self.intercept_ = coef[0] if self._one_output else coef, intercept
