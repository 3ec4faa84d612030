"""The kernels behind the scores of columns against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import selection as kernels
from fastml_ext.selection import cases, reference


@pytest.mark.parametrize("name", kernels.__all__)
@given(seed=st.integers(0, 2**32 - 1))
def test_kernel_equals_definition(name, seed):
    found, expected = (getattr(cases, name)(family, np.random.default_rng(seed)) for family in (kernels, reference))
    close = cases.CLOSE.get(name, 0.0)
    np.testing.assert_allclose(found, expected, rtol=close, atol=1e3 * close)


@pytest.mark.parametrize("n_jobs", [1, 2, 7])
def test_threads_change_no_bit(n_jobs):
    random = np.random.default_rng(0)
    X, x, y = random.standard_normal((20_000, 5)), random.standard_normal(20_000), random.standard_normal(20_000)
    codes, order = random.integers(0, 3, 20_000), np.argsort(y)
    for name, arguments in (
        ("sums_with", (X, y, X[0].copy())),
        ("near_own", (x, codes, 3, 3)),
        ("near_both", (x, y, order, 3)),
    ):
        kernel = getattr(kernels, name)
        assert np.array_equal(kernel(*arguments, n_jobs=n_jobs), kernel(*arguments))


def test_many_points_equal_the_definition():
    """More strips than one, and near ones beyond the next strip."""
    random = np.random.default_rng(1)
    x = np.concatenate([random.standard_normal(300), random.integers(0, 3, 300) + 1e-9 * random.standard_normal(300)])
    y = np.concatenate([random.integers(0, 4, 300).astype(float), random.standard_normal(300)])
    found = kernels.near_both(x, y, np.argsort(y), 2)
    assert np.array_equal(found, reference.near_both(x, y, np.argsort(y), 2))
