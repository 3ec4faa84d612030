"""What is to be predicted: labels, and numbers."""

import numpy as np
from scipy.sparse import issparse

from fastml.kinds.frames import arrow_column, frame_column, from_arrow, is_arrow, is_frame, of_column
from fastml.kinds.lazy import is_lazy, refuse_lazy
from fastml.kinds.numbers import long_floats
from fastml.kinds.values import (
    BOOLEAN,
    DATE,
    EXACT,
    REAL,
    SPAN,
    TEXT,
    WHOLE,
    Categories,
    as_objects,
    floats,
    from_objects,
    kinds_in,
    refuse,
    refuse_large,
    to_numbers,
)  # fmt: skip

__all__ = ["read_target"]


def read_target(y, numeric=False):
    """y as numbers (`numeric`) or labels that are numbers, bool or texts: none of them rounded, none missing.

    What scikit-learn's checks read in the same way, or refuse in clear words, passes as it is.
    """
    if type(y) is np.ndarray:
        return array_target(y, numeric)
    if is_lazy(y):
        refuse_lazy(y, "y")
    if is_arrow(y) and hasattr(y, "type"):
        return series_target(arrow_column(y, "y"), numeric)
    if np.ma.is_masked(y):
        masked = int(np.ma.getmaskarray(y).ravel().argmax())
        raise ValueError(f"Input y contains NaN or None: y[{masked}] is masked; leave such rows out")
    y = from_arrow(y)
    if is_frame(y):
        columns = [series_target(frame_column(y, j, "y"), numeric) for j in range(len(y.columns))]
        return np.stack(columns, axis=1) if columns else y
    if hasattr(y, "iloc") or type(y).__module__.split(".")[0] == "polars":
        if isinstance(y.dtype, np.dtype) and y.dtype.kind in "fiub":
            return array_target(y.to_numpy(), numeric)
        return series_target(of_column(y, "y"), numeric)
    if isinstance(y, list | tuple):
        return list_target(y, numeric)
    return array_target(np.asarray(y), numeric) if hasattr(y, "dtype") and not issparse(y) else y


def list_target(y, numeric):
    kinds = set(map(type, y))
    if len({issubclass(kind, str | bytes) for kind in kinds if issubclass(kind, str | bytes | int | float)}) > 1:
        refuse_mixture(y)
    try:
        found = np.asarray(y)
    except ValueError:
        return y  # scikit-learn says what is wrong with it
    if found.dtype == np.float64 and found.size and np.abs(found).max() >= EXACT:
        found = np.array(y, dtype=object)
    return array_target(found, numeric) if found.ndim in (1, 2) else y


def array_target(y, numeric):
    kind = y.dtype.kind
    if kind == "O" and y.ndim == 2:
        return np.stack([array_target(column, numeric) for column in y.T], axis=1)
    if kind == "O" and y.ndim == 1:
        return object_target(y, numeric)
    if kind in "mM":
        refuse("y", SPAN if kind == "m" else DATE, f"dtype {y.dtype}")
    if kind == "f" and y.dtype.itemsize > 8:
        return long_floats(y, "y")
    if numeric and kind in "iu" and y.dtype.itemsize == 8 and y.size:
        check_whole_target(y)
    return y


def check_whole_target(y):
    if -EXACT <= int(y.min()) and int(y.max()) <= EXACT:
        return
    for value in y[(y > EXACT) | (y < -EXACT)].tolist() if y.dtype.kind == "i" else y[y > EXACT].tolist():
        if int(float(value)) != value:
            refuse_large("y", value, "regression computes in float64")


def object_target(y, numeric):
    """A target of Python objects."""
    if set(map(type, y.tolist())) <= {str, np.str_} and not numeric:
        return y
    try:
        column = to_numbers(y, "y") if numeric else from_objects(y, "y")
    except TypeError:
        return y  # sets, lists: scikit-learn says which labels it takes
    return series_target(column, numeric)


def series_target(column, numeric):
    """A column as a target."""
    if not isinstance(column, Categories):
        if numeric and column.dtype.kind in "iu" and column.dtype.itemsize == 8 and column.size:
            check_whole_target(column)
        return column
    values = column.values.tolist()
    kinds = kinds_in(values, "y")
    if numeric:
        return np.append(floats(values, "y"), np.nan)[column.codes]
    if (column.codes < 0).any():
        raise ValueError(
            f"Input y contains NaN or None: y[{int((column.codes < 0).argmax())}] is missing; leave such rows out"
        )
    if TEXT in kinds and len(kinds) > 1:
        refuse_mixture(values)
    labels = np.array(values) if kinds <= {WHOLE, BOOLEAN, REAL} else as_objects(values)
    return labels[column.codes]


def refuse_mixture(values):
    text = next(value for value in values if isinstance(value, str | bytes))
    other = next(value for value in values if not isinstance(value, str | bytes))
    raise ValueError(
        f"y holds {text!r} and {other!r}: labels of one type are needed; for texts pass [str(label) for label in y]"
    )
