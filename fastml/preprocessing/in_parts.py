"""Scalers over a table in parts: one pass; see `fastml.scale.Reduction`."""

import numpy as np

from fastml_ext import preprocessing as kernels

__all__ = ["Extremes", "Moments"]


class Moments:
    """Rows, mean, and squared distances from it, of each column; NaN is left out."""

    def partial(self, rows):
        count, mean, squares = kernels.moments(rows.X)
        return np.asarray(count, float), np.where(count > 0, mean, 0.0), np.where(count > 0, squares, 0.0)

    def merge(self, first, second):
        """Chan, Golub and LeVeque 1983, equation 1.5."""
        count = first[0] + second[0]
        share = np.divide(second[0], count, out=np.zeros_like(count), where=count > 0)
        apart = np.where((first[0] > 0) & (second[0] > 0), second[1] - first[1], 0.0)
        mean = np.where(first[0] > 0, first[1] + share * apart, second[1])
        return count, mean, first[2] + second[2] + apart**2 * first[0] * share


class Extremes:
    """(least, largest) of each column, and how many rows there are."""

    def partial(self, rows):
        least, largest = kernels.extremes(rows.X)
        return least, largest, len(rows.X)

    def merge(self, first, second):
        return np.fmin(first[0], second[0]), np.fmax(first[1], second[1]), first[2] + second[2]
