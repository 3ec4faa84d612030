"""Columns as codes of their distinct values: encoders then look at each distinct value once."""

import numpy as np

from fastml.kinds import is_frame
from fastml_ext import preprocessing as kernels

__all__ = ["distinct_columns"]


def distinct_columns(X):
    """[(codes (n,), distinct values)] of the columns, the values in the dtype in which scikit-learn's encoders see
    them; None where a column is of a kind that is left to them, such as dates."""
    if len(getattr(X, "shape", ())) != 2 or 0 in X.shape:
        return None
    if type(X) is np.ndarray:
        found = [of_array(X[:, j]) for j in range(X.shape[1])]
    elif hasattr(X, "iloc"):
        found = [of_series(X.iloc[:, j]) for j in range(X.shape[1])]
    elif is_frame(X) and all(str(dtype) == "String" for dtype in X.dtypes):
        found = [of_polars(X[:, j]) for j in range(X.shape[1])]
    else:
        return None
    return None if any(column is None for column in found) else found


def of_array(x):
    """(codes, distinct values) of a column of numbers, texts or objects."""
    if x.dtype.kind == "O":
        return of_objects(x)
    if x.dtype.kind == "U":
        codes, distinct = of_objects(x.astype(object))
        return codes, distinct.astype(x.dtype)
    if x.dtype.kind not in "iubf" or not x.dtype.isnative:
        return None
    distinct, codes = np.unique(x, return_inverse=True)
    return None if x.dtype.kind == "f" and np.isinf(distinct).any() else (codes, distinct)


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


def of_polars_kind(x):
    """The same of a column of polars, of any kind."""
    if str(x.dtype) == "String":
        return of_polars(x)
    if x.dtype.is_numeric() and not x.null_count():
        return of_array(x.to_numpy())
    return None


def of_polars(x):
    """The same of a column of texts of polars."""
    import polars

    values = x.drop_nulls().unique(maintain_order=True)
    distinct = np.array([*values.to_list(), None], object)
    codes = x.cast(polars.Enum(values)).to_physical().cast(polars.Int64).fill_null(len(values)).to_numpy()
    return codes, distinct if x.null_count() else distinct[:-1]
