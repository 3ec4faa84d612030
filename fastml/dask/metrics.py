"""Metrics of Dask's collections under their names in fastml.metrics: counted and summed where the rows are."""

from collections import Counter
from typing import Any

import numpy as np

from fastml.dask.collections import delayed_parts, parts, targets_of
from fastml.dask.engine import compute, task
from fastml.kinds.lazy import is_lazy
from fastml.scale.labels import find_labels
from fastml.scale.ranks import SCORINGS
from fastml.scale.scores import Answers, measured

__all__ = [
    "accuracy_score", "average_precision_score", "confusion_matrix", "explained_variance_score", "log_loss",
    "mean_absolute_error", "mean_squared_error", "r2_score", "roc_auc_score", "top_k_accuracy_score",
]  # fmt: skip


def confusion_matrix(y_true: Any, y_pred: Any, *, labels: Any = None) -> np.ndarray:
    """How many rows of each class were taken for which, counted where the labels are.

    `fastml.metrics.Confusion(matrix, labels)` says what follows from the counts: precision, recall, F1 and others.

    Parameters
    ----------
    y_true, y_pred : Dask arrays or series
        Labels, of the same parts.
    labels : array-like, default=None
        The classes, in the order of rows and columns; None for all that occur, in ascending order.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        As `fastml.metrics.confusion_matrix`.

    Examples
    --------
    >>> import dask.array as da
    >>> import fastml.dask
    >>> fastml.dask.confusion_matrix(da.from_array([0, 1, 1], chunks=2), da.from_array([0, 1, 0], chunks=2)).tolist()
    [[1, 0], [1, 1]]
    """
    counts = counted_pairs(y_true, y_pred)
    classes = sorted({label for pair in counts for label in pair}) if labels is None else np.asarray(labels).tolist()
    place = {label: c for c, label in enumerate(classes)}
    matrix = np.zeros((len(classes), len(classes)), np.int64)
    for (true, predicted), count in counts.items():
        if true in place and predicted in place:
            matrix[place[true], place[predicted]] += count
    return matrix


def counted_pairs(y_true: Any, y_pred: Any) -> Counter:
    """{(label, predicted label): rows}."""
    pairs = []
    for name, y in (("y_true", y_true), ("y_pred", y_pred)):
        need_lazy(name, y)
        pairs.append(delayed_parts(y))
    if len(pairs[0]) != len(pairs[1]):
        raise ValueError(f"y_true has {len(pairs[0])} parts, and y_pred has {len(pairs[1])}: cut them alike")
    found = compute(*[task(pairs_of_part)(i, *pair) for i, pair in enumerate(zip(*pairs, strict=True))])
    return sum(found, Counter())


def need_lazy(name: str, y: Any) -> None:
    if not is_lazy(y) or not hasattr(y, "to_delayed"):
        raise TypeError(f"{name} is a {type(y).__name__}, and a Dask array or series is needed")


def pairs_of_part(number: int, y_true: Any, y_pred: Any) -> Counter:
    """{(label, predicted label): rows} of one part."""
    true, predicted = targets_of(y_true, f"part {number} of y_true"), targets_of(y_pred, f"part {number} of y_pred")
    if len(true) != len(predicted):
        raise ValueError(f"part {number} of y_true has {len(true)} rows, and that of y_pred {len(predicted)}")
    return Counter(zip(true.tolist(), predicted.tolist(), strict=True))


def accuracy_score(y_true: Any, y_pred: Any) -> float:
    """The share of the rows whose label was predicted.

    Parameters
    ----------
    y_true, y_pred : Dask arrays or series
        Labels, of the same parts.

    Returns
    -------
    float

    Examples
    --------
    >>> import dask.array as da
    >>> import fastml.dask
    >>> fastml.dask.accuracy_score(da.from_array([0, 1, 1, 0], chunks=3), da.from_array([0, 1, 0, 0], chunks=3))
    0.75
    """
    counts = counted_pairs(y_true, y_pred)
    total = sum(counts.values())
    return sum(count for (true, predicted), count in counts.items() if true == predicted) / total if total else np.nan


class Given(Answers):
    """The reduction of measures whose answers are the columns of X."""

    def found(self, X: np.ndarray, asks: str) -> np.ndarray:
        return X if asks == "predict_proba" or (asks == "scores" and X.shape[1] > 2) else X[:, -1]


def one_measure(scoring: str, y_true: Any, answers: Any, sample_weight: Any = None) -> float:
    """A measure of `fastml.scale.score`; answers: a Dask array (n,) or (n, columns), or a series."""
    need_lazy("y_true", y_true)
    need_lazy("y_pred", answers)
    if hasattr(answers, "to_frame"):
        answers = answers.to_frame(name="answer")
    elif answers.ndim == 1:
        answers = answers[:, None]
    table = parts(answers, y_true, sample_weight=sample_weight)
    of_classes = SCORINGS[scoring][0].takes == "codes"
    classes = find_labels(table).classes if of_classes else np.empty(0)
    if of_classes and scoring not in ("roc_auc", "neg_log_loss") and 2 < len(classes) != table.n_features:
        raise ValueError(f"y_score has {table.n_features} columns, and y_true has {len(classes)} classes")
    if scoring == "neg_log_loss" and len(classes) != table.n_features:
        raise ValueError(f"y_proba has {table.n_features} columns, and y_true has {len(classes)} classes")
    return measured([scoring], classes, table, lambda measures: Given(classes, measures))[scoring]


def roc_auc_score(
    y_true: Any, y_score: Any, *, average: str = "macro", multi_class: str = "raise", sample_weight: Any = None
) -> float:
    """The area under the ROC curve, exact: distinct scores are put in order, none is rounded.

    Parameters
    ----------
    y_true : Dask array or series
        Labels.
    y_score : Dask array (n_samples,) or (n_samples, n_classes), or series
        Scores, or probabilities of the larger label; of two columns the second counts. Of more classes a column each,
        in the order of the labels.
    average : {"macro", "weighted"}, default="macro"
        Of more than two classes: whether classes, or pairs of them, count alike, or by their rows.
    multi_class : {"raise", "ovr", "ovo"}, default="raise"
        Of more than two classes: the mean of the areas of each against all others, or of pairs.
    sample_weight : Dask array or series, default=None
        Weights of the rows; not with "ovo".

    Returns
    -------
    float

    Examples
    --------
    >>> import dask.array as da
    >>> import fastml.dask
    >>> y, scores = da.from_array([0, 0, 1, 1], chunks=3), da.from_array([0.1, 0.4, 0.35, 0.8], chunks=3)
    >>> fastml.dask.roc_auc_score(y, scores)
    0.75
    """
    if multi_class not in ("raise", "ovr", "ovo") or average not in ("macro", "weighted"):
        raise ValueError(
            f"multi_class={multi_class!r} must be 'raise', 'ovr' or 'ovo', and average={average!r} 'macro' or"
            " 'weighted'"
        )
    if multi_class == "raise":
        return one_measure("roc_auc", y_true, y_score, sample_weight)
    ending = "_weighted" if average == "weighted" else ""
    return one_measure(f"roc_auc_{multi_class}{ending}", y_true, y_score, sample_weight)


def average_precision_score(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """The mean of the precisions at all scores, each weighed by what the recall gains there.

    Parameters
    ----------
    y_true : Dask array or series
        Labels.
    y_score : Dask array (n_samples,) or (n_samples, n_classes), or series
        As for `roc_auc_score`; of more than two classes the mean of each against all others.
    sample_weight : Dask array or series, default=None
        Weights of the rows.

    Returns
    -------
    float

    Examples
    --------
    >>> import dask.array as da
    >>> import fastml.dask
    >>> y, scores = da.from_array([0, 0, 1, 1], chunks=3), da.from_array([0.1, 0.4, 0.35, 0.8], chunks=3)
    >>> round(fastml.dask.average_precision_score(y, scores), 3)
    0.833
    """
    return one_measure("average_precision", y_true, y_score, sample_weight)


def top_k_accuracy_score(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """The share of the rows whose class is among the two with the highest scores.

    Parameters
    ----------
    y_true : Dask array or series
        Labels.
    y_score : Dask array of shape (n_samples, n_classes)
        Scores of the classes in ascending order of the labels.
    sample_weight : Dask array or series, default=None
        Weights of the rows.

    Returns
    -------
    float
    """
    return one_measure("top_k_accuracy", y_true, y_score, sample_weight)


def explained_variance_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """The share of the variance of y that predictions explain, whatever the mean of the errors.

    Parameters
    ----------
    y_true, y_pred, sample_weight
        As for `mean_squared_error`.

    Returns
    -------
    float
    """
    return one_measure("explained_variance", y_true, y_pred, sample_weight)


def log_loss(y_true: Any, y_proba: Any, *, sample_weight: Any = None) -> float:
    """Mean of -ln P(true class).

    Parameters
    ----------
    y_true : Dask array or series
        Labels.
    y_proba : Dask array of shape (n_samples, n_classes)
        Probabilities of the classes in ascending order, as `predict_proba` gives them.
    sample_weight : Dask array or series, default=None
        Weights of the rows.

    Returns
    -------
    float
    """
    return -one_measure("neg_log_loss", y_true, y_proba, sample_weight)


def mean_squared_error(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Mean of the squared errors.

    Parameters
    ----------
    y_true, y_pred : Dask arrays or series
        Numbers, of the same parts.
    sample_weight : Dask array or series, default=None
        Weights of the rows.

    Returns
    -------
    float
    """
    return -one_measure("neg_mean_squared_error", y_true, y_pred, sample_weight)


def mean_absolute_error(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Mean of the absolute errors.

    Parameters
    ----------
    y_true, y_pred, sample_weight
        As for `mean_squared_error`.

    Returns
    -------
    float
    """
    return -one_measure("neg_mean_absolute_error", y_true, y_pred, sample_weight)


def r2_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """R², the share of the squares of y about its mean that predictions explain.

    Parameters
    ----------
    y_true, y_pred, sample_weight
        As for `mean_squared_error`.

    Returns
    -------
    float
    """
    return one_measure("r2", y_true, y_pred, sample_weight)
