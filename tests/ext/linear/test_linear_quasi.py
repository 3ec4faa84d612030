import numpy as np
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference
from fastml_ext.linear.codes import LOSSES


@given(seed=st.integers(0, 2**32), size=st.sampled_from([1, 3, 40]), pairs=st.integers(0, 5))
@effort(0.5)
def test_quasi_newton_equals_reference(seed, size, pairs):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    curvature = root @ root.T + np.eye(size)
    steps, order = rng.normal(size=(5, size)), rng.permutation(5)[:pairs]
    changes, right, diagonal = steps @ curvature, rng.normal(size=size), rng.uniform(0.5, 2, size)
    given = steps, changes, order, lambda q: diagonal * q
    H_right, expected = (m.quasi_newton(*given, right) for m in (kernels, reference))
    np.testing.assert_allclose(H_right, expected, rtol=1e-7, atol=1e-7 * np.abs(expected).max())
    if pairs:  # the newest step is what the inverse makes of its change
        np.testing.assert_allclose(kernels.quasi_newton(*given, changes[order[-1]]), steps[order[-1]], atol=1e-7)


@given(
    seed=st.integers(0, 2**32),
    n=st.sampled_from([1, 4, 7, 50, 150]),
    p=st.sampled_from([1, 5, 33]),
    k=st.integers(1, 4),
    far=st.sampled_from([0.0, 1.0, 8.0]),
)
@effort(0.5)
def test_table_pass_equals_reference(seed, n, p, k, far):
    rng = np.random.default_rng(seed)
    code = LOSSES["log"] if k > 1 or rng.integers(2) else LOSSES["squared_hinge"]
    Y = rng.choice([-1.0, 1.0], n) if k == 1 else rng.integers(0, k, n).astype(float)
    Z, U, weight = rng.normal(size=(n, p)), far * rng.normal(size=(k, p)), rng.uniform(0, 2, n)
    seen = np.empty((n, k)), np.empty((n, k))
    given = code, Z, Y, weight, rng.uniform(0, 1, p), U
    (value, gradient), (expected, slopes) = (
        m.table_pass(*given, S) for m, S in zip((kernels, reference), seen, strict=True)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(*seen, rtol=1e-11, atol=1e-14)  # shares: exp of a score that is rounded


def test_table_pass_has_the_same_bits_on_any_number_of_threads():
    rng = np.random.default_rng(0)
    Z, Y, U = rng.normal(size=(4001, 60)), rng.integers(0, 3, 4001).astype(float), rng.normal(size=(3, 60))
    passes = [
        kernels.table_pass(LOSSES["log"], Z, Y, np.ones(4001), np.ones(60), U, np.empty((4001, 3)), n_jobs)
        for n_jobs in (1, 2, 3)
    ]
    assert all(value == passes[0][0] for value, _ in passes)
    assert all((gradient == passes[0][1]).all() for _, gradient in passes)
