"""Columns of mixed tables as MixedNB takes them: each its kind, categories as places in a list of values."""

from typing import Any, NamedTuple

import numpy as np

from fastml.base import as_numbers

__all__ = ["CATEGORICAL", "COUNT", "REAL", "Rows", "kinds_of", "rows_of_table", "union", "values_of"]

REAL, CATEGORICAL, COUNT = "real", "categorical", "count"


class Rows(NamedTuple):
    """Checked rows, a matrix for each kind of column."""

    real: np.ndarray  # (n, n_real) float32 or float64, NaN where missing
    places: np.ndarray  # (n, n_categorical) int64, -1 where missing, len(values) for one that was not fitted
    counts: np.ndarray  # (n, n_count) float64, NaN where missing
    table: Any  # the whole table, for people to read

    @property
    def shape(self):
        return self.table.n_rows, self.table.n_columns

    def take(self, rows):
        return Rows(self.real[rows], self.places[rows], self.counts[rows], self.table)


def kinds_of(table, categorical, counts):
    """The kind of each column; categorical, counts: (n_columns,) bool."""
    both = categorical & counts
    if both.any():
        raise ValueError(
            f"column {table.names[int(np.argmax(both))]!r} is categorical and in count_features: it can be one only"
        )
    return np.where(categorical, CATEGORICAL, np.where(counts, COUNT, REAL)).tolist()


def chosen(wanted, names, parameter):
    """(n_columns,) bool of a parameter that lists columns: places, names, or a mask; None for none."""
    mask = np.zeros(len(names), bool)
    if wanted is None:
        return mask
    wanted = np.asarray(wanted)
    if wanted.dtype.kind in "OU":
        unknown = [name for name in wanted.tolist() if name not in names]
        if unknown:
            raise ValueError(f"{parameter} names {unknown[0]!r}, but the columns of X are {names}")
        wanted = np.array([names.index(name) for name in wanted.tolist()], int)
    try:
        mask[wanted if wanted.size else wanted.astype(int)] = True
    except IndexError:
        raise ValueError(f"{parameter}={wanted.tolist()}, but X has the columns 0 to {len(names) - 1}") from None
    return mask


def values_of(column):
    """The distinct values of a column taken as categories, in order."""
    column = as_categories(column)
    return in_order(column.values[np.unique(column.codes[column.codes >= 0])].tolist())


def as_categories(column):
    """Categories of a column, each number one of its own."""
    from fastml.kinds import Categories

    if isinstance(column, Categories):
        return column
    missing = column != column
    values, codes = np.unique(column[~missing], return_inverse=True)
    filled = np.full(len(column), -1)
    filled[~missing] = codes
    return Categories(filled, values.astype(object))


def places(column, place, unknown):
    """(n,) int64: the place of each row's value, `unknown` where it has none, -1 where the value is missing."""
    column = as_categories(column)
    return np.array([*(place.get(value, unknown) for value in column.values.tolist()), -1], np.int64)[column.codes]


def in_order(values):
    """Distinct values in their natural order; of several types, by type."""
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=lambda value: (type(value).__name__, str(value)))


def union(first, second):
    """The values of two lists, in order."""
    return in_order({*first, *second})


def rows_of_table(table, kinds, categories, estimator):
    """Rows of a table whose columns are of those kinds; categories: {value: place} of each categorical column."""
    from fastml.kinds import Categories
    from fastml.table import truths_as_numbers

    n = table.n_rows
    if table.columns is None and set(kinds) == {REAL}:
        return Rows(numbers(table.numbers, estimator), np.empty((n, 0), np.int64), np.empty((n, 0)), table)
    parts: dict = {REAL: [], CATEGORICAL: [], COUNT: []}
    known = iter(categories)
    for j, kind in enumerate(kinds):
        column = table.column(j) if kind == CATEGORICAL else truths_as_numbers(table.column(j))
        if kind == CATEGORICAL:
            place = next(known)
            column = places(column, place, len(place))
        elif isinstance(column, Categories):
            at = int(np.argmax(column.codes >= 0))
            raise ValueError(
                f"column {table.names[j]!r} was fitted as numbers, but row {at} holds"
                f" {column.values[column.codes[at]]!r}: no number can be read from it"
            )
        parts[kind].append(column if kind == CATEGORICAL else as_numbers(column, estimator, name=table.names[j]))
    real = np.column_stack(parts[REAL]) if parts[REAL] else np.empty((n, 0))
    places_ = np.column_stack(parts[CATEGORICAL]) if parts[CATEGORICAL] else np.empty((n, 0), np.int64)
    counts = np.column_stack(parts[COUNT]).astype(np.float64) if parts[COUNT] else np.empty((n, 0))
    return Rows(numbers(real, estimator), np.ascontiguousarray(places_), np.ascontiguousarray(counts), table)


def numbers(X, estimator):
    return np.ascontiguousarray(as_numbers(X, estimator))
