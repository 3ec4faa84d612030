"""Small inputs for this family; as in fastml_ext/neighbors/cases.py."""

import numpy as np

CLOSE = {"sums_with": 1e-12}


def sums_with(family, random):
    X = random.integers(-4, 5, random.integers(1, [40, 9])).astype(random.choice([np.float32, np.float64]))
    return family.sums_with(X, random.standard_normal(len(X)), random.integers(-2, 3, X.shape[1]).astype(float))


def near_own(family, random):
    x = line(random, 2)
    codes = random.integers(0, random.integers(1, 5), len(x))
    codes[np.bincount(codes)[codes] < 2] = 0  # what stands alone
    if (codes == 0).sum() == 1:
        codes[:] = 0
    return family.near_own(x, codes, 5, int(random.integers(1, 6)))


def near_both(family, random):
    x = line(random, 2)
    y = random.permutation(line(random, len(x))[: len(x)])
    y = np.resize(y, len(x))
    return family.near_both(x, y, np.argsort(y), int(random.integers(1, min(6, len(x)))))


def line(random, fewest):
    """Many ties, or none."""
    n = int(random.integers(fewest, fewest + 150))
    return random.integers(-9, 9, n).astype(float) if random.integers(2) else random.standard_normal(n) + 5
