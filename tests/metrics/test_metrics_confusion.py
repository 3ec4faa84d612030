"""Confusion: counting at once is merging, and every score is the function's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fastml import metrics
from fastml.metrics import Confusion, mcnemar

names = np.array(["ant", "bee", "cat", "dog"])


@st.composite
def rows(draw, smallest=1):
    n = draw(st.integers(smallest, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    codes = random.integers(0, draw(st.integers(1, 4)), (2, n))
    return draw(st.sampled_from([codes, names[codes], codes.astype(float), names.astype(object)[codes]]))


@given(rows(smallest=3), st.integers(0, 2**32 - 1), st.sampled_from([None, 1, 0.1]))
def test_merging_is_counting_at_once(pair, seed, scale):
    random = np.random.default_rng(seed)
    cuts = np.sort(random.integers(1, pair.shape[1], 2))
    weight = None if scale is None else random.integers(1, 9, pair.shape[1]) * scale
    at_once = Confusion.count(*pair, sample_weight=weight)
    chunks = [c for c in np.split(np.arange(pair.shape[1]), cuts) if len(c)]
    parts = [Confusion.count(*pair[:, c], sample_weight=None if weight is None else weight[c]) for c in chunks]
    stream = parts[0] + 0
    for c in chunks[1:]:
        stream = stream + Confusion.count(*pair[:, c], sample_weight=None if weight is None else weight[c])
    for merged in (sum(parts), stream):
        np.testing.assert_allclose(merged.matrix, at_once.matrix, rtol=1e-12)
        assert merged.matrix.dtype == at_once.matrix.dtype
        assert merged.labels.tolist() == at_once.labels.tolist()
    if weight is None:
        total = Confusion.count(*pair[:, chunks[0]])
        for c in chunks[1:]:
            assert total.update(*pair[:, c]) is total
        assert total == at_once


@given(rows())
@pytest.mark.filterwarnings("ignore")
def test_scores_are_the_functions(pair):
    c = Confusion.count(*pair)
    assert np.array_equal(c.matrix, metrics.confusion_matrix(*pair))
    assert c.accuracy == metrics.accuracy_score(*pair)
    assert c.balanced_accuracy == metrics.balanced_accuracy_score(*pair)
    assert c.matthews == metrics.matthews_corrcoef(*pair)
    np.testing.assert_equal(c.kappa("linear"), metrics.cohen_kappa_score(*pair, weights="linear"))
    for average in (None, "macro", "micro", "weighted"):
        assert np.array_equal(c.precision(average), metrics.precision_score(*pair, average=average))
        assert np.array_equal(c.recall(average), metrics.recall_score(*pair, average=average))
        assert np.array_equal(c.f1(average), metrics.f1_score(*pair, average=average))
        assert np.array_equal(c.fbeta(2, average), metrics.fbeta_score(*pair, beta=2, average=average))
    if np.trace(c.matrix):  # without a correct row scikit-learn prints the supports as fractions
        assert c.report() == metrics.classification_report(*pair)
        assert c.report(output_dict=True) == metrics.classification_report(*pair, output_dict=True)
    assert np.array_equal(c.normalized("all"), metrics.confusion_matrix(*pair, normalize="all"))
    assert c.majority == c.support.max() / len(pair[0])


def test_the_textbook_matrix():
    c = Confusion([[16, 2], [1, 2]], [0, 1])
    found = [c.accuracy, c.precision("binary"), c.recall("binary"), c.f1("binary"), c.majority]
    assert np.round(found, 3).tolist() == [0.857, 0.5, 0.667, 0.571, 0.857]


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (9, 10), (10, 10), (450, 1000)])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_wilson(k, n, level):
    found = Confusion([[k, n - k], [0, 0]], [0, 1]).interval(level=level)
    expected = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert found == pytest.approx((k / n, *expected), abs=1e-14)


def test_intervals_of_classes_and_of_any_score():
    c = Confusion([[40, 10], [5, 45]], ["no", "yes"])
    assert c.interval(("recall", "yes"))[0] == 0.9
    assert c.interval(("precision", "yes"))[0] == 45 / 55
    low, high = c.interval(("recall", "yes"), method="bootstrap", random_state=0)[1:]
    wilson = c.interval(("recall", "yes"))
    assert low == pytest.approx(wilson.low, abs=0.03)
    assert high == pytest.approx(wilson.high, abs=0.03)
    f1 = c.interval(lambda part: part.f1("macro"), method="bootstrap", random_state=0)
    assert f1.low < f1.estimate == c.f1("macro") < f1.high
    assert f1 == c.interval(lambda part: part.f1("macro"), method="bootstrap", random_state=0)


def test_mcnemar():
    y = np.zeros(100, int)
    first, second = np.zeros((2, 100), int)
    first[:7], second[10:13] = 1, 1
    assert mcnemar(y, first, second) == (3, 7, 3.0, pytest.approx(stats.binomtest(3, 10).pvalue))
    assert mcnemar(y, second, second).p_value == 1
    first[:], second[:] = 0, 0
    first[:40], second[60:] = 1, 1
    assert mcnemar(y, first, second) == (40, 40, 0, 1)
    second[:] = 0
    found = mcnemar(y, first, second)
    assert found == (0, 40, pytest.approx(39**2 / 40), pytest.approx(stats.chi2.sf(39**2 / 40, 1)))
    assert mcnemar(y, first, first).p_value == 1


def test_views():
    c = Confusion.count(["a<b", "b"], ["a<b", "a<b"])
    assert "a&lt;b" in c._repr_html_()
    assert "accuracy 0.5000 of 2 rows" in str(c)
    assert repr(c) == "Confusion([[1, 0], [1, 0]], labels=['a<b', 'b'])"
    assert Confusion.count([1], [1], labels=[0, 1, 5]).matrix.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Confusion([[1, 2]], [0, 1]), "shape"),
        (lambda: Confusion([[1, 2], [3, 4]], [1, 0]), "ascending"),
        (lambda: Confusion.count([0, 1], [0]), "inconsistent"),
        (lambda: Confusion.count([[0, 1]], [[0, 1]]), "not supported|vectors"),
        (lambda: Confusion.count([1], [1]) + Confusion.count(["a"], ["a"]), "two kinds"),
        (lambda: Confusion.count([1], [1], sample_weight=[0.5]).interval(), "weights"),
        (lambda: Confusion.count([1], [1]).interval(level=2), "level=2"),
        (lambda: Confusion.count([1], [1]).interval(method="exact"), "method='exact'"),
        (lambda: Confusion.count([1], [1]).interval("f1"), "score='f1'"),
        (lambda: Confusion.count([1], [1]).interval(("recall", 2)), "label"),
        (lambda: Confusion.count([1], [1]).interval(max), "bootstrap"),
        (lambda: Confusion.count([1, 2], [1, 1]).interval(("precision", 2)), "no rows"),
        (lambda: Confusion.count([1, 2], [1, 1]).precision("mean"), "average='mean'"),
        (lambda: Confusion.count([1, 2], [1, 1]).precision("binary", pos_label=7), "pos_label"),
        (lambda: Confusion.count([1, 2], [1, 1]).precision(zero_division=3), "zero_division=3"),
        (lambda: Confusion.count([1, 2], [1, 1]).fbeta(-1), "beta=-1"),
        (lambda: Confusion.count([1, 2], [1, 1]).kappa("cubic"), "weights='cubic'"),
        (lambda: Confusion.count([1, 2], [1, 1]).normalized("rows"), "by='rows'"),
        (lambda: Confusion.count([1, 2], [1, 1]).report(target_names=["a"]), "1 target_names for 2"),
        (lambda: mcnemar([1, 2], [1, 2], [1]), "one length"),
    ],
)
def test_errors_name_the_argument(call, words):
    with pytest.raises(ValueError, match=words):
        call()
