"""Nearest neighbours and their votes."""

import numpy as np
from datasets import digits
from harness import Work, benchmarks
from sklearn.neighbors import KNeighborsClassifier as SklearnClassifier

from fastml.neighbors import KNeighborsClassifier
from fastml_ext.neighbors import reference


def digit_halves(tiny):
    X, y = digits()
    rows = 60 if tiny else 900
    return X[:rows], y[:rows], X[-rows:]


def predict_with(estimator, n_rows=None):
    def run(data):
        X, y, queries = data
        model = estimator(n_neighbors=5, algorithm="brute").fit(X, y)
        return lambda: model.predict(queries[:n_rows])

    return run


def predict_by_reference(data):
    X, y, queries = data
    starts = np.arange(0, 5 * len(queries) + 1, 5)
    index = reference.prepare(X)
    return lambda: reference.vote(starts, reference.nearest(index, queries, 5)[1].ravel(), np.empty(0), y, 10)


def same_labels(data, ours, theirs):
    assert np.mean(ours == theirs) >= 0.99  # ties: scikit-learn's neighbours at one distance stand in no stated order


WORKS = [
    Work(
        "KNN predict, digits 900 x 64, 900 queries",
        digit_halves,
        {
            "fastml": predict_with(KNeighborsClassifier),
            "reference": predict_by_reference,
            "scikit-learn": predict_with(SklearnClassifier),
        },
        same_labels,
    ),
    Work(
        "KNN predict one row, digits",
        digit_halves,
        {"fastml": predict_with(KNeighborsClassifier, 1), "scikit-learn": predict_with(SklearnClassifier, 1)},
        same_labels,
        floors={"scikit-learn": 25},
        iterations=200,
    ),
]

bench_neighbors = benchmarks(WORKS)
