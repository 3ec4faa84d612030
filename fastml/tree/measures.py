"""Entropy and what it says of an attribute, in bits."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_consistent_length, column_or_1d

__all__ = ["entropy", "gain_ratio", "information_gain"]


def entropy(y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Entropy of the labels y, in bits: 0 where all are equal, log2(k) for k equally frequent ones.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any kind.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights; None for 1 each.

    Raises
    ------
    ValueError
        If y is empty or the lengths differ.

    Examples
    --------
    >>> from fastml.tree import entropy
    >>> round(entropy(["yes"] * 9 + ["no"] * 5), 3)
    0.94
    """
    codes, weight = _codes(y, "y"), _weight(sample_weight, y)
    return _bits(np.bincount(codes, weight))


def information_gain(x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Bits of the labels y that knowing the attribute x saves (Quinlan 1986, section 4).

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        Attribute and labels of any kind; each value of x is a branch, missing ones (None, NaN) another.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights; None for 1 each.

    Examples
    --------
    >>> from fastml.tree import information_gain
    >>> information_gain(["a", "a", "b", "b"], [0, 0, 1, 1])
    1.0
    """
    check_consistent_length(x, y)
    branch, label, weight = _codes(x, "x"), _codes(y, "y"), _weight(sample_weight, y)
    table = np.zeros((branch.max() + 1, label.max() + 1))
    np.add.at(table, (branch, label), weight)
    left = sum(row.sum() * _bits(row) for row in table) / table.sum()
    return max(0.0, float(_bits(table.sum(axis=0)) - left))


def gain_ratio(x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Information gain of x over its own entropy (Quinlan 1986, section 7); 0.0 where x has one value only.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        Attribute and labels of any kind.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights; None for 1 each.

    Examples
    --------
    >>> from fastml.tree import gain_ratio
    >>> gain_ratio(["a", "b", "c", "d"], [0, 0, 1, 1])
    0.5
    """
    own = _bits(np.bincount(_codes(x, "x"), _weight(sample_weight, y)))
    return information_gain(x, y, sample_weight) / own if own > 0 else 0.0


def _codes(values, name):
    values = column_or_1d(np.asarray(values, dtype=object))
    if len(values) == 0:
        raise ValueError(f"{name} is empty: there is nothing to measure")
    place: dict = {}
    return np.array([place.setdefault(None if v is None or v != v else v, len(place)) for v in values.tolist()])


def _weight(sample_weight, y):
    if sample_weight is None:
        return np.ones(len(y))
    check_consistent_length(sample_weight, y)
    return np.asarray(sample_weight, np.float64)


def _bits(counts):
    p = counts[counts > 0] / counts.sum()
    return max(0.0, float(-(p * np.log2(p)).sum()))
