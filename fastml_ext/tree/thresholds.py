"""Exact thresholds: the midpoint of two values, rounded towards the lower.

Of a column of floats it is rounded to the column's own dtype. A column of integers has two thresholds that no integer
tells apart: the whole number that integers are compared with, exact beyond 2^53, and for whoever asks with floats the
midpoint in float64, half way between 0 and 1.
"""

import numpy as np

from fastml_ext.tree.structure import NUMERIC

__all__ = ["WHOLE", "midpoint", "midpoints", "nearest_below", "round_down"]

WHOLE = 2.0**52  # from here on every float64 is a whole number


def midpoint(a, b):
    """The mean of a < b in their own dtype, rounded towards a: a <= midpoint < b. Contract: reference/columns.py."""
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
    if dtype == np.float64:
        return x
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
    for kind, nodes, low, high, only_missing in _by_kind(records, columns):
        if kind == "ordered":
            whole[nodes] = np.where(only_missing, np.iinfo(np.int64).max, low)
            threshold[nodes] = np.where(only_missing, np.inf, low)
            continue
        cut, drawn = midpoint(low, high), records["threshold"][nodes]
        if kind.kind == "f":
            if not np.isnan(drawn).all():
                cut = np.where(np.isnan(drawn), cut, round_down(np.nan_to_num(drawn), cut.dtype))
            threshold[nodes] = np.where(only_missing, np.inf, cut.astype(np.float64))
        else:
            cut, threshold[nodes] = _of_integers(cut, low, high, drawn)
            whole[nodes] = cut.astype(np.int64) if kind != np.uint64 else cut.view(np.int64)
    return threshold, whole


def _by_kind(records, columns):
    """(dtype, nodes, low, high, is it missing against not) of the columns of one dtype at a time.

    Of ordered categories the dtype is "ordered", and their codes are low and high.

    A small table has a few nodes for each column: to ask NumPy for each column would take longer than to grow the tree.
    """
    nodes = np.flatnonzero(records["kind"] == NUMERIC)
    nodes = nodes[np.argsort(records["feature"][nodes], kind="stable")]
    n_nodes = np.bincount(records["feature"][nodes])
    used = np.flatnonzero(n_nodes)
    n_nodes = n_nodes[used]
    used = used.tolist()
    codes = np.stack((records["code_left"][nodes], records["code_right"][nodes]))
    only_missing = codes[1] == np.repeat([len(columns[j].values) for j in used], n_nodes)
    kinds: dict = {}
    stop = 0
    for j, n in zip(used, n_nodes.tolist(), strict=True):
        start, stop = stop, stop + n
        values, ordered = columns[j].values, columns[j].split == "ordered"
        ends = codes[:, start:stop] if ordered else values.take(codes[:, start:stop], mode="clip")
        kinds.setdefault("ordered" if ordered else values.dtype, []).append((np.arange(start, stop), ends))
    for kind, parts in kinds.items():
        at, ends = zip(*parts, strict=True)
        at = np.concatenate(at)
        yield kind, nodes[at], *np.concatenate(ends, axis=1), only_missing[at]


def _of_integers(cut, low, high, drawn):
    """(whole, float64) thresholds between integers or bools low < high, of which `cut` is the lower middle."""
    threshold = nearest_below(cut)
    odd = low != high if cut.dtype == bool else (low ^ high) & 1 > 0
    threshold = np.where(odd & (np.abs(threshold) < WHOLE), threshold + 0.5, threshold)
    at = ~np.isnan(drawn)
    if cut.dtype != bool:  # what is drawn in float64 is drawn between low and high, and must stay there
        inside = np.clip(round_down(np.where(at, drawn, 0), cut.dtype), low, np.where(high > low, high - 1, low))
        cut = np.where(at, inside, cut)
    threshold = np.where(at, np.where(np.abs(drawn) < WHOLE, drawn, nearest_below(cut)), threshold)
    return cut, threshold


def nearest_below(whole):
    """The largest float64 that is not above each integer.

    >>> nearest_below(np.array([3, 2**53 + 1, 2**53 + 3])).tolist()
    [3.0, 9007199254740992.0, 9007199254740994.0]
    """
    near = whole.astype(np.float64)
    for i in np.flatnonzero(np.abs(near) >= WHOLE):
        if int(near[i]) > int(whole[i]):
            near[i] = np.nextafter(near[i], -np.inf)
    return near
