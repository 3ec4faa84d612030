"""SimpleImputer and MissingIndicator against scikit-learn's."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.impute as theirs
from hypothesis import given
from hypothesis import strategies as st

import fastml
import fastml.impute as ours

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


@st.composite
def tables(draw):
    n, d = draw(st.integers(1, 30)), draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = random.integers(-3, 4, (n, d)) / draw(st.sampled_from([1, 10]))
    X[random.random((n, d)) < draw(st.sampled_from([0, 0.1, 0.9]))] = np.nan
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int64]))
    return np.nan_to_num(X).astype(dtype) if dtype is np.int64 else X.astype(dtype)


OPTIONS = {
    "strategy": st.sampled_from(["mean", "median", "most_frequent", "constant"]),
    "missing_values": st.sampled_from([np.nan, 0]),
    "fill_value": st.sampled_from([None, 2]),
    "add_indicator": st.booleans(),
    "keep_empty_features": st.booleans(),
    "copy": st.booleans(),
}


def outcome(call):
    try:
        return call(), None
    except ValueError as error:
        return None, str(error)[:30]


def same(found, expected):
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(
        found.astype(float), expected.astype(float), rtol=1e-6 if found.dtype == np.float32 else 1e-12, atol=1e-7
    )


@given(tables(), st.fixed_dictionaries(OPTIONS), st.data())
def test_everything_is_scikit_learns(X, options, data):
    made = [outcome(lambda m=m: m.SimpleImputer(**options).fit(X.copy())) for m in (ours, theirs)]
    (one, why), (other, expected) = made
    assert (why is None) == (expected is None)
    if other is None:
        return
    same(one.statistics_, other.statistics_)
    later = data.draw(tables())
    for rows in (X, later):
        if rows.shape[1] == X.shape[1]:
            (found, why), (wanted, expected) = (
                outcome(lambda m=m, rows=rows: m.transform(rows.copy())) for m in (one, other)
            )
            assert (why is None) == (expected is None), (why, expected)
            if wanted is not None:
                same(found, wanted)
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, lambda X: sp.csr_matrix(X["a"][:, None])])
def test_frames_and_sparse_tables(strategy, kind):
    X = kind({"a": np.array([1.0, np.nan, 4, 4]), "b": np.array([1, 2, 5, 7])})
    one, other = (m.SimpleImputer(strategy=strategy).fit(X) for m in (ours, theirs))
    same(one.statistics_, other.statistics_)
    found, expected = one.transform(X), other.transform(X)
    assert type(found) is type(expected)
    assert np.array_equal(*(m.toarray() if sp.issparse(m) else m for m in (found, expected)))


def test_texts():
    X = np.array([["a"], [np.nan], ["a"], ["b"]], object)
    assert ours.SimpleImputer(strategy="most_frequent").fit_transform(X).ravel().tolist() == ["a", "a", "a", "b"]
    with pytest.raises(ValueError, match="non-numeric"):
        ours.SimpleImputer().fit(X)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
def test_infinite_numbers_are_named(strategy):
    X = np.array([[1.0, np.nan], [np.inf, 2]])
    with pytest.raises(ValueError, match=r"X\[1, 0\] is inf"):
        ours.SimpleImputer(strategy=strategy).fit(X)
    with pytest.raises(ValueError, match=r"X\[1, 0\] is inf"):
        ours.SimpleImputer(strategy=strategy).fit([[1.0, 2.0]]).transform(X)


@pytest.mark.parametrize("indicator", [False, True])
def test_files(indicator, tmp_path):
    X = np.array([[1.0, np.nan], [3, 2], [5, 4]])
    model = ours.SimpleImputer(add_indicator=indicator).fit(X)
    fastml.save(model, tmp_path / "m.fml")
    again = fastml.load(tmp_path / "m.fml")
    assert np.array_equal(again.transform(X), model.transform(X))
    assert isinstance(model, theirs.SimpleImputer)


@given(tables(), st.sampled_from(["missing-only", "all"]))
def test_indicators(X, features):
    one, other = (m.MissingIndicator(features=features).fit_transform(X) for m in (ours, theirs))
    assert np.array_equal(one, other)


def test_the_mean_of_numbers_whose_sum_is_beyond_float64():
    X = [[1e308, 1.0], [1.5e308, np.nan], [np.nan, 2.0], [1.7e308, np.nan]]
    filled = ours.SimpleImputer().fit_transform(X)
    np.testing.assert_allclose(filled[2, 0], 1.4e308, rtol=1e-12)
    np.testing.assert_allclose(filled[1, 1], 1.5, rtol=1e-12)


def test_the_median_of_numbers_whose_sum_is_beyond_the_dtype():
    for dtype, unit in ((np.float64, 1e307), (np.float32, 1e37)):
        X = np.array([[10, 17, np.nan], [17, -17, 10], [16, 17, -10]], dtype).T * dtype(unit)
        found = ours.SimpleImputer(strategy="median").fit(X).statistics_
        np.testing.assert_allclose(found, np.array([13.5, 10, 16]) * unit, rtol=1e-6)


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
@pytest.mark.parametrize("dtype", ["string", "string[pyarrow]", "str", "object"])
def test_texts_of_pandas_that_are_missing(strategy, dtype):
    frame = pd.DataFrame({"a": pd.Series(["b", "a", None, "b"], dtype=dtype)})
    options = {"fill_value": "b"} if strategy == "constant" else {}
    imputer = ours.SimpleImputer(strategy=strategy, add_indicator=True, **options)
    if dtype == "object":
        imputer.set_params(missing_values=None)
    assert imputer.fit_transform(frame).tolist() == [["b", 0], ["a", 0], ["b", 1], ["b", 0]]
    assert imputer.transform(frame[2:3]).tolist() == [["b", 1]]
    model = ours.MissingIndicator(missing_values=imputer.missing_values).fit(frame)
    assert model.transform(frame).ravel().tolist() == [False, False, True, False]


@pytest.mark.parametrize("features", ["missing-only", "all"])
@pytest.mark.parametrize("error_on_new", [True, False])
@given(st.integers(0, 2**32))
def test_the_indicator_of_plain_tables_is_scikit_learns(features, error_on_new, seed):
    random = np.random.default_rng(seed)
    X, Z = (np.round(random.normal(size=(random.integers(1, 9), 4)), 1) for _ in range(2))
    X[random.random(X.shape) < random.choice([0, 0.2, 0.9])] = np.nan
    Z[random.random(Z.shape) < random.choice([0, 0.2])] = np.nan
    if random.random() < 0.1:
        Z[0, 0] = np.inf
    options = {"features": features, "error_on_new": error_on_new, "sparse": ["auto", False][random.integers(2)]}
    own, scikit = ours.MissingIndicator(**options), theirs.MissingIndicator(**options)
    assert np.array_equal(own.fit_transform(X), scikit.fit_transform(X))
    assert np.array_equal(own.fit(X).features_, scikit.fit(X).features_)
    assert (own.n_features_in_, own._n_features) == (scikit.n_features_in_, scikit._n_features)
    try:
        expected = scikit.transform(Z)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error).split(".")[0])):
            own.transform(Z)
    else:
        found = own.transform(Z)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
    with pytest.raises(ValueError, match="3 features"):
        own.transform(X[:, :3])
