"""Random inputs of an estimator: small tables of every kind, labels, weights and parameters, from one seed each."""

import functools
import importlib
import inspect
import numbers
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse
from sklearn.base import is_regressor

from fastml._sklearn import Interval, Options, StrOptions

MODULES = ("linear_model", "naive_bayes", "neighbors", "neural_network", "preprocessing", "svm", "tree")
FLOATS, INTEGERS = ("float64", "float32", "float16"), ("int64", "int32", "int16", "int8", "uint64", "uint8")
LAYOUTS = ("C", "F", "strided", "reversed", "read-only", "swapped", "unaligned")
FRAMES = ("pandas", "polars", "object", "list", "csr", "csr64", "untidy csr", "csc", "coo")
LARGE = (2**53, -(2**53) - 1, 2**62)
WILD = (np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-310, -0.0, 1e30, 3.4e38)
# What would take long, or needs more than one table: the rest is drawn from what the estimator says it accepts.
CHOICES = {
    "hidden_layer_sizes": [(), 1, (2, 3), (5,)],
    "max_iter": [1, 2, 20],
    "max_fun": [1, 50],
    "n_jobs": [None, 1, 2],
    "leaf_size": [1, 8, 30, 100],
    "n_neighbors": [1, 2, 3, 7],
    "n_bins": [2, 3, 5],
    "radius": [0.0, 0.5, 3.0, 1e300],
    "metric": ["euclidean", "manhattan", "chebyshev", "minkowski", "cosine", "hamming", "canberra", "braycurtis"],
    "weights": ["uniform", "distance", None],
    "metric_params": [None],
    "activation": ["relu", "tanh", "logistic", "identity"],
    "output_activation": ["auto"],
    "batch_size": ["auto", 1, 3, 200],
    "verbose": [False],
    "callbacks": [None],
    "checkpoint": [None],
    "scoring": [None],
    "max_time": [None],
    "monotonic_cst": [None],
    "class_weight": [None, "balanced", {0: 1, 1: 3}],
    "transforms": ["passthrough"],
    "random_state": [0, 1],
    "loss": None,  # taken from what is accepted, by name
}
NASTY = (
    -1,
    0,
    1,
    2**63,
    10**30,
    -(10**30),
    0.5,
    1e308,
    np.nan,
    np.inf,
    "",
    "x",
    None,
    True,
    [],
    (),
    {},
    b"x",
    object(),
)
SKIPPED = {"Network", "PerceptronReport", "Collisions", "FeatureTemplates", "FeatureMap"}


@dataclass(frozen=True)
class Case:
    """All that one trial needs; `values` are numbers that `table` gives a dtype, a layout and a container."""

    estimator: str
    parameters: dict[str, Any]
    values: list
    queries: list
    kind: tuple[str, str, str]  # dtype, layout, container
    y: Any
    weight: Any

    def table(self, values):
        return table(values, *self.kind)

    def code(self):
        """Python that repeats the case."""
        return (
            f"Case({self.estimator!r}, {self.parameters!r}, {self.values!r}, {self.queries!r},"
            f" {self.kind!r}, {self.y!r}, {self.weight!r})"
        )


@functools.cache
def estimators():
    """{name: class} of all estimators that take tables."""
    found = {}
    for module in MODULES:
        module = importlib.import_module(f"fastml.{module}")
        for name in module.__all__:
            cls = getattr(module, name)
            if inspect.isclass(cls) and hasattr(cls, "fit") and name not in SKIPPED:
                found[name] = cls
    return found


def draw(seed, only=None):
    """The case of a seed."""
    random = np.random.default_rng(seed)
    names = sorted(estimators())
    name = only or names[random.integers(len(names))]
    cls = estimators()[name]
    n, d = (
        int(random.choice([0, 1, 2, 3, 5, 8, 20], p=[0.02, 0.08, 0.1, 0.2, 0.2, 0.2, 0.2])),
        int(random.integers(0, 5)),
    )
    d = d or int(random.integers(0, 3))
    values = draw_values(random, n, d)
    queries = values[: int(random.integers(0, n + 1))] + draw_values(random, int(random.integers(0, 3)), d)
    kind = draw_kind(random)
    y = draw_target(random, cls, n)
    return Case(name, draw_parameters(random, cls), values, queries, kind, y, draw_weight(random, n))


def draw_values(random, n, d):
    style = random.choice(
        ["small integers", "decimals", "normal", "constants", "large", "wild"], p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1]
    )
    if style == "decimals":
        X = random.integers(0, 12, (n, d)) * 0.1
    elif style == "normal":
        X = random.standard_normal((n, d)) * 10.0 ** random.integers(-3, 4)
    elif style == "constants":
        X = np.broadcast_to(random.choice([0.0, 1.0, 1e-8, 1e8, 1e15], d), (n, d)).copy()
    else:
        X = random.integers(-2, 5, (n, d)).astype(float)
    rows = X.tolist()
    if style in ("large", "wild") and n and d:
        for _ in range(int(random.integers(1, 3))):
            chosen = LARGE if style == "large" else WILD
            rows[random.integers(n)][random.integers(d)] = chosen[random.integers(len(chosen))]
    return rows


def draw_kind(random):
    dtype = random.choice([*FLOATS, *INTEGERS, "bool"], p=[0.4, 0.2, 0.03, *[0.05] * 6, 0.07])
    layout = random.choice(LAYOUTS, p=[0.7, *[0.05] * 6])
    container = random.choice(["array", *FRAMES], p=[0.55, *[0.05] * 9])
    return str(dtype), str(layout), str(container)


def draw_target(random, cls, n):
    if is_regressor(cls()):
        y = random.choice(
            [random.integers(0, 4, n), random.standard_normal(n), random.integers(0, 2, n) + 1.7e9, np.full(n, 0.1)][
                random.integers(4)
            ],
            n,
        )
        y = y.tolist()
        if n and random.random() < 0.05:
            y[0] = WILD[random.integers(len(WILD))]
        return [[v, -v] for v in y] if random.random() < 0.05 else y
    labels = [
        [0, 1],
        [0, 1, 2],
        ["no", "yes"],
        [False, True],
        [1],
        [-1.0, 1.0],
        [0.5, 1.5],
        [2**62, 2**62 + 1],
        ["a", 1],
        [None, "a"],
        [0, np.nan],
    ]
    chosen = labels[random.choice(len(labels), p=[0.3, 0.2, 0.1, 0.1, 0.05, 0.05, 0.04, 0.04, 0.04, 0.04, 0.04])]
    return [chosen[k] for k in random.integers(0, len(chosen), n)]


def draw_weight(random, n):
    style = random.random()
    if style < 0.6:
        return None
    weight = random.choice([0, 1, 2, 3], n) if style < 0.8 else random.random(n)
    weight = weight.tolist()
    if n and style > 0.95:
        weight[0] = (-1.0, np.nan, np.inf, 1e308, 1e-310, "1")[random.integers(6)]
    return weight if random.random() < 0.95 else weight[:-1]


def draw_parameters(random, cls):
    """A few parameters off their defaults: mostly what is accepted, now and then anything."""
    constraints = getattr(cls, "_parameter_constraints", {})
    names = [name for name in inspect.signature(cls).parameters if name in constraints]
    given = {}
    for name in names:
        accepted = CHOICES.get(name) or plausible(random, constraints[name])
        if accepted and random.random() < 0.2:
            given[name] = accepted[random.integers(len(accepted))]
    if "max_iter" in names and "max_iter" not in given and random.random() < 0.7:
        given["max_iter"] = 20
    if "random_state" in names:
        given.setdefault("random_state", 0)
    if given.get("copy") is False:
        del given["copy"]  # X would be written into, and the judge asks about it more than once
    if names and random.random() < 0.1:
        given[names[random.integers(len(names))]] = NASTY[random.integers(len(NASTY))]
    return given


def plausible(random, constraints):
    """Values that a parameter says it accepts."""
    found = []
    for constraint in constraints if isinstance(constraints, list) else []:
        if constraint == "boolean":
            found += [False, True]
        elif constraint is None:
            found += [None]
        elif isinstance(constraint, (StrOptions, Options)):
            found += sorted(constraint.options, key=str)
        elif isinstance(constraint, Interval):
            low = constraint.left if constraint.left is not None and np.isfinite(constraint.left) else -3
            high = constraint.right if constraint.right is not None and np.isfinite(constraint.right) else low + 10
            if constraint.type is numbers.Integral:
                found += [v for v in range(int(low), int(min(high, low + 4)) + 1) if v in constraint]
            else:
                found += [
                    v
                    for v in (low, low + 1e-4 * (high - low), low + 0.3 * (high - low), high)
                    if float(v) in constraint
                ]
    return found


def table(values, dtype, layout, container):
    """`values` as the estimator gets them, or None where they have no such form (NaN as an integer, say)."""
    d = len(values[0]) if values else 2
    with np.errstate(all="ignore"):
        wide = np.array(values, dtype=object).reshape(len(values), d)
        try:
            X = wide.astype(float).astype(dtype) if dtype[0] == "f" else wide.astype(dtype)
        except (ValueError, OverflowError, TypeError):
            X = wide.astype(float)
    if container != "array":
        return contained(X, wide, container)
    if layout == "F":
        return np.asfortranarray(X)
    if layout == "strided":
        return np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3]
    if layout == "reversed":
        return X[::-1].copy()[::-1]
    if layout == "read-only":
        X.flags.writeable = False
    if layout == "swapped":
        return X.astype(X.dtype.newbyteorder())
    if layout == "unaligned":
        raw = np.empty(X.nbytes + 1, np.uint8)
        moved = raw[1:].view(X.dtype).reshape(X.shape)
        moved[:] = X
        return moved
    return X


def contained(X, wide, container):
    names = [f"c{j}" for j in range(X.shape[1])]
    if container == "pandas":
        return pd.DataFrame(X, columns=names)
    if container == "polars":
        return pl.DataFrame(
            {name: X[:, j] for j, name in enumerate(names)} if X.dtype != np.float16 else X.astype(np.float32)
        )
    if container == "object":
        return wide
    if container == "list":
        return X.tolist()
    if X.dtype == np.float16:
        X = X.astype(np.float32)
    if container == "csr64":
        return with_wide_indices(scipy.sparse.csr_array(X))
    if container == "untidy csr":
        return untidy(X)
    return {"csr": scipy.sparse.csr_matrix, "csc": scipy.sparse.csc_array, "coo": scipy.sparse.coo_array}[container](X)


def with_wide_indices(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def untidy(X):
    """CSR with columns in descending order and explicit zeros."""
    n, d = X.shape
    columns = np.tile(np.arange(d)[::-1], n)
    return scipy.sparse.csr_array((X[:, ::-1].ravel(), columns, np.arange(n + 1) * d), shape=(n, d))


def smaller(case):
    """Cases that say less: fewer rows, columns, parameters, a plainer kind, rounder values. For shrinking."""
    for name in case.parameters:
        yield replace(case, parameters={k: v for k, v in case.parameters.items() if k != name})
    if case.weight is not None:
        yield replace(case, weight=None)
    for plain in (("float64", "C", "array"), (case.kind[0], "C", "array"), (case.kind[0], "C", case.kind[2])):
        if plain != case.kind:
            yield replace(case, kind=plain)
    for i in range(len(case.values)):
        without = case.values[:i] + case.values[i + 1 :]
        keep = lambda v, i=i: v if v is None or len(v) != len(case.values) else v[:i] + v[i + 1 :]  # noqa: E731
        yield replace(case, values=without, y=keep(case.y), weight=keep(case.weight))
    for i in range(len(case.queries)):
        yield replace(case, queries=case.queries[:i] + case.queries[i + 1 :])
    for j in range(len(case.values[0]) if case.values else 0):
        cut = lambda rows, j=j: [row[:j] + row[j + 1 :] for row in rows]  # noqa: E731
        yield replace(case, values=cut(case.values), queries=cut(case.queries))
    for i, row in enumerate(case.values):
        for j, value in enumerate(row):
            if value not in (0, 1) and value == value:
                rounder = [list(r) for r in case.values]
                rounder[i][j] = 0.0 if abs(value) < 1 else 1.0
                yield replace(case, values=rounder)
