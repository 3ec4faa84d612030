"""The kernels by definition. X (n, d) is float32 or float64 in C order; NaN is a number that is missing."""

import numpy as np

__all__ = [
    "binarise", "code_objects", "code_rows", "extremes", "fill", "moments", "normalise", "quantiles", "rescale",
    "scaled_scores", "standardise",
]  # fmt: skip


def moments(X):
    """(count, mean, squares), each (d,) float64: numbers in each column, their mean, the sum of (x - mean)**2.

    An infinite number makes its column's mean infinite or NaN; a column without numbers has NaN twice. Rows are taken
    in blocks of a size that d alone decides, each about its own mean, and the blocks merged in order (Chan, Golub and
    LeVeque 1983): squares of differences lose no digits to a large mean, and no number of threads changes a bit.
    """
    found = []
    for column in X.astype(np.float64).T:
        known = column[~np.isnan(column)]
        mean = known.mean() if len(known) else np.nan
        found.append((len(known), mean, ((known - mean) ** 2).sum() if len(known) else np.nan))
    return tuple(np.array(found, np.float64).reshape(-1, 3).T)


def extremes(X):
    """(least, largest), each (d,) of the dtype of X; NaN for a column without numbers."""
    known = [column[~np.isnan(column)] for column in X.T]
    least = [x.min() if len(x) else np.nan for x in known]
    return np.array(least, X.dtype), np.array([x.max() if len(x) else np.nan for x in known], X.dtype)


def quantiles(X, q):
    """(low, high, count): for each of the shares q (m,) the two numbers of each column beside it, (m, d), dtype of X.

    They are those at the places floor(q * (c - 1)) and one more, at most c - 1, of the column's c numbers in order,
    counted from 0; NaN where c = 0. count (d,) int64 is c.
    """
    low, high = np.full((2, len(q), X.shape[1]), np.nan, X.dtype)
    count = (~np.isnan(X)).sum(axis=0)
    for j, column in enumerate(X.T):
        ordered = np.sort(column[~np.isnan(column)])
        for i, share in enumerate(q if len(ordered) else []):
            below = int(np.floor(share * (len(ordered) - 1)))
            low[i, j], high[i, j] = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return low, high, count


def standardise(X, centre, scale):
    """(x - centre) / scale of each column, two operations in the dtype of X; None where a number of X is infinite.

    centre, scale: (d,) of the dtype of X, or None for 0 and 1
    """
    if np.isinf(X).any():
        return None
    X = X if centre is None else X - centre
    return X.copy() if scale is None else X / scale


def rescale(X, scale, shift, low, high):
    """x * scale + shift of each column, clipped to low and high; None where a number of X is infinite.

    scale, shift: (d,) of the dtype of X | low, high: -inf and inf do not clip
    """
    return None if np.isinf(X).any() else np.clip(X * scale + shift, low, high).astype(X.dtype)


def normalise(X, norm):
    """(rows, norms): each row divided by its norm "l1", "l2" or "max"; by 1 where that is below 10 eps. X is finite."""
    powers = {"l1": 1, "l2": 2, "max": np.inf}
    norms = np.linalg.norm(X.astype(np.float64), powers[norm], axis=1).astype(X.dtype)
    norms[norms < 10 * np.finfo(X.dtype).eps] = 1
    return X / norms[:, None], norms


def binarise(X, threshold):
    """1 where x > threshold, rounded to the dtype of X, else 0, in that dtype. X is finite."""
    return (X > X.dtype.type(threshold)).astype(X.dtype)


def fill(X, values):
    """X with values (d,), of its dtype, where NaN stands; None where a number of X is infinite."""
    return None if np.isinf(X).any() else np.where(np.isnan(X), values, X)


def scaled_scores(X, centre, scale, coef, intercept):
    """(n, k): the scores Z @ coef.T + intercept of Z = (X - centre) / scale, to rounding, in the dtype of X.

    All are of the dtype of X and finite: coef (k, d), intercept (k,), centre and scale (d,) or None for 0 and 1.
    Weights coef / scale meet X - centre, so that a large centre costs no digits; sums are taken in float64.
    """
    X, coef = X.astype(np.float64), coef.astype(np.float64)
    Z = (X if centre is None else X - centre) / (1 if scale is None else scale.astype(np.float64))
    return (Z @ coef.T + intercept).astype(intercept.dtype)


def code_objects(values):
    """(codes, distinct): the distinct values of an array of objects (n,), in the order in which they first stand there.

    codes (n,) int64 are the places of the values in the list `distinct`. Values are one if they are equal and have one
    hash; every NaN that is a float is one. TypeError: a value has no hash.
    """
    distinct, codes, keys = [], [], []
    for value in values:
        key = "NaN" if isinstance(value, float) and value != value else (hash(value), value)
        if key not in keys:
            keys.append(key)
            distinct.append(value)
        codes.append(keys.index(key))
    return np.array(codes, np.int64), distinct


def code_rows(words):
    """(codes, first): the distinct rows of words (n, w) uint32 in the order in which they first stand there.

    codes (n,) int64 are the places of the rows among the distinct ones | first (k,) int64, where each first stands
    """
    first: dict = {}
    places = [first.setdefault(tuple(row), i) for i, row in enumerate(words.tolist())]
    codes = {at: code for code, at in enumerate(first.values())}
    return np.array([codes[at] for at in places], np.int64), np.array([*first.values()], np.int64)
