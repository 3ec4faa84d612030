"""The scalers against scikit-learn's of the same names."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.preprocessing as theirs
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

import fastml
import fastml.preprocessing as ours

SETTINGS = {
    "StandardScaler": {"with_mean": [True, False], "with_std": [True, False]},
    "MinMaxScaler": {"feature_range": [(0, 1), (-2.5, 3)], "clip": [False, True]},
    "MaxAbsScaler": {"clip": [False, True]},
    "RobustScaler": {
        "with_centering": [True, False],
        "with_scaling": [True, False],
        "quantile_range": [(25.0, 75.0), (0, 100), (13.7, 13.7), (1, 99)],
        "unit_variance": [False, True],
    },
    "Normalizer": {"norm": ["l1", "l2", "max"]},
    "Binarizer": {"threshold": [0.0, 0.5, 3]},
}
LEARNLESS = ("Normalizer", "Binarizer")
FITTED = ("mean_", "var_", "scale_", "n_samples_seen_", "min_", "data_min_", "data_max_", "data_range_", "max_abs_",
          "center_", "n_features_in_")  # fmt: skip


@st.composite
def tables(draw, missing=True):
    n, d = draw(st.integers(1, 30)), draw(st.integers(1, 12))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = random.integers(-3, 4, (n, d)).astype(float)
    kind = draw(st.sampled_from(["whole", "decimal", "far", "constant", "tiny"]))
    X = {"whole": X, "decimal": X / 10, "far": X + 1e5, "constant": np.full((n, d), 0.1), "tiny": X * 1e-30}[kind]
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.bool_]))
    if np.dtype(dtype).kind == "f" and missing and draw(st.booleans()):
        X[random.random((n, d)) < draw(st.sampled_from([0.1, 0.9]))] = np.nan
    return X.astype(dtype)


@st.composite
def settings_of(draw, name):
    return {key: draw(st.sampled_from(values)) for key, values in SETTINGS[name].items()}


def same(found, expected, exact=False):
    assert type(found) is type(expected)
    if expected is None:
        return
    if sp.issparse(expected):
        assert found.format == expected.format
        found, expected = found.toarray(), expected.toarray()
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype
    if exact:
        assert np.array_equal(found, expected, equal_nan=True)
    else:
        rtol = 2e-6 if found.dtype == np.float32 else 1e-9
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * 1e-2)


def alike(ours, theirs):
    assert [n for n in FITTED if hasattr(ours, n)] == [n for n in FITTED if hasattr(theirs, n)]
    for name in FITTED:
        if hasattr(theirs, name):
            same(getattr(ours, name), getattr(theirs, name))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", SETTINGS)
@given(st.data())
def test_everything_is_scikit_learns(name, data):
    X = data.draw(tables(missing=name not in LEARNLESS))
    options = data.draw(settings_of(name))
    one, other = (getattr(m, name)(**options).fit(X) for m in (ours, theirs))
    alike(one, other)
    assert repr(one) == repr(other)
    later = data.draw(tables(missing=name not in LEARNLESS))
    rows = [X]
    if later.shape[1] == X.shape[1]:
        rows.append(later)
    for X in rows:
        same(one.transform(X), other.transform(X))
        if hasattr(other, "inverse_transform"):
            same(one.inverse_transform(X), other.inverse_transform(X))
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [n for n in SETTINGS if hasattr(getattr(theirs, n), "partial_fit")])
@given(st.data())
def test_learning_in_pieces(name, data):
    X = data.draw(tables())
    options = data.draw(settings_of(name))
    cut = data.draw(st.integers(1, len(X)))
    models = [getattr(m, name)(**options) for m in (ours, theirs)]
    for model in models:
        for piece in (X[:cut], X[cut:]) if cut < len(X) else (X,):
            model.partial_fit(piece)
    if not any(np.isnan(piece).all(axis=0).any() for piece in (X[:cut], X[cut:]) if len(piece)):
        alike(*models)  # scikit-learn forgets what it knew of a column that a later piece lacks
    alike(models[0], getattr(ours, name)(**options).fit(X))


@pytest.mark.parametrize("weight", [1.0, "whole", "real"])
def test_weights(weight):
    random = np.random.default_rng(0)
    X = random.normal(size=(30, 3))
    weight = {"whole": random.integers(0, 4, 30), "real": random.random(30)}.get(weight, weight)
    one, other = (m.StandardScaler().fit(X, sample_weight=weight) for m in (ours, theirs))
    alike(one, other)
    for model in (one, other):
        model.partial_fit(X[:5], sample_weight=np.ones(5))
    alike(one, other)
    one = ours.StandardScaler().fit(X, sample_weight=np.full(30, 2)).partial_fit(X[:5])
    same(one.scale_, ours.StandardScaler().fit(np.concatenate([X, X, X[:5]])).scale_)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("weight", [[1e308, 1e308, 1.0], [1e308, 0, 0]])
def test_weights_whose_sums_are_infinite(weight):
    X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    with pytest.raises(ValueError, match=r"sample_weight goes up to 1e\+308.* divide the weights"):
        ours.StandardScaler().fit(X, sample_weight=weight)
    X[:, 1] = np.nan
    with warnings.catch_warnings(action="ignore"):
        assert np.isnan(ours.StandardScaler().fit(X, sample_weight=[1e120, 2.0, 3.0]).mean_).tolist() == [False, True]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["StandardScaler", "MaxAbsScaler", "RobustScaler"])
def test_both_infinities_in_a_sparse_table(name):
    options = {"StandardScaler": {"with_mean": False}, "RobustScaler": {"with_centering": False}}.get(name, {})
    X = sp.csr_matrix(np.array([[np.inf, 1.0], [-np.inf, 2.0]]))
    model = getattr(ours, name)(**options)
    for call in (model.fit, model.fit(np.eye(2)).transform, model.inverse_transform):
        with pytest.raises(ValueError, match="infinity"):
            call(X)


@pytest.mark.parametrize("name", ["StandardScaler", "MaxAbsScaler", "RobustScaler", "Normalizer", "Binarizer"])
@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_matrix, sp.csr_array, sp.coo_matrix])
def test_sparse_tables(name, kind):
    X = kind(np.random.default_rng(0).integers(0, 3, (20, 5)).astype(float))
    options = {"StandardScaler": {"with_mean": False}, "RobustScaler": {"with_centering": False}}.get(name, {})
    one, other = (getattr(m, name)(**options).fit(X) for m in (ours, theirs))
    alike(one, other)
    same(one.transform(X), other.transform(X), exact=True)
    same(one.transform(X.toarray()), other.transform(X.toarray()))
    if name in ("StandardScaler", "RobustScaler"):
        for m in (ours, theirs):
            with pytest.raises(ValueError, match="Cannot center sparse"):
                getattr(m, name)().fit(X)
    with pytest.raises(TypeError, match="sparse"):
        ours.MinMaxScaler().fit(X)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(name, frame):
    data = {"a": [1.0, 2.0, 5.0], "b": [3, 1, 2]}
    one, other = (getattr(m, name)().fit(frame(data)) for m in (ours, theirs))
    alike(one, other)
    for kind in ("default", "pandas", "polars"):
        found, expected = (m.set_output(transform=kind).transform(frame(data)) for m in (one, other))
        assert type(found) is type(expected)
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-12)
    with pytest.raises(ValueError, match="feature names"):
        one.transform(frame({"b": [1.0], "a": [1.0]}))


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_a_copy(name, dtype):
    X = np.random.default_rng(0).normal(size=(9, 3)).astype(dtype)
    model = getattr(ours, name)(copy=False).fit(X)
    expected = getattr(ours, name)().fit(X).transform(X)
    before = X.copy()
    assert np.array_equal(getattr(ours, name)().fit(X).transform(X), expected)
    assert np.array_equal(X, before)
    same(model.transform(X), expected)
    same(X, expected)


@pytest.mark.parametrize("name", SETTINGS)
def test_float32_after_float64(name):
    X = np.random.default_rng(0).normal(size=(50, 4)) * 1e3
    one, other = (getattr(m, name)().fit(X) for m in (ours, theirs))
    same(one.transform(X.astype(np.float32)), other.transform(X.astype(np.float32)))
    one, other = (getattr(m, name)().fit(X.astype(np.float32)) for m in (ours, theirs))
    same(one.transform(X), other.transform(X))


@pytest.mark.parametrize("name", SETTINGS)
def test_values_that_are_infinite_or_missing(name):
    X = np.ones((5, 3))
    X[3, 1] = np.nan
    if name in LEARNLESS:
        with pytest.raises(ValueError, match=r"X\[3, 1\] is NaN"):
            getattr(ours, name)().fit(X)
        with pytest.raises(ValueError, match=r"X\[3, 1\] is NaN"):
            getattr(ours, name)().fit(np.ones((5, 3))).transform(X)
    X[4, 2] = -np.inf
    model = getattr(ours, name)().fit(np.ones((5, 3)))
    changing = getattr(ours, name)(copy=False).fit(np.ones((5, 3)))
    calls = [getattr(ours, name)().fit, model.transform]
    for learn in calls if name in LEARNLESS else [*calls, changing.transform]:
        with pytest.raises(ValueError, match=r"X\[(3, 1\] is NaN|4, 2\] is -inf)"):
            learn(X)


def test_values_set_by_hand_are_looked_at():
    model = ours.StandardScaler().fit(np.ones((5, 3)))
    model.mean_ = np.zeros(2)
    with pytest.raises(ValueError, match="3 columns"):
        model.transform(np.ones((5, 3)))
    model.mean_ = [1, 2, 3]
    assert model.transform(np.ones((1, 3))).tolist() == [[0, -1, -2]]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_class_of_scikit_learns_and_a_file(name, tmp_path):
    X = np.random.default_rng(0).normal(size=(9, 3))
    model = getattr(ours, name)().fit(X)
    assert isinstance(model, getattr(theirs, name))
    fastml.save(model, tmp_path / "m.fml")
    assert np.array_equal(fastml.load(tmp_path / "m.fml").transform(X), model.transform(X))


@effort(0.2)
@given(st.integers(2, 6000), st.integers(0, 2**32))
def test_medians_of_long_columns(n, seed):
    X = np.round(np.random.default_rng(seed).normal(size=(n, 2)), 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alike(ours.RobustScaler().fit(X), theirs.RobustScaler().fit(X))


@pytest.mark.parametrize("pair", [(), (1.0,), (0.0, 1.0, 2.0), ("a", "b")])
def test_pairs_of_numbers_are_two_numbers(pair):
    with pytest.raises(ValueError, match="feature_range=.* must be two numbers"):
        ours.MinMaxScaler(feature_range=pair).fit([[1.0], [2.0]])
    with pytest.raises(ValueError, match="quantile_range=.* must be two numbers"):
        ours.RobustScaler(quantile_range=pair).fit([[1.0], [2.0]])


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tables_by_columns(name, dtype):
    X = np.asfortranarray(np.random.default_rng(0).normal(size=(70, 23)).astype(dtype))
    one, other = (getattr(m, name)().fit(X) for m in (ours, theirs))
    alike(one, other)
    same(one.transform(X), other.transform(X))
    assert one.transform(X).flags.writeable
    if hasattr(other, "inverse_transform"):
        same(one.inverse_transform(X), other.inverse_transform(X))
        with pytest.raises(ValueError, match="X has 4 features"):
            one.inverse_transform(X[:, :4])


@pytest.mark.parametrize("unit", [1e150, 1e300, 2e307])
def test_columns_whose_squares_are_beyond_float64(unit):
    small = np.array([[3.0, 1.0], [5.0, 2.0], [-1.0, np.nan], [3.0, 4.0]])
    X = small * [unit, 1.0]
    expected = ours.StandardScaler().fit_transform(small)
    scaler = ours.StandardScaler().fit(X)
    np.testing.assert_allclose(scaler.transform(X), expected, rtol=1e-12)
    np.testing.assert_allclose(scaler.mean_, [2.5 * unit, 7 / 3], rtol=1e-12)
    np.testing.assert_allclose(scaler.inverse_transform(expected), X, rtol=1e-12)
    np.testing.assert_allclose(ours.StandardScaler(with_std=False).fit(X).mean_, scaler.mean_, rtol=1e-12)
    many = np.repeat(X, 5000, axis=0)
    np.testing.assert_allclose(ours.StandardScaler().fit(many).scale_, scaler.scale_, rtol=1e-9)
    if unit > 1e200:
        with pytest.raises(ValueError, match=r"X\[:, 0\] holds numbers so large"):
            scaler.partial_fit(X)
        with pytest.raises(ValueError, match=r"X\[:, 0\] holds numbers so large"):
            ours.StandardScaler().fit(X, sample_weight=[1, 2, 3, 4])
        with pytest.raises(ValueError, match=r"X\[:, 0\] holds numbers so large"):
            ours.StandardScaler(with_mean=False).fit(sp.csr_array(np.nan_to_num(X)))


def test_columns_from_end_to_end_of_float64_are_put_between_two_numbers():
    X = np.array([[-1.7e308], [1.7e308], [0.0], [8.5e307]])
    scaler = ours.MinMaxScaler().fit(X)
    np.testing.assert_allclose(scaler.transform(X).ravel(), [0, 1, 0.5, 0.75], atol=1e-12)
    np.testing.assert_allclose(scaler.inverse_transform([[1.0], [0.75]]).ravel(), [1.7e308, 8.5e307], rtol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_float32_columns_without_a_number_keep_their_dtype():
    for X in (np.full((2, 2), np.nan, np.float32), np.array([[np.nan, 1.0], [np.nan, 3.0]], np.float32)):
        for options in ({}, {"unit_variance": True}):
            alike(*(module.RobustScaler(**options).fit(X) for module in (ours, theirs)))
