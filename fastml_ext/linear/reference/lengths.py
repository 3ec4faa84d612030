"""Distances of rows from normal distributions."""

import numpy as np

__all__ = ["squared_lengths"]


def squared_lengths(X, centre, axes):
    """Of each row the squared length of its coordinates on the axes of each class: (n, k) float64.

    X (n, d) | centre (d,), what coordinates are seen from | axes (k, d + 1, d): of each class d axes in columns, and
    below them what is added to the coordinates. All have one dtype. A sum may be taken in any order; a row has the
    same bits whatever other rows there are.
    """
    sides = [(X - centre) @ each[:-1] + each[-1] for each in axes]
    return np.array([np.square(side).sum(axis=1, dtype=float) for side in sides]).T
