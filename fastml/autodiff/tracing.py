"""A Python function run once on traced values gives its graph; a graph put into another as part of it."""

import inspect
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from fastml.autodiff.arguments import Static, flatten, signature, unflatten
from fastml.autodiff.graph import CONSTANT, INPUT, Graph
from fastml.autodiff.node import DTYPES, INT, Node, uncollected

__all__ = ["Trace", "graft", "trace", "trace_call"]

_running = threading.local()


def trace(function: Callable, *args: Any, **kwargs: Any) -> Graph:
    """Graph of a function at arguments like these.

    Parameters
    ----------
    function : callable
        Written with this module's functions, operators and NumPy's functions of the same names.
    *args, **kwargs : numbers, arrays, or containers of them
        Only their shapes and dtypes count; Python integers, words and other objects are fixed.

    Returns
    -------
    Graph
        Its inputs are named as the parameters; other values by `named`.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> print(ad.trace(lambda x, y: ad.exp(x) * y, 1.0, 2.0))
    node  name  function  arguments  shape
    %0    x     input                scalar
    %1    y     input                scalar
    %2          exp       x          scalar
    %3          multiply  %2 y       scalar
    """
    return trace_call(function, args, kwargs).graph


class Trace:
    """The graph of a function, and how its outputs are put back into the containers that the function returns."""

    __slots__ = ("graph", "structure")

    def __init__(self, graph, structure):
        self.graph, self.structure = graph, structure


def trace_call(function, args, kwargs):
    """The Trace of function(*args, **kwargs)."""
    if isinstance(function, Graph):
        function = _as_function(function)
    leaves, structure = flatten((args, kwargs))
    level = getattr(_running, "level", 0) + 1
    graph = Graph(level)
    names = _names(function, args, kwargs)
    nodes = []
    for (shape, kind), name in zip(signature(leaves), names, strict=True):
        nodes.append(graph.variable(None, shape, DTYPES[kind]))
        if name is not None and name not in graph.names.values():
            graph.name(name, nodes[-1])
    given_args, given_kwargs = unflatten(structure, iter(nodes))
    _running.level = level
    try:
        with uncollected():
            result = function(*given_args, **given_kwargs)
    finally:
        _running.level = level - 1
    outputs, structure = flatten(result)
    if type(structure) is Static:
        if isinstance(structure.value, int | float):  # the result does not depend on the arguments
            outputs, structure = flatten(float(structure.value))
        else:
            raise TypeError(f"{_title(function)} returned {structure.value!r}: it must return numbers or arrays")
    graph.outputs = [graph._index(value) for value in outputs]
    return Trace(graph, structure)


def _as_function(graph):
    """The graph as a function of its inputs, in order."""

    def function(*values):
        if len(values) != len(graph.inputs):
            raise ValueError(f"{len(values)} values were given for the {len(graph.inputs)} inputs of the graph")
        return graft(graph, values)[graph.result]

    return function


def _title(function):
    return getattr(function, "__name__", type(function).__name__)


def _names(function, args, kwargs):
    """A name for each leaf of the arguments: the parameter's, with its place inside a container."""
    try:
        known = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        known = []
    parameters: list[str | None] = [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    parameters += [None] * (len(args) - len(parameters))
    names = []
    for name, value in [*zip(parameters, args, strict=False), *kwargs.items()]:
        names += _leaf_names(name, value)
    return names


def _leaf_names(name, value):
    _, structure = flatten(value)
    if structure == "leaf":
        return [name]
    if type(structure) is Static:
        return []
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    return [n for key, part in parts for n in _leaf_names(None if name is None else f"{name}[{key!r}]", part)]


def graft(graph, values):
    """The nodes of `graph` written into the graph of the traced ones among `values`, or of what it captured."""
    at = dict(zip(graph.inputs, values, strict=True))
    at.update({inner: outer for outer, inner in graph.captured.items()})
    traced = [v.graph for v in at.values() if type(v) is Node]
    target = max(traced, key=lambda g: g.level)
    nodes: list = [None] * len(graph)
    for k, op in enumerate(graph.ops):
        if op is INPUT:
            nodes[k] = (
                at[k]
                if type(at[k]) is Node and at[k].graph is target
                else Node(target, target._index(_cast(graph, k, at[k])))
            )
        elif op is CONSTANT:
            nodes[k] = target.constant(graph.constants[k])
        else:
            nodes[k] = target.record(op, [nodes[i] for i in graph.args[k]], graph.params[k])
    return nodes


def _cast(graph, k, value):
    if type(value) is Node or graph.kinds[k] <= INT:
        return value
    return np.asarray(value, DTYPES[graph.kinds[k]])
