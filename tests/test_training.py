"""The training loop, with a family of its own: gradient descent on x^2 / 2, whose value and slope are known."""

import itertools
import math
import time

import pytest
from sklearn.exceptions import ConvergenceWarning

import fastml.training
from fastml.training import LEAST_RATE, DivergedError, Plan, train


class Quadratic:
    """x, one step of gradient descent an epoch: x becomes (1 - rate) x, which diverges for rates above 2."""

    def __init__(self, rate, start=1.0, bound=1e6):
        self.rate, self.x, self.bound, self.stalls, self.kept = rate, start, bound, 0, None

    def step(self, number, tick):
        self.x -= self.rate * self.x
        if not abs(self.x) <= self.bound:
            raise DivergedError
        tick(1.0)

    def measure(self):
        value = self.x**2 / 2
        return value, (value, self.rate)

    def keep(self):
        self.kept = self.x

    def restore(self):
        self.x = self.x if self.kept is None else self.kept


class Given(Quadratic):
    """Measures what it is told, epoch by epoch; x is the epoch's number."""

    def __init__(self, *values):
        super().__init__(1.0)
        self.values = values

    def step(self, number, tick):
        self.x = number + 1
        tick(1.0)

    def measure(self):
        value = self.values[self.x - 1]
        return value, (value, self.rate)


def plan(max_iter=20, **settings):
    return Plan(max_iter, columns=("loss", "rate"), **settings)


def told(*values, **settings):
    return train(lambda rate: Given(*values), 1.0, plan(len(values), **settings))


def test_epochs_and_history():
    run = train(Quadratic, 0.5, plan(3))
    assert run.stopped == "max_iter"
    assert run.learner.x == 0.125
    assert run.history() == {"loss": [0.125, 0.03125, 0.0078125], "rate": [0.5, 0.5, 0.5]}
    assert (run.best, run.restarts) == (0.0078125, 0)


def test_history_without_an_epoch_has_its_columns():
    def interrupt(number, tick):
        raise KeyboardInterrupt

    learner = Quadratic(0.5)
    learner.step = interrupt
    with pytest.warns(ConvergenceWarning, match="interrupted in epoch 1: the best"):
        run = train(lambda rate: learner, 0.5, plan())
    assert run.history() == {"loss": [], "rate": []}
    assert learner.x == 1.0


@pytest.mark.parametrize(("patience", "epochs"), [(1, 4), (2, 7), (3, 8), (9, 9)])
def test_patience(patience, epochs):
    run = told(5.0, 4.0, 3.5, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, tol=0.0, patience=patience)
    assert (run.stopped, len(run.rows)) == ("tol" if epochs < 9 else "max_iter", epochs)


def test_improvements_below_tol_do_not_count():
    assert len(told(3.0, 2.5, 2.0, 1.5, 1.0, tol=1.0, patience=2).rows) == 3
    assert told(3.0, 2.0, 1.0, tol=0.5, patience=1).stopped == "max_iter"


def test_progress_is_measured_against_the_best_so_far():
    """Steps that are each below tol add up for nothing."""
    assert len(told(*(3 - 0.4 * k for k in range(9)), tol=0.5, patience=3).rows) == 4


@pytest.mark.parametrize(("ties", "epochs"), [(False, 3), (True, 4)])
def test_exactly_tol_better(ties, epochs):
    assert len(told(2.0, 1.5, 1.5, 1.5, tol=0.5, patience=2, ties=ties).rows) == epochs


@pytest.mark.parametrize("ties", [False, True])
def test_nan_is_never_the_best(ties):
    run = told(2.0, math.nan, 1.0, math.nan, tol=None, ties=ties, keep_best=True)
    assert (run.best, run.learner.x) == (1.0, 3)


def test_without_tol_patience_has_no_end():
    assert told(*[1.0] * 20, tol=None, patience=1).stopped == "max_iter"


def test_adaptive_makes_smaller_steps_until_they_are_too_small():
    run = told(*[1.0] * 40, tol=0.0, patience=2, adaptive=True)
    rates = run.history()["rate"]
    assert run.stopped == "tol"
    assert rates[:7] == [1.0, 1.0, 1.0, 0.2, 0.2, 0.04, 0.04]
    assert rates[-1] <= LEAST_RATE < rates[-3]


def test_plateaus_are_counted():
    run = told(3.0, 3.0, 3.0, 3.0, 1.0, 2.0, 2.0, tol=0.0, patience=9, plateau=2)
    assert run.learner.stalls == 2
    assert told(3.0, 3.0, 3.0, tol=0.0, patience=9).learner.stalls == 0


@pytest.mark.parametrize(("keep_best", "x"), [(True, 2), (False, 4)])
def test_best_weights(keep_best, x):
    run = told(3.0, 1.0, 2.0, 1.0, keep_best=keep_best)
    assert (run.learner.x, run.best) == (x, 1.0)


@pytest.mark.parametrize(("rate", "restarts"), [(1.5, 0), (3.0, 1), (15.0, 2), (1e3, 4)])
def test_divergence_starts_again_with_smaller_steps(rate, restarts):
    """Half the step, then an eighth, a sixty-fourth: the first of these at which |1 - rate| < 1."""
    shares = [0.5 ** sum(range(n + 1)) for n in range(9)]
    assert next(n for n, share in enumerate(shares) if rate * share < 2) == restarts
    rewound = []
    given = plan(100, attempts=9, rewind=lambda: rewound.append(1))
    if restarts:
        with pytest.warns(ConvergenceWarning, match=f"restarted with steps {shares[restarts]:.3g} times as large"):
            run = train(Quadratic, rate, given)
    else:
        run = train(Quadratic, rate, given)
    assert run.restarts == len(rewound) == restarts
    assert run.learner.rate == rate * shares[restarts]
    assert len(run.rows) == 100  # nothing is left of the attempts that diverged
    assert abs(run.learner.x) < 1


def test_divergence_at_every_step():
    begun = []

    def begin(rate):
        begun.append(rate)
        return Quadratic(rate, bound=-1.0)

    with pytest.raises(DivergedError) as caught:
        train(begin, 8.0, plan(attempts=4))
    assert begun == [8.0, 4.0, 1.0, 0.125]
    assert caught.value.__context__ is None


def test_divergence_before_the_first_step_is_one_too():
    def begin(rate):
        if rate == 1.0:
            raise DivergedError
        return Quadratic(rate)

    with pytest.warns(ConvergenceWarning, match="restarted"):
        assert train(begin, 1.0, plan(attempts=2)).restarts == 1


class Interrupted(Given):
    """Ctrl-C in the middle of epoch 4."""

    def step(self, number, tick):
        super().step(number, tick)
        if number == 3:
            raise KeyboardInterrupt


def test_ctrl_c_keeps_the_best_and_points_at_the_caller():
    with pytest.warns(ConvergenceWarning, match="interrupted in epoch 4: the best weights so far are kept") as caught:
        run = train(lambda rate: Interrupted(3.0, 1.0, 2.0, 0.0), 1.0, plan(4))
    assert (run.stopped, run.learner.x, len(run.rows)) == ("interrupted", 2, 3)
    assert caught[0].filename == __file__


def test_ctrl_c_passes_where_the_plan_does_not_catch_it():
    with pytest.raises(KeyboardInterrupt):
        train(lambda rate: Interrupted(*[1.0] * 9), 1.0, plan(9, interrupted=None))


class Slices(Quadratic):
    """Epochs of ten slices."""

    slices = 0

    def step(self, number, tick):
        for part in range(10):
            self.slices += 1
            if not tick((part + 1) / 10):
                return


def test_max_time(monkeypatch):
    """The clock moves a second whenever it is read: once at the start, once a slice."""
    monkeypatch.setattr(time, "perf_counter", itertools.count().__next__)
    run = train(Slices, 1.0, plan(max_time=13.5))
    assert (run.stopped, len(run.rows), run.learner.slices) == ("max_time", 2, 14)


def test_callbacks_see_the_row_and_the_learner():
    seen = []

    def callback(row, learner):
        seen.append((row, learner.x))

    train(Quadratic, 0.5, plan(2, callbacks=[callback]))
    assert seen == [({"loss": 0.125, "rate": 0.5, "epoch": 1}, 0.5), ({"loss": 0.03125, "rate": 0.5, "epoch": 2}, 0.25)]


def test_every_callback_is_called_and_any_may_stop():
    calls = []

    def one(row, learner):
        calls.append("one")
        return row["epoch"] == 3

    def other(row, learner):
        calls.append("other")

    run = train(Quadratic, 0.5, plan(callbacks=[one, other]))
    assert (run.stopped, len(run.rows), calls) == ("callback", 3, ["one", "other"] * 3)


def test_until():
    assert train(Quadratic, 0.5, plan(until=lambda learner: "small" if learner.x < 0.1 else None)).stopped == "small"


def test_reasons_in_their_order(monkeypatch):
    monkeypatch.setattr(time, "perf_counter", itertools.count().__next__)
    settings = {"tol": 0.0, "patience": 1, "until": lambda learner: "until", "max_time": 0.5}
    settings["callbacks"] = [lambda row, learner: True]
    reasons = []
    for name in ("callbacks", "max_time", "until", "tol", None):
        reasons.append(train(lambda rate: Given(1.0, 1.0), 1.0, plan(2, **settings)).stopped)
        settings.pop(name, None)
    assert reasons == ["callback", "max_time", "until", "tol", "max_iter"]


def test_the_bar_shows_the_share_of_the_epochs(monkeypatch):
    shown = []

    class Bar:
        def __enter__(self):
            return shown.append

        def __exit__(self, *error):
            shown.append("closed")

    monkeypatch.setattr(fastml.training, "progress_bar", lambda what, total: shown.append((what, total)) or Bar())
    train(Slices, 1.0, plan(2, verbose=1))
    assert shown == [("training", 2), *(pytest.approx(k / 10) for k in range(1, 21)), "closed"]


def test_a_drive_of_ones_own():
    """Another's loop takes the steps, and hears when to stop."""

    def drive(run):
        for _ in range(10):
            run.learner.x /= 2
            run.tick(1.0)
            if run.ended():
                return
        run.stopped = "theirs"

    assert train(Quadratic, 0.0, plan(), drive).stopped == "theirs"
    run = train(Quadratic, 0.0, plan(callbacks=[lambda row, learner: row["epoch"] == 2]), drive)
    assert (run.stopped, run.learner.x) == ("callback", 0.25)
