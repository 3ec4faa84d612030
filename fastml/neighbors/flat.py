"""The neighbours of many queries, flat as in CSR: those of query q stand from starts[q] up to starts[q + 1]."""

import numpy as np

__all__ = ["joined", "only", "starts_from", "starts_of", "to_rows", "without"]


def starts_of(indices):
    """Where the neighbours of each query begin in indices.ravel(), indices (m, k), and where the last ones end."""
    m, k = indices.shape
    return np.arange(0, m * k + 1, k)


def starts_from(counts):
    return np.concatenate([[0], np.cumsum(counts)])


def joined(parts):
    """The results of a radius search in parts, one after the other."""
    counts, indices, distances = zip(*((np.diff(starts), i, d) for starts, i, d in parts), strict=True)
    return starts_from(np.concatenate(counts)), np.concatenate(indices), np.concatenate(distances)


def without(exclude, starts, indices, distances):
    """The neighbours of a radius search less the one that each query leaves out."""
    if exclude is None:
        return starts, indices, distances
    queries = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return only(indices != exclude[queries], starts, indices, distances)


def only(kept, starts, indices, distances):
    """The neighbours of a radius search where the mask `kept` is true."""
    return np.concatenate([[0], np.cumsum(kept)])[starts], indices[kept], distances[kept]


def to_rows(flat, starts):
    """An object array of one array for each query."""
    rows = np.empty(len(starts) - 1, object)
    rows[:] = np.split(flat, starts[1:-1]) if len(rows) > 1 else [flat]
    return rows
