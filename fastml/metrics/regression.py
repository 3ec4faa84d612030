"""Errors of predicted numbers, with scikit-learn's names, signatures and results."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastml.metrics._labels import read_scores, read_weight
from fastml.metrics._scikit import Unread, otherwise_scikit_learn
from fastml.metrics._warn import warn, warn_undefined

__all__ = [
    "max_error",
    "mean_absolute_error",
    "mean_pinball_loss",
    "mean_squared_error",
    "r2_score",
    "root_mean_squared_error",
]

SMALLEST = 1e-280  # a mean of squares above it has lost nothing that matters to products below the smallest float64


@otherwise_scikit_learn
def mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Any = "uniform_average",
) -> Any:
    """Mean of the squared errors.

    y_true, y_pred: (n,) numbers, or (n, outputs) | sample_weight: (n,)
    multioutput: over several outputs: "uniform_average", "raw_values" or (outputs,) weights

    >>> mean_squared_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8])
    0.375
    """
    read = _read(y_true, y_pred, sample_weight, multioutput)
    return _mean_in_range(_mean_square, read, 2, "mean_squared_error")


@otherwise_scikit_learn
def root_mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Any = "uniform_average",
) -> Any:
    """Root of the mean of the squared errors; parameters as in `mean_squared_error`.

    >>> round(root_mean_squared_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8]), 4)
    0.6124
    """
    read = _read(y_true, y_pred, sample_weight, multioutput)
    return _mean_in_range(lambda *each: np.sqrt(_mean_square(*each)), read, 1, "root_mean_squared_error")


@otherwise_scikit_learn
def mean_absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Any = "uniform_average",
) -> Any:
    """Mean of the absolute errors; parameters as in `mean_squared_error`.

    >>> mean_absolute_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8])
    0.5
    """
    read = _read(y_true, y_pred, sample_weight, multioutput)
    return _mean_in_range(lambda error, weight: _mean(np.abs(error), weight), read, 1, "mean_absolute_error")


@otherwise_scikit_learn
def mean_pinball_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    alpha: Any = 0.5,
    multioutput: Any = "uniform_average",
) -> Any:
    """Quantile loss: alpha times an error above the prediction, 1 - alpha times one below (Koenker, Bassett 1978).

    alpha: the quantile predicted, in [0, 1] | other parameters as in `mean_squared_error`

    >>> round(mean_pinball_loss([1, 2, 3], [0, 2, 3], alpha=0.1), 4)
    0.0333
    """
    if type(alpha) not in (int, float) or not 0 <= alpha <= 1:
        raise Unread

    def measure(error, weight):
        return _mean(np.where(error >= 0, alpha * error, (alpha - 1) * error), weight)

    return _mean_in_range(measure, _read(y_true, y_pred, sample_weight, multioutput), 1, "mean_pinball_loss")


@otherwise_scikit_learn
def max_error(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """The largest absolute error.

    >>> max_error([3, 2, 7, 1], [4, 2, 7, 1])
    1.0
    """
    read = _read(y_true, y_pred, None, "uniform_average")
    return _mean_in_range(lambda error, _: np.abs(error).max(), read, 1, "max_error")


@otherwise_scikit_learn
def r2_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Any = "uniform_average",
    force_finite: bool = True,
) -> Any:
    """Share of the variance explained: 1 - squared errors / squared distances from the mean.

    force_finite: for a constant truth 1 where all errors are 0 and 0 otherwise, instead of NaN and -inf
    other parameters as in `mean_squared_error`, with "variance_weighted" besides; less than two rows give NaN with
    UndefinedMetricWarning

    >>> round(r2_score([3, -0.5, 2, 7], [2.5, 0.0, 2, 8]), 4)
    0.9486
    """
    if type(force_finite) is not bool:
        raise Unread
    if isinstance(multioutput, str) and multioutput == "variance_weighted":
        multioutput = "uniform_average"  # the same for one output
    truth, predicted, weight = _read(y_true, y_pred, sample_weight, multioutput, _moved)
    if len(truth) < 2:
        warn_undefined("R^2 score is not well-defined with less than two samples.")
        return float("nan")
    unexplained, total = _squares(truth, predicted, weight)
    if not SMALLEST < max(unexplained, total) < np.inf:
        truth, predicted, _ = _scaled(truth, predicted)
        unexplained, total = _squares(truth, predicted, weight)
    if total != 0 and (unexplained != 0 or not force_finite):
        return float(1 - unexplained / total)
    if not force_finite:
        raise Unread
    return 1.0 if unexplained == 0 else 0.0


def _read(y_true, y_pred, sample_weight, multioutput, exact=None):
    """(y_true, y_pred, weight or None) of vectors; float32 where both are, else float64.

    exact: of integers that float64 does not hold, numbers with the same errors; default: `_differences`
    """
    y_true, y_pred = read_scores(y_true), read_scores(y_pred)
    if y_true.ndim == 2 and y_true.shape[1] == 1:
        y_true = y_true[:, 0]
    if y_pred.ndim == 2 and y_pred.shape[1] == 1:
        y_pred = y_pred[:, 0]
    if y_true.ndim != 1 or y_true.shape != y_pred.shape or len(y_true) == 0:
        raise Unread
    if not isinstance(multioutput, str) or multioutput != "uniform_average":
        raise Unread
    dtype = np.float32 if y_true.dtype == y_pred.dtype == np.float32 else np.float64
    weight, _ = read_weight(sample_weight, len(y_true))
    if _are_large(y_true, y_pred):
        y_true, y_pred = (exact or _differences)(y_true, y_pred)
    return y_true.astype(dtype, copy=False), y_pred.astype(dtype, copy=False), weight


def _differences(y_true, y_pred):
    """Errors of integers that float64 does not hold, and zeros: their difference is the same."""
    error = (y_true.astype(object) - y_pred.astype(object)).astype(np.float64)
    return error, np.zeros(len(error))


def _moved(y_true, y_pred):
    """Integers that float64 does not hold, less one of them, by which no error and no distance changes."""
    truth, first = y_true.astype(object), int(y_true[0])
    return (truth - first).astype(np.float64), (y_pred.astype(object) - first).astype(np.float64)


def _are_large(y_true, y_pred):
    """Whether both are integers, some of them beyond 2**53, where float64 makes one number of two."""
    if not (y_true.dtype.kind in "iu" and y_pred.dtype.kind in "iu"):
        return False
    wide = [y for y in (y_true, y_pred) if y.dtype.itemsize == 8]
    return any(int(y.max()) > 2**53 or int(y.min()) < -(2**53) for y in wide)


def _mean_in_range(measure, read, power, name):
    """`measure` of (errors, weight); of numbers whose errors or squares overflow, or vanish, in units of the largest.

    power: of the units that the measure is in
    """
    y_true, y_pred, weight = read
    with np.errstate(over="ignore", invalid="ignore"):
        result = measure(y_true - y_pred, weight)
        if SMALLEST < abs(result) < np.inf:
            return float(result)
        y_true, y_pred, exponent = _scaled(y_true, y_pred)
        result = float(np.ldexp(measure(y_true - y_pred, weight), power * exponent))
    if result == np.inf:
        warn(f"{name} is beyond the largest float64, {np.finfo(np.float64).max:.4g}, and becomes inf", RuntimeWarning)
    return result


def _scaled(y_true, y_pred):
    """(y_true, y_pred, exponent): both as float64 over 2**exponent, so that the larger reaches from 0.25 to 0.5."""
    largest = max(float(np.abs(y_true).max()), float(np.abs(y_pred).max()))
    exponent = int(np.frexp(largest)[1]) + 1
    return *(np.ldexp(y.astype(np.float64), -exponent) for y in (y_true, y_pred)), exponent


def _mean_square(error, weight):
    return _mean(np.multiply(error, error, out=error), weight)


def _squares(truth, predicted, weight):
    """Sums of the squared errors, and of the squared distances of the truth from its mean."""
    with np.errstate(over="ignore", invalid="ignore"):
        error, apart = truth - predicted, truth - np.average(truth, weights=weight)
        return tuple(_sum(np.multiply(each, each, out=each), weight) for each in (error, apart))


def _mean(values, weight):
    return float(np.mean(values, dtype=np.float64) if weight is None else np.average(values, weights=weight))


def _sum(values, weight):
    return np.sum(values if weight is None else weight * values, dtype=np.float64)
