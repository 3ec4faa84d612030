"""n log2 n in fixed point, so that sums of entropies are exact in any order."""

from functools import lru_cache

import numpy as np

__all__ = ["log_table"]

FEW = 2048  # rows: the table of fewer would take as long as their tree, and is kept


def log_table(n):
    """n log2 n for 0 .. n in fixed point, and what 1 in it is worth: sums over the classes of n rows fit 62 bits."""
    return (_kept if n < FEW else _table)(n)


def _table(n):
    logs = np.arange(n + 1, dtype=np.float64)
    logs[2:] *= np.log2(logs[2:])
    logs[:2] = 0
    shift = 61 - int(np.ceil(np.log2(max(logs[-1], 2.0))))
    return np.rint(logs * 2.0**shift).astype(np.int64), 2.0**-shift


_kept = lru_cache(maxsize=16)(_table)
