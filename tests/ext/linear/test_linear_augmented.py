"""Newton's method on augmented Lagrangians: the gap closes, and the weights are the definition's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference

sizes = st.tuples(st.integers(1, 40), st.integers(1, 8))


def objectives(table, signs, cost, squared, W, alpha):
    hinge = np.maximum(0, 1 - signs * (W @ table))
    back = (alpha * signs) @ table.T
    values = (W**2).sum(axis=1) / 2 + (cost * (hinge**2 if squared else hinge)).sum(axis=1)
    curve = np.divide(alpha**2, 4 * cost, out=np.zeros_like(cost), where=cost > 0) if squared else np.zeros_like(cost)
    return values, alpha.sum(axis=1) - (back**2).sum(axis=1) / 2 - curve.sum(axis=1)


def draw(random, n, p, kind):
    table = random.normal(size=(p, n))
    if kind == "integers":
        table = random.integers(-2, 3, (p, n)).astype(float)
    elif kind == "duplicates":
        table = table[:, random.integers(0, max(1, n // 4), n)]
    elif kind == "offset":
        table = table * 10.0 ** random.integers(-3, 4, (p, 1)) + 100
    return np.ascontiguousarray(table)


@given(
    st.integers(0, 2**32),
    sizes,
    st.sampled_from(["normal", "integers", "duplicates", "offset"]),
    st.sampled_from([0.01, 1.0, 100.0]),
    st.booleans(),
)
def test_the_gap_closes(seed, size, kind, C, squared):
    random = np.random.default_rng(seed)
    n, p = size
    table, signs = draw(random, n, p, kind), random.choice([-1.0, 1.0], (2, n))
    cost = C * random.uniform(0.5, 2, (2, n)) * (random.random((2, n)) > 0.1)
    W, alpha, values, gaps, steps = kernels.augmented_svm(table, signs, cost, squared, 1e-8, 300)
    primal, dual = objectives(table, signs, cost, squared, W, alpha)
    np.testing.assert_allclose(values, primal, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gaps, primal - dual, rtol=1e-6, atol=1e-9 * (1 + primal.max()))
    assert (alpha >= 0).all()
    assert squared or (alpha <= cost).all()
    assert (gaps <= 1e-6 * primal + 1e-12).all()
    again = kernels.augmented_svm(table, signs, cost, squared, 1e-8, 300, (W, alpha))
    assert (again[3] <= 1e-6 * primal + 1e-12).all()
    assert (steps <= 300).all()


@pytest.mark.parametrize("squared", [False, True])
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_augmented_svm(squared, seed, n):
    random = np.random.default_rng(seed)
    table, signs = random.normal(size=(3, n)), random.choice([-1.0, 1.0], (2, n))
    cost = random.uniform(0.1, 2, (2, n))
    ours = kernels.augmented_svm(table, signs, cost, squared, 1e-10, 300)
    theirs = reference.augmented_svm(table, signs, cost, squared, 1e-10, 20_000)
    close = theirs[3] <= 1e-9 * theirs[2]
    np.testing.assert_allclose(ours[2][close], theirs[2][close], rtol=1e-7)
    np.testing.assert_allclose(ours[0][close], theirs[0][close], rtol=1e-3, atol=1e-4)


def test_the_bits_of_any_number_of_threads():
    random = np.random.default_rng(0)
    table, signs, cost = random.normal(size=(12, 4000)), random.choice([-1.0, 1.0], (5, 4000)), np.ones((5, 4000))
    results = [kernels.augmented_svm(table, signs, cost, False, 1e-8, 300, n_jobs=jobs)[0] for jobs in (1, 2, 3)]
    assert all(np.array_equal(W, results[0]) for W in results)
