"""IncrementalPCA against scikit-learn's."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.decomposition as scikit
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

import fastml
import fastml.decomposition as ours

RESULTS = ("mean_", "var_", "explained_variance_", "explained_variance_ratio_", "singular_values_", "noise_variance_")


def table(seed, n, d):
    """With a spectrum that tells the directions apart, off centre."""
    random = np.random.default_rng(seed)
    q, _ = np.linalg.qr(random.standard_normal((d, d)))
    return random.standard_normal((n, d)) * 0.6 ** np.arange(d) @ q + random.standard_normal(d)


def alike(one, other, X):
    within = 1e-8 if X.dtype == np.float64 else 2e-4
    for name in RESULTS:
        a, b = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        np.testing.assert_allclose(a, b, rtol=within, atol=within * max(1, abs(b).max()))
    assert one.n_samples_seen_ == other.n_samples_seen_
    assert one.n_components_ == other.n_components_
    telling = other.singular_values_ > 1e-2 * other.singular_values_.max()
    np.testing.assert_allclose(one.components_[telling], other.components_[telling], atol=100 * within)
    assert one.components_.dtype == X.dtype  # of which scikit-learn's second batch makes float64
    if not one.whiten:
        a, b = one.transform(X), other.transform(X)
        np.testing.assert_allclose(a[:, telling], b[:, telling], atol=1e3 * within)
        assert a.dtype == X.dtype
        np.testing.assert_allclose(one.inverse_transform(b), other.inverse_transform(b), atol=1e3 * within)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@effort(0.5)
@given(st.integers(0, 2**32), st.integers(8, 120), st.integers(2, 7), st.integers(8, 50), st.booleans())
def test_fit_is_scikit_learns(dtype, seed, n, d, batch, whiten):
    X = table(seed, n, d).astype(dtype)
    k = 1 + seed % d
    options = {"n_components": k if n >= k else None, "batch_size": batch, "whiten": whiten}
    one, other = (m.IncrementalPCA(**options).fit(X) for m in (ours, scikit))
    assert one.batch_size_ == other.batch_size_
    alike(one, other, X)
    assert repr(one) == repr(other)
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


def test_batches_that_come_one_by_one():
    X = table(0, 100, 5)
    models = [m.IncrementalPCA(3) for m in (ours, scikit)]
    for model in models:
        for some in (X[:40], X[40:43], X[43:]):
            model.partial_fit(some)
    alike(*models, X)
    np.testing.assert_allclose(models[0].mean_, X.mean(axis=0))
    np.testing.assert_allclose(models[0].var_, X.var(axis=0))
    models[0].fit(X)
    alike(models[0], scikit.IncrementalPCA(3).fit(X), X)


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array, sp.lil_matrix])
def test_sparse_tables(kind):
    X = kind(np.round(table(0, 60, 5)))
    one, other = (m.IncrementalPCA(3, batch_size=20).fit(X) for m in (ours, scikit))
    alike(one, other, X.toarray())
    np.testing.assert_allclose(one.transform(X), other.transform(X), atol=1e-8)
    with pytest.raises(TypeError, match="partial_fit does not support sparse"):
        one.partial_fit(X)


def test_files_and_scikit_learn(tmp_path):
    X = table(0, 60, 5)
    one, other = (m.IncrementalPCA(3, whiten=True).fit(X) for m in (ours, scikit))
    fastml.save(one, tmp_path / "m.fml")
    for model in (one, fastml.load(tmp_path / "m.fml"), fastml.to_sklearn(one), fastml.from_sklearn(other)):
        np.testing.assert_allclose(model.transform(X), other.transform(X), atol=1e-7)
        model.partial_fit(X[:30])
    assert type(fastml.to_sklearn(one)) is type(other)


def test_refusals():
    X = table(0, 60, 5)
    with pytest.raises(ValueError, match="n_components=6 invalid for n_features=5"):
        ours.IncrementalPCA(6).fit(X)
    with pytest.raises(ValueError, match="n_components=4 must be less or equal to the batch number of samples 3"):
        ours.IncrementalPCA(4).partial_fit(X[:3])
    model = ours.IncrementalPCA(3).fit(X)
    with pytest.raises(ValueError, match="has changed from 3 to 2"):
        model.set_params(n_components=2).partial_fit(X)
    with pytest.raises(ValueError, match=r"X\[1, 0\] is NaN"):
        model.partial_fit(np.where(np.arange(60)[:, None] == 1, np.nan, X))
