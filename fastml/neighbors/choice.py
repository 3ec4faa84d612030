"""Which algorithm serves a search."""

import warnings

import numpy as np
from scipy.sparse import issparse

from fastml.neighbors.metrics import SPARSE, TREE, served_by

__all__ = ["choose"]


def choose(algorithm, metric, X, n_neighbors):
    """ "kd_tree" or "brute": the one asked for, or for "auto" the faster one; a tree that cannot serve is refused."""
    if issparse(X):
        return for_sparse(algorithm, metric)
    if algorithm in ("kd_tree", "ball_tree") and metric.name == "minkowski" and metric.p < 1:
        raise ValueError(
            f'algorithm="{algorithm}" does not support 0 < p < 1 for the Minkowski metric. To resolve this problem'
            f' either set p >= 1 or algorithm="brute": p={metric.p:g}, and a tree needs p >= 1'
        )
    served = metric.served_by(TREE)
    if algorithm == "kd_tree" and not served:
        raise ValueError(
            f"algorithm='kd_tree' cannot serve metric={described(metric)}: a tree serves"
            f" {', '.join(served_by(TREE))} with p >= 1; use algorithm='brute', which serves every metric"
        )
    if algorithm == "brute" or not served:
        return "brute"  # also for "ball_tree", whose other metrics are served by brute force; algorithm_ says so
    return "kd_tree" if algorithm != "auto" or tree_is_faster(X, n_neighbors or 1) else "brute"


def for_sparse(algorithm, metric):
    if not (metric.served_by(SPARSE) or metric.name in ("precomputed", "callable", "object")):
        raise ValueError(
            f"Metric '{metric.name}' not valid for sparse input. metric={described(metric)} is not served for sparse X,"
            f" only {', '.join(served_by(SPARSE))} and functions of two rows: use X.toarray()"
        )
    if algorithm in ("kd_tree", "ball_tree"):
        warnings.warn("cannot use tree with sparse input: using brute force", stacklevel=5)
    return "brute"


# The effective dimension up to which a tree is faster than the product, by the number of points. Measured for k = 5 and
# 3 to 10 columns of normal data, up to 2000 queries: at the limits both need the same time; one dimension further the
# tree needs 1.3 times that of brute force, two further up to 2 times, and at half the limit a third of it or less. For
# k = 50 both needed the same time at 4 to 5 columns.
LIMITS = ((1_000, 6), (10_000, 6.5), (100_000, 7.3), (np.inf, 9))
MANY, FOR_MANY = 20, 0.7  # neighbours, above which the limits are multiplied by this
FEW = 500  # points, up to which the dimension is the number of columns: to estimate it costs more than it gains
MOST_COLUMNS = 40  # of a tree: each leaf is read in full width
SAMPLES = ((256, 1.5), (1000, 1.0))  # rows that the dimension is estimated from; how far beyond its limit it is settled
ALONE = 2**17  # values times columns of a product that BLAS does not share among threads


def tree_is_faster(X, k):
    """A function of shape, spectrum and k, never of the clock; how many queries will come is not known in fit."""
    n, d = X.shape
    if d > MOST_COLUMNS or k > max(n // 4, 1):
        return False
    limit = next(limit for points, limit in LIMITS if n <= points) * (FOR_MANY if k > MANY else 1)
    if d <= limit:  # which the dimension is at most
        return True
    return n > FEW and all(effective_dimension(X, rows) <= far * limit for rows, far in SAMPLES)


def effective_dimension(X, rows=SAMPLES[-1][0]):
    """Participation ratio of the principal variances, (sum of them)² / (sum of their squares): from 1 to d."""
    sample = X[:: -(-len(X) // rows)].astype(np.float64)
    sample -= np.add.reduce(sample) / len(sample)
    step = max(1, ALONE // X.shape[1] ** 2)
    covariance = sum(part.T.copy() @ part for part in (sample[i : i + step] for i in range(0, len(sample), step)))
    size = np.abs(covariance).max()
    if not size > 0 or not np.isfinite(size):
        return 1.0
    covariance /= size
    return np.trace(covariance) ** 2 / (covariance**2).sum()


def described(metric):
    return (
        f"{metric.function!r}"
        if metric.function
        else f"{metric.name!r}" + (f", p={metric.p:g}" if metric.p < 1 else "")
    )
