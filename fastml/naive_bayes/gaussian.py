"""Naive Bayes over real numbers: GaussianNB."""

from functools import reduce
from numbers import Real

import numpy as np

from fastml.base import Interval
from fastml.naive_bayes.base import NaiveBayes, check_priors
from fastml.naive_bayes.smoothing import logarithm
from fastml_ext import naive_bayes as kernels

__all__ = ["GaussianNB", "density", "gaussian_terms", "normal"]

TINY = np.finfo(np.float32).tiny  # a variance that is 0 counts as this: equal values are certain, others impossible


def normal(moments, var_smoothing):
    """(mean, variance, epsilon) of each feature in each class (n_classes, n_features), from (total, mean, spread).

    epsilon is var_smoothing times the largest variance of a feature over all rows, and part of every variance. A class
    in which no value of a feature is known has the feature's mean and variance over all classes.
    """
    total, mean, spread = moments
    everywhere = reduce(kernels.merge_moments, (tuple(part[c] for part in moments) for c in range(len(mean))))
    overall = everywhere[2] / np.where(everywhere[0] > 0, everywhere[0], 1.0)
    epsilon = float(var_smoothing * overall.max(initial=0.0))
    variance = spread / np.where(total > 0, total, 1.0)
    mean, variance = np.where(total > 0, mean, everywhere[1]), np.where(total > 0, variance, overall)
    return mean, variance + epsilon, epsilon


def density(mean, variance):
    """(mean, precision, constant) as the kernels take them."""
    variance = np.maximum(variance, TINY).astype(np.float64)
    return mean.astype(np.float64, copy=False), 1 / variance, -0.5 * np.log(2 * np.pi * variance)


def gaussian_terms(x, mean, precision, constant):
    """(n_classes, n_features): log of the density at x, 0 where it is missing."""
    return np.where(x == x, constant - 0.5 * (x - mean) ** 2 * precision, 0.0)


class GaussianNB(NaiveBayes):
    """Naive Bayes for real numbers: in each class each feature is normally distributed.

    Parameters
    ----------
    priors : array-like of shape (n_classes,), default=None
        The prior of the classes, given; None for their share of the rows.
    var_smoothing : float, default=1e-9
        Times the largest variance of a feature: added to every variance.
    n_jobs : int, default=None
        Number of threads; None for all processors that this process may use.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, in ascending order.
    class_count_ : ndarray of shape (n_classes,)
        Weight of the rows of each class.
    class_prior_ : ndarray of shape (n_classes,)
        Probability of each class.
    theta_ : ndarray of shape (n_classes, n_features)
        Mean of each feature in each class, among the rows in which it is known.
    var_ : ndarray of shape (n_classes, n_features)
        Variance of each feature in each class, with `epsilon_` added.
    epsilon_ : float
        What was added to the variances.

    Notes
    -----
    X is an array or a data frame of numbers; missing values (NaN) are ignored, in fitting and in prediction. Means and
    variances are computed in one pass that does not cancel (Welford 1962), those of several batches joined as by Chan,
    Golub and LeVeque (1979). The largest variance is that of all rows, with their weights, of all batches together.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.naive_bayes import GaussianNB
    >>> X = [[1.0, 10], [2, 12], [8, 11], [np.nan, 30]]
    >>> model = GaussianNB().fit(X, ["small", "small", "large", "large"])
    >>> model.predict([[1.5, 11], [np.nan, 25]]).tolist()
    ['small', 'large']
    """

    _parameter_constraints: dict = {
        **NaiveBayes._parameter_constraints,
        "priors": ["array-like", None],
        "var_smoothing": [Interval(Real, 0, None, closed="left")],
    }
    shared_parameters = ("priors", "var_smoothing")
    _moments: tuple
    _derived = ("_normal", "_prior")

    def __init__(self, *, priors=None, var_smoothing=1e-9, n_jobs=None):
        self.priors = priors
        self.var_smoothing = var_smoothing
        self.n_jobs = n_jobs

    def _count(self, X, codes, weight, first):
        if self.priors is not None:
            self._check_priors()
        moments = kernels.moments(X, codes, weight, len(self.classes_), self.n_jobs)
        self._moments = moments if first else kernels.merge_moments(self._moments, moments)

    def _check_priors(self):
        priors = check_priors(self.priors, len(self.classes_), "priors")
        if not np.isclose(priors.sum(), 1.0):
            raise ValueError(
                f"The sum of the priors should be 1, but priors={priors.tolist()} add up to {priors.sum()}"
            )
        return priors

    def _estimate(self):
        mean, variance, self.epsilon_ = normal(self._moments, self.var_smoothing)
        self.theta_, self.var_ = mean.astype(self._dtype), variance.astype(self._dtype)
        share = self.class_count_ / self.class_count_.sum()
        self.class_prior_ = share if self.priors is None else self._check_priors()

    def _ready(self):
        self._normal = density(self.theta_, self.var_)
        self._prior = logarithm(self.class_prior_)

    def _log_prior(self):
        return self._prior

    def _scores(self, X):
        return kernels.gaussian_scores(X, *self._normal, self._prior, self.n_jobs)

    def _terms(self, X):
        return gaussian_terms(X[0], *self._normal)
