"""Regression by a multilayer perceptron."""

import os
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import MultiOutputMixin, RegressorMixin

from fastml.neural_network.base import ByBatches, MultilayerPerceptron
from fastml.neural_network.checks import weights_of
from fastml_ext import neural as kernels
from fastml_ext.neural.codes import ACTIVATIONS, LOSSES, Data

__all__ = ["MLPRegressor"]

REGRESSION = set(LOSSES) - {"user", "log_loss", "binary_log_loss"}


class MLPRegressor(RegressorMixin, MultiOutputMixin, MultilayerPerceptron):
    """Regression by dense layers, with one output or several.

    Parameters
    ----------
    loss : str, callable or pair, default="squared_error"
        Summed over the outputs: "squared_error" (half the square), "root_mean_squared_error" (the root of a batch's
        mean), "absolute_error", "huber", "poisson" (its outputs are exp); or the user's own function of (output, y), as
        for `activation`.
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
        scikit-learn's scorer of train and validation scores; None: R^2.
    max_time : float, default=None
        Seconds after which training ends.
    callbacks : callable or list of callables, default=None
        Called as callback(model, epoch) after each epoch, with a dict of the epoch's history; True ends training.
    checkpoint : str or path, default=None
        File that the model is saved to after each epoch; fastml.load(file).partial_fit(X, y) goes on from there.
    n_jobs : int, default=None
        Threads of training and predicting; the result is the same for any number.

    Attributes
    ----------
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
    >>> import numpy as np
    >>> from fastml.neural_network import MLPRegressor
    >>> x = np.linspace(0, 6, 50)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=(16,), activation="tanh", solver="lbfgs", tol=1e-3, random_state=0)
    >>> bool(model.fit(x, np.sin(x[:, 0])).score(x, np.sin(x[:, 0])) > 0.99)
    True
    """

    _y_numeric = True

    def __init__(
        self,
        loss: Any = "squared_error",
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
        self.loss = loss
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

    def fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, X_val: Any = None, y_val: Any = None
    ) -> Self:
        """Learn from scratch, or with `warm_start` from the weights of the last fit.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples, float32 or float64, dense or CSR, used as they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample's loss is multiplied with, in a mean over the sum of the weights.
        X_val, y_val : array-like, default=None
            A validation set: training stops when its score no longer rises, and the best epoch's weights are kept.

        Returns
        -------
        self
        """
        X, y, first = self._begin(X, y, incremental=False)
        data = Data(X, self._numbers(y, X.dtype), weights_of(sample_weight, X))
        validation = None
        if X_val is not None:
            validation = Data(self._check_rows(X_val), self._numbers(y_val, X.dtype), np.empty(0))
        return self._learn(data, first, False, validation)

    @ByBatches
    def partial_fit(self, X, y, sample_weight=None):
        """One epoch over X from where the last call ended, moments and step counts included.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample's loss is multiplied with.

        Returns
        -------
        self
        """
        X, y, first = self._begin(X, y, incremental=True)
        return self._learn(Data(X, self._numbers(y, X.dtype), weights_of(sample_weight, X)), first, True)

    def predict(self, X: Any) -> np.ndarray:
        """The outputs of each row of X, array-like or sparse: (n_samples,) or (n_samples, n_outputs)."""
        output = self._outputs(X)
        return output[:, 0] if output.shape[1] == 1 else output

    def _numbers(self, y, dtype):
        y = np.asarray(y)
        with np.errstate(over="ignore"):  # what overflows is refused below
            Y = np.ascontiguousarray(y[:, None] if y.ndim == 1 else y, dtype)
        if not np.isfinite(Y).all():
            raise ValueError("y contains NaN, infinity, or a value too large for the dtype of X: drop those rows")
        if self.loss == "poisson" and (Y < 0).any():
            raise ValueError("y has negative values, which loss='poisson' does not know: its y are counts or rates")
        return Y

    def _targets(self, Y):
        return Y[:, 0] if Y.shape[1] == 1 else Y

    def _own_score(self, output, data):
        """R^2, the mean over the outputs."""
        weight = data.weight if data.weight.size and data.weight.any() else data.weight[:0]
        return kernels.r_squared(output, data.Y, weight)

    def _loss_and_output(self):
        loss, last = self.loss, self.output_activation
        if isinstance(loss, str) and loss not in REGRESSION:
            raise ValueError(f"loss={loss!r} is none of {sorted(REGRESSION)}, and no function")
        if last == "auto":
            last = "exp" if loss == "poisson" else "identity"
        last = "logistic" if last == "sigmoid" else last
        if isinstance(last, str) and (last not in ACTIVATIONS or last == "user"):
            raise ValueError(
                f"output_activation={last!r} is none of {sorted(set(ACTIVATIONS) - {'user'})} and no function"
            )
        return loss, last
