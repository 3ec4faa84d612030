"""Several estimators on columns of one table, whose passes over it are one: what a ColumnTransformer learns from parts.

Each estimator is fitted to a `Share` of the table. Where it asks for a pass that has not been made, its fit ends; when
all have asked, one pass answers them, and each fit begins anew with the answers so far. A fit does nothing between its
passes but small arithmetic, or the fit of a sample in memory, so that beginning anew costs little.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from fastml.scale.output import asked_at
from fastml.scale.parts import Parts, Piece, dtype_of
from fastml.scale.reading import Slab
from fastml.scale.reduction import Reduction, Rows, rows_of_block
from fastml.scale.sparse_rows import Dense

__all__ = ["Columns", "fit_together"]


class Columns:
    """The function of X that takes some of its columns, numbers as numbers."""

    def __init__(self, parts: Parts, places: list[int]):
        self.places = list(places)
        self.texts = [bool(parts.texts and parts.texts[j]) for j in self.places]
        kinds = parts.kinds or [parts.dtype] * parts.n_features
        self.kinds = [kinds[j] for j in self.places]
        self.dtype = np.dtype(object) if any(self.texts) else dtype_of(*self.kinds)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(X[:, self.places], self.dtype)


class Beside:
    """Tables of the same rows, which are cut and put together like one."""

    def __init__(self, tables: list):
        self.tables = tables
        self.size = sum(table.size for table in tables if table is not None)

    def __len__(self) -> int:
        return next((len(table) for table in self.tables if table is not None), 0)

    def __getitem__(self, rows: Any) -> "Beside":
        return Beside([None if table is None else table[rows] for table in self.tables])

    def __array_function__(self, function: Any, types: Any, arguments: tuple, options: dict) -> Any:
        if function is not np.concatenate:
            return NotImplemented
        pairs = zip(*(each.tables for each in arguments[0]), strict=True)
        return Beside([None if pair[0] is None else np.concatenate(pair) for pair in pairs])


class Asked(NamedTuple):
    """What a fit asks of its columns: the state of a reduction, or the rows of some numbers."""

    look: tuple  # functions of X, one after the other
    checks: Any
    reduction: Any = None
    numbers: Any = None

    def rows(self, slab: Slab) -> Rows:
        X = slab.X
        for each in self.look:
            X = asked_at(each, X, slab.start)
        return self.checks(slab._replace(X=X))


class Unanswered(BaseException):
    """Ends a fit whose question needs a pass."""

    def __init__(self, asked: Asked):
        super().__init__()
        self.asked = asked


class Share(Parts):
    """Some columns of a table, for one of several estimators; one pass answers what all of them ask."""

    def __init__(self, parts: Parts, columns: Columns, answers: list, n_rows: int | None):
        self.parts, self.answers, self.at = parts, answers, [0]
        self.look: tuple = (columns,)
        self.what, self.memory, self.once = parts.what, parts.memory, parts.once
        self.n_rows, self.has_target = n_rows, parts.has_target  # rows as they were known before the first question
        self.n_features, self.dtype = len(columns.places), columns.dtype
        self.texts = columns.texts if any(columns.texts) else None
        self.kinds = columns.kinds
        self.names = parts.names and [parts.names[j] for j in columns.places]

    def next(self, answer: Callable) -> Any:
        """The next of the answers; of a new question what answer() gives, which may raise `Unanswered`."""
        at, self.at[0] = self.at[0], self.at[0] + 1
        if at == len(self.answers):
            self.answers.append(answer())
        return self.answers[at]

    def reduce(self, reduction: Any, checks: Any, what: str, n_jobs: int | None) -> Any:
        return self.next(lambda: self.ask(Asked(self.look, checks, reduction)))

    def choose(self, numbers: np.ndarray, checks: Any, what: str) -> list[tuple]:
        return self.next(lambda: self.ask(Asked(self.look, checks, numbers=numbers)))

    def ask(self, asked: Asked) -> Any:
        raise Unanswered(asked)

    def map_targets(self, function: Any) -> Iterator[Any]:
        return iter(self.next(lambda: list(self.parts.map_targets(function))))

    def behind(self, ask: Any, none: np.ndarray) -> Parts:
        if hasattr(ask, "model"):  # where a fit ends unanswered, its steps are what they were before it
            ask = copy.copy(ask)
            ask.model = copy.copy(ask.model)
        other = copy.copy(self)
        other.look, other.n_features, other.dtype = (*self.look, ask), none.shape[1], none.dtype
        other.texts = [True] * none.shape[1] if none.dtype.kind == "O" else None
        other.names, other.kinds, other.sparse = None, None, issparse(none)
        return other

    def made_dense(self) -> Parts:
        if not self.sparse:
            return self
        other = copy.copy(self)
        other.look, other.sparse = (*self.look[:-1], Dense(self.look[-1])), False
        return other

    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        start = first
        for piece in self.parts.pieces(first, most):
            X = piece.X
            for each in self.look:
                X = asked_at(each, X, start)
            start += len(piece.X)
            yield piece._replace(X=X)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        return self.parts.targets()

    def chosen_by(self, names: list[str]) -> str:
        return f"{names[:8]}{', ...' if len(names) > 8 else ''}"


class Together:
    """The reduction of several, of rows whose X, y and weights are theirs side by side."""

    def __init__(self, reductions: list[Reduction], block: int):
        self.reductions, self.block = reductions, block

    def partial(self, rows: Rows) -> list:
        columns = rows.X.tables, rows.y.tables, rows.weight.tables  # type: ignore[attr-defined]
        each = zip(self.reductions, *columns, strict=True)
        return [reduction.partial(Rows(X, y, rows.start, weight)) for reduction, X, y, weight in each]

    def merge(self, first: list, second: list) -> list:
        return [each.merge(a, b) for each, a, b in zip(self.reductions, first, second, strict=True)]


class ChecksTogether:
    """The checks of several estimators; see `Checks`."""

    def __init__(self, who: str, asked: list[Asked]):
        self.who, self.asked = who, asked

    def __call__(self, slab: Slab) -> Rows:
        found = [asked.rows(slab) for asked in self.asked]
        X, y, weight = (
            Beside(list(each)) for each in zip(*((rows.X, rows.y, rows.weight) for rows in found), strict=True)
        )
        return Rows(X, y, slab.start, weight)  # type: ignore[arg-type]


class Only:
    """The checks of one of them."""

    def __init__(self, who: str, asked: Asked):
        self.who, self.asked = who, asked

    def __call__(self, slab: Slab) -> Rows:
        return self.asked.rows(slab)


def fit_together(parts: Parts, who: str, fits: list[tuple[list[int], Callable]]) -> list:
    """What each fit(share) gives, of a share of the table that has the columns of these places."""
    answers: list[list] = [[] for _ in fits]
    results: dict[int, Any] = {}
    shares = [Columns(parts, places) for places, _ in fits]
    number, n_rows = 0, parts.n_rows
    while len(results) < len(fits):
        waiting = {}
        for i, (_, fit) in enumerate(fits):
            if i not in results:
                try:
                    results[i] = fit(Share(parts, shares[i], answers[i], n_rows))
                except Unanswered as asked:
                    waiting[i] = asked.asked
        if waiting:
            number += 1
            answer(parts, who, waiting, answers, number)
    return [results[i] for i in range(len(fits))]


def answer(parts: Parts, who: str, waiting: dict[int, Asked], answers: list[list], number: int) -> None:
    """One pass for all reductions over blocks of one size; one for each list of numbers of rows."""
    sizes: dict[int, list[int]] = {}
    for i, asked in waiting.items():
        if asked.reduction is None:
            answers[i].append(parts.choose(asked.numbers, Only(who, asked), f"pass {number} over"))
        else:
            sizes.setdefault(rows_of_block(asked.reduction), []).append(i)
    for size, members in sizes.items():
        chosen = [waiting[i] for i in members]
        reduction = Together([each.reduction for each in chosen], size)
        states = lean(parts, chosen).reduce(reduction, ChecksTogether(who, chosen), f"pass {number} over", None)
        for place, i in enumerate(members):
            answers[i].append(None if states is None else states[place])


def lean(parts: Parts, chosen: list[Asked]) -> Parts:
    """The table, read in pieces so small that what the steps before make of them has a place, too."""
    width = sum(getattr(each, "width", 0) for asked in chosen for each in asked.look)
    if width <= parts.n_features:
        return parts
    other = copy.copy(parts)
    other.memory = max(1, parts.memory * parts.n_features // width)
    return other
