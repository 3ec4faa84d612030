"""Columns of frames and arrays as they are, without what selecting a part of a frame costs."""

import sys
from typing import Any

import numpy as np

from fastml.kinds.values import EXACT
from fastml.preprocessing import distinct

__all__ = ["Columns", "read_columns"]


class Columns:
    """The columns of a table by their places in the fit.

    kind : "pandas", "polars" or "numpy"
    places : where the columns of the fit stand in X, None for as they are
    """

    def __init__(self, X, kind, places=None):
        self.X, self.kind, self.places, self.n = X, kind, places, X.shape[0]

    def values(self, j):
        """What column j is stored in: an array of NumPy or pandas, or a Series of polars."""
        j = self.place(j)
        if self.kind == "numpy":
            return self.X[:, j]
        return pandas_values(self.X, j) if self.kind == "pandas" else self.X.to_series(j)

    def numbers(self, j):
        """Column j as an array of numbers, or None where it is none of NumPy's numbers."""
        x = self.values(j)
        if self.kind == "polars":
            if not x.dtype.is_numeric() or (x.dtype.is_integer() and x.null_count()):
                return None
            x = x.to_numpy()
        if type(x) is not np.ndarray or x.dtype.kind not in "fiub" or x.dtype.itemsize > 8:
            return None
        return x

    def objects(self, j):
        """Column j as a list of Python objects."""
        x = self.values(j)
        if self.kind == "polars":
            return x.to_list()
        if type(x) is np.ndarray:
            return list(x) if x.dtype.kind in "mMSV" else x.tolist()
        return [x[0]] if self.n == 1 else x.tolist()  # which takes a categorical of pandas 15 µs

    def distinct(self, columns):
        """(codes (n,), distinct values) of each column; None for a kind that the encoders do not look through."""
        read: Any = {"numpy": distinct.of_array, "pandas": distinct.of_series, "polars": distinct.of_polars_kind}
        found = [self.X.iloc[:, j] for j in map(self.place, columns)] if self.kind == "pandas" else None
        return distinct.of_each(read[self.kind], found or [self.values(j) for j in columns])

    def place(self, j):
        return j if self.places is None else self.places[j]

    def table(self, columns, as_they_are=False):
        """Columns as a table of numbers, of the dtype that the steps would see; None where one holds no numbers.

        as_they_are : no step is to see them, and they would stay what they are in a table of float64
        """
        found: list[Any] = [self.numbers(j) for j in columns]
        if any(x is None for x in found):
            return None
        dtypes = {x.dtype.char for x in found}
        single = dtypes == {"f"}
        if as_they_are and not dtypes.isdisjoint("?LQef"):
            return None
        if not single and "d" not in dtypes and not dtypes.isdisjoint("fe"):
            return None  # what these become together is for others to say
        if self.n == 1:
            out = np.array([[x.item() for x in found]], np.float32 if single else np.float64)
        else:
            out = np.empty((self.n, len(found)), np.float32 if single else np.float64)
            for place, x in enumerate(found):
                out[:, place] = x
        wide = not dtypes.isdisjoint("lLqQ")
        return None if wide and not (np.abs(out) < EXACT).all() else out


def pandas_values(X, j):
    """What column j of a frame of pandas is stored in: a tenth of the time of `X.iloc[:, j].array`, and of less use."""
    look = getattr(X, "_get_column_array", None)  # private: older and newer ones may lack it
    if look is not None:
        return look(j)
    x = X.iloc[:, j]
    return x.to_numpy() if isinstance(x.dtype, np.dtype) else x.array


def read_columns(X, names, n_columns):
    """The `Columns` of X where it has those of the fit; None where that must be found out, or refused, by others.

    names : the names of the fitted columns as a tuple, or None
    """
    if type(X) is np.ndarray:
        plain = names is None and X.ndim == 2 and X.shape[1] == n_columns and X.shape[0] > 0 and X.dtype.isnative
        return Columns(X, "numpy") if plain else None
    kind = kind_of_frame(X)
    if names is None or kind is None or not X.shape[0]:
        return None
    found = X.columns.tolist() if kind == "pandas" else X.columns
    if tuple(found) == names:
        return Columns(X, kind)
    place = {name: j for j, name in enumerate(found)}
    if len(place) < len(found) or not all(name in place for name in names):
        return None
    return Columns(X, kind, [place[name] for name in names])


def kind_of_frame(X):
    """ "pandas" or "polars" for a frame of just that class, else None."""
    module = type(X).__module__.partition(".")[0]
    if module in ("pandas", "polars") and type(X) is getattr(sys.modules.get(module), "DataFrame", None):
        return module
    return None
