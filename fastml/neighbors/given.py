"""What `fit` gets instead of rows: a fitted search or a tree, or distances."""

import numpy as np
from scipy.sparse import issparse

from fastml.neighbors.metrics import Metric, is_distance_object, resolve

__all__ = ["check_distances", "points_of"]

ZEROS_KEPT = ("csr", "csc", "coo", "lil")  # formats that can store a distance of 0


def points_of(X):
    """(points, Metric of the search) of a KDTree, a BallTree or a fitted estimator; (X, None) of anything else."""
    if isinstance(getattr(X, "_metric", None), Metric):  # KDTree
        return X.data, X._metric
    if hasattr(X, "effective_metric_") and hasattr(X, "_fit_X"):  # fastml's searches, and scikit-learn's
        parameters = {key: value for key, value in X.effective_metric_params_.items() if value is not None}
        metric = resolve(X.effective_metric_, 2, parameters, X._fit_X.shape[1])
        if metric.name == "precomputed":
            raise ValueError(f"X is a {type(X).__name__} of precomputed distances: pass the distances themselves")
        return X._fit_X if issparse(X._fit_X) else np.asarray(X._fit_X), metric
    if type(X).__module__.startswith("sklearn.neighbors") and hasattr(X, "query_radius"):
        points = np.asarray(X.data)
        metric = next(part for part in X.__getstate__() if is_distance_object(part))
        return points, resolve(metric, 2, None, points.shape[1])
    return X, None


def check_distances(X):
    """Refuse a table of distances with a negative one, or in a sparse format that drops zeros."""
    if issparse(X):
        if X.format not in ZEROS_KEPT:
            raise TypeError(
                f"Sparse matrix in {X.format!r} format is not supported due to its handling of explicit zeros: pass"
                f" the distances as CSR"
            )
        values = X.tocsr().data
        called = "precomputed distance matrix"
    else:
        values, called = np.asarray(X), "X"
    if values.dtype.kind in "if" and values.size and values.min() < 0:
        raise ValueError(
            f"Negative values in data passed to {called}. metric='precomputed' takes distances, none below 0;"
            f" the smallest is {values.min()}"
        )
