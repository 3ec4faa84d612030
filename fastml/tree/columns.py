"""The columns of a table: as growing sees them, coded, and what a fitted tree keeps of them."""

from itertools import pairwise

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin

from fastml.kinds import canonical
from fastml.table import coded, is_categorical, numeric
from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Column

__all__ = ["check_monotonic", "code", "from_plain", "plain"]

UNPACKED = 2**20  # cells of a sparse X unpacked at a time to be coded; so many, or those of 8 bytes X, are all coded
SPARSE = 16  # a column with fewer entries than rows / SPARSE is coded as it is stored


def code(table, model):
    """(the columns as growing sees them, the Columns to keep) of a table that `model` is fitted on."""
    plain_numbers = type(model.categorical_features) is str and model.monotonic_cst is None
    if plain_numbers and kernels.Numbers.fits(table.numbers):
        return code_numbers(table, model.n_jobs)
    categorical = is_categorical(table, model.categorical_features, table.names)
    monotonic = check_monotonic(table, categorical, model)
    seen, kept = [], []
    numbers = iter(encode(table, np.flatnonzero(~categorical), model.n_jobs))
    for j, name in enumerate(table.names):
        if categorical[j]:
            column, codes = coded(table.column(j), name, model.categorical_split)
            seen.append(Coded(codes, np.arange(len(column.categories)), column.split, 0))
        else:
            values, codes, *stored = next(numbers)
            column = numeric(name, values, codes, table.complete)
            seen.append(Coded(codes, values, "numeric", int(monotonic[j]), *stored))
        kept.append(column)
    return seen, kept


def code_numbers(table, n_jobs):
    """As code, of a small table of floats, or a sparse one."""
    numbers = kernels.Numbers(for_numbers(table.numbers), n_jobs)
    missing, spread = numbers.missing.view(bool).tolist(), numbers.spread.tolist()
    kept = [
        Column(name, "numeric", numbers.dtype, None, was_missing, width)
        for name, was_missing, width in zip(table.names, missing, spread, strict=True)
    ]
    return numbers, kept


def for_numbers(X):
    if type(X) is np.ndarray:
        return X
    if X.nnz * SPARSE >= X.shape[0] * X.shape[1]:
        return X.toarray(order="F")
    X = canonical(X.tocsc())
    return X.data, X.indices.astype(np.uint32, copy=False), X.indptr.astype(np.int64), X.shape[0]


def encode(table, chosen, n_jobs):
    """(values, codes) of the columns `chosen`, one after the other; of sparse ones with their rows and the rest."""
    if table.columns is not None:
        for j in chosen:
            yield kernels.encode(table.columns[j][:, None], n_jobs)[0]
    elif sparse.issparse(table.numbers):
        yield from encode_sparse(table.numbers, chosen, n_jobs)
    else:
        whole = len(chosen) == table.n_columns
        yield from kernels.encode(table.numbers if whole else table.numbers[:, chosen], n_jobs)


def encode_sparse(X, chosen, n_jobs):
    """Dense codes of one byte or more a cell, where they take no more than X does, or the column is well filled."""
    packed = canonical(X.tocsc())
    n, d = packed.shape
    filled = np.diff(packed.indptr)
    full = filled * SPARSE >= n if n * d > max(UNPACKED, 8 * packed.nnz) else np.ones(d, bool)
    step = max(1, UNPACKED // n)
    for begin in range(0, len(chosen), step):
        part = chosen[begin : begin + step]
        dense = iter(kernels.encode(packed[:, part[full[part]]].toarray(order="F"), n_jobs))
        rows = packed[:, part[~full[part]]]
        stored = kernels.encode_sparse(rows.data, rows.indptr, n_jobs)
        sparse_ones = iter(zip(stored, pairwise(rows.indptr.tolist()), strict=True))
        for j in part:
            if full[j]:
                yield next(dense)
            else:
                (values, codes, rest), (first, last) = next(sparse_ones)
                if first == last:  # nothing is stored: let one row say so
                    yield values, np.zeros(1, np.uint8), np.zeros(1, np.uint32), rest
                else:
                    yield values, codes, rows.indices[first:last].astype(np.uint32), rest


def check_monotonic(table, categorical, model):
    """(n_features,) the signs of `monotonic_cst`."""
    if model.monotonic_cst is None:
        return np.zeros(table.n_columns, int)
    signs = np.asarray(model.monotonic_cst)
    if signs.shape != (table.n_columns,):
        shape = signs.shape[0] if signs.ndim == 1 else signs.shape
        raise ValueError(f"monotonic_cst has shape {shape} but the input data X has {table.n_columns} features.")
    if signs.dtype.kind not in "iuf" or not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(f"monotonic_cst must be None or an array-like of -1, 0 or 1. Got {signs}")
    if isinstance(model, ClassifierMixin) and len(model.classes_) > 2:
        raise ValueError("Monotonicity constraints are not supported with multiclass classification")
    if (categorical & (signs != 0)).any():
        j = int(np.flatnonzero(categorical & (signs != 0))[0])
        raise ValueError(f"monotonic_cst[{j}]={signs[j]}, but column {table.names[j]!r} holds categories")
    return signs


def plain(column):
    """A column as values that every kind of file can hold."""
    categories = None if column.categories is None else column.categories.tolist()
    return tuple(column._replace(dtype=column.dtype.name, categories=categories))


def from_plain(*values):
    """The column of which `plain` made these."""
    column = Column(*values)
    if column.categories is None:
        return column._replace(dtype=np.dtype(column.dtype))
    categories = np.empty(len(column.categories), object)
    categories[:] = column.categories
    return column._replace(dtype=np.dtype(column.dtype), categories=categories)
