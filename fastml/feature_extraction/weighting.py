"""TfidfTransformer: counts of words weighed by how few documents have them."""

import math
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.feature_extraction.text import TfidfTransformer as ScikitTfidfTransformer
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import _align_api_if_sparse, validate_data
from fastml.base import Estimator
from fastml.kinds import array_of_numbers, as_numbers, canonical

__all__ = ["TfidfTransformer"]


FIRST = np.zeros(1, np.intp)


class TfidfTransformer(Estimator, ScikitTfidfTransformer, auto_wrap_output_keys=None):
    """scikit-learn's TfidfTransformer, with each row weighed and scaled in place.

    Parameters
    ----------
    norm : {"l1", "l2"} or None, default="l2"
        What each row's length becomes 1 by.
    use_idf : bool, default=True
        Whether a column weighs less the more rows have it.
    smooth_idf : bool, default=True
        Whether one more row is thought of that has every column.
    sublinear_tf : bool, default=False
        Whether 1 + log(count) takes the place of a count.

    Attributes
    ----------
    idf_ : ndarray of shape (n_features,)
        The weights of the columns; with `use_idf`.

    Examples
    --------
    >>> from fastml.feature_extraction.text import TfidfTransformer
    >>> TfidfTransformer().fit_transform([[1, 1], [1, 0]]).toarray().round(2)
    array([[0.58, 0.81],
           [1.  , 0.  ]])
    """

    _allow_nan = False  # of one whose idf_ was set by hand

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the weights of the columns.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts.
        y : object, default=None
            Not used.

        Returns
        -------
        self : object
        """
        X = counted(self._check_fit(X, accept_sparse=("csr", "csc")))
        self._sparse = True
        self.__dict__.pop("idf_", None)
        if self.use_idf:
            n, d = X.shape
            if not issparse(X):
                held = np.count_nonzero(X, axis=0)
            elif X.format == "csr":
                held = np.bincount(X.indices, minlength=d)
            else:
                held = np.diff(X.indptr)
            self._take_frequencies(n, held, X.dtype)
        return self

    def _take_frequencies(self, n, held, dtype):
        """The weights of columns that so many of n rows have."""
        more = int(self.smooth_idf)
        self.idf_ = np.log(np.asarray(n + more, dtype) / (held.astype(dtype) + more)) + dtype.type(1)

    _sparse_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.feature_extraction.in_parts import fit_weights

        fit_weights(self, table, reduce)

    def _note_parts(self, parts):
        """Noted with the weights."""

    def transform(self, X: Any, copy: bool = True) -> Any:
        """Weigh the counts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts.
        copy : bool, default=True
            Whether X stays as it is.

        Returns
        -------
        vectors : sparse matrix of shape (n_samples, n_features)
        """
        given, X = X, self._counts(X)
        X = counted(X.tocsr() if issparse(X) else csr_array(X))
        shared = issparse(given) and np.may_share_memory(X.data, given.data)
        data = X.data.copy() if copy and shared else X.data
        self._weigh_rows(data, X.indices, X.indptr)
        if X is given and data is X.data:  # it was written into
            return _align_api_if_sparse(X)
        return _align_api_if_sparse(type(X)((data, X.indices, X.indptr), shape=X.shape))

    def _weigh_rows(self, data, indices, indptr):
        """Weigh the counts of the rows of a CSR matrix, in place."""
        if self.sublinear_tf:
            np.log(data, out=data)
            data += 1
        weights = self.__dict__.get("idf_")
        if weights is not None:
            data *= weights.astype(data.dtype, copy=False)[indices]
        if self.norm is not None:
            scale_rows(data, indptr, self.norm)

    def _counts(self, X):
        """The rows checked; float32 stays float32, whatever was fitted."""
        check_is_fitted(self)
        options = {"accept_sparse": "csr", "ensure_all_finite": False, "reset": False}
        X = validate_data(self, array_of_numbers(X, True), dtype="numeric", **options)
        X = as_numbers(X, type(self).__name__)
        self._check_finite(X)
        return X


def counted(X):
    """X; a sparse one with an entry for each place that holds a count, and none for a zero, which no document has."""
    X = canonical(X)
    if issparse(X) and not X.data.all():
        X = X.copy()
        X.eliminate_zeros()
    return X


def scale_rows(data, indptr, norm):
    """Divide the values of each row by its length, which is added up in float64; in place."""
    if len(indptr) == 2 and len(data):  # one row
        sizes = np.abs(data) if norm == "l1" else np.square(data, dtype=np.float64)
        length = float(np.add.reduceat(sizes, FIRST, dtype=np.float64)[0])
        length = length if norm == "l1" else math.sqrt(length)
        data /= data.dtype.type(length or 1.0)
        return
    counts = np.diff(indptr)
    some = counts > 0
    sizes = np.abs(data) if norm == "l1" else data.astype(np.float64) ** 2
    lengths = np.add.reduceat(sizes, indptr[:-1][some], dtype=np.float64) if len(data) else np.empty(0)
    lengths = lengths if norm == "l1" else np.sqrt(lengths)
    lengths[lengths == 0] = 1.0
    data /= np.repeat(lengths, counts[some]).astype(data.dtype, copy=False)
