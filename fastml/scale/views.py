"""Views: some rows of a table in parts as a table of their own, such as the training rows of a fold.

Rows are numbered anew, from 0, so that a fit on them has the bits of a fit on these rows alone. What a view wants of a
pass is a `Request`; shared_passes.py answers those of many views in one pass.
"""

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from fastml.scale.output import asked_at
from fastml.scale.parts import Parts, Piece
from fastml.scale.sides import ALL, STRETCH, TRAIN, Sides
from fastml.scale.sparse_rows import Dense

__all__ = ["Failure", "Request", "Splits", "View", "flags_of", "rows_kept", "through"]

COPIED = (
    "codes", "dtype", "has_target", "has_weight", "kinds", "memory", "n_features", "names", "once", "sparse", "texts",
    "verbose",
)  # fmt: skip


class Request(NamedTuple):
    """What a view wants of the next pass: a state of all its rows, some rows, or what a function says of y."""

    kind: str  # "reduce", "tally", "choose" or "targets"
    split: int
    side: int
    work: Any  # the reduction, the tally, the numbers of rows, or the function
    checks: Any = None
    asks: tuple = ()  # of (function of X, what it gives of no rows): the steps of a pipeline
    what: str = ""
    n_jobs: int | None = None
    memory: int = 0  # bytes that reading may hold for it, where that is less than what the table allows


class Failure(NamedTuple):
    """An error of one request, which the others of its pass have nothing to do with."""

    error: Exception


class Splits:
    """A table, the sides of its rows, and who serves the requests of its views."""

    def __init__(self, parts: Parts, sides: Sides, n: int):
        self.parts, self.sides, self.n = parts, sides, n
        self.host: Any = None  # what has `ask(request)`; None to serve each at once
        self._before: dict = {}

    def flags(self, split: int, first: int, stop: int) -> np.ndarray:
        return flags_of(self.sides, split, first, stop)

    def before(self, split: int, side: int, row: int) -> int:
        """How many rows of a view stand before a row of the table."""
        if split == ALL:
            return row
        stretch = row // STRETCH
        counted = int(self.counts(split, side)[stretch])
        return counted + int(np.count_nonzero(self.flags(split, stretch * STRETCH, row) & side))

    def counts(self, split: int, side: int) -> np.ndarray:
        """Rows of a view before each stretch of the table, and in all at the end."""
        if (split, side) not in self._before:
            starts = range(0, self.n, STRETCH)
            own = [np.count_nonzero(self.flags(split, a, min(self.n, a + STRETCH)) & side) for a in starts]
            self._before[split, side] = np.cumsum([0, *own])
        return self._before[split, side]

    def length(self, split: int, side: int) -> int:
        return self.n if split == ALL else int(self.counts(split, side)[-1])

    def made_dense(self) -> "Splits":
        """The same splits of the table with dense rows, whose passes are its own."""
        return Splits(self.parts.made_dense(), self.sides, self.n)

    def ask(self, request: Request) -> Any:
        from fastml.scale.shared_passes import serve

        answer = serve(self, [request])[0] if self.host is None else self.host.ask(request)
        if isinstance(answer, Failure):
            raise answer.error
        return answer


class View(Parts):
    """Rows of one side of a split, in the order of the table."""

    def __init__(self, splits: Splits, split: int, side: int, which: str):
        self.splits, self.split, self.side, self.which = splits, split, side, which
        self.base = splits.parts
        self.asks: tuple = ()
        self.what = f"{which} of {self.base.what}" if which else self.base.what
        for name in COPIED:
            setattr(self, name, copy.copy(getattr(self.base, name)))
        self.n_rows = splits.length(split, side)

    def __getstate__(self) -> dict:
        other = copy.copy(self.splits)
        other.host = None
        return self.__dict__ | {"splits": other}

    def __copy__(self) -> "View":
        """Another of the same splits, so that it shares passes with the others."""
        other = object.__new__(View)
        other.__dict__.update(self.__dict__)
        return other

    def request(self, kind: str, work: Any, checks: Any = None, what: str = "", n_jobs: int | None = None) -> Any:
        memory = min(self.memory, self.base.memory)
        return self.splits.ask(Request(kind, self.split, self.side, work, checks, self.asks, what, n_jobs, memory))

    def reduce(self, reduction: Any, checks: Any, what: str, n_jobs: int | None) -> Any:
        return self.request("reduce", reduction, checks, what, n_jobs)

    def tally(self, tally: Any, checks: Any, what: str, n_jobs: int | None) -> Any:
        return self.request("tally", tally, checks, what, n_jobs)

    def choose(self, numbers: np.ndarray, checks: Any, what: str) -> list[tuple]:
        return self.request("choose", numbers, checks, what)

    def map_targets(self, function: Any) -> Iterator[Any]:
        return iter(self.splits.ask(Request("targets", self.split, self.side, Named(function, self.what))))

    def behind(self, ask: Any, none: np.ndarray) -> Parts:
        other = copy.copy(self)
        other.asks = (*self.asks, (ask, none))
        other.n_features, other.dtype, other.names, other.kinds = none.shape[1], none.dtype, None, None
        other.texts = [True] * none.shape[1] if none.dtype.kind == "O" else None
        other.sparse = issparse(none)
        return other

    def made_dense(self) -> Parts:
        if not self.sparse or not self.asks:
            return self if not self.sparse else View(self.splits.made_dense(), self.split, self.side, self.which)
        other = copy.copy(self)
        *before, (ask, none) = self.asks
        other.asks, other.sparse = (*before, (Dense(ask), none.toarray())), False
        return other

    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        if first >= (self.n_rows or 0):
            return
        counts = [0] if self.split == ALL else self.splits.counts(self.split, self.side)
        stretch = int(np.searchsorted(counts, first, side="right")) - 1
        start, passed = stretch * STRETCH, int(counts[stretch])
        for piece in self.base.pieces(start, most):
            kept = rows_kept(self.splits.sides, self.split, self.side, start, len(piece.X))
            start, begin = start + len(piece.X), max(0, first - passed)
            passed += len(kept)
            kept = kept[begin:]
            if len(kept):
                y, weight = (None if each is None else each[kept] for each in (piece.y, piece.weight))
                number = passed - len(kept)
                yield Piece(through(piece.X[kept], self.asks, number), y, self.what, number, weight)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        start, passed = 0, 0
        for y, _, _ in self.base.targets():
            kept = rows_kept(self.splits.sides, self.split, self.side, start, len(y))
            yield y[kept], self.what, passed
            start, passed = start + len(y), passed + len(kept)

    def chosen_by(self, names: list[str]) -> str:
        return self.base.chosen_by(names)


class Named(NamedTuple):
    """A function of targets, which is told whose they are."""

    function: Any
    what: str


def flags_of(sides: Sides, split: int, first: int, stop: int) -> np.ndarray:
    return np.full(stop - first, TRAIN, np.uint8) if split == ALL else sides.flags(split, first, stop)


def rows_kept(sides: Sides, split: int, side: int, start: int, n: int) -> np.ndarray:
    """Places of the rows of a view among n rows of the table."""
    return np.flatnonzero(flags_of(sides, split, start, start + n) & side)


def through(X: np.ndarray, asks: tuple, numbers: Any) -> np.ndarray:
    """numbers: that of the first row in the view, or of each row"""
    for ask, none in asks:
        X = asked_at(ask, X, numbers) if len(X) else none
    return X
