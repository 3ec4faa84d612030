"""Newton's method on the rows within the margin: the optimum, in few steps where few rows are left within it."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastml.linear_model import inside
from fastml.linear_model.objective import Objective
from fastml.svm import LinearSVC


def table(n, d, noise, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 100, (n, d)) * 0.1
    scores = (X - X.mean(axis=0)) @ rng.standard_normal(d)
    return X, np.where(scores + noise * scores.std() * rng.standard_normal(n) > 0, 1.0, -1.0)


def objective_of(X, y, weight, free=True):
    options = {"l2_intercept": 1.0 / weight.sum(), "form": "scaled", "centred": False}
    return Objective("squared_hinge", X, y, weight, 1, 1.0 / weight.sum(), free, **options)


def slopes(X, y, weight, coef, intercept):
    """Of |w|^2 / 2 + b^2 / 2 + sum_i v_i max(0, 1 - y_i score_i)^2 by the weights and the intercept."""
    short = np.maximum(0.0, 1.0 - y * (X @ coef + intercept))
    return np.append(coef, intercept) - 2.0 * np.append(X.T @ (weight * y * short), weight @ (y * short))


@pytest.mark.parametrize("form", [np.asarray, np.float32, sp.csr_array])
@pytest.mark.parametrize("noise", [0.0, 0.5, 5.0])
@pytest.mark.parametrize("n", [300, 3500])
def test_the_optimum(form, noise, n):
    X, y = table(n, 30, noise)
    weight = np.random.default_rng(1).integers(0, 3, n) * 0.7
    objective = objective_of(form(X), y, weight)
    solution, _ = inside.newton(objective, np.zeros(31), 1e-8, 100)
    coef, intercept = objective.weights(solution.u)
    left = slopes(X, y, weight, coef[0], intercept[0])
    assert solution.converged
    assert np.abs(left).max() <= (1e-1 if form is np.float32 else 1e-5) * np.abs(weight @ X).max() / len(X)


def test_few_steps_where_the_classes_part_and_columns_are_many():
    X, y = table(4000, 200, 0.0)
    assert LinearSVC().fit(X, y).n_iter_ <= 20


def test_sums_that_follow_the_rows():
    X, y = table(500, 7, 0.5)
    kept, rng = inside.Inside(X, y), np.random.default_rng(0)
    kept.take(np.full(500, 2.0))
    for share in (1.0, 0.9, 0.85, 0.5, 0.52, 0.01):
        rows = rng.random(500) < share
        own = np.column_stack([X, np.ones(500)])[rows]
        np.testing.assert_allclose(kept.move_to(rows), own.T @ own, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("C", [1e-300, 1e300])
@pytest.mark.parametrize("size", [1e-150, 1e15, 1e150])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_far_costs_and_sizes(C, size):
    X, y = table(4000, 60, 0.0)
    X[:, 0] *= size
    try:
        model = LinearSVC(C=C, max_iter=40).fit(X, y)
    except ValueError as error:
        assert "divide column 0" in str(error)  # noqa: PT017
        return
    assert np.isfinite(model.coef_).all()
    assert model.score(X, y) >= np.mean(y == 1.0) - 0.02 or size > 1.0


def test_a_path_is_what_separate_fits_give():
    X, y = table(4000, 60, 0.5)
    for one, C in zip(LinearSVC().fit_path(X, y, [0.01, 0.1, 1.0]), [0.01, 0.1, 1.0], strict=True):
        other = LinearSVC(C=C).fit(X, y)
        np.testing.assert_allclose(one.coef_, other.coef_, rtol=1e-4, atol=1e-6)
        assert "_insides" not in one.__dict__
