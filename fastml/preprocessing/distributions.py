"""QuantileTransformer: columns made uniform or normal by their quantiles."""

from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from scipy.special import ndtri
from sklearn.preprocessing import QuantileTransformer as ScikitQuantileTransformer
from sklearn.utils import check_random_state

from fastml.preprocessing import in_parts
from fastml.preprocessing.quantiles import nan_quantiles, rows_at
from fastml.preprocessing.scaling import ByKernel
from fastml.warning import warn
from fastml_ext import preprocessing as kernels

__all__ = ["QuantileTransformer"]

NEAREST = 1e-7 - np.spacing(1)  # share of a normal distribution up to which results are told apart
ENDS = float(ndtri(NEAREST)), float(ndtri(1 - NEAREST))


class QuantileTransformer(ByKernel, ScikitQuantileTransformer):
    """Columns of a uniform or normal distribution: each number becomes its share among the fitted ones.

    Quantiles come from one sort of each column; a number is found among them in one search, where scikit-learn
    interpolates twice. Sparse tables and `copy=False` are scikit-learn's code.

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
        if self.subsample is not None and self.subsample < len(X):
            X = rows_at(X, self._draw(len(X)))
        self.quantiles_ = nan_quantiles(X, self.references_ * 100 / 100)
        return self

    def _check_subsample(self):
        if self.subsample is not None and self.n_quantiles > self.subsample:
            raise ValueError(
                "The number of quantiles cannot be greater than the number of samples used. Got"
                f" n_quantiles={self.n_quantiles} and subsample={self.subsample}."
            )

    def _draw(self, n):
        """Numbers of rows, drawn as scikit-learn draws them, so that the same rows are taken."""
        places = np.arange(n)
        check_random_state(self.random_state).shuffle(places)
        return places[: self.subsample]

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
        rows = None if issparse(X) else self._rows(X)
        if rows is None or not self.copy:
            return ScikitQuantileTransformer.transform(self, self._by_scikit_learn(X))
        points, ties = self._points()
        ends = ENDS if self.output_distribution == "normal" else None
        out = kernels.to_distribution(rows, points, ties, self.references_, ends)
        return self._refuse_infinite(rows) if out is None else out

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
        rows = None if issparse(X) or not self.copy else self._rows_back(X)
        if rows is None:
            return ScikitQuantileTransformer.inverse_transform(self, X)
        points, _ = self._points()
        out = kernels.from_distribution(rows, points, self.references_, self.output_distribution == "normal")
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
