"""IncrementalPCA: principal components of rows that come in batches."""

from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import decomposition as scikit

from fastml.base import Estimator
from fastml.decomposition.spectra import flipped, projection_of, singular
from fastml.operations import Projected
from fastml_ext import blas
from fastml_ext import preprocessing as kernels

__all__ = ["IncrementalPCA"]

LEARNT = (
    *("components_", "n_samples_seen_", "mean_", "var_", "singular_values_", "explained_variance_"),
    *("explained_variance_ratio_", "noise_variance_", "batch_size_"),
)


class IncrementalPCA(Estimator, scikit.IncrementalPCA):
    """Principal components of rows that come in batches, as scikit-learn finds them.

    Of the rows before, their components, mean and variances are kept. The decomposition of a batch makes no left
    singular vectors, and its moments come from one pass; float32 stays float32, of which scikit-learn's second batch
    makes float64.

    Parameters
    ----------
    n_components : int, default=None
        How many; None for all that the first batch has.
    whiten : bool, default=False
        Whether the results have a variance of 1 each.
    copy : bool, default=True
        Kept for scikit-learn's sake: X always stays as it is.
    batch_size : int, default=None
        Rows that `fit` takes at a time; None for 5 times the columns.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The directions, each with its largest entry above 0.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
        Variance in each direction, and its share of all.
    singular_values_ : ndarray of shape (n_components,)
        Of the centred rows.
    mean_, var_ : ndarray of shape (n_features,)
        Of the columns.
    noise_variance_ : float
        Mean variance of the directions left out.
    n_components_, n_samples_seen_, batch_size_, n_features_in_ : int
        How many there are.

    Examples
    --------
    >>> from fastml.decomposition import IncrementalPCA
    >>> from sklearn.datasets import load_iris
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = IncrementalPCA(n_components=2, batch_size=50).fit(X)
    >>> model.explained_variance_ratio_.round(2)
    array([0.92, 0.05])
    """

    components_: np.ndarray
    n_components_: int
    n_samples_seen_: int
    mean_: np.ndarray
    var_: np.ndarray
    singular_values_: np.ndarray

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the components, in batches.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : object, default=None
            Not used.

        Returns
        -------
        self : object
        """
        for name in LEARNT:
            self.__dict__.pop(name, None)
        X = self._check_fit(X, accept_sparse="csr")
        self.batch_size_ = 5 * X.shape[1] if self.batch_size is None else self.batch_size
        for some in batches(X.shape[0], self.batch_size_, self.n_components or 0):
            self._learn_batch(X[some].toarray() if issparse(X) else X[some])
        return self

    def partial_fit(self, X: Any, y: Any = None, check_input: bool = True) -> Self:
        """Go on with one more batch.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Its rows.
        y : object, default=None
            Not used.
        check_input : bool, default=True
            False where X is known to be a finite table of floats.

        Returns
        -------
        self : object
        """
        if issparse(X):
            raise TypeError(
                "IncrementalPCA.partial_fit does not support sparse input. Either convert data to dense or use"
                " IncrementalPCA.fit to do so in batches."
            )
        if not hasattr(self, "components_"):
            X = self._check_fit(X)
            self._sparse = "csr"
        elif check_input:
            self._validate_params()
            X = self._check_rows(X)
        self._learn_batch(X)
        return self

    def _learn_batch(self, X):
        with blas.single_unless_small(X.shape):
            self._learn(X)

    def _learn(self, X):
        self._made: dict = {}
        n, d = X.shape
        seen = getattr(self, "n_samples_seen_", 0)
        k = self._number(n, d)
        _, mean, squares = kernels.moments(X)
        rows = np.subtract(X, mean.astype(X.dtype))
        total = seen + n
        if seen:
            correction = np.sqrt(seen / total * n) * (self.mean_ - mean)
            rows = np.vstack((self.singular_values_[:, None] * self.components_, rows, correction)).astype(X.dtype)
            apart = mean - self.mean_
            squares = self.var_ * seen + squares + apart**2 * (seen * (n / total))
            mean = self.mean_ + apart * (n / total)
        values, vectors = singular(np.asfortranarray(rows))
        with np.errstate(divide="ignore", invalid="ignore"):
            variance, ratio = values**2 / (total - 1), values**2 / squares.sum()
        self.n_components_, self.n_samples_seen_ = k, total
        self.components_ = np.ascontiguousarray(flipped(vectors[:k]), X.dtype)
        self.singular_values_, self.mean_, self.var_ = values[:k].copy(), mean, squares / total
        self.explained_variance_, self.explained_variance_ratio_ = variance[:k].copy(), ratio[:k].astype(X.dtype)
        self.noise_variance_ = variance[k:].mean() if k not in (n, d) else 0.0

    def _number(self, n, d):
        """How many components there will be."""
        known = len(self.components_) if hasattr(self, "components_") else None
        asked = self.n_components
        if asked is None:
            return min(n, d) if known is None else known
        if asked > d:
            raise ValueError(
                f"n_components={asked} invalid for n_features={d}, need more rows than columns for IncrementalPCA"
                " processing"
            )
        if known is None and asked > n:
            raise ValueError(
                f"n_components={asked} must be less or equal to the batch number of samples {n} for the first"
                " partial_fit call."
            )
        if known is not None and known != asked:
            raise ValueError(
                f"Number of input features has changed from {known} to {asked} between calls to partial_fit! Try"
                " setting n_components to a fixed value."
            )
        return asked

    def transform(self, X: Any) -> Any:
        """Project rows on the components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
        """
        X = self._check_rows(X)
        project = self._projection()
        if not issparse(X):
            return project(X)
        size = getattr(self, "batch_size_", 5 * X.shape[1])
        return np.vstack([project(X[some].toarray()) for some in batches(X.shape[0], size)])

    def _operation(self, X):
        return Projected(self._projection(), self.mean_)

    def _projection(self):
        return self._once("projection", (self.components_, self.whiten), lambda: projection_of(self))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        return tags


def batches(n, size, least=0):
    """Slices of so many of n rows; the last one has up to `least` more, so that none has fewer than that."""
    ends = [end for end in range(size, n + 1, size) if end + least <= n]
    starts = [0, *ends]
    return [slice(*both) for both in zip(starts, [*ends, n], strict=True) if both[0] < both[1]]
