"""Where the nodes of a picture stand: layers from the inputs to the output, few crossings, edges past other nodes.

Source: Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures, 1981.
"""

import itertools

__all__ = ["place"]

SWEEPS = 8


def place(graph, shown):
    """(positions, edges) of the nodes `shown`: node -> (layer, height), and the stops of each edge from node to node.

    A layer is one more than the latest of the arguments'; an edge over several layers bends where it crosses each.
    """
    layer: dict[int, int] = {}
    for k in shown:
        layer[k] = max((layer[i] + 1 for i in graph.args[k] if i in layer), default=0)
    for k in reversed(shown):  # inputs and constants stand just before their first use
        uses = [layer[u] for u in shown if k in graph.args[u]] if not graph.args[k] else []
        layer[k] = min(uses) - 1 if uses else layer[k]
    columns: list[list] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for k in shown:
        columns[layer[k]].append(k)
    paths, neighbours = _paths(graph, shown, layer, columns)
    for sweep in range(SWEEPS):
        _sort(columns, neighbours, forward=sweep % 2 == 0)
    height = _heights(columns, neighbours)
    column_of = {v: c for c, column in enumerate(columns) for v in column}
    edges = [[(column_of[v], height[v]) for v in path] for path in paths]
    return {k: (layer[k], height[k]) for k in shown}, edges


def _paths(graph, shown, layer, columns):
    """Each edge as a path with one stop a layer; stops between nodes are added to the columns."""
    paths: list[list] = []
    neighbours: dict = {k: ([], []) for k in shown}
    for k in shown:
        for i in dict.fromkeys(graph.args[k]):
            if i not in layer:
                continue
            stops = [("stop", i, k, c) for c in range(layer[i] + 1, layer[k])]
            for stop in stops:
                columns[stop[3]].append(stop)
                neighbours[stop] = ([], [])
            path = [i, *stops, k]
            for a, b in itertools.pairwise(path):
                neighbours[a][1].append(b)
                neighbours[b][0].append(a)
            paths.append(path)
    return paths, neighbours


def _sort(columns, neighbours, forward):
    """Order each column by the mean place of its neighbours in the column before (or behind)."""
    order = columns if forward else columns[::-1]
    side = 0 if forward else 1
    for before, column in itertools.pairwise(order):
        at = {v: p for p, v in enumerate(before)}
        here = {v: p for p, v in enumerate(column)}

        def mean(v, at=at, here=here):
            places = [at[u] for u in neighbours[v][side] if u in at]
            return sum(places) / len(places) if places else here[v]

        column.sort(key=mean)


def _heights(columns, neighbours):
    """Heights near the mean of the neighbours', at least one apart in a column (a half beside a stop)."""
    height = {v: float(p) for column in columns for p, v in enumerate(column)}
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            wanted = []
            for v in column:
                heights = [height[u] for u in (*neighbours[v][0], *neighbours[v][1])]
                wanted.append(sum(heights) / len(heights) if heights else height[v])
            height.update(zip(column, _apart(column, wanted), strict=True))
    lowest = min(height.values(), default=0.0)
    return {v: h - lowest for v, h in height.items()}


def _apart(column, wanted):
    """The nearest increasing places to those wanted, far enough from one another: pooled means of the slack."""
    gaps = [0.0]
    for a, b in itertools.pairwise(column):
        stops = isinstance(a, tuple) + isinstance(b, tuple)
        gaps.append(gaps[-1] + (1.0, 0.8, 0.5)[stops])
    pools = []  # (sum, count) of what is wanted less the least distance from the top
    for w, g in zip(wanted, gaps, strict=True):
        pools.append((w - g, 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1] = (pools[-1][0] + total, pools[-1][1] + count)
    means = [total / count for total, count in pools for _ in range(count)]
    return [m + g for m, g in zip(means, gaps, strict=True)]
