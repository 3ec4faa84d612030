"""Expressions over columns as machine code that fills rows of a table: one pass, however many there are."""

import numpy as np

from fastml.autodiff.emit import emit
from fastml.autodiff.graph import Graph
from fastml.autodiff.plan import plan

__all__ = ["RowProgram"]

INSTRUCTIONS = 500  # of one kernel: straight-line code costs about 2 ms each to compile


class RowProgram:
    """Fills columns `places` of a table with `expressions` of the columns of another.

    columns: the place of each name in the table that is read | dtype: float32 or float64 of both tables
    key: what the user knows the program by
    More expressions than one kernel shall hold are filled by several.
    """

    def __init__(self, expressions, columns, places, dtype, key=None):
        self.key = key
        self._kernels = list(compiled(expressions, columns, places, np.dtype(dtype)))

    def fill(self, X, out, n_jobs=None):
        """Write into out (n, n_columns) what the rows of X (n, d) give; returns out."""
        from fastml_ext import pool

        for kernel, cost in self._kernels:
            pool.run(kernel, len(X), X, out, cost=cost, n_jobs=n_jobs)
        return out


def compiled(expressions, columns, places, dtype):
    """(kernel, ns a row) of as many expressions as fit, and so on."""
    from fastml_ext.autodiff.generated import load

    graph, inputs = written(expressions, columns, dtype)
    program = plan(graph)
    if len(program.instructions) > INSTRUCTIONS and len(expressions) > 1:
        half = len(expressions) // 2
        yield from compiled(expressions[:half], columns, places[:half], dtype)
        yield from compiled(expressions[half:], columns, places[half:], dtype)
        return
    text = emit(program).text + rows_text(inputs, places)
    yield load(text, dtype)["rows"], 2.0 + 2.0 * len(places) + 4.0 * len(program.instructions)


def written(expressions, columns, dtype):
    """(graph, places of its inputs) with one output an expression."""
    graph = Graph()
    names = list(dict.fromkeys(name for e in expressions for name in e.names))
    nodes = {name: graph.variable(None, (), dtype) for name in names or [next(iter(columns))]}
    graph.output(*[e.write(nodes) for e in expressions])
    return graph, [columns[name] for name in nodes]


def rows_text(inputs, places):
    """A loop of a kernel of numbers over the rows of a table, for the pool."""
    lines = ["def rows(start, stop, X, out):", "    for i in range(start, stop):"]
    lines.append(f"        r = body({', '.join(f'X[i, {j}]' for j in inputs)})")
    lines += [f"        out[i, {place}] = r[{k}]" for k, place in enumerate(places)]
    return "\n".join(lines) + "\n"
