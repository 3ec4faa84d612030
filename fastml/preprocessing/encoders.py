"""OneHotEncoder and OrdinalEncoder: scikit-learn's, which look at each distinct value of a column once."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import OneHotEncoder as ScikitOneHotEncoder
from sklearn.preprocessing import OrdinalEncoder as ScikitOrdinalEncoder

from fastml._sklearn import _get_output_config
from fastml.base import Estimator, refuse_nonfinite
from fastml.preprocessing import in_parts
from fastml.preprocessing.distinct import distinct_columns
from fastml_ext import preprocessing as kernels

__all__ = ["OneHotEncoder", "OrdinalEncoder"]

ABSENT = object()  # in place of NaN, which equals nothing


def refuse_sparse(X):
    if issparse(X):
        raise TypeError(
            "Sparse data was passed, but dense data is required: X is sparse. Use '.toarray()' to convert to a dense"
            " numpy array."
        )


def refuse_empty(X):
    """scikit-learn's encoders fail with an IndexError."""
    if isinstance(X, (list, tuple)) and not len(X):
        raise ValueError(f"Found array with 0 sample(s) while a minimum of 1 is required: X={X!r} has no rows")


class ByDistinct(Estimator):
    """An encoder of scikit-learn's that is shown tables of the distinct values: what is said of them holds for all."""

    categories_: list

    def _check_X(self, X, ensure_all_finite=True):
        """scikit-learn's step: the columns, and how many rows and columns there are."""
        shown = self.__dict__.get("_shown")
        if shown is not None:
            return shown
        try:
            with np.errstate(invalid="ignore"):  # scikit-learn adds up -inf and inf
                return super()._check_X(X, ensure_all_finite)
        except ValueError as error:
            rows = np.asarray(X) if "infinity" in str(error) else np.empty(0)
            if rows.ndim == 2 and rows.dtype.kind == "f":
                names = getattr(self, "feature_names_in_", None)
                refuse_nonfinite(np.ascontiguousarray(rows), type(self).__name__, names, allow_nan=True)
            raise

    def _note_parts(self, parts):
        """Nothing but the columns is remembered."""

    def _fit(self, X, **options):
        """scikit-learn's step, of the distinct values; those that are counted keep their counts."""
        self._made: dict = {}
        refuse_sparse(X)
        refuse_empty(X)
        try:
            np.dtype(getattr(self, "dtype", float))
        except TypeError as error:
            raise TypeError(f"dtype={self.dtype!r} is refused: {error}") from error
        self._check_infrequent_enabled()
        columns = None if options.get("return_counts") else distinct_columns(X)
        if columns is None:
            return super()._fit(X, **options)
        texts = [None if self.categories != "auto" else in_order(distinct) for _, distinct in columns]
        if not self._infrequent_enabled and any(order is not None for order in texts):
            return self._fit_texts(X, columns, texts, options)
        self._shown = shown_of(columns)
        if self._infrequent_enabled:
            before = self.__dict__.pop("_counted_before", None)  # of a table in parts
            self._counted = before or (len(X), [counts_of(codes, distinct) for codes, distinct in columns])
        try:
            return super()._fit(X, **options) | {"n_samples": len(X)}
        finally:
            self.__dict__.pop("_shown", None)
            self.__dict__.pop("_counted", None)

    def _fit_texts(self, X, columns, texts, options):
        """The same where nothing is counted; texts: the distinct values of each column in order, None for others."""
        firsts = [
            column if order is None else (column[0], column[1][:1])
            for column, order in zip(columns, texts, strict=True)
        ]
        self._shown = shown_of(firsts)
        try:
            found = super()._fit(X, **options) | {"n_samples": len(X)}
        finally:
            self.__dict__.pop("_shown", None)
        others: list = self.__dict__["categories_"]
        self.categories_ = [own if order is None else order for own, order in zip(others, texts, strict=True)]
        if "missing_indices" in found:
            last = [values[-1] for values in self.categories_]
            found["missing_indices"] = {
                j: len(self.categories_[j]) - 1 for j, value in enumerate(last) if is_nan(value)
            }
        return found

    def _fit_infrequent_category_mapping(self, n_samples, category_counts, missing_indices):
        """scikit-learn's step, with the counts of all rows."""
        counted = self.__dict__.get("_counted")
        if counted is not None:
            n_samples, counts = counted
            category_counts = [
                np.array([count.get(value if value == value else ABSENT, 0) for value in categories.tolist()], np.intp)
                for categories, count in zip(self.categories_, counts, strict=True)
            ]
        super()._fit_infrequent_category_mapping(n_samples, category_counts, missing_indices)

    def _of_distinct(self, X, columns, **settings):
        """What scikit-learn's `transform` gives of the distinct values of X, the shorter columns filled up."""
        aside = object.__new__(type(self))  # another thread may be asking the same model
        aside.__dict__.update(self.__dict__, _shown=shown_of(columns), **settings)
        method = super().transform
        return getattr(method.__func__, "__wrapped__", method.__func__)(aside, X)

    def _of_known(self, X, columns, **settings):
        """(what `_of_distinct` gives of the fitted categories, for each column the places of X's distinct values in
        them), or None where one of these was not fitted, or is no text."""
        watched = [self.__dict__.get(name) for name in WATCHED]
        made = self.__dict__.setdefault("_made", {})
        kept = made.get("known")
        if kept is None or any(a is not b for a, b in zip(kept[0], watched, strict=True)):
            kept = made["known"] = watched, self._tables_of_known(X, settings)
        if kept[1] is None or any(distinct.dtype.kind not in "OU" for _, distinct in columns):
            return None
        of_known, tables = kept[1]
        places = [places_in(table, distinct) for table, (_, distinct) in zip(tables, columns, strict=True)]
        return None if any(found is None for found in places) else (of_known, places)

    def _tables_of_known(self, X, settings):
        if any(values.dtype.kind not in "OU" or not len(values) for values in self.categories_):
            return None
        tables = [
            {value if value == value else ABSENT: i for i, value in enumerate(values.tolist())}
            for values in self.categories_
        ]
        return self._of_distinct(X, [(None, values) for values in self.categories_], **settings), tables


# What a change by hand counts of at once.
WATCHED = (
    "categories_", "drop_idx_", "handle_unknown", "unknown_value", "dtype", "encoded_missing_value",
    "_infrequent_indices", "feature_names_in_", "_n_features_outs",
)  # fmt: skip


def is_nan(value):
    return isinstance(value, float) and value != value


def in_order(distinct):
    """Distinct objects as scikit-learn orders categories: texts, then None, then NaN; None where there are others."""
    if distinct.dtype.kind != "O":
        return None
    words, missing = distinct.tolist(), []
    if set(map(type, words)) != {str}:
        missing = [value for value in words if value is None or is_nan(value)]
        words = [value for value in words if type(value) is str]
        if len(words) + len(missing) != len(distinct):
            return None
    found = np.empty(len(distinct), object)
    found[: len(words)] = sorted(words)
    found[len(words) :] = sorted(missing, key=is_nan)
    return found


def places_in(table, distinct):
    """(m,) places of distinct values in a table of the known ones, or None where one is not among them."""
    values = distinct.tolist()
    found = list(map(table.get, values))
    if None in found:
        found = [table.get(ABSENT) if value != value else at for value, at in zip(values, found, strict=True)]
    return None if None in found else np.array(found, np.int64)


def fit_categories(model, table, reduce):
    """An encoder of a table in parts, by the distinct numbers of its columns."""
    names = table.parts.names or [f"x{j}" for j in range(table.parts.n_features)]
    if model.min_frequency is None and model.max_categories is None:
        columns = reduce(in_parts.Distinct(names))
    else:
        columns, counts, n = reduce(in_parts.Counted(names))
        named = [{ABSENT if v == in_parts.MISSING else v: c for v, c in each.items()} for each in counts]
        model._counted_before = n, named
    most = max(map(len, columns))
    model.fit(np.stack([np.append(values, [values[0]] * (most - len(values))) for values in columns], axis=1))


def counts_of(codes, distinct):
    """{value: its rows}, NaN under a name of its own."""
    counts = np.bincount(codes, minlength=len(distinct)).tolist()
    return {value if value == value else ABSENT: c for value, c in zip(distinct.tolist(), counts, strict=True)}


def shown_of(columns):
    """What `_check_X` gives of the distinct values, the shorter columns filled up with their first one."""
    n = max(len(distinct) for _, distinct in columns)
    filled = []
    for _, distinct in columns:
        places = np.arange(n)
        places[len(distinct) :] = 0
        filled.append(distinct[places])
    return filled, n, len(columns)


class OneHotEncoder(ByDistinct, ScikitOneHotEncoder):
    """A column of 0 and 1 for each category.

    Each distinct value of a column is looked at once, and texts are found by their hashes.

    Parameters
    ----------
    categories : "auto" or list of array-like, default="auto"
        The categories of each column; "auto" for those that are there, in order.
    drop : {"first", "if_binary"} or array-like of shape (n_features,), default=None
        Which category of each column has no column of its own.
    sparse_output : bool, default=True
        Whether the result is CSR.
    dtype : dtype, default=numpy.float64
        Of the result.
    handle_unknown : {"error", "ignore", "infrequent_if_exist", "warn"}, default="error"
        What becomes of a category that was not fitted.
    min_frequency : int or float, default=None
        Categories with fewer rows, or a smaller share of them, are one.
    max_categories : int, default=None
        Most columns of a column; the rarest categories are one.
    feature_name_combiner : "concat" or callable, default="concat"
        How names of columns are made.

    Attributes
    ----------
    categories_ : list of ndarray
        The categories of each column.
    drop_idx_ : ndarray of shape (n_features,) or None
        Which are dropped.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import OneHotEncoder
    >>> encoder = OneHotEncoder(sparse_output=False).fit([["red"], ["blue"]])
    >>> encoder.transform([["red"], ["blue"]])
    array([[0., 1.],
           [1., 0.]])
    >>> encoder.get_feature_names_out().tolist()
    ['x0_blue', 'x0_red']
    """

    _text_parts = True

    def _fit_parts(self, table, reduce):
        fit_categories(self, table, reduce)

    def transform(self, X: Any) -> Any:
        """A column of 0 and 1 for each category of the rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features_out)
        """
        refuse_empty(X)
        columns = distinct_columns(X) if hasattr(self, "categories_") else None
        if columns is None or (self.sparse_output and _get_output_config("transform", self)["dense"] != "default"):
            return super().transform(X)
        options = {"sparse_output": True, "_sklearn_output_config": {"transform": "default"}}
        known = self._of_known(X, columns, **options)
        small = self._of_distinct(X, columns, **options) if known is None else known[0]
        n, width = len(X), small.shape[1]
        tables = list(places_of(small, self._n_features_outs))
        if known is not None:
            tables = [table[places] for table, places in zip(tables, known[1], strict=True)]
        tables = [table[: len(distinct)] for table, (_, distinct) in zip(tables, columns, strict=True)]
        whole = all((table >= 0).all() for table in tables)
        wide = np.int32 if n * len(columns) < 2**31 else np.int64
        places = np.empty((n, len(columns)), wide)
        kernels.look_up(codes_of(columns), [table.astype(wide) for table in tables], places)
        return one_hot_rows(small, places, whole, width, self.sparse_output)


def codes_of(columns):
    return [np.ascontiguousarray(codes, np.int64) for codes, _ in columns]


def places_of(small, widths):
    """(d, m): the column of the result for each distinct value of each column; -1 for none."""
    ends = np.cumsum(widths)
    places = np.full((len(ends), small.shape[0]), -1, np.int32)
    rows = np.repeat(np.arange(small.shape[0]), np.diff(small.indptr))
    places[np.searchsorted(ends, small.indices, side="right"), rows] = small.indices
    return places


def one_hot_rows(small, places, whole, width, sparse):
    """The table, or the matrix of the kind of `small`, with a 1 in each row at its places (n, d), -1 for none."""
    n, d = places.shape
    if not sparse:
        out = np.zeros((n, width), small.dtype)
        flat = places + (np.arange(n, dtype=np.int64) * width)[:, None]
        np.put(out, flat if whole else flat[places >= 0], 1)
        return out
    if whole:
        indices, indptr = places.ravel(), np.arange(0, n * d + 1, d, dtype=places.dtype)
    else:
        held = places >= 0
        indices, indptr = places[held], np.zeros(n + 1, places.dtype)
        np.cumsum(held.sum(axis=1), out=indptr[1:])
    return type(small)((np.ones(len(indices), small.dtype), indices, indptr), shape=(n, width))


class OrdinalEncoder(ByDistinct, ScikitOrdinalEncoder):
    """Categories as the numbers of their places in order.

    Each distinct value of a column is looked at once, and texts are found by their hashes.

    Parameters
    ----------
    categories : "auto" or list of array-like, default="auto"
        The categories of each column; "auto" for those that are there, in order.
    dtype : dtype, default=numpy.float64
        Of the result.
    handle_unknown : {"error", "use_encoded_value"}, default="error"
        What becomes of a category that was not fitted.
    unknown_value : int or numpy.nan, default=None
        Its number, for "use_encoded_value".
    encoded_missing_value : int or numpy.nan, default=numpy.nan
        The number of a missing value.
    min_frequency : int or float, default=None
        Categories with fewer rows, or a smaller share of them, are one.
    max_categories : int, default=None
        Most categories of a column; the rarest are one.

    Attributes
    ----------
    categories_ : list of ndarray
        The categories of each column.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import OrdinalEncoder
    >>> OrdinalEncoder().fit_transform([["b"], ["a"], ["c"]]).ravel()
    array([1., 0., 2.])
    """

    _text_parts = True

    def _fit_parts(self, table, reduce):
        fit_categories(self, table, reduce)

    def transform(self, X: Any) -> Any:
        """The numbers of the categories of the rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        refuse_empty(X)
        columns = distinct_columns(X) if hasattr(self, "categories_") else None
        if columns is None:
            return super().transform(X)
        known = self._of_known(X, columns)
        small = self._of_distinct(X, columns) if known is None else known[0]
        tables = list(small.T)
        if known is not None:
            tables = [table[places] for table, places in zip(tables, known[1], strict=True)]
        out = np.empty((len(X), len(columns)), small.dtype)
        if small.dtype.char in "fdilq":
            kernels.look_up(codes_of(columns), [np.ascontiguousarray(table) for table in tables], out)
            return out
        for j, (codes, _) in enumerate(columns):
            out[:, j] = tables[j][codes]
        return out
