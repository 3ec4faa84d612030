"""l1 makes zeros: as many exact ones as scikit-learn's SGD finds, in every layout, after any change of parameters."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from sklearn.datasets import make_classification, make_regression
from sklearn.feature_selection import SelectFromModel

from fastml.linear_model import SGDClassifier, SGDRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SEEDS = range(8)
CLASSIFIERS = SGDClassifier, sklearn.linear_model.SGDClassifier
REGRESSORS = SGDRegressor, sklearn.linear_model.SGDRegressor


def tables(seed, classes=2):
    options = {"n_informative": 5, "n_classes": classes, "n_clusters_per_class": 1, "random_state": seed}
    return make_classification(400, 50, **options)


def zeros(model, seed, classes=2):
    return np.count_nonzero(model.set_params(random_state=seed).fit(*tables(seed, classes)).coef_ == 0)


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
@pytest.mark.parametrize("alpha", [1e-3, 1e-2, 1e-1])
@pytest.mark.parametrize("classes", [2, 3])
def test_as_many_zeros_as_scikit_learn(loss, alpha, classes):
    options = {"loss": loss, "penalty": "l1", "alpha": alpha}
    ours, theirs = SGDClassifier(**options), sklearn.linear_model.SGDClassifier(**options)
    pairs = np.array([(zeros(ours, seed, classes), zeros(theirs, seed, classes)) for seed in SEEDS], float)
    assert pairs[:, 0].mean() >= 0.9 * pairs[:, 1].mean()


@pytest.mark.parametrize("alpha", [1e-3, 1e-2, 1e-1])
def test_regression(alpha):
    pairs = []
    for seed in SEEDS:
        X, y = make_regression(300, 50, n_informative=5, noise=0.1, random_state=seed)
        models = (module(penalty="l1", alpha=alpha, random_state=seed).fit(X, y / y.std()) for module in REGRESSORS)
        pairs.append([np.count_nonzero(model.coef_ == 0) for model in models])
    ours, theirs = np.mean(pairs, axis=0)
    assert ours >= 0.9 * theirs


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
@pytest.mark.parametrize("share", [0.15, 0.5])
def test_strong_elasticnet_leaves_as_many_zeros_as_scikit_learn(loss, share):
    models = (module(loss, penalty="elasticnet", alpha=0.1, l1_ratio=share) for module in CLASSIFIERS)
    ours, theirs = (np.mean([zeros(model, seed) for seed in SEEDS]) for model in models)
    assert ours >= 0.9 * theirs


def test_a_weight_pays_when_its_column_is_met():
    """The first row moves its weight and pays; the second, which has a 0 there, takes nothing more from it."""
    X, y = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 1.0])
    options = {"penalty": "l1", "alpha": 0.5, "learning_rate": "constant", "eta0": 0.1, "fit_intercept": False}
    for rows in (X, sp.csr_matrix(X), sp.csr_matrix((X.ravel(), [0, 1, 0, 1], [0, 2, 4]))):
        for strength in (None, [1.0, 1.0]):
            model = SGDRegressor(**options, penalty_strength=strength, max_iter=1, tol=None, shuffle=False)
            np.testing.assert_allclose(model.fit(rows, y).coef_, [0.1 - 0.05, 0.0])


def objective(model, X, y, alpha, share):
    loss = np.logaddexp(0, -(2 * y - 1) * model.decision_function(X)).mean()
    return loss + alpha * (share * np.abs(model.coef_).sum() + (1 - share) / 2 * np.sum(model.coef_**2))


@pytest.mark.parametrize("share", [0.15, 0.5, 0.9])
def test_elasticnet_reaches_scikit_learns_objective_with_zeros(share):
    options = {
        "loss": "log_loss",
        "penalty": "elasticnet",
        "alpha": 0.03,
        "l1_ratio": share,
        "max_iter": 50,
        "tol": None,
    }
    reached = []
    for seed in SEEDS:
        X, y = tables(seed)
        for module in CLASSIFIERS:
            model = module(**options, random_state=seed).fit(X, y)
            reached.append((objective(model, X, y, 0.03, share), np.count_nonzero(model.coef_ == 0)))
    (ours, our_zeros), (theirs, their_zeros) = (np.mean(reached[first::2], axis=0) for first in (0, 1))
    assert ours <= 1.01 * theirs
    assert our_zeros >= 0.75 * their_zeros


@pytest.mark.parametrize(
    "options",
    [
        {"penalty_strength": np.ones(50)},
        {"learning_rate": "adam", "eta0": 1e-3},
        {"learning_rate": "adagrad"},
        {"learning_rate": "invscaling", "eta0": 0.1},
        {"learning_rate": "constant", "eta0": 1e-3},
        {"batch_size": 8},
    ],
    ids=lambda options: ", ".join(map(str, options)),
)
def test_every_step_makes_zeros(options):
    model = SGDClassifier("log_loss", penalty="l1", alpha=0.03, max_iter=50, tol=None, **options)
    assert np.mean([zeros(model, seed) for seed in SEEDS]) >= 20


def test_select_from_model():
    X, y = tables(0)
    chosen = SelectFromModel(SGDClassifier(penalty="l1", alpha=0.03, random_state=0)).fit(X, y)
    assert 1 <= chosen.transform(X).shape[1] <= 20


def test_strength_and_layout_change_nothing():
    X, y = tables(1)
    models = [
        SGDClassifier("log_loss", penalty="elasticnet", alpha=0.03, l1_ratio=0.5, random_state=0, **options).fit(
            rows, y
        )
        for rows, options in ((X, {}), (sp.csr_matrix(X), {}), (X, {"penalty_strength": np.ones(50)}))
    ]
    for model in models[1:]:
        np.testing.assert_allclose(model.coef_, models[0].coef_, atol=1e-8)
        np.testing.assert_array_equal(model.coef_ == 0, models[0].coef_ == 0)


CHANGES = [
    {"penalty": "l1"},
    {"penalty": "l1", "penalty_strength": np.ones(50)},
    {"learning_rate": "adam"},
    {"learning_rate": "momentum"},
    {"learning_rate": "adagrad", "penalty": "elasticnet"},
    {"average": True},
    {"average": 500, "penalty": "l1"},
    {"penalty_strength": np.full(50, 2.0)},
    {},
]


@pytest.mark.parametrize("first", CHANGES, ids=str)
@pytest.mark.parametrize("second", CHANGES, ids=str)
def test_parameters_may_change_between_calls_of_partial_fit(first, second):
    """What the new steps need is there, whatever the steps before needed."""
    X, y = tables(2)
    plain = {"penalty": "l2", "learning_rate": "constant", "average": False, "penalty_strength": None}
    model = SGDClassifier(eta0=1e-3).set_params(**{**plain, **first})
    for change, rows in ((first, X), (second, sp.csr_matrix(X)), (first, X), (second, X)):
        model.set_params(**{**plain, **change}).partial_fit(rows, y, [0, 1])
        assert np.isfinite(model.coef_).all()
        assert model.score(X, y) > 0.6
    wider = np.column_stack([X, X[:, :3]])
    model.set_params(penalty_strength=None).partial_fit(wider, y)
    assert model.coef_.shape == (1, 53)
