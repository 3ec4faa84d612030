"""Sines and remainders against the definition: large numbers, quarters of a turn, missing values, float32."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.features import periodic, reference

PERIODS = st.sampled_from([0.1, 1.0, 7.0, 24.0, 86400.0])


@st.composite
def columns(draw):
    dtype, n, d = draw(st.sampled_from([np.float32, np.float64])), draw(st.integers(1, 12)), draw(st.integers(1, 3))
    numbers = st.one_of(st.integers(-(10**6), 10**6).map(lambda k: k / 8), st.sampled_from([0.0, np.nan, 1.7e9 + 3]))
    X = np.array(draw(st.lists(numbers, min_size=n * d, max_size=n * d)), dtype).reshape(n, d)
    period = np.array(draw(st.lists(PERIODS, min_size=d, max_size=d)))
    return X, period, np.array(draw(st.lists(st.sampled_from([0.0, -2.5, 6.0]), min_size=d, max_size=d)))


@given(case=columns(), n_harmonics=st.integers(1, 5))
def test_harmonics(case, n_harmonics):
    found = periodic.harmonics(*case, n_harmonics)
    expected = reference.harmonics(*case, n_harmonics)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, atol=4e-15 * n_harmonics if found.dtype == np.float64 else 1e-7)


@given(case=columns())
def test_wrap_is_exact(case):
    np.testing.assert_array_equal(periodic.wrap(*case), reference.wrap(*case))


def test_quarters_of_a_turn_are_exact():
    X = np.arange(-8.0, 9.0)[:, None] * 6
    found = periodic.harmonics(X, np.array([24.0]), np.zeros(1), 1)
    np.testing.assert_array_equal(found, np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])[np.arange(-8, 9) % 4])
    assert not np.signbit(found[found == 0]).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_place_of_a_block_and_any_number_of_threads(dtype):
    X = np.random.default_rng(0).normal(0, 1e4, (20_011, 2)).astype(dtype)
    period, origin = np.array([3.0, 0.7]), np.array([0.0, 0.1])
    one, four = (periodic.harmonics(X, period, origin, 3, n_jobs) for n_jobs in (1, 4))
    np.testing.assert_array_equal(one, four)
    angle = 2 * np.pi * np.mod(X.astype(np.float64) - origin, period) / period
    expected = np.stack([f(h * angle) for h in (1, 2, 3) for f in (np.sin, np.cos)], axis=2).reshape(len(X), -1)
    np.testing.assert_allclose(one, expected, atol=1e-14 if dtype == np.float64 else 1e-7)


@pytest.mark.parametrize("period", [0.7, 1.0, 3.0, 24.0, 365.25, 1e-200])
def test_numbers_far_away(period):
    """The remainder of a number of any size is exact; a product finds the whole periods of small ones only."""
    X = np.array([[sign * x] for x in (1e15, 1e16, 1e17, 1e18, 3e40, 1e107, 1e300, 1.7e308) for sign in (1, -1)])
    case = X, np.array([period]), np.zeros(1)
    np.testing.assert_allclose(periodic.harmonics(*case, 2), reference.harmonics(*case, 2), atol=1e-14)
