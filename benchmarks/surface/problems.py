"""Random problems as users have them: shapes, kinds of columns, classes, settings, all from one seed each."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse

MOST_CELLS = 12_000_000
KINDS = (
    "normal", "correlated", "integer", "skewed", "decimals", "sparse", "constant columns", "duplicate rows", "offset",
)  # fmt: skip
SHARES = (0.2, 0.18, 0.12, 0.12, 0.08, 0.12, 0.06, 0.06, 0.06)


@dataclass(frozen=True)
class Problem:
    """One drawn problem; `seed` and `family` repeat it."""

    seed: int
    family: str
    kind: str
    dtype: str
    n: int
    d: int
    n_classes: int  # 0: regression
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self):
        what = f", {self.n_classes} classes" if self.n_classes else ""
        given = ", ".join(f"{k}={v}" for k, v in self.settings.items())
        return f"{self.family}({given}) on {self.n:,} x {self.d} {self.kind} {self.dtype}{what}"


def draw(seed, families, most_rows=200_000):
    """The problem of a seed."""
    random = np.random.default_rng(seed)
    name = sorted(families)[random.integers(len(families))]
    family = families[name]
    d = round(np.exp(random.uniform(np.log(2), np.log(600)))) if random.random() > 0.04 else 1
    if random.random() < 1 / 3:
        n = round(np.exp(random.uniform(np.log(20), np.log(500))))
    else:
        n = round(np.exp(random.uniform(np.log(50), np.log(most_rows))))
    d = min(d, family.most_columns)
    n = min(n, most_rows, family.most_rows, MOST_CELLS // d)
    kind = str(random.choice(KINDS, p=SHARES))
    if kind == "sparse" and not family.sparse:
        kind = "normal"
    if family.kinds is not None and kind not in family.kinds:
        kind = family.kinds[random.integers(len(family.kinds))]
    dtype = str(random.choice(["float64", "float32"], p=[0.65, 0.35]))
    n_classes = int(random.choice([2, 3, 5, 10], p=[0.55, 0.2, 0.15, 0.1])) if family.classifies else 0
    settings = {k: v[random.integers(len(v))] for k, v in family.settings.items()}
    n = max(n, 20)
    if "n_neighbors" in settings:
        settings["n_neighbors"] = min(settings["n_neighbors"], n)
    return Problem(seed, name, kind, dtype, n, d, n_classes, settings)


def make(problem):
    """(X, y, queries) of a problem."""
    random = np.random.default_rng([problem.seed, 1])
    n, d = problem.n, problem.d
    X = columns(random, problem.kind, n, d)
    weights = random.standard_normal(d) * (random.random(d) < max(3 / d, 0.3))
    scale = X.std(axis=0) + 1e-12
    signal = ((X - X.mean(axis=0)) / scale) @ weights
    signal += 0.5 * random.standard_normal(n) * max(signal.std(), 0.1)
    if problem.n_classes:
        shares = random.dirichlet(np.full(problem.n_classes, 5.0 if random.random() < 0.8 else 0.4))
        ranks = np.argsort(np.argsort(signal))
        y = np.searchsorted(np.cumsum(shares)[:-1] * n, ranks, side="right")
        y[: problem.n_classes] = np.arange(problem.n_classes)  # every class has a row
    else:
        y = signal
    X = X.astype(problem.dtype)
    if problem.kind == "sparse":
        X = scipy.sparse.csr_array(X)
        X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    else:
        X = np.ascontiguousarray(X)
    return X, y, X[: min(n, 2000)]


def columns(random, kind, n, d):
    if kind == "correlated":
        hidden = max(1, d // 4)
        return random.standard_normal((n, hidden)) @ random.standard_normal((hidden, d)) + 0.1 * random.standard_normal(
            (n, d)
        )
    if kind == "integer":
        return random.integers(0, 10, (n, d)).astype(float)
    if kind == "skewed":
        return random.lognormal(0, 1.5, (n, d))
    if kind == "decimals":
        return random.integers(0, 100, (n, d)) * 0.1
    if kind == "sparse":
        return np.where(random.random((n, d)) < 0.05, random.random((n, d)), 0)
    X = random.standard_normal((n, d))
    if kind == "constant columns":
        X[:, random.random(d) < 0.3] = 1.0
    elif kind == "duplicate rows":
        X = X[random.integers(0, max(1, n // 5), n)]
    elif kind == "offset":
        X = X * 10.0 ** random.integers(-3, 4, d) + 100 * random.standard_normal(d)
    return X
