"""Models side by side: the same folds, the same input, the same settings; scores, times, and whether they agree."""

import contextlib
import time
import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from fastml.cli.models import CLASSIFICATION, MODELS, load
from fastml.cli.problem import prepare
from fastml.metrics import accuracy_score, r2_score

__all__ = ["AIM", "KEPT", "LIBRARIES", "Race", "Start", "kernel_counts", "score", "splits", "tuned"]

LIBRARIES = ("fastml", "scikit-learn")
INNER_FOLDS = 3  # of a search within the training rows
KEPT = 0.6  # of the time left: the rest is for the page, and for estimates that were too low
GROWTH = 1.0  # power of the rows that time is expected to grow by
AIM = 60.0  # seconds that a comparison takes, at most about
FEWEST = 1000  # rows that a slow model of fastml's learns from, to reach that
TRIFLE = 0.2  # seconds of a fold that are worth no saving
MOST_CLASSES = 20  # of which probabilities are kept
FIRST_ROWS = 2000  # rows of the first call: enough to compile what the folds will run


class Run(NamedTuple):
    """One library on one fold."""

    score: float
    fit: float  # s
    predict: float  # s


class Start(NamedTuple):
    """The first fit and predict of a model in this process."""

    title: str
    seconds: list  # one for each library, None where it has no such model
    compiled: int  # kernels
    loaded: int  # kernels that were compiled by an earlier process


class Entry:
    """One row of the table: a model on a problem, as far as it got."""

    def __init__(self, problem, title, baseline=False):
        self.problem, self.title, self.baseline = problem, title, baseline
        self.runs = {}  # library -> its runs, one for each fold
        self.sureness, self.probable = None, False  # (n, n_classes) of rows held out; whether these are probabilities
        self.equal = []  # for each fold the share of equal predictions
        self.failed = set()  # libraries
        self.predicted: np.ndarray | None = None  # (n,) what fastml's model said of each row when it was held out
        self.seen: np.ndarray | None = None  # (n,) whether it was held out by now
        self.chosen = []  # for each fold the settings that `--tune` found for fastml's model
        self.demanding = False  # whether it refuses some tables
        self.whole = False  # whether fastml's model has ended every fold
        self.best = False  # whether the paired test says so against every other model

    def keep(self, rows, predicted, n):
        before = np.empty(n, predicted.dtype) if self.predicted is None else self.predicted
        self.predicted = before.astype(np.result_type(before, predicted), copy=False)  # the texts may be longer now
        self.seen = np.zeros(n, bool) if self.seen is None else self.seen
        self.predicted[rows], self.seen[rows] = predicted, True

    def keep_sureness(self, rows, model, X, classes, n):
        from fastml.cli.judging import held_out

        given, self.probable = held_out(model, X, classes)
        if given is not None:
            self.sureness = np.full((n, len(classes)), np.nan) if self.sureness is None else self.sureness
            self.sureness[rows] = given

    @property
    def complete(self):
        """Whether fastml's model has said something of every row that a fold holds out."""
        return self.whole

    @property
    def begun(self):
        return bool(self.runs or self.failed)

    @property
    def folds(self):
        return min(map(len, self.runs.values()), default=0)

    @property
    def scores(self):
        """fastml's score of each fold."""
        return [run.score for run in self.runs.get(LIBRARIES[0], ())]


class Race:
    """The comparison of all models on some problems; what has been done can be read at any time, also after Ctrl-C."""

    def __init__(self, problems, folds, progress, models=MODELS, tune=False, end=None, aim=None):
        self.problems, self.folds, self.progress = list(problems), folds, progress
        self.models, self.tune, self.end = models, tune, end  # end: when all must be done, by time.monotonic
        # aim: when all should be done, though no model of fastml's is left out for it; None for no such aim
        self.aim, self.thinned = None if tune or end is not None else aim, {}  # model -> training rows of each fold
        self.estimates = {}  # (problem, model, library) -> seconds of the first call, and its rows
        self.starts, self.entries, self.remarks = [], [], []
        self.hasty: tuple = ()  # the libraries whose folds may be fewer, where all would take too long
        self.done = False

    def run(self):
        for problem in self.problems:
            for model in self.models_for(problem):
                self._warm_up(problem, model)
        for problem in self.problems:
            self._baseline(problem)
            models = self._cheapest_first(problem)
            short = self.end is not None or self._in_haste(problem, models)
            # Where time is short, every model of fastml's comes before scikit-learn's first.
            for libraries in [LIBRARIES[:1], LIBRARIES[1:]] if short else [LIBRARIES]:
                for number, model in enumerate(models):
                    self._compare(problem, model, libraries, len(models) - number)
        self.done = True
        for problem in self.problems:
            first = leaders(self.of(problem), self.folds)
            if len(first) == 1:
                first[0].best = True

    @property
    def failed(self):
        return any(entry.failed for entry in self.entries if not entry.demanding)

    def models_for(self, problem):
        mixed = bool(problem.texts) or bool(np.isnan(problem.X).any())
        return [model for model in self.models if model.task == problem.task and (mixed or not model.only_mixed)]

    def left(self):
        """Seconds left of the budget."""
        return float("inf") if self.end is None else self.end - time.monotonic()

    def _cheapest_first(self, problem):
        """The models of a problem; where time is short, in the order of what their first calls took."""
        models = self.models_for(problem)
        if self.end is None and self.aim is None:
            return models
        return sorted(
            models, key=lambda model: self.estimates.get((problem.name, model.title, LIBRARIES[0]), (0, 1))[0]
        )

    def _too_long(self, problem, model, library, n, share):
        """Whether a fold of n training rows would take more than its share of what is left; the remark says so."""
        if self.end is None and library not in self.hasty:
            return False
        expected = self._expected(problem, model, library, n)
        have = (KEPT * self.left() if self.end is not None else self._room()) * share
        if have > expected or (self.end is None and expected < TRIFLE):
            return False
        done = len(self._entry(problem, model).runs.get(library, ()))
        what = f"has {done} of {self.folds} folds: another" if done else "left out: a fold"
        why = f"the budget leaves it {max(0.0, have):.2g} s"
        if self.end is None:
            why = "too much for about a minute in all (--budget 10m for more)"
        self._remark(f"{library} {model.title} on {problem.name} {what} would take about {expected:.2g} s, {why}")
        return True

    def _room(self):
        """Seconds until all should be done."""
        return 0.0 if self.aim is None else self.aim - time.monotonic()

    def _expected(self, problem, model, library, n):
        """Seconds that a fold of n training rows is expected to take."""
        seconds, rows = self.estimates.get((problem.name, model.title, library), (0.0, 1))
        return seconds * max(1.0, n / rows) ** GROWTH

    def _in_haste(self, problem, models):
        """Whether all folds would take longer than the aim: then scikit-learn's are fewer, and rows of slow models."""
        if self.aim is None:
            return False
        n = len(next(splits(problem, self.folds))[0])
        ours, theirs = (
            [self.folds * self._expected(problem, model, library, n) for model in models] for library in LIBRARIES
        )
        room = self._room()
        if sum(ours) + sum(theirs) <= room:
            return False
        self.hasty = LIBRARIES[1:]
        have = level(ours, room)
        for model, cost in zip(models, ours, strict=True):
            rows = n if cost <= have else max(FEWEST, int(n * have / cost))
            if rows < n:
                self.thinned[model.title] = rows
        return True

    def of(self, problem):
        """The rows of the table that hold a model on this problem."""
        return [entry for entry in self.entries if entry.problem == problem.name and not entry.baseline]

    def _warm_up(self, problem, model):
        """Fit and predict once, so that no fold has to wait for a compiler; the first time is the cold start."""
        self.progress(f"first fit: {model.title} for {problem.name}")
        train, test = next(splits(problem, self.folds))
        if self.left() < 0:
            return
        most = FIRST_ROWS if self.end is None else FIRST_ROWS // 4
        rows = np.sort(np.random.default_rng(0).permutation(train)[:most]), test[:most]
        before = kernel_counts()
        seconds = [
            self._first_call(problem, model, library, maker, *rows)
            for library, maker in self._makers(model, len(train))
        ]
        if all(start.title != model.title for start in self.starts):
            compiled, loaded = (after - then for after, then in zip(kernel_counts(), before, strict=True))
            self.starts.append(Start(model.title, seconds, compiled, loaded))

    def _first_call(self, problem, model, library, maker, train, test):
        if maker is None:
            return None
        with self._watched(problem, model, library):
            X_train, X_test = prepare(model.input, problem, train, test)
            started = time.perf_counter()
            maker().fit(X_train, problem.y[train]).predict(X_test)
            seconds = again = time.perf_counter() - started
            if self._again(seconds, len(train), len(problem.y)):  # what was loaded or compiled is not paid twice
                started = time.perf_counter()
                maker().fit(X_train, problem.y[train]).predict(X_test)
                again = time.perf_counter() - started
            self.estimates[problem.name, model.title, library] = again, len(train)
            return seconds
        return None

    def _again(self, seconds, rows, n):
        """Whether the first call of a model is worth another, for an estimate of what its folds take."""
        if self.aim is not None:
            return seconds < AIM / 10 and seconds * self.folds * n / rows > AIM / 30
        return self.end is not None and seconds < self.left() / 10

    def _entry(self, problem, model):
        """The row of the table for a model, made when it is first asked for."""
        entry = next((e for e in self.of(problem) if e.title == model.title), None)
        if entry is None:
            entry = Entry(problem.name, model.title)
            entry.demanding = model.demanding
            self.entries.append(entry)
        return entry

    def _compare(self, problem, model, libraries=LIBRARIES, waiting=1):
        entry = self._entry(problem, model)
        skipped: set = set()
        classes = np.unique(problem.y) if problem.task == CLASSIFICATION else ()
        for number, (train, test) in enumerate(splits(problem, self.folds), 1):
            train = some_of(train, self.thinned.get(model.title))
            self.progress(f"{problem.name}: {model.title}", f"fold {number} of {self.folds}")
            makers = [pair for pair in self._makers(model, len(train)) if pair[0] in libraries and pair[1] is not None]
            if all(library in skipped | entry.failed for library, _ in makers):
                break
            X_train, X_test = prepare(model.input, problem, train, test)
            predictions = {}
            # Each library comes first in every other fold: the second finds the rows in the processor's caches.
            for library, maker in makers[:: 1 if number % 2 else -1]:
                if library in entry.failed or library in skipped:
                    continue
                share = 2 / (waiting + 2 * (self.folds - number + 1))
                if self._too_long(problem, model, library, len(train), share):
                    skipped.add(library)
                    continue
                with self._watched(problem, model, library, entry):
                    estimator = maker()
                    run, predicted = timed(estimator, problem.task, X_train, problem.y[train], X_test, problem.y[test])
                    entry.runs.setdefault(library, []).append(run)
                    predictions[library] = predicted
                    if library == LIBRARIES[0]:
                        entry.keep(test, predicted, len(problem.y))
                        if 2 <= len(classes) <= MOST_CLASSES:
                            entry.keep_sureness(test, estimator, X_test, classes, len(problem.y))
                        entry.chosen += [estimator.best_params_] if hasattr(estimator, "best_params_") else []
            if LIBRARIES[1] in predictions and entry.seen is not None and entry.seen[test].all():
                ours = predictions.get(LIBRARIES[0], entry.predicted[test])
                entry.equal.append(share_of_equals(ours, predictions[LIBRARIES[1]]))
        entry.whole = len(entry.scores) == self.folds

    def _baseline(self, problem):
        from sklearn.dummy import DummyClassifier, DummyRegressor

        classify = problem.task == CLASSIFICATION
        entry = Entry(problem.name, "majority class" if classify else "mean", baseline=True)
        self.entries.append(entry)
        runs = entry.runs.setdefault(LIBRARIES[0], [])
        for train, test in splits(problem, self.folds):
            model = (DummyClassifier() if classify else DummyRegressor()).fit(problem.X[train], problem.y[train])
            runs.append(Run(score(problem.task, problem.y[test], model.predict(problem.X[test])), 0.0, 0.0))

    def _makers(self, model, n):
        """For each library its name and what makes the model for n rows, or None where it has no such model."""
        makers = []
        for library, cls in zip(LIBRARIES, load(model), strict=True):
            make = None if cls is None else partial(cls, **model.settings_for(n))
            if make and self.tune and model.grid:
                make = partial(tuned, library, make, model)
            makers.append((library, make))
        return makers

    @contextlib.contextmanager
    def _watched(self, problem, model, library, entry=None):
        """Keep an error or a warning of a model as a remark: one model cannot end the comparison."""
        where = f"{library} {model.title} on {problem.name}"
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                yield
            except Exception as error:
                if entry:
                    entry.failed.add(library)
                what = "left out" if model.demanding else f"failed: {type(error).__name__}"
                self._remark(f"{where} {what}: {first_line(error)}")
        for warning in caught if entry else ():
            self._remark(f"{where} warned: {first_line(warning.message)}")

    def _remark(self, text):
        if text not in self.remarks:
            self.remarks.append(text)


def level(costs, room):
    """The most that each of some costs may be, so that their sum, larger ones cut to it, is no more than the room."""
    costs = sorted(costs)
    for place, cost in enumerate(costs):
        share = max(0.0, room) / (len(costs) - place)
        if cost >= share:
            return share
        room -= cost
    return float("inf")


def some_of(rows, most):
    """At most so many of the rows, drawn at random; None for all."""
    if most is None or len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(0).permutation(rows)[:most])


def tuned(library, make, model):
    """A search of that library over the model's grid, by folds within the rows it is given."""
    import sklearn.model_selection

    import fastml.model_selection
    from fastml_ext.pool import cpu_limit

    kind = StratifiedKFold if model.task == CLASSIFICATION else KFold
    folds = kind(INNER_FOLDS, shuffle=True, random_state=0)
    if library == LIBRARIES[0]:
        return fastml.model_selection.GridSearchCV(make(), model.grid, cv=folds)
    return sklearn.model_selection.GridSearchCV(make(), model.grid, cv=folds, n_jobs=cpu_limit())


def leaders(entries, folds):
    """The entry of the highest mean score, and those that the paired test cannot tell from it.

    The test is Nadeau and Bengio's on the scores of the same folds, two-sided at 0.05. To call one model the best, each
    single comparison has to say so: nothing needs correcting for their number. One model alone leads nobody.
    """
    entries = [entry for entry in entries if len(entry.scores) == folds]
    if len(entries) < 2:
        return []
    top = max(entries, key=lambda entry: np.mean(entry.scores))
    return [top, *(e for e in entries if e is not top and not surely_better(top, e, folds))]


def surely_better(one, other, folds):
    from fastml.model_selection.validation import paired_difference

    if one.scores == other.scores:
        return False
    return paired_difference(one.scores, other.scores, 1 / (folds - 1)).p_value < 0.05


def splits(problem, folds):
    """The (train, test) rows of each fold: the same every time; stratified for classes; by groups or time if asked."""
    if problem.when is not None:
        order = np.argsort(problem.when, kind="stable")
        yield from ((order[train], np.sort(order[test])) for train, test in TimeSeriesSplit(folds).split(order))
        return
    if problem.groups is not None:
        by = StratifiedGroupKFold if problem.task == CLASSIFICATION else GroupKFold
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from list(by(folds, shuffle=True, random_state=0).split(problem.X, problem.y, problem.groups))
        return
    kind = StratifiedKFold if problem.task == CLASSIFICATION else KFold
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rare classes: the problem's notes name them
        yield from list(kind(folds, shuffle=True, random_state=0).split(problem.X, problem.y))


def timed(model, task, X_train, y_train, X_test, y_test):
    """(the run, its predictions)"""
    started = time.perf_counter()
    model.fit(X_train, y_train)
    fitted = time.perf_counter()
    predicted = model.predict(X_test)
    ended = time.perf_counter()
    return Run(score(task, y_test, predicted), fitted - started, ended - fitted), predicted


def score(task, y, predicted):
    """Accuracy, or the coefficient of determination."""
    return float((accuracy_score if task == CLASSIFICATION else r2_score)(y, predicted))


def share_of_equals(a, b):
    return float(np.mean(np.isclose(a, b, rtol=1e-6) if a.dtype.kind == "f" else a == b))


def kernel_counts():
    """(kernels compiled, kernels loaded from the cache) by this process so far."""
    from fastml_ext import jit

    return jit.compilations(), jit.loaded()


def first_line(message):
    line = str(message).strip().partition("\n")[0]
    return line if len(line) <= 200 else line[:199] + "…"
