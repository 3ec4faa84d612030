"""The one table of distances: their names and parameters, what orders by them, and which searches serve them.

A new metric is a row here, an `add_*` of scan.py with its branch in `measure`, and a line of `column_term` in
reference/search.py; one that SciPy computes is a row alone. tests/ext/neighbors/test_metrics.py takes the rows at their
word. `resolve` is the one place that refuses a name or a parameter.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["METRICS", "Metric", "Row", "by_name", "of", "resolve", "served_by"]

# What kernels go by. The names of compiled kernels hold these numbers (signatures.txt): add some, change none.
EUCLIDEAN, MANHATTAN, CHEBYSHEV, MINKOWSKI, HAMMING, NAN_EUCLIDEAN, HAVERSINE, FUNCTION, PRECOMPUTED = range(9)

# What serves a metric.
TREE = "tree"  # kd_tree: it can be bounded column by column
TILES = "tiles"  # scan.measure: sums over the columns, of many points side by side
ROWS = "rows"  # scan.pair: one pair of rows at a time
PRODUCT = "product"  # bounded: Euclidean, of these rows or of rows made from them
SPARSE = "sparse"  # sparse.py
COMPUTED = "computed"  # no kernel: rows of distances by SciPy or scikit-learn, searched as "precomputed"


def same(values, p, d):
    return values


def square(r, p, d):
    return r**2


def root(reduced, p, d):
    return np.sqrt(reduced, out=reduced)


def root_or_nan(reduced, p, d):
    found = np.sqrt(reduced)
    found[np.isinf(found)] = np.nan  # no column that both have
    return found


def half(reduced, p, d):
    return np.minimum(reduced * reduced.dtype.type(0.5), reduced.dtype.type(2))


def twice(r, p, d):
    return 2 * r if r < 2 else np.inf


def power(r, p, d):
    return r**p


def root_of_power(reduced, p, d):
    if p == 1:
        return reduced
    if p == 2:
        return np.sqrt(reduced)
    from fastml_ext.neighbors.scan import take_roots  # which reads this table

    found, one = reduced.copy(), reduced.dtype.type(1)
    take_roots(found.reshape(-1), one / reduced.dtype.type(p))
    return found


def share(reduced, p, d):
    return reduced / reduced.dtype.type(d)


def of_columns(r, p, d):
    return r * d


def angle(reduced, p, d):
    dtype = reduced.dtype.type
    return dtype(2) * np.arcsin(np.sqrt(np.minimum(reduced, dtype(1))))


def half_sine_squared(r, p, d):
    return np.sin(r / 2) ** 2 * (1 + 2.0**-18) if r < np.pi else np.inf


class Row(NamedTuple):
    """What searches know of a metric."""

    name: str
    served_by: tuple[str, ...]
    code: int = -1  # of the kernels, if one serves it
    # Pairs are ordered by reduced distances, numbers that cost less. Both functions take (values, p, d columns):
    distance: Callable = same  # the distances (array) that reduced ones stand for; may be written over them
    reduced: Callable = same  # the reduced distance of a distance r >= 0 (a number), at least
    aliases: tuple[str, ...] = ()
    parameters: tuple[str, ...] | None = ()  # that metric_params may hold; None: whatever SciPy takes
    required: str = ""  # the one that it must hold,
    example: str = ""  # and how it is computed
    power: float | None = None  # the p of the Minkowski distance that it is
    n_columns: int | None = None  # of the tables it is for; None: any number
    scales: bool = False  # twice the numbers are twice as far apart
    missing: bool = False  # NaN stands for a missing value
    boolean: bool = False  # what is not 0 is true


SCIPY = {"served_by": (COMPUTED,), "parameters": None}
METRICS = {
    row.name: row
    for row in (
        Row("euclidean", (TREE, TILES, ROWS, PRODUCT, SPARSE), EUCLIDEAN, root, square,
            aliases=("l2",), power=2, scales=True),
        Row("manhattan", (TREE, TILES, SPARSE), MANHATTAN, aliases=("l1", "cityblock"), power=1, scales=True),
        Row("chebyshev", (TREE, TILES), CHEBYSHEV, aliases=("infinity",), power=np.inf, scales=True),
        Row("minkowski", (TREE, TILES), MINKOWSKI, root_of_power, power,
            aliases=("p",), parameters=("p", "w"), scales=True),
        Row("hamming", (TILES,), HAMMING, share, of_columns),
        Row("cosine", (TILES, ROWS, PRODUCT, SPARSE), EUCLIDEAN, half, twice),  # of rows scaled to length 1
        Row("nan_euclidean", (TILES,), NAN_EUCLIDEAN, root_or_nan, square,
            aliases=("nan-euclidean",), parameters=("missing_values",), scales=True, missing=True),
        Row("haversine", (ROWS,), HAVERSINE, angle, half_sine_squared, n_columns=2),
        Row("precomputed", (ROWS,), PRECOMPUTED, parameters=None),
        Row("braycurtis", **SCIPY),
        Row("canberra", **SCIPY),
        Row("correlation", **SCIPY),
        Row("dice", **SCIPY, boolean=True),
        Row("jaccard", **SCIPY, boolean=True),
        Row("mahalanobis", **SCIPY, required="VI", example="np.linalg.inv(np.cov(X.T))"),
        Row("rogerstanimoto", **SCIPY, boolean=True),
        Row("russellrao", **SCIPY, boolean=True),
        Row("seuclidean", **SCIPY, required="V", example="X.var(axis=0, ddof=1)"),
        Row("sokalsneath", **SCIPY, boolean=True),
        Row("sqeuclidean", **SCIPY),
        Row("yule", **SCIPY, boolean=True),
    )
}  # fmt: skip
# What is no name that a user gives, but a function of two rows, or one of scikit-learn's DistanceMetric.
OTHERS = {"callable": Row("callable", (ROWS, COMPUTED), FUNCTION), "object": Row("object", (COMPUTED,))}
ALIASES = {alias: row.name for row in METRICS.values() for alias in row.aliases}
BY_POWER = {row.power: row.name for row in METRICS.values() if row.power}


class Metric(NamedTuple):
    """A distance, with its parameters in one form: name "minkowski" only where no faster name says the same."""

    name: str
    p: float = 2.0
    w: np.ndarray | None = None
    function: Any = None  # of two rows, or scikit-learn's DistanceMetric
    options: dict | None = None  # of a metric that SciPy computes, or of a function

    @property
    def row(self):
        return METRICS.get(self.name) or OTHERS[self.name]

    @property
    def parameters(self):
        """As scikit-learn's effective_metric_params_ has them."""
        return {"p": self.p, "w": self.w} if self.name == "minkowski" else dict(self.options or {})

    def served_by(self, what):
        """Whether a search of that kind finds neighbours by this metric; a tree needs the triangle inequality."""
        return what in self.row.served_by and not (what == TREE and self.name == "minkowski" and self.p < 1)


def served_by(what):
    """The names of the metrics that a kind of search serves."""
    return tuple(row.name for row in METRICS.values() if what in row.served_by)


def of(metric, p=2, w=None, n_features=None):
    """The Metric of a name, or of a function of two rows."""
    if not isinstance(metric, str):
        return Metric("callable", function=metric)
    return resolve(metric, p, None if w is None else {"w": w}, n_features)


def by_name(metric):
    """The row of a name or alias."""
    row = METRICS.get(ALIASES.get(metric, metric))
    if row is None:
        raise ValueError(
            f"metric={metric!r} is not known; choose from {', '.join(sorted([*METRICS, *ALIASES]))}, or pass a function"
            f" of two rows"
        )
    return row


def resolve(metric, p=2, options=None, n_features=None):
    """The Metric that a name, `p` and further `options` mean for tables of n_features columns.

    Raises ValueError for what the table does not know.
    """
    row = by_name(metric)
    options = with_required(row, dict(options or {})) if row.required else dict(options or {})
    if options and row.parameters is not None:
        refuse_unknown(row, options)
    if row.n_columns not in (None, n_features):
        raise ValueError(
            f"{row.name.capitalize()} distance only valid in {row.n_columns} dimensions: metric={row.name!r} takes"
            f" latitude and longitude, in radians, but X has {n_features} columns"
        )
    if row.name == "minkowski":
        return minkowski(options.get("p", p), options.get("w"), n_features)
    return Metric(row.name, options=options) if row.parameters is None else Metric(row.name)


def minkowski(p, w, n_features):
    if not p > 0:
        raise ValueError(f"p={p!r} must be above 0")
    if w is None:
        return Metric(BY_POWER.get(p, "minkowski"), float(p))
    if p == np.inf:
        raise ValueError("w: the chebyshev distance, p=inf, takes no weights: pass w=None, or a finite p")
    w = np.asarray(w, np.float64)
    if w.shape != (n_features,) or not np.isfinite(w).all() or (w < 0).any():
        raise ValueError(f"metric_params w={w} must hold {n_features} finite weights, one a column, none negative")
    return Metric("minkowski", float(p), w)


def refuse_unknown(row, options):
    unknown = sorted(options.keys() - set(row.parameters))
    if unknown:
        takers = [
            f"{name} is only for metric={other.name!r}"
            for name in unknown
            for other in METRICS.values()
            if name in (other.parameters or ())
        ]
        raise ValueError(
            f"metric_params has {unknown}, which metric={row.name!r} has no use for" + ": " * bool(takers)
            + ", ".join(takers)
        )  # fmt: skip


def with_required(row, options):
    """The options of a metric that is relative to variances, which must be given: V, for mahalanobis its inverse VI.

    SciPy would take them from the queries asked together, so that one query's distances would depend on the others'.
    """
    key = row.required
    if key == "VI" and options.get("VI") is None and options.get("V") is not None:
        options = {k: v for k, v in options.items() if k != "V"} | {"VI": np.linalg.inv(options["V"])}
    if options.get(key) is None:
        given = "'V'" if key == "V" else "'V' or 'VI'"
        raise ValueError(
            f"The {given} parameter is required for the {row.name} metric when Y is passed: for metric={row.name!r}"
            f" give metric_params={{{key!r}: {row.example}}}"
        )
    return options
