"""A graph as machine code: generated source, compiled, called with arrays that it neither makes nor checks."""

import math
import time

import numpy as np

from fastml.autodiff.emit import emit
from fastml.autodiff.node import BOOL, DTYPES, INT, WEAK
from fastml.autodiff.plan import plan
from fastml.autodiff.program import Program

__all__ = ["LIMIT", "NativeProgram", "engine"]

LIMIT = 1000  # instructions: straight-line code costs about 1.8 ms each to compile; larger graphs are interpreted


def engine(graph):
    """What runs a graph: machine code of its own up to LIMIT instructions, the interpreter above."""
    p = plan(graph)
    return NativeProgram(p) if len(p.instructions) <= LIMIT else Program(p)


class NativeProgram:
    """A plan as machine code: `run(values)` gives its outputs; `kernel` is the same for other Numba code."""

    engine = "compiled"

    def __init__(self, p):
        from fastml_ext.autodiff.generated import load

        self.plan, self.source = p, emit(p)
        self.dtype = p.dtype
        begun = time.perf_counter()
        functions = load(self.source.text, p.dtype)
        self.body, self.loop = functions["body"], functions.get("loop")
        self._output_dtypes = [DTYPES[kind] if kind != WEAK else np.dtype(float) for kind in p.output_kinds]
        self.run([np.zeros(shape, DTYPES[kind]) for shape, kind in zip(p.shapes, p.kinds, strict=True)])
        self.compile_seconds = time.perf_counter() - begun
        self._kernel = None

    def run(self, values):
        """Values of the outputs from values of the inputs, which have the planned shapes."""
        kinds, shapes = self.plan.kinds, self.plan.shapes
        inputs = [self._input(v, shape, kind) for v, shape, kind in zip(values, shapes, kinds, strict=True)]
        if self.source.scalars_only:
            results = iter(self.body(*inputs))
            return [dtype.type(r) for dtype, r in zip(self._output_dtypes, results, strict=True)]
        arrays = [np.empty(math.prod(shape), self.dtype) for shape in self.source.outputs if shape != ()]
        work = np.empty(self.source.work, self.dtype)
        results = iter(self.body(*inputs, self.source.constants, self.source.indices, work, *arrays))
        filled, outputs = iter(arrays), []
        for shape, dtype in zip(self.source.outputs, self._output_dtypes, strict=True):
            whole = dtype.type(next(results)) if shape == () else next(filled).reshape(shape).astype(dtype, copy=False)
            outputs.append(whole)
        return outputs

    def _input(self, value, shape, kind):
        dtype = np.dtype(np.int64) if kind in (BOOL, INT) else self.dtype
        if shape == ():
            return dtype.type(value)
        return np.ascontiguousarray(value, dtype).reshape(-1)

    def map(self, columns, n_jobs=None):
        """The outputs at every row of `columns`, for a function of numbers."""
        from fastml_ext import pool

        if self.loop is None:
            raise ValueError(
                "map needs a function of numbers with a number for a value; this one takes or makes arrays"
            )
        columns = [np.ascontiguousarray(c, self.dtype) for c in columns]
        outputs = [np.empty(len(columns[0]), self.dtype) for _ in self.source.outputs]
        cost = 2.0 + 4.0 * len(self.plan.instructions)
        pool.run(self.loop, len(columns[0]), *columns, *outputs, cost=cost, n_jobs=n_jobs)
        return outputs

    @property
    def kernel(self):
        """Numba function of numbers and arrays, in their own shapes, that returns a tuple of the outputs."""
        if self._kernel is None:
            self._kernel = self.body if self.source.scalars_only else self._wrapped()
        return self._kernel

    def _wrapped(self):
        from fastml_ext.autodiff.generated import define

        s, names = self.source, [f"x{i}" for i in range(len(self.plan.shapes))]
        arrays = [f"o{j}" for j, shape in enumerate(s.outputs) if shape != ()]
        lines = [f"    {o} = np.empty({math.prod(s.outputs[int(o[1:])])}, F)" for o in arrays]
        given = [n if shape == () else f"np.ravel({n})" for n, shape in zip(names, self.plan.shapes, strict=True)]
        lines.append(f"    r = body({', '.join([*given, 'constants', 'indices', f'np.empty({s.work}, F)', *arrays])})")
        results, numbers = [], iter(range(len(s.outputs)))
        for j, shape in enumerate(s.outputs):
            results.append(f"r[{next(numbers)}]" if shape == () else f"o{j}.reshape({shape})")
        text = f"def kernel({', '.join(names)}):\n" + "\n".join(lines) + f"\n    return {', '.join(results)},\n"
        return define(text, self.dtype, body=self.body, constants=s.constants, indices=s.indices)["kernel"]
