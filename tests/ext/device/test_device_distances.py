import numpy as np
import pytest

from fastml_ext.device import distances


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [0, 1, 3, 17, 64])
def test_squared_distances(d, dtype):
    rng = np.random.default_rng(d)
    x, y = rng.normal(size=d).astype(dtype), rng.normal(size=d).astype(dtype)
    total = dtype(0)
    for a, b in zip(x, y, strict=True):
        total += (a - b) * (a - b)
    assert distances.squared(x, y) == total  # to the last bit: results are ordered by it
    assert distances.estimate(x, y) == pytest.approx(total, rel=float(d * np.finfo(dtype).eps))


def test_a_point_of_another_dtype_is_taken_in_that_of_the_query():
    x, y = np.array([0.1, 7.3]), np.array([3, 0.1], np.float32)
    expected = np.float32(0)
    for a, b in zip(x.astype(np.float32), y, strict=True):
        expected += (a - b) * (a - b)
    assert distances.squared(x, y) == expected
