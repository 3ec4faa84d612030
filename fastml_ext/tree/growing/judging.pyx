"""The best split of a node whose rows are elsewhere, by how often each code and class occur in it.

It is that of the rows themselves, to the bit, for counts are all that their search asks for. Contract:
reference/levels.py.
"""

from libc.float cimport DBL_EPSILON
from libc.math cimport INFINITY, NAN
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

import numpy as np

from fastml_ext.tree.enums cimport COUNTS, ENTROPY, NUMERIC
from fastml_ext.tree.growing.groups cimport Scratch, prepare_totals, release, reserve
from fastml_ext.tree.growing.nodes cimport (
    Limits, Record, blank, choose, describe_classes, gains_enough, may_split,
)
from fastml_ext.tree.growing.search cimport Split, search_groups
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules, tie_of
from fastml_ext.tree.growing.sweep cimport start

from fastml_ext.tree.growing.large import SPLIT
from fastml_ext.tree.growing.logs import log_table
from fastml_ext.tree.growing.nodes import RECORD
from fastml_ext.tree.growing.settings import CRITERIA


cdef class Judge:
    """Judges the nodes of a tree of `n_rows` rows, each of weight 1, on columns of numbers of so many codes at most."""

    cdef Rules rules
    cdef Limits limits
    cdef Scratch scratch
    cdef Py_ssize_t most
    cdef object logs

    def __init__(self, settings, Py_ssize_t n_rows, Py_ssize_t most_codes):
        cdef Rules* rules = &self.rules
        cdef Limits* limits = &self.limits
        cdef const int64_t[::1] logs
        memset(rules, 0, sizeof(Rules))
        rules.mode, rules.criterion, rules.unit = COUNTS, CRITERIA[settings.criterion], 1
        rules.n_classes = rules.n_stats = settings.n_classes
        rules.n_outputs, rules.ratio = 1, settings.criterion == "gain_ratio"
        rules.min_leaf, rules.min_weight = settings.min_samples_leaf, settings.min_weight_leaf
        if rules.criterion == ENTROPY:
            self.logs, rules.unit = log_table(n_rows)
            logs = self.logs
            rules.logs = &logs[0]
        limits.max_depth, limits.max_features, limits.min_split = settings.max_depth, 0, settings.min_samples_split
        limits.min_leaf, limits.min_weight = rules.min_leaf, rules.min_weight
        limits.min_decrease, limits.total_weight = settings.min_impurity_decrease, n_rows
        limits.pure, self.most = DBL_EPSILON, most_codes
        if not reserve(&self.scratch, rules, most_codes * rules.n_stats, most_codes):
            raise MemoryError

    def __dealloc__(self):
        release(&self.scratch)

    def describe(self, totals, int64_t depth):
        """((1,) RECORD of a leaf, shares of the classes, whether it may be split) of a node with these classes."""
        cdef Rows rows
        records, value, sums = np.empty(1, RECORD), np.empty(self.rules.n_classes), np.append(totals, 0.0)
        cdef Record[::1] record = records
        cdef double[::1] values = value, known = sums
        memset(&rows, 0, sizeof(Rows))
        rows.n = int(sums.sum())
        blank(&record[0], rows.n)
        prepare_totals(&self.scratch, &self.rules, &rows, &known[0])
        describe_classes(&self.scratch, &self.rules, &record[0], &values[0])
        return records, value, bool(may_split(&self.limits, &record[0], depth))

    def split(self, records, counts):
        """The classes of the rows on the left, of the best split, which is noted in the record; None of a leaf.

        counts: for each column (n_codes, n_classes) uint32, the last code that of a missing value
        """
        cdef Record[::1] record = records
        cdef const uint32_t[:, ::1] table
        cdef Column column
        cdef Node node
        cdef Rows rows
        cdef Py_ssize_t j, best, n_columns = len(counts)
        found = np.zeros(n_columns, SPLIT)
        cdef Split[::1] splits = found
        memset(&rows, 0, sizeof(Rows))
        memset(&column, 0, sizeof(Column))
        rows.n = record[0].n_samples
        node.weight, node.tolerance = record[0].weight, tie_of(record[0].weight, record[0].impurity)
        node.lower, node.upper, node.key = -INFINITY, INFINITY, 0
        totals = np.append(counts[0].sum(axis=0, dtype=np.float64), 0.0)
        cdef const double[::1] known = totals
        prepare_totals(&self.scratch, &self.rules, &rows, &known[0])
        column.kind = NUMERIC
        for j in range(n_columns):
            table = counts[j]
            column.number, column.n_codes = <uint32_t> j, <uint32_t> (table.shape[0] - 1)
            with nogil:
                self._search(table, &column, &node, &splits[j])
        searched = found[found["constant"] == 0]
        splits = searched
        best = choose(&splits[0], splits.shape[0], node.tolerance, self.rules.ratio) if len(searched) else -1
        if best < 0 or not gains_enough(&splits[best], &self.limits):
            return None
        return self._note(&splits[best], &record[0], counts[splits[best].column])

    cdef void _search(self, const uint32_t[:, ::1] table, const Column* column, const Node* node,
                      Split* split) noexcept nogil:
        """As search_column, of rows that are counted."""
        cdef Scratch* s = &self.scratch
        cdef Py_ssize_t code, k, n = table.shape[1]
        cdef uint32_t any_row
        split.gain, split.info, split.threshold, split.column = -INFINITY, 0, NAN, column.number
        split.missing_left, split.left, split.right = False, 0, 0
        s.n_groups = 0
        for code in range(table.shape[0]):
            any_row = 0
            for k in range(n):
                any_row |= table[code, k]
            if any_row:
                for k in range(n):
                    s.counts[s.n_groups * n + k] = table[code, k]
                s.present[s.n_groups] = <uint32_t> code
                s.n_groups += 1
        s.sweep.listed, s.sweep.counts, s.sweep.sums = NULL, s.counts, s.sums
        split.constant = s.n_groups < 2
        if not split.constant:
            search_groups(column, node, &self.rules, s, split, NULL)
            start(&s.sweep)

    cdef _note(self, const Split* split, Record* record, counts):
        last = len(counts) - 1
        left = counts[:min(split.left + 1, last)].sum(axis=0, dtype=np.int64)
        record.feature, record.kind = split.column, NUMERIC
        record.gain = max(split.gain / record.weight, 0.0)
        record.code_left, record.code_right, record.threshold = split.left, split.right, split.threshold
        record.missing_left = split.missing_left if counts[last].any() else 2 * left.sum() > record.n_samples
        if counts[last].any() and split.missing_left:
            left = left + counts[last]
        return left
