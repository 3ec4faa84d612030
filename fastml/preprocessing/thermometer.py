"""Thermometer: ordered levels as marks that are all passed up to the value's own."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import _check_feature_names_in, check_array, validate_data
from fastml.base import Interval, StrOptions, refuse_nonfinite
from fastml.kinds import (
    Categories,
    as_numbers,
    frame_column,
    from_arrow,
    from_list,
    from_objects,
    is_frame,
    numpy_column,
    without_mask,
)  # fmt: skip
from fastml.preprocessing import edges as sources
from fastml.preprocessing.base import MOST_PARTS, ColumnMap
from fastml.preprocessing.spans import cut_below, pack
from fastml_ext import checks

__all__ = ["Thermometer"]


class Thermometer(ColumnMap):
    """Ordered categories and numbers as a column of marks: of small, medium, large, medium passes the first two, 1 1 0.

    The weights of a linear model over the result are the steps from each level to the next.

    Parameters
    ----------
    categories : "auto", list, or dict, default="auto"
        The levels in ascending order: one list for all columns, one for each (None where they shall be found), or one
        for each name of a column that is not to be found. "auto" takes the order of ordered categories of a frame, and
        ascending values elsewhere: every distinct number is a mark, but see `n_bins`.
    n_bins : int, default=None
        Bins of columns of numbers, at most 2**20, whose inner edges are the marks; None for a mark at every distinct
        number.
    strategy : {"quantile", "uniform"}, default="quantile"
        Bins of equal weight or of equal width.
    missing : {"zero", "bin", "error"}, default="zero"
        What becomes of None and NaN: no mark is passed; the same and a column that says so; an error.
    unknown : {"error", "missing"}, default="error"
        What becomes of a category that is no level. Numbers are never unknown: they pass the marks at or below them.
    sparse_output : bool, default=False
        A CSR matrix in place of an array.
    n_jobs : int, default=None
        Threads; None for all that this process may use.

    Attributes
    ----------
    levels_ : list of n_features ndarray
        The levels of each column in order; inner edges of the bins where there are.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import Thermometer
    >>> sizes = [["small"], ["medium"], ["large"]]
    >>> phi = Thermometer(["small", "medium", "large"]).fit(sizes)
    >>> phi.transform(sizes)
    array([[1., 0., 0.],
           [1., 1., 0.],
           [1., 1., 1.]])
    >>> phi.get_feature_names_out().tolist()
    ['x0 >= small', 'x0 >= medium', 'x0 >= large']
    """

    _parameter_constraints = {
        "categories": [StrOptions({"auto"}), "array-like", dict],
        "n_bins": [Interval(Integral, 2, MOST_PARTS, closed="both"), None],
        "strategy": [StrOptions({"quantile", "uniform"})],
        "missing": [StrOptions({"zero", "bin", "error"})],
        "unknown": [StrOptions({"error", "missing"})],
        "sparse_output": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        categories: Any = "auto",
        *,
        n_bins: Any = None,
        strategy: str = "quantile",
        missing: str = "zero",
        unknown: str = "error",
        sparse_output: Any = False,
        n_jobs: int | None = None,
    ) -> None:
        self.categories = categories
        self.n_bins = n_bins
        self.strategy = strategy
        self.missing = missing
        self.unknown = unknown
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the levels.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Numbers, strings, categories; NaN or None where missing.
        y : ignored
            For pipelines.

        Returns
        -------
        self
            The fitted transformer.
        """
        self._validate_params()
        columns = self._read(X, reset=True)
        plain = all(not isinstance(c, Categories) and c.dtype == np.float32 for c in columns)
        self._dtype = np.dtype(np.float32 if plain else np.float64)
        given = self._given(len(columns))
        self.levels_, self._kinds = [], []  # a kind is "categories", "numbers" or "bins"
        for column, levels in zip(columns, given, strict=True):
            kind, levels = self._levels(column, levels)
            self._kinds.append(kind)
            self.levels_.append(levels)
        self._lay_out()
        fast = "categories" not in self._kinds and not hasattr(self, "feature_names_in_")
        self._fast_columns = len(columns) if fast else -1
        self._encode(columns)  # says what is unknown or missing where that is an error
        return self

    def _given(self, d):
        """The list of levels that was given for each column, or None."""
        given, names = self.categories, self._names()
        if isinstance(given, str):
            return [None] * d
        if isinstance(given, dict):
            strange = [name for name in given if name not in list(names)]
            if strange:
                raise ValueError(f"categories names the column {strange[0]!r}, but X has {', '.join(map(repr, names))}")
            each = [given.get(name) for name in names]
        elif len(given) and all(g is None or (np.ndim(g) == 1 and not isinstance(g, str)) for g in given):
            each = list(given)
        else:
            each = [given] * d
        if len(each) != d:
            raise ValueError(f"categories has {len(each)} lists for {d} columns: give one for all, or one for each")
        for levels, name in zip(each, names, strict=True):
            if levels is not None and (len(levels) == 0 or len(set(levels)) < len(levels)):
                raise ValueError(
                    f"categories of {name!r} are {list(levels)!r}: one or more different levels are needed"
                )
        return each

    def _levels(self, column, given):
        """(kind, levels) of a column."""
        if given is not None:
            levels = np.empty(len(given), object)
            levels[:] = list(given)
            return "categories", levels
        if isinstance(column, Categories):
            return "categories", np.asarray(column.values, object)
        known = column[~np.isnan(column)]
        if not len(known):
            raise ValueError("a column of X is missing in every row: leave it out, or state its levels in categories")
        if self.n_bins is None:
            return "numbers", np.unique(known)
        find = sources.uniform_edges if self.strategy == "uniform" else sources.quantile_edges
        return "bins", find([(known, None)], [self.n_bins], self.n_jobs)[0][1:-1].astype(known.dtype)

    def _lay_out(self):
        """Which marks each place passes: fastml_ext/features/reference/bins.py."""
        cuts, begins, ends, end = [], [], [], 0
        for kind, levels in zip(self._kinds, self.levels_, strict=True):
            marks = len(levels) + (kind == "bins")
            if kind == "numbers":  # place p: at or above p levels
                cuts.append(cut_below(levels, self._dtype))
                passed = np.arange(marks + 1)
            else:  # place p: level p, or bin p
                cuts.append(np.arange(marks - 1) + 0.5 if kind == "categories" else levels.astype(np.float64))
                passed = np.arange(marks) + 1
            extra = self.missing == "bin"
            begins.append(np.append(np.full(len(passed), end), end + marks * extra))
            ends.append(np.append(end + passed, end + (marks + 1) * extra))
            end += marks + extra
        self._spans = pack(cuts, begins, ends, end, self._dtype)

    # ------------------------------------------------------------------------------------------------ use

    def transform(self, X: Any) -> Any:
        """The marks that the rows of X pass.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Columns as in fit.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features_out), float64, or float32 where X was in fit
        """
        fast = checks.is_table(X, getattr(self, "_fast_columns", -1), np.ndarray) and X.dtype == self._dtype
        if not fast:
            check_is_fitted(self)
            X = self._encode(self._read(X, reset=False))
        return self._spans.list(X, self.n_jobs) if self.sparse_output else self._spans.fill(X, self.n_jobs)

    def _read(self, X, *, reset):
        """The columns of X: arrays of numbers, and Categories."""
        estimator = type(self).__name__
        X = from_arrow(X)
        if hasattr(X, "to_numpy") and not is_frame(X):
            X = np.asarray(X)  # a Series
        if is_frame(X):
            checked = validate_data(self, X, reset=reset, skip_check_array=True)
            if min(X.shape) == 0:
                validate_data(self, np.empty(X.shape), reset=False)  # says what is missing
            columns = [frame_column(checked, j, str(name)) for j, name in enumerate(X.columns)]
        else:
            X = from_list(X) if isinstance(X, list | tuple) else X
            X = without_mask(X) if isinstance(X, np.ma.MaskedArray) else X
            words = getattr(X, "dtype", np.dtype(float)).kind in "OUST"
            X = validate_data(self, X, reset=reset, dtype=None if words else "numeric", ensure_all_finite=False)
            names = self._names()
            plain = X.dtype.kind in "biuf"
            columns = [X[:, j] if plain else numpy_column(X[:, j], names[j]) for j in range(X.shape[1])]
        told = f"{estimator} computes in float64"
        numbers = [
            c if isinstance(c, Categories) else as_numbers(c, told, name=name)
            for c, name in zip(columns, self._names(), strict=True)
        ]
        for j, column in enumerate(numbers):
            if not isinstance(column, Categories) and np.isinf(column).any():
                table = np.zeros((len(column), len(numbers)), column.dtype)
                table[:, j] = column
                refuse_nonfinite(table, estimator, getattr(self, "feature_names_in_", None), allow_nan=True)
        return numbers

    def _encode(self, columns):
        """(n, d): numbers as they are, categories as the place of their level, NaN where missing."""
        first = columns[0]
        n = len(first.codes if isinstance(first, Categories) else first)
        table = np.empty((n, len(columns)), self._dtype)
        for j, (column, kind) in enumerate(zip(columns, self._kinds, strict=True)):
            table[:, j] = self._ranks(column, j) if kind == "categories" else self._numbers(column, j)
        if self.missing == "error" and np.isnan(table).any():
            i, j = np.argwhere(np.isnan(table))[0]
            raise ValueError(
                f"X[{i}, {j}] (column {self._names()[j]!r}) is missing (NaN or None): use missing='zero' or 'bin'"
            )
        return table

    def _numbers(self, column, j):
        if not isinstance(column, Categories):
            return column
        if (column.codes >= 0).any():
            raise ValueError(
                f"the column {self._names()[j]!r} held numbers in fit and holds {column.values[0]!r} now: could not"
                " convert string to float"
            )
        return np.full(len(column.codes), np.nan)

    def _ranks(self, column, j):
        """Places of the levels of a column, NaN where missing."""
        if not isinstance(column, Categories):
            column = from_objects(np.array([None if v != v else v for v in column.tolist()], object), self._names()[j])
        if not isinstance(column, Categories):  # numbers whose levels were given
            values, codes = np.unique(column, return_inverse=True)
            column = Categories(np.where(np.isnan(column), -1, codes), values.astype(object))
        rank = {level: float(r) for r, level in enumerate(self.levels_[j].tolist())}
        ranks = np.array([*(rank.get(value, -1.0) for value in column.values.tolist()), np.nan])
        found = ranks[column.codes]
        if (found < 0).any():
            if self.unknown == "error":
                i = int((found < 0).argmax())
                raise ValueError(
                    f"X[{i}, {j}] is {column.values[column.codes[i]]!r}, which is no level of the column"
                    f" {self._names()[j]!r}: name it in categories, or use unknown='missing'"
                )
            found[found < 0] = np.nan
        return found

    def inverse_transform(self, X: Any) -> Any:
        """The highest level whose mark is passed; None (NaN among numbers) where none is.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features_out)
            What `transform` gives.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Of objects where some column has categories. A bin is told by the edge below it, the first by the one above.
        """
        check_is_fitted(self)
        X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
        if X.shape[1] != self._spans.n_columns:
            raise ValueError(f"X has {X.shape[1]} columns, but transform gives {self._spans.n_columns}")
        X = X.toarray() if issparse(X) else X
        words = "categories" in self._kinds
        out = np.full((len(X), len(self.levels_)), None if words else np.nan, object if words else self._dtype)
        at = 0
        for j, (kind, levels) in enumerate(zip(self._kinds, self.levels_, strict=True)):
            marks = len(levels) + (kind == "bins")
            passed = np.count_nonzero(X[:, at : at + marks], axis=1)
            told = np.concatenate([levels[:1], levels]) if kind == "bins" and len(levels) else levels
            known = (passed > 0) & (len(told) > 0)
            out[known, j] = told[passed[known] - 1]
            at += marks + (self.missing == "bin")
        return out

    # ------------------------------------------------------------------------------------------------ names

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """The marks in words, such as "x0 >= medium"; for bins "x0 known" and "x0 > 2.5".

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the columns of X; None for those of the fitted frame, or x0, x1, ...
        """
        check_is_fitted(self)
        found = []
        for j, name in enumerate(_check_feature_names_in(self, input_features)):
            kind, levels = self._kinds[j], self.levels_[j].tolist()
            texts = [f"{level:.12g}" if isinstance(level, float) else str(level) for level in levels]
            texts = texts if len(set(texts)) == len(texts) else [repr(level) for level in levels]
            sign = ">" if kind == "bins" else ">="
            found += [f"{name} known"] * (kind == "bins") + [f"{name} {sign} {text}" for text in texts]
            found += [f"{name} missing"] * (self.missing == "bin")
        return np.array(found, object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing != "error"
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
