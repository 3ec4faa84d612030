"""Arrays of numbers as the floats that are computed with: no number becomes another one."""

import numpy as np
from scipy.sparse import issparse

from fastml.kinds.values import EXACT, NUMBERS, refuse_dtype, refuse_large

__all__ = ["as_native", "as_numbers", "canonical", "long_floats", "with_missing"]


def as_numbers(X, estimator, small_integers=False, name=None):
    """X, dense or CSR, as float32 or float64 with no value changed; or as the small integers that it holds.

    float16 becomes float32. An integer that float64 cannot hold is refused.
    """
    if X.dtype in (np.float32, np.float64) and X.dtype.isnative:
        return X
    if X.dtype.kind not in NUMBERS:
        refuse_dtype(0 if name is None else name, X.dtype)
    if X.dtype.kind in "iub" and X.dtype.itemsize <= 2 and small_integers and not issparse(X):
        return X.astype(X.dtype.newbyteorder("=") if X.dtype.kind != "b" else np.uint8, copy=False)
    values = X.data if issparse(X) else X
    if X.dtype.kind in "iu" and X.dtype.itemsize == 8 and values.size:
        for extreme in (values.min(), values.max()):
            if not -EXACT <= int(extreme) <= EXACT:
                refuse_large(name, extreme, f"{estimator} computes in float64" if name is None else estimator)
    if X.dtype.itemsize > 8:
        long = long_floats(values, name)
        return X.astype(np.float64) if issparse(X) else np.ascontiguousarray(long)
    dtype = np.float32 if X.dtype.kind == "f" and X.dtype.itemsize <= 4 else np.float64
    return X.astype(dtype) if issparse(X) else np.ascontiguousarray(X, dtype)


def as_native(x, name):
    """Numbers in the processor's own order of bytes and no wider than 8."""
    if x.dtype.itemsize > 8:
        return long_floats(x, name)
    return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))


def long_floats(x, name=None):
    """Numbers wider than float64 as float64, no two of them one."""
    with np.errstate(over="ignore", under="ignore"):
        found = x.astype(np.float64)
    flat, given = np.atleast_2d(found.T), np.atleast_2d(x.T)
    for j, (column, wide) in enumerate(zip(flat, given, strict=True)):
        known = wide == wide
        if (np.isinf(column) & np.isfinite(wide)).any() or len(np.unique(column[known])) < len(np.unique(wide[known])):
            raise ValueError(
                f"column {j if name is None else name!r} has dtype {x.dtype}, and float64 does not hold all of its"
                " numbers or tell them apart: subtract an offset, or divide, then use x.astype(np.float64)"
            )
    return found


def with_missing(values, missing, name):
    """Whole numbers some of which are missing: as they are, or as float64 if it holds them."""
    if not missing.any():
        return values
    known = values[~missing]
    if known.size and not (-EXACT <= int(known.min()) and int(known.max()) <= EXACT):
        large = next(v for v in (int(known.min()), int(known.max())) if abs(v) > EXACT)
        refuse_large(name, large, "a missing value beside it makes floats of them all")
    return np.where(missing, np.nan, values.astype(np.float64))


def canonical(X):
    """X; where entries of a sparse matrix share a place, a copy in which they are added up, as they count."""
    if not issparse(X) or getattr(X, "has_canonical_format", True):
        return X
    X = X.copy()
    X.sum_duplicates()
    return X
