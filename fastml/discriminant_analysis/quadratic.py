"""QuadraticDiscriminantAnalysis."""

from typing import Any, Self

import numpy as np
from sklearn import discriminant_analysis as scikit

from fastml.base import Estimator, encode_labels
from fastml.decomposition.spectra import principal, singular
from fastml_ext import blas
from fastml_ext import linear as kernels

__all__ = ["QuadraticDiscriminantAnalysis"]

CLOSE = 2.0**-16  # deviations, up to which one centre for all classes may move a row
COARSE = 1e-8  # smallest beside largest variance, below which the products lose digits that the rows have


class QuadraticDiscriminantAnalysis(Estimator, scikit.QuadraticDiscriminantAnalysis):
    """Classes as normal distributions with a covariance each: borders of the second degree.

    The axes of a class come from the products of its columns, and from the rows themselves where its variances are too
    far apart for that. They are scikit-learn's up to their signs. Its code serves the solver "eigen".

    Parameters
    ----------
    solver : {"svd", "eigen"}, default="svd"
        How.
    shrinkage : "auto", float or None, default=None
        Towards a diagonal covariance, with "eigen".
    priors : array-like of shape (n_classes,), default=None
        Of the classes; None for their shares.
    reg_param : float, default=0.0
        Share of a variance of 1 that each axis gets.
    store_covariance : bool, default=False
        Whether the covariances are kept.
    tol : float, default=1e-4
        The smallest variance that an axis must have.
    covariance_estimator : estimator, default=None
        With "eigen".

    Attributes
    ----------
    classes_, priors_, means_ : ndarray
        The labels, their priors, and the means, a row each.
    scalings_, rotations_ : list of ndarray
        Of each class the variances on its axes, and the axes in columns.
    covariance_ : list of ndarray
        Of each class; with `store_covariance`.

    Examples
    --------
    >>> from fastml.discriminant_analysis import QuadraticDiscriminantAnalysis
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> QuadraticDiscriminantAnalysis().fit(X, y).score(X, y)
    0.98
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
        X, y = self._check_fit(X, y)
        if self.solver != "svd" or self.shrinkage is not None or self.covariance_estimator is not None:
            names = self.__dict__.get("feature_names_in_")
            super().fit(X, y)
            if names is not None:
                self.feature_names_in_ = names
        else:
            self._learn(X, y)
        self._made: dict = {}
        return self

    def _learn(self, X, y):
        self.classes_, codes = encode_labels(y)

        def axes_of(c):
            rows = X[codes == c]
            mean = rows.mean(axis=0, dtype=np.float64)
            rows -= mean.astype(X.dtype)
            return len(rows), mean, lambda: self._axes(rows), rows.shape

        self._settle(np.bincount(codes), X.dtype, axes_of)

    def _settle(self, counts, dtype, axes_of):
        """The classes; axes_of(c): rows of one, its mean, a function for its axes, and the shape of its rows."""
        k = len(self.classes_)
        if k < 2:
            raise ValueError(f"The number of classes has to be greater than one. Got {k} class.")
        self.priors_ = counts / float(counts.sum()) if self.priors is None else np.array(self.priors)
        means, self.scalings_, self.rotations_, covariances = [], [], [], []
        for c, label in enumerate(self.classes_.tolist()):
            n, mean, find, shape = axes_of(c)
            if n == 1:
                raise ValueError(f"y has only 1 sample in class {label}, covariance is ill defined.")
            with blas.single_unless_small(shape):
                variances, axes = find()
            variances = (1 - self.reg_param) * variances + self.reg_param
            self._refuse_flat(variances, label, shape)
            means.append(mean.astype(dtype))
            self.scalings_.append(variances.astype(dtype))
            self.rotations_.append(np.ascontiguousarray(axes.T, dtype))
            covariances.append(((variances * axes.T) @ axes).astype(dtype) if self.store_covariance else None)
        self.means_ = np.array(means)
        self.__dict__.pop("covariance_", None)
        if self.store_covariance:
            self.covariance_ = covariances

    def _fit_parts(self, table, reduce):
        from fastml.discriminant_analysis.in_parts import fit_quadratic

        fit_quadratic(self, table, reduce)

    def _axes(self, rows):
        """(variances descending, axes in rows) of centred rows, which are written over."""
        n, d = rows.shape
        if n > d:
            products = (rows.T @ rows).astype(np.float64, copy=False)
            variances, axes = principal(products / n, np.float64)
            if variances[-1] > COARSE * variances[0] or rows.dtype == np.float32:
                return variances, axes
        values, axes = singular(rows)
        return values.astype(np.float64) ** 2 / n, axes.astype(np.float64)

    def _refuse_flat(self, variances, label, shape):
        n, d = shape
        if (variances > self.tol).sum() == d:
            return
        if n <= d:
            cure = (
                f"When using `solver='svd'` the number of samples in each class should be more than the number of"
                f" features, but class {label} has {n} samples and {d} features. Try using `solver='eigen'` and setting"
                " the parameter `shrinkage` for regularization."
            )
        else:
            cure = "Increase the value of `reg_param` to reduce the collinearity."
        raise np.linalg.LinAlgError(f"The covariance matrix of class {label} is not full rank. {cure}")

    def _decision_function(self, X):
        """scikit-learn's step: the scores of all classes."""
        X = np.ascontiguousarray(self._check_rows(X), self._dtype)
        sides, constant = self._once("sides", (self.means_,), self._sides)
        lengths = [kernels.squared_lengths(X, centre, axes) for centre, axes in sides]
        scores = lengths[0] if len(lengths) == 1 else np.hstack(lengths)
        scores *= -0.5
        scores += constant
        return scores

    def _sides(self):
        """([(a centre, its classes' whitened axes as `squared_lengths` takes them)], the scores' constants).

        All classes have one centre, unless that is so many deviations from a class that the dtype would not tell the
        rows of that class apart: then each has its own.
        """
        means, dtype = self.means_.astype(np.float64), self._dtype
        whiten = [rotation.T / np.sqrt(s)[:, None] for rotation, s in zip(self.rotations_, self.scalings_, strict=True)]
        centre = means.mean(axis=0).astype(dtype)
        apart = max((np.abs(side) @ np.abs(mean - centre)).max() for side, mean in zip(whiten, means, strict=True))
        if apart * np.finfo(dtype).eps < CLOSE:
            offset = [-(side @ (mean - centre)) for side, mean in zip(whiten, means, strict=True)]
            axes = np.array([np.vstack([side.T, at]) for side, at in zip(whiten, offset, strict=True)], dtype)
            sides = [(centre, axes)]
        else:
            nothing = np.zeros(len(centre))
            sides = [(m, np.vstack([side.T, nothing])[None].astype(dtype)) for side, m in zip(whiten, self.means_)]  # noqa: B905
        logs = np.array([np.log(s.astype(np.float64)).sum() for s in self.scalings_])
        with np.errstate(divide="ignore"):
            constant = (np.log(self.priors_) - 0.5 * logs).astype(np.float64)
        return sides, constant

    def decision_function(self, X: Any) -> np.ndarray:
        """The logarithm of each class's share in a row, but for what all classes have in common.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Finite numbers.

        Returns
        -------
        C : ndarray of shape (n_samples, n_classes), for two classes (n_samples,): the second's less the first's
        """
        return super().decision_function(X)

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
        places = self._decision_function(X).argmax(axis=1)
        return self.classes_.take(places)
