"""Rows counted by true and predicted label, and the rates that follow from the counts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastml.metrics._labels import EXACT, Pairs, find, read_weight
from fastml.metrics._scikit import Unread
from fastml.metrics._warn import warn, warn_undefined
from fastml_ext import metrics as kernels

__all__ = ["Counts", "average_of", "balanced_accuracy", "cohen_kappa", "count", "matthews", "normalized", "prf"]

MOST_CLASSES = 10_000  # of a matrix: 800 MB
MOST_BETA = 1e100  # recall counts that many times as much: F is recall, and the square of a larger one may overflow


@dataclass(frozen=True)
class Counts:
    """Rows, or their weights, by label: `sums` (3, K) holds the correct, the true and the predicted ones of each."""

    labels: np.ndarray  # (K,) ascending
    sums: np.ndarray
    matrix: Any  # (K, K) array, rows are the truth; None where it was not asked for and is large
    in_truth: np.ndarray  # (K,) bool: does the label occur in y_true?

    def sums_of(self, labels):
        """`sums` for the given labels; zeros for a label that does not occur."""
        if labels is None:
            return self.sums
        index, there = find(labels, self.labels)
        return self.sums[:, index] * there

    def matrix_of(self, labels):
        """The matrix in the order of the given labels; a row with another label on either side is left out."""
        if labels is None:
            return self.matrix
        index, there = find(labels, self.labels)
        if not self.in_truth[index[there]].any() or len(set(index[there].tolist())) < there.sum():
            raise Unread
        return self.matrix[np.ix_(index, index)] * (there[:, None] & there)


def count(y_true, y_pred, sample_weight=None, need_matrix=False, relative=False):
    """Counts of two vectors of labels: one pass over integers, two over strings.

    relative: as in `read_weight`
    """
    pairs = Pairs.read(y_true, y_pred)
    weight, integral = read_weight(sample_weight, len(pairs.y_true), relative)
    if need_matrix and pairs.width > MOST_CLASSES and not pairs.is_dense():
        raise Unread
    if not (need_matrix or pairs.is_dense()):
        return _count_margins(pairs, weight)
    table = pairs.table()
    sums = kernels.margins(table)
    in_truth = sums[1] > 0
    seen = in_truth | (sums[2] > 0)
    if weight is not None:
        table = pairs.table(weight)
        sums = _rounded(pairs.margins(weight))
        table = _of_integers(pairs, sample_weight, table) if integral else table
    elif not sums[0].any():
        sums = sums.astype(np.float64)  # scikit-learn reports fractional supports where no row is correct
    if not seen.all():
        seen = np.flatnonzero(seen)
        sums, in_truth, table = sums[:, seen], in_truth[seen], table[np.ix_(seen, seen)]
        labels = pairs.low + seen if pairs.labels is None else pairs.labels[seen]
    else:
        labels = np.arange(pairs.low, pairs.low + pairs.width) if pairs.labels is None else pairs.labels
    return _counts(pairs, labels, sums, table, in_truth)


def _of_integers(pairs, sample_weight, table):
    """The table of integer weights as int64, exact; where a sum is beyond int64 as it is, float64."""
    if np.abs(table).max() < EXACT:
        return table.astype(np.int64)
    exact = pairs.exact_table(np.asarray(sample_weight))
    return table if exact is None else exact


def _count_margins(pairs, weight):
    """Counts without the matrix, for labels that are nearly as many as the rows."""
    sums = pairs.margins()
    in_truth = sums[1] > 0
    if weight is not None:
        sums = _rounded(pairs.margins(weight))
    elif sums[0].any():
        sums = sums.astype(np.int64)
    return _counts(pairs, pairs.labels, sums, None, in_truth)


def _rounded(sums):
    """Sums of fractional weights as scikit-learn has them: correct + incorrect, each rounded."""
    sums[1:] = sums[0] + (sums[1:] - sums[0])
    return sums


def _counts(pairs, labels, sums, matrix, in_truth):
    if labels.dtype.kind != "U":
        labels = labels.astype(pairs.label_dtype(in_truth.all()), copy=False)
    return Counts(labels, sums, matrix, in_truth)


def prf(sums, beta, average, warn_for, zero_division):
    """Precision, recall, F-beta and support of each class, or averaged, from the correct, true and predicted rows."""
    correct, true, predicted = sums.sum(axis=1, keepdims=True) if average == "micro" else sums
    shared = average, warn_for, zero_division
    precision = _divide(correct, predicted, "precision", "predicted", *shared)
    recall = _divide(correct, true, "recall", "true", *shared)
    if beta > MOST_BETA:
        f = recall
    elif beta == 0:
        f = precision
    else:
        beta2 = beta**2
        f = _divide((1 + beta2) * correct, beta2 * true + predicted, "f-score", "true nor predicted", *shared)
    if average is None:
        return precision, recall, f, true
    weights = true if average == "weighted" else None
    return *(average_of(values, weights) for values in (precision, recall, f)), None


def _divide(numerator, denominator, metric, modifier, average, warn_for, zero_division):
    undefined = denominator == 0
    if not undefined.any():
        return numerator / denominator
    result = numerator / np.where(undefined, 1, denominator)
    result[undefined] = 0.0 if isinstance(zero_division, str) else zero_division
    if isinstance(zero_division, str) and metric in warn_for:
        _warn_undefined(f"{metric.capitalize()} is", modifier, len(result))
    return result


def _warn_undefined(what, modifier, n_classes):
    where = "due to" if n_classes == 1 else "in labels with"
    advice = "Use `zero_division` parameter to control this behavior."
    warn_undefined(f"{what} ill-defined and being set to 0.0 {where} no {modifier} samples. {advice}")


def average_of(values, weights=None):
    """Mean of the values that are defined, as a float; weights that are all zero count as equal ones."""
    defined = values == values
    if not defined.all():
        if not defined.any():
            return float("nan")
        values = values[defined]
        weights = weights if weights is None else weights[defined]
    if weights is not None and (total := weights.sum()) != 0:
        return float((values * weights).sum() / total)
    return float(values.sum() / len(values))


def normalized(matrix, by):
    """Shares of each row ("true"), of each column ("pred") or of everything ("all"); 0 where there is nothing."""
    matrix = of_ratios(matrix)
    total = {"true": matrix.sum(axis=1, keepdims=True), "pred": matrix.sum(axis=0, keepdims=True), "all": matrix.sum()}
    with np.errstate(all="ignore"):
        return np.nan_to_num(matrix / total[by])


def of_ratios(matrix):
    """The matrix as float64, divided by a power of two: then sums and squares for scores of ratios are finite."""
    matrix = matrix.astype(np.float64)
    largest = np.abs(matrix).max()
    return np.ldexp(matrix, -np.frexp(largest)[1]) if 0 < largest < np.inf else matrix


def balanced_accuracy(matrix, adjusted=False):
    """Mean recall of the classes that occur in the truth (Brodersen, Ong, Stephan, Buhmann 2010)."""
    matrix = of_ratios(matrix)
    true = matrix.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.diag(matrix) / true
    if np.isnan(recall).any():
        warn("y_pred contains classes not in y_true")
        recall = recall[~np.isnan(recall)]
    score = np.mean(recall)
    if adjusted:
        chance = 1 / len(recall)
        score = (score - chance) / (1 - chance)
    return float(score)


def matthews(matrix):
    """Correlation of truth and prediction (Gorodkin 2004); 0 where either is constant."""
    matrix = of_ratios(matrix)
    true, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    n, correct = predicted.sum(), np.trace(matrix)
    variances = (n**2 - predicted @ predicted) * (n**2 - true @ true)
    return 0.0 if variances == 0 else float((correct * n - true @ predicted) / np.sqrt(variances))


def cohen_kappa(matrix, weights=None):
    """Agreement beyond chance (Cohen 1960), `weights` None, "linear" or "quadratic"; None where it is undefined."""
    matrix = of_ratios(matrix)
    predicted, true = matrix.sum(axis=0), matrix.sum(axis=1)
    if (n := predicted.sum()) == 0:
        return None
    apart = np.abs(np.subtract.outer(np.arange(len(true)), np.arange(len(true)))).astype(np.float64)
    cost = (apart > 0) * 1.0 if weights is None else apart if weights == "linear" else apart**2
    chance = (cost * (np.multiply.outer(predicted, true) / n)).sum()
    return None if chance == 0 else float(1 - (cost * matrix).sum() / chance)
