"""Scalers of columns under scikit-learn's names: its parameters, attributes and results, in one pass over the table."""

from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from scipy.stats import norm
from sklearn.preprocessing import MaxAbsScaler as ScikitMaxAbsScaler
from sklearn.preprocessing import MinMaxScaler as ScikitMinMaxScaler
from sklearn.preprocessing import RobustScaler as ScikitRobustScaler
from sklearn.preprocessing import StandardScaler as ScikitStandardScaler

from fastml.base import check_weight
from fastml.operations import Divided, Multiplied
from fastml.preprocessing import in_parts
from fastml.preprocessing.large import large_moments, refuse_infinite_sums
from fastml.preprocessing.quantiles import between, middle, nan_medians_and_quantiles
from fastml.preprocessing.scaling import ByKernel, check_range, of_columns, together, two_numbers, without_zeros
from fastml.telling import quietly
from fastml_ext import preprocessing as kernels

__all__ = ["MaxAbsScaler", "MinMaxScaler", "RobustScaler", "StandardScaler"]


class StandardScaler(ByKernel, ScikitStandardScaler):
    """Columns of mean 0 and standard deviation 1.

    Moments are taken in one pass, about means of blocks of rows, so that a large mean costs no digits; the same bits
    for any number of threads.

    Parameters
    ----------
    copy : bool, default=True
        False changes the table that is given, where it is an array of floats.
    with_mean : bool, default=True
        Whether the mean is subtracted; False for sparse tables.
    with_std : bool, default=True
        Whether columns are divided by their standard deviation.

    Attributes
    ----------
    mean_, var_, scale_ : ndarray of shape (n_features,) or None
        Mean, variance, and what columns are divided by: the standard deviation, 1 for a constant column.
    n_samples_seen_ : int or ndarray of shape (n_features,)
        Rows, or their weight, that were learnt from; one for each column where numbers are missing.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import StandardScaler
    >>> scaler = StandardScaler().fit([[0.0, 5.0], [2.0, 5.0]])
    >>> scaler.mean_, scaler.scale_
    (array([1., 5.]), array([1., 1.]))
    >>> scaler.transform([[4.0, 5.0]])
    array([[3., 0.]])
    """

    mean_: Any
    var_: Any
    scale_: Any

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn mean and deviation of the columns of X, array-like, frame or sparse; NaN is left out."""
        self._reset()
        return self.partial_fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Go on learning with more rows: as if all had been given at once, but for rounding."""
        first = not hasattr(self, "n_samples_seen_")
        if issparse(X) or sample_weight is not None:
            if sample_weight is not None:
                sample_weight = check_weight(sample_weight, (X if hasattr(X, "shape") else np.asarray(X)).shape[0])
            with quietly(self), np.errstate(over="ignore", invalid="ignore"):
                X = self._by_scikit_learn(X) if issparse(X) else X
                ScikitStandardScaler.partial_fit(self, X, y, sample_weight)
            refuse_infinite_sums(self, sample_weight)
            self._note_columns()
            return self
        X = self._rows_to_learn(X, first)
        count, mean, squares = kernels.moments(X)
        if not np.isfinite(squares).all():
            self._refuse_infinite(X)
        if first:
            self._keep(count, mean, squares)
            if self.with_mean or self.with_std:
                self._keep_large(X, np.flatnonzero(~np.isfinite(squares) & (count > 0)))
        else:
            self._keep(*self._joined(count, mean, squares))
            refuse_infinite_sums(self)
        return self

    def _keep_large(self, X, places):
        """Means and deviations of those columns, of all rows, whose squares float64 cannot add up."""
        if len(places):
            self.mean_[places], deviation = large_moments(X[:, places])
            if self.with_std:
                with np.errstate(over="ignore"):
                    self.var_[places], self.scale_[places] = deviation**2, deviation

    def _n_tasks(self):
        return 0

    _weighted_parts = True

    def _fit_parts(self, table, reduce):
        found, few = table.reduce_unless_few(in_parts.Moments())
        if few is not None:
            self.fit(few[0], sample_weight=few[2])
            return
        count, mean, squares = found
        self._reset()
        self._keep(count, np.where(count > 0, mean, np.nan), np.where(count > 0, squares, np.nan))
        refuse_infinite_sums(self)

    def _joined(self, count, mean, squares):
        """(count, mean, squares) of earlier rows and these: Chan, Golub and LeVeque 1983, equation 1.5."""
        before = np.broadcast_to(np.asarray(self.n_samples_seen_, np.float64), count.shape)
        both = before + count
        if self.mean_ is None:
            return both, mean, squares
        old = np.where(before > 0, self.mean_, 0.0)
        new = np.where(count > 0, mean, old)
        apart = np.where(before > 0, new - old, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = count / both
            joined = np.where(before > 0, old + apart * share, np.where(count > 0, mean, np.nan))
            if self.var_ is not None:
                old_squares = np.where(before > 0, self.var_ * before, 0.0)
                squares = old_squares + np.where(count > 0, squares, 0.0) + apart**2 * before * share
        return both, joined, squares

    def _keep(self, seen, mean, squares):
        n = seen if self.with_mean or self.with_std else seen.astype(np.int64)  # as scikit-learn 1.9
        self.n_samples_seen_ = n[0] if (n == n[0]).all() else n
        self.mean_ = self.var_ = self.scale_ = None
        if not (self.with_mean or self.with_std):
            return
        self.mean_ = mean
        if self.with_std:
            with np.errstate(invalid="ignore", divide="ignore"):
                self.var_ = squares / seen
            eps = np.finfo(np.float64).eps
            with np.errstate(over="ignore"):
                rounding = seen * eps * self.var_ + (seen * mean * eps) ** 2  # of the variance of a constant column
            self.scale_ = without_zeros(np.sqrt(self.var_), self.var_ <= rounding)

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        """X with its columns centred and scaled, in the dtype of X; NaN stays.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            The rows.
        copy : bool, default=None
            In place of the parameter of that name.
        """
        if issparse(X) or not (self.copy if copy is None else copy):
            return ScikitStandardScaler.transform(self, self._by_scikit_learn(X), copy)
        X = self._rows(X)
        out = self._operation(X).of_table(X)
        return self._refuse_infinite(X) if out is None else out

    def inverse_transform(self, X: Any, copy: bool | None = None) -> Any:
        """The numbers that were scaled to X.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            As `transform` returns them; NaN stays.
        copy : bool, default=None
            In place of the parameter of that name.

        Returns
        -------
        X_original : ndarray or sparse matrix of shape (n_samples, n_features)
        """
        if issparse(X) or not (self.copy if copy is None else copy):
            with np.errstate(over="ignore", invalid="ignore"):  # of the sums that are looked at first
                return ScikitStandardScaler.inverse_transform(self, X, copy)
        X = self._rows_back(X)
        return self._times_and_more(X, *reversed(self._centre_and_scale(X)))

    def _centre_and_scale(self, X):
        """What is subtracted from the columns of X, and what they are then divided by; None for 0 and 1."""
        return (
            of_columns(self.mean_, X) if self.with_mean else None,
            of_columns(self.scale_, X) if self.with_std else None,
        )

    def _operation(self, X):
        return Divided(*self._centre_and_scale(X))


class MinMaxScaler(ByKernel, ScikitMinMaxScaler):
    """Columns between two numbers.

    Parameters
    ----------
    feature_range : tuple of two numbers, default=(0, 1)
        Where the least and the largest number of each column go.
    copy : bool, default=True
        False changes the table that is given, where it is an array of floats.
    clip : bool, default=False
        Whether later numbers beyond the fitted ones stay between the two.

    Attributes
    ----------
    data_min_, data_max_, data_range_ : ndarray of shape (n_features,)
        Least and largest number of each column, and their difference.
    scale_, min_ : ndarray of shape (n_features,)
        What columns are multiplied by, and what is added then.
    n_samples_seen_ : int
        Rows that were learnt from.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import MinMaxScaler
    >>> MinMaxScaler().fit_transform([[1.0], [3.0], [5.0]])
    array([[0. ],
           [0.5],
           [1. ]])
    """

    data_min_: np.ndarray
    data_max_: np.ndarray
    n_samples_seen_: int

    def _fit_parts(self, table, reduce):
        least, largest, n = reduce(in_parts.Extremes())
        self.fit(np.stack([least, largest]))
        self.n_samples_seen_ = n

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Go on learning with more rows: as if all had been given at once."""
        low, high = check_range(self)
        if issparse(X):
            return ScikitMinMaxScaler.partial_fit(self, X)  # which refuses it
        first = not hasattr(self, "n_samples_seen_")
        X = self._rows_to_learn(X, first)
        least, largest = kernels.extremes(X)
        if np.isinf(least).any() or np.isinf(largest).any():
            self._refuse_infinite(X)
        if not first:
            least, largest = np.fmin(self.data_min_, least), np.fmax(self.data_max_, largest)
        self.n_samples_seen_ = len(X) + (0 if first else self.n_samples_seen_)
        low, high = X.dtype.type(low), X.dtype.type(high)
        with np.errstate(over="ignore", invalid="ignore"):
            spread = largest - least
            self.scale_ = (high - low) / without_zeros(spread)
            wide = np.isinf(spread)
            self.scale_[wide] = (high - low) / (largest / 2 - least / 2)[wide] / 2
            self.min_ = low - least * self.scale_
        self.data_min_, self.data_max_, self.data_range_ = least, largest, spread
        return self

    def transform(self, X: Any) -> Any:
        """X (n_samples, n_features), array-like or frame, scaled, in its dtype; NaN stays."""
        rows = None if issparse(X) else self._rows(X)
        if rows is None or not self.copy:
            return ScikitMinMaxScaler.transform(self, self._by_scikit_learn(X))
        out = self._operation(rows).of_table(rows)
        return self._refuse_infinite(rows) if out is None else out

    def inverse_transform(self, X: Any) -> Any:
        """The numbers that were scaled to X.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            As `transform` returns them; NaN stays.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
        """
        if issparse(X) or not self.copy:
            return ScikitMinMaxScaler.inverse_transform(self, X)
        rows = self._rows_back(X)
        out = kernels.standardise(rows, *together(rows, self.min_, self.scale_))
        return self._refuse_infinite(rows) if out is None else out

    def _centre_and_scale(self, X):
        return of_columns(-self.min_ / self.scale_, X), of_columns(1 / self.scale_, X)

    def _operation(self, X):
        ends = self.feature_range if self.clip else (-np.inf, np.inf)
        return Multiplied(*together(X, self.scale_, self.min_), *ends)


class MaxAbsScaler(ByKernel, ScikitMaxAbsScaler):
    """Columns divided by their largest magnitude; zeros stay zeros, so sparse tables stay sparse.

    Parameters
    ----------
    copy : bool, default=True
        False changes the table that is given, where it is an array of floats.
    clip : bool, default=False
        Whether later numbers beyond the fitted ones stay between -1 and 1.

    Attributes
    ----------
    max_abs_, scale_ : ndarray of shape (n_features,)
        Largest magnitude of each column, and what it is divided by: the same, but 1 in place of 0.
    n_samples_seen_ : int
        Rows that were learnt from.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import MaxAbsScaler
    >>> MaxAbsScaler().fit_transform([[1.0, 0.0], [-4.0, 0.0]])
    array([[ 0.25,  0.  ],
           [-1.  ,  0.  ]])
    """

    max_abs_: np.ndarray
    n_samples_seen_: int

    def _fit_parts(self, table, reduce):
        least, largest, n = reduce(in_parts.Extremes())
        self.fit(np.stack([least, largest]))
        self.n_samples_seen_ = n

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Go on learning with more rows: as if all had been given at once."""
        if issparse(X):
            ScikitMaxAbsScaler.partial_fit(self, self._by_scikit_learn(X))
            self._note_columns()
            return self
        first = not hasattr(self, "n_samples_seen_")
        X = self._rows_to_learn(X, first)
        least, largest = kernels.extremes(X)
        largest = np.maximum(-least, largest)
        if np.isinf(largest).any():
            self._refuse_infinite(X)
        self.max_abs_ = largest if first else np.fmax(self.max_abs_, largest)
        self.n_samples_seen_ = len(X) + (0 if first else self.n_samples_seen_)
        self.scale_ = without_zeros(self.max_abs_)
        return self

    def transform(self, X: Any) -> Any:
        """X (n_samples, n_features), array-like, frame or sparse, scaled, in its dtype; NaN stays."""
        rows = None if issparse(X) else self._rows(X)
        if rows is None or not self.copy:
            return ScikitMaxAbsScaler.transform(self, self._by_scikit_learn(X))
        out = kernels.standardise(rows, None, *together(rows, self.scale_))
        if out is None:
            return self._refuse_infinite(rows)
        return np.clip(out, -1, 1, out=out) if self.clip else out

    def inverse_transform(self, X: Any) -> Any:
        """The numbers that were scaled to X.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            As `transform` returns them; NaN stays.

        Returns
        -------
        X_original : ndarray or sparse matrix of shape (n_samples, n_features)
        """
        if issparse(X) or not self.copy:
            with np.errstate(over="ignore", invalid="ignore"):  # of the sums that are looked at first
                return ScikitMaxAbsScaler.inverse_transform(self, X)
        rows = self._rows_back(X)
        return self._times_and_more(rows, *together(rows, self.scale_, None))

    def _centre_and_scale(self, X):
        return None, of_columns(self.scale_, X)

    def _operation(self, X):
        return None if self.clip else Divided(None, *together(X, self.scale_))


class RobustScaler(ByKernel, ScikitRobustScaler):
    """Columns less their median, divided by the distance of two quantiles: outliers do not move them.

    Medians and quantiles are selected from each column, exactly, in about one pass over it.

    Parameters
    ----------
    with_centering : bool, default=True
        Whether the median is subtracted; False for sparse tables.
    with_scaling : bool, default=True
        Whether columns are divided.
    quantile_range : tuple of two numbers from 0 to 100, default=(25.0, 75.0)
        The two quantiles, in per cent.
    copy : bool, default=True
        False changes the table that is given, where it is an array of floats.
    unit_variance : bool, default=False
        Whether the distance is measured by that of a standard normal distribution.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_features,) or None
        Median of each column, and what it is divided by, 1 where the quantiles are one.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import RobustScaler
    >>> RobustScaler().fit_transform([[1.0], [2.0], [3.0], [4.0], [1000.0]]).ravel()
    array([ -1. ,  -0.5,   0. ,   0.5, 498.5])
    """

    center_: Any
    scale_: Any

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn median and quantiles of the columns of X, array-like, frame or sparse; NaN is left out."""
        if issparse(X):
            ScikitRobustScaler.fit(self, self._by_scikit_learn(X))
            self._note_columns()
            return self
        X = self._rows_to_learn(X)
        shares = self._shares()
        medians, quantiles, extremes = nan_medians_and_quantiles(X, shares)
        if np.isinf(extremes).any():
            self._refuse_infinite(X)
        self.center_ = medians if self.with_centering else None
        self._keep_range(quantiles if self.with_scaling else None, X.dtype)
        return self

    def _fit_parts(self, table, reduce):
        shares, d, dtype = self._shares(), table.parts.n_features, table.parts.dtype
        low, high, count = in_parts.order_statistics(reduce, d, dtype, [0.5, *shares])
        self.center_ = middle(low, high, count) if self.with_centering else None
        self._keep_range(between(low[1:], high[1:], count, shares) if self.with_scaling else None, dtype)

    def _shares(self):
        q_min, q_max = two_numbers(self, "quantile_range")
        if not 0 <= q_min <= q_max <= 100:
            raise ValueError(
                f"Invalid quantile range: {self.quantile_range}: quantile_range must be two per cents in order"
            )
        return [q_min / 100, q_max / 100]

    def _keep_range(self, quantiles, dtype):
        self.scale_ = None
        if quantiles is None:
            return
        if dtype == np.float32 and np.isnan(quantiles).all():
            quantiles = np.asarray(quantiles, dtype)  # as scikit-learn's, where no column has a number
        low, high = quantiles
        self.scale_ = without_zeros(high - low)
        if self.unit_variance:
            q_min, q_max = self.quantile_range
            self.scale_ = self.scale_ / (norm.ppf(q_max / 100.0) - norm.ppf(q_min / 100.0))

    def transform(self, X: Any) -> Any:
        """X (n_samples, n_features), array-like, frame or sparse, centred and scaled, in its dtype; NaN stays."""
        rows = None if issparse(X) else self._rows(X)
        if rows is None or not self.copy:
            return ScikitRobustScaler.transform(self, self._by_scikit_learn(X))
        out = self._operation(rows).of_table(rows)
        return self._refuse_infinite(rows) if out is None else out

    def inverse_transform(self, X: Any) -> Any:
        """The numbers that were scaled to X.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            As `transform` returns them; NaN stays.

        Returns
        -------
        X_original : ndarray or sparse matrix of shape (n_samples, n_features)
        """
        if issparse(X) or not self.copy:
            with np.errstate(over="ignore", invalid="ignore"):  # of the sums that are looked at first
                return ScikitRobustScaler.inverse_transform(self, X)
        rows = self._rows_back(X)
        return self._times_and_more(rows, *reversed(self._learnt(rows)))

    def _learnt(self, X):
        """(centre, scale) as scikit-learn computes with them beside X; None for 0 and 1."""
        centre, scale = (self.center_ if self.with_centering else None), (self.scale_ if self.with_scaling else None)
        return together(X, centre, scale)

    def _centre_and_scale(self, X):
        return (
            of_columns(self.center_, X) if self.with_centering else None,
            of_columns(self.scale_, X) if self.with_scaling else None,
        )

    def _operation(self, X):
        return Divided(*self._learnt(X))
