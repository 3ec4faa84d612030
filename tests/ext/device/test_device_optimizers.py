import math

import numpy as np
import pytest

from fastml_ext.device import optimizers
from fastml_ext.jit import kernel


@kernel
def decayed(keep, old, new, least):
    return optimizers.decayed(keep, old, new, least)


@kernel
def velocity(momentum, old, factor, gradient, least):
    return optimizers.velocity(momentum, old, factor, gradient, least)


@kernel
def adaptive_step(rate, direction, square, epsilon):
    return optimizers.adaptive_step(rate, direction, square, epsilon)


@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_parts_of_a_step(real):
    least = real(optimizers.LEAST)
    assert decayed(real(0.5), real(3), real(0.25), least) == 1.75
    assert velocity(real(0.5), real(3), real(-2), real(0.25), least) == 1.0
    assert adaptive_step(real(0.5), real(3), real(4), real(1)) == 0.5


def test_what_is_too_small_becomes_zero_and_nan_does_not_hide():
    assert decayed(0.5, 1e-30, 0.0, optimizers.LEAST) == 0.0
    assert decayed(0.5, -1e-30, 0.0, optimizers.LEAST) == 0.0
    assert decayed(0.5, 1e-29, 0.0, optimizers.LEAST) == 5e-30
    assert math.isinf(decayed(0.5, math.inf, 0.0, optimizers.LEAST))


@pytest.mark.parametrize("t", [1, 2, 10, 1000, 10**6, 10**9])
@pytest.mark.parametrize(("beta_1", "beta_2"), [(0.9, 0.999), (0.0, 0.9), (0.99, 0.9999)])
def test_corrected_rate(t, beta_1, beta_2):
    expected = 0.01 * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    assert optimizers.corrected_rate(0.01, beta_1, beta_2, t) == pytest.approx(expected, rel=1e-15)
