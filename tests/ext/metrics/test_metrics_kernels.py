"""The kernels that code and count labels, against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import metrics
from fastml_ext.metrics import reference


@st.composite
def code_pairs(draw):
    n, width, lowest = draw(st.integers(1, 30)), draw(st.integers(1, 5)), draw(st.integers(-3, 3))
    values = st.lists(st.integers(lowest, lowest + width - 1), min_size=n, max_size=n)
    return np.array(draw(values), np.int64), np.array(draw(values), np.int64), lowest, width


def weights(n, seed):
    return np.random.default_rng(seed).integers(-3, 4, n) * 0.1


@given(code_pairs(), st.integers(0, 30), st.integers(0, 30))
def test_count_pairs(pairs, start, stop):
    y_true, y_pred, low, width = pairs
    start, stop = sorted((min(start, len(y_true)), min(stop, len(y_true))))
    expected = reference.count_pairs(start, stop, y_true, y_pred, low, width)
    assert np.array_equal(metrics.count_pairs(start, stop, y_true, y_pred, low, width), expected)
    assert np.array_equal(metrics.margins(expected), reference.margins(expected))
    assert metrics.extent(y_true, y_pred) == reference.extent(y_true, y_pred)


@given(code_pairs(), st.integers(0, 99))
def test_weighted_counts(pairs, seed):
    y_true, y_pred, low, width = pairs
    weight = weights(len(y_true), seed)
    table = metrics.count_pairs_weighted(y_true, y_pred, weight, low, width)
    assert np.array_equal(table, reference.count_pairs_weighted(y_true, y_pred, weight, low, width))
    for w in (None, weight):
        expected = reference.count_margins(y_true, y_pred, w, low, width)
        assert np.array_equal(metrics.count_margins(y_true, y_pred, w, low, width), expected)


def same(found, expected):
    return all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


integers = st.integers(-(2**63), 2**63 - 1) | st.integers(-4, 4)


@given(st.lists(st.tuples(integers, integers), min_size=1, max_size=40))
def test_code_integers(rows):
    y_true, y_pred = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    assert same(metrics.code_integers(y_true, y_pred), reference.code_integers(y_true, y_pred))


# "\0" inside a string, strings of several widths, and characters beyond 16 bits.
texts = st.text("ab\0é😀", max_size=4).filter(lambda text: not text.endswith("\0"))


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=40), st.integers(0, 3))
def test_code_strings(rows, padding):
    y_true, y_pred = ([row[side] for row in rows] for side in (0, 1))
    objects = np.array(y_true, object), np.array(y_pred, object)
    assert same(metrics.code_objects(*objects), reference.code_objects(*objects))
    assert np.array_equal(metrics.equal_objects(*objects), reference.equal_objects(*objects))
    tables = [
        np.array(y, f"<U{width}").view(np.uint32).reshape(len(y), width)
        for y, width in ((y_true, 4 + padding), (y_pred, 4))
    ]
    assert same(metrics.code_strings(*tables), reference.code_strings(*tables))


@pytest.mark.parametrize("n_values", [31, 32, 33, 5000])
def test_a_growing_table_of_labels(n_values):
    """The hash table is doubled at half its slots; hostile values share their low bits."""
    random = np.random.default_rng(0)
    y = (random.permutation(np.repeat(np.arange(n_values), 2)) - n_values // 2) << 40
    values, codes, others = metrics.code_integers(y, y[::-1].copy())
    assert np.array_equal(values[codes], y)
    assert np.array_equal(values[others], y[::-1])
    assert len(values) == n_values == len(set(values.tolist()))
    texts = y.astype(str)
    table = texts.view(np.uint32).reshape(len(y), -1)
    first, codes, others = metrics.code_strings(table, table[::-1].copy())
    assert np.array_equal(texts[first[codes]], texts)
    assert np.array_equal(texts[first[others]], texts[::-1])


@pytest.mark.parametrize("other", [1, None, b"a", 1.5, ("a",)])
def test_objects_that_are_no_strings(other):
    y = np.array(["a", "b", "b"], object)
    broken = y.copy()
    broken[2] = other
    for function in (metrics.code_objects, metrics.equal_objects):
        assert function(y, broken) is None
        assert function(broken, y) is None
    for function in (reference.code_objects, reference.equal_objects):
        assert function(y, broken) is None


def test_objects_of_any_stride_and_read_only():
    y = np.array(["a", "x", "b", "x"], object)
    y.setflags(write=False)
    values, codes, _ = metrics.code_objects(y[::2], y[::-2])
    assert (values, codes.tolist()) == (["a", "b", "x"], [0, 1])
