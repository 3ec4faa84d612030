"""A KD-tree to ask directly."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastml._sklearn import check_array
from fastml.base import as_numbers, refuse_nonfinite
from fastml.kinds import array_of_numbers
from fastml.neighbors.choice import choose
from fastml.neighbors.flat import to_rows
from fastml.neighbors.metrics import METRICS, TREE, resolve, served_by
from fastml.neighbors.queries import check_k
from fastml_ext import neighbors as kernels

__all__ = ["KDTree"]


class KDTree:
    """Points in a tree, for neighbours in low dimension: the k nearest, all within a radius, pairs, counts.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The points, finite. float32 is searched in float32, all else in float64.
    leaf_size : int, default=40
        Points in a leaf, taken as a hint: leaves hold 16 or 32, up to 16 and from 64 on as asked for, else what suits
        the number of columns; never changes the answer.
    metric : {"minkowski", "euclidean", "manhattan", "chebyshev"}, default="minkowski"
        The distance, with scikit-learn's synonyms ("l1", "l2", "p", "cityblock", "infinity").
    p : float, default=2
        Power of the Minkowski distance, at least 1.
    w : array-like of shape (n_features,), default=None
        Weights of the columns, for metric="minkowski".
    n_jobs : int, default=None
        Threads of building and of every query: None for every processor this process may use.

    Attributes
    ----------
    data : ndarray of shape (n_samples, n_features)
        The points.

    Raises
    ------
    ValueError
        For points that are not a finite table, and for a metric that a tree cannot serve.

    Notes
    -----
    J. Bentley, Multidimensional binary search trees used for associative searching, Commun. ACM 18 (1975);
    J. Friedman, J. Bentley, R. Finkel, An algorithm for finding best matches in logarithmic expected time, ACM Trans.
    Math. Softw. 3 (1977). Neighbours stand in order of (distance, index).

    Examples
    --------
    >>> from fastml.neighbors import KDTree
    >>> tree = KDTree([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]])
    >>> distances, indices = tree.query([[0.9, 0.0]], k=2)
    >>> indices
    array([[1, 0]])
    >>> tree.query_radius([[0.0, 0.0]], r=1.0)[0]
    array([0, 1])
    >>> tree.query_pairs(r=1.0)
    array([[0, 1]])
    """

    valid_metrics = sorted(name for served in served_by(TREE) for name in (served, *METRICS[served].aliases))

    def __init__(
        self,
        X: ArrayLike,
        leaf_size: int = 40,
        metric: Any = "minkowski",
        *,
        p: float = 2,
        w: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.data = self._check_table(X)
        self.leaf_size, self.metric, self.n_jobs = leaf_size, metric, n_jobs
        if not isinstance(leaf_size, (int, np.integer)) or leaf_size < 1:
            raise ValueError(f"leaf_size={leaf_size!r} must be a whole number, at least 1")
        parameters = {"w": w} if w is not None else None
        self._metric = resolve(metric, p, parameters, self.data.shape[1])
        choose("kd_tree", self._metric, self.data, 1)
        self._tree = kernels.build_tree(self.data, leaf_size, self._metric.name, self._metric.p, self._metric.w, n_jobs)

    def __len__(self):
        return len(self.data)

    def query(
        self,
        X: Any,
        k: int = 1,
        return_distance: bool = True,
        dualtree: bool = False,
        breadth_first: bool = False,
        sort_results: bool = True,
        *,
        upper_bound: float = np.inf,
        allowed: ArrayLike | None = None,
    ) -> Any:
        """The k nearest points of each query, nearest first.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.
        k : int, default=1
            How many.
        return_distance : bool, default=True
            Whether distances are wanted too.
        dualtree, breadth_first, sort_results : bool
            Accepted for scikit-learn's sake; none changes the answer, which is always sorted.
        upper_bound : float or array-like of shape (n_queries,), default=inf
            Only points at most so far are found.
        allowed : array-like of bool of shape (n_samples,), default=None
            Only these points are found.

        Returns
        -------
        distances : ndarray of shape (n_queries, k)
            inf where fewer than k points are near enough and allowed. Only if `return_distance`.
        indices : ndarray of shape (n_queries, k), int64
            -1 where there is none.
        """
        Q, k = self._check_queries(X), check_k(k, len(self.data))
        bound = self._check_radius("upper_bound", upper_bound, len(Q))
        mask = self._check_mask(allowed)
        distances, indices = kernels.query_tree(self._tree, Q, k, bound, mask, n_jobs=self.n_jobs)
        return (distances, indices) if return_distance else indices

    def query_radius(
        self,
        X: Any,
        r: Any,
        return_distance: bool = False,
        count_only: bool = False,
        sort_results: bool = False,
        *,
        allowed: ArrayLike | None = None,
    ) -> Any:
        """All points within a radius of each query, those at the radius included, nearest first.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.
        r : float or array-like of shape (n_queries,)
            The radius, of all or of each.
        return_distance : bool, default=False
            Whether distances are wanted too.
        count_only : bool, default=False
            Whether only the number of points is wanted.
        sort_results : bool, default=False
            Accepted for scikit-learn's sake: results are always sorted.
        allowed : array-like of bool of shape (n_samples,), default=None
            Only these points are found.

        Returns
        -------
        counts : ndarray of shape (n_queries,), int64
            If `count_only`.
        indices, distances : ndarray of shape (n_queries,), dtype object
            An array for each query; the distances only if `return_distance`.
        """
        if count_only and return_distance:
            raise ValueError("count_only=True returns no distances: pass return_distance=False")
        Q = self._check_queries(X)
        r, mask = self._check_radius("r", r, len(Q)), self._check_mask(allowed)
        if count_only:
            return kernels.count_radius(self._tree, Q, r, mask, n_jobs=self.n_jobs)
        starts, indices, distances = kernels.query_radius(self._tree, Q, r, mask, n_jobs=self.n_jobs)
        indices = to_rows(indices, starts)
        return (indices, to_rows(distances, starts)) if return_distance else indices

    def query_pairs(self, r: Any, *, allowed: ArrayLike | None = None) -> np.ndarray:
        """All pairs of points within the radius r of one another: (n_pairs, 2), the lower index first, in order."""
        return kernels.pairs(self._tree, self._check_radius("r", r, 1), self._check_mask(allowed), n_jobs=self.n_jobs)

    def count_pairs(self, r: Any, *, allowed: ArrayLike | None = None) -> int:
        """Number of pairs that `query_pairs` would return."""
        r, mask = self._check_radius("r", r, 1), self._check_mask(allowed)
        return kernels.count_pairs(self._tree, r, mask, n_jobs=self.n_jobs)

    def two_point_correlation(self, X: Any, r: Any, dualtree: bool = False) -> np.ndarray:
        """Number of pairs of a query and a point within each of the radii r (n_radii,): (n_radii,), int64."""
        Q = self._check_queries(X)
        counts = [kernels.count_radius(self._tree, Q, self._check_radius("r", radius, 1), n_jobs=self.n_jobs).sum()
                  for radius in np.atleast_1d(r)]  # fmt: skip
        return np.array(counts, np.int64)

    def kernel_density(self, X: Any, h: float, kernel: str = "gaussian", **options: Any) -> np.ndarray:
        """Density of the points at the rows of X; handed to scikit-learn's KDTree, with its parameters."""
        from sklearn.neighbors import KDTree as Original

        parameters = {"p": self._metric.p} if self._metric.name == "minkowski" else {}
        return Original(self.data, self.leaf_size, self._metric.name, **parameters).kernel_density(
            X, h, kernel, **options
        )

    def _check_table(self, X):
        X = check_array(array_of_numbers(X), dtype="numeric", order="C", ensure_all_finite=False)
        X = as_numbers(X, "KDTree")
        refuse_nonfinite(X, "KDTree")
        return X

    def _check_queries(self, X):
        Q, d = self._check_table(X), self.data.shape[1]
        if Q.shape[1] != d:
            raise ValueError(f"X has {Q.shape[1]} features, but this KDTree has points of {d} features")
        return Q.astype(self.data.dtype, copy=False)

    def _check_radius(self, name, r, m):
        r = np.asarray(r, np.float64)
        if r.ndim > 1 or (r.ndim == 1 and len(r) != m):
            raise ValueError(f"{name} has shape {r.shape} for {m} queries: pass one number, or one for each query")
        if not (r >= 0).all():
            raise ValueError(f"{name}={r[~(r >= 0)].flat[0] if r.ndim else r} must be a number, at least 0")
        return r

    def _check_mask(self, allowed):
        if allowed is None:
            return None
        mask = np.asarray(allowed)
        if mask.dtype != bool or mask.shape != (len(self.data),):
            raise ValueError(
                f"allowed must hold {len(self.data)} bools, one for each point;"
                f" it holds {mask.dtype} of shape {mask.shape}"
            )
        return np.ascontiguousarray(mask)

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_tree"}

    def __setstate__(self, state):
        vars(self).update(state)
        self._tree = kernels.build_tree(
            self.data, self.leaf_size, self._metric.name, self._metric.p, self._metric.w, self.n_jobs
        )
