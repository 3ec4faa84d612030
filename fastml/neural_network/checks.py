"""Checks of a network's size and of the weights of its rows."""

import itertools
from numbers import Integral

import numpy as np

from fastml.base import check_weight
from fastml.memory import check_memory

__all__ = ["check_size", "check_total", "hidden_sizes", "weights_of"]


def hidden_sizes(given):
    """The units of each hidden layer as Python integers."""
    sizes = np.ravel(np.asarray(given, object)).tolist()
    if any(isinstance(size, bool) or not isinstance(size, Integral) or size < 1 for size in sizes):
        raise ValueError(f"hidden_layer_sizes={given} must be > 0 and whole: units of each hidden layer")
    return [int(size) for size in sizes]


def check_size(given, units, dtype):
    """Refuse layers whose weights, with a gradient and two moments, are more than this machine's memory."""
    weights = sum((k + 1) * n for k, n in itertools.pairwise(units))
    wanted = 4 * weights * np.dtype(dtype).itemsize
    what = f"hidden_layer_sizes={given} makes {weights:.3g} weights"
    check_memory(wanted, what, "ask for fewer units (a gradient and two moments are kept beside the weights)")


def weights_of(sample_weight, X):
    """Sample weights for the kernels: (n,) float64, or empty for one each."""
    return np.empty(0) if sample_weight is None else check_weight(sample_weight, X.shape[0])


def check_total(weight, dtype):
    """Refuse weights whose sums, or what is divided by them, leave the range of the network's numbers."""
    if len(weight) == 0:
        return
    with np.errstate(over="ignore"):
        total, range_ = weight.sum(), np.finfo(dtype)
    if not range_.tiny <= total <= np.sqrt(range_.max):
        how = "only, too little to divide by" if total < 1 else "which overflows in sums"
        raise ValueError(
            f"sample_weight goes up to {weight.max():.3g} {how} in {dtype}, class_weight included: divide all weights"
            " by their mean"
        )
