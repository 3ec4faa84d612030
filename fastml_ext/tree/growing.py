"""Growing: large nodes one at a time with their columns in parallel, small ones as whole subtrees in parallel.

Contract: reference.py. What is split where does not depend on the number of threads, and neither do the results: a
node's split is a function of its rows alone, and where it draws at random, of its place in the tree.

Memory beside X: its codes (1, 2 or 4 bytes a value), 8 to 40 bytes a row for the rows' order, labels, targets and
weights, as much again for parting them, 16 to 60 bytes a row and thread for searching a column, and for each thread 4
bytes a row and column of one subtree, which has a quarter of the rows of a large table at most. A sparse column has
codes and places in a subtree for its entries alone, with their rows; a node's search reads each of its entries once.
"""

import heapq
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from fastml_ext import pool
from fastml_ext.tree import large
from fastml_ext.tree.assembly import assemble
from fastml_ext.tree.bundle import bundles
from fastml_ext.tree.numbers import MOST_ROWS, Numbers
from fastml_ext.tree.structure import LEAF, MULTIWAY
from fastml_ext.tree.subtree import grow_subtrees

__all__ = ["Settings", "grow"]

COUNTS, SUMS, DEVIATIONS = (large.MODES[name] for name in ("counts", "sums", "deviations"))
CRITERIA, KINDS = large.CRITERIA, large.COLUMN_KINDS
LARGEST = large.MOST_ROWS  # of a subtree
SUBTREE_ROWS = 1, LARGEST  # at least, at most
SUBTREE_BYTES = 2**20  # of codes of one byte, which large nodes count as fast as subtrees scan
WORTH_PARTS = 2**18  # cells from which a tree is grown as several subtrees, which threads share
PARTS = 4  # a subtree has at most this part of the rows
COST = 3.0  # ns a row and column
NO_LOGS = np.zeros(1, np.int64)
EPSILON = 2.0**-52  # what impurity a leaf may have and be pure
TINY, HUGE = 2.0**-200, 2.0**200  # weights and targets within these have squares within float64


class Settings(NamedTuple):
    """The rules of growing, as scikit-learn's parameters of these names, with fractions made numbers."""

    criterion: str = "gini"
    n_classes: int = 2  # 0 in regression
    random: bool = False  # one threshold drawn for each column
    max_depth: int = 2**62
    min_samples_split: int = 2
    min_samples_leaf: int = 1
    min_weight_leaf: float = 0.0
    max_features: int = 0  # 0: all
    min_impurity_decrease: float = 0.0
    max_leaf_nodes: int = 0  # 0: any number
    fractional: bool = False  # a row whose value is missing goes down every branch, with a share of its weight
    seed: int = 0


def grow(columns, y, weight=None, settings=Settings(), n_jobs=None):  # noqa: B008
    """Grow a tree. Contract: reference.py."""
    problem = _Problem(columns, y, weight, settings, n_jobs)
    root = problem.place(0, len(problem.row), 0, -1, 0, (-np.inf, np.inf), large.child_key(settings.seed, 0))
    if settings.fractional:
        blocks = problem.grow_whole(root)
    else:
        blocks = problem.grow_best_first(root) if settings.max_leaf_nodes else problem.grow_depth_first(root)
    return problem.in_units(assemble(blocks, columns, problem.n_outputs))


class _Problem:
    """One call of grow: the packed input, and the rows, which growing puts in the order of the leaves."""

    def __init__(self, columns, y, weight, settings, n_jobs):
        self.settings, self.n_jobs, self.n_columns = settings, n_jobs, len(columns)
        weight, self.weight_unit = (None, 1.0) if weight is None else _in_a_unit(np.asarray(weight, np.float64))
        kept = np.arange(len(y), dtype=np.uint32) if weight is None else np.flatnonzero(weight)
        taken = slice(None) if weight is None else kept
        self.row = kept.astype(np.uint32, copy=False)
        if settings.fractional:
            weight = np.ones(len(kept)) if weight is None else weight[kept]
        elif weight is not None:
            weight = None if np.all(weight[kept] == 1) and self.weight_unit == 1 else weight[kept]
        self.n_outputs = y.shape[1] if y.ndim == 2 else 1
        self.outputs: dict = {}
        if self.n_outputs > 1:
            self._take_outputs(y)
        elif settings.n_classes:
            self.mode = COUNTS if weight is None else SUMS
            self.label, self.target = y[taken].astype(np.uint32), np.empty(0)
            self.n_labels = settings.n_classes
        else:
            self.mode = DEVIATIONS if settings.criterion == "absolute_error" else SUMS
            self.target = y[taken].astype(np.float64)
            self.label = _ranks(self.target) if self.mode == DEVIATIONS else np.zeros(len(kept), np.uint32)
            self.n_labels = len(kept)
        self.weight = np.empty(0) if weight is None else weight
        self._take_unit()
        self.total_weight = float(len(kept) if weight is None else self.weight.sum())
        if settings.fractional and len(kept) > LARGEST:  # its codes are read in place
            columns = [dense(column, len(y)) for column in columns]
        self.where = np.empty(0, np.uint32)
        if isinstance(columns, Numbers) and (settings.random or settings.fractional):
            columns = list(columns)
        if columns.sparse if isinstance(columns, Numbers) else any(column.rows is not None for column in columns):
            self.where = np.full(len(y), np.iinfo(np.uint32).max, np.uint32)
            self.where[self.row] = np.arange(len(self.row), dtype=np.uint32)
        self.columns = self._pack_columns(columns)
        self.rules, self.limits = self._pack_rules(columns), self._pack_limits()
        self.subtree_rows = self._subtree_rows(columns)

    def _subtree_rows(self, columns):
        """The rows of which a node may have at most so many to be grown as a subtree."""
        n, (least, most) = len(self.row), SUBTREE_ROWS
        rows = n // PARTS if n > MOST_ROWS and self.n_entries * self.n_active >= WORTH_PARTS else n
        whole = isinstance(columns, Numbers)
        width = columns.width if whole else max((c.codes.itemsize for c in columns), default=1)
        if (rows < n and width == 1) or (len(self.where) and not self._scans()):
            rows = min(rows, max(SUBTREE_BYTES // (width * self.n_active), 256))
        return min(max(rows, least), most)

    def _scans(self):
        """Whether subtrees read no more than the entries of sparse columns."""
        s = self.settings
        if s.random or s.min_weight_leaf or s.fractional or 0 < 3 * s.max_features <= self.n_active:
            return False
        usual = self.mode == COUNTS or (self.mode == SUMS and not s.n_classes and not len(self.weight))
        return usual and self.n_outputs == 1 and s.criterion != "gain_ratio"

    @cached_property
    def large(self):
        """The kernels of large nodes, with working memory for one of them: many a table has none."""
        return large.Large(
            self.columns, self.rules, self.limits, self.row, self.label, self.weight, self.target, self.where,
            self.n_labels, self.n_codes,
        )  # fmt: skip

    def _take_outputs(self, y):
        """Of several outputs a row's label is its place among all rows, where its classes or targets stand."""
        s = self.settings
        self.mode, self.label, self.target, self.n_labels = SUMS, self.row.copy(), np.empty(0), 0
        if s.n_classes:
            self.outputs = {"labels": np.ascontiguousarray(y, np.uint32)}
        else:
            self.outputs = {"targets": np.ascontiguousarray(y, np.float64)}
        if s.criterion == "absolute_error":
            self.mode, self.n_labels = DEVIATIONS, len(y)
            self.outputs["labels"] = np.stack([_ranks(column) for column in y.T], axis=1)

    def _take_unit(self):
        """Targets whose squares would leave float64's range are counted in units of a power of two."""
        self.unit, self.whole = 1.0, False
        if self.settings.n_classes:
            return
        targets = self.outputs.get("targets", self.target)
        largest, whole = large.reach(targets.reshape(-1))
        if largest > HUGE:
            self.unit = _power_of_two(largest) / HUGE
            self.target = self.target / self.unit
            if "targets" in self.outputs:
                self.outputs["targets"] = targets / self.unit
        self.whole = self.unit == 1 and whole

    def in_units(self, tree):
        """The tree in the units of the weights and targets that were given."""
        if self.weight_unit != 1:
            tree = tree._replace(weighted_n_node_samples=tree.weighted_n_node_samples * self.weight_unit)
        if self.unit != 1:
            with np.errstate(over="ignore"):  # a variance may be more than float64 holds, and then is infinite
                impurity, gain = (x * self.unit for x in (tree.impurity, tree.gain))
                if CRITERIA[self.settings.criterion] == CRITERIA["squared_error"]:
                    impurity, gain = impurity * self.unit, gain * self.unit
            tree = tree._replace(value=tree.value * self.unit, impurity=impurity, gain=gain)
        return tree

    def _pack_columns(self, columns):
        """The columns as the kernels read them, those that exclude one another bundled."""
        if isinstance(columns, Numbers):
            self.n_active, self.kept = len(columns), columns
            self.n_entries = int(columns.begin[-1]) / len(columns)
            self.n_codes = int(columns.n_values.max(initial=1))
            return large.pack_numbers(columns)
        s = self.settings
        apart = (
            s.fractional
            or s.random
            or s.max_features
            or s.criterion == "gain_ratio"
            or any(c.monotonic for c in columns)
        )
        bundled = [] if apart else bundles(columns)
        inside = {j for members, _ in bundled for j in members}
        alone = [j for j in range(len(columns)) if j not in inside]
        parts = [columns[j] for j in alone]
        self.n_entries = sum(len(c.codes) for c in parts) / max(1, len(parts))
        self.kept = (
            [c.rows for c in parts],
            [c.codes for c in parts] + [codes for _, codes in bundled],
            [c.values.astype(np.float64) if s.random else None for c in parts] + [None] * len(bundled),
            [None] * len(parts) + [np.array(members, np.uint32) for members, _ in bundled],
        )
        _, codes, values, members = self.kept
        self.n_active, self.n_codes = len(codes), max((len(c.values) for c in columns), default=1)
        return large.pack_columns(
            codes,
            [len(c.values) for c in parts] + [len(m) + 1 for m, _ in bundled],
            [KINDS[c.split] for c in parts] + [KINDS["bundle"]] * len(bundled),
            [c.monotonic for c in parts] + [0] * len(bundled),
            values, alone + [0] * len(bundled), members,
            [c.rows for c in parts] + [None] * len(bundled), [c.rest for c in parts] + [0] * len(bundled),
        )  # fmt: skip

    def _pack_rules(self, columns):
        s = self.settings
        entropy = s.n_classes and CRITERIA[s.criterion] == CRITERIA["entropy"] and self.mode == COUNTS
        n, monotone = len(self.row), not isinstance(columns, Numbers) and any(c.monotonic for c in columns)
        self.logs, unit = (_few_logs if n < 2048 else _log_table)(n) if entropy else (NO_LOGS, 1.0)
        return large.pack_rules(
            mode=self.mode, criterion=CRITERIA[s.criterion], n_classes=s.n_classes, ratio=s.criterion == "gain_ratio",
            random=s.random, monotone=monotone, fractional=s.fractional,
            min_leaf=s.min_samples_leaf, min_weight=s.min_weight_leaf / self.weight_unit, whole=self.whole,
            logs=self.logs, unit=unit,
            n_outputs=self.n_outputs, **self.outputs,
        )  # fmt: skip

    def _pack_limits(self):
        s = self.settings
        unit = self.unit * self.unit if CRITERIA[s.criterion] == CRITERIA["squared_error"] else self.unit
        self.max_features = 0 if s.max_features >= self.n_columns else s.max_features
        return large.pack_limits(
            max_depth=s.max_depth, min_split=s.min_samples_split, min_leaf=s.min_samples_leaf,
            max_features=self.max_features, min_weight=s.min_weight_leaf / self.weight_unit,
            min_decrease=s.min_impurity_decrease / unit, total_weight=self.total_weight, pure=EPSILON / unit,
        )  # fmt: skip

    def place(self, begin, end, depth, parent, branch, bounds, key):
        return np.array([(begin, end, depth, parent, branch, 0, 0, *bounds, key)], large.PLACE)

    def grow_depth_first(self, root):
        """[_Block] of the large nodes, then of the subtrees that hang from them."""
        everything = np.arange(self.n_active, dtype=np.uint32)
        waiting, large_nodes, small = [(root, everything)], [], []
        while waiting:
            place, active = waiting.pop()
            if place["end"][0] - place["begin"][0] <= self.subtree_rows:
                small.append((place, active))
                continue
            node = self._describe(place, active)
            large_nodes.append(node)
            if node.allowed and self._search(node) and (parts := self._split(node)):
                waiting += reversed([(child, node.active) for child in self._children(parts, len(large_nodes) - 1)])
            node.active = None
        return large_nodes, small, self._subtrees(small)

    def grow_whole(self, root):
        """As grow_depth_first, of one subtree."""
        small = [(root, np.arange(self.n_active, dtype=np.uint32))]
        return [], small, self._subtrees(small)

    def grow_best_first(self, root):
        """[_Block]s of single nodes: of all leaves, the one whose split takes most impurity away is split next."""
        s, nodes, heap, n_leaves = self.settings, [], [], 1
        waiting = [(root, np.arange(self.n_active, dtype=np.uint32))]
        while waiting or (heap and n_leaves < s.max_leaf_nodes):
            for place, active in waiting:
                node = self._describe(place, active)
                nodes.append(node)
                if node.allowed and self._search(node) and (parts := self._split(node)):
                    gain = float(node.record["gain"][0] * node.record["weight"][0])
                    heapq.heappush(heap, (-gain, int(place["begin"][0]), len(nodes) - 1, parts))
            waiting = []
            if heap and n_leaves < s.max_leaf_nodes:
                *_, i, parts = heapq.heappop(heap)
                children = list(self._children(parts, i))
                if n_leaves + len(children) - 1 > s.max_leaf_nodes:  # a multiway split may ask for too many
                    nodes[i].make_leaf()
                    continue
                n_leaves += len(children) - 1
                waiting = [(child, nodes[i].active) for child in children]
        for *_, i, _ in heap:
            nodes[i].make_leaf()
        return nodes, [], []

    def _describe(self, place, active):
        return _Large(place, active, *self.large.describe(place.view(np.uint8)))

    def _search(self, node):
        """Search the node's columns, and forget those that are constant in it."""
        place, record = node.place.view(np.uint8), node.record.view(np.uint8)
        key, limit = node.place["key"][0], self.max_features
        order = node.active
        if limit:
            order = order[np.argsort(np.array([large.child_key(key, j) for j in order], np.uint64), kind="stable")]
        step, first, found, constant, searched = limit or len(order), 0, [], [], 0
        while first < len(order) and (not limit or searched < limit or not any(f.any() for _, f, _ in found)):
            part = order[first : first + step]
            splits = np.zeros(len(part) * large.SPLIT_SIZE, np.uint8)
            cost = COST * min(node.place["end"][0] - node.place["begin"][0], self.n_entries)
            pool.run(
                self.large.search, len(part), place, record, node.totals, part, splits, cost=cost, n_jobs=self.n_jobs
            )
            fixed, some = large.found_in(splits, len(part))
            keep = np.flatnonzero(~fixed)
            if limit and searched + len(keep) > limit and any(f.any() for _, f, _ in found):
                keep = keep[: limit - searched]
            constant.append(part[fixed])
            found.append((part[keep], some[keep],
                          splits.reshape(len(part), -1)[keep]))  # fmt: skip
            searched += len(keep)
            first += step
            step = 1 if limit and searched >= limit else max(1, limit - searched) if limit else step
        varies = np.ones(self.n_active, bool)
        varies[np.concatenate(constant)] = False
        node.active = node.active[varies[node.active]]
        node.searched = np.concatenate([part for part, *_ in found]).astype(np.uint32)
        node.splits = np.ascontiguousarray(np.concatenate([splits for *_, splits in found])).reshape(-1)
        return len(node.searched) > 0

    def _split(self, node):
        parts = self.large.split(
            node.place.view(np.uint8),
            node.record.view(np.uint8),
            node.totals,
            node.searched,
            len(node.searched),
            node.splits,
        )
        node.searched = node.splits = None
        if parts:
            node.codes, node.branch = np.array(parts[2], np.int64), np.array(parts[3], np.int64)
        return parts and (node, *parts[:2])

    def _children(self, parts, number):
        """The places of a split node's branches, in order."""
        node, begins, bounds = parts
        place, multiway = node.place[0], node.record["kind"][0] == MULTIWAY
        for b in range(len(begins) - 1):
            key = large.child_key(place["key"], 2 + int(node.codes[b]) if multiway else b)
            first = int(place["begin"])
            yield self.place(first + begins[b], first + begins[b + 1], place["depth"] + 1, number, b, bounds[b], key)

    def _subtrees(self, small):
        if not small:
            return []
        places = np.concatenate([place for place, _ in small])
        active = np.concatenate([active for _, active in small])
        begin = np.cumsum([0, *(len(active) for _, active in small)])
        rows = int((places["end"] - places["begin"]).sum()) / len(small)
        cost = COST * rows * (1 + len(active) / len(small)) * 8
        parts = pool.run(
            grow_subtrees, len(small), self.columns, self.rules, self.limits, places.view(np.uint8),
            active if len(active) else np.zeros(1, np.uint32), begin, self.row, self.label, self.weight, self.target,
            self.where, cost=cost, n_jobs=self.n_jobs,
        )  # fmt: skip
        return [tree for part in parts for tree in part]


class _Large:
    """A node grown by itself."""

    codes = branch = np.empty(0, np.int64)

    def __init__(self, place, active, record, value, totals, allowed):
        self.place, self.active, self.record, self.value, self.allowed = place, active, record, value, allowed
        self.totals = totals
        self.searched = self.splits = None

    def make_leaf(self):
        self.record["feature"], self.record["kind"], self.record["gain"] = -2, LEAF, 0
        self.codes = self.branch = np.empty(0, np.int64)


def dense(column, n):
    """A column with a code for every row."""
    if column.rows is None:
        return column
    codes = np.full(n, column.rest, column.codes.dtype)
    codes[column.rows] = column.codes
    return column._replace(codes=codes, rows=None)


def _in_a_unit(weight):
    """(weights, unit): if their squares would leave float64's range, in units of a power of two.

    What is then below the least number beside the largest weight is 0, and not there.
    """
    if TINY < weight.max() and weight.sum() < HUGE:
        return weight, 1.0
    unit = _power_of_two(weight.max())
    return weight / unit, unit


def _power_of_two(x):
    return float(2.0 ** np.floor(np.log2(x)))


def _ranks(y):
    return np.unique(y, return_inverse=True)[1].astype(np.uint32)


def _log_table(n):
    """n log2 n for 0 .. n in fixed point, and what 1 in it is worth: sums over the classes of n rows fit 62 bits."""
    logs = np.arange(n + 1, dtype=np.float64)
    logs[2:] *= np.log2(logs[2:])
    logs[:2] = 0
    shift = 61 - int(np.ceil(np.log2(max(logs[-1], 2.0))))
    return np.rint(logs * 2.0**shift).astype(np.int64), 2.0**-shift


_few_logs = lru_cache(maxsize=16)(_log_table)  # of a small table: they would take as long as its tree
