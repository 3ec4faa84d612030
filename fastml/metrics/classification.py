"""Scores of predicted labels, with scikit-learn's names, signatures, results, warnings and errors."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastml.metrics import _counts
from fastml.metrics._counts import count
from fastml.metrics._labels import equal, exact_sum, read_pairs, read_weight
from fastml.metrics._report import report
from fastml.metrics._scikit import Unread, otherwise_scikit_learn
from fastml.metrics._warn import warn

__all__ = [
    "accuracy_score",
    "balanced_accuracy_score",
    "classification_report",
    "cohen_kappa_score",
    "confusion_matrix",
    "f1_score",
    "fbeta_score",
    "hamming_loss",
    "matthews_corrcoef",
    "precision_recall_fscore_support",
    "precision_score",
    "recall_score",
    "zero_one_loss",
]


@otherwise_scikit_learn
def accuracy_score(
    y_true: ArrayLike, y_pred: ArrayLike, *, normalize: Any = True, sample_weight: ArrayLike | None = None
) -> float:
    """Share of the rows predicted correctly.

    y_true, y_pred: (n,) labels: integers, integral floats, bools or strings; or multilabel tables
    normalize: the share if True, the number of rows (or their weight) if False
    sample_weight: (n,) weights, default equal

    >>> accuracy_score(["spam", "ham", "ham"], ["spam", "spam", "ham"])
    0.6666666666666666
    """
    hit = equal(*read_pairs(y_true, y_pred))
    if type(normalize) is not bool:
        raise Unread
    if sample_weight is None:
        correct = int(np.count_nonzero(hit))
        return correct / len(hit) if normalize else float(correct)
    weight, integral = read_weight(sample_weight, len(hit), relative=normalize)
    if normalize:
        return float(np.average(hit, weights=weight))
    return float(exact_sum(np.asarray(sample_weight)[hit]) if integral else np.dot(hit, weight))


@otherwise_scikit_learn
def zero_one_loss(
    y_true: ArrayLike, y_pred: ArrayLike, *, normalize: Any = True, sample_weight: ArrayLike | None = None
) -> float:
    """Share of the rows predicted wrongly, or their number; parameters as in `accuracy_score`.

    >>> zero_one_loss([1, 2, 3, 4], [2, 2, 3, 4])
    0.25
    """
    if normalize is not True:
        raise Unread
    return 1 - accuracy_score.__wrapped__(y_true, y_pred, sample_weight=sample_weight)  # type: ignore[attr-defined]


@otherwise_scikit_learn
def hamming_loss(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of the labels predicted wrongly; for single labels the share of the rows.

    >>> hamming_loss([1, 2, 3, 4], [2, 2, 3, 4])
    0.25
    """
    missed = ~equal(*read_pairs(y_true, y_pred))
    weight, _ = read_weight(sample_weight, len(missed))
    return float(np.average(missed, weights=weight))


@otherwise_scikit_learn
def confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    normalize: Any = None,
) -> np.ndarray:
    """How many rows of each true class (rows) were predicted as each class (columns).

    y_true, y_pred: (n,) labels
    labels: (K,) the classes in the order wanted, default all that occur, ascending; rows with others are left out
    sample_weight: (n,) weights, default 1
    normalize: "true" divides by the row sums, "pred" by the column sums, "all" by everything

    Returns (K, K) int64, float64 for fractional weights or shares. With `labels` none of which occurs in y_true a
    ValueError. `Confusion` holds the labels as well and can be merged.

    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2])
    array([[1, 0, 0],
           [0, 1, 1],
           [0, 0, 1]])
    """
    relative = normalize is not None
    matrix = count(y_true, y_pred, sample_weight, need_matrix=True, relative=relative).matrix_of(labels)
    if relative:
        if normalize not in ("true", "pred", "all"):
            raise Unread
        matrix = _counts.normalized(matrix, normalize)
    elif matrix.dtype.kind == "f" and np.asarray(sample_weight).dtype.kind != "f":
        warn(
            f"the largest sum of sample_weight is {np.abs(matrix).max():g}, which int64 cannot hold: as scikit-learn's,"
            " the cells wrap around; pass sample_weight as floats",
            RuntimeWarning,
        )
        raise Unread
    _warn_if_single(matrix)
    return matrix


def _warn_if_single(matrix):
    if matrix.shape == (1, 1):
        warn(
            "A single label was found in 'y_true' and 'y_pred'. For the confusion matrix to have the correct shape, "
            "use the 'labels' parameter to pass all known labels."
        )


@otherwise_scikit_learn
def balanced_accuracy_score(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None, adjusted: bool = False
) -> float:
    """Mean of the recalls of all classes that occur in y_true.

    y_true, y_pred: (n,) labels | sample_weight: (n,) | adjusted: 0 for a constant or random prediction, 1 at best

    >>> balanced_accuracy_score([0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1])
    0.625
    """
    matrix = count(y_true, y_pred, sample_weight, need_matrix=True, relative=True).matrix
    if type(adjusted) is not bool or (adjusted and len(matrix) == 1):
        raise Unread
    _warn_if_single(matrix)
    return _counts.balanced_accuracy(matrix, adjusted)


@otherwise_scikit_learn
def matthews_corrcoef(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Correlation coefficient of truth and prediction in [-1, 1], for any number of classes.

    y_true, y_pred: (n,) labels | sample_weight: (n,) | J. Gorodkin 2004; 0 where either is constant

    >>> matthews_corrcoef([1, 1, 1, -1], [1, -1, 1, 1])
    -0.3333333333333333
    """
    matrix = count(y_true, y_pred, sample_weight, need_matrix=True, relative=True).matrix
    _warn_if_single(matrix)
    return _counts.matthews(matrix)


@otherwise_scikit_learn
def cohen_kappa_score(
    y1: ArrayLike,
    y2: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    weights: Any = None,
    sample_weight: ArrayLike | None = None,
    replace_undefined_by: Any = np.nan,
) -> float:
    """Agreement of two raters beyond what chance would give.

    y1, y2: (n,) labels | labels: (K,) the classes counted, default all
    weights: None counts every disagreement alike, "linear" and "quadratic" by the distance of the classes
    replace_undefined_by: the result where chance agreement is already complete, with a warning; default NaN

    J. Cohen 1960.

    >>> cohen_kappa_score(["neg", "pos", "neg", "pos"], ["neg", "pos", "neg", "neg"])
    0.5
    """
    matrix = count(y1, y2, sample_weight, need_matrix=True, relative=True).matrix_of(labels)
    kappa = _counts.cohen_kappa(matrix, weights) if weights in (None, "linear", "quadratic") else None
    if kappa is None:
        raise Unread
    _warn_if_single(matrix)
    return kappa


@otherwise_scikit_learn
def precision_recall_fscore_support(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    beta: float = 1.0,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = None,
    warn_for: Any = ("precision", "recall", "f-score"),
    sample_weight: ArrayLike | None = None,
    zero_division: Any = "warn",
) -> tuple[Any, Any, Any, Any]:
    """(precision, recall, F-beta, support), of each class or averaged, from one count.

    y_true, y_pred: (n,) labels, or multilabel tables
    beta: weight of recall against precision in F, in [0, inf]
    labels: (K,) classes to report, default all that occur, ascending
    average: None for arrays (K,); "binary" for `pos_label` alone; "micro" sums the counts of all classes; "macro" is
        the mean over the classes; "weighted" that mean weighted by support; "samples" for multilabel tables
    warn_for: the measures that warn where they are undefined
    sample_weight: (n,) weights, default 1
    zero_division: the value where a measure is undefined: 0, 1 or NaN; "warn" is 0 with UndefinedMetricWarning

    >>> precision_recall_fscore_support([1] * 3 + [0] * 18, [1, 1, 0] + [1] * 2 + [0] * 16, average="binary")
    (0.5, 0.6666666666666666, 0.5714285714285714, None)
    """
    return _prfs(y_true, y_pred, beta, labels, pos_label, average, warn_for, sample_weight, zero_division)


@otherwise_scikit_learn
def precision_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: Any = "warn",
) -> Any:
    """Share of the rows predicted as a class that are of it; parameters as in `precision_recall_fscore_support`.

    >>> precision_score([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], average="macro")
    0.2222222222222222
    """
    return _prfs(y_true, y_pred, 1.0, labels, pos_label, average, ("precision",), sample_weight, zero_division)[0]


@otherwise_scikit_learn
def recall_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: Any = "warn",
) -> Any:
    """Share of the rows of a class that were predicted as it; parameters as in `precision_recall_fscore_support`.

    >>> recall_score([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], average="macro")
    0.3333333333333333
    """
    return _prfs(y_true, y_pred, 1.0, labels, pos_label, average, ("recall",), sample_weight, zero_division)[1]


@otherwise_scikit_learn
def f1_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: Any = "warn",
) -> Any:
    """Harmonic mean of precision and recall; parameters as in `precision_recall_fscore_support`.

    >>> f1_score([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], average=None)
    array([0.8, 0. , 0. ])
    """
    return _prfs(y_true, y_pred, 1, labels, pos_label, average, ("f-score",), sample_weight, zero_division)[2]


@otherwise_scikit_learn
def fbeta_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    beta: float,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: Any = "warn",
) -> Any:
    """Weighted harmonic mean of precision and recall; parameters as in `precision_recall_fscore_support`.

    >>> fbeta_score([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], average="macro", beta=0.5)
    0.2380952380952381
    """
    return _prfs(y_true, y_pred, beta, labels, pos_label, average, ("f-score",), sample_weight, zero_division)[2]


def _prfs(y_true, y_pred, beta, labels, pos_label, average, warn_for, sample_weight, zero_division):
    if average not in (None, "binary", "micro", "macro", "weighted") or not is_zero_division(zero_division):
        raise Unread
    if labels is not None and len(labels) == 0:
        raise Unread
    if type(beta) not in (int, float) or not beta >= 0 or (average != "binary" and pos_label not in (None, 1)):
        raise Unread
    counts = count(y_true, y_pred, sample_weight)
    if average == "binary":
        labels = _positive(pos_label, counts.labels)
    sums = counts.sums_of(labels)
    if np.isfinite(counts.sums).all():
        return _counts.prf(sums, beta, average, warn_for, zero_division)
    relative = count(y_true, y_pred, sample_weight, relative=True).sums_of(labels)
    *rates, support = _counts.prf(relative, beta, average, warn_for, zero_division)
    return *rates, support if support is None else sums[1]


def _positive(pos_label, present):
    """[pos_label], where the labels present are two at most and it is one of them, or they are one."""
    if len(present) > 2 or isinstance(pos_label, str) != (present.dtype.kind == "U"):
        raise Unread
    if len(present) == 2 and pos_label not in present.tolist():
        raise Unread
    return [pos_label]


def is_zero_division(value):
    """Is `value` one of "warn", 0, 1 and NaN?"""
    if isinstance(value, str):
        return value == "warn"
    return type(value) in (int, float) and (value in (0, 1) or value != value)


@otherwise_scikit_learn
def classification_report(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    target_names: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    digits: int = 2,
    output_dict: bool = False,
    zero_division: Any = "warn",
) -> str | dict[str, Any]:
    """Precision, recall, F1 and support of every class and on average, as a text or as a dict.

    y_true, y_pred: (n,) labels, or multilabel tables | labels: (K,) classes to report, default all that occur
    target_names: K names to print for them | sample_weight: (n,) weights | digits: decimals of the text
    output_dict: a dict of dicts instead of a text | zero_division: as in `precision_recall_fscore_support`

    >>> print(classification_report([0, 1, 2, 2, 2], [0, 0, 2, 2, 1], zero_division=0))
                  precision    recall  f1-score   support
    <BLANKLINE>
               0       0.50      1.00      0.67         1
               1       0.00      0.00      0.00         1
               2       1.00      0.67      0.80         3
    <BLANKLINE>
        accuracy                           0.60         5
       macro avg       0.50      0.56      0.49         5
    weighted avg       0.70      0.60      0.61         5
    <BLANKLINE>
    """
    if type(digits) is not int or digits < 0 or type(output_dict) is not bool or not is_zero_division(zero_division):
        raise Unread
    counts = count(y_true, y_pred, sample_weight)
    if not np.isfinite(counts.sums).all():
        raise ValueError("the sums of sample_weight are beyond the largest float64: divide all of them first")
    return report(counts, labels, target_names, digits, output_dict, zero_division)
