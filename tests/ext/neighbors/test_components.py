"""The gradient of neighbourhood components against its definition, and against differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import neighbors as kernels
from fastml_ext.neighbors import reference


@given(st.lists(st.integers(1, 80), min_size=1, max_size=4), st.integers(1, 6), st.integers(1, 6), st.data())
def test_shares_and_gradient(counts, d, k, data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    counts[0] += sum(counts) == 1
    size, offset = data.draw(st.sampled_from([(1.0, 0.0), (0.01, 0.0), (30.0, 0.0), (1.0, 100.0)]))
    X = random.integers(-5, 6, (sum(counts), d)) * size + offset
    A = random.normal(size=(k, d))
    total, gradient = kernels.class_shares(A, X, np.array(counts))
    expected, slope = reference.class_shares(A, X, np.array(counts))
    within = 1e-9 * (1 + np.abs(A).max() ** 2 * np.abs(X).max() ** 2)
    assert total == pytest.approx(expected, rel=within, abs=within)
    np.testing.assert_allclose(gradient, slope, rtol=within, atol=within * (1 + np.abs(X).max() ** 2 * len(X)))


def test_the_gradient_is_that_of_the_total():
    random = np.random.default_rng(0)
    X, A, counts = random.normal(size=(90, 3)), random.normal(size=(2, 3)), np.array([30, 40, 20])
    gradient = reference.class_shares(A, X, counts)[1]
    for at in np.ndindex(A.shape):
        step = np.zeros_like(A)
        step[at] = 1e-6
        rise = reference.class_shares(A + step, X, counts)[0] - reference.class_shares(A - step, X, counts)[0]
        assert gradient[at] == pytest.approx(rise / 2e-6, rel=1e-5, abs=1e-6)


def test_the_number_of_threads_changes_no_bit():
    random = np.random.default_rng(0)
    X, A, counts = random.normal(size=(1500, 4)), random.normal(size=(4, 4)), np.array([700, 800])
    first = kernels.class_shares(A, X, counts, n_jobs=1)
    for n_jobs in (2, 5):
        total, gradient = kernels.class_shares(A, X, counts, n_jobs=n_jobs)
        assert total == first[0]
        assert np.array_equal(gradient, first[1])


def test_far_rows_and_rows_that_are_one():
    X = np.array([[0.0], [0.0], [1e3], [1e3], [1e6]])
    for A in (np.eye(1), np.zeros((1, 1))):
        found, expected = (f.class_shares(A, X, np.array([2, 3])) for f in (kernels, reference))
        assert found[0] == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-9, atol=1e-9)
