"""Large nodes, one at a time, as the driver in grow.py sees them: its columns are searched by the pool's threads."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

import numpy as np

from fastml_ext.tree.enums cimport COUNTS, DEVIATIONS, LEAF, MULTIWAY, NUMERIC, SUBSET
from fastml_ext.tree.growing.groups cimport Scratch, prepare, prepare_totals, release, reserve
from fastml_ext.tree.growing.nodes cimport (
    Parts, Place, Record,
    bounds, choose, clip, describe, free_parts, gains_enough, may_split, note_split, part_rows,
    reserve_parts,
)
from fastml_ext.tree.growing.problem cimport Problem, Waiting
from fastml_ext.tree.growing.search cimport Split, mix, search_column
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules, tie_of

from fastml_ext.tree.growing.nodes import RECORD

SPLIT = np.dtype([(name, np.float64) for name in ("gain", "info", "threshold")]
                 + [(name, np.uint32) for name in ("column", "left", "right")]
                 + [("constant", np.uint8), ("missing_left", np.uint8), ("unused", np.uint16)])
assert SPLIT.itemsize == sizeof(Split), "NumPy's records are not the struct"
NO_CODES = np.empty(0, np.int64)


def child_key(uint64_t key, uint64_t branch):
    """The key of a branch of a node, or of a column in a node."""
    return mix(key, branch)


cdef class LargeNode:
    """A node grown by itself: where it stands, what it is, and by what it is split."""

    cdef readonly Waiting place
    cdef readonly object records, value  # (1,) RECORD, (n_outputs * n_classes,)
    cdef readonly object codes, branch  # of categories, and the branch of each
    cdef readonly bint allowed  # to be split
    cdef public object active  # uint32: the columns that vary in it
    cdef object totals, searched, splits
    cdef Record* record

    def __init__(self, Waiting place, records, value, totals, allowed):
        cdef Record[::1] first = records
        self.place, self.records, self.record, self.active = place, records, &first[0], place.active
        place.active = place.columns = None  # the node's from here on, which forgets them when it is done
        self.value, self.totals, self.allowed = value, totals, allowed
        self.codes = self.branch = NO_CODES

    @property
    def gain(self):
        """The decrease of impurity by its split, times its weight."""
        return self.record.gain * self.record.weight

    @property
    def kind(self):
        return self.record.kind

    def found(self, searched, splits):
        """Keep the columns that were searched, and the best split of each."""
        self.searched, self.splits = searched, splits

    def make_leaf(self):
        self.record.feature, self.record.kind, self.record.gain = -2, LEAF, 0
        self.codes = self.branch = NO_CODES


cdef class Large:
    """Working memory for one large node of a problem."""

    cdef Problem problem
    cdef Scratch scratch
    cdef Parts parts
    cdef Py_ssize_t n_labels

    def __init__(self, Problem problem, Py_ssize_t n_labels):
        self.problem, self.n_labels = problem, n_labels
        if not (reserve(&self.scratch, &problem.rules, problem.every.n, max(n_labels, problem.n_codes))
                and reserve_parts(&self.parts, problem.every.n)):
            raise MemoryError

    def __dealloc__(self):
        release(&self.scratch)
        free_parts(&self.parts)

    def describe(self, Waiting place):
        """The LargeNode of a node that waited."""
        cdef const Rules* rules = &self.problem.rules
        cdef Rows rows = self.problem.rows(&place.place)
        cdef Py_ssize_t k
        records, value = np.empty(1, RECORD), np.empty(rules.n_outputs * rules.n_classes)
        totals = np.empty(rules.n_stats + rules.n_outputs)
        cdef Record[::1] record = records
        cdef double[::1] values = value, sums = totals
        with nogil:
            describe(&self.scratch, rules, &rows, &record[0], &values[0])
            for k in range(rules.n_stats):
                sums[k] = self.scratch.sweep.count_right[k] if rules.mode == COUNTS else self.scratch.sweep.sum_all[k]
            for k in range(rules.n_outputs):
                sums[rules.n_stats + k] = self.scratch.sweep.middles[k]
            clip(rules, &values[0], &place.place)
        return LargeNode(place, records, value, totals,
                         may_split(&self.problem.limits, &record[0], place.place.depth))

    def search(self, Py_ssize_t start, Py_ssize_t stop, LargeNode large, const uint32_t[::1] active,
               Split[::1] splits):
        """Search columns active[start:stop] of a node."""
        cdef const Rules* rules = &self.problem.rules
        cdef const Column* columns = self.problem.columns
        cdef const double[::1] totals = large.totals
        cdef Rows rows = self.problem.rows(&large.place.place)
        cdef Node node = _node(large)
        cdef uint64_t key = node.key
        cdef Scratch scratch
        cdef Py_ssize_t i, n_codes = self.n_labels
        for i in range(start, stop):
            n_codes = max(n_codes, <Py_ssize_t> columns[active[i]].n_codes)
        if not reserve(&scratch, rules, rows.n, n_codes):
            raise MemoryError
        with nogil:
            if rules.mode == DEVIATIONS:
                prepare(&scratch, rules, &rows)
            else:
                prepare_totals(&scratch, rules, &rows, &totals[0])
            for i in range(start, stop):
                node.key = mix(key, columns[active[i]].number)
                search_column(columns + active[i], &rows, &node, rules, &scratch, &splits[i], NULL)
        release(&scratch)

    def split(self, LargeNode large, Py_ssize_t number):
        """Split a node, of this number among the large ones, at the best of the columns searched.

        Its children, as they wait, or nothing if it is a leaf.
        """
        cdef const Rules* rules = &self.problem.rules
        cdef const Split[::1] found = large.splits
        cdef const uint32_t[::1] searched = large.searched
        cdef const double[::1] totals = large.totals
        cdef const Column* column
        cdef Rows rows = self.problem.rows(&large.place.place)
        cdef Node node = _node(large)
        cdef Scratch* scratch = &self.scratch
        cdef Py_ssize_t best = choose(&found[0], found.shape[0], node.tolerance, rules.ratio), i
        large.searched = large.splits = None
        if best < 0 or not gains_enough(&found[best], &self.problem.limits):
            return []
        column = self.problem.columns + searched[best]
        node.key = mix(node.key, column.number)
        with nogil:
            if column.kind == SUBSET and rules.mode == DEVIATIONS:
                prepare(scratch, rules, &rows)
            elif column.kind == SUBSET:
                prepare_totals(scratch, rules, &rows, &totals[0])
            part_rows(column, &rows, &node, rules, scratch, &found[best], &self.parts)
            for i in range(rows.n if rows.where != NULL else 0):
                self.problem.where[rows.row[i]] = <uint32_t> (rows.begin + i)
        note_split(column, &found[best], &self.parts, large.record)
        if large.record.kind != NUMERIC:
            self._note_categories(large, column)
        return self._children(large, column, &rows, number)

    cdef _note_categories(self, LargeNode large, const Column* column):
        cdef int64_t[::1] codes, branch
        cdef Py_ssize_t g
        large.codes, large.branch = np.empty((2, self.scratch.n_groups), np.int64)
        codes, branch = large.codes, large.branch
        for g in range(self.scratch.n_groups):
            codes[g] = self.scratch.present[g]
            branch[g] = g if column.kind == MULTIWAY else not self.parts.goes_left[g]

    cdef list _children(self, LargeNode large, const Column* column, Rows* rows, Py_ssize_t number):
        cdef const Place* place = &large.place.place
        cdef Waiting child
        cdef Place* at
        cdef Py_ssize_t b
        cdef uint64_t name
        children = []
        for b in range(self.parts.n_branches):
            name = 2 + <uint64_t> self.scratch.present[b] if column.kind == MULTIWAY else <uint64_t> b
            child = Waiting(large.active, place.begin + self.parts.begin[b], place.begin + self.parts.begin[b + 1],
                            mix(place.key, name))
            at = &child.place
            at.depth, at.parent, at.branch, at.lower, at.upper = place.depth + 1, number, b, place.lower, place.upper
            if self.problem.rules.monotone:
                bounds(column, large.record, rows, &self.problem.rules, &self.scratch, &self.parts, place, b,
                       &at.lower, &at.upper)
            children.append(child)
        return children


cdef Node _node(LargeNode large) noexcept:
    cdef Node node
    cdef const Place* place = &large.place.place
    node.weight, node.tolerance = large.record.weight, tie_of(large.record.weight, large.record.impurity)
    node.lower, node.upper, node.key = place.lower, place.upper, place.key
    return node
