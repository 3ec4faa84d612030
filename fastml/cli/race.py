"""Models side by side: the same folds, the same input, the same settings; scores, times, and whether they agree."""

import contextlib
import time
import warnings
from typing import NamedTuple

import numpy as np

from fastml.cli.models import CLASSIFICATION, MODELS, load
from fastml.cli.problem import prepare

__all__ = ["LIBRARIES", "Race", "Start", "kernel_counts", "score", "splits"]

LIBRARIES = ("fastml", "scikit-learn")
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
        self.equal = []  # for each fold the share of equal predictions
        self.failed = set()  # libraries
        self.predicted: np.ndarray | None = None  # (n,) what fastml's model said of each row when it was held out
        self.seen: np.ndarray | None = None  # (n,) whether it was held out by now

    def keep(self, rows, predicted, n):
        before = np.empty(n, predicted.dtype) if self.predicted is None else self.predicted
        self.predicted = before.astype(np.result_type(before, predicted), copy=False)  # the texts may be longer now
        self.seen = np.zeros(n, bool) if self.seen is None else self.seen
        self.predicted[rows], self.seen[rows] = predicted, True

    @property
    def complete(self):
        """Whether fastml's model has said something of every row."""
        return self.seen is not None and bool(self.seen.all())

    @property
    def begun(self):
        return bool(self.runs or self.failed)

    @property
    def folds(self):
        return min(map(len, self.runs.values()), default=0)


class Race:
    """The comparison of all models on some problems; what has been done can be read at any time, also after Ctrl-C."""

    def __init__(self, problems, folds, progress, models=MODELS):
        self.problems, self.folds, self.progress = list(problems), folds, progress
        self.models = models
        self.starts, self.entries, self.remarks = [], [], []
        self.done = False

    def run(self):
        for problem in self.problems:
            for model in self.models_for(problem):
                self._warm_up(problem, model)
        for problem in self.problems:
            self._baseline(problem)
            for model in self.models_for(problem):
                self._compare(problem, model)
        self.done = True

    @property
    def failed(self):
        return any(entry.failed for entry in self.entries)

    def models_for(self, problem):
        return [model for model in self.models if model.task == problem.task]

    def _warm_up(self, problem, model):
        """Fit and predict once, so that no fold has to wait for a compiler; the first time is the cold start."""
        self.progress(f"compiling: {model.title} for {problem.name}")
        train, test = next(splits(problem, self.folds))
        rows = np.sort(np.random.default_rng(0).permutation(train)[:FIRST_ROWS]), test[:FIRST_ROWS]
        before = kernel_counts()
        seconds = [self._first_call(problem, model, library, maker, *rows) for library, maker in makers(model)]
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
            return time.perf_counter() - started
        return None

    def _compare(self, problem, model):
        entry = Entry(problem.name, model.title)
        self.entries.append(entry)
        for number, (train, test) in enumerate(splits(problem, self.folds), 1):
            self.progress(f"{problem.name}: {model.title}", f"fold {number} of {self.folds}")
            X_train, X_test = prepare(model.input, problem, train, test)
            predictions = []
            # Each library comes first in every other fold: the second finds the rows in the processor's caches.
            for library, maker in makers(model)[:: 1 if number % 2 else -1]:
                if maker is None or library in entry.failed:
                    continue
                with self._watched(problem, model, library, entry):
                    run, predicted = timed(maker(), problem.task, X_train, problem.y[train], X_test, problem.y[test])
                    entry.runs.setdefault(library, []).append(run)
                    predictions.append(predicted)
                    if library == LIBRARIES[0]:
                        entry.keep(test, predicted, len(problem.y))
            if len(predictions) == 2:
                entry.equal.append(share_of_equals(*predictions))

    def _baseline(self, problem):
        from sklearn.dummy import DummyClassifier, DummyRegressor

        classify = problem.task == CLASSIFICATION
        entry = Entry(problem.name, "majority class" if classify else "mean", baseline=True)
        self.entries.append(entry)
        runs = entry.runs.setdefault(LIBRARIES[0], [])
        for train, test in splits(problem, self.folds):
            model = (DummyClassifier() if classify else DummyRegressor()).fit(problem.X[train], problem.y[train])
            runs.append(Run(score(problem.task, problem.y[test], model.predict(problem.X[test])), 0.0, 0.0))

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
                self._remark(f"{where} failed: {type(error).__name__}: {first_line(error)}")
        for warning in caught if entry else ():
            self._remark(f"{where} warned: {first_line(warning.message)}")

    def _remark(self, text):
        if text not in self.remarks:
            self.remarks.append(text)


def makers(model):
    """For each library its name and a function that makes the model, or None where it has no such model."""
    return [
        (library, None if cls is None else lambda cls=cls: cls(**model.settings))
        for library, cls in zip(LIBRARIES, load(model), strict=True)
    ]


def splits(problem, folds):
    """The (train, test) rows of each fold: the same every time; stratified for classes."""
    from sklearn.model_selection import KFold, StratifiedKFold

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
    if task == CLASSIFICATION:
        return float(np.mean(y == predicted))
    from sklearn.metrics import r2_score

    return float(r2_score(y, predicted))


def share_of_equals(a, b):
    return float(np.mean(np.isclose(a, b, rtol=1e-6) if a.dtype.kind == "f" else a == b))


def kernel_counts():
    """(kernels compiled, kernels loaded from the cache) by this process so far."""
    from fastml_ext import jit

    stats = [kernel.stats for kernel in jit.load_all(())]
    return jit.compilations(), sum(sum(s.cache_hits.values()) for s in stats)


def first_line(message):
    line = str(message).strip().partition("\n")[0]
    return line if len(line) <= 200 else line[:199] + "…"
