"""Naive Bayes over real numbers: GaussianNB."""

from functools import reduce
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from fastml.base import Interval
from fastml.naive_bayes.base import NaiveBayes, check_priors
from fastml.naive_bayes.in_parts import fit_in_parts
from fastml.naive_bayes.smoothing import logarithm
from fastml_ext import naive_bayes as kernels

__all__ = ["GaussianNB", "density", "gaussian_terms", "normal"]

TINY = np.finfo(np.float64).tiny  # a variance that is 0 counts as this: equal values are certain, others impossible
LOST, NEAR = 1e-290, 1e-145  # squares below, and those of distances below, lose digits


def normal(moments, var_smoothing, columns=None):
    """(mean, variance, epsilon) of each feature in each class (n_classes, n_features), from (total, mean, spread).

    epsilon is var_smoothing times the largest variance of a feature over all rows, and part of every variance. A class
    in which no value of a feature is known has the feature's mean and variance over all classes. columns: as below.
    """
    total, mean, spread = moments
    with np.errstate(over="ignore", invalid="ignore"):
        everywhere = reduce(kernels.merge_moments, (tuple(part[c] for part in moments) for c in range(len(mean))))
    if not np.isfinite(everywhere[2]).all():
        j = int(np.flatnonzero(~np.isfinite(everywhere[2]))[0])
        refuse_variance(j if columns is None else columns[j], np.abs(mean[:, j]).max())
    overall = everywhere[2] / np.where(everywhere[0] > 0, everywhere[0], 1.0)
    epsilon = float(var_smoothing) * float(overall.max(initial=0.0))
    if not np.isfinite(epsilon):
        raise ValueError(
            f"var_smoothing={var_smoothing:g} times the largest variance of a column of X, {overall.max():.3g}, is"
            " beyond the largest float64: choose a smaller var_smoothing, or scale the columns"
        )
    variance = spread / np.where(total > 0, total, 1.0)
    mean, variance = np.where(total > 0, mean, everywhere[1]), np.where(total > 0, variance, overall)
    return mean, variance + epsilon, epsilon


def check_moments(X, weight, moments, columns=None):
    """Refuse values whose squares, and weights whose sums, are beyond the range of floats; columns: numbers of X's."""
    spread = moments[2]
    weighty = weight.max(initial=0.0) if len(weight) else 1.0
    if LOST < spread.max(initial=0.0) < np.inf and LOST < weighty < 1 / LOST:
        return
    if not weighty < 1 / LOST:
        raise ValueError(f"sample_weight goes up to {weighty:g}, which overflows in sums: divide it by that")
    if 0 < weighty <= LOST:
        raise ValueError(f"sample_weight goes up to {weighty:g} only, where floats lose digits: divide it by that")
    highest, lowest = (bound.reduce(X, axis=0).astype(float) for bound in (np.fmax, np.fmin))  # NaN where all are
    sizes = np.maximum(np.abs(highest), np.abs(lowest))
    wrong = ~np.isfinite(spread).all(axis=0)
    if wrong.any():
        j = int(np.flatnonzero(wrong)[0])
        refuse_variance(j if columns is None else columns[j], sizes[j])
    varies = (highest > lowest) & (highest / 2 - lowest / 2 < NEAR)
    if varies.any():
        j = int(np.flatnonzero(varies)[0])
        raise ValueError(
            f"X[:, {j if columns is None else columns[j]}] holds values up to {sizes[j]:.3g} that differ by so little"
            " that a float64 cannot hold the squares of their distances: multiply the column by a power of ten"
        )


def refuse_variance(column, size):
    raise ValueError(
        f"X[:, {column}] holds values up to {size:.3g}, whose variance is too large for a float64: divide the column"
    )


def stored(variance, dtype):
    """The variances in dtype, or in float64 where dtype cannot hold them."""
    with np.errstate(over="ignore", under="ignore"):
        found = variance.astype(dtype)
    least = np.finfo(dtype).tiny
    return found if np.isfinite(found).all() and not ((found < least) & (variance > 0)).any() else variance


def density(mean, variance):
    """(mean, 1 / standard deviation, constant) as the kernels take them."""
    variance = np.maximum(variance.astype(np.float64), TINY)
    return mean.astype(np.float64, copy=False), 1 / np.sqrt(variance), -0.5 * np.log(2 * np.pi * variance)


def gaussian_terms(x, mean, inverse, constant):
    """(n_classes, n_features): log of the density at x, 0 where it is missing."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(x == x, constant - 0.5 * ((x - mean) * inverse) ** 2, 0.0)


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
        Variance of each feature in each class, with `epsilon_` added; in float64 where X's dtype cannot hold it.
    epsilon_ : float
        What was added to the variances.

    Notes
    -----
    X is an array or a data frame of numbers; missing values (NaN) are ignored, in fitting and in prediction. Means and
    variances are computed in one pass that does not cancel (Welford 1962), those of several batches joined as by Chan,
    Golub and LeVeque (1979). The largest variance is that of all rows, with their weights, of all batches together, so
    that a weight of 2 is the row twice there, too; scikit-learn takes it of the last batch, without the weights.

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
    _summed = ("_moments",)
    _entries = 3
    _kernel_blocks = True
    _derived = ("_normal", "_prior")

    def __init__(
        self, *, priors: ArrayLike | None = None, var_smoothing: float = 1e-9, n_jobs: int | None = None
    ) -> None:
        self.priors = priors
        self.var_smoothing = var_smoothing
        self.n_jobs = n_jobs

    def _count(self, X, codes, weight, first):
        if self.priors is not None:
            self._check_priors()
        moments = kernels.moments(X, codes, weight, len(self.classes_), self.n_jobs)
        check_moments(X, weight, moments)
        self._moments = moments if first else kernels.merge_moments(self._moments, moments)

    def _fit_parts(self, table, reduce):
        fit_in_parts(self, table, reduce)

    def _add_counts(self, first, second):
        return (kernels.merge_moments(first[0], second[0]),)

    def _check_priors(self):
        priors = check_priors(self.priors, len(self.classes_), "priors")
        if not np.isclose(priors.sum(), 1.0):
            raise ValueError(
                f"The sum of the priors should be 1, but priors={priors.tolist()} add up to {priors.sum()}"
            )
        return priors

    def _estimate(self):
        mean, variance, self.epsilon_ = normal(self._moments, self.var_smoothing)
        self.theta_, self.var_ = mean.astype(self._dtype), stored(variance, self._dtype)
        share = self.class_count_ / self.class_count_.sum()
        self.class_prior_ = (share if self.priors is None else self._check_priors()).astype(self._dtype)

    def _ready(self):
        self._normal = density(self.theta_, self.var_)
        self._prior = logarithm(self.class_prior_.astype(float))

    def _log_prior(self):
        return self._prior

    def _scores(self, X):
        return kernels.gaussian_scores(X, *self._normal, self._prior, self.n_jobs)

    def _terms(self, X):
        return gaussian_terms(X[0], *self._normal)
