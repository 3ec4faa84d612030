"""Passes over Dask's collections: a pure task for each part where the part is, and few more that join what they say.

Dask decides who does what, sends again what a lost worker has not done, and drops what is left after an error or
Ctrl-C. No task waits for another but for its input, none keeps anything on its worker, and results do not depend on
who did them: see fastml/scale/runs.py.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

import numpy as np

from fastml.dask.collections import Described, delayed_parts, targets_of
from fastml.kinds.lazy import is_lazy
from fastml.scale.parts import Parts, Piece
from fastml.scale.runs import Run, join_runs, run_of_rows, run_total

__all__ = ["DaskParts", "compute", "shared", "task"]

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


class DaskParts(Parts):
    """Parts of a Dask collection; passes of fits go to where these are, all else reads one part after the other."""

    def __init__(self, described: Described, X: list, lengths: list[int] | None):
        self.described, self.X, self.lengths = described, X, lengths
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

    def settle(self, lengths: list[int]) -> None:
        """Lengths that a pass has found; those that were known must be the same."""
        for number, (known, found) in enumerate(zip(self.lengths or lengths, lengths, strict=True)):
            if known != found:
                raise ValueError(f"part {number} of {self.what} has {known} rows, and {found} targets")
        self.lengths, self.n_rows = lengths, sum(lengths)

    def starts(self) -> list[int]:
        if self.lengths is None:
            self.measure(self.X if self.y is None else self.y)
        return [0, *accumulate(self.lengths or [])][:-1]

    def beside(self) -> list:
        return [None] * len(self.X) if self.y is None else self.y

    # ------------------------------------------------------------------------------- passes, where the parts are

    def map_targets(self, function: Any) -> Iterator[Any]:
        given = [
            task(counted_part)(function, y, f"part {number} of {self.what}") for number, y in enumerate(self.beside())
        ]
        found = compute(*given)
        self.settle([length for length, _ in found])
        return (answer for _, answer in found)

    def reduce(self, reduction: Any, checks: Any, what: str, n_jobs: int | None) -> Any:
        work, starts = shared((reduction, checks, self.described)), self.starts()
        runs = [
            task(run_of_part)(work, number, X, y, start)
            for number, (X, y, start) in enumerate(zip(self.X, self.beside(), starts, strict=True))
        ]
        while len(runs) > TOGETHER:
            runs = [task(joined_runs)(work, runs[i : i + TOGETHER]) for i in range(0, len(runs), TOGETHER)]
        return run_total(reduction, join_runs(reduction, list(compute(*runs))))

    def choose(self, numbers: np.ndarray, checks: Any, what: str) -> list[tuple[np.ndarray, np.ndarray]]:
        work, given = shared((None, checks, self.described)), []
        for number, (X, y, start) in enumerate(zip(self.X, self.beside(), self.starts(), strict=True)):
            assert self.lengths is not None
            first, last = np.searchsorted(numbers, [start, start + self.lengths[number]])
            given.append(task(chosen_rows)(work, number, X, y, start, numbers[first:last] - start))
        return list(compute(*given))

    # -------------------------------------------------------------------------- reading, one part after the other

    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        for number, (X, y) in enumerate(zip(self.X, self.beside(), strict=True)):
            if self.lengths is not None and first >= self.lengths[number]:
                first -= self.lengths[number]
                continue
            block, labels = compute(X, y)
            slab = self.described.slab(number, block, labels, 0, "a model")
            skipped = min(first, len(slab.X))
            first -= skipped
            if skipped < len(slab.X):
                labels = None if slab.y is None else slab.y[skipped:]
                yield Piece(slab.X[skipped:], labels, slab.places[0][1], skipped)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        for number, y in enumerate(self.beside()):
            source = f"part {number} of {self.what}"
            yield targets_of(compute(y)[0], source), source, 0


# ---------------------------------------------------------------------------------------- what tasks do on workers


def counted_part(function: Callable, y: Any, source: str) -> tuple[int, Any]:
    y = targets_of(y, source)
    return len(y), function(y, source, 0)


def run_of_part(work: tuple, number: int, X: Any, y: Any, start: int) -> Run:
    reduction, checks, described = work
    rows = checks(described.slab(number, X, y, start, checks.who))
    return run_of_rows(reduction, rows, 1)  # Dask gives each thread of a worker tasks of its own


def joined_runs(work: tuple, runs: list) -> Run:
    return join_runs(work[0], runs)


def chosen_rows(work: tuple, number: int, X: Any, y: Any, start: int, at: np.ndarray) -> tuple:
    _, checks, described = work
    rows = checks(described.slab(number, X, y, start, checks.who))
    return rows.X[at], rows.y[at]
