"""Graphs from and to SymPy expressions. SymPy is optional; what needs it says so."""

from typing import Any

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff.graph import CONSTANT, INPUT, Graph
from fastml.autodiff.rewrite import rewrite

__all__ = ["from_sympy", "to_sympy"]


def to_sympy(graph: Graph) -> Any:
    """The output of a graph as a SymPy expression of symbols named as the inputs; an object array where it is an array.

    Entry (1, 2) of an input X stands for a symbol X_1_2. Composed operations are written out.

    >>> from fastml import autodiff as ad
    >>> g = ad.Graph()
    >>> x = g.variable("x")
    >>> g.output(ad.exp(x) * x).to_sympy()
    x*exp(x)
    """
    sympy = _sympy()
    graph = rewrite(graph, [graph.result], lower=True)
    values = [None] * len(graph)
    for k, op in enumerate(graph.ops):
        args = [values[i] for i in graph.args[k]]
        if op is INPUT:
            values[k] = _symbols(sympy, graph.label(k), graph.shapes[k])
        elif op is CONSTANT:
            values[k] = _each(lambda v: _number(sympy, v), graph.constants[k])
        elif op.elementwise:
            rule = getattr(sympy, op.sympy) if isinstance(op.sympy, str) else lambda *a, f=op.sympy: f(sympy, *a)
            as_bool = [op.name.startswith("logical") or (op.name == "where" and p == 0) for p in range(len(args))]
            values[k] = _each(
                lambda *a, r=rule, b=as_bool: r(*[_condition(sympy, *p) for p in zip(a, b, strict=True)]), *args
            )
        elif op.name in ("max", "min"):
            values[k] = _extreme(getattr(sympy, op.name.title()), args[0], *graph.params[k])
        elif op.name in ("winner", "gather", "scatter_at"):
            raise NotImplementedError(f"{op.name} (node {graph.label(k)}) has no form in SymPy")
        elif op.name == "astype":
            values[k] = args[0]
        else:
            values[k] = op.forward(*args, *graph.params[k])
    value = values[graph.outputs[0]]
    return value.item() if isinstance(value, np.ndarray) and value.shape == () else value


def from_sympy(expression: Any, *symbols: Any) -> Graph:
    """Graph of a SymPy expression.

    Parameters
    ----------
    expression : sympy.Expr
    *symbols : sympy.Symbol
        Its inputs in order; where none is given, the free symbols in alphabetical order.

    Returns
    -------
    Graph

    Examples
    --------
    >>> import sympy
    >>> from fastml import autodiff as ad
    >>> x = sympy.Symbol("x")
    >>> ad.from_sympy(sympy.diff(sympy.sin(x**2), x)).forward(x=0.0)[-1]
    np.float64(0.0)
    """
    sympy = _sympy()
    expression = sympy.sympify(expression)
    symbols = symbols or tuple(sorted(expression.free_symbols, key=lambda s: s.name))
    graph = Graph()
    nodes = {symbol: graph.variable(symbol.name) for symbol in symbols}
    unknown = expression.free_symbols - set(nodes)
    if unknown:
        raise ValueError(
            f"the expression has symbols that were not given: {', '.join(sorted(s.name for s in unknown))}"
        )
    for part in sympy.postorder_traversal(expression):
        if part not in nodes:
            nodes[part] = _translated(sympy, graph, part, nodes)
    result = nodes[expression]
    return graph.output(result if hasattr(result, "graph") else graph.constant(result))


def _translated(sympy, graph, part, nodes):
    """The node for one SymPy object whose arguments are translated already; numbers stay numbers."""
    if part.is_number and not isinstance(part, sympy.logic.boolalg.Boolean):
        return graph.constant(float(part))
    args = [nodes[a] for a in part.args]
    name = type(part).__name__
    if name in ("Add", "Mul", "Max", "Min", "And", "Or"):
        function = {"Add": ad.add, "Mul": ad.multiply, "Max": ad.maximum, "Min": ad.minimum, "And": ad.logical_and}.get(
            name, ad.logical_or
        )
        total = args[0]
        for a in args[1:]:
            total = function(total, a)
        return total
    if name == "Piecewise":
        value = graph.constant(float("nan"))
        for branch, condition in reversed([nodes[a] for a in part.args]):
            value = branch if condition is True else ad.where(condition, branch, value)
        return value
    if name == "ExprCondPair":
        return tuple(args)
    if isinstance(part, sympy.logic.boolalg.BooleanAtom):
        return bool(part)
    if name not in _FUNCTIONS:
        raise NotImplementedError(f"SymPy's {name} has no rule here; the expression contains {part}")
    return _FUNCTIONS[name](*args)


_FUNCTIONS = {
    "Pow": ad.power,
    "exp": ad.exp,
    "log": ad.log,
    "sin": ad.sin,
    "cos": ad.cos,
    "tan": ad.tan,
    "tanh": ad.tanh,
    "atan": ad.arctan,
    "Abs": ad.abs,
    "sign": ad.sign,
    "Heaviside": lambda x, at_zero=None: ad.step(x),
    "StrictLessThan": ad.less,
    "LessThan": ad.less_equal,
    "StrictGreaterThan": ad.greater,
    "GreaterThan": ad.greater_equal,
    "Equality": ad.equal,
    "Unequality": ad.not_equal,
    "Not": ad.logical_not,
}


def _sympy():
    try:
        import sympy
    except ImportError:
        raise ImportError("this needs SymPy, which is not installed: pip install sympy") from None
    return sympy


def _symbols(sympy, label, shape):
    label = label.replace("%", "v")
    array = np.empty(shape, object)
    for i in np.ndindex(shape):
        array[i] = sympy.Symbol("_".join([label, *map(str, i)]))
    return array


def _number(sympy, value):
    if isinstance(value, bool | np.bool_):
        return sympy.true if value else sympy.false
    value = float(value)
    return sympy.Integer(int(value)) if value == int(value) else sympy.Float(value)


def _each(function, *arrays):
    """`function` of every entry, as an object array."""
    whole = np.broadcast_arrays(*[np.asarray(a, object) for a in arrays])
    out = np.empty(whole[0].shape, object)
    for i in np.ndindex(out.shape):
        out[i] = function(*[w[i] for w in whole])
    return out


def _condition(sympy, value, wanted):
    """A SymPy condition where one is wanted: a number is one where it is not zero."""
    return value if not wanted or isinstance(value, sympy.logic.boolalg.Boolean) else sympy.Ne(value, 0)


def _extreme(function, x, axes, keepdims):
    kept = [a for a in range(x.ndim) if a not in axes]
    moved = np.transpose(x, [*kept, *axes])
    out = np.empty(moved.shape[: len(kept)], object)
    for i in np.ndindex(out.shape):
        out[i] = function(*moved[i].reshape(-1))
    return out.reshape([1 if a in axes else n for a, n in enumerate(x.shape)]) if keepdims else out
