"""Measures of models on tables in parts: those of scikit-learn's scorers, whatever the cuts, in one pass."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UndefinedMetricWarning

import fastml.scale
from fastml.linear_model import LinearRegression, LogisticRegression
from fastml.naive_bayes import GaussianNB
from fastml.scale.ranks import SCORINGS, Ranks

N = 2 * 2**13 + 321
CUTS = st.lists(st.integers(0, N), max_size=5)
OF_NUMBERS = [name for name, (kind, _) in SCORINGS.items() if kind.takes == "numbers"]
OF_MANY = [name for name in SCORINGS if name not in OF_NUMBERS]
OF_CLASSES = [name for name in OF_MANY if name != "top_k_accuracy"]  # of which two are all of two
OF_TWO = {"roc_auc", "f1", "precision", "recall", "jaccard"}


def table():
    random = np.random.default_rng(5)
    X = np.round(random.normal(size=(N, 3)), 1)  # some scores are equal
    return X, (X[:, 0] - 0.5 * X[:, 1] + random.logistic(size=N) > 0.4).astype(int), random.random(N)


def in_chunks(columns, cuts):
    return [tuple(each[a:b] for each in columns) for a, b in pairwise([0, *sorted(cuts), N])]


def expected(model, name, X, y, weight):
    return sklearn.metrics.get_scorer(name)(model, X, y, **({} if weight is None else {"sample_weight": weight}))


@settings(deadline=None, max_examples=10)
@given(cuts=CUTS, weighted=st.booleans())
def test_classifiers_are_measured_as_scikit_learn_measures_them(cuts, weighted):
    X, y, weight = table()
    weight, columns = (weight, (X, y, weight)) if weighted else (None, (X, y))
    model = LogisticRegression().fit(X, y)
    found = fastml.scale.score(model, fastml.scale.chunks(in_chunks(columns, cuts)), OF_CLASSES)
    assert list(found) == OF_CLASSES
    assert found == fastml.scale.score(model, fastml.scale.arrays(X, y, sample_weight=weight), OF_CLASSES)
    for name, value in found.items():
        assert value == pytest.approx(expected(model, name, X, y, weight), rel=1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
def test_regressors_are_measured_as_scikit_learn_measures_them(weighted):
    X, y, weight = table()
    y, weight = X @ [1.0, 2.0, 3.0] + y + 30, weight if weighted else None
    model = LinearRegression().fit(X[:100], y[:100])
    found = fastml.scale.score(model, fastml.scale.arrays(X, y, sample_weight=weight), OF_NUMBERS)
    for name, value in found.items():
        taken = None if name == "neg_max_error" else weight  # scikit-learn's takes no weights
        assert value == pytest.approx(expected(model, name, X, y, taken), rel=1e-9), name


def test_three_classes():
    X, y, weights = table()
    y, names = y + (X[:, 2] > 1), [name for name in OF_MANY if name not in OF_TWO]
    for model in (GaussianNB().fit(X, y), LogisticRegression().fit(X, y)):
        for weight in (None, weights):
            of_these = [name for name in names if weight is None or not name.startswith("roc_auc_ovo")]
            parts = fastml.scale.arrays(X, y, sample_weight=weight)
            found = fastml.scale.score(model, parts, of_these)
            parts = fastml.scale.chunks(in_chunks((X, y) if weight is None else (X, y, weight), [0, 77, 9000]))
            assert found == fastml.scale.score(model, parts, of_these)
            for name, value in found.items():
                assert value == pytest.approx(expected(model, name, X, y, weight), rel=1e-11), name
    with pytest.raises(ValueError, match="'roc_auc_ovo' takes no weights"):
        fastml.scale.score(model, fastml.scale.arrays(X, y, sample_weight=weights), "roc_auc_ovo")
    parts = fastml.scale.arrays(X, y)
    with pytest.raises(ValueError, match="'roc_auc' is of two classes, and there are 3"):
        fastml.scale.score(model, parts, "roc_auc")


@pytest.mark.parametrize("digits", [1, 3, 12])
def test_the_order_of_many_scores_is_found_in_several_passes(digits):
    random = np.random.default_rng(0)
    scores = np.round(random.normal(size=N), digits)
    y = (scores + random.logistic(size=N) > 0).astype(int)
    ranks, passes = Ranks(2, memory=96 * 5000), 0
    while passes == 0 or ranks.another:
        states = [ranks.partial(scores[a:b], y[a:b], None) for a, b in pairwise([0, 5, 9000, 9000, N])]
        total = states[0]
        for state in states[1:]:
            total = ranks.merge(total, state)
        ranks.take(total)
        passes += 1
    assert passes == -(-len(np.unique(scores)) // 5000)
    assert ranks.area(1, [0]) == pytest.approx(sklearn.metrics.roc_auc_score(y, scores), rel=1e-13)


def test_many_classes_with_little_memory_take_more_passes():
    X, y, _ = table()
    X, y = X + np.arange(N)[:, None] * 1e-9, y + 2 * (X[:, 2] > 1)
    model = GaussianNB().fit(X, y)
    names = ["roc_auc_ovr", "roc_auc_ovo_weighted", "average_precision"]
    found = fastml.scale.score(model, fastml.scale.arrays(X, y, memory=2**16), names)
    assert found == pytest.approx(fastml.scale.score(model, fastml.scale.arrays(X, y), names), rel=1e-12)


def test_models_of_others_and_one_class():
    X, y, _ = table()
    model = DummyClassifier().fit(X, y)
    assert fastml.scale.score(model, fastml.scale.arrays(X, y), "roc_auc") == 0.5
    with pytest.warns(UndefinedMetricWarning, match="Only one class"):
        value = fastml.scale.score(model, fastml.scale.arrays(X, 0 * y), "roc_auc")
    assert np.isnan(value)


def test_what_cannot_be_measured_is_told():
    X, y, _ = table()
    model, parts = GaussianNB().fit(X, y), fastml.scale.arrays(X, y)
    with pytest.raises(ValueError, match="scoring='auc' is none of what is counted in parts: accuracy"):
        fastml.scale.score(model, parts, "auc")
    with pytest.raises(ValueError, match="measures of classes, and of numbers"):
        fastml.scale.score(model, parts, ["accuracy", "r2"])
    with pytest.raises(ValueError, match="takes numbers above 0 only"):
        fastml.scale.score(LinearRegression().fit(X, y), fastml.scale.arrays(X, y - 1.0), "neg_mean_gamma_deviance")
    with pytest.raises(TypeError, match="LinearRegression has no method 'predict_proba'"):
        fastml.scale.score(LinearRegression().fit(X, y), parts, "neg_log_loss")
    with pytest.raises(ValueError, match="has no target to compare with"):
        fastml.scale.score(model, fastml.scale.arrays(X))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 0 < fastml.scale.score(model, parts) < 1
