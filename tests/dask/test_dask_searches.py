"""Searches and cross-validation on a cluster of two processes: of collections, and fits of rows in memory as tasks."""

import _thread
import os
import signal
import sys
import threading
import time

import joblib
import numpy as np
import pandas as pd
import pytest
from clusters import CHUNK, N, assert_nothing_is_left, lazily
from hypothesis import given, settings
from hypothesis import strategies as st
from remembering import Remembers
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression as ScikitLogistic

import fastml.scale
from fastml.linear_model import LogisticRegression, Ridge
from fastml.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    train_test_split,
)
from fastml.naive_bayes import GaussianNB, MultinomialNB
from fastml.neighbors import KNeighborsClassifier
from fastml.pipeline import make_pipeline
from fastml.preprocessing import StandardScaler
from fastml.scale import RandomFolds
from fastml.tree import DecisionTreeClassifier

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")

import fastml.dask  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets and files of distributed's own
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the test scores"),
]


def assert_same(one, other):
    assert one.best_params_ == other.best_params_
    for name, values in one.cv_results_.items():
        if "score" in name and "time" not in name and "rank" not in name:
            assert np.allclose(values, other.cv_results_[name], rtol=1e-12), name
    for name in ("var_", "coef_", "intercept_", "feature_log_prob_"):
        if hasattr(one.best_estimator_, name):
            assert np.array_equal(getattr(one.best_estimator_, name), getattr(other.best_estimator_, name))


GRIDS = {
    "GaussianNB": (GaussianNB(), {"var_smoothing": [1e-9, 1e-2, 1.0]}),
    "Ridge": (Ridge(), {"alpha": [0.1, 1e6]}),
    "LogisticRegression": (LogisticRegression(), {"C": [1e-5, 1.0]}),
    "tree": (DecisionTreeClassifier(random_state=0), {"max_depth": [1, 4]}),
    "pipeline": (make_pipeline(StandardScaler(), GaussianNB()), {"gaussiannb__var_smoothing": [1e-9, 1.0]}),
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_search_of_collections(client, table, name):
    X, y = table
    X = X.round(2) if name == "tree" else X
    lazy, labels = da.from_array(X, chunks=((0, 1, 8191, 8192, 0, N - 16_384), (1, 2))), da.from_array(y, chunks=CHUNK)
    model, grid = GRIDS[name]
    one = GridSearchCV(model, grid, cv=3, return_train_score=True).fit(X, y)
    other = GridSearchCV(model, grid, cv=3, return_train_score=True).fit(lazy, labels)
    assert_same(one, other)
    assert np.array_equal(other.predict(lazy).compute(), one.predict(X))
    assert np.isclose(other.score(lazy, labels), one.score(X, y), rtol=1e-12)
    assert_nothing_is_left(client)


@settings(deadline=None, max_examples=5)
@given(
    cuts=st.lists(st.integers(0, 20_000), max_size=5),
    cv=st.sampled_from([2, KFold(3, shuffle=True, random_state=1), StratifiedKFold(2), RandomFolds(3)]),
    known=st.booleans(),
    workers=st.integers(1, 3),
)
def test_cuts_and_workers_change_no_bit(cuts, cv, known, workers):
    random = np.random.default_rng(1)
    X = random.random((20_000, 3)) * [1, 20, 3]
    y = (X[:, 0] > random.random(20_000)).astype(int)
    lengths = tuple(np.diff([0, *sorted(cuts), 20_000]).tolist())
    lazy, labels = da.from_array(X, chunks=(lengths, 3)), da.from_array(y, chunks=(lengths,))
    if not known:
        lazy, labels = lazy[da.ones(20_000, chunks=(lengths,)) > 0], labels[da.ones(20_000, chunks=(lengths,)) > 0]
    with dask.config.set(scheduler="threads", num_workers=workers):
        for model, grid in ((GaussianNB(), {"var_smoothing": [1e-9, 1.0]}), (MultinomialNB(), {"alpha": [1e-3, 1e6]})):
            one, other = (GridSearchCV(model, grid, cv=cv).fit(*rows) for rows in ((X, y), (lazy, labels)))
            assert np.array_equal(one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"])
            assert_same(one, other)


def test_frames_files_and_halving(client, table, tmp_path):
    X, y = table
    made = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y)
    lazy = dd.from_pandas(made, npartitions=4)
    options = {"param_grid": {"var_smoothing": [1e-9, 1e-3, 1.0]}, "cv": 3, "scoring": ["roc_auc", "accuracy"]}
    one = GridSearchCV(GaussianNB(), **options, refit="roc_auc").fit(made[["a", "b", "c"]], made["y"])
    assert_same(one, GridSearchCV(GaussianNB(), **options, refit="roc_auc").fit(lazy[["a", "b", "c"]], lazy["y"]))
    made.to_parquet(tmp_path / "0.parquet", row_group_size=4000)
    there = fastml.dask.spread(fastml.scale.parquet(tmp_path, target="y"), rows=2**13)
    assert_same(one, GridSearchCV(GaussianNB(), **options, refit="roc_auc").fit(there))
    halving = {"factor": 2, "random_state": 0, "cv": StratifiedKFold(3)}
    searches = [
        HalvingGridSearchCV(GaussianNB(), options["param_grid"], **halving).fit(*rows) for rows in (table, (there,))
    ]
    assert np.allclose(*[search.cv_results_["mean_test_score"] for search in searches])
    found = fastml.scale.cross_val_score(GaussianNB(), there, cv=3)
    assert np.array_equal(found, fastml.scale.cross_val_score(GaussianNB(), fastml.scale.arrays(X, y), cv=3))
    assert_nothing_is_left(client)


def test_cross_validation_stays_lazy(client, table):
    X, y = table
    lazy, labels = lazily(X, y)
    weight = np.random.default_rng(0).integers(1, 3, N).astype(float)
    options = {"cv": KFold(3), "return_predictions": "predict_proba", "return_estimator": True}
    one, other = cross_validate(GaussianNB(), X, y, **options), cross_validate(GaussianNB(), lazy, labels, **options)
    assert np.array_equal(one["test_score"], other["test_score"])
    assert isinstance(other.predictions, da.Array)
    assert other.predictions.chunks[0] == lazy.chunks[0]
    assert np.array_equal(other.predictions.compute(), one.predictions)
    found = cross_val_predict(GaussianNB(), lazy, labels, cv=3)
    assert isinstance(found, da.Array)
    assert np.array_equal(found.compute(), cross_val_predict(GaussianNB(), X, y, cv=3))
    weighted = cross_validate(
        GaussianNB(), lazy, labels, params={"sample_weight": da.from_array(weight, chunks=CHUNK)}, **options
    )
    train = next(KFold(3).split(X))[0]
    assert np.array_equal(
        weighted["estimator"][0].var_, GaussianNB().fit(X[train], y[train], sample_weight=weight[train]).var_
    )


def test_training_and_test_rows_stay_lazy(client, table):
    X, y = table
    lazy, labels = da.from_array(X, chunks=((7000, 0, N - 7000), (1, 2))), da.from_array(y, chunks=CHUNK)
    for options in ({}, {"stratify": y}, {"shuffle": False, "test_size": 77}):
        rows = train_test_split(np.arange(N), random_state=3, **options)
        given_options = options | ({"stratify": labels} if "stratify" in options else {})
        found = train_test_split(lazy, labels, random_state=3, **given_options)
        assert all(isinstance(each, da.Array) for each in found)
        for (there, labels_there), own in zip((found[::2], found[1::2]), rows, strict=True):
            assert there.shape == (len(own), 3)
            assert np.array_equal(there.compute(), X[np.sort(own)])
            assert np.array_equal(labels_there.compute(), y[np.sort(own)])
    unknown = lazy[da.ones(N, chunks=(lazy.chunks[0],)) > 0]
    train = train_test_split(unknown, random_state=0)[0]
    assert np.array_equal(train.compute(), X[np.sort(train_test_split(np.arange(N), random_state=0)[0])])
    frame = pd.DataFrame(X, columns=list("abc"))
    part = train_test_split(dd.from_pandas(frame, npartitions=3), random_state=0)[1]
    assert part.compute().equals(frame.iloc[np.sort(train_test_split(np.arange(N), random_state=0)[1])])
    with pytest.raises(ValueError, match="array 1 has 29999 rows, and the first one 30000"):
        train_test_split(lazy, labels[:-1])
    with pytest.raises(TypeError, match="array 1 of train_test_split is ndarray, and others are collections"):
        train_test_split(lazy, y)


def spoilt(lazy, number, change):
    def block(values, block_id=None):
        return change(values.copy()) if block_id[0] == number else values

    return lazy.map_blocks(block, dtype=lazy.dtype, meta=np.empty((0,) * lazy.ndim, lazy.dtype))


def test_errors_leave_nothing(client, table):
    lazy, labels = lazily(*table)

    def fail(values):
        raise ZeroDivisionError("mine")

    def infinite(values):
        values[17, 2] = np.inf
        return values

    with pytest.raises(ZeroDivisionError, match="mine"):
        GridSearchCV(GaussianNB(), {"var_smoothing": [1.0]}).fit(spoilt(lazy, 4, fail), labels)
    assert_nothing_is_left(client)
    with pytest.raises(ValueError, match="column 2 is inf in row 17 of part 3 of the Dask array") as caught:
        cross_val_score(LogisticRegression(), spoilt(lazy, 3, infinite), labels, cv=KFold(3), error_score="raise")
    assert "candidate 0 on fold 0" in caught.value.__notes__[0]
    assert_nothing_is_left(client)


def test_ctrl_c_leaves_nothing(client, table):
    lazy, labels = lazily(*table)

    def slow(values):
        time.sleep(0.3)
        return values

    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1.0]}, cv=3)
    timer = threading.Timer(0.7, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        search.fit(lazy.map_blocks(slow, dtype=float).map_blocks(slow, dtype=float), labels)
    timer.join()
    assert not hasattr(search, "cv_results_")
    assert not [thread for thread in threading.enumerate() if thread.name == "fastml-fit"]
    assert_nothing_is_left(client)


def test_a_search_inside_a_task(client, table):
    X, y = table

    def inside(X, y):
        lazy = da.from_array(X, chunks=(7000, -1)), da.from_array(y, chunks=7000)
        return (
            GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1.0]}, cv=2).fit(*lazy).cv_results_["mean_test_score"]
        )

    def spread(X, y):
        with fastml.dask.workers():
            return (
                GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1.0]}, cv=2)
                .fit(X, y)
                .cv_results_["mean_test_score"]
            )

    expected = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1.0]}, cv=2).fit(X, y).cv_results_["mean_test_score"]
    found = client.gather([client.submit(each, X, y, pure=False) for each in (inside, spread, inside)])
    assert all(np.array_equal(each, expected) for each in found)


def deadly(calls, call):
    """A function that kills its process the call-th time that it is called, wherever."""

    def function(values):
        with open(calls, "a+") as file:
            file.write("x")
            file.flush()
            file.seek(0)
            count = len(file.read())
        if count == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return values

    return function


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("call", [1, 2])
def test_a_worker_that_is_killed_changes_no_bit(client, table, tmp_path, call):
    X, y = table
    lazy, labels = lazily(X, y)
    found = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1.0]}, cv=3).fit(
        spoilt(lazy, 2, deadly(str(tmp_path / "calls"), call)), labels
    )
    assert os.path.getsize(tmp_path / "calls") > call
    assert_same(GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1.0]}, cv=3).fit(X, y), found)


# ------------------------------------------------------------------------------------------------ rows in memory


WAYS = {"workers": lambda client: fastml.dask.workers(client), "joblib": lambda client: joblib.parallel_config("dask")}


@pytest.mark.parametrize("way", WAYS)
def test_fits_of_rows_in_memory_are_tasks(client, table, tmp_path, way):
    X, y = (each[:3000] for each in table)
    model, grid = Remembers(folder=str(tmp_path)), {"k": [0, 1, 2]}
    one = GridSearchCV(model, grid, cv=3, refit=False, return_train_score=True).fit(X, y)
    assert set(os.listdir(tmp_path)) == {f"pid{os.getpid()}"}
    with WAYS[way](client):
        other = GridSearchCV(model, grid, cv=3, refit=False, return_train_score=True).fit(X, y)
    assert len(os.listdir(tmp_path)) > 1
    assert np.array_equal(one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"])
    assert np.array_equal(one.cv_results_["mean_train_score"], other.cv_results_["mean_train_score"])
    with WAYS[way](client):
        found = cross_validate(model, X, y, cv=3, return_predictions=True, scoring=["accuracy", "f1"])
        assert np.array_equal(cross_val_score(model, X, y, cv=3), found["test_accuracy"])
        assert np.array_equal(cross_val_predict(model, X, y, cv=3), found.predictions)
    here = cross_validate(model, X, y, cv=3, return_predictions=True, scoring=["accuracy", "f1"])
    assert np.array_equal(here.predictions, found.predictions)
    assert np.array_equal(here["test_f1"], found["test_f1"])


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (KNeighborsClassifier(), {"n_neighbors": [1, 5, 9], "weights": ["uniform", "distance"]}),
        (DecisionTreeClassifier(random_state=0), {"max_depth": [2, 4], "criterion": ["gini", "entropy"]}),
        (GaussianNB(), {"var_smoothing": [1e-9, 1.0]}),
        (ScikitLogistic(), {"C": [1e-3, 1.0]}),
    ],
    ids=lambda each: type(each).__name__,
)
def test_candidates_that_share_work_share_it_there(client, table, model, grid):
    X, y = (each[:3000] for each in table)
    one = GridSearchCV(model, grid, cv=3).fit(X, y)
    with fastml.dask.workers(client):
        other = GridSearchCV(model, grid, cv=3).fit(X, y)
        random = RandomizedSearchCV(model, grid, n_iter=2, cv=ShuffleSplit(2, random_state=0), random_state=0).fit(X, y)
    assert one.shared_ == other.shared_
    assert_same(one, other)
    here = RandomizedSearchCV(model, grid, n_iter=2, cv=ShuffleSplit(2, random_state=0), random_state=0).fit(X, y)
    assert_same(here, random)
    assert_nothing_is_left(client)


def test_weights_and_failures_of_tasks(client, table, tmp_path):
    X, y = (each[:2000] for each in table)
    weight = np.random.default_rng(0).random(2000)
    grid = {"priors": [None, [0.5, 0.7]]}
    with fastml.dask.workers(client):
        with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 4"):
            search = GridSearchCV(GaussianNB(), grid, cv=2).fit(X, y, sample_weight=weight)
        with pytest.raises(ValueError, match="should be 1") as caught:
            GridSearchCV(GaussianNB(), grid, cv=2, error_score="raise").fit(X, y)
        assert "candidate 1 on fold" in caught.value.__notes__[0]
        assert_nothing_is_left(client)
        with pytest.raises(ZeroDivisionError, match="mine"):
            cross_val_score(Remembers(fail=True), X, y, error_score="raise")
    here = GridSearchCV(GaussianNB(), {"priors": [None]}, cv=2).fit(X, y, sample_weight=weight)
    assert search.best_score_ == here.best_score_
    assert np.array_equal(search.best_estimator_.var_, here.best_estimator_.var_)
    assert_nothing_is_left(client)


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_worker_that_is_killed_in_a_fit(client, table, tmp_path):
    X, y = (each[:3000] for each in table)
    with fastml.dask.workers(client):
        found = GridSearchCV(Remembers(folder=str(tmp_path), kill=True), {"k": [0, 1, 2]}, cv=2, refit=False).fit(X, y)
    assert len([name for name in os.listdir(tmp_path) if name.startswith("killed")]) == 3
    here = GridSearchCV(Remembers(folder=str(tmp_path)), {"k": [0, 1, 2]}, cv=2, refit=False).fit(X, y)
    assert np.array_equal(found.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"])


def test_ctrl_c_keeps_the_candidates_that_are_done(client, table, tmp_path):
    X, y = (each[:1000] for each in table)
    search = GridSearchCV(Remembers(folder=str(tmp_path)), {"k": [0, 1], "sleep": [0.0, 8.0]}, cv=2)

    def interrupt():
        for _ in range(600):
            if os.listdir(tmp_path):  # a fit is done, the other fold's is not far behind
                break
            time.sleep(0.1)
        time.sleep(3)
        _thread.interrupt_main()

    waiting = threading.Thread(target=interrupt)
    waiting.start()
    with pytest.raises(KeyboardInterrupt), fastml.dask.workers(client):
        search.fit(X, y)
    waiting.join()
    done = search.cv_results_["params"]  # the second quick one, where a worker took it between the folds of a slow one
    assert done[0] == {"k": 0, "sleep": 0.0}
    assert {each["sleep"] for each in done} == {0.0}
    assert not hasattr(search, "best_estimator_")
    time.sleep(8)  # what has begun to sleep wakes up
    assert_nothing_is_left(client)


def test_without_a_client_it_is_said(monkeypatch):
    def nowhere():
        raise ValueError("No global client found and no address provided")

    monkeypatch.setattr(distributed, "get_client", nowhere)
    with fastml.dask.workers(), pytest.raises(ValueError, match="there is no Dask client: make one first"):
        cross_val_score(GaussianNB(), [[0.0], [1.0]] * 9, [0, 1] * 9)
