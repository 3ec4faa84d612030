"""Pictures of linear models: the paths and values that are drawn are the right ones."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from fastml.linear_model import LinearRegression, LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from fastml.plot import descent, mistakes
from fastml.plot.linear import objective_of, path_of

X, Y = np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 3.0, 3.0])
GD = SGDRegressor(penalty=None, learning_rate="constant", batch_size="full", max_iter=20, tol=None)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_small_step_creeps_and_a_large_one_swings():
    axes = descent(GD, X, Y, etas=[0.01, 0.1, 0.24])
    paths = [axis.lines[0].get_xydata() for axis in axes]
    assert all(len(path) == 21 for path in paths)
    assert (np.diff(paths[0][:, 0]) > -0.01).all()
    assert (np.diff(np.sign(np.diff(paths[2][:, 0]))) != 0).sum() > 10
    assert axes[0].get_xlabel() == "w0"
    assert axes[0].get_ylabel() == "intercept"


def test_the_surface_is_the_mean_loss_and_the_penalty():
    rng = np.random.default_rng(0)
    Z, labels = rng.normal(size=(30, 2)), np.array(["n", "y"])[(rng.random(30) > 0.5).astype(int)]
    sign = np.where(labels == "y", 1, -1)
    points = rng.normal(size=(5, 3))
    for model, l2 in ((SGDClassifier("log_loss", alpha=0.1), 0.1), (LogisticRegression(C=2.0), 1 / 60)):
        _, fitted = path_of(model.set_params(max_iter=5), Z, labels)
        z = points[:, :2] @ Z.T + points[:, 2:]
        expected = np.logaddexp(0, -sign * z).mean(axis=1) + l2 / 2 * (points[:, :2] ** 2).sum(axis=1)
        np.testing.assert_allclose(objective_of(fitted, Z, labels)(points), expected)
    assert descent(LogisticRegression(C=2.0), Z, labels, weights=(2, 0)).get_xlabel() == "intercept"


@pytest.mark.parametrize("solver", ["lbfgs", "newton", "newton-cg", "gd"])
def test_the_path_of_any_solver_ends_at_its_weights(solver):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(40, 2))
    labels = (Z[:, 0] + rng.normal(size=40) > 0).astype(int)
    path, fitted = path_of(LogisticRegression(solver=solver, max_iter=15), Z, labels)
    assert np.array_equal(path[-1], [*fitted.coef_[0], *fitted.intercept_])
    assert len(path) > 3
    values = objective_of(fitted, Z, labels)(path)
    assert values[-1] <= values[1] <= values[0]


def test_least_squares_and_bad_input():
    assert descent(LinearRegression(solver="gd", max_iter=10), X, Y).get_title() == "LinearRegression"
    with pytest.raises(ValueError, match="weights="):
        descent(GD, X, Y, weights=(0, 2))
    with pytest.raises(ValueError, match="ax has 1 axes for 2 etas"):
        descent(GD, X, Y, etas=[0.1, 0.2], ax=[plt.gca()])
    with pytest.raises(ValueError, match="outputs, and one is drawn"):
        descent(GD, X, np.column_stack([Y, Y]))


def test_mistakes_stay_below_the_bound():
    table = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    model = Perceptron(tol=None, largest_margin=True).fit(table, [0, 0, 0, 1])
    ax = mistakes(model.report_)
    total, bound = (line.get_ydata() for line in ax.lines)
    assert total[-1] == model.report_.total_mistakes <= bound[0]
    assert mistakes(Perceptron().fit(table, [0, 1, 1, 0]).report_).get_title() == "not separable"
    with pytest.raises(ValueError, match="report holds one report for each"):
        mistakes(Perceptron().fit(table, [0, 1, 2, 2]).report_)
