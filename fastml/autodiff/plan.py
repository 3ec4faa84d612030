"""From a graph to a list of instructions on flat memory: what the machine interprets and the emitter turns into source.

Transposes, broadcasts, reshapes and slices are views: another offset and other strides on the same memory, and no work.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from fastml.autodiff.graph import CONSTANT, INPUT
from fastml.autodiff.node import FLOAT32, FLOAT64, INT
from fastml.autodiff.rewrite import rewrite

__all__ = ["Instruction", "Plan", "View", "plan"]


_VIEWS = ("transpose", "broadcast_to", "reshape", "getitem", "astype")


@dataclass(slots=True)
class View:
    """An array as entries of a buffer: offset and strides in entries."""

    buffer: int
    offset: int
    shape: tuple
    strides: tuple

    @property
    def contiguous(self):
        return self.strides == row_major(self.shape) or math.prod(self.shape) == 0

    def strided(self, offset, shape, strides):
        strides = tuple([0 if n == 1 else s for n, s in zip(shape, strides, strict=True)])
        return View(self.buffer, offset, tuple(shape), strides)

    def broadcast(self, shape):
        extra = len(shape) - len(self.shape)
        return self if self.shape == shape else self.strided(self.offset, shape, [0] * extra + list(self.strides))


@dataclass(slots=True)
class Instruction:
    """One step: writes `out` from the views `args`; numbers stand for themselves."""

    name: str
    out: View
    args: list
    extra: tuple = ()


@dataclass(slots=True)
class Plan:
    """Instructions, the sizes of the buffers they use, and where inputs, constants and outputs are."""

    dtype: np.dtype
    instructions: list = field(default_factory=list)
    sizes: list = field(default_factory=list)  # entries of each buffer
    inputs: list = field(default_factory=list)  # (buffer of floats or None, its place in `ints` or None) for each input
    constants: dict = field(default_factory=dict)  # buffer -> its entries
    ints: list = field(default_factory=list)  # arrays of integers, or the number of the input they come from
    outputs: list = field(default_factory=list)  # a View or a number for each output
    output_kinds: list = field(default_factory=list)
    shapes: list = field(default_factory=list)  # of the inputs
    kinds: list = field(default_factory=list)  # of the inputs


def row_major(shape):
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step if n != 1 else 0)
        step *= n
    return tuple(reversed(strides))


def plan(graph):
    """The plan of a graph with one or more outputs. One dtype throughout: float32 unless some value is float64."""
    if not graph.simplified or any(op.lower is not None for op in graph.ops):
        graph = rewrite(graph, lower=True)
    kinds = set(graph.kinds)
    dtype = np.dtype(np.float32 if FLOAT32 in kinds and FLOAT64 not in kinds else np.float64)
    planner = _Planner(graph, dtype)
    for k in range(len(graph)):
        planner.step(k)
    p = planner.plan
    p.outputs = [planner.views[k] if graph.shapes[k] == () else planner._view(k) for k in graph.outputs]
    p.output_kinds = [graph.kinds[k] for k in graph.outputs]
    p.shapes = [graph.shapes[k] for k in graph.inputs]
    p.kinds = [graph.kinds[k] for k in graph.inputs]
    return p


class _Planner:
    def __init__(self, graph, dtype):
        self.graph, self.plan = graph, Plan(dtype)
        self.views: list = [None] * len(graph)  # a View, or a number for scalar constants
        self.int_at = {}  # node of integers -> its place in plan.ints
        used_as_index: set[int] = set()
        used: set[int] = set(graph.outputs)
        for op, args in zip(graph.ops, graph.args, strict=True):
            index = args[1:] if op.name in ("gather", "scatter_at") else ()
            used_as_index.update(index)
            used.update(args[: len(args) - len(index)])
        self.used_as_index, self.used = used_as_index, used

    def step(self, k):
        op = self.graph.ops[k]
        if op is INPUT:
            self._input(k)
        elif op is CONSTANT:
            self._constant(k)
        elif op.name in _VIEWS and isinstance(self.views[self.graph.args[k][0]], float):
            self.views[k] = self.views[self.graph.args[k][0]]  # a number, however often repeated
        elif op.elementwise:
            self._emit(op.name, k, [self._operand(i, self.graph.shapes[k]) for i in self.graph.args[k]])
        else:
            getattr(self, f"_{op.name}")(k, *self.graph.args[k], *self.graph.params[k])

    def _buffer(self, shape):
        self.plan.sizes.append(math.prod(shape))
        return View(len(self.plan.sizes) - 1, 0, tuple(shape), row_major(shape))

    def _input(self, k):
        buffer = place = None
        if k in self.used:
            self.views[k] = self._buffer(self.graph.shapes[k])
            buffer = self.views[k].buffer
        if k in self.used_as_index:
            place = self.int_at[k] = len(self.plan.ints)
            self.plan.ints.append(len(self.plan.inputs))
        self.plan.inputs.append((buffer, place))

    def _constant(self, k):
        value = self.graph.constants[k]
        if k in self.used_as_index:
            self.int_at[k] = len(self.plan.ints)
            self.plan.ints.append(np.atleast_1d(np.asarray(value, np.int64)).reshape(-1))
        if k in self.used and self.graph.shapes[k] == ():
            self.views[k] = float(value)
        elif k in self.used:
            self.views[k] = self._buffer(value.shape)
            self.plan.constants[self.views[k].buffer] = np.asarray(value, self.plan.dtype).reshape(-1)

    def _operand(self, k, shape):
        view = self.views[k]
        return view if isinstance(view, float) else view.broadcast(shape)

    def _emit(self, name, k, args, shape=None, extra=()):
        shape = self.graph.shapes[k] if shape is None else shape
        out = self._buffer(shape)
        self.plan.instructions.append(Instruction(name, out, args, extra))
        self.views[k] = out
        return out

    def _view(self, k):
        """The view of a node; a number is put into memory first."""
        view = self.views[k]
        return self._copied(view, ()).broadcast(self.graph.shapes[k]) if isinstance(view, float) else view

    def _copied(self, view, shape):
        out = self._buffer(shape)
        view = view if isinstance(view, float) else view.broadcast(shape)
        self.plan.instructions.append(Instruction("copy", out, [view]))
        return out

    def _dense(self, k):
        view = self._view(k)
        return view if view.contiguous else self._copied(view, view.shape)

    # --- views ---

    def _transpose(self, k, x, axes):
        v = self._view(x)
        self.views[k] = v.strided(v.offset, [v.shape[a] for a in axes], [v.strides[a] for a in axes])

    def _broadcast_to(self, k, x, shape):
        self.views[k] = self._view(x).broadcast(shape)

    def _astype(self, k, x, kind):
        self.views[k] = self._view(x)

    def _reshape(self, k, x, shape):
        v = self._view(x)
        long = [(n, s) for n, s in zip(v.shape, v.strides, strict=True) if n != 1]
        if [n for n, _ in long] == [n for n in shape if n != 1]:
            strides = iter([s for _, s in long])
            self.views[k] = v.strided(v.offset, shape, [next(strides) if n != 1 else 0 for n in shape])
            return
        v = v if v.contiguous else self._copied(v, v.shape)
        self.views[k] = v.strided(v.offset, shape, row_major(shape))

    def _getitem(self, k, x, index, shape):
        v, parts = self._view(x), index.value
        if len(parts) == len(v.shape) == 1 and isinstance(parts[0], int):
            self.views[k] = v.strided(v.offset + parts[0] % v.shape[0] * v.strides[0], (), ())
        elif any(isinstance(p, np.ndarray) for p in parts):
            source = self._dense(x)
            taken = np.arange(math.prod(v.shape)).reshape(v.shape)[parts].reshape(-1)
            self._emit("gather", k, [source], shape, (taken,))
        else:  # NumPy finds offset and strides, on an array without memory
            dummy = np.lib.stride_tricks.as_strided(np.zeros(1, np.int8), v.shape, v.strides)
            taken = dummy[parts] if shape else dummy[(*parts, None)][..., :1]
            offset = _address(taken) - _address(dummy) if math.prod(shape) else 0
            self.views[k] = v.strided(v.offset + offset, shape, taken.strides if shape else ())

    # --- work ---

    def _sum(self, k, x, axes, keepdims):
        self._reduce("sum", k, x, axes)

    def _max(self, k, x, axes, keepdims):
        self._reduce("max", k, x, axes)

    def _min(self, k, x, axes, keepdims):
        self._reduce("min", k, x, axes)

    def _reduce(self, name, k, x, axes):
        v = self._view(x)
        kept = tuple(1 if a in axes else n for a, n in enumerate(v.shape))
        if name != "sum" and any(v.shape[a] == 0 for a in axes):
            raise ValueError(f"{name} of no entries: the shape is {v.shape}")
        out = self._emit(name, k, [v], kept)
        self.views[k] = out.strided(0, self.graph.shapes[k], row_major(self.graph.shapes[k]))

    def _matmul(self, k, a, b, left=False, right=False):
        va, vb = self._matrices(a), self._matrices(b)
        self._emit("matmul", k, [va, vb], extra=(_transposed(va), _transposed(vb), left, right))

    def _matrices(self, k):
        v = self._view(k)
        step = math.prod(v.shape[-2:])
        lead_ok = len(v.shape) <= 3 or v.strides[:-2] == tuple(s * step for s in row_major(v.shape[:-2]))
        return v if lead_ok and _transposed(v) is not None else self._copied(v, v.shape)

    def _winner(self, k, x, axes):
        v = self._view(x)
        order = [a for a in range(len(v.shape)) if a not in axes] + list(axes)
        moved = v.strided(v.offset, [v.shape[a] for a in order], [v.strides[a] for a in order])
        moved = moved if moved.contiguous else self._copied(moved, moved.shape)
        n = math.prod(v.shape[a] for a in axes)
        out = self._emit("winner", k, [moved], moved.shape, (math.prod(moved.shape) // n if n else 0, n))
        back = np.argsort(order)
        self.views[k] = out.strided(0, v.shape, [out.strides[a] for a in back])

    def _scatter(self, k, x, index, shape):
        self._emit("scatter", k, [self._dense(x)], shape, (index.value,))

    def _gather(self, k, x, *index):
        self._dynamic("gather_at", k, x, index, self.graph.shapes[x])

    def _scatter_at(self, k, x, *rest):
        self._dynamic("scatter_at", k, x, rest[:-1], rest[-1])

    def _dynamic(self, name, k, x, index, whole):
        positions = {self.graph.shapes[i] for i in index}
        if len(positions) > 1:
            raise ValueError(f"indices of shapes {sorted(positions)}: give traced indices of one shape")
        if any(self.graph.kinds[i] != INT or self.graph.args[i] for i in index):
            raise TypeError("a traced index must be an integer argument of the function itself, not computed from one")
        rest = math.prod(whole[len(index) :])
        extra = (
            whole[: len(index)],
            math.prod(positions.pop()),
            rest,
            math.prod(whole),
            [self.int_at[i] for i in index],
        )
        self._emit(name, k, [self._dense(x)], self.graph.shapes[k], extra)

    def _concatenate(self, k, *rest):
        *parts, axis = rest
        shape = self.graph.shapes[k]
        out, start = self._buffer(shape), 0
        for part in parts:
            n = self.graph.shapes[part]
            piece = out.strided(out.offset + start * out.strides[axis], n, out.strides)
            if math.prod(n):
                self.plan.instructions.append(Instruction("copy", piece, [self._operand(part, n)]))
            start += n[axis]
        self.views[k] = out


def _address(array):
    return array.__array_interface__["data"][0]


def _transposed(v):
    """False for row-major matrices, True for column-major ones, None for others."""
    (m, n), (sm, sn) = v.shape[-2:], v.strides[-2:]
    if (sm == n or m == 1) and (sn == 1 or n == 1):
        return False
    return True if (sm == 1 or m == 1) and (sn == m or n == 1) else None
