"""Expressions over columns: read from text without running any of it, written into a graph, and back into text."""

import ast
import inspect
import math
import re
import sys
import warnings
from functools import cached_property
from typing import Any

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff.graph import CONSTANT, INPUT, Graph
from fastml.autodiff.node import TABLE, Node
from fastml.autodiff.rewrite import live
from fastml.autodiff.tracing import trace

__all__ = ["FUNCTIONS", "Expression", "as_text", "quoted"]

FUNCTIONS = (
    *("abs", "arctan", "clip", "cos", "exp", "expm1", "log", "log1p", "maximum", "minimum", "relu", "sigmoid"),
    *("sign", "sin", "softplus", "sqrt", "square", "step", "tan", "tanh", "where"),
)
CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045}
OPERATORS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}
COMPARISONS = {
    ast.Lt: ad.less, ast.LtE: ad.less_equal, ast.Gt: ad.greater, ast.GtE: ad.greater_equal, ast.Eq: ad.equal,
    ast.NotEq: ad.not_equal,
}  # fmt: skip
LONGEST = 10_000  # characters; an expression that a person wrote is shorter
LARGEST = sys.float_info.max
POWERS = range(2, 17)  # exponents up to here are multiplications
QUOTED = re.compile("`([^`]+)`")


class Expression:
    """An expression such as "cos(3*x)", parsed: `names` are the columns it reads, `write` puts it into a graph.

    The language is Python's numbers, + - * / **, comparisons, and, or, not, a if c else b, parentheses, pi, e, and the
    functions of `FUNCTIONS`; names of columns that are no identifiers stand between backquotes. Nothing is evaluated
    by Python: whatever else the text holds is an error.
    """

    def __init__(self, text):
        self.text = text.strip()
        self._quoted = {}
        if len(text) > LONGEST:
            raise ValueError(f"an expression of {len(text)} characters is too long: at most {LONGEST} are read")
        plain = QUOTED.sub(self._placeholder, self.text)
        try:
            with warnings.catch_warnings(action="ignore"):  # the parser's own, about text that it can still read
                self._tree = ast.parse(plain, mode="eval").body
            self.names = list(dict.fromkeys(self._read(self._tree)))
        except SyntaxError:
            raise ValueError(f"{self.text[:60]!r} is no expression{self._cure()}") from None
        except (MemoryError, RecursionError):
            raise ValueError(f"the expression {self.text[:40]!r}... is nested too deeply: split it") from None

    def write(self, columns):
        """The node of the expression; columns: the node of each name."""
        self._columns, self._graph = columns, next(iter(columns.values())).graph
        return self._write(self._tree)

    @property
    def column(self):
        """The name of the column, where the expression is that column and nothing else, or None."""
        return self._name(self._tree) if isinstance(self._tree, ast.Name) and self.names else None

    @cached_property
    def number(self):
        """Its value, where the expression reads no column, or None; ValueError where that is no finite number."""
        if self.names:
            return None
        graph = Graph()
        made = self.write({"": graph.variable("", (), np.float64)})
        with np.errstate(all="ignore"):
            value = float(graph.forward({"": 0.0})[made])
        if not math.isfinite(value):
            raise ValueError(f"{self.text!r} is {value} for every row: a feature is a finite number")
        return value

    def _placeholder(self, found):
        key = f"_quoted_{len(self._quoted)}_"
        self._quoted[key] = found[1]
        return key

    def _name(self, node):
        return self._quoted.get(node.id, node.id)

    def _cure(self):
        if re.search(r"\d\s*[A-Za-z_(]", self.text):
            return ": write 3*x for three times x"
        return ": write it as in Python, such as 'x**2 + cos(3*x)', and odd names of columns between backquotes"

    # --- what may stand there, and the names in it ---

    def _read(self, node):
        """The columns' names; an error for whatever the language does not have."""
        if isinstance(node, ast.Name):
            return [self._name(node)] if node.id not in CONSTANTS else []
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and type(node.value) is not bool:
            if abs(node.value) > LARGEST:
                raise ValueError(f"a number in {self.text[:60]!r} is too large for a float")
            return []
        if isinstance(node, ast.Call):
            return self._read_call(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            raise ValueError(f"^ in {self.text!r} is no power: write x**2")
        allowed = (
            (isinstance(node, ast.BinOp) and type(node.op) in OPERATORS)
            or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd | ast.Not))
            or (isinstance(node, ast.Compare) and all(type(op) in COMPARISONS for op in node.ops))
            or isinstance(node, ast.BoolOp | ast.IfExp)
        )
        if not allowed:
            what = ast.unparse(node) if not isinstance(node, ast.Constant) else repr(node.value)
            raise ValueError(
                f"{what} in {self.text!r} is not understood: numbers, columns, operators and functions are"
            )
        return [
            name for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr) for name in self._read(child)
        ]

    def _read_call(self, node):
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in FUNCTIONS or not isinstance(node.func, ast.Name):
            raise ValueError(f"{name} in {self.text!r} is no function here: {', '.join(FUNCTIONS)} are")
        wanted = 1 if name == "square" else len(TABLE[name].domain)
        if node.keywords or len(node.args) != wanted:
            raise ValueError(f"{name} in {self.text!r} takes {wanted} argument{'s' * (wanted > 1)}, none by name")
        return [found for argument in node.args for found in self._read(argument)]

    # --- into a graph ---

    def _write(self, node: Any) -> Any:
        if isinstance(node, ast.Name):
            value = CONSTANTS.get(node.id)
            return self._columns[self._name(node)] if value is None else self._graph.constant(value)
        if isinstance(node, ast.Constant):
            return self._graph.constant(float(as_any(node.value)))
        if isinstance(node, ast.Call):
            return getattr(ad, as_any(node.func).id)(*map(self._write, node.args))
        if isinstance(node, ast.BinOp):
            return self._operator(node)
        if isinstance(node, ast.UnaryOp):
            x = number(self._write(node.operand))
            return (
                -x if isinstance(node.op, ast.USub) else ad.logical_not(truth(x)) if isinstance(node.op, ast.Not) else x
            )
        if isinstance(node, ast.Compare):
            sides = [self._write(side) for side in (node.left, *node.comparators)]
            each = [COMPARISONS[type(op)](a, b) for op, a, b in zip(node.ops, sides, sides[1:], strict=False)]
            return joined(ad.logical_and, each)
        if isinstance(node, ast.BoolOp):
            by = ad.logical_and if isinstance(node.op, ast.And) else ad.logical_or
            return joined(by, [truth(self._write(value)) for value in node.values])
        return ad.where(truth(self._write(node.test)), self._write(node.body), self._write(node.orelse))

    def _operator(self, node: Any) -> Any:
        a = number(self._write(node.left))
        power = (
            as_any(node.right).value if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant) else None
        )
        if power is not None and power in POWERS:
            return raised(a, int(power))
        return getattr(ad, OPERATORS[type(node.op)])(a, number(self._write(node.right)))


def as_any(node: Any) -> Any:
    """The node, of which the grammar has said what it holds and the type checker cannot know."""
    return node


def raised(x, power):
    """x to a whole power by squaring."""
    if power == 1:
        return x
    half = raised(x, power // 2)
    return half * half * x if power % 2 else half * half


def truth(x):
    return x if x.dtype == bool else ad.not_equal(x, 0.0)


def number(x):
    return 1.0 * x if x.dtype == bool else x


def joined(operation, nodes):
    first, *others = nodes
    for node in others:
        first = operation(first, node)
    return first


# ------------------------------------------------------------------------------------------------ into text

SIGNS: dict[str, Any] = {  # operation: (text, how tightly it binds, how tightly its left and right argument must)
    "logical_or": ("{} or {}", 1, 1, 2), "logical_and": ("{} and {}", 2, 2, 3), "logical_not": ("not {}", 3, 3),
    "less": ("{} < {}", 4, 5, 5), "less_equal": ("{} <= {}", 4, 5, 5), "equal": ("{} == {}", 4, 5, 5),
    "not_equal": ("{} != {}", 4, 5, 5), "add": ("{} + {}", 5, 5, 6), "subtract": ("{} - {}", 5, 5, 6),
    "multiply": ("{}*{}", 6, 6, 7), "divide": ("{}/{}", 6, 6, 7), "negative": ("-{}", 7, 7),
    "power": ("{}**{}", 8, 9, 7),
}  # fmt: skip


def quoted(name):
    """A column's name as it stands in an expression."""
    taken = name in CONSTANTS or not name.isidentifier() or name in ("and", "or", "not", "if", "else")
    return f"`{name}`" if taken else name


def as_text(value):
    """The expression of a traced value, a graph with one output, or a function of columns, named by its parameters."""
    if isinstance(value, Node):
        return node_text(value.graph, value.index)
    graph = value if isinstance(value, Graph) else trace(value, *[1.0] * len(inspect.signature(value).parameters))
    return node_text(graph, graph.result)


def node_text(graph, result):
    texts = {}  # node: (text, how tightly it binds)
    for k in (k for k, needed in enumerate(live(graph, [result])) if needed):
        name, args = graph.ops[k].name, graph.args[k]
        if graph.ops[k] is INPUT:
            if k not in graph.names:
                raise ValueError("a variable of the expression has no name, so that no column can stand for it")
            texts[k] = quoted(graph.names[k]), 9
        elif graph.ops[k] is CONSTANT and graph.shapes[k] == ():
            texts[k] = f"{float(graph.constants[k]):.17g}" if graph.constants[k] % 1 else f"{graph.constants[k]:.0f}", 7
        elif name in SIGNS:
            sign, binds, *needed = SIGNS[name]
            parts = [
                t if b >= least else f"({t})" for (t, b), least in zip((texts[i] for i in args), needed, strict=True)
            ]
            texts[k] = sign.format(*parts), binds
        elif name in FUNCTIONS:
            texts[k] = f"{name}({', '.join(texts[i][0] for i in args)})", 9
        else:
            raise ValueError(f"{name} of the expression works on arrays: a feature is made of numbers, row by row")
        if len(texts[k][0]) > LONGEST:
            raise ValueError("the expression is too long to be written as text: split it")
    return texts[result][0]
