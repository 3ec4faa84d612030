"""Runs: what a reduction knows of adjacent rows that may begin and end anywhere, so that machines can share a pass.

A part of the table becomes a run where its rows are, and runs are joined in their order, wherever and in whatever
pairs. The blocks, groups and tree are those of fastml_ext/blocks.py, so the total has the bits of any other pass.
"""

from typing import Any, NamedTuple

import numpy as np

from fastml.scale.reduction import Reduction, Rows, rows_of_block, states_of_blocks
from fastml_ext.blocks import GROUP

__all__ = ["Run", "join_runs", "run_of_rows", "run_total"]


class Fold(NamedTuple):
    """Blocks of one group that are not all of it, joined in their order; several only if they begin the group."""

    first: int  # number of the first block
    blocks: int
    state: Any


class Node(NamedTuple):
    """2**level groups, joined by the tree."""

    level: int
    place: int  # it begins with group place * 2**level
    state: Any


class Run(NamedTuple):
    """Adjacent rows: `Rows` that fill no block, `Fold` and `Node`, in their order."""

    items: list


def run_of_rows(reduction: Reduction, rows: Rows, n_jobs: int | None = None) -> Run:
    """The run of some rows; rows.start is the number of the first of them in the table."""
    size, n = rows_of_block(reduction), len(rows.X)
    head = min(-rows.start % size, n)
    end = n - (n - head) % size
    items: list = []
    if head:
        push(items, rows.between(0, head), reduction, size)
    if end > head:
        whole = rows.between(head, end)
        for offset, state in enumerate(states_of_blocks(whole, reduction, size, n_jobs)):
            push(items, Fold(whole.start // size + offset, 1, state), reduction, size)
    if n > end:
        push(items, rows.between(end, n), reduction, size)
    return Run(items)


def join_runs(reduction: Reduction, runs: list) -> Run:
    """One run of several, each of which begins where the one before it ends."""
    size = rows_of_block(reduction)
    items: list = []
    for run in runs:
        for item in run.items:
            push(items, item, reduction, size)
    return Run(items)


def run_total(reduction: Reduction, run: Run) -> Any:
    """The state of all rows, of the run of the whole table; None of no rows."""
    items = list(run.items)
    if items and isinstance(items[-1], Rows):  # the last block, which may be short
        last = items.pop()
        push(items, Fold(last.start // rows_of_block(reduction), 1, reduction.partial(last)), reduction, 0)
    if not items:
        return None
    total = items[-1].state
    for item in items[-2::-1]:
        total = reduction.merge(item.state, total)
    return total


def push(items: list, item: Any, reduction: Reduction, size: int) -> None:
    """Append an item to those before it, joined with them as far as blocks, groups and the tree allow."""
    last = items[-1] if items else None
    if isinstance(item, Rows):
        if isinstance(last, Rows) and item.start % size:  # they share a block
            item = together(items.pop(), item)
        if item.start % size or len(item.X) < size:
            items.append(item)
            return
        item = Fold(item.start // size, 1, reduction.partial(item))
        last = items[-1] if items else None
    if isinstance(item, Fold):
        if isinstance(last, Fold) and last.first % GROUP == 0 and last.first + last.blocks == item.first:
            items.pop()
            item = Fold(last.first, last.blocks + 1, reduction.merge(last.state, item.state))
        if item.blocks < GROUP:
            items.append(item)
            return
        item = Node(0, item.first // GROUP, item.state)
    while items and isinstance(items[-1], Node) and items[-1].level == item.level and item.place % 2:
        item = Node(item.level + 1, item.place // 2, reduction.merge(items.pop().state, item.state))
    items.append(item)


def together(first: Rows, second: Rows) -> Rows:
    X, y, weight = (
        None if a is None else np.concatenate([a, b])
        for a, b in zip((first.X, first.y, first.weight), (second.X, second.y, second.weight), strict=True)
    )
    return Rows(X, y, first.start, weight)  # type: ignore[arg-type]
