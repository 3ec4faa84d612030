"""Searches among numbers so large or small that squares overflow or vanish: in units of 2**exponent.

Told by the results, so that a search of ordinary numbers costs nothing more. `search` is a Search of search.py.
"""

import numpy as np
from scipy.sparse import issparse

__all__ = ["in_range", "nearest", "within"]

# Numbers whose squares, summed over many columns, stay inside the dtype.
SAFE = {np.dtype(np.float32): (2.0**-40, 2.0**55), np.dtype(np.float64): (2.0**-400, 2.0**490)}


def in_range(distances, dtype):
    """Did no distance overflow, and not all k of a query vanish?"""
    low = SAFE[dtype][0]
    last = distances[:, -1]
    return low < last[0] < np.inf if len(last) == 1 else bool((last > low).all() and (last < np.inf).all())


def nearest(search, found, Q, k, exclude, n_jobs, progress):
    """The k nearest in a unit that suits the numbers, where `found`, in their own, is not in range."""
    exponent = exponent_for(search, Q)
    if exponent == 0 and search.metric.name == "minkowski" and np.isinf(found[0]).any():  # of a high power
        exponent = int(np.frexp(max(search.largest, largest_of(Q)))[1])
    if exponent == 0:
        return found
    other = in_units(search, exponent)
    distances, indices = other.nearest(scaled(Q, exponent), k, exclude, n_jobs, progress)
    distances = scaled(distances, -exponent)
    return (distances, indices) if exponent < 0 else near_then_far(found, (distances, indices))


def within(search, Q, r, exclude, n_jobs, progress):
    """All within r, or None where the numbers' own unit serves."""
    exponent = exponent_for(search, Q)
    high = SAFE[search.dtype][1] if exponent > 0 else np.inf
    if exponent == 0 or (exponent > 0 and r < high):  # a distance that overflows is no such distance
        return None
    other, radius = in_units(search, exponent), float(scaled(np.float64(r), exponent))
    starts, indices, distances = other.within(scaled(Q, exponent), radius, exclude, n_jobs, progress)
    distances = scaled(distances, -exponent)
    if exponent > 0:  # what is small beside the unit has no digits in it
        put_near_first(search.within_own(Q, high, exclude, n_jobs, progress), starts, indices, distances)
    return starts, indices, distances


def exponent_for(search, Q):
    """That of the largest number of points and queries where squares may overflow or vanish, else 0."""
    if search.largest is None:
        search.largest = largest_of(search.points)
    largest = max(search.largest, largest_of(Q))
    low, high = SAFE[search.dtype]
    return 0 if low < largest < high or largest == 0 else int(np.frexp(largest)[1])


def in_units(search, exponent):
    """The same search among the points over 2**exponent; the last one is kept."""
    if search.in_units[0] != exponent:
        search.in_units = exponent, search.among(scaled(search.points, exponent))
    return search.in_units[1]


def near_then_far(near, far):
    """(distances, indices) of the k nearest, from those in the numbers' own unit, where the distant ones overflow, and
    from those in a unit so large that differences of the near ones vanish.
    """
    distances, indices = near[0].copy(), near[1].copy()
    for i in np.flatnonzero(~np.isfinite(distances).all(axis=1)):
        n_near = int(np.isfinite(distances[i]).sum())
        others = ~np.isin(far[1][i], indices[i, :n_near]) | (far[1][i] < 0)
        rest = np.flatnonzero(others)[: distances.shape[1] - n_near]
        distances[i, n_near:], indices[i, n_near:] = far[0][i, rest], far[1][i, rest]
    return distances, indices


def put_near_first(near, starts, indices, distances):
    """As `near_then_far`, for the neighbours within a radius, (starts, indices, distances), in place."""
    for i in range(len(starts) - 1):
        own, nearer = slice(starts[i], starts[i + 1]), slice(near[0][i], near[0][i + 1])
        rest = ~np.isin(indices[own], near[1][nearer])
        indices[own] = np.concatenate([near[1][nearer], indices[own][rest]])
        distances[own] = np.concatenate([near[2][nearer], distances[own][rest]])


def largest_of(rows):
    """The largest size of a number in a table, dense or CSR; 0 of none."""
    values = rows.data if issparse(rows) else rows
    return max(float(np.fmax.reduce(values, None)), -float(np.fmin.reduce(values, None))) if values.size else 0.0


def scaled(rows, exponent):
    """A table, dense or CSR, over 2**exponent."""
    with np.errstate(over="ignore", under="ignore"):
        if not issparse(rows):
            return np.ldexp(rows, -exponent)
        return type(rows)((np.ldexp(rows.data, -exponent), rows.indices, rows.indptr), shape=rows.shape)
