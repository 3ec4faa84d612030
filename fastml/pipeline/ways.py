"""Ways through fitted steps to the model behind them that make no table between, or only a small one at a time."""

from typing import Any

import numpy as np

from fastml._sklearn import _get_threadlocal_config
from fastml.linear_model.base import LinearModel, Scores
from fastml.operations import Scoring, operation_of, unwrapped
from fastml.plain import is_plain_table
from fastml_ext import checks
from fastml_ext import preprocessing as kernels

__all__ = ["answer"]

MANY = 2**15  # values of a table from which it is worth looking for a way round the table between
PART = 2**17  # values that go through the steps at a time: 0.5 or 1 MB, within the second cache
WHOLE = 1024  # what the rows of such a part are a multiple of, so that models cut them where they would cut the table
BY_ROWS = {  # models whose answer to a row does not depend on the others
    ("fastml.neighbors.classification", "KNeighborsClassifier"),
    ("fastml.neighbors.regression", "KNeighborsRegressor"),
    ("fastml.neural_network.classifier", "MLPClassifier"),
    ("fastml.neural_network.regressor", "MLPRegressor"),
    ("fastml.naive_bayes.gaussian", "GaussianNB"),
}


def answer(steps, model, method, X):
    """What a method of the model gives of rows X that have gone through the steps."""
    if not steps or not gives_arrays(steps):
        for step in steps:
            X = step.transform(X)
        return getattr(model, method)(X)
    plain = is_plain_table(X, {})
    if plain and X.size >= MANY and (operations := operations_of(steps, X)) is not None:
        found = of_many(operations, model, method, X)
        if found is not None:
            return found
    return getattr(model, method)(through(steps, X, plain))


def gives_arrays(steps):
    """Whether nobody has asked for frames of what the steps transform."""
    if _get_threadlocal_config()["transform_output"] != "default":
        return False
    return not any("_sklearn_output_config" in step.__dict__ for step in steps)


def through(steps, X, plain):
    """X through the steps; what their operations do not take, their own methods transform, or refuse.

    plain: whether X is a plain table
    """
    for step in steps:
        operation = operation_of(step, X) if plain else None
        found = None if operation is None else operation.of_table(X)
        if found is None:
            X = unwrapped(step)(step, X)
            plain = is_plain_table(X, {})
        else:
            X = found
    return X


def operations_of(steps, X):
    """The operations of all steps, or None where a step has none; asked with a row of zeros."""
    found: list[Any] = []
    row: Any = np.zeros((1, X.shape[1]), X.dtype)
    for step in steps:
        operation = operation_of(step, row)
        row = None if operation is None else operation.of_table(row)
        if type(row) is not np.ndarray or row.dtype != X.dtype:
            return None
        found.append(operation)
    return found


def of_many(operations, model, method, X):
    """The method's answer to many rows, or None where the steps must be taken one after the other."""
    behind = getattr(model, "_answers_behind", None)
    if behind is not None:
        return behind(method, operations, X)
    if isinstance(model, LinearModel):
        scores = composed_scores(operations, model, X)
        rows = None if scores is None else Scores(scores)
        return in_parts(operations, getattr(model, method), X) if rows is None else getattr(model, method)(rows)
    kind = type(model)
    if (kind.__module__, kind.__name__) in BY_ROWS and not getattr(model, "verbose", 0):
        return in_parts(operations, getattr(model, method), X)
    return None


# ------------------------------------------------------------------------------------------------ linear models


def composed_scores(operations, model, X):
    """Scores of a linear model as one set of weights of the columns of X; None where that costs more, or is not so."""
    own = model.__dict__
    coef, intercept = own.get("coef_"), own.get("intercept_")
    if type(coef) is not np.ndarray or "_fast_columns" not in own or own["_dtype"] != X.dtype or intercept is None:
        return None
    coef = np.atleast_2d(coef).astype(np.float64)
    if own["_fast_columns"] != coef.shape[1] or len(X) < 2 * len(coef) or len(coef) > 2 + coef.shape[1] // 4:
        return None
    widths = widths_of(operations, X.shape[1])
    intercept = np.array(np.broadcast_to(np.asarray(intercept, np.float64), len(coef)))
    scoring = Scoring(coef, np.zeros(coef.shape[1]), intercept)
    with np.errstate(all="ignore"):
        for operation, d in zip(reversed(operations), reversed(widths), strict=True):
            scoring = operation.before(scoring, d)
            if scoring is None:
                return None
        coef, centre, intercept = (np.ascontiguousarray(part, X.dtype) for part in scoring)
    if not all(np.isfinite(part).all() for part in (coef, centre, intercept)):
        return None
    scores = kernels.scaled_scores(X, centre, None, coef, intercept, own.get("n_jobs"))
    return scores if np.isfinite(scores).all() else None  # a value that is not finite leaves no finite score


def widths_of(operations, d):
    """How many columns stand before each operation."""
    widths = []
    for operation in operations:
        widths.append(d)
        d = operation.width(d)
    return widths


# ------------------------------------------------------------------------------------------------ other models


def in_parts(operations, respond, X):
    """What `respond` gives of a table that is made of X a few rows at a time; None for what the steps must refuse."""
    rows = max(WHOLE, PART // X.shape[1] // WHOLE * WHOLE)
    ends = [*range(rows, len(X) - rows // 2, rows), len(X)]  # the last part is no smaller than half
    parts = []
    for start, end in zip([0, *ends], ends, strict=False):
        table = X[start:end]
        for operation in operations:
            table = operation.of_table(table)
            if table is None:
                return None
        if not checks.is_table(table, table.shape[1], np.ndarray):
            return None
        parts.append(respond(table))
    if isinstance(parts[0], list):  # an array for each output
        return [np.concatenate(of_output) for of_output in zip(*parts, strict=True)]
    return np.concatenate(parts)
