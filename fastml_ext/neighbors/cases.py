"""Small inputs on which every exported function is held to its definition, on the user's machine too.

Each function here has the name of an exported one. It draws an input from `random`, calls that function of `family`,
the kernels or their reference, and returns the result, which must be equal bit for bit. `CLOSE` names those that may
differ by rounding, with the relative error, and `WITHIN` those without a result of their own, with their user.
"""

import numpy as np

from fastml_ext.neighbors import metrics

CLOSE = {"average": 1e-12, "class_shares": 1e-9}
WITHIN = {"prepare": "nearest", "build_tree": "query_tree"}

METRICS = [row.name for row in metrics.METRICS.values() if metrics.TILES in row.served_by and not row.parameters]
AS_GIVEN = [name for name in METRICS if name != "cosine"]  # which scales rows first
TREES = (  # columns, dtype, metric, p: not all products of these, because each compiles kernels of its own
    (2, np.float64, "euclidean", 2),
    (3, np.float32, "euclidean", 2),
    (9, np.float64, "euclidean", 2),
    (2, np.float64, "manhattan", 2),
    (2, np.float64, "chebyshev", 2),
    (2, np.float64, "minkowski", 3),
)
EACH = np.empty(0)  # weights of one each


def nearest(family, random):
    X, Q = cloud(random, int(random.integers(1, 7)), random.choice([np.float32, np.float64]))
    index = family.prepare(X, random.choice(METRICS))
    if len(X) > 1 and random.integers(2):
        return family.nearest(index, Q, int(random.integers(1, len(X))), random.integers(-1, len(X), len(Q)))
    return family.nearest(index, Q, int(random.integers(1, len(X) + 1)))


def class_shares(family, random):
    counts = random.integers(1, 60, int(random.integers(2, 4)))  # of one class the gradient is what rounding leaves
    n, d, k = counts.sum(), *random.integers(1, 5, 2)
    return family.class_shares(random.normal(size=(k, d)), random.integers(-3, 4, (n, d)) / 2, counts)


def within_radius(family, random):
    X, Q = cloud(random, int(random.integers(1, 7)), random.choice([np.float32, np.float64]))
    return family.within_radius(family.prepare(X, random.choice(AS_GIVEN)), Q, float(random.integers(0, 4)))


def query_tree(family, random):
    tree, Q, _ = grown(family, random)
    return family.query_tree(tree, Q, int(random.integers(1, 9)))


def query_radius(family, random):
    return family.query_radius(*grown(family, random))


def count_radius(family, random):
    return family.count_radius(*grown(family, random))


def pairs(family, random):
    tree, _, r = grown(family, random)
    return family.pairs(tree, r)


def count_pairs(family, random):
    tree, _, r = grown(family, random)
    return family.count_pairs(tree, r)


def vote(family, random):
    return family.vote(*election(random), *labels(random))


def vote_shares(family, random):
    return family.vote_shares(*election(random), *labels(random))


def vote_path(family, random):
    m, k = (int(n) for n in random.integers(1, [7, 9]))
    weights = random.integers(0, 3, (m, k)).astype(float) if random.integers(2) else np.empty((0, 0))
    numbers = np.sort(random.integers(1, k + 1, 4))
    return family.vote_path(random.integers(0, 9, (m, k)), weights, *labels(random), numbers)


def average(family, random):
    return family.average(*election(random), random.standard_normal((9, random.integers(1, 4))))


def inverse_distances(family, random):
    starts, indices, _ = election(random)
    tiny = random.choice([1.0, 2.0**-1030])
    return family.inverse_distances(starts, random.integers(0, 4, len(indices)) * tiny)


def take_copies(family, random):
    m, k = (int(n) for n in random.integers(1, [6, 8]))
    indices = np.array([random.permutation(9)[:k] for _ in range(m)])
    itself = random.integers(0, 9, m) if random.integers(2) else np.empty(0, np.int64)
    return family.take_copies(indices, random.integers(0, 4, 9) / 2, k, itself)


def cloud(random, d, dtype, most=60):
    """(X, Q): small integers and steps of 0.1, also far from 0; some queries are points."""
    n, m = random.integers(1, [most, 8])
    step, offset = random.choice([1, 0.1]), random.choice([0, -7, 1e3])
    X = (offset + step * random.integers(0, 4, (n, d))).astype(dtype)
    between = (offset + step * random.integers(-2, 6, (m, d))).astype(dtype)
    return X, np.where(random.random((m, 1)) < 0.5, X[random.integers(0, n, m)], between)


def grown(family, random):
    """(tree, queries, radius): a radius of 0 finds equal points."""
    d, dtype, metric, p = TREES[random.integers(len(TREES))]
    X, Q = cloud(random, d, dtype, 200)
    return family.build_tree(X, 16, metric, p), Q, float(random.integers(0, 4))


def election(random):
    """(starts, indices, weights): up to six queries with up to seven of nine neighbours, some without any."""
    starts = np.concatenate([[0], np.cumsum(random.integers(0, 8, random.integers(1, 7)))])
    weights = random.integers(0, 3, starts[-1]).astype(float) if random.integers(2) else EACH
    return starts, random.integers(0, 9, starts[-1]), weights


def labels(random):
    """(codes, n_classes) of nine points."""
    n_classes = int(random.integers(1, 5))
    return random.integers(0, n_classes, 9), n_classes
