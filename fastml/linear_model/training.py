"""An epoch of stochastic gradient descent: order, slices, loss. Kernels take the steps, fastml.training the rest."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from fastml import training
from fastml.linear_model.columns import spread_rows
from fastml_ext import linear as kernels
from fastml_ext.linear.codes import OPTIMAL, PA1, REST, State

__all__ = ["Plan", "Rows", "check_slope", "descend", "for_rows", "refitted", "widen"]

SLICE = 30e-3  # seconds: how long Ctrl-C may have to wait
GROWTH = 1e6  # a mean loss this many times that of zero weights has diverged
NO_HITS = np.empty((0, 0), np.int8)
HISTORY = ("loss", "objective", "validation_score", "step_size", "gradient_norm")


@dataclass
class Rows:
    """What is learnt from. The targets Y and the weights stand as the kernels take them."""

    X: object
    Y: np.ndarray
    weight: np.ndarray
    class_weight: np.ndarray

    def __post_init__(self):
        self.sparse = sp.issparse(self.X)
        self.n = self.X.shape[0]
        stored = self.X.nnz / max(1, self.n) if self.sparse else self.X.shape[1]
        k = self.class_weight.shape[1]
        self.cost = 1e-9 * (20 + k * (10 + (3 if self.sparse else 1) * stored))  # seconds a row


@dataclass
class Plan(training.Plan):
    """When to stop, which callbacks are called, and in which order rows are visited."""

    shuffle: bool = True
    seed: int = 0
    validate: object = None  # validate(coef, intercept) -> score, the higher the better
    hits: object = None  # hits(order, signs): called after each slice with the sign of every score's move
    columns: tuple[str, ...] = HISTORY
    attempts: int = 60


@dataclass
class Outcome:
    coef: np.ndarray
    intercept: np.ndarray
    state: State
    history: dict
    stopped: str
    eta0: float


def descend(task, rows, start, plan):
    """Epochs from the state start() until the plan says stop: an Outcome; with half the steps where they diverge."""
    limit = GROWTH * loss_of_zero_weights(task, rows)

    def begin(eta0):
        own = task if eta0 == task.eta0 else task._replace(eta0=eta0)
        return Learner(own, rows, start(), plan, limit)

    try:
        run = training.train(begin, task.eta0, plan)
    except training.DivergedError:
        told = "the loss diverges at every step size: scale the columns of X (sklearn.preprocessing) first"
        raise ValueError(told) from None
    learner = run.learner
    return Outcome(*learner.last(), learner.state, run.history(), run.stopped, learner.rate)


class Learner:
    """The weights, one epoch at a time; see fastml.training."""

    def __init__(self, task, rows, state, plan, limit):
        self.task, self.rows, self.state, self.plan, self.limit = task, rows, state, plan, limit
        self.epoch = kernels.sparse_epoch if rows.sparse else kernels.dense_epoch
        self.rate = task.eta0
        self.now = np.zeros_like(state.W)  # the weights after the last epoch, in the state's layout
        self.kept = self.spare = None  # the weights after the best epoch; an array for the next ones
        if state.W.any() or state.total.any():
            self.look()

    def step(self, number, tick):
        rows, plan, total, done = self.rows, self.plan, 0.0, 0
        if self.rate != self.task.eta0:
            self.task = self.task._replace(eta0=self.rate)
        if plan.shuffle:
            order = kernels.random_order(rows.n, plan.seed, 1 + number + int(self.state.n_steps[0]))
        else:
            order = np.arange(rows.n)
        size = max(1, int(SLICE / rows.cost) // self.task.batch) * self.task.batch
        for first in range(0, rows.n, size):
            part = order[first : first + size]
            hits = np.zeros((len(part), rows.class_weight.shape[1]), np.int8) if plan.hits else NO_HITS
            losses, finite = self.epoch(
                self.task, part, rows.X, rows.Y, rows.weight, rows.class_weight, self.state, hits
            )
            if not finite or losses > self.limit * rows.n:
                raise training.DivergedError
            total += losses
            done += len(part)
            if plan.hits:
                plan.hits(part, hits)
            if not tick(done / rows.n):
                break
        self.loss = total / done  # mean over the rows, as they were met

    def measure(self):
        """(the objective, or the validation score with its sign turned; the epoch's row of the history)."""
        task, state, plan = self.task, self.state, self.plan
        squares, moves, sizes = self.look()
        rates = float(state.sum_of_rates[0])
        state.sum_of_rates[0] = 0.0
        score = plan.validate(*self.current()) if plan.validate else None
        step_size = rates / max(1, -(-self.rows.n // task.batch))
        gradient_norm = math.sqrt(moves) / rates if rates > 0 else 0.0
        objective = self.loss + self.penalty(squares, sizes)
        row = self.loss, objective, score, step_size, gradient_norm
        falling = objective if task.schedule < PA1 else self.loss  # passive-aggressive steps know no penalty
        if task.coupling == REST and task.schedule == OPTIMAL:  # tol is of one class, as where each is fitted alone
            falling /= self.rows.class_weight.shape[1]
        return falling if score is None else -score, row

    def keep(self):
        if self.spare is None:
            self.spare = self.kept
        self.kept = self.now

    def restore(self):
        if self.kept is None:  # interrupted in the first epoch
            self.look()
        else:
            self.now = self.kept

    def current(self):
        """(coef, intercept) after the last epoch, copied."""
        return tuple(np.array(part) for part in self.last())

    def last(self):
        """As `current`, for whoever takes no further steps: where rows are stored so, the weights are not copied."""
        W = self.now.T if self.rows.sparse else self.now
        return np.ascontiguousarray(W[:, :-1]), np.array(W[:, -1])

    def look(self):
        """Into `now` the weights as they are; (sums of squares of coefficients, of moves, of sizes)."""
        before, self.now = self.now, np.empty_like(self.now) if self.spare is None else self.spare
        squares, moves, sizes, intercepts = kernels.look(self.task, self.state, self.rows.sparse, before, self.now)
        self.spare = None if before is self.kept else before
        if not math.isfinite(squares + intercepts) and not np.isfinite(self.now).all():
            raise training.DivergedError
        return squares, moves, sizes

    def penalty(self, squares, sizes):
        task, strength = self.task, self.state.strength
        if strength.size and (task.l1 or task.l2):
            squares, sizes = np.sum(strength * self.now.astype(float) ** 2), np.sum(strength * np.abs(self.now))
        return float(0.5 * task.l2 * squares + task.l1 * sizes)


def loss_of_zero_weights(task, rows, sample=1000):
    """Mean loss of scores 0 over some of the rows; infinity where it is 0, and so no measure of growth."""
    at, k = spread_rows(rows.n, sample) if rows.n > sample else slice(None), rows.class_weight.shape[1]
    weight = rows.weight[at] if len(rows.weight) else rows.weight
    Y = rows.Y[at]
    losses, _ = kernels.slopes(task, np.zeros((len(Y), k)), Y, weight, rows.class_weight)
    mean = float(losses.mean())
    return mean if mean > 0 else np.inf


def copied(state):
    return State(*(np.array(part, copy=True) for part in state))


def for_rows(state, was_sparse, sparse):
    """A state in the layout of CSR rows, or of dense ones."""
    if was_sparse == sparse:
        return state
    turned = [np.ascontiguousarray(part.T) for part in state[:5]]
    return State(*turned, np.ascontiguousarray(planes(state).transpose(0, 2, 1)).ravel(), *state[6:])


def widen(state, sparse, n_columns):
    """A state with more columns, whose weights and moments start at 0, and whose strengths are 1."""

    def wider(part, fill=0.0):
        if part.size == 0:
            return part
        part = part.T if sparse else part
        new = np.full((len(part), n_columns - (part.shape[1] - 1)), fill, part.dtype)
        part = np.concatenate([part[:, :-1], new, part[:, -1:]], axis=1)
        return np.ascontiguousarray(part.T if sparse else part)

    parts = [wider(part, float(name == "strength")) for name, part in zip(State._fields[:5], state[:5], strict=True)]
    touched = [wider(plane).ravel() for plane in planes(state)]
    return State(*parts, np.concatenate([state.touched[:0], *touched]), *state[6:])


def planes(state):
    """What l1 has taken, and was owed, as arrays like W: (0, 1 or 2, *W.shape)."""
    return state.touched[: state.touched.size // state.W.size * state.W.size].reshape(-1, *state.W.shape)


def refitted(state, fresh, average_from):
    """The state for a task whose `begin` gives `fresh`: what is no longer asked for is dropped, what is new starts.

    A mean of the weights that is asked for now counts the steps so far as if the weights had stood where they are.
    """
    parts = [old if old.shape == new.shape else new for old, new in zip(state, fresh, strict=True)]
    kept = State(*parts)._replace(strength=fresh.strength)
    if kept.first is not state.first or kept.second is not state.second:  # another method's moments
        kept = kept._replace(first=fresh.first, second=fresh.second)
    if kept.touched is not state.touched:
        kept.owed[0] = 0.0
    if fresh.total.size and kept.total is not state.total:
        kept.total[:] = -max(kept.n_steps[0] - average_from, 0.0) * kept.W
    return kept


def check_slope(task, name, targets):
    """A user's derivative against central differences at scores and targets of a fair range; raises where they part."""
    grid = np.concatenate([-np.geomspace(0.013, 9.1, 9), np.geomspace(0.017, 8.3, 9)])
    Y = np.repeat(np.unique(np.asarray(targets, float))[:8], len(grid))[:, None]
    S = np.tile(grid, len(Y) // len(grid))[:, None]
    ones, h = np.ones((2, 1)), 1e-6
    value, slope = kernels.slopes(task, S, Y, np.empty(0), ones)
    up = kernels.slopes(task, S + h, Y, np.empty(0), ones)
    down = kernels.slopes(task, S - h, Y, np.empty(0), ones)
    numeric = (up[0] - down[0]) / (2 * h)
    smooth = np.abs(up[1] - down[1]) <= 1e-3 * (1 + np.abs(slope))[:, 0, None]  # a corner has no derivative to check
    wrong = smooth[:, 0] & (np.abs(numeric - slope[:, 0]) > 1e-4 * (1 + np.abs(numeric) + np.abs(value)))
    if wrong.any() or not np.isfinite(value).all():
        at = int(np.argmax(wrong)) if wrong.any() else int(np.argmax(~np.isfinite(value)))
        raise ValueError(
            f"derivative of loss={name} is {slope[at, 0]:.6g} at score {S[at, 0]:.4g} and y {Y[at, 0]:.4g}, where"
            f" differences of the loss give {numeric[at]:.6g}: correct one of the two"
        )
