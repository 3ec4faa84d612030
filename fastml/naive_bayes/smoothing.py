"""What the classes that count discrete values share: additive smoothing and the prior of the classes."""

import warnings
from numbers import Real

import numpy as np

from fastml.base import Interval
from fastml.naive_bayes.base import NaiveBayes, check_priors

__all__ = ["SmoothedCounts", "log_prior", "logarithm", "shares"]

LEAST_ALPHA = 1e-10
LARGE = 2.0**64  # counts whose sum overflows are divided by it


def logarithm(x):
    """log x, and -inf of 0 without a word: an event that was never seen has no other."""
    with np.errstate(divide="ignore"):
        return np.log(x)


def log_prior(class_prior, fit_prior, class_count):
    """(n_classes,): logarithm of the prior that is given, or counted, or uniform."""
    k = len(class_count)
    if class_prior is not None:
        return logarithm(check_priors(class_prior, k, "class_prior"))
    return logarithm(class_count) - np.log(class_count.sum()) if fit_prior else np.full(k, -np.log(k))


def shares(sums, alpha):
    """(n_classes, n_features): logarithm of each feature's share in the smoothed sums of a class."""
    smoothed = sums + alpha
    with np.errstate(over="ignore"):
        total = smoothed.sum(axis=1, keepdims=True)  # 0 where nothing was ever counted
    if not np.isfinite(total).all():
        return shares(sums / LARGE, alpha / LARGE)
    return logarithm(smoothed) - np.where(total > 0, logarithm(total), 0.0)


class SmoothedCounts(NaiveBayes):
    """Counts to each of which `alpha` is added; the prior of the classes counted, uniform, or given."""

    _parameter_constraints: dict = {
        **NaiveBayes._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "force_alpha": ["boolean"],
        "fit_prior": ["boolean"],
        "class_prior": ["array-like", None],
    }
    shared_parameters: tuple[str, ...] = ("alpha", "class_prior", "fit_prior", "force_alpha")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # on scikit-learn's clouds of real numbers
        return tags

    def _smoothing(self):
        """alpha, an array of shape () or (n_features,)."""
        alpha = np.asarray(self.alpha, np.float64)
        if alpha.ndim and alpha.shape != (self.n_features_in_,):
            raise ValueError(
                f"When alpha is an array, it should contain `n_features` values: alpha has shape {alpha.shape} for"
                f" {self.n_features_in_} features"
            )
        if not (alpha >= 0).all():
            raise ValueError(
                f"All values in alpha must be greater than 0 to smooth, and at least 0: alpha={alpha.tolist()}"
            )
        if self.force_alpha or alpha.min() >= LEAST_ALPHA:
            return alpha
        warnings.warn(
            f"alpha too small will result in numeric errors, setting alpha = {LEAST_ALPHA:.1e}. Use `force_alpha=True`"
            " to keep alpha unchanged."
        )
        return np.maximum(alpha, LEAST_ALPHA)

    def _add_counts(self, first, second):
        return tuple(a + b for a, b in zip(first, second, strict=True))

    def _estimate_prior(self):
        self.class_log_prior_ = log_prior(self.class_prior, self.fit_prior, self.class_count_)
