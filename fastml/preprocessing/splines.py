"""SplineTransformer: columns as B-splines."""

from typing import Any, Self

import numpy as np
from scipy.interpolate import BSpline
from scipy.sparse import csr_array, vstack
from sklearn.preprocessing import SplineTransformer as ScikitSplineTransformer

from fastml._sklearn import _align_api_if_sparse, _weighted_percentile, check_array
from fastml.base import check_weight, refuse_nonfinite
from fastml.preprocessing import in_parts
from fastml.preprocessing.quantiles import between, nan_quantiles
from fastml.preprocessing.scaling import ByKernel
from fastml_ext import preprocessing as kernels

__all__ = ["SplineTransformer"]

BLOCK = 2**18  # values of the rows that are made sparse at a time


class SplineTransformer(ByKernel, ScikitSplineTransformer):
    """Each column as B-splines: smooth bumps between knots, of which a linear model makes a curve.

    Of the splines of a number only those that are not 0 are computed.

    Parameters
    ----------
    n_knots : int, default=5
        Knots of each column, 2 at least, where `knots` is a word.
    degree : int, default=3
        Of the polynomials between the knots.
    knots : {"uniform", "quantile"} or array-like of shape (n_knots, n_features), default="uniform"
        Where the knots are: evenly from the least to the largest number, at quantiles, or as given.
    extrapolation : {"error", "constant", "linear", "continue", "periodic"}, default="constant"
        What numbers beyond the outer knots give: an error, the values there, their lines, the same polynomials; or the
        splines come back after each period from the first to the last knot.
    include_bias : bool, default=True
        False leaves out the last spline of each column: they add up to 1.
    order : {"C", "F"}, default="C"
        Whether rows or columns of the result lie together.
    handle_missing : {"error", "zeros"}, default="error"
        Whether NaN is an error, or gives zeros.
    sparse_output : bool, default=False
        Whether the result is CSR.

    Attributes
    ----------
    bsplines_ : list of scipy.interpolate.BSpline
        The splines of each column.
    n_features_out_ : int
        Columns of the result.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import SplineTransformer
    >>> model = SplineTransformer(n_knots=3, degree=1).fit([[0.0], [4.0]])
    >>> model.transform([[1.0], [2.0]])
    array([[0.5, 0.5, 0. ],
           [0. , 1. , 0. ]])
    """

    n_features_out_: int
    _any_order = False
    _knots: np.ndarray

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the knots.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Numbers; NaN where `handle_missing` is "zeros".
        y : object, default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; those of weight 0 have no part in the knots.

        Returns
        -------
        self : object
        """
        X = self._rows_to_learn(X)
        if len(X) < 2:
            raise ValueError(
                f"Found array with {len(X)} sample(s) (shape={X.shape}) while a minimum of 2 is required by"
                " SplineTransformer."
            )
        self._refuse_missing(X)
        weight = None if sample_weight is None else check_weight(sample_weight, len(X)).astype(X.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the largest
            base = self._base_knots(X, weight)
        return self._take_knots(base, X.shape[1])

    def _fit_parts(self, table, reduce):
        """The knots from the extremes, or from exact quantiles; see preprocessing/in_parts.py."""
        d, dtype, n = table.parts.n_features, table.parts.dtype, table.n_rows
        if n < 2:
            raise ValueError(f"SplineTransformer needs at least 2 rows, and {table.parts!r} has {n}")
        if isinstance(self.knots, str) and self.knots == "quantile":
            shares = 100 * np.linspace(0, 1, self.n_knots) / 100
            low, high, count = in_parts.order_statistics(reduce, d, dtype, shares)
            self._take_knots(between(low, high, count, shares), d)
        else:
            least, largest, _ = reduce(in_parts.Extremes())
            self.fit(np.stack([least, largest]))

    def _take_knots(self, base, d):
        with np.errstate(over="ignore", invalid="ignore"):
            knots = self._extended(base)
        if self.extrapolation == "periodic" and len(base) <= self.degree:
            raise ValueError(
                f"Periodic splines require degree < n_knots. Got n_knots={len(base)} and degree={self.degree}."
            )
        self._knots = np.ascontiguousarray(knots.T, np.float64)
        self.n_features_out_ = d * (self._n_splines() - 1 + int(self.include_bias))
        return self

    def _refuse_infinite(self, X: Any) -> Any:
        names = getattr(self, "feature_names_in_", None)
        refuse_nonfinite(X, "SplineTransformer", names, self.handle_missing == "zeros")

    def _refuse_missing(self, X):
        try:
            self._refuse_infinite(X)
        except ValueError as error:
            if "is NaN" not in str(error):
                raise
            raise ValueError(
                "Input X contains NaN values and `SplineTransformer` is configured to error in this case:"
                f" {error}, or encode it as zeros with handle_missing='zeros'"
            ) from error

    def _base_knots(self, X, weight):
        """(n_knots, n_features) from the least to the largest."""
        if not isinstance(self.knots, str):
            try:
                base = check_array(self.knots, dtype=np.float64)
            except TypeError as error:
                raise TypeError(f"knots={self.knots!r} are no numbers: {error}") from error
            if len(base) < 2:
                raise ValueError(f"Number of knots, knots.shape[0], must be >= 2, and is {len(base)}.")
            if base.shape[1] != X.shape[1]:
                raise ValueError(
                    f"knots.shape[1] == n_features is violated: knots has {base.shape[1]} columns, X {X.shape[1]}."
                )
            if not (np.diff(base, axis=0) > 0).all():
                raise ValueError("knots must be sorted without duplicates.")
            return base
        if self.knots == "quantile":
            shares = 100 * np.linspace(0, 1, self.n_knots) / 100
            return nan_quantiles(X, shares) if weight is None else _weighted_percentile(X, weight, 100 * shares).T
        counted = X if weight is None else np.ascontiguousarray(X[weight > 0])
        least, largest = (end.astype(np.float64) for end in kernels.extremes(counted))
        none = np.isnan(least)  # a column without numbers
        return np.linspace(np.where(none, 0.0, least), np.where(none, 0.0, largest), self.n_knots)

    def _extended(self, base):
        """With `degree` more knots at either end, at the distances of the outer ones."""
        degree = self.degree
        if self.extrapolation == "periodic":
            period = base[-1] - base[0]
            return np.r_[base[-(degree + 1) : -1] - period, base, base[1 : degree + 1] + period]
        first, last = base[1] - base[0], base[-1] - base[-2]
        before = np.linspace(base[0] - degree * first, base[0] - first, num=degree)
        return np.r_[before, base, np.linspace(base[-1] + last, base[-1] + degree * last, num=degree)]

    def _n_splines(self):
        n = self._knots.shape[1] - self.degree - 1
        return n - self.degree if self.extrapolation == "periodic" else n

    @property
    def bsplines_(self) -> list:
        """SciPy's splines."""
        if "_knots" not in self.__dict__:
            raise AttributeError("bsplines_: SplineTransformer is not fitted")
        coef = np.eye(self._n_splines())
        if self.extrapolation == "periodic":
            coef = np.concatenate((coef, coef[: self.degree]))
        beyond = self.extrapolation in ("periodic", "continue")
        return [BSpline.construct_fast(t, coef, self.degree, extrapolate=beyond) for t in self._knots]

    def _note_anew(self):
        self._knots = np.array([spline.t for spline in self.__dict__.pop("bsplines_")], np.float64)

    def transform(self, X: Any) -> Any:
        """The splines of the rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Numbers; NaN where `handle_missing` is "zeros".

        Returns
        -------
        XBS : ndarray or CSR matrix of shape (n_samples, n_features_out_), of the dtype of X
        """
        rows = self._rows(X)
        if self.handle_missing == "error":
            self._refuse_infinite(rows)
        splines = self._n_splines()
        if not fits(self._knots.shape, self.degree, splines - 1 + int(self.include_bias), self.n_features_out_):
            raise ValueError("degree, extrapolation or include_bias were changed after fit: fit the model again")
        given = self._knots, self.degree, splines, self.extrapolation, splines - 1 + int(self.include_bias)
        size = max(1, BLOCK // max(self.n_features_out_, 1)) if self.sparse_output else len(rows)
        parts = []
        for first in range(0, len(rows), size):
            by_columns = self.order == "F" and not self.sparse_output
            out = kernels.spline_basis(rows[first : first + size], *given, by_columns)
            if out is None:
                self._refuse_infinite(rows)
                raise ValueError("Out of bounds: `X` contains values beyond the limits of the knots.")
            parts.append(csr_array(out) if self.sparse_output else out)
        return _align_api_if_sparse(vstack(parts, format="csr")) if self.sparse_output else out


def fits(shape, degree, width, n_features_out):
    """Whether knots of that shape have splines of that degree, `width` of each column in the result."""
    return shape[1] >= 2 * degree + 2 and width >= 0 and shape[0] * width == n_features_out
