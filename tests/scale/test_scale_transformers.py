"""Transformers, selectors and discriminant analysis over tables in parts: the bits of memory, or of any other cut."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import fastml.scale
from fastml.decomposition import PCA, TruncatedSVD
from fastml.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from fastml.feature_selection import (
    SelectFpr,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
    chi2,
    f_regression,
    mutual_info_classif,
    r_regression,
)
from fastml.linear_model import LogisticRegression
from fastml.pipeline import make_pipeline
from fastml.preprocessing import (
    Binarizer,
    LabelBinarizer,
    LabelEncoder,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    SplineTransformer,
    StandardScaler,
)

N, D = 2 * 2**13 + 700, 4
CUTS = st.lists(st.integers(0, N), max_size=5)


def table(dtype=np.float64):
    random = np.random.default_rng(3)
    X = random.normal(size=(N, D)) * [1, 20, 0.1, 3] + [0, 5, 30, 0]
    X[:, 3] += X[:, 0]
    y = (X[:, 0] + random.normal(size=N) > 0).astype(int) + (X[:, 1] > 30)
    return X.astype(dtype), y


LEARNT = [  # a model, and whether its result beyond a sample is that of memory but for rounding
    PCA(),
    PCA(2, whiten=True),
    PCA(0.9),
    TruncatedSVD(2, random_state=0),
    VarianceThreshold(),
    VarianceThreshold(0.5),
    SelectKBest(k=2),
    SelectPercentile(percentile=50),
    SelectKBest(chi2, k=2),
    SelectKBest(f_regression, k=2),
    SelectKBest(r_regression, k=1),
    SelectFpr(alpha=0.01),
    LinearDiscriminantAnalysis(),
    LinearDiscriminantAnalysis(priors=[0.2, 0.3, 0.5], n_components=1),
    QuadraticDiscriminantAnalysis(),
    QuadraticDiscriminantAnalysis(reg_param=0.1, store_covariance=True),
    Normalizer(),
    Binarizer(threshold=0.3),
    PolynomialFeatures(2),
    SplineTransformer(),
    SplineTransformer(knots="quantile", n_knots=7),
    StandardScaler(),
]
EXACT = Normalizer, Binarizer, PolynomialFeatures, SplineTransformer


def data(model, dtype=np.float64):
    X, y = table(dtype)
    if getattr(model, "score_func", None) is chi2:
        X = np.floor(np.abs(X))
    numbers = getattr(model, "score_func", None) in (f_regression, r_regression)
    return X, X[:, 1] + y if numbers else np.array(["a", "b", "c"], object)[y]


def chunks(X, y, cuts, memory):
    cuts = [0, *sorted(cuts), N]
    return fastml.scale.chunks([(X[a:b], y[a:b]) for a, b in pairwise(cuts)], memory=memory)


def same(one, other, exact=True):
    for name, value in vars(one).items():
        if name.endswith("_") and not name.startswith("_") and name != "n_features_in_":
            pairs = zip(value, getattr(other, name), strict=True) if isinstance(value, list) else []
            for a, b in pairs or [(value, getattr(other, name))]:
                a, b = np.asarray(a), np.asarray(b)
                assert a.shape == b.shape, name
                assert a.dtype == b.dtype, name
                if exact or a.dtype.kind not in "f":
                    assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), name
                else:
                    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("model", LEARNT, ids=str)
def test_where_a_sample_is_the_table_the_bits_are_those_of_memory(model, dtype):
    X, y = data(model, dtype)
    one = clone(model).fit(X, y)
    for parts in (fastml.scale.arrays(X, y), chunks(X, y, [0, 9, 12_000], 2**28)):
        other = clone(model).fit(parts)
        same(one, other)
        method = "transform" if hasattr(one, "transform") else "predict_proba"
        assert np.array_equal(fastml.scale.predict(other, parts, method=method), getattr(one, method)(X))
        assert pickle.dumps(other)


@pytest.mark.parametrize("model", LEARNT, ids=str)
@settings(deadline=None, max_examples=4)
@given(cuts=CUTS)
def test_beyond_a_sample_cuts_do_not_matter(model, cuts):
    X, y = data(model)
    one = clone(model).fit(fastml.scale.arrays(X, y, memory=2**17))
    same(one, clone(model).fit(chunks(X, y, cuts, 2**17)))
    memory = clone(model).fit(X, y)
    if isinstance(model, TruncatedSVD):  # the fit in memory is by random directions
        np.testing.assert_allclose(one.singular_values_, memory.singular_values_, rtol=1e-6)
    else:
        same(memory, one, isinstance(model, EXACT))


@pytest.mark.parametrize("model", LEARNT[:-1], ids=str)
@pytest.mark.parametrize("memory", [2**17, 2**28])
def test_on_workers_too(model, memory):
    da = pytest.importorskip("dask.array")
    import fastml.dask

    X, y = data(model)
    lazy = fastml.dask.parts(da.from_array(X, chunks=(5000, 2)), da.from_array(y, chunks=5000), memory=memory)
    other = clone(model).fit(lazy)
    same(clone(model).fit(fastml.scale.arrays(X, y, memory=memory)), other)
    if hasattr(other, "transform"):
        X_lazy = da.from_array(X, chunks=(5000, 2))
        assert np.array_equal(other.transform(X_lazy).compute(), other.transform(X))


def test_small_float32_tables_far_from_0():
    X, y = table()
    X = (X + 1e4).astype(np.float32)
    one = PCA().fit(fastml.scale.arrays(X, memory=2**16))
    exact = np.linalg.eigvalsh(np.cov(X.astype(float).T))[::-1]
    np.testing.assert_allclose(one.explained_variance_, exact, rtol=1e-4)


@pytest.mark.parametrize("step", [PCA(2), SelectKBest(k=2), PolynomialFeatures(2), SplineTransformer(), Normalizer()])
def test_steps_of_pipelines(step):
    X, y = table()
    y = np.minimum(y, 1)
    model = make_pipeline(StandardScaler(), step, LogisticRegression())
    one, other = clone(model).fit(X, y), clone(model).fit(fastml.scale.arrays(X, y))
    assert np.array_equal(one.steps[-1][1].coef_, other.steps[-1][1].coef_)
    assert np.array_equal(fastml.scale.predict(other, fastml.scale.arrays(X)), one.predict(X))


def test_labels_are_found_in_a_pass_over_y():
    X, y = table()
    for labels in (y, np.minimum(y, 1), np.array(["x", "y", "z"], object)[y]):
        for model in (LabelEncoder(), LabelBinarizer()):
            one, other = clone(model).fit(labels), clone(model).fit(fastml.scale.arrays(X, labels))
            assert np.array_equal(one.classes_, other.classes_)
            assert np.array_equal(one.transform(labels[:9]), other.transform(labels[:9]))


def test_what_needs_the_table_says_so():
    X, y = table()
    parts = fastml.scale.arrays(X, y)
    for model, message in [
        (PowerTransformer(), "PowerTransformer needs its table in memory"),
        (PCA(svd_solver="randomized"), "takes the covariance: svd_solver='randomized'"),
        (PCA("mle"), "n_components='mle' are for tables in memory"),
        (TruncatedSVD(2, algorithm="arpack"), "not 'arpack'"),
        (SelectKBest(mutual_info_classif, k=2), "score_func=mutual_info_classif needs the table in memory"),
        (LinearDiscriminantAnalysis(solver="lsqr"), "takes solver='svd'"),
        (LinearDiscriminantAnalysis(store_covariance=True), "keeps no covariance"),
        (QuadraticDiscriminantAnalysis(solver="eigen"), "takes solver='svd'"),
    ]:
        with pytest.raises((TypeError, ValueError), match=message):
            model.fit(parts)
    with pytest.raises(ValueError, match="has no target, and SelectKBest needs one"):
        SelectKBest(k=2).fit(fastml.scale.arrays(X))
    with pytest.raises(ValueError, match="PCA makes products of 2500"):
        PCA(2).fit(fastml.scale.arrays(np.zeros((2**13 + 10, 2500), np.float32), memory=2**16))
    with pytest.raises(ValueError, match="Input X must be non-negative"):
        SelectKBest(chi2, k=2).fit(fastml.scale.arrays(X, y, memory=2**17))
    X[7, 2] = np.nan
    with pytest.raises(ValueError, match="column 2 is NaN in row 7 of X, and PCA takes finite"):
        PCA().fit(fastml.scale.arrays(X, y))
