"""A user's loss or activation for the kernels of other families."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastml import autodiff as ad
from fastml.autodiff.node import TABLE
from fastml_ext.jit import kernel


@kernel
def total(scores, y, value, derivative):
    """What a family's kernel does with a loss that it is given."""
    loss = slope = 0.0
    for i in range(scores.size):
        loss += value(scores[i], y[i])
        slope += derivative(scores[i], y[i])
    return loss, slope


LOSSES = {
    "log": (
        lambda s, y: ad.softplus(-y * s),
        lambda s, y: np.logaddexp(0, -y * s),
        lambda s, y: -y / (1 + np.exp(y * s)),
    ),
    "squared": (lambda s, y: (s - y) ** 2 / 2, lambda s, y: (s - y) ** 2 / 2, lambda s, y: s - y),
    "hinge": (
        lambda s, y: ad.maximum(0.0, 1 - y * s),
        lambda s, y: np.maximum(0, 1 - y * s),
        lambda s, y: -y * (y * s < 1),
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_losses_as_arguments_of_one_kernel(dtype):
    rng = np.random.default_rng(0)
    scores, y = rng.normal(size=50).astype(dtype), rng.choice([-1, 1], 50).astype(dtype)
    for function, value, slope in LOSSES.values():
        loss = ad.scalar_function(function, 2, dtype)
        got = total(scores, y, loss.value, loss.derivative)
        assert_allclose(
            got, (value(scores, y).sum(), slope(scores, y).sum()), rtol=1e-5 if dtype == np.float32 else 1e-12
        )
        assert_allclose(loss.both(scores[0], y[0]), (value(scores[0], y[0]), slope(scores[0], y[0])), rtol=1e-6)
    kinds = [args for args in total.signatures if args[0].dtype.name == np.dtype(dtype).name]
    assert len(kinds) == 1  # compiled once for all losses


def test_an_activation():
    swish = ad.scalar_function(lambda z: z * ad.sigmoid(z))
    z, s = 0.7, 1 / (1 + np.exp(-0.7))
    assert swish.both(z) == pytest.approx((z * s, s + z * s * (1 - s)))
    assert swish.n_arguments == 1
    constant = ad.scalar_function(lambda z: 2.0)
    assert constant.both(1.0) == (2.0, 0.0)


def test_what_is_refused(monkeypatch):
    with pytest.raises(TypeError, match="a branch on the value"):
        ad.scalar_function(lambda z: z if z > 0 else 0.0)
    with pytest.raises(ValueError, match=r"must return one number, not shapes \[\(2,\)\]"):
        ad.scalar_function(lambda z: z * np.ones(2))
    with pytest.raises(ValueError, match="dtype=int64 is neither float64 nor float32"):
        ad.scalar_function(lambda z: z, dtype=int)
    wrong = dataclasses.replace(TABLE["tanh"], reverse=lambda g, y, x: (g * y,))
    monkeypatch.setitem(TABLE, "tanh", wrong)
    with pytest.raises(ValueError, match=r"the derivative DISAGREES (?s:.*)reverse rule of tanh"):
        ad.scalar_function(lambda z: ad.tanh(z))
    assert ad.scalar_function(lambda z: ad.tanh(z), check=False).both(0.0) == (0.0, 0.0)
