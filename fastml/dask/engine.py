"""Passes over Dask's collections: a pure task for each part where the part is, and few more that join what they say.

Dask decides who does what, sends again what a lost worker has not done, and drops what is left after an error or
Ctrl-C. No task waits for another but for its input, none keeps anything on its worker, and results do not depend on
who did them: see fastml/scale/runs.py.
"""

import abc
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from fastml.dask.collections import Described, delayed_parts
from fastml.kinds.lazy import is_lazy
from fastml.scale.parts import Parts, Piece
from fastml.scale.reading import Slab, joined
from fastml.scale.runs import Run, join_runs, run_of_rows, run_total
from fastml_ext.blocks import BLOCK
from fastml_ext.pool import cpu_limit

__all__ = ["DaskParts", "OnWorkers", "compute", "shared", "spread", "task"]

TOGETHER = 16  # runs that one task joins


def compute(*tasks: Any) -> tuple:
    """What the tasks give, computed by Dask's current scheduler; in a task, the worker does others meanwhile."""
    return dask().compute(*tasks)


def dask() -> Any:
    try:
        import dask
    except ImportError:
        raise ImportError('collections of Dask need it installed: pip install "fastml-learn[dask]"') from None
    return dask


def task(function: Callable) -> Any:
    """A function as one of Dask's: pure, though it is given a name of its own each time, so that no table is hashed."""
    return dask().delayed(function, pure=False, traverse=False)


def shared(value: Any) -> Any:
    """One value for many tasks, which goes to each worker once."""
    return dask().delayed(value, pure=False, traverse=False)


class OnWorkers(Parts):
    """Parts whose passes are tasks: each makes a slab of its own part by `source.slab`, of what `given` says."""

    source: Any  # goes to workers, small: slab(who, *given) and targets(*given)
    lengths: list[int] | None  # of the parts, where they are known

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

    def map_targets(self, function: Any) -> Iterator[Any]:
        work = shared((function, self.source))
        found = compute(*[task(counted_part)(work, *each) for each in self.given_targets()])
        self.settle([length for length, _ in found])
        return (answer for _, answer in found)

    def reduce(self, reduction: Any, checks: Any, what: str, n_jobs: int | None) -> Any:
        work = shared((reduction, checks, self.source))
        runs = [task(run_of_part)(work, *each) for each in self.given()]
        while len(runs) > TOGETHER:
            runs = [task(joined_runs)(work, runs[i : i + TOGETHER]) for i in range(0, len(runs), TOGETHER)]
        return run_total(reduction, join_runs(reduction, list(compute(*runs))))

    def choose(self, numbers: np.ndarray, checks: Any, what: str) -> list[tuple[np.ndarray, np.ndarray]]:
        work, given = shared((checks, self.source)), self.given()
        assert self.lengths is not None
        ends = np.cumsum(self.lengths)
        chosen = np.split(numbers, np.searchsorted(numbers, ends[:-1]))
        begins = ends - self.lengths
        return list(
            compute(*[
                task(chosen_rows)(work, at - begin, *each)
                for at, begin, each in zip(chosen, begins, given, strict=True)
            ])
        )  # fmt: skip


class DaskParts(OnWorkers):
    """Parts of a Dask collection; what is no pass of a fit reads one part after the other."""

    def __init__(self, described: Described, X: list, lengths: list[int] | None):
        self.source, self.X, self.lengths = described, X, lengths
        self.y: list | None = None
        self.what, self.names, self.n_features = described.what, described.names, described.n_features
        self.dtype, self.has_target = described.dtype, described.has_target
        self.n_rows = None if lengths is None else sum(lengths)

    def take_targets(self, y: Any) -> None:
        """The parts of y beside those of X; lengths are compared as far as they are known."""
        if not is_lazy(y):
            if self.lengths is None:
                self.measure(self.X)
            y = np.asarray(y) if not hasattr(y, "iloc") else y
            if len(y) != self.n_rows:
                raise ValueError(f"X has {self.n_rows} rows, and y has {len(y)}: one target for each row")
            ends = list(accumulate(self.lengths or []))
            slices = [(end - length, end) for end, length in zip(ends, self.lengths or [], strict=True)]
            take = y.iloc.__getitem__ if hasattr(y, "iloc") else y.__getitem__
            self.y = [shared(take(slice(*each))) for each in slices]
            return
        if not hasattr(type(y), "to_delayed") or not hasattr(y, "ndim"):
            raise TypeError(f"y is a Dask {type(y).__name__}, and an array or series is needed")
        if getattr(y, "ndim", 1) == 2 and y.shape[1] != 1:
            raise ValueError(f"y has {y.shape[1]} columns, and a table in parts has one target for each row")
        chunks = getattr(y, "chunks", None)
        if chunks is not None and self.lengths is not None and not np.isnan(chunks[0]).any():
            y = self.cut_alike(y, list(chunks[0]))
        self.y = delayed_parts(y)
        if len(self.y) != len(self.X):
            raise ValueError(
                f"X has {len(self.X)} parts, and y has {len(self.y)}: cut them alike, by rechunk or repartition"
            )

    def cut_alike(self, y: Any, lengths: list[int]) -> Any:
        if lengths == self.lengths:
            return y
        if sum(lengths) == self.n_rows:
            return y.rechunk({0: tuple(self.lengths or [])})
        pairs = list(zip(self.lengths or [], lengths, strict=False))
        first = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
        where = f" (the first that differs is part {first})" if first < len(pairs) else ""
        raise ValueError(f"X has {self.n_rows} rows, and y has {sum(lengths)} targets{where}: one for each row")

    def measure(self, tasks: list) -> None:
        """Count the rows of each part, in a pass."""
        self.settle(list(compute(*[task(len)(each) for each in tasks])))

    def beside(self) -> list:
        return [None] * len(self.X) if self.y is None else self.y

    def given(self) -> list[tuple]:
        if self.lengths is None:
            self.measure(self.X if self.y is None else self.y)
        starts = [0, *accumulate(self.lengths or [])][:-1]
        return list(zip(range(len(starts)), self.X, self.beside(), starts, strict=True))

    def given_targets(self) -> list[tuple]:
        return list(enumerate(self.beside()))

    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        for number, (X, y) in enumerate(zip(self.X, self.beside(), strict=True)):
            if self.lengths is not None and first >= self.lengths[number]:
                first -= self.lengths[number]
                continue
            block, labels = compute(X, y)
            slab = self.source.slab("a model", number, block, labels, 0)
            skipped = min(first, len(slab.X))
            first -= skipped
            if skipped < len(slab.X):
                labels = None if slab.y is None else slab.y[skipped:]
                yield Piece(slab.X[skipped:], labels, slab.places[0][1], skipped)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        for number, y in enumerate(self.beside()):
            yield self.source.targets(number, compute(y)[0])


class Ranges(NamedTuple):
    """A table in files that all workers see."""

    parts: Parts

    def slab(self, who: str, start: int, stop: int) -> Slab:
        held, at = [], start
        for piece in self.parts.pieces(start, stop - start):
            X, y = piece.X[: stop - at], None if piece.y is None else piece.y[: stop - at]
            held.append((X, y, (at, piece.source, piece.first)))
            at += len(X)
            if at == stop:
                return joined(self.parts, held, start, who)
        raise ValueError(f"{self.parts.what} ends at row {at}: the table has changed while it was read")

    def targets(self, start: int, stop: int) -> tuple[np.ndarray, str, int]:
        return self.parts.targets_of_rows(start, stop), self.parts.what, start


class SpreadParts(OnWorkers):
    """A table in files, of which each task reads a range of rows."""

    def __init__(self, parts: Parts, rows: int):
        if parts.n_rows is None:
            raise ValueError(
                f"{parts!r} does not tell its rows but by being read: write it as Parquet, or give its files to Dask"
            )
        self.parts, self.source = parts, Ranges(parts)
        self.what, self.names, self.n_features, self.memory = parts.what, parts.names, parts.n_features, parts.memory
        self.dtype, self.has_target, self.n_rows = parts.dtype, parts.has_target, parts.n_rows
        cuts = [*range(0, parts.n_rows, rows), parts.n_rows]
        self.ranges = list(pairwise(cuts)) or [(0, 0)]
        self.lengths = [stop - start for start, stop in self.ranges]

    def given(self) -> list[tuple]:
        return self.ranges

    given_targets = given

    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        return self.parts.pieces(first, most)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        return self.parts.targets()

    def answers(self, ask: Callable) -> Iterator[np.ndarray]:
        """What ask(X) gives of range after range; as many at once as Dask has threads."""
        work = shared((ask, self.source))
        at_once = 2 * max(1, workers())
        for i in range(0, len(self.ranges), at_once):
            yield from compute(*[task(answers_of_range)(work, *each) for each in self.ranges[i : i + at_once]])


def spread(parts: Parts, rows: int = 2**20) -> Parts:
    """A table in files as Dask's workers read it: each task a range of rows, from files that all of them see.

    The result of a fit has the bits of one on this machine.

    Parameters
    ----------
    parts : Parts
        Of `fastml.scale`: .npy, Parquet or Arrow files, by paths that lead to them on every worker.
    rows : int, default=2**20
        Rows of a task, a multiple of 2**13. A task should take a second or so.

    Returns
    -------
    Parts

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> import fastml.dask, fastml.scale
    >>> from fastml.naive_bayes import GaussianNB
    >>> folder = tempfile.TemporaryDirectory()
    >>> X, y = os.path.join(folder.name, "X.npy"), os.path.join(folder.name, "y.npy")
    >>> np.save(X, np.arange(12.0).reshape(6, 2)), np.save(y, np.repeat([0, 1], 3))
    (None, None)
    >>> GaussianNB().fit(fastml.dask.spread(fastml.scale.npy(X, y=y))).theta_.tolist()
    [[2.0, 3.0], [8.0, 9.0]]
    >>> folder.cleanup()
    """
    if not isinstance(parts, Parts) or isinstance(parts, OnWorkers):
        raise TypeError(f"parts must be a table in files that fastml.scale has made, not {parts!r}")
    if rows < BLOCK or rows % BLOCK:
        raise ValueError(f"rows={rows} must be a multiple of {BLOCK}")
    return SpreadParts(parts, rows)


def workers() -> int:
    """Threads of the workers of the current client, or of this machine."""
    try:
        from distributed import get_client

        return sum(get_client().nthreads().values())
    except (ImportError, ValueError):
        return cpu_limit()


# ---------------------------------------------------------------------------------------- what tasks do on workers


def counted_part(work: tuple, *given: Any) -> tuple[int, Any]:
    function, source = work
    y, where, first = source.targets(*given)
    return len(y), function(y, where, first)


def run_of_part(work: tuple, *given: Any) -> Run:
    reduction, checks, source = work
    return run_of_rows(reduction, checks(source.slab(checks.who, *given)), 1)  # a task has one of a worker's threads


def joined_runs(work: tuple, runs: list) -> Run:
    return join_runs(work[0], runs)


def chosen_rows(work: tuple, at: np.ndarray, *given: Any) -> tuple:
    checks, source = work
    rows = checks(source.slab(checks.who, *given))
    return rows.X[at], rows.y[at]


def answers_of_range(work: tuple, start: int, stop: int) -> np.ndarray:
    ask, source = work
    return ask(source.slab(type(ask.model).__name__, start, stop).X)
