import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import columns, reference


@st.composite
def regressions(draw, few=False):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, d, k = draw(st.sampled_from([1, 5, 300])), draw(st.sampled_from([1, 3, 6, 40])), draw(st.sampled_from([1, 1, 3]))
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.8) + draw(st.sampled_from([0.0, 100.0]))
    X = rng.integers(0, 3, (n, d)) + 5.0 if draw(st.booleans()) else X
    X[:, 0] = 7.1 if draw(st.booleans()) else X[:, 0]
    weight = rng.integers(0, 3, n).astype(float) if draw(st.booleans()) else np.empty(0)
    if len(weight):
        weight[rng.integers(n)] = 1.0
    return X.astype(draw(st.sampled_from([np.float32, np.float64]))), rng.normal(size=(n, k)), weight


@given(problem=regressions(), shifted=st.booleans())
@effort(0.75)
def test_moments_equal_reference(problem, shifted):
    X, Y, weight = problem
    shift = X[0] * 1.0 if shifted else np.zeros(X.shape[1])
    ours, expected = (m.moments(X, Y, weight, shift.astype(float), Y[0]) for m in (kernels, reference))
    lengths = np.sqrt(expected.diagonal())
    precision = 1e-12 if X.dtype == np.float64 else 5e-5  # equal numbers are all rounded the same way
    assert (np.abs(ours - expected) <= precision * np.outer(lengths, lengths) + 1e-300).all()
    coef, intercept = np.ones((Y.shape[1], X.shape[1])), np.full(Y.shape[1], 0.5)
    ours, expected = (
        m.residual_moments(X, Y, weight, shift.astype(float), Y[0], coef, intercept) for m in (kernels, reference)
    )
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-10 * len(X) * (1 + np.abs(X).max()) ** 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (257, 1), (600, 7), (300, 16), (513, 33), (40, 100)])
def test_products_of_columns_of_whole_numbers_are_exact(shape, dtype):
    rng = np.random.default_rng(0)
    (n, d), t = shape, 2
    X, targets = (rng.integers(-4, 5, size).astype(dtype) for size in (shape, (t, n)))
    for first, last in ((0, n), (n // 3, n), (0, n // 2)):
        total, rows = np.zeros((d + t, d + t)), X[first:last].astype(float)
        columns.add_products(first, last, X, targets, total)
        assert np.array_equal(total[:d, :d], rows.T @ rows)
        assert np.array_equal(total[d:, :d], targets[:, first:last].astype(float) @ rows)
        assert np.array_equal(total[:d, d:], total[d:, :d].T)
        assert not total[d:, d:].any()


@given(problem=regressions(), free=st.booleans())
@effort(0.75)
def test_small_squares_equal_reference(problem, free):
    X, Y, weight = problem
    for alphas in (np.full(Y.shape[1], 2.0), np.arange(Y.shape[1]) + 0.5):
        ours, expected = (m.small_squares(X, Y, weight, alphas, free) for m in (kernels, reference))
        for a, b in zip(ours[1:4], expected[1:4], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-7)
        assert ours[4] == expected[4] or not expected[4]
        if ours[4]:
            np.testing.assert_allclose(ours[0], expected[0], rtol=1e-6, atol=1e-7)


def test_dependent_columns_are_told():
    X = np.random.default_rng(0).normal(size=(50, 3))
    X[:, 2] = X[:, 0] - X[:, 1]
    for m in (kernels, reference):
        assert not m.small_squares(X, X[:, :1], np.empty(0), np.zeros(1), True)[4]
        assert m.small_squares(X, X[:, :1], np.empty(0), np.full(1, 1.0), True)[4]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_the_same_bits_for_any_number_of_threads(dtype, offset):
    rng = np.random.default_rng(0)
    X, Y = (rng.normal(size=(20_000, 60)) + offset).astype(dtype), rng.normal(size=(20_000, 1))
    shift, nothing = np.full(60, offset), np.empty(0)
    results = [
        (
            kernels.moments(X, Y, nothing, shift, Y[0], n_jobs=n),
            kernels.residual_moments(X, Y, nothing, shift, Y[0], np.ones((1, 60)), np.zeros(1), n_jobs=n),
        )
        for n in (1, 2, 3)
    ]
    for result in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(result, results[0], strict=True))
