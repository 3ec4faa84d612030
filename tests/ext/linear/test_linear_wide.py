import numpy as np
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.sampled_from([2, 5, 40, 70]))
    Z = rng.normal(size=(n, draw(st.sampled_from([1, 3, 100]))))
    Y = rng.choice([-1.0, 1.0], n)
    Y[:2] = -1.0, 1.0
    weight = rng.integers(0, 3, n).astype(float) if draw(st.booleans()) else np.ones(n)
    weight[:2] = 1.0
    return Z, Y, weight, draw(st.sampled_from([0.1, 1.0, 30.0])), draw(st.booleans())


@given(problem=problems())
@effort(0.75)
def test_wide_newton_equals_reference(problem):
    Z, Y, weight, strength, free = problem
    results = [m.wide_newton(Z @ Z.T, Y, weight, strength, free, 1e-9, 50) for m in (kernels, reference)]
    (a, b, values, done), (_, expected, best, _) = results
    assert done
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(values[-1], best[-1], rtol=1e-9)
    np.testing.assert_allclose(a @ Z, results[1][0] @ Z, atol=1e-4)
    np.testing.assert_allclose(b, expected, atol=1e-4)
    slopes = -weight * Y / (1 + np.exp(Y * (Z @ (a @ Z) + b)))  # and the gradient by the weights is 0
    np.testing.assert_allclose(slopes @ Z + strength * (a @ Z), 0, atol=1e-5 * (1 + np.abs(Z).sum()))
    assert abs(slopes.sum()) <= 1e-5 * len(Z) or not free
