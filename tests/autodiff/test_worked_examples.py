"""The worked examples of differentiation that every course does by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastml import autodiff as ad


def long_expression(x, z):
    """exp(x z) + x z / ln x + sin(ln x) / (x z), with the names it has on the blackboard."""
    a = ad.named(x * z, "a")
    b = ad.named(ad.log(x), "b")
    c = ad.named(ad.sin(b), "c")
    d = ad.named(ad.exp(a), "d")
    e = ad.named(a / b, "e")
    return ad.named(d + e + c / a, "f")


def test_forward_values_by_name():
    values = ad.trace(long_expression, 2.0, 3.0).forward(x=2.0, z=3.0)
    expected = {"a": 6, "b": 0.693147, "c": 0.638961, "d": 403.428793, "e": 8.656170, "f": 412.191457}
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, abs=5e-7)


def test_backward_values_by_name():
    graph = ad.trace(long_expression, 2.0, 3.0)
    graph.forward(x=2.0, z=3.0)
    gradients = graph.backward()
    expected = {"f": 1, "d": 1, "e": 1, "c": 1 / 6, "b": -12.360007, "a": 404.853740, "x": 1208.381215, "z": 809.707479}
    for name, value in expected.items():
        assert gradients[name] == pytest.approx(value, abs=5e-7)


def every_mode(function, *args):
    """The gradient of a function of numbers by each way there is."""
    numbers = tuple(range(len(args)))
    graph = ad.trace(function, *args)
    graph.forward(args)
    unit = np.eye(len(args))
    return {
        "reverse": ad.grad(function, numbers)(*args),
        "node by node": [graph.backward()[k] for k in graph.inputs],
        "forward": [ad.jvp(function, args, tuple(map(float, row)))[1] for row in unit],
        "symbolic": [(d := graph.derivative(graph.result, k)).forward(args)[d.result] for k in graph.inputs],
        "compiled": ad.compile(function).grad(*args),
        "differences": list(ad.check_gradient(function, *args).numeric.values()),
    }


def test_long_expression_by_every_mode():
    for gradient in every_mode(long_expression, 2.0, 3.0).values():
        assert_allclose(gradient, [1208.381215, 809.707479], atol=5e-7)


def test_squared_loss():
    graph = ad.Graph()
    w = graph.variable("w", 2)
    score = ad.dot(w, np.array([1.0, 2.0])).named("score")
    residual = (score - 2.0).named("residual")
    (residual**2).named("loss")
    values = graph.forward(w=np.array([3.0, 1.0]))
    assert (values["score"], values["residual"], values["loss"]) == (5, 3, 9)
    assert_allclose(graph.backward()["w"], [6, 12])


def test_fourth_power_by_two_squares():
    for gradient in every_mode(lambda a: ad.square(ad.square(a)), 1.5).values():
        assert_allclose(gradient, [4 * 1.5**3], rtol=1e-9)


@pytest.mark.parametrize(("a", "b", "expected"), [(3.0, 1.0, (1, 0)), (1.0, 3.0, (0, 1)), (2.0, 2.0, (1, 0))])
def test_max_passes_the_gradient_to_the_larger(a, b, expected):
    assert ad.grad(ad.maximum, (0, 1))(a, b) == expected
    assert_allclose(ad.grad(ad.max)(np.array([a, b])), expected)


def test_hinge_loss_by_graph():
    def hinge(w, x, y):
        return ad.maximum(0.0, 1.0 - y * ad.dot(w, x))

    x = np.array([1.0, -2.0])
    assert_allclose(ad.grad(hinge)(np.array([0.1, 0.1]), x, 1.0), -x)  # margin -0.1: inside
    assert_allclose(ad.grad(hinge)(np.array([2.0, -1.0]), x, 1.0), [0, 0])  # margin 4: outside


def test_two_layer_network_by_graph():
    rng = np.random.default_rng(0)
    V, w, x = rng.normal(size=(3, 2)), rng.normal(size=3), np.array([0.5, -1.0])

    def loss(V, w):
        h = ad.named(ad.sigmoid(ad.dot(V, x)), "h")
        return (ad.dot(w, h) - 1.0) ** 2

    h = 1 / (1 + np.exp(-V @ x))
    residual = w @ h - 1
    by_hand = [2 * residual * np.outer(w * h * (1 - h), x), 2 * residual * h]
    for got, expected in zip(ad.grad(loss, (0, 1))(V, w), by_hand, strict=True):
        assert_allclose(got, expected, rtol=1e-12)


def test_which_mode_is_cheaper():
    many_to_one = ad.trace(lambda x: ad.sum(ad.tanh(x)), np.ones(50)).cost()
    assert many_to_one.cheaper == "reverse"
    graph = ad.trace(lambda x: ad.exp(x * np.arange(50.0)), 1.0)
    assert graph.cost().cheaper == "forward"
