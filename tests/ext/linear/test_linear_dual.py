import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
@given(
    st.integers(0, 2**32),
    st.integers(1, 30),
    st.sampled_from([0.1, 1.0, 20.0]),
    st.booleans(),
    st.sampled_from([0.0, 1.0]),
)
def test_dual_svm(layout, seed, n, C, squared, bias):
    rng = np.random.default_rng(seed)
    X, signs = rng.normal(size=(n, 4)), rng.choice([-1.0, 1.0], (2, n))
    weight = rng.uniform(0.5, 2, (2, n)) * C
    upper, diagonal = (np.full((2, n), np.inf), 0.5 / weight) if squared else (weight, np.zeros((2, n)))
    ours = kernels.dual_svm(
        layout(X), signs, upper, diagonal, bias, 1e-10, 10**7, 3
    )  # a few draws take 100,000 sweeps: the hinge's dual is flat
    theirs = reference.dual_svm(X, signs, upper, diagonal, bias, 1e-9, 20_000, 0)
    assert ours[3].all()
    same = theirs[3]  # where the definition got there in its 20,000 sweeps; the gap below judges all
    np.testing.assert_allclose(ours[0][same], theirs[0][same], rtol=1e-5, atol=1e-6)
    assert ((ours[1] >= 0) & (ours[1] <= upper)).all()
    Z = np.column_stack([X, np.full(n, bias)])
    for c in range(2):  # the gap between the primal and the dual objective closes
        hinge = np.maximum(0, 1 - signs[c] * (Z @ ours[0][c]))
        loss = (weight[c] * hinge**2).sum() if squared else (weight[c] * hinge).sum()
        size = ours[0][c] @ ours[0][c]
        dual = ours[1][c].sum() - size / 2 - (diagonal[c] * ours[1][c] ** 2).sum() / 2
        assert size / 2 + loss == pytest.approx(dual, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("squared", [False, True])
def test_a_row_of_zeros_without_bias(layout, squared):
    X, signs = np.array([[1.0, 2.0], [0.0, 0.0], [-1.0, 0.5]]), np.array([[1.0, 1.0, -1.0]])
    upper, diagonal = np.full((1, 3), np.inf if squared else 0.7), np.full((1, 3), 0.5 if squared else 0.0)
    for problem in (upper, diagonal, 0.0, 1e-9, 10_000, 0), (np.zeros((1, 3)), diagonal, 0.0, 1e-9, 10, 0):
        W, alpha, _, done = kernels.dual_svm(layout(X), signs, *problem)
        expected = reference.dual_svm(X, signs, *problem)
        assert done.all()
        assert expected[3].all()
        np.testing.assert_allclose(alpha, expected[1], atol=1e-8)
        np.testing.assert_allclose(W, expected[0], atol=1e-8)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(2, 5), st.sampled_from([0.1, 1.0]), st.booleans())
def test_multiclass_svm(layout, seed, n, k, C, bias):
    """The primal and the dual objective meet, and the reference's weights are the same."""
    rng = np.random.default_rng(seed)
    X, codes = rng.normal(size=(n, 3)), rng.integers(0, k, n)
    X[rng.random(n) < 0.1] = 0
    cost = C * rng.uniform(0.5, 2, n) * (rng.random(n) < 0.9)
    W, alpha, _, done = kernels.multiclass_svm(layout(X), codes, k, cost, float(bias), 1e-9, 100_000, 3)
    expected, _, _, there = reference.multiclass_svm(X, codes, k, cost, float(bias), 1e-7, 300, 0)
    assert done
    Z, own = np.column_stack([X, np.full(n, float(bias))]), np.arange(k) == codes[:, None]
    np.testing.assert_allclose(W, alpha.T @ Z, atol=1e-9)
    np.testing.assert_allclose(alpha.sum(axis=1), 0, atol=1e-9)
    assert (alpha <= np.where(own, cost[:, None], 0) + 1e-12).all()
    scores = Z @ W.T
    rivals = np.where(own, -np.inf, scores).max(axis=1)
    loss = cost @ np.maximum(0, 1 - (scores[own] - rivals))
    dual = -(W**2).sum() / 2 - alpha[~own].sum()
    assert (W**2).sum() / 2 + loss == pytest.approx(dual, rel=1e-6, abs=1e-7)
    if there:
        np.testing.assert_allclose(W, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_single_precision_rows(layout):
    random = np.random.default_rng(0)
    X, signs = random.normal(size=(20, 3)).astype(np.float32), random.choice([-1.0, 1.0], (1, 20))
    problem = np.full((1, 20), np.inf), np.full((1, 20), 0.5), 1.0, 1e-9, 10_000, 0
    single, double = (kernels.dual_svm(layout(rows), signs, *problem)[0] for rows in (X, X.astype(float)))
    np.testing.assert_allclose(single, double, rtol=1e-6)
    codes, cost = (signs[0] > 0).astype(np.int64), np.ones(20)
    single, double = (
        kernels.multiclass_svm(layout(rows), codes, 2, cost, *problem[2:])[0] for rows in (X, X.astype(float))
    )
    np.testing.assert_allclose(single, double, rtol=1e-6)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize(("n", "d"), [(400, 120), (600, 8), (90, 200)])
def test_free_duals_of_a_hinge_are_settled_in_few_sweeps(layout, n, d):
    rng = np.random.default_rng(n)
    X = np.where(rng.random((n, d)) < 0.2, rng.random((n, d)), 0.0)
    signs = np.where(X @ rng.normal(size=d) + 0.1 * rng.normal(size=n) > 0, 1.0, -1.0)[None]
    upper = rng.choice([0.0, 1.0, 5.0], (1, n))
    W, alpha, _, done = kernels.dual_svm(layout(X), signs, upper, np.zeros((1, n)), 1.0, 1e-9, 400, 0)
    assert done.all()  # sweeps alone take up to 2,600
    assert ((alpha >= 0) & (alpha <= upper)).all()
    Z = np.column_stack([X, np.ones(n)])
    np.testing.assert_allclose(W, (alpha * signs) @ Z, atol=1e-9)
    loss = (upper * np.maximum(0, 1 - signs * (W @ Z.T))).sum()
    assert (W**2).sum() / 2 + loss == pytest.approx(alpha.sum() - (W**2).sum() / 2, rel=1e-8)


def test_a_small_gap_ends_hinges():
    """Slopes within 0.01 of one another would take thousands of sweeps."""
    random = np.random.default_rng(0)
    X = sp.csr_array(np.where(random.random((3000, 200)) < 0.05, random.random((3000, 200)), 0.0))
    signs, upper = random.choice([-1.0, 1.0], (2, 3000)), np.full((2, 3000), 1.0)
    W, alpha, sweeps, done = kernels.dual_svm(X, signs, upper, np.zeros((2, 3000)), 1.0, 0.01, 1000, 0)
    short = np.maximum(0.0, 1.0 - signs * (X @ W[:, :-1].T + W[:, -1]).T)
    values = (W**2).sum(axis=1) / 2 + (upper * short).sum(axis=1)
    assert done.all()
    assert (sweeps < 1000).all()
    assert (values - alpha.sum(axis=1) + (W**2).sum(axis=1) / 2 <= 0.01 * values).all()
