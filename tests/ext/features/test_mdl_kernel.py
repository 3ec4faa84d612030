"""Cuts by description length: kernel against definition, the published formula by hand, weights as repetition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.features import mdl, reference


@st.composite
def coded(draw):
    """([codes], [n_values], y, weight, n_classes): classes that depend on the codes, and noise."""
    n = draw(st.integers(1, 60))
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.uint32]))
    codes = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype)
    noise = np.array(draw(st.lists(st.sampled_from([0, 0, 0, 0, 1, 2]), min_size=n, max_size=n)))
    y = (codes > 3).astype(np.int64) + np.where(codes > 6, noise, noise // 2)
    weights = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0])
    weight = np.array(draw(st.lists(weights, min_size=n, max_size=n))) if draw(st.booleans()) else None
    return [codes, codes[::-1].copy()], [9, 10], y, weight, 5


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype == np.int64
        np.testing.assert_array_equal(a, b)


@given(case=coded())
def test_cuts(case):
    assert_same(mdl.mdl_cuts(*case), reference.mdl_cuts(*case))


@given(case=coded())
def test_weights_are_repetitions(case):
    codes, n_values, y, weight, n_classes = case
    times = np.ones(len(y), int) if weight is None else np.ceil(weight).astype(int)
    again = [np.repeat(c, times) for c in codes], n_values, np.repeat(y, times), None, n_classes
    assert_same(mdl.mdl_cuts(codes, n_values, y, times.astype(float), n_classes), mdl.mdl_cuts(*again))


def one_cut(low, high):
    """Where a column of two values is cut: `low` and `high` are the classes at each."""
    codes = np.repeat([0, 1], [len(low), len(high)]).astype(np.uint8)
    y = np.array([*low, *high], np.int64)
    (found,), (expected,) = (f.mdl_cuts([codes], [2], y, None, 2) for f in (mdl, reference))
    np.testing.assert_array_equal(found, expected)
    return found.tolist()


@pytest.mark.parametrize(
    ("low", "high", "gain", "price"),
    [
        ([0], [1], 1.0, (0 + np.log2(7) - 2) / 2),
        ([0] * 10, [1] * 10, 1.0, (np.log2(19) + np.log2(7) - 2) / 20),
        ([0, 1], [1, 1], 0.311278, (np.log2(3) + np.log2(7) - 2 * 0.811278 + 2) / 4),
        ([0, 1] * 3, [1] * 6, 0.311278, (np.log2(11) + np.log2(7) - 2 * 0.811278 + 2) / 12),
        ([0, 1] * 20, [1] * 40, 0.311278, (np.log2(79) + np.log2(7) - 2 * 0.811278 + 2) / 80),
    ],
)
def test_the_price_by_hand(low, high, gain, price):
    assert one_cut(low, high) == ([0] if gain > price else [])


def test_noise_is_not_cut():
    assert one_cut([0, 1] * 50, [1, 0] * 50) == []


def test_equal_gains_are_cut_lowest_first_and_again():
    codes = np.repeat([0, 1, 2], 20).astype(np.uint8)
    (found,) = mdl.mdl_cuts([codes], [3], np.repeat([0, 1, 0], 20), None, 2)
    assert found.tolist() == [0, 1]


def test_any_number_of_threads_gives_the_same():
    random = np.random.default_rng(0)
    codes = list(random.integers(0, 200, (8, 3000)).astype(np.uint8))
    y = (codes[2] > 90).astype(np.int64) ^ (random.random(3000) < 0.1)
    one, four = (mdl.mdl_cuts(codes, [200] * 8, y, None, 2, n_jobs) for n_jobs in (1, 4))
    assert_same(one, four)
    assert [len(cuts) for cuts in one] == [0, 0, 1, 0, 0, 0, 0, 0]
