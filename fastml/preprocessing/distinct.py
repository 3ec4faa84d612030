"""Columns as codes of their distinct values: encoders then look at each distinct value once."""

import numpy as np

from fastml.kinds import is_frame
from fastml_ext import preprocessing as kernels

__all__ = ["distinct_columns", "of_array", "of_polars_kind", "of_series"]

TEXTS = "String", "Categorical", "Enum"  # kinds of polars
WHOLE_OR_REAL = "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"


def distinct_columns(X):
    """[(codes (n,), distinct values)] of the columns, the values in the dtype in which scikit-learn's encoders see
    them; None where a column is of a kind that is left to them, such as dates."""
    if len(getattr(X, "shape", ())) != 2 or 0 in X.shape:
        return None
    if type(X) is np.ndarray:
        found = [of_array(X[:, j]) for j in range(X.shape[1])]
    elif hasattr(X, "iloc"):
        found = [of_series(X.iloc[:, j]) for j in range(X.shape[1])]
    elif is_frame(X):
        found = of_polars_frame(X)
    else:
        return None
    return None if any(column is None for column in found) else found


def of_array(x):
    """(codes, distinct values) of a column of numbers, texts or objects."""
    kind = x.dtype.kind
    if kind == "O":
        return of_objects(x)
    if kind not in "iubfU" or not x.dtype.isnative:
        return None
    if kind == "U" and x.dtype.itemsize:
        return of_words(np.ascontiguousarray(x), x)
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
    missing = getattr(x.dtype, "na_value", None)
    categories = getattr(x.dtype, "categories", None)
    of_texts = str(x.dtype) == "str" or (categories is not None and str(categories.dtype) in ("object", "str"))
    if not of_texts or not isinstance(missing, float):  # pandas.NA is no number: scikit-learn looks at it
        return None
    codes, distinct = x.factorize()
    distinct = np.asarray(distinct, dtype=object)
    absent = codes < 0
    if absent.any():
        codes = np.where(absent, len(distinct), codes)
        distinct = np.append(distinct, np.array([np.nan], object))
    return codes, distinct


def of_polars_frame(X):
    """The same of each column of a frame of polars, which scikit-learn takes as one array."""
    kinds = [type(dtype).__name__ for dtype in X.dtypes]
    if any(kind in TEXTS for kind in kinds):
        return [of_polars_kind(X.to_series(j)) for j in range(X.width)]
    if all(dtype.is_numeric() for dtype in X.dtypes) and not any(X.null_count().row(0)):
        X = X.to_numpy()
        return [of_array(X[:, j]) for j in range(X.shape[1])]
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

    values = x.drop_nulls().unique(maintain_order=True)
    distinct = np.array([*values.to_list(), None], object)
    codes = x.cast(polars.Enum(values)).to_physical().cast(polars.Int64).fill_null(len(values)).to_numpy()
    return codes, distinct if x.null_count() else distinct[:-1]
