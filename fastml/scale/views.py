"""Views: some rows of a table in parts as a table of their own, and passes that many of them share.

The training rows of a fold are numbered anew, from 0, so that a fit on them has the bits of a fit on these rows alone.
A pass reads the table once and gives each view its rows: see `Request`.
"""

import copy
import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from fastml.base import first_bad
from fastml.scale.fitting import Checks
from fastml.scale.output import asked_at
from fastml.scale.parts import Parts, Piece
from fastml.scale.reading import Slab, read_slabs
from fastml.scale.reduction import Rows
from fastml.scale.runs import Run, join_runs, run_of_rows, run_total
from fastml.scale.sides import ALL, STRETCH, TRAIN, Sides
from fastml.scale.sparse_rows import Dense
from fastml.scale.spreading import OnWorkers
from fastml_ext.blocks import BLOCK

__all__ = ["Failure", "Request", "Splits", "View", "serve"]


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


# ------------------------------------------------------------------------------------------------ passes


def serve(splits: Splits, requests: list[Request]) -> list:
    """The answers to requests of one kind, in one pass; a `Failure` to those whose own work has failed."""
    function = {"choose": chosen, "targets": targets_told}.get(requests[0].kind, reduced)
    return function(splits, requests)


def spans(splits: Splits) -> list[tuple[int, int]]:
    """(first row, row behind the last) of each part on workers."""
    parts = splits.parts
    assert isinstance(parts, OnWorkers)
    assert parts.lengths is not None
    ends = np.cumsum(parts.lengths).tolist()
    return [(end - length, end) for end, length in zip(ends, parts.lengths, strict=True)]


def starts_of(splits: Splits, requests: list[Request], row: int) -> dict:
    """How many rows of each view stand before a row of the table."""
    wanted = {(request.split, request.side) for request in requests}
    return {view: splits.before(*view, row) for view in wanted}


def reduced(splits: Splits, requests: list[Request]) -> list:
    runs = (
        reduced_by_workers(splits, requests) if isinstance(splits.parts, OnWorkers) else reduced_here(splits, requests)
    )
    return [total_of(request, run) for request, run in zip(requests, runs, strict=True)]


def total_of(request: Request, run: Any) -> Any:
    try:
        return run if isinstance(run, Failure) or request.kind == "tally" else run_total(request.work, run)
    except Exception as error:
        return Failure(error)


def reduced_here(splits: Splits, requests: list[Request]) -> list:
    runs = [begun(request) for request in requests]
    with read_slabs(lean(splits.parts, requests), requests[0].checks.who, BLOCK, requests[0].what) as slabs:
        for slab in slabs:
            starts = starts_of(splits, requests, slab.start)
            runs = runs_of_slab(slab, splits.sides, starts, requests, runs)
            if all(isinstance(run, Failure) for run in runs):
                break
    return runs


def lean(parts: Parts, requests: list[Request]) -> Parts:
    """The table, read in pieces as small as one of the requests asks for."""
    memory = min(request.memory or parts.memory for request in requests)
    if memory >= parts.memory:
        return parts
    other = copy.copy(parts)
    other.memory = memory
    return other


def begun(request: Request) -> Any:
    return request.work.start() if request.kind == "tally" else Run([])


def joined(request: Request, runs: Any) -> Any:
    """One run of several adjacent ones; the first failure among them."""
    for run in runs:
        if isinstance(run, Failure):
            return run
    try:
        if request.kind == "tally":
            return functools.reduce(request.work.merge, runs)
        return join_runs(request.work, list(runs))
    except Exception as error:
        return Failure(sendable(error))


def joined_parts(work: tuple, *parts: list) -> list:
    """The run of each request, of those that adjacent parts of the table have."""
    return [joined(request, runs) for request, *runs in zip(work[0], *parts, strict=True)]


def reduced_by_workers(splits: Splits, requests: list[Request]) -> list:
    parts = splits.parts
    assert isinstance(parts, OnWorkers)
    engine, given = parts.engine, parts.given()
    work = engine.share((requests, parts.source))
    tasks = []
    for (first, stop), arguments in zip(spans(splits), given, strict=True):
        starts = starts_of(splits, requests, first)
        tasks.append(engine.submit(runs_of_part, work, splits.sides.between(first, stop), first, starts, *arguments))
    together = max(2, engine.together)
    while len(tasks) > together:
        tasks = [engine.submit(joined_parts, work, *tasks[i : i + together]) for i in range(0, len(tasks), together)]
    return joined_parts((requests, None), *engine.gather(tasks))


def runs_of_part(work: tuple, sides: Sides, first: int, starts: dict, *given: Any) -> list:
    requests, source = work
    slab = source.slab(requests[0].checks.who, *given)._replace(start=first)
    return runs_of_slab(slab, sides, starts, requests, [begun(request) for request in requests], 1)


def runs_of_slab(
    slab: Slab, sides: Sides, starts: dict, requests: list[Request], before: list, n_jobs: int | None = None
) -> list:
    """The run of each request, of the rows before the slab and its own rows in it."""
    rows = RowsOfViews(slab, sides, starts)
    found: list = []
    for request, run in zip(requests, before, strict=True):
        try:
            own = None if isinstance(run, Failure) else rows.of(request)
            if own is not None and len(own.X):
                jobs = n_jobs or request.n_jobs
                if request.kind == "tally":
                    run = request.work.add(run, own, jobs)
                else:
                    run = join_runs(request.work, [run, run_of_rows(request.work, own, jobs)])
            found.append(run)
        except Exception as error:
            found.append(Failure(sendable(error)))
    return found


def sendable(error: Exception) -> Exception:
    """The error without what holds on to the rows."""
    return error.with_traceback(None)


class RowsOfViews:
    """The rows that views have of a slab, taken once for all that ask for the same."""

    def __init__(self, slab: Slab, sides: Sides, starts: dict):
        self.slab, self.sides, self.starts = slab, sides, starts
        self.taken: dict = {}
        self.clean: dict = {}

    def of(self, request: Request) -> Rows:
        view = request.split, request.side
        slab = self.view(*view)
        if request.asks:
            slab = self.behind(view, slab, request.asks)
        checks = request.checks
        plain = isinstance(checks, Checks) and checks.finite and not (checks.texts or checks.documents or request.asks)
        plain = plain and not issparse(slab.X)
        if plain and self.is_clean(checks.allow_nan):
            checks = copy.copy(checks)
            checks.finite = False
        return checks(slab)

    def view(self, split: int, side: int) -> Slab:
        if (split, side) not in self.taken:
            kept = rows_kept(self.sides, split, side, self.slab.start, len(self.slab.X))
            self.taken[split, side] = some_of(self.slab, kept, self.starts[split, side])
        return self.taken[split, side]

    def behind(self, view: tuple, slab: Slab, asks: tuple) -> Slab:
        for step in asks:  # pipelines that begin with the same fitted steps share what these make
            (ask, none), view = step, (*view, id(step))
            if view not in self.taken:
                self.taken[view] = slab._replace(X=asked_at(ask, slab.X, slab.start) if len(slab.X) else none)
            slab = self.taken[view]
        return slab

    def is_clean(self, allow_nan: bool) -> bool:
        """Whether no value of the whole slab is one that is refused: then no view needs to look."""
        if allow_nan not in self.clean:
            self.clean[allow_nan] = first_bad(self.slab.X, allow_nan) is None
        return self.clean[allow_nan]


def some_of(slab: Slab, kept: np.ndarray, start: int) -> Slab:
    """Some rows of a slab as rows of a view; what is adjacent is not copied."""
    n = len(slab.X)
    if len(kept) == n:
        return slab._replace(start=start, places=RowPlaces(slab, kept, start))
    adjacent = len(kept) and kept[-1] - kept[0] + 1 == len(kept)
    rows: Any = slice(kept[0], kept[-1] + 1) if adjacent else kept
    X, y, weight = (None if each is None else each[rows] for each in (slab.X, slab.y, slab.weight))
    return Slab(X, y, start, RowPlaces(slab, kept, start), weight)  # type: ignore[arg-type]


class RowPlaces(list):
    """Where the rows of a view stand in the files, for messages: as `Slab.places`, made when one is asked for."""

    def __init__(self, slab: Slab, kept: np.ndarray, start: int):
        self.slab, self.kept, self.start = slab, kept, start

    def __reversed__(self) -> Iterator[tuple]:
        for i in range(len(self.kept) - 1, -1, -1):
            at = self.slab.start + int(self.kept[i])
            start, source, first = next(place for place in reversed(self.slab.places) if place[0] <= at)
            yield self.start + i, source, first + at - start


# ------------------------------------------------------------------------------------------------ rows by number


def chosen(splits: Splits, requests: list[Request]) -> list:
    """Lists of (X, y, weight) of rows by their ascending numbers in each view."""
    found: list = [[] for _ in requests]
    if isinstance(splits.parts, OnWorkers):
        pieces: Any = chosen_by_workers(splits, requests)
    else:
        pieces = chosen_here(splits, requests)
    for each in pieces:
        for number, piece in enumerate(each):
            if isinstance(piece, Failure) or isinstance(found[number], Failure):
                found[number] = found[number] if isinstance(found[number], Failure) else piece
            elif piece is not None:
                found[number].append(piece)
    return found


def chosen_here(splits: Splits, requests: list[Request]) -> Iterator[list]:
    with read_slabs(splits.parts, requests[0].checks.who, what=requests[0].what) as slabs:
        for slab in slabs:
            span = slab.start, slab.start + len(slab.X)
            wanted = wanted_in(splits, requests, *span)
            yield chosen_of_slab(slab, splits.sides, starts_of(splits, requests, span[0]), requests, wanted)


def wanted_in(splits: Splits, requests: list[Request], first: int, stop: int) -> list:
    """Of each request the numbers of the rows that stand between two rows of the table."""
    found = []
    for request in requests:
        ends = [splits.before(request.split, request.side, row) for row in (first, stop)]
        begin, end = np.searchsorted(request.work, ends)
        found.append(request.work[begin:end])
    return found


def chosen_by_workers(splits: Splits, requests: list[Request]) -> list:
    parts = splits.parts
    assert isinstance(parts, OnWorkers)
    given, light = parts.given(), [request._replace(work=None) for request in requests]
    work = parts.engine.share((light, parts.source))
    tasks = []
    for (first, stop), arguments in zip(spans(splits), given, strict=True):
        own = splits.sides.between(first, stop), first, starts_of(splits, requests, first)
        wanted = wanted_in(splits, requests, first, stop)
        if any(map(len, wanted)):
            tasks.append(parts.engine.submit(chosen_of_part, work, *own, wanted, *arguments))
    return parts.engine.gather(tasks)


def chosen_of_part(work: tuple, sides: Sides, first: int, starts: dict, wanted: list, *given: Any) -> list:
    requests, source = work
    slab = source.slab(requests[0].checks.who, *given)._replace(start=first)
    return chosen_of_slab(slab, sides, starts, requests, wanted)


def chosen_of_slab(slab: Slab, sides: Sides, starts: dict, requests: list[Request], wanted: list) -> list:
    """(X, y, weight) of each request's rows; None where it wants none, the same object for the same wish."""
    found: list = []
    for request, numbers in zip(requests, wanted, strict=True):
        start = starts[request.split, request.side]
        kept = rows_kept(sides, request.split, request.side, slab.start, len(slab.X))
        try:
            own = some_of(slab, kept[numbers - start], 0)
            own = own._replace(X=through(own.X, request.asks, numbers))
            found.append(request.checks(own).at(slice(None)) if len(numbers) else None)
        except Exception as error:
            found.append(Failure(sendable(error)))
    return found


# ------------------------------------------------------------------------------------------------ targets


def targets_told(splits: Splits, requests: list[Request]) -> list:
    """Lists of what each function says of the targets of its view, piece after piece."""
    parts = splits.parts
    if isinstance(parts, OnWorkers):
        given = parts.given_targets()
        if parts.lengths is None:
            list(parts.map_targets(length_of))
        work = parts.engine.share((requests, parts.source))
        tasks = []
        for (first, stop), arguments in zip(spans(splits), given, strict=True):
            starts = starts_of(splits, requests, first)
            tasks.append(
                parts.engine.submit(told_of_part, work, splits.sides.between(first, stop), first, starts, *arguments)
            )
        pieces = parts.engine.gather(tasks)
    else:
        pieces, row = [], 0
        for y, _, _ in parts.targets():
            pieces.append(told_of_piece(y, splits.sides, row, starts_of(splits, requests, row), requests))
            row += len(y)
    found = [list(each) for each in zip(*pieces, strict=True)] if pieces else [[] for _ in requests]
    return [next((each for each in answers if isinstance(each, Failure)), answers) for answers in found]


def length_of(y: np.ndarray, source: str, first: int) -> int:
    return len(y)


def told_of_part(work: tuple, sides: Sides, first: int, starts: dict, *given: Any) -> list:
    requests, source = work
    return told_of_piece(source.targets(*given)[0], sides, first, starts, requests)


def told_of_piece(y: np.ndarray, sides: Sides, first: int, starts: dict, requests: list[Request]) -> list:
    found: list = []
    for request in requests:
        view = request.split, request.side
        try:
            own = y[rows_kept(sides, *view, first, len(y))]
            found.append(request.work.function(own, request.work.what, starts[view]))
        except Exception as error:
            found.append(Failure(sendable(error)))
    return found
