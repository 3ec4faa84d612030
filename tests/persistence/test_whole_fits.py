"""After a fit that was refused or interrupted, wherever that was, a model is what it was before."""

import contextlib
import importlib
import inspect
import os
import pickle
import pkgutil
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finding import reads_labels_alone
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from versions import NEWEST, version

import fastml
import fastml.base
from fastml.base import Estimator
from fastml.linear_model import Perceptron, Ridge, SGDClassifier, SGDRegressor
from fastml.model_selection import GridSearchCV, HalvingGridSearchCV
from fastml.neighbors import KNeighborsClassifier
from fastml.neural_network import MLPClassifier, MLPRegressor
from fastml.preprocessing import FeatureTemplates, Thermometer

PACKAGE = str(Path(fastml.__path__[0])) + os.sep
LEARN = str(Path(fastml.base.__file__))  # where a fit is put in place
random = np.random.default_rng(0)
X = random.integers(0, 5, (40, 3)).astype(float)
WIDER = random.integers(0, 5, (40, 5)).astype(float)
LABELS = (X[:, 0] + X[:, 1] > 4).astype(int)
SCORES = X @ [1.0, -2.0, 0.5]
TEXTS = [f"{a:.0f}{b:.0f} {c:.0f}{a:.0f}" for a, b, c in X]
RECORDS = {
    "CountVectorizer": TEXTS,
    "HashingVectorizer": TEXTS,
    "TfidfVectorizer": TEXTS,
    "DictVectorizer": [dict(zip("abc", row, strict=True)) for row in X.tolist()],
}
ANSWERS = ("predict", "predict_proba", "decision_function", "transform")
pytestmark = pytest.mark.filterwarnings("ignore")  # so few rows settle nothing


def find_estimators():
    for module in pkgutil.iter_modules(fastml.__path__):
        if not module.name.startswith("_") and module.name != "base":
            loaded = importlib.import_module(f"fastml.{module.name}")
            for name in getattr(loaded, "__all__", ()):
                value = getattr(loaded, name)
                kept = isinstance(value, type) and issubclass(value, Estimator) and hasattr(value, "fit")
                if kept and has_defaults(value) and not reads_labels_alone(value):
                    yield value


def has_defaults(cls):
    """Whether it can be made as it is: no composition of others, which tests/pipeline and tests/compose keep."""
    return all(p.default is not p.empty for p in inspect.signature(cls).parameters.values())


ESTIMATORS = sorted(set(find_estimators()), key=lambda cls: cls.__name__)
every = pytest.mark.parametrize("Model", ESTIMATORS, ids=lambda cls: cls.__name__)


def make(Model):
    quick = {"max_iter": 3, "hidden_layer_sizes": (3,), "random_state": 0}
    known = Model().get_params()
    quick = {name: value for name, value in quick.items() if name in known}
    return Model(**quick | ({"n_neighbors": 2} if "n_neighbors" in known else {}))


def given(model, wide=False):
    """(X, y) that the model takes."""
    rows = RECORDS.get(type(model).__name__, WIDER if wide else X)
    return rows, SCORES if is_regressor(model) else LABELS


def state_of(value, seen=()):
    """All that it is, to the bit."""
    if id(value) in seen:
        return "again"
    seen = (*seen, id(value))
    if isinstance(value, np.ndarray):
        inner = state_of(value.tolist(), seen) if value.dtype == object else value.tobytes()
        return value.dtype.str, value.shape, inner
    if isinstance(value, dict):
        return [(state_of(key, seen), state_of(inner, seen)) for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return type(value).__name__, [state_of(inner, seen) for inner in value]
    if hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        return type(value).__name__, state_of(vars(value), seen)
    return repr(value)


def answers(model, rows):
    found = []
    for method in ANSWERS:
        if hasattr(model, method):
            answer = getattr(model, method)(rows)
            found += answer if isinstance(answer, tuple) else [answer]
    return [pickle.dumps(answer) for answer in found]


class Interrupt:
    """Raises `error` at the n-th line of fastml that is executed; counts them for n=None."""

    def __init__(self, error=None, n=None):
        self.error, self.n, self.seen, self.where = error, n, 0, None

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)

    def enter(self, frame, event, argument):
        code = frame.f_code
        ours = code.co_filename.startswith(PACKAGE) and not (code.co_name == "learn" and code.co_filename == LEARN)
        return self.line if ours else None

    def line(self, frame, event, argument):
        if event == "line":
            self.seen += 1
            if self.seen == self.n:
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise self.error
        return self.line


def learn_interrupted(model, learn, error, places=12):
    """For places all along what `learn` executes: whether it raised there, after which nothing may have changed."""
    before, rows = pickle.dumps(model), given(model)[0]
    fitted = hasattr(model, "n_features_in_") or hasattr(model, "vocabulary_")
    old = answers(model, rows) if fitted else None
    learn(pickle.loads(before))  # compiles: not while every line is watched
    with Interrupt() as counter:
        learn(pickle.loads(before))
    for n in np.unique(np.linspace(1, counter.seen, places).astype(int)):
        tried = pickle.loads(before)
        known = state_of(tried)
        with Interrupt(error("in the middle"), n) as interrupt:
            try:
                learn(tried)
            except (error, ValueError):  # a parser says that there is too much of it where memory ends
                raised = True
            except AttributeError as refusal:
                if not isinstance(
                    refusal.__cause__, error
                ):  # raised while scikit-learn asks whether the method is there
                    raise
                raised = True
            else:
                raised = False  # a training loop that ends early, and says so
        if raised:
            assert state_of(tried) == known, interrupt.where
            if fitted:
                assert answers(tried, rows) == old, interrupt.where
        with contextlib.suppress(ValueError, NotFittedError):
            answers(tried, rows)


@every
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interrupted_anywhere(Model, error):
    model = make(Model)
    rows, y = given(model)
    learn_interrupted(model, lambda model: model.fit(rows, y), error)
    model.fit(rows, y)
    wide = given(model, wide=True)
    learn_interrupted(model, lambda model: model.fit(*wide), error)
    if hasattr(model, "partial_fit"):
        more = {"classes": [0, 1]} if hasattr(model, "classes_") else {}
        model = clone(model).partial_fit(rows, y, **more)
        learn_interrupted(model, lambda model: model.partial_fit(rows[::2], y[::2]), error)
    if "warm_start" in model.get_params():
        model = clone(model).set_params(warm_start=True).fit(rows, y)
        learn_interrupted(model, lambda model: model.fit(rows, y), error)
        model.set_params(warm_start=False)
    if hasattr(model, "transform"):
        model = clone(model).fit(rows, y)
        learn_interrupted(model, lambda model: model.fit_transform(*wide), error)


def refusals(model):
    """Calls of fit on rows of another width that are refused at one stage or another."""
    wide, y = given(model, wide=True)
    if isinstance(wide, np.ndarray):
        yield {}, np.where(np.arange(40)[:, None] == 39, np.inf, wide), y, {}
        yield {}, wide[:0], y[:0], {}
        if version >= NEWEST:  # older ones let a name of two columns pass
            yield {}, pd.DataFrame(wide, columns=list("abcda")), y[:-1], {}
    if hasattr(model, "predict"):
        yield {}, wide, y[:-1], {}
        yield {}, wide, np.where(np.arange(40) == 39, np.nan, y), {}
        yield {}, wide, None, {}
        yield {}, wide, [{}] * 40, {}
    yield {}, None, y, {}
    yield {}, [[complex(0, 1)]] * 40, y, {}
    if "sample_weight" in type(model).fit.__wrapped__.__code__.co_varnames:
        for weight in (np.full(40, -1.0), np.full(40, np.nan), np.ones(39), "heavy"):
            yield {}, wide, y, {"sample_weight": weight}
    for name, constraint in type(model)._parameter_constraints.items():
        if name in model.get_params() and "no_validation" not in constraint and name != "outlier_label":
            yield {name: object()}, wide, y, {}


@every
def test_refused_at_every_stage(Model):
    if Model.__name__ == "HashingVectorizer":
        pytest.skip("its fit looks at no documents, as scikit-learn's")
    model = make(Model)
    rows, y = given(model)
    for kind, start in (("fresh", model), ("fitted", clone(model).fit(rows, y))):
        before = pickle.dumps(start)
        old = answers(start, rows) if kind == "fitted" else None
        for parameters, bad, labels, options in refusals(start):
            tried = pickle.loads(before)
            earlier = {name: tried.get_params(deep=False)[name] for name in parameters}
            known = state_of(tried)
            with pytest.raises((ValueError, TypeError, AttributeError)):
                tried.set_params(**parameters).fit(bad, labels, **options)
            tried.set_params(**earlier)
            assert state_of(tried) == known
            if not any(hasattr(tried, method) for method in ANSWERS):
                continue
            if kind == "fitted":
                assert answers(tried, rows) == old
                if get_tags(tried).input_tags.two_d_array and isinstance(rows, np.ndarray):
                    with pytest.raises(ValueError, match="features|columns"):
                        answers(tried, WIDER)
            elif get_tags(tried).requires_fit:
                with pytest.raises(NotFittedError):
                    answers(tried, rows)


@pytest.mark.parametrize("Model", [SGDClassifier, SGDRegressor, Perceptron, MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("again", ["fit", "partial_fit", "warm_start"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_callback_that_raises(Model, again, error):
    seen = []

    def watch(model, row):
        seen.append(answers(model, rows))  # it has what has been learnt so far
        if armed:
            raise error("enough")

    armed = False
    model = make(Model).set_params(warm_start=again == "warm_start", callbacks=watch)
    rows, y = given(model)
    model.fit(rows, y)
    before, old, armed = state_of(model), answers(model, rows), True
    first, rows = rows, given(model, wide=again == "fit")[0]
    try:
        model.partial_fit(rows, y) if again == "partial_fit" else model.fit(rows, y)
    except error:
        assert state_of(model) == before
        assert answers(model, first) == old
    else:
        assert error is KeyboardInterrupt  # which ends training with what was learnt
        assert model.stopped_ == "interrupted"


def test_a_fit_gives_the_model_itself_and_its_callbacks_what_is_learnt():
    kept = []
    model = MLPClassifier((3,), max_iter=2, random_state=0, callbacks=lambda m, row: kept.append(m))
    assert model.fit(X, LABELS) is model
    assert model.partial_fit(X, LABELS) is model
    assert kept[0].predict(X).shape == (40,)
    assert type(kept[0]) is MLPClassifier


class Own(Ridge):
    """What a user may write."""

    def fit(self, X, y):
        self.before_ = getattr(self, "coef_", None)
        self.me_ = id(self)
        super().fit(X, y)
        self.after_ = self.coef_
        return self


def test_subclasses_of_users():
    model = Own().fit(X, SCORES)
    assert model.me_ == id(model)
    assert model.after_ is model.coef_
    with pytest.raises(ValueError, match="NaN"):
        model.fit(WIDER, np.full(40, np.nan))
    assert model.coef_ is model.after_
    assert model.n_features_in_ == 3
    assert np.array_equal(clone(model).fit(X, SCORES).coef_, model.coef_)


def test_what_users_set_and_scikit_learn_configures_stays():
    model = Thermometer().set_output(transform="pandas")
    model.mine = "kept"
    assert isinstance(model.fit_transform(pd.DataFrame(X, columns=list("abc"))), pd.DataFrame)
    assert model.mine == "kept"


def test_threads_that_predict_during_a_refit_see_one_model_or_the_other():
    model = KNeighborsClassifier(1).fit(X, LABELS)
    one, other = model.predict(X).tolist(), (1 - model.predict(X)).tolist()
    errors, stop = [], threading.Event()

    def watch():
        while not stop.is_set():
            try:
                assert model.predict(X).tolist() in (one, other)
            except BaseException as error:
                errors.append(error)

    watchers = [threading.Thread(target=watch) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    for i in range(60):
        model.fit(X, LABELS if i % 2 else 1 - LABELS)
    stop.set()
    for watcher in watchers:
        watcher.join()
    assert not errors


def test_templates_take_in_records_as_a_whole_or_not_at_all():
    model = FeatureTemplates(["fields"]).fit([{"a": 1, "b": "x"}])
    before = state_of(model)
    with pytest.raises(TypeError):
        model.partial_fit([{"c": 3, "b": "new"}, {"d": object()}])
    assert state_of(model) == before
    assert model.partial_fit([{"c": 3, "b": "new"}]).get_feature_names_out().tolist() == ["a", "b=x", "b=new", "c"]


class Stops(KNeighborsClassifier):
    stop_at = None
    fits = 0

    def fit(self, X, y):
        type(self).fits += 1
        if type(self).fits == self.stop_at:
            raise KeyboardInterrupt
        return super().fit(X, y)

    shared_parameters = ()


@pytest.mark.parametrize("Search", [GridSearchCV, HalvingGridSearchCV])
def test_searches_are_whole(Search):
    search = Search(KNeighborsClassifier(), {"n_neighbors": [1, 2, 3]}, cv=2).fit(X, LABELS)
    before = dict(vars(search))
    for bad in (LABELS[:-1], np.full(40, np.nan)):
        with pytest.raises(ValueError):  # noqa: PT011 - scikit-learn says many things
            search.fit(WIDER, bad)
        assert vars(search).keys() == before.keys()
        assert all(vars(search)[name] is before[name] for name in before)
    with pytest.raises(NotFittedError):
        Search(KNeighborsClassifier(), {"n_neighbors": [-1]}, cv=2).predict(X)


def test_an_interrupted_search_keeps_what_was_done_and_no_model_of_before(monkeypatch):
    search = GridSearchCV(Stops(), {"n_neighbors": [1, 2, 3]}, cv=2).fit(X, LABELS)
    for stop_at, done in ((1, None), (5, 2), (7, 3)):  # at once, after two candidates, in the last fit of the best
        fitted = pickle.loads(pickle.dumps(search))
        monkeypatch.setattr(Stops, "fits", 0)
        monkeypatch.setattr(Stops, "stop_at", stop_at)
        with pytest.raises(KeyboardInterrupt):
            fitted.fit(WIDER, LABELS)
        if done is None:
            assert fitted.predict(X).shape == (40,)
            continue
        assert len(fitted.cv_results_["params"]) == done
        assert not hasattr(fitted, "best_estimator_")
        with pytest.raises((AttributeError, NotFittedError)):
            fitted.predict(X)


def test_warnings_point_at_the_line_of_the_caller():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        MLPClassifier((2,), max_iter=1, random_state=0).fit(X, LABELS)
        SGDClassifier(max_iter=2, tol=1e-9, random_state=0).fit(X, LABELS)
    assert len(told) >= 2
    assert {Path(one.filename).name for one in told} == {Path(__file__).name}
