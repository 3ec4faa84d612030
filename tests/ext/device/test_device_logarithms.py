"""Logarithms and exponentials of whole registers, held to NumPy's of more digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.device import logarithms
from fastml_ext.device.numbers import expm1
from fastml_ext.jit import kernel

FUNCTIONS = {"exp": (np.exp, 2.0), "expm1": (np.expm1, 2.0), "log": (np.log, 1.0), "log1p": (np.log1p, 1.0)}
RANGES = {
    "exp": [(-708, 708), (-1, 1), (0.3, 0.4), (-1e-9, 1e-9)],
    "expm1": [(-700, 709), (-40, 40), (-1, 1), (0.3, 0.4), (-0.4, -0.3), (-1e-9, 1e-9)],
    "log": [(0, 1e-307), (0, 1), (0.4, 2.5), (0.999, 1.001), (1e3, 1e5), (0, 1.7e308)],
    "log1p": [(-1, 0), (-0.999999, -0.3), (-1e-5, 1e-5), (0, 1), (0.4, 0.43), (0, 1e6), (0, 1.7e308)],
}


@kernel
def exp(x, out):
    for i in range(len(x)):
        out[i] = logarithms.exp(x[i])


@kernel
def exp_less_1(x, out):
    for i in range(len(x)):
        out[i] = expm1(x[i])


@kernel
def log(x, out):
    for i in range(len(x)):
        out[i] = logarithms.log(x[i])


@kernel
def log1p(x, out):
    for i in range(len(x)):
        out[i] = logarithms.log1p(x[i])


KERNELS = {"exp": exp, "expm1": exp_less_1, "log": log, "log1p": log1p}


def ulps(name, x):
    """The largest error in units of the last place of the right result."""
    out = np.empty(len(x))
    KERNELS[name](x, out)
    right = FUNCTIONS[name][0](x.astype(np.longdouble))
    unit = np.spacing(np.abs(right.astype(np.float64)))
    return float(np.max(np.abs(out - right) / unit))


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="long double has no more digits than double")
@pytest.mark.parametrize(("name", "ends"), [(name, ends) for name in RANGES for ends in RANGES[name]])
def test_within_an_ulp_or_two(name, ends):
    random = np.random.default_rng(0)
    low, high = ends
    x = random.uniform(low, high, 20_003)
    assert ulps(name, x[(x > low) & (x < high)]) <= FUNCTIONS[name][1]


@given(st.lists(st.floats(allow_subnormal=True), min_size=1, max_size=40))
def test_any_float_has_a_logarithm_infinity_or_nan(values):
    x = np.array(values)
    for name in ("log", "log1p"):
        out = np.empty(len(x))
        KERNELS[name](x, out)
        with np.errstate(all="ignore"):
            expected = FUNCTIONS[name][0](x)
        np.testing.assert_allclose(out, expected, rtol=4e-16)


def test_exponentials_are_held_within_normal_numbers():
    out = np.empty(4)
    exp(np.array([-1e9, -708.0, 708.0, 1e9]), out)
    assert out[0] == out[1] > 0
    assert out[2] == out[3] < np.inf
