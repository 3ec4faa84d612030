"""Small inputs for the feature maps and templates; as in fastml_ext/neighbors/cases.py."""

import numpy as np

from fastml_ext.features.template_cases import (  # noqa: F401
    assemble,
    char_grams,
    code_records,
    count_marked,
    count_spans,
    count_text,
    cross,
    hash_names,
    order_words,
    pack,
    pages,
    squeeze,
    tokenize,
    word_grams,
)

CLOSE = {
    # columns of numbers
    "harmonics": 1e-6,  # the sines of float32 columns are rounded to float32
    # records and texts
}
WITHIN: dict[str, str] = {}

# ------------------------------------------------------------------------------------------------ columns of numbers


def look_up(family, random):
    X, cuts, starts = binned(random)
    return family.look_up(X, cuts, starts, random.random(len(cuts) + 2 * X.shape[1]).astype(X.dtype))


def fill_spans(family, random):
    X, cuts, starts = binned(random)
    return family.fill_spans(X, cuts, starts, *spans(random, len(cuts) + 2 * X.shape[1]), 9)


def list_spans(family, random):
    X, cuts, starts = binned(random)
    return family.list_spans(X, cuts, starts, *spans(random, len(cuts) + 2 * X.shape[1]))


def mdl_cuts(family, random):
    n, d = int(random.integers(1, 200)), int(random.integers(1, 4))
    codes = random.integers(0, 9, (d, n)).astype(random.choice(["uint8", "uint16", "uint32"]))
    y = (codes[0].astype(int) > 3) + random.integers(0, 2, n) * (random.random(n) < 0.3)
    weight = random.integers(0, 4, n).astype(float) if random.integers(2) else None
    return family.mdl_cuts(list(codes), [8] * d, y, weight, 3)


def harmonics(family, random):
    X, period, origin = cyclic(random)
    return family.harmonics(X, period, origin, int(random.integers(1, 6)))


def wrap(family, random):
    return family.wrap(*cyclic(random))


def binned(random):
    """(X, cuts, starts): numbers on cuts, beside them and missing; some columns without a cut."""
    dtype = random.choice([np.float32, np.float64])
    X = random.integers(-3, 12, (random.integers(1, 40), random.integers(1, 5))) / 2
    X = np.where(random.random(X.shape) < 0.1, np.nan, X).astype(dtype)
    each = [np.unique(random.integers(0, 5, random.integers(0, 9))) for _ in range(X.shape[1])]
    return X, np.concatenate(each).astype(dtype), np.cumsum([0, *map(len, each)], dtype=np.int64)


def spans(random, n):
    """Where ones begin and end; half of the time one for each number, as bins have it."""
    begins = random.integers(0, 7, n)
    return begins, begins + (1 if random.integers(2) else random.integers(0, 3, n))


def cyclic(random):
    d = int(random.integers(1, 4))
    X = (random.integers(-50, 400, (random.integers(1, 600), d)) / 4).astype(random.choice([np.float32, np.float64]))
    return X, random.choice([0.1, 1.0, 7.0, 365.25], d), random.choice([0.0, -3.0, 0.25], d)


# ------------------------------------------------------------------------------------------------ records and texts
