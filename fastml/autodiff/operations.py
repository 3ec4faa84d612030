# ruff: noqa: E501  one line an operation
"""The table of operations: one line each. Adding a line adds its tests. All places of an operation:

    here             its line
    functions.py     the function that people call, which checks and records
    if it has `lower`, that is all. If not, the machine and the compiler must know it by name:
    fastml_ext/autodiff/codes.py, machine.py, reference.py     its number, its kernel, its definition
    emit.py          its text in a compiled kernel
    sympy_bridge.py  its name, where expressions of SymPy with it are to be read

    name       as in NumPy
    forward    the value, computed with NumPy
    partials   the symbolic rule of an elementwise operation, (y, *args) -> its partial derivatives, None where it is zero.
               Reverse and forward rule follow from it: g times, and t times, each partial
    reverse    (g, y, *args, *params) -> the part of the gradient g of the result y that goes to each argument; in an
               elementwise line, where it is cheaper than g times the partial, or safe where that is 0 times infinity
    tangent    the forward rule, (t, y, *args, *params) -> derivative of y along t, one t an argument, None for zero;
               "linear": the operation itself applied to the tangent of its first argument
    chosen     for an operation that passes one argument on, (y, *args, *params) -> the condition for each to be the one
    shape      of the result, (shapes, *params) -> shape, for structural operations
    lower      the same in terms of simpler operations, for the machine that runs the graphs
    sympy      SymPy's function of that name, or (sympy, *args) -> expression
    domain     intervals from which the tests draw the arguments; (shapes of the arguments, params) for structural ones

The rules use the functions of this module alone, so they hold for arrays (a backward pass with numbers) and for traced
values (the gradient as another graph, which can be differentiated again). What takes more than a line is in rules.py and
products.py.
"""

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff import products
from fastml.autodiff import rules as r
from fastml.autodiff.functions import cos, greater, less, shape_of, sigmoid, sign, sin
from fastml.autodiff.node import BOOL, TABLE, Key, Operation, apply

__all__ = ["forward_rule", "reverse_rule", "table"]

# Domains: intervals for numbers, shapes and parameters for arrays.
ANY, ABOVE, CONDITION = (-3.0, 3.0), (0.2, 3.0), BOOL
ONE, TWO = (ANY,), (ANY, ANY)
MATRIX, ROWS = ((2, 3),), ((1,), False)
SOME, PLACES = Key((slice(0, 2), np.array([0, 2, 2]))), Key(np.array([0, 2, 2, 5]))


def table() -> list[str]:
    """The names of all operations, each a line of the table that differentiation works from."""
    return sorted(TABLE)


def line(name, forward, partials=None, **columns):
    TABLE[name] = Operation(name, forward, partials=partials, **columns)


def condition(name, forward, arguments, label, sympy):
    """A line of an operation that gives conditions: its derivatives are zero. Their own logic is no arithmetic."""
    none = (None,) * len(arguments)
    columns = {"domain": arguments, "label": label, "sympy": sympy, "kind": BOOL, "analytic": False}
    columns["cost"] = 0 if arguments[0] == CONDITION else 1
    line(name, forward, lambda y, *args: none, **columns)


def reduction(name, forward, **columns):
    line(name, forward, shape=r.reduction_shape, **{"domain": (MATRIX, ROWS), **columns})


def rearrangement(name, forward, **columns):
    """A line of an operation that moves entries about and keeps their kind."""
    line(name, forward, kind=BOOL, **{"tangent": "linear", **columns})


# fmt: off
# --- elementwise ------------------------------------------------------------------------------------------------------

line("add", np.add, lambda y, a, b: (1.0, 1.0), reverse=lambda g, y, a, b: (g, g), label="+", sympy="Add", domain=TWO)
line("subtract", np.subtract, lambda y, a, b: (1.0, -1.0), reverse=lambda g, y, a, b: (g, -g), label="−", sympy=r.minus, domain=TWO)
line("multiply", np.multiply, lambda y, a, b: (b, a), label="×", sympy="Mul", domain=TWO)
line("divide", np.true_divide, lambda y, a, b: (1.0 / b, -y / b), reverse=r.divide_reverse, label="÷", sympy=r.over, domain=(ANY, ABOVE))
line("negative", np.negative, lambda y, x: (-1.0,), reverse=lambda g, y, x: (-g,), label="−", sympy=lambda s, x: -x, domain=ONE)
line("power", np.power, r.power_partials, label="xⁿ", sympy="Pow", domain=(ABOVE, ANY), cost=3)
line("exp", np.exp, lambda y, x: (y,), sympy="exp", domain=ONE)
line("log", np.log, lambda y, x: (1.0 / x,), reverse=lambda g, y, x: (g / x,), sympy="log", domain=(ABOVE,))
line("log1p", np.log1p, lambda y, x: (1.0 / (1.0 + x),), reverse=lambda g, y, x: (g / (1.0 + x),), sympy=lambda s, x: s.log(1 + x), domain=(ABOVE,))
line("expm1", np.expm1, lambda y, x: (y + 1.0,), sympy=lambda s, x: s.exp(x) - 1, domain=ONE)
line("sqrt", np.sqrt, lambda y, x: (0.5 / y,), reverse=lambda g, y, x: (g * 0.5 / y,), sympy="sqrt", domain=(ABOVE,))
line("abs", np.abs, lambda y, x: (sign(x),), label="|x|", sympy="Abs", domain=ONE, analytic=False)
line("sign", np.sign, lambda y, x: (None,), sympy="sign", domain=(ABOVE,), analytic=False)
line("sin", np.sin, lambda y, x: (cos(x),), sympy="sin", domain=ONE)
line("cos", np.cos, lambda y, x: (-sin(x),), reverse=lambda g, y, x: (-(g * sin(x)),), sympy="cos", domain=ONE)
line("tan", np.tan, lambda y, x: (1.0 + y * y,), sympy="tan", domain=((-0.9, 0.9),))
line("tanh", np.tanh, lambda y, x: (1.0 - y * y,), sympy="tanh", domain=ONE)
line("arctan", np.arctan, lambda y, x: (1.0 / (1.0 + x * x),), reverse=lambda g, y, x: (g / (1.0 + x * x),), sympy="atan", domain=ONE)
line("sigmoid", r.sigmoid, lambda y, x: (y * (1.0 - y),), label="σ", sympy=lambda s, x: 1 / (1 + s.exp(-x)), domain=ONE)
line("softplus", r.softplus, lambda y, x: (sigmoid(x),), sympy=lambda s, x: s.log(1 + s.exp(x)), domain=ONE)
line("relu", r.relu, **r.passes(lambda x: greater(x, 0.0)), label="ReLU", sympy=lambda s, x: s.Max(x, 0), domain=ONE, analytic=False)
line("step", r.step, lambda y, x: (None,), sympy=lambda s, x: s.Heaviside(x, 1), domain=(ABOVE,), analytic=False)
line("maximum", np.maximum, **r.first_unless(lambda a, b: less(a, b)), label="max", sympy="Max", domain=TWO, analytic=False)
line("minimum", np.minimum, **r.first_unless(lambda a, b: less(b, a)), label="min", sympy="Min", domain=TWO, analytic=False)
line("where", np.where, **r.choice(r.either_branch), sympy=lambda s, c, a, b: s.Piecewise((a, c), (b, True)), domain=(CONDITION, ANY, ANY), analytic=False, cost=0)
line("clip", np.clip, **r.choice(r.clip_bounds), lower=r.clip_lowered, sympy=lambda s, x, a, b: s.Min(s.Max(x, a), b), domain=(ANY, (-1.0, -0.5), (0.5, 1.0)), analytic=False)

condition("less", np.less, TWO, "<", "Lt")
condition("less_equal", np.less_equal, TWO, "≤", "Le")
condition("equal", np.equal, TWO, "=", "Eq")
condition("not_equal", np.not_equal, TWO, "≠", "Ne")
condition("logical_and", np.logical_and, (CONDITION, CONDITION), "and", "And")
condition("logical_or", np.logical_or, (CONDITION, CONDITION), "or", "Or")
condition("logical_not", np.logical_not, (CONDITION,), "not", "Not")

# --- reductions: params are (axes, keepdims) --------------------------------------------------------------------------

reduction("sum", r.along(np.sum), reverse=r.sum_reverse, tangent="linear", label="Σ")
reduction("mean", r.along(np.mean), reverse=r.mean_reverse, tangent="linear", lower=r.mean_lowered, domain=(MATRIX, ((0, 1), True)))
reduction("prod", r.along(np.prod), reverse=products.product_reverse, tangent=products.product_tangent, lower=products.product_tree, label="Π")
reduction("max", r.along(np.max), **r.extreme(1), analytic=False)
reduction("min", r.along(np.min), **r.extreme(-1), analytic=False)
reduction("norm", r.norm, reverse=r.norm_reverse, tangent=r.norm_tangent, lower=r.norm_lowered, label="‖x‖")
reduction("logsumexp", r.logsumexp, reverse=r.logsumexp_reverse, tangent=r.logsumexp_tangent, lower=r.logsumexp_lowered)
line("softmax", r.softmax, reverse=r.softmax_reverse, tangent=r.softmax_tangent, shape=r.same, lower=r.softmax_lowered, domain=(MATRIX, ((1,),)))
line("winner", r.winner, **r.FLAT, shape=r.same, label="first max", domain=(MATRIX, ((1,),)), kind=BOOL, analytic=False)

# --- products and rearrangements --------------------------------------------------------------------------------------

line("matmul", r.matmul, reverse=r.matmul_reverse, tangent=r.matmul_tangent, shape=r.matmul_shape, label="@", domain=(((2, 3), (3, 4)), ()))
rearrangement("transpose", np.transpose, reverse=r.transpose_reverse, shape=r.transposed, domain=(((2, 3, 2),), ((2, 0, 1),)))
rearrangement("reshape", np.reshape, reverse=r.reshape_reverse, shape=r.given, domain=(MATRIX, ((6,),)))
rearrangement("broadcast_to", np.broadcast_to, reverse=r.broadcast_reverse, shape=r.given, label="broadcast", domain=(((3, 1),), ((2, 3, 4),)))
rearrangement("getitem", r.getitem, reverse=r.getitem_reverse, shape=r.given, label="[ ]", domain=(((3, 4),), (SOME, (2, 3))))
rearrangement("concatenate", r.concatenate, reverse=r.concatenate_reverse, tangent=r.concatenate_tangent, shape=r.joined, domain=(((2, 3), (2, 1)), (1,)))
rearrangement("astype", r.astype, reverse=lambda g, y, x, kind: (g,), shape=r.same)
rearrangement("gather", r.gather, reverse=r.gather_reverse, tangent=r.gather_tangent, shape=r.gathered, label="[ ]")
line("scatter", r.scatter, reverse=r.scatter_reverse, tangent="linear", shape=r.given, domain=(((4,),), (PLACES, (2, 3))))
line("scatter_at", r.scatter_at, reverse=r.scatter_at_reverse, tangent=r.scatter_at_tangent, shape=r.given, label="scatter")
# fmt: on


def reverse_rule(operation, g, y, args, params):
    """Contributions of the gradient g of y to each argument, in the shape of the result where that is broadcast."""
    if operation.reverse is not None:
        return operation.reverse(g, y, *args, *params)
    return [None if p is None else ad.multiply(g, p) for p in operation.partials(y, *args)]


def forward_rule(operation, tangents, y, args, params):
    """Derivative of y along the tangents of the arguments (None for zero); None when it is zero."""
    if operation.tangent == "linear":
        return apply(operation.name, tangents[0], params=params)
    if operation.tangent is not None:
        return operation.tangent(tangents, y, *args, *params)
    terms = []
    for t, p in zip(tangents, operation.partials(y, *args), strict=True):
        if t is not None and p is not None:
            terms.append(t if isinstance(p, float) and p == 1.0 else ad.multiply(t, p))
    total = r.total(terms)
    return total if total is None else ad.broadcast_to(total, shape_of(y))
