"""All points within a radius of a block of queries. See __init__.py; the words are those of block.py."""

import numpy as np

from fastml_ext.device.distances import squared
from fastml_ext.device.memory import grown
from fastml_ext.jit import kernel
from fastml_ext.neighbors.bounded.block import HEIGHT, WIDTH, beyond, dot, multiply, pick, thresholds_at

__all__ = ["within_block"]


@kernel
def within_block(first, last, visit, task, limit):
    """(queries, indices, squared distances) of the points at most at the squared distance `limit`, in any order."""
    kept, asked, room, used = task.kept, task.asked, 256, 0
    scores, picked = np.empty((HEIGHT, kept.block), np.float32), np.empty(kept.block, np.int64)
    cuts, reach = np.empty(last - first, np.float32), np.empty(last - first)
    queries, indices, squares = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, task.Q.dtype)
    for lane in range(last - first):
        cuts[lane], reach[lane] = thresholds_at(limit, asked.norms[first + lane], task.limits)
    for b in visit:
        begin = b * kept.block
        count = min(kept.block, len(kept.order) - begin)
        for at in range(first, last, HEIGHT):
            end = min(at + HEIGHT, last)
            if beyond(kept, asked, b, at, end, reach[at - first :]):
                continue
            for j in range(0, count, WIDTH):
                multiply(asked.panels, at // HEIGHT, kept.panels, (begin + j) // WIDTH, scores, j)
            for position in range(at, end):
                row, cut, q = scores[position - at, :count], cuts[position - first], asked.order[position]
                hits = pick(row, cut, picked)
                if used + hits > room:
                    room = 2 * room + hits
                    queries, indices, squares = grown(queries, room), grown(indices, room), grown(squares, room)
                for j in picked[:hits]:
                    if kept.rest.shape[1] and row[j] + dot(kept.rest[begin + j], asked.rest[position]) < cut:
                        continue
                    i = kept.order[begin + j]
                    square = squared(task.points[i], task.Q[q])
                    if square <= limit:
                        queries[used], indices[used], squares[used] = q, i, square
                        used += 1
    return queries[:used], indices[:used], squares[:used]
