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
