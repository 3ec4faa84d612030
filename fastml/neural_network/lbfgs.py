"""Full-batch training by SciPy's L-BFGS, with the history, time limit and Ctrl-C of the stochastic solvers."""

import time
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastml.neural_network.training import BY_LAYER, HISTORY, NOT_FINITE, sample_of, sizes_of
from fastml.progress import line_writer, progress_bar
from fastml_ext import neural as kernels
from fastml_ext.neural.codes import State

__all__ = ["minimize"]


@dataclass
class Outcome:
    w: np.ndarray
    loss: float
    epochs: int
    history: dict
    stopped: str


def minimize(model, design, w, data, score):
    """The weights at which the mean loss and the penalties over all of `data` are least, as far as SciPy gets."""
    import scipy.optimize  # a tenth of a second, which the other solvers need not wait for

    history: dict = {name: [] for name in HISTORY}
    sample, callbacks, started = sample_of(data), model._callbacks(), time.perf_counter()
    reached = {"w": w.copy(), "stopped": None, "loss": np.inf, "begun": False}
    tell = line_writer(model.verbose)

    def objective(x):
        value, gradient = kernels.gradients(design, x.astype(w.dtype), data, model.n_jobs)
        if not reached["begun"] and not (np.isfinite(value) and np.isfinite(gradient).all()):
            told = f"the loss of the first weights is {value}, or its gradient infinite: {sizes_of(data)}"
            raise ValueError(f"{NOT_FINITE} {told}")
        reached["begun"] = True
        return value, gradient.astype(np.float64)

    def told(intermediate_result):
        now = intermediate_result.x.astype(w.dtype)
        _, norms, dead, saturated, output = kernels.examine(design, now, sample)
        ratio = kernels.update_ratios(design.units, now, reached["w"])
        row = dict.fromkeys(HISTORY)
        row |= {"loss": float(intermediate_result.fun), "train_score": score(now, output, sample)}
        row |= {"gradient_norm": norms, "update_ratio": ratio, "dead": dead, "saturated": saturated}
        for name, value in row.items():
            history[name].append(value)
        reached["w"], reached["loss"] = now, row["loss"]
        row["epoch"] = len(history["loss"])
        if show:
            show(row["epoch"])
        if tell:
            tell(f"Iteration {row['epoch']}, loss = {row['loss']:.8f}")
        state = State(now, now[:0], now[:0], np.array([row["epoch"]]))
        answers = [callback(row, state) for callback in callbacks]  # each is called
        if any(answers):
            reached["stopped"] = "callback"
        elif model.max_time is not None and time.perf_counter() - started > model.max_time:
            reached["stopped"] = "max_time"
        if reached["stopped"]:
            raise StopIteration

    options = {"maxfun": model.max_fun, "maxiter": model.max_iter, "gtol": model.tol}
    try:
        with progress_bar("training", model.max_iter, model.verbose and not tell) as show:
            found = scipy.optimize.minimize(
                objective, w.astype(np.float64), method="L-BFGS-B", jac=True, options=options, callback=told
            )
    except KeyboardInterrupt:
        warnings.warn("interrupted: the best weights so far are kept", ConvergenceWarning, stacklevel=6)
        return Outcome(reached["w"], reached["loss"], len(history["loss"]), history, "interrupted")
    if not np.isfinite(found.x).all():
        raise ValueError(f"{NOT_FINITE} {sizes_of(data)}")
    stopped = reached["stopped"] or ("tol" if found.status == 0 else "max_iter")
    if stopped == "max_iter":
        warnings.warn(
            f"lbfgs ended after {found.nit} iterations before the gradient was within tol={model.tol}"
            f" ({found.message}): raise max_iter or max_fun, or scale the columns of X",
            ConvergenceWarning,
            stacklevel=6,
        )
    history |= {name: np.array(history[name]) for name in BY_LAYER}
    return Outcome(found.x.astype(w.dtype), float(found.fun), min(found.nit, model.max_iter), history, stopped)
