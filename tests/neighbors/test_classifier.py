"""KNeighborsClassifier: scikit-learn's answers, and those it does not give."""

import numpy as np
import pytest
import sklearn.neighbors
from datasets import digits
from sklearn.model_selection import cross_val_score

import fastml.neighbors
import fastml.neighbors.search
from fastml.neighbors import KNeighborsClassifier


@pytest.fixture(scope="module")
def halves():
    X, y = digits()
    return X[:1200], y[:1200], X[1200:]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weights", ["uniform", "distance", None, lambda d: 1 / (1 + d)])
@pytest.mark.parametrize("k", [1, 4, 5])
def test_scikit_learns_answers_on_real_data(halves, dtype, weights, k):
    X, y, queries = halves[0].astype(dtype), halves[1], halves[2].astype(dtype)
    ours = KNeighborsClassifier(k, weights=weights).fit(X, y)
    theirs = sklearn.neighbors.KNeighborsClassifier(k, weights=weights, algorithm="brute").fit(X, y)
    assert (
        np.mean(ours.predict(queries) == theirs.predict(queries)) > 0.995
    )  # theirs does not say which of two at one distance
    assert np.allclose(
        ours.kneighbors(queries)[0], theirs.kneighbors(queries)[0], rtol=1e-4 if dtype == np.float32 else 1e-9
    )
    close = np.isclose(ours.predict_proba(queries), theirs.predict_proba(queries), atol=1e-4).all(axis=1)
    assert close.mean() > 0.99


def test_accuracy_on_digits():
    assert cross_val_score(KNeighborsClassifier(3), *digits(), cv=5).mean() > 0.96


def test_float32_stays_float32(halves):
    X, y, queries = halves
    model = KNeighborsClassifier().fit(X.astype(np.float32), y)
    assert model.kneighbors(queries)[0].dtype == np.float32
    assert model.kneighbors(queries)[1].dtype == np.int64
    assert KNeighborsClassifier().fit(X.astype(np.float16), y).kneighbors(queries)[0].dtype == np.float32
    assert KNeighborsClassifier().fit(X.astype(np.int16), y).kneighbors(queries)[0].dtype == np.float64


def test_a_float64_query_that_float32_cannot_hold_is_refused(halves):
    model = KNeighborsClassifier().fit(halves[0].astype(np.float32), halves[1])
    with pytest.raises(ValueError, match=r"X\[0, 0\] is inf.*float32"), np.errstate(over="ignore"):
        model.predict(np.full((1, 64), 1e300))


@pytest.mark.parametrize("labels", [list("ba"), [True, False], [7, -1], [2.0, 1.0]])
def test_labels_of_any_kind(labels):
    y = np.array(labels * 3)
    model = KNeighborsClassifier(1).fit(np.arange(6.0)[:, None], y)
    assert model.predict([[0.1], [4.9]]).tolist() == [labels[0], labels[1]]
    assert model.predict([[0.1]]).dtype == y.dtype
    assert model.classes_.tolist() == sorted(labels)


def test_a_neighbour_at_distance_zero_outvotes_the_others():
    model = KNeighborsClassifier(3, weights="distance").fit([[0.0], [0.1], [0.2]], [1, 0, 0])
    assert model.predict([[0.0]]).tolist() == [1]
    assert model.predict_proba([[0.0]]).tolist() == [[0, 1]]


def test_without_the_point_itself_also_among_duplicates():
    X = np.array([[0.0], [0.0], [0.0], [5.0], [6.0]])
    model = KNeighborsClassifier(2).fit(X, [0, 0, 1, 1, 1])
    assert model.kneighbors()[1].tolist() == [[1, 2], [0, 2], [0, 1], [4, 0], [3, 0]]
    assert model.predict(None).tolist() == [0, 0, 0, 0, 0]


def test_the_same_answer_from_any_number_of_threads(halves):
    X, y, queries = halves
    answers = [KNeighborsClassifier(n_jobs=n_jobs).fit(X, y).kneighbors(queries) for n_jobs in (1, 2, 3, 8, None, -1)]
    assert all(
        np.array_equal(answer[0], answers[0][0]) and np.array_equal(answer[1], answers[0][1]) for answer in answers
    )


def test_votes_in_parts_are_votes_at_once(halves, monkeypatch):
    X, y, queries = halves
    model = KNeighborsClassifier(weights="distance").fit(X, y)
    expected = model.predict_proba(queries), model.predict(queries)
    monkeypatch.setattr(fastml.neighbors.search, "AT_ONCE", 1)  # 256 queries at a time
    assert np.array_equal(model.predict_proba(queries), expected[0])
    assert np.array_equal(model.predict(queries), expected[1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, X: m.kneighbors(X, 1201), "n_neighbors=1201 but only 1200 samples were fitted"),
        (lambda m, X: m.kneighbors(None, 1200), "n_neighbors=1200 but only 1199 samples other than the query itself"),
        (lambda m, X: m.kneighbors(X, 0), "n_neighbors=0 must be a whole number, at least 1"),
        (lambda m, X: m.kneighbors(X, 2.5), "n_neighbors=2.5 must be a whole number"),
        (lambda m, X: m.set_params(weights=lambda d: d[:, :2]).predict(X), r"weights=.*shape \(597, 2\)"),
        (lambda m, X: m.set_params(weights=lambda d: -d).predict(X), "weights=.*negative"),
        (lambda m, X: m.set_params(weights=lambda d: d * np.nan).predict(X), "weights=.*non-finite"),
        (lambda m, X: m.set_params(weights=lambda d: 0 * d).predict(X), "weights=.*only zeros"),
        (lambda m, X: m.set_params(n_jobs=0).predict(X), "n_jobs=0"),
    ],
)
def test_bad_input_is_named(halves, call, words):
    X, y, queries = halves
    with pytest.raises(ValueError, match=words):
        call(KNeighborsClassifier().fit(X, y), queries)


def test_integers_that_float64_cannot_tell_apart_are_refused():
    with pytest.raises(ValueError, match=str(2**53 + 1)):
        KNeighborsClassifier(1).fit([[2**53 + 1], [2**53]], [0, 1])
    assert KNeighborsClassifier(1).fit([[2**53 - 1], [2**53]], [0, 1]).predict([[2**53]]).tolist() == [1]


def test_names_that_fastml_does_not_write_are_scikit_learns():
    assert fastml.neighbors.NearestCentroid is sklearn.neighbors.NearestCentroid
    assert {"KNeighborsClassifier", "NearestCentroid"} <= set(dir(fastml.neighbors))
    with pytest.raises(AttributeError, match="NearestOfAll"):
        _ = fastml.neighbors.NearestOfAll
