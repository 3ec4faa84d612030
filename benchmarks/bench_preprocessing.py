"""Steps before a model: scalers, imputers, encoders; a pipeline's answer for one row."""

import numpy as np
import pandas as pd
import pytest
import sklearn.impute
import sklearn.linear_model
import sklearn.pipeline
import sklearn.preprocessing
from datasets import covtype
from harness import Work, benchmarks

import fastml.impute
import fastml.linear_model
import fastml.pipeline
import fastml.preprocessing

pytestmark = [
    pytest.mark.filterwarnings("ignore:n_quantiles .* is greater"),
    pytest.mark.filterwarnings("ignore:Bins whose width are too small"),
    pytest.mark.filterwarnings("ignore:Feature .* is constant"),
]
SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Normalizer", "Binarizer")


def table(tiny):
    """All of covtype, 581,012 rows by 54 columns, as float64."""
    X, y = covtype()
    rows = slice(None, None, 5000 if tiny else 1)
    return np.ascontiguousarray(X[rows], dtype=np.float64), y[rows]


def with_holes(tiny):
    X, y = table(tiny)
    return np.where(np.random.default_rng(0).random(X.shape) < 0.05, np.nan, X), y


def small(tiny):
    X, y = table(True)
    return np.ascontiguousarray(X[:100, :10]), y[:100]


def ten_columns(tiny):
    X, y = table(tiny)
    return np.ascontiguousarray(X[:, :10]), y


def few_rows(tiny):
    X, y = table(tiny)
    return np.ascontiguousarray(X[::20, :10]), y[::20]


def texts(tiny):
    """Two columns of texts, of 50 and of 5 categories, in a frame."""
    random, n = np.random.default_rng(0), 1000 if tiny else 500_000
    words = np.array([f"category {i}" for i in range(50)], object)
    return pd.DataFrame({"a": words[random.integers(0, 50, n)], "b": words[random.integers(0, 5, n)]}), None


def fitting(model):
    return lambda data: lambda: model.fit(data[0])


def transforming(model, rows=None):
    def run(data):
        model.fit(data[0])
        return lambda: model.transform(data[0][:rows])

    return run


def predicting(model):
    def run(data):
        model.fit(data[0], data[1] == data[1][0])
        return lambda: model.predict_proba(data[0][:1])

    return run


def about_same(data, ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def same(data, ours, theirs):
    if hasattr(ours, "toarray"):
        assert abs(ours - theirs).max() == 0
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def same_probabilities(data, ours, theirs):
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def step_works():
    for name in SCALERS:
        ours, theirs = (getattr(m.preprocessing, name) for m in (fastml, sklearn))
        runs = {"fastml": fitting(ours()), "scikit-learn": fitting(theirs())}
        yield Work(f"{name}, fit, covtype", table, runs, None, {"scikit-learn": 1}, rounds=3)
        yield Work(f"{name}, fit, 100 x 10", small, runs, None, {"scikit-learn": 1}, iterations=50)
        runs = {"fastml": transforming(ours()), "scikit-learn": transforming(theirs())}
        yield Work(f"{name}, transform, covtype", table, runs, same, {"scikit-learn": 1}, rounds=3)
        runs = {"fastml": transforming(ours(), 1), "scikit-learn": transforming(theirs(), 1)}
        yield Work(f"{name}, transform one row", small, runs, same, {"scikit-learn": 1}, iterations=200)


NUMERIC = {
    "QuantileTransformer": {"random_state": 0},
    "KBinsDiscretizer": {"random_state": 0},
}


def numeric_works():
    for name, options in NUMERIC.items():
        ours, theirs = (getattr(m.preprocessing, name) for m in (fastml, sklearn))
        yield from works_of(name, table, ours(**options), theirs(**options))
    ours, theirs = (m.preprocessing.PolynomialFeatures() for m in (fastml, sklearn))
    yield from works_of("PolynomialFeatures", ten_columns, ours, theirs)
    ours, theirs = (m.preprocessing.SplineTransformer() for m in (fastml, sklearn))
    yield from works_of("SplineTransformer", ten_columns, ours, theirs)
    ours, theirs = (m.preprocessing.PowerTransformer() for m in (fastml, sklearn))
    yield from works_of("PowerTransformer", few_rows, ours, theirs, about_same)


def works_of(name, data, ours, theirs, same=same):
    runs = {"fastml": fitting(ours), "scikit-learn": fitting(theirs)}
    yield Work(f"{name}, fit, covtype", data, runs, None, {"scikit-learn": 1}, rounds=3)
    yield Work(f"{name}, fit, 100 x 10", small, runs, None, {"scikit-learn": 1}, iterations=20)
    runs = {"fastml": transforming(ours), "scikit-learn": transforming(theirs)}
    yield Work(f"{name}, transform, covtype", data, runs, same, {"scikit-learn": 1}, rounds=3)
    runs = {"fastml": transforming(ours, 1), "scikit-learn": transforming(theirs, 1)}
    yield Work(f"{name}, transform one row", small, runs, same, {"scikit-learn": 1}, iterations=100)


def imputer_works():
    for strategy in ("mean", "median"):
        ours, theirs = (m.impute.SimpleImputer(strategy=strategy) for m in (fastml, sklearn))
        runs = {"fastml": fitting(ours), "scikit-learn": fitting(theirs)}
        yield Work(f"SimpleImputer, {strategy}, fit, covtype", with_holes, runs, None, {"scikit-learn": 1}, rounds=3)


def encoder_works():
    for name in ("OneHotEncoder", "OrdinalEncoder"):
        ours, theirs = (getattr(m.preprocessing, name)() for m in (fastml, sklearn))
        runs = {"fastml": fitting(ours), "scikit-learn": fitting(theirs)}
        yield Work(f"{name}, fit, texts", texts, runs, None, {"scikit-learn": 1}, rounds=3)
        runs = {"fastml": transforming(ours), "scikit-learn": transforming(theirs)}
        yield Work(f"{name}, transform, texts", texts, runs, same, {"scikit-learn": 1}, rounds=3)


def pipeline_works():
    ours, theirs = (
        m.pipeline.make_pipeline(m.preprocessing.StandardScaler(), m.linear_model.LogisticRegression())
        for m in (fastml, sklearn)
    )
    runs = {"fastml": predicting(ours), "scikit-learn": predicting(theirs)}
    words = "StandardScaler and LogisticRegression, one row"
    yield Work(words, small, runs, same_probabilities, {"scikit-learn": 1}, iterations=200)


bench_preprocessing = benchmarks(
    [*step_works(), *numeric_works(), *imputer_works(), *encoder_works(), *pipeline_works()]
)
