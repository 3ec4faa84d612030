"""LinearDiscriminantAnalysis."""

import warnings
from typing import Any, Self

import numpy as np
from sklearn import discriminant_analysis as scikit

from fastml._sklearn import check_array
from fastml.base import Estimator, encode_labels
from fastml.decomposition.spectra import Projection, principal, singular
from fastml.discriminant_analysis.scatter import class_means, scatter
from fastml.operations import Projected
from fastml_ext import blas

__all__ = ["LinearDiscriminantAnalysis"]

FINE = 1e-6  # tol, below which the products are too coarse to tell the rank


class LinearDiscriminantAnalysis(Estimator, scikit.LinearDiscriminantAnalysis):
    """Classes as normal distributions with one covariance: linear borders, and the directions that part the classes.

    The solver "svd" takes the directions from the products of the columns within the classes, summed in one pass,
    where there are more rows than columns. scikit-learn's code serves "lsqr", "eigen" and `store_covariance`.

    Parameters
    ----------
    solver : {"svd", "lsqr", "eigen"}, default="svd"
        How.
    shrinkage : "auto", float or None, default=None
        Towards a diagonal covariance, with "lsqr" and "eigen".
    priors : array-like of shape (n_classes,), default=None
        Of the classes; None for their shares.
    n_components : int, default=None
        Columns that `transform` gives; None for min(n_classes - 1, n_features).
    store_covariance : bool, default=False
        Whether "svd" keeps the covariance.
    tol : float, default=1e-4
        The smallest singular value of the standardised columns that "svd" counts.
    covariance_estimator : estimator, default=None
        In place of `shrinkage`.

    Attributes
    ----------
    classes_, priors_, means_ : ndarray
        The labels, their priors, and the means, a row each.
    coef_, intercept_ : ndarray
        Of the scores; of two classes one row.
    xbar_, scalings_ : ndarray
        The mean, and the directions in columns.
    explained_variance_ratio_ : ndarray
        What each direction holds of the distances between the means.

    Examples
    --------
    >>> from fastml.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LinearDiscriminantAnalysis().fit(X, y)
    >>> model.score(X, y), model.transform(X).shape
    (0.98, (150, 2))
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self : object
        """
        X, y = self._check_fit(X, y, ensure_min_samples=2)
        if self.solver != "svd" or self.store_covariance or self.shrinkage is not None or self.covariance_estimator:
            names = self.__dict__.get("feature_names_in_")
            super().fit(X, y)
            if names is not None:
                self.feature_names_in_ = names
        else:
            with blas.single_unless_small(X.shape):
                self._learn(X, y)
        self._made: dict = {}
        return self

    def _learn(self, X, y):
        self.classes_, codes = encode_labels(y)
        counts = np.bincount(codes)
        self._settle(
            counts,
            X.shape,
            X.dtype,
            lambda: class_means(X, codes, counts),
            lambda means: self._whitening(X, codes, means),
        )

    def _settle(self, counts, shape, dtype, means_of, whitening_of):
        """The borders; means_of() gives the means of the classes, whitening_of(means) what `_whitening` does."""
        (n, d), k = shape, len(self.classes_)
        if n == k:
            raise ValueError(f"The number of samples must be more than the number of classes: both are {n}.")
        priors = self._given_priors(counts / n)
        self._max_components = most = min(k - 1, d)
        if self.n_components is not None:
            if self.n_components > most:
                raise ValueError("n_components cannot be larger than min(n_features, n_classes - 1).")
            self._max_components = self.n_components
        means = means_of()
        scalings = whitening_of(means)
        centre = priors @ means
        between = (np.sqrt(n * priors / max(k - 1, 1))[:, None] * (means - centre)) @ scalings
        _, values, directions = np.linalg.svd(between, full_matrices=False)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = (values**2 / (values**2).sum())[: self._max_components]
        rank = int((values > self.tol * values[0]).sum()) if len(values) else 0
        scalings = scalings @ directions.T[:, :rank]
        placed = (means - centre) @ scalings
        with np.errstate(divide="ignore"):
            intercept = -0.5 * (placed**2).sum(axis=1) + np.log(priors)
        coef = placed @ scalings.T
        intercept -= coef @ centre
        if k == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        self.priors_, self.means_, self.xbar_ = (part.astype(dtype) for part in (priors, means, centre))
        self.explained_variance_ratio_, self.scalings_ = ratio.astype(dtype), scalings.astype(dtype)
        self.coef_, self.intercept_ = coef.astype(dtype), intercept.astype(dtype)
        self._n_features_out = self._max_components

    def _fit_parts(self, table, reduce):
        from fastml.discriminant_analysis.in_parts import fit_linear

        fit_linear(self, table, reduce)

    def _given_priors(self, shares):
        if self.priors is None:
            return shares
        priors = check_array(self.priors, ensure_2d=False, dtype=np.float64)
        if priors.shape != shares.shape:
            raise ValueError(f"priors has shape {priors.shape}, but there are {len(shares)} classes")
        if (priors < 0).any():
            raise ValueError("priors must be non-negative")
        if abs(priors.sum() - 1.0) > 1e-5:
            warnings.warn("The priors do not sum to 1. Renormalizing", UserWarning, stacklevel=4)
            priors = priors / priors.sum()
        return priors

    def _whitening(self, X, codes, means):
        """(d, rank): what takes the rows to a covariance of 1 within the classes."""
        n, d = X.shape
        if n < d or self.tol < FINE:
            Z = X - means[codes]
            deviation = np.sqrt((Z**2).sum(axis=0) / n)
            deviation[deviation == 0] = 1.0
            Z /= np.sqrt(n) * deviation
            values, vectors = singular(Z)
            return self._scaled(values, vectors, deviation)
        return self._of_products(scatter(X, codes, means), n)

    def _of_products(self, products, n):
        """What `_whitening` gives, by the products within the classes of n rows."""
        deviation = np.sqrt(products.diagonal() / n)
        deviation[deviation == 0] = 1.0
        squares, vectors = principal(products / (n * np.multiply.outer(deviation, deviation)), np.float64)
        return self._scaled(np.sqrt(squares), vectors, deviation)

    def _scaled(self, values, vectors, deviation):
        rank = int((values > self.tol).sum())
        if rank == 0:
            raise ValueError(
                f"no column of X differs between rows of one class by more than tol={self.tol:g}, so there is no"
                " covariance within the classes: leave such columns to another model, as DecisionTreeClassifier"
            )
        return (vectors[:rank] / deviation).T / values[:rank]

    def _projection(self, name, make):
        return self._once(name, (self.coef_,), make)

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Logarithms of the classes' probabilities up to a number for each row; of two classes their difference.
        """
        X = self._check_rows(X)
        scores = self._projection("scores", lambda: Projection(self.coef_, self.intercept_, self._dtype))(X)
        return scores.ravel() if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        if len(self.classes_) == 1:
            return self.classes_.take(np.zeros(len(scores), np.intp))
        places = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_.take(places)

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class in each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes)
            Each row adds up to 1.
        """
        if hasattr(self, "classes_") and len(self.classes_) == 1:
            return np.ones((len(self._check_rows(X)), 1), self._dtype)
        return super().predict_proba(X)

    def transform(self, X: Any) -> Any:
        """Rows in the directions that part the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
        """
        if self.solver == "lsqr":
            raise NotImplementedError("transform not implemented for 'lsqr' solver (use 'svd' or 'eigen').")
        X = self._check_rows(X)
        return self._projection("directions", self._directions)(X)

    def _directions(self):
        directions = self.scalings_.T[: self._max_components].astype(np.float64)
        centre = self.xbar_ if self.solver == "svd" else np.zeros(directions.shape[1])
        return Projection(directions, -(directions @ centre), self._dtype)

    def _operation(self, X):
        if self.solver == "lsqr":
            return None
        return Projected(self._projection("directions", self._directions), self.xbar_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        return tags
