"""Nearest neighbours among training rows that stay on the disk, or where Dask has them."""

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor

from fastml.scale.fitting import Checks, all_of
from fastml.scale.labels import find_labels
from fastml.scale.parts import Parts
from fastml.scale.reduction import Rows
from fastml_ext.blocks import BLOCK

__all__ = ["kneighbors", "predict_from"]

LARGER = 8  # times the blocks of other passes: each of them is searched by itself


class Nearest:
    """The reduction of the k nearest rows of each query: (distances, numbers of rows), by distance, then by number."""

    block = LARGER * BLOCK

    def __init__(self, model: Any, X: np.ndarray, k: int):
        self.model, self.X, self.k = model, X, k

    def partial(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        found = clone(self.model).fit(rows.X)
        distances, places = found.kneighbors(self.X, min(self.k, len(rows.X)))
        return distances, places.astype(np.int64) + rows.start

    def merge(self, first: tuple, second: tuple) -> tuple:
        distances, numbers = (np.concatenate(pair, axis=1) for pair in zip(first, second, strict=True))
        order = np.lexsort((numbers, distances), axis=1)[:, : self.k]
        return np.take_along_axis(distances, order, 1), np.take_along_axis(numbers, order, 1)


def kneighbors(
    parts: Parts, X: Any, n_neighbors: int = 5, *, metric: Any = "minkowski", p: float = 2, metric_params: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest rows of a table that does not fit into memory: one pass over it.

    Parameters
    ----------
    parts : Parts
        The table; weights and y are not looked at.
    X : array-like of shape (n_queries, n_features)
        Rows in memory, whose neighbours are sought.
    n_neighbors : int, default=5
        How many of each.
    metric, p, metric_params
        As of `fastml.neighbors.NearestNeighbors`.

    Returns
    -------
    distances : ndarray of shape (n_queries, n_neighbors)
        Ascending.
    rows : ndarray of shape (n_queries, n_neighbors), int64
        Numbers of rows in the table; of equally near ones the lower comes first.

    Examples
    --------
    >>> import fastml.scale
    >>> distances, rows = fastml.scale.kneighbors(fastml.scale.arrays([[0.0], [5.0], [6.0]]), [[5.2]], 2)
    >>> rows.tolist()
    [[1, 2]]
    """
    from fastml.neighbors import NearestNeighbors

    parts.need_numbers("kneighbors")
    model = NearestNeighbors(algorithm="brute", metric=metric, p=p, metric_params=metric_params, n_jobs=1)
    queries = np.asarray(X, parts.dtype)
    if queries.ndim != 2 or queries.shape[1] != parts.n_features:
        raise ValueError(f"X has shape {queries.shape}, and (n_queries, {parts.n_features}) is needed")
    if n_neighbors < 1:
        raise ValueError(f"n_neighbors={n_neighbors} must be at least 1")
    if not len(queries):
        return np.empty((0, n_neighbors), parts.dtype), np.empty((0, n_neighbors), np.int64)
    total = parts.reduce(Nearest(model, queries, n_neighbors), Checks("kneighbors", parts.names), "neighbours in", None)
    held = 0 if total is None else total[0].shape[1]
    if held < n_neighbors:
        raise ValueError(f"n_neighbors={n_neighbors}, and {parts!r} has {held} rows: ask for as many at most")
    return total


def predict_from(model: Any, parts: Parts, X: Any) -> np.ndarray:
    """What a model of nearest neighbours would predict after a fit on a table that does not fit into memory.

    Two passes: one finds the nearest rows of every query, one fetches them. The model then learns from these alone,
    which are all that it would look at. Nothing is kept of the table.

    Parameters
    ----------
    model : KNeighborsClassifier or KNeighborsRegressor
        Not fitted; it stays so.
    parts : Parts
        The training rows, with y.
    X : array-like of shape (n_queries, n_features)
        Rows in memory.

    Returns
    -------
    ndarray of shape (n_queries,)

    Examples
    --------
    >>> import fastml.scale
    >>> from fastml.neighbors import KNeighborsClassifier
    >>> table = fastml.scale.arrays([[0.0], [1.0], [8.0], [9.0]], ["low", "low", "high", "high"])
    >>> fastml.scale.predict_from(KNeighborsClassifier(n_neighbors=1), table, [[8.2], [0.1]]).tolist()
    ['high', 'low']
    """
    from fastml.neighbors import KNeighborsClassifier, KNeighborsRegressor

    who = type(model).__name__
    if not isinstance(model, KNeighborsClassifier | KNeighborsRegressor):
        raise TypeError(f"{who} does not look at its k nearest rows alone: KNeighborsClassifier and -Regressor do")
    if not parts.has_target:
        raise ValueError(f"{parts!r} has no target, and {who} needs one: name it where the parts are made")
    model._validate_params()
    labels = find_labels(parts) if is_classifier(model) else None
    options = {"metric": model.metric, "p": model.p, "metric_params": model.metric_params}
    _, numbers = kneighbors(parts, X, model.n_neighbors, **options)
    if not len(numbers):
        return np.empty(0, labels.classes.dtype if labels else float)
    checks = Checks(who, parts.names)
    checks.labels, checks.numbers = labels, is_regressor(model)
    rows, y, _ = all_of(parts.choose(np.unique(numbers), checks, "rows of"))
    y = labels.classes[y] if labels else y
    return clone(model).fit(rows, y).predict(np.asarray(X, parts.dtype))
