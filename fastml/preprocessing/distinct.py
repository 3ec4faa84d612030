"""Columns as codes of their distinct values: encoders then look at each distinct value once."""

import importlib.util

import numpy as np

from fastml.kinds import is_frame
from fastml_ext import pool
from fastml_ext import preprocessing as kernels

__all__ = ["distinct_columns", "of_array", "of_polars_kind", "of_series"]

TEXTS = "String", "Categorical", "Enum"  # kinds of polars
COST = 5  # nanoseconds a value
WHOLE_OR_REAL = "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"


def distinct_columns(X):
    """[(codes (n,), distinct values)] of the columns, the values in the dtype in which scikit-learn's encoders see
    them; None where a column is of a kind that is left to them, such as dates."""
    if len(getattr(X, "shape", ())) != 2 or 0 in X.shape:
        return None
    if type(X) is np.ndarray:
        found = of_each(of_array, [X[:, j] for j in range(X.shape[1])], X.dtype.kind == "O")
    elif hasattr(X, "iloc"):
        columns = [X.iloc[:, j] for j in range(X.shape[1])]
        found = of_each(of_series, columns, any(x.dtype == object for x in columns))
    elif is_frame(X):
        found = of_polars_frame(X)
    else:
        return None
    return None if any(column is None for column in found) else found


def of_each(read, columns, of_objects=False):
    """What `read` gives of each column, on several threads: most kinds are read without Python's lock.

    Objects are not, and two threads that ask for it by turns take four times as long as one.
    """
    if of_objects:
        return some_of(0, len(columns), read, columns)
    found = pool.run(some_of, len(columns), read, columns, cost=COST * len(columns[0]))
    return [each for some in found for each in some]


def some_of(start, stop, read, columns):
    return [read(x) for x in columns[start:stop]]


def of_array(x):
    """(codes, distinct values) of a column of numbers, texts or objects."""
    kind = x.dtype.kind
    if kind == "O":
        return of_objects(x)
    if kind not in "iubfU" or not x.dtype.isnative:
        return None
    if kind == "U" and x.dtype.itemsize:
        return of_words(x, x)
    if kind == "f" and x.dtype.itemsize in (4, 8):
        known = x + x.dtype.type(0)  # one 0, and below one NaN
        absent = known != known
        if absent.any():
            known[absent] = np.nan
        return None if np.isinf(known).any() else of_words(known, x)
    if kind in "iub":
        return of_integers(x)
    distinct, codes = np.unique(x, return_inverse=True)
    return None if kind == "f" and np.isinf(distinct).any() else (codes, distinct)


def of_words(known, x):
    """The same, where values are equal if their bytes are."""
    if not known.flags.c_contiguous:
        known = np.lib.stride_tricks.as_strided(known, (len(x), 1), (known.strides[0], known.itemsize))
    codes, first = kernels.code_rows(known.view(np.uint32).reshape(len(x), -1))
    return codes, x[first]


def of_integers(x):
    """The same of integers and bool: by counting, where they are close together."""
    numbers = x.view(np.uint8) if x.dtype.kind == "b" else x
    low, high = int(numbers.min()), int(numbers.max())
    if high - low >= max(len(x), 2**12):
        return of_words(np.ascontiguousarray(x), x) if x.dtype.itemsize >= 4 else of_integers_by_order(x)
    places = (
        numbers.astype(np.int64, copy=False) - low if high < 2**63 else (numbers - numbers.dtype.type(low)).astype(int)
    )
    held = np.zeros(high - low + 1, bool)
    held[places] = True
    distinct = np.flatnonzero(held)
    codes = places if len(distinct) == len(held) else (np.cumsum(held) - 1)[places]
    if high >= 2**63:
        return codes, distinct.astype(np.uint64) + np.uint64(low)
    return codes, (distinct + low).astype(x.dtype)


def of_integers_by_order(x):
    distinct, codes = np.unique(x, return_inverse=True)
    return codes, distinct


def of_objects(x):
    try:
        codes, values = kernels.code_objects(x)
    except TypeError:
        return None  # scikit-learn says what is wrong with it
    distinct = np.empty(len(values), object)
    distinct[:] = values
    return codes, distinct


def of_series(x):
    """The same of a column of pandas."""
    if isinstance(x.dtype, np.dtype):
        return of_array(x.to_numpy())
    categories = getattr(x.dtype, "categories", None)
    kind = str(x.dtype if categories is None else categories.dtype)
    if kind == "string" and x.hasnans:  # pandas.NA is no number: scikit-learn looks at it
        return None
    if kind not in ("str", "string") and (kind != "object" or categories is None):
        return None
    if categories is None:
        found = of_arrow(arrow_of_series(x))
        if found is not None:
            return with_missing(found[0], found[1], np.nan)
    codes, distinct = x.factorize()
    return with_missing(codes, np.asarray(distinct, dtype=object), np.nan)


def with_missing(codes, distinct, missing):
    """(codes, distinct values as objects), where -1 becomes the place of the value that stands for what is missing."""
    values = np.empty(len(distinct) + 1, object)
    values[:-1], values[-1] = distinct, missing
    absent = codes < 0
    if not absent.any():
        return codes, values[:-1]
    return np.where(absent, len(distinct), codes), values


def arrow_of_series(x):
    """What a column of texts of pandas is stored in where that is Arrow's, else None."""
    array = getattr(x.array, "__arrow_array__", None)
    if array is None or getattr(x.dtype, "storage", None) != "pyarrow":
        return None
    found = array()
    if hasattr(found, "chunks"):
        found = found.chunk(0) if found.num_chunks == 1 else found.combine_chunks()
    return found if type(found).__name__ in ("StringArray", "LargeStringArray") else None


def of_arrow(texts):
    """(codes, distinct texts) of an array of Arrow's, read where it is; -1 for missing ones."""
    if texts is None or not len(texts):
        return None
    valid, ends, *rest = texts.buffers()
    bits = np.frombuffer(valid, np.uint8) if valid is not None and texts.null_count else None
    place = slice(texts.offset, texts.offset + len(texts) + 1)
    if type(texts).__name__ == "StringViewArray":
        views = np.frombuffer(ends, np.uint32).reshape(-1, 4)[place][: len(texts)]
        return kernels.code_views(views, [np.frombuffer(each, np.uint8) for each in rest], bits, texts.offset)
    wide = np.int64 if type(texts).__name__ == "LargeStringArray" else np.int32
    data = np.frombuffer(rest[0], np.uint8) if rest[0] is not None else np.empty(0, np.uint8)
    return kernels.code_texts(data, np.frombuffer(ends, wide)[place], bits, texts.offset)


def of_polars_frame(X):
    """The same of each column of a frame of polars, which scikit-learn takes as one array."""
    kinds = [type(dtype).__name__ for dtype in X.dtypes]
    if any(kind in TEXTS for kind in kinds):
        return of_each(of_polars_kind, [X.to_series(j) for j in range(X.width)])
    if all(dtype.is_numeric() for dtype in X.dtypes) and not any(X.null_count().row(0)):
        X = X.to_numpy()
        return of_each(of_array, [X[:, j] for j in range(X.shape[1])])
    return [None]


def of_polars_kind(x):
    """The same of a column of polars, its values as Python objects."""
    kind = type(x.dtype).__name__
    if kind == "String":
        return of_polars(x)
    if kind in TEXTS:
        return of_polars_categories(x)
    if kind not in WHOLE_OR_REAL or x.null_count():
        return None
    found = of_array(x.to_numpy())
    return found and (found[0], found[1].astype(object))


def of_polars_categories(x):
    """The same of a column of polars that has codes already."""
    known = x.drop_nulls().unique(maintain_order=True)
    distinct = np.array([*known.to_list(), None], object)
    physical = known.to_physical().to_numpy()
    place = np.zeros(int(physical.max(initial=0)) + 2, np.int64)
    place[physical] = np.arange(len(physical))
    place[-1] = len(physical)
    codes = place[x.to_physical().cast(int).fill_null(-1).to_numpy()]
    return codes, distinct if x.null_count() else distinct[:-1]


def of_polars(x):
    """The same of a column of texts of polars."""
    import polars

    if importlib.util.find_spec("pyarrow") is not None and len(x) and hasattr(polars, "CompatLevel"):
        found = of_arrow(x.to_arrow(compat_level=polars.CompatLevel.newest()))  # as it is, without a copy
        if found is not None:
            return with_missing(found[0], found[1], None)
    values = x.drop_nulls().unique(maintain_order=True)
    codes = x.cast(polars.Enum(values)).to_physical().cast(polars.Int64).fill_null(-1).to_numpy()
    return with_missing(codes, np.array([*values.to_list(), None], object)[:-1], None)
