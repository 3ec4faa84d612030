"""Derivatives as expressions: the symbolic rules applied to a graph, and the result simplified as people do."""

from fastml.autodiff import functions as ad
from fastml.autodiff.evaluate import depends, pull, push
from fastml.autodiff.graph import INPUT
from fastml.autodiff.node import INT, Node, uncollected
from fastml.autodiff.operations import forward_rule
from fastml.autodiff.rewrite import rewrite
from fastml.autodiff.rules import total

__all__ = ["derivative"]


def derivative(graph, y, x):
    """Graph of the derivative of node y with respect to input x; both by name, index or traced value.

    y must be a scalar if x is an array; the result has the larger shape of the two. It is simplified by the rules of
    real numbers, among them 0 x = 0 and x / x = 1, so it may be finite where the derivative by another mode is NaN.

    >>> from fastml import autodiff as ad
    >>> g = ad.Graph()
    >>> x = g.variable("x")
    >>> y = ad.sin(x) * x
    >>> print(g.derivative(y, "x"))
    node  name  function  arguments  shape
    %0    x     input                scalar
    %1          sin       x          scalar
    %2          cos       x          scalar
    %3          multiply  x %2       scalar
    %4          add       %3 %1      scalar
    """
    y, x = graph.node(y).index, graph.node(x).index
    if graph.ops[x] is not INPUT or graph.kinds[x] <= INT:
        raise ValueError(f"{graph.label(x)} is no input of floats: derivatives are taken with respect to those")
    if graph.shapes[x] != () and graph.shapes[y] != ():
        shapes = f"{graph.shapes[y]} by {graph.shapes[x]}"
        raise ValueError(f"a derivative of an array by an array, {shapes}, is a matrix: see autodiff.jacobian")
    with uncollected():
        return _derivative(graph, y, x)


def _derivative(graph, y, x):
    place = graph.inputs.index(x)
    graph = rewrite(graph, [y], symbolic=True)
    y, x = graph.result, graph.inputs[place]
    new = graph.copy()
    nodes = [Node(new, k) for k in range(len(graph))]
    one = new.constant(1.0)
    if graph.shapes[x] == ():
        found = push(graph.copy(), nodes, {x: one}, _symbolic_rule).get(y)
    else:
        found = pull(graph, nodes, {y: one}, depends(graph, [x])).get(x)
    found = ad.broadcast_to(new.constant(0.0), graph.shapes[y] or graph.shapes[x]) if found is None else found
    return rewrite(new, [found.index], symbolic=True)


def _symbolic_rule(operation, tangents, y, args, params):
    """The chain rule with the symbolic rules: the sum over the arguments of partial derivative times derivative."""
    if not operation.elementwise or operation.tangent is not None:
        return forward_rule(operation, tangents, y, args, params)
    terms = [
        ad.multiply(p, t)
        for t, p in zip(tangents, operation.partials(y, *args), strict=True)
        if t is not None and p is not None
    ]
    found = total(terms)
    return None if found is None else ad.broadcast_to(found, y.shape)
