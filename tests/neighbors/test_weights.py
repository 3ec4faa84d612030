"""Weights as repetition, class weights, several outputs, paths, explanations, radius voters, regressors, the tree."""

import pickle

import numpy as np
import pytest
import scipy.sparse
import sklearn.neighbors
from datasets import digits
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes

import fastml
from fastml.neighbors import (
    KDTree,
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)


@st.composite
def weighted(draw):
    """(X, y, whole weights, queries): few places, so that many stand at one distance; zero weights among them."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(3, 25))
    X, Q = random.integers(0, 4, (n, 2)).astype(float), random.integers(0, 4, (6, 2)).astype(float)
    weights = random.integers(0, 4, n)
    weights[:2] += 1
    return X, random.integers(0, 3, n), weights.astype(float), Q


@given(weighted(), st.integers(1, 4), st.sampled_from(["uniform", "distance"]))
def test_a_row_of_weight_w_is_w_copies(data, k, weights):
    X, y, w, Q = data
    k = min(k, int(w.sum()))
    copies = np.repeat(np.arange(len(X)), w.astype(int))
    for Estimator in (KNeighborsClassifier, KNeighborsRegressor):
        ours = Estimator(k, weights=weights).fit(X, y, sample_weight=w)
        repeated = Estimator(k, weights=weights).fit(X[copies], y[copies])
        assert np.allclose(ours.predict(Q), repeated.predict(Q), rtol=1e-12)
        if Estimator is KNeighborsClassifier:
            columns = np.searchsorted(ours.classes_, repeated.classes_)
            assert np.allclose(ours.predict_proba(Q)[:, columns], repeated.predict_proba(Q), rtol=1e-12)


@given(weighted())
def test_predicting_the_fitted_rows_leaves_out_one_copy(data):
    X, y, w, _ = data
    copies = np.repeat(np.arange(len(X)), w.astype(int))
    ours = KNeighborsRegressor(1).fit(X, y, sample_weight=w).predict(None)
    repeated = KNeighborsRegressor(1).fit(X[copies], y[copies]).predict(None)
    assert np.allclose(ours[copies], repeated)


def test_weights_that_are_not_whole_take_the_last_in_part():
    model = KNeighborsRegressor(2).fit([[0.0], [1.0], [2.0]], [0.0, 10.0, 20.0], sample_weight=[0.5, 1.0, 4.0])
    assert model.predict([[0.0]]) == pytest.approx([(0.5 * 0 + 1 * 10 + 0.5 * 20) / 2])


def test_weights_below_k_are_an_error():
    model = KNeighborsClassifier(3).fit([[0.0], [1.0], [2.0]], [0, 1, 1], sample_weight=[0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match=r"n_neighbors=3 but the sample_weight.* 1\.5"):
        model.predict([[0.0]])
    with pytest.raises(ValueError, match="[Nn]egative"):
        KNeighborsClassifier(3).fit([[0.0], [1.0], [2.0]], [0, 1, 1], sample_weight=[1, -1, 1])


def test_class_weights_multiply_the_votes():
    X, y = [[0.0], [1.0], [2.0], [3.0], [4.0]], ["rare", "often", "often", "often", "often"]
    assert KNeighborsClassifier(3).fit(X, y).predict([[0.0]]) == ["often"]
    assert KNeighborsClassifier(3, class_weight={"rare": 5, "often": 1}).fit(X, y).predict([[0.0]]) == ["rare"]
    balanced = KNeighborsClassifier(3, class_weight="balanced").fit(X, y)
    assert balanced.predict_proba([[0.0]]).round(6).tolist() == [[round(2 * 0.625 / (2 * 0.625 + 2.5), 6), 0.666667]]
    with pytest.raises(ValueError, match="class_weight=.*positive"):
        KNeighborsClassifier(3, class_weight={"rare": 0, "often": 1}).fit(X, y)


@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: 1 / (1 + d)])
def test_several_outputs_are_scikit_learns(weights):
    X, y = digits()
    Y = np.stack([y, y % 2, y // 5], axis=1)
    ours = KNeighborsClassifier(4, weights=weights).fit(X[:900], Y[:900])
    theirs = sklearn.neighbors.KNeighborsClassifier(4, weights=weights).fit(X[:900], Y[:900])
    assert np.mean(ours.predict(X[900:]) == theirs.predict(X[900:])) > 0.995
    assert [c.tolist() for c in ours.classes_] == [c.tolist() for c in theirs.classes_]
    assert len(ours.predict_proba(X[900:])) == 3
    assert ours.score(X[900:], Y[900:]) == (ours.predict(X[900:]) == Y[900:]).all(axis=1).mean()


@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: 1 / (1 + d)])
def test_regression_is_scikit_learns(weights):
    X, y = load_diabetes(return_X_y=True)
    for targets in (y, np.stack([y, -y], axis=1)):
        ours = KNeighborsRegressor(6, weights=weights).fit(X[:300], targets[:300])
        theirs = sklearn.neighbors.KNeighborsRegressor(6, weights=weights).fit(X[:300], targets[:300])
        assert np.allclose(ours.predict(X[300:]), theirs.predict(X[300:]))
        ours = RadiusNeighborsRegressor(0.2, weights=weights).fit(X[:300], targets[:300])
        theirs = sklearn.neighbors.RadiusNeighborsRegressor(0.2, weights=weights).fit(X[:300], targets[:300])
        assert np.allclose(ours.predict(X[300:]), theirs.predict(X[300:]))
    assert KNeighborsRegressor().fit(X, y.astype(np.float32)).predict(X).dtype == np.float32


@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: 1 / (1 + d)])
def test_radius_voters_are_scikit_learns(weights):
    X, y = digits()
    ours = RadiusNeighborsClassifier(25.0, weights=weights, outlier_label=3).fit(X[:900], y[:900])
    theirs = sklearn.neighbors.RadiusNeighborsClassifier(25.0, weights=weights, outlier_label=3).fit(X[:900], y[:900])
    if not callable(weights):  # scikit-learn gives a function all queries' distances at once, as objects
        assert np.array_equal(ours.predict(X[900:]), theirs.predict(X[900:]))
        assert np.allclose(ours.predict_proba(X[900:]), theirs.predict_proba(X[900:]))
    assert ours.score(X[900:], y[900:]) > 0.85


@pytest.mark.parametrize("votes", ["uniform", "distance", lambda d: np.full_like(d, 1e308)])
def test_weights_whose_sums_overflow_within_a_radius(votes):
    X = np.random.default_rng(0).normal(size=(30, 2))
    y, huge = np.arange(30) % 3, np.full(30, 1e308)
    for Model, method in ((RadiusNeighborsClassifier, "predict_proba"), (RadiusNeighborsRegressor, "predict")):
        plain = Model(radius=5.0, weights=votes).fit(X, y)
        heavy = Model(radius=5.0, weights=votes).fit(X, y, sample_weight=huge)
        np.testing.assert_allclose(getattr(heavy, method)(X + 0.1), getattr(plain, method)(X + 0.1), rtol=1e-12)


def test_queries_that_nobody_is_near():
    X, y = [[0.0], [1.0], [2.0]], ["a", "a", "b"]
    with pytest.raises(ValueError, match="no neighbors within radius=1.0 of 1 queries, the first of them row 1"):
        RadiusNeighborsClassifier().fit(X, y).predict([[0.0], [9.0]])
    far = RadiusNeighborsClassifier(outlier_label="nowhere near").fit(X, y)
    with pytest.warns(UserWarning, match="Outlier label nowhere near is not in training classes"):
        assert far.predict([[0.0], [9.0]]).tolist() == ["a", "nowhere near"]
    with pytest.warns(UserWarning, match="outlier_label='nowhere near'"):
        assert far.predict_proba([[9.0]]).tolist() == [[0, 0]]
    common = RadiusNeighborsClassifier(outlier_label="most_frequent").fit(X, y)
    assert common.predict([[9.0]]).tolist() == ["a"]
    assert common.predict_proba([[9.0]]).tolist() == [[1, 0]]
    with pytest.raises(TypeError, match="outlier_label=7"):
        RadiusNeighborsClassifier(outlier_label=7).fit(X, y)
    with pytest.raises(ValueError, match="2 labels for 1 outputs"):
        RadiusNeighborsClassifier(outlier_label=["a", "b"]).fit(X, y)
    with pytest.warns(UserWarning, match="1 samples have no neighbors"):
        assert np.isnan(RadiusNeighborsRegressor().fit(X, [1, 2, 3]).predict([[9.0]])).all()


@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: 1 / (1 + d)])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_a_path_is_what_separate_fits_predict(weights, class_weight):
    X, y = digits()
    numbers = [7, 1, 2, 50, 2]
    model = KNeighborsClassifier(weights=weights, class_weight=class_weight).fit(X[:900], y[:900])
    path = model.predict_path(X[900:1200], numbers)
    for k, labels in zip(numbers, path, strict=True):
        assert np.array_equal(labels, model.set_params(n_neighbors=k).predict(X[900:1200]))
    several = model.fit(X[:900], np.stack([y, y % 2], axis=1)[:900]).predict_path(X[900:950], numbers) \
        if class_weight is None else None  # fmt: skip
    assert several is None or several.shape == (5, 50, 2)
    model = KNeighborsRegressor(weights=weights).fit(X[:900], y[:900])
    for k, means in zip(numbers, model.predict_path(X[900:950], numbers), strict=True):
        assert np.allclose(means, model.set_params(n_neighbors=k).predict(X[900:950]))
    for bad in ([], [0], [1.5], [[1], [2]]):
        with pytest.raises(ValueError, match="n_neighbors="):
            model.predict_path(X[:5], bad)
    with pytest.raises(ValueError, match="n_neighbors=901 but only 900"):
        model.predict_path(X[:5], [1, 901])


def test_explanations():
    X, y = digits()
    model = KNeighborsClassifier(weights="distance").fit(X[:900], y[:900])
    why = model.explain(X[1000])
    assert why.prediction == model.predict(X[1000:1001])[0]
    distances, indices = model.kneighbors(X[1000:1001])
    assert [row[0] for row in why.rows] == indices[0].tolist()
    assert [row[2] for row in why.rows] == distances[0].tolist()
    assert [row[1] for row in why.rows] == y[indices[0]].tolist()
    assert why.rows[0][3] == 1 / why.rows[0][2]
    why = KNeighborsRegressor(2).fit(X[:900], y[:900]).explain(X[1000])
    assert why.prediction == np.mean([row[1] for row in why.rows])


def test_one_row_predictions_of_sparse_and_small_integers():
    X, y = digits()
    small = KNeighborsClassifier().fit(X[:900].astype(np.uint8), y[:900])
    assert small._fit_X.dtype == np.uint8
    wide = KNeighborsClassifier().fit(X[:900], y[:900])
    sparse = KNeighborsClassifier().fit(scipy.sparse.csr_array(X[:900]), y[:900])
    expected = wide.predict(X[900:])
    assert np.array_equal(small.predict(X[900:].astype(np.uint8)), expected)
    assert np.array_equal(small.predict(X[900:]), expected)
    assert np.array_equal(small.predict(None), wide.predict(None))
    assert np.array_equal(sparse.predict(scipy.sparse.csr_array(X[900:])), expected)
    assert np.array_equal(sparse.predict(X[900:]), expected)


def test_the_tree_answers_as_scipys():
    from scipy.spatial import cKDTree

    random = np.random.default_rng(0)
    X, Q = random.normal(size=(500, 3)), random.normal(size=(40, 3))
    tree, theirs = KDTree(X), cKDTree(X)
    assert np.array_equal(tree.query(Q, 4)[1], theirs.query(Q, 4)[1])
    distances, indices = tree.query(Q, 4, upper_bound=0.3)
    expected = theirs.query(Q, 4, distance_upper_bound=0.3)
    assert np.allclose(distances, expected[0])
    assert np.array_equal(indices, np.where(expected[1] == 500, -1, expected[1]))
    assert np.array_equal(tree.query_pairs(0.5), np.array(sorted(theirs.query_pairs(0.5))))
    assert tree.count_pairs(0.5) == len(theirs.query_pairs(0.5))
    assert [len(row) for row in tree.query_radius(Q, 0.8)] == tree.query_radius(Q, 0.8, count_only=True).tolist()
    assert tree.two_point_correlation(Q, [0.3, 0.8])[1] == tree.query_radius(Q, 0.8, count_only=True).sum()
    radii = random.random(40)
    assert (
        tree.query_radius(Q, radii, count_only=True).tolist()
        == theirs.query_ball_point(Q, radii, return_length=True).tolist()
    )
    allowed = random.random(500) < 0.3
    assert np.array_equal(tree.query(Q, 2, allowed=allowed)[1],
                          np.flatnonzero(allowed)[cKDTree(X[allowed]).query(Q, 2)[1]])  # fmt: skip
    assert np.array_equal(tree.query(Q, 2, return_distance=False), tree.query(Q, 2)[1])
    assert np.allclose(tree.kernel_density(Q, 0.5), sklearn.neighbors.KDTree(X).kernel_density(Q, 0.5))
    again = pickle.loads(pickle.dumps(tree))
    assert np.array_equal(again.query(Q, 3)[0], tree.query(Q, 3)[0])
    assert len(tree) == 500


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t, Q: t.query(Q, 501), "n_neighbors=501 but only 500"),
        (lambda t, Q: t.query(Q, 2, upper_bound=-1), "upper_bound=-1.0 must be a number, at least 0"),
        (lambda t, Q: t.query(Q, 2, upper_bound=[1, 2]), "upper_bound has shape .2,. for 40 queries"),
        (lambda t, Q: t.query(Q, 2, allowed=[True]), "allowed must hold 500 bools"),
        (lambda t, Q: t.query(Q, 2, allowed=np.ones(500)), "allowed must hold 500 bools.*float64"),
        (lambda t, Q: t.query(Q[:, :2]), "X has 2 features, but this KDTree has points of 3"),
        (lambda t, Q: t.query(Q * np.nan), r"X\[0, 0\] is NaN, and KDTree"),
        (lambda t, Q: t.query_radius(Q, np.nan), "r=nan"),
        (lambda t, Q: t.query_radius(Q, 1, return_distance=True, count_only=True), "count_only=True"),
        (lambda t, Q: KDTree(Q, metric="cosine"), "kd_tree.*'cosine'"),
        (lambda t, Q: KDTree(Q, leaf_size=0), "leaf_size=0"),
    ],
)
def test_the_tree_names_bad_input(call, words):
    random = np.random.default_rng(0)
    tree, Q = KDTree(random.normal(size=(500, 3))), random.normal(size=(40, 3))
    with pytest.raises(ValueError, match=words):
        call(tree, Q)


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
def test_model_files_and_pickles_prepare_the_search_anew(algorithm, tmp_path):
    X, y = digits()
    model = KNeighborsClassifier(algorithm=algorithm).fit(X[:900], y[:900])
    fastml.save(model, tmp_path / "model.fml")
    for again in (fastml.load(tmp_path / "model.fml"), pickle.loads(pickle.dumps(model))):
        assert again.algorithm_ == algorithm
        assert np.array_equal(again.predict(X[900:]), model.predict(X[900:]))
    assert (tmp_path / "model.fml").stat().st_size < X[:900].nbytes + y[:900].nbytes + 4000


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("algorithm", ["kd_tree", "brute"])
def test_true_is_one_neighbour_with_sample_weights_too(algorithm, weights):
    """Python's True is an int, which scikit-learn's parameter checks accept."""
    X, y, weight = np.arange(6.0)[:, None], np.array([0, 0, 0, 1, 1, 1]), np.array([1, 2, 1, 1, 3, 1])
    for model in (KNeighborsClassifier(True), KNeighborsRegressor(True)):
        model.set_params(algorithm=algorithm, weights=weights)
        assert model.fit(X, y, weight).predict([[0.1], [4.2]]).tolist() == [0, 1]
        assert model.fit(X, y).predict([[0.1], [4.2]]).tolist() == [0, 1]


@pytest.mark.parametrize("label", [2**63, 2**64, -(2**63) - 1, 1.5, "a"])
def test_an_outlier_label_that_would_become_another(label):
    with pytest.raises(TypeError, match="outlier_label="):
        RadiusNeighborsClassifier(outlier_label=label).fit([[0.0], [1.0]], [0, 1])


def test_an_outlier_label_of_texts_and_of_real_numbers():
    for y in (["a", "b"], [0.0, 1.0]):
        with pytest.raises(TypeError, match="outlier_label="):
            RadiusNeighborsClassifier(outlier_label=2**64).fit([[0.0], [1.0]], y)
