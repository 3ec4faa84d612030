"""Which distance is meant, and which algorithm can serve it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["KERNELS", "SCIPY", "SPARSE", "TREE", "Metric", "resolve"]

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


class Metric(NamedTuple):
    """A distance, with its parameters in one form: name "minkowski" only where no faster name says the same."""

    name: str
    p: float = 2.0
    w: np.ndarray | None = None
    function: Callable | None = None
    options: dict | None = None  # of a metric that SciPy computes

    @property
    def parameters(self):
        """As scikit-learn's effective_metric_params_ has them."""
        return {"p": self.p, "w": self.w} if self.name == "minkowski" else dict(self.options or {})


def resolve(metric, p, metric_params, n_features):
    """The Metric that a metric's name or function, `p` and `metric_params` mean for tables of n_features columns."""
    options = dict(metric_params or {})
    if callable(metric):
        return Metric("callable", function=metric, options=options)
    name = ALIASES.get(metric, metric)
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
    return Metric(name)


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


def refuse_unknown(options, name):
    if options:
        raise ValueError(f"metric_params has {sorted(options)}, which metric={name!r} has no use for")
