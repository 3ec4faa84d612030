"""Imputers over a table in parts: what is filled in from one pass, a median from as many as it takes."""

from typing import Any

import numpy as np

from fastml._sklearn import _get_mask
from fastml.preprocessing.in_parts import MOST_DISTINCT, Moments, order_statistics
from fastml.preprocessing.quantiles import middle
from fastml.scale.reduction import Rows

__all__ = ["fit_imputer", "fit_indicator"]


class Missing:
    """The reduction that counts missing values, and all rows; what another one finds of the rows goes beside it."""

    def __init__(self, missing: Any, beside: Any = None):
        self.missing, self.beside = missing, beside

    def partial(self, rows: Rows) -> tuple:
        absent = _get_mask(rows.X, self.missing)
        found = None
        if self.beside is not None:
            found = self.beside.partial(rows._replace(X=known(rows.X, absent)))
        return absent.sum(axis=0), len(rows.X), found

    def merge(self, first: tuple, second: tuple) -> tuple:
        found = None if self.beside is None else self.beside.merge(first[2], second[2])
        return first[0] + second[0], first[1] + second[1], found


class Holed:
    """A reduction of rows in which missing values are NaN."""

    def __init__(self, reduction: Any, missing: Any):
        self.reduction, self.missing = reduction, missing

    def partial(self, rows: Rows) -> Any:
        return self.reduction.partial(rows._replace(X=known(rows.X, _get_mask(rows.X, self.missing))))

    def merge(self, first: Any, second: Any) -> Any:
        return self.reduction.merge(first, second)


def known(X: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """X with NaN for what is missing."""
    if not absent.any():
        return X
    X = X.copy()
    X[absent] = np.nan
    return X


class Frequencies:
    """The reduction that counts the values of each column, NaN left out."""

    def __init__(self, names: list):
        self.names = names

    def partial(self, rows: Rows) -> list[dict]:
        return [counted(column) for column in rows.X.T]

    def merge(self, first: list[dict], second: list[dict]) -> list[dict]:
        found = []
        for name, a, b in zip(self.names, first, second, strict=True):
            joined = dict(a)
            for value, count in b.items():
                joined[value] = joined.get(value, 0) + count
            if len(joined) > MOST_DISTINCT:
                raise ValueError(f"column {name!r} has more than {MOST_DISTINCT} distinct values: none is frequent")
            found.append(joined)
        return found


def counted(column: np.ndarray) -> dict:
    if column.dtype.kind == "O":
        found: dict = {}
        for value in column.tolist():
            if value == value and value is not None:
                found[value] = found.get(value, 0) + 1
        return found
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def fit_imputer(model: Any, table: Any, reduce: Any) -> None:
    """SimpleImputer: where a sample is the table, as in memory; else by counts, sums, and digits for medians."""
    parts, missing, strategy = table.parts, model.missing_values, model.strategy
    who = type(model).__name__
    if callable(strategy):
        raise ValueError(
            f"{who} of a table in parts takes no function as strategy: what it would need is all in memory"
        )
    if strategy in ("mean", "median") and parts.texts:
        parts.need_numbers(f"{who}(strategy={strategy!r})")
    names = parts.names or [f"x{j}" for j in range(parts.n_features)]
    beside = {"mean": Moments(), "most_frequent": Frequencies(names)}.get(strategy)
    found, few = table.reduce_unless_few(Missing(missing, beside))
    if few is not None:
        model.fit(few[0])
        return
    absent, n, state = found
    empty = absent == n
    values: Any = None
    if strategy == "mean":
        values = np.where(empty, np.nan, state[1])
    elif strategy == "median":
        low, high, count = order_statistics(
            lambda reduction: reduce(Holed(reduction, missing)), parts.n_features, parts.dtype, [0.5]
        )
        values = np.where(empty, np.nan, middle(low, high, count)).astype(low.dtype)
    elif strategy == "most_frequent":
        values = [most_frequent(counts) for counts in state]
    fit_small(model, parts, absent, empty, values)
    if strategy in ("mean", "median"):
        kept = model.keep_empty_features
        model.statistics_ = np.nan_to_num(values, copy=True) if kept else np.array(values)


def most_frequent(counts: dict) -> Any:
    """The value of most rows; of several the least, as scikit-learn has it."""
    most = max(counts.values(), default=0)
    return min((value for value, count in counts.items() if count == most), default=None)


def fit_small(model: Any, parts: Any, absent: np.ndarray, empty: np.ndarray, values: Any) -> None:
    """Fit to two rows: what each column has most, and what is missing where something is."""
    d = parts.n_features
    texts = parts.texts or [False] * d
    zero = ["" if text else 0.0 for text in texts]
    if model.missing_values in zero:
        zero = ["-" if text else 1.0 for text in texts]
    row = (
        list(zero)
        if values is None or parts.dtype.kind != "O"
        else [each if value is None else value for each, value in zip(zero, values, strict=True)]
    )
    if values is not None and parts.dtype.kind != "O":
        row = [each if value is None or value != value else value for each, value in zip(zero, values, strict=True)]
    small = np.array([row, row], parts.dtype)
    hole = np.nan if model.missing_values is None and parts.dtype.kind != "O" else model.missing_values
    small[1, absent > 0] = hole
    small[0, empty] = hole
    model.fit(small)


def fit_indicator(model: Any, table: Any, reduce: Any) -> None:
    """MissingIndicator: one pass that counts."""
    absent, n, _ = reduce(Missing(model.missing_values))
    fit_small(model, table.parts, absent, absent == n, None)
