"""The integers by which the kernels know losses, couplings of several scores, schedules of the step, and methods."""

from typing import NamedTuple

import numpy as np

from fastml_ext.device.codes import (
    EPSILON_INSENSITIVE,
    HINGE,
    HUBER,
    LOG,
    MODIFIED_HUBER,
    POISSON,
    QUANTILE,
    SQUARED,
    SQUARED_EPSILON_INSENSITIVE,
    SQUARED_HINGE,
    USER,
)

__all__ = [
    "ADAGRAD",
    "ADAM",
    "ARGMAX",
    "CONSTANT",
    "COUPLINGS",
    "EACH",
    "INVSCALING",
    "LOSSES",
    "METHODS",
    "MOMENTUM",
    "OPTIMAL",
    "PA1",
    "PA2",
    "PLAIN",
    "REST",
    "SCHEDULES",
    "SOFTMAX",
    "State",
    "Task",
]

LOSSES = {
    "squared": SQUARED,
    "log": LOG,
    "hinge": HINGE,  # its margin is the parameter: 1 for the SVM, 0 for the perceptron
    "squared_hinge": SQUARED_HINGE,
    "modified_huber": MODIFIED_HUBER,
    "huber": HUBER,
    "epsilon_insensitive": EPSILON_INSENSITIVE,
    "squared_epsilon_insensitive": SQUARED_EPSILON_INSENSITIVE,
    "quantile": QUANTILE,
    "poisson": POISSON,
    "user": USER,
}
EACH, REST, SOFTMAX, ARGMAX = range(4)
COUPLINGS = {"each": EACH, "rest": REST, "softmax": SOFTMAX, "argmax": ARGMAX}
CONSTANT, INVSCALING, OPTIMAL, PA1, PA2 = range(5)
SCHEDULES = {"constant": CONSTANT, "invscaling": INVSCALING, "optimal": OPTIMAL, "pa1": PA1, "pa2": PA2}
PLAIN, MOMENTUM, ADAGRAD, ADAM = range(4)
METHODS = {"plain": PLAIN, "momentum": MOMENTUM, "adagrad": ADAGRAD, "adam": ADAM}


class Task(NamedTuple):
    """What is minimised and how; every field a number, so that one compiled kernel serves them all."""

    loss: int = SQUARED
    parameter: float = 1.0  # margin, epsilon or quantile of the loss
    coupling: int = EACH
    l1: float = 0.0
    l2: float = 0.0
    schedule: int = CONSTANT
    eta0: float = 0.01
    power: float = 0.5  # of invscaling
    optimal: float = 1.0  # 1 / (alpha t0) and alpha: the step is 1 / (alpha (t0 + t)), see `rate`
    alpha: float = 1e-4
    method: int = PLAIN
    momentum: float = 0.9
    batch: int = 1
    intercept: float = 1.0  # what the intercept's steps are multiplied with; 0 where it stays
    average_from: int = -1  # the first step whose weights enter the average; -1 for no average
    user_value: int = 0  # addresses of a user's own compiled loss(score, y) and of its derivative
    user_slope: int = 0


class State(NamedTuple):
    """The weights on their way. The true weights are scale * W but for the intercept, which is not scaled.

    What a kernel counts stands in arrays of one number each, because it writes them.
    """

    W: np.ndarray  # (k, d + 1) for dense rows, (d + 1, k) for CSR; the intercept stands last
    total: np.ndarray  # like W, or empty: what the sum of all steps' weights still lacks
    first: np.ndarray  # like W, or empty: first moments
    second: np.ndarray  # like W, or empty: second moments
    strength: np.ndarray  # like W, or empty: what the penalties are multiplied with
    touched: np.ndarray  # what l1 has taken from each entry of W, signed; with `strength` what it was owed too
    n_steps: np.ndarray  # (1,) and so are the following
    scale: np.ndarray
    sum_of_scales: np.ndarray  # over the steps in the average, since the scale was last folded into W
    owed: np.ndarray  # what l1 is owed by every weight so far, in the true weights' units
    sum_of_rates: np.ndarray  # the caller sets it back after each epoch
    n_averaged: np.ndarray  # steps in the average since then

    @staticmethod
    def from_older(fields):
        """The fields of a state whose numbers stood in one array, as model files up to 0.1.0 have it; or None."""
        clock = fields.get("clock")
        if list(fields) != [*State._fields[:6], "clock"] or getattr(clock, "shape", None) != (6,):
            return None
        numbers = zip(State._fields[6:], clock, strict=True)
        return {name: fields[name] for name in State._fields[:6]} | {name: np.array([x]) for name, x in numbers}
