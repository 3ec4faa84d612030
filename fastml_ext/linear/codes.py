"""The integers by which the kernels know losses, couplings of several scores, schedules of the step, and methods."""

from typing import NamedTuple

import numpy as np

__all__ = ["ARGMAX", "COUPLINGS", "EACH", "LOSSES", "METHODS", "REST", "SCHEDULES", "SOFTMAX", "State", "Task"]

LOSSES = {
    "squared": 0,
    "log": 1,
    "hinge": 2,  # its margin is the parameter: 1 for the SVM, 0 for the perceptron
    "squared_hinge": 3,
    "modified_huber": 4,
    "huber": 5,
    "epsilon_insensitive": 6,
    "squared_epsilon_insensitive": 7,
    "quantile": 8,
    "poisson": 9,
    "user": 10,
}
EACH, REST, SOFTMAX, ARGMAX = range(4)
COUPLINGS = {"each": EACH, "rest": REST, "softmax": SOFTMAX, "argmax": ARGMAX}
SCHEDULES = {"constant": 0, "invscaling": 1, "optimal": 2, "pa1": 3, "pa2": 4}
METHODS = {"plain": 0, "momentum": 1, "adagrad": 2, "adam": 3}


class Task(NamedTuple):
    """What is minimised and how; every field a number, so that one compiled kernel serves them all."""

    loss: int = 0
    parameter: float = 1.0  # margin, epsilon or quantile of the loss
    coupling: int = 0
    l1: float = 0.0
    l2: float = 0.0
    schedule: int = 0
    eta0: float = 0.01
    power: float = 0.5  # of invscaling
    optimal: float = 1.0  # 1 / (alpha t0) and alpha: the step is 1 / (alpha (t0 + t)), see `rate`
    alpha: float = 1e-4
    method: int = 0
    momentum: float = 0.9
    batch: int = 1
    intercept: float = 1.0  # what the intercept's steps are multiplied with; 0 where it stays
    average_from: int = -1  # the first step whose weights enter the average; -1 for no average
    user_value: int = 0  # addresses of a user's own compiled loss(score, y) and of its derivative
    user_slope: int = 0


class State(NamedTuple):
    """The weights on their way. The true weights are scale * W but for the intercept, which is not scaled."""

    W: np.ndarray  # (k, d + 1) for dense rows, (d + 1, k) for CSR; the intercept stands last
    total: np.ndarray  # like W, or empty: what the sum of all steps' weights still lacks
    first: np.ndarray  # like W, or empty: first moments
    second: np.ndarray  # like W, or empty: second moments
    strength: np.ndarray  # like W, or empty: what the penalties are multiplied with
    touched: (
        np.ndarray
    )  # what l1 has taken from each entry of W, signed, and with `strength` what it was owed; or empty
    clock: np.ndarray  # [steps done, scale, sum of scales, what l1 is owed, sum of rates, steps in the average]
