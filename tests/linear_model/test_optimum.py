"""LogisticRegression, LinearRegression, Ridge and LinearSVC: the optimum, from every solver, for any scale."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
import sklearn.svm
from datasets import a9a, digits
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning

from fastml.linear_model import LinearRegression, LogisticRegression, Ridge
from fastml.svm import LinearSVC

# scikit-learn's own solvers may not reach the precision they are compared at
pytestmark = pytest.mark.filterwarnings("ignore:The max_iter was reached", "ignore:Liblinear failed to converge")
OPTIMAL = ["lbfgs", "newton", "newton-cg", "newton-cholesky", "auto", "sag", "saga"]


def objective(model, X, y, C=1.0, l1_ratio=0.0, weight=None):
    """By definition."""
    p = model.predict_log_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    size = (1 - l1_ratio) / 2 * np.sum(model.coef_**2) + l1_ratio * np.abs(model.coef_).sum()
    return -C * np.sum(p if weight is None else weight * p) + size


@pytest.fixture(params=["two classes", "three classes"])
def flowers(request):
    X, y = load_iris(return_X_y=True)
    return (
        (X, np.array(list("abc"))[y]) if request.param == "three classes" else (X[50:], np.array(list("abc"))[y][50:])
    )


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_every_solver_finds_scikit_learns_optimum(flowers, C):
    X, y = flowers
    theirs = sklearn.linear_model.LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10).fit(X, y)
    best = objective(theirs, X, y, C)
    for solver in OPTIMAL:
        ours = LogisticRegression(C=C, solver=solver, tol=1e-8, max_iter=500).fit(X, y)
        assert objective(ours, X, y, C) == pytest.approx(best, rel=1e-9)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-4, atol=1e-6)
        assert ours.converged_
    assert ours.solver_ in ("newton-cholesky", "newton-cg")


@pytest.mark.parametrize("solver", ["gd", "sgd"])
def test_first_order_solvers_come_close(solver):
    X, y = load_iris(return_X_y=True)
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y > 1).astype(int)
    best = objective(LogisticRegression(C=0.1, solver="newton").fit(X, y), X, y, 0.1)
    model = LogisticRegression(C=0.1, solver=solver, max_iter=3000, tol=1e-6, random_state=0)
    assert objective(model.fit(X, y), X, y, 0.1) == pytest.approx(best, rel=1e-2)
    assert model.solver_ == solver
    steps = model.history_["objective"]
    assert steps[-1] < steps[0]


def test_gradient_descent_states_its_step_on_the_mean():
    X, y = np.array([[0.0], [1.0], [3.0]]), np.array([0, 1, 1])
    with pytest.warns(ConvergenceWarning, match="reached max_iter=1"):
        model = LogisticRegression(C=np.inf, solver="gd", eta0=0.3, max_iter=1).fit(X, y)
    slope = 0.5 - y  # sigma(0) - y
    assert model.coef_[0] == pytest.approx(-0.3 * np.mean(slope[:, None] * X, axis=0))
    assert model.intercept_ == pytest.approx([-0.3 * slope.mean()])


@pytest.mark.parametrize("solver", ["lbfgs", "newton", "newton-cg"])
def test_any_scale_in_one_table(solver):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(300, 5))
    y = (Z @ [1, -2, 1, 0.5, 0] + rng.normal(size=300) > 0).astype(int)
    scale = np.array([1e-6, 1e6, 1.0, 1e3, 1e-3])
    model = LogisticRegression(C=np.inf, solver=solver, tol=1e-6).fit(Z * scale + [0, 1e7, 5, 0, 0], y)
    plain = LogisticRegression(C=np.inf, solver="newton", tol=1e-6).fit(Z, y)
    assert model.converged_
    np.testing.assert_allclose(model.coef_ * scale, plain.coef_, rtol=1e-4)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("wide", [False, True])
def test_l1_and_elasticnet(flowers, l1_ratio, wide):
    X, y = flowers
    if wide:
        X = sp.hstack([sp.csr_matrix(X), sp.csr_matrix((len(y), 1000))]).tocsr()
    ours = LogisticRegression(C=0.5, l1_ratio=l1_ratio, solver="auto", tol=1e-7, max_iter=2000).fit(X, y)
    options = {"C": 0.5, "l1_ratio": l1_ratio, "solver": "saga", "tol": 1e-7, "max_iter": 5000}
    theirs = sklearn.linear_model.LogisticRegression(**options).fit(X[:, :4], y)
    dense = X.toarray() if wide else X
    assert objective(ours, dense, y, 0.5, l1_ratio) <= objective(theirs, dense[:, :4], y, 0.5, l1_ratio) * (1 + 1e-6)
    assert ours.solver_ == ("cd" if len(ours.classes_) == 2 and not wide else "proximal")
    assert (ours.coef_[:, :4] == 0).any()
    older = LogisticRegression("elasticnet", **options | {"max_iter": 2000})
    with pytest.warns(FutureWarning, match="'penalty' was deprecated"):
        older.fit(X, y)
    np.testing.assert_array_equal(older.coef_, ours.coef_)


@pytest.mark.parametrize(
    "model",
    [
        *(LogisticRegression(solver=s, tol=1e-9, max_iter=500) for s in ("lbfgs", "newton", "newton-cg")),
        LogisticRegression(solver="auto", l1_ratio=0.5, tol=1e-8, max_iter=2000),
        LinearRegression(),
        Ridge(),
        LinearSVC(tol=1e-6, max_iter=10**5),
        LinearSVC(loss="hinge", tol=1e-6, max_iter=10**5),
    ],
)
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_weights_are_repetitions(model, layout):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = (X @ [1, 2, 0, -1] + rng.normal(size=60) > 0).astype(int)
    weight = rng.integers(0, 4, 60)
    weighted = model.fit(layout(X), y, sample_weight=weight)
    coef, intercept = weighted.coef_, weighted.intercept_
    repeated = model.fit(layout(np.repeat(X, weight, axis=0)), np.repeat(y, weight))
    np.testing.assert_allclose(coef, repeated.coef_, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(intercept, repeated.intercept_, rtol=1e-5, atol=1e-6)


def test_class_weights_are_sample_weights(flowers):
    X, y = flowers
    costs = {label: 1.0 + i for i, label in enumerate(np.unique(y))}
    by_class = LogisticRegression(class_weight=costs, solver="newton").fit(X, y)
    by_row = LogisticRegression(solver="newton").fit(X, y, sample_weight=[costs[label] for label in y])
    np.testing.assert_allclose(by_class.coef_, by_row.coef_, rtol=1e-6)
    balanced = LogisticRegression(class_weight="balanced").fit(X, y)
    theirs = sklearn.linear_model.LogisticRegression(class_weight="balanced", tol=1e-8, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(balanced.predict_proba(X), theirs.predict_proba(X), atol=1e-3)


def test_probabilities(flowers):
    X, y = flowers
    model = LogisticRegression().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X), rtol=1e-9)
    assert np.array_equal(model.classes_[model.predict_proba(X).argmax(axis=1)], model.predict(X))
    assert np.isfinite(model.predict_log_proba(X * 1e4)).all()


def test_a_path_of_penalties():
    X, y = load_breast_cancer(return_X_y=True)
    Cs = [1.0, 0.01, 100.0]
    models = LogisticRegression(solver="newton").fit_path(X, y, Cs)
    for C, model in zip(Cs, models, strict=True):
        assert model.C == C
        alone = LogisticRegression(C=C, solver="newton").fit(X, y)
        np.testing.assert_allclose(model.decision_function(X), alone.decision_function(X), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="Cs="):
        LogisticRegression().fit_path(X, y, [])


@pytest.mark.filterwarnings("ignore:'n_jobs' has no effect")
def test_the_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 20))
    y = (X[:, 0] + rng.normal(size=20_000) > 0).astype(int)
    for estimator in (LogisticRegression, LinearSVC, LinearRegression):
        models = [estimator(n_jobs=n).fit(X, y) for n in (1, 2, 3)]
        assert all(np.array_equal(model.coef_, models[0].coef_) for model in models)


def test_float32_stays_float32():
    X, y = load_iris(return_X_y=True)
    for estimator in (LogisticRegression, LinearSVC, Ridge, LinearRegression):
        single, double = estimator().fit(X.astype(np.float32), y), estimator().fit(X, y)
        assert single.coef_.dtype == np.float32
        np.testing.assert_allclose(single.coef_, double.coef_, rtol=0.02, atol=0.02)


def test_real_sparse_data():
    X, y = a9a()
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    model = LogisticRegression(solver="newton").fit(X, y)
    theirs = sklearn.linear_model.LogisticRegression(solver="newton-cholesky").fit(X, y)
    assert objective(model, X, y) == pytest.approx(objective(theirs, X, y), rel=1e-8)
    assert LinearSVC().fit(X, y).score(X, y) > 0.845


def test_one_class_constant_columns_and_bad_weights():
    for estimator in (LogisticRegression, LinearSVC):
        with pytest.raises(ValueError, match="one class only"):
            estimator().fit([[1.0], [2.0]], [1, 1])
    model = LogisticRegression(C=np.inf, solver="newton").fit([[1.0, 5.0], [2, 5], [3, 5], [2, 5]], [0, 0, 1, 1])
    assert np.isfinite(model.coef_).all()
    with pytest.raises(ValueError, match="at least one non-zero"):
        LogisticRegression().fit([[1.0], [2.0]], [0, 1], sample_weight=[0, 0])
    with pytest.raises(ValueError, match="class_weight is 0 for every sample"):
        LogisticRegression(class_weight={0: 0, 1: 0}).fit([[1.0], [2.0]], [0, 1])
    with pytest.raises(ValueError, match=r"y.*NaN"):
        LinearRegression().fit([[1.0], [2.0]], [0, np.nan])


@pytest.mark.filterwarnings("ignore:Maximum number of iteration")
@pytest.mark.parametrize("solver", ["exact", "gd", "sgd"])
def test_the_worked_line(solver):
    model = LinearRegression(solver=solver, max_iter=20_000, tol=1e-9, random_state=0).fit([[1], [2], [4]], [1, 3, 3])
    tolerance = 0.1 if solver == "sgd" else 1e-6
    assert [model.intercept_, *model.coef_] == pytest.approx([1, 4 / 7], abs=tolerance)


@pytest.mark.parametrize("shape", [(50, 5), (5, 50), (300, 20)])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("outputs", [None, 1, 3])
@pytest.mark.parametrize("kind", ["full rank", "dependent"])
def test_least_squares_are_scikit_learns(shape, fit_intercept, outputs, kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4, shape[1]) + 3
    if kind == "dependent":
        X[:, -1] = 2 * X[:, 0]
    y = rng.normal(size=shape[0]) if outputs is None else rng.normal(size=(shape[0], outputs))
    ours = LinearRegression(fit_intercept=fit_intercept).fit(X, y)
    # scikit-learn's default tol=1e-6 drops the columns of small scale
    theirs = sklearn.linear_model.LinearRegression(fit_intercept=fit_intercept, tol=1e-14).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-7)
    if kind == "full rank":
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-9)
    assert ours.coef_.shape == theirs.coef_.shape
    assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)
    assert ours.rank_ == theirs.rank_
    positive = LinearRegression(fit_intercept=fit_intercept, positive=True).fit(X, y)
    assert (positive.coef_ >= 0).all()
    for layout in (np.asarray, sp.csr_matrix):
        ridge = Ridge(0.5, fit_intercept=fit_intercept).fit(layout(X), y)
        theirs = sklearn.linear_model.Ridge(0.5, fit_intercept=fit_intercept, solver="svd").fit(X, y)
        assert ridge.predict(X).shape == theirs.predict(X).shape
        np.testing.assert_allclose(ridge.predict(X), theirs.predict(X), rtol=1e-4, atol=1e-5)
        assert np.shape(ridge.intercept_) == np.shape(theirs.intercept_)


def test_ridge_by_definition():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    model = Ridge([0.1, 10.0], fit_intercept=False).fit(X, Y)
    for c, alpha in enumerate([0.1, 10.0]):
        np.testing.assert_allclose(model.coef_[c], np.linalg.solve(X.T @ X + alpha * np.eye(4), X.T @ Y[:, c]))
    with pytest.raises(ValueError, match="alpha=.*for each of 2 outputs"):
        Ridge([1.0, 2, 3]).fit(X, Y)
    positive = Ridge(2.0, positive=True).fit(X, Y)
    theirs = sklearn.linear_model.Ridge(2.0, positive=True, tol=1e-10).fit(X, Y)
    np.testing.assert_allclose(positive.coef_, theirs.coef_, atol=1e-5)


def svm_objective(w, X, signs, C, squared):
    hinge = np.maximum(0, 1 - signs * (X @ w[:-1] + w[-1]))
    return w @ w / 2 + C * np.sum(hinge**2 if squared else hinge)


@pytest.mark.parametrize("loss", ["squared_hinge", "hinge"])
@pytest.mark.parametrize("solver", ["dual", "newton"])
def test_svm_finds_the_optimum(loss, solver):
    if (loss, solver) == ("hinge", "newton"):
        with pytest.raises(ValueError, match="loss='hinge' has no second derivative"):
            LinearSVC(loss=loss, solver=solver).fit([[0.0], [1.0]], [0, 1])
        return
    X, y = load_iris(return_X_y=True)
    X, y = X[50:], np.where(y[50:] == 2, 1, -1)
    model = LinearSVC(loss=loss, solver=solver, tol=1e-6, max_iter=10**6).fit(X, y)
    w = np.append(model.coef_, model.intercept_)
    ours = svm_objective(w, X, y, 1.0, loss == "squared_hinge")
    best = min(
        minimize(
            svm_objective, start, (X, y, 1.0, loss == "squared_hinge"), "Nelder-Mead", options={"maxfev": 20_000}
        ).fun
        for start in (w, np.zeros(5))
    )
    assert ours <= best * (1 + 1e-6)
    if solver == "dual":
        assert 0 <= model.duality_gap_[0] + 1e-9 < 1e-4 * ours
        assert ours - model.duality_gap_[0] <= best * (1 + 1e-9)


def test_svm_of_many_classes_is_scikit_learns():
    X, y = digits()
    X = X / 16
    for options in ({}, {"loss": "hinge"}, {"penalty": "l1", "dual": False}, {"class_weight": "balanced"}):
        ours = LinearSVC(C=0.5, tol=1e-5, max_iter=20_000, **options).fit(X, y)
        theirs = sklearn.svm.LinearSVC(C=0.5, tol=1e-5, max_iter=100_000, random_state=0, **options).fit(X, y)
        np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=0.02)
    assert LinearSVC(multi_class="crammer_singer", random_state=0).fit(X, y).score(X, y) > 0.95
    with pytest.raises(ValueError, match="penalty='l1' goes with"):
        LinearSVC("l1", "hinge").fit(X, y)


def together(model, X, y, C):
    """Crammer and Singer's objective."""
    coef, intercept = model.coef_, model.intercept_
    if len(coef) == 1:  # two classes share what their difference is
        coef, intercept = np.concatenate([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
    scores, own = X @ coef.T + intercept, np.arange(len(coef)) == np.searchsorted(model.classes_, y)[:, None]
    hinge = np.maximum(0, 1 - (scores[own] - np.where(own, -np.inf, scores).max(axis=1)))
    return np.sum(coef**2) / 2 + np.sum(intercept**2) / 2 + C * hinge.sum()


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_all_classes_together_reach_the_optimum(load, C, scaled):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0) if scaled else X
    for layout in (np.asarray, sp.csr_matrix):
        model = LinearSVC(multi_class="crammer_singer", C=C).fit(layout(X), y)
        value = together(model, X, y, C)
        assert abs(model.duality_gap_[0]) <= 1e-6 * value
        assert value - model.duality_gap_[0] <= value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sklearn.svm.LinearSVC(multi_class="crammer_singer", C=C, random_state=0).fit(X, y)
    assert value <= together(theirs, X, y, C) * (1 + 1e-6)
    assert model.coef_.shape == theirs.coef_.shape


def test_all_classes_together_with_weights_are_repetitions():
    X, y = load_iris(return_X_y=True)
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    rows = np.repeat(np.arange(len(y)), weight)
    model = LinearSVC(multi_class="crammer_singer", class_weight="balanced")
    scores = model.fit(X, y, sample_weight=weight).decision_function(X)
    np.testing.assert_allclose(scores, model.fit(X[rows], y[rows]).decision_function(X), atol=1e-3)
    with pytest.raises(ValueError, match="crammer_singer' is solved by its dual"):
        LinearSVC(multi_class="crammer_singer", solver="newton").fit(X, y)


@pytest.mark.parametrize("C", [1.0, 100.0, 1e4])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e3])
@pytest.mark.parametrize("shape", [(40, 2), (40, 60), (3000, 80)])
@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_the_hinge_reaches_the_optimum_for_any_cost(C, scale, shape):
    random = np.random.default_rng(0)
    X, y = scale * random.normal(size=shape), random.integers(0, 2, shape[0])
    model = LinearSVC(loss="hinge", C=C).fit(X, y)
    w = np.append(model.coef_, model.intercept_)
    value = svm_objective(w, X, 2 * y - 1, C, False)
    assert model.duality_gap_[0] <= 1e-4 * value
    a = np.clip(model.dual_coef_[0], 0, C)
    back = (a * (2 * y - 1)) @ np.column_stack([X, np.ones(len(X))])
    assert value - (a.sum() - back @ back / 2) <= 2e-4 * value


def test_few_iterations_are_told():
    X, y = load_iris(return_X_y=True)
    for options in ({"loss": "hinge"}, {"multi_class": "crammer_singer"}):
        with pytest.warns(ConvergenceWarning, match="reached max_iter=2"):
            LinearSVC(max_iter=2, **options).fit(X, y)
