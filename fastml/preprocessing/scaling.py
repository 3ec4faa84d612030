"""What the transformers share that are scikit-learn's but for their passes over tables."""

from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import check_array, validate_data
from fastml.base import Estimator, refuse_nonfinite
from fastml.kinds import array_of_numbers, as_numbers, canonical, is_frame
from fastml.plain import is_by_columns, is_plain_table
from fastml_ext import preprocessing as kernels

__all__ = [
    "ByKernel", "check_range", "in_c_order", "of_columns", "together", "two_numbers", "without_zeros",
]  # fmt: skip


def in_c_order(X):
    """X, by the rows where it is a plain table by the columns: several threads are quicker at that than NumPy."""
    return kernels.by_rows(X) if is_by_columns(X) else X


class ByKernel(Estimator):
    """A class of scikit-learn's whose dense tables go to kernels. Sparse ones, and weights, are left to scikit-learn.

    Tables keep their dtype: float32 and float64 are computed in as they are, whatever was fitted.
    """

    _with_nan = True  # whether a number may be missing
    _any_order = True  # whether its kernels take tables in Fortran's order too

    def _note_anew(self):
        """Make what fastml keeps beside scikit-learn's results, of a model that scikit-learn has fitted."""

    def _rows_to_learn(self, X, reset=True):
        """X of a fit as a table of float32 or float64; reset=False for a later part of one.

        It is in C order, or in Fortran's where `_any_order` says that this goes.
        """
        self._validate_params()
        X = X if self._any_order else in_c_order(X)
        if reset and (is_plain_table(X, {}) or is_by_columns(X)):
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        elif reset or not self._goes_as_it_is(X):
            X = self._converted(X, reset)
        self._note_columns()
        return X

    def _note_parts(self, parts):
        self._note_columns()  # rows are answered in the dtype in which they are given

    def _goes_as_it_is(self, X):
        plain = is_plain_table(X, {}) or (self._any_order and is_by_columns(X))
        return plain and X.shape[1] == self.__dict__.get("_fast_columns")

    def _rows(self, X):
        """X to be transformed as a table of float32 or float64, ordered as in a fit; not looked at for values."""
        if self._goes_as_it_is(X):
            return X
        check_is_fitted(self)
        X = X if self._any_order else in_c_order(X)
        if self._goes_as_it_is(X):
            return X
        return self._converted(X, reset=False)

    def _rows_back(self, X):
        """X of an inverse transformation, of which names of columns are not asked, as a table of floats."""
        if self._goes_as_it_is(X):
            return X
        check_is_fitted(self)
        X = as_numbers(
            check_array(array_of_numbers(X, sparse=False), dtype="numeric", order="C", ensure_all_finite=False),
            type(self).__name__,
        )
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} features as"
                " input."
            )
        return X

    def _converted(self, X, reset):
        options = {"dtype": "numeric", "ensure_all_finite": False, "reset": reset}
        with np.errstate(over="ignore", invalid="ignore"):  # the sums that scikit-learn looks at first
            X = validate_data(self, array_of_numbers(X, sparse=False), **options)
        X = as_numbers(X, type(self).__name__)
        if X.flags.c_contiguous or (self._any_order and X.flags.f_contiguous):
            return X
        return np.ascontiguousarray(in_c_order(X))

    def _refuse_infinite(self, X: Any) -> Any:
        """Say where the first value of X stands that is not finite."""
        refuse_nonfinite(X, type(self).__name__, getattr(self, "feature_names_in_", None), self._with_nan)

    def _times_and_more(self, X, scale, shift):
        """X * scale + shift; None for 1 and 0."""
        if scale is None:
            scale = np.ones(X.shape[1], X.dtype if shift is None else shift.dtype)
        shift = np.full(X.shape[1], -0.0, scale.dtype) if shift is None else shift  # which leaves every number as it is
        out = kernels.rescale(X, scale, shift, -np.inf, np.inf)
        return self._refuse_infinite(X) if out is None else out

    def _check_finite_or_missing(self, X):
        if any(np.isinf(ends).any() for ends in kernels.extremes(X)):
            self._refuse_infinite(X)

    def _by_scikit_learn(self, X):
        """X as scikit-learn's own method may have it: sparse as it is, a table once its values have been looked at."""
        if not issparse(X):
            self._refuse_infinite(self._rows(X))
        elif X.format in ("csr", "csc") and X.dtype.kind == "f" and np.isinf(X.data).any():
            self._refuse_infinite(X.tocsr())
        return array_of_numbers(X) if is_frame(X) else canonical(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        return tags


def of_columns(values, X, dtype=None):
    """(d,) values, or None, as a kernel takes them beside X: contiguous, of its dtype, or of the one that is given."""
    if values is None:
        return None
    dtype = X.dtype if dtype is None else dtype
    if type(values) is not np.ndarray or values.dtype != dtype or not values.flags.c_contiguous:
        values = np.ascontiguousarray(values, dtype)
    if values.shape != X.shape[1:]:
        raise ValueError(f"{values.shape} values were set on the fitted model for {X.shape[1]} columns: give one each")
    return values


def together(X, *values):
    """`of_columns` of each, all of float64 where one is: what NumPy computes in beside X, before it rounds."""
    wide = X.dtype.char == "f" and any(each is not None and np.asarray(each).dtype.char != "f" for each in values)
    return [of_columns(each, X, np.float64 if wide else X.dtype) for each in values]


def without_zeros(scale, constant=None):
    """The scales with 1 where a column is constant: where `constant` says so, or the scale is rounding."""
    found = scale.copy()
    found[scale < 10 * np.finfo(scale.dtype).eps if constant is None else constant] = 1
    return found


def check_range(scaler):
    scaler._validate_params()
    low, high = two_numbers(scaler, "feature_range")
    if not low < high:
        raise ValueError(
            f"Minimum of desired feature range must be smaller than maximum. Got {scaler.feature_range}: feature_range"
            " is (least, largest)"
        )
    return low, high


def two_numbers(scaler, name):
    """A parameter that is a tuple of two numbers."""
    value = getattr(scaler, name)
    if len(value) != 2 or not all(isinstance(end, Real) for end in value):
        raise ValueError(f"{name}={value!r} must be two numbers, (least, largest)")
    return value
