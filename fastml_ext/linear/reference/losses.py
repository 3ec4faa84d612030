"""The losses and how several scores of one row share one. y is -1 or 1 for the classes, any number for the others."""

import math

import numpy as np

__all__ = ["LOSSES", "row_loss", "row_slopes"]


def growth(s):
    """e^s, infinite where a float cannot hold it."""
    with np.errstate(over="ignore"):
        return float(np.exp(s))


# name: (loss of score s at target y with parameter c, its derivative by s; where it has a corner, one of its slopes)
LOSSES = {
    "squared": (lambda s, y, c: (s - y) ** 2 / 2, lambda s, y, c: s - y),
    "log": (lambda s, y, c: np.logaddexp(0, -y * s), lambda s, y, c: -y * np.exp(-np.logaddexp(0, y * s))),
    "hinge": (lambda s, y, c: max(0, c - y * s), lambda s, y, c: -y if y * s <= c else 0),
    "squared_hinge": (lambda s, y, c: max(0, c - y * s) ** 2, lambda s, y, c: -2 * y * max(0, c - y * s)),
    "modified_huber": (
        lambda s, y, c: max(0, 1 - y * s) ** 2 if y * s >= -1 else -4 * y * s,
        lambda s, y, c: -2 * y * max(0, 1 - y * s) if y * s >= -1 else -4 * y,
    ),
    "huber": (
        lambda s, y, c: (s - y) ** 2 / 2 if abs(s - y) <= c else c * (abs(s - y) - c / 2),
        lambda s, y, c: max(-c, min(c, s - y)),
    ),
    "epsilon_insensitive": (
        lambda s, y, c: max(0, abs(s - y) - c),
        lambda s, y, c: math.copysign(1, s - y) if abs(s - y) > c else 0,
    ),
    "squared_epsilon_insensitive": (
        lambda s, y, c: max(0, abs(s - y) - c) ** 2,
        lambda s, y, c: 2 * math.copysign(max(0, abs(s - y) - c), s - y),
    ),
    "quantile": (
        lambda s, y, c: max(c * (y - s), (1 - c) * (s - y)),
        lambda s, y, c: -c if s < y else (1 - c) * np.sign(s - y),
    ),
    "poisson": (lambda s, y, c: growth(s) - y * s, lambda s, y, c: growth(s) - y),
}


def row_loss(name, coupling, parameter, s, y, weights):
    """Loss of one row with scores s (k,); see `row_slopes`."""
    value = LOSSES[name][0]
    if coupling in ("each", "rest"):
        return sum(u * value(a, t, parameter) for a, t, u in zip(s, targets(coupling, y, len(s)), weights, strict=True))
    own = int(y[0])
    if coupling == "softmax":
        return weights[own] * (math.log(np.exp(s - s.max()).sum()) + s.max() - s[own])
    return weights[own] * max(0, parameter - (s[own] - s[rival(s, own)]))


def row_slopes(name, coupling, parameter, s, y, weights):
    """Derivative of `row_loss` by each score: (k,).

    coupling: "each", every score has its own target in y (k,); "rest", y[0] is a class 0 to k - 1, and score c is to
    tell class c from the rest; "softmax", the negative log-likelihood of the class under softmax; "argmax", the hinge
    of the own class's score over the best rival's, ties to the lowest (Crammer and Singer 2001)
    parameter: c of LOSSES | weights (k,): what the row counts, in each score
    """
    slope = LOSSES[name][1]
    if coupling in ("each", "rest"):
        both = zip(s, targets(coupling, y, len(s)), weights, strict=True)
        return np.array([u * slope(a, t, parameter) for a, t, u in both])
    own, result = int(y[0]), np.zeros(len(s))
    if coupling == "softmax":
        result = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
        result[own] -= 1
    elif s[own] - s[rival(s, own)] <= parameter:
        result[own], result[rival(s, own)] = -1, 1
    return weights[own] * result


def targets(coupling, y, k):
    return y if coupling == "each" else np.where(np.arange(k) == y[0], 1.0, -1.0)


def rival(s, own):
    return max((c for c in range(len(s)) if c != own), key=lambda c: (s[c], -c))
