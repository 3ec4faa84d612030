"""Tables of numbers, categories and missing values, column by column, as trees, naive Bayes and feature maps take them.

A `Table` is either one array of numbers, or a list of columns: arrays of numbers, and `Categories`.
"""

from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length

from fastml._sklearn import _check_y, validate_data
from fastml.kinds import (
    Categories,
    as_native,
    as_numbers,
    column_of_numbers,
    frame_column,
    from_arrow,
    from_list,
    is_frame,
    numpy_column,
    read_target,
    without_mask,
)  # fmt: skip
from fastml.plain import is_plain_sparse, is_plain_table, is_plain_target
from fastml_ext import checks
from fastml_ext.tree import Column

__all__ = ["Table", "coded", "first_missing", "is_categorical", "numeric", "read", "to_codes", "truths_as_numbers"]


class Table(NamedTuple):
    """What `read` makes of X: `numbers`, a numeric array or sparse matrix, or else `columns`."""

    numbers: Any
    columns: list | None
    names: list
    complete: bool = False  # whether it is known that no value is missing

    @property
    def n_columns(self):
        return len(self.names)

    @property
    def n_rows(self):
        if self.columns is None:
            return self.numbers.shape[0]
        first = self.columns[0]
        return len(first.codes if isinstance(first, Categories) else first)

    def column(self, j):
        """Column j: an array of numbers or Categories."""
        if self.columns is not None:
            return self.columns[j]
        if sparse.issparse(self.numbers):
            return self.numbers[:, [j]].toarray().ravel()
        return self.numbers[:, j]


def read(estimator, X, y=None, *, reset, text, **options):
    """(Table, y) of X, checked; text: whether columns may hold anything but numbers."""
    y_numeric = options.get("y_numeric", False)
    if y is not None:
        y = read_target(y, y_numeric)
    if reset and is_plain_table(X, options) and (y is None or is_plain_target(y, len(X), y_numeric)):
        return read_plain(estimator, X), y
    if reset and is_plain_sparse(X, options) and (y is None or is_plain_target(y, X.shape[0], y_numeric)):
        return read_plain(estimator, X), y
    X = from_arrow(X)
    if is_frame(X):
        checked = validate_data(estimator, X, reset=reset, skip_check_array=True)
        names = [str(name) for name in X.columns]
        table = Table(None, [frame_column(checked, j, names[j]) for j in range(len(names))], names)
        if min(X.shape) == 0:
            validate_data(estimator, np.empty(X.shape), reset=False)  # says what is missing
        if y is not None:
            wanted = {name: options.get(name, False) for name in ("multi_output", "y_numeric")}
            y = _check_y(y, **wanted, estimator=estimator)
            check_consistent_length(X, y)
        check_infinite(estimator, table)
        return table, y
    if isinstance(X, list | tuple):
        X = from_list(X)
    if isinstance(X, np.ma.MaskedArray):
        X = without_mask(X)
    kind = getattr(getattr(X, "dtype", None), "kind", "f")  # a Series of polars has a dtype, but no kind
    objects = kind == "O"
    options = {"dtype": "numeric", "ensure_all_finite": False, "accept_sparse": ["csc", "csr"]} | options
    if objects or (text and kind in "UST"):
        options["dtype"] = None
    checked = validate_data(estimator, X, **({} if y is None else {"y": y}), reset=reset, **options)
    X, y = (checked, None) if y is None else checked
    names = [str(n) for n in getattr(estimator, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])])]
    if sparse.issparse(X):
        table = Table(X if X.dtype.itemsize <= 8 else as_numbers(X, type(estimator).__name__), None, names)
    elif X.dtype.kind in "biuf":
        table = Table(as_native(X, None), None, names)
    else:
        find = numpy_column if text else column_of_numbers
        table = Table(None, [find(X[:, j], names[j]) for j in range(X.shape[1])], names)
    check_infinite(estimator, table)
    return table, y


def read_plain(estimator, X):
    """The Table of what `is_plain_table` or `is_plain_sparse` has passed, to learn from."""
    estimator.n_features_in_ = d = X.shape[1]
    estimator.__dict__.pop("feature_names_in_", None)  # of an earlier fit
    values = X if type(X) is np.ndarray else X.data[None]
    complete = values.size == 0 or checks.is_table(values, values.shape[1], np.ndarray)
    table = Table(X, None, [f"x{j}" for j in range(d)], complete)
    if not table.complete:
        check_infinite(estimator, table)
    return table


def check_infinite(estimator, table):
    """Refuse infinity: a threshold between it and a number would be neither."""
    columns = [table.numbers] if table.columns is None else table.columns
    for j, x in enumerate(columns):
        values = x.data if sparse.issparse(x) else x  # of Categories, nothing
        if isinstance(x, Categories) or values.dtype.kind != "f":
            continue
        if checks.is_table(x, table.n_columns, np.ndarray) or not np.isinf(values).any():
            continue
        if sparse.issparse(x):
            x = x.tocoo()
            k = np.flatnonzero(np.isinf(x.data))[0]
            row, column, value = x.row[k], x.col[k], x.data[k]
        else:
            row, *column = np.argwhere(np.isinf(x))[0]
            column = column[0] if column else j
            value = x[row, column] if x.ndim == 2 else x[row]
        called = f" (column {table.names[column]!r})" if hasattr(estimator, "feature_names_in_") else ""
        raise ValueError(
            f"Input X contains infinity. X[{row}, {column}]{called} is {value}: {type(estimator).__name__} takes finite"
            " numbers and missing values (NaN) only; replace it with the largest number of its dtype, or with NaN"
        )


def first_missing(table):
    """The first row with a missing value, -1 if there is none."""
    if table.columns is None and sparse.issparse(table.numbers):
        rows = table.numbers.tocoo().row[np.isnan(table.numbers.tocoo().data)]
        return int(rows.min()) if len(rows) else -1
    missing = np.zeros(table.n_rows, bool)
    for j in range(table.n_columns):
        x = table.column(j)
        missing |= x.codes < 0 if isinstance(x, Categories) else x != x
    return int(missing.argmax()) if missing.any() else -1


# ------------------------------------------------------------------------------------------------ for the kernels


def is_categorical(table, wanted, names):
    """(d,) bool: the columns taken as categories; wanted: the parameter categorical_features."""
    d = len(table.names)
    held = np.array(
        [isinstance(table.columns[j], Categories) for j in range(d)] if table.columns else [False] * d, bool
    )
    if isinstance(wanted, str) and wanted == "auto":
        return held | (table.numbers is not None and table.numbers.dtype == bool)
    chosen = np.zeros(d, bool)
    if wanted is not None:
        wanted = np.asarray(wanted)
        if wanted.dtype == bool and wanted.shape != (d,):
            raise ValueError(f"categorical_features is a mask of {wanted.size} columns, but X has {d}")
        if wanted.dtype.kind in "OU":
            unknown = [name for name in wanted.tolist() if name not in names]
            if unknown:
                raise ValueError(f"categorical_features names {unknown[0]!r}, but the columns of X are {names}")
            wanted = np.array([names.index(name) for name in wanted.tolist()], int)
        if wanted.dtype.kind in "iu" and wanted.size and not (-d <= wanted.min() and wanted.max() < d):
            raise ValueError(f"categorical_features={wanted.tolist()} but X has the columns 0 to {d - 1}")
        chosen[wanted.astype(int) if wanted.size == 0 else wanted] = True
    if (held & ~chosen).any():
        j = int(np.flatnonzero(held & ~chosen)[0])
        raise ValueError(
            f"column {names[j]!r} holds categories, such as {table.column(j).values[0]!r}, but"
            " categorical_features does not have it: add it, or leave that to categorical_features='auto'"
        )
    return chosen


def coded(x, name, split):
    """(Column, codes with len(categories) for missing values) of a column of categories."""
    if not isinstance(x, Categories):
        missing = x != x
        values, codes = np.unique(x[~missing], return_inverse=True)
        filled = np.full(len(x), -1)
        filled[~missing] = codes
        x = Categories(filled, values.astype(object))
    codes = np.where(x.codes < 0, len(x.values), x.codes)
    split = "ordered" if x.ordered else split
    size = np.uint8 if len(x.values) < 256 else np.uint16 if len(x.values) < 65536 else np.uint32
    missing = bool((x.codes < 0).any())
    return Column(name, split, np.dtype(object), x.values, missing), codes.astype(size)


def numeric(name, values, codes, complete=False):
    """Column of numbers from its distinct values, ascending, and its codes, len(values) where one is missing."""
    missing = not complete and values.dtype.kind == "f" and bool(codes.max() == len(values))
    spread = float(values[-1].item() - values[0].item()) if len(values) else 0.0
    return Column(name, "numeric", values.dtype, None, missing, spread if isfinite(spread) else 0.0)


def truths_as_numbers(x):
    """A column of truth values, asked of a model that was fitted on numbers there, as 0 and 1; others as they are."""
    if not isinstance(x, Categories) or not all(isinstance(value, bool) for value in x.values.tolist()):
        return x
    return np.append(x.values.astype(np.float64), np.nan)[x.codes]


def to_codes(x, column, place, unknown):
    """Codes of a column's values at prediction: -1 for a category not fitted, len(categories) where it is missing."""
    n = len(column.categories)
    if not isinstance(x, Categories):
        missing = x != x
        if all(isinstance(value, bool) for value in column.categories.tolist()):
            x = x > 0.5  # half way, as between any two numbers
        values, codes = np.unique(np.where(missing, 0, x) if missing.any() else x, return_inverse=True)
        x = Categories(np.where(missing, -1, codes), values.astype(object))
    known = np.array([place.get(value, -1) for value in x.values.tolist()] + [n], np.int64)
    codes = known[x.codes]
    if unknown == "error" and (codes < 0).any():
        i = int(np.flatnonzero(codes < 0)[0])
        raise ValueError(
            f"X[{i}] has {x.values[x.codes[i]]!r} in column {column.name!r}, a category that was not fitted;"
            " unknown='node' answers such rows with the node they reach"
        )
    return codes
