"""Which algorithm serves a search."""

import warnings

from scipy.sparse import issparse

from fastml.neighbors.metrics import SPARSE, TREE

__all__ = ["choose"]


def choose(algorithm, metric, X, n_neighbors):
    """ "kd_tree" or "brute": the one asked for, or for "auto" the faster one; a tree that cannot serve is refused."""
    if issparse(X):
        return for_sparse(algorithm, metric)
    served = metric.name in TREE and metric.p >= 1
    if algorithm == "kd_tree" and not served:
        raise ValueError(
            f"algorithm='kd_tree' cannot serve metric={described(metric)}: a tree serves {', '.join(TREE)} with p >= 1;"
            f" use algorithm='brute', which serves every metric"
        )
    if algorithm == "brute" or not served:
        return "brute"  # also for "ball_tree", whose other metrics are served by brute force; algorithm_ says so
    return "kd_tree" if algorithm != "auto" or tree_is_faster(*X.shape, n_neighbors or 1) else "brute"


def for_sparse(algorithm, metric):
    if metric.name not in (*SPARSE, "precomputed"):
        raise ValueError(
            f"metric={described(metric)} is not served for sparse X, only {', '.join(SPARSE)}: use X.toarray()"
        )
    if algorithm in ("kd_tree", "ball_tree"):
        warnings.warn("cannot use tree with sparse input: using brute force", stacklevel=4)
    return "brute"


def tree_is_faster(n, d, k):
    """From a table of measurements; see CONTRIBUTING.md."""
    return d <= 15 and k < n // 2


def described(metric):
    return (
        f"{metric.function!r}"
        if metric.function
        else f"{metric.name!r}" + (f", p={metric.p:g}" if metric.p < 1 else "")
    )
