"""Least squares of sparse tables: by conjugate gradients or factors, the optimum that a dense table has."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as scikit

from fastml.linear_model import LinearRegression, Ridge

SHAPES = [(30, 5), (300, 30), (221, 415), (600, 150), (60, 500), (40, 1200), (1500, 1100)]


def table(n, d, dtype, kind):
    rng = np.random.default_rng(n + d)
    X = sp.random(n, d, max(0.05, 3 / d), "csr", dtype, random_state=rng, data_rvs=lambda size: rng.random(size) + 0.1)
    if kind == "scales":
        X = sp.csr_matrix(X @ sp.diags(10.0 ** rng.integers(-3, 4, d)), dtype=dtype)
    elif kind == "constant":
        X = sp.hstack([X, np.full((n, 1), 3.0), X[:, :1]]).tocsr().astype(dtype)
    return X, X @ rng.normal(size=X.shape[1]) + rng.normal(size=n) + 5.0


def objective(model, X, y, alpha):
    return np.sum((y - X @ model.coef_.astype(float) - model.intercept_) ** 2) + alpha * np.sum(model.coef_**2)


@pytest.mark.parametrize("kind", ["plain", "scales", "constant"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 100.0])
def test_ridge_finds_the_optimum_of_the_dense_table(alpha, dtype, kind):
    for n, d in SHAPES:
        X, y = table(n, d, dtype, kind)
        with np.errstate(all="ignore"):
            ours, dense = Ridge(alpha=alpha).fit(X, y), Ridge(alpha=alpha).fit(X.toarray().astype(float), y)
            theirs = scikit.Ridge(alpha=alpha).fit(X, y)
        single = dtype == np.float32
        best = objective(dense, X, y, alpha)
        if d <= 1000 or kind != "scales":
            assert objective(ours, X, y, alpha) <= best * (1 + (1e-4 if single else 1e-9)), (n, d, ours.solver_)
        assert objective(ours, X, y, alpha) <= objective(theirs, X, y, alpha) * (1 + (1e-4 if single else 1e-6)), (n, d)
        if d <= 1000 and not single:
            size = np.abs(dense.coef_).max()
            np.testing.assert_allclose(ours.coef_, dense.coef_, rtol=1e-5, atol=1e-7 * size, err_msg=f"{n} x {d}")


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_linear_regression_finds_the_shortest_optimum(fit_intercept):
    for n, d in SHAPES[:5]:
        X, y = table(n, d, np.float64, "plain")
        ours, dense = (LinearRegression(fit_intercept=fit_intercept).fit(Z, y) for Z in (X, X.toarray()))
        np.testing.assert_allclose(ours.coef_, dense.coef_, rtol=1e-5, atol=1e-6, err_msg=f"{n} x {d}")
        np.testing.assert_allclose(ours.intercept_, dense.intercept_, rtol=1e-6)


def test_weights_outputs_and_penalties_of_their_own():
    X, y = table(300, 40, np.float64, "plain")
    Y, weight = np.column_stack([y, -2 * y + 1, np.zeros(300)]), np.arange(300) % 3
    ours, dense = (Ridge(alpha=[0.1, 1.0, 10.0]).fit(Z, Y, sample_weight=weight) for Z in (X, X.toarray()))
    np.testing.assert_allclose(ours.coef_, dense.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, dense.intercept_, rtol=1e-6, atol=1e-9)


def test_the_way_is_chosen_by_shape_and_rows():
    assert Ridge().fit(*table(221, 415, np.float64, "plain")).solver_ == "sparse_cg"
    assert LinearRegression().fit(*table(1500, 1100, np.float64, "plain")).solver_ == "sparse_cg"
    rng = np.random.default_rng(0)
    near = sp.csr_matrix(np.vander(rng.random(3000), 12))  # columns so alike that steps would be many
    assert Ridge(alpha=1e-9).fit(near, rng.random(3000)).solver_ != "sparse_cg"
    X, y = table(1500, 1100, np.float64, "plain")
    few, many = (Ridge(max_iter=most).fit(X, y) for most in (2, None))
    assert objective(few, X, y, 1.0) > objective(many, X, y, 1.0) * (1 + 1e-6)
