"""Discriminant analysis against scikit-learn's."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn.discriminant_analysis as scikit
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_iris

import fastml
import fastml.discriminant_analysis as ours

seeds = st.integers(0, 2**32 - 1)


def table(random, n, d, k, dtype=np.float64):
    y = np.append(np.repeat(np.arange(k), 2), random.integers(0, k, n))
    X = random.standard_normal((len(y), d)) @ random.standard_normal((d, d)) + 2 * random.standard_normal((k, d))[y] + 5
    return X.astype(dtype), np.array(["a", "b", "c", "d"])[y]


def quietly(call, *arguments):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return call(*arguments)


def assert_same(one, other, X, within):
    for name in ("predict_proba", "decision_function", "predict_log_proba"):
        a, b = quietly(getattr(one, name), X), quietly(getattr(other, name), X)
        scale = max(1.0, abs(b[np.isfinite(b)]).max())
        np.testing.assert_allclose(a, b, rtol=within, atol=within * scale)
    sure = np.sort(other.predict_proba(X), axis=1)[:, -1] > 0.51
    assert (one.predict(X) == other.predict(X))[sure].all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(seed=seeds, n=st.integers(1, 60), d=st.integers(1, 8), k=st.integers(2, 4), given_priors=st.booleans())
@effort(0.5)
def test_linear_is_scikit_learns(dtype, seed, n, d, k, given_priors):
    X, y = table(np.random.default_rng(seed), n, d, k, dtype)
    priors = np.random.default_rng(seed).dirichlet(np.ones(k) * 5) if given_priors else None
    one, other = (quietly(m.LinearDiscriminantAnalysis(priors=priors).fit, X, y) for m in (ours, scikit))
    within = 1e-5 if dtype == np.float64 else 2e-2
    if one.scalings_.shape != other.scalings_.shape or (dtype == np.float32 and len(X) < 3 * d):
        return  # a singular value on the edge of tol
    for name in ("means_", "priors_", "xbar_", "explained_variance_ratio_"):
        a, b = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(a, b, rtol=within, atol=within)
        assert a.dtype == b.dtype
    assert_same(one, other, X, within)
    a, b = one.transform(X), other.transform(X)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_allclose(abs(a), abs(b), rtol=within, atol=within * abs(b).max())


@pytest.mark.parametrize(
    "options",
    [
        {"solver": "lsqr", "shrinkage": "auto"},
        {"solver": "eigen", "shrinkage": 0.3},
        {"store_covariance": True},
        {"n_components": 1},
        {"tol": 1e-8},
    ],
)
def test_linear_by_every_solver(options):
    X, y = load_iris(return_X_y=True)
    one, other = (module.LinearDiscriminantAnalysis(**options).fit(X, y) for module in (ours, scikit))
    assert_same(one, other, X, 1e-8)
    if options.get("solver") == "lsqr":
        with pytest.raises(NotImplementedError, match="lsqr"):
            one.transform(X)
    else:
        np.testing.assert_allclose(abs(one.transform(X)), abs(other.transform(X)), rtol=1e-6, atol=1e-9)
        assert one.get_feature_names_out().tolist()[0] == "lineardiscriminantanalysis0"


def test_linear_with_constant_and_dependent_columns():
    X, y = load_digits(return_X_y=True)
    X = np.hstack([X, X[:, 3:5] + X[:, 10:12]])
    one, other = (module.LinearDiscriminantAnalysis().fit(X, y) for module in (ours, scikit))
    assert one.scalings_.shape == other.scalings_.shape
    assert_same(one, other, X, 1e-6)
    far = ours.LinearDiscriminantAnalysis().fit(X[:, 2:6] + 2.0**20, y)
    near = scikit.LinearDiscriminantAnalysis().fit(X[:, 2:6], y)
    np.testing.assert_allclose(far.explained_variance_ratio_, near.explained_variance_ratio_, rtol=1e-7)


@given(seed=seeds, d=st.integers(1, 6), k=st.integers(2, 4), reg_param=st.sampled_from([0.0, 0.3]))
@effort(0.5)
def test_quadratic_is_scikit_learns(seed, d, k, reg_param):
    X, y = table(np.random.default_rng(seed), 100, d, k)
    options = {"reg_param": reg_param, "store_covariance": bool(seed % 2)}
    try:
        other = scikit.QuadraticDiscriminantAnalysis(**options).fit(X, y)
    except np.linalg.LinAlgError:
        with pytest.raises(np.linalg.LinAlgError, match="not full rank"):
            ours.QuadraticDiscriminantAnalysis(**options).fit(X, y)
        return
    one = ours.QuadraticDiscriminantAnalysis(**options).fit(X, y)
    assert_same(one, other, X, 1e-7)
    for a, b in zip(one.scalings_, other.scalings_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7)
    for a, b in zip(one.rotations_, other.rotations_, strict=True):
        np.testing.assert_allclose(abs(a), abs(b), atol=1e-4)
    if seed % 2:
        np.testing.assert_allclose(one.covariance_, other.covariance_, rtol=1e-6, atol=1e-9)


def test_quadratic_with_variances_far_apart():
    random = np.random.default_rng(0)
    X, y = random.standard_normal((200, 3)) * [1e6, 1.0, 0.1], random.integers(0, 2, 200)
    one, other = (module.QuadraticDiscriminantAnalysis().fit(X, y) for module in (ours, scikit))
    assert_same(one, other, X, 1e-6)
    shrunk = {"solver": "eigen", "shrinkage": 0.1}
    assert_same(*(m.QuadraticDiscriminantAnalysis(**shrunk).fit(X, y) for m in (ours, scikit)), X, 1e-9)


@pytest.mark.parametrize("name", ours.__all__)
def test_refusals_twins_and_files(name, tmp_path):
    X, y = load_iris(return_X_y=True)
    model = getattr(ours, name)()
    with pytest.raises(ValueError, match="class|samples"):
        model.fit(X[:3], [0, 1, 2])
    model.fit(X, y)
    twin = fastml.to_sklearn(model)
    assert b"fastml" not in pickle.dumps(twin)
    fastml.save(model, tmp_path / "m.fml")
    for other in (twin, fastml.from_sklearn(twin), fastml.load(tmp_path / "m.fml"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_allclose(other.predict_proba(X), model.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("n", [2, 9])
def test_classes_whose_rows_are_all_equal_have_no_covariance(n):
    X, y = np.repeat([[1.0, 5.0], [2.0, 5.0]], n, axis=0), np.repeat([0, 1], n)
    with pytest.raises(ValueError, match="no column of X differs between rows of one class"):
        ours.LinearDiscriminantAnalysis().fit(X, y)


@pytest.mark.parametrize("solver", ["svd", "lsqr", "eigen"])
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")  # of scikit-learn, with one class
def test_a_single_class_is_certain(solver):
    X = np.random.default_rng(0).standard_normal((20, 3))
    model = ours.LinearDiscriminantAnalysis(solver=solver).fit(X, ["only"] * 20)
    assert model.predict(X).tolist() == ["only"] * 20
    assert np.array_equal(model.predict_proba(X), np.ones((20, 1)))
    assert np.array_equal(model.predict_log_proba(X), np.zeros((20, 1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [1e4, 1e6])
def test_a_class_far_away_changes_nothing_between_two_near_ones(dtype, far):
    random = np.random.default_rng(0)
    near = np.vstack([random.normal(0, 0.1, (200, 2)), random.normal(0.4, 0.2, (200, 2))]).astype(dtype)
    far = np.vstack([near, random.normal(far, 1, (200, 2))]).astype(dtype)
    y = np.repeat([0, 1, 2], 200)
    two = ours.QuadraticDiscriminantAnalysis().fit(near, y[:400])
    three = ours.QuadraticDiscriminantAnalysis().fit(far, y)
    expected = two.predict_proba(near)
    found = three.predict_proba(near)
    np.testing.assert_allclose(found[:, :2], expected, atol=1e-4 if dtype is np.float32 else 1e-9)
    assert three.score(far, y) == pytest.approx((2 * two.score(near, y[:400]) + 1) / 3)
