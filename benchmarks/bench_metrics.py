"""Scores of predictions: labels of several kinds, few and many; curves and errors."""

import numpy as np
import sklearn.metrics
from harness import Work, benchmarks

from fastml import metrics
from fastml_ext.metrics import reference

WORDS = np.array([f"class {c}" for c in range(10)])
KINDS = {
    "integers": lambda codes: codes,
    "fixed-width strings": lambda codes: WORDS[codes],
    "string objects": lambda codes: WORDS.astype(object)[codes],
    "string objects, each of its own": lambda codes: WORDS[codes].astype(object),
}
SCORES = {"accuracy_score": "accuracy", "confusion_matrix": "confusion matrix", "classification_report": "report"}


def labels(kind, n):
    def setup(tiny):
        random = np.random.default_rng(0)
        y_true = random.integers(0, 10, 50 if tiny else n)
        y_pred = np.where(random.random(len(y_true)) < 0.8, y_true, random.integers(0, 10, len(y_true)))
        return KINDS[kind](y_true), KINDS[kind](y_pred)

    return setup


def call(library, name):
    return lambda data: lambda: getattr(library, name)(*data)


def matrix_by_reference(data):
    def run():
        y_true, y_pred = (np.asarray(y, object) for y in data)
        values, *codes = reference.code_objects(np.array([f"{v}" for v in y_true]), np.array([f"{v}" for v in y_pred]))
        rank = np.argsort(np.argsort(values))
        return reference.count_pairs(0, len(y_true), rank[codes[0]], rank[codes[1]], 0, len(values))

    return run


def same(data, ours, theirs):
    np.testing.assert_equal(ours, theirs)


def close(data, ours, theirs):
    for a, b in zip(np.atleast_1d(ours), np.atleast_1d(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def label_works():
    for kind in KINDS:
        for n in (1000, 1_000_000):
            for name, title in SCORES.items():
                runs = {"fastml": call(metrics, name), "scikit-learn": call(sklearn.metrics, name)}
                if name == "confusion_matrix":
                    runs["reference"] = matrix_by_reference
                floor = {"scikit-learn": 30 if kind == "integers" else 10}
                rounds, iterations = (7, 20) if n == 1000 else (3, 1)
                yield Work(
                    f"{title}, {n:,} {kind}", labels(kind, n), runs, same, floor, rounds=rounds, iterations=iterations
                )


def scores(n):
    def setup(tiny):
        random = np.random.default_rng(0)
        y_true = random.integers(0, 2, 50 if tiny else n)
        return y_true, np.clip(random.normal(0.4, 0.2, len(y_true)) + 0.2 * y_true, 0, 1)

    return setup


def other_works():
    for name in (
        "roc_auc_score",
        "average_precision_score",
        "log_loss",
        "brier_score_loss",
        "mean_squared_error",
        "r2_score",
    ):
        for n in (1000, 1_000_000):
            runs = {"fastml": call(metrics, name), "scikit-learn": call(sklearn.metrics, name)}
            yield Work(f"{name}, {n:,} rows", scores(n), runs, close, iterations=20 if n == 1000 else 1)


bench_metrics = benchmarks([*label_works(), *other_works()])
