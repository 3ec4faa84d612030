"""All points within a radius of a block of queries. See __init__.py; the words are those of block.py."""

import numpy as np

from fastml_ext.device.distances import squared
from fastml_ext.device.memory import grown
from fastml_ext.jit import kernel
from fastml_ext.neighbors.bounded.block import HEIGHT, dot, pick, score_block, thresholds_at

__all__ = ["within_block"]


@kernel
def within_block(first, last, visit, search, limit):
    """(queries, indices, squared distances) of the points at most at the squared distance `limit`, in any order."""
    points, queries, room, used = search.points, search.queries, 256, 0
    scores, picked = np.empty((HEIGHT, points.block), np.float32), np.empty(points.block, np.int64)
    cuts, reach = np.empty(last - first, np.float32), np.empty(last - first)
    owners, indices, squares = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, search.Q.dtype)
    for lane in range(last - first):
        cuts[lane], reach[lane] = thresholds_at(limit, queries.norms[first + lane], search.limits)
    for b in visit:
        begin = b * points.block
        count = min(points.block, len(points.order) - begin)
        for at in range(first, last, HEIGHT):
            end = min(at + HEIGHT, last)
            if not score_block(points, queries, b, at, end, reach[at - first :], scores):
                continue
            for position in range(at, end):
                row, cut, q = scores[position - at, :count], cuts[position - first], queries.order[position]
                hits = pick(row, cut, picked)
                if used + hits > room:
                    room = 2 * room + hits
                    owners, indices, squares = grown(owners, room), grown(indices, room), grown(squares, room)
                for j in picked[:hits]:
                    if points.rest.shape[1] and row[j] + dot(points.rest[begin + j], queries.rest[position]) < cut:
                        continue
                    i = points.order[begin + j]
                    square = squared(search.X[i], search.Q[q])
                    if square <= limit:
                        owners[used], indices[used], squares[used] = q, i, square
                        used += 1
    return owners[:used], indices[:used], squares[:used]
