"""Regression by the mean of neighbours."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from fastml.base import one_row
from fastml.explanation import Explanation
from fastml.neighbors import queries
from fastml.neighbors.base import COUNT, RADIUS, NeighborSearch
from fastml.neighbors.search import nearest_voters, voters_within
from fastml.neighbors.sharing import shared_responses
from fastml.neighbors.weights import WEIGHTS, copies_of, few_copies_of
from fastml_ext import neighbors as kernels

__all__ = ["KNeighborsRegressor", "RadiusNeighborsRegressor"]


class NeighborRegressor(RegressorMixin, NeighborSearch):
    """An index of the samples (`_search`), voters that it finds for queries, and the weighted mean of their targets.

    A subclass says who votes: `_voters(X)` yields (starts, indices, weights) of a few queries at a time.
    """

    _parameter_constraints: dict = NeighborSearch._parameter_constraints | WEIGHTS
    _voters: Any
    _copies_of: Any
    _copies: Any = None  # (n_samples_fit_,), how many copies of itself a row stands for, or None for one of each

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Keep the samples and prepare the search.

        Parameters
        ----------
        X : array-like or CSR of shape (n_samples, n_features), or (n_samples, n_samples) if metric="precomputed"
            The samples. float32, float64 and integers of up to 16 bits are kept as they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets, finite numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight w stands for w copies of itself; w need not be whole, and 0 takes the row out of every mean.

        Returns
        -------
        self
        """
        X, y = self._check_points(X, y, multi_output=True, y_numeric=True)
        self._copies = self._copies_of(sample_weight, X)
        self._one_output = y.ndim == 1
        self._target_dtype = np.float32 if y.dtype == np.float32 else np.float64
        self._targets = np.ascontiguousarray(y.reshape(len(y), -1), np.float64)
        return self._fit_points(X)

    def predict(self, X: Any) -> np.ndarray:
        """Weighted mean of the neighbours' targets: (n_queries,) or (n_queries, n_outputs); float32 if y was.

        X as in `kneighbors`; None predicts each fitted point by the others.
        """
        return self._average(self._voters(X))

    def _average(self, voters):
        """The mean for each query, from what `_voters` yields."""
        parts = [
            kernels.average(starts, indices, weights, self._targets, self.n_jobs) for starts, indices, weights in voters
        ]
        means = parts[0] if len(parts) == 1 else np.concatenate(parts)
        means = means.astype(self._target_dtype, copy=False)
        return means[:, 0] if self._one_output else means

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Coefficient of determination R² of the predictions; X=None leaves each fitted row out of its own."""
        from sklearn.metrics import r2_score

        return r2_score(y, self.predict(X), sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class KNeighborsRegressor(NeighborRegressor):
    """Predict the mean of the targets of the k nearest fitted points.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours.
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        What a neighbour counts in the mean; as in KNeighborsClassifier.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are searched; the answer is the same. `algorithm_` says what served.
    leaf_size : int, default=30
        Points in a leaf of the tree; never changes the answer.
    p : float, default=2
        Power of the Minkowski distance.
    metric : str or callable, default="minkowski"
        As in KNeighborsClassifier.
    metric_params : dict, default=None
        Further parameters of the metric.
    n_jobs : int, default=None
        Threads: None for every processor this process may use.
    verbose : int, default=0
        1 shows a bar with the time left on long predictions.

    Attributes
    ----------
    algorithm_, effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_
        As in KNeighborsClassifier.

    Notes
    -----
    N. Altman, An introduction to kernel and nearest-neighbor nonparametric regression, Am. Stat. 46 (1992).

    Examples
    --------
    >>> from fastml.neighbors import KNeighborsRegressor
    >>> model = KNeighborsRegressor(n_neighbors=2).fit([[0], [1], [2], [3]], [0, 0, 1, 1])
    >>> model.predict([[1.5]])
    array([0.5])
    """

    _parameter_constraints = NeighborRegressor._parameter_constraints | COUNT
    _voters, _copies_of = nearest_voters, staticmethod(copies_of)
    kneighbors, kneighbors_graph = queries.kneighbors, queries.kneighbors_graph
    shared_parameters, shared_responses = ("n_neighbors", "weights"), shared_responses

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Any = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: Any = "minkowski",
        metric_params: dict | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.verbose = verbose

    def predict_path(self, X: Any, n_neighbors: ArrayLike) -> np.ndarray:
        """What `predict` answers for each of several numbers of neighbours, from one search.

        X : as in `predict` | n_neighbors : array-like of int, of shape (n_values,) | returns (n_values, n_queries) or
        (n_values, n_queries, n_outputs)
        """
        numbers = queries.check_path(self, n_neighbors)
        if self._copies is not None or callable(self.weights):  # the weights of the first k depend on k
            return np.stack([self._average(nearest_voters(self, X, k)) for k in numbers.tolist()])
        k, parts = int(numbers.max()), []
        for starts, indices, weights in nearest_voters(self, X, k):
            shape = len(starts) - 1, k
            parts.append([self._mean_of_first(k, indices.reshape(shape), weights, shape) for k in numbers.tolist()])
        means = np.concatenate(parts, axis=1).astype(self._target_dtype, copy=False)
        return means[:, :, 0] if self._one_output else means

    def _mean_of_first(self, k, indices, weights, shape):
        starts = np.arange(shape[0] + 1) * k
        weights = weights.reshape(shape)[:, :k].ravel() if len(weights) else weights
        return kernels.average(starts, indices[:, :k].ravel(), weights, self._targets, self.n_jobs)

    def explain(self, x: Any) -> Any:
        """The neighbours of one query: rows of X, targets, distances, weights; an Explanation.

        x : array-like of shape (n_features,) or (1, n_features)
        """
        x = one_row(x)
        answer = self.predict(x)[0]
        (_, indices, weights), *_ = self._voters(x)
        distances = self.kneighbors(x, len(indices))[0][0]
        weights = weights if len(weights) else np.ones(len(indices))
        targets = self._targets[indices]
        targets = targets[:, 0].tolist() if self._one_output else [tuple(row) for row in targets.tolist()]
        rows = list(zip(indices.tolist(), targets, distances.tolist(), weights.tolist(), strict=True))
        heading = f"{answer:.6g}" if self._one_output else str(answer)
        heading += f", the mean of {len(indices)} neighbors"
        return Explanation(answer, heading, ("row", "target", "distance", "weight"), rows)


class RadiusNeighborsRegressor(NeighborRegressor):
    """Predict the mean of the targets of all fitted points within a radius; NaN, with a warning, where there is none.

    Parameters
    ----------
    radius : float, default=1.0
        Distance up to which points count, those at the radius included.
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        What a neighbour counts in the mean; a function is called for one query at a time.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are searched; the answer is the same. `algorithm_` says what served.
    leaf_size : int, default=30
        Points in a leaf of the tree; never changes the answer.
    p : float, default=2
        Power of the Minkowski distance.
    metric : str or callable, default="minkowski"
        As in KNeighborsClassifier.
    metric_params : dict, default=None
        Further parameters of the metric.
    n_jobs : int, default=None
        Threads: None for every processor this process may use.
    verbose : int, default=0
        1 shows a bar with the time left on long predictions.

    Attributes
    ----------
    algorithm_, effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_
        As in KNeighborsClassifier.

    Examples
    --------
    >>> from fastml.neighbors import RadiusNeighborsRegressor
    >>> RadiusNeighborsRegressor(radius=1.0).fit([[0], [1], [2], [3]], [0, 0, 1, 1]).predict([[1.5]])
    array([0.5])
    """

    _parameter_constraints = NeighborRegressor._parameter_constraints | RADIUS
    _voters, _copies_of = voters_within, staticmethod(few_copies_of)
    radius_neighbors, radius_neighbors_graph = queries.radius_neighbors, queries.radius_neighbors_graph

    def __init__(
        self,
        radius: float = 1.0,
        *,
        weights: Any = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: Any = "minkowski",
        metric_params: dict | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.verbose = verbose

    def predict(self, X: Any) -> np.ndarray:
        means = super().predict(X)
        if np.isnan(means).any():
            lonely = int(np.isnan(means.reshape(len(means), -1)).any(axis=1).sum())
            warnings.warn(
                f"One or more samples have no neighbors within specified radius; predicting NaN. {lonely} samples have"
                f" no neighbors within radius={self.radius}",
                stacklevel=2,
            )
        return means

    predict.__doc__ = NeighborRegressor.predict.__doc__
