"""PolynomialFeatures: products of columns, each from one of the degree below."""

from collections.abc import Iterable
from numbers import Integral
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.preprocessing import PolynomialFeatures as ScikitPolynomialFeatures
from sklearn.utils.validation import check_is_fitted, validate_data

from fastml._sklearn import _align_api_if_sparse
from fastml.base import first_nonfinite
from fastml.kinds import array_of_numbers, canonical
from fastml.memory import check_memory
from fastml.preprocessing.scaling import ByKernel
from fastml_ext import preprocessing as kernels

__all__ = ["PolynomialFeatures"]


class PolynomialFeatures(ByKernel, ScikitPolynomialFeatures):
    """Products of columns up to a degree: of [a, b], the columns 1, a, b, a^2, a b, b^2.

    All products of a row are made while it is at hand; of a sparse table they are those of the numbers that it stores.
    `FeatureMap` has chosen products, and other expressions.

    Parameters
    ----------
    degree : int or tuple (min_degree, max_degree), default=2
        The largest degree, or the smallest and the largest; 0 and 1 are one as the smallest.
    interaction_only : bool, default=False
        Whether a column stands in a product once at most.
    include_bias : bool, default=True
        Whether the first column of the result is 1.
    order : {"C", "F"}, default="C"
        Whether rows or columns of the result lie together.

    Attributes
    ----------
    powers_ : ndarray of shape (n_features_out, n_features)
        The exponent of each column in each product.
    n_output_features_ : int
        Columns of the result.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import PolynomialFeatures
    >>> model = PolynomialFeatures(2).fit([[2.0, 3.0]])
    >>> model.transform([[2.0, 3.0]])
    array([[1., 2., 3., 4., 6., 9.]])
    >>> model.get_feature_names_out().tolist()
    ['1', 'x0', 'x1', 'x0^2', 'x0 x1', 'x1^2']
    """

    n_output_features_: int
    _min_degree: int
    _max_degree: int
    _n_out_full: int
    _with_nan = False

    def fit(self, X: Any, y: Any = None) -> Self:
        """Count the products; of X (n_samples, n_features), array-like, frame or sparse, only the width is learnt."""
        self._made: dict = {}
        if issparse(X):
            with np.errstate(over="ignore", invalid="ignore"):  # of the sums that are looked at first
                ScikitPolynomialFeatures.fit(self, X if X.format in ("csr", "csc") else X.tocsr())
            self._note_columns()
            return self
        X = self._rows_to_learn(X)
        if first_nonfinite(X) is not None:
            self._refuse_infinite(X)
        self._min_degree, self._max_degree = self._degrees()
        d, options = X.shape[1], (self.interaction_only, self.include_bias)
        self.n_output_features_ = self._num_combinations(d, self._min_degree, self._max_degree, *options)
        self._n_out_full = self._num_combinations(d, 0, self._max_degree, *options)
        if self.n_output_features_ > np.iinfo(np.intp).max:
            raise ValueError(
                "The output that would result from the current configuration would have"
                f" {self.n_output_features_} features which is too large to be indexed: degree={self.degree!r} of {d}"
                " columns"
            )
        return self

    def _fit_parts(self, table, reduce):
        self.fit(np.zeros((1, table.parts.n_features), table.parts.dtype))

    def _degrees(self):
        """(least, largest)."""
        degree = self.degree
        if isinstance(degree, Integral):
            least, largest = 0, degree
        elif isinstance(degree, Iterable) and len(list(degree)) == 2:
            least, largest = degree
            whole = isinstance(least, Integral) and isinstance(largest, Integral)
            if not whole or not 0 <= int(least) <= int(largest):
                raise ValueError(
                    "degree=(min_degree, max_degree) must be non-negative integers that fulfil min_degree <="
                    f" max_degree, got {degree}."
                )
        else:
            raise ValueError(f"degree must be a non-negative int or tuple (min_degree, max_degree), got {degree}.")
        if largest == 0 and not self.include_bias:
            both = "degree" if isinstance(degree, Integral) else "both min_degree and max_degree"
            raise ValueError(f"Setting {both} to zero and include_bias to False would result in an empty output array.")
        return least, largest

    def transform(self, X: Any) -> Any:
        """The products of the rows.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            Finite numbers; CSR and CSC give these.

        Returns
        -------
        XP : ndarray or sparse matrix of shape (n_samples, n_output_features_), of the dtype of X
        """
        if issparse(X):
            return self._transform_sparse(X)
        rows = self._rows(X)
        if first_nonfinite(rows) is not None:
            self._refuse_infinite(rows)
        steps, n_terms = self._once("steps", (self._max_degree, self.interaction_only, self.include_bias), self._steps)
        wanted = len(rows) * self.n_output_features_ * rows.dtype.itemsize
        if wanted > 1e8:
            told = f"degree={self.degree!r} makes {self.n_output_features_} columns of {len(rows)} rows"
            check_memory(wanted, told, "transform fewer rows at a time, or take a lower degree")
        given = steps, n_terms, self.n_output_features_, self.include_bias, self.order == "F"
        return kernels.products(rows, *given)

    def _transform_sparse(self, X):
        check_is_fitted(self)
        options = {"dtype": (np.float64, np.float32), "reset": False, "accept_sparse": ("csr", "csc")}
        with np.errstate(over="ignore", invalid="ignore"):  # of the sums that scikit-learn looks at first
            X = validate_data(self, array_of_numbers(X), **options)
        rows = canonical(X.tocsr())
        least, largest, apart = self._min_degree, self._max_degree, self.interaction_only
        self._check_stored(np.diff(rows.indptr), rows.dtype.itemsize)
        places = (rows.indices.astype(np.int64, copy=False), rows.indptr.astype(np.int64, copy=False))
        given = self.n_features_in_, least, largest, apart, self.include_bias
        values, columns, begins, width = kernels.sparse_products(rows.data, *places, *given)
        made = csr_array((values, columns, begins), shape=(len(begins) - 1, width), copy=False)
        made.has_sorted_indices = made.has_canonical_format = True
        return _align_api_if_sparse(made.tocsc() if X.format == "csc" else made)

    def _check_stored(self, held, size):
        """Refuse what would be beyond the memory: products of rows with so many numbers, each of that size."""
        count = self._num_combinations
        stored = sum(
            int(rows) * count(int(k), self._min_degree, self._max_degree, self.interaction_only, self.include_bias)
            for k, rows in zip(*np.unique(held, return_counts=True), strict=True)
        )
        if stored > 1e7:
            told = f"degree={self.degree!r} makes {stored} products of the numbers that X stores"
            check_memory(stored * (size + 8), told, "transform fewer rows at a time, or take a lower degree")

    def _steps(self):
        """(steps, terms): `fastml_ext.preprocessing.products` makes the terms of a degree from those below, by steps.

        Those of a column's products begin where the column is the first factor.
        """
        d, at, steps = self.n_features_in_, int(self.include_bias), []
        if self._max_degree == 0:
            return np.empty((0, 4), np.int64), at
        begins = list(range(at, at + d + 1))  # of the terms whose first factor is each column
        at += d
        for _ in range(2, self._max_degree + 1):
            end, below, begins = begins[-1], begins, []
            for j in range(d):
                start = below[j + 1] if self.interaction_only else below[j]
                begins.append(at)
                if end > start:
                    steps.append((start, end, j, at))
                    at += end - start
            begins.append(at)
        return np.array(steps, np.int64).reshape(-1, 4), at
