"""How columns are coded, and where they are cut, by definition."""

import math

import numpy as np

__all__ = ["encode", "encode_sparse", "midpoint", "round_down"]


def encode(X):
    """[(values, codes)] of every column of X: its distinct values in ascending order, and each row's place among them.

    X (n, d) bool, integer or float of at most 64 bits, finite or NaN | values in the dtype of X; NaN is none of them:
    its code is len(values); -0.0 is 0.0 | codes uint8 below 256 codes, uint16 below 65536, else uint32 | n below 2^31,
    ValueError otherwise
    """
    columns = []
    for column in X.T:
        values = sorted({value.item() for value in column if value == value})
        place = {value: code for code, value in enumerate(values)}
        codes = [place[value.item()] if value == value else len(values) for value in column]
        columns.append((np.array(values, X.dtype), np.array(codes)))
    return columns


def encode_sparse(data, start):
    """[(values, codes, rest)] of columns of which only some rows are stored; in all others they are 0.

    data (m,) as the values of encode's X, those of column j at start[j] .. start[j + 1] | values: the distinct ones, 0
    among them | codes: as encode's, of the rows stored | rest: the code of 0
    """
    columns = []
    for j in range(len(start) - 1):
        stored = np.append(data[start[j] : start[j + 1]], np.zeros(1, data.dtype))
        ((values, codes),) = encode(stored[:, None])
        columns.append((values, codes[:-1], int(codes[-1])))
    return columns


def midpoint(a, b):
    """(a + b) / 2 in the dtype of a and b, rounded towards a, element by element: a <= midpoint < b for a < b.

    a, b (m,) of one dtype, float16, float32, float64, an integer or bool
    """
    return np.array([_lower_middle(x, y, a.dtype) for x, y in zip(a, b, strict=True)], a.dtype)


def _lower_middle(x, y, dtype):
    if dtype.kind != "f":
        return (int(x) + int(y)) // 2
    (p, q), (r, s) = x.item().as_integer_ratio(), y.item().as_integer_ratio()
    return _largest_not_above(p * s + r * q, 2 * q * s, dtype)


def _largest_not_above(p, q, dtype):
    with np.errstate(over="ignore"):
        near = dtype.type(p / q)  # Python divides integers with one rounding
    if math.isinf(near):
        return near if p < 0 else np.finfo(dtype).max
    over, under = near.item().as_integer_ratio()
    return np.nextafter(near, dtype.type(-np.inf)) if over * q > p * under else near


def round_down(x, dtype):
    """float64 x (m,) as the largest number of a float or integer dtype that is not above it, or the dtype's lowest."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return np.array([v if math.isinf(v) else _largest_not_above(*v.as_integer_ratio(), dtype) for v in x], dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return np.array(
        [high if v == np.inf else low if v == -np.inf else min(max(math.floor(v), low), high) for v in x], dtype
    )
