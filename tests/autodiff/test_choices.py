"""What a choice leaves out has no slope: an infinite one of the branch not taken reaches no gradient, in any mode."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastml import autodiff as ad

# (function, point, derivative, second derivative) of one number; what is not taken has an infinite slope, or NaN.
CASES = {
    "sqrt": (lambda x: ad.where(x < 1.0, x, ad.sqrt(x)), 0.0, 1.0, 0.0),
    "x log x": (lambda x: ad.where(x > 0.0, x * ad.log(x), 0.0), 0.0, 0.0, 0.0),
    "1 / x": (lambda x: ad.where(ad.equal(x, 0.0), 0.0, 1.0 / x), 0.0, 0.0, 0.0),
    "overflow": (lambda x: ad.where(x > 100.0, 0.0, ad.exp(x)), 1000.0, 0.0, 0.0),
    "first": (lambda x: ad.where(x > 0.5, ad.log(x), x * x), 0.0, 0.0, 2.0),
    "nested": (
        lambda x: ad.where(x > 0.0, ad.where(x > 1.0, ad.log(x), ad.sqrt(x)), ad.where(x < -1.0, 1.0 / x, 3.0 * x)),
        0.0,
        3.0,
        0.0,
    ),
    "chain": (lambda x: ad.where(x > 0.0, ad.tanh(ad.exp(1.0 / x) - 1.0) * 2.0, x**3), 0.0, 0.0, 0.0),
    "shared": (
        lambda x: (lambda r: ad.where(x > 0.0, r, 0.0) + ad.where(x > 1.0, r * r, x))(ad.sqrt(x)),
        0.0,
        1.0,
        0.0,
    ),
    "power": (lambda x: ad.where(x > 0.0, x**0.5, 2.0 * x), 0.0, 2.0, 0.0),
    "power of x": (lambda x: ad.where(x > 0.0, x**x, 2.0 * x), -1.0, 2.0, 0.0),
    "maximum": (lambda x: ad.maximum(ad.sqrt(x), x + 1.0), 0.0, 1.0, 0.0),
    "minimum": (lambda x: ad.minimum(ad.log(x + 2.0), -ad.log(x)), 0.0, 0.5, -0.25),
    "relu": (lambda x: ad.relu(ad.log(x)) + x, 0.0, 1.0, 0.0),
    "clip": (lambda x: ad.clip(1.0 / x, -1.0, 1.0) + x, 0.0, 1.0, 0.0),
    "log1p": (lambda x: ad.where(x > 0.0, ad.log1p(x), x * x), -1.0, -2.0, 2.0),
    "tan": (lambda x: ad.where(x < 0.0, ad.tan(1.0 / x), 4.0 * x), 0.0, 4.0, 0.0),
    "NaN": (lambda x: ad.where(x > 0.0, ad.sqrt(x), 1.0 - x), -4.0, -1.0, 0.0),
    "norm": (lambda x: ad.where(x > 0.0, ad.norm(ad.stack([1.0 / x, x])), 5.0 * x), 0.0, 5.0, 0.0),
    "logsumexp": (lambda x: ad.where(x > 0.0, ad.logsumexp(ad.stack([1.0 / x, x])), 5.0 * x), 0.0, 5.0, 0.0),
    "softmax": (lambda x: ad.where(x > 0.0, ad.softmax(ad.stack([1.0 / x, x]))[0], 5.0 * x), 0.0, 5.0, 0.0),
    "product": (lambda x: ad.where(x > 0.0, ad.prod(ad.stack([1.0 / x, x, 1.0 / x])), 5.0 * x), 0.0, 5.0, 0.0),
    "largest": (lambda x: ad.max(ad.stack([ad.sqrt(x), x + 1.0])), 0.0, 1.0, 0.0),
    "smallest": (lambda x: ad.min(ad.stack([-ad.sqrt(x), 3.0 * x - 1.0])), 0.0, 3.0, 0.0),
    "entry": (lambda x: ad.sqrt(ad.stack([x, x + 4.0]))[1], 0.0, 0.25, -1 / 32),
    "mean": (
        lambda x: ad.mean(ad.where(ad.stack([x, x + 1.0]) > 0.0, ad.sqrt(ad.stack([x, x + 1.0])), 0.0)),
        0.0,
        0.25,
        -0.125,
    ),
}
each = pytest.mark.parametrize(("function", "x", "slope", "second"), CASES.values(), ids=CASES)


@each
def test_every_mode(function, x, slope, second):
    assert ad.grad(function)(x) == pytest.approx(slope)
    assert ad.value_and_grad(function)(x)[1] == pytest.approx(slope)
    assert ad.jvp(function, (x,), (1.0,))[1] == pytest.approx(slope)
    assert ad.vjp(function, x)[1](1.0)[0] == pytest.approx(slope)
    assert ad.jacobian(function)(x) == pytest.approx(slope)
    assert ad.grad(ad.grad(function))(x) == pytest.approx(second)
    assert ad.hessian(function)(x) == pytest.approx(second)
    assert ad.hvp(function, x, 1.0) == pytest.approx(second)
    assert ad.grad(lambda v: ad.jvp(function, (v,), (1.0,))[1])(x) == pytest.approx(second)
    graph = ad.trace(function, x)
    graph.forward((x,))
    assert graph.backward()[graph.inputs[0]] == pytest.approx(slope)
    derivative = graph.derivative(graph.result, graph.inputs[0])
    assert derivative.forward((x,))[derivative.result] == pytest.approx(slope)


def test_compiled():
    """All cases as one kernel: every gradient for itself, of one array of points."""
    points = np.array([x for _, x, _, _ in CASES.values()])

    def everything(v):
        return sum(function(v[k]) for k, (function, *_) in enumerate(CASES.values()))

    expected = [slope for _, _, slope, _ in CASES.values()]
    assert_allclose(ad.compile(everything).grad(points)[0], expected, atol=1e-15)
    assert_allclose(ad.grad(everything)(points), expected, atol=1e-15)
    assert_allclose(ad.compile(everything).grad(points.astype(np.float32))[0], expected, rtol=1e-6, atol=1e-6)


def test_rows_that_a_mask_leaves_out():
    """Missing values in the rows of a table: their weights are not touched, though the product reads them."""
    X, y = np.array([[1.0, 2.0], [np.nan, 1.0], [3.0, np.inf]]), np.array([1.0, 5.0, 6.0])
    known = np.array([True, False, False])

    def loss(w, X):
        return ad.sum(ad.where(known, (ad.dot(X, w) - y) ** 2, 0.0))

    w = np.array([0.5, 0.25])
    expected = 2 * (X[0] @ w - 1.0) * X[0]
    assert_array_equal(ad.grad(loss)(w, X), expected)
    assert_array_equal(ad.compile(loss, argnums=0).grad(w, X), expected)
    assert_array_equal(ad.jacobian(loss)(w, X), expected)
    curvature = 2 * np.outer(X[0], X[0])
    assert_array_equal(ad.hessian(loss)(w, X), curvature)
    assert_array_equal(ad.hvp(loss, w, w, X), curvature @ w)
    graph = ad.trace(loss, w, X)
    graph.forward((w, X))
    assert_array_equal(graph.backward()["w"], expected)


def test_a_whole_layer_that_is_left_out():
    W, x = np.ones((3, 2)), np.array([1000.0, 0.0])

    def function(W, x):
        hidden = ad.exp(ad.dot(W, x))  # infinite
        return ad.sum(ad.where(x[0] > 100.0, ad.dot(W, x), ad.dot(W, ad.dot(ad.transpose(W), hidden))))

    for run in (ad.grad(function, (0, 1)), ad.compile(function, argnums=(0, 1)).grad):
        by_w, by_x = run(W, x)
        assert_array_equal(by_w, np.tile(x, (3, 1)))
        assert_array_equal(by_x, [3.0, 3.0])


def test_many_at_once():
    x = np.array([[0.0, 4.0, -1.0], [1.0, 0.0, 9.0]])

    def function(x):
        return ad.sum(ad.where(x > 0.0, ad.sqrt(x), x))

    expected = np.where(x > 0, 0.5 / np.sqrt(np.where(x > 0, x, 1)), 1.0)
    assert_allclose(ad.grad(function)(x), expected)
    assert_allclose(ad.compile(function).grad(x)[0], expected)
    assert_allclose(ad.jacobian(lambda x: ad.where(x > 0.0, ad.sqrt(x), x))(x).reshape(6, 6), np.diag(expected.ravel()))


def test_conditions_that_repeat():
    """Condition, branches and result of different shapes."""
    x, rows = np.array([0.0, 4.0]), np.array([[True], [False]])

    def function(x, s):
        return ad.sum(ad.where(rows, ad.sqrt(x) / s, ad.where(x > 1.0, ad.log(x), s * x)))

    with np.errstate(divide="ignore"):
        by_x, by_s = ad.grad(function, (0, 1))(x, 1.0)
    assert by_x[0] == np.inf  # sqrt(0) itself is chosen in the first row
    assert by_x[1] == 0.25 + 0.25
    assert by_s == -2.0


def test_an_honest_infinity_stays():
    """A slope that is infinite where it counts is infinite, and NaN where it would have to cancel."""
    assert ad.grad(lambda x: ad.where(x >= 0.0, ad.sqrt(x), x))(0.0) == np.inf
    assert ad.grad(ad.sqrt)(0.0) == np.inf
    assert math.isnan(ad.grad(lambda x: ad.sqrt(x) * ad.sqrt(x))(0.0))  # the rules see 0 times infinity; it is 1


def test_weights_and_tangents_of_zero():
    v = np.array([0.0, 4.0])
    assert_array_equal(ad.jacobian(ad.sqrt)(v), [[np.inf, 0], [0, 0.25]])
    assert_array_equal(
        ad.jacobian(lambda v: ad.concatenate([ad.sqrt(v), v]))(v), [[np.inf, 0], [0, 0.25], [1, 0], [0, 1]]
    )
    assert_array_equal(ad.vjp(ad.sqrt, v)[1](np.array([0.0, 2.0]))[0], [0.0, 0.5])
    assert ad.jvp(lambda x, y: x + ad.sqrt(y), (1.0, 0.0), (1.0, 0.0))[1] == 1.0
    assert_array_equal(ad.jvp(ad.sqrt, (v,), (np.array([0.0, 1.0]),))[1], [0.0, 0.25])
    assert_array_equal(ad.hessian(lambda v: ad.sum(v**1.5))(v), [[np.inf, 0], [0, 0.375]])
    M = np.array([[np.inf, 1.0], [2.0, 3.0]])
    assert_array_equal(ad.jvp(lambda a: M @ a, (np.ones(2),), (np.array([0.0, 1.0]),))[1], [1.0, 3.0])


def test_powers_of_zero():
    k = np.arange(4.0)
    assert ad.grad(lambda x: ad.sum(x**k))(0.0) == 1.0
    assert_array_equal(ad.jacobian(lambda x: x**k)(0.0), [0, 1, 0, 0])
    assert_array_equal(ad.jacobian(ad.jacobian(lambda x: x**k))(0.0), [0, 0, 2, 0])
    assert ad.compile(lambda x: ad.sum(x**k)).grad(0.0) == (1.0,)
    assert ad.grad(lambda x, b: x**b, (0, 1))(0.0, 0.0) == (0.0, 0.0)
    assert_array_equal(ad.grad(lambda x: ad.sum(x ** np.arange(4)))(np.zeros(4)), [0, 1, 0, 0])
    assert_array_equal(ad.grad(lambda x: ad.sum(ad.power(x, k)))(np.zeros(4, np.float32)), [0, 1, 0, 0])


INFINITE = [
    ([-np.inf, 0.0, 0.0], [0, 0.5, 0.5]),
    ([-np.inf, -np.inf], [0.5, 0.5]),
    ([np.inf, 0.0, -np.inf], [1, 0, 0]),
    ([np.inf, np.inf, 3.0], [0.5, 0.5, 0]),
    ([-np.inf], [1]),
    ([1e308, -1e308], [1, 0]),
]


@pytest.mark.parametrize(("x", "share"), INFINITE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_softmax_and_logsumexp_at_infinities(x, share, dtype):
    """Equal entries count alike, infinite ones too, so that the shares always add up to 1."""
    if dtype == np.float32 and 1e308 in x:
        pytest.skip("beyond float32")
    x, n = np.array(x, dtype), len(x)
    value = max(x) + math.log(np.sum(np.array(share) == max(share))) if len(x) > 1 else x[0]
    for run in (ad.value_and_grad(ad.logsumexp), ad.compile(lambda x: ad.logsumexp(x), argnums=0).value_and_grad):
        got, gradient = run(x)
        assert got == pytest.approx(value)
        assert_allclose(gradient, share, rtol=1e-6)
    assert_allclose(ad.softmax(x), share, rtol=1e-6)
    assert_allclose(ad.vjp(ad.softmax, x)[0], share, rtol=1e-6)
    assert_allclose(ad.jacobian(ad.softmax)(x), np.diag(share) - np.outer(share, share), rtol=1e-6, atol=1e-12)
    assert ad.jvp(ad.logsumexp, (x,), (np.ones(n, dtype),))[1] == pytest.approx(1.0)
    table = np.stack([x, np.zeros(n, dtype)])
    assert_allclose(ad.grad(lambda t: ad.sum(ad.logsumexp(t, axis=1)))(table), [share, np.full(n, 1 / n)], rtol=1e-6)


def test_gradient_checker_agrees():
    assert ad.check_gradient(
        lambda x: ad.sum(ad.where(x > 0.0, ad.sqrt(ad.relu(x)), x * x)), np.array([4.0, -2.0, 1.0])
    )
