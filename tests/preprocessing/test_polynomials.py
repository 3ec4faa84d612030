"""PolynomialFeatures against scikit-learn's: the same products, to the bit."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.preprocessing as theirs
from hypothesis import given
from hypothesis import strategies as st

import fastml
import fastml.preprocessing as ours

DEGREES = st.one_of(st.integers(0, 4), st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda t: tuple(sorted(t))))
options_of = st.fixed_dictionaries(
    {
        "degree": DEGREES,
        "interaction_only": st.booleans(),
        "include_bias": st.booleans(),
        "order": st.sampled_from(["C", "F"]),
    }
)


@st.composite
def tables(draw):
    n, d = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = draw(st.sampled_from([random.integers(-3, 4, (n, d)), random.normal(size=(n, d)) * 10]))
    return X.astype(draw(st.sampled_from([np.float32, np.float64, np.int32, np.bool_])))


def fitted(options, X):
    """Both models; None where scikit-learn refuses, and so does fastml."""
    try:
        other = theirs.PolynomialFeatures(**options).fit(X)
    except ValueError:
        with pytest.raises(ValueError, match="empty output array"):
            ours.PolynomialFeatures(**options).fit(X)
        return None, None
    return ours.PolynomialFeatures(**options).fit(X), other


@given(tables(), options_of)
def test_everything_is_scikit_learns(X, options):
    one, other = fitted(options, X)
    if other is None:
        return
    for rows in (X, X[:1], X[::-1]):
        found, expected = one.transform(rows), other.transform(rows)
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert found.flags.f_contiguous == expected.flags.f_contiguous or min(found.shape) < 2 or options["degree"] != 2
        assert np.array_equal(found, expected)
    assert one.n_output_features_ == other.n_output_features_
    if not other.n_output_features_:
        return  # there are none of these columns
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    assert np.array_equal(one.powers_, other.powers_)
    assert repr(one) == repr(other)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("degree", [2, 3, (2, 3), (3, 3)])
@pytest.mark.parametrize("interaction_only", [False, True])
def test_many_rows_and_columns(order, degree, interaction_only):
    X = np.random.default_rng(0).normal(size=(1500, 20))
    one, other = fitted({"degree": degree, "order": order, "interaction_only": interaction_only}, X)
    assert np.array_equal(one.transform(X), other.transform(X))


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_matrix, sp.csr_array, sp.coo_matrix])
@pytest.mark.parametrize("degree", [2, 3, 4, (2, 3)])
def test_sparse_tables(kind, degree):
    X = kind(np.random.default_rng(0).integers(0, 3, (20, 5)).astype(float))
    one, other = fitted({"degree": degree}, X)
    found, expected = one.transform(X), other.transform(X)
    assert found.format == expected.format
    assert type(found) is type(expected)
    assert np.array_equal(found.toarray(), expected.toarray())
    assert np.array_equal(one.transform(X.toarray()), expected.toarray())


@given(st.data(), options_of)
def test_sparse_tables_are_scikit_learns(data, options):
    n, d = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 6))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    X = random.integers(-3, 4, (n, d)) * (random.random((n, d)) < 0.4)
    X = data.draw(st.sampled_from([sp.csr_matrix, sp.csc_array]))(X.astype(data.draw(st.sampled_from("fdi"))))
    one, other = fitted(options, X)
    if other is None:
        return
    found = one.transform(X)
    assert found.shape == (n, one.n_output_features_)
    if not one.n_output_features_:
        return  # for which scikit-learn's stack of columns has no word
    expected = other.transform(X)
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.nnz == expected.nnz
    assert found.indices.dtype == found.indptr.dtype == np.int32
    assert np.array_equal(found.toarray(), expected.toarray())
    assert found.has_canonical_format


def test_sparse_rows_out_of_order_and_twice():
    X = sp.csr_array((np.array([2.0, 3.0, 4.0]), np.array([2, 0, 2]), np.array([0, 3])), shape=(1, 3))
    model = ours.PolynomialFeatures(2).fit(X)
    assert np.array_equal(model.transform(X).toarray(), model.transform(X.toarray()))
    assert X.data.tolist() == [2, 3, 4]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(frame):
    data = frame({"a": [1.0, 2.0, 5.0, 4.0, 3.0], "b": [3, 1, 2, 5, 5]})
    one, other = fitted({}, data)
    for kind in ("default", "pandas", "polars"):
        found, expected = (m.set_output(transform=kind).transform(data) for m in (one, other))
        assert type(found) is type(expected)
        assert np.array_equal(np.asarray(found), np.asarray(expected))
    assert one.get_feature_names_out().tolist() == ["1", "a", "b", "a^2", "a b", "b^2"]


def test_files_and_scikit_learn(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    one, other = fitted({"degree": (2, 3)}, X)
    fastml.save(one, tmp_path / "m.fml")
    for model in (fastml.load(tmp_path / "m.fml"), fastml.to_sklearn(one), fastml.from_sklearn(other)):
        assert np.array_equal(model.transform(X), other.transform(X))
    assert type(fastml.to_sklearn(one)) is type(other)
    one.n_output_features_ = 10**6
    with pytest.raises(TypeError, match="n_output_features_: 1000000 columns instead of 17"):
        fastml.save(one, tmp_path / "m.fml")


@pytest.mark.parametrize("degree", [(1, 2, 3), (2, 1), (1.5, 2), (-1, 2), "ab", (0, 0)])
def test_degrees_that_are_none(degree):
    with pytest.raises(ValueError, match="degree"):
        ours.PolynomialFeatures(degree, include_bias=False).fit(np.ones((2, 2)))


def test_refusals():
    model = ours.PolynomialFeatures(9).fit(np.ones((2, 60)))
    with pytest.raises(ValueError, match=r"degree=9 makes \d+ columns of 2 rows"):
        model.transform(np.ones((2, 60)))
    with pytest.raises(ValueError, match="too large to be indexed"):
        ours.PolynomialFeatures(20).fit(np.ones((2, 500)))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"X\[0, 1\] is (NaN|inf)"):
            ours.PolynomialFeatures().fit(np.ones((1, 2))).transform([[0.0, bad]])


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("degree", [1, 2, (2, 3)])
def test_many_columns_that_hold_nothing(degree, apart):
    """Tables are made of the columns that hold something: products stand where those of all columns would."""
    rng = np.random.default_rng(0)
    d = 2**17
    places = np.sort(rng.choice(d, 6, replace=False))
    narrow = sp.csr_array(np.round(rng.normal(size=(5, 6)) * (rng.random((5, 6)) < 0.6), 1))
    wide = sp.csr_array((narrow.data, places[narrow.indices], narrow.indptr), shape=(5, d))
    made = ours.PolynomialFeatures(degree, interaction_only=apart, include_bias=False).fit_transform(wide)
    expected = theirs.PolynomialFeatures(degree, interaction_only=apart, include_bias=False).fit_transform(wide)
    assert made.shape == expected.shape
    expected.sort_indices()
    np.testing.assert_array_equal(made.indices, expected.indices)
    np.testing.assert_array_equal(made.indptr, expected.indptr)
    np.testing.assert_allclose(made.data, expected.data, rtol=1e-14)
