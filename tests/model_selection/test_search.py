"""Searches that share work: candidate by candidate what scikit-learn's searches find with the same estimator."""

import importlib.util
import pickle
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.model_selection
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import make_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from fastml import linear_model, model_selection
from fastml.model_selection import GridSearchCV, OneStandardError, RandomizedSearchCV
from fastml.naive_bayes import GaussianNB
from fastml.neighbors import KNeighborsClassifier, KNeighborsRegressor
from fastml.neural_network import MLPClassifier, MLPRegressor
from fastml.sharing import NotShared, SharesWork
from fastml.tree import DecisionTreeClassifier as FastTree
from fastml.tree import DecisionTreeRegressor

GRID = {"n_neighbors": [1, 2, 5, 9], "weights": ["uniform", "distance"]}


def data(n=90, seed=0, n_classes=3, names=False):
    random = np.random.default_rng(seed)
    X = random.integers(0, 4, (n, 3)).astype(float)  # many equal distances, and rows that occur twice
    y = np.clip((X.sum(axis=1) + random.integers(-1, 2, n)) * n_classes / 10, 0, n_classes - 1).astype(int)
    return X, np.array(["ant", "bee", "cat", "dog"])[y] if names else y


def assert_same_results(found, expected):
    found, expected = (search.cv_results_ for search in (found, expected))
    assert list(found) == list(expected)
    for key in expected:
        if "time" in key:
            continue
        if key == "params" or key.startswith("param_"):
            assert str(found[key]) == str(expected[key])
        else:
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-13, atol=1e-13, err_msg=key)


def both(estimator, grid, X, y, name="GridSearchCV", fit=None, **options):
    """The same search by fastml and by scikit-learn, compared."""
    searches = [
        getattr(m, name)(clone(estimator), grid, **options).fit(X, y, **(fit or {}))
        for m in (model_selection, sklearn.model_selection)
    ]
    assert_same_results(*searches)
    found, expected = searches
    if options.get("refit", True):
        assert found.best_params_ == expected.best_params_
        assert found.best_index_ == expected.best_index_
        assert np.array_equal(found.predict(X), expected.predict(X))
        assert found.score(X, y) == pytest.approx(expected.score(X, y))
    return found


SPLITTERS = {
    "three": 3,
    "k-fold": KFold(5),
    "shuffled": StratifiedKFold(10, shuffle=True, random_state=0),
    "repeated": RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
    "order of rows": TimeSeriesSplit(4),
    "drawn": ShuffleSplit(3, test_size=0.3, random_state=0),
    "half used": ShuffleSplit(2, test_size=0.2, train_size=0.3, random_state=0),
    "development set": PredefinedSplit(np.where(np.arange(90) % 4, -1, 0)),
    "rows": [(np.arange(60), np.arange(60, 90)), (np.arange(89, 29, -1), np.arange(30))],
    "asked rows are fitted": [(np.arange(80), np.arange(40, 90))],
}


@pytest.mark.parametrize("cv", SPLITTERS)
@pytest.mark.parametrize("scoring", [None, "f1_macro", "neg_log_loss"])
def test_neighbors_share_every_k_weighting_and_fold(cv, scoring):
    search = both(KNeighborsClassifier(), GRID, *data(), cv=SPLITTERS[cv], scoring=scoring, return_train_score=True)
    if scoring != "neg_log_loss":
        assert search.shared_ == 8


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(12, 60), n_splits=st.integers(2, 6), names=st.booleans())
@effort(0.3)
def test_any_data(seed, n, n_splits, names):
    X, y = data(n, seed, names=names)
    ks = np.random.default_rng(seed).choice(np.arange(1, n - n // n_splits - 1), 3)
    grid = {"n_neighbors": ks.tolist(), "weights": ["distance", "uniform"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cv = KFold(n_splits, shuffle=True, random_state=seed % 1000)
        search = both(KNeighborsClassifier(), grid, X, y, cv=cv, scoring=["accuracy", "recall_macro"], refit=False)
    assert search.shared_ == 6


def halved(distances):
    return 1 / (1 + distances + distances[:, -1:])


@pytest.mark.parametrize("weights", ["uniform", "distance", halved])
def test_regression(weights):
    X, y = data()
    grid = {"n_neighbors": [1, 3, 8], "weights": [weights]}
    for scoring in (None, "neg_mean_absolute_error"):
        search = both(KNeighborsRegressor(), grid, X, y * 0.1, cv=4, scoring=scoring, return_train_score=True)
        assert search.shared_ == 3
    y_float32 = (y * 0.1).astype(np.float32)
    both(KNeighborsRegressor(), grid, X, y_float32, cv=4)


def test_class_weights_sparse_rows_and_several_outputs():
    X, y = data()
    assert both(KNeighborsClassifier(class_weight="balanced"), GRID, X, y, cv=4).shared_ == 8
    assert both(KNeighborsClassifier(), GRID, sparse.csr_array(X), y, cv=4).shared_ == 8
    assert both(KNeighborsClassifier(metric="manhattan", algorithm="kd_tree"), GRID, X, y, cv=4).shared_ == 8
    distances = np.abs(X[:, None] - X[None]).sum(axis=2)
    assert both(KNeighborsClassifier(metric="precomputed"), GRID, distances, y, cv=4).shared_ == 0
    assert both(KNeighborsRegressor(), GRID, X, np.c_[y, y**2], cv=4).shared_ == 0


def test_folds_that_are_clusters():
    """Where all near rows are in the same fold, the search among all rows finds too few."""
    random = np.random.default_rng(0)
    centers = np.repeat(np.arange(6) * 100, 25)
    X, y, groups = centers[:, None] + random.normal(size=(150, 2)), random.integers(0, 2, 150), centers
    both(KNeighborsClassifier(), GRID, X, y, cv=GroupKFold(6), fit={"groups": groups})


def test_weights_by_a_function_and_other_parameters():
    grid = [
        {"n_neighbors": [1, 4], "weights": [halved, "uniform", None]},
        {"weights": ["distance"], "algorithm": ["brute", "auto"]},
        {"n_neighbors": [3], "leaf_size": [10]},
    ]
    search = both(KNeighborsClassifier(), grid, *data(), cv=4)
    assert search.shared_ == 8 - 2 + 0  # the last two grids differ in what is not shared
    search = both(KNeighborsClassifier(), {"n_neighbors": np.arange(1, 5)}, *data(), cv=4)
    assert search.shared_ == 4


def test_frames_lists_and_float32():
    X, y = data()
    both(KNeighborsClassifier(), GRID, pd.DataFrame(X, columns=list("abc")), pd.Series(y), cv=3)
    both(KNeighborsClassifier(), GRID, X.tolist(), y.tolist(), cv=3)
    both(KNeighborsClassifier(), GRID, X.astype(np.float32), y, cv=3)


def test_a_pipeline_shares_what_its_last_step_shares():
    X, y = data()
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier())
    grid = {"kneighborsclassifier__n_neighbors": [1, 3, 6], "standardscaler__with_std": [True, False]}
    assert both(pipeline, grid, X, y, cv=5).shared_ == 6
    assert both(pipeline, grid, pd.DataFrame(X, columns=list("abc")), y, cv=5, return_train_score=True).shared_ == 6
    steps = {"kneighborsclassifier": [DecisionTreeClassifier(random_state=0), KNeighborsClassifier()]}
    both(pipeline, steps, X, y, cv=5)
    knn = {"kneighborsclassifier": [KNeighborsClassifier()], "kneighborsclassifier__n_neighbors": [1, 3]}
    assert both(pipeline, [knn, {"kneighborsclassifier": [DecisionTreeClassifier(random_state=0)]}], X, y).shared_ == 2


@pytest.mark.parametrize(
    "scoring",
    ["balanced_accuracy", "roc_auc_ovr", ["accuracy", "f1_macro"], {"a": "accuracy", "loss": "neg_log_loss"}],
    ids=str,
)
def test_scorings(scoring):
    refit = scoring[0] if isinstance(scoring, list) else "a" if isinstance(scoring, dict) else True
    both(KNeighborsClassifier(), GRID, *data(), cv=3, scoring=scoring, refit=refit, return_train_score=True)


def test_binary_scorings_and_a_scorer_of_ones_own():
    X, y = data(n_classes=2)
    own = make_scorer(lambda y, p: np.mean(y == p) ** 2)
    for scoring in ("roc_auc", "f1", "average_precision", "neg_brier_score", own):
        assert both(KNeighborsClassifier(), GRID, X, y, cv=3, scoring=scoring).shared_ == 8
    assert both(KNeighborsClassifier(), GRID, X, y, cv=3, scoring=lambda e, X, y: e.score(X, y) / 2).shared_ == 0


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, None], "criterion": ["gini", "entropy"]}),
        (LogisticRegression(), {"C": [0.1, 1]}),
        (Ridge(), {"alpha": [0.1, 1, 10]}),
    ],
)
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_estimators_that_share_nothing(estimator, grid, n_jobs):
    search = both(estimator, grid, *data(), cv=4, n_jobs=n_jobs, return_train_score=True)
    assert search.shared_ == 0


def test_random_and_halving_searches():
    X, y = data()
    options = {"n_iter": 6, "random_state": 3, "cv": 4}
    assert both(KNeighborsClassifier(), GRID, X, y, "RandomizedSearchCV", **options).shared_ == 6
    for name, more in (("HalvingGridSearchCV", {}), ("HalvingRandomSearchCV", {"n_candidates": 6})):
        X, y = data(600)
        options = {"cv": 3, "random_state": 0, "min_resources": 60, "factor": 2, "scoring": "accuracy"} | more
        assert both(KNeighborsClassifier(), GRID, X, y, name, **options).shared_ > 6


def outcome(search, X, y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            search.fit(X, y)
        except Exception as error:
            return str(error).splitlines()[:3], []
    return None, sorted(str(w.message).splitlines()[0] or str(w.message).splitlines()[1] for w in caught)


@pytest.mark.parametrize(
    "grid", [{"n_neighbors": [1, 2, 500]}, {"n_neighbors": [1, -1, "two"]}, {"n_neighbors": [500]}]
)
@pytest.mark.parametrize("error_score", [np.nan, 0.5, "raise"])
def test_a_failing_candidate_is_reported_and_the_search_goes_on(grid, error_score):
    X, y = data()
    searches = [
        m.GridSearchCV(KNeighborsClassifier(), grid, cv=3, error_score=error_score)
        for m in (model_selection, sklearn.model_selection)
    ]
    (found, warned), (expected, expected_warnings) = (outcome(search, X, y) for search in searches)
    assert found == expected
    assert warned == expected_warnings
    if expected is None:
        assert_same_results(*searches)


def test_nan_scores():
    X, y = data(n_classes=2)
    y[-30:] = 1  # the last fold has one class
    with pytest.warns(UserWarning, match="only one class|Only one class|non-finite"):
        search = both(KNeighborsClassifier(), GRID, X, y, cv=KFold(3), scoring="roc_auc")
    assert np.isnan(search.cv_results_["split2_test_score"]).all()


class Interrupted(ClassifierMixin, BaseEstimator):
    def __init__(self, at=0):
        self.at = at

    def fit(self, X, y):
        if self.at == 2:
            raise KeyboardInterrupt
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[self.at])


def test_interrupting_keeps_what_is_done():
    X, y = data()
    search = GridSearchCV(Interrupted(), {"at": [0, 1, 2, 0]}, cv=3)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    assert [params["at"] for params in search.cv_results_["params"]] == [0, 1]
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    assert not hasattr(search, "best_estimator_")


def test_a_development_set():
    X, y = data(120)
    search = GridSearchCV(KNeighborsClassifier(), GRID).fit(X[:60], y[:60], dev=(X[60:90], y[60:90]))
    scores = [
        KNeighborsClassifier(**params).fit(X[:60], y[:60]).score(X[60:90], y[60:90])
        for params in search.cv_results_["params"]
    ]
    assert search.cv_results_["mean_test_score"].tolist() == scores
    again = KNeighborsClassifier(**search.best_params_).fit(X[:90], y[:90])
    assert np.array_equal(search.predict(X[90:]), again.predict(X[90:]))
    assert search.test_score(X[90:], y[90:]) == again.score(X[90:], y[90:])
    with pytest.warns(UserWarning, match="asked 2 times"):
        search.test_score(X[90:], y[90:])
    frames = pd.DataFrame(X, columns=list("abc")), pd.Series(y)
    same = GridSearchCV(KNeighborsClassifier(), GRID)
    same.fit(frames[0][:60], frames[1][:60], dev=(frames[0][60:90], frames[1][60:90]))
    assert same.cv_results_["mean_test_score"].tolist() == scores


@pytest.mark.parametrize(
    ("dev", "words"),
    [((1,), "pair"), (([[1, 2, 3]], None), "one of"), ((np.empty((0, 3)), []), "no rows"), (7, "pair")],
)
def test_bad_development_sets(dev, words):
    with pytest.raises(ValueError, match=words):
        GridSearchCV(KNeighborsClassifier(), GRID).fit(*data(), dev=dev)


def test_one_standard_error():
    X, y = data(120, n_classes=4)
    search = GridSearchCV(
        KNeighborsClassifier(), {"n_neighbors": list(range(1, 40))}, cv=5, refit=OneStandardError("-n_neighbors")
    ).fit(X, y)
    splits = np.array([search.cv_results_[f"split{i}_test_score"] for i in range(5)])
    means, best = splits.mean(axis=0), splits.mean(axis=0).argmax()
    bar = means[best] - splits[:, best].std(ddof=1) / np.sqrt(5)
    assert search.best_params_ == {"n_neighbors": max(np.flatnonzero(means >= bar)) + 1}
    assert search.best_params_["n_neighbors"] >= best + 1
    with pytest.raises(ValueError, match="max_depth"):
        OneStandardError("max_depth")(search.cv_results_)
    search = GridSearchCV(KNeighborsClassifier(), GRID, refit=OneStandardError("n_neighbors"))
    with pytest.raises(ValueError, match="one fold"):
        search.fit(X[:60], y[:60], dev=(X[60:], y[60:]))


def test_parameters_are_checked_as_by_scikit_learn():
    for options in ({"cv": "five"}, {"scoring": "no such score"}, {"n_jobs": "two"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            GridSearchCV(KNeighborsClassifier(), GRID, **options).fit(*data())
    with pytest.raises(ValueError, match="Found input variables|inconsistent"):
        GridSearchCV(KNeighborsClassifier(), GRID).fit(data()[0], data()[1][:-1])
    for m in (model_selection, sklearn.model_selection):
        with pytest.raises(ValueError, match="No fits were performed"):
            m.GridSearchCV(KNeighborsClassifier(), GRID, cv=[]).fit(*data())


def test_cloning_and_printing():
    search = clone(RandomizedSearchCV(KNeighborsClassifier(), GRID, refit=OneStandardError("n_neighbors")))
    assert "OneStandardError(simplest='n_neighbors'" in repr(search)
    assert model_selection.LeavePOut is sklearn.model_selection.LeavePOut


@pytest.mark.filterwarnings("ignore")  # as scikit-learn runs them
def test_scikit_learns_checks_of_estimators():
    check_estimator(GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2, error_score="raise"), on_skip=None)


class CountsItsFits(ClassifierMixin, BaseEstimator):
    """Predicts whether a row's first value is at least `cut`; one fit serves every cut."""

    shared_parameters = ("cut",)
    fits = 0

    def __init__(self, cut=0.0, offset=0.0):
        self.cut = cut
        self.offset = offset

    def fit(self, X, y):
        type(self).fits += 1
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 0] - self.offset >= self.cut).astype(int)]

    def shared_responses(self, X, y, splits, settings, method):
        if method != "predict":
            raise NotShared
        for train, test in splits:
            fitted = clone(self).fit(X[train], y[train])
            yield [clone(fitted).set_params(**setting).fit_as(fitted).predict(X[test]) for setting in settings]

    def fit_as(self, other):
        self.classes_ = other.classes_
        return self


def test_any_estimator_may_declare_what_it_shares():
    X, y = data(n_classes=2)
    grid = {"cut": [0.0, 1.0, 2.0], "offset": [0.0, 0.5]}
    CountsItsFits.fits = 0
    search = GridSearchCV(CountsItsFits(), grid, cv=5, refit=False).fit(X, y)
    assert (search.shared_, CountsItsFits.fits) == (6, 10)
    both(CountsItsFits(), grid, X, y, cv=5)
    assert isinstance(CountsItsFits(), SharesWork)
    assert not isinstance(Ridge(), SharesWork)


class Faulty(CountsItsFits):
    fault: BaseException

    def shared_responses(self, X, y, splits, settings, method):
        yield from super().shared_responses(X, y, splits[:1], settings, method)
        raise self.fault


@pytest.mark.parametrize("fault", [RuntimeError, ValueError, IndexError, MemoryError])
def test_a_fault_in_what_shares_is_raised_and_not_taken_for_a_refusal(monkeypatch, fault):
    X, y = data(n_classes=2)
    search = GridSearchCV(Faulty(), {"cut": [0.0, 1.0]}, cv=5)
    monkeypatch.setattr(Faulty, "fault", fault("a bug"), raising=False)
    with pytest.raises(fault, match="a bug"):
        search.fit(X, y)
    monkeypatch.setattr(Faulty, "fault", NotShared())
    assert search.fit(X, y).shared_ == 0


@pytest.mark.parametrize(
    ("model", "grid", "bad"),
    [
        (KNeighborsClassifier(), {"n_neighbors": [1, 0, 3]}, 1),
        (KNeighborsClassifier(), {"weights": ["uniform", lambda d: 1 / 0]}, 1),
        (KNeighborsClassifier(), {"n_neighbors": [1, 10**6]}, 1),
        (linear_model.LogisticRegression(), {"C": [1.0, -1.0]}, 1),
        (linear_model.Ridge(), {"alpha": [1.0, -1.0]}, 1),
        (linear_model.Ridge(), {"alpha": [1.0, "x"]}, 1),
        (GaussianNB(), {"var_smoothing": [1e-9, -1.0]}, 1),
        (MLPClassifier(hidden_layer_sizes=(2,)), {"max_iter": [1, -1]}, 1),
        (FastTree(), {"max_depth": [1, "x"]}, 1),
    ],
    ids=lambda each: "",
)
def test_a_candidate_that_fails_is_reported_and_the_others_have_their_scores(model, grid, bad):
    X, y = data(n_classes=2)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        search = GridSearchCV(model, grid, cv=3, refit=False).fit(X, y)
    assert any("failed" in str(one.message) for one in told)
    scores = search.cv_results_["mean_test_score"]
    assert np.flatnonzero(np.isnan(scores)).tolist() == [bad]


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_scorer_that_fails_is_reported():
    X, y = data(n_classes=2)
    search = GridSearchCV(
        CountsItsFits(), {"cut": [0.0, 1.0]}, cv=3, refit=False, scoring=make_scorer(lambda *_: 1 / 0)
    )
    with pytest.warns(UserWarning, match="Scoring failed"):
        search.fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (FastTree(random_state=0), {"max_depth": [1, 2, 3]}),
        (DecisionTreeRegressor(random_state=0), {"max_depth": [1, 2], "ccp_alpha": [0, 0.1]}),
        (KNeighborsClassifier(), {"n_neighbors": [1, 3]}),
        (KNeighborsRegressor(), {"n_neighbors": [1, 3]}),
        (MLPClassifier(4, random_state=0), {"max_iter": [2, 3], "alpha": [0.1, 1]}),
        (MLPRegressor(hidden_layer_sizes=4, random_state=0), {"max_iter": [2, 3]}),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_several_outputs(estimator, grid):
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = (X[:, :2] > 0).astype(int) if is_classifier(estimator) else 2 * X[:, :2]
    both(estimator, grid, X, y, cv=3)


def test_times_are_parts_of_what_was_measured():
    X, y = data(600)
    start = time.perf_counter()
    search = model_selection.GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5, 7]}, cv=3, refit=False)
    search.fit(X, y)
    taken = time.perf_counter() - start
    results = search.cv_results_
    assert search.shared_ == 4
    assert (results["mean_fit_time"] == results["mean_fit_time"][0]).all()
    assert (results["mean_fit_time"] > 0).all()
    assert 3 * (results["mean_fit_time"] + results["mean_score_time"]).sum() <= taken


@pytest.mark.skipif(
    importlib.util.find_spec("sklearn.callback") is None, reason="scikit-learn before 1.9 has no callbacks"
)
@pytest.mark.parametrize("name", ["GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV"])
def test_callbacks_hear_what_scikit_learn_tells_them(name):
    heard = []
    for module in (model_selection, sklearn.model_selection):
        recording = Recording()
        options = {"n_iter": 2, "random_state": 0} if name == "RandomizedSearchCV" else {"cv": 3}
        search = getattr(module, name)(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, **options)
        search.set_callbacks(recording).fit(*data(90))
        heard.append(recording.heard)
    assert heard[0] == heard[1] != []


class Recording:
    """A callback that keeps the names of the tasks it hears of."""

    def __init__(self):
        self.heard = []

    def setup(self, estimator, context):
        self.heard.append(("setup", type(estimator).__name__))

    def teardown(self, estimator, context):
        self.heard.append(("teardown", type(estimator).__name__))

    def on_fit_task_begin(self, estimator, context, **told):
        self.heard.append(("begin", context.task_name, context.task_id, sorted(told)))

    def on_fit_task_end(self, estimator, context, **told):
        self.heard.append(("end", context.task_name, context.task_id, sorted(told)))
        return False


@pytest.mark.parametrize(("labels", "name"), [(True, "StratifiedKFold"), (False, "KFold")])
def test_a_number_of_folds_stands_for_a_splitter_of_fastml(labels, name):
    X, y = data(60)
    model = KNeighborsClassifier() if labels else KNeighborsRegressor()
    grid = model_selection.GridSearchCV(model, {"n_neighbors": [1, 3]}, cv=3).fit(X, y)
    assert type(grid._checked_cv_orig) is getattr(model_selection, name)
    assert pickle.loads(pickle.dumps(grid)).best_params_ == grid.best_params_
