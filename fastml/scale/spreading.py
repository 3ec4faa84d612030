"""Passes whose tasks run elsewhere: what any engine that can call functions needs to have the bits of one machine.

Tasks are pure and wait for nothing but their input; no result depends on who has done them, or how often: see runs.py.
"""

import abc
import copy
import functools
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy.sparse import issparse

from fastml.scale.output import asked_at
from fastml.scale.parts import Parts, Piece
from fastml.scale.reading import Slab, beside, joined
from fastml.scale.runs import Run, join_runs, run_of_rows, run_total
from fastml.scale.sparse_rows import Dense
from fastml_ext.blocks import BLOCK

__all__ = ["Engine", "OnWorkers", "spread"]

AT_ONCE = 32  # ranges whose answers are on their way to this machine


class Engine(Protocol):
    """What calls functions on other machines: Dask, Ray, Spark or another, in a few lines each (docs/scale.md)."""

    together: int  # runs that a task joins, at least two; where there are no more parts, this machine joins them all

    def share(self, value: Any) -> Any:
        """A value for many tasks, which is to go to each machine once."""

    def submit(self, function: Callable, work: Any, *arguments: Any) -> Any:
        """A task: `function(value, *arguments)`, of what `share` gave; arguments may be tasks where runs are joined."""

    def gather(self, tasks: list) -> list:
        """What tasks give, in their order; their errors are raised, and nothing is left when it ends."""


class OnWorkers(Parts):
    """Parts whose passes are tasks: each makes a slab of its own part by `source.slab`, of what `given` says."""

    source: Any  # goes to workers, small: slab(who, *given) and targets(*given)
    lengths: list[int] | None  # of the parts, where they are known
    engine: Engine

    @abc.abstractmethod
    def given(self) -> list[tuple]:
        """For each part what source.slab takes."""

    @abc.abstractmethod
    def given_targets(self) -> list[tuple]:
        """For each part what source.targets takes."""

    def settle(self, lengths: list[int]) -> None:
        """Lengths that a pass has found; those that were known must be the same."""
        for number, (known, found) in enumerate(zip(self.lengths or lengths, lengths, strict=True)):
            if known != found:
                raise ValueError(f"part {number} of {self.what} has {known} rows, and {found} targets")
        self.lengths, self.n_rows = lengths, sum(lengths)

    def behind(self, ask: Any, none: np.ndarray) -> Parts:
        other = copy.copy(self)
        other.source = Behind(self.source, ask, none)
        other.n_features, other.dtype, other.names, other.kinds = none.shape[1], none.dtype, None, None
        other.sparse = issparse(none)
        other.texts = [True] * none.shape[1] if none.dtype.kind == "O" else None
        return other

    def made_dense(self) -> Parts:
        if not self.sparse:
            return self
        other = copy.copy(self)
        other.source, other.sparse = self.source.made_dense(), False
        if hasattr(other, "parts"):
            other.parts = other.parts.made_dense()
        return other

    def each(self, function: Callable, given: list[tuple], *work: Any) -> list:
        """What function((*work, source), *arguments) gives for each of `given`, in their order."""
        value = self.engine.share((*work, self.source))
        return self.engine.gather([self.engine.submit(function, value, *arguments) for arguments in given])

    def map_targets(self, function: Any) -> Iterator[Any]:
        found = self.each(counted_part, self.given_targets(), function)
        self.settle([length for length, _ in found])
        return (answer for _, answer in found)

    def reduce(self, reduction: Any, checks: Any, what: str, n_jobs: int | None) -> Any:
        engine = self.engine
        work = engine.share((reduction, checks, self.source))
        runs = [engine.submit(run_of_part, work, *arguments) for arguments in self.given()]
        together = max(2, engine.together)
        while len(runs) > together:
            groups = [runs[i : i + together] for i in range(0, len(runs), together)]
            runs = [engine.submit(joined_runs, work, *group) for group in groups]
        return run_total(reduction, join_runs(reduction, engine.gather(runs)))

    def tally(self, tally: Any, checks: Any, what: str, n_jobs: int | None) -> Any:
        engine = self.engine
        work = engine.share((tally, checks, self.source))
        found = [engine.submit(tallied_part, work, *arguments) for arguments in self.given()]
        together = max(2, engine.together)
        while len(found) > together:
            groups = [found[i : i + together] for i in range(0, len(found), together)]
            found = [engine.submit(joined_tallies, work, *group) for group in groups]
        return joined_tallies((tally,), tally.start(), *engine.gather(found))

    def choose(self, numbers: np.ndarray, checks: Any, what: str) -> list[tuple]:
        given = self.given()
        assert self.lengths is not None
        ends = np.cumsum(self.lengths)
        chosen = np.split(numbers, np.searchsorted(numbers, ends[:-1]))
        begins = ends - self.lengths
        rows = [(at - begin, *each) for at, begin, each in zip(chosen, begins, given, strict=True)]
        return self.each(chosen_rows, rows, checks)


class Behind(NamedTuple):
    """A source whose rows go through a function of X."""

    source: Any
    ask: Any
    none: np.ndarray

    def slab(self, who: str, *given: Any) -> Slab:
        slab = self.source.slab(who, *given)
        return slab._replace(X=asked_at(self.ask, slab.X, slab.start) if len(slab.X) else self.none)

    def slabs(self, who: str, *given: Any) -> Iterator[Slab]:
        for slab in slabs_of(self.source, who, *given):
            yield slab._replace(X=asked_at(self.ask, slab.X, slab.start) if len(slab.X) else self.none)

    def made_dense(self) -> "Behind":
        return Behind(self.source, Dense(self.ask), self.none.toarray())  # type: ignore[attr-defined]

    def targets(self, *given: Any) -> tuple[np.ndarray, str, int]:
        return self.source.targets(*given)


class Ranges(NamedTuple):
    """A table in files that all workers see."""

    parts: Parts

    def slab(self, who: str, start: int, stop: int) -> Slab:
        held, at = [], start
        for piece in self.parts.pieces(start, stop - start):
            held.append(((at, piece.source, piece.first), *first_rows(piece, stop - at)))
            at += len(held[-1][1])
            if at == stop:
                return joined(self.parts, held, start, who)
        raise self.changed(at)

    def slabs(self, who: str, start: int, stop: int) -> Iterator[Slab]:
        """The same a piece at a time, none larger than the caches of a processor want it."""
        at = start
        for piece in self.parts.pieces(start, self.parts.at_once()):
            kept = first_rows(piece, stop - at)
            yield joined(self.parts, [((at, piece.source, piece.first), *kept)], at, who)
            at += len(kept[0])
            if at == stop:
                return
        raise self.changed(at)

    def changed(self, at: int) -> ValueError:
        return ValueError(f"{self.parts.what} ends at row {at}: the table has changed while it was read")

    def targets(self, start: int, stop: int) -> tuple[np.ndarray, str, int]:
        return self.parts.targets_of_rows(start, stop), self.parts.what, start


def slabs_of(source: Any, who: str, *given: Any) -> Iterator[Slab]:
    """The rows of a part, in pieces where its source has a choice."""
    made = getattr(source, "slabs", None)
    return iter([source.slab(who, *given)]) if made is None else made(who, *given)


def first_rows(piece: Piece, most: int) -> tuple:
    return tuple(None if each is None else each[:most] for each in beside(piece))


class SpreadParts(OnWorkers):
    """A table in files, of which each task reads a range of rows."""

    def __init__(self, parts: Parts, engine: Engine, rows: int):
        if parts.n_rows is None:
            raise ValueError(
                f"{parts!r} does not tell its rows but by being read: write it as Parquet, or give its files to the"
                " reader of the engine"
            )
        self.parts, self.source, self.engine, self.codes = parts, Ranges(parts), engine, parts.codes
        self.what, self.names, self.n_features, self.memory = parts.what, parts.names, parts.n_features, parts.memory
        self.dtype, self.texts, self.kinds, self.n_rows = parts.dtype, parts.texts, parts.kinds, parts.n_rows
        self.has_target, self.has_weight = parts.has_target, parts.has_weight
        cuts = [*range(0, parts.n_rows, rows), parts.n_rows]
        self.ranges = list(pairwise(cuts)) or [(0, 0)]
        self.lengths = [stop - start for start, stop in self.ranges]

    def given(self) -> list[tuple]:
        return self.ranges

    given_targets = given

    def behind(self, ask: Any, none: np.ndarray) -> Parts:
        other = super().behind(ask, none)
        other.parts = self.parts.behind(ask, none)  # type: ignore[attr-defined]
        return other

    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        return self.parts.pieces(first, most)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        return self.parts.targets()

    def answers(self, ask: Callable) -> Iterator[np.ndarray]:
        """What ask(X) gives of range after range, some at once."""
        for i in range(0, len(self.ranges), AT_ONCE):
            yield from self.each(answers_of_range, self.ranges[i : i + AT_ONCE], ask)


def spread(parts: Parts, engine: Engine, rows: int = 2**20) -> Parts:
    """A table in files as the workers of an engine read it: each task a range of rows, from files that all of them see.

    The result of a fit has the bits of one on this machine.

    Parameters
    ----------
    parts : Parts
        Of .npy, Parquet or Arrow files, by paths that lead to them on every worker.
    engine : Engine
        What has the workers; `fastml.dask.spread` takes Dask's.
    rows : int, default=2**20
        Rows of a task, a multiple of 2**13. A task should take a second or so.

    Returns
    -------
    Parts

    Examples
    --------
    >>> import fastml.scale
    >>> from fastml.naive_bayes import GaussianNB
    >>> class Here:
    ...     together = 16
    ...     def share(self, value):
    ...         return value
    ...     def submit(self, function, work, *arguments):
    ...         return function(work, *arguments)
    ...     def gather(self, tasks):
    ...         return tasks
    >>> parts = fastml.scale.arrays([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
    >>> GaussianNB().fit(fastml.scale.spread(parts, Here())).theta_.tolist()
    [[0.5], [5.5]]
    """
    if not isinstance(parts, Parts) or isinstance(parts, OnWorkers):
        raise TypeError(f"parts must be a table in files that fastml.scale has made, not {parts!r}")
    if rows < BLOCK or rows % BLOCK:
        raise ValueError(f"rows={rows} must be a multiple of {BLOCK}")
    return SpreadParts(parts, engine, rows)


# ---------------------------------------------------------------------------------------- what tasks do on workers


def counted_part(work: tuple, *given: Any) -> tuple[int, Any]:
    function, source = work
    y, where, first = source.targets(*given)
    return len(y), function(y, where, first)


def run_of_part(work: tuple, *given: Any) -> Run:
    reduction, checks, source = work
    slabs = slabs_of(source, checks.who, *given)
    runs = [run_of_rows(reduction, checks(slab), 1) for slab in slabs]  # a task has one of its worker's threads
    return runs[0] if len(runs) == 1 else join_runs(reduction, runs)


def joined_runs(work: tuple, *runs: Run) -> Run:
    return join_runs(work[0], list(runs))


def tallied_part(work: tuple, *given: Any) -> Any:
    tally, checks, source = work
    return tally.add(tally.start(), checks(source.slab(checks.who, *given)), 1)


def joined_tallies(work: tuple, *states: Any) -> Any:
    return functools.reduce(work[0].merge, states)


def chosen_rows(work: tuple, at: np.ndarray, *given: Any) -> tuple:
    checks, source = work
    return checks(source.slab(checks.who, *given)).at(at)


def answers_of_range(work: tuple, start: int, stop: int) -> np.ndarray:
    ask, source = work
    return ask(source.slab(type(ask.model).__name__, start, stop).X)
