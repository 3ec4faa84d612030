"""A plan laid out in one flat memory and encoded as integers, ready for the machine."""

import math

import numpy as np

from fastml.autodiff.node import BOOL, DTYPES, WEAK
from fastml.autodiff.plan import Plan, plan, row_major
from fastml_ext.autodiff.codes import CODES, COLUMNS

__all__ = ["Program", "collapse", "layout"]


def layout(plan, groups, keep=()):
    """(first entry of each buffer, entries in all): memory is given back after a buffer's last use and used again.

    groups: the instructions in order, as lists of those that run interleaved | keep: buffers with a place of their own
    """
    last = {}
    for g, group in enumerate(groups):
        for instruction in group:
            last.update({v.buffer: g for v in (instruction.out, *instruction.args) if not isinstance(v, float)})
    last.update({view.buffer: len(groups) for view in plan.outputs if not isinstance(view, float)})
    ending: dict[int, list] = {}
    for buffer, g in last.items():
        ending.setdefault(g, []).append(buffer)
    at: dict[int, int] = {}
    free: dict[int, list] = {}
    total, keep = 0, set(keep)
    for g, group in enumerate(groups):
        for buffer in [instruction.out.buffer for instruction in group]:
            if buffer in at or buffer in keep:
                continue
            size = plan.sizes[buffer]
            if free.get(size):
                at[buffer] = free[size].pop()
            else:
                at[buffer], total = total, total + size
        for buffer in ending.get(g, ()):
            if buffer in at:
                free.setdefault(plan.sizes[buffer], []).append(at[buffer])
    return at, total


def collapse(shape, strides):
    """(shape, strides) with neighbouring axes joined where every operand allows it. strides: one tuple an operand."""
    axes = [(n, [s[a] for s in strides]) for a, n in enumerate(shape) if n != 1]
    joined: list[tuple] = []
    for n, steps in axes:
        if joined and all(before == step * n for before, step in zip(joined[-1][1], steps, strict=True)):
            joined[-1] = (joined[-1][0] * n, steps)
        else:
            joined.append((n, steps))
    return [n for n, _ in joined], [[steps[p] for _, steps in joined] for p in range(len(strides))]


class Program:
    """A graph as data for the machine: `run(values)` gives its outputs."""

    engine = "interpreted"

    def __init__(self, graph):
        p = graph if isinstance(graph, Plan) else plan(graph)
        self.dtype, self.shapes, self.outputs, self.output_kinds = p.dtype, p.shapes, p.outputs, p.output_kinds
        self._place(p)
        self._encode(p)

    def _place(self, p):
        """Memory: numbers, constant arrays, inputs, then what the instructions write."""
        self._numbers = {_bits(0.0): 0}
        for instruction in p.instructions:
            for a in instruction.args:
                if isinstance(a, float):
                    self._numbers.setdefault(_bits(a), len(self._numbers))
        head = np.zeros(len(self._numbers))
        for bits, k in self._numbers.items():
            head[k] = float.fromhex(bits)
        parts, self.at, end = [head.astype(p.dtype)], {}, len(head)
        for buffer, value in p.constants.items():
            self.at[buffer] = end
            parts.append(value)
            end += value.size
        self.head = np.concatenate(parts)
        self.inputs = []
        for (buffer, place), shape in zip(p.inputs, p.shapes, strict=True):
            if buffer is not None:
                self.at[buffer] = end
                end += math.prod(shape)
            self.inputs.append((None if buffer is None else self.at[buffer], math.prod(shape), place))
        inner, total = layout(p, [[i] for i in p.instructions], self.at)
        self.at.update({b: end + start for b, start in inner.items()})
        self.size = end + total
        self.ints, self._int_starts, start = p.ints, [], 0
        for part in p.ints:
            self._int_starts.append(start)
            start += part.size if isinstance(part, np.ndarray) else math.prod(p.shapes[part])
        self.n_ints = start

    def _encode(self, p):
        self.code = np.zeros((len(p.instructions), COLUMNS), np.int64)
        table: list[int] = []
        for row, instruction in zip(self.code, p.instructions, strict=True):
            name, out, args = instruction.name, instruction.out, instruction.args
            operands = [self._address(a) for a in args]
            row[0], row[2], row[6], row[7] = CODES[name], self._address(out), len(table), _entries(instruction)
            row[3 : 3 + len(operands)] = operands
            if name in ("sum", "max", "min"):
                stride_out = [0 if n == 1 else s for n, s in zip(out.shape, row_major(out.shape), strict=True)]
                shape, strides = collapse(args[0].shape, [stride_out, args[0].strides])
                shape, strides = (shape, strides) if shape else ([1], [[0], [0]])
                row[1] = len(shape)
                table += shape + [s for steps in strides for s in steps] + [p.sizes[out.buffer]]
            elif name in _SPECIAL:
                table += getattr(self, f"_{name}")(instruction)
            elif math.prod(out.shape) != 1:
                views = [a.strides if not isinstance(a, float) else (0,) * len(out.shape) for a in args]
                views += [(0,) * len(out.shape)] * (3 - len(args))
                shape, strides = collapse(out.shape, [out.strides, *views])
                row[1] = len(shape)
                table += shape + [s for steps in strides for s in steps]
        self.table = np.array(table, np.int64)

    def _address(self, a):
        return self._numbers[_bits(a)] if isinstance(a, float) else self.at[a.buffer] + a.offset

    def _matmul(self, instruction):
        a, b = instruction.args
        (*lead, m, k), n = a.shape, b.shape[-1]
        step = [v.strides[-3] if len(v.shape) == 3 else math.prod(v.shape[-2:]) for v in (a, b)]
        transposed, annul = instruction.extra[:2], instruction.extra[2:]
        return [math.prod(lead), m, k, n, step[0], int(transposed[0]), step[1], int(transposed[1]), *map(int, annul)]

    def _winner(self, instruction):
        return list(instruction.extra)

    def _gather(self, instruction):
        return [instruction.extra[0].size, *instruction.extra[0].tolist()]

    def _scatter(self, instruction):
        index = instruction.extra[0]
        return [index.size, math.prod(instruction.out.shape), *index.tolist()]

    def _gather_at(self, instruction):
        lengths, n, rest, size, places = instruction.extra
        return [len(lengths), n, rest, size, *lengths, *[self._int_starts[i] for i in places]]

    _scatter_at = _gather_at

    def run(self, values):
        """Values of the outputs from values of the inputs, which have the planned shapes."""
        from fastml_ext.autodiff import run_program

        work = np.empty(self.size, self.dtype)
        work[: self.head.size] = self.head
        for (start, size, _), value in zip(self.inputs, values, strict=True):
            if start is not None:
                work[start : start + size] = np.reshape(value, -1)
        ints = np.empty(self.n_ints, np.int64)
        for start, part in zip(self._int_starts, self.ints, strict=True):
            part = part if isinstance(part, np.ndarray) else np.reshape(values[part], -1)
            ints[start : start + part.size] = part
        run_program(self.code, self.table, work, ints)
        return [self._read(work, view, kind) for view, kind in zip(self.outputs, self.output_kinds, strict=True)]

    def _read(self, work, view, kind):
        dtype = DTYPES[kind] if kind != WEAK and kind != BOOL else (bool if kind == BOOL else np.float64)
        if isinstance(view, float):
            return np.dtype(dtype).type(view)
        start = self.at[view.buffer] + view.offset
        if view.shape == ():
            return np.dtype(dtype).type(work[start])
        strides = [s * work.itemsize for s in view.strides]
        return np.lib.stride_tricks.as_strided(work[start:], view.shape, strides).astype(dtype)


def _entries(instruction):
    """Steps of the innermost loop, roughly."""
    entries = math.prod(
        instruction.args[0].shape if instruction.name in ("sum", "max", "min") else instruction.out.shape
    )
    return entries * (instruction.args[0].shape[-1] // 16 + 1 if instruction.name == "matmul" else 1)


_SPECIAL = ("matmul", "winner", "gather", "scatter", "gather_at", "scatter_at")


def _bits(number):
    """A key that tells 0.0 from -0.0 and finds NaN again."""
    return number.hex()
