"""The training doctor on real runs: each illness made, and none where training is healthy."""

import itertools
import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPClassifier as TheirClassifier

import fastml
from fastml.neural_network import MLPClassifier, MLPRegressor, Network
from fastml.neural_network.doctor import diagnose, facts_of

ILLNESSES = (
    "vanishing gradients",
    "exploding gradients",
    "dead ReLUs",
    "saturation",
    "plateau",
    "oscillation",
    "step too large",
    "step too small",
    "unscaled input",
    "equal initial rows",
)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X / X.std(axis=0), (y - y.mean()) / y.std()


def noise():
    random = np.random.default_rng(0)
    return random.standard_normal((400, 3)), random.integers(0, 2, 400)


def moons():
    return make_moons(300, noise=0.3, random_state=0)


def zeros(*units):
    pairs = list(itertools.pairwise(units))
    return [np.zeros(shape) for shape in pairs], [np.zeros(n) for _, n in pairs]


def below_zero():
    """First weights that leave every ReLU of the first layer at 0."""
    random = np.random.default_rng(0)
    coefs = [0.1 * random.standard_normal(shape) for shape in ((64, 50), (50, 10))]
    return coefs, [np.full(50, -20.0), np.zeros(10)]


GD = {"solver": "sgd", "momentum": 0.0}
RUNS = [
    ("vanishing gradients", digits, {"hidden_layer_sizes": (30,) * 6, "activation": "logistic"}),
    ("vanishing gradients", digits, {"hidden_layer_sizes": (30,) * 6, "activation": "logistic", **GD}),
    ("vanishing gradients", digits, {"activation": "step"}),
    ("exploding gradients", digits, {"hidden_layer_sizes": (50,) * 6, "init": "normal", "init_scale": 1.0}),
    ("dead ReLUs", digits, {"hidden_layer_sizes": (50,), "init": below_zero()}),
    ("saturation", digits, {"activation": "tanh", "init": "normal", "init_scale": 10.0}),
    ("plateau", noise, {"hidden_layer_sizes": (2,), "activation": "tanh", "max_iter": 30}),
    ("oscillation", moons, {"activation": "tanh", "batch_size": 4, "learning_rate_init": 1.0, "max_iter": 30, **GD}),
    ("step too large", digits, {"learning_rate_init": 20.0, **GD}),
    ("step too large", digits, {"activation": "tanh", "learning_rate_init": 1.0}),
    ("step too small", digits, {"learning_rate_init": 1e-7}),
    ("step too small", digits, {"learning_rate_init": 1e-6, **GD}),
    ("unscaled input", lambda: load_breast_cancer(return_X_y=True), {}),
    ("unscaled input", lambda: (1e-4 * digits()[0], digits()[1]), {}),
    ("equal initial rows", digits, {"hidden_layer_sizes": (50,), "activation": "logistic", "init": zeros(64, 50, 10)}),
]


@pytest.mark.parametrize(("illness", "data", "parameters"), RUNS)
def test_each_illness_is_found_in_a_run_that_has_it(illness, data, parameters):
    options = {"hidden_layer_sizes": (20,), "max_iter": 12, "random_state": 0, "n_iter_no_change": np.inf}
    found = MLPClassifier(**{**options, **parameters}).fit(*data()).diagnose()
    assert illness in found.names
    assert len(set(found.names)) == len(found.names)
    assert set(found.names) <= set(ILLNESSES)
    assert not found.healthy
    assert len(str(found).splitlines()) == len(found.findings)
    assert all(len(line) < 220 for line in str(found).splitlines())


def test_every_illness_has_a_run():
    assert {illness for illness, _, _ in RUNS} == set(ILLNESSES)


@pytest.mark.parametrize(
    ("data", "parameters"),
    [
        (digits, {}),
        (digits, {"hidden_layer_sizes": (50, 50, 50)}),
        (digits, {"activation": "tanh"}),
        (digits, {"activation": "logistic", "solver": "sgd", "learning_rate_init": 0.5, "max_iter": 60}),
        (digits, {"solver": "lbfgs"}),
        (digits, {"early_stopping": True, "max_iter": 60}),
        (digits, {"batch_size": 4, "max_iter": 8}),
        (digits, {"max_iter": 120, "tol": 0.0, "n_iter_no_change": np.inf}),
        (digits, {"activation": ["elu", "gelu"], "hidden_layer_sizes": (30, 20), "solver": "adamw"}),
        (lambda: load_iris(return_X_y=True), {"max_iter": 300}),
        (moons, {"hidden_layer_sizes": (20, 20), "activation": "tanh", "learning_rate_init": 0.01, "max_iter": 100}),
    ],
)
def test_nothing_is_found_in_a_healthy_run(data, parameters):
    options = {"hidden_layer_sizes": (50,), "max_iter": 40, "random_state": 0}
    model = MLPClassifier(**{**options, **parameters}).fit(*data())
    assert model.score(*data()) > 0.85
    assert model.diagnose().healthy, str(model.diagnose())
    assert str(model.diagnose()).startswith("healthy")


def test_a_regressor_that_diverged_and_was_restarted():
    X, y = diabetes()
    options = {"hidden_layer_sizes": (30,), "solver": "sgd", "max_iter": 20, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLPRegressor(learning_rate_init=5.0, **options).fit(X, y)
        assert MLPRegressor(learning_rate_init=0.01, **options).fit(X, y).diagnose().healthy
    found = model.diagnose()
    assert found.names == ["step too large"]
    assert "restarted" in str(found)
    assert "<li>" in found._repr_html_()


def test_layers_are_named_and_effects_left_out():
    X, y = digits()
    deep = MLPClassifier((30,) * 6, activation="logistic", max_iter=8, random_state=0).fit(X, y).diagnose()
    assert deep.findings[0].layers == (1, 2, 3)
    assert "in layers 1 to 3" in str(deep)
    assert deep.names == ["vanishing gradients"]  # that the loss stands still is what comes of it
    equal = MLPClassifier((50,), init=zeros(64, 50, 10), max_iter=8, random_state=0).fit(X, y).diagnose()
    assert "vanishing gradients" not in equal.names


def test_two_equal_units_are_enough():
    first = np.random.default_rng(0).standard_normal((4, 6))
    second = np.random.default_rng(1).standard_normal((6, 2))
    first[:, 3], second[3] = first[:, 1], second[1]
    facts = facts_of(np.ones((5, 4)), [first, second], [np.zeros(6), np.zeros(2)], ["tanh", "identity"])
    assert facts.twins == (1,)
    assert diagnose({"loss": [1.0]}, facts).names == ["equal initial rows"]
    second[3] += 1  # another weight behind it tells them apart after one step
    facts = facts_of(np.ones((5, 4)), [first, second], [np.zeros(6), np.zeros(2)], ["tanh", "identity"])
    assert diagnose({"loss": [1.0]}, facts).healthy


def test_facts_of_sparse_rows_are_those_of_dense_ones():
    X = np.random.default_rng(0).standard_normal((30, 4)) * [1, 0, 2, 3]
    dense, sparse = (facts_of(rows, *zeros(4, 3, 1), ["relu", "identity"]) for rows in (X, csr_matrix(X)))
    np.testing.assert_allclose(dense.column_size, np.sqrt((X**2).mean(axis=0)))
    np.testing.assert_allclose(dense.column_size, sparse.column_size)


def test_a_short_history_and_one_without_norms():
    facts = facts_of(np.ones((5, 2)), [np.eye(2), np.eye(2)], [np.zeros(2)] * 2, ["relu", "identity"], 1.0, 1.0)
    assert diagnose({}, facts).healthy
    table = {"gradient_norm": np.array([[1e-9, 1.0]] * 3), "loss": np.ones(3), "dead": np.array([[0.9]] * 3)}
    assert (
        diagnose(table, facts).names == diagnose({k: list(v) for k, v in table.items()}, facts).names == ["dead ReLUs"]
    )
    assert diagnose({"loss": [1.0, 0.9]}, facts).healthy
    assert diagnose({"loss": [1.0, 0.2, 1.0]}, facts).names == ["step too large"]
    assert diagnose({"loss": [1.0] * 9}, facts).names == ["plateau"]
    assert diagnose({"loss": [1.0, np.nan]}, facts).names == ["step too large"]


def test_what_a_model_says_outlives_files_and_pickles(tmp_path):
    X, y = digits()
    model = MLPClassifier((20,), learning_rate_init=1e-7, max_iter=8, random_state=0).fit(X, y)
    with pytest.raises(NotFittedError):
        MLPClassifier().diagnose()
    fastml.save(model, tmp_path / "model")
    for copy in (pickle.loads(pickle.dumps(model)), fastml.load(tmp_path / "model")):
        assert str(copy.diagnose()) == str(model.diagnose())
    model.partial_fit(X, y)
    assert model.diagnose().names == ["step too small"]


def test_a_model_gives_its_network_and_explains():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = MLPClassifier((8,), activation=["sigmoid"], solver="lbfgs", max_iter=100, random_state=0).fit(X, y)
    assert isinstance(model.network_, Network)
    np.testing.assert_allclose(model.network_(X.to_numpy()), model.predict_proba(X), atol=1e-12)
    why = model.explain(X.iloc[[70]])
    assert why.prediction == model.predict(X.iloc[[70]])[0]
    assert {row[0] for row in why.rows} == set(X.columns)
    np.testing.assert_allclose(why.contributions.sum(axis=1) + why.rest, why.scores)
    swish = MLPRegressor(
        hidden_layer_sizes=(4,), activation=lambda z: z * fastml.autodiff.sigmoid(z), max_iter=5, random_state=0
    )
    data = diabetes()
    assert swish.fit(*data).network_.check_gradients(data[0][:20], data[1][:20])
    np.testing.assert_allclose(swish.network_.predict(data[0]), swish.predict(data[0]), atol=1e-10)
    sparse = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0).fit(csr_matrix(data[0]), data[1])
    np.testing.assert_allclose(
        sparse.explain(csr_matrix(data[0][:1])).contributions, sparse.explain(data[0][0]).contributions
    )
    with pytest.raises(NotFittedError):
        MLPRegressor().explain([1.0])


@pytest.mark.parametrize("Classifier", [MLPClassifier, TheirClassifier])
def test_every_kind_of_classifier_gives_the_network_that_answers_as_it_does(Classifier):
    X, y = load_iris(return_X_y=True)
    options = {"hidden_layer_sizes": (4,), "max_iter": 15, "random_state": 0}
    for labels in (y, y == 2, np.eye(3, dtype=int)[y] | [1, 0, 0]):
        model = Classifier(**options).fit(X, labels)
        assert np.array_equal(Network.from_estimator(model).predict(X), model.predict(X))
    if Classifier is MLPClassifier:
        for labels, loss in ((y, "binary_log_loss"), (0 * y + 7, "log_loss")):
            model = MLPClassifier(loss=loss, **options).fit(X, labels)
            assert np.array_equal(model.network_.predict(X), model.predict(X))
            assert model.explain(X[0]).prediction == model.predict(X[:1])[0]


def test_what_is_noted_of_the_start_is_what_was_there():
    X, y = diabetes()
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0, batch_size=len(X)).fit(X, y)
    assert model._facts.constant_loss == pytest.approx(y.var() / 2)
    assert model._facts.first_loss == pytest.approx(model.history_["loss"][0], rel=1e-3)  # that has the penalty in it
    median = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0, loss="absolute_error").fit(X, y)
    assert median._facts.constant_loss == pytest.approx(np.abs(y - np.median(y)).mean())
    weight = (np.arange(len(y)) % 2 == 0).astype(float)
    half = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(X, y, sample_weight=weight)
    assert half._facts.constant_loss == pytest.approx(y[::2].var() / 2)
    one = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(X[:1], y[:1])
    assert one.diagnose().healthy  # of one sample every unit has one activation
    own = MLPRegressor(loss=lambda a, y: (a - y) ** 4, hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(X, y)
    assert own._facts.constant_loss == pytest.approx(((y - y.mean()) ** 4).mean())
    assert own.diagnose().names in ([], ["plateau"])
