"""Losses by code and by name against the definitions, and their derivatives against differences."""

import math

import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.device import codes, losses
from fastml_ext.jit import kernel
from fastml_ext.linear.reference.losses import LOSSES

CODES = {name.lower(): getattr(codes, name) for name in codes.__all__ if name != "USER"}
OF_CLASSES = ("log", "hinge", "squared_hinge", "modified_huber")


@kernel
def loss_of(code, c, s, y):
    return losses.loss_of(code, c, s, y)


@kernel
def margin_loss(code, c, s, y):
    return losses.margin_loss(code, c, s, y)


def test_codes_are_the_places_of_the_definitions():
    assert sorted(CODES, key=CODES.get) == list(LOSSES)
    assert len(LOSSES) == codes.USER


@pytest.mark.parametrize("name", list(LOSSES))
@given(s=st.floats(-30, 30), y=st.floats(-3, 3), positive=st.booleans(), c=st.sampled_from([0.0, 0.3, 1.0]))
@effort(1.0)
def test_loss_and_slope(name, s, y, positive, c):
    y = (1.0 if positive else -1.0) if name in OF_CLASSES else y
    value, slope = LOSSES[name]
    found = loss_of(CODES[name], c, s, y)
    np.testing.assert_allclose(found[:2], [value(s, y, c), slope(s, y, c)], rtol=1e-12, atol=1e-12)
    if CODES[name] <= codes.MODIFIED_HUBER:
        assert margin_loss(CODES[name], c, s, y) == found


@pytest.mark.parametrize("name", list(LOSSES))
def test_curvature_is_the_derivative_of_the_slope(name):
    h, c = 1e-5, 0.3
    for y in (-1.0, 1.0):
        for s in np.linspace(-4.03, 3.07, 72):  # no corner within h
            _, _, curvature = loss_of(CODES[name], c, s, y)
            above, below = (loss_of(CODES[name], c, s + step, y)[1] for step in (h, -h))
            assert curvature == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-6)


def test_log_loss_of_scores_beyond_any_exponential():
    for s in (1e3, 1e308, math.inf):
        assert loss_of(codes.LOG, 1.0, s, 1.0) == (0.0, 0.0, 0.0)
        assert loss_of(codes.LOG, 1.0, s, -1.0) == (s, 1.0, 0.0)


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_score_that_is_no_number_shows_in_the_loss_or_the_slope(name):
    loss, slope, _ = loss_of(CODES[name], 1.0, math.nan, 1.0)
    assert math.isnan(loss) or name in ("squared_hinge", "epsilon_insensitive", "squared_epsilon_insensitive")
