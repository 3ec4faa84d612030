"""How good a model is on a table in parts: by counts and sums, in one pass."""

import math
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from fastml.scale.labels import Labels, number_targets
from fastml.scale.output import answers
from fastml.scale.parts import Parts
from fastml.scale.reading import place_of

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
    k = len(model.classes_)
    labels, counts = Labels(np.asarray(model.classes_), np.zeros(k)), np.zeros(k * k, np.int64)
    for found, slab in answers(model, parts, "predict"):
        codes, strange = labels.codes(slab.y)
        if strange >= 0:
            raise ValueError(
                f"y is {slab.y[strange]!r} in {place_of(slab, strange)}, and {type(model).__name__} knows no such class"
            )
        counts += np.bincount(k * codes + labels.codes(found)[0], minlength=k * k)
    return counts.reshape(k, k)


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
        right = rows = 0
        for found, slab in answers(model, parts, "predict"):
            right, rows = right + int(np.count_nonzero(found == slab.y)), rows + len(found)
        return right / rows if rows else math.nan
    return r2(model, parts)


def r2(model: Any, parts: Parts) -> float:
    """1 - squares of the residuals over squares about the mean; sums about the first target, so that none cancels."""
    rows, origin, left, first, second = 0, 0.0, [], [], []
    for found, slab in answers(model, parts, "predict"):
        y = number_targets(slab.y, lambda i, slab=slab: place_of(slab, i))
        if found.shape != y.shape:
            raise ValueError(f"{type(model).__name__} predicts {found.shape[1:]} numbers a row, and y is one")
        origin = origin if rows else float(y[0])
        rows += len(y)
        left.append(float(np.sum((y - found) ** 2)))
        first.append(float(np.sum(y - origin)))
        second.append(float(np.sum((y - origin) ** 2)))
    if rows < 2:
        return math.nan
    spread = math.fsum(second) - math.fsum(first) ** 2 / rows
    residual = math.fsum(left)
    return 1 - residual / spread if spread > 0 else float(residual == 0)


def need_target(parts: Parts) -> None:
    if not parts.has_target:
        raise ValueError(f"{parts!r} has no target to compare with: name it where the parts are made")
