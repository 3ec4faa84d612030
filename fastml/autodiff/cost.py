"""How much a graph costs: arithmetic operations of its value and of its derivatives by either mode."""

import math
from typing import NamedTuple

import numpy as np

from fastml.autodiff.extending import _build_gradient, _build_pullback, _build_pushforward
from fastml.autodiff.graph import CONSTANT, INPUT
from fastml.autodiff.node import INT
from fastml.autodiff.rewrite import rewrite

__all__ = ["Cost", "cost", "count"]


class Cost(NamedTuple):
    """Arithmetic operations: of a forward pass, and of all derivatives beyond it, by reverse and by forward mode."""

    forward: int
    reverse: int
    forward_mode: int

    @property
    def cheaper(self) -> str:
        """The mode that needs fewer operations for these sizes: 'reverse' or 'forward'; reverse when equal."""
        return "reverse" if self.reverse <= self.forward_mode else "forward"


def cost(graph):
    """The Cost of a graph's output and of its derivatives by all inputs of floats.

    Additions, multiplications, comparisons and functions of one number each count one, a power with a variable exponent
    three (log, multiplication, exp), a product of matrices (m, k) and (k, n) m n (2k - 1); moving data, choices between
    two numbers and the logic of conditions count nothing: they do no arithmetic. Reverse mode takes one
    pass for each entry of the output, forward mode one for each entry of the inputs.
    Source: Griewank and Walther, Evaluating Derivatives, 2008, section 3.3: reverse costs at most four times forward.

    >>> from fastml import autodiff as ad
    >>> ad.trace(lambda w, x: ad.tanh(ad.dot(w, x)), np.ones(5), np.ones(5)).cost()
    Cost(forward=10, reverse=12, forward_mode=220)
    """
    graph = rewrite(graph, [graph.result])
    inputs = [k for k in graph.inputs if graph.kinds[k] > INT]
    forward = count(rewrite(graph, lower=True))
    entries = sum(math.prod(graph.shapes[k]) for k in inputs)
    passes = math.prod(graph.shapes[graph.result])
    reverse = count(rewrite(_single(graph, _build_pullback, inputs), lower=True)) - forward
    tangent = count(rewrite(_build_pushforward(graph, inputs), lower=True)) - forward
    return Cost(forward, reverse * passes, tangent * entries)


def _single(graph, build, inputs):
    """The reverse graph; that of a scalar starts from the number one, which costs nothing to multiply by."""
    return rewrite(_build_gradient(graph, inputs) if graph.shapes[graph.result] == () else build(graph, inputs))


def count(graph):
    """Arithmetic operations of every node of a lowered graph, summed."""
    return sum(_operations(graph, k) for k in range(len(graph)))


def _operations(graph, k):
    op, args, size = graph.ops[k], graph.args[k], math.prod(graph.shapes[k])
    if op is INPUT or op is CONSTANT:
        return 0
    if op.elementwise:
        fixed = op.name == "power" and args[1] in graph.constants
        return size * (1 if fixed else op.cost)
    if op.name in ("sum", "max", "min"):
        return max(0, math.prod(graph.shapes[args[0]]) - size)
    if op.name == "winner":
        return size - size // max(1, math.prod(graph.shapes[k][a] for a in graph.params[k][0]))
    if op.name == "matmul":
        return size * max(0, 2 * graph.shapes[args[0]][-1] - 1)
    if op.name == "scatter":
        index = graph.params[k][0].value
        return index.size - np.unique(index).size
    return math.prod(graph.shapes[args[0]]) if op.name == "scatter_at" else 0
