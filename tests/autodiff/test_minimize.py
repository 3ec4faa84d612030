"""minimize: the optimisers against their definition, penalties, graphs of one row, stopping, and what goes wrong."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastml import autodiff as ad
from fastml_ext.autodiff import reference

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 3))
Y = np.sign(X @ [1.0, -2.0, 0.5] + 0.3)
START = {"w": np.array([0.1, 0.0, -0.2]), "b": 0.5}
HYPER = {"sgd": (0.01, 0.9), "adagrad": (0.1, 1e-10), "adam": (0.01, 1e-8, 0.9, 0.999)}


def logistic(p, X, y):
    return ad.mean(ad.softplus(-y * (ad.dot(X, p["w"]) + p["b"])))


def logistic_by_row():
    graph = ad.Graph()
    w, b, x, y = graph.variable("w", 3), graph.variable("b"), graph.variable("x", 3), graph.variable("y")
    return graph.output(ad.softplus(-y * (ad.dot(x, w) + b)))


def by_definition(optimizer, batch, epochs, l1, l2, mask):
    """The weights (w, b) and the losses, from the reference's steps and the gradient written by hand."""
    w, state, t, history = np.array([0.1, 0.0, -0.2, 0.5]), np.zeros((2, 4)), 0, []
    rows = np.column_stack([X, np.ones(len(X))])
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(X), batch):
            A, y = rows[start : start + batch], Y[start : start + batch]
            margin = y * (A @ w)
            total += np.logaddexp(0, -margin).sum()
            g = A.T @ (-y / (1 + np.exp(margin))) / len(A)
            t += 1
            getattr(reference, f"{optimizer}_step")(w, g, state, HYPER[optimizer], l1 * mask, l2 * mask, t)
        history.append(total / len(X) + reference.penalty(w, l1 * mask, l2 * mask))
    return w, history


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam"])
@pytest.mark.parametrize("batch", [None, 5, 23])  # 5 leaves a smaller last batch
@pytest.mark.parametrize("form", ["function", "graph"])
def test_steps_are_those_of_the_definition(optimizer, batch, form):
    loss, data = (logistic, (X, Y)) if form == "function" else (logistic_by_row(), {"x": X, "y": Y})
    penalised = {"penalty": "elasticnet", "alpha": 0.1, "l1_ratio": 0.3, "unpenalized": ("b",)}
    found = ad.minimize(
        loss, START, data, optimizer=optimizer, batch_size=batch, max_iter=4, shuffle=False, tol=0, **penalised
    )
    mask = np.array([1.0, 1, 1, 0])
    w, history = by_definition(optimizer, batch or 23, 4, 0.03, 0.07, mask)
    assert_allclose(found.params["w"], w[:3], rtol=1e-9)
    assert_allclose(found.params["b"], w[3], rtol=1e-9)
    assert_allclose(found.history, history, rtol=1e-9)
    assert found.value == found.history[-1]
    assert (found.n_iter, found.converged, found.engine) == (4, False, "compiled")


def test_the_start_is_not_changed_and_structures_return():
    before = START["w"].copy()
    found = ad.minimize(logistic, START, (X, Y), max_iter=2)
    assert_array_equal(START["w"], before)
    assert found.params.keys() == START.keys()
    single = ad.minimize(
        logistic, {"w": np.zeros(3, np.float32), "b": np.float32(0)}, (X.astype(np.float32), Y), max_iter=2
    )
    assert single.params["w"].dtype == np.float32
    pair = ad.minimize(
        lambda p: (p[0] - 1.0) ** 2 + ad.sum((p[1] - 2.0) ** 2), (0, np.zeros(2)), max_iter=900, tol=1e-12
    )
    assert isinstance(pair.params, tuple)
    assert_allclose(np.hstack(pair.params), [1, 2, 2], atol=1e-2)


def test_least_squares_by_hand():
    """(1,1) (2,3) (4,3) gives w = [1, 4/7]."""
    A, y = np.array([[1.0, 1], [1, 2], [1, 4]]), np.array([1.0, 3, 3])
    settings = {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.0, "max_iter": 3000, "tol": 1e-14}
    found = ad.minimize(lambda w, A, y: ad.mean((ad.dot(A, w) - y) ** 2) / 2, np.zeros(2), (A, y), **settings)
    assert_allclose(found.params, [1, 4 / 7], atol=1e-4)
    assert found.converged


def test_the_same_seed_gives_the_same_bits():
    runs = [
        ad.minimize(logistic, START, (X, Y), batch_size=4, max_iter=5, random_state=s).params["w"] for s in (0, 0, 1)
    ]
    assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_progress_sees_every_epoch_and_may_stop():
    seen = []
    found = ad.minimize(logistic, START, (X, Y), progress=lambda epoch, loss: seen.append((epoch, loss)) or epoch == 3)
    assert seen == list(enumerate(found.history, start=1))
    assert found.n_iter == 3
    assert found.converged


def test_labels_and_shared_inputs_of_a_graph():
    graph = ad.Graph()
    W, x, k = graph.variable("W", (3, 4)), graph.variable("x", 3), graph.variable("k", dtype=int)
    scale = graph.variable("scale", 4)
    z = ad.dot(x, W) * scale
    graph.output(ad.logsumexp(z) - z[k])
    labels = RNG.integers(0, 4, 23)
    found = ad.minimize(
        graph, {"W": np.zeros((3, 4))}, {"x": X, "k": labels, "scale": np.ones(4)}, max_iter=30, batch_size=5
    )
    assert found.history[-1] < found.history[0]


def test_a_graph_too_large_to_compile_is_interpreted():
    def deep(w, X, y):
        h = X * w
        for _ in range(200):
            h = ad.tanh(h * 1.01) + ad.sin(h) * 0.01
        return ad.mean((ad.sum(h, axis=1) - y) ** 2)

    found = ad.minimize(deep, np.ones(3), (X, Y), batch_size=8, max_iter=3, optimizer="sgd", learning_rate=1e-3)
    assert found.engine == "interpreted"
    assert found.history[-1] < found.history[0]


def test_what_is_refused():
    for bad, words in (
        ({"optimizer": "lbfgs"}, "optimizer='lbfgs' is none of 'sgd', 'adagrad', 'adam'"),
        ({"penalty": "l0"}, "penalty='l0' is none of"),
        ({"max_iter": 0}, "max_iter=0 must be at least 1"),
        ({"batch_size": 0}, "batch_size=0 must be at least 1"),
        ({"penalty": "l2", "unpenalized": ("c",)}, "unpenalized='c' is no key of params"),
    ):
        with pytest.raises(ValueError, match=words):
            ad.minimize(logistic, START, (X, Y), **bad)
    with pytest.raises(ValueError, match=r"data of \[23, 5\] rows"):
        ad.minimize(logistic, START, (X, Y[:5]))
    with pytest.raises(ValueError, match="no value was given for the inputs y"):
        ad.minimize(logistic_by_row(), START, {"x": X})
    with pytest.raises(ValueError, match=r"x has shape \(3,\) in the graph; rows of shape \(2,\) were given"):
        ad.minimize(logistic_by_row(), START, {"x": X[:, :2], "y": Y})
    with pytest.raises(TypeError, match="dictionaries of its inputs by name"):
        ad.minimize(logistic_by_row(), np.ones(3), {"x": X})


def test_a_loss_that_is_not_finite_names_its_source():
    with pytest.raises(
        FloatingPointError, match=r"became nan in epoch 2: .* = log\(.*test_minimize.py\); try a smaller"
    ):
        ad.minimize(lambda w, x: ad.mean(ad.log(w * x)), 1.0, (np.array([1.0, 2, 3]),), learning_rate=2.0)
    with pytest.raises(FloatingPointError, match=r"epoch 2: w = input\(\) gave .* \(line \d+ of test_minimize.py\)"):
        ad.minimize(lambda w, x: ad.mean((w * x) ** 2), 1.0, (np.ones(3),), optimizer="sgd", learning_rate=1e200)


def test_progress_is_told_every_epoch_and_stops():
    told = []

    def progress(epoch, loss):
        told.append((epoch, loss))
        return epoch == 3

    found = ad.minimize(lambda w: (w - 1.0) ** 2, 5.0, progress=progress)
    assert told == [(k + 1, loss) for k, loss in enumerate(found.history)]
    assert (found.n_iter, found.converged, found.value) == (3, True, told[-1][1])


def test_ctrl_c_is_the_callers():
    def progress(epoch, loss):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ad.minimize(lambda w: (w - 1.0) ** 2, 5.0, progress=progress)
