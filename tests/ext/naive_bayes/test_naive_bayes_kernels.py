"""The kernels of naive Bayes against their definitions."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import naive_bayes as kernels
from fastml_ext.blocks import BLOCK, Tree
from fastml_ext.naive_bayes import cases, reference
from fastml_ext.naive_bayes.checks import first_in_rows
from fastml_ext.naive_bayes.chunks import number_of_chunks
from fastml_ext.naive_bayes.counting import above_sparse, categories_of_rows, sum_dense, sum_sparse
from fastml_ext.naive_bayes.scoring import category_rows, gaussian_rows, linear_dense, linear_sparse
from fastml_ext.naive_bayes.welford import take_rows

EACH = np.empty(0)


@pytest.mark.parametrize("name", kernels.__all__)
@given(seed=st.integers(0, 2**32 - 1))
def test_kernel_equals_definition(name, seed):
    case = getattr(cases, name)
    found, expected = (case(family, np.random.default_rng(seed)) for family in (kernels, reference))
    if name in ("first_negative", "has_repeats"):
        assert found == expected
        return
    close = cases.CLOSE.get(name, 0.0)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=close, atol=1e3 * close if "moments" in name else close)


# ------------------------------------------------------------------------------------------------ parts and threads


def wide(n, d, dtype=np.float64, missing=False):
    random = np.random.default_rng(0)
    X = random.integers(0, 9, (n, d)).astype(dtype)
    if missing:
        X[random.random((n, d)) < 0.1] = np.nan
    return X, random.integers(0, 3, n)


@pytest.mark.parametrize("missing", [False, True])
def test_many_parts_give_what_the_definition_gives_on_any_number_of_threads(missing):
    X, codes = wide(40_000, 70, missing=missing)
    assert number_of_chunks(*X.shape[:1], X.size, 210) > 1
    for count in (
        lambda n_jobs: kernels.sum_by_class(X, codes, EACH, 3, n_jobs)[0],
        lambda n_jobs: kernels.sum_by_class(sp.csr_matrix(X), codes, EACH, 3, n_jobs)[0],
        lambda n_jobs: np.stack(kernels.count_above(X, codes, EACH, 3, 4.0, n_jobs)),
        lambda n_jobs: np.stack(kernels.moments(X, codes, EACH, 3, n_jobs)),
        lambda n_jobs: kernels.count_categories(X, codes, EACH, 9 * np.arange(71), 3, n_jobs),
    ):
        assert np.array_equal(count(1), count(3))
    assert np.array_equal(kernels.sum_by_class(X, codes, EACH, 3)[0], reference.sum_by_class(X, codes, EACH, 3)[0])
    for found, expected in zip(kernels.count_above(X, codes, EACH, 3, 4.0),
                               reference.count_above(X, codes, EACH, 3, 4.0), strict=True):  # fmt: skip
        assert np.array_equal(found, expected)
    for found, expected in zip(kernels.moments(X, codes, EACH, 3), reference.moments(X, codes, EACH, 3), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_blocks_are_joined_as_merge_moments_joins_them():
    """To the bit: what a table in parts adds up block by block is what one call makes of the whole."""
    n = 5 * BLOCK + 17
    X, codes = np.random.default_rng(0).normal(1e3, 1.0, (n, 3)).astype(np.float32), np.arange(n)
    codes %= 7
    tree = Tree(kernels.merge_moments)
    for start in range(0, len(X), BLOCK):
        tree.add(kernels.moments(X[start : start + BLOCK], codes[start : start + BLOCK], EACH, 7))
    for found, expected in zip(kernels.moments(X, codes, EACH, 7), tree.total(), strict=True):
        assert np.array_equal(found, expected)


@given(st.integers(1, 10**9), st.integers(1, 10**6), st.integers(1, 10**7))
def test_the_parts_bound_the_memory(n, d, table):
    parts = number_of_chunks(n, n * d, table)
    assert 1 <= parts <= n
    assert parts == 1 or parts * table <= 2**22


@pytest.mark.parametrize("offset", [0, 1e4, 1e8, -1e12])
def test_moments_far_from_zero(offset):
    """Whatever the offset, the spread is that of the same numbers round 0."""
    X = np.random.default_rng(0).integers(-8, 9, (5000, 3)).astype(float)
    codes = np.arange(5000) % 2
    shifted = kernels.moments(X + offset, codes, EACH, 2)
    np.testing.assert_allclose(shifted[2], reference.moments(X, codes, EACH, 2)[2], rtol=1e-6)
    expected = reference.moments(X, codes, EACH, 2)[1] + offset
    np.testing.assert_allclose(shifted[1], expected, rtol=1e-14, atol=1e-14)


def test_a_constant_has_no_spread():
    total, mean, spread = kernels.moments(np.full((999, 2), 0.1), np.zeros(999, np.int64), EACH, 1)
    assert (total == 999).all()
    assert (mean == 0.1).all()
    assert (spread == 0).all()


# ------------------------------------------------------------------------------------------------ beyond 2**31

FAR = 2**31 + 7


def repeated(row, n):
    """n equal rows that take the memory of one."""
    return np.broadcast_to(np.asarray(row), (n, *np.shape(row)))


def test_rows_beyond_two_to_the_31():
    X = repeated([1.0, 2.0], FAR)
    prior, tables = np.zeros(2), np.array([[1.0, 2.0], [3.0, 4.0]])
    result = np.lib.stride_tricks.as_strided(np.zeros((1, 2)), (FAR, 2), (0, 8))
    for kernel, arguments, expected in (
        (linear_dense, (tables, prior), [5, 11]),
        (gaussian_rows, (tables, tables, np.zeros((2, 2)), prior), [0, -50]),
        (category_rows, (np.array([0, 3, 6]), np.arange(12.0).reshape(6, 2), prior), [12, 14]),
    ):
        kernel(FAR - 2, FAR, X, *arguments, result)
        assert result[-1].tolist() == expected
    assert first_in_rows(FAR - 2, FAR, repeated([1.0, -2.0], FAR)) == 2 * (FAR - 2) + 1


def test_counting_rows_beyond_two_to_the_31():
    """The last of as many parts, or blocks, as there are rows is one row."""
    X, codes, parts = repeated([1.0, 2.0], FAR), repeated(np.int64(1), FAR), FAR
    for kernel, before, shapes in (
        (sum_dense, (1,), [(2, 2), ()]),
        (take_rows, (1,), [(2,), (2, 2), (2, 2), (2, 2)]),
        (categories_of_rows, (np.array([0, 3, 6]),), [(6, 2)]),
    ):
        tables = [np.zeros(shape) for shape in shapes]
        every = [np.lib.stride_tricks.as_strided(t, (parts, *t.shape), (0, *t.strides)) for t in tables]
        kernel(parts - 1, parts, X, codes, EACH, *before, *every)
        assert tables[0].sum() == (1 if kernel is take_rows else 3 if kernel is sum_dense else 2)
    starts = np.array([FAR - 2, FAR], np.int64)  # two stored values behind 2**31 others
    data, indices = repeated(2.0, FAR), repeated(np.int64(3), FAR)
    sums, negative, scores = np.zeros((1, 1, 4)), np.zeros(1, np.int64), np.zeros((1, 1))
    zero = np.zeros(1, np.int64)
    sum_sparse(0, 1, data, indices, starts, zero, EACH, sums, negative)
    assert sums.ravel().tolist() == [0, 0, 0, 4]
    above, missing = np.zeros((2, 1, 1, 4))
    above_sparse(0, 1, data, indices, starts, zero, EACH, 1.0, above, missing)
    assert above.ravel().tolist() == [0, 0, 0, 2]
    linear_sparse(0, 1, data, indices, starts, np.ones((4, 1)), np.zeros(1), scores)
    assert scores[0, 0] == 4


def test_counts_beyond_two_to_the_31():
    weight = np.array([2.0**40, 1.0])
    sums, _ = kernels.sum_by_class(np.ones((2, 1)), np.zeros(2, np.int64), weight, 1)
    assert sums[0, 0] == 2**40 + 1
