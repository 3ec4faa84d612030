"""Networks: an epoch of three sizes, predictions of one row, images learnt to a given accuracy."""

import itertools

import numpy as np
import pytest
import sklearn.neural_network
from datasets import fashion_mnist
from harness import Work, benchmarks

import fastml
import fastml.neural_network
from fastml_ext.neural import reference
from fastml_ext.neural.codes import ACTIVATIONS, LOSSES, Data, Design, Method, State

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def images(tiny):
    X, y = fashion_mnist()
    rows = 600 if tiny else 60_000
    return np.float32(X[:rows]) / 255, y[:rows].astype(np.int64), (100,), 200


def table(rows, hidden, batch):
    def setup(tiny):
        n = 200 if tiny else rows
        random = np.random.default_rng(0)
        X = random.standard_normal((n, 20)).astype(np.float32)
        return X, (X[:, 0] * X[:, 1] > 0).astype(np.int64), (hidden,), batch

    return setup


def settings(hidden, batch):
    return {"hidden_layer_sizes": hidden, "batch_size": batch, "max_iter": 1, "random_state": 0}


def epoch(estimator):
    """One more epoch of a fitted network: partial_fit, which neither starts nor checks a training run."""

    def run(data):
        X, y, hidden, batch = data
        model = estimator(**settings(hidden, batch))
        classes = np.unique(y)
        return lambda: model.partial_fit(X, y, classes=classes)

    return run


def epoch_by_reference(data):
    X, y, hidden, batch = data
    k = len(np.unique(y))
    units = np.array([X.shape[1], *hidden, k])
    design = Design(
        units, np.array([ACTIVATIONS["relu"], ACTIVATIONS["softmax"]]), np.zeros((2, 2), np.int64), np.zeros(2),
        LOSSES["log_loss"], l2=1e-4,
    )  # fmt: skip
    P = int(sum((a + 1) * b for a, b in itertools.pairwise(units)))
    state = State(np.random.default_rng(0).normal(0, 0.1, P), np.zeros(P), np.zeros(P), np.zeros(1, np.int64))
    data = Data(X, np.eye(k, dtype=X.dtype)[y], np.empty(0))
    return lambda: reference.train(design, Method(), np.arange(len(X)), min(batch, len(X)), data, state)


def epoch_by_torch(threads):
    def run(data):
        import torch

        X, y, hidden, batch = data
        k = len(np.unique(y))
        torch.manual_seed(0)
        layers = [torch.nn.Linear(X.shape[1], hidden[0]), torch.nn.ReLU(), torch.nn.Linear(hidden[0], k)]
        network, loss = torch.nn.Sequential(*layers), torch.nn.CrossEntropyLoss()
        optimiser = torch.optim.Adam(network.parameters(), fused=True)
        rows, labels = torch.from_numpy(X), torch.from_numpy(y)

        def run_epoch():
            torch.set_num_threads(threads)
            for part in torch.randperm(len(rows)).split(batch):
                optimiser.zero_grad()
                loss(network(rows[part]), labels[part]).backward()
                optimiser.step()
            return network

        return run_epoch

    return run


def learns(data, ours, theirs):
    """One epoch is not much: both must do better than always saying the commonest class."""
    X, y = data[:2]
    for model in (ours, theirs):
        if hasattr(model, "predict"):
            assert model.score(X, y) > min(np.bincount(y).max() / len(y), 0.45)


LIBRARIES = {
    "fastml": epoch(fastml.neural_network.MLPClassifier),
    "reference": epoch_by_reference,
    "scikit-learn": epoch(sklearn.neural_network.MLPClassifier),
    "PyTorch": epoch_by_torch(1),
    "PyTorch, two threads": epoch_by_torch(2),
}


def one_row(convert):
    """The prediction of one row by a network that fastml trained, as it is or in scikit-learn's terms."""

    def run(data):
        X, y, hidden, batch = data
        model = convert(fastml.neural_network.MLPClassifier(**settings(hidden, batch)).fit(X[:2000], y[:2000]))
        row = X[:1].copy()
        return lambda: model.predict(row)

    return run


def same_label(data, ours, theirs):
    """The same weights give the same label."""
    assert ours.shape == theirs.shape == (1,)
    assert ours[0] == theirs[0]


ROWS = {"fastml": one_row(lambda model: model), "scikit-learn": one_row(fastml.to_sklearn)}

WORKS = [
    Work(
        "epoch, 784-100-10, batch 200",
        images,
        LIBRARIES,
        learns,
        floors={"PyTorch": 1.3, "PyTorch, two threads": 1.3, "scikit-learn": 1.3},
        operations=60_000 * 2 * (2 * 784 * 100 + 3 * 1000),
    ),
    Work(
        "epoch, 20-32-2, batch 32",
        table(50_000, 32, 32),
        LIBRARIES,
        learns,
        floors={"PyTorch": 20, "PyTorch, two threads": 20, "scikit-learn": 10},
    ),
    Work(
        "epoch, 20-16-2, batch 1",
        table(5_000, 16, 1),
        LIBRARIES,
        learns,
        floors={"PyTorch": 100, "PyTorch, two threads": 100, "scikit-learn": 50},
    ),
    Work("one row, 784-100-10", images, ROWS, same_label, floors={"scikit-learn": 10}, iterations=200),
    Work("one row, 20-32-2", table(5_000, 32, 32), ROWS, same_label, floors={"scikit-learn": 25}, iterations=200),
]
bench_neural = benchmarks(WORKS)
