"""How good a model is on a table in parts: by counts and sums, in one pass."""

import math
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from fastml.scale.fitting import Checks
from fastml.scale.labels import Labels
from fastml.scale.output import asking
from fastml.scale.parts import Parts
from fastml.scale.reduction import Rows

__all__ = ["confusion_matrix", "score"]


def confusion_matrix(model: Any, parts: Parts) -> np.ndarray:
    """How many rows of each class a fitted classifier takes for which.

    Parameters
    ----------
    model : fitted classifier
        Its `classes_` give the order.
    parts : Parts
        The table, with y.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        Row c counts the rows of class c, column by column as what they were predicted.

    Examples
    --------
    >>> import fastml.scale
    >>> from fastml.naive_bayes import GaussianNB
    >>> model = GaussianNB().fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
    >>> fastml.scale.confusion_matrix(model, fastml.scale.arrays([[0.5], [7.0], [0.0]], [0, 1, 1])).tolist()
    [[1, 0], [1, 1]]
    """
    need_target(parts)
    classes = np.asarray(model.classes_)
    total = passed(parts, Counts(model, parts, Labels(classes, np.zeros(len(classes)))))
    return np.zeros((len(classes), len(classes)), np.int64) if total is None else total


class Counts:
    """The reduction of a confusion matrix."""

    numbers = False

    def __init__(self, model: Any, parts: Parts, labels: Labels):
        self.ask, self.who, self.labels = asking(model, parts, "predict"), type(model).__name__, labels

    def partial(self, rows: Rows) -> np.ndarray:
        k = len(self.labels.classes)
        found = self.labels.codes(self.ask(rows.X))[0]
        return np.bincount(k * rows.y + found, minlength=k * k).reshape(k, k)

    def merge(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return first + second


class Hits:
    """The reduction of accuracy: rows whose label is predicted, and rows. A label that is no class is a miss."""

    numbers, labels = False, None

    def __init__(self, model: Any, parts: Parts):
        self.ask, self.who = asking(model, parts, "predict"), type(model).__name__

    def partial(self, rows: Rows) -> tuple[int, int]:
        return int(np.count_nonzero(self.ask(rows.X) == rows.y)), len(rows.X)

    def merge(self, first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
        return first[0] + second[0], first[1] + second[1]


class Residuals:
    """The reduction of R²: rows, mean of y, squares about it, and squares of what the model leaves."""

    numbers, labels = True, None

    def __init__(self, model: Any, parts: Parts):
        self.ask, self.who = asking(model, parts, "predict"), type(model).__name__

    def partial(self, rows: Rows) -> tuple:
        found, y = self.ask(rows.X), rows.y
        if found.shape != y.shape:
            raise ValueError(f"{self.who} predicts {found.shape[1:]} numbers a row, and y is one")
        mean = float(y.mean())
        return len(y), mean, float(np.sum((y - mean) ** 2)), float(np.sum((y - found) ** 2))

    def merge(self, first: tuple, second: tuple) -> tuple:
        n = first[0] + second[0]
        apart = second[1] - first[1]
        squares = first[2] + second[2] + apart**2 * first[0] * (second[0] / n)
        return n, first[1] + second[0] / n * apart, squares, first[3] + second[3]


def passed(parts: Parts, reduction: Any) -> Any:
    """One pass; the model says itself what it does not take in X."""
    checks = Checks(reduction.who, parts.names, finite=False)
    checks.labels, checks.numbers, checks.raw = reduction.labels, reduction.numbers, isinstance(reduction, Hits)
    checks.strange = f"and {reduction.who} knows no such class"
    return parts.reduce(reduction, checks, "predict of", 1 if reduction.ask.warns else None)


def score(model: Any, parts: Parts) -> float:
    """The accuracy of a fitted classifier, or R² of a fitted regressor, on a table.

    Parameters
    ----------
    model : fitted estimator
    parts : Parts
        The table, with y.

    Returns
    -------
    float

    Examples
    --------
    >>> import fastml.scale
    >>> from fastml.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    >>> fastml.scale.score(model, fastml.scale.arrays([[0.0], [2.0]], [1.0, 5.0]))
    1.0
    """
    need_target(parts)
    if is_classifier(model):
        hits = passed(parts, Hits(model, parts))
        return math.nan if hits is None else hits[0] / hits[1]
    total = passed(parts, Residuals(model, parts))
    if total is None or total[0] < 2:
        return math.nan
    _, _, spread, residual = total
    return 1 - residual / spread if spread > 0 else float(residual == 0)


def need_target(parts: Parts) -> None:
    if not parts.has_target:
        raise ValueError(f"{parts!r} has no target to compare with: name it where the parts are made")
