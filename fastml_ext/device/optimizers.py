"""The parts of an optimiser's step, one weight at a time: what is kept from step to step, and how far it goes.

Families put them together as their contracts say; constants come in the dtype of the weights, so that loops of float32
stay loops of float32.
"""

import numpy as np

from fastml_ext.jit import kernel, kernel_inline

__all__ = ["LEAST", "adaptive_step", "corrected_rate", "decayed", "power", "velocity"]

LEAST = 1e-30  # what is kept and smaller becomes zero: subnormal numbers take 100 times longer
VANISHED = 40.0  # 1 - exp(-VANISHED) is 1


@kernel_inline
def decayed(keep, old, new, least):
    """keep * old + new: a decaying mean or sum; 0 where it is below `least`."""
    x = keep * old + new
    return x if abs(x) > least else np.float32(0)


@kernel_inline
def velocity(momentum, old, factor, gradient, least):
    """What heavy-ball momentum keeps (Polyak 1964). factor: -rate, or 1 where the rate comes with the step."""
    return decayed(momentum, old, factor * gradient, least)


@kernel_inline
def adaptive_step(rate, direction, square, epsilon):
    """rate * direction, by the root of the sum or the mean of squares: AdaGrad, RMSProp, Adam."""
    return rate * direction / (np.sqrt(square) + epsilon)


@kernel
def power(beta, t):
    """beta ** t, or 0 where 1 - beta ** t is 1: pow takes its slow way where it underflows."""
    return beta**t if beta > 0 and -t * np.log(beta) < VANISHED else 0.0


@kernel
def corrected_rate(rate, beta_1, beta_2, t):
    """Adam's rate at step t, which makes up for moments that began at zero (Kingma, Ba 2015, section 2)."""
    return rate * np.sqrt(1 - power(beta_2, t)) / (1 - power(beta_1, t))
