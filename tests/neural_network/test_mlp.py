"""The perceptrons: scikit-learn's numbers, and everything that it does not have."""

import os
import pickle
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.neural_network
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold

import fastml
from fastml import autodiff as ad
from fastml.model_selection import GridSearchCV
from fastml.neural_network import MLPClassifier, MLPRegressor
from fastml_ext.neural.codes import ACTIVATIONS, SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600]


def close(a, b, tolerance=1e-9):
    for ours, theirs in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=tolerance, rtol=1e-7)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"solver": "sgd", "learning_rate_init": 0.1},
        {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False},
        {
            "solver": "sgd",
            "learning_rate": "adaptive",
            "momentum": 0.0,
            "tol": 0.1,
            "n_iter_no_change": 2,
            "max_iter": 30,
        },
        {"solver": "lbfgs"},
        {"early_stopping": True, "activation": "tanh"},
        {"activation": "logistic", "batch_size": 7, "shuffle": False, "alpha": 0.1},
    ],
    ids=str,
)
@pytest.mark.parametrize("task", ["several classes", "two classes", "labels", "numbers", "poisson"])
def test_scikit_learns_numbers(digits, settings, task):
    X, y = digits
    ours, theirs = MLPClassifier, sklearn.neural_network.MLPClassifier
    if task == "two classes":
        y = np.where(y > 4, "high", "low")
    elif task == "labels":
        y = np.stack([y > 4, y % 2, y == 3], axis=1).astype(int)
    elif task in ("numbers", "poisson"):
        ours, theirs = MLPRegressor, sklearn.neural_network.MLPRegressor
        settings = settings | ({"loss": "poisson"} if task == "poisson" else {})
    settings = {"hidden_layer_sizes": (20, 10), "max_iter": 4, "random_state": 0} | settings
    if task in ("numbers", "poisson") and settings.get("learning_rate_init", 0) > 0.01:
        settings["learning_rate_init"] = 0.001  # theirs diverges
    a, b = ours(**settings).fit(X, y), theirs(**settings).fit(X, y)
    close(a, b)
    assert (a.n_iter_, a.t_, a.n_layers_, a.n_outputs_, a.out_activation_) == (
        (b.n_iter_, b.t_, b.n_layers_, b.n_outputs_, b.out_activation_)
    )
    assert (
        np.array_equal(a.predict(X), b.predict(X)) if ours is MLPClassifier else np.allclose(a.predict(X), b.predict(X))
    )
    assert a.loss_ == pytest.approx(b.loss_, rel=1e-8)
    if settings.get("solver") != "lbfgs":
        assert a.loss_curve_ == pytest.approx(b.loss_curve_, rel=1e-8)
        if settings.get("early_stopping"):
            assert a.validation_scores_ == pytest.approx(b.validation_scores_)
            assert a.best_validation_score_ == pytest.approx(b.best_validation_score_)
        else:
            assert a.best_loss_ == pytest.approx(b.best_loss_)
    if ours is MLPClassifier:
        assert np.allclose(a.predict_proba(X), b.predict_proba(X))


def test_partial_fit_and_warm_start_are_scikit_learns(digits):
    X, y = digits
    pair = [E((20,), random_state=0, max_iter=3) for E in (MLPClassifier, sklearn.neural_network.MLPClassifier)]
    for first in (0, 200, 400):
        for model in pair:
            model.partial_fit(X[first : first + 200], y[first : first + 200], classes=np.arange(10))
        close(*pair)
    pair = [model.set_params(warm_start=True).fit(X, y).fit(X, y) for model in pair]
    close(*pair)
    assert len(pair[0].loss_curve_) == len(pair[1].loss_curve_)


@pytest.mark.parametrize("name", ["adam", "adamw", "adagrad", "momentum", "nesterov", "rmsprop", "sgd"])
def test_pytorchs_numbers_on_the_same_batches(name):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    X, Y = random.standard_normal((60, 5)), random.standard_normal((60, 2))
    ours = MLPRegressor(
        hidden_layer_sizes=(7,), activation="tanh", solver=name, learning_rate_init=0.05, batch_size=20,
        shuffle=False, max_iter=10, alpha=0.0,
        epsilon=1e-8, random_state=0, weight_decay=0.1, tol=0, n_iter_no_change=99,
    )  # fmt: skip
    start = MLPRegressor(
        hidden_layer_sizes=(7,), activation="tanh", random_state=0, max_iter=1, learning_rate_init=1e-300, alpha=0
    ).fit(X, Y)
    layers = [torch.nn.Linear(5, 7, dtype=torch.float64), torch.nn.Linear(7, 2, dtype=torch.float64)]
    for layer, coef, intercept in zip(layers, start.coefs_, start.intercepts_, strict=True):
        layer.weight.data, layer.bias.data = torch.tensor(coef.T.copy()), torch.tensor(intercept.copy())
    network = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1])
    weights = network.parameters()
    optimiser = {
        "adam": lambda: torch.optim.Adam(weights, lr=0.05),
        "adamw": lambda: torch.optim.AdamW(weights, lr=0.05, weight_decay=0.1),
        "adagrad": lambda: torch.optim.Adagrad(weights, lr=0.05, eps=1e-8),
        "momentum": lambda: torch.optim.SGD(weights, lr=0.05, momentum=0.9),
        "nesterov": lambda: torch.optim.SGD(weights, lr=0.05, momentum=0.9, nesterov=True),
        "rmsprop": lambda: torch.optim.RMSprop(weights, lr=0.05, alpha=0.9, eps=1e-8),
        "sgd": lambda: torch.optim.SGD(weights, lr=0.05),
    }[name]()
    ours.set_params(momentum=0.0 if name == "sgd" else 0.9)
    for step in range(30):
        rows = slice(step % 3 * 20, step % 3 * 20 + 20)
        if name in ("adam", "adamw"):  # theirs adds epsilon to the corrected root, the paper's section 2 to the other
            optimiser.param_groups[0]["eps"] = 1e-8 / np.sqrt(1 - 0.999 ** (step + 1))
        optimiser.zero_grad()
        loss = 0.5 * ((network(torch.tensor(X[rows])) - torch.tensor(Y[rows])) ** 2).sum(axis=1).mean()
        loss.backward()
        optimiser.step()
    ours.fit(X, Y)
    for layer, coef, intercept in zip(layers, ours.coefs_, ours.intercepts_, strict=True):
        np.testing.assert_allclose(coef, layer.weight.detach().numpy().T, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(intercept, layer.bias.detach().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
@pytest.mark.parametrize("signs", [[0, 1], [-1, 1]])
def test_xor_and_two_cars_are_learnt(solver, signs):
    X = np.array([[a, b] for a in signs for b in signs], float)
    y = np.array(["same", "differ", "differ", "same"])
    step = {"sgd": 1.0, "adagrad": 0.3, "momentum": 0.3, "nesterov": 0.3}.get(solver, 0.03)
    model = MLPClassifier(
        (8,), "tanh", solver=solver, learning_rate_init=step, momentum=0.0 if solver == "sgd" else 0.9,
        max_iter=1500, alpha=0, random_state=1, n_iter_no_change=2000,
    )  # fmt: skip
    assert model.fit(X, y).score(X, y) == 1


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"softmax", "user", "step", "exp", "identity"}))
def test_every_activation_learns(digits, activation):
    X, y = digits
    model = MLPClassifier((40,), activation, learning_rate_init=0.02, max_iter=30, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.95


def test_activations_layer_by_layer_and_ones_own(digits):
    X, y = digits
    own = [lambda z: ad.tanh(z), (lambda z: np.tanh(z), lambda z: 1 - np.tanh(z) ** 2)]
    expected = MLPClassifier((20, 10), ["tanh", "relu"], max_iter=3, random_state=0).fit(X, y)
    for activation in own:
        model = MLPClassifier((20, 10), [activation, "relu"], max_iter=3, random_state=0).fit(X, y)
        close(model, expected)
        assert np.allclose(model.predict_proba(X), expected.predict_proba(X))
    assert expected.history_["dead"][0].shape == (2,)


def test_ones_own_loss(digits):
    X, y = digits[0], digits[1] / 9.0
    expected = MLPRegressor(hidden_layer_sizes=(10,), max_iter=3, random_state=0).fit(X, y)
    for loss in (
        lambda output, y: (output - y) ** 2 / 2,
        (lambda output, y: 0.5 * (output - y) ** 2, lambda output, y: output - y),
    ):
        close(MLPRegressor(loss, (10,), max_iter=3, random_state=0).fit(X, y), expected)
    with pytest.raises(ValueError, match=r"loss: the derivative given is .* correct one of the two"):
        MLPRegressor((lambda a, y: (a - y) ** 2, lambda a, y: a - y), (10,)).fit(X, y)
    with pytest.raises(ValueError, match=r"activation of layer 2: the derivative"):
        MLPRegressor(hidden_layer_sizes=(5, 5), activation=["relu", (lambda z: z, lambda z: 2.0)]).fit(X, y)


@pytest.mark.parametrize("loss", ["squared_error", "root_mean_squared_error", "absolute_error", "huber", "poisson"])
def test_regression_losses(loss):
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (200, 2))
    y = np.exp(X[:, 0]) + X[:, 1] ** 2
    model = MLPRegressor(loss, (30,), "tanh", learning_rate_init=0.02, batch_size=50, max_iter=200, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.98


@pytest.mark.parametrize("loss", ["binary_log_loss", "squared_error", "huber"])
def test_classification_losses(digits, loss):
    X, y = digits
    model = MLPClassifier((40,), loss=loss, learning_rate_init=0.01, max_iter=40, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.97
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1)


def test_float32_and_sparse_rows_stay(digits):
    X, y = digits
    for layout in (lambda X: X.astype(np.float32), lambda X: sp.csr_matrix(X.astype(np.float32))):
        model = MLPClassifier((20,), max_iter=3, random_state=0).fit(layout(X), y)
        assert {c.dtype for c in model.coefs_ + model.intercepts_} == {np.dtype(np.float32)}
        assert model.predict_proba(layout(X)).dtype == np.float32
    dense, sparse = (MLPClassifier((20,), max_iter=3, random_state=0).fit(X, y) for X in (X, sp.csr_matrix(X)))
    close(dense, sparse)
    assert np.allclose(dense.predict_proba(X), sparse.predict_proba(sp.csc_matrix(X)))


def test_integer_weights_are_repetitions_in_full_batches(digits):
    X, y = digits[0][:90], digits[1][:90]
    weight = np.random.default_rng(0).integers(0, 4, 90)
    repeated = np.repeat(np.arange(90), weight)
    for solver in ("adam", "lbfgs"):
        settings = {"hidden_layer_sizes": (9,), "solver": solver, "batch_size": 90, "max_iter": 5, "random_state": 0}
        weighted = MLPClassifier(**settings).fit(X, y, weight)
        model = MLPClassifier(**settings | {"batch_size": len(repeated)}).fit(X[repeated], y[repeated])
        close(weighted, model, 1e-7)


def test_class_weights_are_sample_weights(digits):
    X, y = digits[0], digits[1] > 7
    balanced = MLPClassifier((9,), class_weight="balanced", max_iter=3, random_state=0).fit(X, y)
    weight = np.where(y, len(y) / (2 * y.sum()), len(y) / (2 * (~y).sum()))
    close(balanced, MLPClassifier((9,), max_iter=3, random_state=0).fit(X, y, weight))
    close(
        balanced,
        MLPClassifier(
            (9,), class_weight={True: 2 * weight.max(), False: 2 * weight.min()}, max_iter=3, random_state=0, alpha=2e-4
        ).fit(X, y),
        1e-6,
    )


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"learning_rate": "step", "schedule_factor": 0.5, "schedule_epochs": 2}, [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ({"learning_rate": "cosine"}, [0.5 * (1 + np.cos(np.pi * e / 6)) for e in range(6)]),
        ({"warmup_epochs": 3}, [0.25, 0.5, 0.75, 1, 1, 1]),
        (
            {"learning_rate": "plateau", "schedule_factor": 0.1, "schedule_epochs": 2, "tol": 99.0},
            [1, 1, 1, 0.1, 0.1, 0.01],
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_schedules(digits, schedule, expected):
    model = MLPClassifier((5,), max_iter=6, random_state=0, learning_rate_init=0.001, **schedule).fit(*digits)
    assert np.array(model.history_["step_size"]) / 0.001 == pytest.approx(expected)


def test_history_and_callbacks(digits):
    X, y = digits
    seen = []

    def watch(model, epoch):
        seen.append((epoch["epoch"], model.score(X, y), model.coefs_[0].copy()))
        return epoch["epoch"] == 4

    model = MLPClassifier((20,), max_iter=9, random_state=0, callbacks=watch).fit(X, y, X_val=X[:50], y_val=y[:50])
    assert model.stopped_ == "callback"
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3, 4]
    history = model.history_
    assert {len(values) for values in history.values()} == {4}
    assert history["validation_score"][-1] == pytest.approx(model.score(X[:50], y[:50]))
    assert history["gradient_norm"][0].shape == history["update_ratio"][0].shape == (2,)
    assert (np.array(history["update_ratio"]) > 0).all()
    two = MLPClassifier((20,), max_iter=2, random_state=0).fit(X, y)
    assert np.array_equal(two.coefs_[0], seen[1][2])
    assert two.score(X, y) == seen[1][1]


def test_training_goes_on_where_a_pickle_stopped(digits):
    X, y = digits
    through = MLPClassifier((20,), shuffle=False, max_iter=4).fit(X, y)
    through = MLPClassifier((20,), shuffle=False, random_state=0)
    for _ in range(4):
        through.partial_fit(X, y, classes=np.arange(10))
    parted = MLPClassifier((20,), shuffle=False, random_state=0)
    for _ in range(4):
        parted = pickle.loads(pickle.dumps(parted.partial_fit(X, y, classes=np.arange(10))))
    close(through, parted, 0)
    assert len(parted.loss_curve_) == len(parted.history_["loss"]) == 4


def test_checkpoints(digits, tmp_path):
    X, y = digits
    model = MLPClassifier((20,), max_iter=3, random_state=0, checkpoint=str(tmp_path / "net.fml")).fit(X, y)
    saved = fastml.load(tmp_path / "net.fml")
    assert np.array_equal(saved.predict_proba(X), model.predict_proba(X))
    close(saved.partial_fit(X, y), model.partial_fit(X, y), 0)


def test_the_best_epoch_is_kept(digits):
    X, y = digits
    model = MLPClassifier((20,), learning_rate_init=0.05, max_iter=15, random_state=0, n_iter_no_change=20)
    model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    scores = model.history_["validation_score"]
    assert model.score(X[300:], y[300:]) == pytest.approx(max(scores)) == pytest.approx(model.best_validation_score_)
    losses = model.history_["validation_loss"]
    assert all(loss > 0 for loss in losses)


def test_scoring_apart_from_the_loss(digits):
    X, y = digits
    model = MLPClassifier((20,), max_iter=3, random_state=0, early_stopping=True, scoring="neg_log_loss").fit(X, y)
    assert (np.array(model.history_["validation_score"]) < 0).all()
    assert (np.array(model.history_["train_score"]) < 0).all()


def test_divergence_starts_again_with_smaller_steps():
    random = np.random.default_rng(0)
    X = 1000 * random.standard_normal((200, 5))
    model = MLPRegressor(hidden_layer_sizes=(10,), solver="sgd", learning_rate_init=1.0, random_state=0, max_iter=5)
    with pytest.warns(ConvergenceWarning, match="diverged: restarted with steps") as told:
        model.fit(X, X[:, 0])
    assert sum("diverged" in str(one.message) for one in told) == 1
    assert np.isfinite(model.predict(X)).all()
    assert model.learning_rate_ < 1


def test_time_limit_and_interruption(digits):
    X, y = digits
    model = MLPClassifier((20,), max_iter=10**6, max_time=0.2, tol=0, n_iter_no_change=np.inf).fit(X, y)
    assert model.stopped_ == "max_time"

    def stop(model, epoch):
        if epoch["epoch"] == 3:
            signal.raise_signal(signal.SIGINT)

    model = MLPClassifier((20,), max_iter=50, callbacks=stop, random_state=0)
    with pytest.warns(ConvergenceWarning, match="interrupted in epoch 4: the best"):
        model.fit(X, y)
    assert model.stopped_ == "interrupted"
    close(model, MLPClassifier((20,), max_iter=3, random_state=0).fit(X, y), 0)


def test_interrupted_lbfgs_keeps_its_last_weights_and_a_whole_history(digits):
    X, y = digits

    def stop(model, epoch):
        if epoch["epoch"] == 3:
            signal.raise_signal(signal.SIGINT)

    model = MLPClassifier((5,), solver="lbfgs", callbacks=stop, random_state=0)
    with pytest.warns(ConvergenceWarning, match="interrupted: the best weights so far are kept") as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__
    assert (model.stopped_, model.n_iter_, len(model.history_["loss"])) == ("interrupted", 3, 3)
    with pytest.warns(ConvergenceWarning, match="lbfgs ended after 3 iterations"):
        other = MLPClassifier((5,), solver="lbfgs", max_iter=3, random_state=0).fit(X, y)
    close(model, other, 0)
    for name in other.history_:
        np.testing.assert_array_equal(model.history_[name], other.history_[name])
        assert type(model.history_[name]) is type(other.history_[name])


def test_dropout_noise_clipping_and_updates_train(digits):
    X, y = digits
    for change in (
        {"dropout": 0.2},
        {"dropout": [0.1, 0.3]},
        {"input_noise": 0.1},
        {"clip_value": 0.01},
        {"clip_norm": 0.1},
        {"update": "immediate"},
        {"epoch_fraction": 0.5},
        {"l1": 0.1},
        {"init": "he"},
        {"init": "glorot"},
        {"init": "normal", "init_scale": 0.2},
    ):
        settings = {"max_iter": 40, "random_state": 0, "learning_rate_init": 0.01, "batch_size": 50} | change
        model = MLPClassifier((30, 20), **settings).fit(X, y)
        assert model.score(X, y) > 0.95, change
        close(model, MLPClassifier((30, 20), **settings).fit(X, y), 0)


def test_an_epoch_of_half_the_rows_takes_half_the_steps(digits):
    X, y = digits
    model = MLPClassifier((5,), epoch_fraction=0.5, batch_size=10, max_iter=2).fit(X, y)
    assert model._steps == 2 * 30


def test_given_weights(digits):
    X, y = digits
    first = MLPClassifier((20,), max_iter=3, random_state=0).fit(X, y)
    given = MLPClassifier((20,), init=(first.coefs_, first.intercepts_), max_iter=1, learning_rate_init=1e-300).fit(
        X, y
    )
    close(first, given, 0)
    given.coefs_ = [2 * c for c in given.coefs_]  # the user's own arrays count, too
    first.coefs_[0][:] *= 2
    first.coefs_[1][:] *= 2
    assert np.array_equal(first.predict_proba(X), given.predict_proba(X))


def test_no_hidden_layer_is_a_linear_model(digits):
    X, y = digits
    settings = {"solver": "lbfgs", "alpha": 0, "max_iter": 5000, "max_fun": 50000, "tol": 1e-9, "random_state": 0}
    model = MLPRegressor(hidden_layer_sizes=(), **settings).fit(X[:, 18:24], y)
    A = np.column_stack([X[:, 18:24], np.ones(len(X))])
    assert np.allclose(model.coefs_[0][:, 0], np.linalg.lstsq(A, y, rcond=None)[0][:-1], rtol=1e-3)


def test_searches_share_one_run(digits):
    X, y = digits
    grid = {"max_iter": [1, 2, 5], "alpha": [1e-4, 1.0]}
    search = GridSearchCV(MLPClassifier((10,), random_state=0), grid, cv=KFold(3)).fit(X, y)
    for setting, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        scores = [
            MLPClassifier((10,), random_state=0, **setting).fit(X[a], y[a]).score(X[b], y[b])
            for a, b in KFold(3).split(X)
        ]
        assert score == pytest.approx(np.mean(scores), abs=1e-12)
    assert MLPClassifier().shared_parameters == ("max_iter",)
    assert MLPClassifier(learning_rate="cosine").shared_parameters == ()


def test_small_inputs():
    one = MLPClassifier((3,), max_iter=2).fit([[1.0, 2.0]], ["a"])
    assert one.predict([[5.0, 5.0]]).tolist() == ["a"]
    assert one.predict_proba([[5.0, 5.0]]).tolist() == [[1.0]]
    same = MLPClassifier((3,), max_iter=2).fit([[1.0], [2.0]], [7, 7])
    assert same.predict([[5.0]]).tolist() == [7]
    with pytest.warns(UserWarning, match="batch_size=50 is larger than the 2 samples"):
        MLPRegressor(hidden_layer_sizes=3, batch_size=50, max_iter=2).fit([[1.0], [2.0]], [0.5, 1.5])


BAD = [
    ({"activation": "no"}, "activation='no' is none of"),
    ({"activation": ["relu"]}, "1 entries for 2 hidden layers"),
    ({"loss": "hinge"}, "loss='hinge' is none of"),
    ({"output_activation": "no"}, "output_activation='no' is none of"),
    ({"dropout": 1.5}, "dropout"),
    ({"dropout": [0.1, 0.2, 0.3]}, "3 shares for 2 hidden layers"),
    ({"hidden_layer_sizes": (0,)}, r"must be > 0"),
    ({"init": "zeros"}, "init"),
    ({"init": ([np.ones((2, 2))], [np.ones(2)])}, "init has weights of the shapes"),
    ({"update": "immediate", "clip_norm": 1.0}, "clip_norm needs all layers' gradients"),
    ({"update": "immediate", "solver": "lbfgs"}, "take 'together'|use 'together'"),
    ({"dropout": 0.5, "solver": "lbfgs"}, "stochastic solvers"),
    ({"solver": "no"}, "solver"),
    ({"clip_value": -1.0}, "clip_value"),
    ({"epoch_fraction": 0.0}, "epoch_fraction"),
]


@pytest.mark.parametrize(("settings", "words"), BAD, ids=lambda value: str(value)[:40])
def test_bad_parameters(digits, settings, words):
    with pytest.raises(ValueError, match=words):
        MLPClassifier(**{"hidden_layer_sizes": (5, 4)} | settings).fit(*digits)


def test_bad_calls(digits):
    X, y = digits
    with pytest.raises(ValueError, match="early_stopping"):
        MLPClassifier(early_stopping=True).partial_fit(X, y, classes=range(10))
    with pytest.raises(AttributeError, match="stochastic"):
        MLPClassifier(solver="lbfgs").partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match="classes must be passed"):
        MLPClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match=r"labels \[9\], not among"):
        MLPClassifier().partial_fit(X, y, classes=range(9))
    with pytest.raises(ValueError, match="same classes"):
        MLPClassifier((5,), max_iter=1, warm_start=True).fit(X, y).fit(X, y % 2)
    with pytest.raises(ValueError, match="balanced"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match="poisson"):
        MLPRegressor("poisson").fit(X, -y - 1.0)
    with pytest.raises(ValueError, match="non-zero number"):
        MLPClassifier().fit(X, y, np.zeros(len(y)))
    with pytest.raises(ValueError, match="layers of"):
        MLPRegressor(hidden_layer_sizes=(5,), max_iter=1, warm_start=True).fit(X, y).set_params(
            hidden_layer_sizes=(6,)
        ).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match="Maximum iterations"):
            MLPClassifier((5,), max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        MLPClassifier().fit(np.where(X == X[0, 2], np.nan, X), y)
    for dropout in ({}, ["much"], None):
        with pytest.raises(ValueError, match="dropout"):
            MLPClassifier(dropout=dropout).fit(X, y)


def test_threads_that_share_batches_have_memory_of_their_own(tmp_path):
    """With one arena, what a thread frees too early is what the next one is given."""
    program = """
import numpy as np
from sklearn.datasets import make_classification
from fastml.neural_network import MLPClassifier

X, y = make_classification(1200, 300, n_informative=30, n_classes=4, random_state=0)
fits = [MLPClassifier((150,), batch_size=400, max_iter=2, random_state=0, n_jobs=n).fit(X, y) for n in (1, 2) * 5]
print(all(np.array_equal(fit.coefs_[0], fits[0].coefs_[0]) for fit in fits))
"""
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(fastml.__path__[0]), "MALLOC_ARENA_MAX": "1"}
    run = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(run, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_wide_problems_train_in_parts():
    X, y = make_classification(1200, 300, n_informative=30, n_classes=4, random_state=0)
    models = [MLPClassifier((150,), batch_size=400, max_iter=5, random_state=0, n_jobs=n).fit(X, y) for n in (1, 2)]
    close(*models, 0)
    close(models[0], sklearn.neural_network.MLPClassifier((150,), batch_size=400, max_iter=5, random_state=0).fit(X, y))


@pytest.mark.parametrize("several", [False, True])
def test_balanced_classes_beside_weights_are_repeated_rows(several):
    """A row of weight 2 is the row twice, one of weight 0 is not there: for what "balanced" counts, too."""
    random = np.random.default_rng(0)
    X, weight = random.normal(size=(40, 3)), random.integers(0, 4, 40)
    y = random.integers(0, 2, (40, 2)) if several else np.array(list("abc"))[random.integers(0, 3, 40)]
    rows = np.repeat(np.arange(40), weight)
    options = {"class_weight": "balanced", "solver": "lbfgs", "alpha": 0.0, "random_state": 0, "max_iter": 20}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weighted = MLPClassifier((5,), **options).fit(X, y, sample_weight=weight)
        repeated = MLPClassifier((5,), **options).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-6, atol=1e-9)
