"""A graph rewritten: nodes nobody needs left out, equal nodes merged, constants folded, composed operations lowered."""

import math

import numpy as np

from fastml.autodiff.graph import CONSTANT, INPUT, Graph
from fastml.autodiff.node import BOOL, TABLE, Node

__all__ = ["live", "rewrite"]


def live(graph, outputs):
    """For every node, whether an output needs it."""
    needed = [False] * len(graph)
    for k in outputs:
        needed[k] = True
    for k in range(len(graph) - 1, -1, -1):
        if needed[k]:
            for i in graph.args[k]:
                needed[i] = True
    return needed


def rewrite(graph, outputs=None, lower=False, symbolic=False):
    """An equal graph with the same inputs and fewer nodes.

    outputs: nodes to keep; None for the graph's own | lower: put what an operation is lowered to in its place
    symbolic: also what holds for real numbers but not for infinities and NaN, such as 0 x = 0 and x - x = 0
    """
    outputs = (graph.outputs or [graph.result]) if outputs is None else outputs
    needed = live(graph, outputs)
    new = _Rewriter(graph.level, symbolic)
    at = [None] * len(graph)
    for k, op in enumerate(graph.ops):
        if not needed[k] and op is not INPUT:
            continue
        new.line = graph.lines[k]
        if op is INPUT:
            node = new._append(INPUT, (), (), graph.shapes[k], graph.kinds[k])
        elif op is CONSTANT:
            node = new.constant(graph.constants[k])
        elif lower and op.lower is not None:
            node = op.lower(*[Node(new, at[i]) for i in graph.args[k]], *graph.params[k])
            node = node if type(node) is Node else new.constant(node)
        else:
            args = tuple([at[i] for i in graph.args[k]])
            node = new._append(op, args, graph.params[k], graph.shapes[k], graph.kinds[k])
        at[k] = node.index
        if k in graph.names and node.index not in new.names:
            new.names[node.index] = graph.names[k]
    new.inputs = [at[k] for k in graph.inputs]
    new.outputs = [at[k] for k in outputs]
    new.captured = {outer: at[k] for outer, k in graph.captured.items()}
    return _compact(new)


def _compact(graph):
    """The graph without the nodes that the rewriting left behind."""
    needed = live(graph, graph.outputs)
    kept = [k for k, op in enumerate(graph.ops) if needed[k] or op is INPUT]
    at = dict(zip(kept, range(len(kept)), strict=True))
    new = Graph(graph.level)
    for field in ("ops", "params", "shapes", "kinds", "lines"):
        old = getattr(graph, field)
        setattr(new, field, [old[k] for k in kept])
    new.args = [tuple([at[i] for i in graph.args[k]]) for k in kept]
    new.inputs, new.outputs = [at[k] for k in graph.inputs], [at[k] for k in graph.outputs]
    new.names = {at[k]: name for k, name in graph.names.items() if k in at}
    new.constants = {at[k]: value for k, value in graph.constants.items() if k in at}
    new.captured = {outer: at[k] for outer, k in graph.captured.items()}
    new.simplified = True
    return new


class _Rewriter(Graph):
    """A graph that looks, before it appends a node, whether a simpler or equal one will do."""

    def __init__(self, level, symbolic):
        super().__init__(level)
        self.symbolic, self.line = symbolic, None
        self._seen = {}

    def _append(self, op, args, params, shape, kind):
        if op is INPUT or op is CONSTANT:
            return self._new(op, args, params, shape, kind)
        if op.elementwise:
            args = self._unrepeated(args, shape)
        simpler = self._simpler(op, args, params, shape, kind)
        if simpler is not None:
            return Node(self, simpler)
        key = (op, args, params)
        if key not in self._seen:
            self._seen[key] = self._new(op, args, params, shape, kind).index
        return Node(self, self._seen[key])

    def _new(self, op, args, params, shape, kind):
        self.ops.append(op)
        self.args.append(args)
        self.params.append(params)
        self.shapes.append(shape)
        self.kinds.append(kind)
        self.lines.append(self.line)
        return Node(self, len(self.ops) - 1)

    def _unrepeated(self, args, shape):
        """Arguments without the repetition along axes that the operation itself repeats."""
        for p, k in enumerate(args):
            if self.ops[k].name == "broadcast_to":
                source = self.args[k][0]
                others = [self.shapes[i] for i in args[:p] + args[p + 1 :]]
                if any(s == shape for s in others):
                    args = (*args[:p], source, *args[p + 1 :])
        return args

    def _simpler(self, op, args, params, shape, kind):
        """An existing node that has the value already, or None."""
        values = [self._number(k) for k in args]
        name = op.name
        if args and None not in values and op.elementwise:
            with np.errstate(all="ignore"):
                value = op.forward(*values).item()
            folded = self.constant(bool(value) if kind == BOOL else value).index
            return folded if shape == () else self._constant_like(folded, shape)
        if name in ("broadcast_to", "reshape"):
            return self._reshaped(op, args[0], params, kind)
        found = _RULES.get(name, _no_rule)(self, args, values)
        if found is None and self.symbolic:
            found = _SYMBOLIC.get(name, _no_rule)(self, args, values)
        if found is None or type(found) is int:
            same = found is not None and self.shapes[found] == shape and self.kinds[found] == kind
            return found if same else self._constant_like(found, shape)
        return self._append(TABLE[found[0]], found[1], (), shape, kind).index

    def _number(self, k):
        """The value of a node that is a constant number, or one repeated; otherwise None."""
        if self.ops[k].name == "broadcast_to":
            k = self.args[k][0]
        return self.constants.get(k) if self.shapes[k] == () else None

    def _constant_like(self, found, shape):
        """A scalar constant that a rule found, repeated to the shape of the result."""
        if found is None or self.ops[found] is not CONSTANT or self.shapes[found] != ():
            return None
        return self._append(TABLE["broadcast_to"], (found,), (shape,), shape, self.kinds[found]).index

    def _reshaped(self, op, source, params, kind):
        """Chains of reshape and broadcast, shortened."""
        inner, shape = self.ops[source].name, params[0]
        if self.shapes[source] == shape:
            return source
        if inner == op.name or (
            inner == "reshape" and math.prod(self.shapes[source]) == 1 and self.shapes[self.args[source][0]] == ()
        ):
            return self._append(op, self.args[source], params, shape, kind).index
        if op.name == "reshape" and inner == "broadcast_to" and self.shapes[self.args[source][0]] == ():
            return self._append(TABLE["broadcast_to"], self.args[source], params, shape, kind).index
        return None


# Each rule takes the graph, the arguments and their values where they are constant numbers, and gives a node, or the
# name and arguments of a simpler operation, or None. These hold for every floating-point number, up to the sign of 0.


def _no_rule(g, args, values):
    return None


def _add(g, args, values):
    a, b = args
    if values[0] == 0:
        return b
    if values[1] == 0:
        return a
    if g.ops[b].name == "negative":
        return "subtract", (a, g.args[b][0])
    if g.ops[a].name == "negative":
        return "subtract", (b, g.args[a][0])
    return None


def _subtract(g, args, values):
    a, b = args
    if values[1] == 0:
        return a
    if values[0] == 0:
        return "negative", (b,)
    if g.ops[b].name == "negative":
        return "add", (a, g.args[b][0])
    return None


def _multiply(g, args, values):
    (a, b), (x, y) = args, values
    if x == 1:
        return b
    if y == 1:
        return a
    if x == -1:
        return "negative", (b,)
    if y == -1:
        return "negative", (a,)
    if g.ops[a].name == g.ops[b].name == "negative":
        return "multiply", (g.args[a][0], g.args[b][0])
    if y is not None and x is None:  # numbers first, so that equal products are found
        return "multiply", (b, a)
    return None


def _divide(g, args, values):
    return args[0] if values[1] == 1 else ("negative", args[:1]) if values[1] == -1 else None


def _negative(g, args, values):
    return g.args[args[0]][0] if g.ops[args[0]].name == "negative" else None


def _power(g, args, values):
    a, n = args[0], values[1]
    if n == 1:
        return a
    if n == 2:
        return "multiply", (a, a)
    if n == 0:
        return g.constant(1.0).index
    return None


def _where(g, args, values):
    if values[0] is not None:
        return args[1] if values[0] else args[2]
    return args[1] if args[1] == args[2] else None


_RULES = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
    "where": _where,
}


# What holds for real numbers, for expressions that people read.


def _symbolic_add(g, args, values):
    a, b = args
    return ("multiply", (g.constant(2.0).index, a)) if a == b else None


def _symbolic_subtract(g, args, values):
    return g.constant(0.0).index if args[0] == args[1] else None


def _symbolic_multiply(g, args, values):
    a, b = args
    if values[0] == 0 or values[1] == 0:
        return g.constant(0.0).index
    for p, q in ((a, b), (b, a)):  # signs and numbers outside, reciprocals into a quotient
        name, inner = g.ops[p].name, g.args[p]
        if name == "negative":
            return "negative", (_put(g, "multiply", (inner[0], q)),)
        if name == "multiply" and isinstance(g.constants.get(inner[0]), float):
            c = g.constants[inner[0]]
            if isinstance(g.constants.get(q), float):
                return "multiply", (g.constant(c * g.constants[q]).index, inner[1])
            return "multiply", (inner[0], _put(g, "multiply", (inner[1], q)))
        if name == "divide" and g.constants.get(inner[0]) == 1.0:
            return "divide", (q, inner[1])
    return None


def _symbolic_divide(g, args, values):
    if values[0] == 0:
        return g.constant(0.0).index
    if args[0] == args[1]:
        return g.constant(1.0).index
    if g.ops[args[0]].name == "negative":
        return "negative", (_put(g, "divide", (g.args[args[0]][0], args[1])),)
    return None


def _put(g, name, args):
    shape = np.broadcast_shapes(*[g.shapes[k] for k in args])
    return g._append(TABLE[name], args, (), shape, max(g.kinds[k] for k in args)).index


_SYMBOLIC = {
    "add": _symbolic_add,
    "subtract": _symbolic_subtract,
    "multiply": _symbolic_multiply,
    "divide": _symbolic_divide,
}
