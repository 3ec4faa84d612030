"""PCA: the directions in which rows differ most."""

from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import decomposition as scikit

from fastml.base import Estimator
from fastml.decomposition.spectra import (
    centred_products,
    flipped,
    normal_numbers,
    normaliser_of,
    principal,
    projection_of,
    randomised,
    singular,
)
from fastml.operations import Projected
from fastml_ext import blas

__all__ = ["PCA"]


class PCA(Estimator, scikit.PCA):
    """Principal components, as scikit-learn finds them: by the same solver for the same shape, in fewer passes.

    Where the covariance serves, the means and it come from one pass, and are taken again round the means where these
    are large beside the deviations. The exact solver makes no left vectors, and the randomised one iterates on the
    products of the shorter side, from scikit-learn's random numbers. scikit-learn's code serves "arpack", "mle" and
    sparse matrices.

    Parameters
    ----------
    n_components : int, float or "mle", default=None
        How many; a float below 1 for the fewest that explain that share of the variance; None for all.
    copy : bool, default=True
        Kept for scikit-learn's sake: X always stays as it is.
    whiten : bool, default=False
        Whether the results have a variance of 1 each.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}, default="auto"
        How; "auto" chooses by the shape.
    tol : float, default=0.0
        Of "arpack".
    iterated_power : int or "auto", default="auto"
        Rounds of "randomized".
    n_oversamples : int, default=10
        Further directions that "randomized" carries.
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        What keeps these apart.
    random_state : int, RandomState instance or None, default=None
        Of "randomized" and "arpack".

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The directions, each with its largest entry above 0.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
        Variance in each direction, and its share of all.
    singular_values_ : ndarray of shape (n_components,)
        Of the centred X.
    mean_ : ndarray of shape (n_features,)
        Of the columns.
    n_components_, n_samples_, n_features_in_ : int
        How many there are.
    noise_variance_ : float
        Mean variance of the directions left out.

    Examples
    --------
    >>> from fastml.decomposition import PCA
    >>> from sklearn.datasets import load_iris
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(n_components=2).fit(X)
    >>> model.explained_variance_ratio_.round(3)
    array([0.925, 0.053])
    >>> model.transform(X[:1]).round(2)
    array([[-2.68,  0.32]])
    """

    components_: np.ndarray

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the components.

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
        if issparse(X) or self.svd_solver == "arpack" or isinstance(self.n_components, str):
            with np.errstate(invalid="ignore"):  # scikit-learn adds up -inf and inf
                super()._fit(self._check_foreign(X))
        else:
            X = self._check_fit(X)
            with blas.single_unless_small(X.shape):
                self._learn(X)
        self.components_ = np.ascontiguousarray(self.components_)
        self._note_rows(self.components_.dtype, sparse=True)
        self._made: dict = {}
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Find the components, and project the rows; as `fit(X).transform(X)`.

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
        return self.fit(X).transform(X)

    def _fit_parts(self, table, reduce):
        from fastml.decomposition.in_parts import fit_pca

        fit_pca(self, table, reduce)

    def _check_foreign(self, X):
        """X for scikit-learn's solvers, when the parameters have been checked."""
        self._validate_params()
        if issparse(X):
            return X
        X = self._check_fit(X)
        return X if self.copy else X.copy()  # they would write into what is still to be projected

    def _learn(self, X):
        n_components = min(X.shape) if self.n_components is None else self.n_components
        self._fit_svd_solver = solver = self._solver(X.shape, n_components)
        self._check_number(X.shape, n_components, solver)
        n, dtype, total = len(X), X.dtype, None
        if solver == "covariance_eigh":
            mean, products = centred_products(X)
            with np.errstate(divide="ignore", invalid="ignore"):
                variance, vectors = principal(products / (n - 1.0), dtype)
            values = np.sqrt(variance * (n - 1))
        else:
            mean = X.mean(axis=0, dtype=np.float64)
            Z = np.subtract(X, mean.astype(dtype), order="F" if solver == "full" and n >= X.shape[1] else "C")
            if solver == "full":
                values, vectors = singular(Z)
            else:
                values, vectors, total = self._randomised(Z, n_components)
            with np.errstate(divide="ignore", invalid="ignore"):
                variance = values**2 / (n - 1.0)
        self._keep(X.shape, n_components, mean.astype(dtype), values, variance.astype(dtype), flipped(vectors), total)

    def _solver(self, shape, n_components):
        if self.svd_solver != "auto":
            return self.svd_solver
        n, d = shape
        if d <= 1000 and n >= 10 * d:
            return "covariance_eigh"
        return "randomized" if max(shape) > 500 and 1 <= n_components < 0.8 * min(shape) else "full"

    def _check_number(self, shape, n_components, solver):
        low = 1 if solver == "randomized" else 0
        if not low <= n_components <= min(shape):
            raise ValueError(
                f"n_components={n_components!r} must be between {low} and min(n_samples, n_features)={min(shape)} with"
                f" svd_solver={solver!r}"
            )

    def _randomised(self, Z, k):
        """(values, vectors, all of the variance): scikit-learn's steps, the products of the shorter side once."""
        n, d = Z.shape
        rounds = self.iterated_power
        if rounds == "auto":
            rounds = 7 if k < 0.1 * min(n, d) else 4
        start = normal_numbers(self.random_state, (min(n, d), k + self.n_oversamples))
        products = Z.T @ Z if n >= d else Z @ Z.T
        normaliser = normaliser_of(self.power_iteration_normalizer, rounds)
        values, vectors = randomised(Z, products, start.astype(Z.dtype, copy=False), rounds, normaliser)
        return values[:k], vectors[:k], np.trace(products, dtype=np.float64) / (n - 1)

    def _keep(self, shape, n_components, mean, values, variance, vectors, total):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = variance / (variance.sum() if total is None else total)
        k = n_components
        if 0 < n_components < 1:
            k = int(np.searchsorted(np.cumsum(ratio), n_components, side="right")) + 1
        left = min(shape) - k
        noise = 0.0
        if left > 0:
            noise = variance[k:].mean() if total is None else (total - variance.sum()) / left
        dtype = variance.dtype
        self.n_samples_, self.n_components_, self.noise_variance_ = shape[0], int(k), noise
        self.mean_, self.components_ = mean, np.ascontiguousarray(vectors[:k], dtype)
        self.explained_variance_, self.explained_variance_ratio_ = variance[:k].copy(), ratio[:k].astype(dtype)
        self.singular_values_ = values[:k].astype(dtype)

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
        if issparse(X):
            return self._transform(X, np)
        return self._projection()(X)

    def _operation(self, X):
        return Projected(self._projection(), self.mean_)

    def _projection(self):
        return self._once("projection", (self.components_, self.whiten), lambda: projection_of(self))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        return tags
