"""QuantileTransformer and PowerTransformer against scikit-learn's."""

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

pytestmark = [
    pytest.mark.filterwarnings("ignore:n_quantiles .* is greater"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]


@st.composite
def tables(draw):
    n, d = draw(st.integers(1, 40)), draw(st.integers(1, 10))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = random.integers(-3, 4, (n, d)).astype(float)
    kind = draw(st.sampled_from(["whole", "decimal", "far", "constant", "normal", "tails"]))
    X = {
        "whole": X,
        "decimal": X / 10,
        "far": X + 1e5,
        "constant": np.full((n, d), 0.1),
        "normal": random.normal(size=(n, d)),
        "tails": np.clip(random.standard_cauchy((n, d)) ** 3, -1e9, 1e9),
    }[kind]
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int32, np.bool_]))
    if np.dtype(dtype).kind == "f" and draw(st.booleans()):
        X[random.random((n, d)) < draw(st.sampled_from([0.1, 0.9]))] = np.nan
    return X.astype(dtype)


def same(found, expected, within=None):
    assert type(found) is type(expected)
    if sp.issparse(expected):
        assert found.format == expected.format
        found, expected = found.toarray(), expected.toarray()
    assert found.dtype == expected.dtype
    rtol = within or (2e-6 if found.dtype == np.float32 else 1e-11)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


# ------------------------------------------------------------------------------------------------ quantiles


@given(tables(), st.sampled_from(["uniform", "normal"]), st.sampled_from([1, 2, 5, 1000]), st.sampled_from([None, 20]))
def test_quantiles_are_scikit_learns(X, distribution, n_quantiles, subsample):
    options = {"output_distribution": distribution, "n_quantiles": n_quantiles, "subsample": subsample}
    if subsample is not None and n_quantiles > subsample:
        options["n_quantiles"] = subsample
    one, other = (m.QuantileTransformer(**options, random_state=0).fit(X) for m in (ours, theirs))
    assert one.n_quantiles_ == other.n_quantiles_
    assert one.quantiles_.dtype == np.float64
    if np.isnan(X[:, 0]).all():  # of whose median NumPy gives all others the dtype
        np.testing.assert_allclose(one.quantiles_, other.quantiles_, rtol=1e-6)
        return
    assert np.array_equal(one.quantiles_, other.quantiles_, equal_nan=True)
    assert np.array_equal(one.references_, other.references_)
    assert repr(one) == repr(other)
    for rows in (X, X[::-1][:7] * 2 if X.dtype != bool else ~X, X[:1]):
        same(one.transform(rows), other.transform(rows))
    back = other.transform(X)
    largest = 1 + np.nan_to_num(np.abs(other.quantiles_)).max()
    # A normal number's share has few digits near 1, and the quantiles of heavy tails are far apart there.
    np.testing.assert_allclose(
        one.inverse_transform(back), other.inverse_transform(back), atol=1e-9 * largest, rtol=1e-5
    )
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_long_columns(dtype, distribution):
    random = np.random.default_rng(0)
    X = np.stack([random.normal(size=30_000), random.integers(0, 4, 30_000), random.random(30_000) ** 9], axis=1)
    X = X.astype(dtype)
    one, other = (
        m.QuantileTransformer(output_distribution=distribution, random_state=3).fit(X) for m in (ours, theirs)
    )
    assert np.array_equal(one.quantiles_, other.quantiles_)
    same(one.transform(X), other.transform(X))


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_matrix, sp.csr_array])
@pytest.mark.parametrize("ignored", [False, True])
def test_quantiles_of_sparse_tables(kind, ignored):
    X = kind(np.random.default_rng(0).integers(0, 3, (20, 5)).astype(float))
    one, other = (
        m.QuantileTransformer(n_quantiles=7, ignore_implicit_zeros=ignored, random_state=0).fit(X)
        for m in (ours, theirs)
    )
    same(one.transform(X), other.transform(X))
    same(one.inverse_transform(one.transform(X)), other.inverse_transform(other.transform(X)))
    same(one.transform(X.toarray()), other.transform(X.toarray()))


@given(st.data(), st.sampled_from(["uniform", "normal"]), st.sampled_from([1, 3, 50]), st.booleans())
def test_sparse_quantiles_are_scikit_learns(data, distribution, n_quantiles, ignored):
    n, d = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 6))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    X = random.integers(-1 if ignored else 0, 4, (n, d)) * (
        random.random((n, d)) < data.draw(st.sampled_from([0.2, 0.9]))
    )
    X = X.astype(data.draw(st.sampled_from([np.float32, np.float64, np.int32])))
    if X.dtype.kind == "f":
        X[random.random((n, d)) < data.draw(st.sampled_from([0.0, 0.1, 0.6]))] = np.nan
    X = data.draw(st.sampled_from([sp.csc_matrix, sp.csr_array]))(X)
    options = {
        "n_quantiles": n_quantiles, "output_distribution": distribution, "ignore_implicit_zeros": ignored,
        "subsample": data.draw(st.sampled_from([None, max(5, n_quantiles)])), "random_state": 0,
    }  # fmt: skip
    one, other = (m.QuantileTransformer(**options).fit(X) for m in (ours, theirs))
    assert one.quantiles_.shape == other.quantiles_.shape
    assert np.array_equal(one.quantiles_, other.quantiles_, equal_nan=True)
    found, expected = one.transform(X), other.transform(X)
    same(found, expected)
    largest = 1 + np.nan_to_num(np.abs(other.quantiles_)).max()
    found, expected = one.inverse_transform(expected), other.inverse_transform(expected)
    assert type(found) is type(expected)
    np.testing.assert_allclose(found.toarray(), expected.toarray(), atol=1e-6 * largest, rtol=1e-5)


@pytest.mark.filterwarnings("error")
def test_both_infinities_in_a_sparse_table():
    X = sp.csr_matrix(np.array([[np.inf, 1.0], [-np.inf, 2.0]]))
    with pytest.raises(ValueError, match="infinity"):
        ours.QuantileTransformer(n_quantiles=2).fit(X)
    model = ours.QuantileTransformer(n_quantiles=2).fit(np.ones((2, 2)))
    with pytest.raises(ValueError, match="infinity"):
        model.transform(X)
    with pytest.raises(ValueError, match="infinity"):
        model.inverse_transform(X)


def test_quantiles_refuse():
    with pytest.raises(ValueError, match="n_quantiles=11 and subsample=10"):
        ours.QuantileTransformer(n_quantiles=11, subsample=10).fit(np.ones((30, 1)))
    with pytest.warns(UserWarning, match=r"n_quantiles \(1000\) is greater"):
        model = ours.QuantileTransformer().fit(np.ones((30, 2)))
    with pytest.raises(ValueError, match="X has 3 features, but QuantileTransformer is expecting 2"):
        model.inverse_transform(np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"X\[1, 0\] is inf"):
        model.inverse_transform([[0.5, 0.5], [np.inf, 0.5]])
    with pytest.warns(UserWarning, match="only with sparse"):
        ours.QuantileTransformer(n_quantiles=3, ignore_implicit_zeros=True).fit(np.ones((30, 2)))
    model.quantiles_ = np.ones((30, 3))
    with pytest.raises(ValueError, match="quantiles_ of shape"):
        model.transform(np.ones((1, 2)))


# ------------------------------------------------------------------------------------------------ powers


@effort(0.3)
@given(st.integers(0, 2**32), st.sampled_from(["yeo-johnson", "box-cox"]), st.booleans(), st.booleans())
def test_powers_are_scikit_learns(seed, method, standardize, missing):
    random = np.random.default_rng(seed)
    n, d = random.integers(8, 60), random.integers(1, 5)
    X = random.normal(size=(n, d)) + random.normal(size=d)
    X = np.exp(X) if method == "box-cox" or random.random() < 0.5 else np.round(X, 1) * 3
    if missing:
        X[random.random((n, d)) < 0.1] = np.nan
    one, other = (m.PowerTransformer(method, standardize=standardize).fit(X) for m in (ours, theirs))
    np.testing.assert_allclose(one.lambdas_, other.lambdas_, rtol=1e-5, atol=1e-5)
    other.lambdas_ = one.lambdas_  # both searches end within a tolerance
    if standardize:
        other._scaler.fit(theirs.PowerTransformer.transform(without_scaler(other), X))
    for rows in (X, X[:1]):
        same(one.transform(rows), other.transform(rows), 1e-8)
    back = one.transform(X)
    np.testing.assert_allclose(one.inverse_transform(back), X, rtol=1e-6, atol=1e-6)
    assert np.array_equal(one.fit_transform(X), back, equal_nan=True)
    for rows in (back, back[:1], np.array([[-3.0, 0.0, 0.5, 4.0]])[:, :d]):
        found, told = with_warnings(one.inverse_transform, rows)
        same(found, with_warnings(other.inverse_transform, rows)[0], 1e-6)
        assert len(told) == (np.isnan(found) & ~np.isnan(rows)).any(axis=0).sum()
    assert repr(one) == repr(other)


def with_warnings(call, rows):
    """(what it returns, the texts of its warnings)."""
    with warnings.catch_warnings(record=True) as told, np.errstate(all="ignore"):
        warnings.simplefilter("always", UserWarning)
        found = call(rows)
    return found, [str(each.message) for each in told if each.category is UserWarning]


def without_scaler(model):
    plain = theirs.PowerTransformer(model.method, standardize=False)
    plain.lambdas_, plain.n_features_in_ = model.lambdas_, model.n_features_in_
    return plain


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_powers_of_float32(method):
    X = np.exp(np.random.default_rng(0).normal(size=(200, 3))).astype(np.float32)
    one, other = (m.PowerTransformer(method).fit(X) for m in (ours, theirs))
    assert one.lambdas_.dtype == other.lambdas_.dtype
    np.testing.assert_allclose(one.lambdas_, other.lambdas_, atol=5e-3)
    found, expected = one.transform(X), other.transform(X)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_columns_that_powers_do_not_change():
    X = np.stack([np.full(20, 3.0), np.zeros(20), np.arange(20.0)], axis=1)
    one, other = (m.PowerTransformer().fit(X) for m in (ours, theirs))
    assert one.lambdas_[:2].tolist() == other.lambdas_[:2].tolist() == [1, 1]
    same(one.transform(X), other.transform(X), 1e-6)


def test_powers_that_would_overflow():
    X = np.array([2003.0, 1950, 1997, 2000, 2009])[:, None]
    one, other = (m.PowerTransformer("yeo-johnson").fit(X) for m in (ours, theirs))
    np.testing.assert_allclose(one.lambdas_, other.lambdas_, rtol=1e-5)
    assert np.isfinite(one.transform(X)).all()
    with pytest.warns(UserWarning, match="constrained optimum"):
        one = ours.PowerTransformer("box-cox", standardize=False).fit(X)
    with pytest.warns(UserWarning, match="constrained optimum"):
        other = theirs.PowerTransformer("box-cox", standardize=False).fit(X)
    np.testing.assert_allclose(one.lambdas_, other.lambdas_, rtol=1e-6)


def test_powers_refuse():
    with pytest.raises(ValueError, match=r"strictly positive data: X\[1, 0\] is not above 0"):
        ours.PowerTransformer("box-cox").fit([[1.0], [0.0], [2.0]])
    with pytest.raises(ValueError, match="must not be constant"):
        ours.PowerTransformer("box-cox").fit([[1.0], [1.0], [1.0]])
    for method in ("box-cox", "yeo-johnson"):
        with pytest.raises(ValueError, match="Column must not be all nan"):
            ours.PowerTransformer(method).fit([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan]])
    model = ours.PowerTransformer("box-cox").fit([[1.0], [3.0], [2.0]])
    with pytest.raises(ValueError, match="strictly positive"):
        model.transform([[-1.0]])


# ------------------------------------------------------------------------------------------------ all of them

CLASSES = [("QuantileTransformer", {"n_quantiles": 5}), ("PowerTransformer", {})]


@pytest.mark.parametrize(("name", "options"), CLASSES)
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(name, options, frame):
    data = {"a": [1.0, 2.0, 5.0, 4.0, 3.0], "b": [3, 1, 2, 5, 5]}
    one, other = (getattr(m, name)(**options).fit(frame(data)) for m in (ours, theirs))
    for kind in ("default", "pandas", "polars"):
        found, expected = (m.set_output(transform=kind).transform(frame(data)) for m in (one, other))
        assert type(found) is type(expected)
        # Both searches for an exponent end within 1.5e-8 of it, and a centred number may be near 0.
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-7, atol=1e-7)
    with pytest.raises(ValueError, match="feature names"):
        one.transform(frame({"b": [1.0], "a": [1.0]}))


@pytest.mark.parametrize(("name", "options"), CLASSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_a_copy_and_in_a_file(name, options, dtype, tmp_path):
    X = np.random.default_rng(0).normal(size=(9, 3)).astype(dtype)
    expected, before = getattr(ours, name)(**options).fit(X).transform(X), X.copy()
    model = getattr(ours, name)(copy=False, **options).fit(X)
    assert np.array_equal(X, before)
    fastml.save(model, tmp_path / "m.fml")
    assert np.array_equal(fastml.load(tmp_path / "m.fml").transform(X.copy()), model.transform(X.copy()))
    same(model.transform(X), expected)
    same(X, expected)


@pytest.mark.parametrize(("name", "options"), CLASSES)
def test_said_to_scikit_learn_and_back(name, options):
    X = np.random.default_rng(0).normal(size=(30, 3))
    one, other = (getattr(m, name)(**options).fit(X) for m in (ours, theirs))
    said = fastml.to_sklearn(one)
    assert type(said) is type(other)
    same(said.transform(X), other.transform(X), 1e-6)
    same(said.inverse_transform(X), other.inverse_transform(X), 1e-5)
    read = fastml.from_sklearn(other)
    assert type(read) is type(one)
    same(read.transform(X), one.transform(X), 1e-6)


def test_powers_of_rows_that_cannot_be_written_are_given_back_beside_them():
    X = np.random.default_rng(0).normal(size=(20, 2))
    wanted = ours.PowerTransformer().fit_transform(X)
    X.setflags(write=False)
    np.testing.assert_array_equal(ours.PowerTransformer(copy=False).fit_transform(X), wanted)
