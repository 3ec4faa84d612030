"""Full-batch training by SciPy's L-BFGS, which takes the steps; fastml.training hears of each iteration."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastml import training
from fastml.neural_network.callbacks import callbacks_of
from fastml.neural_network.training import BY_LAYER, HISTORY, NOT_FINITE, sample_of, sizes_of
from fastml.progress import line_writer
from fastml.warning import warn
from fastml_ext import blas
from fastml_ext import neural as kernels
from fastml_ext.neural.codes import State

__all__ = ["minimize"]


@dataclass
class Outcome:
    w: np.ndarray
    loss: float
    epochs: int
    history: dict
    stopped: str | None


def minimize(model, design, w, data, score):
    """The weights at which the mean loss and the penalties over all of `data` are least, as far as SciPy gets."""
    tell = line_writer(model.verbose)
    plan = training.Plan(
        max_iter=model.max_iter,
        max_time=model.max_time,
        verbose=int(model.verbose and not tell),
        callbacks=callbacks_of(model),
        columns=HISTORY,
        interrupted="interrupted: the best weights so far are kept",
    )
    learner = Learner(model, design, w, data, score, tell)
    run = training.train(lambda rate: learner, 1.0, plan, learner.drive)
    history: dict[str, Any] = run.history()
    history |= {name: np.array(history[name]) for name in BY_LAYER}
    if run.stopped == "interrupted":
        return Outcome(learner.now, learner.loss, len(run.rows), history, run.stopped)
    found = learner.found
    if not np.isfinite(found.x).all():
        raise ValueError(f"{NOT_FINITE} {sizes_of(data)}")
    if run.stopped == "max_iter":
        warn(
            f"lbfgs ended after {found.nit} iterations before the gradient was within tol={model.tol}"
            f" ({found.message}): raise max_iter or max_fun, or scale the columns of X",
            ConvergenceWarning,
        )
    epochs = min(found.nit, model.max_iter)
    return Outcome(found.x.astype(w.dtype), float(found.fun), epochs, history, run.stopped)


class Learner:
    """The weights where SciPy stands. Each iteration makes the loss smaller, so that the last weights are the best."""

    found: Any = None  # SciPy's answer

    def __init__(self, model, design, w, data, score, tell):
        self.model, self.design, self.now, self.data, self.score, self.tell = model, design, w, data, score, tell
        self.sample = sample_of(data)
        self.number, self.loss, self.begun = 0, np.inf, False

    def drive(self, run):
        import scipy.optimize  # a tenth of a second, which the other solvers need not wait for

        def iterated(intermediate_result):
            self.before, self.now = self.now, intermediate_result.x.astype(self.now.dtype)
            self.number, self.loss = self.number + 1, float(intermediate_result.fun)
            run.tick(1.0)
            if run.ended():
                raise StopIteration

        options = {"maxfun": self.model.max_fun, "maxiter": self.model.max_iter, "gtol": self.model.tol}
        start = self.now.astype(np.float64)
        with blas.single():  # its short sums take forty times longer where BLAS's threads wait for a busy machine
            self.found = scipy.optimize.minimize(
                self.objective, start, method="L-BFGS-B", jac=True, options=options, callback=iterated
            )
        run.stopped = run.stopped or ("tol" if self.found.status == 0 else "max_iter")

    def objective(self, x):
        value, gradient = kernels.gradients(self.design, x.astype(self.now.dtype), self.data, self.model.n_jobs)
        if not self.begun and not (np.isfinite(value) and np.isfinite(gradient).all()):
            told = f"the loss of the first weights is {value}, or its gradient infinite: {sizes_of(self.data)}"
            raise ValueError(f"{NOT_FINITE} {told}")
        self.begun = True
        return value, gradient.astype(np.float64)

    def measure(self):
        _, norms, dead, saturated, output = kernels.examine(self.design, self.now, self.sample, self.model.n_jobs)
        ratios = kernels.update_ratios(self.design.units, self.now, self.before)
        if self.tell:
            self.tell(f"Iteration {self.number}, loss = {self.loss:.8f}")
        train_score = self.score(self.now, output, self.sample)
        return self.loss, (self.loss, train_score, None, None, None, norms, ratios, dead, saturated)

    def keep(self):
        pass

    def restore(self):
        pass

    @property
    def state(self):
        return State(self.now, self.now[:0], self.now[:0], np.array([self.number]))
