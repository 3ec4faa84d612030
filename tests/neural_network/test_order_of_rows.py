"""How the rows of a table happen to lie decides nothing: sorted, in groups, in turn, training gets as far."""

import warnings

import numpy as np
import pytest

from fastml.neural_network import MLPClassifier, MLPRegressor

SEEDS = 20
random = np.random.default_rng(0)
N = 1200
CENTRES = random.normal(size=(4, 6))
LABELS = random.integers(0, 4, N)
X = CENTRES[LABELS] + 0.6 * random.normal(size=(N, 6))
TARGET = X @ random.normal(size=6) + np.sin(3 * X[:, 0])
ORDERS = {
    "sorted by class": np.argsort(LABELS, kind="stable"),
    "sorted by target": np.argsort(TARGET),
    "in groups": np.argsort(LABELS, kind="stable")
    .reshape(-1, 50)[np.random.default_rng(1).permutation(N // 50)]
    .ravel(),
    "one class after the other": np.argsort(np.argsort(np.argsort(LABELS, kind="stable")) % (N // 4), kind="stable"),
}
NETWORKS = {
    "adam": {},
    "small batches": {"batch_size": 8},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "a part of the rows": {"epoch_fraction": 0.5},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
}


def losses(model, order, **options):
    """Mean loss over all rows after three epochs, for each seed."""
    found = []
    y = LABELS if model is MLPClassifier else TARGET
    for seed in range(SEEDS):
        rows = np.random.default_rng(1000 + seed).permutation(N) if order is None else order
        network = model(hidden_layer_sizes=(12,), max_iter=3, random_state=seed, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.fit(X[rows], y[rows])
        if model is MLPClassifier:
            found.append(-np.mean(network.predict_log_proba(X)[np.arange(N), LABELS]))
        else:
            found.append(np.mean((network.predict(X) - TARGET) ** 2))
    return np.array(found)


@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
def test_training_gets_as_far_from_any_order(model, options):
    expected = losses(model, None, **options)
    for name, order in ORDERS.items():
        found = losses(model, order, **options)
        noise = np.sqrt((expected.var() + found.var()) / SEEDS)
        assert abs(found.mean() - expected.mean()) < 4 * noise + 0.002 * expected.mean(), name


def test_partial_fit_shuffles_what_it_is_given():
    """One call over rows sorted by class is as good as one over rows in any order."""

    def found(order):
        scores = []
        for seed in range(SEEDS):
            rows = np.random.default_rng(seed).permutation(N) if order is None else order
            network = MLPClassifier((12,), random_state=seed, batch_size=20)
            for _ in range(3):
                network.partial_fit(X[rows], LABELS[rows], classes=np.arange(4))
            scores.append(network.score(X, LABELS))
        return np.mean(scores)

    assert found(ORDERS["sorted by class"]) > found(None) - 0.01


def test_the_given_order_stays_without_shuffle():
    """shuffle=False is kept to: sorted rows then do worse, which is what whoever asks for it gets."""
    options = {"solver": "sgd", "learning_rate_init": 0.05, "shuffle": False, "batch_size": 8}
    by_class = losses(MLPClassifier, ORDERS["sorted by class"], **options)
    mixed = losses(MLPClassifier, None, **options)
    assert by_class.mean() > mixed.mean() + 0.05


def test_the_validation_set_is_drawn_at_random():
    """Held-out rows of a sorted table are of all classes."""
    seen = []

    class Watched(MLPClassifier):
        def _split(self, data, generator, stratify):
            parts = super()._split(data, generator, stratify)
            seen.append(parts[1].Y.sum(axis=0))
            return parts

    order = ORDERS["sorted by class"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Watched((4,), max_iter=2, early_stopping=True, random_state=0).fit(X[order], LABELS[order])
    assert seen[0].min() > 0.5 * seen[0].mean()


def test_outliers_in_few_rows_are_no_divergence():
    """The loss of a batch is judged by what the same rows cost before training."""
    y = np.zeros(3000)
    y[7] = 1e6
    rows = np.random.default_rng(0).normal(size=(3000, 3))
    for start in (0, 1, 7):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            network = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(rows, np.roll(y, start))
        assert network.learning_rate_ == network.learning_rate_init
        assert not any("diverged" in str(warning.message) for warning in caught)
