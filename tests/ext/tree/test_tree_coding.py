"""Coding of columns and thresholds against their definitions."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastml_ext.tree import encode, midpoint, reference, round_down

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
