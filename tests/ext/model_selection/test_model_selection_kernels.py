"""Neighbours without a fold, and votes of every number of neighbours at once, against their definition."""

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
