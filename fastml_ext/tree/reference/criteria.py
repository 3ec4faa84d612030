"""What splits are judged by: impurities, ties and keys, by definition."""

import math

import numpy as np

__all__ = [
    "EPSILON",
    "EXHAUSTIVE",
    "MULTIWAY",
    "NUMERIC",
    "SUBSET",
    "TIE",
    "first_best",
    "impurity",
    "mix",
    "prediction",
]

NUMERIC, MULTIWAY, SUBSET = 1, 2, 3
TIE = 2.0**-40
EXHAUSTIVE = 10
EPSILON = 2.0**-52


def impurity(y, w, criterion, n_classes):
    """Impurity of targets y with weights w.

    Entropy in bits, Gini, variance, half the mean Poisson deviance, or the mean absolute deviation from the median; of
    several outputs, y (m, n_outputs), the mean of theirs.
    """
    total = sum(w)
    if np.ndim(y) == 2:
        return sum(impurity(column, w, criterion, n_classes) for column in y.T) / y.shape[1]
    if n_classes:
        shares = [sum(w[y == k]) / total for k in range(n_classes)]
        if criterion == "gini":
            return 1 - sum(p * p for p in shares)
        return sum(-p * math.log2(p) for p in shares if p > 0)
    center = prediction(y, w, criterion, n_classes)[0]
    if criterion == "absolute_error":
        return sum(w * abs(y - center)) / total
    if criterion == "poisson":
        return max(0.0, sum(wi * _half_deviance(yi, center) for yi, wi in zip(y, w, strict=True)) / total)
    return sum(w * (y - center) ** 2) / total


def _half_deviance(y, mean):
    """y log(y / mean) - (y - mean), of a target y from its mean: 0 log 0 = 0."""
    return y * math.log1p((y - mean) / mean) - (y - mean) if y > 0 else mean


def prediction(y, w, criterion, n_classes):
    """Of each output the shares of the classes; or the mean; or the weighted median.

    It is the middle of two where the weight is cut in half.
    """
    if np.ndim(y) == 2:
        return [value for column in y.T for value in prediction(column, w, criterion, n_classes)]
    if n_classes:
        return [sum(w[y == k]) / sum(w) for k in range(n_classes)]
    if criterion != "absolute_error":  # from the least target, for the digits of targets far from 0
        return [min(y) + math.fsum(w * (y - min(y))) / math.fsum(w)]
    values = sorted(set(y.tolist()))
    below = [sum(w[y <= v]) for v in values]
    half = sum(w) / 2
    i = next(i for i, b in enumerate(below) if b >= half * (1 - 1e-14))
    return [
        (values[i] + values[i + 1]) / 2 if abs(below[i] - half) <= 1e-14 * half and i + 1 < len(values) else values[i]
    ]


def first_best(rules, worth, tie):
    """The first of the rules whose worth is as good as the best one's."""
    best = max(rule[worth] for rule in rules)
    return next(rule for rule in rules if rule[worth] >= best - tie)


def mix(key, branch):
    """SplitMix64 (Steele, Lea, Flood 2014): a new key of 64 bits from a key and a small number."""
    z = (int(key) + (int(branch) + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31
