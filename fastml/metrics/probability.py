"""Scores of predicted probabilities, with scikit-learn's names, signatures and results."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastml.metrics._counts import count
from fastml.metrics._labels import Pairs, read_labels, read_scores, read_weight
from fastml.metrics._scikit import Unread, otherwise_scikit_learn

__all__ = ["brier_score_loss", "log_loss"]


@otherwise_scikit_learn
def log_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike | None = None,
    *,
    normalize: Any = True,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    y_pred: ArrayLike = "deprecated",
) -> float:
    """Mean of -ln P(true class): the cross-entropy of the predicted probabilities.

    y_true: (n,) labels | y_proba: (n,) probability of the larger of two classes, or (n, K) of the classes, ascending
    normalize: the mean if True, the sum if False | sample_weight: (n,)
    labels: (K,) ascending classes of the columns, default those of y_true

    A probability is taken no closer to 0 or 1 than the spacing of its dtype at 1.

    >>> round(log_loss(["spam", "ham", "ham", "spam"], [[0.1, 0.9], [0.9, 0.1], [0.8, 0.2], [0.35, 0.65]]), 4)
    0.2162
    """
    if y_proba is None or not isinstance(y_pred, str) or type(normalize) is not bool:
        raise Unread
    code, y_proba = _read(y_true, y_proba, labels)
    weight, _ = read_weight(sample_weight, len(code), relative=normalize)
    chance = y_proba[np.arange(len(code)), code]
    tiny = np.finfo(chance.dtype).eps
    loss = -np.log(np.clip(chance, tiny, 1 - tiny))
    return float(np.average(loss, weights=weight) if normalize else loss.sum() if weight is None else loss @ weight)


@otherwise_scikit_learn
def brier_score_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike | None,
    *,
    sample_weight: ArrayLike | None = None,
    pos_label: Any = None,
    labels: ArrayLike | None = None,
    scale_by_half: Any = "auto",
) -> float:
    """Mean squared distance of the predicted probabilities from the truth (G. W. Brier 1950).

    y_true: (n,) labels | y_proba: (n,) probability of `pos_label`, or (n, K) of the classes, ascending
    sample_weight: (n,) | pos_label: the positive of two classes, default 1 or the larger one; needed for strings
    labels: (K,) ascending classes of the columns, default those of y_true
    scale_by_half: "auto" halves the sum over the classes, so that two classes give [0, 1]; True always, False never

    >>> round(brier_score_loss([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]), 4)
    0.0375
    """
    y_proba = read_scores(y_proba)
    two = y_proba.ndim == 1 or y_proba.shape[1] == 1
    if type(scale_by_half) is not bool and scale_by_half != "auto":
        raise Unread
    code, y_proba = _read_binary(y_true, y_proba, pos_label) if two else _read(y_true, y_proba, labels)
    weight, _ = read_weight(sample_weight, len(code))
    error = np.negative(y_proba)
    error[np.arange(len(code)), code] += 1
    score = np.average((error**2).sum(axis=1), weights=weight)
    halved = y_proba.shape[1] < 3 if scale_by_half == "auto" else scale_by_half
    return float(score * 0.5 if halved else score)


def _read(y_true, y_proba, labels):
    """(column of the true class, probabilities (n, K)), where scikit-learn would accept them without a warning."""
    y_true, y_proba = read_labels(y_true), _probabilities(y_proba)
    pairs = Pairs.read(y_true, y_true)
    classes = count(y_true, y_true).labels
    if y_proba.ndim == 1 or y_proba.shape[1] == 1:
        y_proba = y_proba.reshape(-1, 1)
        y_proba = np.concatenate([1 - y_proba, y_proba], axis=1)
    sums_to_one = np.isclose(y_proba.sum(axis=1), 1, rtol=math.sqrt(np.finfo(y_proba.dtype).eps)).all()
    if labels is not None or len(classes) < 2 or y_proba.shape != (len(y_true), len(classes)) or not sums_to_one:
        raise Unread
    if pairs.labels is not None:
        return pairs.y_true, y_proba
    return np.searchsorted(classes, y_true), y_proba


def _read_binary(y_true, y_proba, pos_label):
    """The same for the probability of one of two classes."""
    y_true, y_proba = read_labels(y_true), _probabilities(y_proba).ravel()
    classes = count(y_true, y_true).labels
    if len(classes) > 2 or y_proba.shape != y_true.shape:
        raise Unread
    if pos_label is None:
        if classes.dtype.kind == "U":
            raise Unread
        pos_label = 1 if classes.tolist() in ([0, 1], [-1, 1], [0], [-1], [1]) else classes[-1]
    elif isinstance(pos_label, str) != (classes.dtype.kind == "U"):
        raise Unread
    return (y_true == pos_label).astype(np.intp), np.stack([1 - y_proba, y_proba], axis=1)


def _probabilities(y_proba):
    y_proba = read_scores(y_proba)
    if y_proba.dtype.kind != "f":
        y_proba = y_proba.astype(np.float64)
    if y_proba.size == 0 or y_proba.max() > 1 or y_proba.min() < 0:
        raise Unread
    return y_proba
