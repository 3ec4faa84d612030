"""Pairs of distance and index against Python's own sort, by (distance, index)."""

import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.device import memory, sorting

NUMBERS = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, np.inf]), min_size=1, max_size=40)  # many ties


def pairs_of(values, dtype=np.float64):
    distances = np.array(values, dtype)
    indices = np.random.default_rng(len(values)).permutation(len(values)).astype(np.int64)
    return distances, indices, sorted(zip(distances.tolist(), indices.tolist(), strict=True))


def listed(distances, indices):
    return list(zip(distances.tolist(), indices.tolist(), strict=True))


@given(NUMBERS, st.sampled_from([np.float32, np.float64]))
@effort(1.0)
def test_sort_pairs(values, dtype):
    distances, indices, expected = pairs_of(values, dtype)
    sorting.sort_pairs(distances, indices)
    assert listed(distances, indices) == expected


@given(NUMBERS, st.integers(1, 50))
@effort(1.0)
def test_rank_pairs_writes_the_first(values, k):
    distances, indices, expected = pairs_of(values)
    found = np.full(k, -1.0), np.full(k, -1)
    sorting.rank_pairs(distances, indices, *found)
    assert listed(*found) == (expected + [(-1.0, -1)] * k)[:k]


@given(NUMBERS, st.integers(1, 12))
@effort(1.0)
def test_insert_keeps_the_nearest_in_order(values, k):
    distances, indices, expected = pairs_of(values)
    found = np.full(k, np.inf), np.full(k, -1)
    for s, i in zip(distances, indices, strict=True):
        if found[1][-1] < 0 or (s, i) < (found[0][-1], found[1][-1]):  # as its callers ask before
            sorting.insert(s, i, *found)
    assert listed(*found)[: len(expected)] == expected[:k]


@pytest.mark.parametrize("a", [(0.0, 1), (0.0, 2), (1.0, 0)])
@pytest.mark.parametrize("b", [(0.0, 1), (0.0, 2), (1.0, 0)])
def test_later(a, b):
    assert sorting.later(*a, *b) == (a > b)


@given(st.lists(st.floats(0, 100, width=32), min_size=1, max_size=60), st.data())
@effort(1.0)
def test_selections_bound_the_kth_value(values, data):
    values = np.array(values)
    k = data.draw(st.integers(1, len(values)))
    assert np.sum(values <= sorting.at_most(values, k)) >= k
    low = values.min()
    assert np.sum(values >= sorting.at_least(values, k, low, values.max())) >= k
    far_apart = np.arange(1000.0)
    assert k <= np.sum(far_apart <= sorting.at_most(far_apart, k)) <= k + k // 16
    assert k <= np.sum(far_apart >= sorting.at_least(far_apart, k, 0.0, 999.0)) <= k + k // 8


@given(st.lists(st.integers(-5, 5), max_size=9), st.integers(0, 9))
@effort(0.5)
def test_grown_keeps_the_items(items, more):
    array = np.array(items, np.int64)
    larger = memory.grown(array, len(array) + more)
    assert len(larger) == len(array) + more
    assert larger[: len(array)].tolist() == items
