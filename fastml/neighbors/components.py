"""NeighborhoodComponentsAnalysis: the projection in which rows find their class among their neighbours."""

import time
import warnings
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NeighborhoodComponentsAnalysis as ScikitComponents
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from fastml._sklearn import check_array
from fastml.base import Estimator, encode_labels
from fastml_ext import blas
from fastml_ext import neighbors as kernels

__all__ = ["NeighborhoodComponentsAnalysis"]


class NeighborhoodComponentsAnalysis(Estimator, ScikitComponents):
    """A linear projection in which the nearest neighbours of a row are of its class: a step before KNN.

    Each row draws one neighbour, near ones more often, and A is sought by L-BFGS for which most rows are expected to
    draw their own class. A step costs n_samples^2 (n_components + 5) operations, in blocks of 64 rows: no table of all
    distances is held.

    Parameters
    ----------
    n_components : int, default=None
        Columns of the projection; None for n_features.
    init : {"auto", "pca", "lda", "identity", "random"} or ndarray of shape (n_components, n_features), default="auto"
        Where the search begins. "auto" is "lda" for fewer components than classes, "pca" for fewer than columns and
        rows, else "identity".
    warm_start : bool, default=False
        Whether a fit begins where the last one ended.
    max_iter : int, default=50
        Most iterations.
    tol : float, default=1e-5
        Of L-BFGS: the relative fall, and the greatest slope, at which it ends.
    callback : callable, default=None
        Called after each iteration with the flat matrix and the number of the iteration.
    verbose : int, default=0
        Whether the course is printed.
    random_state : int, RandomState instance or None, default=None
        Of init="random" and "pca".

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The projection.
    n_iter_ : int
        How often the search looked on, and one more.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Columns count by their units, as for KNN: scale them first. The target has several maxima; another start may end in
    another (Goldberger, Roweis, Hinton and Salakhutdinov, Neighbourhood Components Analysis, 2004).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastml.neighbors import NeighborhoodComponentsAnalysis
    >>> X, y = load_iris(return_X_y=True)
    >>> NeighborhoodComponentsAnalysis(2, random_state=0).fit_transform(X, y).shape
    (150, 2)
    """

    def __init__(
        self,
        n_components: Any = None,
        *,
        init: Any = "auto",
        warm_start: Any = False,
        max_iter: Any = 50,
        tol: Any = 1e-5,
        callback: Any = None,
        verbose: Any = 0,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            n_components,
            init=init,
            warm_start=warm_start,
            max_iter=max_iter,
            tol=tol,
            callback=callback,
            verbose=verbose,
            random_state=random_state,
        )

    def fit(self, X: Any, y: Any) -> Self:
        """Find the projection.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their classes.

        Returns
        -------
        self
            The fitted transformer.
        """
        before = self.__dict__.get("components_") if self.warm_start else None
        X, y = self._check_fit(X, y, ensure_min_samples=2)
        check_classification_targets(y)
        _, codes = encode_labels(y)
        d = X.shape[1]
        if self.n_components is not None and self.n_components > d:
            raise ValueError(
                f"The preferred dimensionality of the projected space `n_components` ({self.n_components}) cannot be"
                f" greater than the given data dimensionality ({d})! Choose at most as many as X has columns."
            )
        if before is not None and before.shape[1] != d:
            raise ValueError(
                f"The new inputs dimensionality ({d}) does not match the input dimensionality of the previously learned"
                f" transformation ({before.shape[1]}). warm_start=True goes on with the same columns."
            )
        given = self._given(d)
        X = np.ascontiguousarray(X, np.float64)
        began = time.perf_counter()
        with blas.single():
            start = before if before is not None else given if given is not None else self._first(X, y, codes)
            result = self._search(X, codes, np.array(start, np.float64))
        self.components_ = result.x.reshape(-1, d)
        self._note_rows(np.float64)
        if self.verbose:
            if not result.success:
                warnings.warn(
                    f"[{type(self).__name__}] NCA did not converge: {result.message}", ConvergenceWarning, stacklevel=2
                )
            print(f"[{type(self).__name__}] Training took {time.perf_counter() - began:8.2f}s.")
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Project rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        from fastml.decomposition.spectra import Projection

        X = self._check_rows(X)
        return Projection(self.components_, np.zeros(len(self.components_)), self._dtype)(X)

    def _given(self, d):
        """The matrix that is given as `init`, checked, or None."""
        if isinstance(self.init, str):
            return None
        A = check_array(self.init)
        if A.shape[1] != d:
            raise ValueError(
                f"The input dimensionality ({A.shape[1]}) of the given linear transformation `init` must match the"
                f" dimensionality of the given inputs `X` ({d})."
            )
        if len(A) > d:
            raise ValueError(
                f"The output dimensionality ({len(A)}) of the given linear transformation `init` cannot be greater than"
                f" its input dimensionality ({d})."
            )
        if self.n_components is not None and self.n_components != len(A):
            raise ValueError(
                f"The preferred dimensionality of the projected space `n_components` ({self.n_components}) does not"
                f" match the output dimensionality of the given linear transformation `init` ({len(A)})!"
            )
        return A

    def _first(self, X, y, codes):
        """The matrix with which the search begins."""
        n, d = X.shape
        k, init = self.n_components or d, self.init
        random = check_random_state(self.random_state)
        if init == "auto":
            init = "lda" if k <= min(d, codes.max()) else "pca" if k < min(d, n) else "identity"
        if init == "identity":
            return np.eye(k, d)
        if init == "random":
            return random.standard_normal(size=(k, d))
        began = time.perf_counter()
        if self.verbose:
            what = "principal" if init == "pca" else "most discriminative"
            print(f"Finding {what} components... ", end="", flush=True)
        if init == "pca":
            from fastml.decomposition import PCA

            found = PCA(n_components=k, random_state=random).fit(X).components_
        else:
            from fastml.discriminant_analysis import LinearDiscriminantAnalysis

            found = LinearDiscriminantAnalysis(n_components=k).fit(X, y).scalings_.T[:k]
        if self.verbose:
            print(f"done in {time.perf_counter() - began:5.2f}s")
        return found

    def _search(self, X, codes, start):
        """What SciPy's L-BFGS finds from a matrix on."""
        order = np.argsort(codes, kind="stable")
        counts = np.bincount(codes)
        X = np.ascontiguousarray((X - X.mean(axis=0))[order])  # distances stay, and digits are not lost to an offset
        name, d = type(self).__name__, X.shape[1]
        self.n_iter_ = 1
        if self.verbose:
            header = f"{'Iteration':>10} {'Objective Value':>20} {'Time(s)':>10}"
            print(f"[{name}]\n[{name}] {header}\n[{name}] {'-' * len(header)}")

        def loss(flat):
            began = time.perf_counter()
            total, gradient = kernels.class_shares(flat.reshape(-1, d), X, counts)
            if self.verbose:
                print(f"[{name}] {self.n_iter_:>10} {total:>20.6e} {time.perf_counter() - began:>10.2f}", flush=True)
            return -total, -gradient.ravel()

        return minimize(
            loss,
            start.ravel(),
            method="L-BFGS-B",
            jac=True,
            tol=self.tol,
            options={"maxiter": self.max_iter},
            callback=self._callback,
        )
