"""Exact thresholds: the midpoint of two values, rounded towards the lower, in the column's own dtype."""

import numpy as np

from fastml_ext.tree.structure import NUMERIC

__all__ = ["midpoint", "midpoints", "round_down"]


def midpoint(a, b):
    """The mean of a < b in their own dtype, rounded towards a: a <= midpoint < b. Contract: reference.py."""
    if a.dtype == bool:
        return a.copy()
    if a.dtype.kind in "iu":
        return (a & b) + ((a ^ b) >> 1)
    low, high = a.astype(np.float64), b.astype(np.float64)
    half = low / 2 + high / 2
    # The error of the sum (Knuth's two-sum) tells whether it was rounded up.
    back = half - low / 2
    error = (low / 2 - (half - back)) + (high / 2 - back)
    with np.errstate(over="ignore"):
        half = np.where(error < 0, np.nextafter(half, -np.inf), half)
    half = np.where((half < low) | (half >= high), low, half)
    return round_down(half, a.dtype)


def round_down(x, dtype):
    """float64 x as the largest number of a float or integer dtype that is not above it."""
    if np.dtype(dtype).kind == "f":
        with np.errstate(over="ignore"):  # below the lowest number there is none, nor is it asked for
            near = x.astype(dtype)
            below = np.nextafter(near, dtype.type(-np.inf))
        return np.where(near.astype(np.float64) > x, below, near).astype(dtype)
    info, dtype = np.iinfo(dtype), np.dtype(dtype)
    floor = np.floor(x)
    inside = (floor >= info.min) & (floor < float(info.max))
    whole = np.where(inside, floor, 0).astype(dtype)
    whole[floor < info.min] = info.min
    whole[floor >= float(info.max)] = info.max
    return whole


def midpoints(records, columns):
    """(threshold, threshold_int) of all nodes: see structure.py."""
    threshold, whole = np.full(len(records), -2.0), np.zeros(len(records), np.int64)
    numeric = np.flatnonzero(records["kind"] == NUMERIC)
    for j in np.unique(records["feature"][numeric]):
        nodes = numeric[records["feature"][numeric] == j]
        left, right = records["code_left"][nodes], records["code_right"][nodes]
        values = columns[j].values
        if columns[j].split == "ordered":
            whole[nodes] = np.where(right == len(values), np.iinfo(np.int64).max, left)
            threshold[nodes] = np.where(right == len(values), np.inf, left)
            continue
        cut = midpoint(values[left], values[np.minimum(right, len(values) - 1)])
        drawn = records["threshold"][nodes]
        if not np.isnan(drawn).all():
            cut = np.where(np.isnan(drawn), cut, round_down(np.nan_to_num(drawn), cut.dtype))
        if values.dtype.kind == "f":
            threshold[nodes] = np.where(right == len(values), np.inf, cut.astype(np.float64))
        else:
            threshold[nodes] = cut.astype(np.float64)
            whole[nodes] = cut.astype(np.int64) if values.dtype != np.uint64 else cut.view(np.int64)
    return threshold, whole
