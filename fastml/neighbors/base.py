"""The parameters of a search for neighbours, and what every estimator can ask of it."""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import HasMethods
from fastml.base import NO_TARGET, Estimator, Interval, StrOptions
from fastml.neighbors.choice import choose
from fastml.neighbors.computed import Computed, Given
from fastml.neighbors.given import check_distances, points_of
from fastml.neighbors.metrics import COMPUTED, resolve, takes_missing, warn_of_settings
from fastml.neighbors.search import Brute, Refused, Tree

__all__ = ["COUNT", "RADIUS", "NeighborSearch"]

COUNT = {"n_neighbors": [Interval(Integral, 1, None, closed="left")]}
RADIUS = {"radius": [Interval(Real, 0, None, closed="both")]}


class NeighborSearch(Estimator):
    """The fitted points, and the index that searches them: `_search`."""

    _parameter_constraints = {
        "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "p": [Interval(Real, 0, None, closed="right"), None],
        "metric": [str, callable, HasMethods(["pairwise", "rdist_to_dist"])],  # the last: DistanceMetric
        "metric_params": [dict, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def _fit_points(self, X):
        """Prepare the search among the rows of X, which `_check_points` checked."""
        given = self.__dict__.pop("_given_metric", None)
        columns = columns_for(self.metric, self.algorithm, X)
        metric = given or resolve(self.metric, 2 if self.p is None else self.p, self.metric_params, columns)
        if self.n_jobs == 0:
            raise ValueError("n_jobs=0 means no thread at all; pass None for every processor, or a positive number")
        algorithm = choose(self.algorithm, metric, X, getattr(self, "n_neighbors", None))
        warn_of_settings(self, metric)
        if metric.name == "precomputed" and X.shape[0] != X.shape[1]:
            raise ValueError(
                f"Precomputed matrix must be square. metric='precomputed' takes the square table of distances in fit;"
                f" X is {X.shape}"
            )
        search = make_search(X, metric, algorithm, self.leaf_size, self.n_jobs)
        self.effective_metric_ = metric.function or metric.name
        self.effective_metric_params_ = metric.parameters
        self.algorithm_ = algorithm
        self._fit_X, self.n_samples_fit_ = X, X.shape[0]
        self._search = search
        return self

    @property
    def _fit_method(self):
        """What scikit-learn calls `algorithm_`."""
        return self.algorithm_

    def __getstate__(self):
        """Pickles and files keep the points; the search among them is prepared anew where they are read."""
        return {name: value for name, value in super().__getstate__().items() if name != "_search"}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "_fit_X" in state:
            columns = columns_for(self.effective_metric_, self.algorithm_, self._fit_X)
            metric = resolve(self.effective_metric_, 2, self.effective_metric_params_, columns)
            self._search = make_search(self._fit_X, metric, self.algorithm_, self.leaf_size, self.n_jobs)

    def _check_points(self, X, y=NO_TARGET, **options):
        """X (and y) of a fit, with what a search can take: small integers, CSR, NaN for nan_euclidean.

        X may be a fitted search, or a tree, too: its points, which are searched by its metric.
        """
        X, given = points_of(X)
        if given is not None:
            self._given_metric = given  # until the points are checked
        if self._precomputed():
            check_distances(X)
        options |= {"small_integers": True, "accept_sparse": "csr", "allow_nan": takes_missing(self.metric)}
        return self._check_fit(X, y, **options)

    def _precomputed(self):
        return isinstance(self.metric, str) and self.metric == "precomputed"

    def _check_queries(self, X):
        """(queries, exclude): X checked, or for None the fitted points, each of which leaves itself out."""
        if X is not None:
            if self.algorithm in ("kd_tree", "ball_tree") and issparse(X) and not issparse(getattr(self, "_fit_X", X)):
                raise ValueError(
                    f"{self.algorithm} does not work with sparse matrices. Densify the data, or set algorithm='brute'"
                )
            if self._precomputed():
                check_is_fitted(self)
                check_distances(X)
            return self._check_rows(X), None
        check_is_fitted(self)
        return self._fit_X, np.arange(self.n_samples_fit_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = tags.input_tags.positive_only = self._precomputed()
        tags.input_tags.allow_nan = takes_missing(self.metric)
        return tags


def columns_for(metric, algorithm, X):
    """How many columns a metric is asked to take in fit; scikit-learn's brute force asks haversine only to search."""
    brute = algorithm == "brute" and isinstance(metric, str) and metric == "haversine"
    return 2 if brute else X.shape[1]


def make_search(X, metric, algorithm, leaf_size, n_jobs):
    """The search that serves a metric among the rows of X."""
    if metric.name == "precomputed":
        return Given(X, metric)
    if metric.row.n_columns not in (None, X.shape[1]):
        return Refused(X, metric)
    no_kernel = metric.name == "callable" and (issparse(X) or metric.options)  # none can call such a function
    if no_kernel or metric.row.served_by == (COMPUTED,):
        return Computed(X, metric)
    return Tree(X, metric, leaf_size, n_jobs) if algorithm == "kd_tree" else Brute(X, metric)
