"""The epochs of a network's training: order, step size, history, stopping, divergence, Ctrl-C. Kernels do the steps."""

import itertools
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

from fastml.progress import line_writer, progress_bar
from fastml.training import DivergedError
from fastml_ext import neural as kernels
from fastml_ext.neural.codes import State

__all__ = ["BY_LAYER", "HISTORY", "Plan", "descend", "new_state"]

SLICE = 30e-3  # seconds: how long Ctrl-C may have to wait
SLOW = 1e-9  # seconds for a multiplication, forward and back, on a slow machine
HUGE, SMALL = 1e300, 1e-6
GROWTH = 1e6  # a mean loss this many times that of the first weights has diverged
NOT_FINITE = (  # scikit-learn's words
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)
RESTARTS = 40  # each halves the step once more often than the one before
LOOKED_AT = 512  # rows on which an epoch's gradient, score and units are looked at
LEAST_RATE = 1e-6  # "adaptive" ends below it
HISTORY = (
    "loss", "train_score", "validation_loss", "validation_score", "step_size",
    "gradient_norm", "update_ratio", "dead", "saturated",
)  # fmt: skip
BY_LAYER = ("gradient_norm", "update_ratio", "dead", "saturated")


@dataclass
class Plan:
    """When to stop, what to measure, and whom to tell."""

    max_iter: int
    batch: int
    random: np.random.RandomState
    rewind: Callable[[], None]  # brings `random` back to where training begins
    first_loss: float = np.nan  # of the rows that are looked at, before training, where it is known
    tol: float = 1e-4
    patience: float = 10
    shuffle: bool = True
    fraction: float = 1.0
    schedule: object = None  # schedule(epoch, samples seen, stalls) -> what the first step size is multiplied with
    adaptive: bool = False  # a fifth of the step where training stalls, instead of its end
    plateau: int = 0  # epochs without improvement after which `stalls` counts one; 0: never
    judge: str = "loss"  # the entry of the history that is to become better: "loss" or "validation_score"
    keep_best: bool = False
    score: object = None  # score(w, outputs, rows or None for the validation set) -> the higher the better
    validation: object = None  # codes.Data
    max_time: float | None = None
    verbose: int = 0
    callbacks: list = field(default_factory=list)  # called with the epoch's record and the weights; True stops
    n_jobs: int | None = None
    once: bool = False  # partial_fit: one epoch, whatever comes out


@dataclass
class Outcome:
    state: State
    history: dict
    stopped: str
    rate: float
    epochs: int
    best: float  # of what is judged
    restarts: int = 0


def new_state(w, solver):
    """Weights at the start of training, with the moments that the solver needs."""
    code = kernels.SOLVERS[solver]
    first = np.zeros_like(w) if code in (1, 2, 5, 6) else w[:0].copy()
    second = np.zeros_like(w) if code >= 3 else w[:0].copy()
    return State(w, first, second, np.zeros(1, np.int64))


def descend(design, method, data, state, plan, seen=0):
    """Epochs from `state` until the plan says stop: an Outcome. Diverging runs start again with a smaller step."""
    start, first = copied(state), method
    some = sample_of(data)
    beginning = plan.first_loss
    if np.isnan(beginning):
        beginning = kernels.mean_loss(design, kernels.outputs(design, state.w, some.X, plan.n_jobs), some)
    if not np.isfinite(beginning):
        raise ValueError(f"{NOT_FINITE} the loss of the first weights is {beginning}: {sizes_of(data)}")
    tell = line_writer(plan.verbose)
    for restart in range(RESTARTS):
        try:
            with progress_bar("training", plan.max_iter, plan.verbose and not tell) as show, np.errstate(all="ignore"):
                run = Run(design, method, data, copied(start), plan, show or nothing, seen)
                run.sample, run.first, run.tell = some, start.w, tell
                run.limit = GROWTH * max(beginning, 1e-3)
                outcome = run.epochs()
            break
        except DivergedError:
            method = method._replace(rate=method.rate / 2.0 ** (restart + 1))
            plan.rewind()
    else:
        raise ValueError(
            f"{NOT_FINITE} The loss diverges at every step size below learning_rate_init={first.rate:g}. Lower alpha"
            f" and l1 if they are large, or the data are: {sizes_of(data)}"
        )
    if method is not first:
        outcome.restarts = restart
        warnings.warn(
            f"the steps were too large and the loss diverged: restarted with steps {method.rate / first.rate:.3g} times"
            " as large; scaling the columns of X allows larger ones",
            ConvergenceWarning,
            stacklevel=6,
        )
    return outcome


class Run:
    """One attempt: epochs from one state with one first step size."""

    sample: Any  # codes.Data: rows that are looked at after each epoch
    first: np.ndarray  # weights before training
    limit: float  # of a mean loss, above which it is looked at whether training has diverged
    tell: Any = None  # prints a line for each epoch

    def __init__(self, design, method, data, state, plan, show, seen):
        self.design, self.method, self.data, self.state, self.plan = design, method, data, state, plan
        self.show, self.seen = show, seen
        self.n = data.X.shape[0]
        self.rows = max(1, round(plan.fraction * self.n))
        self.order = np.arange(self.n)
        self.before = np.empty_like(state.w)  # the last batch's step is measured
        self.history: dict = {name: [] for name in HISTORY}
        self.started = time.perf_counter()
        self.size = slice_of(design, plan.batch)  # rows of a slice, until one has been timed
        self.rate, self.stalls = method.rate, 0
        self.best, self.best_weights = (np.inf if plan.judge == "loss" else -np.inf), None

    def epochs(self):
        stopped: str | None = "max_iter"
        plan, waiting, flat = self.plan, 0, 0
        try:
            for number in range(plan.max_iter):
                loss, in_time = self.one_epoch(number)
                better = self.record(loss)
                waiting, flat = (0, 0) if better else (waiting + 1, flat + 1)
                if plan.plateau and flat >= plan.plateau:
                    self.stalls, flat = self.stalls + 1, 0
                stopped = self.reason(in_time, waiting)
                if stopped == "tol" and plan.adaptive and self.rate > LEAST_RATE:
                    self.rate, waiting, stopped = self.rate / 5, 0, None
                if stopped or plan.once:
                    stopped = stopped or "max_iter"
                    break
            else:
                stopped = "max_iter"
        except KeyboardInterrupt:
            stopped = "interrupted"
            warnings.warn(
                f"interrupted in epoch {len(self.history['loss']) + 1}: the best weights so far are kept",
                ConvergenceWarning,
                stacklevel=7,
            )
        if self.best_weights is not None and (plan.keep_best or stopped == "interrupted"):
            self.state.w[:] = self.best_weights
        if not np.isfinite(self.state.w).all():
            raise DivergedError
        return Outcome(self.state, self.history, stopped, self.method.rate, len(self.history["loss"]), self.best)

    def one_epoch(self, number):
        """(mean loss of the batches before their steps, whether time is left)."""
        plan, batch, losses, done = self.plan, self.plan.batch, [], 0
        if plan.shuffle:
            plan.random.shuffle(self.order)
        scale = plan.schedule(number, self.seen, self.stalls) if plan.schedule else 1.0
        method = self.method._replace(rate=self.rate * scale)
        while done < self.rows:
            part = self.order[done : min(done + self.size, self.rows)]
            before = self.before if done + len(part) == self.rows else None
            began = time.perf_counter()
            found = kernels.train(self.design, method, part, batch, self.data, self.state, before, plan.n_jobs)
            now, total = time.perf_counter(), found.sum()
            if not total <= self.limit * len(part) and self.diverged(total / len(part), part):
                raise DivergedError
            losses.append(total)
            self.size = max(1, int(SLICE / max(now - began, 1e-7) * len(part)) // batch) * batch
            done += len(part)
            self.show(number + done / self.rows)
            if late := plan.max_time is not None and now - self.started > plan.max_time:
                if done < self.rows:
                    self.before[:] = self.state.w
                break
        self.step_size, self.seen = method.rate, self.seen + done
        return sum(losses) / done, not late

    def diverged(self, loss, rows):
        """Whether the mean loss of some rows, outliers maybe, is far above what it was before training."""
        if not loss * len(rows) <= HUGE:
            return True
        part = rows_of(self.data, rows)
        output = kernels.outputs(self.design, self.first, part.X, self.plan.n_jobs)
        return loss > GROWTH * max(kernels.mean_loss(self.design, output, part), 1e-3)

    def record(self, loss):
        """Write the epoch into the history; whether it was better than all before, by tol."""
        plan, w, history = self.plan, self.state.w, self.history
        if not np.isfinite(w).all():
            raise DivergedError
        _, norms, dead, saturated, output = kernels.examine(self.design, w, self.sample)
        row = {
            "loss": float(loss),
            "train_score": plan.score(w, output, self.sample),
            "validation_loss": None,
            "validation_score": None,
            "step_size": self.step_size,
            "gradient_norm": norms,
            "update_ratio": kernels.update_ratios(self.design.units, w, self.before),
            "dead": dead,
            "saturated": saturated,
        }
        if plan.validation is not None:
            output = kernels.outputs(self.design, w, plan.validation.X, plan.n_jobs)
            row["validation_loss"] = kernels.mean_loss(self.design, output, plan.validation)
            row["validation_score"] = plan.score(w, output, None)
        for name, value in row.items():
            history[name].append(value)
        if self.tell:
            score = f", validation score = {row['validation_score']:.6f}" if plan.validation is not None else ""
            self.tell(f"Iteration {len(history['loss'])}, loss = {loss:.8f}{score}")
        found, tol = row[plan.judge], plan.tol
        by_loss = plan.judge == "loss"
        better = not (found > self.best - tol if by_loss else found < self.best + tol)
        if found < self.best if by_loss else found > self.best:
            self.best = found
            if plan.keep_best or not plan.once:
                self.best_weights = w.copy()
        return better

    def reason(self, in_time, waiting):
        plan = self.plan
        if plan.callbacks:
            row = {name: values[-1] for name, values in self.history.items()}
            row["epoch"] = len(self.history["loss"])
            answers = [callback(row, self.state) for callback in plan.callbacks]  # each is called
            if any(answers):
                return "callback"
        if not in_time:
            return "max_time"
        return "tol" if waiting > plan.patience else None


def nothing(done):
    pass


def sizes_of(data):
    """How large the values of a training set are, and what to do about it."""
    X, Y = np.abs(data.X.data if sp.issparse(data.X) else data.X).max(initial=0.0), np.abs(data.Y).max(initial=0.0)
    said = f"X holds values up to {X:.3g}" + (f" and y up to {Y:.3g}" if Y > 1 else "")
    if data.weight.size and data.weight.max() < SMALL:  # alpha is divided by their sum
        return f"sample_weight goes up to {data.weight.max():.3g} only, against which alpha and l1 are huge: scale it"
    return f"{said}: scale the columns of X{' and y' if Y > 1 else ''} (sklearn.preprocessing) first"


def copied(state):
    return State(*(np.array(part, copy=True) for part in state))


def slice_of(design, batch):
    """Rows that a slow machine trains on within SLICE, whole batches of them."""
    multiplications = sum(k * n for k, n in itertools.pairwise(design.units.tolist()))
    return max(1, int(SLICE / (SLOW * multiplications)) // batch) * batch


def looked_at(data):
    """Numbers of up to LOOKED_AT rows, evenly spread."""
    n = data.X.shape[0]
    return np.linspace(0, n - 1, min(n, LOOKED_AT)).astype(np.int64)


def sample_of(data):
    """Those rows; all of few ones are not copied."""
    return data if data.X.shape[0] <= LOOKED_AT else rows_of(data, looked_at(data))


def rows_of(data, rows):
    return kernels.Data(data.X[rows], data.Y[rows], data.weight[rows] if data.weight.size else data.weight)
