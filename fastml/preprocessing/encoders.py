"""OneHotEncoder and OrdinalEncoder: scikit-learn's, which look at each distinct value of a column once."""

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import OneHotEncoder as ScikitOneHotEncoder
from sklearn.preprocessing import OrdinalEncoder as ScikitOrdinalEncoder

from fastml.base import Estimator, refuse_nonfinite
from fastml.preprocessing import in_parts
from fastml.preprocessing.distinct import distinct_columns

__all__ = ["OneHotEncoder", "OrdinalEncoder"]


def refuse_sparse(X):
    if issparse(X):
        raise TypeError(
            "Sparse data was passed, but dense data is required: X is sparse. Use '.toarray()' to convert to a dense"
            " numpy array."
        )


class ByDistinct(Estimator):
    """An encoder of scikit-learn's that is shown tables of the distinct values: what is said of them holds for all."""

    def _check_X(self, X, ensure_all_finite=True):
        """scikit-learn's step: the columns, and how many rows and columns there are."""
        shown = self.__dict__.get("_shown")
        if shown is not None:
            return shown
        try:
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
        """scikit-learn's step, of the distinct values where they need not be counted."""
        refuse_sparse(X)
        try:
            np.dtype(self.dtype)
        except TypeError as error:
            raise TypeError(f"dtype={self.dtype!r} is refused: {error}") from error
        self._check_infrequent_enabled()
        columns = None
        counted = options.get("return_counts") or self._infrequent_enabled
        if not counted and not (type(X) is np.ndarray and X.dtype.kind == "U"):  # which NumPy sorts in less time
            columns = distinct_columns(X)
        if columns is None:
            return super()._fit(X, **options)
        self._shown = shown_of(columns)
        try:
            return super()._fit(X, **options) | {"n_samples": len(X)}
        finally:
            self.__dict__.pop("_shown", None)

    def _transform(self, X, **options):
        """scikit-learn's step: codes of the categories, and which are known."""
        columns = distinct_columns(X)
        if columns is None:
            return super()._transform(X, **options)
        aside = object.__new__(type(self))  # another thread may be asking the same model
        aside.__dict__.update(self.__dict__, _shown=shown_of(columns))
        codes, known = super(ByDistinct, aside)._transform(X, **options)
        n, d = X.shape
        out, mask = np.empty((n, d), codes.dtype), np.ones((n, d), bool)
        for j, (places, _) in enumerate(columns):
            out[:, j] = codes[:, j][places]
            if not known[:, j].all():
                mask[:, j] = known[:, j][places]
        return out, mask


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
