"""Likelihoods of some rows at once: loops over numbers alone, so that the exponentials vectorise.

What is read and written are scores of rows one after the other, as one line of numbers.
"""

import numpy as np

from fastml_ext.device.losses import weighted
from fastml_ext.device.numbers import LEAST_EXPONENT, expm1
from fastml_ext.jit import kernel, kernel_inline

__all__ = ["binary_losses", "softmax_losses"]


@kernel_inline
def log_of_one_more(e):
    """log(1 + e) of e from 0 to 1, as 2 artanh(s), s = e / (2 + e): the rest of the series is below 1e-17."""
    s = e / (2.0 + e)
    q = s * s
    total = 1.0 / 33.0
    for odd in range(31, 0, -2):
        total = total * q + 1.0 / odd
    return 2.0 * s * total


@kernel
def binary_losses(scores, start, rows, Y, weight, slopes, losses):
    """The sum of v log(1 + exp(-y s)); the scores become curvatures. Y, weight: from `start` on, as the scores."""
    for r in range(rows):
        i = start + r
        z, y, v = Y[i] * scores[i], Y[i], weight[i]
        e = expm1(-abs(z)) + 1.0
        share = 1.0 / (1.0 + e)
        slopes[i] = -v * y * share * (e if z > 0.0 else 1.0)
        scores[i] = v * e * share * share
        losses[r] = v * (log_of_one_more(e) - min(z, 0.0))
    total = 0.0
    for r in range(rows):
        total += losses[r]
    return total


@kernel
def softmax_losses(scores, start, rows, k, Y, weight, at):
    """The sum of -v log p of the rows' own classes, the first of them in row `at`; the scores become shares p."""
    total = 0.0
    for r in range(rows):
        row = scores[start + r * k : start + (r + 1) * k]
        top = row[0]
        for c in range(1, k):
            top = max(top, row[c])
        for c in range(k):
            row[c] -= top
        total -= weighted(weight[at + r] if len(weight) else 1.0, row[int(Y[at + r])])
    values = scores[start : start + rows * k]
    for i in range(len(values)):
        z = values[i]
        values[i] = 0.0 if z < LEAST_EXPONENT else expm1(z) + 1.0 + 0.0 * z  # what is no number stays none
    for r in range(rows):
        row, whole = scores[start + r * k : start + (r + 1) * k], 0.0
        for c in range(k):
            whole += row[c]
        for c in range(k):
            row[c] /= whole
        total += weighted(weight[at + r] if len(weight) else 1.0, np.log(whole))
    return total
