import numpy as np
import pytest
import scipy.sparse as sp
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference


@st.composite
def regressions(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, d, k = (draw(st.sampled_from(sizes)) for sizes in ([1, 5, 30, 300], [1, 3, 6, 40], [1, 3]))
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < draw(st.sampled_from([0.05, 0.4])))
    X[:, 0] *= draw(st.sampled_from([1.0, 1e-3, 100.0]))
    weight = rng.integers(0, 3, n).astype(float) if draw(st.booleans()) else np.empty(0)
    if len(weight):
        weight[rng.integers(n)] = 1.0
    return X.astype(draw(st.sampled_from([np.float32, np.float64]))), rng.normal(size=(n, k)), weight


@given(problem=regressions())
@effort(0.75)
def test_column_sums_equal_reference(problem):
    X, _, weight = problem
    ours = kernels.column_sums(sp.csr_matrix(X), weight)
    np.testing.assert_allclose(ours, reference.column_sums(X, weight), rtol=1e-12, atol=1e-12)


@given(problem=regressions(), shift=st.sampled_from([0.0, 0.7]))
@effort(0.75)
def test_sparse_residuals_equal_reference(problem, shift):
    X, Y, weight = problem
    arguments = weight, np.ascontiguousarray(Y[:, 0]), np.linspace(-1.0, 1.0, X.shape[1]), shift
    ours = kernels.sparse_residuals(sp.csr_matrix(X), *arguments)
    np.testing.assert_allclose(ours, reference.sparse_residuals(X, *arguments), rtol=1e-11, atol=1e-11)


@given(problem=regressions(), free=st.booleans(), index=st.sampled_from([np.int32, np.int64]))
@effort(0.75)
def test_sparse_squares_equal_reference(problem, free, index):
    X, Y, weight = problem
    d, k = X.shape[1], Y.shape[1]
    v = weight if len(weight) else np.ones(len(X))
    centre, means = (v @ X / v.sum(), v @ Y / v.sum()) if free else (np.zeros(d), np.zeros(k))
    alphas, rows = np.full(k, 0.5), sp.csr_matrix(X)
    rows.indices, rows.indptr = rows.indices.astype(index), rows.indptr.astype(index)
    inverses = 1.0 / (v @ (X.astype(float) - centre) ** 2 + alphas[:, None])
    arguments = Y, weight, centre, means, alphas, inverses, 1e-9, 1000
    coef, steps, done = kernels.sparse_squares(rows, *arguments)
    assert done.all()
    assert (steps <= 1000).all()
    expected = reference.sparse_squares(X, *arguments)[0]
    np.testing.assert_allclose(coef, expected, rtol=1e-6, atol=1e-7 * (1 + np.abs(expected).max()))


def test_without_a_penalty_the_shortest_of_many_solutions_is_found():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 60)) * (rng.random((20, 60)) < 0.3), rng.normal(size=(20, 2))
    arguments = Y, np.empty(0), X.mean(axis=0), Y.mean(axis=0), np.zeros(2), np.ones((2, 60)), 1e-9, 500
    coef, _, done = kernels.sparse_squares(sp.csr_matrix(X), *arguments)
    assert done.all()
    np.testing.assert_allclose(coef, reference.sparse_squares(X, *arguments)[0], atol=1e-8)


def test_what_rounding_or_the_number_of_steps_leaves_undone_is_told():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 6)) * 10.0 ** np.arange(0, 12, 2), rng.normal(size=(50, 1))
    rest = np.empty(0), np.zeros(6), np.zeros(1), np.zeros(1), np.ones((1, 6)), 1e-9
    coef, _, done = kernels.sparse_squares(sp.csr_matrix(X), Y, *rest, 10_000)
    assert not done.any()
    assert np.isfinite(coef).all()
    steps, done = kernels.sparse_squares(sp.csr_matrix(X), Y, *rest, 2)[1:]
    assert (steps[0], done[0]) == (2, False)
    coef, steps, done = kernels.sparse_squares(sp.csr_matrix(X), 0 * Y, *rest, 2)
    assert (coef.any(), steps[0], done[0]) == (False, 0, True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_for_any_number_of_threads(dtype):
    rng = np.random.default_rng(0)
    X = sp.random(20_000, 300, 0.05, "csr", random_state=rng).astype(dtype)
    Y, nothing = rng.normal(size=(20_000, 2)), np.empty(0)
    arrays = X, Y, nothing, np.zeros(300), np.zeros(2), np.ones(2), np.full((2, 300), 1e-2), 1e-9, 100
    sums, results = zip(
        *((kernels.column_sums(X, nothing, n), kernels.sparse_squares(*arrays, n)) for n in (1, 2, 3)), strict=True
    )
    assert all(np.array_equal(s, sums[0]) for s in sums)
    assert all(np.array_equal(a, b) for result in results for a, b in zip(result, results[0], strict=True))
