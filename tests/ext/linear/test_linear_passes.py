import numpy as np
import pytest
import scipy.sparse as sp
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference
from fastml_ext.linear.codes import LOSSES


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, d, k = draw(st.sampled_from([1, 5, 300])), draw(st.integers(1, 6)), draw(st.sampled_from([1, 1, 3]))
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.7)
    loss = draw(st.sampled_from(["squared", "log", "squared_hinge", "poisson"])) if k == 1 else "log"
    Y = rng.choice([-1.0, 1.0], n) if k == 1 else rng.integers(0, k, n).astype(float)
    weight = rng.uniform(0, 2, n) if draw(st.booleans()) else np.empty(0)
    return LOSSES[loss], X, Y, weight, rng.normal(size=(k, d)), rng.normal(size=k)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
@given(problem=problems())
def test_passes_equal_reference(layout, problem):
    code, X, Y, weight, coef, intercept = problem
    k, ours, theirs = len(coef), np.empty((len(X), len(coef))), np.empty((len(X), len(coef)))
    value, gradient = kernels.evaluate(code, layout(X), Y, weight, coef, intercept, ours)
    expected = reference.evaluate(code, X, Y, weight, coef, intercept, theirs)
    assert value == pytest.approx(expected[0], rel=1e-10, abs=1e-10)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    V = np.random.default_rng(0).normal(size=(k, X.shape[1] + 1))
    product = kernels.hessian_product(layout(X), weight, ours, V)
    np.testing.assert_allclose(product, reference.hessian_product(X, weight, theirs, V), rtol=1e-9, atol=1e-9)
    h = 1e-6  # and the product is the change of the gradient
    at = [(coef + t * V[:, :-1], intercept + t * V[:, -1]) for t in (h, -h)]
    moved = [kernels.evaluate(code, layout(X), Y, weight, *point)[1] for point in at]
    if code != LOSSES["squared_hinge"]:
        np.testing.assert_allclose(product, (moved[0] - moved[1]) / (2 * h), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
@given(problem=problems(), weighted=st.booleans())
@effort(0.75)
def test_gram_equals_reference(layout, problem, weighted):
    _, X, _, _, coef, _ = problem
    curvature = np.random.default_rng(1).uniform(0, 1, len(X)) if weighted else np.empty(0)
    centre, scale = X.mean(axis=0), np.abs(coef[0]) + 0.1
    ours = kernels.gram(layout(X), curvature, centre, scale)
    np.testing.assert_allclose(ours, reference.gram(X, curvature, centre, scale), rtol=1e-9, atol=1e-8)


@given(problem=problems(), k=st.sampled_from([2, 3, 7]))
@effort(0.75)
def test_softmax_hessian_equals_reference(problem, k):
    _, X, _, weight, coef, _ = problem
    shares = np.random.default_rng(1).dirichlet(np.ones(k), len(X))
    arguments = weight, shares, X.mean(axis=0), np.abs(coef[0]) + 0.1
    expected = reference.softmax_hessian(X, *arguments)
    for dtype, precision in ((np.float64, 1e-9), (np.float32, 1e-5)):
        ours = kernels.softmax_hessian(X.astype(dtype), *arguments)
        np.testing.assert_allclose(ours, expected, rtol=precision, atol=precision * len(X))


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_the_same_bits_for_any_number_of_threads(layout):
    rng = np.random.default_rng(0)
    X, Y = layout(rng.normal(size=(20_000, 30))), rng.choice([-1.0, 1.0], 20_000)
    w, b, nothing = rng.normal(size=(1, 30)), np.zeros(1), np.empty(0)
    results = [
        (*kernels.evaluate(1, X, Y, nothing, w, b, n_jobs=n), kernels.gram(X, nothing, np.zeros(30), np.ones(30), n))
        for n in (1, 2, 3)
    ]
    for result in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(result, results[0], strict=True))


@given(problem=problems())
@effort(0.75)
def test_scores(problem):
    _, X, _, _, coef, intercept = problem
    np.testing.assert_allclose(kernels.scores(X, coef, intercept), reference.scores(X, coef, intercept), atol=1e-12)
