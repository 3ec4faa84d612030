import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference


@given(st.integers(0, 2**32), st.integers(1, 8), st.sampled_from([0.0, 0.1, 1.0]))
def test_quadratic_lasso(seed, d, l1):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(2 * d, d))
    H, gradient, u, l1 = A.T @ A + 0.1 * np.eye(d), 3 * rng.normal(size=d), rng.normal(size=d), np.full(d, l1)
    ours = kernels.quadratic_lasso(H, gradient, u, l1, 1e-12, 100_000)
    np.testing.assert_allclose(ours, reference.quadratic_lasso(H, gradient, u, l1, 1e-12, 100_000), atol=1e-8)
    slope = gradient + H @ (ours - u)  # optimal: the slope is -l1 sign(w), or below l1 where w is 0
    at_zero = ours == 0
    assert (np.abs(slope[at_zero]) <= l1[at_zero] + 1e-9).all()
    np.testing.assert_allclose(slope[~at_zero], -(l1 * np.sign(ours))[~at_zero], atol=1e-9)
