"""Passes that many views of a table share: the table is read once, and each request gets the rows of its view."""

import copy
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastml.base import first_bad
from fastml.scale.fitting import Checks
from fastml.scale.output import asked_at
from fastml.scale.parts import Parts
from fastml.scale.reading import Slab, read_slabs
from fastml.scale.reduction import Rows
from fastml.scale.runs import Run, join_runs, run_of_rows, run_total
from fastml.scale.sides import Sides
from fastml.scale.spreading import OnWorkers
from fastml.scale.views import Failure, Request, Splits, rows_kept, through
from fastml_ext.blocks import BLOCK

__all__ = ["serve"]


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
