"""Weights and numbers at the ends of their types: integers stay exact, and scores of ratios never overflow."""

import numpy as np
import pytest
import sklearn.dummy
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from fastml import metrics
from fastml.metrics._labels import exact_sum

SCORES = [
    "accuracy_score", "balanced_accuracy_score", "cohen_kappa_score", "f1_score", "hamming_loss", "matthews_corrcoef",
    "precision_score", "recall_score", "zero_one_loss",
]  # fmt: skip
PROBABILITIES = ["average_precision_score", "brier_score_loss", "log_loss", "roc_auc_score"]
ERRORS = ["max_error", "mean_absolute_error", "mean_pinball_loss", "root_mean_squared_error"]


def exact_matrix(y_true, y_pred, weight):
    """By definition, in Python's integers."""
    matrix = [[0] * 3 for _ in range(3)]
    for t, p, w in zip(y_true, y_pred, weight, strict=True):
        matrix[t][p] += w
    return matrix


@st.composite
def weighted_rows(draw):
    dtype = draw(st.sampled_from(["int64", "uint64", "int32", "uint32"]))
    limits = np.iinfo(dtype)
    n = draw(st.integers(3, 8))
    code, weight = st.integers(0, 2), st.integers(limits.min // (2 * n), limits.max // (2 * n))
    y_true, y_pred = ([0, 1, 2, *draw(st.lists(code, min_size=n - 3, max_size=n - 3))] for _ in range(2))
    return y_true, y_pred, np.array(draw(st.lists(weight, min_size=n, max_size=n)), dtype)


@given(weighted_rows())
def test_integer_weights_are_summed_exactly(rows):
    y_true, y_pred, weight = rows
    if not weight.any():
        return
    found, expected = (
        module.confusion_matrix(y_true, y_pred, sample_weight=weight) for module in (metrics, sklearn.metrics)
    )
    assert found.dtype == np.int64
    assert found.tolist() == expected.tolist() == exact_matrix(y_true, y_pred, weight.tolist())
    hits = [w for t, p, w in zip(y_true, y_pred, weight.tolist(), strict=True) if t == p]
    assert metrics.accuracy_score(y_true, y_pred, normalize=False, sample_weight=weight) == float(sum(hits))
    assert exact_sum(weight) == sum(weight.tolist())


@pytest.mark.parametrize("labels", [[0, 1], ["a", "b"]], ids=repr)
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_sums_beyond_int64_wrap_as_scikit_learns_and_it_is_said(dtype, labels):
    y = [labels[0], labels[1], labels[1]]
    weight = np.full(3, 2**63 - 1, dtype)
    with pytest.warns(RuntimeWarning, match="int64 cannot hold"):
        found = metrics.confusion_matrix(y, y, sample_weight=weight)
    assert (
        found.tolist()
        == sklearn.metrics.confusion_matrix(y, y, sample_weight=weight).tolist()
        == [[2**63 - 1, 0], [0, -2]]
    )
    assert metrics.cohen_kappa_score(y, y, sample_weight=weight) == 1  # of ratios: nothing wraps around
    assert metrics.Confusion.count(y, y, sample_weight=weight).matrix[1, 1] == 2.0**64


@pytest.mark.parametrize("factor", [1e-320, 1e-200, 1e-100, 1e150, 1e300, 3e307], ids=str)
@pytest.mark.parametrize("name", SCORES + PROBABILITIES)
def test_only_ratios_of_weights_count(name, factor):
    y_true, weight = [0, 1, 1, 0, 1], np.array([1, 2, 3, 4, 5.0])
    other = [0, 1, 0, 0, 0] if name in SCORES else [0.1, 0.7, 0.2, 0.3, 0.6]
    score = getattr(metrics, name)
    assert score(y_true, other, sample_weight=weight * factor) == pytest.approx(
        score(y_true, other, sample_weight=weight), rel=1e-3 if factor == 1e-320 else 1e-12
    )


@pytest.mark.parametrize("factor", [1e-300, 1e-200, 1e150, 1e300], ids=str)
@pytest.mark.parametrize("name", ERRORS)
def test_errors_scale_with_their_numbers(name, factor):
    truth, predicted = np.array([3, -0.5, 2, 7]), np.array([2.5, 0.0, 2, 8])
    error = getattr(metrics, name)
    assert error(truth * factor, predicted * factor) == pytest.approx(
        factor * error(truth, predicted), rel=1e-12, abs=0
    )


@pytest.mark.parametrize("factor", [1e-300, 1e-200, 1e150, 1e300], ids=str)
def test_r2_has_no_scale(factor):
    truth, predicted = np.array([3, -0.5, 2, 7]), np.array([2.5, 0.0, 2, 8])
    assert metrics.r2_score(truth * factor, predicted * factor) == pytest.approx(
        metrics.r2_score(truth, predicted), rel=1e-12
    )


def test_errors_beyond_the_largest_float():
    assert metrics.mean_absolute_error([1.7e308, 0], [-1.7e308, 0]) == 1.7e308
    assert metrics.root_mean_squared_error(np.float32([1e30, 0]), np.float32([0, 0])) == pytest.approx(
        1e30 / np.sqrt(2)
    )
    with pytest.warns(RuntimeWarning, match="mean_squared_error is beyond"):
        assert metrics.mean_squared_error([1e200], [0.0]) == np.inf


def test_a_huge_beta_is_recall():
    y_true, y_pred = [0, 1, 1, 1], [1, 0, 1, 1]
    for beta in (1e101, 1e200, 10**400, np.inf):
        assert metrics.fbeta_score(y_true, y_pred, beta=beta) == metrics.recall_score(y_true, y_pred)


@pytest.mark.parametrize("name", [*SCORES, "r2_score", "confusion_matrix"])
def test_a_metric_is_no_scorer(name):
    metric = getattr(metrics, name)
    with pytest.raises(ValueError, match="make_scorer"):
        metrics.check_scoring(scoring=metric)
    with pytest.raises(ValueError, match="make_scorer"):
        metrics.check_scoring(scoring={"one": "accuracy", "two": metric})
    with pytest.raises(TypeError, match="make_scorer"):
        metric(sklearn.dummy.DummyClassifier(), [[0], [1]], [0, 1])


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_errors_of_integers_that_float64_does_not_hold(dtype):
    truth, predicted = np.array([2**62, 2**62 + 1, 7], dtype), np.array([2**62, 2**62 + 3, 7], dtype)
    assert metrics.max_error(truth, predicted) == 2
    assert metrics.mean_absolute_error(truth, predicted) == pytest.approx(2 / 3)
    assert metrics.mean_squared_error(truth, predicted) == pytest.approx(4 / 3)
    assert metrics.r2_score(truth[:2], predicted[:2]) == -7
    assert metrics.max_error(np.array([2**64 - 1], np.uint64), np.array([-1])) == 2**64
