"""Pictures of learning: a training run, f(x) over one column, data lifted to where a plane parts them."""

from typing import Any

import numpy as np

from fastml.markup import math_free
from fastml.plot.axes import axes_of
from fastml.plot.neighbors import palette

__all__ = ["function", "lifted", "training"]


def training(model: Any, *, ax: Any = None) -> Any:
    """Draw a training run: loss and score of each epoch, on the training rows and on those held out.

    Parameters
    ----------
    model : fitted MLPClassifier or MLPRegressor, or dict
        A model whose `history_` has "loss" and perhaps "validation_loss", "train_score" and "validation_score", as
        fastml's have that learn in epochs; scikit-learn's networks; or such a dict of lists.
    ax : matplotlib axes, or two, default=None
        Where to draw the loss, and the score where there is one; new ones by default.

    Returns
    -------
    axes : list of matplotlib axes
        One, or two where there are scores. The dotted line is the best epoch: of the highest validation score, else of
        the lowest validation loss, else of the lowest loss.

    Examples
    --------
    >>> from fastml.plot import training
    >>> axes = training({"loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 2.5, 2.7]})
    >>> [line.get_label() for line in axes[0].lines]
    ['training rows', 'held-out rows', 'best epoch: 2']
    """
    curves = curves_of(model)
    panels = [("loss", [curves.get("loss"), curves.get("validation_loss")])]
    if "train_score" in curves or "validation_score" in curves:
        panels.append(("score", [curves.get("train_score"), curves.get("validation_score")]))
    if ax is None:
        first = axes_of(None, (4.6 * len(panels), 3.6))
        if len(panels) == 2:
            figure = first.figure
            first.remove()
            ax = list(figure.subplots(1, 2))
        else:
            ax = [first]
    axes = list(np.ravel(ax))
    if len(axes) != len(panels):
        raise ValueError(f"ax has {len(axes)} axes for {len(panels)} pictures: {' and '.join(p[0] for p in panels)}")
    best = best_epoch(curves)
    for axis, (name, lines) in zip(axes, panels, strict=True):
        for values, label, style in zip(lines, ("training rows", "held-out rows"), ("--", "-"), strict=True):
            if values is not None:
                dot = "." if len(values) < 40 else None
                colour = "tab:blue" if label == "training rows" else "tab:orange"
                axis.plot(np.arange(1, len(values) + 1), values, style, color=colour, marker=dot, label=label)
        axis.axvline(best, color="0.4", linestyle=":", linewidth=1.2, label=f"best epoch: {best}")
        positive = np.concatenate([v for v in lines if v is not None])
        positive = positive[np.isfinite(positive)]
        if name == "loss" and len(positive) and positive.min() > 0 and positive.max() > 30 * positive.min():
            axis.set_yscale("log")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set(xlabel="epoch", ylabel=name)
        axis.legend(fontsize=8)
    return axes


def curves_of(model):
    """{key: values of each epoch} of what the history has; entries of None or NaN alone are left out."""
    history = model if isinstance(model, dict) else getattr(model, "history_", None)
    if history is None and hasattr(model, "loss_curve_"):
        history = {"loss": model.loss_curve_, "validation_score": getattr(model, "validation_scores_", None)}
    if not history:
        raise ValueError(f"{type(model).__name__} has no history_ of epochs: fit a model that learns in epochs first")
    curves = {}
    for key in ("loss", "validation_loss", "train_score", "validation_score"):
        values = history.get(key)
        values = np.array([np.nan if v is None else v for v in ([] if values is None else values)], float)
        if len(values) and not np.isnan(values).all():
            curves[key] = values
    if "loss" not in curves:
        raise ValueError("the history has no loss: it holds " + ", ".join(map(str, history)))
    return curves


def best_epoch(curves):
    for key, find in (("validation_score", np.nanargmax), ("validation_loss", np.nanargmin), ("loss", np.nanargmin)):
        if key in curves:
            return int(find(curves[key])) + 1
    raise KeyError("loss")


def function(models: Any, X: Any, y: Any = None, *, resolution: int = 400, ax: Any = None) -> Any:
    """Draw f(x) over data of one column, for a model or for several.

    Parameters
    ----------
    models : fitted model, Network or function, or dict of these by name
        What is asked at each x: a classifier of two classes for the probability of the second, else `predict`, or the
        function itself; all take an array (n, 1).
    X : array-like of shape (n_samples,) or (n_samples, 1)
        The column.
    y : array-like of shape (n_samples,), default=None
        Numbers, or labels of two classes, drawn as dots; None draws the range of X alone.
    resolution : int, default=400
        Points of each line, from a little below the lowest x to a little above the highest.
    ax : matplotlib axes, default=None
        Where to draw; new ones by default.

    Returns
    -------
    ax : matplotlib axes

    Examples
    --------
    >>> from fastml.linear_model import LinearRegression
    >>> from fastml.plot import function
    >>> ax = function({"a line": LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])}, [0.0, 1.0], [0.0, 1.0])
    >>> ax.get_legend_handles_labels()[1]
    ['data', 'a line']
    """
    column = np.asarray(X, float)
    column = column.ravel() if column.ndim == 1 or column.shape[1:] == (1,) else column
    if column.ndim != 1:
        raise ValueError(f"X has shape {np.shape(X)}: a function of one column is drawn; pass X[:, [j]]")
    ax = axes_of(ax, (5.6, 3.8))
    ax.set(xlabel=math_free(next(iter(getattr(X, "columns", ["x"])))), ylabel="f(x)")
    if y is not None:
        y = np.asarray(y)
        if y.dtype.kind not in "fiu":
            classes, y = np.unique(y, return_inverse=True)
            ax.set_yticks(range(len(classes)), map(math_free, classes))
        ax.plot(column, y, "o", color="0.45", markersize=4, alpha=0.7, label="data")
    margin = 0.04 * (np.ptp(column) or 1.0)
    grid = np.linspace(column.min() - margin, column.max() + margin, resolution)
    for name, model in (models if isinstance(models, dict) else {None: models}).items():
        ax.plot(grid, answers(model, grid[:, None]), label=None if name is None else math_free(name))
    if isinstance(models, dict):
        ax.legend(fontsize=8)
    return ax


def answers(model, column):
    """f(x) of each x of column (n, 1)."""
    if hasattr(model, "feature_names_in_"):
        import pandas as pd

        column = pd.DataFrame(column, columns=model.feature_names_in_)
    if len(getattr(model, "classes_", ())) == 2 and hasattr(model, "predict_proba"):
        return model.predict_proba(column)[:, 1]
    found = np.asarray(model.predict(column) if hasattr(model, "predict") else model(column), float)
    return found.reshape(len(column), -1)


def lifted(X: Any, y: Any, *, height: Any = None, weights: Any = None, ax: Any = None) -> Any:
    """Draw data of two columns in three dimensions, at a height that makes a plane part them.

    Parameters
    ----------
    X : array-like of shape (n_samples, 2)
        The data, such as a circle within a ring.
    y : array-like of shape (n_samples,)
        Labels.
    height : function of (x0, x1), default=None
        Of arrays; None is x0² + x1², which turns circles into planes.
    weights : (w0, w1, w2, bias), default=None
        A plane w0 x0 + w1 x1 + w2 height + bias = 0 to be drawn too; its shadow on the floor is the curve that parts
        the data there.
    ax : matplotlib axes with projection="3d", default=None
        Where to draw; new ones by default.

    Returns
    -------
    ax : matplotlib axes

    Examples
    --------
    The circle of radius √2 around (1, 1) is where 2 x0 + 2 x1 - (x0² + x1²) = 0:

    >>> from fastml.plot import lifted
    >>> ax = lifted([[1.0, 1.0], [1.5, 0.5], [3.0, 3.0]], ["in", "in", "out"], weights=(2, 2, -1, 0))
    >>> ax.get_zlabel()
    'height'
    """
    X, labels = np.asarray(X, float), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2:
        raise ValueError(f"X has shape {X.shape}: two columns are lifted to three; choose them by X[:, [i, j]]")
    rise = (lambda a, b: a**2 + b**2) if height is None else height
    if ax is None:
        flat = axes_of(None, (5.6, 4.8))
        figure = flat.figure
        flat.remove()
        ax = figure.add_subplot(projection="3d")
    elif not hasattr(ax, "get_zlim"):
        raise ValueError('ax is flat: make it with projection="3d"')
    z = np.asarray(rise(X[:, 0], X[:, 1]), float)
    floor = z.min() - 0.35 * (np.ptp(z) or 1.0)
    classes = np.unique(labels)
    for label, colour in zip(classes, palette(len(classes)), strict=True):
        own = labels == label
        ax.scatter(*X[own].T, z[own], s=14, color=colour, label=math_free(label), depthshade=False)
        ax.scatter(*X[own].T, floor, s=5, color=colour, alpha=0.35, depthshade=False)
    if weights is not None:
        draw_plane(ax, X, z, rise, np.asarray(weights, float), floor)
    ax.set(xlabel="x0", ylabel="x1", zlabel="height", zlim=(floor, z.max()))
    ax.legend(fontsize=8)
    return ax


def draw_plane(ax, X, z, rise, weights, floor):
    """The plane within the data's box, and below it the curve over which the lifted floor meets it."""
    if weights.shape != (4,) or weights[2] == 0:
        raise ValueError("weights must be (w0, w1, w2, bias) with w2 not 0: a plane that stands upright has no height")
    a, b = np.meshgrid(*(np.linspace(low, high, 60) for low, high in zip(X.min(axis=0), X.max(axis=0), strict=True)))
    plane = -(weights[0] * a + weights[1] * b + weights[3]) / weights[2]
    inside = np.where((plane >= z.min() - 0.1 * np.ptp(z)) & (plane <= z.max()), plane, np.nan)
    ax.plot_surface(a, b, inside, color="0.5", alpha=0.3, linewidth=0, shade=False)
    score = np.asarray(rise(a, b), float) - plane
    if score.min() < 0 < score.max():
        ax.contour(a, b, score, levels=[0.0], zdir="z", offset=floor, colors="0.2", linewidths=1)
