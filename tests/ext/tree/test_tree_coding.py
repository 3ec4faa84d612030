"""Coding of columns and thresholds against their definitions."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastml_ext.tree import Numbers, encode, midpoint, reference, round_down

DTYPES = [
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
]
kinds = st.sampled_from(DTYPES).map(np.dtype)


def finite(dtype):
    return hnp.from_dtype(dtype, allow_infinity=False) if dtype.kind == "f" else hnp.from_dtype(dtype)


@st.composite
def tables(draw):
    """Few distinct values, or any; close together, as whole numbers are, or far apart; either order of axes."""
    dtype = draw(kinds)
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=20))
    elements = finite(dtype)
    if draw(st.booleans()):
        elements = st.sampled_from(draw(st.lists(elements, min_size=1, max_size=4)))
    X = draw(hnp.arrays(dtype, shape, elements=elements))
    return np.asfortranarray(X) if draw(st.booleans()) else X


def agree(X, n_jobs=None):
    for (values, codes), (expected, places) in zip(encode(X, n_jobs), reference.encode(X), strict=True):
        assert values.dtype == expected.dtype
        assert np.array_equal(values, expected)
        assert not np.signbit(values[values == 0]).any()
        assert np.array_equal(codes, places)


@given(tables())
def test_encode(X):
    agree(X)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "uint64"])
@pytest.mark.parametrize("spread", [3, 300, 10**5, 10**9])
def test_encode_many_rows(dtype, spread):
    random = np.random.default_rng(spread)
    X = random.integers(0, min(spread, 255 if dtype == "uint8" else spread), (3000, 20)).astype(dtype)
    if X.dtype.kind == "f":
        X[random.random(X.shape) < 0.1] = np.nan
        agree(X + np.asarray(0.5, dtype))
    agree(X, n_jobs=2)
    assert [codes.itemsize for _, codes in encode(X[:, :1])] == [1 if len(np.unique(X[:, 0])) < 256 else 2]


def agree_as_numbers(X, n_jobs=None):
    """Dense, and by the entries that are not 0, and by some that are."""
    numbers, expected = Numbers(X, n_jobs), reference.encode(X)
    assert len(numbers) == len(expected)
    for j, (column, (values, codes)) in enumerate(zip(numbers, expected, strict=True)):
        assert np.array_equal(column.values, values)
        assert column.values.dtype == X.dtype
        assert not np.signbit(column.values[column.values == 0]).any()
        assert np.array_equal(column.codes, codes)
        assert numbers.missing[j] == np.isnan(X[:, j]).any()
        spread = float(values[-1]) - float(values[0]) if len(values) else 0.0
        assert numbers.spread[j] == (spread if np.isfinite(spread) else 0)


def agree_as_entries(X, stored, n_jobs=None):
    rows = [np.flatnonzero(column).astype(np.uint32) for column in stored.T]
    data = np.concatenate([X[at, j] for j, at in enumerate(rows)])
    begin = np.cumsum([0, *map(len, rows)])
    numbers = Numbers((data, np.concatenate(rows), begin, len(X)), n_jobs)
    for column, at, (values, codes, rest) in zip(numbers, rows, reference.encode_sparse(data, begin), strict=True):
        assert np.array_equal(column.values, values)
        if len(at):
            assert np.array_equal(column.rows, at)
            assert np.array_equal(column.codes, codes)
            assert column.rest == rest
        else:
            assert (column.codes.tolist(), column.values.tolist()) == ([0], [0.0])


@given(tables().filter(lambda X: X.dtype.char in "fd"), st.integers(0, 2**31))
def test_numbers(X, seed):
    agree_as_numbers(X)
    agree_as_entries(X, np.isnan(X) | (X != 0) | (np.random.default_rng(seed).random(X.shape) < 0.2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "n_values"), [(255, 10**6), (256, 10**6), (300, 200), (1000, 30), (70_000, 10**9)])
def test_numbers_of_many_rows(dtype, n, n_values):
    random = np.random.default_rng(n)
    X = (random.integers(-n_values, n_values, (n, 3)) / 8).astype(dtype)
    X[random.random(X.shape) < 0.3] = 0
    X[random.random(X.shape) < 0.01] = np.nan
    agree_as_numbers(X, n_jobs=2)
    agree_as_entries(X, random.random(X.shape) < 0.99, n_jobs=2) if n < 70_000 else agree_as_entries(X, X != 0)


def test_encode_needs_no_more_than_31_bits_for_a_row():
    X = np.broadcast_to(np.zeros((1, 1)), (2**31, 1))
    with pytest.raises(ValueError, match="2147483648 rows"):
        encode(X)


@given(kinds.flatmap(lambda dtype: st.tuples(finite(dtype), finite(dtype))))
def test_midpoint(pair):
    a, b = np.array([min(pair)]), np.array([max(pair)])
    if not a < b:
        return
    middle = midpoint(a, b)
    assert middle.dtype == a.dtype
    assert a <= middle < b
    assert middle == reference.midpoint(a, b)


@example(-np.finfo(np.float64).max, np.dtype(np.float64))
@given(st.floats(allow_nan=False), kinds.filter(lambda dtype: dtype.kind != "b"))
def test_round_down(x, dtype):
    result, expected = round_down(np.array([x]), dtype), reference.round_down([x], dtype)
    assert result.dtype == dtype
    assert result == expected
