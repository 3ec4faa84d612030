"""Small inputs for the searches that share work; as in fastml_ext/neighbors/cases.py."""

import numpy as np

CLOSE = {"share_path": 1e-12}
WITHIN: dict[str, str] = {}


def first_kept(family, random):
    m, k = random.integers(1, 9, 2)
    kept = random.integers(0, 2, 12).astype(np.uint8)
    return family.first_kept(random.integers(0, 12, (m, k)), kept, int(random.integers(1, 9)))


def share_path(family, random):
    m, k, n_classes = (int(n) for n in random.integers(1, 6, 3))
    weights = random.integers(0, 3, (m, k)).astype(float) if random.integers(2) else np.empty((0, 0))
    numbers = np.sort(random.integers(1, k + 1, 3))
    return family.share_path(
        random.integers(0, 9, (m, k)), weights, random.integers(0, n_classes, 9), n_classes, numbers
    )


def permutation(family, random):
    return family.permutation(int(random.integers(0, 400)), np.random.MT19937(int(random.integers(2**32))))


def take_columns(family, random):
    array = table_of_a_kind(random)
    return family.take_columns(array, random.integers(0, array.shape[1], random.integers(0, 40)))


def take_rows(family, random):
    array = table_of_a_kind(random)
    if random.integers(2):
        return family.take_rows(np.asfortranarray(array), random.permutation(len(array))[: random.integers(0, 40)])
    return family.take_rows(array, random.integers(0, len(array), random.integers(0, 40)))


def table_of_a_kind(random):
    dtype = ["f8", "f4", "i2", "?", "c16", "U3", "f2"][random.integers(7)]
    return random.integers(0, 9, random.integers(1, 50, 2)).astype(dtype)
