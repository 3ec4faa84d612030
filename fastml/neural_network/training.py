"""An epoch of a network's training: order, step size, slices, history. fastml.training does the rest."""

import itertools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from fastml import training
from fastml_ext import neural as kernels
from fastml_ext.neural.codes import State

__all__ = ["BY_LAYER", "HISTORY", "Plan", "descend", "new_state", "rows_of"]

SLICE = 30e-3  # seconds: how long Ctrl-C may have to wait
SLOW = 1e-9  # seconds for a multiplication, forward and back, on a slow machine
HUGE, SMALL = 1e300, 1e-6
GROWTH = 1e6  # a mean loss this many times that of the first weights has diverged
NOT_FINITE = (  # scikit-learn's words
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)
LOOKED_AT = 100, 512  # rows, at least and at most, on which an epoch's gradient, score and units are looked at: as many
SHARE = 8  # as take an eighth of the epoch's time
HISTORY = (
    "loss", "train_score", "validation_loss", "validation_score", "step_size",
    "gradient_norm", "update_ratio", "dead", "saturated",
)  # fmt: skip
BY_LAYER = ("gradient_norm", "update_ratio", "dead", "saturated")


@dataclass
class Plan(training.Plan):
    """When to stop, what to measure, which callbacks are called, and in which order rows are visited."""

    batch: int = 1
    random: Any = None  # RandomState
    first_loss: float = np.nan  # of the rows that are looked at, before training, where it is known
    shuffle: bool = True
    fraction: float = 1.0
    schedule: Any = None  # schedule(epoch, samples seen, stalls) -> what the first step size is multiplied with
    judge: str = "loss"  # the entry of the history that is to become better: "loss" or "validation_score"
    score: Any = None  # score(w, outputs, rows or None for the validation set) -> the higher the better
    validation: Any = None  # codes.Data
    n_jobs: int | None = None
    tell: Any = None  # prints a line for each epoch
    ties: bool = True
    columns: tuple[str, ...] = HISTORY
    attempts: int = 40


@dataclass
class Outcome:
    state: State
    history: dict
    stopped: str | None
    rate: float
    epochs: int
    best: float  # of what is judged


def new_state(w, solver):
    """Weights at the start of training, with the moments that the solver needs."""
    code = kernels.SOLVERS[solver]
    first = np.zeros_like(w) if code in (1, 2, 5, 6) else w[:0].copy()
    second = np.zeros_like(w) if code >= 3 else w[:0].copy()
    return State(w, first, second, np.zeros(1, np.int64))


def descend(design, method, data, state, plan, seen=0):
    """Epochs from `state` until the plan says stop: an Outcome. Diverging runs start again with a smaller step."""
    some = sample_of(data)
    beginning = plan.first_loss
    if np.isnan(beginning):
        beginning = kernels.mean_loss(design, kernels.outputs(design, state.w, some.X, plan.n_jobs), some)
    if not np.isfinite(beginning):
        raise ValueError(f"{NOT_FINITE} the loss of the first weights is {beginning}: {sizes_of(data)}")
    limit = GROWTH * max(beginning, 1e-3)

    def begin(rate):
        own = method if rate == method.rate else method._replace(rate=rate)
        return Learner(design, own, data, state, plan, seen, some, limit)

    try:
        with np.errstate(all="ignore"):
            run = training.train(begin, method.rate, plan)
    except training.DivergedError:
        raise ValueError(
            f"{NOT_FINITE} The loss diverges at every step size below learning_rate_init={method.rate:g}. Lower alpha"
            f" and l1 if they are large, or the data are: {sizes_of(data)}"
        ) from None
    learner, best = run.learner, run.best if plan.judge == "loss" else -run.best
    return Outcome(learner.state, run.history(), run.stopped, learner.method.rate, len(run.rows), best)


class Learner:
    """The weights, one epoch at a time; see fastml.training."""

    def __init__(self, design, method, data, start, plan, seen, sample, limit):
        self.design, self.method, self.data, self.plan, self.seen = design, method, data, plan, seen
        self.first, self.state = start.w, copied(start)
        self.sample = sample  # codes.Data: rows that are looked at after each epoch
        self.limit = limit  # of a mean loss, above which it is looked at whether training has diverged
        self.n = data.X.shape[0]
        self.rows = max(1, round(plan.fraction * self.n))
        self.order = np.arange(self.n)
        self.before = np.empty_like(start.w)  # the last batch's step is measured
        self.size = slice_of(design, plan.batch)  # rows of a slice, until one has been timed
        self.rate, self.stalls = method.rate, 0
        self.kept = None  # the weights after the best epoch

    def step(self, number, tick):
        plan, batch, losses, done, going_on = self.plan, self.plan.batch, [], 0, True
        if plan.shuffle:
            plan.random.shuffle(self.order)
        scale = plan.schedule(number, self.seen, self.stalls) if plan.schedule else 1.0
        method = self.method._replace(rate=self.rate * scale)
        while going_on and done < self.rows:
            part = self.order[done : min(done + self.size, self.rows)]
            before = self.before if done + len(part) == self.rows else None
            began = time.perf_counter()
            found = kernels.train(self.design, method, part, batch, self.data, self.state, before, plan.n_jobs)
            took, total = time.perf_counter() - began, found.sum()
            if not total <= self.limit * len(part) and self.diverged(total / len(part), part):
                raise training.DivergedError
            losses.append(total)
            self.size = max(1, int(SLICE / max(took, 1e-7) * len(part)) // batch) * batch
            done += len(part)
            going_on = tick(done / self.rows)
        if done < self.rows:
            self.before[:] = self.state.w
        self.loss = float(sum(losses) / done)  # mean over the batches, before their steps
        self.number, self.step_size, self.seen = number, method.rate, self.seen + done

    def diverged(self, loss, rows):
        """Whether the mean loss of some rows, outliers maybe, is far above what it was before training."""
        if not loss * len(rows) <= HUGE:
            return True
        part = rows_of(self.data, rows)
        output = kernels.outputs(self.design, self.first, part.X, self.plan.n_jobs)
        return loss > GROWTH * max(kernels.mean_loss(self.design, output, part), 1e-3)

    def measure(self):
        """(the loss, or the validation score with its sign turned; the epoch's row of the history)."""
        plan, w = self.plan, self.state.w
        if not np.isfinite(w).all():
            raise training.DivergedError
        _, norms, dead, saturated, output = kernels.examine(self.design, w, self.sample, plan.n_jobs)
        train_score = plan.score(w, output, self.sample)
        ratios = kernels.update_ratios(self.design.units, w, self.before)
        loss: float | None = None
        score: Any = None
        if plan.validation is not None:
            output = kernels.outputs(self.design, w, plan.validation.X, plan.n_jobs)
            loss = kernels.mean_loss(self.design, output, plan.validation)
            score = plan.score(w, output, None)
        if plan.tell:
            more = f", validation score = {score:.6f}" if plan.validation is not None else ""
            plan.tell(f"Iteration {self.number + 1}, loss = {self.loss:.8f}{more}")
        row = self.loss, train_score, loss, score, self.step_size, norms, ratios, dead, saturated
        return self.loss if plan.judge == "loss" else -score, row

    def keep(self):
        if self.plan.max_iter > 1:  # else they are where they are
            self.kept = self.state.w.copy()

    def restore(self):
        if self.kept is not None:
            self.state.w[:] = self.kept
        elif not np.isfinite(self.state.w).all():  # interrupted in the first epoch
            raise training.DivergedError


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


def sample_of(data, least=LOOKED_AT[0]):
    """The rows that are looked at, evenly spread, at least so many; all of few ones are not copied."""
    n = data.X.shape[0]
    count = min(LOOKED_AT[1], max(least, n // SHARE))
    return data if n <= count else rows_of(data, np.linspace(0, n - 1, count).astype(np.int64))


def rows_of(data, rows):
    return kernels.Data(data.X[rows], data.Y[rows], data.weight[rows] if data.weight.size else data.weight)
