"""The one training loop: epochs, patience, restarts, Ctrl-C, max_time, callbacks, history, best weights.

A family brings a *learner*, an object with weights that works with one step size, and a `Plan`: what the user's
parameters say about the end of training. `train` brings the two together:

    run = train(begin, rate, plan)    # begin(rate) makes a learner that starts from the first weights

A learner does two things, and keeps its weights when it is told to:

    step(number, tick)   one epoch, in slices of some 30 ms. After each it calls tick(share of the epoch that is done)
                         and goes on while the answer is true: between slices Ctrl-C is heard, `max_time` looked at
                         and the bar moved. Where the loss is beyond all bounds it raises DivergedError.
    measure()            (what is to become small, the epoch's row of the history): a loss, or a score with its sign
                         turned, and a tuple that matches `plan.columns`
    keep()               the weights as they are now are the best so far
    restore()            back to the weights that were kept, where there are any

After each epoch the loop adds the row to the history, lets the learner keep what is better than all before, and tells
every callback. Then it looks for a reason to stop, in this order: a callback that answered true ("callback"); time that
is up ("max_time"); `plan.until`, in words of its own; `plan.patience` epochs in a row without an improvement by
`plan.tol` ("tol"). `plan.max_iter` epochs end it too ("max_iter"), and Ctrl-C, with a warning and with the best weights
so far ("interrupted"). With `plan.adaptive` the learner's `rate` becomes a fifth where training would end by "tol";
with `plan.plateau` its `stalls` counts how often that many epochs in a row brought nothing.

Where a learner raises DivergedError, `train` begins anew with half the step size, then an eighth, a sixty-fourth, and
so on: each attempt halves it once more often than the one before, for nobody knows how far too large it was.

What an epoch is, what is drawn at random, what is measured and what becomes of the weights is the family's business.
Where another's loop takes the steps, as in SciPy's L-BFGS, the family passes a `drive` of its own, which lets that loop
call `run.ended()` after each iteration.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastml.progress import progress_bar
from fastml.warning import warn

__all__ = ["DivergedError", "Learner", "Plan", "Run", "by_steps", "train"]

NO_BAR = contextlib.nullcontext()
LEAST_RATE = 1e-6  # "adaptive" ends below it


class DivergedError(Exception):
    """The loss is no longer finite, or has grown beyond all bounds."""


class Learner(Protocol):
    """What a family gives to the loop; the module's docstring says what each part is for."""

    rate: float  # the step size: read with `adaptive` only
    stalls: int  # written with `plateau` only

    def step(self, number: int, tick: Callable[[float], bool]) -> None: ...
    def measure(self) -> tuple[float, tuple[Any, ...]]: ...
    def keep(self) -> None: ...
    def restore(self) -> None: ...


def nothing() -> None:
    pass


@dataclass
class Plan:
    """When to stop, what the history records, and which callbacks are called."""

    max_iter: int  # epochs
    tol: float | None = None  # by which an epoch must be better than all before; None: patience has no end
    patience: float = 5  # epochs in a row that may bring less; the last of them ends training
    adaptive: bool = False  # a fifth of the step where training would end by `tol`
    plateau: int = 0  # epochs without improvement after which `learner.stalls` counts one; 0: never
    ties: bool = False  # whether what is better by `tol` exactly, or NaN, is an improvement
    keep_best: bool = False  # whether training ends with the best weights, not the last ones
    max_time: float | None = None  # seconds
    verbose: int = 0
    # callback(row, learner), row a dict with its "epoch": an answer that is true ends training
    callbacks: list[Callable[[dict[str, Any], Any], Any]] = field(default_factory=list)
    until: Callable[[Any], str | None] | None = None  # until(learner) -> a reason to stop, or None
    columns: tuple[str, ...] = ("loss",)  # names of what `measure` gives for the history
    attempts: int = 1  # with ever smaller steps, before training gives up
    rewind: Callable[[], None] = nothing  # brings random numbers back to where training began
    interrupted: str | None = "interrupted in epoch {epoch}: the best weights so far are kept"  # None: not caught


class Run:
    """One attempt: epochs of one learner. After training `stopped` says why it ended."""

    def __init__(self, learner: Any, plan: Plan, show: Callable[[float], None] | None = None) -> None:
        self.learner, self.plan, self.show = learner, plan, show
        self.rows: list[tuple[Any, ...]] = []  # of the history, an epoch each
        self.best = float("inf")  # of what is to become small
        self.waiting = 0  # epochs since the last improvement
        self.stopped: str | None = None
        self.restarts = 0
        self.late = False
        self.tol = plan.tol or 0.0
        self.patience = float("inf") if plan.tol is None else plan.patience
        self.started = time.perf_counter()

    def to_the_end(self, drive: Callable[["Run"], None]) -> "Run":
        plan = self.plan
        try:
            drive(self)
        except KeyboardInterrupt:
            if plan.interrupted is None:
                raise
            self.stopped = "interrupted"
            warn_of_training(plan.interrupted.format(epoch=len(self.rows) + 1))
        if plan.keep_best or self.stopped == "interrupted":
            self.learner.restore()
        return self

    def tick(self, share: float) -> bool:
        """Show how far the epoch is; whether there is time for more of it."""
        if self.show is not None:
            self.show(len(self.rows) + share)
        limit = self.plan.max_time
        if limit is not None:
            self.late = time.perf_counter() - self.started > limit
        return not self.late

    def ended(self) -> bool:
        """Measure an epoch that is done, write it down, and judge it: whether training ends with it."""
        plan, learner = self.plan, self.learner
        value, row = learner.measure()
        self.rows.append(row)
        goal = self.best - self.tol
        improved = not value > goal if plan.ties else value < goal
        if value < self.best:
            self.best = value
            learner.keep()
        if improved:
            self.waiting = 0
        else:
            self.waiting += 1
            if plan.plateau and self.waiting % plan.plateau == 0:
                learner.stalls += 1
        self.stopped = self.reason(row)
        return self.stopped is not None

    def reason(self, row: tuple[Any, ...]) -> str | None:
        """Why training ends with this epoch; None where it goes on."""
        plan, learner = self.plan, self.learner
        if plan.callbacks:
            record = dict(zip(plan.columns, row, strict=True), epoch=len(self.rows))
            answers = [callback(record, learner) for callback in plan.callbacks]  # each is called
            if any(answers):
                return "callback"
        if self.late:
            return "max_time"
        if plan.until is not None and (why := plan.until(learner)):
            return why
        if self.waiting < self.patience:
            return None
        if plan.adaptive and learner.rate > LEAST_RATE:
            learner.rate /= 5
            self.waiting = 0
            return None
        return "tol"

    def history(self) -> dict[str, list[Any]]:
        """{column: what was measured, an epoch each}."""
        values = map(list, zip(*self.rows, strict=True)) if self.rows else ([] for _ in self.plan.columns)
        return dict(zip(self.plan.columns, values, strict=True))


def by_steps(run: Run) -> None:
    """The usual drive: the learner's epochs, one after the other."""
    for number in range(run.plan.max_iter):
        run.learner.step(number, run.tick)
        if run.ended():
            return
    run.stopped = "max_iter"


def train(begin: Callable[[float], Any], rate: float, plan: Plan, drive: Callable[[Run], None] = by_steps) -> Run:
    """Train begin(rate) until the plan says stop; where that diverges, begin(less), and warn: the Run that ended well.

    Raises DivergedError where `plan.attempts` have diverged.
    """
    smaller = rate
    for restart in range(plan.attempts):
        try:
            with progress_bar("training", plan.max_iter) if plan.verbose else NO_BAR as show:
                run = Run(begin(smaller), plan, show).to_the_end(drive)
            break
        except DivergedError:
            smaller /= 2.0 ** (restart + 1)
            plan.rewind()
    else:
        raise DivergedError
    if restart:
        run.restarts = restart
        warn_of_training(
            f"the steps were too large and the loss diverged: restarted with steps {smaller / rate:.3g} times as large;"
            " scaling the columns of X allows larger ones"
        )
    return run


def warn_of_training(message: str) -> None:
    from sklearn.exceptions import ConvergenceWarning  # autodiff, which trains too, does without scikit-learn

    warn(message, ConvergenceWarning)
