"""Whole tables as scikit-learn's checks shall see them, with nothing rounded on the way."""

import numpy as np

from fastml.kinds.frames import frame_column, from_arrow, is_frame
from fastml.kinds.lazy import is_lazy, refuse_lazy
from fastml.kinds.numbers import as_numbers, with_missing
from fastml.kinds.values import EXACT, NUMBERS, Categories, array_of_objects, floats, kinds_in, refuse_dtype

__all__ = ["array_of_numbers", "from_list", "numbers_of", "without_mask"]


def array_of_numbers(X, sparse=True):
    """X as scikit-learn's checks shall see it, for those who take numbers alone: no number is rounded in them.

    What is neither number nor text is refused; plain arrays and frames pass as they are, frames of sparse columns where
    those are taken (`sparse`).
    """
    if type(X) is np.ndarray:
        if X.dtype.kind == "O" and X.ndim == 2:
            return array_of_objects(X)
        if X.dtype.kind in "mMT":
            refuse_dtype(0, X.dtype)
        return X
    if is_lazy(X):
        refuse_lazy(X, "X")
    X = from_arrow(X)
    if is_frame(X):
        if len(X.columns) == 0:
            return np.empty(X.shape)  # scikit-learn has no word for a frame without columns, but one for such an array
        return X if is_plain(X, sparse) else frame_of_numbers(X)
    if isinstance(X, np.ma.MaskedArray):
        return array_of_numbers(without_mask(X))
    if isinstance(X, list | tuple):
        return list_of_numbers(X)
    return X


def without_mask(X):
    """A masked array as one with NaN where it is masked."""
    if not np.ma.is_masked(X):
        return X.data
    if X.dtype.kind not in NUMBERS:
        return np.where(np.ma.getmaskarray(X), None, X.data.astype(object))
    shown = X.filled(0)
    return with_missing(shown, np.ma.getmaskarray(X), 0) if X.dtype.kind in "iu" else X.astype(float).filled(np.nan)


def list_of_numbers(X):
    """A list of rows as an array in which no integer became a float that is another number."""
    try:
        found = np.asarray(X)
    except ValueError:
        return X  # scikit-learn says what is wrong with it
    if found.dtype == np.float64 and found.ndim == 2 and found.size and np.abs(found).max() >= EXACT:
        found = np.array(X, dtype=object)
    return array_of_numbers(found) if found.ndim == 2 else X


def is_plain(frame, sparse):
    """Whether every column of a frame is of NumPy's numbers, and all of them go into one dtype unchanged."""
    if not hasattr(frame, "iloc"):
        kinds = set(frame.dtypes)
        return len(kinds) == 1 and all(kind.is_numeric() for kind in kinds) and is_simple_polars(frame, kinds.pop())
    dtypes = set(frame.dtypes.tolist())
    if sparse and dtypes and all(hasattr(dtype, "fill_value") for dtype in dtypes):
        return True  # sparse columns are scikit-learn's to join
    if not all(isinstance(dtype, np.dtype) and dtype.kind in NUMBERS and dtype.itemsize <= 8 for dtype in dtypes):
        return False
    wide = {dtype.kind for dtype in dtypes if dtype.kind in "iu" and dtype.itemsize == 8}
    return not wide or len({dtype.kind for dtype in dtypes}) == 1


def is_simple_polars(frame, kind):
    if kind.is_float():
        return True
    names = {"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"}
    return type(kind).__name__ in names and not any(frame[:, j].null_count() for j in range(frame.width))


def frame_of_numbers(frame):
    """A frame of the same names with one dtype for all columns."""
    columns = [numbers_of(frame_column(frame, j, str(name)), str(name)) for j, name in enumerate(frame.columns)]
    dtype = np.result_type(*columns)
    table = np.empty((len(columns[0]), len(columns)), np.float64 if dtype.kind != "f" else dtype)
    for j, column in enumerate(columns):
        table[:, j] = column
    if hasattr(frame, "iloc"):
        return type(frame)(table, index=frame.index, columns=frame.columns)
    return type(frame)(table, schema=frame.columns)


def numbers_of(column, name):
    """A column as floats, or small integers: categories that are numbers or texts of numbers are read as such."""
    if isinstance(column, Categories):
        values = column.values.tolist()
        kinds_in(values, name)
        return np.append(floats(values, name), np.nan)[column.codes]
    if column.dtype.kind in "iu" and column.dtype.itemsize == 8:
        return as_numbers(column, "its numbers are to be computed with in float64", name=name)
    return column


def from_list(X):
    """A list of rows as an array in which numbers beside words stay numbers, and integers beside floats integers."""
    for row in X:
        if isinstance(row, list | tuple) and any(isinstance(value, str) or value is None for value in row):
            same_length = len({len(r) if isinstance(r, list | tuple) else -1 for r in X}) == 1
            return np.array(X, dtype=object) if same_length else X
    try:
        found = np.asarray(X)
    except ValueError:
        return X  # scikit-learn says what is wrong with it
    if found.dtype == np.float64 and found.size and np.abs(found).max() >= EXACT:
        return np.array(X, dtype=object)
    return found if found.ndim == 2 else X
