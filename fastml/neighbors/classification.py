"""Classification by the votes of neighbours."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from fastml.base import StrOptions, encode_outputs, one_row
from fastml.explanation import Explanation
from fastml.neighbors import queries
from fastml.neighbors.base import COUNT, RADIUS, NeighborSearch
from fastml.neighbors.search import nearest_voters, voters_within
from fastml.neighbors.sharing import shared_responses
from fastml.neighbors.weights import WEIGHTS, copies_of, few_copies_of
from fastml_ext import neighbors as kernels

__all__ = ["KNeighborsClassifier", "RadiusNeighborsClassifier"]


class NeighborClassifier(ClassifierMixin, NeighborSearch):
    """An index of the samples (`_search`), voters that it finds for queries, and their votes, one output after another.

    A subclass says who votes: `_voters(X)` yields (starts, indices, weights) of a few queries at a time.
    """

    _parameter_constraints: dict = {
        **NeighborSearch._parameter_constraints,
        **WEIGHTS,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }
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
            Their labels, of any kind.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight w stands for w copies of itself; w need not be whole, and 0 takes the row out of every vote.

        Returns
        -------
        self
        """
        X, y = self._check_points(X, y, multi_output=True)
        self._copies = self._copies_of(sample_weight, X)
        self.outputs_2d_ = y.ndim == 2 and y.shape[1] > 1
        labels, self._codes = encode_outputs(y)
        self._labels = labels
        self.classes_ = labels if self.outputs_2d_ else labels[0]
        self._class_votes = [self._votes_of(o) for o in range(len(labels))]
        return self._fit_points(X)

    def predict(self, X: Any) -> np.ndarray:
        """The label of most votes, the lowest of several: (n_queries,) or (n_queries, n_outputs).

        X as in `kneighbors`; None predicts each fitted point by the others.
        """
        return self._elect(self._voters(X))

    def predict_proba(self, X: Any) -> np.ndarray | list[np.ndarray]:
        """Share of the votes for each of `classes_`: (n_queries, n_classes) float64, for several outputs a list.

        X as in `predict`.
        """
        shares = self._count(self._voters(X), kernels.vote_shares)
        shares = [self._share(o, of_classes) for o, of_classes in enumerate(shares)]
        return shares if self.outputs_2d_ else shares[0]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of rows whose label is predicted right, of all outputs at once; X=None leaves each fitted row out."""
        if not self._has_outputs():
            return super().score(X, y, sample_weight)
        right = (self.predict(X) == np.asarray(y)).all(axis=1)
        return float(np.average(right, weights=sample_weight))

    def _has_outputs(self):
        check_is_fitted(self)
        return self.outputs_2d_

    def _elect(self, voters):
        """The label of most votes for each query, from what `_voters` yields."""
        winners = self._count(voters, kernels.vote)
        labels = [self._label(o, codes) for o, codes in enumerate(winners)]
        return np.stack(labels, axis=1) if self.outputs_2d_ else labels[0]

    def _count(self, voters, count):
        """For each output what `count` makes of the votes of all queries."""
        parts = [
            [
                count(starts, indices, self._weigh(o, indices, weights), codes, len(self._labels[o]), self.n_jobs)
                for o, codes in enumerate(self._codes)
            ]
            for starts, indices, weights in voters
        ]
        return [of_all[0] if len(of_all) == 1 else np.concatenate(of_all) for of_all in zip(*parts, strict=True)]

    def _weigh(self, o, indices, weights):
        """The weights of the votes times those of the classes they are for."""
        of_classes = self._class_votes[o]
        if of_classes is None:
            return weights
        of_voters = of_classes[self._codes[o][indices]]
        return of_voters * weights if len(weights) else of_voters

    def _votes_of(self, o):
        """What a vote for each class of output o counts, or None where all count one."""
        wanted = self.class_weight[o] if isinstance(self.class_weight, list) else self.class_weight
        if wanted is None:
            return None
        classes, rows = self._labels[o], self._labels[o][self._codes[o]]
        votes = compute_class_weight(wanted, classes=classes, y=rows, sample_weight=self._copies)
        if not (votes > 0).all():
            raise ValueError(f"class_weight={wanted!r} must give every class a positive weight")
        return votes

    def _label(self, o, codes):
        return self._labels[o][codes]

    def _share(self, o, shares):
        return shares

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class KNeighborsClassifier(NeighborClassifier):
    """Classify by the votes of the k nearest fitted points.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours that vote.
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        What a vote counts: one each (also None), the inverse of its distance (a point at distance 0 outvotes all that
        are further away), or what a function of the distances, (n_queries, n_neighbors), returns in the same shape.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are searched; the answer is the same. "auto" takes the faster one by a table of measurements,
        "ball_tree" is served by the KD-tree. `algorithm_` says what served.
    leaf_size : int, default=30
        Points in a leaf of the tree; never changes the answer.
    p : float, default=2
        Power of the Minkowski distance: 1 is Manhattan, 2 Euclidean, inf Chebyshev.
    metric : str or callable, default="minkowski"
        euclidean, manhattan, chebyshev, minkowski (with `p` and weights of columns `w`), hamming (the share of columns
        that differ), cosine, nan_euclidean, haversine (latitude and longitude in radians), "precomputed" (X holds
        distances), SciPy's other metrics, or a function of two rows (d,) that returns a number; it is compiled.
    metric_params : dict, default=None
        Further parameters of the metric, such as {"w": weights of the columns}.
    n_jobs : int, default=None
        Threads: None for every processor this process may use, -1 for the same, 1 for none but the caller's.
    class_weight : dict, list of dict, "balanced" or None, default=None
        What multiplies the votes for each class; "balanced" takes n_samples / (n_classes * rows of the class).
    verbose : int, default=0
        1 shows a bar with the time left on long predictions.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), for several outputs a list
        The labels seen in fit, in order; the lowest wins a tie.
    algorithm_ : str
        "kd_tree" or "brute".
    effective_metric_, effective_metric_params_, outputs_2d_, n_samples_fit_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    T. Cover and P. Hart, Nearest neighbor pattern classification, IEEE Trans. Inf. Theory 13 (1967). Weights by inverse
    distance: S. Dudani, IEEE Trans. Syst. Man Cybern. 6 (1976). float32 points are searched in float32, all others in
    float64; queries are rounded to the same.

    Examples
    --------
    >>> from fastml.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(n_neighbors=3).fit([[0], [1], [2], [3]], ["low", "low", "high", "high"])
    >>> model.predict([[1.1], [2.9]])
    array(['low', 'high'], dtype='<U4')
    >>> model.predict_proba([[0.9]]).round(2)
    array([[0.33, 0.67]])
    >>> model.predict_path([[1.1]], n_neighbors=[1, 3, 4]).ravel()
    array(['low', 'low', 'high'], dtype='<U4')
    """

    _parameter_constraints = NeighborClassifier._parameter_constraints | COUNT
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
        class_weight: Any = None,
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
        self.class_weight = class_weight
        self.verbose = verbose

    def predict_path(self, X: Any, n_neighbors: ArrayLike) -> np.ndarray:
        """What `predict` answers for each of several numbers of neighbours, from one search.

        Parameters
        ----------
        X : as in `predict`
        n_neighbors : array-like of int, of shape (n_values,)
            Each as the parameter of that name.

        Returns
        -------
        labels : ndarray of shape (n_values, n_queries), or (n_values, n_queries, n_outputs)
        """
        numbers = queries.check_path(self, n_neighbors)
        if self._copies is not None or callable(self.weights):  # the votes of the first k depend on k
            return np.stack([self._elect(nearest_voters(self, X, k)) for k in numbers.tolist()])
        ascending, places = np.unique(numbers, return_inverse=True)
        return self._path(X, ascending)[places]

    def _path(self, X, numbers):
        """(n_values, ...) predictions for ascending numbers of neighbours."""
        k, parts = int(numbers[-1]), []
        for starts, indices, weights in nearest_voters(self, X, k):
            shape = len(starts) - 1, k
            indices = indices.reshape(shape)
            outputs = []
            for o, codes in enumerate(self._codes):
                votes = self._weigh(o, indices, weights.reshape(shape if len(weights) else (0, 0)))
                votes = votes if len(votes) else np.empty((0, 0))
                path = kernels.vote_path(indices, votes, codes, len(self._labels[o]), numbers, self.n_jobs)
                outputs.append(self._label(o, path))
            parts.append(np.stack(outputs, axis=-1))
        labels = np.concatenate(parts, axis=1)
        return labels if self.outputs_2d_ else labels[:, :, 0]

    def explain(self, x: Any) -> Any:
        """The neighbours of one query: rows of X, labels, distances, votes; an Explanation.

        x : array-like of shape (n_features,) or (1, n_features)

        >>> from fastml.neighbors import KNeighborsClassifier
        >>> print(KNeighborsClassifier(3).fit([[0], [1], [2], [3]], ["a", "a", "b", "b"]).explain([1.2]))
        a, with 66.7 % of the votes of 3 neighbors
        row  label  distance  votes
        1    a      0.2       1
        2    b      0.8       1
        0    a      1.2       1
        """
        x = one_row(x)
        answer = self.predict(x)[0]  # checks x
        (_, indices, weights), *_ = self._voters(x)
        distances = self.kneighbors(x, len(indices))[0][0]
        weights = weights if len(weights) else np.ones(len(indices))
        labels = [self._labels[o][codes[indices]] for o, codes in enumerate(self._codes)]
        votes = self._weigh(0, indices, weights)
        shares = self.predict_proba(x)
        best = float(shares[0].max() if not self.outputs_2d_ else shares[0][0].max())
        labels = [tuple(row) for row in zip(*labels, strict=True)] if self.outputs_2d_ else labels[0]
        rows = list(zip(indices.tolist(), labels, distances.tolist(), votes.tolist(), strict=True))
        heading = f"{answer}, with {best:.1%} of the votes of {len(indices)} neighbors".replace("%", " %")
        return Explanation(answer, heading, ("row", "label", "distance", "votes"), rows, {"proba": shares})


class RadiusNeighborsClassifier(NeighborClassifier):
    """Classify by the votes of all fitted points within a radius.

    Parameters
    ----------
    radius : float, default=1.0
        Distance up to which points vote, those at the radius included.
    weights, algorithm, leaf_size, p, metric :
        As in KNeighborsClassifier. (weights : a function is called for one query at a time; algorithm : the same
        answer from each; leaf_size : points in a leaf; p : power; metric : the distance)
    outlier_label : label, list of labels, "most_frequent" or None, default=None
        Answer for a query that nobody is near; None makes that an error.
    metric_params : dict, default=None
        Further parameters of the metric.
    n_jobs : int, default=None
        Threads: None for every processor this process may use.
    class_weight : dict, list of dict, "balanced" or None, default=None
        What multiplies the votes for each class.
    verbose : int, default=0
        1 shows a bar with the time left on long predictions.

    Attributes
    ----------
    outlier_label_ : list or None
        The label for outliers of each output.
    classes_, algorithm_, effective_metric_, effective_metric_params_, outputs_2d_, n_samples_fit_, n_features_in_,
    feature_names_in_
        As in KNeighborsClassifier.

    Examples
    --------
    >>> from fastml.neighbors import RadiusNeighborsClassifier
    >>> model = RadiusNeighborsClassifier(radius=1.0, outlier_label="far").fit([[0], [1], [2]], ["low", "low", "high"])
    >>> model.predict([[0.4], [1.9]])
    array(['low', 'high'], dtype='<U4')
    """

    _parameter_constraints: dict = {
        **NeighborClassifier._parameter_constraints,
        **RADIUS,
        "outlier_label": "no_validation",  # of the kind of y's labels, which only fit knows
    }
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
        outlier_label: Any = None,
        metric_params: dict | None = None,
        n_jobs: int | None = None,
        class_weight: Any = None,
        verbose: int = 0,
    ) -> None:
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.outlier_label = outlier_label
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.class_weight = class_weight
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        super().fit(X, y, sample_weight)
        self.outlier_label_ = self._check_outlier_label()
        return self

    fit.__doc__ = NeighborClassifier.fit.__doc__

    def _check_outlier_label(self):
        """The label of a query nobody is near, for each output; None where there is to be none."""
        wanted, n = self.outlier_label, len(self._labels)
        if wanted is None:
            return None
        if isinstance(wanted, str) and wanted == "most_frequent":
            counts = [np.bincount(codes, self._copies) for codes in self._codes]
            return [labels[c.argmax()] for labels, c in zip(self._labels, counts, strict=True)]
        wanted = [wanted] * n if np.ndim(wanted) == 0 else list(wanted)
        if len(wanted) != n:
            raise ValueError(f"outlier_label={wanted} has {len(wanted)} labels for {n} outputs: give one for each")
        for label, labels in zip(wanted, self._labels, strict=True):
            if np.ndim(label) or not is_of_kind(np.asarray(label), labels):
                raise TypeError(f"outlier_label={label!r} must be one label of the same kind as y's {labels[:3]}")
        return wanted

    def _outliers(self, outlying):
        """Answer for queries (mask) without neighbours, or the error that says which they are."""
        if self.outlier_label_ is None:
            rows = np.flatnonzero(outlying)
            raise ValueError(
                f"No neighbors found for test samples {rows[:10]}{'...' * (len(rows) > 10)}, you can try using larger"
                f" radius, giving a label for outliers, or considering removing them from your dataset. There are no"
                f" neighbors within radius={self.radius} of {len(rows)} queries, the first of them row {rows[0]}:"
                f" choose a larger radius, or give an outlier_label"
            )
        return self.outlier_label_

    def _label(self, o, codes):
        outlying = codes < 0
        labels = self._labels[o][codes]
        if outlying.any():
            answer = self._outliers(outlying)[o]
            if not (self._labels[o] == answer).any():
                warn_of_label(answer)
            labels = labels.astype(np.result_type(labels, np.asarray(answer)))  # a longer word would be cut
            labels[outlying] = answer
        return labels

    def _share(self, o, shares):
        outlying = ~shares.any(axis=1)
        if outlying.any():
            answer = self._outliers(outlying)[o]
            column = np.flatnonzero(self._labels[o] == answer)
            if len(column):
                shares[outlying, column[0]] = 1
            else:
                warn_of_label(answer)
        return shares


def is_of_kind(label, labels):
    """Whether a label can stand among the labels of y without becoming another: 2**63 is no int64, say."""
    kind = labels.dtype.kind
    if kind in "iu":
        return label.dtype.kind in "iu" and np.result_type(label, labels).kind in "iu"
    return kind == "O" or kind == label.dtype.kind


def warn_of_label(label):
    warnings.warn(
        f"Outlier label {label} is not in training classes. All class probabilities of outliers will be assigned with"
        f" 0. outlier_label={label!r} is not a class of y",
        stacklevel=5,
    )
