"""Curves and areas over the thresholds of a score, with scikit-learn's names, signatures and results."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastml.metrics._counts import count
from fastml.metrics._labels import read_labels, read_scores, read_weight
from fastml.metrics._scikit import Unread, otherwise_scikit_learn
from fastml.metrics._warn import warn, warn_undefined

__all__ = ["auc", "average_precision_score", "precision_recall_curve", "roc_auc_score", "roc_curve"]


@otherwise_scikit_learn
def auc(x: Any, y: Any) -> float:
    """Area under the points (x, y) by the trapezoidal rule; x ascending or descending, at least two points.

    >>> auc([0, 0.5, 1], [0, 1, 1])
    0.75
    """
    x, y = read_scores(x), read_scores(y)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise Unread
    step = np.diff(x)
    if not (step >= 0).all():
        if not (step <= 0).all():
            raise Unread
        return -_area(x, y)
    return _area(x, y)


@otherwise_scikit_learn
def roc_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
    drop_intermediate: bool = True,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(false positive rate, true positive rate, thresholds) of the rule "positive where the score is >= threshold".

    y_true: (n,) labels of two classes, or of more with `pos_label` | y_score: (n,) finite
    pos_label: the positive class; may be left out for {0, 1} and {-1, 1}
    sample_weight: (n,) | drop_intermediate: leave out points on a straight line between their neighbours

    The thresholds descend from infinity, where nothing is positive. A class that does not occur gives rates of NaN with
    UndefinedMetricWarning. T. Fawcett 2006, "An introduction to ROC analysis".

    >>> fpr, tpr, thresholds = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> fpr.tolist(), tpr.tolist(), thresholds.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0], [inf, 0.8, 0.4, 0.35, 0.1])
    """
    if type(drop_intermediate) is not bool:
        raise Unread
    positive, y_score, weight = _read(y_true, y_score, pos_label, sample_weight)
    return _roc(positive, y_score, weight, drop_intermediate)


@otherwise_scikit_learn
def precision_recall_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
    drop_intermediate: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(precision, recall, thresholds) of the rule "positive where the score is >= threshold".

    Parameters as in `roc_curve`. The thresholds ascend; precision and recall end with 1 and 0, without a threshold.

    >>> precision, recall, thresholds = precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> precision.round(3).tolist(), recall.tolist(), thresholds.tolist()
    ([0.5, 0.667, 0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.5, 0.0], [0.1, 0.35, 0.4, 0.8])
    """
    if type(drop_intermediate) is not bool:
        raise Unread
    positive, y_score, weight = _read(y_true, y_score, pos_label, sample_weight)
    return _precision_recall(positive, y_score, weight, drop_intermediate)


@otherwise_scikit_learn
def roc_auc_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    average: str | None = "macro",
    sample_weight: ArrayLike | None = None,
    max_fpr: float | None = None,
    multi_class: str = "raise",
    labels: ArrayLike | None = None,
) -> Any:
    """Area under the ROC curve: the chance that a positive row scores higher than a negative one.

    y_true: (n,) labels, or multilabel tables | y_score: (n,), or (n, K) probabilities for K > 2 classes
    average: over the classes: "macro", "weighted", "micro" (multilabel and "ovr") or None for all of them
    sample_weight: (n,) | max_fpr: area up to this rate, rescaled as McClish 1989 does; default all
    multi_class: "ovr" each class against the rest, "ovo" all pairs (Hand and Till 2001); must be given for K > 2
    labels: (K,) ascending classes of the columns, default those of y_true

    >>> roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    y_true, y_score = read_labels(y_true), read_scores(y_score)
    classes = count(y_true, y_true).labels
    if len(y_score) != len(y_true) or (max_fpr is not None and not 0 < max_fpr <= 1):
        raise Unread
    if y_score.ndim == 1 and len(classes) <= 2 and average in ("macro", "weighted", "micro", "samples", None):
        weight, _ = read_weight(sample_weight, len(y_true))
        positive = y_true == classes[-1]
        if weight is not None and not (weight[positive].any() and weight[~positive].any()):
            raise Unread  # a class without any weight: scikit-learn says in its own words what that means
        return _roc_area(positive, y_score, weight, max_fpr)
    if y_score.ndim == 1 or y_score.shape[1] != len(classes) or len(classes) < 3 or labels is not None:
        raise Unread
    if max_fpr not in (None, 1.0) or not np.allclose(1, y_score.sum(axis=1)):
        raise Unread
    if multi_class == "ovo" and average in ("macro", "weighted") and sample_weight is None:
        return _one_against_one(y_true, y_score, classes, average)
    if multi_class != "ovr":
        raise Unread
    return _one_against_rest(_roc_area, y_true, y_score, classes, average, sample_weight)


@otherwise_scikit_learn
def average_precision_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    average: str | None = "macro",
    pos_label: Any = 1,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Mean of the precisions over the recalls gained: the area under the precision-recall steps.

    y_true: (n,) labels, or multilabel tables | y_score: (n,), or (n, K) for K > 2 classes
    average: over the classes, as in `roc_auc_score` | pos_label: the positive of two classes | sample_weight: (n,)

    >>> average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.8333333333333333
    """
    y_true, y_score = read_labels(y_true), read_scores(y_score)
    classes = count(y_true, y_true).labels
    if len(y_score) != len(y_true):
        raise Unread
    if y_score.ndim == 1 and len(classes) <= 2:
        if isinstance(pos_label, str) != (classes.dtype.kind == "U"):
            raise Unread
        if average not in ("macro", "weighted", "micro", None) or (
            len(classes) == 2 and pos_label not in classes.tolist()
        ):
            raise Unread
        return _average_precision(y_true == pos_label, y_score, read_weight(sample_weight, len(y_true))[0])
    if y_score.ndim == 1 or y_score.shape[1] != len(classes) or len(classes) < 3 or pos_label != 1:
        raise Unread
    return _one_against_rest(_average_precision, y_true, y_score, classes, average, sample_weight)


def _read(y_true, y_score, pos_label, sample_weight):
    """(is the row positive?, score, weight or None), where scikit-learn would accept them."""
    y_true, y_score = read_labels(y_true), read_scores(y_score)
    classes = count(y_true, y_true).labels
    if y_score.shape != y_true.shape:
        raise Unread
    if pos_label is None:
        if classes.dtype.kind == "U" or classes.tolist() not in ([0, 1], [-1, 1], [0], [-1], [1]):
            raise Unread
        pos_label = 1
    elif isinstance(pos_label, str) != (classes.dtype.kind == "U"):
        raise Unread
    return y_true == pos_label, y_score, read_weight(sample_weight, len(y_true))[0]


def _counts_by_threshold(positive, y_score, weight):
    """(false positives, true positives, threshold) at each distinct score, from the highest down."""
    if weight is not None:
        used = weight != 0
        positive, y_score, weight = positive[used], y_score[used], weight[used]
    # Equal scores enter together, so their order matters only to the rounding of summed weights.
    order = np.argsort(-y_score.astype(np.float64), kind=None if weight is None else "stable")
    y_score, positive = y_score[order], positive[order]
    last = np.append(np.flatnonzero(y_score[1:] != y_score[:-1]), len(y_score) - 1)
    if weight is None:
        true = np.cumsum(positive)[last].astype(np.float64)
        return 1 + last - true, true, y_score[last]
    weight = weight[order]
    return np.cumsum(~positive * weight)[last], np.cumsum(positive * weight)[last], y_score[last]


def _roc(positive, y_score, weight, drop_intermediate):
    false, true, thresholds = _counts_by_threshold(positive, y_score, weight)
    if drop_intermediate and len(false) > 2:
        bend = np.r_[True, (np.diff(false, 2) != 0) | (np.diff(true, 2) != 0), True]
        false, true, thresholds = false[bend], true[bend], thresholds[bend]
    fpr = _rate(np.r_[0.0, false], "No negative samples in y_true, false positive value should be meaningless")
    tpr = _rate(np.r_[0.0, true], "No positive samples in y_true, true positive value should be meaningless")
    return fpr, tpr, np.r_[np.inf, thresholds]


def _rate(counts, message):
    if counts[-1] > 0:
        return counts / counts[-1]
    warn_undefined(message)
    return np.full(counts.shape, np.nan)


def _precision_recall(positive, y_score, weight, drop_intermediate=False):
    false, true, thresholds = _counts_by_threshold(positive, y_score, weight)
    if drop_intermediate and len(false) > 2:
        bend = np.r_[True, (np.diff(true[:-1]) != 0) | (np.diff(true[1:]) != 0), True]
        false, true, thresholds = false[bend], true[bend], thresholds[bend]
    found = true + false
    precision = np.divide(true, found, out=np.zeros_like(true), where=found != 0)
    if true[-1] == 0:
        warn("No positive class found in y_true, recall is set to one for all thresholds.")
        recall = np.ones_like(true)
    else:
        recall = true / true[-1]
    return np.r_[precision[::-1], 1.0], np.r_[recall[::-1], 0.0], thresholds[::-1]


def _roc_area(positive, y_score, weight=None, max_fpr=None):
    if positive.all() or not positive.any():
        warn_undefined("Only one class is present in y_true. ROC AUC score is not defined in that case.")
        return np.nan
    fpr, tpr, _ = _roc(positive, y_score, weight, True)
    if max_fpr is None or max_fpr == 1:
        return _area(fpr, tpr)
    stop = np.searchsorted(fpr, max_fpr, "right")
    end = np.interp(max_fpr, fpr[stop - 1 : stop + 1], tpr[stop - 1 : stop + 1])
    partial = _area(np.append(fpr[:stop], max_fpr), np.append(tpr[:stop], end))
    least = 0.5 * max_fpr**2
    return 0.5 * (1 + (partial - least) / (max_fpr - least))


def _average_precision(positive, y_score, weight=None):
    precision, recall, _ = _precision_recall(positive, y_score, weight)
    return float(max(0.0, -(np.diff(recall) * precision[:-1]).sum()))


def _one_against_rest(measure, y_true, y_score, classes, average, sample_weight):
    """`measure` of each class against all others, averaged."""
    weight, _ = read_weight(sample_weight, len(y_true))
    if average == "micro":
        positive = (y_true[:, None] == classes).ravel()
        return measure(positive, y_score.ravel(), None if weight is None else np.repeat(weight, len(classes)))
    if average not in ("macro", "weighted", None):
        raise Unread
    is_class = [y_true == label for label in classes]
    scores = np.array([measure(row, y_score[:, c], weight) for c, row in enumerate(is_class)])
    if average is None:
        return scores
    if average == "macro":
        return float(np.average(scores))
    share = np.array([row.sum() if weight is None else (row * weight).sum() for row in is_class])
    scores[share == 0] = 0
    return float(np.average(scores, weights=share))


def _one_against_one(y_true, y_score, classes, average):
    """Mean over all pairs of classes of the area, each class of the pair once the positive one."""
    rows = [y_true == label for label in classes]
    scores, share = [], []
    for a in range(len(classes)):
        for b in range(a + 1, len(classes)):
            both = rows[a] | rows[b]
            first, second = (_roc_area(rows[c][both], y_score[both, c]) for c in (a, b))
            scores.append((first + second) / 2)
            share.append(np.average(both))
    return float(np.average(scores, weights=share if average == "weighted" else None))


def _area(x, y):
    return float(np.trapezoid(y, x))
