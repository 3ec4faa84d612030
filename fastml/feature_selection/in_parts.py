"""Selectors over a table in parts: variances, and scores by the moments of the columns, from one pass."""

from typing import Any

import numpy as np
from sklearn import feature_selection as scikit

from fastml.feature_selection import scores
from fastml.preprocessing.in_parts import Extremes, Moments
from fastml.scale.reduction import Rows
from fastml.scale.scatters import EACH, ClassMoments, Correlations, take_target
from fastml_ext import naive_bayes as counting

__all__ = ["fit_filter", "fit_variances"]


class Spreads:
    """The reduction of moments and extremes."""

    def __init__(self) -> None:
        self.each: list[Any] = [Moments(), Extremes()]

    def partial(self, rows: Rows) -> list:
        return [each.partial(rows) for each in self.each]

    def merge(self, first: list, second: list) -> list:
        return [each.merge(a, b) for each, a, b in zip(self.each, first, second, strict=True)]


class Sums:
    """The reduction of sums by class, and whether a number is negative."""

    def __init__(self, n_classes: int):
        self.n_classes = n_classes

    def partial(self, rows: Rows) -> tuple:
        return counting.sum_by_class(rows.X, rows.y, EACH, self.n_classes)

    def merge(self, first: tuple, second: tuple) -> tuple:
        return first[0] + second[0], first[1] or second[1]


def fit_variances(model: Any, table: Any, reduce: Any) -> None:
    """VarianceThreshold."""
    found, few = table.reduce_unless_few(Spreads())
    if few is not None:
        model.fit(few[0])
        return
    (count, _, squares), (least, largest, n) = found
    with np.errstate(invalid="ignore", divide="ignore"):
        variances = squares / count
    if model.threshold == 0:
        variances = np.fmin(variances, np.where(count < n, np.nan, largest.astype(float) - least))
    model._take(variances, n)


def fit_filter(model: Any, table: Any, reduce: Any) -> None:
    """The selectors by a score: F and chi-squared of classes, F and r of numbers."""
    function, name = model.score_func, getattr(model.score_func, "__name__", repr(model.score_func))
    known = {getattr(module, each): each for module in (scikit, scores) for each in scores.__all__}
    kind = known.get(function)
    if kind is None:
        raise ValueError(
            f"{table.who} of a table in parts scores columns by moments: score_func={name} needs the table in memory;"
            f" take {', '.join(sorted(scores.__all__))}"
        )
    take_target(table, "regression" in kind)
    k = 0 if table.labels is None else len(table.labels.classes)
    reduction: Any = {"f_classif": lambda: ClassMoments(k), "chi2": lambda: Sums(k)}.get(kind, Correlations)()
    found, few = table.reduce_unless_few(reduction)
    if few is not None:
        y = few[1] if table.labels is None else table.labels.classes[few[1]]
        model.fit(few[0], y)
        return
    d, n = table.parts.n_features, table.n_rows
    model._check_params(np.empty((1, d)), None)
    if kind == "f_classif":
        scored: Any = scores.f_of_classes(found[0], found[1], found[2], n)
    elif kind == "chi2":
        scored = scores.distance_of_sums(found[0], found[1], table.labels.counts)
    else:
        r = correlations(*found)
        scored = (r, None) if kind == "r_regression" else scores.f_of_r(r, n - 2, True)
    model.scores_, model.pvalues_ = scored
    model._sparse, model._made = True, {}


def correlations(n: int, mean: np.ndarray, squares: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """Pearson's r of each column with y; 0 of a constant column."""
    squares = np.where(squares <= n * (np.finfo(float).eps * mean) ** 2, 0.0, squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = cross / np.sqrt(squares[:-1]) / np.sqrt(squares[-1])
    return np.where(np.isfinite(r), r, 0.0)
