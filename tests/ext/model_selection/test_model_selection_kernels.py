"""Rows in a drawn order, neighbours without a fold, and votes of many k at once, against their definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import model_selection as kernels
from fastml_ext.model_selection import reference


@st.composite
def elections(draw):
    m, K, n, n_classes = (draw(st.integers(1, most)) for most in (6, 9, 8, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    indices, codes = random.integers(0, n, (m, K)), random.integers(0, n_classes, n)
    weights = np.empty((0, 0))
    if draw(st.booleans()):
        weights = random.integers(0, 4, (m, K)) * draw(st.sampled_from([1.0, 0.1]))
    numbers = np.sort(random.integers(1, K + 1, draw(st.integers(1, 5))))
    return indices, weights, codes, n_classes, numbers


@given(elections())
def test_shares_of_every_k(election):
    np.testing.assert_array_equal(kernels.share_path(*election), reference.share_path(*election))


@given(st.integers(1, 6), st.integers(1, 8), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_first_kept(m, K, k, seed):
    random = np.random.default_rng(seed)
    indices = random.integers(0, 5, (m, K))
    kept = (random.random(5) < 0.6).astype(np.uint8)
    for found, expected in zip(
        kernels.first_kept(indices, kept, k), reference.first_kept(indices, kept, k), strict=True
    ):
        assert np.array_equal(found, expected)


@given(st.integers(0, 700), st.integers(0, 2**32 - 1), st.integers(0, 9))
def test_the_order_is_numpys(n, seed, drawn):
    random, own, other = np.random.RandomState(seed), np.random.RandomState(seed), np.random.RandomState(seed)
    for each in (random, own, other):
        each.random_sample(drawn)
    expected = random.permutation(n)
    assert np.array_equal(kernels.permutation(n, own._bit_generator), expected)
    assert np.array_equal(reference.permutation(n, other._bit_generator), expected)
    assert random.randint(2**31) == own.randint(2**31) == other.randint(2**31)  # as many bits were drawn


def test_the_order_of_many_rows_is_numpys():
    expected = np.random.RandomState(3).permutation(200_000)
    assert np.array_equal(kernels.permutation(200_000, np.random.RandomState(3)._bit_generator), expected)


@given(st.integers(1, 40), st.integers(0, 9), st.integers(0, 90), st.sampled_from("CF"), st.data())
def test_rows_of_every_kind(n, d, m, order, data):
    dtype = data.draw(st.sampled_from(["f8", "f4", "f2", "i1", "?", "u2", "c8", "c16", "U2", "S3", "M8[s]", "m8[D]"]))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    array = np.asarray(random.integers(0, 99, (n, d)).astype(dtype), order=order)
    rows = random.integers(0, n, m) if order == "C" else random.permutation(n)[:m]
    found = kernels.take_rows(array, rows)
    assert found.dtype == array.dtype
    assert found.flags.c_contiguous
    assert np.array_equal(found, reference.take_rows(array, rows))
    assert np.array_equal(found, array[rows])
    if order == "F":
        columns = random.integers(0, n, m)
        found = kernels.take_columns(array.T, columns)
        assert np.array_equal(found, reference.take_columns(array.T, columns))
        assert np.array_equal(found, array.T[:, columns])


def test_large_rows_on_several_threads():
    random = np.random.default_rng(0)
    for array in (random.random((9_000, 33)), np.asfortranarray(random.random((9_000, 33))), random.random(90_000)):
        rows = random.permutation(len(array))
        assert np.array_equal(kernels.take_rows(array, rows[:8_000]), array[rows[:8_000]])
    table = random.random((7, 90_000))
    assert np.array_equal(kernels.take_columns(table, rows), table[:, rows])
