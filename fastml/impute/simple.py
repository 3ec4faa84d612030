"""SimpleImputer and MissingIndicator: scikit-learn's, over kernels where numbers are missing as NaN."""

from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.impute import MissingIndicator as ScikitMissingIndicator
from sklearn.impute import SimpleImputer as ScikitSimpleImputer

from fastml.base import Estimator, refuse_nonfinite
from fastml.kinds import array_of_numbers, as_numbers, canonical
from fastml.operations import Filled
from fastml.plain import is_by_columns, is_plain_table
from fastml.preprocessing.large import large_moments
from fastml.preprocessing.quantiles import nan_medians
from fastml.preprocessing.scaling import ByKernel, of_columns
from fastml_ext import checks
from fastml_ext import preprocessing as kernels

__all__ = ["MissingIndicator", "SimpleImputer"]

COUNTED = ("mean", "median")
SMALL = 4096  # numbers, up to which NumPy looks at them sooner than a kernel is called


def missing_as_nan(X, missing_values):
    """X; a frame of pandas that has NA among texts with NaN in its place, where NaN is what is missing."""
    of_pandas = hasattr(X, "notna") and hasattr(X, "columns")
    if not (of_pandas and isinstance(missing_values, float) and missing_values != missing_values):
        return X
    if all(type(dtype).__name__ not in ("StringDtype", "ArrowDtype") or dtype.kind in "iufb" for dtype in X.dtypes):
        return X
    return X.astype(object).where(X.notna(), np.nan)


class NamesInfinity:
    """scikit-learn's check of X, after which an infinite number is told with its place."""

    missing_values: Any

    def _validate_input(self, X, in_fit):
        try:
            with np.errstate(invalid="ignore"):  # scikit-learn adds up -inf and inf
                X = missing_as_nan(canonical(X), self.missing_values)
                return super()._validate_input(X, in_fit)  # type: ignore[misc]
        except ValueError as error:
            if "infinity" in str(error) and hasattr(X, "shape"):
                rows = np.asarray(X)
                if rows.dtype.kind == "f" and rows.ndim == 2:
                    names = getattr(self, "feature_names_in_", None)
                    refuse_nonfinite(np.ascontiguousarray(rows), type(self).__name__, names, allow_nan=True)
            raise


class MissingIndicator(NamesInfinity, Estimator, ScikitMissingIndicator):
    """Columns that say where values are missing.

    Parameters
    ----------
    missing_values : int, float, str, numpy.nan, None or pandas.NA, default=numpy.nan
        What stands for a missing value.
    features : {"missing-only", "all"}, default="missing-only"
        Which columns are told of: those with missing values in fit, or all.
    sparse : bool or "auto", default="auto"
        Whether the result is sparse; "auto" as the input.
    error_on_new : bool, default=True
        For "missing-only": whether a later missing value in another column is an error.

    Attributes
    ----------
    features_ : ndarray of shape (n_features_out,)
        The columns that are told of.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.impute import MissingIndicator
    >>> MissingIndicator().fit_transform([[1.0, np.nan], [2.0, 3.0]])
    array([[ True],
           [False]])
    """

    _text_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.impute.in_parts import fit_indicator

        fit_indicator(self, table, reduce)

    def _note_parts(self, parts):
        """Rows are looked at by scikit-learn's check."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn which columns of X, array-like, frame or sparse, hold missing values."""
        self._look(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Where values of X are missing, of the columns that have such; as `fit(X).transform(X)`."""
        mask = self._look(X)
        return mask[:, self.features_] if self.features_.size < self._n_features else mask

    def _look(self, X):
        """Learn which columns hold missing values; where these are."""
        self._validate_params()
        mask = mask_of(X) if self._looks_for_nan() else None
        if mask is None:
            return self._fit(X)
        self._precomputed, self._n_features, self.n_features_in_ = False, X.shape[1], X.shape[1]
        self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        columns = mask.any(axis=0) if self.features == "missing-only" else np.ones(X.shape[1], bool)
        self.features_ = np.flatnonzero(columns)
        return mask

    def transform(self, X: Any) -> Any:
        """Where values are missing.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As at `fit`.

        Returns
        -------
        mask : {ndarray, sparse matrix} of shape (n_samples, n_features_out)
            True for a missing value.
        """
        own = self.__dict__
        known = own.get("_precomputed") is False and "feature_names_in_" not in own and self._looks_for_nan()
        mask = mask_of(X) if known else None
        if mask is None or mask.shape[1] != self._n_features:
            return super().transform(X)
        features = self.features_
        if self.features != "missing-only" or len(features) == mask.shape[1]:
            return mask
        found = mask.take(features, axis=1)
        if self.error_on_new and np.count_nonzero(mask) > np.count_nonzero(found):
            return super().transform(X)  # which says what is missing
        return found

    def _looks_for_nan(self):
        absent = self.missing_values
        return isinstance(absent, float) and absent != absent and self.sparse is not True


def mask_of(X):
    """Where a plain table is NaN; None for another one, or where a number is infinite."""
    if not is_plain_table(X, {}):
        return None
    if checks.is_table(X, X.shape[1], np.ndarray):
        return np.zeros(X.shape, bool)
    return None if is_infinite(X) else np.isnan(X)


def is_infinite(X):
    """Whether a number of a plain table is."""
    if X.size < SMALL:
        return bool(np.isinf(X).any())
    return any(np.isinf(ends).any() for ends in kernels.extremes(X))


class SimpleImputer(NamesInfinity, ByKernel, ScikitSimpleImputer):
    """Missing values filled in with one value for each column.

    Means and medians of numbers, with NaN for missing ones, are found by kernels, medians by selection; all else is
    scikit-learn's code.

    Parameters
    ----------
    missing_values : int, float, str, numpy.nan, None or pandas.NA, default=numpy.nan
        What stands for a missing value.
    strategy : {"mean", "median", "most_frequent", "constant"} or callable, default="mean"
        What is filled in; a callable is given the known values of a column.
    fill_value : str or number, default=None
        For "constant"; None is 0, or "missing_value" among objects.
    copy : bool, default=True
        False changes the table that is given, where it is an array of floats.
    add_indicator : bool, default=False
        Whether columns that say what was missing stand behind the others.
    keep_empty_features : bool, default=False
        Whether columns without any value stay, filled with 0.

    Attributes
    ----------
    statistics_ : ndarray of shape (n_features,)
        What is filled in.
    indicator_ : MissingIndicator or None
        Of `add_indicator`.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.impute import SimpleImputer
    >>> SimpleImputer(strategy="median").fit_transform([[1.0], [np.nan], [2.0], [9.0]]).ravel()
    array([1., 2., 2., 9.])
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what is to be filled into the columns of X, array-like, frame or sparse."""
        if self._counts() and (is_plain_table(X, {}) or is_by_columns(X)):
            X = self._rows_to_learn(X)
            self._fit_dtype = self._fill_dtype = X.dtype
            self.statistics_ = self._dense_fit(X, self.strategy, np.nan, None)
        else:
            ScikitSimpleImputer.fit(self, X, y)
            theirs: Any = self.__dict__["indicator_"]
            if theirs is not None and not isinstance(theirs, MissingIndicator):  # which no file takes
                self.__dict__["indicator_"] = own = MissingIndicator(
                    missing_values=self.missing_values, error_on_new=False
                )
                own.__dict__.update(vars(theirs))
            self._note_columns()
        return self

    _text_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.impute.in_parts import fit_imputer

        fit_imputer(self, table, reduce)

    def _validate_input(self, X, in_fit):
        """scikit-learn's check; what means and medians are taken of is read as numbers, or refused by its column."""
        if self._counts():
            try:
                X = array_of_numbers(X)
            except ValueError as error:
                if "could not convert" not in str(error):
                    raise
                raise ValueError(f"Cannot use {self.strategy} strategy with non-numeric data:\n{error}") from error
            if isinstance(X, np.ndarray) and X.dtype.kind not in "bOUS":
                X = as_numbers(X, type(self).__name__)
        return super()._validate_input(X, in_fit)

    def _counts(self):
        """Whether kernels find what is filled in: a mean or median of what is not NaN."""
        absent = self.missing_values
        return isinstance(absent, float) and absent != absent and self.strategy in COUNTED

    def _dense_fit(self, X, strategy, missing_values, fill_value):
        """scikit-learn's step: what is filled into a table that has been checked."""
        if not self._counts() or X.dtype.char not in "fd":
            return super()._dense_fit(X, strategy, missing_values, fill_value)
        if self.add_indicator:
            self._fit_indicator(np.isnan(X))
        else:
            self.indicator_ = None
        if strategy == "mean":
            count, found, _ = kernels.moments(X)
            large = (count > 0) & ~np.isfinite(found)
            if large.any():
                self._refuse_infinite(X)
                found[large], _ = large_moments(X[:, large])
        else:
            found, extremes = nan_medians(X)
            if np.isinf(extremes).any():
                self._refuse_infinite(X)
        return np.nan_to_num(found, copy=False) if self.keep_empty_features else found

    def _fit_indicator(self, X):
        """scikit-learn's step, with an indicator that can be saved."""
        self.indicator_ = None
        if self.add_indicator:
            self.indicator_ = MissingIndicator(missing_values=self.missing_values, error_on_new=False)
            self.indicator_._fit(X, precomputed=True)

    def transform(self, X: Any) -> Any:
        """X (n_samples, n_features), array-like, frame or sparse, filled in, in its dtype."""
        fitted = self.__dict__.get("_fit_dtype")
        if fitted is None or not self._counts() or self.add_indicator or not self.copy or issparse(X):
            return ScikitSimpleImputer.transform(self, X)
        rows = self._rows(X)
        values = of_columns(self.statistics_, rows)
        if fitted.char not in "fd" or (values != values).any():  # a column is left out, which scikit-learn tells of
            return ScikitSimpleImputer.transform(self, X)
        out = kernels.fill(rows, values)
        return self._refuse_infinite(rows) if out is None else out

    def _operation(self, X):
        fitted = self.__dict__.get("_fit_dtype")
        if fitted is None or fitted.char not in "fd" or self.add_indicator or not self._counts():
            return None
        values = of_columns(self.statistics_, X)
        return None if (values != values).any() else Filled(values)
