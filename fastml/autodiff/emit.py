"""A plan as the source of a Numba kernel: numbers in local variables, elementwise work fused into one loop a shape.

Instructions are grouped by depth: the fewest loops that must be over before one can run. Those of equal depth and shape
share a loop, in which what only they read is a local variable and never stored.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from fastml.autodiff.node import INT
from fastml.autodiff.plan import Instruction, View, row_major
from fastml.autodiff.program import collapse, layout

__all__ = ["Source", "emit"]

EXPRESSIONS = {
    "add": "{a} + {b}",
    "subtract": "{a} - {b}",
    "multiply": "{a} * {b}",
    "divide": "{a} / {b}",
    "negative": "-{a}",
    "power": "{a} ** {b}",
    "exp": "exp{bits}({a})",
    "log": "math.log({a})",
    "log1p": "math.log1p({a})",
    "expm1": "math.expm1({a})",
    "sqrt": "math.sqrt({a})",
    "abs": "abs({a})",
    "sign": "(ONE if {a} > ZERO else (-ONE if {a} < ZERO else {a}))",
    "sin": "math.sin({a})",
    "cos": "math.cos({a})",
    "tan": "math.tan({a})",
    "tanh": "tanh{bits}({a})",
    "arctan": "math.atan({a})",
    "sigmoid": "sigmoid{bits}({a})",
    "softplus": "softplus{bits}({a})",
    "relu": "(ZERO if {a} <= ZERO else {a})",
    "step": "(ONE if {a} >= ZERO else (ZERO if {a} < ZERO else {a}))",
    "maximum": "({b} if {a} < {b} or {b} != {b} else {a})",
    "minimum": "({b} if {b} < {a} or {b} != {b} else {a})",
    "where": "({b} if {a} != ZERO else {c})",
    "less": "(ONE if {a} < {b} else ZERO)",
    "less_equal": "(ONE if {a} <= {b} else ZERO)",
    "equal": "(ONE if {a} == {b} else ZERO)",
    "not_equal": "(ONE if {a} != {b} else ZERO)",
    "logical_and": "(ONE if {a} != ZERO and {b} != ZERO else ZERO)",
    "logical_or": "(ONE if {a} != ZERO or {b} != ZERO else ZERO)",
    "logical_not": "(ZERO if {a} != ZERO else ONE)",
    "copy": "{a}",
}
REDUCTIONS = ("sum", "max", "min")


@dataclass(slots=True)
class Source:
    """The text of a kernel `body(x0, x1, ..., constants, work, o0, ...)` and the arrays it is called with.

    A scalar input is a number, any other its entries in a row; body returns the scalar outputs as a tuple, and writes
    output k to o<k> where that is an array. A kernel of numbers alone is body(x0, x1, ...).
    """

    text: str
    scalars_only: bool
    constants: np.ndarray
    indices: np.ndarray
    work: int
    outputs: list = field(default_factory=list)  # shape of each output


def emit(plan):
    """The Source of a plan."""
    return _Emitter(plan).source()


class _Emitter:
    def __init__(self, plan):
        self.plan, self.lines = plan, []
        self.single = [size == 1 for size in plan.sizes]
        self.home = {}  # buffer -> (variable of the array, first entry)
        self.registers = {}  # buffer -> local variable, within the loop being written
        self._constants, self._indices, self._n_constants, self._n_indices = [], [], 0, 0
        self.groups = self._grouped()
        self._readers()
        self._place()

    # --- order ---

    def _grouped(self):
        """[(kind, instructions)] in the order of their depth."""
        made: dict[int, tuple] = {}  # buffer -> (depth, kind, shape, view)
        groups: dict[tuple, list] = {}
        for k, instruction in enumerate(self.plan.instructions):
            kind, shape = self._kind(instruction)
            depth = 0
            for view in instruction.args:
                if isinstance(view, View) and view.buffer in made:
                    at, by, over, whole = made[view.buffer]
                    same = by == kind == "scalar" or (by == kind == "loop" and over == shape and whole == view)
                    depth = max(depth, at if same else at + 1)
            key = (
                depth,
                {"scalar": 0, "call": 1, "loop": 2}[kind],
                shape if kind == "loop" else k if kind == "call" else (),
            )
            groups.setdefault(key, []).append(instruction)
            out = instruction.out
            before = made.get(out.buffer)  # a concatenation is written in pieces
            reducing = instruction.name in REDUCTIONS
            pieces = before is not None or math.prod(out.shape) != self.plan.sizes[out.buffer]
            made[out.buffer] = (
                max(depth, before[0] if before else 0),
                "call" if reducing or pieces else kind,
                shape,
                out,
            )
        order = sorted(groups, key=lambda key: (key[0], key[1]))
        return [(("scalar", "call", "loop")[key[1]], groups[key]) for key in order]

    def _kind(self, instruction):
        if instruction.name not in EXPRESSIONS and instruction.name not in REDUCTIONS:
            return "call", None
        shape = instruction.args[0].shape if instruction.name in REDUCTIONS else instruction.out.shape
        return ("scalar" if math.prod(shape) == 1 else "loop"), shape

    def _readers(self):
        """Buffers that are read outside the loop that writes them, and so must be in memory."""
        group_of = {}
        for g, (_, instructions) in enumerate(self.groups):
            for instruction in instructions:
                out = instruction.out
                pieces = out.buffer in group_of or math.prod(out.shape) != self.plan.sizes[out.buffer]
                group_of[out.buffer] = None if pieces or instruction.name in REDUCTIONS else g
        self.stored = {v.buffer for v in self.plan.outputs if isinstance(v, View)}
        self.stored |= {b for b, g in group_of.items() if g is None}
        for g, (kind, instructions) in enumerate(self.groups):
            for instruction in instructions:
                views = [v for v in instruction.args if isinstance(v, View)]
                self.stored |= {v.buffer for v in views if kind == "call" or group_of.get(v.buffer) != g}
                self.stored |= {instruction.out.buffer} if kind == "call" else set()

    # --- memory ---

    def _place(self):
        p = self.plan
        for i, (buffer, _) in enumerate(p.inputs):
            if buffer is not None:
                self.home[buffer] = (f"x{i}", 0)
        for buffer, value in p.constants.items():
            self.home[buffer] = ("constants", self._n_constants)
            self._constants.append(value)
            self._n_constants += value.size
        for j, view in enumerate(p.outputs):
            if isinstance(view, float) or view.shape == () or view.buffer in self.home:
                continue
            if view.contiguous and view.offset == 0 and math.prod(view.shape) == p.sizes[view.buffer]:
                self.home[view.buffer] = (f"o{j}", 0)
        single = [b for b, one in enumerate(self.single) if one]
        local = {b for b in range(len(p.sizes)) if b not in self.stored}
        groups = [instructions for _, instructions in self.groups]
        at, self.work = layout(p, groups, [*self.home, *single, *local])
        for buffer, start in at.items():
            self.home[buffer] = ("work", start)

    def _constant_indices(self, index):
        start = self._n_indices
        self._indices.append(np.asarray(index, np.int64))
        self._n_indices += len(index)
        return f"indices[{start}:{self._n_indices}]"

    def _variables(self, *numbers):
        """Numbers as entries of an array: as literals they would make Numba compile a helper again for each of them."""
        start = self._n_indices
        self._constant_indices(numbers)
        return [f"indices[{start + i}]" for i in range(len(numbers))]

    # --- text ---

    def source(self):
        p = self.plan
        for kind, instructions in self.groups:
            getattr(self, f"_write_{kind}")(instructions)
        results = []
        for j, view in enumerate(p.outputs):
            if isinstance(view, float) or view.shape == ():
                results.append(self._read(view, []))
            elif self.home.get(view.buffer) != (f"o{j}", 0) or self.single[view.buffer]:
                self._write_loop([Instruction("copy", View(-1 - j, 0, view.shape, row_major(view.shape)), [view])])
        scalars_only = self._scalars_only()
        inputs = [f"x{i}" for i in range(len(p.inputs))]
        shapes = [() if isinstance(v, float) else v.shape for v in p.outputs]
        arrays = [f"o{j}" for j, shape in enumerate(shapes) if shape != ()]
        arguments = inputs if scalars_only else [*inputs, "constants", "indices", "work", *arrays]
        results = [f"F({r})" for r in results]
        head = f"def body({', '.join(arguments)}):\n"
        text = (
            head
            + "".join(f"    {line}\n" for line in self.lines)
            + f"    return ({' '.join(r + ',' for r in results)})\n"
        )
        if scalars_only:
            text += _loop_text(len(inputs), len(shapes))
        dtype = p.dtype.type
        constants = np.concatenate([*self._constants, np.empty(0, dtype)])
        indices = np.concatenate([*self._indices, np.empty(0, np.int64)])
        return Source(text, scalars_only, constants, indices, self.work, shapes)

    def _scalars_only(self):
        p = self.plan
        outputs = all(isinstance(v, float) or v.shape == () for v in p.outputs)
        plain = outputs and all(shape == () for shape in p.shapes) and not p.ints
        return plain and not self.work and not self._constants and not self._indices

    def _number(self, value):
        if math.isfinite(value):
            return repr(value) if self.plan.dtype == np.float64 else f"F({value!r})"
        return "F(np.nan)" if value != value else "F(np.inf)" if value > 0 else "F(-np.inf)"

    def _read(self, view, strides):
        """Expression for the entry of a view at the present turn of the loops."""
        if isinstance(view, float):
            return self._number(view)
        if view.buffer in self.registers:
            return self.registers[view.buffer]
        if self.single[view.buffer]:
            variable, start = self.home.get(view.buffer, (f"v{view.buffer}", 0))
            if variable.startswith("x"):
                return self._input(variable, "" if self.plan.shapes[int(variable[1:])] == () else "[0]")
            return f"constants[{start}]" if variable == "constants" else f"v{view.buffer}"
        return self._entry(view, strides)

    def _entry(self, view, strides):
        variable, start = self.home[view.buffer] if view.buffer >= 0 else (f"o{-1 - view.buffer}", 0)
        start += view.offset
        terms = [f"i{d}" if s == 1 else f"i{d} * {s}" for d, s in enumerate(strides) if s]
        index = f"[{' + '.join([str(start)] * (start != 0 or not terms) + terms)}]"
        return self._input(variable, index) if variable.startswith("x") else variable + index

    def _input(self, variable, index):
        """An entry of an input; integers and booleans come as int64."""
        return f"F({variable}{index})" if self.plan.kinds[int(variable[1:])] <= INT else variable + index

    def _write_scalar(self, instructions):
        for instruction in instructions:
            if instruction.name in REDUCTIONS:
                text = self._read(instruction.args[0], [])
            else:
                text = self._expression(instruction, [[]] * 3)
            out = instruction.out
            if self.single[out.buffer]:
                self.lines.append(f"v{out.buffer} = {text}")
            else:
                self.lines.append(f"{self._entry(out, [])} = {text}")

    def _expression(self, instruction, strides):
        texts = [self._read(a, s) for a, s in zip(instruction.args, strides, strict=False)]
        return EXPRESSIONS[instruction.name].format(
            bits=8 * self.plan.dtype.itemsize, **dict(zip("abc", texts, strict=False))
        )

    def _write_loop(self, instructions):
        shape = self._kind(instructions[0])[1]
        if math.prod(shape) == 0:
            self._write_empty(instructions)
            return
        views, zero = [], (0,) * len(shape)
        for instruction in instructions:
            out = instruction.out
            reducing = instruction.name in REDUCTIONS
            kept = row_major(out.shape) if reducing else out.strides
            views += [kept, *[zero if isinstance(a, float) else a.strides for a in instruction.args]]
        lengths, strides = collapse(shape, views)
        loops = _Loops(self, lengths)
        steps, self.registers = iter(strides), {}
        for instruction in instructions:
            to = next(steps)
            at = [next(steps) for _ in instruction.args]
            if instruction.name in REDUCTIONS:
                loops.reduce(instruction, to, self._read(instruction.args[0], at[0]))
            else:
                loops.compute(instruction, to, self._expression(instruction, at))
        self.lines += loops.text()
        self.registers = {}

    def _write_empty(self, instructions):
        for instruction in instructions:
            if instruction.name == "sum":
                if self.single[instruction.out.buffer]:
                    self.lines.append(f"v{instruction.out.buffer} = ZERO")
                elif math.prod(instruction.out.shape):
                    self.lines.append(f"{self._slice(instruction.out)} = ZERO")

    def _slice(self, view):
        """A contiguous view as a slice of its array."""
        variable, start = self.home[view.buffer]
        start += view.offset
        return f"{variable}[{start}:{start + self._extent(view)}]"

    def _extent(self, view):
        return (
            1 + sum((n - 1) * s for n, s in zip(view.shape, view.strides, strict=True)) if math.prod(view.shape) else 0
        )

    def _write_call(self, instructions):
        (instruction,) = instructions
        getattr(self, f"_call_{instruction.name}")(instruction)

    def _array(self, view):
        """A contiguous view as an array argument; a scalar is put into a new one."""
        text = self._read(view, []) if self.single[view.buffer] else "["
        return self._slice(view) if text.endswith(("]", "[")) else f"np.array([{text}])"

    def _result(self, view, write):
        """Write lines that fill `view`; a single entry goes through an array of one."""
        if not self.single[view.buffer]:
            write(self._slice(view))
            return
        self.lines.append(f"t{view.buffer} = np.empty(1, F)")
        write(f"t{view.buffer}")
        self.lines.append(f"v{view.buffer} = t{view.buffer}[0]")

    def _call_matmul(self, instruction):
        a, b = instruction.args
        out, (ta, tb, left, right) = instruction.out, instruction.extra
        (*lead, m, k), n = a.shape, b.shape[-1]
        steps = [v.strides[-3] if len(v.shape) == 3 else math.prod(v.shape[-2:]) for v in (a, b)]
        sizes = self._variables(ta, tb, m, k, n)
        annul = ", ".join(self._variables(left, right)) if left or right else ""

        def product(x, y, target, *, indent=""):
            arguments = f"{x}, {sizes[0]}, {y}, {', '.join(sizes[1:])}"
            self.lines.append(f"{indent}product({arguments}, {target})")
            if annul:
                self.lines.append(f"{indent}annul({arguments}, {annul}, {target})")

        def write(target):
            if math.prod(lead) == 1:
                product(self._array(a), self._array(b), target)
                return
            self.lines.append(f"for i in range({math.prod(lead)}):")
            parts = []
            for view, step, size in ((a, steps[0], m * k), (b, steps[1], k * n), (out, m * n, m * n)):
                variable, start = self.home[view.buffer]
                start = f"{start + view.offset} + i * {step}"
                parts.append(f"{variable}[{start}:{start} + {size}]")
            product(*parts, indent="    ")

        self._result(out, write)

    def _call_winner(self, instruction):
        rows, n = self._variables(*instruction.extra)
        x = self._array(instruction.args[0])
        self._result(instruction.out, lambda target: self.lines.append(f"winner({rows}, {n}, {x}, {target})"))

    def _call_gather(self, instruction):
        index, x = self._constant_indices(instruction.extra[0]), self._array(instruction.args[0])
        self._result(instruction.out, lambda target: self.lines.append(f"gather({index}, {x}, {target})"))

    def _call_scatter(self, instruction):
        index, x = self._constant_indices(instruction.extra[0]), self._array(instruction.args[0])
        self._result(instruction.out, lambda target: self.lines.append(f"scatter({index}, {x}, {target})"))

    def _call_gather_at(self, instruction):
        lengths, n, rest, _, places = instruction.extra
        x = self._array(instruction.args[0])
        at = self._flat_position(lengths, n, places)

        def write(target):
            if instruction.name == "scatter_at":
                self.lines.append(f"{target}[:] = ZERO")
            self.lines.append(f"for i in range({n}):")
            self.lines.extend(f"    {line}" for line in at)
            self.lines.append(f"    for j in range({rest}):")
            if instruction.name == "gather_at":
                self.lines.append(f"        {target}[i * {rest} + j] = {x}[at * {rest} + j]")
            else:
                self.lines.append(f"        {target}[at * {rest} + j] += {x}[i * {rest} + j]")

        self._result(instruction.out, write)

    _call_scatter_at = _call_gather_at

    def _flat_position(self, lengths, n, places):
        lines = ["at = 0"]
        for length, place in zip(lengths, places, strict=True):
            part = self.plan.ints[place]
            if isinstance(part, np.ndarray):
                text = f"{self._constant_indices(part)}[i]"
            else:
                text = f"x{part}" if self.plan.shapes[part] == () else f"x{part}[i]"
            lines += [f"k = {text}", f"k += {length} if k < 0 else 0"]
            lines += [f"if k < 0 or k >= {length}:", "    raise IndexError('an index is outside its array')"]
            lines.append(f"at = at * {length} + k")
        return lines


class _Loops:
    """The text of one nest of loops: what is computed at each turn, and sums that begin and end at some level."""

    def __init__(self, emitter, lengths):
        self.emitter, self.lengths = emitter, lengths
        self.first, self.inner = [], []
        self.before: list[list] = [[] for _ in range(len(lengths) + 1)]  # before and after the loop at each level
        self.after: list[list] = [[] for _ in range(len(lengths) + 1)]

    def compute(self, instruction, strides, text):
        e, out = self.emitter, instruction.out
        if out.buffer >= 0 and math.prod(out.shape) == e.plan.sizes[out.buffer]:
            self.inner.append(f"r{out.buffer} = {text}")
            e.registers[out.buffer] = text = f"r{out.buffer}"
        if out.buffer < 0 or out.buffer in e.stored:
            self.inner.append(f"{e._entry(out, strides)} = {text}")

    def reduce(self, instruction, strides, text):
        e, out, name = self.emitter, instruction.out, instruction.name
        level = len(strides)
        while level and strides[level - 1] == 0:
            level -= 1
        alone = e.single[out.buffer]
        again = not alone and any(s == 0 for s in strides[:level])  # an entry is come back to
        target = f"v{out.buffer}" if alone else e._entry(out, strides)
        start = {"sum": "0.0", "max": "-np.inf", "min": "np.inf"}[name]
        if again:
            self.first.append(f"{e._slice(out)} = {start}")
        if level == len(strides):
            self.inner += _accumulate(name, target, text)
            return
        total = f"s{out.buffer}"
        self.before[level].append(f"{total} = {start}")
        self.inner += _accumulate(name, total, text)
        self.after[level] += _accumulate(name, target, f"F({total})") if again else [f"{target} = F({total})"]

    def text(self):
        lines, n = list(self.first), len(self.lengths)
        for level in range(n):
            lines += ["    " * level + line for line in self.before[level]]
            lines.append("    " * level + f"for i{level} in range({self.lengths[level]}):")
        lines += ["    " * n + line for line in self.inner]
        for level in range(n - 1, -1, -1):
            lines += ["    " * level + line for line in self.after[level]]
        return lines


def _accumulate(name, target, text):
    if name == "sum":
        return [f"{target} += {text}"]
    sign = ">" if name == "max" else "<"
    return [f"q = {text}", f"if q {sign} {target} or q != q:", f"    {target} = q"]


def _loop_text(n_inputs, n_outputs):
    """A loop of a kernel of numbers over arrays of them, for the pool."""
    inputs = [f"x{i}" for i in range(n_inputs)]
    outputs = [f"o{j}" for j in range(n_outputs)]
    lines = [f"def loop({', '.join(['start', 'stop', *inputs, *outputs])}):", "    for i in range(start, stop):"]
    lines.append(f"        r = body({', '.join(f'{x}[i]' for x in inputs)})")
    lines += [f"        {o}[i] = r[{j}]" for j, o in enumerate(outputs)]
    return "\n".join(lines) + "\n"
