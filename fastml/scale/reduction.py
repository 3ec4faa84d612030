"""The protocol by which models learn from parts: a state of each block of rows, and how two of them are joined."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np

from fastml_ext import blas, pool
from fastml_ext.blocks import BLOCK, Tree

__all__ = ["Reduction", "Rows", "Tally", "reduce_blocks", "rows_of_block", "states_of_blocks"]

COST = 3.0  # nanoseconds a value, about: blocks are worth more than one thread


class Rows(NamedTuple):
    """Some rows of the table, as a reduction sees them."""

    X: np.ndarray  # (m, d), finite but for NaN where the model takes them, in C order
    y: Any  # (m,): int64 codes of the labels, or float64 numbers; None where there is no target
    start: int  # number of the first of them in the table
    weight: Any = None  # (m,) float64, not negative; None for 1 each

    def at(self, rows: Any) -> tuple:
        """(X, y, weight) of some of the rows, by their places."""
        return tuple(None if each is None else each[rows] for each in (self.X, self.y, self.weight))

    def between(self, start: int, stop: int) -> "Rows":
        """The rows from one place to before another."""
        X, y, weight = self.at(slice(start, stop))
        return Rows(X, y, self.start + start, weight)


class Reduction(Protocol):
    """What one pass over the rows finds out.

    Rows are numbered from the table's first. Each block of 2**13 rows (or of `block` rows, a power of two times that)
    becomes a state, 32 states are joined in their order to that of a group, and groups by a tree of fixed shape. So the
    bits of the result depend on the rows and their order alone: not on files, threads or machines. States are small: a
    few kilobytes, in arrays.
    """

    def partial(self, rows: Rows) -> Any:
        """The state of the rows of one block; depends on nothing but them."""

    def merge(self, first: Any, second: Any) -> Any:
        """The state of two sets of rows, of which the first stands before the second; changes neither."""


class Tally(Protocol):
    """What one pass finds out that no order of additions changes, such as counts, or that is kept in the rows' order.

    It needs no blocks: rows are added to a state in place, and the states of parts are joined in their order.
    """

    def start(self) -> Any:
        """The state of no rows."""

    def add(self, state: Any, rows: Rows, n_jobs: int | None) -> Any:
        """The state with the rows that follow; the one that was given may be changed."""

    def merge(self, first: Any, second: Any) -> Any:
        """The state of two sets of rows, of which the first stands before the second; changes neither."""


def rows_of_block(reduction: Reduction) -> int:
    return getattr(reduction, "block", BLOCK)


def reduce_blocks(slabs: Iterable[Rows], reduction: Reduction, n_jobs: int | None = None) -> Any:
    """The state of all rows; None of no rows. slabs: rows in their order, cut at blocks."""
    size, tree = rows_of_block(reduction), Tree(reduction.merge)
    for slab in slabs:
        for state in states_of_blocks(slab, reduction, size, n_jobs):
            tree.add(state)
    return tree.total()


def states_of_blocks(rows: Rows, reduction: Reduction, size: int, n_jobs: int | None) -> list:
    """The state of each block of rows that begin with a block; the last one may be short."""
    if not len(rows.X):
        return []
    blocks = -(-len(rows.X) // size)
    cost = COST * rows.X.size / blocks
    with blas.single():
        found = pool.run(states_of, blocks, rows, reduction, size, cost=cost, n_jobs=n_jobs)
    return [state for states in found for state in states]


def states_of(start: int, stop: int, slab: Rows, reduction: Reduction, size: int) -> list:
    cuts = [(block * size, (block + 1) * size) for block in range(start, stop)]
    return [reduction.partial(slab.between(*cut)) for cut in cuts]
