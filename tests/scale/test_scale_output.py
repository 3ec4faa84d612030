"""From file to file: predictions and transformed rows; scores by counts; passes by partial_fit."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression as SklearnRegression
from sklearn.metrics import confusion_matrix, r2_score
from sklearn.preprocessing import StandardScaler

import fastml
import fastml.scale
from fastml.linear_model import LinearRegression, LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from fastml.naive_bayes import GaussianNB
from fastml.neighbors import KNeighborsClassifier
from fastml.neural_network import MLPClassifier

N = 30_000


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    X = random.normal(size=(N, 3))
    return X, np.array(["no", "perhaps", "yes"], object)[(X[:, 0] > 0).astype(int) + (X[:, 1] > 1)]


def small(X, y=None):
    return fastml.scale.arrays(X, y, memory=2**10)  # several slabs


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_answers_are_those_in_memory(data, tmp_path, method):
    X, y = data
    model = GaussianNB().fit(X, y)
    expected = getattr(model, method)(X)
    assert np.array_equal(fastml.scale.predict(model, small(X), method=method), expected)
    assert fastml.scale.predict(model, small(X), tmp_path / "out.npy", method=method) == N
    assert np.array_equal(np.load(tmp_path / "out.npy"), expected)
    assert fastml.scale.predict(model, small(X), tmp_path / "out.parquet", method=method) == N
    read = pd.read_parquet(tmp_path / "out.parquet")
    assert np.array_equal(read.to_numpy().reshape(expected.shape), expected)
    assert list(read.columns) == (["prediction"] if method == "predict" else ["no", "perhaps", "yes"])


def test_neighbours_of_rows_on_the_disk(data, tmp_path):
    """The training rows are in memory, the queries are not; a float32 file is asked of a float64 model."""
    X, y = data
    model = KNeighborsClassifier(3).fit(X[:500], y[:500])
    np.save(tmp_path / "X.npy", X)
    assert fastml.scale.predict(model, fastml.scale.npy(tmp_path / "X.npy", memory=2**10), tmp_path / "out.npy") == N
    assert np.array_equal(np.load(tmp_path / "out.npy"), model.predict(X).astype(str))
    single = X.astype(np.float32)
    assert np.array_equal(fastml.scale.predict(model, small(single)), model.predict(single))


def test_columns_are_taken_by_name(data, tmp_path):
    X, y = data
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame[["c", "b", "a"]].assign(more=1.0).to_parquet(tmp_path / "t.parquet")
    model = GaussianNB().fit(frame, y)
    parts = fastml.scale.parquet(tmp_path / "t.parquet")
    assert np.array_equal(fastml.scale.predict(model, parts), model.predict(frame))
    with pytest.raises(ValueError, match="has no column 'a', which GaussianNB was fitted on"):
        fastml.scale.predict(model, fastml.scale.parquet(tmp_path / "t.parquet", columns=["b", "c"]))


def test_transformers_of_others(data, tmp_path):
    X, _ = data
    scaler = StandardScaler().fit(X)
    assert np.array_equal(fastml.scale.transform(scaler, small(X)), scaler.transform(X))
    assert fastml.scale.transform(scaler, small(X), tmp_path / "out.npy") == N
    assert np.array_equal(np.load(tmp_path / "out.npy"), scaler.transform(X))


def test_an_output_that_cannot_be_written_is_told_before_the_work(data, tmp_path):
    X, y = data
    model = GaussianNB().fit(X, y)
    with pytest.raises(ValueError, match=r"must end in \.npy or \.parquet"):
        fastml.scale.predict(model, small(X), tmp_path / "out.csv")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        fastml.scale.predict(model, small(X), tmp_path / "none" / "out.npy")
    with pytest.raises(TypeError, match="GaussianNB has no method 'transform'"):
        fastml.scale.transform(model, small(X), tmp_path / "out.npy")


def test_after_an_error_the_old_file_stands(data, tmp_path):
    X, y = data
    model = GaussianNB().fit(X, y)
    for name in ("out.npy", "out.parquet"):
        fastml.scale.predict(model, small(X), tmp_path / name)
        before = (tmp_path / name).read_bytes()
        bad = X.copy()
        bad[-1] = np.inf
        with pytest.raises(ValueError, match="inf"):
            fastml.scale.predict(model, small(bad), tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.npy", "out.parquet"]


def test_scores_by_counts_and_sums(data):
    X, y = data
    model = GaussianNB().fit(X, y)
    assert np.array_equal(fastml.scale.confusion_matrix(model, small(X, y)), confusion_matrix(y, model.predict(X)))
    assert fastml.scale.score(model, small(X, y)) == model.score(X, y)
    target = X @ [1.0, 2.0, 3.0] + 1e6 + np.random.default_rng(1).normal(size=N)
    for regressor in (LinearRegression(), SklearnRegression()):
        regressor.fit(X, target)
        expected = r2_score(target, regressor.predict(X))
        assert fastml.scale.score(regressor, small(X, target)) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(ValueError, match="knows no such class"):
        fastml.scale.confusion_matrix(model, small(X, np.full(N, "else", object)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGDClassifier(random_state=0),
        lambda: Perceptron(random_state=0),
        lambda: MLPClassifier((4,), random_state=0),
    ],
)
def test_passes_in_order_are_calls_of_partial_fit(data, make):
    X, y = data
    expected, classes = make(), np.unique(y)
    for start in [*range(0, N, 5000)] * 2:
        expected.partial_fit(X[start : start + 5000], y[start : start + 5000], classes=classes)
    found = fastml.scale.partial_fit(make(), fastml.scale.chunks([(X[:7], y[:7]), (X[7:], y[7:])]), 2, chunk=5000)
    assert np.array_equal(found.predict(X), expected.predict(X))
    weights = "coef_" if hasattr(found, "coef_") else "coefs_"
    for a, b in zip(getattr(found, weights), getattr(expected, weights), strict=True):
        assert np.array_equal(a, b)


def test_partial_fit_of_parts_is_one_pass():
    random = np.random.default_rng(0)
    X = random.normal(size=(20_000, 2))
    y = X @ [1.0, 2.0]
    one = SGDRegressor(random_state=0).partial_fit(fastml.scale.arrays(X, y))
    other = fastml.scale.partial_fit(SGDRegressor(random_state=0), fastml.scale.arrays(X, y))
    assert np.array_equal(one.coef_, other.coef_)


@pytest.mark.parametrize("model", [GaussianNB(), LinearRegression(), LogisticRegression()], ids=str)
def test_models_from_parts_are_kept_and_explained_as_others_are(data, tmp_path, model):
    X, y = data
    codes = (y == "yes").astype(int)
    model = model.fit(fastml.scale.arrays(X, codes, memory=2**18))
    fastml.save(model, tmp_path / "model.fml")
    for other in (fastml.load(tmp_path / "model.fml"), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.predict(X[:100]), model.predict(X[:100]))
    assert str(model.explain(X[0]))
    if isinstance(model, LinearRegression):
        np.testing.assert_allclose(model.singular_, LinearRegression().fit(X, codes).singular_, rtol=1e-6)


@pytest.mark.parametrize(
    ("d", "sizes"), [(1, [2**17, 2**17, 300_000 - 2**18]), (64, [2**14, 2**14, 7_232]), (400, [2**13, 1])]
)
def test_chunks_hold_so_many_values(d, sizes):
    class Counts(BaseEstimator):
        def __init__(self):
            self.sizes = []

        def partial_fit(self, X, y):
            self.sizes.append(len(X))

    X = np.zeros((sum(sizes), d), np.float32)
    assert fastml.scale.partial_fit(Counts(), fastml.scale.arrays(X, X[:, 0])).sizes == sizes
