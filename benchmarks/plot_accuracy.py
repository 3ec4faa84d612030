"""Validation accuracy against training time of networks, of every library, in one picture.

python benchmarks/plot_accuracy.py docs/benchmarks/accuracy.svg  # needs FASTML_DATA; leaves out what is not installed

All train with Adam of step 0.001 on the same rows, scaled to [0, 1], and are judged on the same other rows after each
epoch, outside the clock. PyTorch runs with one and with two threads and its fused Adam; the faster of the two is drawn.
"""

import os
import sys
import time
import warnings

import numpy as np
from datasets import fashion_mnist
from sklearn.datasets import load_digits

COLORS = {"fastml": "C3", "scikit-learn": "C0", "PyTorch": "C1"}


def images():
    X, y = fashion_mnist()
    return np.float32(X) / 255, y.astype(np.int64), 50_000


def digits():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return np.float32(X[order]) / 16, y[order].astype(np.int64), 1_400


# title: (loader, hidden units, batch, epochs, accuracies to reach)
PANELS = {
    "Fashion-MNIST, 784-100-10, batch 200": (images, 100, 200, 10, (0.85, 0.87)),
    "digits, 64-64-10, batch 32": (digits, 64, 32, 40, (0.95, 0.97)),
}


def estimator(module):
    def run(X, y, hidden, batch):
        model = module.MLPClassifier((hidden,), batch_size=batch, random_state=0)
        return lambda: model.partial_fit(X, y, classes=np.arange(10)), model.predict

    return run


def torch_network(threads):
    def run(X, y, hidden, batch):
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(threads)
        layers = [torch.nn.Linear(X.shape[1], hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10)]
        network, loss = torch.nn.Sequential(*layers), torch.nn.CrossEntropyLoss()
        optimiser = torch.optim.Adam(network.parameters(), fused=True)
        rows, labels = torch.from_numpy(X), torch.from_numpy(y)

        def epoch():
            for part in torch.randperm(len(rows)).split(batch):
                optimiser.zero_grad()
                loss(network(rows[part]), labels[part]).backward()
                optimiser.step()

        def predict(X):
            with torch.no_grad():
                return network(torch.from_numpy(X)).argmax(1).numpy()

        return epoch, predict

    return run


def libraries():
    """{library: the ways it may be run}"""
    import sklearn.neural_network

    import fastml.neural_network

    found = {
        "fastml": [estimator(fastml.neural_network)],
        "scikit-learn": [estimator(sklearn.neural_network)],
    }
    try:
        import torch  # noqa: F401
    except ImportError:
        print("PyTorch is not installed", file=sys.stderr)
        return found
    return found | {"PyTorch": [torch_network(1), torch_network(2)]}


def course(run, data, hidden, batch, epochs):
    """(seconds, accuracies) after each epoch."""
    X, y, n = data
    run(X[:batch], y[:batch], hidden, batch)[0]()  # compiles
    epoch, predict = run(X[:n], y[:n], hidden, batch)
    seconds, accuracies, spent = [], [], 0.0
    for _ in range(epochs):
        start = time.perf_counter()
        epoch()
        spent += time.perf_counter() - start
        seconds.append(spent)
        accuracies.append(np.mean(predict(X[n:]) == y[n:]))
    return seconds, accuracies


def measured(loader, hidden, batch, epochs, goals):
    data, courses = loader(), {}
    for library, ways in libraries().items():
        found = [course(run, data, hidden, batch, epochs) for run in ways]
        seconds, accuracies = courses[library] = min(found, key=lambda pair: pair[0][-1])
        for goal in goals:
            first = next((s for s, a in zip(seconds, accuracies, strict=True) if a >= goal), None)
            print(f"{library}: {goal} after {'-' if first is None else f'{first:.3f} s'}", file=sys.stderr)
    return courses


def draw(target, panels):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(panels), figsize=(12, 4.5), layout="constrained")
    for axis, (title, courses) in zip(axes, panels.items(), strict=True):
        for library, (seconds, accuracies) in courses.items():
            axis.plot(seconds, accuracies, marker="o", ms=3, c=COLORS[library], label=library)
        for goal in PANELS[title][-1]:
            axis.axhline(goal, c="0.8", zorder=0)
        axis.set(title=title, xlabel="seconds of training", ylabel="validation accuracy", xscale="log")
        axis.legend()
    figure.savefig(target)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if "FASTML_DATA" not in os.environ:
        sys.exit("FASTML_DATA must name the folder of the data sets")
    warnings.simplefilter("ignore")
    draw(sys.argv[1], {title: measured(*panel) for title, panel in PANELS.items()})


if __name__ == "__main__":
    main()
