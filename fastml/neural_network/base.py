"""What the multilayer perceptrons share: parameters, what comes before and after training, weights, predictions."""

import functools
import itertools
import os
import warnings
from collections.abc import Iterator
from math import isnan
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import Options
from fastml.base import Estimator, Interval, StrOptions, all_or_nothing, holding_out
from fastml.kinds import canonical
from fastml.neural_network.callbacks import callbacks_of, scorer_of
from fastml.neural_network.chance import random_numbers
from fastml.neural_network.checks import check_size, check_total, hidden_sizes
from fastml.neural_network.design import activations_of, design_of, is_pair, method_of, solver_of
from fastml.neural_network.inspection import Inspected
from fastml.neural_network.lbfgs import minimize
from fastml.neural_network.schedules import INITS, SCHEDULES, first_weights, schedule_of
from fastml.neural_network.sharing import epochs_add_up, responses_of
from fastml.neural_network.training import BY_LAYER, Plan, descend, new_state, rows_of
from fastml.progress import line_writer
from fastml_ext import neural as kernels
from fastml_ext.neural.codes import SOLVERS, State

__all__ = ["MultilayerPerceptron"]

POSITIVE, FROM_ZERO = Interval(Real, 0, None, closed="neither"), Interval(Real, 0, None, closed="left")
SHARE = Interval(Real, 0, 1, closed="left")
COUNT = Interval(Integral, 1, None, closed="left")


class MultilayerPerceptron(Inspected, Estimator):
    """Dense layers trained by backpropagation."""

    classes_: np.ndarray
    history_: dict
    _first: Any
    _second: Any

    _parameter_constraints = {
        "loss": [str, callable, tuple],
        "hidden_layer_sizes": ["array-like", COUNT],
        "activation": [str, callable, list, tuple],
        "solver": [StrOptions({"lbfgs", *SOLVERS})],
        "alpha": [FROM_ZERO],
        "batch_size": [StrOptions({"auto"}), COUNT],
        "learning_rate": [StrOptions(SCHEDULES)],
        "learning_rate_init": [POSITIVE],
        "power_t": [FROM_ZERO],
        "max_iter": [COUNT],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [FROM_ZERO],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [SHARE],
        "beta_1": [SHARE],
        "beta_2": [SHARE],
        "epsilon": [POSITIVE],
        "n_iter_no_change": [COUNT, Options(Real, {np.inf})],
        "max_fun": [COUNT],
        "output_activation": [str, callable, tuple],
        "delta": [POSITIVE],
        "rho": [SHARE],
        "weight_decay": [FROM_ZERO],
        "l1": [FROM_ZERO],
        "dropout": [SHARE, "array-like"],
        "input_noise": [FROM_ZERO],
        "clip_value": [POSITIVE, None],
        "clip_norm": [POSITIVE, None],
        "init": [StrOptions(INITS), tuple, list],
        "init_scale": [POSITIVE],
        "update": [StrOptions({"together", "immediate"})],
        "epoch_fraction": [Interval(Real, 0, 1, closed="right")],
        "schedule_factor": [Interval(Real, 0, 1, closed="neither")],
        "schedule_epochs": [COUNT],
        "warmup_epochs": [Interval(Integral, 0, None, closed="left")],
        "scoring": [str, callable, None],
        "max_time": [POSITIVE, None],
        "callbacks": [callable, list, tuple, None],
        "checkpoint": [str, os.PathLike, None],
        "n_jobs": [Integral, None],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ---- fitting

    def _begin(self, X, y, incremental):
        """(X, y, whether training starts afresh) of a fit or partial_fit, checked."""
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = self._check_fit(X, y, accept_sparse="csr", multi_output=True, y_numeric=self._y_numeric, reset=first)
        X = canonical(X)
        if not first:
            self._dtype = self.coefs_[0].dtype
            X = X.astype(self._dtype, copy=False)
        return X, y, first

    def _learn(self, data, first, incremental, validation=None, stratify=None):
        """Train on `data`; validation: codes.Data given by the user | stratify: labels by which a split is balanced."""
        sizes = hidden_sizes(self.hidden_layer_sizes)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True: call fit, which sees all epochs")
        units = [data.X.shape[1], *sizes, data.Y.shape[1]]
        check_size(self.hidden_layer_sizes, units, data.X.dtype)
        check_total(data.weight, data.X.dtype)
        self.n_layers_, self.n_outputs_ = len(units), units[-1]
        self._set_design(units)
        if not first and list(itertools.pairwise(units)) != [c.shape for c in self.coefs_]:
            raise ValueError(
                f"layers of {units} units, but coefs_ of an earlier fit have {[c.shape for c in self.coefs_]}:"
                " fit a new model, or leave the layers as they were"
            )
        with random_numbers(self.random_state) as (random, rewind):
            if first:
                self._start(data, units, random)
            if self.solver == "lbfgs":
                return self._by_lbfgs(data)
            held_out = validation is None and self.early_stopping
            learnt, watched = self._split(data, random, stratify) if held_out else (data, validation)

            def again():
                """Bring the random numbers to where training begins."""
                rewind()
                if first:
                    self._first_weights(data, units, random)
                if held_out:
                    self._split(data, random, stratify)

            return self._by_epochs(learnt, watched, random, again, incremental)

    def _first_weights(self, data, units, random):
        hidden = activations_of(self, len(units) - 2) or [self.out_activation_]
        return first_weights(self, units, hidden, random, data.X.dtype)

    def _start(self, data, units, random):
        """What a fit begins with that goes on from no other."""
        self._set_weights(self._first_weights(data, units, random))
        self._note_facts(data)
        self.n_iter_, self.t_ = 0, 0
        self.loss_curve_, self.validation_scores_ = [], None
        self.best_validation_score_ = None
        self._first = self._second = None

    def _split(self, data, random, stratify):
        n = data.X.shape[0]
        share = self.validation_fraction
        if n < 2 or share == 0:
            raise ValueError(
                f"early_stopping=True holds out validation_fraction={share} of the samples and learns from the rest,"
                f" but n_samples={n}: neither may be empty"
            )
        classes = () if stratify is None else self.classes_.tolist()
        names = ", ".join(f"{code == 1} is {label!r}" for code, label in enumerate(classes))
        with holding_out(share, n, names and f" ({names})"):
            train, test = train_test_split(np.arange(n), random_state=random, test_size=share, stratify=stratify)
        if len(test) < 2:
            raise ValueError(
                f"The validation set is too small: validation_fraction={self.validation_fraction} of {n} samples."
                " Increase 'validation_fraction' or the size of your dataset"
            )
        return rows_of(data, train), rows_of(data, test)

    def _by_epochs(self, data, validation, random, rewind, incremental):
        w = self._flat_weights()
        n = data.X.shape[0]
        if self.batch_size != "auto" and self.batch_size > n:
            warnings.warn(
                f"batch_size={self.batch_size} is larger than the {n} samples, which then make one batch", stacklevel=5
            )
        solver = solver_of(self)
        state = new_state(w.copy(), solver)
        if incremental and self._first is not None:
            kept = self._first.shape == state.first.shape and self._second.shape == state.second.shape
            if kept:
                state = State(state.w, self._first.copy(), self._second.copy(), np.array([self._steps], np.int64))
        watched, tell = validation is not None, line_writer(self.verbose)
        plan = Plan(
            max_iter=1 if incremental else self.max_iter,
            batch=min(200, n) if self.batch_size == "auto" else min(self.batch_size, n),
            random=random,
            rewind=rewind,
            first_loss=self._facts.first_loss if self.t_ == 0 and not incremental else np.nan,
            tol=self.tol,
            patience=self.n_iter_no_change + 1,  # scikit-learn's networks wait for one epoch more
            shuffle=self.shuffle,
            fraction=self.epoch_fraction,
            schedule=schedule_of(self, solver in ("sgd", "momentum", "nesterov")),
            adaptive=self.learning_rate == "adaptive" and self.solver in ("sgd", "momentum", "nesterov"),
            plateau=self.schedule_epochs if self.learning_rate == "plateau" else 0,
            judge="validation_score" if watched else "loss",
            keep_best=watched,
            score=scorer_of(self, validation),
            validation=validation,
            max_time=self.max_time,
            verbose=int(self.verbose and not tell),
            tell=tell,
            callbacks=callbacks_of(self),
            n_jobs=self.n_jobs,
        )
        seed = random.get_state()[1][0] if self._draws() else 0
        outcome = descend(self._design, method_of(self, seed), data, state, plan, self.t_ if incremental else 0)
        self._keep(outcome, watched, n, incremental)
        if outcome.stopped == "max_iter" and not incremental and outcome.epochs == self.max_iter:
            warnings.warn(
                f"{type(self).__name__}: Maximum iterations ({self.max_iter}) reached before the loss settled within"
                f" tol={self.tol}: raise max_iter, or scale the columns of X",
                ConvergenceWarning,
                stacklevel=5,
            )
        return self

    def _draws(self):
        return self.input_noise > 0 or self._design.dropout.any()

    def _keep(self, outcome, watched, n, incremental):
        history = outcome.history
        self._set_weights(outcome.state.w)
        self._first, self._second, self._steps = outcome.state.first, outcome.state.second, int(outcome.state.clock[0])
        self.n_iter_ = outcome.epochs
        self.t_ += n * outcome.epochs
        self.loss_curve_ = [*self.loss_curve_, *history["loss"]]
        if history["loss"]:
            self.loss_ = history["loss"][-1]
        if watched:
            self.validation_scores_ = [*(self.validation_scores_ or []), *history["validation_score"]]
            self.best_validation_score_, self.best_loss_ = outcome.best, None
        else:
            earlier = getattr(self, "best_loss_", None) if incremental else None
            self.best_loss_ = min(outcome.best, np.inf if earlier is None else earlier)
        if incremental and hasattr(self, "history_"):
            history = {name: [*self.history_[name], *values] for name, values in history.items()}
        history = {name: np.array(values) if name in BY_LAYER else values for name, values in history.items()}
        self.history_, self.stopped_, self.learning_rate_ = history, outcome.stopped, outcome.rate

    def _by_lbfgs(self, data):
        if self.update == "immediate":
            raise ValueError(
                "update='immediate' is for steps batch by batch, and solver='lbfgs' has none: use 'together'"
            )
        if self._draws() or self.clip_norm is not None or self.clip_value is not None:
            raise ValueError("dropout, input_noise and clipping are for the stochastic solvers, not for solver='lbfgs'")
        outcome = minimize(self, self._design, self._flat_weights(), data, scorer_of(self, None))
        self._set_weights(outcome.w)
        self.loss_, self.n_iter_, self.t_ = outcome.loss, outcome.epochs, 0
        self.best_loss_, self.loss_curve_ = outcome.loss, outcome.history["loss"]
        self.history_, self.stopped_, self.learning_rate_ = outcome.history, outcome.stopped, None
        return self

    # ---- searches

    @property
    def shared_parameters(self) -> tuple[str, ...]:
        """("max_iter",) where one training run serves all its values; see fastml.sharing."""
        return ("max_iter",) if epochs_add_up(self) else ()

    def shared_responses(self, X: Any, y: Any, splits: Any, settings: Any, method: str) -> Iterator[Any]:
        """Responses of all values of max_iter from one training run a split; see fastml.sharing."""
        return responses_of(self, X, y, splits, settings, method)

    # ---- weights

    def _set_weights(self, w):
        """Flat weights, of which coefs_ and intercepts_ are views."""
        self._w, self.coefs_, self.intercepts_, at = w, [], [], 0
        for k, n in itertools.pairwise(self._units):
            self.coefs_.append(w[at : at + k * n].reshape(k, n))
            at += k * n
            self.intercepts_.append(w[at : at + n])
            at += n

    def _flat_weights(self):
        """The weights as one vector; put together anew where the user, or a file, brought arrays of their own."""
        w = self.__dict__.get("_w")
        if w is not None:
            for part in (*self.coefs_, *self.intercepts_):
                if part.base is not w:
                    break
            else:
                return w
        check_is_fitted(self)
        dtype = self._dtype
        parts = [np.asarray(p, dtype).ravel() for pair in zip(self.coefs_, self.intercepts_, strict=True) for p in pair]
        self._units = [len(self.coefs_[0]), *(np.shape(c)[1] for c in self.coefs_)]
        self._set_weights(np.concatenate(parts))
        return self._w

    def _set_design(self, units):
        """What the kernels need beside the weights; machine code of a user's functions among it."""
        self._units = [int(u) for u in units]
        hidden = activations_of(self, len(units) - 2)
        loss, last = self._loss_and_output()
        for name, given in (("loss", loss), ("output_activation", last)):
            if not (isinstance(given, str) or callable(given) or is_pair(given)):
                raise ValueError(f"{name}={given!r} is no name, no function and no pair (function, derivative)")
        self.out_activation_ = last if isinstance(last, str) else getattr(last, "__name__", "user")
        self._design, self._functions = design_of(self, units, hidden, last, loss)

    def __getstate__(self):
        state = super().__getstate__()
        for name in ("_design", "_functions", "_w"):  # made anew on first use
            state.pop(name, None)
        return state

    # ---- predicting

    def _outputs(self, X):
        """Activations of the last layer (n, k)."""
        X = self._check_rows(X)
        w = self._flat_weights()
        if "_design" not in self.__dict__:
            self._set_design(self._units)
        output = kernels.outputs(self._design, w, X, self.n_jobs)
        # NumPy's call takes longer than the network does for one row.
        if any(map(isnan, output.ravel().tolist())) if output.size < 16 else np.isnan(output).any():
            row = int(np.isnan(output).any(axis=1).argmax())
            raise ValueError(
                f"the outputs of {type(self).__name__} for X[{row}] are NaN: numbers between its layers leave"
                f" the range of {output.dtype}; scale the columns of X as those of the fit were"
            )
        return output


class ByBatches:
    """A method that is there with the solvers that take a step for each batch, and says so where it is not."""

    def __init__(self, method):
        self.method = all_or_nothing(method)
        functools.update_wrapper(self, self.method)  # type: ignore[arg-type]

    def __get__(self, model, owner=None):
        if model is None:
            return self.method
        if model.solver == "lbfgs":
            name = self.method.__name__
            raise AttributeError(f"{name} is only for stochastic solvers, and solver={model.solver!r} is not")
        return self.method.__get__(model, owner)
