"""SplineTransformer against scikit-learn's."""

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

BEYOND = ("error", "constant", "linear", "continue", "periodic")
options_of = st.fixed_dictionaries(
    {
        "n_knots": st.integers(2, 7),
        "degree": st.integers(0, 4),
        "knots": st.sampled_from(["uniform", "quantile"]),
        "extrapolation": st.sampled_from(BEYOND),
        "include_bias": st.booleans(),
        "order": st.sampled_from(["C", "F"]),
    }
)


@st.composite
def tables(draw, missing):
    n, d = draw(st.integers(2, 40)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = draw(st.sampled_from([random.integers(-3, 4, (n, d)) / 1.0, random.normal(size=(n, d)), np.ones((n, d))]))
    X = X.astype(draw(st.sampled_from([np.float32, np.float64, np.int32])))
    if missing and X.dtype != np.int32:
        X[random.random((n, d)) < 0.2] = np.nan
    return X


def same(found, expected):
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    within = 1e-5 if found.dtype == np.float32 else 1e-10
    np.testing.assert_allclose(found, expected, rtol=within, atol=within)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(st.data(), options_of, st.booleans(), st.sampled_from([None, "whole", "real"]))
def test_everything_is_scikit_learns(data, options, missing, weighted):
    X = data.draw(tables(missing))
    if options["extrapolation"] == "linear" and options["degree"] < 2:
        options["degree"] += 2  # below that scikit-learn counts the degree up from one column to the next
    if options["extrapolation"] == "constant":
        options["degree"] = max(options["degree"], 1)  # of degree 0 scikit-learn fails above the last knot
    if options["extrapolation"] == "periodic":
        options["n_knots"] = max(options["n_knots"], options["degree"] + 1)
    random = np.random.default_rng(len(X))
    weight = {"whole": random.integers(0, 3, len(X)) + (np.arange(len(X)) == 0), "real": random.random(len(X)) + 0.1}
    options["handle_missing"] = "zeros" if missing else "error"
    one, other = (m.SplineTransformer(**options).fit(X, sample_weight=weight.get(weighted)) for m in (ours, theirs))
    assert one.n_features_out_ == other.n_features_out_
    for a, b in zip(one.bsplines_, other.bsplines_, strict=True):
        np.testing.assert_allclose(a.t, b.t, rtol=1e-6 if X.dtype == np.float32 else 1e-14, atol=1e-14)
        assert np.array_equal(a.c, b.c)
    other.bsplines_ = one.bsplines_
    if any(np.isnan(spline.t).any() for spline in one.bsplines_) and options["extrapolation"] != "constant":
        return  # rows with a weight have no number: scikit-learn gives NaN
    inside = X[(np.nan_to_num(X) == X).all(axis=1)] if options["extrapolation"] == "error" else X
    beyond = [] if options["extrapolation"] == "error" or options["degree"] == 0 else [X[:3] * 3, X[:3] - 2]
    for rows in [inside, X[:1], *beyond] if weighted is None else [X, *beyond][options["extrapolation"] == "error" :]:
        if len(rows):
            same(one.transform(rows), other.transform(rows))
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    assert repr(one) == repr(other)


@pytest.mark.parametrize("beyond", BEYOND)
def test_knots_that_are_given(beyond):
    X = np.random.default_rng(0).random((50, 2))
    knots = [[-1.0, -2.0], [0.5, 0.0], [0.7, 1.0], [2.0, 3.0]]
    one, other = (m.SplineTransformer(knots=knots, degree=2, extrapolation=beyond).fit(X) for m in (ours, theirs))
    for rows in (X, X + 5) if beyond != "error" else (X,):
        same(one.transform(rows), other.transform(rows))
    if beyond == "error":
        with pytest.raises(ValueError, match="beyond the limits of the knots"):
            one.transform(X + 5)
    for wrong, told in (([[1.0, 1.0]], "must be >= 2"), ([[1.0], [2.0]], "n_features"), (knots[::-1], "sorted")):
        with pytest.raises(ValueError, match=told):
            ours.SplineTransformer(knots=wrong).fit(X)


@pytest.mark.parametrize("degree", [0, 1])
def test_lines_beyond_the_knots_are_those_of_each_column(degree):
    X = np.random.default_rng(0).random((50, 3))
    rows = np.concatenate([X, X * 3, X - 2])
    found = ours.SplineTransformer(degree=degree, extrapolation="linear").fit(X).transform(rows)
    width = found.shape[1] // 3
    for j in range(3):
        other = theirs.SplineTransformer(degree=degree, extrapolation="linear").fit(X[:, [j]])
        if degree:
            same(found[:, j * width : (j + 1) * width], other.transform(rows[:, [j]]))
        np.testing.assert_allclose(found[:, j * width : (j + 1) * width].sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("beyond", ["constant", "continue", "periodic"])
def test_sparse_results(beyond):
    X = np.random.default_rng(0).random((50, 2))
    one, other = (m.SplineTransformer(sparse_output=True, extrapolation=beyond).fit(X) for m in (ours, theirs))
    found, expected = one.transform(X), other.transform(X)
    assert sp.issparse(found)
    assert type(found) is type(expected)
    same(found.toarray(), expected.toarray())
    dense = ours.SplineTransformer(extrapolation=beyond).fit(X)
    same(dense.transform(X), expected.toarray())


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(frame):
    data = frame({"a": [1.0, 2.0, 5.0, 4.0, 3.0], "b": [3, 1, 2, 5, 5]})
    one, other = (m.SplineTransformer().fit(data) for m in (ours, theirs))
    for kind in ("default", "pandas", "polars"):
        found, expected = (m.set_output(transform=kind).transform(data) for m in (one, other))
        assert type(found) is type(expected)
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=1e-12)
    found, expected = (
        m.SplineTransformer(sparse_output=True).fit(data).transform(data).toarray() for m in (ours, theirs)
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("beyond", BEYOND)
def test_files_and_scikit_learn(beyond, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    one, other = (m.SplineTransformer(extrapolation=beyond).fit(X) for m in (ours, theirs))
    fastml.save(one, tmp_path / "m.fml")
    for model in (fastml.load(tmp_path / "m.fml"), fastml.to_sklearn(one), fastml.from_sklearn(other)):
        np.testing.assert_allclose(model.transform(X), other.transform(X), atol=1e-12)
        assert model.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    assert type(fastml.to_sklearn(one)) is type(other)
    fastml.save(fastml.from_sklearn(other), tmp_path / "m.fml")


def test_refusals():
    X = np.random.default_rng(0).normal(size=(60, 3))
    with pytest.raises(ValueError, match="degree < n_knots"):
        ours.SplineTransformer(n_knots=3, extrapolation="periodic").fit(X)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        ours.SplineTransformer().fit(X[:1])
    with pytest.raises(ValueError, match="sample_weight"):
        ours.SplineTransformer().fit(X, sample_weight=np.zeros(60))
    model = ours.SplineTransformer().fit(X)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"X\[0, 1\] is (NaN|inf)"):
            model.transform([[0.0, bad, 0.0]])
    for changed in ({"degree": 9}, {"include_bias": False}, {"extrapolation": "periodic"}):
        with pytest.raises(ValueError, match="changed after fit"):
            ours.SplineTransformer().fit(X).set_params(**changed).transform(X)


def test_knots_that_are_no_numbers_are_refused_by_name():
    with pytest.raises(TypeError, match="knots="):
        ours.SplineTransformer(knots={}).fit([[0.0], [1.0]])
