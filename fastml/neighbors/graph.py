"""Graphs of neighbours."""

from typing import Any

import numpy as np

from fastml.neighbors.base import NeighborSearch
from fastml.neighbors.unsupervised import NearestNeighbors

__all__ = ["kneighbors_graph", "radius_neighbors_graph"]


def kneighbors_graph(
    X: Any,
    n_neighbors: int,
    *,
    mode: str = "connectivity",
    metric: Any = "minkowski",
    p: float = 2,
    metric_params: dict | None = None,
    include_self: Any = False,
    n_jobs: int | None = None,
) -> Any:
    """The k nearest of the other rows of X, for each row, as a sparse graph.

    Parameters
    ----------
    X : array-like or CSR of shape (n_samples, n_features), or a fitted search of fastml.neighbors
    n_neighbors : int
        Neighbours of each row.
    mode : {"connectivity", "distance"}, default="connectivity"
        Whether an edge holds 1 or the distance.
    metric, p, metric_params, n_jobs :
        As in NearestNeighbors.
    include_self : bool or "auto", default=False
        Whether a row is its own first neighbour; "auto": yes for mode="connectivity".

    Returns
    -------
    graph : CSR of shape (n_samples, n_samples)

    Examples
    --------
    >>> from fastml.neighbors import kneighbors_graph
    >>> kneighbors_graph([[0], [3], [1]], 1).toarray()
    array([[0., 0., 1.],
           [0., 0., 1.],
           [1., 0., 0.]])
    """
    search = fitted(X, metric, p, metric_params, n_jobs, n_neighbors=n_neighbors)
    return search.kneighbors_graph(queries(search, include_self, mode), n_neighbors, mode)


def radius_neighbors_graph(
    X: Any,
    radius: float,
    *,
    mode: str = "connectivity",
    metric: Any = "minkowski",
    p: float = 2,
    metric_params: dict | None = None,
    include_self: Any = False,
    n_jobs: int | None = None,
) -> Any:
    """All other rows of X within a radius, for each row, as a sparse graph.

    Parameters
    ----------
    X : array-like or CSR of shape (n_samples, n_features), or a fitted search of fastml.neighbors
    radius : float
        Distance up to which rows are neighbours.
    mode, metric, p, metric_params, include_self, n_jobs :
        As in `kneighbors_graph`.

    Returns
    -------
    graph : CSR of shape (n_samples, n_samples)

    Examples
    --------
    >>> from fastml.neighbors import radius_neighbors_graph
    >>> radius_neighbors_graph([[0], [3], [1]], 1.5, mode="distance").toarray()
    array([[0., 0., 1.],
           [0., 0., 0.],
           [1., 0., 0.]])
    """
    search = fitted(X, metric, p, metric_params, n_jobs, radius=radius)
    return search.radius_neighbors_graph(queries(search, include_self, mode), radius, mode)


def fitted(X, metric, p, metric_params, n_jobs, **size):
    """X as a search; a fitted one must have the same metric."""
    if not isinstance(X, NeighborSearch):
        options = {"metric": metric, "p": p, "metric_params": metric_params, "n_jobs": n_jobs}
        return NearestNeighbors(**size, **options).fit(X)
    for name, value in {"metric": metric, "p": p, "metric_params": metric_params}.items():
        if not same(getattr(X, name), value):
            raise ValueError(f"{name}={value!r}, but X was fitted with {name}={getattr(X, name)!r}: pass the same")
    return X


def same(one, other):
    """Are two values of a parameter equal? Arrays in metric_params are, where all their values are."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)
    return one is other or one == other


def queries(search, include_self, mode):
    """The rows of X as queries, or None, which leaves each row itself out."""
    include_self = mode == "connectivity" if include_self == "auto" else include_self
    return search._fit_X if include_self else None
