"""TruncatedSVD: the leading singular vectors of a table that is not centred."""

from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import decomposition as scikit

from fastml.base import Estimator
from fastml.decomposition.spectra import FEW, Projection, flipped, normal_numbers, normaliser_of, randomised, singular
from fastml.operations import Projected
from fastml_ext import blas

__all__ = ["TruncatedSVD"]


class TruncatedSVD(Estimator, scikit.TruncatedSVD):
    """Leading singular vectors, as scikit-learn finds them; of words' counts, latent semantic analysis.

    The randomised solver iterates on the products of the shorter side of a dense table, from scikit-learn's random
    numbers. scikit-learn's code serves sparse matrices and "arpack".

    Parameters
    ----------
    n_components : int, default=2
        How many.
    algorithm : {"arpack", "randomized"}, default="randomized"
        How.
    n_iter : int, default=5
        Rounds of "randomized".
    n_oversamples : int, default=10
        Further directions that it carries.
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        What keeps these apart.
    random_state : int, RandomState instance or None, default=None
        Of the start.
    tol : float, default=0.0
        Of "arpack".

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The right singular vectors.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
        Variance of the results, and its share of all.
    singular_values_ : ndarray of shape (n_components,)
        Of X.
    n_features_in_ : int
        Columns of X.

    Examples
    --------
    >>> from fastml.decomposition import TruncatedSVD
    >>> from sklearn.datasets import load_iris
    >>> X, _ = load_iris(return_X_y=True)
    >>> TruncatedSVD(2, random_state=0).fit(X).singular_values_.round(2)
    array([95.96, 17.76])
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the vectors.

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
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Find the vectors, and project the rows; as `fit(X).transform(X)`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : object, default=None
            Not used.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
        """
        if issparse(X) or self.algorithm == "arpack":
            with np.errstate(invalid="ignore"):  # scikit-learn adds up -inf and inf
                result = super().fit_transform(X)
        else:
            X = self._check_fit(X, ensure_min_features=2)
            with blas.single_unless_small(X.shape):
                result = self._learn(X)
        self._note_rows(self.components_.dtype, sparse=True)
        return result

    def _fit_parts(self, table, reduce):
        from fastml.decomposition.in_parts import fit_truncated

        fit_truncated(self, table, reduce)

    def _learn(self, X):
        n, d = X.shape
        k = self.n_components
        if k > d:
            raise ValueError(f"n_components({k}) must be <= n_features({d}).")
        size = k + self.n_oversamples
        start = normal_numbers(self.random_state, (min(n, d), size)).astype(X.dtype, copy=False)
        if size >= min(n, d) and X.size <= FEW:  # the subspace is all there is
            values, vectors = singular(np.array(X, order="F"))
        else:
            products = X.T @ X if n >= d else X @ X.T
            normaliser = normaliser_of(self.power_iteration_normalizer, self.n_iter)
            values, vectors = randomised(X, products, start, self.n_iter, normaliser)
        self.components_ = np.ascontiguousarray(flipped(vectors[:k]))
        result = Projection(self.components_, np.zeros(len(self.components_)), X.dtype)(X)
        self.explained_variance_ = np.var(result, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.explained_variance_ratio_ = self.explained_variance_ / np.var(X, axis=0).sum()
        self.singular_values_ = values[:k].copy()
        return result

    def transform(self, X: Any) -> Any:
        """Project rows on the vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
        """
        X = self._check_rows(X)
        if issparse(X):
            return X @ self.components_.T
        return self._projection()(X)

    def _projection(self):
        return Projection(self.components_, np.zeros(len(self.components_)), self._dtype)

    def _operation(self, X):
        return Projected(self._projection(), np.zeros(X.shape[1]))
