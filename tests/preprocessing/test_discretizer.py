"""KBinsDiscretizer against scikit-learn's."""

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
from fastml.preprocessing.centres import centres_of_line

METHODS = (
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull"),
    *("linear", "median_unbiased", "normal_unbiased"),
)
pytestmark = [
    pytest.mark.filterwarnings("ignore:Feature .* is constant"),
    pytest.mark.filterwarnings("ignore:invalid value encountered in add:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:Bins whose width"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@st.composite
def tables(draw):
    n, d = draw(st.integers(1, 50)), draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = random.integers(-3, 4, (n, d)).astype(float)
    kind = draw(st.sampled_from(["whole", "decimal", "far", "constant", "normal", "tails", "tiny"]))
    X = {
        "whole": X,
        "decimal": X / 10,
        "far": X + 1e5,
        "constant": np.full((n, d), 0.1),
        "normal": random.normal(size=(n, d)),
        "tails": np.clip(random.standard_cauchy((n, d)) ** 3, -1e9, 1e9),
        "tiny": X * 1e-9,
    }[kind]
    return X.astype(draw(st.sampled_from([np.float32, np.float64, np.int32])))


def dense(table):
    return table.toarray() if sp.issparse(table) else table


def fitted(options, X, weight=None):
    return [m.KBinsDiscretizer(**options, random_state=0).fit(X, sample_weight=weight) for m in (ours, theirs)]


def alike(one, other, exact=True):
    assert one.n_bins_.tolist() == other.n_bins_.tolist()
    assert one.n_bins_.dtype == other.n_bins_.dtype
    for a, b in zip(one.bin_edges_, other.bin_edges_, strict=True):
        assert a.dtype == b.dtype
        if exact:
            assert a.tolist() == b.tolist()
        else:
            np.testing.assert_allclose(a, b, rtol=1e-4 if b.dtype == np.float32 else 1e-9, atol=1e-6)


options_of = st.fixed_dictionaries(
    {
        "n_bins": st.integers(2, 7),
        "encode": st.sampled_from(["onehot", "onehot-dense", "ordinal"]),
        "dtype": st.sampled_from([None, np.float32, np.float64]),
        "subsample": st.sampled_from([None, 20]),
        "strategy": st.sampled_from(["uniform", "quantile"]),
        "quantile_method": st.sampled_from(METHODS),
    }
)


@given(tables(), options_of, st.booleans())
def test_everything_is_scikit_learns(X, options, weighted):
    weight = np.random.default_rng(len(X)).integers(0, 3, len(X)) + (np.arange(len(X)) == 0) if weighted else None
    if weighted:
        options["quantile_method"] = "averaged_inverted_cdf"
    try:
        one, other = fitted(options, X, weight)
    except ValueError as error:
        if "make no bin at all" not in str(error):
            raise
        with pytest.raises((ValueError, IndexError), match="unknown categories|out of bounds"):
            theirs.KBinsDiscretizer(**options, random_state=0).fit(X, sample_weight=weight)
        return
    alike(one, other)
    for rows in (X, X[:1], X[::-1] * 2):
        found, expected = one.transform(rows), other.transform(rows)
        assert type(found) is type(expected)
        assert found.dtype == expected.dtype
        assert np.array_equal(dense(found), dense(expected))
    if not other.n_bins_.all():
        return
    back, expected = one.inverse_transform(found), other.inverse_transform(expected)
    assert back.dtype == expected.dtype
    assert np.array_equal(back, expected, equal_nan=True)
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    assert repr(one) == repr(other)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_long_columns(dtype, strategy):
    random = np.random.default_rng(0)
    X = np.stack([random.normal(size=30_000), random.integers(0, 4, 30_000), random.random(30_000) ** 9], axis=1)
    for subsample in (None, 15_000):
        one, other = fitted({"strategy": strategy, "subsample": subsample, "n_bins": 9}, X.astype(dtype))
        alike(one, other)
        assert (one.transform(X.astype(dtype)) != other.transform(X.astype(dtype))).nnz == 0


@given(st.integers(0, 2**32), st.integers(2, 6), st.sampled_from([None, "whole", "real"]))
def test_centres_are_those_of_k_means(seed, k, weighted):
    random = np.random.default_rng(seed)
    X = random.normal(size=(random.integers(k, 200), 2)) * [1, 100] + [0, 1e3]
    weight = {"whole": random.integers(0, 3, len(X)), "real": random.random(len(X))}.get(weighted)
    if weight is not None and len(np.unique(X[weight > 0, 0])) < k:
        weight = None
    alike(*fitted({"strategy": "kmeans", "n_bins": k}, X, weight), exact=False)


@given(st.integers(0, 2**32), st.integers(2, 6))
def test_centres_of_numbers_half_way_between_two_are_k_means_own(seed, k):
    X = np.random.default_rng(seed).integers(0, 5, (40, 2)).astype(float)
    alike(*fitted({"strategy": "kmeans", "n_bins": k}, X), exact=False)


def test_a_cluster_that_runs_empty_is_k_means_to_fill():
    x = np.array([0.0, 0.1, 0.2, 10.0])
    assert (np.diff(centres_of_line(x, None, np.array([1.0, 4.0, 6.0, 9.0]))) > 0).all()
    with pytest.raises(ValueError, match="n_samples=4 should be >= n_clusters=5"):
        ours.KBinsDiscretizer(5, strategy="kmeans").fit(x[:, None])


def test_bins_of_each_column():
    X = np.random.default_rng(0).normal(size=(40, 3))
    for strategy in ("uniform", "quantile", "kmeans"):
        alike(*fitted({"n_bins": [2, 5, 3], "strategy": strategy}, X), exact=strategy != "kmeans")
    for wrong in ([2, 5], [2, 1, 3], [[2, 3, 4]], [2.5, 3, 3]):
        with pytest.raises(ValueError, match="n_bins|number of bins"):
            ours.KBinsDiscretizer(wrong).fit(X)


@pytest.mark.parametrize("encode", ["onehot", "onehot-dense", "ordinal"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_another_dtype(encode, dtype):
    X = np.round(np.random.default_rng(0).normal(size=(60, 3)), 1)
    for first, later in ((X, X.astype(np.float32)), (X.astype(np.float32), X)):
        for wanted in (None, dtype):
            one, other = fitted({"encode": encode, "dtype": wanted}, first)
            found, expected = one.transform(later), other.transform(later)
            assert found.dtype == expected.dtype
            assert np.array_equal(dense(found), dense(expected))


@pytest.mark.parametrize("encode", ["onehot", "onehot-dense", "ordinal"])
def test_files_and_scikit_learn(encode, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    one, other = fitted({"encode": encode}, X)
    fastml.save(one, tmp_path / "m.fml")
    expected = dense(other.transform(X))
    for model in (fastml.load(tmp_path / "m.fml"), fastml.to_sklearn(one), fastml.from_sklearn(other)):
        assert np.array_equal(dense(model.transform(X)), expected)
        assert np.array_equal(model.inverse_transform(expected), other.inverse_transform(expected))
        assert model.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    assert type(fastml.to_sklearn(one)) is type(other)
    assert isinstance(fastml.from_sklearn(other), ours.KBinsDiscretizer)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(frame):
    data = frame({"a": [1.0, 2.0, 5.0, 4.0, 3.0], "b": [3, 1, 2, 5, 5]})
    one, other = fitted({"n_bins": 3, "encode": "onehot-dense"}, data)
    for kind in ("default", "pandas", "polars"):
        found, expected = (m.set_output(transform=kind).transform(data) for m in (one, other))
        assert type(found) is type(expected)
        assert np.array_equal(np.asarray(found), np.asarray(expected))
    with pytest.raises(ValueError, match="feature names"):
        one.transform(frame({"b": [1.0], "a": [1.0]}))


def test_refusals():
    X = np.random.default_rng(0).normal(size=(60, 3))
    with pytest.raises(ValueError, match="quantile_method should either be"):
        ours.KBinsDiscretizer(quantile_method="linear").fit(X, sample_weight=np.ones(60))
    for weight in (np.zeros(60), np.full(60, -1.0), np.ones(59), "heavy"):
        with pytest.raises(ValueError, match="sample_weight"):
            ours.KBinsDiscretizer().fit(X, sample_weight=weight)
    model = ours.KBinsDiscretizer(encode="ordinal").fit(X)
    for wrong in (-1.0, 5.0):
        with pytest.raises(ValueError, match=r"X\[0, 2\] is .*, and the bins of that column are 0 to 4"):
            model.inverse_transform([[0.0, 0.0, wrong]])
    with pytest.raises(ValueError, match="Expecting 3, received 2"):
        model.inverse_transform([[0.0, 0.0]])
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"X\[0, 1\] is (NaN|inf)"):
            model.transform([[0.0, bad, 0.0]])
