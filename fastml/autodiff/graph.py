"""The computation graph as data: nodes in topological order, as parallel lists; methods.py has what else it answers."""

import math
import operator
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastml.autodiff.functions import broadcast_shapes
from fastml.autodiff.node import BOOL, DTYPES, FLOAT32, FLOAT64, INT, WEAK, Node, Operation, at_line, user_line

__all__ = ["Graph", "Values"]

INPUT = Operation("input", None)
CONSTANT = Operation("constant", None)

_levels = threading.local()


class Graph:
    """A computation graph, written by hand or by tracing a function.

    Node k is ops[k] applied to the nodes args[k], with the fixed parameters params[k]; its result has shapes[k] and
    kinds[k]. Arguments come before what uses them, so every pass is one loop, forwards or backwards.

    >>> from fastml import autodiff as ad
    >>> g = ad.Graph()
    >>> a = g.variable("a")
    >>> b = (a * a).named("b")
    >>> c = (b * b).named("c")
    >>> g.forward(a=3.0)["c"]
    np.float64(81.0)
    >>> g.backward()["a"]                           # 4 a^3
    np.float64(108.0)
    """

    def __init__(self, level: int = 0) -> None:
        self.ops: list[Operation] = []
        self.args: list[tuple[int, ...]] = []
        self.params: list[tuple] = []
        self.shapes: list[tuple[int, ...]] = []
        self.kinds: list[int] = []
        self.lines: list[Any] = []
        self.names: dict[int, str] = {}  # node -> name
        self.inputs: list[int] = []  # nodes
        self.outputs: list[int] = []  # nodes
        self.constants: dict[int, Any] = {}  # node -> its value
        self.captured: dict[Node, int] = {}  # node of an enclosing trace -> the input here that stands for it
        self.level = level
        self.simplified = False  # by `rewrite`, and not written to since
        self._scalars: dict[tuple, int] = {}  # constants already here, so that each stands once
        self._last = threading.local()

    def __len__(self):
        return len(self.ops)

    # --- writing ---

    def variable(self, name: str | None = None, shape: Any = (), dtype: Any = float) -> Node:
        """A new input: a traced value of the given shape and dtype (float64, float32, int64 or bool)."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        node = self._append(INPUT, (), (), shape, kind_of(np.dtype(dtype)))
        self.inputs.append(node.index)
        return self.name(name, node) if name is not None else node

    def constant(self, value: Any) -> Node:
        """A fixed value: a number or an array, in its own precision if it is an array."""
        if type(value) is float or type(value) is int:
            kind = WEAK
        elif type(value) is bool:
            kind = BOOL
        else:
            value = np.asarray(value)
            kind = kind_of(value.dtype, value)
            if value.ndim == 0:
                kind, value = (BOOL if kind == BOOL else WEAK), value.item()
        if type(value) is np.ndarray:
            value = np.array(value, DTYPES[kind], order="C")
            value.flags.writeable = False
            node = self._append(CONSTANT, (), (), value.shape, kind)
        else:
            value = bool(value) if kind == BOOL else float(value)
            key = (kind, value, math.copysign(1.0, value)) if value == value else (kind, "nan")
            if key in self._scalars:
                return Node(self, self._scalars[key])
            node = self._append(CONSTANT, (), (), (), kind)
            self._scalars[key] = node.index
        self.constants[node.index] = value
        return node

    def name(self, name: str, node: Any) -> Node:
        """Give a node a name of its own."""
        taken = next((k for k, other in self.names.items() if other == name and k != node.index), None)
        if taken is not None:
            raise ValueError(f"name={name!r} is taken by another node of this graph{at_line()}")
        self.names[node.index] = name
        return node

    def output(self, *nodes: Any) -> "Graph":
        """Say which nodes are the results; without it the last node is."""
        self.outputs = [n.index for n in nodes]
        return self

    def record(self, operation: Any, args: Any, params: Any) -> Node:
        """Append one operation; the arguments are nodes of this graph, of an enclosing trace, or plain values."""
        indices = [a.index if type(a) is Node and a.graph is self else self._index(a) for a in args]
        shapes = [self.shapes[i] for i in indices]
        kinds = [self.kinds[i] for i in indices]
        if operation.shape is not None:
            shape = operation.shape(shapes, *params)
        else:
            shape = shapes[0]
            if shapes.count(shape) != len(shapes):
                shape = broadcast_shapes(*shapes)
        kind = BOOL if operation.kind == BOOL and operation.elementwise else self._kind(operation, kinds, params)
        return self._append(operation, tuple(indices), params, shape, kind)

    def _kind(self, operation, kinds, params):
        if operation.name == "winner":
            return BOOL
        if operation.name == "astype":
            return params[0]
        if operation.name in ("gather", "scatter_at"):
            kinds = kinds[:1]
        elif operation.name == "where":
            kinds = kinds[1:]
        return max(operation.kind, *kinds)

    def _append(self, operation, args, params, shape, kind):
        self.ops.append(operation)
        self.args.append(args)
        self.params.append(params)
        self.shapes.append(shape)
        self.kinds.append(kind)
        self.lines.append(user_line())
        return Node(self, len(self.ops) - 1)

    def _index(self, value):
        """The node that stands for a plain value, or here for a node of an enclosing trace."""
        if type(value) is not Node:
            return self.constant(value).index
        if value.graph is self:
            return value.index
        if value.graph.level >= self.level:
            raise ValueError(f"{value._short()} belongs to another graph, or to a trace that has ended{at_line()}")
        if value not in self.captured:
            inner = self._append(INPUT, (), (), value.shape, value.graph.kinds[value.index])
            self.captured[value] = inner.index
        return self.captured[value]

    def copy(self) -> "Graph":
        """A graph with the same nodes, to be extended without changing this one."""
        other = Graph(self.level)
        for field in ("ops", "args", "params", "shapes", "kinds", "lines", "inputs", "outputs"):
            setattr(other, field, list(getattr(self, field)))
        for field in ("names", "constants", "captured", "_scalars"):
            setattr(other, field, dict(getattr(self, field)))
        return other

    # --- reading ---

    def node(self, which: Any) -> Node:
        """The traced value with this name, index or output of this graph."""
        if isinstance(which, Node):
            if which.graph is not self:
                raise ValueError(f"{which!r} belongs to another graph")
            return which
        if isinstance(which, str):
            found = [k for k, name in self.names.items() if name == which]
            if not found:
                raise KeyError(f"no node is named {which!r}; the names are {', '.join(map(repr, self.names.values()))}")
            return Node(self, found[0])
        return Node(self, range(len(self))[operator.index(which)])

    @property
    def result(self) -> int:
        """Index of the one output: the last node unless `output` says otherwise."""
        if not self.ops:
            raise ValueError("the graph is empty: it has no output; write it with variable() and operators")
        if len(self.outputs) > 1:
            raise ValueError(
                f"the graph has {len(self.outputs)} outputs where one is needed; choose one with output(node)"
            )
        return self.outputs[0] if self.outputs else len(self) - 1

    def scalar(self, node: Any) -> float | None:
        """The number a constant scalar node stands for, or None."""
        value = self.constants.get(node.index)
        return value if isinstance(value, float) else None

    def label(self, k: Any) -> str:
        """What a node is called: its name, or %3 for node 3."""
        return self.names.get(k, f"%{k}")

    def function_text(self, k: Any) -> str:
        """What a node computes, as it stands inside its rectangle."""
        op = self.ops[k]
        if op is CONSTANT:
            value = self.constants[k]
            return f"{value:g}" if isinstance(value, float) else str(value) if self.shapes[k] == () else "array"
        return "" if op is INPUT else op.label or op.name

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The structure as flat arrays: operation names, starts of the argument lists, the lists end to end."""
        starts = np.zeros(len(self) + 1, np.int64)
        np.cumsum([len(a) for a in self.args], out=starts[1:])
        flat = np.fromiter((i for a in self.args for i in a), np.int64, int(starts[-1]))
        return np.array([op.name for op in self.ops]), starts, flat

    def table(self, values: Any = None, gradients: Any = None) -> str:
        """The graph as text: one line a node, with values and gradients where they are given."""
        rows = [["node", "name", "function", "arguments", "shape"]]
        rows[0] += ["value"] * (values is not None) + ["gradient"] * (gradients is not None)
        for k in range(len(self)):
            function = self.ops[k].name if self.ops[k] is not CONSTANT else f"constant {self.function_text(k)}"
            params = ", ".join(str(p) for p in self.params[k])
            function += f"({params})" if params else ""
            row = [f"%{k}", self.names.get(k, ""), function, " ".join(self.label(i) for i in self.args[k])]
            row.append("×".join(map(str, self.shapes[k])) or "scalar")
            row += [short(v[k]) for v in (values, gradients) if v is not None]
            rows.append(row)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines)

    def __str__(self):
        return self.table()

    def __repr__(self):
        names = ", ".join(self.label(k) for k in self.inputs)
        return f"<Graph of {len(self)} nodes, inputs {names}>"

    if TYPE_CHECKING:  # questions that other modules answer: methods.py puts them here
        forward: Callable[..., "Values"]
        backward: Callable[..., "Values"]
        derivative: Callable[..., "Graph"]
        cost: Callable[[], Any]
        to_dot: Callable[..., str]
        to_mermaid: Callable[..., str]
        to_html: Callable[..., str]
        plot: Callable[..., Any]
        to_sympy: Callable[[], Any]


class Values:
    """A number or array for every node of a graph, read by name, index or traced value."""

    def __init__(self, graph: Any, values: Any) -> None:
        self.graph, self.values = graph, values

    def __getitem__(self, which):
        return self.values[self.graph.node(which).index]

    def __len__(self):
        return len(self.values)

    def named(self) -> Any:
        """The values of the named nodes, as a dictionary."""
        return {name: self.values[k] for k, name in self.graph.names.items()}

    def __repr__(self):
        return "Values(" + ", ".join(f"{name}={short(v)}" for name, v in self.named().items()) + ")"


def kind_of(dtype, value=None):
    """The kind that stands for a NumPy dtype."""
    if dtype.kind == "b":
        return BOOL
    if dtype.kind in "iu":
        return INT
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return FLOAT64 if dtype.itemsize == 8 else FLOAT32
    what = f" (value {value!r})" if value is not None and np.size(value) < 5 else ""
    raise TypeError(f"dtype {dtype}{what} cannot be traced: float64, float32, integers and booleans can{at_line()}")


def short(value):
    """A value for tables and pictures: six digits, or the shape of an array with more than four entries."""
    if value is None:
        return ""
    value = np.asarray(value)
    if value.size > 4:
        return f"{'×'.join(map(str, value.shape))}, {value.min():.4g} to {value.max():.4g}"
    return np.array2string(value, precision=6, separator=", ") if value.ndim else f"{value.item():.9g}"
