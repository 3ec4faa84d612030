"""What a tree is grown from, as the kernels read it: columns, rules, limits and rows."""

from libc.float cimport DBL_EPSILON
from libc.math cimport INFINITY, fabs, floor
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

import numpy as np

from fastml_ext.tree.enums cimport BUNDLE, COUNTS, ENTROPY, MULTIWAY, NUMERIC, POISSON, SUBSET, SUMS

from fastml_ext.tree.growing.alone cimport find_alone

from fastml_ext.tree.growing.bundle import bundles
from fastml_ext.tree.growing.logs import log_table

KINDS = {"numeric": NUMERIC, "ordered": NUMERIC, "multiway": MULTIWAY, "subset": SUBSET}


cdef class Problem:
    """The columns, rules, limits and rows of one tree; growing puts the rows in the order of the leaves.

    sample: see sample.py | columns: a list of Coded, or Numbers | settings: see settings.py
    """

    def __init__(self, sample, columns, settings):
        self.kept, self.n_codes = [columns], 1
        self._set_rules(sample, settings)
        self._set_limits(sample, settings, len(columns))
        self._take_rows(sample)
        if isinstance(columns, Numbers):
            self.located = columns.sparse
            self._take_table(columns)
        else:
            self._take_columns(columns, settings)
        if self.located:
            self._locate_rows(sample)
        self.alone = find_alone(self.columns, self.n_columns, &self.rules, &self.every)

    def __dealloc__(self):
        free(self.columns)

    @property
    def n_rows(self):
        return self.every.n

    @property
    def max_features(self):
        """Of the columns that a node is searched in; 0 for all."""
        return self.limits.max_features

    cdef Rows rows(self, const Place* place) noexcept nogil:
        """Those of a node."""
        cdef Rows rows = self.every
        rows.row += place.begin
        rows.label += place.begin
        if rows.weight != NULL:
            rows.weight += place.begin
        if rows.target != NULL:
            rows.target += place.begin
        rows.begin, rows.n = place.begin, place.end - place.begin
        return rows

    cdef _set_rules(self, sample, settings):
        cdef Rules* rules = &self.rules
        cdef Py_ssize_t n_classes = settings.n_classes
        cdef const int64_t[::1] logs
        cdef const uint32_t[:, ::1] labels
        cdef const double[:, ::1] targets
        rules.mode, rules.criterion = sample.mode, sample.criterion
        rules.n_classes, rules.n_outputs, rules.regression = max(1, n_classes), sample.n_outputs, n_classes == 0
        if n_classes:
            rules.n_stats = rules.n_outputs * n_classes + (rules.mode == SUMS)
        else:
            rules.n_stats = 2 + rules.n_outputs * (2 if rules.criterion == POISSON else 1)
        rules.ratio, rules.random = settings.criterion == "gain_ratio", settings.random
        rules.fractional, rules.whole = settings.fractional, sample.whole
        rules.min_leaf, rules.min_weight = settings.min_samples_leaf, settings.min_weight_leaf / sample.weight_unit
        rules.unit = 1
        if rules.mode == COUNTS and rules.criterion == ENTROPY:
            table, rules.unit = log_table(max(settings.whole, len(sample.row)))
            logs = table
            rules.logs = &logs[0]
            self.kept.append(table)
        if sample.labels is not None:
            labels = sample.labels
            rules.labels = &labels[0, 0]
        if sample.targets is not None:
            targets = sample.targets
            rules.targets = &targets[0, 0]

    cdef _set_limits(self, sample, settings, Py_ssize_t n_columns):
        cdef Limits* limits = &self.limits
        cdef double unit = sample.impurity_unit
        limits.max_depth, limits.max_features = settings.max_depth, settings.max_features
        if limits.max_features >= n_columns:
            limits.max_features = 0
        limits.min_split, limits.min_leaf = settings.min_samples_split, settings.min_samples_leaf
        limits.min_weight, limits.min_decrease = self.rules.min_weight, settings.min_impurity_decrease / unit
        limits.total_weight, limits.pure = settings.whole or sample.total_weight, DBL_EPSILON / unit

    cdef _take_rows(self, sample):
        cdef uint32_t[::1] row = sample.row, label = sample.label
        cdef double[::1] weight = sample.weight, target = sample.target
        self.kept.append(sample)
        self.every.row, self.every.label, self.every.n = &row[0], &label[0], row.shape[0]
        self.every.weight = &weight[0] if weight.shape[0] else NULL
        self.every.target = &target[0] if target.shape[0] else NULL

    cdef _locate_rows(self, sample):
        """Note the place of each row, for sparse columns name their rows."""
        places = np.full(sample.n_rows, np.iinfo(np.uint32).max, np.uint32)
        cdef uint32_t[::1] where = places
        cdef Py_ssize_t i
        for i in range(self.every.n):
            where[self.every.row[i]] = <uint32_t> i
        self.kept.append(places)
        self.every.where = self.where = &where[0]

    cdef _take_table(self, Numbers table):
        """The columns of a table that was coded as a whole."""
        cdef Py_ssize_t j
        cdef const uint32_t[::1] n_values = table.n_values, rest = table.rest
        cdef const int64_t[::1] begin = table.begin
        cdef Column* to
        self.n_columns, self.n_entries = table.d, begin[table.d] / <double> table.d
        self._allocate()
        for j in range(table.d):
            to = self.columns + j
            to.codes, to.width = table.first_code + begin[j] * table.width, table.width
            to.number, to.n_codes, to.kind = <uint32_t> j, n_values[j], NUMERIC
            self.n_codes = max(self.n_codes, <Py_ssize_t> n_values[j])
            if table.sparse:
                to.rows = table.first_row + begin[j]
                to.n_entries, to.rest = begin[j + 1] - begin[j], rest[j]

    cdef _take_columns(self, list columns, settings):
        """One by one, and behind them those that exclude one another, as one."""
        cdef Py_ssize_t j, n_entries = 0, n_alone
        cdef const uint32_t[::1] members, rows
        cdef const double[::1] values
        cdef Column* to
        self.rules.monotone = any(column.monotonic for column in columns)
        apart = (self.rules.monotone or self.rules.fractional or self.rules.random or self.rules.ratio
                 or settings.max_features > 0)
        bundled = [] if apart else bundles(columns)
        inside = {j for together, _ in bundled for j in together}
        n_alone = len(columns) - len(inside)
        self.n_columns = n_alone + len(bundled)
        self._allocate()
        to = self.columns
        for j, column in enumerate(columns):
            if j in inside:
                continue
            self._take_column(to, column.codes, len(column.values), KINDS[column.split])
            to.number, to.monotonic = <uint32_t> j, column.monotonic
            n_entries += len(column.codes)
            if self.rules.random and len(column.values):
                values = column.values.astype(np.float64)
                self.kept.append(values)
                to.values = &values[0]
            if column.rows is not None:
                self.located = True
                if len(column.rows):
                    rows = column.rows
                    to.rows, to.n_entries, to.rest = &rows[0], rows.shape[0], column.rest
            to += 1
        for together, codes in bundled:
            self._take_column(to, codes, len(together) + 1, BUNDLE)
            members = np.array(together, np.uint32)
            self.kept += [codes, members]
            to.members = &members[0]
            to += 1
        self.n_entries = n_entries / <double> max(1, n_alone)

    cdef _take_column(self, Column* to, codes, Py_ssize_t n_codes, int kind):
        cdef const uint8_t[::1] narrow
        cdef const uint16_t[::1] middle
        cdef const uint32_t[::1] wide
        to.width, to.n_codes, to.kind = codes.itemsize, <uint32_t> n_codes, <uint8_t> kind
        self.n_codes = max(self.n_codes, n_codes)
        if to.width == 1:
            narrow = codes
            to.codes = &narrow[0]
        elif to.width == 2:
            middle = codes
            to.codes = &middle[0]
        else:
            wide = codes
            to.codes = &wide[0]

    cdef _allocate(self):
        self.columns = <Column*> calloc(max(1, self.n_columns), sizeof(Column))
        if self.columns == NULL:
            raise MemoryError


cdef class Waiting:
    """A node that waits for its turn, and the columns of which it is not known that they are constant in it."""

    def __init__(self, active, Py_ssize_t begin, Py_ssize_t end, uint64_t key):
        self.active = self.columns = active
        self.place.begin, self.place.end, self.place.key = begin, end, key
        self.place.parent = -1
        self.place.lower, self.place.upper = -INFINITY, INFINITY

    @property
    def begin(self):
        return self.place.begin

    @property
    def n_rows(self):
        return self.place.end - self.place.begin

    @property
    def parent(self):
        """Its number among the large nodes; -1 of the root."""
        return self.place.parent

    @property
    def branch(self):
        return self.place.branch

    @property
    def key(self):
        return self.place.key


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
