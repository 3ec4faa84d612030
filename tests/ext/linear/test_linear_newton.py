import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import linear as kernels
from fastml_ext.linear import reference
from fastml_ext.linear.codes import LOSSES


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, p, k = draw(st.integers(1, 30)), draw(st.integers(1, 5)), draw(st.sampled_from([1, 1, 2, 3]))
    loss = draw(st.sampled_from(["log", "squared_hinge"])) if k == 1 else "log"
    Y = rng.choice([-1.0, 1.0], n) if k == 1 else rng.integers(0, k, n).astype(float)
    l2 = np.append(rng.uniform(0.01, 1, p - 1), draw(st.sampled_from([0.0, 0.1])) if n > 10 else 0.1)
    return (LOSSES[loss], rng.normal(size=(n, p)), Y, rng.uniform(0, 2, n), l2), rng.normal(size=(k, p))


@given(problem=problems())
@effort(1.5)
def test_newton_steps(problem):
    problem, start = problem
    code, Z, Y, weight, l2 = problem
    ours = kernels.newton_steps(*problem, 1e-9, 100, start)
    theirs = reference.newton_steps(*problem, 1e-9, 100, start)
    assert ours[2] == theirs[2]
    assert ours[1][0] == pytest.approx(theirs[1][0], rel=1e-12)
    assert ours[1][-1] == pytest.approx(theirs[1][-1], rel=1e-9)
    gradient = reference.evaluate(code, Z, Y, weight, ours[0], np.zeros(len(ours[0])))[1][:, :-1] + l2 * ours[0]
    if ours[2]:
        assert np.abs(gradient).max() <= 1e-6
    assert (np.diff(ours[1]) <= 1e-12 * np.abs(ours[1][:-1])).all()


def test_few_steps_end_where_they_are_told_to():
    rng = np.random.default_rng(0)
    Z, Y = rng.normal(size=(50, 3)), rng.choice([-1.0, 1.0], 50)
    problem = LOSSES["log"], Z, Y, np.ones(50), np.full(3, 1e-3)
    for most in (0, 1, 2):
        U, values, done = kernels.newton_steps(*problem, 1e-12, most, np.zeros((1, 3)))
        expected = reference.newton_steps(*problem, 1e-12, most, np.zeros((1, 3)))
        np.testing.assert_allclose(U, expected[0], rtol=1e-9)
        np.testing.assert_allclose(values, expected[1], rtol=1e-12)
        assert not done
    assert len(values) == 3
