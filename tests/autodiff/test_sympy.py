"""Graphs to and from SymPy."""

import builtins
import math

import numpy as np
import pytest

from fastml import autodiff as ad

sympy = pytest.importorskip("sympy")
x, y = sympy.symbols("x y")


def graph_of(function, *args):
    return ad.trace(function, *args)


def test_to_sympy():
    expression = graph_of(lambda x, y: ad.exp(-x * y) + x**2 / y, 1.0, 1.0).to_sympy()
    assert sympy.simplify(expression - (sympy.exp(-x * y) + x**2 / y)) == 0


def test_arrays_become_arrays_of_expressions():
    expressions = graph_of(lambda w: ad.dot(np.array([[1.0, 2.0], [0.0, 3.0]]), w), np.ones(2)).to_sympy()
    w0, w1 = sympy.symbols("w_0 w_1")
    assert [sympy.simplify(e) for e in expressions] == [w0 + 2 * w1, 3 * w1]
    largest = graph_of(lambda w: ad.max(w), np.ones(2)).to_sympy()
    assert largest == sympy.Max(w0, w1)
    softmax = graph_of(lambda w: ad.softmax(w)[0], np.ones(2)).to_sympy()
    assert float(softmax.subs({w0: 0.3, w1: -0.2})) == pytest.approx(1 / (1 + math.exp(-0.5)))


def test_conditions():
    expression = graph_of(lambda x: ad.where((x > 0) & ~(x > 2), x, -x), 1.0).to_sympy()
    for value, expected in ((1.0, 1), (3.0, -3), (-1.0, 1)):
        assert float(expression.subs(x, value)) == expected
    back = ad.from_sympy(expression)
    assert [back.forward(x=v)[back.result] for v in (1.0, 3.0, -1.0)] == [1, -3, 1]


@pytest.mark.parametrize(
    "expression",
    [
        sympy.sin(x) ** 2 + sympy.cos(x * y) / 3 - sympy.sqrt(x),
        sympy.exp(x) * sympy.log(y) + sympy.tanh(x) - sympy.atan(y) + sympy.tan(x / 2) + sympy.pi,
        sympy.Max(x, y, 1) - sympy.Min(x, y) + sympy.Abs(x - y) * sympy.sign(x - y),
        sympy.Piecewise((x**2, x < y), (sympy.Rational(1, 3), sympy.Eq(x, y)), (y, True)),
        sympy.Heaviside(x - y, 1) + x ** sympy.Rational(3, 2) + y**x,
    ],
)
@pytest.mark.parametrize("at", [(0.5, 1.5), (1.5, 0.5)])
def test_from_sympy(expression, at):
    graph = ad.from_sympy(expression, x, y)
    expected = float(expression.subs(dict(zip((x, y), at, strict=True))))
    assert graph.forward(at)[graph.result] == pytest.approx(expected, rel=1e-12)


def test_from_sympy_differentiates():
    graph = ad.from_sympy(sympy.sin(x) * sympy.exp(y), x, y)
    assert ad.grad(graph, (0, 1))(0.5, 1.0) == pytest.approx((math.cos(0.5) * math.e, math.sin(0.5) * math.e))


def test_numbers_alone():
    graph = ad.from_sympy(sympy.sqrt(2))
    assert graph.forward()[graph.result] == pytest.approx(math.sqrt(2))


def test_what_has_no_form():
    with pytest.raises(NotImplementedError, match="SymPy's gamma has no rule"):
        ad.from_sympy(sympy.gamma(x))
    with pytest.raises(ValueError, match="symbols that were not given: y"):
        ad.from_sympy(x + y, x)
    with pytest.raises(NotImplementedError, match="gather .* has no form in SymPy"):
        graph_of(lambda v, i: v[i], np.ones(3), np.array(1)).to_sympy()


def test_without_sympy(monkeypatch):
    real = builtins.__import__

    def importing(name, *args, **kwargs):
        if name == "sympy":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(ImportError, match="needs SymPy, which is not installed: pip install sympy"):
        ad.from_sympy("x")
