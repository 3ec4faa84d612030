"""Pictures of what a classifier answers over a plane."""

from typing import Any

import numpy as np

from fastml.markup import math_free
from fastml.neighbors import KNeighborsClassifier
from fastml.plot.axes import axes_of

__all__ = ["decision_boundary"]

MOST_CELLS = 500  # of the Voronoi diagram: more edges than this hide the picture


def decision_boundary(
    model: Any, X: Any, y: Any = None, *, features: Any = (0, 1), resolution: int = 300, ax: Any = None
) -> Any:
    """Draw which class a fitted classifier answers at each point of a plane, and the samples on it.

    For one nearest neighbour in two columns the Voronoi cells of the fitted points are drawn too: inside a cell the
    answer is that of its point.

    Parameters
    ----------
    model : fitted classifier
        Of fastml or of scikit-learn.
    X : array-like of shape (n_samples, n_features)
        The samples to draw.
    y : array-like of shape (n_samples,), default=None
        Their labels; None takes what the model answers.
    features : pair of int, default=(0, 1)
        The columns of X that span the plane; all others stand at their median.
    resolution : int, default=300
        Points of the grid along each side.
    ax : matplotlib axes, default=None
        Where to draw; new ones by default.

    Returns
    -------
    ax : matplotlib axes

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastml.neighbors import KNeighborsClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> ax = decision_boundary(KNeighborsClassifier(1).fit(X[:, 2:], y), X[:, 2:], y, resolution=50)
    >>> len(ax.get_legend().get_texts())
    3
    """
    X = np.asarray(X, np.float64)
    if X.ndim != 2 or X.shape[1] < 2:
        raise ValueError(f"X must have two columns or more to span a plane; its shape is {X.shape}")
    if len(features) != 2 or not all(0 <= j < X.shape[1] for j in features) or features[0] == features[1]:
        raise ValueError(f"features={features!r} must be two different columns of X, from 0 to {X.shape[1] - 1}")
    ax = axes_of(ax, (5.4, 4.6))
    labels = np.asarray(model.predict(X) if y is None else y)
    plane = X[:, list(features)]
    low, high = plane.min(axis=0), plane.max(axis=0)
    margin = 0.06 * np.where(high > low, high - low, 1.0)
    low, high = low - margin, high + margin
    classes, colors = np.asarray(model.classes_), palette(len(model.classes_))
    codes = np.searchsorted(classes, answers(model, X, features, low, high, resolution))
    image = np.array(colors)[codes.reshape(resolution, resolution)]
    extent = (low[0], high[0], low[1], high[1])
    ax.imshow(image, origin="lower", extent=extent, alpha=0.3, aspect="auto", interpolation="nearest")
    if isinstance(model, KNeighborsClassifier) and model.n_neighbors == 1 and model.n_features_in_ == 2:
        draw_cells(ax, model._fit_X)
    for label, color in zip(classes, colors, strict=True):
        own = plane[labels == label]
        ax.scatter(*own.T, s=18, color=color, edgecolor="white", linewidth=0.5, label=math_free(label), zorder=3)
    names = getattr(model, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])])
    across, up = (math_free(names[feature]) for feature in features)
    ax.set(xlim=extent[:2], ylim=extent[2:], xlabel=across, ylabel=up)
    ax.legend(loc="best", fontsize=8)
    return ax


def answers(model, X, features, low, high, resolution):
    """What the model predicts over a grid, row by row from the lowest."""
    across, up = (np.linspace(low[j], high[j], resolution) for j in (0, 1))
    grid = np.broadcast_to(np.median(X, axis=0), (resolution**2, X.shape[1])).copy()
    grid[:, features[0]] = np.tile(across, resolution)
    grid[:, features[1]] = np.repeat(up, resolution)
    if hasattr(model, "feature_names_in_"):
        import pandas as pd

        return model.predict(pd.DataFrame(grid, columns=model.feature_names_in_))
    return model.predict(grid)


def draw_cells(ax, points):
    """The edges of the Voronoi cells of points (n, 2), where there are few enough to be seen."""
    from scipy.spatial import QhullError, Voronoi, voronoi_plot_2d

    points = np.unique(np.asarray(points, np.float64), axis=0)
    if not 3 <= len(points) <= MOST_CELLS:
        return
    try:
        cells = Voronoi(points)
    except QhullError:  # all on one line: the cells are strips, and the colours show them
        return
    voronoi_plot_2d(cells, ax=ax, show_points=False, show_vertices=False, line_width=0.6, line_alpha=0.5)


def palette(n):
    """n colours (r, g, b) that can be told apart."""
    from matplotlib import colormaps

    return [colormaps["tab10" if n <= 10 else "turbo"](i if n <= 10 else i / (n - 1))[:3] for i in range(n)]
