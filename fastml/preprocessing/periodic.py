"""Periodic: columns that come round again, such as hours, angles and days of the year."""

from itertools import pairwise
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import _check_feature_names_in, check_array
from fastml.base import Interval, StrOptions
from fastml.preprocessing.base import MOST_PARTS, ColumnMap
from fastml.preprocessing.edges import equal_parts
from fastml.preprocessing.spans import cut_below, pack
from fastml_ext import checks
from fastml_ext import features as kernels

__all__ = ["Periodic"]


class Periodic(ColumnMap):
    """Each column as sines and cosines of its period's angle and their multiples, or as bins round the period.

    A linear model over the result is a periodic function of each column: the end of a period lies beside its beginning.

    Parameters
    ----------
    period : float, array-like of shape (n_features,) or dict, default=1.0
        After how much a column comes round, in its own unit: 24 for hours. One for all columns, one for each, or one
        for each name of a column.
    n_harmonics : int, default=1
        For "harmonics": sine and cosine of 1, 2, ... n_harmonics times the angle, each pair beside the other; at most
        2**20.
    basis : {"harmonics", "bins"}, default="harmonics"
        Sines and cosines, or indicators of bins.
    n_bins : int, default=12
        For "bins": of equal width, each with its left edge; at most 2**20.
    origin : float, array-like of shape (n_features,) or dict, default=0.0
        Where the periods begin: the angle is 0 there, and so does the first bin begin.
    missing : {"error", "zero", "nan"}, default="error"
        What becomes of NaN: an error; zeros, which is the middle of the circle, or no bin; NaN in sines and cosines.
    sparse_output : bool, default=False
        For "bins": a CSR matrix in place of an array.
    n_jobs : int, default=None
        Threads; None for all that this process may use.

    Attributes
    ----------
    period_, origin_ : ndarray of shape (n_features,)
        Of each column.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import Periodic
    >>> hours = [[0.0], [6.0], [24.0]]
    >>> phi = Periodic(24).fit(hours)
    >>> phi.transform(hours).round(6)
    array([[0., 1.],
           [1., 0.],
           [0., 1.]])
    >>> phi.get_feature_names_out().tolist()
    ['sin(2 pi x0 / 24)', 'cos(2 pi x0 / 24)']
    >>> Periodic(24, basis="bins", n_bins=4).fit_transform(hours)
    array([[1., 0., 0., 0.],
           [0., 1., 0., 0.],
           [1., 0., 0., 0.]])
    """

    _parameter_constraints = {
        "period": [Interval(Real, 0, None, closed="neither"), "array-like", dict],
        "n_harmonics": [Interval(Integral, 1, MOST_PARTS, closed="both")],
        "basis": [StrOptions({"harmonics", "bins"})],
        "n_bins": [Interval(Integral, 1, MOST_PARTS, closed="both")],
        "origin": [Interval(Real, None, None, closed="neither"), "array-like", dict],
        "missing": [StrOptions({"error", "zero", "nan"})],
        "sparse_output": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        period: Any = 1.0,
        n_harmonics: int = 1,
        *,
        basis: str = "harmonics",
        n_bins: Any = 12,
        origin: Any = 0.0,
        missing: str = "error",
        sparse_output: Any = False,
        n_jobs: int | None = None,
    ) -> None:
        self.period = period
        self.n_harmonics = n_harmonics
        self.basis = basis
        self.n_bins = n_bins
        self.origin = origin
        self.missing = missing
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Take over the periods of the columns.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Numbers, NaN where missing.
        y : ignored
            For pipelines.

        Returns
        -------
        self
            The fitted transformer.
        """
        X = self._check_fit(X, allow_nan=self.missing != "error")
        if self.basis == "bins" and self.missing == "nan":
            raise ValueError("missing='nan' has no bin: use missing='zero', or basis='harmonics'")
        if self.basis == "harmonics" and self.sparse_output:
            raise ValueError("sparse_output=True needs basis='bins': sines and cosines are not sparse")
        self.period_, self.origin_ = self._each("period"), self._each("origin")
        if not (self.period_ > 0).all():
            raise ValueError(f"period={self.period!r}: periods are larger than 0")
        self._spans = self._lay_out(X.shape[1])
        return self

    def _each(self, parameter):
        """(d,) float64: a parameter for each column."""
        given, names = getattr(self, parameter), self._names()
        if isinstance(given, dict):
            absent = [name for name in names if name not in given]
            if absent:
                raise ValueError(f"{parameter}={given!r} has no entry for the column {absent[0]!r}")
            given = [given[name] for name in names]
        each = np.asarray(given, np.float64)
        if each.shape not in ((), (len(names),)) or not np.isfinite(each).all():
            raise ValueError(f"{parameter}={given!r} for {len(names)} columns: give one finite number, or one for each")
        return np.array(np.broadcast_to(each, len(names)))

    def _lay_out(self, d):
        """Spans of the bins; of X modulo its period, in float64."""
        k = self.n_bins
        cuts = [cut_below(equal_parts(0.0, period, k)[1:-1], np.dtype(np.float64)) for period in self.period_]
        begins = [np.append(np.arange(k), 0) + k * j for j in range(d)]
        ends = [np.append(np.arange(k) + 1, 0) + k * j for j in range(d)]  # a missing number has no bin
        return pack(cuts, begins, ends, k * d, np.dtype(np.float64))

    def transform(self, X: Any) -> Any:
        """Harmonics or bins of the rows of X.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Numbers, NaN where missing.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features_out), of the dtype of the X that was fitted
        """
        X = self._check_rows(X)
        if self.basis == "harmonics":
            out = kernels.harmonics(X, self.period_, self.origin_, self.n_harmonics, self.n_jobs)
            self._refuse_far(X, out[:, :: 2 * self.n_harmonics])
            return np.nan_to_num(out, copy=False) if self.missing == "zero" else out
        # float32 would round some remainders up to the next edge
        rest = kernels.wrap(X.astype(np.float64, copy=False), self.period_, self.origin_, self.n_jobs)
        self._refuse_far(X, rest)
        spans = self._spans
        made = spans.list(rest, self.n_jobs) if self.sparse_output else spans.fill(rest, self.n_jobs)
        return made.astype(self._dtype, copy=False)

    def _refuse_far(self, X, made):
        """Name the first number of X that has no place in its period: it, or their ratio, is beyond float64."""
        if checks.first_nonfinite(made) is None:
            return
        lost = np.isnan(made) & ~np.isnan(X)
        if lost.any():
            i, j = np.argwhere(lost)[0]
            raise ValueError(
                f"X[{i}, {j}] is {X[i, j]}, too many periods of {self.period_[j]:g} away from the origin"
                f" {self.origin_[j]:g} to have a place in one"
            )

    def inverse_transform(self, X: Any) -> Any:
        """The numbers of the first period from the origin on, or the middle of the bins; NaN where there is none.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features_out)
            What `transform` gives.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            `origin` <= number <= `origin` + `period`.
        """
        check_is_fitted(self)
        X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
        each = 2 * self.n_harmonics if self.basis == "harmonics" else self.n_bins
        if X.shape[1] != each * self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} columns, but transform gives {each * self.n_features_in_}")
        if self.basis == "bins":
            out = np.full((X.shape[0], self.n_features_in_), np.nan)
            rows, columns = csr_matrix(X).nonzero()
            j = columns // self.n_bins
            out[rows, j] = self.origin_[j] + (columns % self.n_bins + 0.5) * self.period_[j] / self.n_bins
            return out.astype(self._dtype, copy=False)
        X = X.toarray() if hasattr(X, "toarray") else X
        sine, cosine = X[:, ::each].astype(np.float64), X[:, 1::each].astype(np.float64)
        out = self.origin_ + np.arctan2(sine, cosine) / (2 * np.pi) % 1.0 * self.period_
        out[(sine == 0) & (cosine == 0)] = np.nan
        return out.astype(self._dtype, copy=False)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Formulas, such as "sin(2 pi x0 / 24)", or bins, such as "0 <= x0 mod 24 < 2".

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the columns of X; None for those of the fitted frame, or x0, x1, ...
        """
        check_is_fitted(self)
        found = []
        for j, name in enumerate(_check_feature_names_in(self, input_features)):
            p, origin = f"{self.period_[j]:.12g}", self.origin_[j]
            x = name if origin == 0 else f"({name} {'-' if origin > 0 else '+'} {abs(origin):.12g})"
            if self.basis == "bins":
                edges = [f"{b * self.period_[j] / self.n_bins:.12g}" for b in range(self.n_bins + 1)]
                found += [f"{a} <= {x} mod {p} < {b}" for a, b in pairwise(edges)]
            else:
                turns = range(2, 2 * self.n_harmonics + 1, 2)
                found += [f"{f}({h} pi {x} / {p})" for h in turns for f in ("sin", "cos")]
        return np.array(found, object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing != "error"
        tags.requires_fit = True
        return tags
