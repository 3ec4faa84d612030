"""Pipelines over tables in parts: each step learns from rows that go through those before it while they are read."""

import numpy as np
import pandas as pd
import pytest

import fastml.scale
from fastml.linear_model import LinearRegression, LogisticRegression
from fastml.naive_bayes import GaussianNB
from fastml.neighbors import KNeighborsClassifier
from fastml.pipeline import Pipeline, make_pipeline
from fastml.preprocessing import KBinsDiscretizer, MinMaxScaler, RobustScaler, StandardScaler

N = 40_000


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    X = random.normal(size=(N, 3)) * [1, 20, 0.1] + [0, 5, 3]
    return X, (X[:, 0] + random.logistic(size=N) > 0).astype(int)


PIPELINES = [
    lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    lambda: make_pipeline(RobustScaler(), MinMaxScaler(), GaussianNB()),
    lambda: Pipeline([("none", "passthrough"), ("bins", KBinsDiscretizer(4, encode="onehot-dense", random_state=0)),
                      ("last", LinearRegression())]),
]  # fmt: skip


def same_last(one, other):
    names = [name for name in ("coef_", "intercept_", "theta_", "var_") if hasattr(one.steps[-1][1], name)]
    return names and all(np.array_equal(*(getattr(m.steps[-1][1], name) for m in (one, other))) for name in names)


@pytest.mark.parametrize("make", PIPELINES)
def test_a_pipeline_has_the_bits_of_memory(data, make, tmp_path):
    X, y = data
    one = make().fit(X, y)
    chunks = [(X[:5], y[:5]), (X[5:5], y[5:5]), (X[5:30_000], y[5:30_000]), (X[30_000:], y[30_000:])]
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y)
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=7000)
    for parts in (fastml.scale.chunks(chunks), fastml.scale.parquet(tmp_path / "t.parquet", target="y")):
        other = make().fit(parts)
        assert same_last(one, other)
        assert np.array_equal(fastml.scale.predict(other, parts), one.predict(X))
        assert other.steps[1][1].n_features_in_ == one.steps[1][1].n_features_in_
    assert np.array_equal(other.predict(frame[["a", "b", "c"]]), one.predict(X))


def test_a_pipeline_on_workers(data):
    da = pytest.importorskip("dask.array")
    import fastml.dask

    X, y = data
    one = PIPELINES[0]().fit(X, y)
    lazy, labels = da.from_array(X, chunks=(9000, -1)), da.from_array(y, chunks=9000)
    other = PIPELINES[0]().fit(lazy, labels)
    assert same_last(one, other)
    assert isinstance(other.predict_proba(lazy), da.Array)
    assert np.array_equal(other.predict_proba(lazy).compute(), one.predict_proba(X))
    assert other.score(lazy, labels) == one.score(X, y)
    spread = fastml.dask.spread(fastml.scale.arrays(X, y), rows=2**13)
    assert same_last(one, PIPELINES[0]().fit(spread))
    beyond = fastml.scale.arrays(X, y, memory=2**18)
    spread = fastml.dask.spread(beyond, rows=2**13)
    assert same_last(PIPELINES[0]().fit(beyond), PIPELINES[0]().fit(spread))


def test_a_step_that_cannot_says_so_and_changes_nothing(data):
    X, y = data
    scaler = StandardScaler()
    model = make_pipeline(scaler, KNeighborsClassifier())
    with pytest.raises(TypeError, match="KNeighborsClassifier needs its table in memory as a whole"):
        model.fit(fastml.scale.arrays(X, y))
    assert not hasattr(scaler, "mean_")
