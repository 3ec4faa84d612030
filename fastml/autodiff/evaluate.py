"""Passes over a graph with numbers, node by node in NumPy: every value and every gradient is kept for inspection."""

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff.graph import CONSTANT, INPUT, kind_of
from fastml.autodiff.masks import either, of_entries, reverse_parts, tangent_of
from fastml.autodiff.node import DTYPES, FLOAT32, FLOAT64, INT, Key, Node, apply
from fastml.autodiff.operations import forward_rule
from fastml.autodiff.rules import flat_index

__all__ = ["backward_values", "feed", "forward_values", "pull", "push"]


def feed(graph, values, named):
    """Values of the inputs of a graph in their order, checked; in a tuple or by name."""
    if values is not None and not isinstance(values, dict):
        values = values if isinstance(values, tuple | list) else (values,)
        if len(values) != len(graph.inputs):
            raise ValueError(f"{len(values)} values were given for the {len(graph.inputs)} inputs of the graph")
        return [_checked(graph, k, v) for k, v in zip(graph.inputs, values, strict=True)]
    given = {**(values or {}), **named}
    labels = [graph.label(k) for k in graph.inputs]
    for name in given:
        if name not in labels:
            raise ValueError(f"{name!r} is no input of the graph; its inputs are {', '.join(labels)}")
    for name in labels:
        if name not in given:
            raise ValueError(f"no value was given for the input {name!r}")
    return [_checked(graph, k, given[name]) for k, name in zip(graph.inputs, labels, strict=True)]


def _checked(graph, k, value):
    value = np.asarray(value)
    if value.shape != graph.shapes[k]:
        raise ValueError(f"{graph.label(k)} has shape {graph.shapes[k]} in the graph but {value.shape} was given")
    if kind_of(value.dtype, value) > FLOAT64 or (graph.kinds[k] <= INT and value.dtype.kind == "f"):
        raise ValueError(f"{graph.label(k)} is {DTYPES[graph.kinds[k]]} in the graph but {value.dtype} was given")
    return value.astype(DTYPES[graph.kinds[k]], copy=False)


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


def pull(graph, values, seeds, active, keep=False, masks=None):
    """Reverse mode: gradients of the seeded nodes' weighted sum, by node, for nodes that are `active`.

    values: of every node, as arrays or as traced values | seeds: node -> its weight | keep: also of inner nodes
    masks: node -> which entries of its seed count; see masks.py, as for what a choice leaves out
    Each node's contributions are added in the order in which they arise, walking back.
    """
    masks = masks or {}
    pending: dict[int, list] = {k: [(seed, masks.get(k), None)] for k, seed in seeds.items()}
    found = {}
    for k in range(max(seeds, default=-1), -1, -1):
        if k not in pending or not active[k]:
            continue
        g, mask = _added(pending.pop(k), graph.shapes[k])
        op, args = graph.ops[k], graph.args[k]
        if keep or op is INPUT:
            found[k] = g
        if op is INPUT or op is CONSTANT:
            continue
        if op.name == "getitem":  # gradients of single entries are put in place together, not one array each
            if active[args[0]]:
                index, _ = graph.params[k]
                taken = flat_index(index, graph.shapes[args[0]])
                pending.setdefault(args[0], []).append((g, mask, taken))
            continue
        parts = reverse_parts(op, g, mask, values[k], [values[i] for i in args], graph.params[k])
        for i, (part, counts) in zip(args, parts, strict=True):
            if part is not None and active[i]:
                pending.setdefault(i, []).append((part, counts, None))
    return found


def _added(parts, shape):
    """(sum, mask) of gradients, each (gradient, its mask, the positions of its entries or None for all of them)."""
    whole = [(g, mask) for g, mask, taken in parts if taken is None]
    placed = [part for part in parts if part[2] is not None]
    if placed:
        flat = [ad.reshape(g, (-1,)) if type(g) is Node else np.reshape(g, -1) for g, _, _ in placed]
        index = Key(np.concatenate([taken for _, _, taken in placed]))
        g = apply("scatter", ad.concatenate(flat), params=(index, shape))
        whole.append((g, of_entries([part[1:] for part in placed], shape)))
    total, mask = whole[0]
    for g, counts in whole[1:]:
        total, mask = total + g, either(mask, counts)
    return ad.broadcast_to(total, shape), mask


def push(graph, values, seeds, rule=forward_rule, masks=None):
    """Forward mode: the tangent of every node that has one, by node, from the tangents of the nodes in `seeds`.

    masks: node -> which entries of its seed count (see masks.py); None for all, without asking
    """
    tangents, counted = dict(seeds), dict(masks or {})
    for k in range(len(values)):  # the rules append to the graph of traced values
        op = graph.ops[k]
        if k in seeds or not any(i in tangents for i in graph.args[k]):
            continue
        parts = [tangents.get(i) for i in graph.args[k]]
        args = [values[i] for i in graph.args[k]]
        if masks is None:
            t = rule(op, parts, values[k], args, graph.params[k])
        else:
            known = [counted.get(i) for i in graph.args[k]]
            t, counted[k] = tangent_of(op, parts, known, values[k], args, graph.params[k])
        if t is not None:
            tangents[k] = t
    return tangents
