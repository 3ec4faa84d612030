"""Columns of pandas, polars and Arrow."""

import numpy as np

from fastml.kinds.numbers import as_native, with_missing
from fastml.kinds.values import Categories, as_objects, from_objects, refuse_dtype, refuse_large, to_numbers

__all__ = ["column_of_numbers", "frame_column", "is_frame", "numpy_column", "of_column"]


def is_frame(X):
    """Whether X is a data frame of pandas or polars."""
    return hasattr(X, "columns") and (hasattr(X, "iloc") or type(X).__module__.split(".")[0] == "polars")


def from_arrow(X):
    """A table of pyarrow as a data frame of its columns; anything else as it is, but for a query yet to be run."""
    if type(X).__name__ == "LazyFrame":
        raise TypeError("X is a LazyFrame, which holds no rows yet: pass X.collect()")
    if not is_arrow(X) or not hasattr(X, "to_pandas") or not hasattr(X, "schema"):
        return X
    try:
        import pandas as pd
    except ImportError:
        return X
    return X.to_pandas(types_mapper=pd.ArrowDtype)


def is_arrow(X):
    return type(X).__module__.partition(".")[0] == "pyarrow"


def frame_column(frame, j, name):
    """Column j of a pandas or polars data frame: an array of numbers, or Categories."""
    return of_column(frame.iloc[:, j] if hasattr(frame, "iloc") else frame[:, j], name)


def of_column(x, name):
    """The same of a pandas or polars series."""
    return pandas_column(x, name) if hasattr(x, "iloc") else polars_column(x, name)


def pandas_column(x, name):
    dtype = x.dtype
    if isinstance(dtype, np.dtype):
        return numpy_column(x.to_numpy(), name)
    if hasattr(dtype, "categories"):
        values = np.asarray(dtype.categories)
        return Categories(x.cat.codes.to_numpy().astype(np.int64), values.astype(object), bool(dtype.ordered))
    if hasattr(dtype, "pyarrow_dtype"):
        return arrow_column(x.array.__arrow_array__(), name)
    if hasattr(x, "sparse") and str(dtype).startswith("Sparse"):
        return pandas_column(x.sparse.to_dense(), name)
    words = str(dtype)
    if words.startswith(("Int", "UInt")):
        missing = x.isna().to_numpy()
        return with_missing(x.fillna(0).to_numpy(dtype.numpy_dtype), missing, name)
    if words.startswith("Float"):
        return x.to_numpy(dtype=dtype.numpy_dtype, na_value=np.nan)
    if words == "boolean" or "str" in words:
        return from_objects(x.to_numpy(dtype=object, na_value=None), name)
    refuse_dtype(name, dtype)


def numpy_column(x, name):
    """A NumPy array (n,) of any dtype."""
    if x.dtype.kind in "iuf":
        return as_native(x, name)
    if x.dtype.kind == "b":
        values, codes = np.unique(x, return_inverse=True)
        return Categories(codes.astype(np.int64), as_objects(values.tolist()))
    if x.dtype.kind in "OSUT":
        return from_objects(x, name)
    refuse_dtype(name, x.dtype)


def arrow_column(x, name):
    """An Arrow array, in one piece or several."""
    import pyarrow as pa

    kind, types = x.type, pa.types
    if types.is_dictionary(kind):
        if isinstance(x, pa.ChunkedArray):
            x = x.unify_dictionaries().combine_chunks()
            x = x if not isinstance(x, pa.ChunkedArray) else x.chunk(0)
        values = np.empty(len(x.dictionary), object)
        values[:] = x.dictionary.to_pylist()
        return Categories(x.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64), values, kind.ordered)
    if types.is_null(kind):
        return np.full(len(x), np.nan)
    if types.is_integer(kind):
        missing = x.is_null().to_numpy() if isinstance(x, pa.ChunkedArray) else x.is_null().to_numpy(False)
        filled = x.fill_null(0)
        return with_missing(filled.to_numpy(), missing, name)
    if types.is_floating(kind):
        return np.asarray(x.to_numpy() if isinstance(x, pa.ChunkedArray) else x.to_numpy(zero_copy_only=False))
    names = ("boolean", "decimal", "string", "large_string", "string_view", "binary", "large_binary", "binary_view")
    if any(getattr(types, f"is_{each}")(kind) for each in names):
        return from_objects(as_objects(x.to_pylist()), name)
    refuse_dtype(name, kind)


def polars_column(x, name):
    kind = type(x.dtype).__name__
    if x.dtype.is_integer():
        return polars_integers(x, name)
    if x.dtype.is_float():
        return x.to_numpy()
    if kind == "Enum":
        values = np.array(x.dtype.categories.to_list(), object)
        return Categories(x.to_physical().cast(int).fill_null(-1).to_numpy(), values)
    if kind == "Categorical":
        known = x.drop_nulls().unique().sort()  # in the order that polars gives them: lexical, or physical if asked for
        values = np.array(known.to_list(), object)
        place = np.full(int(known.to_physical().max() or 0) + 2, -1, np.int64)
        place[known.to_physical().to_numpy()] = np.arange(len(values))
        return Categories(place[x.to_physical().cast(int).fill_null(-1).to_numpy()], values)
    if kind == "Null":
        return np.full(len(x), np.nan)
    if kind in ("String", "Boolean", "Object", "Decimal", "Binary"):
        return from_objects(as_objects(x.to_list()), name)
    refuse_dtype(name, x.dtype)


def polars_integers(x, name):
    import polars as pl

    missing, filled = x.is_null().to_numpy(), x.fill_null(0)
    if type(x.dtype).__name__ in ("Int128", "UInt128"):
        low, high = int(filled.min() or 0), int(filled.max() or 0)
        if not (-(2**63) <= low and high < 2**64 and (low >= 0 or high < 2**63)):
            refuse_large(name, high if high >= 2**63 else low, "not even 64 bits hold it")
        filled = filled.cast(pl.UInt64 if high >= 2**63 else pl.Int64)
    return with_missing(filled.to_numpy(), missing, name)


def column_of_numbers(x, name):
    """The same for those who take numbers alone: texts are read as such."""
    if x.dtype.kind != "O":
        return numpy_column(x, name)
    column = from_objects(x, name)
    return to_numbers(x, name) if isinstance(column, Categories) else column
