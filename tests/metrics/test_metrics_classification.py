"""Scores of predicted labels: scikit-learn's results, warnings and errors, over labels of any kind."""

import inspect
import multiprocessing
import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from versions import as_of_newest

from fastml import metrics

SCORES = {
    "accuracy_score": [{}, {"normalize": False}],
    "zero_one_loss": [{}, {"normalize": False}],
    "hamming_loss": [{}],
    "balanced_accuracy_score": [{}, {"adjusted": True}],
    "matthews_corrcoef": [{}],
    "cohen_kappa_score": [{}, {"weights": "linear"}, {"weights": "quadratic"}],
    "confusion_matrix": [{}, {"normalize": "true"}, {"normalize": "pred"}, {"normalize": "all"}],
    "classification_report": [{}, {"digits": 5}, {"output_dict": True}, {"zero_division": np.nan, "output_dict": True}],
    "precision_score": [{"average": a} for a in (None, "macro", "micro", "weighted", "binary", "samples")],
    "recall_score": [{"average": "macro", "zero_division": z} for z in ("warn", 0, 1, np.nan, 0.5)],
    "f1_score": [{"average": a, "zero_division": np.nan} for a in (None, "macro", "weighted", "binary")],
    "fbeta_score": [{"beta": b, "average": "macro"} for b in (0, 0.5, 2, np.inf, -1)],
    "precision_recall_fscore_support": [{"average": a} for a in (None, "macro", "micro", "weighted", "binary")]
    + [{"warn_for": ("recall",)}, {"beta": 2.0}],
}
CALLS = [(name, options) for name, calls in SCORES.items() for options in calls]


def outcome(function, *args, **options):
    """(result or the error's type and words, the warnings)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **options)
        except Exception as error:
            result = type(error).__name__, str(error)
    return result, sorted((w.category.__name__, str(w.message)) for w in caught)


def assert_same(name, *args, rtol=0.0, **options):
    found, warned = outcome(getattr(metrics, name), *args, **options)
    expected, expected_warnings = outcome(getattr(sklearn.metrics, name), *args, **options)
    if isinstance(expected, tuple) and isinstance(expected[0], str):
        assert found[0] == expected[0]
        assert found[1].startswith(expected[1])  # behind scikit-learn's words may stand which argument it is
    else:
        assert_equal(found, expected, rtol)
    assert warned == expected_warnings


def assert_equal(found, expected, rtol=0.0):
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_equal(found[key], expected[key], rtol)
    elif isinstance(expected, tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_equal(a, b, rtol)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)
    elif isinstance(expected, float):
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)
    else:
        assert found == expected


KINDS = {
    "int": lambda codes: codes,
    "wide": lambda codes: codes * 10**12 - 7,
    "int8": lambda codes: codes.astype(np.int8),
    "uint8": lambda codes: codes.astype(np.uint8),
    "bool": lambda codes: codes > 1,
    "float": lambda codes: codes.astype(float),
    "str": lambda codes: np.array(["b", "a", "é", "long name"])[codes],
    "object": lambda codes: np.array(["b", "a", "é", "long name"], object)[codes],
    "list": lambda codes: codes.tolist(),
    "list of str": lambda codes: np.array(["b", "a", "c", "dd"])[codes].tolist(),
    "column": lambda codes: codes[:, None],
    "series": lambda codes: pd.Series(codes, index=np.arange(len(codes))[::-1]),
    "category": lambda codes: pd.Series(pd.Categorical(np.array(["b", "a", "c", "dd"])[codes])),
    "strided": lambda codes: np.repeat(codes, 2)[::2],
    "big-endian": lambda codes: codes.astype(">i8"),
    "big-endian str": lambda codes: np.array(["b", "a", "c", "dd"])[codes].astype(">U3"),
}


@st.composite
def labels(draw):
    n, n_classes = draw(st.integers(1, 25)), draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    codes = random.integers(0, n_classes, (2, n))
    if draw(st.booleans()):
        codes[1, : n // 2] = codes[0, : n // 2]
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    return kind(codes[0]), kind(codes[1])


@pytest.mark.parametrize(("name", "options"), CALLS)
@given(pair=labels())
def test_scikit_learns_results(name, options, pair):
    assert_same(name, *pair, **options)


@pytest.mark.parametrize(("name", "options"), [(name, options) for name, (options, *_) in SCORES.items()])
@given(pair=labels(), seed=st.integers(0, 99), fractional=st.booleans())
def test_weights(name, options, pair, seed, fractional):
    random = np.random.default_rng(seed)
    weight = random.integers(0, 4, len(pair[0])) * (0.1 if fractional else 1)
    if not fractional:
        weight = weight.astype(np.int32)
    assert_same(name, *pair, sample_weight=weight, **options)


@pytest.mark.parametrize("name", ["precision_score", "confusion_matrix", "classification_report", "cohen_kappa_score"])
@given(pair=labels(), chosen=st.lists(st.integers(0, 5), min_size=0, max_size=4))
def test_chosen_labels(name, pair, chosen):
    options = {"average": "macro"} if name == "precision_score" else {}
    assert_same(name, *pair, labels=chosen, **options)
    assert_same(name, *pair, labels=np.array(["b", "long name", "a", "none"])[: len(chosen)], **options)


def random_pair(n, n_classes, seed=0):
    random = np.random.default_rng(seed)
    y_true = random.integers(0, n_classes, n)
    return y_true, np.where(random.random(n) < 0.6, y_true, random.integers(0, n_classes, n))


@pytest.mark.parametrize(
    ("n", "n_classes"), [(20_000, 7), (20_000, 3000), (1_000_001, 3), pytest.param(300, 290, marks=as_of_newest)]
)
def test_many_rows_and_many_classes(n, n_classes):
    pair = random_pair(n, n_classes)
    assert_same("precision_recall_fscore_support", *pair)
    assert_same("matthews_corrcoef", *pair) if n_classes < 1000 else None
    assert_same("f1_score", *pair, average="weighted", sample_weight=np.arange(n) % 5 * 0.1)
    assert_same("f1_score", *(y.astype(str) for y in pair), average="macro")
    assert np.array_equal(metrics.confusion_matrix(*pair), sklearn.metrics.confusion_matrix(*pair))


@pytest.mark.parametrize("name", ["accuracy_score", "f1_score", "classification_report", "hamming_loss"])
def test_multilabel_tables_are_scikit_learns_work(name):
    random = np.random.default_rng(0)
    y_true, y_pred = random.integers(0, 2, (2, 40, 3))
    assert_same(name, y_true, y_pred, **({"average": "samples"} if name == "f1_score" else {}))


BAD = {
    "lengths": ([0, 1], [0]),
    "empty": ([], []),
    "continuous": ([0.5, 1.0], [0, 1]),
    "NaN": ([np.nan, 1.0], [0, 1]),
    "infinite": ([np.inf, 1.0], [0, 1]),
    "mixed kinds": ([0, 1], ["a", "b"]),
    "mixed objects": (np.array(["a", 1], object), np.array(["a", "b"], object)),
    "None": (np.array(["a", None], object), np.array(["a", "b"], object)),
    "bytes": (np.array([b"a", b"b"]), np.array([b"a", b"b"])),
    "two columns": ([[0, 2], [1, 0]], [[0, 1], [1, 0]]),
    "scalar": (3, 4),
    "text": ("ab", "ab"),
    "ragged": ([[1], [1, 2]], [[1], [2]]),
    "no array": (object(), [1]),
    "huge": (np.array([2**63, 1], np.uint64), np.array([1, 1], np.uint64)),
    "complex": (np.array([1j, 2]), np.array([1, 2])),
    "dates": (np.array(["2020-01-01"], "M8[D]"), np.array(["2020-01-01"], "M8[D]")),
}


@as_of_newest
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", SCORES)
def test_bad_labels_raise_scikit_learns_error(name, bad):
    options = {"beta": 1} if name == "fbeta_score" else {}
    (found, _), (expected, _) = (outcome(getattr(m, name), *BAD[bad], **options) for m in (metrics, sklearn.metrics))
    assert_equal(found, expected)


@pytest.mark.parametrize(
    "weight",
    [[1, 2], [1.0, np.nan, 1.0], [0, 0, 0], [[1], [1], [1]], "abc", 2, [-1, 1, 1], [1j, 1, 1], [np.inf, 1, 1]],
    ids=repr,
)
@pytest.mark.parametrize("name", ["accuracy_score", "confusion_matrix", "classification_report", "matthews_corrcoef"])
def test_bad_weights(name, weight):
    assert_same(name, [0, 1, 1], [0, 1, 0], sample_weight=weight)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("accuracy_score", {"normalize": "yes"}),
        ("confusion_matrix", {"normalize": "rows"}),
        ("confusion_matrix", {"labels": []}),
        ("confusion_matrix", {"labels": [7, 8]}),
        ("confusion_matrix", {"labels": [1, 1, 0]}),
        ("precision_score", {"average": "mean"}),
        ("precision_score", {"pos_label": 2}),
        ("precision_score", {"pos_label": None}),
        ("precision_score", {"pos_label": "b"}),
        ("precision_score", {"pos_label": 0, "average": "macro"}),
        ("precision_score", {"zero_division": "ignore"}),
        ("precision_score", {"labels": []}),
        ("classification_report", {"target_names": ["a"]}),
        ("classification_report", {"target_names": ["a", "b", "c"]}),
        ("classification_report", {"target_names": ["a"], "labels": [0, 1]}),
        ("classification_report", {"digits": -1}),
        ("cohen_kappa_score", {"weights": "cubic"}),
        ("cohen_kappa_score", {"labels": [5, 6]}),
        ("balanced_accuracy_score", {"adjusted": 2}),
    ],
)
def test_parameters(name, options):
    assert_same(name, [0, 1, 1, 0], [0, 1, 0, 0], **options)


def test_the_textbook_matrix():
    y_true, y_pred = [1] * 3 + [0] * 18, [1, 1, 0] + [1] * 2 + [0] * 16
    assert metrics.confusion_matrix(y_true, y_pred).tolist() == [[16, 2], [1, 2]]
    found = [f(y_true, y_pred) for f in (metrics.accuracy_score, metrics.precision_score, metrics.recall_score)]
    assert np.round([*found, metrics.f1_score(y_true, y_pred)], 3).tolist() == [0.857, 0.5, 0.667, 0.571]


def test_names_of_scikit_learn_are_handed_through():
    assert metrics.silhouette_score is sklearn.metrics.silhouette_score
    assert metrics.jaccard_score is sklearn.metrics.jaccard_score
    assert {"jaccard_score", "Confusion"} <= set(dir(metrics))
    with pytest.raises(AttributeError, match="no_such_score"):
        metrics.no_such_score  # noqa: B018


@as_of_newest
@pytest.mark.parametrize("name", metrics.__all__)
def test_signatures_are_scikit_learns(name):
    if not hasattr(sklearn.metrics, name):
        pytest.skip("fastml's own")
    found, expected = (
        [(p.name, p.kind, p.default) for p in inspect.signature(getattr(m, name)).parameters.values()]
        for m in (metrics, sklearn.metrics)
    )
    assert str(found) == str(expected)


def test_a_warning_points_at_the_caller():
    with pytest.warns(UndefinedMetricWarning, match="Precision") as caught:
        metrics.precision_score([0, 1], [0, 0])
    assert caught[0].filename == __file__


def scores_of(pair):
    return metrics.classification_report(*pair), metrics.confusion_matrix(*pair).tolist()


def test_threads_and_forks():
    pair = random_pair(1_200_000, 5)
    expected = scores_of(pair)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(scores_of, [pair] * 4)) == [expected] * 4
    if hasattr(os, "fork"):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.apply(scores_of, (pair,)) == expected
