import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.device import numbers
from fastml_ext.jit import kernel
from fastml_ext.linear.reference.orders import splitmix


@kernel
def power_of_two(n):
    return numbers.power_of_two(n)


@kernel
def exponentials(scores, result):
    return numbers.exponentials(scores, result)


@given(st.integers(0, 2**64 - 1))
@effort(1.0)
def test_mix_and_golden_make_the_stream_of_splitmix(seed):
    expected = [next(stream) for stream in [splitmix(seed)] for _ in range(3)]
    with np.errstate(over="ignore"):
        states = [np.uint64(seed) + numbers.GOLDEN * np.uint64(i) for i in (1, 2, 3)]
    assert [int(numbers.mix(state)) for state in states] == expected


@pytest.mark.parametrize("n", [-1022, -1021, -53, -1, 0, 1, 52, 1000, 1023])
def test_power_of_two(n):
    assert power_of_two(n) == 2.0**n


@given(st.floats(-745, 709))
@effort(1.0)
def test_expm1(x):
    assert numbers.expm1(x) == pytest.approx(np.expm1(x), rel=4e-16, abs=1e-323)


def test_expm1_near_zero_and_where_it_is_held():
    for x in (0.0, 1e-300, -1e-17, 1e-8):
        assert numbers.expm1(x) == pytest.approx(np.expm1(x), rel=4e-16, abs=0)
    assert numbers.expm1(1e9) == numbers.expm1(709.0)
    assert numbers.expm1(-1e9) == -1.0


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9), st.booleans())
@effort(1.0)
def test_exponentials(scores, in_place):
    scores = np.array(scores)
    result = scores.copy() if in_place else np.empty(len(scores))
    expected = np.exp(scores - scores.max())
    top, total = exponentials(result if in_place else scores, result)
    assert top == scores.max()
    np.testing.assert_allclose(result, expected, rtol=1e-15)
    assert total == pytest.approx(expected.sum(), rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_rows(dtype):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=20).astype(dtype) * 300
    expected = Z.copy()
    rows = np.exp(Z[2:17].reshape(5, 3).astype(float) - Z[2:17].reshape(5, 3).max(axis=1, keepdims=True))
    expected[2:17] = (rows / rows.sum(axis=1, keepdims=True)).ravel()
    numbers.softmax_rows(Z, 2, 5, 3)
    np.testing.assert_allclose(Z, expected, rtol=0, atol=4 * np.finfo(dtype).eps)  # the shares are 1 together
    np.testing.assert_array_equal(Z[[0, 1, 17, 18, 19]], expected[[0, 1, 17, 18, 19]])
