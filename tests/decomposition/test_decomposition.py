"""Decompositions against scikit-learn's."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.decomposition as scikit
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import fastml
import fastml.decomposition as ours

seeds = st.integers(0, 2**32 - 1)
RESULTS = ("explained_variance_", "explained_variance_ratio_", "singular_values_")


def table(random, n, d):
    """With a spectrum that tells the directions apart, off centre."""
    q, _ = np.linalg.qr(random.standard_normal((d, d)))
    return random.standard_normal((n, d)) * 0.7 ** np.arange(d) @ q + random.standard_normal(d)


def quietly(call, *arguments):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return call(*arguments)


def assert_same(one, other, X, within, of_squares=False):
    """of_squares: they were found as eigenvalues, of which those near 0 have the rounding of the largest."""
    top = abs(other.singular_values_).max() if len(other.singular_values_) else 1.0
    for name in RESULTS:
        a, b = getattr(one, name), getattr(other, name)
        if of_squares and name == "singular_values_":
            assert a.dtype == b.dtype
            a, b = a**2, b**2
        np.testing.assert_allclose(a, b, rtol=within, atol=within * (abs(b).max() if b.size else 1))
        assert a.dtype == b.dtype
    noise = np.sqrt(1e3 * np.finfo(X.dtype).eps) if of_squares else 0.0
    telling = other.singular_values_ > max(1e-3, noise) * top
    np.testing.assert_allclose(one.components_[telling], other.components_[telling], atol=100 * within)
    assert one.components_.shape == other.components_.shape
    assert one.components_.dtype == other.components_.dtype
    a, b = one.transform(X), other.transform(X)
    np.testing.assert_allclose(a[:, telling], b[:, telling], atol=1e3 * within * max(1, abs(b).max()))
    assert a.dtype == b.dtype


@pytest.mark.parametrize("solver", ["auto", "full", "covariance_eigh", "randomized"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(seed=seeds, n=st.integers(2, 60), d=st.integers(1, 12), whiten=st.booleans())
@effort(0.5)
def test_pca_is_scikit_learns(solver, dtype, seed, n, d, whiten):
    random = np.random.default_rng(seed)
    X, within = table(random, n, d).astype(dtype), 1e-8 if dtype == np.float64 else 2e-4
    if solver in ("auto", "covariance_eigh") and dtype == np.float32:
        X -= X.mean(axis=0)  # far from 0, scikit-learn's covariances of singles lose digits
    k = [None, int(random.integers(1, min(n, d) + 1)), 0.9][seed % 3]
    if solver == "randomized" and k == 0.9:
        k = 1
    options = {"n_components": k, "svd_solver": solver, "random_state": 0, "whiten": whiten}
    one, other = quietly(ours.PCA(**options).fit, X), quietly(scikit.PCA(**options).fit, X)
    if one.n_components_ != other.n_components_ and k == 0.9:
        return  # on the edge of the share
    if n <= d and whiten:
        one.set_params(whiten=False), other.set_params(whiten=False)  # a direction without variance
    assert_same(one, other, X, within, solver == "covariance_eigh")
    np.testing.assert_allclose(one.mean_, other.mean_, rtol=1e-4 if dtype == np.float32 else 1e-9, atol=1e-6)
    np.testing.assert_allclose(one.noise_variance_, other.noise_variance_, rtol=1e-3, atol=within)


@pytest.mark.parametrize("shape", [(900, 60), (60, 900), (700, 650)])
def test_larger_shapes_by_the_solver_that_they_get(shape):
    X = table(np.random.default_rng(1), *shape)
    for k in (5, None):
        one, other = (module.PCA(k, random_state=3).fit(X) for module in (ours, scikit))
        assert one._fit_svd_solver == other._fit_svd_solver
        assert_same(one, other, X, 1e-6)
    one, other = (module.TruncatedSVD(5, random_state=3).fit(X) for module in (ours, scikit))
    assert_same(one, other, X, 1e-6)


@given(seed=seeds, n=st.integers(2, 60), d=st.integers(2, 12))
def test_truncated_svd_is_scikit_learns(seed, n, d):
    random = np.random.default_rng(seed)
    X = table(random, n, d)
    k = int(random.integers(1, min(n, d) + 1))
    for layout in (np.asarray, sp.csr_array):
        one, other = (quietly(module.TruncatedSVD(k, random_state=0).fit, layout(X)) for module in (ours, scikit))
        assert_same(one, other, layout(X), 1e-8)
        np.testing.assert_allclose(one.inverse_transform(one.transform(X)), other.inverse_transform(other.transform(X)))


def test_integers_sparse_and_far_columns():
    X = load_digits().data
    for layout in (lambda X: X.astype(int), sp.csr_array):
        one, other = (module.PCA(4, random_state=0).fit(layout(X)) for module in (ours, scikit))
        assert_same(one, other, X, 1e-7)
    near = np.random.default_rng(0).integers(0, 50, (3000, 8)) * np.arange(1.0, 9)
    far = ours.PCA().fit(near + 2.0**30)
    np.testing.assert_allclose(far.explained_variance_, scikit.PCA(svd_solver="full").fit(near).explained_variance_)


def test_constant_columns_and_refusals():
    X = np.ones((30, 3))
    model = quietly(ours.PCA().fit, X)
    assert model.explained_variance_.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="n_components=4 must be between 0 and .*=3"):
        ours.PCA(4).fit(X)
    with pytest.raises(ValueError, match="n_components"):
        ours.TruncatedSVD(4).fit(X)
    assert ours.PCA(n_components="mle").fit(np.random.default_rng(0).random((40, 4))).n_components_ >= 1


def test_changes_after_fit_and_copies():
    X = load_digits().data
    model = ours.PCA(5).fit(X)
    plain = model.transform(X)
    model.set_params(whiten=True)
    np.testing.assert_allclose(model.transform(X).var(axis=0, ddof=1), np.ones(5))
    model.set_params(whiten=False)
    twin = fastml.to_sklearn(model)
    assert type(twin) is scikit.PCA
    assert np.array_equal(pickle.loads(pickle.dumps(model)).transform(X), plain)
    np.testing.assert_allclose(twin.transform(X), plain, atol=1e-10)
    np.testing.assert_allclose(fastml.from_sklearn(twin).transform(X), plain)
    np.testing.assert_allclose(model.get_covariance(), twin.get_covariance())
    assert model.get_feature_names_out().tolist() == [f"pca{i}" for i in range(5)]


@pytest.mark.parametrize("options", [{"svd_solver": "arpack", "n_components": 2}, {"n_components": "mle"}])
def test_rows_are_projected_as_they_were_given_without_copies(options):
    X = np.random.default_rng(0).normal(size=(40, 6)) * [9, 7, 5, 3, 1, 1] + 5
    model = ours.PCA(copy=False, random_state=0, **options)
    found = model.fit_transform(X.copy())
    assert found == pytest.approx(model.transform(X))
    assert np.abs(found) == pytest.approx(np.abs(scikit.PCA(random_state=0, **options).fit_transform(X)), abs=1e-6)


@pytest.mark.parametrize("layout", [sp.lil_matrix, sp.dok_array, sp.bsr_array, sp.coo_array, sp.csc_matrix])
@pytest.mark.parametrize("model", [ours.PCA(2, svd_solver="arpack", random_state=0), ours.TruncatedSVD(2)])
def test_sparse_rows_of_any_layout_are_projected(model, layout):
    X = sp.random(30, 8, 0.4, "csr", rng=np.random.default_rng(0))
    assert model.fit(X).transform(layout(X)) == pytest.approx(model.transform(X))
    spoilt = X.tolil()
    spoilt[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN. X\[2, 3\]"):
        model.transform(layout(spoilt))
