"""Nearest neighbours by looking at every point. Contract: reference.py."""

from typing import NamedTuple

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel

__all__ = ["nearest", "prepare"]

NOBODY = np.empty(0, np.int64)


class Index(NamedTuple):
    """What a search needs of the fitted points."""

    points: np.ndarray  # (n, d) float32 or float64, C order


def prepare(X):
    return Index(X)


def nearest(index, Q, k, exclude=None, n_jobs=None, progress=None):
    points, m = index.points, len(Q)
    distances, indices = np.empty((m, k), points.dtype), np.empty((m, k), np.int64)
    arrays = points, Q, NOBODY if exclude is None else exclude, distances, indices
    pool.run(scan, m, *arrays, cost=0.3 * points.size + 20 * k, n_jobs=n_jobs, progress=progress)
    return distances, indices


@kernel
def scan(start, stop, points, Q, exclude, distances, indices):
    """Keep the k nearest points of each query in order, by insertion from the back."""
    k = distances.shape[1]
    for q in range(start, stop):
        near, who = distances[q], indices[q]
        near[:] = np.inf
        who[:] = -1
        left_out = exclude[q] if len(exclude) else -1
        for i in range(len(points)):
            s = points.dtype.type(0)
            for j in range(points.shape[1]):
                s += (points[i, j] - Q[q, j]) ** 2
            if i != left_out and (s < near[k - 1] or who[k - 1] < 0):
                at = k - 1
                while at > 0 and (who[at - 1] < 0 or s < near[at - 1]):
                    near[at], who[at] = near[at - 1], who[at - 1]
                    at -= 1
                near[at], who[at] = s, i
        for at in range(k):
            near[at] = np.sqrt(near[at])
