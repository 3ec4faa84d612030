"""Passes over a graph with numbers, node by node in NumPy: every value and every gradient is kept for inspection."""

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff.graph import CONSTANT, INPUT
from fastml.autodiff.node import DTYPES, FLOAT32, Key, Node, apply
from fastml.autodiff.operations import forward_rule, reverse_rule
from fastml.autodiff.rules import flat_index, unbroadcast

__all__ = ["backward_values", "forward_values", "pull", "push"]


def forward_values(graph, inputs, dtype=None):
    """The value of every node. dtype: of the floats, instead of the graph's own: complex128 for the complex step."""
    values: list = [None] * len(graph)
    feed = dict(zip(graph.inputs, inputs, strict=True))
    with np.errstate(all="ignore"):
        for k, op in enumerate(graph.ops):
            if op is INPUT:
                value = feed[k]
            elif op is CONSTANT:
                values[k] = graph.constants[k]
                continue
            else:
                value = op.forward(*[values[i] for i in graph.args[k]], *graph.params[k])
            value = np.asarray(value)
            kind = DTYPES[graph.kinds[k]]
            if dtype is None or kind.kind != "f":
                value = value.astype(kind, copy=False)
            elif value.dtype.kind != "c":
                value = value.astype(dtype, copy=False)
            values[k] = value if value.ndim else value[()]
    return values


def backward_values(graph, values):
    """The gradient of the scalar output with respect to every node; zeros where the output does not depend on it."""
    top = graph.result
    if graph.shapes[top] != ():
        raise ValueError(f"the output {graph.label(top)} has shape {graph.shapes[top]}: only a scalar has one gradient")
    everything = [op is not CONSTANT for op in graph.ops]
    with np.errstate(all="ignore"):
        gradients = pull(graph, values, {top: np.asarray(1.0, _float(graph, top))[()]}, everything, keep=True)
    for k, shape in enumerate(graph.shapes):
        g = gradients.get(k)
        g = np.zeros(shape, _float(graph, k)) if g is None else np.asarray(g, _float(graph, k))
        gradients[k] = g if shape else g[()]
    return [gradients[k] for k in range(len(graph))]


def _float(graph, k):
    return np.float32 if graph.kinds[k] == FLOAT32 else np.float64


def depends(graph, on):
    """For every node, whether it depends on one of the nodes `on`."""
    active = [False] * len(graph)
    for k in on:
        active[k] = True
    for k, args in enumerate(graph.args):
        if not active[k] and args:
            active[k] = any(active[i] for i in args)
    return active


def pull(graph, values, seeds, active, keep=False):
    """Reverse mode: gradients of the seeded nodes' weighted sum, by node, for nodes that are `active`.

    values: of every node, as arrays or as traced values | seeds: node -> its weight | keep: also of inner nodes
    Each node's contributions are added in the order in which they arise, walking back.
    """
    pending = {k: [seed] for k, seed in seeds.items()}
    found = {}
    for k in range(max(seeds, default=-1), -1, -1):
        if k not in pending or not active[k]:
            continue
        g = _added(pending.pop(k), graph.shapes[k])
        op, args = graph.ops[k], graph.args[k]
        if keep or op is INPUT:
            found[k] = g
        if op is INPUT or op is CONSTANT:
            continue
        if op.name == "getitem":  # gradients of single entries are put in place together, not one array each
            if active[args[0]]:
                index, _ = graph.params[k]
                taken = flat_index(index, graph.shapes[args[0]])
                pending.setdefault(args[0], []).append((g, taken))
            continue
        parts = reverse_rule(op, g, values[k], [values[i] for i in args], graph.params[k])
        for i, part in zip(args, parts, strict=True):
            if part is not None and active[i]:
                part = unbroadcast(part, graph.shapes[i]) if op.elementwise else part
                pending.setdefault(i, []).append(part)
    return found


def _added(parts, shape):
    """Sum of gradients, of which those of single entries come as (gradient, positions)."""
    total, placed = None, []
    for part in parts:
        if type(part) is tuple:
            placed.append(part)
        else:
            total = part if total is None else total + part
    if placed:
        flat = [ad.reshape(g, (-1,)) if type(g) is Node else np.reshape(g, -1) for g, _ in placed]
        index = Key(np.concatenate([taken for _, taken in placed]))
        part = apply("scatter", ad.concatenate(flat), params=(index, shape))
        total = part if total is None else total + part
    return ad.broadcast_to(total, shape)


def push(graph, values, seeds, rule=forward_rule):
    """Forward mode: the tangent of every node that has one, by node, from the tangents of the nodes in `seeds`."""
    tangents = dict(seeds)
    for k in range(len(values)):  # the rules append to the graph of traced values
        op = graph.ops[k]
        if k in seeds or not any(i in tangents for i in graph.args[k]):
            continue
        parts = [tangents.get(i) for i in graph.args[k]]
        t = rule(op, parts, values[k], [values[i] for i in graph.args[k]], graph.params[k])
        if t is not None:
            tangents[k] = t
    return tangents
