"""How a graph is extended by its derivatives; each function gives a graph with outputs (values, then derivatives)."""

from fastml.autodiff import functions as ad
from fastml.autodiff.evaluate import depends, pull, push
from fastml.autodiff.node import DTYPES, INT, TABLE, Node


def _build_value(graph, wrt):
    return graph


def _build_gradient(graph, wrt):
    if len(graph.outputs) != 1 or graph.shapes[graph.outputs[0]] != ():
        shapes = [graph.shapes[k] for k in graph.outputs]
        raise ValueError(
            f"a gradient needs a function with one scalar value, not values of shapes {shapes}; see jacobian"
        )
    graph = graph.copy()
    return _pulled(graph, wrt, {graph.outputs[0]: graph.constant(1.0)})


def _build_pullback(graph, wrt, masked=False):
    graph = graph.copy()
    seeds: dict = {}
    for k in graph.outputs:  # the same node may be returned twice
        weight = graph.variable(None, graph.shapes[k], _dtype(graph, k))
        seeds[k] = seeds[k] + weight if k in seeds else weight
    masks = {k: ad.not_equal(seed, 0.0) for k, seed in seeds.items()} if masked else None
    return _pulled(graph, wrt, seeds, masks)


def _build_masked_pullback(graph, wrt):
    """The pullback in which a weight of 0 leaves its entry out, even one of infinite slope."""
    return _build_pullback(graph, wrt, masked=True)


def _pulled(graph, wrt, seeds, masks=None):
    nodes = [Node(graph, k) for k in range(len(graph))]
    gradients = pull(graph, nodes, seeds, depends(graph, wrt), masks=masks)
    outputs = list(graph.outputs)
    for k in wrt:
        g = gradients.get(k)
        g = _filled(graph, 0.0, k) if g is None else g
        outputs.append(_of_kind(graph, g, k).index)
    graph.outputs = outputs
    return graph


def _build_pushforward(graph, wrt, masked=False):
    graph = graph.copy()
    nodes = [Node(graph, k) for k in range(len(graph))]
    tangents = {k: graph.variable(None, graph.shapes[k], _dtype(graph, k)) for k in wrt}
    seeds = {k: t for k, t in tangents.items() if graph.kinds[k] > INT}
    masks = {k: ad.not_equal(t, 0.0) for k, t in seeds.items()} if masked else None
    found = push(graph, nodes, seeds, masks=masks)
    outputs = list(graph.outputs)
    for k in graph.outputs:
        t = found.get(k)
        outputs.append((_filled(graph, 0.0, k) if t is None else t).index)
    graph.outputs = outputs
    return graph


def _build_masked_pushforward(graph, wrt):
    """The pushforward along which an entry with a tangent of 0 stays as it is, even one of infinite slope."""
    return _build_pushforward(graph, wrt, masked=True)


def _filled(graph, number, like):
    return ad.broadcast_to(graph.constant(number), graph.shapes[like])


def _of_kind(graph, node, like):
    """The node, in the kind (the precision) of another: a gradient is as precise as its argument."""
    if graph.kinds[node.index] != graph.kinds[like]:
        node = graph._append(TABLE["astype"], (node.index,), (graph.kinds[like],), node.shape, graph.kinds[like])
    return node


def _dtype(graph, k):
    return DTYPES[graph.kinds[k]]
