"""Passes over Dask's collections: a pure task for each part where the part is, and few more that join what they say.

Dask decides who does what, sends again what a lost worker has not done, and drops what is left after an error or
Ctrl-C. No task waits for another but for its input, none keeps anything on its worker, and results do not depend on
who did them: see fastml/scale/runs.py.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

import numpy as np

from fastml.dask.collections import Described, delayed_parts, is_text, stored
from fastml.kinds.lazy import is_lazy
from fastml.scale import spreading
from fastml.scale.parts import Parts, Piece
from fastml.scale.spreading import OnWorkers

__all__ = ["Dask", "DaskParts", "compute", "shared", "spread", "task"]

COPIES = 2  # of the rows of a part, that a task holds: as they are, and as a table


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


class Dask:
    """The engine of `fastml.scale.Engine`: Dask's current scheduler."""

    together = 16

    def share(self, value: Any) -> Any:
        return shared(value)

    def submit(self, function: Callable, work: Any, *arguments: Any) -> Any:
        return task(function)(work, *arguments)

    def gather(self, tasks: list) -> list:
        return list(compute(*tasks))


class DaskParts(OnWorkers):
    """Parts of a Dask collection; what is no pass of a fit reads one part after the other."""

    def __init__(self, described: Described, X: list, lengths: list[int] | None):
        self.source, self.X, self.lengths, self.engine = described, X, lengths, Dask()
        self.y: list | None = None
        self.weight: list | None = None
        self.what, self.names, self.n_features = described.what, described.names, described.n_features
        self.dtype, self.has_target, self.has_weight = described.dtype, described.has_target, described.has_weight
        self.n_rows = None if lengths is None else sum(lengths)
        texts = [is_text(kind) for kind in described.kinds.values()]
        self.texts = texts if any(texts) and None not in described.kinds else None
        self.kinds = None if None in described.kinds else [stored(kind) for kind in described.kinds.values()]

    def chosen_by(self, names: list[str]) -> str:
        return f"X[{names[:8]}{', ...' if len(names) > 8 else ''}]"

    def take(self, name: str, values: Any) -> None:
        """The parts of y or of sample_weight beside those of X."""
        found = self.parts_beside(name, values, "targets" if name == "y" else "weights")
        if len(found) != len(self.X):
            raise ValueError(
                f"X has {len(self.X)} parts, and {name} has {len(found)}: cut them alike, by rechunk or repartition"
            )
        setattr(self, "y" if name == "y" else "weight", found)

    def parts_beside(self, name: str, y: Any, word: str) -> list:
        """The parts; lengths are compared as far as they are known."""
        if not is_lazy(y):
            if isinstance(y, str) or np.ndim(y) == 0:
                raise ValueError(
                    f"{name}={y!r} must be {word}, one for each row; of a frame, the name of a column, too"
                )
            if self.lengths is None:
                self.measure(self.X)
            y = np.asarray(y) if not hasattr(y, "iloc") else y
            if len(y) != self.n_rows:
                raise ValueError(f"X has {self.n_rows} rows, and {name} has {len(y)}: one for each row")
            ends = list(accumulate(self.lengths or []))
            slices = [(end - length, end) for end, length in zip(ends, self.lengths or [], strict=True)]
            take = y.iloc.__getitem__ if hasattr(y, "iloc") else y.__getitem__
            return [shared(take(slice(*each))) for each in slices]
        if not hasattr(type(y), "to_delayed") or not hasattr(y, "ndim"):
            raise TypeError(f"{name} is a Dask {type(y).__name__}, and an array or series is needed")
        if getattr(y, "ndim", 1) == 2 and y.shape[1] != 1:
            raise ValueError(f"{name} has {y.shape[1]} columns, and a table in parts has one for each row")
        chunks = getattr(y, "chunks", None)
        if chunks is not None and self.lengths is not None and not np.isnan(chunks[0]).any():
            y = self.cut_alike(y, list(chunks[0]), f"{name} has {sum(chunks[0])} {word}")
        return delayed_parts(y)

    def cut_alike(self, y: Any, lengths: list[int], told: str) -> Any:
        if lengths == self.lengths:
            return y
        if sum(lengths) == self.n_rows:
            return y.rechunk({0: tuple(self.lengths or [])})
        pairs = list(zip(self.lengths or [], lengths, strict=False))
        first = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
        where = f" (the first that differs is part {first})" if first < len(pairs) else ""
        raise ValueError(f"X has {self.n_rows} rows, and {told}{where}: one for each row")

    def measure(self, tasks: list) -> None:
        """Count the rows of each part, in a pass."""
        self.settle(list(compute(*[task(len)(each) for each in tasks])))

    def check_memory(self, limit: int) -> None:
        """Refuse parts whose rows, and what is made of them, a worker cannot hold; limit: its bytes, 0 for none."""
        row = self.n_features * self.dtype.itemsize
        number, rows = max(enumerate(self.lengths or [0]), key=lambda each: each[1])
        if 0 < limit < COPIES * row * rows:
            most = max(1, limit // (2 * COPIES * row))
            raise ValueError(
                f"part {number} of {self.what} has {rows:,} rows, {row * rows / 1e6:,.0f} MB, and a worker's"
                f" memory_limit is {limit / 1e6:,.0f} MB, of which a pass takes {COPIES} times the rows: cut it by"
                f" {'repartition' if self.names else 'rechunk'} to parts of at most {most:,} rows"
            )

    def beside(self, parts: list | None) -> list:
        return [None] * len(self.X) if parts is None else parts

    def given(self) -> list[tuple]:
        if self.lengths is None:
            self.measure(self.X if self.y is None else self.y)
        self.check_memory(worker_memory())
        starts = [0, *accumulate(self.lengths or [])][:-1]
        columns = self.X, self.beside(self.y), self.beside(self.weight)
        return list(zip(range(len(starts)), *columns, starts, strict=True))

    def given_targets(self) -> list[tuple]:
        return list(enumerate(self.beside(self.y)))

    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        columns = self.X, self.beside(self.y), self.beside(self.weight)
        for number, each in enumerate(zip(*columns, strict=True)):
            if self.lengths is not None and first >= self.lengths[number]:
                first -= self.lengths[number]
                continue
            slab = self.source.slab("a model", number, *compute(*each), 0)
            skipped = min(first, len(slab.X))
            first -= skipped
            if skipped < len(slab.X):
                y, weight = (None if held is None else held[skipped:] for held in (slab.y, slab.weight))
                yield Piece(slab.X[skipped:], y, slab.places[0][1], skipped, weight)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        for number, y in enumerate(self.beside(self.y)):
            yield self.source.targets(number, compute(y)[0])


def worker_memory() -> int:
    """The least memory_limit of the workers of the current client; 0 where there is none."""
    if "distributed" not in sys.modules:
        return 0
    try:
        workers = sys.modules["distributed"].get_client().scheduler_info(n_workers=-1)["workers"].values()
    except ValueError:  # no client
        return 0
    return min((worker["memory_limit"] for worker in workers if worker["memory_limit"]), default=0)


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
    return spreading.spread(parts, Dask(), rows)
