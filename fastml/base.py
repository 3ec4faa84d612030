"""What all estimators share: checking input, with a fast path for predict, encoding labels, handing names through."""

import importlib

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from fastml_ext import checks

__all__ = ["Estimator", "Interval", "StrOptions", "encode_labels", "hand_through"]

NO_TARGET = "no_validation"  # scikit-learn's word: there is no y to check
EXACT = 2**53  # every integer up to here is a float64


class Estimator(BaseEstimator):
    """scikit-learn's contract: parameters in __init__, checked and used in fit, results in attributes that end in _."""

    def _check_fit(self, X, y=NO_TARGET, **options):
        """Parameters, X and y of a fit, checked; X comes back as a finite float32 or float64 table in C order.

        options: as for scikit-learn's validate_data
        """
        self._validate_params()
        options = {"dtype": "numeric", "order": "C", "ensure_all_finite": False} | options
        checked = validate_data(self, X, y, **options)
        X, y = (checked, None) if y is NO_TARGET else checked
        X = as_floats(X, self)
        self._check_finite(X)
        # Frames are checked for the names of their columns, so they never take the fast path.
        self._dtype = X.dtype
        self._fast_columns = -1 if hasattr(self, "feature_names_in_") else X.shape[1]
        return X if y is None else (X, y)

    def _check_rows(self, X):
        """X of a predict-like method as a finite table of the fitted dtype; a plain one passes at once."""
        if checks.is_table(X, getattr(self, "_fast_columns", -1), np.ndarray) and X.dtype == self._dtype:
            return X
        check_is_fitted(self)
        X = validate_data(self, X, dtype="numeric", order="C", ensure_all_finite=False, reset=False)
        self._check_finite(as_floats(X, self))
        X = X.astype(self._dtype, order="C", copy=False)
        self._check_finite(X)  # a large float64 may not fit into the float32 of the fitted data
        return X

    def _check_finite(self, X):
        where = checks.first_nonfinite(X)
        if where is None:
            return
        row, column = where
        names = getattr(self, "feature_names_in_", None)
        called = f" (column {names[column]!r})" if names is not None else ""
        value = "NaN" if np.isnan(X[row, column]) else str(X[row, column])
        raise ValueError(
            f"X[{row}, {column}]{called} is {value}, and {type(self).__name__} takes finite {X.dtype} values only,"
            f" no NaN or infinity: drop the row, or fill it in with sklearn.impute.SimpleImputer"
        )


def as_floats(X, estimator):
    """X as float32 or float64 with no value changed: float32 stays, an integer that float64 cannot hold is refused."""
    if X.dtype in (np.float32, np.float64) and X.dtype.isnative:
        return X
    if X.dtype.kind in "iu" and X.dtype.itemsize == 8 and X.size:
        for extreme in (X.min(), X.max()):
            if not -EXACT <= int(extreme) <= EXACT:
                raise ValueError(
                    f"X holds {extreme}, beyond ±2**53, where float64 no longer tells integers apart, and"
                    f" {type(estimator).__name__} computes in float64: subtract an offset, or divide, first"
                )
    small = X.dtype.kind == "f" and X.dtype.itemsize <= 4
    return np.ascontiguousarray(X, np.float32 if small else np.float64)


def encode_labels(y):
    """(classes, codes) of y (n,): the distinct labels in order, and the place of each row's label among them, int64."""
    y = column_or_1d(y, warn=True)
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    return classes, codes.astype(np.int64, copy=False)


def hand_through(module, original):
    """(__getattr__, __dir__) for a module that hands on the names of scikit-learn's module `original`, on first use.

    So `from fastml.neighbors import BallTree` is scikit-learn's, and changing the import line is always enough.
    """

    def __getattr__(name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return getattr(importlib.import_module(original), name)
        except AttributeError:
            raise AttributeError(f"neither {module} nor {original} has a name {name!r}") from None

    def __dir__():
        return sorted({*vars(importlib.import_module(module)), *importlib.import_module(original).__all__})

    return __getattr__, __dir__
