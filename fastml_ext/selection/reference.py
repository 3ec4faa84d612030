"""What the kernels of this family compute, by definition."""

import math

import numpy as np

__all__ = ["near_both", "near_own", "sums_with"]


def sums_with(X, y, shift):
    """(first, second, cross), each (d,) float64: the sums of x - shift, of its square, and of its product with y.

    X (n, d) float32 or float64, finite | y (n,) float64 | shift (d,) float64
    """
    Z = X.astype(float) - shift
    return Z.sum(axis=0), (Z**2).sum(axis=0), y @ Z


def near_own(x, codes, n_classes, k):
    """(n,) int64: how many points are strictly nearer to point i than its k-th neighbour of its own class; i counts.

    x (n,) float64 | codes (n,) int64 below n_classes, each class that occurs has two points or more

    In a class of m points k is at most m - 1. Where the distance of that neighbour is 0, points at distance 0 count.
    In a class of fewer than 2 k + 2 points the distance is sqrt(max(0, (x_i^2 - 2 x_i x_j) + x_j^2)), each operation
    rounded, as scikit-learn's search in small sets has it; otherwise |x_i - x_j|. Ross, PLoS ONE 9(2), 2014.
    """
    counts = np.zeros(len(x), np.int64)
    for i in range(len(x)):
        own = np.flatnonzero(codes == codes[i])
        most = min(k, len(own) - 1)
        if most >= len(own) // 2:
            squares = [max(0.0, (x[i] * x[i] - 2 * x[i] * x[j]) + x[j] * x[j]) for j in own]
            radius = math.sqrt(sorted(squares)[most])
        else:
            radius = sorted(abs(x[i] - x[own]))[most]
        counts[i] = nearer(x, i, radius)
    return counts


def near_both(x, y, order, k):
    """(2, n) int64: how many points are strictly nearer in x, and in y, than the k-th neighbour in the plane; i counts.

    x, y (n,) float64 | order (n,) int64: np.argsort(y) | k < n

    The distance in the plane is the larger of those in x and y. Where it is 0, points at distance 0 count. Kraskov,
    Stoegbauer and Grassberger, Phys. Rev. E 69, 2004, the first estimator.
    """
    counts = np.zeros((2, len(x)), np.int64)
    for i in range(len(x)):
        radius = sorted(np.maximum(abs(x[i] - x), abs(y[i] - y)))[k]
        counts[:, i] = nearer(x, i, radius), nearer(y, i, radius)
    return counts


def nearer(x, i, radius):
    apart = abs(x - x[i])
    return int(((apart < radius) | (apart == 0)).sum())
