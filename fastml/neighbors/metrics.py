"""Which distance is meant, and which algorithm can serve it."""

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

__all__ = [
    "KERNELS",
    "SCIPY",
    "SPARSE",
    "TREE",
    "Metric",
    "is_distance_object",
    "resolve",
    "table_of",
    "warn_of_settings",
]

ALIASES = {
    "l2": "euclidean",
    "l1": "manhattan",
    "cityblock": "manhattan",
    "infinity": "chebyshev",
    "p": "minkowski",
    "nan-euclidean": "nan_euclidean",
}
TREE = ("euclidean", "manhattan", "chebyshev", "minkowski")  # a KD-tree bounds these column by column
SPARSE = ("euclidean", "manhattan", "cosine")
KERNELS = (*TREE, "hamming", "cosine", "nan_euclidean", "haversine")
# SciPy computes these, in blocks of queries; they are searched as rows of distances.
SCIPY = (
    "braycurtis", "canberra", "correlation", "dice", "jaccard", "mahalanobis", "rogerstanimoto", "russellrao",
    "seuclidean", "sokalsneath", "sqeuclidean", "yule",
)  # fmt: skip
OF_BOOLEANS = ("dice", "jaccard", "rogerstanimoto", "russellrao", "sokalsneath", "yule")  # what is not 0 is true


class Metric(NamedTuple):
    """A distance, with its parameters in one form: name "minkowski" only where no faster name says the same."""

    name: str
    p: float = 2.0
    w: np.ndarray | None = None
    function: Any = None  # of two rows, or scikit-learn's DistanceMetric
    options: dict | None = None  # of a metric that SciPy computes, or of a function

    @property
    def parameters(self):
        """As scikit-learn's effective_metric_params_ has them."""
        return {"p": self.p, "w": self.w} if self.name == "minkowski" else dict(self.options or {})


def resolve(metric, p, metric_params, n_features):
    """The Metric that a metric's name or function, `p` and `metric_params` mean for tables of n_features columns."""
    options = dict(metric_params or {})
    if is_distance_object(metric):
        return of_object(metric, n_features)
    if callable(metric):
        return Metric("callable", function=metric, options=options)
    name = ALIASES.get(metric, metric)
    if name in STATED:
        options = stated(name, options)
    if name == "precomputed" or name in SCIPY:
        return Metric(name, options=options)
    if name not in KERNELS:
        raise ValueError(
            f"metric={metric!r} is not known; choose from {', '.join(sorted([*KERNELS, *SCIPY, *ALIASES]))},"
            f" precomputed, or pass a function of two rows"
        )
    if name == "minkowski":
        return minkowski(options.pop("p", p), options.pop("w", None), n_features, options)
    if name == "nan_euclidean":
        options.pop("missing_values", None)
    refuse_unknown(options, name)
    if name == "haversine" and n_features != 2:
        raise ValueError(
            f"Haversine distance only valid in 2 dimensions: metric='haversine' takes latitude and longitude, in"
            f" radians, but X has {n_features} columns"
        )
    return Metric(name)


# What these metrics are relative to. SciPy would take it from the queries asked together, so that one query's distances
# would depend on the others'.
STATED = {"seuclidean": ("V", "X.var(axis=0, ddof=1)"), "mahalanobis": ("VI", "np.linalg.inv(np.cov(X.T))")}


def stated(name, options):
    """The options of a metric that is relative to variances, which must be given: V, for mahalanobis its inverse VI."""
    key, example = STATED[name]
    if name == "mahalanobis" and options.get("VI") is None and options.get("V") is not None:
        options = {k: v for k, v in options.items() if k != "V"} | {"VI": np.linalg.inv(options["V"])}
    if options.get(key) is None:
        given = "'V'" if key == "V" else "'V' or 'VI'"
        raise ValueError(
            f"The {given} parameter is required for the {name} metric when Y is passed: for metric={name!r} give"
            f" metric_params={{{key!r}: {example}}}"
        )
    return options


def minkowski(p, w, n_features, options):
    refuse_unknown(options, "minkowski")
    if not p > 0:
        raise ValueError(f"p={p} must be greater than 0")
    if w is not None:
        w = np.asarray(w, np.float64)
        if w.shape != (n_features,) or not np.isfinite(w).all() or (w < 0).any():
            raise ValueError(f"metric_params w={w} must hold {n_features} finite weights, one a column, none negative")
        return Metric("minkowski", float(p), w)
    name = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}.get(p, "minkowski")
    return Metric(name, float(p))


# scikit-learn's objects, without the bits of their numbers, that mean one of the metrics above
OBJECTS = {
    "EuclideanDistance": "euclidean",
    "ManhattanDistance": "manhattan",
    "ChebyshevDistance": "chebyshev",
    "MinkowskiDistance": "minkowski",
    "HaversineDistance": "haversine",
    "HammingDistance": "hamming",
}


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
    if metric.name in OF_BOOLEANS:
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


def refuse_unknown(options, name):
    if options:
        raise ValueError(f"metric_params has {sorted(options)}, which metric={name!r} has no use for")
