"""Classification by a multilayer perceptron."""

import os
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from fastml.base import StrOptions, encode_labels
from fastml.class_weight import class_factors, row_weights
from fastml.neural_network.base import ByBatches, MultilayerPerceptron
from fastml.neural_network.checks import weights_of
from fastml_ext import neural as kernels
from fastml_ext.neural.codes import ACTIVATIONS, LOSSES, Data

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    """Classification by dense layers: two classes, several, or several labels at once.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(100,)
        Units of each hidden layer.
    activation : str, callable, pair, or list of them, default="relu"
        Of the hidden layers, or a list with one for each: "identity", "logistic" (or "sigmoid"), "tanh", "relu",
        "leaky_relu" (slope 0.01), "gelu", "elu", "softplus", "exp", "step" (1 from 0 on), "straight_through" (step with
        the derivative of a line on [-1, 1]). A function of one number written with fastml.autodiff's functions, whose
        derivative is found; or a tuple (function, derivative) of NumPy's, checked against differences.
    solver : {"adam", "adamw", "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "lbfgs"}, default="adam"
        "sgd" takes `momentum` and `nesterovs_momentum` as scikit-learn's does.
    alpha : float, default=0.0001
        Strength of the L2 penalty alpha/2 |coefs|^2, which is divided by the batch's sum of weights.
    batch_size : int or "auto", default="auto"
        Rows of a batch, from 1 to n; "auto" is min(200, n).
    learning_rate : {"constant", "invscaling", "adaptive", "step", "cosine", "plateau"}, default="constant"
        The step size, epoch by epoch: learning_rate_init; divided by (samples seen + 1)^power_t; a fifth whenever
        training stalls, instead of its end (both for "sgd", "momentum" and "nesterov" only); times schedule_factor
        every schedule_epochs epochs; a half cosine down to 0 at max_iter; times schedule_factor after schedule_epochs
        epochs without improvement.
    learning_rate_init : float, default=0.001
        The first step size.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Most epochs; iterations of "lbfgs".
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.
    random_state : int, RandomState or None, default=None
        Seed of weights, orders, split and dropout; the same draws as scikit-learn's.
    tol : float, default=1e-4
        By how much the loss, or the validation score, must become better to count.
    verbose : bool, default=False
        Whether a progress bar is shown.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the last fit.
    momentum : float, default=0.9
        What is kept of the last step by "sgd", "momentum" and "nesterov".
    nesterovs_momentum : bool, default=True
        Whether "sgd" looks ahead along its momentum.
    early_stopping : bool, default=False
        Whether `validation_fraction` of the samples is held out and the score on it decides when to stop and which
        epoch's weights are kept.
    validation_fraction : float, default=0.1
        Share of the samples held out.
    beta_1, beta_2 : float, default=0.9, 0.999
        What Adam keeps of its mean gradient and of its mean squared gradient.
    epsilon : float, default=1e-8
        Added to the root that "adam", "adamw", "adagrad" and "rmsprop" divide by.
    n_iter_no_change : int, default=10
        Epochs without improvement before training ends.
    max_fun : int, default=15000
        Most evaluations of "lbfgs".
    output_activation : str, callable or pair, default="auto"
        Of the last layer; "auto": the one that belongs to the loss.
    delta : float, default=1.0
        Where "huber" turns linear.
    rho : float, default=0.9
        What "rmsprop" keeps of its mean squared gradient.
    weight_decay : float, default=0.01
        Decoupled decay of "adamw": every step first shrinks all weights by this times the step size.
    l1 : float, default=0.0
        Strength of the L1 penalty, divided as `alpha`'s.
    dropout : float or array-like, default=0.0
        Share of the hidden units, or of each hidden layer's, that is left out of each batch.
    input_noise : float, default=0.0
        Standard deviation of normal noise that is added to X in each batch.
    clip_value, clip_norm : float, default=None
        Bound of every entry of the gradient, and of the norm of the whole.
    init : {"auto", "he", "glorot", "normal"} or (coefs, intercepts), default="auto"
        First weights: uniform as scikit-learn's; normal with deviation sqrt(2 / n_in), sqrt(2 / (n_in + n_out)), or
        `init_scale`; or given.
    init_scale : float, default=0.01
        Standard deviation of init="normal".
    update : {"together", "immediate"}, default="together"
        Whether all layers are stepped along one gradient, or each as soon as its gradient is known, its new weights
        carrying the gradient on. "immediate" is refused with "lbfgs" and with clip_norm.
    epoch_fraction : float, default=1.0
        Random share of the rows that an epoch visits.
    schedule_factor, schedule_epochs : float, int, default=0.1, 10
        Of "step" and "plateau".
    warmup_epochs : int, default=0
        Epochs over which the step grows to its size, whatever `learning_rate` is.
    scoring : str or callable, default=None
        scikit-learn's scorer of train and validation scores; None: accuracy.
    max_time : float, default=None
        Seconds after which training ends.
    callbacks : callable or list of callables, default=None
        Called as callback(model, epoch) after each epoch, with a dict of the epoch's history; True ends training.
    checkpoint : str or path, default=None
        File that the model is saved to after each epoch; fastml.load(file).partial_fit(X, y) goes on from there.
    n_jobs : int, default=None
        Threads of training and predicting; the result is the same for any number.
    loss : str, callable or pair, default="log_loss"
        "log_loss" (cross-entropy: softmax outputs for three classes and more, logistic ones for two classes and for
        several labels), "binary_log_loss" (logistic outputs, each class against the rest), "squared_error",
        "root_mean_squared_error", "absolute_error", "huber"; or the user's own function of (output, y), y being 0 or 1,
        as for `activation`.
    class_weight : dict, "balanced" or None, default=None
        What the loss of each class is multiplied with.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    coefs_, intercepts_ : list of ndarray
        Each layer's weights (n_in, n_out) and intercepts (n_out,), in the dtype of X.
    history_ : dict of lists, one entry an epoch
        "loss" (mean over the batches, each before its step, penalties included), "validation_loss" and
        "validation_score" (None without a validation set), "step_size"; of 100 to 512 training rows, evenly
        spread, after the epoch: "train_score", and tables with a row an epoch, a column a layer: "gradient_norm",
        "dead" and "saturated" (shares of the hidden layers' units with one activation for all rows, and of logistic and
        tanh activations near an end) and "update_ratio", norm of the last batch's step over that of the weights.
    loss_, best_loss_, loss_curve_ : float, float, list
        The last and the least loss of an epoch, and all of them.
    validation_scores_, best_validation_score_ : list, float
        None without a validation set.
    stopped_ : str
        Why training ended: "tol", "max_iter", "max_time", "callback", "interrupted".
    learning_rate_ : float
        learning_rate_init in the end: smaller where training diverged and was restarted.
    n_iter_, t_ : int
        Epochs; samples seen.
    n_layers_, n_outputs_, out_activation_ : int, int, str
        Layers with the input counted; outputs; activation of the last layer.

    Notes
    -----
    Ctrl-C ends training and keeps the best epoch. A loss that overflows restarts training with half the step, told in
    one warning. A callback may pickle or save the model at any epoch: `partial_fit` goes on from there.

    D. Rumelhart, G. Hinton, R. Williams, Learning representations by back-propagating errors, Nature 323 (1986);
    D. Kingma, J. Ba, Adam, ICLR (2015); I. Loshchilov, F. Hutter, Decoupled weight decay, ICLR (2019); X. Glorot,
    Y. Bengio, AISTATS (2010); K. He et al., ICCV (2015); N. Srivastava et al., Dropout, JMLR 15 (2014).

    Examples
    --------
    >>> from fastml.neural_network import MLPClassifier
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "yes", "yes", "no"]
    >>> model = MLPClassifier((8,), activation="tanh", solver="lbfgs", random_state=0).fit(X, y)
    >>> model.predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """

    _y_numeric = False
    _parameter_constraints = MultilayerPerceptron._parameter_constraints | {
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        class_weight: Any = None,
        output_activation: Any = "auto",
        delta: float = 1.0,
        rho: float = 0.9,
        weight_decay: float = 0.01,
        l1: float = 0.0,
        dropout: Any = 0.0,
        input_noise: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        init: Any = "auto",
        init_scale: float = 0.01,
        update: str = "together",
        epoch_fraction: float = 1.0,
        schedule_factor: float = 0.1,
        schedule_epochs: int = 10,
        warmup_epochs: int = 0,
        scoring: Any = None,
        max_time: float | None = None,
        callbacks: Any = None,
        checkpoint: str | os.PathLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.class_weight = class_weight
        self.output_activation = output_activation
        self.delta = delta
        self.rho = rho
        self.weight_decay = weight_decay
        self.l1 = l1
        self.dropout = dropout
        self.input_noise = input_noise
        self.clip_value = clip_value
        self.clip_norm = clip_norm
        self.init = init
        self.init_scale = init_scale
        self.update = update
        self.epoch_fraction = epoch_fraction
        self.schedule_factor = schedule_factor
        self.schedule_epochs = schedule_epochs
        self.warmup_epochs = warmup_epochs
        self.scoring = scoring
        self.max_time = max_time
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, X_val: Any = None, y_val: Any = None
    ) -> Self:
        """Learn from scratch, or with `warm_start` from the weights of the last fit.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples, float32 or float64, dense or CSR, used as they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their labels; or a table of 0 and 1, a column for each of several labels.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample's loss is multiplied with, in a mean over the sum of the weights.
        X_val, y_val : array-like, default=None
            A validation set: training stops when its score no longer rises, and the best epoch's weights are kept.

        Returns
        -------
        self
        """
        X, y, first = self._begin(X, y, incremental=False)
        known = None if first else self.classes_
        codes = self._set_labels(y)
        if known is not None and not np.array_equal(known, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit."
                f" Previously got {known}, `y` has {self.classes_}"
            )
        data = Data(X, self._indicators(y, X.dtype, codes), self._all_weights(y, sample_weight, X))
        validation = None
        if X_val is not None:
            X_val = self._check_rows(X_val)
            validation = Data(X_val, self._indicators(self._labels_of(y_val), X.dtype), np.empty(0))
        two = self.early_stopping and codes is not None and len(self.classes_) == 2
        stratify = np.where(codes == 1, "True", "False") if two else None  # as scikit-learn's messages have it
        return self._learn(data, first, False, validation, stratify)

    @ByBatches
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """One epoch over X from where the last call ended, moments and step counts included.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,)
            Their labels, all of them among `classes`.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample's loss is multiplied with.
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be; needed in the first call only.

        Returns
        -------
        self
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which never sees all of y: pass"
                " compute_class_weight('balanced', classes=classes, y=y) as a dict {label: weight}"
            )
        X, y, first = self._begin(X, y, incremental=True)
        if classes is not None:
            if first:
                self.classes_ = unique_labels(classes)
                self._several = type_of_target(y) == "multilabel-indicator"
            elif not (np.array_equal(classes, self.classes_) or np.array_equal(unique_labels(classes), self.classes_)):
                raise ValueError(f"classes={classes} is not the same as on last call to partial_fit: {self.classes_}")
        elif first:
            raise ValueError("classes must be passed on the first call to partial_fit: all labels there will ever be")
        data = Data(X, self._indicators(self._labels_of(y), X.dtype), self._all_weights(y, sample_weight, X))
        return self._learn(data, first, True)

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row of X, array-like or sparse: (n_samples,), or (n_samples, n_outputs) of 0 and 1."""
        return self._decide(self._outputs(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each of `classes_`: (n_samples, n_classes); of several labels, of each by itself."""
        p = self._outputs(X)
        if self._several:
            return p
        if p.shape[1] == 1:
            return np.column_stack([1 - p, p]) if len(self.classes_) == 2 else np.ones_like(p)
        if self.out_activation_ == "softmax":
            return p
        p = np.clip(p, 0, None)
        total = p.sum(axis=1, keepdims=True)
        p[total[:, 0] == 0], total[total == 0] = 1.0 / p.shape[1], 1.0
        return p / total

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _decide(self, output):
        if self._several:
            return (output > 0.5).astype(np.int64)
        if len(output) == 1 and len(self.classes_) > 1:  # one row must be quick
            best = int(output.argmax()) if output.shape[1] > 1 else int(output[0, 0] > 0.5)
            return self.classes_[best : best + 1].copy()
        if output.shape[1] > 1:
            return self.classes_[output.argmax(axis=1)]
        if len(self.classes_) == 1:
            return np.repeat(self.classes_, len(output))
        return self.classes_[(output[:, 0] > 0.5).view(np.int8)]

    def _set_labels(self, y):
        """Learn the classes; (n,) the place of each row's label among them, or None where there are several labels."""
        one = type(y) is np.ndarray and y.ndim == 1
        self._several = not one and type_of_target(y) == "multilabel-indicator"
        if self._several:
            self.classes_ = np.arange(y.shape[1])
            return None
        self.classes_, codes = encode_labels(y)
        return codes

    def _labels_of(self, y):
        """Labels that are all known, as an array."""
        if self._several:
            y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
            if y.ndim != 2 or y.shape[1] != len(self.classes_):
                raise ValueError(f"y has shape {y.shape}, but there are {len(self.classes_)} labels, one a column")
            return y
        y = column_or_1d(y, warn=True)
        codes = np.minimum(np.searchsorted(self.classes_, y), len(self.classes_) - 1)
        strange = self.classes_[codes] != y
        if np.any(strange):
            strangers = np.unique(y[strange])
            raise ValueError(f"y has the labels {strangers[:5].tolist()}, not among classes={self.classes_.tolist()}")
        return y

    def _indicators(self, y, dtype, codes=None):
        """Targets for the kernels: 0 and 1, a column for each class or label; one column for two classes.

        codes: the places of the labels y among `classes_`, where they are known
        """
        if self._several:
            y = y.toarray() if hasattr(y, "toarray") else y
            return np.ascontiguousarray(y, dtype)
        codes = np.searchsorted(self.classes_, column_or_1d(y)) if codes is None else codes
        if len(self.classes_) <= 2:
            return codes[:, None].astype(dtype)
        Y = np.zeros((len(codes), len(self.classes_)), dtype)
        Y[np.arange(len(codes)), codes] = 1
        return Y

    def _targets(self, Y):
        """Labels of the kernels' targets."""
        return Y.astype(np.int64) if self._several else self._decide(Y)

    def _all_weights(self, y, sample_weight, X):
        """The weights of the rows with the factors of their classes in; of several labels, of each label's two."""
        weight, given = weights_of(sample_weight, X), self.class_weight
        if given is None:
            return weight
        if not self._several:
            if isinstance(given, list):
                raise ValueError(f"class_weight={given} is a list, but y has one label a row: give one dict")
            return row_weights(given, self.classes_, np.searchsorted(self.classes_, column_or_1d(y)), weight)
        codes = np.asarray(y.toarray() if hasattr(y, "toarray") else y, np.int64)
        each = [given] * codes.shape[1] if given == "balanced" else given
        if not isinstance(each, list) or len(each) != codes.shape[1]:
            raise ValueError(
                f"class_weight={given}: for {codes.shape[1]} labels give 'balanced', or a list of a dict each"
            )
        own = np.ones(len(codes))
        for factors, column in zip(each, codes.T, strict=True):
            own *= class_factors(factors, np.arange(2), column, weight)[column]
        return own if weight.size == 0 else own * weight

    def _own_score(self, output, data):
        """Accuracy; of several labels, of all of a row together."""
        weight = data.weight if data.weight.size and data.weight.any() else data.weight[:0]
        return kernels.share_right(output, data.Y, weight, data.Y.shape[1] > 1 and not self._several)

    def _loss_and_output(self):
        loss, last = self.loss, self.output_activation
        several = len(self.classes_) > 2 and not self._several
        if isinstance(loss, str):
            if loss not in LOSSES or loss in ("user", "poisson"):
                raise ValueError(
                    f"loss={loss!r} is none of {sorted(set(LOSSES) - {'user', 'poisson'})}, and no function"
                )
            if loss == "log_loss" and not several:
                loss = "binary_log_loss"
        if last == "auto":
            last = "softmax" if several and loss != "binary_log_loss" else "logistic"
        last = "logistic" if last == "sigmoid" else last
        if isinstance(last, str) and (last not in ACTIVATIONS or last == "user"):
            raise ValueError(
                f"output_activation={last!r} is none of {sorted(set(ACTIVATIONS) - {'user'})} and no function"
            )
        return loss, last
