"""Newton's method with conjugate gradients on sparse rows: the optimum of the definition."""

import numpy as np
import pytest
import scipy.sparse as sp
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference


def objectives(X, signs, cost, bias, W):
    short = np.maximum(0.0, 1.0 - signs * (X.astype(float) @ W[:, :-1].T + bias * W[:, -1]).T)
    return (W**2).sum(axis=1) / 2 + (cost * short**2).sum(axis=1)


@given(
    seed=st.integers(0, 2**32),
    size=st.tuples(st.sampled_from([1, 5, 40]), st.sampled_from([1, 3, 8])),
    dtypes=st.tuples(st.sampled_from([np.float32, np.float64]), st.sampled_from([np.int32, np.int64])),
    settings=st.tuples(st.sampled_from([0.01, 1.0, 100.0]), st.sampled_from([0.0, 1.0, 5.0])),
)
@effort(0.5)
def test_truncated_svm_equals_reference(seed, size, dtypes, settings):
    random, (dtype, index), (C, bias) = np.random.default_rng(seed), dtypes, settings
    X = (random.normal(size=size) * (random.random(size) < 0.4)).astype(dtype)
    signs, shape = random.choice([-1.0, 1.0], (2, size[0])), (2, size[0])
    cost = C * random.uniform(0.5, 2, shape) * (random.random(shape) > 0.1)
    rows = sp.csr_array(X)
    rows.indices, rows.indptr = rows.indices.astype(index), rows.indptr.astype(index)
    W, _, done = kernels.truncated_svm(rows, signs, cost, bias, 1e-9, 1000)
    ours = objectives(X, signs, cost, bias, W)
    theirs = objectives(X, signs, cost, bias, reference.truncated_svm(X, signs, cost, bias, 1e-9, 1000)[0])
    assert done.all()
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)
    again, iterations, _ = kernels.truncated_svm(rows, signs, cost, bias, 1e-9, 1000, W)
    np.testing.assert_allclose(objectives(X, signs, cost, bias, again), ours, rtol=1e-8, atol=1e-12)
    assert (iterations <= 3).all()


@pytest.mark.parametrize("value", [1e200, 1e-200])
def test_values_whose_squares_are_no_numbers(value):
    X = sp.csr_array(np.array([[value, 0.0], [0.0, 1.0], [-value, 1.0]]))
    with np.errstate(over="ignore", invalid="ignore"):
        W, _, done = kernels.truncated_svm(X, np.array([[1.0, -1.0, -1.0]]), np.ones((1, 3)), 1.0, 1e-7, 50)
    assert bool(done[0]) == (value < 1.0)


def test_iterations_end():
    random = np.random.default_rng(0)
    X, signs = sp.csr_array(random.normal(size=(50, 5))), random.choice([-1.0, 1.0], (1, 50))
    _, iterations, done = kernels.truncated_svm(X, signs, np.ones((1, 50)), 1.0, 1e-12, 1)
    assert (iterations.tolist(), done.tolist()) == ([1], [False])
