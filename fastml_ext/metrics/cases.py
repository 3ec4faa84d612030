"""Small inputs for the counting of labels; as in fastml_ext/neighbors/cases.py."""

import numpy as np

CLOSE: dict[str, float] = {}
WITHIN: dict[str, str] = {}


def extent(family, random):
    return family.extent(*labels(random)[:2])


def count_pairs(family, random):
    y_true, y_pred, low, width = labels(random)
    start, stop = np.sort(random.integers(0, len(y_true) + 1, 2))
    return family.count_pairs(int(start), int(stop), y_true, y_pred, low, width)


def count_pairs_weighted(family, random):
    y_true, y_pred, low, width = labels(random)
    return family.count_pairs_weighted(y_true, y_pred, random.standard_normal(len(y_true)), low, width)


def margins(family, random):
    width = random.integers(1, 6)
    return family.margins(random.integers(0, 9, (width, width)))


def count_margins(family, random):
    y_true, y_pred, low, width = labels(random)
    weight = random.standard_normal(len(y_true)) if random.integers(2) else None
    return family.count_margins(y_true, y_pred, weight, low, width)


def code_integers(family, random):
    y_true, y_pred, low, _ = labels(random)
    far = random.choice([1, 2**40])
    return family.code_integers(y_true * far, y_pred * far)


def code_strings(family, random):
    return family.code_strings(*(texts(random).view(np.uint32).reshape(7, -1) for _ in "tp"))


def code_objects(family, random):
    return family.code_objects(*(some_objects(random) for _ in "tp"))


def equal_objects(family, random):
    return family.equal_objects(*(some_objects(random) for _ in "tp"))


def labels(random):
    """(y_true, y_pred, low, width)"""
    low, width = int(random.integers(-3, 4)), int(random.integers(1, 6))
    return *random.integers(low, low + width, (2, random.integers(1, 20))), low, width


def texts(random):
    return np.resize(random.choice(["a", "ab", "", "ä", "abc"], 7), 7)


def some_objects(random):
    """Strings, at times with something else among them."""
    found = texts(random).astype(object)
    if random.integers(4) == 0:
        found[random.integers(7)] = 1
    return found
