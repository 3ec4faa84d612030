import numpy as np
import pytest
import scipy.sparse as sp
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference
from fastml_ext.linear.codes import COUPLINGS, LOSSES, METHODS, SCHEDULES

NO_HITS = np.empty((0, 0), np.int8)
CLASSES = ["log", "hinge", "squared_hinge", "modified_huber"]
NUMBERS = [name for name in LOSSES if name not in [*CLASSES, "user"]]


@st.composite
def problems(draw):
    """(task, X, Y, weight, class_weight, strength): every loss, coupling, penalty, schedule and method."""
    coupling = draw(st.sampled_from(sorted(COUPLINGS)))
    names = {"each": CLASSES + NUMBERS, "rest": CLASSES, "softmax": ["log"], "argmax": ["hinge"]}[coupling]
    loss = draw(st.sampled_from(names))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, d = draw(st.integers(1, 12)), draw(st.integers(1, 20))
    k = draw(st.integers(1 if coupling == "each" else 2, 3))
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.6)
    Y = rng.integers(0, k, (n, 1)).astype(float)
    if coupling == "each":
        Y = rng.choice([-1.0, 1.0], (n, k)) if loss in CLASSES else np.abs(rng.normal(size=(n, k)))
    method = draw(st.sampled_from(sorted(METHODS)))
    schedules = ["constant", "invscaling", "optimal"]
    if method == "plain" and coupling != "argmax" and loss in ("hinge", "epsilon_insensitive"):
        schedules += ["pa1", "pa2"]
    task = kernels.Task(
        loss=LOSSES[loss],
        parameter=draw(st.sampled_from([0.0, 0.3, 1.0])) if loss == "hinge" else 0.3 if loss == "quantile" else 0.5,
        coupling=COUPLINGS[coupling],
        l1=draw(st.sampled_from([0.0, 0.05])),
        l2=draw(st.sampled_from([0.0, 0.1, 3.0])),
        schedule=SCHEDULES[draw(st.sampled_from(schedules))],
        eta0=0.01 if loss == "poisson" else draw(st.sampled_from([0.1, 0.4])),
        optimal=2.0,
        alpha=0.5,
        method=METHODS[method],
        batch=draw(st.sampled_from([1, 1, 3, 100])),
        intercept=draw(st.sampled_from([0.0, 0.04, 1.0])),
        average_from=draw(st.sampled_from([-1, 0, 3])),
    )
    weight = rng.uniform(0.1, 2, n) if draw(st.booleans()) else np.empty(0)
    class_weight = rng.uniform(0.5, 2, (2, k)) if coupling != "each" or loss in CLASSES else np.ones((2, k))
    strength = rng.uniform(0, 2, d) if draw(st.booleans()) and min(SCHEDULES[s] for s in schedules) < 3 else None
    return task, X, Y, weight, class_weight, strength


def run(module, problem, sparse=False, dtype=np.float64, epochs=3):
    task, X, Y, weight, class_weight, strength = problem
    k, d = class_weight.shape[1], X.shape[1]
    coef, intercept = np.linspace(-0.5, 0.5, k * d).reshape(k, d).astype(dtype), np.linspace(0, 0.2, k)
    state = module.begin(task, coef, intercept, sparse, strength)
    rows = sp.csr_matrix(X.astype(dtype)) if sparse and module is kernels else X.astype(dtype)
    epoch = module.sparse_epoch if sparse else module.dense_epoch
    steps = []
    for number in range(epochs):
        hits = np.zeros((len(X), k), np.int8)
        order = module.random_order(len(X), 7, number)
        losses, finite = epoch(task, order, rows, Y, weight, class_weight, state, hits)
        assert finite
        steps += [losses, hits]
    return [*steps, *module.average(task, state, sparse), *module.weights(state, sparse)]


@pytest.mark.parametrize("sparse", [False, True])
@given(problem=problems())
@effort(3.75)
def test_epochs_equal_reference(sparse, problem):
    for ours, expected in zip(run(kernels, problem, sparse), run(reference, problem), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sparse", [False, True])
@given(problem=problems())
@effort(0.75)
def test_float32_stays_float32(sparse, problem):
    *_, coef, intercept = run(kernels, problem, sparse, np.float32, epochs=1)
    assert coef.dtype == intercept.dtype == np.float32


@given(problem=problems(), scale=st.sampled_from([1.0, 5.0, 500.0]))
@effort(3.75)
def test_slopes_are_the_derivatives_of_the_losses(problem, scale):
    task, X, Y, weight, class_weight, _ = problem
    if task.loss == LOSSES["poisson"]:
        scale = 1.0
    S = np.random.default_rng(1).normal(size=(len(X), class_weight.shape[1])) * scale
    losses, slopes = kernels.slopes(task, S, Y, weight, class_weight)
    expected = reference.slopes(task, S, Y, weight, class_weight)
    np.testing.assert_allclose(losses, expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slopes, expected[1], rtol=1e-12, atol=1e-12)
    h = 1e-6
    for c in range(S.shape[1]):
        up, down = S.copy(), S.copy()
        up[:, c] += h
        down[:, c] -= h
        above, below = (kernels.slopes(task, T, Y, weight, class_weight)[0] for T in (up, down))
        numeric = (above - below) / (2 * h)
        np.testing.assert_allclose(slopes[:, c], numeric, rtol=1e-4, atol=1e-5 * scale)


def test_a_loss_that_is_not_finite_ends_the_epoch():
    task = kernels.Task(eta0=1e200)
    state = kernels.begin(task, np.zeros((1, 1)), np.zeros(1))
    X, Y = np.array([[1.0], [2.0], [3.0]]), np.ones((3, 1))
    _, finite = kernels.dense_epoch(task, np.arange(3), X, Y, np.empty(0), np.ones((2, 1)), state, NO_HITS)
    assert not finite


@given(st.integers(0, 300), st.integers(0, 2**63 - 1), st.integers(0, 50))
@effort(1.25)
def test_random_order(n, seed, epoch):
    order = kernels.random_order(n, seed, epoch)
    np.testing.assert_array_equal(order, reference.random_order(n, seed, epoch))
    np.testing.assert_array_equal(np.sort(order), np.arange(n))


@pytest.mark.parametrize("sparse", [False, True])
def test_decay_and_average_over_many_folds(sparse):
    """The scale is folded into the weights again and again; the mean of all steps must not lose its digits."""
    rng = np.random.default_rng(0)
    task = kernels.Task(loss=LOSSES["hinge"], l2=0.3, eta0=0.5, average_from=20)
    problem = task, rng.normal(size=(200, 5)), rng.choice([-1.0, 1.0], (200, 1)), np.empty(0), np.ones((2, 1)), None
    for ours, expected in zip(run(kernels, problem, sparse), run(reference, problem), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("d", [1, 7, 129, 200])
@pytest.mark.parametrize("loss", ["squared", "hinge", "log"])
@pytest.mark.parametrize("schedule", ["constant", "invscaling", "optimal"])
def test_many_steps_over_narrow_and_wide_rows(d, loss, schedule):
    """More steps than are prepared at once, the scale folded between them; an epoch in parts is the same epoch."""
    rng = np.random.default_rng(0)
    X, Y, ones = rng.normal(size=(700, d)), rng.choice([-1.0, 1.0], (700, 1)), np.ones((2, 1))
    task = kernels.Task(
        LOSSES[loss], l2=0.02, schedule=SCHEDULES[schedule], eta0=0.5 / d, power=0.25, alpha=float(d), optimal=1.0
    )
    found = []
    for module, size in ((kernels, 700), (kernels, 90), (reference, 700)):
        state = module.begin(task, np.zeros((1, d)), np.zeros(1))
        parts = [
            module.dense_epoch(task, np.arange(i, min(700, i + size)), X, Y, np.empty(0), ones, state, NO_HITS)
            for i in range(0, 700, size)
        ]
        assert all(finite for _, finite in parts)
        found.append([sum(losses for losses, _ in parts), *module.weights(state)])
    for ours in found[:2]:
        for a, b in zip(ours, found[2], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_whose_squares_overflow(dtype):
    """What no product of two rows can hold, the weights may: their scores decide."""
    large = np.sqrt(np.finfo(dtype).max) * dtype(8)
    X, Y = np.array([[large], [large], [-large]]), np.array([[1.0], [1.0], [-1.0]])
    task = kernels.Task(loss=LOSSES["hinge"], eta0=float(1 / large) / float(large), intercept=0.0)
    for module in (kernels, reference):
        state = module.begin(task, np.zeros((1, 1), dtype), np.zeros(1))
        losses, finite = module.dense_epoch(task, np.arange(3), X, Y, np.empty(0), np.ones((2, 1)), state, NO_HITS)
        assert finite
        assert losses == pytest.approx(1.0)


def test_poisson_overflows_to_infinity():
    task = kernels.Task(loss=LOSSES["poisson"])
    S, Y = np.array([[800.0]]), np.ones((1, 1))
    for module in (kernels, reference):
        losses, slopes = module.slopes(task, S, Y, np.empty(0), np.ones((2, 1)))
        assert losses[0] == slopes[0, 0] == np.inf
