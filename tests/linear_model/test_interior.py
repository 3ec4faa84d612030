"""The interior point method: primal and dual objective meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml.linear_model.interior import Together, interior_point


@given(
    st.integers(0, 2**32),
    st.integers(1, 25),
    st.integers(1, 30),
    st.sampled_from([2, 3, 4]),
    st.sampled_from([0.1, 1, 1e3]),
)
def test_the_gap_closes(seed, n, p, k, C):
    random = np.random.default_rng(seed)
    Z, cost = random.normal(size=(n, p)), C * random.uniform(0.5, 2, n)
    codes = random.integers(0, k, n)
    W, duals, gap, _ = interior_point(Together(Z, codes, k), cost, 1e-8)
    own, scores = np.arange(k) == codes[:, None], Z @ W.T
    assert not duals[own].any()
    margins = scores[own] - np.where(own, -np.inf, scores).max(axis=1)
    back = np.where(own, duals.sum(axis=1, keepdims=True), -duals).T @ Z
    primal = np.sum(W**2) / 2 + cost @ np.maximum(0, 1 - margins)
    dual = duals.sum() - np.sum(back**2) / 2
    assert (duals >= 0).all()
    assert (duals.sum(axis=1) <= cost * (1 + 1e-9)).all()
    assert primal == pytest.approx(dual, rel=1e-5, abs=1e-9)
    assert gap <= 1e-5 * primal + 1e-9
