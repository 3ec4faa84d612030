"""Small inputs on which every exported function is held to its definition, on the user's machine too.

Each function here has the name of an exported one. It draws an input from `random`, calls that function of `family`,
the kernels or their reference, and returns the result, which must be equal bit for bit. `CLOSE` names those that may
differ by rounding, with the relative error, and `WITHIN` those without a result of their own, with their user.
"""

import numpy as np

CLOSE: dict[str, float] = {}
WITHIN = {"prepare": "nearest"}


def nearest(family, random):
    X, Q = points(random, random.integers(1, 40)), points(random, random.integers(1, 9))
    d = min(X.shape[1], Q.shape[1])
    X, Q = np.ascontiguousarray(X[:, :d]), np.ascontiguousarray(Q[:, :d]).astype(X.dtype)
    if len(X) > 1 and random.integers(2):
        exclude = random.integers(-1, len(X), len(Q))
        return family.nearest(family.prepare(X), Q, int(random.integers(1, len(X))), exclude)
    return family.nearest(family.prepare(X), Q, int(random.integers(1, len(X) + 1)))


def vote(family, random):
    return family.vote(*election(random))


def vote_shares(family, random):
    return family.vote_shares(*election(random))


def points(random, n):
    """Integers and halves, also far from 0: many ties, and sums of squares without rounding in both dtypes."""
    grid = random.integers(0, 4, (n, random.integers(1, 6)))
    values = grid * random.choice([1.0, 0.5]) + random.choice([0.0, 1e3])
    return values.astype(random.choice([np.float32, np.float64]))


def election(random):
    m, k, n, n_classes = random.integers(1, [7, 8, 10, 5])
    weights = random.integers(1, 4, (m, k)) / 2 if random.integers(2) else np.empty((0, 0))
    return random.integers(0, n, (m, k)), weights, random.integers(0, n_classes, n), int(n_classes)
