"""TargetEncoder over a table in parts: one pass for the means of all categories, in each fold of the rows.

The fold of a row follows from its number: rows that go on to a model get the means of the other folds, so that their
own target does not leak into them.
"""

import copy
from typing import Any, NamedTuple

import numpy as np

from fastml.preprocessing.in_parts import MISSING, MOST_DISTINCT, distinct
from fastml.scale.labels import find_labels
from fastml.scale.reduction import Rows, reduce_blocks
from fastml.scale.sides import folds_of

__all__ = ["Crossed", "fit_targets"]

SEED = 0  # of the folds


class Means(NamedTuple):
    """Rows, means of the targets, and squares about them: of each fold, class and value of a column."""

    rows: np.ndarray  # (m, folds, 1)
    mean: np.ndarray  # (m, folds, k)
    squares: np.ndarray

    def joined(self, other: "Means") -> "Means":
        """Chan, Golub and LeVeque 1983, equation 1.5."""
        count = self.rows + other.rows
        share = np.divide(other.rows, count, out=np.zeros_like(count), where=count > 0)
        apart = other.mean - self.mean
        squares = self.squares + other.squares + apart**2 * self.rows * share
        return Means(count, self.mean + share * apart, squares)

    def of(self, folds: list[int]) -> "Means":
        """All rows of some folds."""
        total = Means(*(each[:, folds[0]] for each in self))
        for fold in folds[1:]:
            total = total.joined(Means(*(each[:, fold] for each in self)))
        return total


class TargetMeans:
    """The reduction of the `Means` of each value of each column, {value: its place, ...}, and of all rows."""

    def __init__(self, names: list, n_classes: int, folds: int):
        self.names, self.n_classes, self.folds = names, n_classes, folds

    def partial(self, rows: Rows) -> list:
        folds = folds_of(rows.start, rows.start + len(rows.X), self.folds, SEED)
        n_classes = self.n_classes
        Y = rows.y[:, None].astype(float)
        if n_classes > 2:
            Y = (rows.y[:, None] == np.arange(n_classes)).astype(float)
        found: list = [({None: 0}, self.means(np.zeros(len(Y), np.int64), 1, folds, Y))]
        for column in rows.X.T:
            values = distinct(column).tolist()
            places = {key(value): i for i, value in enumerate(values)}
            codes = np.fromiter((places[key(value)] for value in column.tolist()), np.int64, len(column))
            found.append((places, self.means(codes, len(values), folds, Y)))
        return found

    def means(self, codes: np.ndarray, m: int, folds: np.ndarray, Y: np.ndarray) -> Means:
        cells, shape = codes * self.folds + folds, (m, self.folds)
        size = m * self.folds
        count = np.bincount(cells, minlength=size).astype(float)
        mean = np.zeros((size, Y.shape[1]))
        squares = np.zeros_like(mean)
        for c, y in enumerate(Y.T):
            sums = np.bincount(cells, y, size)
            mean[:, c] = np.divide(sums, count, out=np.zeros(size), where=count > 0)
            squares[:, c] = np.bincount(cells, (y - mean[cells, c]) ** 2, size)
        return Means(count.reshape(*shape, 1), mean.reshape(*shape, -1), squares.reshape(*shape, -1))

    def merge(self, first: list, second: list) -> list:
        found = []
        for name, (places, means), (others, more) in zip([None, *self.names], first, second, strict=True):
            joined = dict(places)
            for value in others:
                joined.setdefault(value, len(joined))
            if len(joined) > MOST_DISTINCT:
                raise ValueError(f"column {name!r} has more than {MOST_DISTINCT} distinct values: it is no category")
            at = np.array([joined[value] for value in others], np.int64)
            found.append(
                (joined, placed(means, np.arange(len(places)), len(joined)).joined(placed(more, at, len(joined))))
            )
        return found


def placed(means: Means, at: np.ndarray, m: int) -> Means:
    """The same among m values, of which they are those at these places."""
    parts = []
    for each in means:
        wide = np.zeros((m, *each.shape[1:]))
        wide[at] = each
        parts.append(wide)
    return Means(*parts)


def key(value: Any) -> Any:
    """What tells values apart: NaN is one of its own."""
    return MISSING if value != value else value


class Crossed:
    """The numbers of rows by the folds that they are not in, of X and the number of its first row, or of all."""

    numbered, warns = True, False

    def __init__(self, model: Any, encodings: list):
        self.models = []
        for each in encodings:
            other = copy.copy(model)
            other.encodings_ = each
            other.__dict__.pop("feature_names_in_", None)
            self.models.append(other)
        self.model = model
        self.width = len(encodings[0])

    def __call__(self, X: np.ndarray, start: Any) -> np.ndarray:
        first, last = (start, start + len(X) - 1) if np.ndim(start) == 0 else (int(start[0]), int(start[-1]))
        folds = folds_of(first, last + 1, len(self.models), SEED)
        folds = folds if np.ndim(start) == 0 else folds[start - first]
        out = np.empty((len(X), self.width))
        for fold, model in enumerate(self.models):
            rows = np.flatnonzero(folds == fold)
            if len(rows):
                out[rows] = model.transform(X[rows])
        return out


def fit_targets(model: Any, table: Any, reduce: Any) -> Crossed:
    """Fit a TargetEncoder; what gives the rows of the table their numbers on the way to a model."""
    parts, who = table.parts, table.who
    if not parts.has_target:
        raise ValueError(f"{parts!r} has no target, and {who} needs one: name it where the parts are made")
    if not isinstance(model.cv, int | np.integer):
        raise ValueError(
            f"{who} of a table in parts draws folds by the numbers of rows: cv={model.cv!r} must be a number"
        )
    if not isinstance(model.categories, str):
        raise ValueError(f"{who} of a table in parts finds the categories: leave categories='auto'")
    labels = find_labels(parts) if of_labels(model, parts) else None
    table.checks.labels, table.checks.numbers = labels, labels is None
    n_classes = 0 if labels is None else len(labels.classes)
    names = parts.names or [f"x{j}" for j in range(parts.n_features)]
    reduction = TargetMeans(names, n_classes, int(model.cv))
    found, few = table.reduce_unless_few(reduction)
    if few is not None:
        model.fit(few[0], few[1] if labels is None else labels.classes[few[1]])
        found = reduce_blocks([Rows(few[0], few[1], 0)], reduction)
    else:
        fit_small(model, found, labels, parts)
        model.encodings_, mean = encodings_of(model, found, list(range(model.cv)))
        model.target_mean_ = mean if n_classes > 2 else mean[0]
    numbers_as_numbers(model, parts)
    others = [[fold for fold in range(model.cv) if fold != out] for out in range(model.cv)]
    return Crossed(model, [encodings_of(model, found, folds)[0] for folds in others])


def numbers_as_numbers(model: Any, parts: Any) -> None:
    """Categories of columns of numbers that stand beside texts, in a dtype of numbers."""
    if parts.dtype.kind == "O":
        pairs = zip(model.categories_, parts.texts or [True] * parts.n_features, strict=True)
        model.categories_ = [values if text else values.astype(np.float64) for values, text in pairs]


def of_labels(model: Any, parts: Any) -> bool:
    if model.target_type != "auto":
        return model.target_type != "continuous"
    return not any(parts.map_targets(is_continuous))


def is_continuous(y: np.ndarray, source: str, first: int) -> bool:
    """Whether some target has a fraction."""
    return y.dtype.kind == "f" and bool((y[np.isfinite(y)] % 1 != 0).any())


def fit_small(model: Any, found: list, labels: Any, parts: Any) -> None:
    """Fit to a table that has every category, and every class, for what is learnt but the means."""
    columns = [[np.nan if value == MISSING else value for value in places] for places, _ in found[1:]]
    n = max(2, 0 if labels is None else len(labels.classes), *map(len, columns))
    X = np.empty((n, len(columns)), parts.dtype)
    for j, values in enumerate(columns):
        X[: len(values), j] = values
        X[len(values) :, j] = [values[0]] * (n - len(values))
    y = np.arange(n) + 0.5 if labels is None else labels.classes[np.arange(n) % len(labels.classes)]
    model.fit(X, y)


def encodings_of(model: Any, found: list, folds: list[int]) -> tuple[list, np.ndarray]:
    """(numbers of the categories of each column and class, mean of the targets), by the rows of some folds."""
    total = found[0][1].of(folds)
    n, mean, spread = total.rows[0, 0], total.mean[0], total.squares[0]
    encodings = []
    for (places, means), categories in zip(found[1:], model.categories_, strict=True):
        each = means.of(folds)
        at = [places[key(value)] for value in categories.tolist()]
        count, mine, squares = each.rows[at], each.mean[at], each.squares[at]
        with np.errstate(divide="ignore", invalid="ignore"):
            if model.smooth == "auto":
                weight = spread / n * count
                weight = weight / (weight + squares / count)
                values = np.where(np.isnan(weight), mean, weight * mine + (1 - weight) * mean)
            else:
                values = (count * mine + model.smooth * mean) / (count + model.smooth)
                values = np.where(np.isnan(values), mean, values)
        encodings += list(values.T)
    return encodings, mean
