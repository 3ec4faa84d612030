"""Nearest neighbours."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from fastml.base import Estimator, Interval, StrOptions, encode_labels, hand_through
from fastml_ext import neighbors as kernels

__all__ = ["KNeighborsClassifier"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.neighbors")

AT_ONCE = 2**20  # neighbours held at a time between search and vote: 16 MB
ONE_EACH = np.empty((0, 0))  # weights of a plain majority vote


class NeighborSearch(Estimator):
    """The parameters of a search for the k nearest of the fitted points, and the search."""

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "p": [Interval(Real, 0, None, closed="right")],
        "metric": [StrOptions({"minkowski", "euclidean", "l2"})],
        "metric_params": [dict, None],
        "n_jobs": [Integral, None],
    }

    def _fit_points(self, X):
        if self.metric == "minkowski" and (self.p != 2 or self.metric_params):
            raise ValueError(
                f"p={self.p!r}, metric_params={self.metric_params!r}: only the Euclidean distance, p=2, is served"
            )
        self._points = kernels.prepare(X)
        self._fit_X = X
        self.n_samples_fit_ = len(X)
        self.algorithm_ = "brute"
        self.effective_metric_, self.effective_metric_params_ = "euclidean", {}

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """The nearest fitted points of each query, nearest first; of two at one distance, the one fitted first.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            The queries. None asks for the neighbours of every fitted point, itself left out.
        n_neighbors : int, default=None
            How many neighbours; None for the parameter of the estimator.
        return_distance : bool, default=True
            Whether distances are wanted too.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), in the dtype of the fitted points
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
        distances, indices = kernels.nearest(self._points, queries, k, exclude, self.n_jobs)
        return (distances, indices) if return_distance else indices

    def _check_queries(self, X):
        """(queries, exclude): X checked, or for None the fitted points, each of which leaves itself out."""
        if X is not None:
            return self._check_rows(X), None
        check_is_fitted(self)
        return self._fit_X, np.arange(self.n_samples_fit_)

    def _check_k(self, n_neighbors, excluded):
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral) or k < 1:
            raise ValueError(f"n_neighbors={k!r} must be a whole number, at least 1")
        if k > self.n_samples_fit_ - excluded:
            other = " other than the query itself" if excluded else ""
            raise ValueError(
                f"n_neighbors={k} but only {self.n_samples_fit_ - excluded} samples{other} were fitted"
                f" (n_samples = {self.n_samples_fit_}): ask for fewer neighbors, or fit more samples"
            )
        return k

    def _neighbors_in_parts(self, X):
        """(distances, indices) of a few queries at a time, so that the neighbours of all are never held at once."""
        queries, exclude = self._check_queries(X)
        k = self._check_k(None, excluded=exclude is not None)
        size = max(256, AT_ONCE // k)
        for start in range(0, len(queries), size):
            part = slice(start, start + size)
            yield kernels.nearest(
                self._points, queries[part], k, exclude if exclude is None else exclude[part], self.n_jobs
            )


class KNeighborsClassifier(ClassifierMixin, NeighborSearch):
    """Classify by the votes of the k nearest fitted points.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours that vote.
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        What a vote counts: one each (also None), the inverse of its distance (a point at distance 0 outvotes all that
        are further away), or what a function of the distances, (n_queries, n_neighbors), returns in the same shape.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are searched; the answer is the same. `algorithm_` says what served.
    leaf_size : int, default=30
        Points in a leaf of a tree; never changes the answer.
    p : float, default=2
        Power of the Minkowski distance.
    metric : str, default="minkowski"
        The distance.
    metric_params : dict, default=None
        Further parameters of the distance.
    n_jobs : int, default=None
        Threads: None for every processor this process may use, -1 for the same, 1 for none but the caller's.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels seen in fit, in order; the lowest wins a tie.
    algorithm_, effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    T. Cover and P. Hart, Nearest neighbor pattern classification, IEEE Trans. Inf. Theory 13 (1967). Weights by inverse
    distance: S. Dudani, IEEE Trans. Syst. Man Cybern. 6 (1976). float32 points are searched in float32, all others in
    float64.

    Examples
    --------
    >>> from fastml.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(n_neighbors=3).fit([[0], [1], [2], [3]], ["low", "low", "high", "high"])
    >>> model.predict([[1.1], [2.9]])
    array(['low', 'high'], dtype='<U4')
    >>> model.predict_proba([[0.9]]).round(2)
    array([[0.33, 0.67]])
    """

    _parameter_constraints = NeighborSearch._parameter_constraints | {
        "weights": [StrOptions({"uniform", "distance"}), callable, None]
    }

    def __init__(
        self,
        n_neighbors=5,
        *,
        weights="uniform",
        algorithm="auto",
        leaf_size=30,
        p=2,
        metric="minkowski",
        metric_params=None,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X, y):
        """Keep X, array-like of shape (n_samples, n_features), and the labels y, array-like of shape (n_samples,)."""
        X, y = self._check_fit(X, y)
        self.classes_, self._codes = encode_labels(y)
        self._fit_points(X)
        return self

    def predict(self, X):
        """Labels (n_queries,) of the rows of X (n_queries, n_features); of None, each fitted point's by the others."""
        winners = self._votes(kernels.vote, X)
        return self.classes_[winners]

    def predict_proba(self, X):
        """Share of the votes for each of `classes_`: (n_queries, n_classes), float64. X as for `predict`."""
        return self._votes(kernels.vote_shares, X)

    def _votes(self, count, X):
        parts = [
            count(indices, vote_weights(self.weights, distances), self._codes, len(self.classes_), self.n_jobs)
            for distances, indices in self._neighbors_in_parts(X)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def vote_weights(weights, distances):
    """What the votes of neighbours at `distances` (n_queries, k) count: the same shape, or ONE_EACH."""
    if weights in ("uniform", None):
        return ONE_EACH
    if weights == "distance":
        return inverse(distances)
    votes = np.ascontiguousarray(weights(distances), np.float64)
    name = getattr(weights, "__name__", weights)
    if votes.shape != distances.shape:
        raise ValueError(
            f"weights={name} returned shape {votes.shape} for distances of shape {distances.shape}: return the same"
        )
    if not (np.isfinite(votes).all() and (votes >= 0).all()):
        raise ValueError(f"weights={name} returned a negative or non-finite weight: votes count from 0 upwards")
    if not (votes.sum(axis=1) > 0).all():
        raise ValueError(f"weights={name} returned only zeros for a query: at least one neighbor must have a vote")
    return votes


def inverse(distances):
    """1 / distance; where a neighbour stands on the query itself, 1 for each of those and 0 for all others."""
    with np.errstate(divide="ignore", over="ignore"):
        votes = 1 / distances.astype(np.float64)
    infinite = np.isinf(votes)
    here = infinite.any(axis=1)
    votes[here] = infinite[here]
    return votes
