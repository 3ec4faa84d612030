"""Every line of the table of operations, against finite differences, SymPy, NumPy and its own other forms."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastml import autodiff as ad
from fastml.autodiff.emit import EXPRESSIONS
from fastml.autodiff.evaluate import forward_values
from fastml.autodiff.native import engine
from fastml.autodiff.node import BOOL, TABLE, apply
from fastml.autodiff.program import Program
from fastml_ext.autodiff import reference
from fastml_ext.autodiff.codes import CODES

ELEMENTWISE = sorted(name for name, op in TABLE.items() if op.elementwise)
STRUCTURAL = sorted(name for name, op in TABLE.items() if not op.elementwise and op.domain)
SMOOTH = [name for name in ELEMENTWISE if TABLE[name].kind != BOOL]  # those with a float for a result
WITHOUT_DOMAIN = {"astype", "gather", "scatter_at"}  # their parameters are made by the library, or hold inputs


def arguments(name, seed=0, shape=(3,)):
    """Arguments of an operation inside its domain, and its parameters."""
    rng, op = np.random.default_rng(seed), TABLE[name]
    if not op.elementwise:
        shapes, params = op.domain
        return [rng.uniform(0.2, 3.0, s) * rng.choice([-1, 1], s) for s in shapes], params
    return [rng.random(shape) < 0.5 if d == BOOL else rng.uniform(*d, shape) for d in op.domain], ()


def differentiable(args):
    return tuple(k for k, a in enumerate(args) if a.dtype.kind == "f")


def weighted(name, params, weights):
    """A scalar function of the operation's arguments in which every entry of its result counts."""

    def function(*args):
        return ad.sum(apply(name, *args, params=params) * weights)

    return function


def central_difference(function, args, k, h=1e-6):
    """Gradient of a scalar function with respect to args[k]."""
    out = np.zeros(args[k].shape)
    for i in np.ndindex(args[k].shape):
        step = np.zeros(args[k].shape)
        step[i] = h
        up, down = ([*args[:k], args[k] + s, *args[k + 1 :]] for s in (step, -step))
        out[i] = (function(*up) - function(*down)) / (2 * h)
    return out


def case(name, seed=0):
    args, params = arguments(name, seed)
    with np.errstate(all="ignore"):
        value = np.asarray(TABLE[name].forward(*args, *params))
    weights = np.random.default_rng(seed + 100).uniform(0.5, 2.0, value.shape)
    return args, params, weights


def test_every_operation_has_a_domain():
    assert {name for name, op in TABLE.items() if not op.domain} == WITHOUT_DOMAIN


@pytest.mark.parametrize("name", SMOOTH + STRUCTURAL)
@pytest.mark.parametrize("seed", [0, 1])
def test_reverse_and_forward_against_differences(name, seed):
    args, params, weights = case(name, seed)
    function, numbers = weighted(name, params, weights), differentiable(args)
    gradients = ad.grad(function, numbers)(*args)
    for k, gradient in zip(numbers, gradients, strict=True):
        expected = central_difference(function, args, k)
        assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)
        direction = np.random.default_rng(seed + 7).normal(size=args[k].shape)

        def along(x, k=k):
            return function(*args[:k], x, *args[k + 1 :])

        tangent = ad.jvp(along, (args[k],), (direction,))[1]
        assert_allclose(tangent, np.sum(expected * direction), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", SMOOTH + STRUCTURAL)
def test_second_derivatives(name):
    args, params, weights = case(name)
    function, numbers = weighted(name, params, weights), differentiable(args)
    k = numbers[0]
    direction = np.random.default_rng(3).normal(size=args[k].shape)

    def slope(*args):
        return ad.sum(ad.grad(function, k)(*args) * direction)

    assert_allclose(ad.grad(slope, k)(*args), central_difference(slope, args, k), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ELEMENTWISE + STRUCTURAL)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_interpreted_and_compiled_as_numpy(name, dtype):
    args, params, weights = case(name)
    args = [a.astype(dtype) if a.dtype.kind == "f" else a for a in args]
    weights = weights.astype(dtype)
    graph = ad.trace(lambda *args: [apply(name, *args, params=params), weighted(name, params, weights)(*args)], *args)
    values = forward_values(graph, args)
    expected = [values[k] for k in graph.outputs]
    tolerance = 1e-14 if dtype == np.float64 else 1e-6
    for run in (Program(graph).run, engine(graph).run):
        for got, wanted in zip(run(args), expected, strict=True):
            assert np.asarray(got).dtype == np.asarray(wanted).dtype
            assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_special_values_as_numpy(name):
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 5e-324, 1e308, -745.0])
    grids = np.meshgrid(*[special] * len(TABLE[name].domain))
    args = [g.ravel() != 0 if d == BOOL else g.ravel() for g, d in zip(grids, TABLE[name].domain, strict=True)]
    if name == "clip":  # numpy.clip leaves open what it does where the lower bound is not below the upper
        args = [a[(args[1] <= args[2])] for a in args]
    graph = ad.trace(lambda *args: apply(name, *args), *args)
    expected = forward_values(graph, args)[graph.result]
    for run in (Program(graph).run, engine(graph).run):
        assert_allclose(run(args)[0], expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", SMOOTH)
def test_float32_stays_float32(name):
    args, _ = arguments(name)
    args = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in args]
    numbers = differentiable(args)
    value, gradients = ad.value_and_grad(lambda *args: ad.sum(apply(name, *args) * 1.5), numbers)(*args)
    assert value.dtype == np.float32
    assert {g.dtype for g in gradients} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "where"])
def test_symbolic_rule_against_sympy(name):
    sympy = pytest.importorskip("sympy")
    domain = TABLE[name].domain
    symbols = sympy.symbols(f"a:{len(domain)}", real=True)
    graph = ad.Graph()
    nodes = [graph.variable(s.name) for s in symbols]
    graph.output(apply(name, *nodes))
    expression = graph.to_sympy().subs({sympy.Symbol(s.name): s for s in symbols})
    args = [float(a[0]) for a in arguments(name)[0]]
    for symbol in symbols:
        derivative = graph.derivative(graph.result, symbol.name)
        got = derivative.forward({s.name: a for s, a in zip(symbols, args, strict=True)})[derivative.result]
        expected = sympy.diff(expression, symbol).subs(dict(zip(symbols, args, strict=True))).doit()
        assert_allclose(got, float(expected.evalf()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [n for n in SMOOTH if len(TABLE[n].domain) == 2])
@pytest.mark.parametrize("shapes", [((3, 4), (4,)), ((), (3,)), ((3, 1), (1, 4)), ((2, 1, 3), (4, 1)), ((1,), ())])
def test_broadcasting(name, shapes):
    op = TABLE[name]
    rng = np.random.default_rng(5)
    args = [rng.uniform(*d, s) for d, s in zip(op.domain, shapes, strict=True)]
    assert_array_equal(ad.vjp(lambda *a: apply(name, *a), *args)[0].shape, np.broadcast_shapes(*shapes))
    gradients = ad.grad(lambda *a: ad.sum(apply(name, *a)), (0, 1))(*args)
    for k in range(2):
        expected = central_difference(lambda *a: np.sum(op.forward(*a)), args, k)
        assert_allclose(gradients[k], expected, rtol=1e-6, atol=1e-7)
        assert gradients[k].shape == shapes[k]


SCALARS = [float, int, bool, np.float64, np.float32, np.int8, np.uint8, np.int64, np.bool_, np.array]


@pytest.mark.parametrize("name", ["softplus", "sigmoid", "norm", "logsumexp", "softmax"])
@pytest.mark.parametrize("kind", SCALARS)
def test_plain_numbers_of_every_type(name, kind):
    """As exact as for float64, whatever the type of the number; small integers do not wrap, nor give small floats."""
    for number in (0.1, 100.0, 3.5):
        x = kind(number)
        x = np.array([x, x]) if name in ("norm", "logsumexp", "softmax") else x
        expected = getattr(ad, name)(np.asarray(x, float))
        got = getattr(ad, name)(x)
        single = np.asarray(x).dtype == np.float32
        assert got.dtype == (np.float32 if single else np.float64)
        assert_allclose(got, expected, rtol=1e-6 if single else 1e-15)


@pytest.mark.parametrize("kind", [float, np.float64])
def test_softplus_keeps_every_digit(kind):
    for number in (-700.0, -30.0, 0.0, 0.1, 3.0, 1e300, 1e308):
        expected = number if number > 40 else math.log1p(math.exp(number))
        assert float(ad.softplus(kind(number))) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_an_operation_stands_in_all_its_places(name):
    """Those that the docstring of operations.py lists."""
    operation = TABLE[name]
    if operation.lower is None and operation.elementwise:
        places = {"codes": CODES, "emit": EXPRESSIONS, "reference": reference.SCALAR}
        assert {place for place, names in places.items() if name not in names} == set()
        assert CODES[name] == reference.NAMES.index(name)
    assert operation.sympy is not None or operation.lower is not None or not operation.elementwise


def test_no_place_knows_an_operation_that_is_not_in_the_table():
    assert set(EXPRESSIONS) - set(TABLE) == {"copy"}  # the machine's own
    assert set(reference.SCALAR) == set(EXPRESSIONS)
