"""Pictures of how linear models learn."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning

from fastml.plot.axes import axes_of
from fastml_ext import linear as kernels
from fastml_ext.linear.codes import LOSSES, Task

__all__ = ["descent", "mistakes"]

MOST_STEPS = 200  # of a solver that is run once for each length of its path


def descent(
    model: Any, X: Any, y: Any, *, etas: Any = None, weights: Any = None, resolution: int = 120, ax: Any = None
) -> Any:
    """Draw the objective over two weights, and the path of a solver on it.

    Parameters
    ----------
    model : SGDClassifier, SGDRegressor, LogisticRegression or LinearRegression
        Not fitted; its parameters say what is minimised and by which steps. An SGD model with batch_size="full" is
        gradient descent.
    X : array-like of shape (n_samples, n_features)
        The samples.
    y : array-like of shape (n_samples,)
        Two classes, or numbers.
    etas : list of float, default=None
        Step sizes eta0, one picture each, side by side: too small, too large, right.
    weights : pair of int, default=None
        Which two of `[coef_..., intercept_]` span the picture; all others stand where the path ends. Default the first
        two, the intercept among them where there is one column only.
    resolution : int, default=120
        Points of the grid along each side.
    ax : matplotlib axes, or an array of them where `etas` are given, default=None
        Where to draw; new ones by default.

    Returns
    -------
    ax : matplotlib axes, or an array of them

    Examples
    --------
    >>> from fastml.linear_model import SGDRegressor
    >>> from fastml.plot import descent
    >>> model = SGDRegressor(penalty=None, learning_rate="constant", batch_size="full", max_iter=30, tol=None)
    >>> axes = descent(model, [[1.0], [2.0], [4.0]], [1.0, 3.0, 3.0], etas=[0.01, 0.1, 0.25])
    >>> [ax.get_title() for ax in axes]
    ['eta0 = 0.01', 'eta0 = 0.1', 'eta0 = 0.25']
    """
    if etas is None:
        return draw_descent(model, X, y, weights, resolution, axes_of(ax))
    if ax is None:
        from matplotlib import pyplot

        axes_of(pyplot.gca())  # says how to install matplotlib where it is missing
        pyplot.close()
        ax = pyplot.subplots(1, len(etas), figsize=(4.2 * len(etas), 3.8), layout="constrained", squeeze=False)[1][0]
    if len(ax) != len(etas):
        raise ValueError(f"ax has {len(ax)} axes for {len(etas)} etas: give one each")
    for eta, each in zip(etas, ax, strict=True):
        draw_descent(clone(model).set_params(eta0=eta), X, y, weights, resolution, each)
        each.set_title(f"eta0 = {eta}")
    return ax


def draw_descent(model, X, y, weights, resolution, ax):
    path, fitted = path_of(model, X, y)
    X, d = np.asarray(X, np.float64), path.shape[1] - 1
    weights = ((0, 1) if d > 1 else (0, d)) if weights is None else weights
    if len(weights) != 2 or not all(0 <= j <= d for j in weights) or weights[0] == weights[1]:
        raise ValueError(f"weights={weights!r} must be two different places in [coef_, intercept_], from 0 to {d}")
    steps = path[:, list(weights)]
    steps = steps[np.isfinite(steps).all(axis=1)]
    low, high = steps.min(axis=0), steps.max(axis=0)
    margin = 0.25 * np.where(high > low, high - low, 1.0)
    across, up = (np.linspace(low[j] - margin[j], high[j] + margin[j], resolution) for j in (0, 1))
    points = np.tile(path[-1], (resolution**2, 1))
    points[:, weights[0]], points[:, weights[1]] = np.tile(across, resolution), np.repeat(up, resolution)
    values = objective_of(fitted, X, y)(points).reshape(resolution, resolution)
    levels = np.quantile(values[np.isfinite(values)], np.linspace(0, 1, 25) ** 1.5)
    ax.contourf(across, up, values, levels=np.unique(levels), cmap="viridis", alpha=0.75)
    ax.plot(*steps.T, "-", color="white", linewidth=1.0)
    ax.scatter(*steps.T, s=10, color="white", edgecolor="black", linewidth=0.3, zorder=3)
    ax.scatter(*steps[-1], s=45, marker="*", color="crimson", zorder=4)
    names = [*(f"w{j}" for j in range(d)), "intercept"]
    ax.set(xlabel=names[weights[0]], ylabel=names[weights[1]], title=f"{type(model).__name__}")
    return ax


def path_of(model, X, y):
    """(weights [coef, intercept] at the start and after each epoch or iteration (m, d + 1), the fitted model)."""
    model, path = clone(model), []

    def keep(fitted, epoch=None):
        path.append(np.append(np.ravel(fitted.coef_), np.ravel(fitted.intercept_)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if "callbacks" in model.get_params():
            model.set_params(callbacks=keep).fit(X, y)
        else:
            steps = int(np.max(clone(model).fit(X, y).n_iter_))
            for most in range(1, min(steps, MOST_STEPS) + 1):
                keep(model.set_params(max_iter=most).fit(X, y))
    d = np.shape(X)[1]
    if len(path[0]) != d + 1:
        raise ValueError(f"y gives {len(path[0]) // (d + 1)} outputs, and one is drawn: pass two classes or one column")
    return np.array([np.zeros(d + 1), *path]), model


def objective_of(model, X, y):
    """A function from points [coef, intercept] (m, d + 1) to mean loss and penalty (m,)."""
    Y = np.asarray(y)
    Y = np.where(Y == model.classes_[1], 1.0, -1.0) if is_classifier(model) else Y.astype(np.float64)
    if hasattr(model, "_task"):
        task = model._task(X, np.unique(Y))
    elif hasattr(model, "C"):
        l1, l2 = model._penalties(len(Y))
        task = Task(loss=LOSSES["log"], l1=l1, l2=l2)
    else:
        task = Task(loss=LOSSES["squared"])
    ones = np.ones((2, 1))

    def objective(points):
        penalty = task.l2 / 2 * (points[:, :-1] ** 2).sum(axis=1) + task.l1 * np.abs(points[:, :-1]).sum(axis=1)
        losses = np.zeros(len(points))
        for x, target in zip(X, Y, strict=True):  # a row at a time: never n_samples times the grid
            scores = points[:, :-1] @ x + points[:, -1]
            same = np.full((len(points), 1), target)
            losses += kernels.slopes(task, scores[:, None], same, np.empty(0), ones)[0]
        return losses / len(X) + penalty

    return objective


def mistakes(report: Any, *, ax: Any = None) -> Any:
    """Draw a perceptron's mistakes: those of each epoch, their sum, and the bound that the sum never crosses.

    Parameters
    ----------
    report : PerceptronReport
        `Perceptron().fit(X, y).report_`, or one of them where there are several classes.
    ax : matplotlib axes, default=None
        Where to draw; new ones by default.

    Returns
    -------
    ax : matplotlib axes

    Examples
    --------
    >>> from fastml.linear_model import Perceptron
    >>> from fastml.plot import mistakes
    >>> model = Perceptron(tol=None).fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1])
    >>> mistakes(model.report_).get_title()
    'separated'
    """
    if isinstance(report, dict):
        raise ValueError(f"report holds one report for each of {list(report)}: pass one of them")
    ax = axes_of(ax)
    epochs = np.arange(1, len(report.mistakes) + 1)
    ax.bar(epochs, report.mistakes, color="tab:blue", alpha=0.6, label="mistakes")
    ax.plot(epochs, np.cumsum(report.mistakes), color="black", label="sum")
    if report.bound is not None:
        ax.axhline(report.bound, color="crimson", linestyle="--", label=f"bound {report.bound:.4g}")
    ax.set(xlabel="epoch", ylabel="mistakes", title=report.status)
    if report.bound is not None and report.bound > 20 * max(1, report.total_mistakes):
        ax.set_yscale("symlog")
    ax.legend(fontsize=8)
    return ax
