"""Which distance is meant: names, functions and scikit-learn's objects, as a row of the kernels' table has them."""

import warnings

import numpy as np
from scipy.sparse import issparse

from fastml_ext.neighbors.metrics import COMPUTED, METRICS, SPARSE, TREE, Metric, served_by
from fastml_ext.neighbors.metrics import resolve as resolve_name

__all__ = [
    "COMPUTED",
    "METRICS",
    "SPARSE",
    "TREE",
    "Metric",
    "is_distance_object",
    "resolve",
    "served_by",
    "table_of",
    "takes_missing",
    "warn_of_settings",
]

# scikit-learn's objects, without the bits of their numbers, that mean a metric that a kernel serves
OBJECTS = {f"{row.name.capitalize()}Distance": row.name for row in METRICS.values() if row.code >= 0}


def resolve(metric, p, metric_params, n_features):
    """The Metric that a metric's name or function, `p` and `metric_params` mean for tables of n_features columns."""
    if is_distance_object(metric):
        return of_object(metric, n_features)
    if callable(metric):
        return Metric("callable", function=metric, options=dict(metric_params or {}))
    return resolve_name(metric, p, metric_params, n_features)


def takes_missing(metric):
    """Is it the name of a metric for which NaN stands for a missing value?"""
    return isinstance(metric, str) and metric in METRICS and METRICS[metric].missing


def is_distance_object(metric):
    """Is it one of scikit-learn's DistanceMetric objects? Told by what it can do: importing that class takes long."""
    return hasattr(metric, "pairwise") and hasattr(metric, "rdist_to_dist")


def of_object(metric, n_features):
    """The Metric of a DistanceMetric: ours of the same meaning, else one that computes distances by the object."""
    name = OBJECTS.get(type(metric).__name__[:-2])
    if name == "minkowski":
        p, w, *_ = metric.__getstate__()
        return resolve("minkowski", p, {"w": w} if len(w) else None, n_features)
    return Metric("object", function=metric) if name is None else Metric(name)


def table_of(metric, Q, X):
    """The distances (m, n) of queries and points, by a metric that no kernel of ours knows; either may be sparse."""
    if metric.name == "object":
        dtype = np.float32 if type(metric.function).__name__.endswith("32") else np.float64
        return metric.function.pairwise(*(rows.astype(dtype, copy=False) for rows in (Q, X)))
    if metric.name == "callable":
        if issparse(X) and not issparse(Q):
            Q = type(X)(Q)
        options, (m, n) = metric.options or {}, (Q.shape[0], X.shape[0])
        Q, X = ([rows[[i]] if issparse(rows) else rows[i] for i in range(rows.shape[0])] for rows in (Q, X))
        return np.array([metric.function(q, x, **options) for q in Q for x in X], np.float64).reshape(m, n)
    from scipy.spatial.distance import cdist

    if metric.name == "braycurtis":
        return bray_curtis(Q, X, **metric.options)
    if metric.row.boolean:
        Q, X = Q != 0, X != 0
    return cdist(Q, X, metric.name, **metric.options)


def bray_curtis(Q, X, w=1.0):
    """sum |q - x| / sum (|q| + |x|), 0 between rows of zeros: as scikit-learn has it; SciPy has |q + x| below the line.

    J. R. Bray, J. T. Curtis 1957, whose numbers are never negative: there the two are one.
    """
    from scipy.spatial.distance import cdist

    Q, X = (np.asarray(rows, np.float64) * w for rows in (Q, X))
    apart, sizes = cdist(Q, X, "cityblock"), np.abs(Q).sum(axis=1)[:, None] + np.abs(X).sum(axis=1)
    return np.divide(apart, sizes, out=apart, where=sizes != 0)


def warn_of_settings(estimator, metric):
    """What scikit-learn warns of in the parameters of a search."""
    if "p" in (estimator.metric_params or {}) and estimator.p is not None:
        message = "Parameter p is found in metric_params. The corresponding parameter from __init__ is ignored."
        warnings.warn(message, SyntaxWarning, stacklevel=4)
    if metric.name == "minkowski" and metric.p < 1:
        warnings.warn(
            "Mind that for 0 < p < 1, Minkowski metrics are not distance metrics. Continuing the execution with"
            " `algorithm='brute'`.",
            stacklevel=4,
        )
