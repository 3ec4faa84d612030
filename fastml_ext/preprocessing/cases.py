"""Small inputs for the steps before a model; as in fastml_ext/neighbors/cases.py."""

import numpy as np

CLOSE = {  # sums in blocks, and sums of a row
    "moments": 1e-12,
    "normalise": 1e-6,
    "rescale": 1e-6,
    "scaled_scores": 1e-5,
    "power_likelihood": 1e-9,
    "spline_basis": 1e-5,
    "power_columns": 1e-5,
    "unpower_columns": 1e-4,
    "to_distribution": 1e-6,
    "from_distribution": 1e-6,
}
WITHIN: dict[str, str] = {}


def moments(family, random):
    return family.moments(table(random))


def extremes(family, random):
    return family.extremes(table(random))


def quantiles(family, random):
    return family.quantiles(table(random), random.random(3))


def standardise(family, random):
    X = table(random)
    return family.standardise(X, *np.ones((2, X.shape[1]), X.dtype if random.random() < 0.5 else float))


def rescale(family, random):
    X = table(random)
    return family.rescale(X, *np.ones((2, X.shape[1]), X.dtype if random.random() < 0.5 else float), -np.inf, 2.0)


def few_divided(family, random):
    X = np.nan_to_num(table(random))
    return family.few_divided(X, *columns(random, X))


def few_multiplied(family, random):
    X = np.nan_to_num(table(random))
    return family.few_multiplied(X, *columns(random, X))


def columns(random, X):
    """(centre, scale) of the dtype of X, or of another one, or none."""
    kinds = [X.dtype] * 4 + [np.dtype(float)]
    made = [random.integers(1, 9, X.shape[1]).astype(random.choice(kinds)) / 4 for _ in range(2)]
    return made[0] if random.random() < 0.8 else None, made[1]


def by_rows(family, random):
    return family.by_rows(np.asfortranarray(table(random)))


def put_lines(family, random):
    X = table(random)
    rows = random.integers(0, len(X), int(random.integers(0, 60)))
    first = int(random.integers(0, X.shape[1]))
    last = int(random.integers(first + 1, X.shape[1] + 1))
    out = np.empty((last - first, len(rows) or len(X)), X.dtype)
    family.put_lines(first, last, X if random.random() < 0.5 else np.asfortranarray(X), rows, out)
    return out


def normalise(family, random):
    return family.normalise(np.nan_to_num(table(random)), str(random.choice(["l1", "l2", "max"])))


def binarise(family, random):
    return family.binarise(np.nan_to_num(table(random)), 0.5)


def fill(family, random):
    X = table(random)
    return family.fill(X, np.arange(X.shape[1], dtype=X.dtype))


def scaled_scores(family, random):
    X = np.nan_to_num(table(random))
    coef = random.normal(size=(int(random.integers(1, 4)), X.shape[1])).astype(X.dtype)
    return family.scaled_scores(X, *np.ones((2, X.shape[1]), X.dtype), coef, coef[:, 0].copy())


def to_distribution(family, random):
    X = table(random)
    points = np.sort(random.integers(-2, 3, (X.shape[1], 5)) + 0.25, axis=1)
    shares = np.linspace(0, 1, 5)
    return family.to_distribution(X, points, points, shares, (-5.0, 5.0) if random.random() < 0.5 else None)


def from_distribution(family, random):
    X = table(random) / 3
    points = np.sort(random.random((X.shape[1], 5)), axis=1)
    return family.from_distribution(X, points, np.linspace(0, 1, 5), bool(random.random() < 0.5))


def products(family, random):
    X = np.ascontiguousarray(np.nan_to_num(table(random))[:, :1])
    steps = np.array([(1, 2, 0, 2), (2, 3, 0, 3)], np.int64)
    return family.products(X, steps, 4, int(random.integers(2, 5)), True, bool(random.random() < 0.5))


def sparse_products(family, random):
    d, n = int(random.integers(1, 6)), int(random.integers(1, 30))
    rows = [np.flatnonzero(random.random(d) < 0.5) for _ in range(n)]
    indices, indptr = np.concatenate(rows).astype(np.int64), np.cumsum([0] + [len(row) for row in rows])
    data = random.integers(-3, 4, len(indices)).astype(random.choice(["f4", "f8"]))
    settings = int(random.integers(0, 3)), int(random.integers(2, 5)), bool(random.random() < 0.5)
    return family.sparse_products(data, indices, indptr, d, *settings, bool(random.random() < 0.5))


def power_columns(family, random):
    X, box_cox = table(random), bool(random.random() < 0.5)
    X = np.abs(X) + 1 if box_cox else X
    lambdas = random.integers(-1, 4, X.shape[1]).astype(float)
    return family.power_columns(X, lambdas, box_cox, *np.ones((2, X.shape[1]), X.dtype))


def unpower_columns(family, random):
    X = np.clip(table(random), 0, 2)
    lambdas = random.integers(0, 3, X.shape[1]).astype(float)
    return family.unpower_columns(X, lambdas, bool(random.random() < 0.5), *np.ones((2, X.shape[1]), X.dtype))


def power_likelihood(family, random):
    logs = np.append(random.normal(size=int(random.integers(2, 100))), [0.0, 1.0])
    return family.power_likelihood(logs, float(random.uniform(-2, 3)), bool(random.random() < 0.5))


def spline_basis(family, random):
    X = table(random)
    knots = np.tile(np.arange(-3.0, 5.0), (X.shape[1], 1))
    return family.spline_basis(X, knots, 2, 5, str(random.choice(["constant", "linear", "continue"])), 5)


def code_objects(family, random):
    values = np.array(["a", "b", None, float("nan"), 3, 2.5], object)
    return family.code_objects(values[random.integers(0, 6, int(random.integers(0, 50)))])


def code_rows(family, random):
    shape = int(random.integers(1, 200)), int(random.integers(1, 4))
    return family.code_rows(random.integers(0, 3, shape).astype(np.uint32))


WORDS = ["", "a", "b", "ab", "twelve bytes", "thirteen byte", "thirteen byts", "\u00e9\u20ac"]


def arrow_texts(random):
    """(texts, bits of those that are there or None, bits before the first)"""
    texts = [WORDS[i].encode() for i in random.integers(0, len(WORDS), int(random.integers(1, 60)))]
    skipped = int(random.integers(0, 9))
    bits = np.packbits(random.integers(0, 2, skipped + len(texts)).astype(np.uint8), bitorder="little")
    return texts, bits if random.integers(2) else None, skipped


def code_texts(family, random):
    texts, valid, skipped = arrow_texts(random)
    ends = np.cumsum([0, *map(len, texts)]).astype(random.choice(["i4", "i8"]))
    return family.code_texts(np.frombuffer(b"".join(texts), np.uint8), ends, valid, skipped)


def code_views(family, random):
    texts, valid, skipped = arrow_texts(random)
    buffers = [np.frombuffer(b"".join(texts[half::2]), np.uint8) for half in range(2)]
    views, ends = np.zeros((len(texts), 4), np.uint32), [0, 0]
    for i, text in enumerate(texts):
        views[i].view(np.uint8)[4 : 4 + min(len(text), 12)] = np.frombuffer(text[:12], np.uint8)
        views[i, 0] = len(text)
        if len(text) > 12:
            views[i, 2:] = i % 2, ends[i % 2]
        ends[i % 2] += len(text)
    return family.code_views(views, buffers, valid, skipped)


def add_looked(family, random):
    n, k = random.integers(1, 30, 2)
    out = random.integers(0, 9, (n, k)).astype(float)
    family.add_looked(random.integers(0, 5, n), random.integers(-9, 9, (5, k)).astype(float), out)
    return out


def put_looked(family, random):
    n, d = random.integers(1, 30, 2)
    out = np.zeros((n, d))
    family.put_looked(random.integers(0, 5, n), random.integers(-1, d, 5), random.integers(1, 9, 5).astype(float), out)
    return out


def look_up(family, random):
    n, d = random.integers(1, 30, 2)
    dtype = random.choice(["f4", "f8", "i4", "i8"])
    tables = [random.integers(0, 99, 5).astype(dtype) for _ in range(d)]
    out = np.empty((n, d), dtype)
    family.look_up([random.integers(0, 5, n) for _ in range(d)], tables, out)
    return out


def table(random):
    """Small whole numbers, some missing."""
    X = random.integers(-3, 4, (int(random.integers(1, 200)), int(random.integers(1, 9)))).astype(float)
    X[random.random(X.shape) < 0.1] = np.nan
    return X.astype(random.choice(["f4", "f8"]))
