"""Scores and selectors against scikit-learn's."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.feature_selection as scikit
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_iris

import fastml
import fastml.feature_selection as ours
from fastml import tree

seeds = st.integers(0, 2**32 - 1)
SELECTORS = [
    ("SelectKBest", {"k": 2}),
    ("SelectKBest", {"k": "all"}),
    ("SelectPercentile", {"percentile": 60}),
    ("SelectFpr", {"alpha": 0.4}),
    ("SelectFdr", {"alpha": 0.7}),
    ("SelectFwe", {"alpha": 0.9}),
    ("GenericUnivariateSelect", {"mode": "k_best", "param": 1}),
]


def table(random, counts=False):
    """(X, labels, numbers); n below and above d, one column, constants, float32 and integers."""
    n, d = random.integers(4, 40), random.integers(1, 9)
    if counts or random.integers(2):
        X = random.integers(0, 5, (n, d)).astype(random.choice([np.float64, np.int64]))
    else:
        X = random.standard_normal((n, d)) + 3
    labels = random.integers(0, 3, n)
    labels[:2] = 0, 1
    return X, labels, random.standard_normal(n)


def quietly(function, *arguments, **options):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def assert_close(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
        assert a.dtype == b.dtype


@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, sp.csr_array, sp.csc_array, sp.coo_array])
@given(seed=seeds)
def test_scores_are_scikit_learns(layout, seed):
    X, labels, numbers = table(np.random.default_rng(seed), counts=True)
    constant = np.ptp(X, axis=0) == 0
    X[0, constant] += 1
    for name, y in (("f_classif", labels), ("chi2", labels), ("f_regression", numbers)):
        found, expected = (quietly(getattr(module, name), layout(X), y) for module in (ours, scikit))
        at = np.isfinite(expected[0]) & (expected[0] < 1e9) if name == "f_classif" else slice(None)
        assert_close([part[at] for part in found], [part[at] for part in expected])
    for center in (True, False):
        options = {"center": center}
        found, expected = (m.r_regression(layout(X), numbers, **options) for m in (ours, scikit))
        assert_close([found], [expected])


def test_a_column_far_from_zero_loses_no_digit():
    random = np.random.default_rng(0)
    X, y = random.standard_normal((200, 3)), random.integers(0, 2, 200)
    shifted = np.round(X * 2**20) / 2**20 + 2.0**20
    near = shifted - 2.0**20
    np.testing.assert_allclose(ours.f_classif(shifted, y)[0], ours.f_classif(near, y)[0], rtol=1e-7)
    np.testing.assert_allclose(ours.r_regression(shifted, near[:, 0]), ours.r_regression(near, near[:, 0]), atol=1e-9)


def test_constant_columns():
    X = np.full((12, 2), 0.1)
    X[:, 1] = np.arange(12)
    with pytest.warns(UserWarning, match=r"Features \[0\] are constant"):
        f, p = ours.f_classif(X, np.arange(12) % 2)
    assert np.isnan([f[0], p[0]]).all()
    assert ours.r_regression(X, X[:, 1]).tolist() == [0.0, 1.0]
    assert np.isnan(ours.r_regression(X, X[:, 1], force_finite=False)[0])


def test_scores_of_float32_are_summed_in_float64():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    found, expected = ours.f_classif(X, y), scikit.f_classif(X, y)
    assert [part.dtype for part in found] == [part.dtype for part in expected]
    np.testing.assert_allclose(found[0], scikit.f_classif(X.astype(float), y)[0], rtol=1e-9)


@given(seed=seeds, k=st.integers(1, 6))
@effort(0.5)
def test_mutual_information_is_scikit_learns_for_one_random_state(seed, k):
    X, labels, numbers = table(np.random.default_rng(seed))
    mask = np.random.default_rng(seed).random(X.shape[1]) < 0.5
    for discrete in ("auto", True, mask, np.flatnonzero(mask)):
        options = {"n_neighbors": k, "random_state": seed % 1000, "discrete_features": discrete}
        assert_equal_or_both_refuse("mutual_info_classif", X, labels, options)
        assert_equal_or_both_refuse("mutual_info_regression", X, numbers, options)


def assert_equal_or_both_refuse(name, X, y, options):
    try:
        expected = quietly(getattr(scikit, name), X, y, **options)
    except ValueError:
        with pytest.raises(ValueError, match="once|n_neighbors|mask|index|boolean|minimum of"):
            getattr(ours, name)(X, y, **options)
        return
    np.testing.assert_allclose(getattr(ours, name)(X, y, **options), expected, rtol=1e-8, atol=1e-10)


def test_mutual_information_of_larger_tables():
    X, y = load_digits(return_X_y=True)
    for name, target in (("mutual_info_classif", y), ("mutual_info_regression", X[:, 20] + X[:, 30])):
        found, expected = (getattr(module, name)(X[:900], target[:900], random_state=3) for module in (ours, scikit))
        expected[np.ptp(X[:900], axis=0) == 0] = 0.0  # a constant has none, where scikit-learn has what its noise has
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
    counts = sp.csr_array(X)
    np.testing.assert_allclose(ours.mutual_info_classif(counts, y), scikit.mutual_info_classif(counts, y), atol=1e-12)


def test_mutual_information_refuses():
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    with pytest.raises(ValueError, match="n_neighbors=6 but X has 6 rows"):
        ours.mutual_info_regression(X, y, n_neighbors=6)
    with pytest.raises(ValueError, match="'n_neighbors' parameter"):
        ours.mutual_info_regression(X, y, n_neighbors=0)
    with pytest.raises(ValueError, match="discrete_features='some'"):
        ours.mutual_info_regression(X, y, discrete_features="some")
    with pytest.raises(ValueError, match="occurs once"):
        ours.mutual_info_regression(X, y, discrete_features=True)


@pytest.mark.parametrize("layout", [np.array, pd.DataFrame, lambda X: pl.DataFrame(X, orient="row")])
def test_gain_of_categories_is_the_trees_measure(layout):
    rows = [["sunny", None, 1], ["rain", "hot", 1], ["rain", None, 2], ["sunny", "mild", 2], ["fog", "hot", 3]]
    X, y = layout(np.array(rows, object)), ["no", "yes", "yes", "no", "yes"]
    for name in ("information_gain", "gain_ratio"):
        expected = [getattr(tree, name)([row[j] for row in rows], y) for j in range(3)]
        np.testing.assert_allclose(getattr(ours, name)(X, y), expected, atol=1e-15)
    chosen = ours.SelectKBest(ours.information_gain, k=1).fit(X, y)
    assert chosen.get_support().tolist() == [True, False, False]
    assert np.asarray(chosen.transform(X)).ravel().tolist() == [row[0] for row in rows]
    with pytest.raises(TypeError, match="sparse"):
        ours.information_gain(sp.csr_array(np.eye(3)), [0, 1, 1])


@pytest.mark.parametrize(("name", "parameters"), SELECTORS)
@given(seed=seeds)
@effort(0.5)
def test_selectors_choose_what_scikit_learns_choose(name, parameters, seed):
    X, y, _ = table(np.random.default_rng(seed))
    for layout in (np.asarray, sp.csr_array):
        for score in (ours.f_classif, scikit.f_classif, ours.chi2, lambda X, y: np.abs(X.sum(axis=0)).ravel()):
            if "f" in getattr(score, "__name__", "") or name in ("SelectKBest", "SelectPercentile"):
                theirs = getattr(scikit, getattr(score, "__name__", ""), score)
                one = quietly(getattr(ours, name)(score, **parameters).fit, layout(abs(X)), y)
                other = quietly(getattr(scikit, name)(theirs, **parameters).fit, layout(abs(X)), y)
                tied = len(np.unique(np.round(other.scores_, 9))) < len(other.scores_)
                if not tied and np.isfinite(other.scores_).all():
                    assert one.get_support().tolist() == other.get_support().tolist()
                    a, b = quietly(one.transform, layout(X)), quietly(other.transform, layout(X))
                    assert (a.dtype, type(a), (a != b).sum()) == (b.dtype, type(b), 0)


@given(seed=seeds, threshold=st.sampled_from([0.0, 0.3, 1.5]))
def test_variance_threshold_is_scikit_learns(seed, threshold):
    random = np.random.default_rng(seed)
    X, _, _ = table(random)
    if random.integers(2):
        X = np.where(random.random(X.shape) < 0.2, np.nan, X)
    for layout in (np.asarray, sp.csr_array):
        try:
            other = quietly(scikit.VarianceThreshold(threshold).fit, layout(X))
        except ValueError as error:
            with pytest.raises(ValueError, match=str(error)[:30]):
                quietly(ours.VarianceThreshold(threshold).fit, layout(X))
            continue
        one = quietly(ours.VarianceThreshold(threshold).fit, layout(X))
        np.testing.assert_allclose(one.variances_, other.variances_, rtol=1e-9, atol=1e-12)


def test_what_stays_follows_the_parameters_after_fit():
    X, y = load_iris(return_X_y=True)
    model = ours.SelectKBest(k=1).fit(X, y)
    assert model.transform(X).shape == (150, 1)
    assert model.set_params(k=3).transform(X).shape == (150, 3)
    assert model.fit(X[:, :3], y).transform(X[:, :3]).shape == (150, 3)
    back = model.inverse_transform(model.transform(X[:, :3]))
    assert np.array_equal(back, X[:, :3])


def test_a_file_keeps_the_score_function(tmp_path):
    X, y = load_iris(return_X_y=True)
    for score in (ours.chi2, scikit.chi2, ours.mutual_info_classif, ours.information_gain):
        model = ours.SelectKBest(score, k=2).fit(X, y)
        fastml.save(model, tmp_path / "m.fml")
        again = fastml.load(tmp_path / "m.fml")
        assert again.score_func is getattr(ours, score.__name__)
        assert np.array_equal(again.transform(X), model.transform(X))
        assert np.array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
    with pytest.raises(TypeError, match="score_func is the function"):
        fastml.save(ours.SelectKBest(test_constant_columns), tmp_path / "m.fml")


def test_frames_keep_their_types_where_frames_are_asked_for():
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": [0.5, 0.5, 0.25, 0.25], "c": [1.0, 1.0, 1.0, 2.0]})
    model = ours.SelectKBest(k=2).set_output(transform="pandas").fit(frame, [0, 0, 1, 1])
    assert model.transform(frame).dtypes.to_dict() == {"a": np.dtype(int), "b": np.dtype(float)}


def test_twins_name_the_other_library_s_function():
    X, y = load_iris(return_X_y=True)
    model = ours.SelectKBest(ours.chi2, k=2).fit(X, y)
    twin = fastml.to_sklearn(model)
    assert type(twin) is scikit.SelectKBest
    assert b"fastml" not in pickle.dumps(twin)
    again = fastml.from_sklearn(twin)
    assert again.score_func is ours.chi2
    for other in (twin, again):
        assert np.array_equal(other.transform(X), model.transform(X))
    with pytest.raises(ValueError, match="no function gain_ratio"):
        fastml.to_sklearn(ours.SelectKBest(ours.gain_ratio, k=2).fit(X, y))


@pytest.mark.parametrize("rows", [np.asarray, sp.csr_array, np.ndarray.tolist])
def test_chi2_of_several_labels(rows):
    random = np.random.default_rng(0)
    X, y = random.integers(0, 5, (30, 6)), random.integers(0, 2, (30, 3))
    for function in (ours.chi2, scikit.chi2):
        found = ours.SelectKBest(function, k=2).fit(rows(X), y)
        assert found.scores_ == pytest.approx(scikit.chi2(X, y)[0])
        assert found.pvalues_ == pytest.approx(scikit.chi2(X, y)[1])
    assert ours.chi2(rows(X), y)[0] == pytest.approx(scikit.chi2(X, y)[0])
    with pytest.raises(ValueError, match="0 and 1"):
        ours.chi2(X, y + 1)
    with pytest.raises(ValueError, match="non-negative"):
        ours.chi2(X - 1, y)


def test_a_constant_has_no_information():
    y = (np.arange(2000) < 5).astype(int)
    X = np.column_stack([np.full(2000, 3.0), np.arange(2000.0)])
    assert ours.mutual_info_classif(X, y, random_state=0)[0] == 0
    assert ours.mutual_info_regression(X, np.arange(2000.0), random_state=0)[0] == 0
    assert ours.mutual_info_regression(X, np.full(2000, 0.1), random_state=0).tolist() == [0, 0]
