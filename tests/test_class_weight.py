"""class_weight beside sample_weight: a weight of 2 is the row twice, of 0 the row away."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from fastml.class_weight import class_factors, row_weights
from fastml.linear_model import LogisticRegression
from fastml.svm import LinearSVC

CLASSES = np.array(["a", "b", "c"])


def test_balanced_gives_every_class_the_same_total():
    codes, weight = np.array([0, 0, 0, 1, 2, 2]), np.array([1.0, 2, 0, 5, 1, 1])
    totals = np.bincount(codes, row_weights("balanced", CLASSES, codes, weight))
    np.testing.assert_allclose(totals, weight.sum() / 3)
    expected = compute_class_weight("balanced", classes=CLASSES, y=CLASSES[codes], sample_weight=weight)
    np.testing.assert_allclose(class_factors("balanced", CLASSES, codes, weight), expected)


def test_balanced_without_weights_counts_rows():
    codes = np.array([0, 0, 1, 2, 2, 2])
    expected = compute_class_weight("balanced", classes=CLASSES, y=CLASSES[codes])
    for nothing in (None, np.empty(0)):
        np.testing.assert_allclose(class_factors("balanced", CLASSES, codes, nothing), expected)


def test_a_class_whose_rows_weigh_nothing_is_not_there():
    codes, weight = np.array([0, 0, 1, 2]), np.array([1.0, 1, 1, 0])
    np.testing.assert_allclose(class_factors("balanced", CLASSES, codes, weight)[:2], [0.75, 1.5])
    assert np.isfinite(row_weights("balanced", CLASSES, codes, weight)).all()


def test_huge_weights_do_not_overflow():
    codes, weight = np.array([0, 0, 1, 2]), np.full(4, 1e308)
    np.testing.assert_allclose(class_factors("balanced", CLASSES, codes, weight), [2 / 3, 4 / 3, 4 / 3])


def test_names():
    codes = np.array([0, 1, 2])
    assert class_factors({"a": 2, "c": 0.5}, CLASSES, codes).tolist() == [2, 1, 0.5]
    assert class_factors({"a": 2, "b": 1, "c": 0.5, "d": 7}, CLASSES, codes).tolist() == [2, 1, 0.5]
    assert class_factors({1.5: 2, 1: 3}, np.array([1.0, 1.5]), codes[:2]).tolist() == [3, 2]
    with pytest.raises(ValueError, match=r"\['b', 'c'\], are not in class_weight, which names \['d'\]"):
        class_factors({"a": 2, "d": 7}, CLASSES, codes)


@pytest.mark.parametrize("factor", [-1, np.nan, np.inf])
def test_factors_are_finite_and_not_negative(factor):
    with pytest.raises(ValueError, match=r"class_weight\['b'\]"):
        class_factors({"b": factor}, CLASSES, np.array([0, 1, 2]))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        LinearSVC(class_weight="balanced", tol=1e-9, dual=False, max_iter=10_000),
        LinearSVC(class_weight="balanced", tol=1e-9, dual=True, loss="hinge", max_iter=100_000, C=0.1),
        LinearSVC(class_weight="balanced", tol=1e-9, penalty="l1", dual=False, max_iter=10_000),
        LogisticRegression(class_weight="balanced", tol=1e-10, max_iter=10_000),
    ],
    ids=["newton", "dual", "l1", "logistic"],
)
def test_whole_weights_are_repeated_rows(model, n_classes):
    random = np.random.default_rng(n_classes)
    X, y, weight = random.normal(size=(40, 3)), random.integers(0, n_classes, 40), random.integers(0, 4, 40)
    rows = np.repeat(np.arange(40), weight)
    weighted = model.fit(X, y, sample_weight=weight).decision_function(X)
    np.testing.assert_allclose(weighted, model.fit(X[rows], y[rows]).decision_function(X), atol=1e-4)
