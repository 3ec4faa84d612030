"""Growing: large nodes one at a time with their columns in parallel, small ones as whole subtrees in parallel.

Contract: reference/growing.py. What is split where does not depend on the number of threads, and neither do the
results: a node's split is a function of its rows alone, and where it draws at random, of its place in the tree.

Memory beside X: its codes (1, 2 or 4 bytes a value), 8 to 40 bytes a row for the rows' order, labels, targets and
weights, as much again for parting them, 16 to 60 bytes a row and thread for searching a column, and for each thread 4
bytes a row and column of one subtree, which has a quarter of the rows of a large table at most. A sparse column has
codes and places in a subtree for its entries alone, with their rows; a node's search reads each of its entries once.
"""

import heapq
from functools import cached_property

import numpy as np

from fastml_ext import pool
from fastml_ext.tree.enums import LARGEST, Mode
from fastml_ext.tree.growing.assembly import assemble
from fastml_ext.tree.growing.large import SPLIT, Large, child_key
from fastml_ext.tree.growing.problem import Problem, Waiting
from fastml_ext.tree.growing.sample import Sample
from fastml_ext.tree.growing.settings import Settings
from fastml_ext.tree.growing.subtree import grow_subtrees
from fastml_ext.tree.numbers import MOST_ROWS, Numbers

__all__ = ["grow"]

SUBTREE_ROWS = 1, LARGEST  # at least, at most
SUBTREE_BYTES = 2**20  # of codes of one byte, which large nodes count as fast as subtrees scan
WORTH_PARTS = 2**18  # cells from which a tree is grown as several subtrees, which threads share
PARTS = 4  # a subtree has at most this part of the rows
COST = 3.0  # ns a row and column


def grow(columns, y, weight=None, settings=Settings(), n_jobs=None):  # noqa: B008
    """Grow a tree. Contract: reference/growing.py."""
    sample = Sample(y, weight, settings)
    columns = _readable(columns, sample, settings)
    growth = _Growth(Problem(sample, columns, settings), sample, settings, n_jobs)
    if settings.fractional:
        parts = growth.grow_whole()
    elif settings.max_leaf_nodes:
        parts = growth.grow_best_first()
    else:
        parts = growth.grow_depth_first(_subtree_rows(growth.problem, sample, columns, settings))
    return sample.in_units(assemble(*parts, columns, sample.n_outputs))


def _readable(columns, sample, settings):
    """The columns in a form that what is asked for can be grown from."""
    if isinstance(columns, Numbers) and (settings.random or settings.fractional):
        columns = list(columns)
    if settings.fractional and len(sample.row) > LARGEST:  # its codes are read in place
        columns = [_dense(column, sample.n_rows) for column in columns]
    return columns


def _dense(column, n):
    """A column with a code for every row."""
    if column.rows is None:
        return column
    codes = np.full(n, column.rest, column.codes.dtype)
    codes[column.rows] = column.codes
    return column._replace(codes=codes, rows=None)


def _subtree_rows(problem, sample, columns, settings):
    """The rows of which a node may have at most so many to be grown as a subtree."""
    n, (least, most) = problem.n_rows, SUBTREE_ROWS
    if problem.alone >= 0:
        return n
    rows = n // PARTS if n > MOST_ROWS and problem.n_entries * problem.n_columns >= WORTH_PARTS else n
    whole = isinstance(columns, Numbers)
    width = columns.width if whole else max((c.codes.itemsize for c in columns), default=1)
    if (rows < n and width == 1) or (problem.located and not _scans(problem, sample, settings)):
        rows = min(rows, max(SUBTREE_BYTES // (width * problem.n_columns), 256))
    return min(max(rows, least), most)


def _scans(problem, sample, settings):
    """Whether subtrees read no more than the entries of sparse columns."""
    if settings.random or settings.min_weight_leaf or settings.fractional:
        return False
    if 0 < 3 * settings.max_features <= problem.n_columns or settings.criterion == "gain_ratio":
        return False
    means = sample.mode == Mode.SUMS and not settings.n_classes and not len(sample.weight)
    return sample.n_outputs == 1 and (sample.mode == Mode.COUNTS or means)


class _Growth:
    """The nodes of one problem in the order in which they are split.

    Each way of growing gives (the large nodes, the nodes that were left to subtrees, these subtrees).
    """

    def __init__(self, problem, sample, settings, n_jobs):
        self.problem, self.settings, self.n_jobs = problem, settings, n_jobs
        self.n_labels = sample.n_labels
        everything = np.arange(problem.n_columns, dtype=np.uint32)
        self.root = Waiting(everything, 0, problem.n_rows, child_key(settings.seed, 0))

    @cached_property
    def large(self):
        """The kernels of large nodes, with working memory for one of them: many a table has none."""
        return Large(self.problem, self.n_labels)

    def grow_whole(self):
        """All of the tree as one subtree."""
        return [], [self.root], self._subtrees([self.root])

    def grow_depth_first(self, subtree_rows):
        """Nodes of more rows than that one by one, then the subtrees that hang from them."""
        waiting, nodes, small = [self.root], [], []
        while waiting:
            place = waiting.pop()
            if place.n_rows <= subtree_rows:
                small.append(place)
                continue
            node = self.large.describe(place)
            nodes.append(node)
            if node.allowed and self._search(node):
                waiting += reversed(self.large.split(node, len(nodes) - 1))
            node.active = None
        return nodes, small, self._subtrees(small)

    def grow_best_first(self):
        """Single nodes: of all leaves, the one whose split takes most impurity away is split next."""
        nodes, heap, n_leaves, most = [], [], 1, self.settings.max_leaf_nodes
        waiting = [self.root]
        while waiting or (heap and n_leaves < most):
            for place in waiting:
                node = self.large.describe(place)
                nodes.append(node)
                if node.allowed and self._search(node):
                    children = self.large.split(node, len(nodes) - 1)
                    if children:
                        heapq.heappush(heap, (-node.gain, place.begin, len(nodes) - 1, children))
                node.active = None
            waiting = []
            if heap and n_leaves < most:
                *_, i, children = heapq.heappop(heap)
                if n_leaves + len(children) - 1 > most:  # a multiway split may ask for too many
                    nodes[i].make_leaf()
                    continue
                n_leaves += len(children) - 1
                waiting = children
        for *_, i, _ in heap:
            nodes[i].make_leaf()
        return nodes, [], []

    def _search(self, node):
        """Search the node's columns, and forget those that are constant in it; is one left?"""
        place, limit = node.place, self.problem.max_features
        order = node.active
        if limit:
            keys = np.array([child_key(place.key, j) for j in order], np.uint64)
            order = order[np.argsort(keys, kind="stable")]
        step, first, searched, any_found = limit or len(order), 0, 0, False
        columns, splits, constant = [], [], []
        while first < len(order) and (not limit or searched < limit or not any_found):
            part = order[first : first + step]
            found = np.zeros(len(part), SPLIT)
            cost = COST * min(place.n_rows, self.problem.n_entries)
            pool.run(self.large.search, len(part), node, part, found, cost=cost, n_jobs=self.n_jobs)
            fixed = found["constant"] != 0
            keep = np.flatnonzero(~fixed)
            if limit and searched + len(keep) > limit and any_found:
                keep = keep[: limit - searched]
            constant.append(part[fixed])
            columns.append(part[keep])
            splits.append(found[keep])
            any_found |= bool((splits[-1]["gain"] > -np.inf).any())
            searched += len(keep)
            first += step
            step = 1 if limit and searched >= limit else max(1, limit - searched) if limit else step
        varies = np.ones(self.problem.n_columns, bool)
        varies[np.concatenate(constant)] = False
        node.active = node.active[varies[node.active]]
        node.found(np.concatenate(columns), np.concatenate(splits))
        return searched > 0

    def _subtrees(self, small):
        if not small:
            return []
        n_columns = sum(len(place.active) for place in small) / len(small)
        cost = COST * sum(place.n_rows for place in small) / len(small) * (1 + n_columns) * 8
        parts = pool.run(grow_subtrees, len(small), self.problem, small, cost=cost, n_jobs=self.n_jobs)
        return [tree for part in parts for tree in part]
