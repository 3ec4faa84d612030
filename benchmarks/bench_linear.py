"""Linear models: epochs of stochastic gradients, solvers to the optimum, predictions of one row."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
import sklearn.svm
from datasets import a9a, covtype, fashion_mnist, reuters
from harness import Work, benchmarks
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import fastml.linear_model
import fastml.svm
from fastml_ext import linear as kernels
from fastml_ext.linear import reference

EPOCHS = 5
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def images(n_classes):
    def setup(tiny):
        X, y = fashion_mnist()
        rows = 500 if tiny else 60_000
        X, y = X[:rows] / 255.0, y[:rows].astype(np.int64)
        return X, y if n_classes > 2 else (y > 4).astype(np.int64)

    return setup


def noise(tiny):
    rng = np.random.default_rng(0)
    X = rng.random((300 if tiny else 60_000, 784))
    return X, (X[:, :20].sum(axis=1) + rng.normal(size=len(X)) > 10).astype(np.int64)


def census(tiny):
    X, y = a9a()
    rows = 500 if tiny else X.shape[0]
    X = sp.csr_matrix(X[:rows])
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X, y[:rows].astype(np.int64)


def news(tiny):
    X, y = reuters()
    rows = 500 if tiny else X.shape[0]
    X = sp.csr_matrix(X[:rows])
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X, y[:rows].astype(np.int64)


def forest(tiny):
    X, y = covtype()
    rows = 500 if tiny else len(X)
    return X[:rows].astype(np.float64), y[:rows].astype(np.int64)


def scaled_forest(tiny):
    X, y = forest(tiny)
    return StandardScaler().fit_transform(X), y


def fit(estimator, **options):
    def run(data):
        X, y = data
        return lambda: estimator(**options).fit(X, y)

    return run


def epochs_by_reference(data):
    X, y = data
    X = X.toarray() if sp.issparse(X) else X
    task = kernels.Task(loss=2, l2=1e-4, schedule=2, optimal=1000.0, eta0=1.0)
    Y, nothing, signs = np.where(y == y.max(), 1.0, -1.0)[:, None], np.empty(0), np.empty((0, 0), np.int8)

    def run():
        state = reference.begin(task, np.zeros((1, X.shape[1])), np.zeros(1))
        for epoch in range(EPOCHS):
            order = reference.random_order(len(X), 0, epoch)
            reference.dense_epoch(task, order, X, Y, nothing, np.ones((2, 1)), state, signs)
        return state

    return run


def as_good(data, ours, theirs):
    X, y = data
    if hasattr(theirs, "score"):
        assert ours.score(X, y) > theirs.score(X, y) - (0.15 if X.shape[0] <= 500 else 0.05)


def objective(model, X, y, loss, intercept):
    """The objective that the model was fitted to, C = 1: of one score."""
    z = np.where(y == model.classes_[1], 1, -1) * (np.ravel(X @ model.coef_[0]) + model.intercept_[0])
    losses = np.logaddexp(0, -z) if loss == "log" else np.maximum(0, 1 - z) ** (2 if loss == "squared_hinge" else 1)
    return losses.sum() + 0.5 * np.sum(model.coef_**2) + 0.5 * intercept * model.intercept_[0] ** 2


def hinge_reached(data, model):
    """The objective of SGDClassifier with its defaults, summed over the classes: mean hinge and penalty."""
    X, y = data
    scores = model.decision_function(X)
    signs = np.where(y[:, None] == model.classes_[None, 1 if scores.ndim == 1 else 0 :], 1, -1)
    losses = np.maximum(0, 1 - signs * scores.reshape(len(y), -1))
    return float(losses.mean(axis=0).sum() + 0.5 * model.alpha * np.sum(model.coef_**2))


def as_low(loss, intercept=0.0):
    def same(data, ours, theirs):
        """fastml's objective is the optimum to a millionth; a peer that stopped earlier is timed all the same."""
        values = [objective(model, *data, loss, intercept) for model in (ours, theirs)]
        assert values[0] <= values[1] * (1 + 1e-6)

    return same


def predict_one(estimator):
    def run(data):
        X, y = data
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = estimator().fit(X[:300], y[:300])
        row = X[:1].copy()
        return lambda: model.predict(row)

    return run


def same_labels(data, ours, theirs):
    assert ours.shape == theirs.shape


SGD = {"max_iter": EPOCHS, "tol": None, "random_state": 0}
OURS, THEIRS = fastml.linear_model.SGDClassifier, sklearn.linear_model.SGDClassifier
LOGISTIC, PEER = fastml.linear_model.LogisticRegression, sklearn.linear_model.LogisticRegression
SVC, PEER_SVC = fastml.svm.LinearSVC, sklearn.svm.LinearSVC

WORKS = [
    Work(
        "SGD, 5 epochs, hinge, dense 60k x 784",
        noise,
        {"fastml": fit(OURS, **SGD), "reference": epochs_by_reference, "scikit-learn": fit(THEIRS, **SGD)},
        as_good,
        reached=hinge_reached,
        floors={"scikit-learn": 4},
    ),
    Work(
        "SGD, 5 epochs, hinge, Fashion-MNIST, 10 classes",
        images(10),
        {"fastml": fit(OURS, **SGD), "scikit-learn": fit(THEIRS, n_jobs=2, **SGD)},
        as_good,
        reached=hinge_reached,
        floors={"scikit-learn": 4},
    ),
    Work(
        "SGD, 5 epochs, hinge, a9a, sparse",
        census,
        {"fastml": fit(OURS, **SGD), "reference": epochs_by_reference, "scikit-learn": fit(THEIRS, **SGD)},
        as_good,
        reached=hinge_reached,
        floors={"scikit-learn": 2},
    ),
    Work(
        "SGD, 5 epochs, hinge, Reuters, sparse",
        news,
        {"fastml": fit(OURS, **SGD), "scikit-learn": fit(THEIRS, **SGD)},
        as_good,
        reached=hinge_reached,
        floors={"scikit-learn": 2},
    ),
    Work(
        "logistic regression, Reuters 7,770 x 8,315",
        news,
        {
            "fastml": fit(LOGISTIC, solver="newton", tol=1e-6),
            "scikit-learn, liblinear": fit(PEER, solver="liblinear", tol=1e-6),
            "scikit-learn, newton-cg": fit(PEER, solver="newton-cg", tol=1e-6),
            "scikit-learn, lbfgs": fit(PEER, max_iter=1000, tol=1e-6),
        },
        as_low("log"),
        floors={"scikit-learn, newton-cg": 2, "scikit-learn, lbfgs": 2},
    ),
    Work(
        "logistic regression, a9a",
        census,
        {
            "fastml": fit(LOGISTIC, solver="newton"),
            "scikit-learn": fit(PEER, solver="newton-cholesky", tol=1e-6),
            "scikit-learn, liblinear": fit(PEER, solver="liblinear", tol=1e-6),
            "scikit-learn, lbfgs": fit(PEER, max_iter=1000, tol=1e-6),
        },
        as_low("log"),
        floors={"scikit-learn": 2},
    ),
    Work(
        "logistic regression, covtype 581k x 54, unscaled",
        forest,
        {
            "fastml": fit(LOGISTIC, solver="newton"),
            "scikit-learn": fit(PEER, solver="newton-cholesky", tol=1e-6),
        },
        as_low("log"),
        floors={"scikit-learn": 2},
        rounds=3,
    ),
    Work(
        "linear SVM, squared hinge, a9a",
        census,
        {
            "fastml": fit(SVC),
            "scikit-learn, primal": fit(PEER_SVC, dual=False, tol=1e-6),
            "scikit-learn, dual": fit(PEER_SVC, dual=True, max_iter=10_000),
        },
        as_low("squared_hinge", 1.0),
        floors={"scikit-learn, primal": 2},
        rounds=3,
    ),
    Work(
        "linear SVM, hinge, a9a",
        census,
        {
            "fastml": fit(SVC, loss="hinge", tol=1e-3, max_iter=100_000, random_state=0),
            "scikit-learn": fit(PEER_SVC, loss="hinge", tol=1e-3, max_iter=100_000, random_state=0),
        },
        as_low("hinge", 1.0),
        floors={"scikit-learn": 2},
        rounds=3,
    ),
    Work(
        "linear SVM, squared hinge, covtype 581k x 54, scaled",
        scaled_forest,
        {"fastml": fit(SVC), "scikit-learn": fit(PEER_SVC, dual=False, tol=1e-6)},
        as_low("squared_hinge", 1.0),
        floors={"scikit-learn": 2},
        rounds=1,
    ),
    *(
        Work(
            f"{name} predict one row",
            scaled_forest,
            {"fastml": predict_one(ours), "scikit-learn": predict_one(theirs)},
            same_labels,
            floors={"scikit-learn": 25},
            iterations=200,
        )
        for name, ours, theirs in (
            ("SGDClassifier", OURS, THEIRS),
            ("LogisticRegression", LOGISTIC, PEER),
            ("LinearSVC", SVC, PEER_SVC),
            ("Perceptron", fastml.linear_model.Perceptron, sklearn.linear_model.Perceptron),
            ("LinearRegression", fastml.linear_model.LinearRegression, sklearn.linear_model.LinearRegression),
            ("Ridge", fastml.linear_model.Ridge, sklearn.linear_model.Ridge),
        )
    ),
]

bench_linear = benchmarks(WORKS)
