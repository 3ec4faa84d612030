"""Naive Bayes: fits, predictions, single rows, and grids of alpha from one count."""

import numpy as np
import scipy.sparse as sp
import sklearn.naive_bayes
from datasets import covtype, fashion_mnist, sms_spam
from harness import Work, benchmarks
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV as SklearnSearch

import fastml.naive_bayes
from fastml.model_selection import GridSearchCV
from fastml_ext.naive_bayes import reference

EACH = np.empty(0)


def images(tiny):
    """Fashion-MNIST as float64, as scikit-learn's users give it."""
    X, y = fashion_mnist()
    rows = 300 if tiny else len(X)
    return X[:rows].astype(np.float64), y[:rows].astype(np.int64)


def messages(tiny):
    texts, labels = sms_spam()
    rows = 300 if tiny else len(texts)
    X = CountVectorizer(dtype=np.float64).fit_transform(texts[:rows])
    return sp.csr_matrix(X), (labels[:rows] == "spam").astype(np.int64)


def forest(tiny):
    """Ten columns of covtype, cut into categories."""
    X, y = covtype()
    rows = 300 if tiny else len(X)
    X = X[:rows, :10].astype(np.int64)
    return np.maximum(X // (1 + X.max(axis=0) // 50), 0), y[:rows].astype(np.int64)


def fit(module, name, **options):
    def run(data):
        X, y = data
        return lambda: getattr(module, name)(**options).fit(X, y)

    return run


def predict(module, name, one=False, method="predict"):
    def run(data):
        X, y = data
        model = getattr(module, name)().fit(X, y)
        rows = X[:1].copy() if one else X
        return lambda: getattr(model, method)(rows)

    return run


def search(found, module, name, **grid):
    def run(data):
        X, y = data
        return lambda: found(getattr(module, name)(), grid, cv=5).fit(X, y)

    return run


def moments_by_reference(data):
    X, y = data
    return lambda: reference.moments(X, y, EACH, int(y.max()) + 1)


def sums_by_reference(data):
    X, y = data
    return lambda: reference.sum_by_class(X, y, EACH, int(y.max()) + 1)


def same_model(data, ours, theirs):
    """Where the reference ran, the tables that it made."""
    rows = data[0][:50]
    if isinstance(theirs, tuple):
        found = (ours.theta_, theirs[1]) if hasattr(ours, "theta_") else (ours.feature_count_, theirs[0])
        np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-9)
    else:
        found = (model.predict_joint_log_proba(rows) for model in (ours, theirs))
        np.testing.assert_allclose(*found, rtol=1e-6)


def same_labels(data, ours, theirs):
    assert np.array_equal(ours, theirs)


def same_probabilities(data, ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)  # a score of 10^4 leaves ten digits of its exp


def same_search(data, ours, theirs):
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_allclose(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])


OURS, THEIRS = fastml.naive_bayes, sklearn.naive_bayes
ALPHAS = [0.001, 0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0]
PLACES = (
    ("GaussianNB", "Fashion-MNIST 60k x 784", images),
    ("MultinomialNB", "Fashion-MNIST 60k x 784", images),
    ("BernoulliNB", "Fashion-MNIST 60k x 784", images),
    ("MultinomialNB", "SMS spam, sparse", messages),
    ("BernoulliNB", "SMS spam, sparse", messages),
    ("ComplementNB", "SMS spam, sparse", messages),
    ("CategoricalNB", "covtype 581k x 10", forest),
)
REFERENCES = {"GaussianNB": moments_by_reference, "MultinomialNB": sums_by_reference}

WORKS = [
    *(
        Work(
            f"{name} fit, {where}",
            data,
            {
                "fastml": fit(OURS, name),
                **({"reference": REFERENCES[name]} if name in REFERENCES else {}),
                "scikit-learn": fit(THEIRS, name),
            },
            same_model,
            floors={"scikit-learn": 3},
            iterations=20 if data is messages else 1,
        )
        for name, where, data in PLACES
    ),
    *(
        Work(
            f"{name} predict, {where}",
            data,
            {"fastml": predict(OURS, name), "scikit-learn": predict(THEIRS, name)},
            same_labels,
            floors={"scikit-learn": 2},
            iterations=20 if data is messages else 1,
        )
        for name, where, data in PLACES
    ),
    Work(
        "GaussianNB predict_proba, Fashion-MNIST 60k x 784",
        images,
        {
            library: predict(module, "GaussianNB", method="predict_proba")
            for library, module in (("fastml", OURS), ("scikit-learn", THEIRS))
        },
        same_probabilities,
        floors={"scikit-learn": 2},
    ),
    *(
        Work(
            f"{name} predict one row, {where}",
            data,
            {"fastml": predict(OURS, name, one=True), "scikit-learn": predict(THEIRS, name, one=True)},
            same_labels,
            floors={"scikit-learn": 10},
            iterations=200,
        )
        for name, where, data in PLACES
    ),
    Work(
        "MultinomialNB, 10 alphas by 5 folds, SMS spam",
        messages,
        {
            "fastml": search(GridSearchCV, OURS, "MultinomialNB", alpha=ALPHAS),
            "scikit-learn": search(SklearnSearch, THEIRS, "MultinomialNB", alpha=ALPHAS),
        },
        same_search,
        floors={"scikit-learn": 3},
        rounds=3,
    ),
]

bench_naive_bayes = benchmarks(WORKS)
