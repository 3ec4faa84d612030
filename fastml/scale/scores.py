"""How good a model is on a table in parts: by counts, sums and the order of scores, in one pass for all measures."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from fastml.scale.fitting import Checks
from fastml.scale.labels import Labels
from fastml.scale.measures import Matrix, Measure
from fastml.scale.output import asking
from fastml.scale.parts import Parts
from fastml.scale.ranks import SCORINGS
from fastml.scale.reduction import Rows

__all__ = ["Answers", "confusion_matrix", "measured", "score"]


def confusion_matrix(model: Any, parts: Parts) -> np.ndarray:
    """How many rows of each class a fitted classifier takes for which.

    Parameters
    ----------
    model : fitted classifier
        Its `classes_` give the order.
    parts : Parts
        The table, with y; rows with weights count as much.

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
    classes = np.asarray(model.classes_)
    matrix = Matrix(len(classes))
    passes(parts, Asked(model, parts, [matrix]))
    return np.zeros((len(classes), len(classes)), np.int64) if matrix.total is None else matrix.total


def score(model: Any, parts: Parts, scoring: Any = None) -> Any:
    """How good a fitted model is on a table, by one or several measures.

    Parameters
    ----------
    model : fitted estimator
        Of fastml, scikit-learn or others.
    parts : Parts
        The table, with y; rows with weights count as much.
    scoring : str or list of str, default=None
        scikit-learn's names: "accuracy", "balanced_accuracy", "matthews_corrcoef", "f1", "precision", "recall" (also
        with "_macro", "_micro", "_weighted"), "jaccard", "top_k_accuracy", "neg_log_loss",
        "neg_brier_score", "d2_log_loss_score", "d2_brier_score", "roc_auc", "roc_auc_ovr", "roc_auc_ovo" (both also
        with "_weighted"), "average_precision"; "r2", "explained_variance", "neg_mean_squared_error",
        "neg_mean_absolute_error", "neg_mean_squared_log_error", "neg_mean_absolute_percentage_error",
        "neg_mean_poisson_deviance", "neg_mean_gamma_deviance", "neg_max_error". None for the accuracy of a classifier
        or R² of a regressor.

    Returns
    -------
    float or dict
        Of a list the value of each name.

    Notes
    -----
    One pass is enough, whatever the measures. Areas and average precisions are exact: the distinct scores are put in
    order, as many in a pass as `memory` of the parts holds (2.8 million of two classes in 2**28 bytes): a larger memory
    means fewer passes.

    Examples
    --------
    >>> import fastml.scale
    >>> from fastml.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    >>> table = fastml.scale.arrays([[0.0], [2.0]], [1.0, 6.0])
    >>> round(fastml.scale.score(model, table), 3)
    0.92
    >>> scores = fastml.scale.score(model, table, ["r2", "neg_mean_absolute_error"])
    >>> round(scores["neg_mean_absolute_error"], 3)
    -0.5
    """
    if scoring is None:
        scoring = "accuracy" if is_classifier(model) else "r2"
    names = [scoring] if isinstance(scoring, str) else list(scoring)
    classes = np.asarray(getattr(model, "classes_", []))
    found = measured(names, classes, parts, lambda measures: Asked(model, parts, measures))
    return found[scoring] if isinstance(scoring, str) else found


def measured(names: list[str], classes: np.ndarray, parts: Parts, make: Any) -> dict[str, float]:
    """{name: value}; make(measures) is the reduction of a pass."""
    for name in names:
        if name not in SCORINGS:
            raise ValueError(f"scoring={name!r} is none of what is counted in parts: {', '.join(sorted(SCORINGS))}")
    if "roc_auc" in names and len(classes) != 2:
        raise ValueError(
            f"scoring='roc_auc' is of two classes, and there are {len(classes)}: take 'roc_auc_ovr' or 'roc_auc_ovo'"
        )
    if parts.has_weight and len(classes) > 2 and any(name.startswith("roc_auc_ovo") for name in names):
        raise ValueError("scoring='roc_auc_ovo' takes no weights of rows: take 'roc_auc_ovr', or leave them out")
    kinds = {kind: kind(len(classes), parts.memory) for kind in dict.fromkeys(SCORINGS[name][0] for name in names)}
    measures = list(kinds.values())
    passes(parts, make(measures))
    while again := [measure for measure in measures if measure.another]:
        passes(parts, make(again))
    values = {}
    for name in names:
        kind, value = SCORINGS[name]
        values[name] = float("nan") if kinds[kind].total is None else value(kinds[kind], classes)
    return values


class Answers:
    """The reduction of measures whose answers are given: `found` makes them of the rows of X, by what is asked."""

    def __init__(self, classes: np.ndarray, measures: list[Measure]):
        self.measures, self.classes, self.who, self.warns = measures, classes, "score", False
        takes = {measure.takes for measure in measures}
        self.numbers = "numbers" in takes
        if self.numbers and len(takes) > 1:
            raise ValueError("scoring has measures of classes, and of numbers: ask for those of one kind")
        self.labels = Labels(classes, np.zeros(len(classes))) if "codes" in takes else None

    def found(self, X: np.ndarray, asks: str) -> np.ndarray:
        raise NotImplementedError

    def partial(self, rows: Rows) -> list:
        answers = {asks: self.found(rows.X, asks) for asks in {measure.asks for measure in self.measures}}
        coded = None
        if self.labels is not None and "predict" in answers:
            coded = self.labels.codes(answers["predict"])[0]
        states = []
        for measure in self.measures:
            found, y = answers[measure.asks], rows.y
            if measure.asks == "predict" and coded is not None:
                found = coded
            states.append(measure.partial(found, y, rows.weight))
        return states

    def merge(self, first: list, second: list) -> list:
        return [measure.merge(a, b) for measure, a, b in zip(self.measures, first, second, strict=True)]


class Asked(Answers):
    """The reduction of measures of what a model says."""

    def __init__(self, model: Any, parts: Parts, measures: list[Measure]):
        super().__init__(np.asarray(getattr(model, "classes_", [])), measures)
        self.who, self.ways = type(model).__name__, {}
        for asks in {measure.asks for measure in measures}:
            method = asks
            if asks == "scores":
                method = "decision_function" if hasattr(model, "decision_function") else "predict_proba"
            if not callable(getattr(model, method, None)):
                raise TypeError(f"{self.who} has no method {method!r}, which this scoring asks")
            self.ways[asks] = asking(model, parts, method)
        self.warns = any(way.warns for way in self.ways.values())

    def found(self, X: np.ndarray, asks: str) -> np.ndarray:
        answer = self.ways[asks](X)
        return answer[:, 1] if asks == "scores" and answer.ndim == 2 and answer.shape[1] == 2 else answer


def passes(parts: Parts, reduction: Answers) -> None:
    """One pass; the model says itself what it does not take in X."""
    if not parts.has_target:
        raise ValueError(f"{parts!r} has no target to compare with: name it where the parts are made")
    checks = Checks(reduction.who, parts.names, finite=False)
    checks.labels, checks.numbers = reduction.labels, reduction.numbers
    checks.raw = reduction.labels is None and not reduction.numbers
    checks.strange = f"and {reduction.who} knows no such class"
    total = parts.reduce(reduction, checks, "predict of", 1 if reduction.warns else None)
    for number, measure in enumerate(reduction.measures):
        if total is None:
            measure.total, measure.another = None, False
        else:
            measure.take(total[number])
