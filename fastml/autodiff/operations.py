# ruff: noqa: E501  one line an operation, however long
"""The table of operations: one line each. Adding a line adds its tests.

    name       as in NumPy
    forward    the value, computed with NumPy
    partials   the symbolic rule of an elementwise operation, (y, *args) -> its partial derivatives, None where it is zero.
               Reverse and forward rule follow from it: g times, and t times, each partial
    reverse    (g, y, *args, *params) -> the part of the gradient g of the result y that goes to each argument; in an
               elementwise line, where it is cheaper than g times the partial, or safe where that is 0 times infinity
    tangent    the forward rule, (t, y, *args, *params) -> derivative of y along t, one t an argument, None for zero;
               "linear": the operation itself applied to the tangent of its first argument
    lower      the same in terms of simpler operations, for the machine that runs the graphs
    domain     intervals in which the tests draw the arguments, or shapes and parameters for structural operations

The rules use the functions of this module alone, so they hold for arrays (a backward pass with numbers) and for traced
values (the gradient as another graph, which can be differentiated again).
"""

import math

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff.functions import cos, divide, exp, log, multiply, reshape, sigmoid, sign, sin, sqrt, where
from fastml.autodiff.node import BOOL, DTYPES, TABLE, Key, Node, Operation, apply

__all__ = ["table"]

ANY, POSITIVE, UNIT = (-3.0, 3.0), (0.2, 3.0), (-0.9, 0.9)


def table():
    """The names of all operations, each a line of the table that differentiation works from."""
    return sorted(TABLE)


def _line(name, forward, **columns):
    TABLE[name] = Operation(name, forward, **columns)


# --- values of what NumPy lacks; complex arguments serve the complex-step check ---------------------------------------


def _sigmoid(x):
    positive = np.real(x) >= 0
    z = np.exp(np.where(positive, np.negative(x), x))
    return np.where(positive, 1.0, z) / (1.0 + z)


def _softplus(x):
    positive = np.real(x) >= 0
    return np.where(positive, x, np.float32(0)) + np.log1p(np.exp(np.where(positive, np.negative(x), x)))


def _step(x):
    return np.where(np.isnan(x), x, np.greater_equal(x, 0) * np.ones_like(x))


def _logsumexp(x, axes, keepdims):
    top = np.max(np.real(x), axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    y = np.log(np.sum(np.exp(x - top), axis=axes, keepdims=True)) + top
    return y if keepdims else np.reshape(y, _reduced(np.shape(x), axes, False))


def _softmax(x, axis):
    e = np.exp(x - np.max(np.real(x), axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _winner(x, axes):
    """True at the first largest entry (the first NaN, if any) along `axes`."""
    lead, flat = _axes_last(np.asarray(x), axes)
    mask = np.zeros(flat.shape, bool)
    np.put_along_axis(mask, np.argmax(flat, -1)[..., None], True, -1)
    order = [a for a in range(np.ndim(x)) if a not in axes] + list(axes)
    return np.transpose(mask.reshape(lead), np.argsort(order))


def _axes_last(x, axes):
    order = [a for a in range(x.ndim) if a not in axes] + list(axes)
    moved = np.transpose(x, order)
    return moved.shape, moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)


def _scatter(g, index, shape):
    out = np.zeros(math.prod(shape), np.asarray(g).dtype)
    np.add.at(out, index.value, np.asarray(g))
    return out.reshape(shape)


def _scatter_at(g, *rest):
    *index, shape = rest
    out = np.zeros(shape, np.asarray(g).dtype)
    np.add.at(out, tuple(index), g)
    return out


# --- shapes ----------------------------------------------------------------------------------------------------------


def _reduced(shape, axes, keepdims=False):
    return tuple(1 if i in axes else n for i, n in enumerate(shape) if keepdims or i not in axes)


def _gathered(shapes):
    x, *index = shapes
    return ad._broadcast(*index) + tuple(x[len(index) :])


def _joined(shapes, axis):
    return (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])


# --- parts of rules --------------------------------------------------------------------------------------------------


def _spread(g, x, axes):
    """g of a reduction, with its reduced axes put back and repeated to the shape of x."""
    shape = ad.shape_of(x)
    return ad.broadcast_to(reshape(g, _reduced(shape, axes, True)), shape)


def _kept(g, x, axes):
    return reshape(g, _reduced(ad.shape_of(x), axes, True))


def _sum(x, axes, keepdims=False):
    return apply("sum", x, params=(axes, keepdims))


def _count(x, axes):
    return math.prod(ad.shape_of(x)[a] for a in axes)


def _last_swapped(x):
    n = len(ad.shape_of(x))
    return ad.transpose(x, (*range(n - 2), n - 1, n - 2))


def _power_partials(y, a, b):
    """b a^(b-1), which is 0 for b = 0 even at a = 0; and y log a, which is 0 at a = 0."""
    c = b.graph.scalar(b) if type(b) is Node else None
    if c is not None:
        return (2.0 * a if c == 2 else c * a ** (c - 1) if c != 0 else None), None
    towards_base = b * a ** where(apply("equal", b, 0.0), 1.0, b - 1.0)
    return towards_base, y * log(where(apply("equal", a, 0.0), 1.0, a))


def _split(g, axis, args):
    """The pieces of g that belong to each of the concatenated arguments."""
    pieces, start = [], 0
    for a in args:
        stop = start + ad.shape_of(a)[axis]
        pieces.append(ad.getitem(g, (slice(None),) * axis + (slice(start, stop),)) if type(a) is Node or type(g) is not Node else None)
        start = stop
    return pieces


def _concatenate_tangent(t, y, *rest):
    *args, axis = rest
    filled = [np.zeros(ad.shape_of(a), np.float32) if d is None else d for d, a in zip(t, args, strict=True)]
    return ad.concatenate(filled, axis)


def _product_tree(x, axes, keepdims=False):
    """Product by halves: n-1 multiplications, each of whose gradients is exact at zeros."""
    shape = ad.shape_of(x)
    order = [*axes, *(a for a in range(len(shape)) if a not in axes)]
    rest = _reduced(shape, axes)
    x = reshape(ad.transpose(x, order), (_count(x, axes), *rest))
    while (n := ad.shape_of(x)[0]) > 1:
        half = n // 2
        product = ad.getitem(x, slice(0, half)) * ad.getitem(x, slice(half, 2 * half))
        x = ad.concatenate([product, ad.getitem(x, slice(2 * half, n))]) if n % 2 else product
    x = np.ones((1, *rest), np.float32) if n == 0 else x
    return reshape(x, _reduced(shape, axes, keepdims))


def _product_reverse(g, y, x, axes, keepdims):
    from fastml.autodiff.modes import vjp

    return vjp(lambda v: _product_tree(v, axes, keepdims), x)[1](g)


def _product_tangent(t, y, x, axes, keepdims):
    from fastml.autodiff.modes import jvp

    return jvp(lambda v: _product_tree(v, axes, keepdims), (x,), (t[0],))[1]


def _norm_ratio(x, y, axes):
    """x / |x|, and 0 where |x| = 0."""
    y = _kept(y, x, axes)
    zero = apply("equal", y, 0.0)
    return where(zero, 0.0, x / where(zero, 1.0, y))


def _lower_logsumexp(x, axes, keepdims):
    top = apply("max", x, params=(axes, True))
    top = where(apply("less", abs(top), math.inf), top, 0.0)
    y = log(_sum(exp(x - top), axes, True)) + top
    return reshape(y, _reduced(ad.shape_of(x), axes, keepdims))


def _lower_softmax(x, axis):
    e = exp(x - apply("max", x, params=((axis,), True)))
    return e / _sum(e, (axis,), True)


# --- the lines: elementwise ------------------------------------------------------------------------------------------

# fmt: off
_line("add", np.add, label="+", reverse=lambda g, y, a, b: (g, g), partials=lambda y, a, b: (1.0, 1.0), sympy="Add", domain=(ANY, ANY))
_line("subtract", np.subtract, label="−", reverse=lambda g, y, a, b: (g, -g), partials=lambda y, a, b: (1.0, -1.0), sympy=lambda s, a, b: a - b, domain=(ANY, ANY))
_line("multiply", np.multiply, label="×", partials=lambda y, a, b: (b, a), sympy="Mul", domain=(ANY, ANY))
_line("divide", np.true_divide, label="÷", reverse=lambda g, y, a, b: (q := g / b, -(q * y)), partials=lambda y, a, b: (1.0 / b, -y / b), sympy=lambda s, a, b: a / b, domain=(ANY, POSITIVE))
_line("negative", np.negative, label="−", reverse=lambda g, y, x: (-g,), partials=lambda y, x: (-1.0,), sympy=lambda s, x: -x, domain=(ANY,))
_line("power", np.power, label="xⁿ", partials=_power_partials, sympy="Pow", domain=(POSITIVE, ANY), cost=3)
_line("exp", np.exp, partials=lambda y, x: (y,), sympy="exp", domain=(ANY,))
_line("log", np.log, reverse=lambda g, y, x: (g / x,), partials=lambda y, x: (1.0 / x,), sympy="log", domain=(POSITIVE,))
_line("log1p", np.log1p, reverse=lambda g, y, x: (g / (1.0 + x),), partials=lambda y, x: (1.0 / (1.0 + x),), sympy=lambda s, x: s.log(1 + x), domain=(POSITIVE,))
_line("expm1", np.expm1, partials=lambda y, x: (y + 1.0,), sympy=lambda s, x: s.exp(x) - 1, domain=(ANY,))
_line("sqrt", np.sqrt, reverse=lambda g, y, x: (g * 0.5 / y,), partials=lambda y, x: (0.5 / y,), sympy="sqrt", domain=(POSITIVE,))
_line("abs", np.abs, label="|x|", partials=lambda y, x: (sign(x),), sympy="Abs", domain=(ANY,), analytic=False)
_line("sign", np.sign, partials=lambda y, x: (None,), sympy="sign", domain=(POSITIVE,), analytic=False)
_line("sin", np.sin, partials=lambda y, x: (cos(x),), sympy="sin", domain=(ANY,))
_line("cos", np.cos, reverse=lambda g, y, x: (-(g * sin(x)),), partials=lambda y, x: (-sin(x),), sympy="cos", domain=(ANY,))
_line("tan", np.tan, partials=lambda y, x: (1.0 + y * y,), sympy="tan", domain=(UNIT,))
_line("tanh", np.tanh, partials=lambda y, x: (1.0 - y * y,), sympy="tanh", domain=(ANY,))
_line("arctan", np.arctan, reverse=lambda g, y, x: (g / (1.0 + x * x),), partials=lambda y, x: (1.0 / (1.0 + x * x),), sympy="atan", domain=(ANY,))
_line("sigmoid", _sigmoid, label="σ", partials=lambda y, x: (y * (1.0 - y),), sympy=lambda s, x: 1 / (1 + s.exp(-x)), domain=(ANY,))
_line("softplus", _softplus, partials=lambda y, x: (sigmoid(x),), sympy=lambda s, x: s.log(1 + s.exp(x)), domain=(ANY,))
_line("relu", lambda x: np.maximum(x, 0), label="ReLU", reverse=lambda g, y, x: (where(apply("less", 0.0, x), g, 0.0),), partials=lambda y, x: (where(apply("less", 0.0, x), 1.0, 0.0),), sympy=lambda s, x: s.Max(x, 0), domain=(ANY,), analytic=False)
_line("step", _step, partials=lambda y, x: (None,), sympy=lambda s, x: s.Heaviside(x, 1), domain=(POSITIVE,), analytic=False)
_line("maximum", np.maximum, label="max", reverse=lambda g, y, a, b: (where(c := apply("less", a, b), 0.0, g), where(c, g, 0.0)), partials=lambda y, a, b: (where(c := apply("less", a, b), 0.0, 1.0), where(c, 1.0, 0.0)), sympy="Max", domain=(ANY, ANY), analytic=False)
_line("minimum", np.minimum, label="min", reverse=lambda g, y, a, b: (where(c := apply("less", b, a), 0.0, g), where(c, g, 0.0)), partials=lambda y, a, b: (where(c := apply("less", b, a), 0.0, 1.0), where(c, 1.0, 0.0)), sympy="Min", domain=(ANY, ANY), analytic=False)
_line("where", np.where, reverse=lambda g, y, c, a, b: (None, where(c, g, 0.0), where(c, 0.0, g)), partials=lambda y, c, a, b: (None, where(c, 1.0, 0.0), where(c, 0.0, 1.0)), sympy=lambda s, c, a, b: s.Piecewise((a, c), (b, True)), domain=(BOOL, ANY, ANY), analytic=False)
_line("clip", np.clip, reverse=lambda g, y, x, lo, hi: (where(apply("equal", y, x), g, 0.0), where(apply("less", x, lo), g, 0.0), where(apply("less", hi, x), g, 0.0)), partials=lambda y, x, lo, hi: (where(apply("equal", y, x), 1.0, 0.0), where(apply("less", x, lo), 1.0, 0.0), where(apply("less", hi, x), 1.0, 0.0)), lower=lambda x, lo, hi: ad.minimum(ad.maximum(x, lo), hi), sympy=lambda s, x, lo, hi: s.Min(s.Max(x, lo), hi), domain=(ANY, (-1.0, -0.5), (0.5, 1.0)), analytic=False)
for _name, _ufunc, _label in (("less", np.less, "<"), ("less_equal", np.less_equal, "≤"), ("equal", np.equal, "="), ("not_equal", np.not_equal, "≠")):
    _line(_name, _ufunc, label=_label, partials=lambda y, a, b: (None, None), sympy={"less": "Lt", "less_equal": "Le", "equal": "Eq", "not_equal": "Ne"}[_name], domain=(ANY, ANY), kind=BOOL, analytic=False)
_line("logical_and", np.logical_and, label="and", partials=lambda y, a, b: (None, None), sympy="And", domain=(BOOL, BOOL), kind=BOOL, analytic=False)
_line("logical_or", np.logical_or, label="or", partials=lambda y, a, b: (None, None), sympy="Or", domain=(BOOL, BOOL), kind=BOOL, analytic=False)
_line("logical_not", np.logical_not, label="not", partials=lambda y, x: (None,), sympy="Not", domain=(BOOL,), kind=BOOL, analytic=False)

# --- the lines: structural. domain: ((shapes of the arguments), parameters) ------------------------------------------

_line("sum", lambda x, axes, keep: np.sum(x, axis=axes, keepdims=keep), label="Σ", reverse=lambda g, y, x, axes, keep: (_spread(g, x, axes),), tangent="linear", shape=lambda s, axes, keep: _reduced(s[0], axes, keep), domain=(((2, 3),), ((1,), False)))
_line("mean", lambda x, axes, keep: np.mean(x, axis=axes, keepdims=keep), reverse=lambda g, y, x, axes, keep: (_spread(divide(g, float(_count(x, axes))), x, axes),), tangent="linear", shape=lambda s, axes, keep: _reduced(s[0], axes, keep), lower=lambda x, axes, keep: divide(_sum(x, axes, keep), float(_count(x, axes))), domain=(((2, 3),), ((0, 1), True)))
_line("prod", lambda x, axes, keep: np.prod(x, axis=axes, keepdims=keep), label="Π", reverse=_product_reverse, tangent=_product_tangent, shape=lambda s, axes, keep: _reduced(s[0], axes, keep), lower=_product_tree, domain=(((2, 3),), ((1,), False)))
_line("max", lambda x, axes, keep: np.max(x, axis=axes, keepdims=keep), reverse=lambda g, y, x, axes, keep: (where(apply("winner", x, params=(axes,)), _kept(g, x, axes), 0.0),), tangent=lambda t, y, x, axes, keep: _sum(where(apply("winner", x, params=(axes,)), t[0], 0.0), axes, keep), shape=lambda s, axes, keep: _reduced(s[0], axes, keep), domain=(((2, 3),), ((1,), False)), analytic=False)
_line("min", lambda x, axes, keep: np.min(x, axis=axes, keepdims=keep), reverse=lambda g, y, x, axes, keep: (where(apply("winner", -x, params=(axes,)), _kept(g, x, axes), 0.0),), tangent=lambda t, y, x, axes, keep: _sum(where(apply("winner", -x, params=(axes,)), t[0], 0.0), axes, keep), shape=lambda s, axes, keep: _reduced(s[0], axes, keep), domain=(((2, 3),), ((1,), False)), analytic=False)
_line("winner", _winner, label="first max", reverse=lambda g, y, x, axes: (None,), tangent=lambda t, y, x, axes: None, shape=lambda s, axes: s[0], domain=(((2, 3),), ((1,),)), kind=BOOL, analytic=False)
_line("norm", lambda x, axes, keep: np.sqrt(np.sum(np.multiply(x, x), axis=axes, keepdims=keep)), label="‖x‖", reverse=lambda g, y, x, axes, keep: (_kept(g, x, axes) * _norm_ratio(x, y, axes),), tangent=lambda t, y, x, axes, keep: _sum(t[0] * _norm_ratio(x, y, axes), axes, keep), shape=lambda s, axes, keep: _reduced(s[0], axes, keep), lower=lambda x, axes, keep: sqrt(_sum(multiply(x, x), axes, keep)), domain=(((2, 3),), ((1,), False)))
_line("logsumexp", _logsumexp, reverse=lambda g, y, x, axes, keep: (_kept(g, x, axes) * exp(x - _kept(y, x, axes)),), tangent=lambda t, y, x, axes, keep: _sum(t[0] * exp(x - _kept(y, x, axes)), axes, keep), shape=lambda s, axes, keep: _reduced(s[0], axes, keep), lower=_lower_logsumexp, domain=(((2, 3),), ((1,), True)))
_line("softmax", _softmax, reverse=lambda g, y, x, axis: (y * (g - _sum(g * y, (axis,), True)),), tangent=lambda t, y, x, axis: y * (t[0] - _sum(t[0] * y, (axis,), True)), shape=lambda s, axis: s[0], lower=_lower_softmax, domain=(((2, 3),), (1,)))
_line("matmul", np.matmul, label="@", reverse=lambda g, y, a, b: (apply("matmul", g, _last_swapped(b)), apply("matmul", _last_swapped(a), g)), tangent=lambda t, y, a, b: _total([None if t[0] is None else apply("matmul", t[0], b), None if t[1] is None else apply("matmul", a, t[1])]), shape=lambda s: (*s[0][:-1], s[1][-1]), domain=(((2, 3), (3, 4)), ()))
_line("transpose", lambda x, axes: np.transpose(x, axes), reverse=lambda g, y, x, axes: (ad.transpose(g, tuple(int(i) for i in np.argsort(axes))),), tangent="linear", shape=lambda s, axes: tuple(s[0][a] for a in axes), kind=BOOL, domain=(((2, 3, 2),), ((2, 0, 1),)))
_line("reshape", lambda x, shape: np.reshape(x, shape), reverse=lambda g, y, x, shape: (reshape(g, ad.shape_of(x)),), tangent="linear", shape=lambda s, shape: shape, kind=BOOL, domain=(((2, 3),), ((6,),)))
_line("broadcast_to", lambda x, shape: np.broadcast_to(x, shape), label="broadcast", reverse=lambda g, y, x, shape: (unbroadcast(g, ad.shape_of(x)),), tangent="linear", shape=lambda s, shape: shape, kind=BOOL, domain=(((3, 1),), ((2, 3, 4),)))
_line("getitem", lambda x, index, shape: np.asarray(x)[index.value], label="[ ]", reverse=lambda g, y, x, index, shape: (scatter_key(g, index, ad.shape_of(x)),), tangent="linear", shape=lambda s, index, shape: shape, kind=BOOL, domain=(((3, 4),), (Key((slice(0, 2), np.array([0, 2, 2]))), (2, 3))))
_line("scatter", _scatter, reverse=lambda g, y, x, index, shape: (ad.getitem(reshape(g, (-1,)), index.value),), tangent="linear", shape=lambda s, index, shape: shape, domain=(((4,),), (Key(np.array([0, 2, 2, 5])), (2, 3))))
_line("astype", lambda x, kind: np.asarray(x, DTYPES[kind]), reverse=lambda g, y, x, kind: (g,), tangent="linear", shape=lambda s, kind: s[0], kind=BOOL)
_line("gather", lambda x, *index: np.asarray(x)[tuple(index)], label="[ ]", reverse=lambda g, y, x, *index: (apply("scatter_at", g, *index, params=(ad.shape_of(x),)), *[None] * len(index)), tangent=lambda t, y, x, *index: apply("gather", t[0], *index), shape=lambda s: _gathered(s), kind=BOOL)
_line("scatter_at", _scatter_at, label="scatter", reverse=lambda g, y, x, *rest: (apply("gather", g, *rest[:-1]), *[None] * (len(rest) - 1)), tangent=lambda t, y, x, *rest: apply("scatter_at", t[0], *rest[:-1], params=rest[-1:]), shape=lambda s, shape: shape)
_line("concatenate", lambda *rest: np.concatenate(rest[:-1], axis=rest[-1]), reverse=lambda g, y, *rest: _split(g, rest[-1], rest[:-1]), tangent=_concatenate_tangent, shape=_joined, kind=BOOL, domain=(((2, 3), (2, 1)), (1,)))
# fmt: on


# --- how rules are applied -------------------------------------------------------------------------------------------


def _total(terms):
    """Sum of the terms that are not None; None when there is none."""
    total = None
    for term in terms:
        if term is not None:
            total = term if total is None else total + term
    return total


def unbroadcast(g, shape):
    """Sum over the axes along which a value of `shape` was repeated."""
    have = ad.shape_of(g)
    if have == shape:
        return g
    extra = len(have) - len(shape)
    axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(shape) if n == 1 and have[i + extra] != 1)
    return reshape(_sum(g, axes), shape)


def scatter_key(g, index, shape):
    """The gradient of x[index]: g added into zeros of x's shape."""
    return apply("scatter", reshape(g, (-1,)), params=(Key(flat_index(index, shape)), shape))


def flat_index(index, shape):
    """Positions, in row-major order, of the entries that `index` takes from an array of `shape`."""
    parts = index.value
    if len(parts) == len(shape) == 1 and isinstance(parts[0], int):
        return np.array([parts[0] % shape[0]])
    return np.arange(math.prod(shape)).reshape(shape)[parts].reshape(-1)


def reverse_rule(operation, g, y, args, params):
    """Contributions of the gradient g of y to each argument, in the shape of the result where that is broadcast."""
    if operation.reverse is not None:
        return operation.reverse(g, y, *args, *params)
    return [None if p is None else multiply(g, p) for p in operation.partials(y, *args)]


def forward_rule(operation, tangents, y, args, params):
    """Derivative of y along the tangents of the arguments (None for zero); None when it is zero."""
    if operation.tangent == "linear":
        return apply(operation.name, tangents[0], params=params)
    if operation.tangent is not None:
        return operation.tangent(tangents, y, *args, *params)
    partials = operation.partials(y, *args)
    terms = [
        t if isinstance(p, float) and p == 1.0 else multiply(t, p)
        for t, p in zip(tangents, partials, strict=True)
        if t is not None and p is not None
    ]
    total = _total(terms)
    return total if total is None else ad.broadcast_to(total, ad.shape_of(y))

