"""Searches for neighbours, without labels."""

from numbers import Integral, Real
from typing import Any, Self

from fastml.base import Interval
from fastml.neighbors import queries
from fastml.neighbors.base import NeighborSearch

__all__ = ["NearestNeighbors"]


class NearestNeighbors(NeighborSearch):
    """Search for the nearest of the fitted points, or for all within a radius.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours that `kneighbors` finds.
    radius : float, default=1.0
        Distance up to which `radius_neighbors` finds points.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        How neighbours are searched; the answer is the same. "auto" takes the faster one by a table of measurements,
        "ball_tree" is served by the KD-tree. `algorithm_` says what served.
    leaf_size : int, default=30
        Points in a leaf of the tree; never changes the answer.
    metric : str or callable, default="minkowski"
        euclidean, manhattan, chebyshev, minkowski (with `p` and weights of columns `w`), hamming (the share of columns
        that differ), cosine, nan_euclidean, haversine (latitude and longitude in radians), "precomputed" (X holds
        distances), SciPy's other metrics, or a function of two rows (d,) that returns a number; it is compiled.
    p : float, default=2
        Power of the Minkowski distance: 1 is Manhattan, 2 Euclidean, inf Chebyshev.
    metric_params : dict, default=None
        Further parameters of the metric, such as {"w": weights of the columns}.
    n_jobs : int, default=None
        Threads: None for every processor this process may use, -1 for the same, 1 for none but the caller's.
    verbose : int, default=0
        1 shows a bar with the time left on long searches.

    Attributes
    ----------
    algorithm_ : str
        "kd_tree" or "brute".
    effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.neighbors import NearestNeighbors
    >>> search = NearestNeighbors(n_neighbors=2).fit([[0.0], [1.0], [5.0]])
    >>> distances, indices = search.kneighbors([[1.2]])
    >>> indices
    array([[1, 0]])
    """

    _parameter_constraints = NeighborSearch._parameter_constraints | {
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "radius": [Interval(Real, 0, None, closed="both"), None],
    }

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: Any = "minkowski",
        p: float = 2,
        metric_params: dict | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Prepare the search among the rows of X; y is ignored.

        X : array-like or CSR of shape (n_samples, n_features), or a fitted search or tree, whose points and metric
        are taken
        """
        return self._fit_points(self._check_points(X))

    kneighbors, kneighbors_graph = queries.kneighbors, queries.kneighbors_graph
    radius_neighbors, radius_neighbors_graph = queries.radius_neighbors, queries.radius_neighbors_graph
