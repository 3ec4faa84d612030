"""What is made of counts of discrete values: smoothed probabilities, and the prior of the classes."""

import warnings
from numbers import Real

import numpy as np

from fastml.base import Interval
from fastml.naive_bayes.base import check_priors

__all__ = ["CONSTRAINTS", "SHARED", "log_prior", "logarithm", "shares", "smoothing"]

CONSTRAINTS: dict = {
    "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
    "force_alpha": ["boolean"],
    "fit_prior": ["boolean"],
    "class_prior": ["array-like", None],
}
SHARED = ("alpha", "class_prior", "fit_prior", "force_alpha")  # parameters that only `_estimate` reads

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


def smoothing(alpha, force_alpha, n_features):
    """What is added to every count: an array of shape () or (n_features,)."""
    try:
        alpha = np.asarray(alpha, np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"alpha={alpha!r} is not a number, nor a list or array of one number for each of the {n_features} features"
        ) from error
    if alpha.ndim and alpha.shape != (n_features,):
        raise ValueError(
            f"When alpha is an array, it should contain `n_features` values: alpha has shape {alpha.shape} for"
            f" {n_features} features"
        )
    if not (alpha >= 0).all():
        raise ValueError(
            f"All values in alpha must be greater than 0 to smooth, and at least 0: alpha={alpha.tolist()}"
        )
    if force_alpha or alpha.min() >= LEAST_ALPHA:
        return alpha
    warnings.warn(
        f"alpha too small will result in numeric errors, setting alpha = {LEAST_ALPHA:.1e}. Use `force_alpha=True`"
        " to keep alpha unchanged."
    )
    return np.maximum(alpha, LEAST_ALPHA)
