"""Classification by stochastic gradient descent."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import column_or_1d

from fastml.base import StrOptions, encode_labels
from fastml.class_weight import class_factors
from fastml.linear_model.base import LinearClassifier
from fastml.linear_model.stochastic import (
    NUMBER_LOSSES,
    SGD_PARAMETERS,
    StochasticModel,
    check_total,
    rows_for,
    warn_if_not_converged,
    weights_of,
)

__all__ = ["SGDClassifier", "StochasticClassifier"]

CLASS_LOSSES = {"hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron"}


class StochasticClassifier(StochasticModel, LinearClassifier):
    """Classes: one score for two of them, else one for each, against the rest or all together."""

    multi_class, _passive_loss = "ovr", "hinge"

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
        y : array-like of shape (n_samples,)
            Their labels.
        coef_init, intercept_init : array-like, default=None
            Weights to start from: (n_classes, n_features) and (n_classes,), one row for two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample's loss is multiplied with. Updates are sequential: a weight of 2 is not two updates.
        X_val, y_val : array-like, default=None
            A validation set: training stops when its score no longer rises, and the best epoch's weights are kept.

        Returns
        -------
        self
        """
        X, y = self._check_fit(X, y)
        self.classes_, codes = encode_labels(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class only, {self.classes_[0]!r}, and {type(self).__name__} tells at least 2 classes apart"
                " (the number of classes has to be greater than one)"
            )
        self._state = None
        self._check_weights_held(sample_weight)
        weight = weights_of(sample_weight, X)
        factors = class_factors(self.class_weight, self.classes_, codes, weight)
        validate = None
        if X_val is not None:
            validate = self._validator(X_val, y_val, None)
        elif self.early_stopping:
            train, test = self._split(X, y, weight, stratify=True)
            validate = self._validator(X[test], y[test], weight[test] if len(weight) else None)
            X, codes, weight = X[train], codes[train], weight[train] if len(weight) else weight
        rows = self._rows(X, codes, weight, factors)
        k = rows.class_weight.shape[1]
        start = self._first_weights(k, X.shape[1], X.dtype, coef_init, intercept_init)
        self._train(rows, [-1.0, 1.0], start, self._plan(validate))
        warn_if_not_converged(self)
        return self

    def partial_fit(
        self, X: Any, y: Any, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """One epoch over X from where the last call ended; X may bring new columns, whose weights start at 0.

        The rows of X are taken in random order (with `shuffle=False` as they come), but only those of this call: where
        batches come sorted, each of one class, say, the model follows the last. Mix the rows before cutting batches.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples. Wider than before, or with further names of columns: the new columns' weights start at 0.
        y : array-like of shape (n_samples,)
            Their labels, all of them among `classes`.
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be; needed in the first call only.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample's loss is multiplied with.

        Returns
        -------
        self
        """
        self._check_no_early_stopping()
        first = getattr(self, "classes_", None) is None
        X = self._more_columns(X, first)
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' weights, use"
                " compute_class_weight('balanced', classes=classes, y=y). In place of y you can use a large enough"
                " sample of the full training set target to properly estimate the class frequency distributions. Pass"
                " the resulting weights as the class_weight parameter. class_weight='balanced' needs all of y, which"
                " partial_fit never sees; as a dict {label: weight}"
            )
        X, y = self._check_fit(X, y, reset=first)
        X = X if first else X.astype(self.coef_.dtype, copy=False)
        self._set_classes(classes, first)
        codes = self._codes_of(y)
        weight = weights_of(sample_weight, X)
        rows = self._rows(X, codes, weight, class_factors(self.class_weight, self.classes_, codes))
        return self._one_more_epoch(rows, [-1.0, 1.0], rows.class_weight.shape[1])

    def _set_classes(self, classes, first):
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit: all labels there will ever be")
        if classes is not None and (first or not np.array_equal(classes, self.classes_)):
            classes = unique_labels(classes)
            if not first and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes={classes} is not the same as on last call to partial_fit, was: {self.classes_}"
                )
            self.classes_ = classes
        if len(self.classes_) < 2:
            raise ValueError(f"classes={self.classes_} is one class only: at least 2 are told apart")

    def _codes_of(self, y):
        y = column_or_1d(y, warn=True)
        codes = np.searchsorted(self.classes_, y)
        found = self.classes_[np.minimum(codes, len(self.classes_) - 1)] == y
        if not np.all(found):
            strangers = np.unique(y[~found])[:5].tolist()
            raise ValueError(
                f"y has the labels {strangers}, which are not among classes={self.classes_.tolist()} of the first call"
            )
        return codes

    def _rows(self, X, codes, weight, class_weights):
        """Targets and class weights as the kernels take them."""
        if self.class_weight is not None:
            with np.errstate(over="ignore"):
                check_total(class_weights[codes] * weight if len(weight) else class_weights[codes], "class_weight")
        if len(self.classes_) == 2:
            self.coupling_ = "each"
            return rows_for(X, np.where(codes == 1, 1.0, -1.0)[:, None], weight, class_weights[:, None])
        together = {"log_loss": "softmax", "hinge": "argmax", "perceptron": "argmax"}
        self.coupling_ = "rest"
        if self.multi_class == "multinomial":
            if self.loss not in together:
                raise ValueError(f"multi_class='multinomial' is for the losses {sorted(together)}, not {self.loss!r}")
            self.coupling_ = together[self.loss]
        others = np.ones(len(class_weights))
        return rows_for(X, codes[:, None], weight, np.stack([others, class_weights]))

    def _set_weights(self, coef, intercept):
        self.coef_, self.intercept_ = coef, intercept


def has_probabilities(model):
    if model.loss in ("log_loss", "modified_huber"):
        return True
    raise AttributeError(f"probability estimates are not available for loss={model.loss!r}: use log_loss")


class SGDClassifier(StochasticClassifier):
    """Linear classification by stochastic gradient descent: hinge, logistic and other losses, any penalty, any step.

    Parameters
    ----------
    loss : {"hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber", \
            "epsilon_insensitive", "squared_epsilon_insensitive"} or callable, default="hinge"
        What a score costs, y being -1 or 1. A function loss(score, y) is compiled; see `derivative`.
    penalty : {"l2", "l1", "elasticnet"} or None, default="l2"
        alpha/2 |w|^2, alpha |w|_1, or both, shared by `l1_ratio`; the intercept is free.
    alpha : float, default=0.0001
        Strength of the penalty; also sets the step of learning_rate="optimal".
    l1_ratio : float, default=0.15
        Share of l1 in "elasticnet".
    fit_intercept : bool, default=True
        Whether an intercept is learnt.
    max_iter : int, default=1000
        Most epochs of `fit`.
    tol : float or None, default=1e-3
        Training ends when the mean loss with the penalty falls by less than this for `n_iter_no_change` epochs (of
        several classes against the rest with "optimal" steps, the mean of the classes); None: never.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new random order. False: the rows as they come.
    verbose : int, default=0
        1 for a progress bar.
    epsilon : float, default=0.1
        Where "huber" turns linear, and what the epsilon-insensitive losses forgive.
    n_jobs : int, default=None
        Threads of predictions; all classes are trained in one pass.
    random_state : int, RandomState or None, default=None
        Seed of the orders.
    learning_rate : {"optimal", "constant", "invscaling", "adaptive", "pa1", "pa2", "momentum", "adagrad", "adam"}, \
            default="optimal"
        The step: 1 / (alpha (t0 + t)); eta0; eta0 / t^power_t; eta0 until the loss stalls, then a fifth, and so on; the
        passive-aggressive steps, at most eta0; and with steps of eta0, heavy-ball momentum, AdaGrad and Adam.
    eta0 : float, default=0.01
        The step size.
    power_t : float, default=0.5
        Exponent of "invscaling".
    early_stopping : bool, default=False
        Whether `validation_fraction` of the samples is held out and the score on it decides when to stop.
    validation_fraction : float, default=0.1
        Share of the samples held out.
    n_iter_no_change : int, default=5
        Epochs without improvement before training ends.
    class_weight : dict, "balanced" or None, default=None
        What the loss of each class is multiplied with.
    warm_start : bool, default=False
        Whether `fit` starts from the last weights.
    average : bool or int, default=False
        Whether the mean of the weights of all steps is the result; an int: of the steps from that one on.
    batch_size : int or "full", default=1
        Rows whose mean gradient makes one step; "full" is gradient descent.
    momentum : float, default=0.9
        What learning_rate="momentum" keeps of the last step.
    penalty_strength : array-like of shape (n_features,), default=None
        What the penalty of each column is multiplied with.
    multi_class : {"ovr", "multinomial"}, default="ovr"
        Three classes and more: each against the rest, or together: softmax for "log_loss", and for "hinge" and
        "perceptron" the own class against its best rival.
    derivative : callable, default=None
        d loss / d score of a `loss` that is a function, compiled too and checked against differences of the loss; None
        has fastml.autodiff find it, for a loss that is written with the functions of that module.
    max_time : float, default=None
        Seconds after which training ends.
    callbacks : callable or list of callables, default=None
        Called as callback(model, epoch) after each epoch, with a dict of the epoch's history; True ends training.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The weights, in the dtype of X.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The intercepts.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    history_ : dict of lists, one entry an epoch
        "loss" (mean over the rows, each met before its update), "objective" (with the penalty), "validation_score",
        "step_size" (mean), "gradient_norm" (how far the weights moved over the sum of the steps).
    stopped_ : str
        Why training ended: "tol", "max_iter", "max_time", "callback", "interrupted".
    n_iter_, t_ : int, float
        Epochs; updates, plus 1.
    eta_ : float
        eta0 in the end: smaller than given where training diverged and was restarted, or was "adaptive".

    Notes
    -----
    l1 is taken from a weight when a row is met whose column is not 0, the whole penalty since it was last taken. Where
    fewer than half of the values differ from 0, the intercept's steps of "optimal" shrink with the square of that
    share, from 1 at a half down to a hundredth. Ctrl-C ends training and keeps the best epoch. A loss that overflows
    restarts training with half the step, told in one warning. Plain steps on sparse rows touch only what a row stores;
    "adagrad", "adam", "momentum" and `penalty_strength` pass over all weights at each step: give them a larger
    batch_size there.

    L. Bottou, Stochastic gradient descent tricks (2012); Y. Tsuruoka, J. Tsujii, S. Ananiadou, Stochastic gradient
    descent training for L1-regularized log-linear models with cumulative penalty, ACL 2009; K. Crammer et al., Online
    passive-aggressive algorithms, JMLR 7 (2006).

    Examples
    --------
    >>> from fastml.linear_model import SGDClassifier
    >>> X, y = [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], ["a", "a", "b", "b"]
    >>> model = SGDClassifier(loss="log_loss", random_state=0).fit(X, y)
    >>> model.predict([[0.5, 0.0], [2.5, 3.0]]).tolist()
    ['a', 'b']
    """

    _parameter_constraints = (
        StochasticModel._parameter_constraints
        | SGD_PARAMETERS
        | {
            "loss": [StrOptions(CLASS_LOSSES | NUMBER_LOSSES), callable],
            "n_jobs": [Integral, None],
            "class_weight": [StrOptions({"balanced"}), dict, None],
            "multi_class": [StrOptions({"ovr", "multinomial"})],
        }
    )

    def __init__(
        self,
        loss: Any = "hinge",
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
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 5,
        class_weight: Any = None,
        warm_start: bool = False,
        average: Any = False,
        batch_size: int | str = 1,
        momentum: float = 0.9,
        penalty_strength: ArrayLike | None = None,
        multi_class: str = "ovr",
        derivative: Callable | None = None,
        max_time: float | None = None,
        callbacks: Any = None,
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
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.average = average
        self.batch_size = batch_size
        self.momentum = momentum
        self.penalty_strength = penalty_strength
        self.multi_class = multi_class
        self.derivative = derivative
        self.max_time = max_time
        self.callbacks = callbacks

    @available_if(has_probabilities)
    def predict_proba(self, X):
        """Probability of each of `classes_`: (n_samples, n_classes); for "log_loss" and "modified_huber".

        Against the rest, each class's own probability is normalised (Zadrozny and Elkan 2002); softmax where the
        classes were trained together.
        """
        scores = self._scores(X).astype(np.float64)
        if scores.shape[1] > 1 and self.coupling_ == "softmax":
            p = np.exp(scores - scores.max(axis=1, keepdims=True))
            return p / p.sum(axis=1, keepdims=True)
        p = np.clip((scores + 1) / 2, 0, 1) if self.loss == "modified_huber" else expit(scores)
        if p.shape[1] == 1:
            return np.column_stack([1 - p, p])
        total = p.sum(axis=1, keepdims=True)
        p[total[:, 0] == 0], total[total == 0] = 1.0 / p.shape[1], 1.0
        return p / total

    @available_if(has_probabilities)
    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))
