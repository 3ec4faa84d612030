"""Naive Bayes over counts and over events: MultinomialNB, ComplementNB, BernoulliNB."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from fastml.base import Interval
from fastml.kinds import canonical
from fastml.naive_bayes.base import NaiveBayes
from fastml.naive_bayes.in_parts import fit_in_parts
from fastml.naive_bayes.smoothing import CONSTRAINTS, LARGE, SHARED, log_prior, logarithm, shares, smoothing
from fastml_ext import naive_bayes as kernels

__all__ = ["BernoulliNB", "ComplementNB", "MultinomialNB", "linear_terms"]


class WeighedCounts(NaiveBayes):
    """Scores that are linear in the counts: X @ feature_log_prob_.T plus something for each class."""

    _parameter_constraints: dict = NaiveBayes._parameter_constraints | CONSTRAINTS
    shared_parameters: tuple[str, ...] = SHARED
    _sparse_input = _of_counts = _sparse_parts = True
    feature_count_: np.ndarray
    _summed = ("feature_count_",)
    _kernel_blocks = True
    _column_order = False  # sparse rows look up all classes of one feature
    _derived = ("_weights", "_bias")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def _count(self, X, codes, weight, first):
        sums, negative = kernels.sum_by_class(X, codes, weight, len(self.classes_), self.n_jobs)
        if negative:
            whole = canonical(X)  # parts of a count may be negative
            return self._refuse_negative(X) if whole is X else self._count(whole, codes, weight, first)
        if not np.isfinite(sums).all():
            j = int(np.flatnonzero(~np.isfinite(sums).all(axis=0))[0])
            raise ValueError(
                f"the counts of X[:, {j}], with the weights, add up beyond a float64: divide X or the weights"
            )
        self.feature_count_ = sums if first else self.feature_count_ + sums
        self._column_order = issparse(X)

    def _fit_parts(self, table, reduce):
        fit_in_parts(self, table, reduce)

    def _refuse_negative(self, X):
        X = X.tocoo() if issparse(X) else X
        at = np.argmax(X.data < 0) if issparse(X) else np.argmax(X < 0)
        row, column = (X.row[at], X.col[at]) if issparse(X) else np.unravel_index(at, X.shape)
        value = X.data[at] if issparse(X) else X[row, column]
        estimator = type(self).__name__
        raise ValueError(
            f"Negative values in data passed to {estimator} (input X): X[{row}, {column}] is {value},"
            f" and {estimator} takes counts"
        )

    def _ready(self):
        self._weights = np.asarray(self.feature_log_prob_, order="F" if self._column_order else "C")
        self._bias = self._log_prior()

    def _scores(self, X):
        return kernels.linear_scores(X, self._weights, self._bias, self.n_jobs)

    def _terms(self, X):
        return linear_terms((X.toarray() if issparse(X) else X)[0], self.feature_log_prob_)


def linear_terms(x, weights):
    """(n_classes, n_features): x_j times its weight in each class, 0 where x_j is 0 or missing."""
    silent = (x == 0) | (x != x)
    return np.where(silent, 0.0, np.where(silent, 1.0, x) * weights)


class MultinomialNB(WeighedCounts):
    """Naive Bayes for counts, such as those of words: each class draws features with probabilities of its own.

    Parameters
    ----------
    alpha : float or array-like of shape (n_features,), default=1.0
        Added to every count; 0 for no smoothing.
    force_alpha : bool, default=True
        Whether an alpha below 1e-10 is kept; if not, it is raised to that, with a warning.
    fit_prior : bool, default=True
        Whether the prior of the classes is their share of the rows; if not, it is uniform.
    class_prior : array-like of shape (n_classes,), default=None
        The prior of the classes, given.
    n_jobs : int, default=None
        Number of threads; None for all processors that this process may use.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, in ascending order.
    class_count_ : ndarray of shape (n_classes,)
        Weight of the rows of each class.
    class_log_prior_ : ndarray of shape (n_classes,)
        Logarithm of the prior of each class.
    feature_count_ : ndarray of shape (n_classes, n_features)
        Sums of the known values of each feature in each class.
    feature_log_prob_ : ndarray of shape (n_classes, n_features)
        log P(feature | class): of the smoothed sums their share.

    Notes
    -----
    X is an array, a sparse matrix or a data frame of numbers from 0 upwards; missing values (NaN) count as nothing. See
    Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, section 13.2. Many values of alpha cost
    one count: see `predict_path`, and searches of fastml.model_selection.

    Examples
    --------
    >>> from fastml.naive_bayes import MultinomialNB
    >>> X = [[2, 1, 0], [1, 2, 0], [0, 0, 3]]
    >>> model = MultinomialNB().fit(X, ["letter", "letter", "bill"])
    >>> model.predict([[1, 0, 0], [0, 1, 4]]).tolist()
    ['letter', 'bill']
    >>> model.predict_path([[1, 0, 1]], alpha=[0.1, 1, 10]).tolist()
    [['bill'], ['bill'], ['letter']]
    """

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        fit_prior: bool = True,
        class_prior: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.n_jobs = n_jobs

    def _estimate(self):
        self.feature_log_prob_ = shares(
            self.feature_count_, smoothing(self.alpha, self.force_alpha, self.n_features_in_)
        )
        self.class_log_prior_ = log_prior(self.class_prior, self.fit_prior, self.class_count_)


class ComplementNB(WeighedCounts):
    """Naive Bayes for counts that scores a class by the rows of all others, which helps where classes are unequal.

    Parameters
    ----------
    alpha : float or array-like of shape (n_features,), default=1.0
        Added to every count; 0 for no smoothing.
    force_alpha : bool, default=True
        Whether an alpha below 1e-10 is kept; if not, it is raised to that, with a warning.
    fit_prior : bool, default=True
        Only used where there is one class.
    class_prior : array-like of shape (n_classes,), default=None
        Not used.
    norm : bool, default=False
        Whether the weights of each class are divided by their sum.
    n_jobs : int, default=None
        Number of threads; None for all processors that this process may use.

    Attributes
    ----------
    classes_, class_count_, class_log_prior_, feature_count_ : ndarrays
        As in MultinomialNB.
    feature_all_ : ndarray of shape (n_features,)
        Sums of the known values of each feature.
    feature_log_prob_ : ndarray of shape (n_classes, n_features)
        The weights of the features: -log P(feature | other classes), or with `norm` their share.

    Notes
    -----
    X is as for MultinomialNB. The scores are no logarithms of probabilities, though `predict_proba` treats them so, as
    scikit-learn does. See Rennie, Shih, Teevan and Karger, ICML 2003, table 4.

    Examples
    --------
    >>> from fastml.naive_bayes import ComplementNB
    >>> model = ComplementNB().fit([[2, 1, 0], [1, 2, 0], [0, 0, 3]], ["letter", "letter", "bill"])
    >>> model.predict([[1, 0, 0], [0, 1, 4]]).tolist()
    ['letter', 'bill']
    """

    _parameter_constraints: dict = WeighedCounts._parameter_constraints | {"norm": ["boolean"]}
    shared_parameters = (*SHARED, "norm")

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        fit_prior: bool = True,
        class_prior: ArrayLike | None = None,
        norm: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.norm = norm
        self.n_jobs = n_jobs

    def _estimate(self):
        counted, alpha = self.feature_count_, smoothing(self.alpha, self.force_alpha, self.n_features_in_)
        with np.errstate(over="ignore"):
            self.feature_all_ = counted.sum(axis=0)
            if not np.isfinite(self.feature_all_.sum() + np.sum(alpha)):
                counted, alpha = counted / LARGE, alpha / LARGE
        others = counted.sum(axis=0) + alpha - counted
        total = others.sum(axis=1, keepdims=True)
        logged = logarithm(others / np.where(total > 0, total, 1.0))
        self.feature_log_prob_ = normalised(logged) if self.norm else -logged
        self.class_log_prior_ = log_prior(self.class_prior, self.fit_prior, self.class_count_)

    def _log_prior(self):
        return self.class_log_prior_ if len(self.classes_) == 1 else np.zeros(len(self.classes_))


def without_repeats(X):
    """Sparse rows that hold each column once, as dense ones do; a sum may be above a threshold where no part is."""
    if not issparse(X) or not kernels.has_repeats(X):
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


def event_tables(present, absent, prior):
    """[(gain, absent, empty)] as the kernel takes them; with a second set, that counts the impossible, where some are.

    So inf - inf never arises: a row is impossible in a class where its second score is not 0.
    """
    never, always = np.isinf(present), np.isinf(absent)
    if not (never.any() or always.any()):
        gain = np.ascontiguousarray((present - absent).T)
        return [(gain, np.ascontiguousarray(absent.T), prior + absent.sum(axis=1))]
    possible = np.where(never, 0.0, present), np.where(always, 0.0, absent)
    counted = 1.0 * never, 1.0 * always
    return [*event_tables(*possible, prior), *event_tables(*counted, np.zeros(len(prior)))]


def normalised(logged):
    """Each row as shares of its sum; infinite ones share all of an infinite sum."""
    infinite = np.isinf(logged)
    logged = np.where(infinite.any(axis=1, keepdims=True), 1.0 * infinite, logged)
    total = logged.sum(axis=1, keepdims=True)
    return np.divide(logged, total, out=np.zeros_like(logged), where=total != 0)


class BernoulliNB(NaiveBayes):
    """Naive Bayes for events that are there or not; those that are not there speak, too.

    Parameters
    ----------
    alpha : float or array-like of shape (n_features,), default=1.0
        Added to the count of the rows with the event, and of those without it; 0 for no smoothing.
    force_alpha : bool, default=True
        Whether an alpha below 1e-10 is kept; if not, it is raised to that, with a warning.
    binarize : float or None, default=0.0
        A value above it is an event; None says that X holds 0 and 1 only.
    fit_prior : bool, default=True
        Whether the prior of the classes is their share of the rows; if not, it is uniform.
    class_prior : array-like of shape (n_classes,), default=None
        The prior of the classes, given.
    n_jobs : int, default=None
        Number of threads; None for all processors that this process may use.

    Attributes
    ----------
    classes_, class_count_, class_log_prior_ : ndarrays
        As in MultinomialNB.
    feature_count_ : ndarray of shape (n_classes, n_features)
        Weight of the rows of each class that have the event.
    feature_log_prob_ : ndarray of shape (n_classes, n_features)
        log P(event | class), among the rows in which the feature is known.

    Notes
    -----
    X is an array, a sparse matrix or a data frame of numbers; missing values (NaN) are neither events nor their
    absence. See Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, section 13.3.

    Examples
    --------
    >>> from fastml.naive_bayes import BernoulliNB
    >>> X = [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]]
    >>> model = BernoulliNB().fit(X, ["ham", "ham", "spam", "spam"])
    >>> print(model.explain([1, 1, 0]))
    ham: P = 0.9, log-odds against spam 2.197
    feature    value  log P(value | ham)  log P(value | spam)  log-odds
    x0         1      -0.2877             -1.386               1.099
    x2         0      -0.2877             -1.386               1.099
    x1         1      -0.6931             -0.6931              0
    (classes)         -0.6931             -0.6931              0
    """

    _parameter_constraints: dict = {
        **NaiveBayes._parameter_constraints,
        **CONSTRAINTS,
        "binarize": [None, Interval(Real, 0, None, closed="left")],
    }
    shared_parameters = SHARED
    _sparse_input = _of_counts = _sparse_parts = True
    feature_count_: np.ndarray
    _missing_count: np.ndarray
    _summed = ("feature_count_", "_missing_count")
    _derived = ("_absent", "_events", "_present")

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        binarize: float | None = 0.0,
        fit_prior: bool = True,
        class_prior: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.binarize = binarize
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.n_jobs = n_jobs

    def _count(self, X, codes, weight, first):
        threshold = self._threshold(X)
        above, missing = kernels.count_above(X, codes, weight, len(self.classes_), threshold, self.n_jobs)
        self.feature_count_ = above if first else self.feature_count_ + above
        self._missing_count = missing if first else self._missing_count + missing

    def _fit_parts(self, table, reduce):
        fit_in_parts(self, table, reduce)

    def _check_training(self, X, y, reset):
        X, y = super()._check_training(X, y, reset)
        return without_repeats(X), y

    def _check_rows(self, X):
        return without_repeats(super()._check_rows(X))

    def _threshold(self, X):
        if self.binarize is not None:
            return float(self.binarize)
        values = X.data if issparse(X) else X
        strange = values[~((values == 0) | (values == 1) | (values != values))]
        if strange.size:
            raise ValueError(
                f"binarize=None says that X holds 0 and 1 only, but it holds {strange[0]}: give a threshold"
            )
        return 0.0

    def _estimate(self):
        alpha = smoothing(self.alpha, self.force_alpha, self.n_features_in_)
        known = self.class_count_[:, None] - self._missing_count
        total = np.where(known + 2 * alpha > 0, known + 2 * alpha, 1.0)
        self.feature_log_prob_ = logarithm(self.feature_count_ + alpha) - np.log(total)
        self._absent_log_prob = logarithm(known - self.feature_count_ + alpha) - np.log(total)
        self.class_log_prior_ = log_prior(self.class_prior, self.fit_prior, self.class_count_)

    def _ready(self):
        self._present, self._absent = self.feature_log_prob_, self._absent_log_prob
        self._events = None  # for sparse rows, when the first come

    def _scores(self, X):
        threshold = self._threshold(X)
        if not issparse(X):
            tables = self._present, self._absent, self.class_log_prior_
            return kernels.bernoulli_scores(X, threshold, *tables, self.n_jobs)
        if self._events is None:
            self._events = event_tables(self._present, self._absent, self.class_log_prior_)
        scores = kernels.event_scores(X, threshold, *self._events[0], self.n_jobs)
        if len(self._events) > 1:
            scores[kernels.event_scores(X, threshold, *self._events[1], self.n_jobs) > 0.5] = -np.inf
        return scores

    def _terms(self, X):
        x = (X.toarray() if issparse(X) else X)[0]
        terms = np.where(x > self._threshold(x), self._present, self._absent)
        return np.where(x == x, terms, 0.0)
