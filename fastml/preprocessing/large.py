"""Columns whose sums float64 cannot hold: scaled on the way, or refused."""

import numpy as np

from fastml_ext import preprocessing as kernels

__all__ = ["large_moments", "refuse_infinite_sums"]

SMALLER = 2.0**-600  # of a float64, whose squares can then be added up
HUGE = 1e100  # a weight that may be why a sum is infinite


def large_moments(X):
    """(mean, standard deviation) of columns whose sums, or those of their squares, float64 cannot hold."""
    count, mean, squares = kernels.moments(np.ascontiguousarray(X) * SMALLER)
    return mean / SMALLER, np.sqrt(squares / count) / SMALLER


def refuse_infinite_sums(scaler, weight=None):
    """Refuse the fit of a StandardScaler of which a sum is infinite: of weights, or of numbers."""
    seen = np.asarray(scaler.n_samples_seen_) > 0
    for learnt in (scaler.mean_, scaler.var_):
        if learnt is None or (np.isfinite(learnt) | ~seen).all():
            continue
        if weight is not None and weight.max() > HUGE:
            raise ValueError(
                f"sample_weight goes up to {weight.max():g}, and sums of so large weights are beyond float64:"
                " divide the weights by the largest"
            )
        j = int(np.flatnonzero(~np.isfinite(learnt) & seen)[0])
        raise ValueError(
            f"X[:, {j}] holds numbers so large that the sums of their squares are beyond float64: divide the column"
            " first"
        )
