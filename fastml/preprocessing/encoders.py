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

    def _fit_parts(self, table, reduce):
        if self.min_frequency is not None or self.max_categories is not None:
            raise ValueError(
                f"{type(self).__name__} of a table in parts does not count its categories: leave min_frequency and"
                " max_categories as they are"
            )
        names = table.parts.names or [f"x{j}" for j in range(table.parts.n_features)]
        columns = reduce(in_parts.Distinct(names))
        most = max(map(len, columns))
        self.fit(np.stack([np.append(values, [values[0]] * (most - len(values))) for values in columns], axis=1))

    def _note_parts(self, parts):
        """Nothing but the columns is remembered."""

    def _fit(self, X, **options):
        """scikit-learn's step, of the distinct values; those that are counted keep their counts."""
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
        self._shown = shown_of(columns)
        if self._infrequent_enabled:
            self._counted = len(X), [counts_of(codes, distinct) for codes, distinct in columns]
        try:
            return super()._fit(X, **options) | {"n_samples": len(X)}
        finally:
            self.__dict__.pop("_shown", None)
            self.__dict__.pop("_counted", None)

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
        small = self._of_distinct(X, columns, sparse_output=True, _sklearn_output_config={"transform": "default"})
        n, width = len(X), small.shape[1]
        places = np.empty((n, len(columns)), np.int32 if n * len(columns) < 2**31 else np.int64)
        whole = True
        for j, (of_value, (codes, distinct)) in enumerate(
            zip(places_of(small, self._n_features_outs), columns, strict=True)
        ):
            places[:, j] = of_value[codes]
            whole = whole and (of_value[: len(distinct)] >= 0).all()
        return one_hot_rows(small, places, whole, width, self.sparse_output)


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
        small = self._of_distinct(X, columns)
        out = np.empty((len(X), len(columns)), small.dtype)
        for j, (codes, _) in enumerate(columns):
            out[:, j] = small[:, j][codes]
        return out
