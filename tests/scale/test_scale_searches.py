"""Searches and cross-validation of tables in parts: the numbers of those in memory, in few passes."""

import pickle
import threading
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression as ScikitLogistic
from sklearn.model_selection import GroupKFold, LeaveOneOut, PredefinedSplit, ShuffleSplit, TimeSeriesSplit

import fastml.scale
from fastml.linear_model import LinearRegression, LogisticRegression, Ridge
from fastml.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    train_test_split,
)
from fastml.naive_bayes import BernoulliNB, CategoricalNB, GaussianNB, MixedNB, MultinomialNB
from fastml.neighbors import KNeighborsClassifier
from fastml.pipeline import make_pipeline
from fastml.preprocessing import MinMaxScaler, StandardScaler
from fastml.scale import RandomFolds, sides
from fastml.scale import side_by_side as sharing
from fastml.scale.labels import find_labels
from fastml.svm import LinearSVC

N, D = 2**14 + 333, 3


def table(seed=3):
    random = np.random.default_rng(seed)
    X = random.normal(size=(N, D)) * [1, 20, 3] + [0, 5, 100]
    y = (X[:, 0] + random.logistic(size=N) > 0.5).astype(int)
    y[: N // 9] *= random.random(N // 9) < 0.9
    return X, y


class Counted(fastml.scale.Parts):
    """A table that counts how often it is read, X and y alone."""

    def __init__(self, parts):
        self.__dict__.update(parts.__dict__)
        self.parts, self.passes, self.looks = parts, 0, 0

    def pieces(self, first=0, most=None):
        self.passes += first == 0
        return self.parts.pieces(first, most)

    def targets(self):
        self.looks += 1
        return self.parts.targets()


SEARCHES = {
    "GaussianNB": (GaussianNB(), {"var_smoothing": [1e-9, 1e-3, 1.0], "priors": [None, [0.3, 0.7]]}),
    "MultinomialNB": (MultinomialNB(), {"alpha": [1e-3, 1.0, 1e6], "fit_prior": [True, False]}),
    "BernoulliNB": (BernoulliNB(), {"alpha": [1e-3, 1e5], "binarize": [0.0, 7.0]}),
    "CategoricalNB": (CategoricalNB(), {"alpha": [1e-3, 1e5]}),
    "MixedNB": (MixedNB(), {"var_smoothing": [1e-9, 1.0]}),
    "LogisticRegression": (LogisticRegression(), {"C": [1e-5, 1.0], "class_weight": [None, "balanced"]}),
    "LinearSVC": (LinearSVC(random_state=0), {"C": [1e-4, 1.0]}),
    "Ridge": (Ridge(), {"alpha": [0.1, 1e4, 1e6]}),
    "LinearRegression": (LinearRegression(), {"fit_intercept": [True, False]}),
    "pipeline": (
        make_pipeline(StandardScaler(), GaussianNB()),
        {"gaussiannb__var_smoothing": [1e-9, 1.0], "standardscaler": [StandardScaler(), MinMaxScaler(), "passthrough"]},
    ),
}
FOLDS = [3, KFold(2), StratifiedKFold(4), KFold(3, shuffle=True, random_state=1), ShuffleSplit(2, random_state=0)]
FOLDS += [RandomFolds(3, 7), TimeSeriesSplit(2), PredefinedSplit(np.arange(N) % 3 - 1)]


def rows_of(name):
    X, y = table()
    if name in ("MultinomialNB", "CategoricalNB"):
        X = np.floor(np.abs(X) % 9)
    return (X, X @ np.arange(1.0, D + 1) + y) if name in ("Ridge", "LinearRegression") else (X, y)


def assert_same_results(one, other, exactly):
    assert one.best_params_ == other.best_params_
    assert one.n_splits_ == other.n_splits_
    assert set(one.cv_results_) == set(other.cv_results_)
    for name, values in one.cv_results_.items():
        found = other.cv_results_[name]
        if "_score" in name and "rank" not in name:
            assert (
                np.allclose(values, found, rtol=0, atol=0 if exactly and "time" not in name else 1e-12)
                or "time" in name
            )
    for name, value in vars(one.best_estimator_).items():
        if name.endswith("_") and isinstance(value, np.ndarray):
            assert np.array_equal(value, getattr(other.best_estimator_, name)), name


@pytest.mark.parametrize("name", SEARCHES)
@settings(deadline=None, max_examples=4)
@given(cv=st.sampled_from(FOLDS), cuts=st.lists(st.integers(1, N - 1), max_size=4), small=st.booleans())
def test_a_search_has_the_numbers_of_one_in_memory(name, cv, cuts, small):
    X, y = rows_of(name)
    model, grid = SEARCHES[name]
    ends = [0, *sorted(cuts), N]
    pieces = [(X[a:b], y[a:b]) for a, b in pairwise(ends)]
    if y.dtype.kind == "f" and isinstance(cv, StratifiedKFold):
        cv = KFold(4)
    if isinstance(cv, ShuffleSplit):  # whose rows have no order: those of a table do
        cv = [(np.sort(train), np.sort(test)) for train, test in cv.split(X)]
    one = GridSearchCV(model, grid, cv=cv, return_train_score=True, error_score="raise").fit(X, y)
    parts = fastml.scale.chunks(pieces, memory=2**19 if small and name.endswith("NB") else 2**28)
    other = GridSearchCV(model, grid, cv=cv, return_train_score=True, error_score="raise").fit(parts)
    assert_same_results(one, other, y.dtype.kind == "i")
    assert pickle.dumps(other)
    assert np.isclose(other.score(parts), one.score(X, y), rtol=1e-12)
    assert np.array_equal(other.predict(X), one.predict(X))


def test_beyond_a_sample_fits_have_the_bits_of_fits_of_these_rows():
    X, y = table()
    for model in (LogisticRegression(), LinearSVC(random_state=0), Ridge(), StandardScaler()):
        target = y if not isinstance(model, Ridge) else X @ np.ones(D)
        parts = fastml.scale.arrays(X, target, memory=2**17)  # a sample is 8192 rows, and training sets are larger
        for (train, _), (rows, _) in zip(fastml.scale.folds(parts, KFold(3)), KFold(3).split(X), strict=True):
            there = type(model)(**model.get_params()).fit(train)
            here = type(model)(**model.get_params()).fit(fastml.scale.arrays(X[rows], target[rows], memory=2**17))
            names = [name for name in ("coef_", "intercept_", "mean_", "var_") if hasattr(here, name)]
            assert all(np.array_equal(getattr(here, each), getattr(there, each)) for each in names)


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (GaussianNB(), {"var_smoothing": np.logspace(-9, 0, 30)}),
        (MultinomialNB(), {"alpha": np.logspace(-9, 0, 30)}),
        (Ridge(), {"alpha": np.logspace(-3, 3, 30)}),
    ],
    ids=["GaussianNB", "MultinomialNB", "Ridge"],
)
def test_one_pass_for_all_fits_and_one_for_all_scores(model, grid):
    X, y = table()
    parts = Counted(fastml.scale.arrays(np.abs(X), y, memory=2**17))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = GridSearchCV(model, grid, cv=5).fit(parts)
    assert (parts.passes, parts.looks) <= (2, 4)
    assert hasattr(search.best_estimator_, "n_features_in_")


def test_candidates_of_logistic_regression_share_their_passes():
    X, y = table()
    single = Counted(fastml.scale.arrays(X, y, memory=2**17))
    LogisticRegression().fit(single)
    parts = Counted(fastml.scale.arrays(X, y, memory=2**17))
    GridSearchCV(LogisticRegression(), {"C": [1e-3, 1e-2, 0.1, 1.0]}, cv=3, refit=False).fit(parts)
    assert parts.passes <= 3 * single.passes  # of twelve fits and scores


def test_more_fits_than_go_side_by_side(monkeypatch):
    monkeypatch.setattr(sharing, "MOST", 4)
    X, y = table()
    parts = Counted(fastml.scale.arrays(X, y))
    grid = {"var_smoothing": np.logspace(-9, 0, 5)}
    found = GridSearchCV(GaussianNB(), grid, cv=3).fit(parts)
    expected = GridSearchCV(GaussianNB(), grid, cv=3).fit(X, y)
    assert np.array_equal(found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"])
    assert parts.passes <= 1 + 4 + 1  # counts once, scores for each four


def test_random_and_halving_searches():
    X, y = table()
    parts = fastml.scale.arrays(X, y)
    options = {"n_iter": 4, "random_state": 0, "cv": 3}
    grid = {"var_smoothing": [1e-9, 1e-6, 1e-3, 1.0, 10.0]}
    one, other = (RandomizedSearchCV(GaussianNB(), grid, **options).fit(*given) for given in ((X, y), (parts,)))
    assert_same_results(one, other, True)
    for resource in ({}, {"min_resources": 4000}):
        options = {"random_state": 0, "cv": StratifiedKFold(3), "factor": 2, **resource}
        one, other = (HalvingGridSearchCV(GaussianNB(), grid, **options).fit(*given) for given in ((X, y), (parts,)))
        assert one.n_resources_ == other.n_resources_
        assert np.allclose(one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"], rtol=1e-12)


def test_several_scores_and_a_rule_for_the_refit():
    X, y = table()
    parts, names = fastml.scale.arrays(X, y), {"area": "roc_auc", "hits": "accuracy", "loss": "neg_log_loss"}
    one, other = (
        GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1.0]}, scoring=names, refit="area", cv=3).fit(*given)
        for given in ((X, y), (parts,))
    )
    for name in names:
        assert np.allclose(one.cv_results_[f"mean_test_{name}"], other.cv_results_[f"mean_test_{name}"], rtol=1e-12)
    assert one.best_index_ == other.best_index_
    assert np.isclose(other.score(parts), one.score(X, y))


def test_cross_validation():
    X, y = table()
    parts = fastml.scale.arrays(X, y)
    options = {"cv": 3, "return_train_score": True, "return_estimator": True, "return_predictions": "predict_proba"}
    one, other = cross_validate(GaussianNB(), X, y, **options), cross_validate(GaussianNB(), parts, **options)
    assert set(one) == set(other)
    assert np.array_equal(one["test_score"], other["test_score"])
    assert np.array_equal(one["train_score"], other["train_score"])
    assert np.array_equal(one.predictions, other.predictions)
    assert other.minus(one).mean == 0
    assert str(one) == str(other)
    assert np.array_equal(cross_val_score(GaussianNB(), parts, cv=3), one["test_score"])
    groups = np.arange(N) // 100
    split = {"cv": GroupKFold(3), "groups": groups}
    found, expected = (cross_val_predict(GaussianNB(), *given, **split) for given in ((parts,), (X, y)))
    assert np.array_equal(found, expected)
    with pytest.raises(ValueError, match="only works for partitions"):
        cross_val_predict(GaussianNB(), parts, cv=ShuffleSplit(2))


def test_weights_count_in_fits_and_in_scores():
    X, y = table()
    weight = np.random.default_rng(0).integers(0, 3, N).astype(float)
    weighted = fastml.scale.arrays(X, y, sample_weight=weight)
    found = cross_validate(GaussianNB(), weighted, cv=KFold(3), return_estimator=True)
    for (train, test), model, score in zip(KFold(3).split(X), found["estimator"], found["test_score"], strict=True):
        here = GaussianNB().fit(X[train], y[train], sample_weight=weight[train])
        assert np.array_equal(here.var_, model.var_)
        assert np.isclose(score, here.score(X[test], y[test], sample_weight=weight[test]))


@settings(deadline=None, max_examples=60)
@given(n=st.integers(5, 150), k=st.integers(1, 5), n_folds=st.integers(2, 6), seed=st.integers(0, 999))
def test_folds_are_those_of_scikit_learn(n, k, n_folds, seed):
    y = np.random.default_rng(seed).integers(0, k, n)
    parts = fastml.scale.arrays(np.zeros((n, 1)), y)
    for cv in (KFold(n_folds), StratifiedKFold(n_folds)):
        found = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for split in (lambda cv=cv: [test for _, test in cv.split(y, y)], lambda cv=cv: listed(parts, cv, n)):
                try:
                    found.append(split())
                except ValueError as error:
                    found.append(str(error))
        one, other = found
        assert one == other if isinstance(one, str) else all(map(np.array_equal, one, other))


def listed(parts, cv, n):
    made = sides.sides_of(cv, parts, n, find_labels(parts))
    between = made.between(0, n)
    return [np.flatnonzero(between.flags(split, 0, n) == sides.TEST) for split in range(made.n_splits)]


def test_train_and_test_rows_of_a_table():
    X, y = table()
    parts = fastml.scale.arrays(X, y, memory=2**17)
    for options in ({}, {"stratify": y}, {"test_size": 100, "train_size": 0.5}, {"shuffle": False}):
        rows = train_test_split(np.arange(N), random_state=3, **options)
        there = train_test_split(
            parts, random_state=3, **options | ({"stratify": True} if "stratify" in options else {})
        )
        for table_there, own in zip(there, rows, strict=True):
            assert table_there.n_rows == len(own)
            assert np.array_equal(table_there.rows(0, N)[0], X[np.sort(own)])
            assert np.array_equal(table_there.rows(50, 70)[1], y[np.sort(own)][50:70])
    train, test = there
    again = pickle.loads(pickle.dumps(train))
    assert np.array_equal(GaussianNB().fit(again).var_, GaussianNB().fit(*train.rows(0, N)).var_)
    assert fastml.scale.predict(GaussianNB().fit(train), test).shape == (test.n_rows,)
    with pytest.raises(TypeError, match="stratify must be True"):
        train_test_split(parts, stratify=y)
    with pytest.raises(TypeError, match="takes a table in parts alone"):
        train_test_split(parts, y)


def test_a_class_that_is_missing_from_a_fold():
    X, y = table()
    y = y + 1
    y[: N // 3] = 0  # which the training rows of the first fold lack
    one, other = (
        cross_validate(GaussianNB(), *given, cv=KFold(3), return_estimator=True)
        for given in ((X, y), (fastml.scale.arrays(X, y),))
    )
    assert [model.classes_.tolist() for model in other["estimator"]] == [[1, 2], [0, 1, 2], [0, 1, 2]]
    assert np.array_equal(one["test_score"], other["test_score"])


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_fit_that_fails_is_told_by_candidate_and_fold():
    X, y = table()
    parts = fastml.scale.arrays(X, y)
    grid = {"priors": [None, [0.5, 0.7]]}
    with pytest.warns(FitFailedWarning, match="candidate 1 on fold 0, candidate 1 on fold 1.*\n.*should be 1"):
        search = GridSearchCV(GaussianNB(), grid, cv=2).fit(parts)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
    assert np.array_equal(search.best_estimator_.var_, GaussianNB().fit(X, y).var_)
    with pytest.raises(ValueError, match="should be 1") as caught:
        GridSearchCV(GaussianNB(), grid, cv=2, error_score="raise").fit(parts)
    assert "candidate 1 on fold 0" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match="All the 2 fits failed"):
        cross_val_score(GaussianNB(priors=[0.5, 0.7]), parts, cv=2)
    assert_no_thread()


@pytest.mark.filterwarnings("ignore:Scoring failed")
def test_bad_values_fail_the_folds_that_learn_from_them():
    X, y = table()
    X[5, 1] = np.nan
    with pytest.warns(FitFailedWarning, match="column 1 is NaN in row 5 of X, and LogisticRegression"):
        found = cross_val_score(LogisticRegression(), fastml.scale.arrays(X, y), cv=KFold(3))
    assert np.isnan(found).tolist()[1:] == [True, True]
    counts = np.abs(X)
    counts[5] = -1
    with pytest.warns(FitFailedWarning, match="Negative values"):
        found = cross_val_score(MultinomialNB(), fastml.scale.arrays(counts, y), cv=KFold(3))
    assert np.isnan(found).tolist() == [False, True, True]


def assert_no_thread():
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("fastml-fit")]


def test_ctrl_c_while_a_thread_starts_leaves_none(monkeypatch):
    started, start = [], threading.Thread.start

    def interrupted(thread):
        start(thread)
        started.append(thread)
        if len(started) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(GaussianNB(), fastml.scale.arrays(*table()), cv=5)
    assert started[2].name == "fastml-fit"
    for thread in started:
        thread.join(10)
    assert_no_thread()


def test_ctrl_c_keeps_what_is_done_and_leaves_no_thread(monkeypatch):
    monkeypatch.setattr(sharing, "MOST", 3)
    X, y = table()
    parts = Counted(fastml.scale.arrays(X, y))
    pieces, calls = parts.pieces, []

    def interrupted(first=0, most=None):
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return pieces(first, most)

    parts.pieces = interrupted
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3, 1.0]}, cv=3)
    with pytest.raises(KeyboardInterrupt):
        search.fit(parts)
    assert len(search.cv_results_["params"]) == 1
    assert not hasattr(search, "best_estimator_")
    assert_no_thread()


def test_what_cannot_be_is_told():
    X, y = table()
    parts = fastml.scale.arrays(X, y)
    nb, grid = GaussianNB(), {"var_smoothing": [1e-9]}
    with pytest.raises(TypeError, match="KNeighborsClassifier needs its table in memory as a whole.* kB"):
        GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1]}).fit(parts)
    with pytest.raises(TypeError, match="KNeighborsClassifier needs its table in memory"):
        cross_val_score(make_pipeline(StandardScaler(), KNeighborsClassifier()), parts)
    with pytest.raises(TypeError, match="needs its table in memory"):
        cross_val_score(ScikitLogistic(), parts)
    with pytest.raises(TypeError, match="comes with|come with"):
        GridSearchCV(nb, grid).fit(parts, y)
    with pytest.raises(TypeError, match="takes no dev"):
        GridSearchCV(nb, grid).fit(parts, dev=(X, y))
    with pytest.raises(TypeError, match="scoring=.* takes rows in memory"):
        GridSearchCV(nb, grid, scoring=lambda model, X, y: 0.0).fit(parts)
    with pytest.raises(ValueError, match="'completeness_score' is none of what is counted"):
        cross_val_score(nb, parts, scoring="completeness_score")
    with pytest.raises(ValueError, match="has no target"):
        cross_val_score(nb, fastml.scale.arrays(X))
    with pytest.raises(ValueError, match="can be read once"):
        cross_val_score(nb, fastml.scale.chunks(iter([(X, y)])))
    with pytest.raises(ValueError, match=r"cv=LeaveOneOut lists the numbers of 16,717 rows in memory, about 280 MB"):
        cross_val_score(nb, parts, cv=LeaveOneOut())
    with pytest.raises(ValueError, match="split 0 of .* has a row several times among its training rows"):
        cross_val_score(nb, parts, cv=[(np.zeros(5, int), np.arange(5))])
    with pytest.raises(ValueError, match="groups has shape"):
        cross_val_score(nb, parts, cv=GroupKFold(2), groups=[1, 2])
    with pytest.raises(TypeError, match="takes groups= and sample_weight="):
        GridSearchCV(nb, grid).fit(parts, other=1)
    with pytest.raises(ValueError, match="n_splits=5 greater than the number of samples"):
        cross_val_score(Ridge(), fastml.scale.arrays([[1.0]], [1.0]))
    with pytest.raises(ValueError, match="0 rows"):
        cross_val_score(Ridge(), fastml.scale.arrays(np.empty((0, 1)), []))
    assert_no_thread()


def test_what_cannot_be_pickled_shares_no_answer():
    def own():
        return 0

    assert sharing.pickled(1.5) == sharing.pickled(1.5)
    assert sharing.pickled(own) != sharing.pickled(own)
