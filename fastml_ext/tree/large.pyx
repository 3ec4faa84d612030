"""Large nodes, one at a time, as the driver in growing.py sees them: its columns are searched by the pool's threads."""

from libc.math cimport fabs, floor
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

import numpy as np

from fastml_ext.tree.nodes cimport (
    Limits, Parts, Place, Record,
    bounds, choose, clip, describe, free_parts, gains_enough, may_split, note_split, part_rows,
    reserve_parts,
)
from fastml_ext.tree.groups cimport Scratch, prepare, prepare_totals, release, reserve
from fastml_ext.tree.numbers cimport Numbers
from fastml_ext.tree.search cimport Split, mix, search_column
from fastml_ext.tree.state cimport (
    ABSOLUTE_ERROR, BUNDLE, COUNTS, DEVIATIONS, ENTROPY, GINI, LARGEST, MULTIWAY, NUMERIC, POISSON, SQUARED_ERROR,
    SUBSET, SUMS, Column, Node, Rows, Rules, tie_of,
)

from fastml_ext.tree import structure
from fastml_ext.tree.nodes import RECORD

# The C names, for Python.
MODES = {"counts": COUNTS, "sums": SUMS, "deviations": DEVIATIONS}
CRITERIA = {
    "gini": GINI, "entropy": ENTROPY, "log_loss": ENTROPY, "gain_ratio": ENTROPY,
    "squared_error": SQUARED_ERROR, "friedman_mse": SQUARED_ERROR, "poisson": POISSON, "absolute_error": ABSOLUTE_ERROR,
}
COLUMN_KINDS = {"numeric": NUMERIC, "ordered": NUMERIC, "multiway": MULTIWAY, "subset": SUBSET, "bundle": BUNDLE}
MOST_ROWS = LARGEST
assert (structure.NUMERIC, structure.MULTIWAY, structure.SUBSET) == (NUMERIC, MULTIWAY, SUBSET)

PLACE = np.dtype([(name, np.int64) for name in ("begin", "end", "depth", "parent", "branch", "n_constant", "is_leaf")]
                 + [("lower", np.float64), ("upper", np.float64), ("key", np.uint64)])
SPLIT_SIZE = sizeof(Split)
assert PLACE.itemsize == sizeof(Place), "NumPy's records are not the structs"


def pack_columns(codes, n_codes, kinds, monotonic, values, numbers, members, rows, rests):
    """The columns as the kernels read them; the arrays must be kept alive beside it."""
    cdef Py_ssize_t j
    cdef const uint8_t[::1] narrow
    cdef const uint16_t[::1] middle
    cdef const uint32_t[::1] wide
    cdef const double[::1] sorted_values
    cdef const uint32_t[::1] bundled, entries
    packed = np.zeros(max(1, len(codes)) * sizeof(Column), np.uint8)
    cdef uint8_t[::1] to = packed
    cdef Column* columns = <Column*> &to[0]
    for j in range(len(codes)):
        columns[j].width = codes[j].itemsize
        if columns[j].width == 1:
            narrow = codes[j]
            columns[j].codes = &narrow[0]
        elif columns[j].width == 2:
            middle = codes[j]
            columns[j].codes = &middle[0]
        else:
            wide = codes[j]
            columns[j].codes = &wide[0]
        if values[j] is not None and len(values[j]):
            sorted_values = values[j]
            columns[j].values = &sorted_values[0]
        if members[j] is not None:
            bundled = members[j]
            columns[j].members = &bundled[0]
        if rows[j] is not None and len(rows[j]):
            entries = rows[j]
            columns[j].rows = &entries[0]
            columns[j].n_entries, columns[j].rest = len(rows[j]), rests[j]
        columns[j].number = numbers[j]
        columns[j].n_codes, columns[j].kind, columns[j].monotonic = n_codes[j], kinds[j], monotonic[j]
    return packed


def pack_numbers(Numbers table):
    """As pack_columns, of all columns of a table that was coded as a whole."""
    cdef Py_ssize_t j
    packed = np.zeros(table.d * sizeof(Column), np.uint8)
    cdef uint8_t[::1] to = packed
    cdef const uint32_t[::1] n_values = table.n_values, rest = table.rest
    cdef const int64_t[::1] begin = table.begin
    cdef Column* columns = <Column*> &to[0]
    for j in range(table.d):
        columns[j].codes, columns[j].width = table.first_code + begin[j] * table.width, table.width
        columns[j].number, columns[j].n_codes, columns[j].kind = <uint32_t> j, n_values[j], NUMERIC
        if table.sparse:
            columns[j].rows = table.first_row + begin[j]
            columns[j].n_entries, columns[j].rest = begin[j + 1] - begin[j], rest[j]
    return packed


def pack_limits(*, max_depth, min_split, min_leaf, max_features, min_weight, min_decrease, total_weight, pure):
    """When a node is a leaf, as the kernels read it."""
    packed = np.zeros(sizeof(Limits), np.uint8)
    cdef uint8_t[::1] to = packed
    cdef Limits* limits = <Limits*> &to[0]
    limits.max_depth, limits.max_features = max_depth, max_features
    limits.min_split, limits.min_leaf = min_split, min_leaf
    limits.min_weight, limits.min_decrease, limits.total_weight = min_weight, min_decrease, total_weight
    limits.pure = pure
    return packed


def reach(const double[::1] targets):
    """(the largest size of the targets, whether all are whole numbers)."""
    cdef double largest = 0
    cdef bint whole = True
    cdef Py_ssize_t i
    with nogil:
        for i in range(targets.shape[0]):
            largest = max(largest, fabs(targets[i]))
            whole &= floor(targets[i]) == targets[i]
    return largest, whole


def pack_rules(*, mode, criterion, n_classes, ratio, random, monotone, fractional, min_leaf, min_weight, whole,
               const int64_t[::1] logs, unit, Py_ssize_t n_outputs=1, const uint32_t[:, ::1] labels=None,
               const double[:, ::1] targets=None):
    """The rules as the kernels read them; the arrays must be kept alive beside it."""
    packed = np.zeros(sizeof(Rules), np.uint8)
    cdef uint8_t[::1] to = packed
    cdef Rules* rules = <Rules*> &to[0]
    rules.mode, rules.criterion = mode, criterion
    rules.regression, rules.n_classes = n_classes == 0, max(1, n_classes)
    rules.n_outputs = n_outputs
    rules.n_stats = n_outputs * n_classes + (mode == SUMS) if n_classes else \
        2 + n_outputs * (2 if criterion == POISSON else 1)
    if labels is not None:
        rules.labels = &labels[0, 0]
    if targets is not None:
        rules.targets = &targets[0, 0]
    rules.ratio, rules.random, rules.monotone, rules.fractional = ratio, random, monotone, fractional
    rules.min_leaf, rules.min_weight, rules.whole = min_leaf, min_weight, whole
    rules.logs, rules.unit = &logs[0], unit
    return packed


def child_key(key, branch):
    """The key of a branch of a node."""
    return mix(key, branch)


cdef class Large:
    """The nodes of one problem: its arrays, and working memory for one node."""

    cdef const uint8_t[::1] _columns, _rules, _limits
    cdef uint32_t[::1] _row, _label, _where
    cdef double[::1] _weight, _target
    cdef Py_ssize_t n_labels
    cdef Scratch scratch
    cdef Parts parts

    def __init__(self, columns, rules, limits, row, label, weight, target, where, Py_ssize_t n_labels,
                 Py_ssize_t n_codes):
        self._columns, self._rules, self._limits = columns, rules, limits
        self._row, self._label, self._weight, self._target, self._where = row, label, weight, target, where
        self.n_labels = n_labels
        if not (reserve(&self.scratch, <const Rules*> &self._rules[0], len(row), max(n_labels, n_codes))
                and reserve_parts(&self.parts, len(row))):
            raise MemoryError

    def __dealloc__(self):
        release(&self.scratch)
        free_parts(&self.parts)

    cdef Rows rows(self, const Place* place):
        cdef Rows rows
        rows.row, rows.label = &self._row[place.begin], &self._label[place.begin]
        rows.weight = &self._weight[place.begin] if self._weight.shape[0] else NULL
        rows.target = &self._target[place.begin] if self._target.shape[0] else NULL
        rows.share = NULL
        rows.where = &self._where[0] if self._where.shape[0] else NULL
        rows.begin, rows.n = place.begin, place.end - place.begin
        return rows

    def describe(self, const uint8_t[::1] place):
        """(record, value, totals, may it be split) of a node."""
        cdef const Rules* rules = <const Rules*> &self._rules[0]
        cdef const Place* at = <const Place*> &place[0]
        cdef Rows rows = self.rows(at)
        cdef Py_ssize_t k
        record, value = np.empty(1, RECORD), np.empty(rules.n_outputs * rules.n_classes)
        totals = np.empty(rules.n_stats + rules.n_outputs)
        cdef uint8_t[::1] to = record.view(np.uint8)
        cdef double[::1] values = value, sums = totals
        with nogil:
            describe(&self.scratch, rules, &rows, <Record*> &to[0], &values[0])
            for k in range(rules.n_stats):
                sums[k] = self.scratch.sweep.count_right[k] if rules.mode == COUNTS else self.scratch.sweep.sum_all[k]
            for k in range(rules.n_outputs):
                sums[rules.n_stats + k] = self.scratch.sweep.middles[k]
            clip(rules, &values[0], at)
        return record, value, totals, may_split(<const Limits*> &self._limits[0], <const Record*> &to[0], at.depth)

    def search(self, Py_ssize_t start, Py_ssize_t stop, const uint8_t[::1] place, const uint8_t[::1] record,
               const double[::1] totals, const uint32_t[::1] active, uint8_t[::1] splits):
        """Search columns active[start:stop] of a node."""
        cdef const Rules* rules = <const Rules*> &self._rules[0]
        cdef const Column* columns = <const Column*> &self._columns[0]
        cdef const Place* at = <const Place*> &place[0]
        cdef Split* found = <Split*> &splits[0]
        cdef Rows rows = self.rows(at)
        cdef Node node = _node(at, <const Record*> &record[0])
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
                node.key = mix(at.key, columns[active[i]].number)
                search_column(columns + active[i], &rows, &node, rules, &scratch, found + i, NULL)
        release(&scratch)

    def split(self, const uint8_t[::1] place, uint8_t[::1] record, const double[::1] totals, uint32_t[::1] active,
              Py_ssize_t n, const uint8_t[::1] splits):
        """Split a node at the best of its first n columns: (where its branches begin, their bounds, category codes, the
        branches of these), or None if it is a leaf. `record` is completed."""
        cdef const Rules* rules = <const Rules*> &self._rules[0]
        cdef const Limits* limits = <const Limits*> &self._limits[0]
        cdef const Place* at = <const Place*> &place[0]
        cdef Record* node_record = <Record*> &record[0]
        cdef Rows rows = self.rows(at)
        cdef Node node = _node(at, node_record)
        cdef const Split* found = <const Split*> &splits[0]
        cdef const Column* column
        cdef Scratch* scratch = &self.scratch
        cdef Parts* parts = &self.parts
        cdef Py_ssize_t best = choose(found, n, node.tolerance, rules.ratio), b, i
        cdef double lower = 0, upper = 0
        if best < 0 or not gains_enough(found + best, limits):
            return None
        column = (<const Column*> &self._columns[0]) + active[best]
        node.key = mix(at.key, column.number)
        with nogil:
            if column.kind == SUBSET and rules.mode == DEVIATIONS:
                prepare(scratch, rules, &rows)
            elif column.kind == SUBSET:
                prepare_totals(scratch, rules, &rows, &totals[0])
            part_rows(column, &rows, &node, rules, scratch, found + best, parts)
            for i in range(rows.n if rows.where != NULL else 0):
                self._where[rows.row[i]] = <uint32_t> (rows.begin + i)
        note_split(column, found + best, parts, node_record)
        codes, branch = [], []
        if node_record.kind != NUMERIC:
            for b in range(scratch.n_groups):
                codes.append(scratch.present[b])
                branch.append(b if column.kind == MULTIWAY else not parts.goes_left[b])
        begins = [parts.begin[b] for b in range(parts.n_branches + 1)]
        limits_of_branches = []
        for b in range(parts.n_branches):
            lower, upper = at.lower, at.upper
            if rules.monotone:
                bounds(column, node_record, &rows, rules, scratch, parts, at, b, &lower, &upper)
            limits_of_branches.append((lower, upper))
        return begins, limits_of_branches, codes, branch


cdef Node _node(const Place* place, const Record* record):
    cdef Node node
    node.weight, node.tolerance = record.weight, tie_of(record.weight, record.impurity)
    node.lower, node.upper, node.key = place.lower, place.upper, place.key
    return node


def found_in(const uint8_t[::1] splits, Py_ssize_t n):
    """((n,) bool, (n,) bool): the columns that a search found constant, and those for which it found a split."""
    cdef const Split* found = <const Split*> &splits[0]
    cdef Py_ssize_t i
    constant, some = np.empty(n, np.uint8), np.empty(n, np.uint8)
    cdef uint8_t[::1] fixed = constant, split = some
    for i in range(n):
        fixed[i], split[i] = found[i].constant, found[i].gain > -1e308
    return constant.view(bool), some.view(bool)
