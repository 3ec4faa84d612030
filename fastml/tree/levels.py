"""Trees of tables in parts whose codes do not fit into memory: level by level, a pass over the table for each.

A pass counts how often each code and class occur in the nodes that are to be split, which decides their splits exactly,
and collects the codes of the rows of nodes that are small enough: below these the tree grows in memory. So the tree is
the one that would grow in memory from the codes of all rows.
"""

from typing import Any, NamedTuple

import numpy as np
from fastml_ext.tree.growing.judging import Judge

from fastml.scale.parts import Parts
from fastml.tree.ranges import Coding, codes_of, width_of
from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Tree
from fastml_ext.tree.structure import NUMERIC
from fastml_ext.tree.thresholds import midpoints

__all__ = ["grow_by_levels", "reason_against"]

COUNTERS = 4  # this part of the memory is for counters of a pass
COLLECTED = 3  # and this one for rows, and for a tree of them


def reason_against(model: Any, parts: Parts, categorical: np.ndarray) -> str:
    """What a tree asks for that is not known of counts; "" where there is nothing of the kind."""
    asked = {
        f"criterion={model.criterion!r}": not hasattr(model, "predict_proba"),
        "sample_weight": parts.has_weight,
        "class_weight": model.class_weight is not None if hasattr(model, "class_weight") else False,
        "columns of categories": bool(categorical.any()),
        "splitter='random'": model.splitter == "random",
        "max_features": model.max_features is not None,
        "max_leaf_nodes": model.max_leaf_nodes is not None,
        "monotonic_cst": model.monotonic_cst is not None,
        "missing_values='fractional'": model.missing_values == "fractional",
    }
    return next((name for name, found in asked.items() if found), "")


def bytes_of_counters(codings: list[Coding], n_classes: int) -> int:
    """Of one node."""
    return sum(each.n_codes + 1 for each in codings) * n_classes * 4


class Open(NamedTuple):
    """A node that may be split, and whose rows have not been looked at."""

    node: int
    depth: int
    n_rows: int


class Growing:
    """The nodes of a tree that are known so far."""

    def __init__(self, table: Any, codings: list[Coding], settings: Any):
        self.table, self.codings, self.settings, self.n = table, codings, settings, table.n_rows
        self.judge = Judge(settings, self.n, max(each.n_codes for each in codings) + 1)
        self.records: list = []
        self.values: list = []
        self.children: list = []  # (left, right), or None
        self.subtrees: dict[int, Tree] = {}
        self.open: list[Open] = []

    def add(self, totals: np.ndarray, depth: int) -> int:
        """A new node with these classes."""
        record, value, allowed = self.judge.describe(totals, depth)
        node = len(self.records)
        self.records.append(record)
        self.values.append(value)
        self.children.append(None)
        if allowed:
            self.open.append(Open(node, depth, int(record["n_samples"][0])))
        return node

    def split(self, at: Open, counts: list[np.ndarray]) -> None:
        left = self.judge.split(self.records[at.node], counts)
        if left is not None:
            totals = counts[0].sum(axis=0, dtype=np.int64)
            self.children[at.node] = self.add(left, at.depth + 1), self.add(totals - left, at.depth + 1)

    def plan(self) -> tuple[list[Open], list[Open]]:
        """(nodes whose rows a pass is to collect, nodes that it is to count), as many as the memory allows."""
        memory, classes = self.table.parts.memory, self.settings.n_classes
        row = 32 + sum(width_of(each).itemsize for each in self.codings)
        cells = bytes_of_counters(self.codings, classes)
        rows, counters = memory // (COLLECTED * row), max(1, memory // (COUNTERS * cells))
        waiting = sorted(self.open, key=lambda each: each.n_rows)
        ends = np.cumsum([each.n_rows for each in waiting])
        few = int(np.searchsorted(ends, rows, side="right"))
        counted = waiting[few:][-counters:]
        self.open = waiting[few:][:-counters] if counted else []
        return waiting[:few], counted

    def walk(self) -> tuple:
        """What `kernels.go_down` takes: the tests of the nodes so far."""
        records, inner = np.concatenate(self.records), [each is not None for each in self.children]
        children = np.array([each or (-1, -1) for each in self.children], np.int32)
        return (
            np.where(inner, records["feature"], -1).astype(np.int32),
            np.where(inner, records["code_left"], 0).astype(np.uint32),
            np.array([each.n_codes for each in self.codings], np.uint32),
            records["missing_left"].astype(np.uint8),
            np.ascontiguousarray(children[:, 0]),
            np.ascontiguousarray(children[:, 1]),
        )

    def one_pass(self, n_jobs: int | None) -> None:
        collected, counted = self.plan()
        slot = np.full(len(self.records), -1, np.int32)
        slot[[each.node for each in counted]] = np.arange(len(counted))
        slot[[each.node for each in collected]] = -2 - np.arange(len(collected))
        level = Level(self.codings, self.walk(), slot, len(counted), self.settings.n_classes)
        counts, kept = self.table.tally(level)
        for at, each in enumerate(counted):
            self.split(each, [column[at] for column in counts])
        del counts
        if collected:
            self.grow_below(collected, kept, n_jobs)

    def grow_below(self, collected: list[Open], kept: tuple, n_jobs: int | None) -> None:
        """The subtrees of nodes whose rows were collected, each in memory."""
        owner = np.concatenate(kept[2])
        order = np.argsort(owner, kind="stable")
        ends = np.cumsum(np.bincount(owner, minlength=len(collected)))
        codes = [np.concatenate(column)[order] for column in kept[0]]
        label = np.concatenate(kept[1])[order]
        for at, each in enumerate(collected):
            rows = slice(ends[at] - each.n_rows, ends[at])
            seen = [Coded(column[rows], values_of(coding)) for column, coding in zip(codes, self.codings, strict=True)]
            settings = self.settings._replace(max_depth=self.settings.max_depth - each.depth, whole=self.n)
            self.subtrees[each.node] = kernels.grow(seen, label[rows], None, settings, n_jobs)

    def tree(self) -> Tree:
        """All of it, its nodes numbered depth first."""
        pieces: list[Tree] = []
        waiting, total = [(0, -1, "")], 0
        top = [np.concatenate(self.records), np.array(self.values)]
        top += midpoints(top[0], [Coded(np.empty(0), values_of(each)) for each in self.codings])
        while waiting:
            node, parent, side = waiting.pop()
            if parent >= 0:
                getattr(pieces[parent], side)[0] = total
            piece = self.subtrees.get(node)
            if piece is None:
                piece = self.piece(node, top)
                for name, child in zip(("right", "left"), (self.children[node] or ())[::-1], strict=False):
                    waiting.append((child, len(pieces), f"children_{name}"))
            else:
                left, right = (np.where(each >= 0, each + total, each) for each in piece[:2])
                piece = piece._replace(children_left=left, children_right=right)
            pieces.append(piece)
            total += piece.node_count
        arrays = [np.concatenate(each) for each in zip(*(piece[:12] for piece in pieces), strict=True)]
        return Tree(*arrays, np.zeros(total + 1, np.int64), *np.empty((2, 0), np.int64), len(self.codings))

    def piece(self, node: int, top: list) -> Tree:
        """One node."""
        record, at = self.records[node][0], [node]
        inner = self.children[node] is not None
        return Tree(
            np.full(1, -1), np.full(1, -1), np.array([record["feature"]]), np.array([NUMERIC * inner], np.uint8),
            top[2][at], top[3][at], np.array([record["missing_left"] != 0]), np.array([record["impurity"]]),
            np.array([record["n_samples"]]), np.array([record["weight"]]), top[1][at][:, None, :],
            np.array([record["gain"]]), np.zeros(2, np.int64), np.empty(0, np.int64), np.empty(0, np.int64),
            len(self.codings),
        )  # fmt: skip


def values_of(coding: Coding) -> np.ndarray:
    """The values of codes as growing sees them; of ranges, their numbers."""
    return coding.values if coding.whole else np.arange(float(coding.n_codes))


class Level:
    """The tally of a pass: (counts of each column, ([codes] of each column, [labels], [owners])) of rows collected."""

    def __init__(self, codings: list[Coding], walk: tuple, slot: np.ndarray, n_slots: int, n_classes: int):
        self.codings, self.walk, self.slot, self.n_slots, self.n_classes = codings, walk, slot, n_slots, n_classes

    def start(self) -> tuple:
        counts = [np.zeros((self.n_slots, each.n_codes + 1, self.n_classes), np.uint32) for each in self.codings]
        return counts, ([[] for _ in self.codings], [], [])

    def add(self, state: tuple, rows: Any, n_jobs: int | None) -> tuple:
        counts, (columns, labels, owners) = state
        codes = codes_of(self.codings, [False] * len(self.codings), rows, n_jobs)
        label = rows.y.astype(label_type(self.n_classes))
        nodes = np.zeros(len(label), np.int32)
        kernels.go_down(codes, *self.walk, nodes, n_jobs)
        slot = self.slot[nodes]
        if self.n_slots:
            kernels.count_codes(codes, slot, label, counts, n_jobs)
        wanted = np.flatnonzero(slot < -1)
        if len(wanted):
            for kept, column in zip(columns, codes, strict=True):
                kept.append(column[wanted])
            labels.append(label[wanted])
            owners.append(-2 - slot[wanted])
        return state

    def merge(self, first: tuple, second: tuple) -> tuple:
        counts = [a + b for a, b in zip(first[0], second[0], strict=True)]
        columns = [a + b for a, b in zip(first[1][0], second[1][0], strict=True)]
        return counts, (columns, first[1][1] + second[1][1], first[1][2] + second[1][2])


def label_type(n_classes: int) -> np.dtype:
    return np.dtype(np.uint8 if n_classes <= 2**8 else np.uint32)


def grow_by_levels(table: Any, codings: list[Coding], settings: Any, n_jobs: int | None) -> Tree:
    """The tree of classes that grows from the codes of all rows."""
    growing = Growing(table, codings, settings)
    growing.add(table.labels.counts, 0)
    while growing.open:
        growing.one_pass(n_jobs)
    return growing.tree()
