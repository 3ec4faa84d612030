"""The parameters of a search for neighbours, and what every estimator can ask of it."""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn.utils.validation import check_is_fitted

from fastml.base import NO_TARGET, Estimator, Interval, StrOptions
from fastml.neighbors.choice import choose
from fastml.neighbors.metrics import SCIPY, resolve
from fastml.neighbors.searches import Brute, Computed, Graph, Tree
from fastml.progress import progress_bar

__all__ = ["AT_ONCE", "NeighborSearch", "check_k", "starts_of", "to_rows"]

AT_ONCE = 2**20  # neighbours held at a time between search and vote: 16 MB


class NeighborSearch(Estimator):
    """The fitted points and a search among them."""

    _parameter_constraints = {
        "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "p": [Interval(Real, 0, None, closed="right"), None],
        "metric": [str, callable],
        "metric_params": [dict, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def _fit_points(self, X):
        """Prepare the search among the rows of X, which are checked."""
        metric = self._metric(X.shape[1])
        if self.n_jobs == 0:
            raise ValueError("n_jobs=0 means no thread at all; pass None for every processor, or a positive number")
        self.effective_metric_ = metric.function or metric.name
        self.effective_metric_params_ = metric.parameters
        self.algorithm_ = choose(self.algorithm, metric, X, getattr(self, "n_neighbors", None))
        if metric.name == "precomputed" and X.shape[0] != X.shape[1]:
            raise ValueError(f"metric='precomputed' takes the square table of distances in fit; X is {X.shape}")
        self._fit_X, self.n_samples_fit_ = X, X.shape[0]
        self._search = self._make_search(metric)
        return self

    def _make_search(self, metric):
        X = self._fit_X
        if metric.name == "precomputed" or metric.name in SCIPY:
            return (Graph if issparse(X) else Computed)(X, metric)
        if self.algorithm_ == "kd_tree":
            return Tree(X, metric, self.leaf_size, self.n_jobs)
        return Brute(X, metric)

    def _metric(self, n_features):
        return resolve(self.metric, 2 if self.p is None else self.p, self.metric_params, n_features)

    def __getstate__(self):
        """Pickles and files keep the points; the search among them is prepared anew where they are read."""
        return {name: value for name, value in super().__getstate__().items() if name != "_search"}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "_fit_X" in state:
            self._search = self._make_search(self._metric(self._fit_X.shape[1]))

    def _check_points(self, X, y=NO_TARGET, **options):
        """X (and y) of a fit, with what a search can take: small integers, CSR, NaN for nan_euclidean."""
        options |= {"small_integers": True, "accept_sparse": "csr", "allow_nan": self.metric == "nan_euclidean"}
        return self._check_fit(X, y, **options)

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
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
        k = self._check_k(n_neighbors, excluded=exclude is not None)
        with progress_bar("searching neighbors", queries.shape[0], self._verbose) as progress:
            distances, indices = self._search.nearest(queries, k, exclude, self.n_jobs, progress)
        return (distances, indices) if return_distance else indices

    def radius_neighbors(self, X=None, radius=None, return_distance=True, sort_results=False):
        """All fitted points within a radius of each query, those at the radius included, nearest first.

        Parameters
        ----------
        X : array-like or CSR of shape (n_queries, n_features), default=None
            The queries. None asks for the neighbours of every fitted point, itself left out.
        radius : float, default=None
            None for the parameter of the estimator.
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
            raise ValueError("return_distance=False with sort_results=True: sorted results need return_distance=True")
        starts, indices, distances = self._within(X, radius)
        results = to_rows(indices, starts)
        return (to_rows(distances, starts), results) if return_distance else results

    def kneighbors_graph(self, X=None, n_neighbors=None, mode="connectivity"):
        """Sparse CSR of shape (n_queries, n_samples_fit) whose row q holds 1, or for mode="distance" the distance, at
        the neighbours of query q. Parameters as for `kneighbors`."""
        check_mode(mode)
        distances, indices = self.kneighbors(X, n_neighbors)
        data = distances if mode == "distance" else np.ones(indices.shape)
        return self._graph(data.ravel(), indices.ravel(), starts_of(indices))

    def radius_neighbors_graph(self, X=None, radius=None, mode="connectivity", sort_results=False):
        """As `kneighbors_graph`, of the neighbours that `radius_neighbors` finds."""
        check_mode(mode)
        starts, indices, distances = self._within(X, radius)
        return self._graph(distances if mode == "distance" else np.ones(len(indices)), indices, starts)

    def _graph(self, data, indices, starts):
        return as_scikit_learn_has_it(csr_array((data, indices, starts), shape=(len(starts) - 1, self.n_samples_fit_)))

    def _within(self, X, radius):
        queries, exclude = self._check_queries(X)
        r = self._or_default("radius", radius)
        if not isinstance(r, Real) or not float(r) >= 0:
            raise ValueError(f"radius={r!r} must be a number, at least 0")
        with progress_bar("searching neighbors", queries.shape[0], self._verbose) as progress:
            return self._search.within(queries, r, exclude, self.n_jobs, progress)

    @property
    def _verbose(self):
        return getattr(self, "verbose", 0)

    def _check_queries(self, X):
        """(queries, exclude): X checked, or for None the fitted points, each of which leaves itself out."""
        if X is not None:
            return self._check_rows(X), None
        check_is_fitted(self)
        return self._fit_X, np.arange(self.n_samples_fit_)

    def _check_k(self, n_neighbors, excluded):
        return check_k(self._or_default("n_neighbors", n_neighbors), self.n_samples_fit_, excluded)

    def _or_default(self, name, value):
        """The value given, or the parameter of that name, which not every estimator has."""
        if value is None:
            value = getattr(self, name, None)
        if value is None:
            raise ValueError(f"{name}=None, and this {type(self).__name__} has no {name} of its own: pass a number")
        return value

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = tags.input_tags.positive_only = self.metric == "precomputed"
        tags.input_tags.allow_nan = self.metric == "nan_euclidean"
        return tags


def check_k(k, n, excluded=False):
    """k, if so many of n points can be neighbours (of n - 1 where the query itself is left out)."""
    if not isinstance(k, Integral) or k < 1:
        raise ValueError(f"n_neighbors={k!r} must be a whole number, at least 1")
    if k > n - excluded:
        other = " other than the query itself" if excluded else ""
        raise ValueError(
            f"n_neighbors={k} but only {n - excluded} samples{other} were fitted (n_samples = {n}):"
            f" ask for fewer neighbors, or fit more samples"
        )
    return int(k)


def check_mode(mode):
    if mode not in ("connectivity", "distance"):
        raise ValueError(f'mode={mode!r} must be "connectivity" or "distance"')


def starts_of(indices):
    """Where the neighbours of each query begin in indices.ravel(), indices (m, k), and where the last ones end."""
    m, k = indices.shape
    return np.arange(0, m * k + 1, k)


def to_rows(flat, starts):
    """An object array of one array for each query."""
    rows = np.empty(len(starts) - 1, object)
    rows[:] = np.split(flat, starts[1:-1]) if len(rows) > 1 else [flat]
    return rows


def as_scikit_learn_has_it(array):
    """A csr_matrix, or a csr_array where scikit-learn has a setting sparse_interface that asks for one."""
    from sklearn import get_config

    return array if get_config().get("sparse_interface") == "sparray" else csr_matrix(array)
