"""All modes agree with one another, with differences and with SymPy, on expressions that Hypothesis writes."""

import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fastml import autodiff as ad
from fastml.autodiff.native import engine
from fastml.autodiff.program import Program

# Each has values and slopes of moderate size for arguments of moderate size, so that differences stay exact.
UNARY = [
    ad.sin,
    ad.tanh,
    ad.sigmoid,
    ad.arctan,
    lambda x: -x,
    lambda x: ad.exp(ad.sin(x)),
    lambda x: ad.log1p(x * x),
    lambda x: ad.sqrt(1.0 + x * x),
    lambda x: ad.cos(x) / (1.5 + ad.sin(x)),
    lambda x: ad.sin(x) ** 3,
    lambda x: ad.softplus(ad.sin(x)),
]
BINARY = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: ad.tanh(a) * ad.sin(b),
    lambda a, b: ad.sin(a) / (2.0 + ad.cos(b)),
    lambda a, b: (1.5 + ad.sin(a)) ** ad.sin(b),
]
ARRAYS = [
    lambda a: ad.sum(a, axis=0) / 3.0,
    lambda a: ad.softmax(a, axis=-1),
    lambda a: ad.tanh(a)[..., ::-1],
    lambda a: ad.transpose(a),
    lambda a: a.reshape(-1)[: a.size // 2 + 1],
    lambda a: ad.logsumexp(ad.sin(a), axis=-1, keepdims=True),
    lambda a: ad.norm(1.0 + ad.sin(a), axis=0),
    lambda a: ad.prod(ad.tanh(a), axis=-1),
    lambda a: ad.dot(ad.sin(a.reshape(-1)), ad.cos(a.reshape(-1))) / a.size,
    lambda a: ad.concatenate([a, ad.sin(a)]) if a.ndim else a,
    lambda a: ad.stack([a, a * 0.5]),
    lambda a: ad.tanh(ad.matmul(a, ad.transpose(a)) if a.ndim == 2 else a),
    lambda a: ad.mean(a, axis=-1) if a.ndim else a,
]


@st.composite
def expressions(draw, arrays=False, length=8):
    """A function as a list of steps, each of earlier values: subexpressions are shared as it happens."""
    steps = []
    for k in range(draw(st.integers(1, length))):
        kind = draw(st.sampled_from(["unary", "binary", "array"] if arrays else ["unary", "binary"]))
        table = {"unary": UNARY, "binary": BINARY, "array": ARRAYS}[kind]
        rule = draw(st.integers(0, len(table) - 1))
        steps.append((kind, rule, draw(st.integers(0, k + 1)), draw(st.integers(0, k + 1))))
    return steps


def written(steps, *inputs):
    values = list(inputs)
    for kind, rule, i, j in steps:
        a, b = values[i], values[j]
        if kind == "unary":
            values.append(UNARY[rule](a))
        elif kind == "binary":
            values.append(BINARY[rule](a, b if ad.functions.shape_of(a) == ad.functions.shape_of(b) else ad.mean(b)))
        else:
            values.append(ARRAYS[rule](a) if ad.functions.shape_of(a) else a * 0.5)
    return ad.mean(values[-1]) + ad.mean(values[len(values) // 2])


numbers = st.floats(-2, 2).map(lambda v: round(v, 3))


@given(steps=expressions(), x=numbers, y=numbers)
def test_modes_agree_on_numbers(steps, x, y):
    def function(x, y):
        return written(steps, x, y)

    value, reverse = ad.value_and_grad(function, (0, 1))(x, y)
    graph = ad.trace(function, x, y)
    assert_allclose(graph.forward((x, y))[graph.result], value, rtol=1e-12)
    one_by_one = graph.backward()
    forward = [ad.jvp(function, (x, y), way)[1] for way in ((1.0, 0.0), (0.0, 1.0))]
    symbolic = [(d := graph.derivative(graph.result, k)).forward((x, y))[d.result] for k in graph.inputs]
    for other in ([one_by_one[k] for k in graph.inputs], forward, symbolic):
        assert_allclose(other, reverse, rtol=1e-9, atol=1e-12)
    assert ad.check_gradient(function, x, y)


@given(steps=expressions(arrays=True), seed=st.integers(0, 9), shape=st.sampled_from([(3, 3), (4,), (2, 3), (1, 4)]))
def test_modes_agree_on_arrays(steps, seed, shape):
    x, y = np.random.default_rng(seed).uniform(-2, 2, (2, *shape))

    def function(x, y):
        return written(steps, x, y)

    value, reverse = ad.value_and_grad(function, (0, 1))(x, y)
    graph = ad.trace(function, x, y)
    values = graph.forward((x, y))
    assert_allclose(values[graph.result], value, rtol=1e-11)
    gradients = graph.backward()
    direction = np.random.default_rng(1).normal(size=(2, *shape))
    forward = ad.jvp(function, (x, y), tuple(direction))[1]
    assert_allclose(forward, np.sum(direction * np.stack(reverse)), rtol=1e-9, atol=1e-11)
    for k, gradient in zip(graph.inputs, reverse, strict=True):
        assert_allclose(gradients[k], gradient, rtol=1e-9, atol=1e-12)
    assert ad.check_gradient(function, x, y)


@given(steps=expressions(length=4), x=numbers, y=numbers)
def test_second_derivatives_agree(steps, x, y):
    def function(v):
        return written(steps, v[0], v[1])

    point = np.array([x, y])
    hessian = ad.hessian(function)(point)
    assert_allclose(hessian, hessian.T, rtol=1e-8, atol=1e-10)
    forward = [ad.hvp(function, point, e) for e in np.eye(2)]
    assert_allclose(hessian, forward, rtol=1e-8, atol=1e-10)
    slope = ad.grad(function)
    h = 1e-5
    differences = [(slope(point + h * e) - slope(point - h * e)) / (2 * h) for e in np.eye(2)]
    assert_allclose(hessian, differences, rtol=1e-5, atol=1e-5)


@given(steps=expressions(arrays=True, length=6), shape=st.sampled_from([(3, 3), (4,), (2, 3)]))
@effort(0.25)
def test_compiled_as_interpreted(steps, shape):
    x, y = np.random.default_rng(0).uniform(-2, 2, (2, *shape))
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-4)):
        args = x.astype(dtype), y.astype(dtype)
        compiled = ad.compile(lambda x, y: written(steps, x, y), *args)
        assert compiled.engine == "compiled"
        expected, slopes = ad.value_and_grad(lambda x, y: written(steps, x, y), (0, 1))(*args)
        value, gradient = compiled.value_and_grad(*args)
        assert_allclose(value, expected, rtol=tolerance, atol=tolerance)
        for g, s in zip(gradient, slopes, strict=True):
            assert g.dtype == s.dtype == dtype
            assert_allclose(g, s, rtol=tolerance, atol=tolerance)


@given(steps=expressions(length=4), x=numbers, y=numbers)
@effort(0.375)
def test_as_sympy(steps, x, y):
    sympy = pytest.importorskip("sympy")
    graph = ad.trace(lambda x, y: written(steps, x, y), x, y)
    expression, symbols = graph.to_sympy(), sympy.symbols("x y")
    at = dict(zip(symbols, (x, y), strict=True))
    assert_allclose(graph.forward((x, y))[graph.result], float(expression.subs(at)), rtol=1e-10, atol=1e-12)
    gradient = ad.grad(lambda x, y: written(steps, x, y), (0, 1))(x, y)
    for symbol, slope in zip(symbols, gradient, strict=True):
        derivative = sympy.diff(expression, symbol)
        assert_allclose(slope, float(derivative.subs(at)), rtol=1e-9, atol=1e-11)
        back = ad.from_sympy(derivative, *symbols)
        assert_allclose(back.forward((x, y))[back.result], slope, rtol=1e-9, atol=1e-11)


@given(steps=expressions(arrays=True), shape=st.sampled_from([(), (1,), (3, 3), (4,), (2, 3)]))
def test_a_reverse_pass_costs_at_most_four_forward_passes(steps, shape):
    cost = ad.trace(lambda x, y: written(steps, x, y), np.ones(shape), np.ones(shape)).cost()
    assert cost.reverse <= 4 * cost.forward


@given(
    names=st.lists(st.sampled_from(sorted({*ad.table()} - {"where", "clip"})), min_size=1, max_size=12),
    picks=st.lists(st.integers(0, 12), min_size=24, max_size=24),
)
def test_the_bound_holds_for_every_operation(names, picks):
    """Every elementwise operation and reduction alone, in any order and with any sharing."""
    from fastml.autodiff.node import BOOL, TABLE, apply

    graph = ad.Graph()
    values = [graph.variable("x", 5), graph.variable("y", 5)]
    for k, name in enumerate(names):
        op, pick = TABLE[name], [values[p % len(values)] for p in picks[2 * k : 2 * k + 2]]
        if op.kind == BOOL:
            continue
        if op.elementwise:
            values.append(apply(name, *pick[: len(op.domain)]))
        elif name in ("max", "min", "prod", "norm", "logsumexp", "sum", "mean"):
            values.append(getattr(ad, name)(pick[0]) * pick[1])
    graph.output(ad.sum(values[-1]))
    cost = graph.cost()
    assert cost.reverse <= 4 * cost.forward


def test_shared_subexpressions_cost_once():
    def twice(x):
        return ad.exp(ad.sin(x) * 2.0) + ad.exp(ad.sin(x) * 2.0)

    graph = ad.trace(twice, 1.0)
    assert graph.cost().forward == 4  # sin, times, exp, plus
    for run in (Program(graph).run, engine(graph).run):
        assert run([1.0])[0] == pytest.approx(2 * np.exp(2 * np.sin(1.0)))
