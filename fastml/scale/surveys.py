"""The survey: what is known of a table after one pass over its parts."""

from typing import Any, NamedTuple

import numpy as np

from fastml.scale.parts import Parts
from fastml.scale.reading import place_of, read_slabs

__all__ = ["Survey", "survey"]


class Survey(NamedTuple):
    """What `survey` has found; printing it shows a table."""

    n_rows: int
    names: list[str]
    missing: np.ndarray  # (n_features,): values that are NaN
    infinite: np.ndarray  # (n_features,)
    minimum: np.ndarray  # (n_features,): of the finite values; NaN where there is none
    maximum: np.ndarray  # (n_features,)
    first_bad: list[str]  # (n_features,): where the first value stands that is not finite; "" where all are
    labels: dict[Any, int] | None  # how many rows have each value of y; None where y is missing or has too many

    def __str__(self) -> str:
        lines = [f"{self.n_rows:,} rows, {len(self.names)} columns"]
        width = max(6, *(len(name) for name in self.names))
        lines.append(f"{'column':<{width}} {'minimum':>12} {'maximum':>12} {'missing':>10} {'infinite':>10}")
        for j, name in enumerate(self.names):
            where = f"  first: {self.first_bad[j]}" if self.first_bad[j] else ""
            low, high = self.minimum[j], self.maximum[j]
            lines.append(
                f"{name:<{width}} {low:>12.5g} {high:>12.5g} {self.missing[j]:>10,} {self.infinite[j]:>10,}{where}"
            )
        if self.labels is not None:
            lines.append("y: " + ", ".join(f"{label} ({count:,})" for label, count in self.labels.items()))
        return "\n".join(lines)


MOST_LABELS = 100


def survey(parts: Parts) -> Survey:
    """Read a table once, and say what is in it.

    Parameters
    ----------
    parts : Parts
        The table.

    Returns
    -------
    Survey
        Rows; for each column its range, how many values are missing or infinite, and in which row of which file the
        first of them stands; and how many rows have each label, where there are at most 100.

    Examples
    --------
    >>> import fastml.scale
    >>> print(fastml.scale.survey(fastml.scale.arrays([[1.0, 2.0], [3.0, float("nan")]], ["a", "b"])))
    2 rows, 2 columns
    column      minimum      maximum    missing   infinite
    x0                1            3          0          0
    x1                2            2          1          0  first: row 1 of X
    y: a (1), b (1)
    """
    parts.need_numbers("a survey")
    d = parts.n_features
    missing, infinite = np.zeros(d, np.int64), np.zeros(d, np.int64)
    low, high, first_bad = np.full(d, np.nan), np.full(d, np.nan), [""] * d
    labels: dict | None = {} if parts.has_target else None
    n = 0
    with read_slabs(parts, "survey") as slabs:
        for slab in slabs:
            n += len(slab.X)
            finite = np.isfinite(slab.X)
            if finite.all():
                low, high = np.fmin(low, slab.X.min(axis=0)), np.fmax(high, slab.X.max(axis=0))
            else:
                values = np.where(finite, slab.X, np.nan)
                low = np.fmin(low, np.fmin.reduce(values, axis=0))
                high = np.fmax(high, np.fmax.reduce(values, axis=0))
                missing += np.isnan(slab.X).sum(axis=0)
                infinite += np.isinf(slab.X).sum(axis=0)
                for j in np.flatnonzero(~finite.all(axis=0)):
                    first_bad[j] = first_bad[j] or place_of(slab, int(np.argmin(finite[:, j])))
            labels = None if labels is None else more_labels(labels, slab.y)
    parts.n_rows = n
    names = parts.names or [f"x{j}" for j in range(d)]
    ordered = None if labels is None else dict(sorted(labels.items(), key=lambda item: item[0]))
    return Survey(n, names, missing, infinite, low, high, first_bad, ordered)


def more_labels(labels: dict, y: np.ndarray) -> dict | None:
    values, counts = np.unique(y.astype(str) if y.dtype.kind == "O" else y, return_counts=True)
    if len(values) > MOST_LABELS:
        return None
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        labels[value] = labels.get(value, 0) + count
    return labels if len(labels) <= MOST_LABELS else None
