"""Constant columns, columns that stand far from 0, and numbers near the largest: no weight comes from rounding."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastml.linear_model import LinearRegression, LogisticRegression, Ridge
from fastml.linear_model.columns import moved_columns
from fastml.svm import LinearSVC

CONSTANTS = [1.0, 1e-8, 1e8, 1e15, -3e3, 0.1]
LAYOUTS = [np.asarray, sp.csr_matrix]


def curve(n=200):
    x = np.random.default_rng(0).normal(size=n)
    return np.column_stack([x, x**2]), 3 * x + x**2


@pytest.mark.parametrize("constant", CONSTANTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("model", [LinearRegression(), Ridge(alpha=0), Ridge(alpha=1e-6)])
def test_least_squares_beside_constant_columns(model, constant, dtype, layout, weighted):
    X, y = curve()
    weight = np.random.default_rng(1).integers(0, 3, len(y)) if weighted else None
    X = np.column_stack([np.full(len(y), constant), X, np.full(len(y), 2 * constant)]).astype(dtype)
    model.fit(layout(X), y, sample_weight=weight)
    np.testing.assert_allclose(model.coef_, [0, 3, 1, 0], atol=1e-4)
    assert model.coef_[0] == model.coef_[3] == 0
    assert model.intercept_ == pytest.approx(0, abs=1e-4)
    if isinstance(model, LinearRegression) and layout is np.asarray:
        assert model.rank_ == 2


@pytest.mark.parametrize("wide", [False, True])
def test_rounding_around_a_constant_is_no_column(wide):
    X, y = curve(4 if wide else 200)
    noise = np.where(np.arange(len(y)) % 2, 1.0, 1.0 + 2.0**-52)
    others = np.random.default_rng(0).normal(size=(len(y), 5 if wide else 1))
    model = LinearRegression().fit(np.column_stack([noise, X, others]), y)
    assert model.coef_[0] == 0
    np.testing.assert_allclose(model.predict(np.column_stack([noise, X, others])), y, atol=1e-10)


def test_a_column_that_varies_in_rows_of_weight_0_only_is_constant():
    X, y = curve()
    X, weight = np.column_stack([np.full(len(y), 1e8), X]), np.ones(len(y))
    X[::3, 0], weight[::3] = 7.0, 0
    for layout in LAYOUTS:
        assert LinearRegression().fit(layout(X), y, sample_weight=weight).coef_[0] == 0


@pytest.mark.parametrize("offset", [1e6, 1e15])
def test_a_column_far_from_0_keeps_its_digits(offset):
    X, y = curve()
    steps = np.random.default_rng(2).integers(-8, 9, len(y)) / 8.0
    for layout in LAYOUTS:
        model = LinearRegression().fit(layout(np.column_stack([offset + steps, X])), y + 5 * steps)
        np.testing.assert_allclose(model.coef_, [5, 3, 1], rtol=1e-10)


def test_moved_columns():
    random = np.random.default_rng(3)
    X = np.column_stack([random.normal(size=50), np.full(50, 0.1), 1e9 + random.normal(size=50), np.zeros(50)])
    for layout in LAYOUTS:
        moved = moved_columns(layout(X))
        values = moved.X.toarray() if sp.issparse(moved.X) else moved.X
        assert not values[:, [1, 3]].any()
        np.testing.assert_array_equal(values[:, [0, 2]] + moved.shift[[0, 2]], X[:, [0, 2]])
        assert abs(values[:, 2]).max() < 10
    assert moved_columns(X[:, :1]).X is not None
    near = np.ascontiguousarray(X[:, :1])
    assert moved_columns(near).X is near


OPTIMA = [
    LogisticRegression(tol=1e-6),
    LogisticRegression(C=np.inf, tol=1e-6),
    LogisticRegression(solver="newton-cg", tol=1e-6),
    LogisticRegression(solver="newton-cholesky", tol=1e-6),
    LogisticRegression(solver="saga", l1_ratio=1, tol=1e-5, max_iter=1000),
]


@pytest.mark.parametrize("model", OPTIMA)
@pytest.mark.parametrize("constant", CONSTANTS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logistic_regression_beside_constant_columns(model, constant, layout, classes, dtype):
    random = np.random.default_rng(4)
    X = random.normal(size=(120, 3)).astype(dtype)
    y = np.digitize(X[:, 0] + random.logistic(size=120), [0] if classes == 2 else [-1, 1])
    weight = random.uniform(0.5, 2, 120)
    plain = model.fit(layout(X), y, sample_weight=weight).coef_.copy()
    more = np.column_stack([np.full(120, constant), X, np.full(120, 2 * constant)]).astype(dtype)
    model.fit(layout(more), y, sample_weight=weight)
    np.testing.assert_allclose(model.coef_[:, 1:-1], plain, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(model.coef_[:, [0, -1]], 0, atol=1e-12)
    assert model.converged_


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky"])
def test_large_tables_beside_constant_columns(solver):
    random = np.random.default_rng(5)
    X = random.normal(size=(5000, 60))
    y = X[:, 0] + random.logistic(size=5000) > 0
    plain = LogisticRegression(C=np.inf, solver=solver, tol=1e-6).fit(X, y)
    X[:, -1], X[:, -2] = 1e15, 0.1
    few = LogisticRegression(C=np.inf, solver=solver, tol=1e-6).fit(X[:, :-2], y)
    model = LogisticRegression(C=np.inf, solver=solver, tol=1e-6).fit(X, y)
    assert model.solver_ == plain.solver_
    np.testing.assert_allclose(model.coef_[:, :-2], few.coef_, atol=1e-4)
    assert not model.coef_[:, -2:].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_precision_far_from_0(dtype):
    random = np.random.default_rng(6)
    Z = random.normal(size=(3000, 80)).astype(dtype)
    y = Z[:, 0] + random.logistic(size=3000) > 0
    plain = LogisticRegression(tol=1e-5).fit(Z, y)
    model = LogisticRegression(tol=1e-5).fit(Z + dtype(500), y)
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=2e-3)


@pytest.mark.parametrize("constant", CONSTANTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_support_vectors_beside_a_constant_column(constant, layout):
    """The intercept and the column's weight share what the intercept alone would be: both are penalised."""
    random = np.random.default_rng(7)
    X = random.normal(size=(150, 3))
    y = X[:, 0] + 0.3 * random.normal(size=150) > 0.2
    more = np.column_stack([X, np.full(150, constant)])
    model = LinearSVC(tol=1e-8, max_iter=10_000).fit(layout(more), y)
    # |w|^2 + v^2 + b^2 with v c + b = s costs s^2 / (1 + c^2) at best: that of an intercept with this scaling
    plain = LinearSVC(tol=1e-8, max_iter=10_000, intercept_scaling=np.hypot(1, constant)).fit(layout(X), y)
    np.testing.assert_allclose(model.decision_function(more), plain.decision_function(X), atol=1e-3)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "model",
    [LinearRegression(), Ridge(), LogisticRegression(), LinearSVC(), LinearSVC(loss="hinge"), LinearSVC("l1")],
)
@pytest.mark.parametrize("value", [1e200, -1.7e308])
@pytest.mark.filterwarnings("error")
def test_squares_that_overflow_are_refused_with_their_place(model, layout, value):
    X, y = curve(30)
    X[5, 1] = value
    with pytest.raises(ValueError, match=r"X\[5, 1\] is .*divide column 1"):
        model.fit(layout(X), y > 0)


@pytest.mark.filterwarnings("error")
def test_huge_targets():
    X, y = curve(50)
    y /= abs(y).max()
    for model in (LinearRegression(), Ridge(alpha=0), LinearRegression(positive=True)):
        small = model.fit(X, y).coef_
        np.testing.assert_allclose(model.fit(X, y * 1.7e308).coef_ / 1.7e308, small, rtol=1e-9)
        with pytest.raises(ValueError, match=r"y holds values up to 1e\+308.*float32 overflow.*float64"):
            model.fit(X.astype(np.float32), y * 1e308)
    with pytest.raises(ValueError, match="squares of y overflow"):
        LinearRegression(solver="gd").fit(X, y * 1e308)


TINY = [
    *[LogisticRegression(solver=solver) for solver in ("lbfgs", "newton-cholesky", "newton-cg", "saga")],
    *[LogisticRegression(C=np.inf), LogisticRegression(l1_ratio=1, solver="saga")],
    *[LinearSVC(), LinearSVC(loss="hinge"), LinearSVC(penalty="l1"), LinearSVC(multi_class="crammer_singer")],
    *[LinearRegression(), Ridge(), Ridge(alpha=0)],
]  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-160, 1e-300, 1e-310, 5e-324])
@pytest.mark.parametrize("varies", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("model", TINY, ids=str)
def test_columns_whose_scale_would_overflow(model, layout, varies, size):
    X = np.random.default_rng(0).normal(size=(100, 2))
    y = (X @ [1.0, 2.0] + np.random.default_rng(1).normal(size=100) > 0).astype(int)
    beside = np.column_stack([size * (np.arange(100) if varies else np.ones(100)), X])
    expected = model.fit(layout(X), y).score(layout(X), y)
    assert model.fit(layout(beside), y).score(layout(beside), y) >= expected - 0.02
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("model", [LinearRegression(fit_intercept=False), Ridge(alpha=1e-9, fit_intercept=False)])
def test_sparse_columns_that_are_large_and_depend_on_one_another(model):
    X, y = curve()
    X = np.column_stack([np.full(len(y), 1e8), X, np.full(len(y), 1e8)])
    np.testing.assert_allclose(model.fit(sp.csr_matrix(X), y).coef_, [0, 3, 1, 0], atol=1e-6)


@pytest.mark.parametrize("tiny", [1e-40, 1e-44])
@pytest.mark.parametrize("shape", [(60, 3), (60, 90), (4000, 5)])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
@pytest.mark.filterwarnings("error:overflow", "error:invalid")
def test_a_column_all_but_zero_has_no_weight_without_a_penalty(tiny, shape, n_classes, layout):
    X = np.random.default_rng(0).normal(size=shape)
    X[:, 1] *= tiny
    X, y = X.astype(np.float32), np.arange(len(X)) % n_classes
    model = LogisticRegression(C=np.inf, max_iter=300).fit(layout(X), y)
    assert np.isfinite(model.coef_).all()
    assert (model.coef_[:, 1] == 0).all()


def test_gradient_descent_names_values_whose_squares_overflow():
    with pytest.raises(ValueError, match="squares of the values of X overflow"):
        LinearRegression(solver="gd").fit([[1e308], [-1e308]], [0.1, 0.2])
