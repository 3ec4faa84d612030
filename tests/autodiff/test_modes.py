"""grad, jvp, vjp, jacobian, hessian, hvp: what they take, what they return, how they nest."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastml import autodiff as ad

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4))
X = RNG.normal(size=4)


def vector(x):
    return ad.tanh(A @ x) * x[1:]


def dense_jacobian(function, x, h=1e-6):
    columns = [(function(x + h * e) - function(x - h * e)) / (2 * h) for e in np.eye(x.size)]
    return np.stack(columns, axis=-1)


def test_jacobian_layouts():
    expected = dense_jacobian(lambda x: np.tanh(A @ x) * x[1:], X)
    assert_allclose(ad.jacobian(vector)(X), expected, atol=1e-8)
    assert_allclose(ad.jacobian(vector, layout="denominator")(X), expected.T, atol=1e-8)
    with pytest.raises(ValueError, match="layout='both' is neither 'numerator' nor 'denominator'"):
        ad.jacobian(vector, layout="both")


def test_jacobian_with_more_rows_than_columns_takes_forward_mode():
    def wide(x):
        return ad.concatenate([ad.sin(x), x * x[0], ad.outer(x, x).reshape(-1)])

    x = np.array([0.3, -0.7])
    expected = dense_jacobian(lambda x: np.concatenate([np.sin(x), x * x[0], np.outer(x, x).ravel()]), x)
    assert_allclose(ad.jacobian(wide)(x), expected, atol=1e-8)
    assert_allclose(ad.jacobian(wide, layout="denominator")(x), expected.T, atol=1e-8)


def test_jacobian_of_matrices_and_of_several_arguments():
    left, right = ad.jacobian(ad.matmul, (0, 1))(A, np.ones((4, 2)))
    assert left.shape == (3, 2, 3, 4)
    assert right.shape == (3, 2, 4, 2)
    assert_allclose(left[1, 0, 1], np.ones(4))
    assert_allclose(right[2, 1, :, 1], A[2])
    assert ad.jacobian(ad.sin)(0.0) == 1.0


def test_hessian_and_hvp():
    def function(x):
        return ad.sum(ad.exp(ad.sin(A) @ x)) + ad.prod(x)

    hessian = ad.hessian(function)(X)
    assert_allclose(hessian, hessian.T, rtol=1e-12)
    assert_allclose(hessian, dense_jacobian(ad.grad(function), X), atol=1e-5)
    v = RNG.normal(size=4)
    assert_allclose(ad.hvp(function, X, v), hessian @ v, rtol=1e-12)
    assert_allclose(ad.hvp(lambda x, s: s * function(x), X, v, 3.0), 3 * hessian @ v, rtol=1e-12)


def test_third_derivative():
    assert ad.grad(ad.grad(ad.grad(lambda x: x**5)))(2.0) == pytest.approx(60 * 4)


def test_modes_nest_in_any_order():
    def function(x):
        return ad.exp(ad.sin(x) * x)

    x = 0.7
    slope = ad.grad(function)
    second = ad.grad(slope)(x)
    assert ad.jvp(slope, (x,), (1.0,))[1] == pytest.approx(second)
    assert ad.grad(lambda y: ad.jvp(function, (y,), (1.0,))[1])(x) == pytest.approx(second)
    assert ad.grad(lambda y: ad.vjp(function, y)[1](1.0)[0])(x) == pytest.approx(second)
    assert ad.jacobian(ad.jacobian(function))(x) == pytest.approx(second)


def test_a_gradient_inside_captures_what_is_outside():
    def outer(x, y):
        return ad.grad(lambda z: x * z**3 + y)(y)  # 3 x y^2

    assert ad.grad(outer, (0, 1))(2.0, 5.0) == pytest.approx((75.0, 60.0))


def test_vjp_and_jvp_are_adjoint():
    v, u = RNG.normal(size=4), RNG.normal(size=3)
    value, pullback = ad.vjp(vector, X)
    same, tangent = ad.jvp(vector, (X,), (v,))
    assert_array_equal(value, same)
    assert_allclose(pullback(u)[0] @ v, u @ tangent, rtol=1e-12)


def test_vjp_of_several_values():
    def function(x, y):
        return {"sum": x + y, "product": x * y}

    value, pullback = ad.vjp(function, 2.0, 3.0)
    assert value == {"sum": 5.0, "product": 6.0}
    assert pullback({"sum": 1.0, "product": 10.0}) == (31.0, 21.0)


class Layer(NamedTuple):
    weights: np.ndarray
    bias: float


def test_containers_go_in_and_come_back():
    params = {"first": Layer(np.ones(2), 1.0), "rest": [np.ones(3), (2.0,)]}

    def function(params, scale):
        layer = params["first"]
        return scale * (ad.sum(layer.weights) * layer.bias + ad.sum(params["rest"][0]) * params["rest"][1][0])

    value, gradient = ad.value_and_grad(function)(params, 2.0)
    assert value == 16
    assert isinstance(gradient["first"], Layer)
    assert_array_equal(gradient["first"].weights, [2, 2])
    assert gradient["first"].bias == 4
    assert_array_equal(gradient["rest"][0], [4, 4, 4])
    assert gradient["rest"][1] == (6.0,)


def test_argnums():
    def function(x, y, z):
        return x * y * y * z

    assert ad.grad(function)(2.0, 3.0, 5.0) == 45
    assert ad.grad(function, 1)(2.0, 3.0, 5.0) == 60
    assert ad.grad(function, (2, 0))(2.0, 3.0, 5.0) == (18, 45)
    with pytest.raises(ValueError, match=r"argnums=\(3,\) but 3 arguments were given"):
        ad.grad(function, 3)(2.0, 3.0, 5.0)


def test_integers_are_fixed_but_numbers_to_differentiate_by():
    calls = []

    def power(x, n):
        calls.append(n)
        result = 1.0
        for _ in range(n):
            result = result * x
        return result

    slope = ad.grad(power)
    assert slope(2, 3) == 12  # the integer 2 is differentiated by, and so a float
    assert slope(2.0, 4) == 32
    assert slope(5.0, 3) == 75
    assert calls == [3, 4]  # traced once for each n


def test_one_trace_a_shape_and_dtype():
    calls = []

    def function(x):
        calls.append(x.shape)
        return ad.sum(x * x)

    slope = ad.grad(function)
    for x in (np.ones(2), np.zeros(2), np.ones(3), np.ones(2, np.float32), np.zeros(3)):
        slope(x)
    assert calls == [(2,), (3,), (2,)]


def test_labels_as_indices():
    logits, labels = RNG.normal(size=(5, 3)), np.array([0, 2, 1, 1, -1])

    def loss(logits, labels):
        return ad.mean(ad.logsumexp(logits, axis=1) - logits[np.arange(5), labels])

    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = (p - np.eye(3)[labels]) / 5
    assert_allclose(ad.grad(loss)(logits, labels), expected, rtol=1e-12)
    assert_allclose(ad.compile(loss).grad(logits, labels)[0], expected, rtol=1e-12)
    assert_allclose(ad.grad(lambda x, i: ad.sum(x[i] * x[i]))(np.arange(4.0), np.array([1, 1, 3])), [0, 4, 0, 6])
    assert_allclose(ad.grad(lambda x, i: x[i] ** 2)(np.arange(4.0), np.array(2)), [0, 0, 4, 0])
    for run in (ad.grad(loss), ad.compile(loss).grad):
        with pytest.raises(IndexError, match="outside its array"):
            run(logits, labels + 3)


def test_indices_and_slices():
    x = RNG.normal(size=(4, 5))
    for index in (
        2,
        -1,
        (1, 3),
        (slice(1, 3), -2),
        slice(None, None, -2),
        (Ellipsis, 0),
        (None, 1),
        np.array([3, 0, 3]),
    ):
        index_ = index if isinstance(index, tuple) else (index,)
        expected = np.zeros_like(x)
        weights = np.arange(1.0, 1 + x[index_].size).reshape(x[index_].shape)
        np.add.at(expected, index_, weights)
        assert_array_equal(ad.grad(lambda v, i=index, w=weights: ad.sum(v[i] * w))(x), expected)


def test_numpy_functions_on_traced_values():
    def function(x):
        y = np.exp(np.sin(x)) + np.square(x) - np.float64(2.0) * x
        return np.sum(np.where(x > 0, y, -y)) + np.linalg.norm(x) + np.max(np.concatenate([x, y])) + (np.ones(3) @ x)

    x = np.array([0.3, -0.4, 0.9])
    assert ad.check_gradient(function, x)
    traced = ad.value_and_grad(function)(x)[0]
    assert traced == pytest.approx(function(x))


def test_float32_stays_and_numbers_do_not_widen():
    x = np.ones(3, np.float32)
    value, (gx, gs) = ad.value_and_grad(
        lambda x, s: ad.mean(2 * x**2 * s + np.float64(1.5) * (x * np.arange(3))), (0, 1)
    )(x, 2.0)
    assert (value.dtype, gx.dtype, gs.dtype) == (np.float32,) * 3
    mixed = ad.grad(lambda x, y: ad.sum(x * y), (0, 1))(x, np.ones(3))
    assert [g.dtype for g in mixed] == [np.float32, np.float64]


def test_shapes_without_entries():
    empty = np.zeros((0, 3))
    assert_array_equal(ad.grad(lambda x: ad.sum(x * 2.0))(empty), empty)
    assert_array_equal(ad.grad(lambda x: ad.sum(ad.sum(x, axis=0) * 2.0))(empty), empty)
    assert ad.value_and_grad(lambda x: ad.prod(x))(np.zeros(0))[0] == 1
    with pytest.raises(ValueError, match="max of no entries"):
        ad.grad(ad.max)(np.zeros(0))


def test_constant_functions():
    assert_array_equal(ad.grad(lambda x: ad.sum(ad.step(x)))(X), np.zeros(4))
    assert ad.value_and_grad(lambda x: 3.0)(2.0) == (3.0, 0.0)


def test_product_with_zeros_is_exact():
    x = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0]])
    assert_array_equal(ad.grad(lambda x: ad.sum(ad.prod(x, axis=1)))(x), [[0, 6, 0], [0, 0, 0]])


def test_powers_at_zero():
    assert [ad.grad(lambda x, n=n: x**n)(0.0) for n in (0.0, 1.0, 2.0, 3.0)] == [0, 1, 0, 0]
    assert ad.grad(lambda x, y: x**y, (0, 1))(0.0, 2.0) == (0.0, 0.0)
    assert ad.grad(ad.grad(lambda b: 3.0**b))(0.0) == pytest.approx(np.log(3) ** 2)
    mixed = ad.grad(lambda b: ad.grad(lambda a: a**b)(3.0))(0.0)  # b a^(b-1) by b, at b = 0
    assert mixed == pytest.approx(1 / 3)


def test_norm_at_zero_and_softmax_far_out():
    assert_array_equal(ad.grad(ad.norm)(np.zeros(3)), np.zeros(3))
    x = np.array([1000.0, 0.0, -1000.0])
    assert_allclose(ad.vjp(ad.softmax, x)[0], [1, 0, 0])
    assert_allclose(ad.grad(ad.logsumexp)(x), [1, 0, 0])
    assert ad.vjp(ad.logsumexp, np.full(2, -np.inf))[0] == -np.inf


def test_weights_of_a_wrong_shape():
    _, pullback = ad.vjp(vector, X)
    with pytest.raises(ValueError, match=r"of shape \(4,\) where \(3,\) is needed"):
        pullback(X)
    with pytest.raises(ValueError, match="2 tangents for 1 arguments"):
        ad.jvp(vector, (X,), (X, X))


WAYS = {
    "grad": lambda f, x: ad.grad(f)(x),
    "value_and_grad": lambda f, x: ad.value_and_grad(f)(x)[1],
    "jacobian": lambda f, x: ad.jacobian(f)(x),
    "hessian": lambda f, x: ad.hessian(f)(x),
    "jvp": lambda f, x: ad.jvp(f, (x,), (1.0,))[1],
    "vjp": lambda f, x: ad.vjp(f, x)[1](1.0)[0],
    "hvp": lambda f, x: ad.hvp(f, x, 1.0),
    "compile": lambda f, x: ad.compile(f, argnums=0).grad(x),
}


@pytest.mark.parametrize("way", WAYS)
def test_only_floats_and_integers_of_python_have_derivatives(way):
    """What is fixed while a function is traced must not come back as its own derivative."""

    def cube(x):
        return x * x * x

    expected = {"hessian": 12.0, "hvp": 12.0}.get(way, 12.0)
    assert WAYS[way](cube, 2) == WAYS[way](cube, 2.0) == expected
    for wrong in (True, np.bool_(True), np.array(True), np.int64(2), np.array(2), np.uint8(2), "2", Fraction(1, 2), 2j):
        with pytest.raises(TypeError, match=r"argument (0|x) holds .*no derivative"):
            WAYS[way](cube, wrong)
    with pytest.raises(ValueError, match="argument 0 holds an integer too large for a float"):
        WAYS[way](cube, 10**400)


def test_integers_in_containers_to_differentiate_by():
    assert ad.grad(lambda p: p["a"] * p["b"])({"a": 3, "b": 2.0}) == {"a": 2.0, "b": 3.0}
    assert_array_equal(ad.grad(lambda p: p[0] * p[1] * p[1])([3, 2]), [4.0, 12.0])
    with pytest.raises(TypeError, match="argument 0 holds True"):
        ad.grad(lambda p: p["a"] * p["b"])({"a": 3.0, "b": True})


def test_hvp_beside_labels():
    labels = np.array([2, 0])
    assert_allclose(ad.hvp(lambda x, i: ad.sum(x[i] ** 2), np.arange(3.0), np.ones(3), labels), [2, 0, 2])
