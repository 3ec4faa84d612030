"""The definitions against what is known without them: differences, worked examples, formulas of the solvers' papers."""

import itertools
import math

import numpy as np
import pytest

from fastml_ext.neural import codes, reference
from fastml_ext.neural.codes import Data, Design, Method, State

HIDDEN = [name for name in reference.ACTIVATIONS if name not in ("step", "straight_through", "softmax")]
LAST = ["identity", "softplus", "exp", "logistic", "softmax"]
SHARES = ("log_loss", "binary_log_loss")


def pairs():
    """(last activation, loss) that go together: shares for logarithmic losses, positive means for poisson."""
    for last, loss in itertools.product(LAST, reference.LOSSES):
        if loss in SHARES and last not in ("logistic", "softmax"):
            continue
        if loss == "poisson" and last == "identity":
            continue
        yield last, loss


def problem(depth, last, loss, seed=0):
    random = np.random.default_rng(seed)
    units = [3, 4, 5, 4][: depth + 1] + [2]
    coefs = [0.4 * random.standard_normal(shape) for shape in itertools.pairwise(units)]
    intercepts = [random.standard_normal(n) for n in units[1:]]
    Y = random.random((6, 2))
    if loss in SHARES:
        Y = np.eye(2)[random.integers(0, 2, 6)]
    return random.standard_normal((6, 3)), Y, coefs, intercepts, random.uniform(0.5, 2, 6)


def test_the_codes_are_the_order_of_the_definitions():
    assert [*reference.ACTIVATIONS, "user"] == list(codes.ACTIVATIONS)
    assert [*reference.LOSSES, "user"] == list(codes.LOSSES)
    assert list(reference.training.SOLVERS) == list(codes.SOLVERS)
    for table in (codes.ACTIVATIONS, codes.LOSSES, codes.SOLVERS):
        assert list(table.values()) == list(range(len(table)))


@pytest.mark.parametrize("name", HIDDEN)
def test_derivatives_of_the_activations(name):
    z, h = np.linspace(-3.05, 3.05, 62)[None, :], 1e-6
    numeric = (reference.activate(name, z + h) - reference.activate(name, z - h)) / (2 * h)
    assert np.allclose(reference.activation_derivative(name, z), numeric, atol=1e-8)


def test_softmax_and_step():
    z = np.array([[0.3, -1.0, 2.0]])
    h = 1e-6
    jacobian = reference.activation_derivative("softmax", z)[0]
    for j in range(3):
        e = h * np.eye(3)[j]
        difference = (reference.activate("softmax", z + e) - reference.activate("softmax", z - e)) / (2 * h)
        assert np.allclose(jacobian[:, j], difference[0], atol=1e-9)
    assert reference.activate("step", np.array([-1e-9, 0.0, 2.0])).tolist() == [0, 1, 1]
    assert reference.activation_derivative("straight_through", np.array([-2.0, -1, 0, 1, 2])).tolist() == [
        0,
        1,
        1,
        1,
        0,
    ]
    assert np.allclose(reference.activate("tanh", z), 2 * reference.activate("logistic", 2 * z) - 1)


@pytest.mark.parametrize(("last", "loss"), list(pairs()))
@pytest.mark.parametrize(("depth", "hidden"), [(0, "none"), *((2, name) for name in HIDDEN), (3, "gelu")])
def test_backward_against_differences(depth, hidden, last, loss):
    X, Y, coefs, intercepts, weight = problem(depth, last, loss)
    activations = [hidden] * depth + [last]

    def value():
        return reference.loss(loss, reference.forward(X, coefs, intercepts, activations)[-1], Y, weight)

    found, by_coefs, by_intercepts, by_X = reference.backward(X, Y, coefs, intercepts, activations, loss, weight)
    assert found == value()
    h = 1e-6
    for array, gradient in [*zip(coefs + intercepts, by_coefs + by_intercepts, strict=True), (X, by_X)]:
        at = np.unravel_index(int(np.argmax(np.abs(gradient))), array.shape)
        before = array[at]
        array[at] = before + h
        above = value()
        array[at] = before - h
        below = value()
        array[at] = before
        assert gradient[at] == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-7)


def test_a_step_network_by_hand():
    first, second = np.array([[1, 0, 0, 1], [0, -1, 1, 0], [2, 0, 1, 1]]), np.array([[0, 1, 1, 0]])
    coefs, intercepts = [first[:, 1:].T, second[:, 1:].T], [first[:, 0], second[:, 0]]
    x = np.array([[0, 2, 1]])  # behind its leading 1
    z = reference.pre_activations(x, coefs, intercepts, ["step", "step"])
    assert [a.tolist() for a in z] == [[[2, 2, 5]], [[2]]]
    assert reference.forward(x, coefs, intercepts, ["step", "step"])[-1].tolist() == [[1]]


def by_rows(*layers):
    """(coefs, intercepts) of layers whose rows are units and whose first column is the bias."""
    layers = [np.array(layer, float) for layer in layers]
    return [layer[:, 1:].T for layer in layers], [layer[:, 0] for layer in layers]


def test_a_rectangle_and_two_cars():
    box = by_rows([[0, 1, 0], [5, -1, 0], [0, 0, 1], [2, 0, -1]], [[-3.5, 1, 1, 1, 1]])
    points = np.array([[0, 0], [5, 2], [2.5, 1], [-0.1, 1], [5.1, 1], [2, 2.1], [2, -0.1]])
    inside = reference.forward(points, *box, ["step", "step"])[-1][:, 0]
    assert inside.tolist() == [1, 1, 1, 0, 0, 0, 0]
    cars = by_rows([[-1, 1, -1], [-1, -1, 1]], [[-0.5, 1, 1]])
    table = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert reference.forward(table, *cars, ["step", "step"])[-1][:, 0].tolist() == [0, 1, 1, 0]


def test_zeros_leave_all_hidden_rows_equal_and_identity_is_linear():
    random = np.random.default_rng(0)
    X, Y = random.standard_normal((20, 3)), random.random((20, 1))
    design = designed([3, 4, 1], ["logistic", "logistic"], "squared_error")
    state = State(np.zeros(21), np.zeros(21), np.zeros(21), np.zeros(1, np.int64))
    reference.train(design, Method(rate=0.1), np.arange(20), 5, Data(X, Y, np.empty(0)), state)
    coefs, _ = reference.split(state.w, design.units)
    assert np.abs(coefs[0]).max() > 0
    assert (coefs[0] == coefs[0][:, :1]).all()
    coefs, intercepts = (
        [random.standard_normal(s) for s in ((3, 4), (4, 1))],
        [random.standard_normal(n) for n in (4, 1)],
    )
    linear = reference.forward(X, coefs, intercepts, ["identity"] * 2)[-1]
    assert np.allclose(linear, X @ (coefs[0] @ coefs[1]) + intercepts[0] @ coefs[1] + intercepts[1])


def test_a_5_5_5_1_network_has_55_connections():
    coefs, _ = reference.split(np.zeros(66), [5, 5, 5, 1])
    assert sum(c.size for c in coefs) == 55


def designed(units, activations, loss, dropout=None, **options):
    L = len(activations)
    return Design(
        np.array(units),
        np.array([codes.ACTIVATIONS[name] for name in activations]),
        np.zeros((L, 2), np.int64),
        np.zeros(L) if dropout is None else np.array(dropout),
        codes.LOSSES[loss],
        **options,
    )


def test_solvers_by_hand():
    """One weight, no hidden layer, squared loss of x = 1: the gradient is w - y."""
    design, data = designed([1, 1], ["identity"], "squared_error"), Data(np.ones((1, 1)), np.zeros((1, 1)), np.empty(0))
    expected = {
        "sgd": lambda g, first, second, t: (-0.1 * g, first, second),
        "momentum": lambda g, v, s, t: (0.9 * v - 0.1 * g, 0.9 * v - 0.1 * g, s),
        "nesterov": lambda g, v, s, t: (0.9 * (0.9 * v - 0.1 * g) - 0.1 * g, 0.9 * v - 0.1 * g, s),
        "adagrad": lambda g, v, s, t: (-0.1 * g / (math.sqrt(s + g * g) + 1e-8), v, s + g * g),
        "rmsprop": lambda g, v, s, t: (-0.1 * g / (math.sqrt(0.9 * s + 0.1 * g * g) + 1e-8), v, 0.9 * s + 0.1 * g * g),
    }
    for name, rule in expected.items():
        method = Method(codes.SOLVERS[name], rate=0.1, beta_2=0.9)
        state = State(np.array([1.0, 0.5]), np.zeros(2), np.zeros(2), np.zeros(1, np.int64))
        w, b, moments = 1.0, 0.5, [(0.0, 0.0), (0.0, 0.0)]
        for t in range(1, 4):
            reference.train(design, method, np.arange(1), 1, data, state)
            g = w + b
            moves = [rule(g, *m, t) for m in moments]
            w, b, moments = w + moves[0][0], b + moves[1][0], [m[1:] for m in moves]
        assert state.w == pytest.approx([w, b], rel=1e-12), name


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adams_first_step_is_the_rate(name):
    design, data = designed([1, 1], ["identity"], "squared_error"), Data(np.ones((1, 1)), np.zeros((1, 1)), np.empty(0))
    state = State(np.array([1.0, 0.5]), np.zeros(2), np.zeros(2), np.zeros(1, np.int64))
    decay = 0.5 if name == "adamw" else 0.0
    reference.train(design, Method(codes.SOLVERS[name], rate=0.01, decay=decay), np.arange(1), 1, data, state)
    assert state.w == pytest.approx([1 * (1 - 0.01 * decay) - 0.01, 0.5 * (1 - 0.01 * decay) - 0.01], rel=1e-6)


def test_random_numbers_look_random():
    factors = reference.dropout_factors(3, 7, 200, 5, 100, 0.25)
    assert set(np.unique(factors)) == {0.0, 1 / 0.75}
    assert (factors == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert np.array_equal(factors[:, 10:], reference.dropout_factors(3, 7, 200, 15, 90, 0.25))
    noise = reference.input_noise(3, 7, 200, 100)
    assert abs(noise.mean()) < 0.02
    assert noise.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.02
    assert not np.array_equal(noise, reference.input_noise(3, 8, 200, 100))
