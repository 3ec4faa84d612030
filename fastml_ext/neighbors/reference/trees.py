"""Nearest neighbours by definition: what a tree is asked."""

import math

import numpy as np

__all__ = ["build_tree", "count_pairs", "count_radius", "pairs", "query_radius", "query_tree"]

# The reduced distance of two points is the sum over the columns, from first to last and rounded to the dtype at each
# step, of |x - y| (manhattan), its square (euclidean) or its p-th power (minkowski), times the column's weight if there
# are weights; for chebyshev it is the greatest |x - y|. The distance is the reduced distance, its square root, or its
# p-th root. Neighbours are ordered by reduced distance, then by index: different reduced distances may have one root.
# A point lies within a radius r, rounded to the dtype, if its distance does: distance <= r.


def build_tree(X, leaf_size=None, metric="euclidean", p=2, w=None):
    """What a search for neighbours needs of the points X (n, d), n >= 1 and d >= 1, finite; any strides.

    float32 is searched in float32; float64, integers and bool in float64 (integers beyond 2^53 are for the caller to
    refuse) | leaf_size: points in a leaf, never changes an answer; rounded down to 8, 16, 32 or 64; None for 16 if
    d < 5, else 32 | metric: "euclidean", "manhattan", "chebyshev" or "minkowski" | p >= 1: power of minkowski, rounded
    to the dtype; 1, 2 and infinity are manhattan, euclidean and chebyshev, other metrics ignore it | w (d,) or None:
    weights of the columns, finite and not negative; one of 0 leaves its column out, even where it overflows
    ValueError: metric unknown, p < 1, or weights for chebyshev
    """
    if metric == "minkowski":
        metric = {1: "manhattan", 2: "euclidean", math.inf: "chebyshev"}.get(p, metric)
    X = X.astype(np.float32 if X.dtype.newbyteorder("=") == np.float32 else np.float64)
    return X, metric, p, w


def query_tree(tree, Q, k, upper_bound=math.inf, allowed=None, exclude=None):
    """The k nearest points of each query, nearest first: (distances (m, k), indices (m, k)).

    Distances have the dtype of the tree, indices int64 | Q (m, d), finite, of any dtype, is rounded to the dtype of
    the tree | k >= 1 | upper_bound: a radius for all queries or (m,), within which neighbours lie | allowed (n,) bool:
    which points may be found | exclude (m,) int64: a point that is no neighbour of that query, -1 for none | where
    fewer than k are found, infinite distances and indices of -1
    """
    X, (m, _) = tree[0], Q.shape
    distances, indices = np.full((m, k), math.inf, X.dtype), np.full((m, k), -1, np.int64)
    for q, found in enumerate(found_within(tree, Q, upper_bound, allowed, exclude)):
        for j, (_, i, distance) in enumerate(found[:k]):
            distances[q, j], indices[q, j] = distance, i
    return distances, indices


def query_radius(tree, Q, r, allowed=None, exclude=None):
    """The points within r of each query, nearest first: (indptr (m + 1,), indices, distances).

    Those of query q stand in indices[indptr[q]:indptr[q + 1]] | r: for all queries or (m,), not negative | Q, allowed,
    exclude and the results' dtypes as for `query_tree`
    """
    found = found_within(tree, Q, r, allowed, exclude)
    indptr = np.cumsum([0, *map(len, found)])
    indices = np.array([i for each in found for _, i, _ in each], np.int64)
    return indptr, indices, np.array([distance for each in found for _, _, distance in each], tree[0].dtype)


def count_radius(tree, Q, r, allowed=None, exclude=None):
    """Number of points within r of each query (m,), int64; input as for `query_radius`."""
    return np.array([len(each) for each in found_within(tree, Q, r, allowed, exclude)], np.int64)


def pairs(tree, r, allowed=None):
    """Every two points within r of one another, once: (n_pairs, 2) int64, in ascending order, the lower index first."""
    indptr, indices, _ = query_radius(tree, tree[0], r, allowed)
    found = [(q, i) for q in range(len(indptr) - 1) for i in sorted(indices[indptr[q] : indptr[q + 1]]) if q < i]
    return np.array([(q, i) for q, i in found if allowed is None or allowed[q]], np.int64).reshape(-1, 2)


def count_pairs(tree, r, allowed=None):
    """Number of `pairs`."""
    return len(pairs(tree, r, allowed))


def found_within(tree, Q, radius, allowed, exclude):
    """For each query the (reduced distance, index, distance) of all that may be found, in order."""
    X, metric, p, w = tree
    Q, dtype = Q.astype(X.dtype), X.dtype.type
    radius = np.broadcast_to(np.asarray(radius, X.dtype), len(Q))
    found = []
    for q, query in enumerate(Q):
        reduced = [reduced_distance(x, query, metric, dtype(p), w) for x in X]
        ranked = [(s, i, rooted(s, metric, dtype(p))) for i, s in enumerate(reduced)]
        found.append(
            sorted(
                (s, i, distance)
                for s, i, distance in ranked
                if distance <= radius[q] and (allowed is None or allowed[i]) and (exclude is None or i != exclude[q])
            )
        )
    return found


def reduced_distance(x, y, metric, p, w):
    """The reduced distance of x and y (d,), of one dtype, which p has too."""
    size = np.abs(x - y)
    terms = {"euclidean": size * size, "minkowski": [t**p for t in size]}.get(metric, size)
    if metric == "chebyshev":
        return max(terms)
    total = x.dtype.type(0)
    for j, t in enumerate(terms):
        if w is None or w[j] > 0:
            total += t if w is None else x.dtype.type(w[j]) * t
    return total


def rooted(s, metric, p):
    """The distance of a reduced distance s, which has the dtype of p."""
    return np.sqrt(s) if metric == "euclidean" else s ** (type(p)(1) / p) if metric == "minkowski" else s
