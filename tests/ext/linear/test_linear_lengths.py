"""Squared lengths of rows on the axes of classes."""

import numpy as np
import pytest

from fastml_ext import linear as kernels
from fastml_ext.linear import reference


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d", "k"), [(1, 1, 1), (5, 3, 2), (130, 16, 3), (300, 33, 2), (700, 70, 10)])
def test_lengths_of_whole_numbers_are_exact_whatever_other_rows_there_are(n, d, k, dtype):
    random = np.random.default_rng(0)
    X, centre, axes = (random.integers(-3, 4, shape).astype(dtype) for shape in ((n, d), d, (k, d + 1, d)))
    lengths = kernels.squared_lengths(X, centre, axes)
    assert np.array_equal(lengths, reference.squared_lengths(X, centre, axes))
    X = random.normal(size=(n, d)).astype(dtype)
    lengths = kernels.squared_lengths(X, centre, axes)
    assert np.array_equal(lengths, kernels.squared_lengths(X, centre, axes, n_jobs=1))
    assert np.array_equal(lengths[n // 2 :], kernels.squared_lengths(X[n // 2 :].copy(), centre, axes))
