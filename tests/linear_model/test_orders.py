"""The order of the rows of X does not decide what stochastic gradients reach: an epoch is as good as a shuffled one."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastml.linear_model import LinearRegression, LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from fastml.svm import LinearSVC
from fastml_ext.linear.steps import IN_CACHE

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SEEDS = range(20)


def table(n=6000, d=60):
    """Groups of rows around centres of their own, and labels that follow the centres."""
    random = np.random.default_rng(0)
    group = random.integers(0, 12, n)
    X = random.normal(size=(12, d))[group] + random.normal(size=(n, d))
    y = X[:, :5].sum(axis=1) + random.normal(size=n)
    return X, y, group


X, Y, GROUP = table()
LABELS = np.digitize(Y, np.quantile(Y, [0.3, 0.6]))
assert X.nbytes > IN_CACHE
RISING = np.argsort(Y, kind="stable")
PERIODIC = np.argsort(np.concatenate([np.arange(len(part)) for part in np.array_split(np.arange(len(Y)), 64)]))
ORDERS = {
    "sorted": RISING,
    "grouped": np.argsort(GROUP, kind="stable"),
    "periodic": RISING[PERIODIC],
}
FEW = {"max_iter": 5, "tol": None}
MODELS = {
    "hinge": (SGDClassifier(alpha=1e-3, **FEW), 2),
    "three classes": (SGDClassifier("log_loss", alpha=1e-3, **FEW), 3),
    "softmax": (SGDClassifier("log_loss", multi_class="multinomial", alpha=1e-3, **FEW), 3),
    "l1": (SGDClassifier("log_loss", penalty="l1", alpha=1e-3, **FEW), 2),
    "averaged": (SGDClassifier("log_loss", average=True, alpha=1e-3, **FEW), 2),
    "batches": (SGDClassifier("log_loss", learning_rate="constant", eta0=0.05, batch_size=16, **FEW), 2),
    "momentum": (SGDClassifier("log_loss", learning_rate="momentum", eta0=1e-3, batch_size=16, **FEW), 2),
    "adam": (SGDClassifier("log_loss", learning_rate="adam", eta0=1e-3, batch_size=16, **FEW), 2),
    "regression": (SGDRegressor(eta0=1e-3, **FEW), 0),
    "perceptron": (Perceptron(**FEW), 2),
    "perceptron of three classes": (Perceptron(**FEW), 3),
    "logistic": (LogisticRegression(solver="sgd", max_iter=5, tol=0), 2),
    "least squares": (LinearRegression(solver="sgd", eta0=1e-3, max_iter=5, tol=0), 0),
    "svm": (LinearSVC(solver="sgd", max_iter=5), 2),
}


def targets(kind):
    return {0: Y, 2: (LABELS > 0).astype(int), 3: LABELS}[kind]


def loss(model, X, y):
    """Mean hinge, or squared error: one yardstick for every model, the smaller the better."""
    if not hasattr(model, "classes_"):
        return np.mean((model.predict(X) - y) ** 2)
    scores = model.decision_function(X)
    scores = np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
    own = np.take_along_axis(scores, y[:, None], axis=1)
    rivals = np.where(np.arange(scores.shape[1]) == y[:, None], -np.inf, scores).max(axis=1, keepdims=True)
    size = np.linalg.norm(model.coef_)
    return np.mean(np.maximum(0, 1 - (own - rivals) / size))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_any_order_is_as_good_as_a_shuffled_one(name, order, layout):
    model, kind = MODELS[name]
    y, rows = targets(kind), layout(X[ORDERS[order]])
    ordered = [loss(model.set_params(random_state=seed).fit(rows, y[ORDERS[order]]), X, y) for seed in SEEDS]
    shuffled = uniformly_shuffled(name, layout)
    noise = np.sqrt((np.var(ordered) + np.var(shuffled)) / len(SEEDS))
    assert np.mean(ordered) <= np.mean(shuffled) + 4 * noise + 1e-9


CACHE = {}


def uniformly_shuffled(name, layout):
    """The losses after as many epochs over rows in a uniformly random order, another one for each seed."""
    if (name, layout) not in CACHE:
        model, kind = MODELS[name]
        y, found = targets(kind), []
        for seed in SEEDS:
            order = np.random.default_rng(seed).permutation(len(y))
            found.append(loss(model.set_params(random_state=seed).fit(layout(X[order]), y[order]), X, y))
        CACHE[name, layout] = found
    return CACHE[name, layout]


def test_one_epoch_at_a_time():
    model, kind = MODELS["hinge"]
    y, found = targets(kind), []
    for seed in SEEDS:
        model = SGDClassifier(alpha=1e-3, random_state=seed)
        for _ in range(5):
            model.partial_fit(X[RISING], y[RISING], [0, 1])
        found.append(loss(model, X, y))
    shuffled = uniformly_shuffled("hinge", np.asarray)
    assert np.mean(found) <= np.mean(shuffled) + 4 * np.sqrt((np.var(found) + np.var(shuffled)) / len(SEEDS))


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_without_shuffling_the_given_order_is_kept(layout):
    y = targets(2)
    one = SGDClassifier(shuffle=False, max_iter=1, tol=None).fit(layout(X), y)
    by_hand = SGDClassifier(shuffle=False, max_iter=1, tol=None)
    for start in range(0, len(y), 1000):
        by_hand.partial_fit(layout(X[start : start + 1000]), y[start : start + 1000], [0, 1])
    np.testing.assert_allclose(one.coef_, by_hand.coef_, rtol=1e-9, atol=1e-12)
    several = SGDClassifier(shuffle=False, max_iter=6, tol=None).fit(layout(X), y)
    for _ in range(5):
        one.partial_fit(layout(X), y)
    np.testing.assert_allclose(one.coef_, several.coef_, rtol=1e-9, atol=1e-12)


def test_the_perceptrons_voters_are_rows_of_X():
    """The updates name the caller's rows, in whatever order they are met."""
    near = X[:, :40]
    model = Perceptron(average="voted", max_iter=6, tol=None, prove=None).fit(
        np.tile(near, (2, 1)), np.tile(LABELS > 0, 2)
    )
    updates, intercepts, survived = model._voters[0]
    coef = updates.sum(axis=0)
    state = model._state.W[0]
    np.testing.assert_allclose(coef, state[:-1] * model._state.scale[0], rtol=1e-9, atol=1e-9)
    assert intercepts.sum() == pytest.approx(state[-1])


@pytest.mark.parametrize("order", ORDERS)
def test_early_stopping_holds_out_rows_of_every_kind(order):
    y, scores = targets(2), {"ordered": [], "shuffled": []}
    for seed in SEEDS:
        model = SGDClassifier(early_stopping=True, max_iter=20, alpha=1e-3, random_state=seed)
        shuffled = np.random.default_rng(seed).permutation(len(y))
        for name, rows in (("ordered", ORDERS[order]), ("shuffled", shuffled)):
            scores[name].append(model.fit(X[rows], y[rows]).score(X, y))
    noise = np.sqrt((np.var(scores["ordered"]) + np.var(scores["shuffled"])) / len(SEEDS))
    assert np.mean(scores["ordered"]) >= np.mean(scores["shuffled"]) - 4 * noise


@pytest.mark.parametrize("period", [8, 16])
def test_newton_on_some_rows_sees_every_class(period):
    """Every eighth row of this table is of one class."""
    n = 40_000
    y = (np.arange(n) % period == 0).astype(int)
    rows = np.random.default_rng(1).normal(size=(n, 6)) + y[:, None]
    model = LogisticRegression(solver="newton-cholesky").fit(rows, y)
    mixed = np.random.default_rng(2).permutation(n)
    np.testing.assert_allclose(
        model.coef_, LogisticRegression(solver="newton-cholesky").fit(rows[mixed], y[mixed]).coef_, rtol=1e-4
    )
    assert model.n_iter_[0] < 15
