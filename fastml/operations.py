"""What fitted steps do to the numbers of a plain table, as a pipeline asks them for it (`_operation`).

An operation gives the table that the step's `transform` gives, to the bit, without what makes frames of results. Those
that treat each column by itself, and never turn the order of two numbers round, say so by `monotone`, and are asked for
single values too; those that are linear say what they make of linear scores behind them.
"""

from typing import Any, NamedTuple

import numpy as np

from fastml_ext import checks
from fastml_ext import preprocessing as kernels

__all__ = ["Chosen", "Divided", "Filled", "Multiplied", "Normed", "Projected", "Scoring", "operation_of", "unwrapped"]

FEW = 512  # numbers, up to which a kernel's preparations take longer than its work
known: dict[type, bool] = {}  # whether the `transform` of a class is fastml's, and it has operations


class Scoring(NamedTuple):
    """Scores (x - centre) @ coef' + intercept in float64: coef (k, d), centre (d,), intercept (k,)."""

    coef: np.ndarray
    centre: np.ndarray
    intercept: np.ndarray


class Divided(NamedTuple):
    """(x - centre) / scale of each column; None for 0 and 1."""

    centre: np.ndarray | None
    scale: np.ndarray | None

    def of_table(self, X: Any) -> Any:
        """The table, or None where the step must be asked, and may refuse it."""
        found = kernels.few_divided(X, *self) if X.size <= FEW else None
        return kernels.standardise(X, *self) if found is None else found

    def of_values(self, x: Any, at: Any) -> Any:
        """What values x (m,) of the columns `at` (m,) become."""
        x = x if self.centre is None else x - self.centre[at]
        return x if self.scale is None else x / self.scale[at]

    def back(self, x: Any, at: Any) -> Any:
        """About what becomes x."""
        x = x if self.scale is None else x * self.scale[at]
        return x if self.centre is None else x + self.centre[at]

    def source(self, at: Any) -> Any:
        """The columns from which the columns `at` of the result come."""
        return at

    def width(self, d: int) -> int:
        """How many columns the result has, of d columns."""
        return d

    @property
    def monotone(self) -> bool:
        return self.scale is None or bool((self.scale > 0).all())

    def before(self, scoring: Any, d: int) -> Any:
        """The same scores of what stands before, d columns wide; None where they are not linear."""
        coef, centre, intercept = scoring
        if self.scale is not None:
            coef, centre = coef / self.scale, centre * self.scale
        return Scoring(coef, centre if self.centre is None else centre + self.centre, intercept)


class Multiplied(NamedTuple):
    """x * scale + shift of each column, no lower and no higher than the ends."""

    scale: np.ndarray
    shift: np.ndarray
    low: float
    high: float

    def of_table(self, X: Any) -> Any:
        few = X.size <= FEW and self.low == -np.inf
        found = kernels.few_multiplied(X, self.scale, self.shift) if few else None
        return kernels.rescale(X, *self) if found is None else found

    def of_values(self, x: Any, at: Any) -> Any:
        x = x * self.scale[at] + self.shift[at]
        return np.minimum(np.maximum(x, x.dtype.type(self.low)), x.dtype.type(self.high))

    def back(self, x: Any, at: Any) -> Any:
        return (x - self.shift[at]) / self.scale[at]

    def source(self, at: Any) -> Any:
        return at

    def width(self, d: int) -> int:
        return d

    @property
    def monotone(self) -> bool:
        return bool((self.scale > 0).all())

    def before(self, scoring: Any, d: int) -> Any:
        if self.low != -np.inf or not self.scale.all():
            return None
        coef, centre, intercept = scoring
        return Scoring(coef * self.scale, (centre - self.shift) / self.scale, intercept)


class Filled(NamedTuple):
    """A value of each column in place of NaN."""

    values: np.ndarray

    @property
    def monotone(self) -> bool:
        return True

    def of_table(self, X: Any) -> Any:
        nothing = X.size <= FEW and checks.is_table(X, X.shape[1], np.ndarray)  # is missing
        return X if nothing else kernels.fill(X, self.values)

    def of_values(self, x: Any, at: Any) -> Any:
        return np.where(np.isnan(x), self.values[at], x)

    def back(self, x: Any, at: Any) -> Any:
        return x

    def source(self, at: Any) -> Any:
        return at

    def width(self, d: int) -> int:
        return d

    def before(self, scoring: Any, d: int) -> Any:
        return scoring  # of numbers without NaN


class Chosen(NamedTuple):
    """Some of the columns."""

    places: np.ndarray

    @property
    def monotone(self) -> bool:
        return True

    def of_table(self, X: Any) -> Any:
        return X.take(self.places, axis=1) if checks.is_table(X, X.shape[1], np.ndarray) else None

    def of_values(self, x: Any, at: Any) -> Any:
        return x

    def back(self, x: Any, at: Any) -> Any:
        return x

    def source(self, at: Any) -> Any:
        return self.places[at]

    def width(self, d: int) -> int:
        return len(self.places)

    def before(self, scoring: Any, d: int) -> Any:
        coef, centre = np.zeros((len(scoring.coef), d)), np.zeros(d)
        coef[:, self.places], centre[self.places] = scoring.coef, scoring.centre
        return Scoring(coef, centre, scoring.intercept)


class Projected(NamedTuple):
    """x @ directions' + intercept; directions (p, d), intercept (p,), made for rows round `centre` (d,)."""

    project: Any  # from a table to its projections
    centre: np.ndarray

    @property
    def monotone(self) -> bool:
        return False

    def of_table(self, X: Any) -> Any:
        directions = self.project.directions
        clean = X.dtype == directions.dtype and checks.is_table(X, directions.shape[1], np.ndarray)
        return self.project(X) if clean else None

    def width(self, d: int) -> int:
        return len(self.project.directions)

    def before(self, scoring: Any, d: int) -> Any:
        directions, own = (np.asarray(part, np.float64) for part in (self.project.directions, self.project.intercept))
        centre = np.asarray(self.centre, np.float64)
        at_centre = own + directions @ centre - scoring.centre
        return Scoring(scoring.coef @ directions, centre, scoring.intercept + scoring.coef @ at_centre)


class Normed(NamedTuple):
    """Rows of norm 1."""

    norm: str

    @property
    def monotone(self) -> bool:
        return False

    def of_table(self, X: Any) -> Any:
        return kernels.normalise(X, self.norm)[0] if checks.is_table(X, X.shape[1], np.ndarray) else None

    def width(self, d: int) -> int:
        return d

    def before(self, scoring: Any, d: int) -> Any:
        return None


def operation_of(step: Any, X: Any) -> Any:
    """What a fitted step does to a plain table X, or None where its own `transform` must be asked."""
    kind = type(step)
    sure = known.get(kind)
    if sure is None:  # a user's subclass may transform in its own way
        sure = known[kind] = kind.__module__.startswith("fastml.") and hasattr(kind, "_operation")
    if not sure or step.__dict__.get("_fast_columns") != X.shape[1]:
        return None
    return step._operation(X)


def unwrapped(step: Any) -> Any:
    """The `transform` of a step without what makes frames of results."""
    method = type(step).transform
    return getattr(method, "__wrapped__", method)
