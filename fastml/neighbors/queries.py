"""What can be asked of a fitted search: the k nearest, all within a radius, and graphs of both.

The methods of the estimators, each of which takes those that it answers into its body.
"""

from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from sklearn.utils.validation import check_is_fitted

from fastml.neighbors.flat import only, starts_of, to_rows
from fastml.progress import progress_bar

__all__ = ["check_k", "check_path", "kneighbors", "kneighbors_graph", "radius_neighbors", "radius_neighbors_graph"]


def kneighbors(self: Any, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
    """The nearest fitted points of each query, nearest first; of two at one distance, the one fitted first.

    Parameters
    ----------
    X : array-like or CSR of shape (n_queries, n_features), default=None
        The queries; (n_queries, n_samples_fit) distances if metric="precomputed". None asks for the neighbours of
        every fitted point, itself left out.
    n_neighbors : int, default=None
        How many neighbours; None for the parameter of the estimator.
    return_distance : bool, default=True
        Whether distances are wanted too.

    Returns
    -------
    distances : ndarray of shape (n_queries, n_neighbors), float32 for float32 points, else float64
        Only if `return_distance`.
    indices : ndarray of shape (n_queries, n_neighbors), int64
        Rows of the fitted X.

    Raises
    ------
    ValueError
        If fewer points were fitted than neighbours are asked for, or X is not a finite table of the fitted width.
    """
    queries, exclude = self._check_queries(X)
    k = check_k(or_default(self, "n_neighbors", n_neighbors), self.n_samples_fit_, exclude is not None)
    with progress_bar("searching neighbors", queries.shape[0], self.verbose) as progress:
        distances, indices = self._search.nearest(queries, k, exclude, self.n_jobs, progress)
    return (distances, indices) if return_distance else indices


def kneighbors_graph(self: Any, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity") -> Any:
    """Sparse CSR of shape (n_queries, n_samples_fit) whose row q holds 1, or for mode="distance" the distance, at
    the neighbours of query q. Parameters as for `kneighbors`."""
    check_mode(mode)
    distances, indices = self.kneighbors(X, n_neighbors)
    data = distances if mode == "distance" else np.ones(indices.shape)
    return graph(self, data.ravel(), indices.ravel(), starts_of(indices))


def radius_neighbors(
    self: Any, X: Any = None, radius: float | None = None, return_distance: bool = True, sort_results: bool = False
) -> Any:
    """All fitted points within a radius of each query, those at the radius included, nearest first.

    Parameters
    ----------
    X : array-like or CSR of shape (n_queries, n_features), default=None
        The queries. None asks for the neighbours of every fitted point, itself left out.
    radius : float or array-like of shape (n_queries,), default=None
        Of all queries or of each; None for the parameter of the estimator.
    return_distance : bool, default=True
        Whether distances are wanted too.
    sort_results : bool, default=False
        Accepted for scikit-learn's sake: results are always sorted by (distance, index).

    Returns
    -------
    distances, indices : ndarray of shape (n_queries,), dtype object
        An array for each query; the distances only if `return_distance`.
    """
    if sort_results and not return_distance:
        raise ValueError(
            "return_distance must be True if sort_results is True: return_distance=False with sort_results=True"
        )
    starts, indices, distances = within(self, X, radius)
    results = to_rows(indices, starts)
    return (to_rows(distances, starts), results) if return_distance else results


def radius_neighbors_graph(
    self: Any, X: Any = None, radius: float | None = None, mode: str = "connectivity", sort_results: bool = False
) -> Any:
    """As `kneighbors_graph`, of the neighbours that `radius_neighbors` finds."""
    check_mode(mode)
    starts, indices, distances = within(self, X, radius)
    return graph(self, distances if mode == "distance" else np.ones(len(indices)), indices, starts)


def within(self, X, radius):
    """(starts, indices, distances) of all within the radius, or each query's own."""
    queries, exclude = self._check_queries(X)
    r = check_radius(or_default(self, "radius", radius), queries.shape[0])
    with progress_bar("searching neighbors", queries.shape[0], self.verbose) as progress:
        if isinstance(r, float):
            return self._search.within(queries, r, exclude, self.n_jobs, progress)
        starts, indices, distances = self._search.within(queries, float(r.max()), exclude, self.n_jobs, progress)
    of_each = np.repeat(r.astype(distances.dtype), np.diff(starts))
    return only(distances <= of_each, starts, indices, distances)


def graph(self, data, indices, starts):
    return as_scikit_learn_has_it(csr_array((data, indices, starts), shape=(len(starts) - 1, self.n_samples_fit_)))


def or_default(estimator, name, value):
    """The value given, or the parameter of that name, which not every estimator has."""
    if value is None:
        value = getattr(estimator, name, None)
    if value is None:
        raise ValueError(f"{name}=None, and this {type(estimator).__name__} has no {name} of its own: pass a number")
    return value


def check_k(k, n, excluded=False):
    """k, if so many of n points can be neighbours (of n - 1 where the query itself is left out)."""
    if not isinstance(k, Integral) or k < 1:
        raise ValueError(f"Expected n_neighbors > 0. n_neighbors={k!r} must be a whole number, at least 1")
    if k > n - excluded:
        other = " other than the query itself" if excluded else ""
        raise ValueError(
            f"Expected n_neighbors <= n_samples_fit{' - 1' * excluded}: n_neighbors={k} but only {n - excluded}"
            f" samples{other} were fitted (n_samples = {n}): ask for fewer neighbors, or fit more samples"
        )
    return int(k)


def check_path(self, n_neighbors):
    """The numbers of neighbours of a path (n_values,), checked."""
    check_is_fitted(self)
    numbers = np.atleast_1d(n_neighbors)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or not len(numbers) or numbers.min() < 1:
        raise ValueError(f"n_neighbors={n_neighbors!r} must hold whole numbers, each at least 1")
    return numbers


def check_radius(r, m):
    """A radius for all of m queries, as a float, or one for each (m,)."""
    if isinstance(r, Real) and float(r) >= 0:
        return float(r)
    radii = np.asarray(r) if isinstance(r, (np.ndarray, list, tuple)) else np.empty(0, object)
    if radii.dtype.kind not in "iuf" or radii.shape != (m,) or not (radii >= 0).all():
        raise ValueError(f"radius={r!r} must be a number, at least 0, or {m} of them, one for each query")
    return radii.astype(np.float64)


def check_mode(mode):
    if mode not in ("connectivity", "distance"):
        raise ValueError(
            f'Unsupported mode, must be one of "connectivity", or "distance" but got "{mode}" instead: mode={mode!r}'
        )


def as_scikit_learn_has_it(array):
    """A csr_matrix, or a csr_array where scikit-learn has a setting sparse_interface that asks for one."""
    from sklearn import get_config

    return array if get_config().get("sparse_interface") == "sparray" else csr_matrix(array)
