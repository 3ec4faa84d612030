"""QuantileTransformer: columns made uniform or normal by their quantiles."""

from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from scipy.special import ndtri
from sklearn.preprocessing import QuantileTransformer as ScikitQuantileTransformer
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from fastml.base import drawn_order
from fastml.kinds import canonical
from fastml.preprocessing import in_parts
from fastml.preprocessing.quantiles import nan_quantiles, quantiles_with_zeros
from fastml.preprocessing.scaling import ByKernel, in_c_order
from fastml.warning import warn
from fastml_ext import preprocessing as kernels

__all__ = ["QuantileTransformer"]

NEAREST = 1e-7 - np.spacing(1)  # share of a normal distribution up to which results are told apart
ENDS = float(ndtri(NEAREST)), float(ndtri(1 - NEAREST))


class QuantileTransformer(ByKernel, ScikitQuantileTransformer):
    """Columns of a uniform or normal distribution: each number becomes its share among the fitted ones.

    Quantiles come from one sort of each column, of a sparse table of the numbers that it stores; a number is found
    among them in one search, where scikit-learn interpolates twice. `copy=False` of an array is scikit-learn's code.

    Parameters
    ----------
    n_quantiles : int, default=1000
        Quantiles that are kept of each column; at most as many as there are rows.
    output_distribution : {"uniform", "normal"}, default="uniform"
        What the columns of the result are distributed as.
    ignore_implicit_zeros : bool, default=False
        Whether zeros that a sparse table does not hold are left out.
    subsample : int or None, default=10_000
        Rows drawn for the quantiles where there are more; None takes all.
    random_state : int, RandomState instance or None, default=None
        Of that draw.
    copy : bool, default=True
        False changes the table that is given, where it is an array of floats.

    Attributes
    ----------
    n_quantiles_ : int
        Quantiles that were kept.
    quantiles_ : ndarray of shape (n_quantiles, n_features)
        The quantiles of the columns.
    references_ : ndarray of shape (n_quantiles,)
        Their shares, from 0 to 1.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import QuantileTransformer
    >>> QuantileTransformer(n_quantiles=5).fit_transform([[1.0], [2.0], [4.0], [8.0], [1000.0]]).ravel()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """

    n_quantiles_: int
    quantiles_: np.ndarray
    references_: np.ndarray

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the quantiles of the columns of X, array-like, frame or sparse; NaN is left out."""
        self._made: dict = {}
        if issparse(X):
            ScikitQuantileTransformer.fit(self, self._by_scikit_learn(X))
            self._note_columns()
            return self
        X = self._rows_to_learn(X)
        self._check_subsample()
        self._check_finite_or_missing(X)
        if self.n_quantiles > len(X):
            warn(
                f"n_quantiles ({self.n_quantiles}) is greater than the total number of samples ({len(X)}). n_quantiles"
                " is set to n_samples."
            )
        if self.ignore_implicit_zeros:
            warn("'ignore_implicit_zeros' takes effect only with sparse matrix. This parameter has no effect.")
        self.n_quantiles_ = max(1, min(self.n_quantiles, len(X)))
        self.references_ = np.linspace(0, 1, self.n_quantiles_)
        rows = None
        if self.subsample is not None and self.subsample < len(X):
            rows = np.sort(self._draw(len(X)))
        self.quantiles_ = nan_quantiles(X, self.references_ * 100 / 100, rows)
        return self

    def _count_quantiles(self, n):
        if self.n_quantiles > n:
            warn(
                f"n_quantiles ({self.n_quantiles}) is greater than the total number of samples ({n}). n_quantiles is"
                " set to n_samples."
            )
        self.n_quantiles_ = max(1, min(self.n_quantiles, n))
        self.references_ = np.linspace(0, 1, self.n_quantiles_)

    def _fit_sparse(self, X):
        self._validate_params()
        self._check_subsample()
        X = self._columns(X, in_fit=True)
        self._note_columns()
        n, d = X.shape
        self._count_quantiles(n)
        random, stored, zeros = check_random_state(self.random_state), [], []
        for own in (X.data[X.indptr[j] : X.indptr[j + 1]] for j in range(d)):
            size, whole = len(own), n
            if self.subsample is not None and size > self.subsample:
                whole = self.subsample
                size = whole if self.ignore_implicit_zeros else whole * size // n
                own = random.choice(own, size=size, replace=False)
            stored.append(own)
            zeros.append(0 if self.ignore_implicit_zeros else whole - size)
        self.quantiles_ = quantiles_with_zeros(stored, zeros, self.references_ * 100 / 100)

    def _columns(self, X, in_fit=False, negative=False):
        """A sparse X by its columns, a copy where `copy` asks for one, after scikit-learn's check."""
        with np.errstate(over="ignore", invalid="ignore"):  # of the sums that it looks at first
            X = canonical(X)
            return self._check_inputs(X, in_fit, accept_sparse_negative=negative, copy=self.copy and not in_fit)

    def _check_subsample(self):
        if self.subsample is not None and self.n_quantiles > self.subsample:
            raise ValueError(
                "The number of quantiles cannot be greater than the number of samples used. Got"
                f" n_quantiles={self.n_quantiles} and subsample={self.subsample}."
            )

    def _draw(self, n):
        """Numbers of rows, drawn as scikit-learn draws them, so that the same rows are taken."""
        return drawn_order(check_random_state(self.random_state), n)[: self.subsample]

    def _fit_parts(self, table, reduce):
        self._check_subsample()
        in_parts.fit_drawn(self, table, self._draw_of(table.parts.memory))

    def _draw_of(self, memory):
        def draw(n):
            if 8 * n > memory:
                raise ValueError(
                    f"QuantileTransformer draws its rows by putting {n:,} numbers in random order,"
                    f" {8 * n / 1e6:,.0f} MB, and the table may take {memory / 1e6:,.0f} MB: make it with a larger"
                    " memory, or fit some of the rows"
                )
            return self._draw(n)

        return draw

    def transform(self, X: Any) -> Any:
        """X (n_samples, n_features), array-like, frame or sparse, as shares or normal numbers, in its dtype."""
        if issparse(X):
            check_is_fitted(self)
            return self._each_column(self._columns(X), self._shares_of)
        rows = in_c_order(self._rows(X))
        if not self.copy:
            return ScikitQuantileTransformer.transform(self, self._by_scikit_learn(X))
        out = self._shares_of(rows, slice(None))
        return self._refuse_infinite(rows) if out is None else out

    def _shares_of(self, rows, columns):
        """Shares, or normal numbers, of rows of these columns alone; None where a number is infinite."""
        points, ties = self._points()
        ends = ENDS if self.output_distribution == "normal" else None
        return kernels.to_distribution(rows, points[columns], ties[columns], self.references_, ends)

    def _numbers_of(self, rows, columns):
        """The same backwards."""
        points, _ = self._points()
        normal = self.output_distribution == "normal"
        return kernels.from_distribution(rows, points[columns], self.references_, normal)

    def _each_column(self, X, transform):
        """The stored numbers of a table by columns changed in place, a column at a time."""
        for j in range(X.shape[1]):
            own = slice(X.indptr[j], X.indptr[j + 1])
            if own.stop > own.start:
                X.data[own] = transform(X.data[own][:, None], slice(j, j + 1))[:, 0]
        return X

    def inverse_transform(self, X: Any) -> Any:
        """The numbers that shares, or normal numbers, stand for.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            As `transform` returns them.

        Returns
        -------
        X_original : ndarray or sparse matrix of shape (n_samples, n_features)
        """
        if issparse(X):
            check_is_fitted(self)
            return self._each_column(self._columns(X, negative=True), self._numbers_of)
        if not self.copy:
            return ScikitQuantileTransformer.inverse_transform(self, X)
        rows = in_c_order(self._rows_back(X))
        out = self._numbers_of(rows, slice(None))
        return self._refuse_infinite(rows) if out is None else out

    def _points(self):
        return self._once("points", (self.quantiles_, self.references_, self.output_distribution), self._tables)

    def _tables(self):
        """(quantiles, shares of numbers that equal the last of equal ones), each (n_features, n_quantiles)."""
        points, shares = np.ascontiguousarray(self.quantiles_.T, np.float64), self.references_
        if points.shape != (self.n_features_in_, len(shares)):
            raise ValueError(
                f"quantiles_ of shape {self.quantiles_.shape} were set on the fitted model for {len(shares)} shares of"
                f" {self.n_features_in_} columns"
            )
        first = np.zeros(points.shape, np.int64)
        first[:, 1:] = np.where(points[:, 1:] != points[:, :-1], np.arange(1, len(shares)), 0)
        ties = 0.5 * (shares + shares[np.maximum.accumulate(first, axis=1)])
        if self.output_distribution == "uniform":
            ties[points == points[:, -1:]] = 1
            ties[points == points[:, :1]] = 0
        return points, ties
