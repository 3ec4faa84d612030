"""Small inputs for the input checks; as in the families' cases.py."""

import numpy as np

CLOSE: dict[str, float] = {}
WITHIN: dict[str, str] = {}


def is_table(checks, random):
    X = table(random)
    choices = [X, np.asfortranarray(X), X > 0, X.tolist(), X[0], X[:0], X.astype(X.dtype.newbyteorder())]
    return [checks.is_table(x, columns, np.ndarray) for x in choices for columns in (X.shape[1], X.shape[1] + 1)]


def first_nonfinite(checks, random):
    X = table(random)
    return [checks.first_nonfinite(x) for x in (X, X.T, X[::2], X[:, ::-1])]


def table(random):
    """Numbers of any size, with a NaN or an infinity somewhere in every other table."""
    X = random.standard_normal(random.integers(1, 9, 2)) * 10.0 ** random.integers(-30, 30)
    if random.integers(2):
        X[tuple(random.integers(0, X.shape))] = random.choice([np.nan, np.inf, -np.inf])
    return X.astype(random.choice([np.float32, np.float64]))
