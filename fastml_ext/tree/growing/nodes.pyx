"""What growing does to one node: describe it, decide whether it is split, choose the column, part the rows."""

from libc.float cimport DBL_EPSILON
from libc.math cimport INFINITY, NAN, log2, rint
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

import numpy as np

from fastml_ext.tree.enums cimport BUNDLE, COUNTS, DEVIATIONS, ENTROPY, MULTIWAY, NUMERIC, POISSON, SUBSET
from fastml_ext.tree.growing.groups cimport Scratch, gather, prepare, rank_by_bits
from fastml_ext.tree.growing.search cimport Split, search_column
from fastml_ext.tree.growing.apart cimport side_median, unit_deviance
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules, target_of
from fastml_ext.tree.growing.sweep cimport side_cost

RECORD = np.dtype([(name, np.int64) for name in (
    "left", "right", "feature", "kind", "missing_left", "n_samples", "category_start", "code_left", "code_right",
)] + [(name, np.float64) for name in ("weight", "impurity", "gain", "threshold")])
assert RECORD.itemsize == sizeof(Record), "NumPy's records are not the struct"


# ------------------------------------------------------------------------------------------------ memory

cdef bint more_nodes(Nodes* nodes) noexcept nogil:
    """Room for one node more."""
    cdef Py_ssize_t room
    cdef void* grown
    if nodes.n < nodes.room:
        return True
    room = 2 * nodes.room + 16
    grown = realloc(nodes.records, room * sizeof(Record))
    if grown == NULL:
        return False
    nodes.records = <Record*> grown
    grown = realloc(nodes.values, room * nodes.n_classes * sizeof(double))
    if grown == NULL:
        return False
    nodes.values = <double*> grown
    nodes.room = room
    return True


cdef bint more_categories(Nodes* nodes, Py_ssize_t n) noexcept nogil:
    """Room for n categories more."""
    cdef Py_ssize_t room = 2 * nodes.category_room + n + 16
    cdef void* grown
    if nodes.n_categories + n <= nodes.category_room:
        return True
    grown = realloc(nodes.codes, room * sizeof(uint32_t))
    if grown == NULL:
        return False
    nodes.codes = <uint32_t*> grown
    grown = realloc(nodes.children, room * sizeof(int64_t))
    if grown == NULL:
        return False
    nodes.children = <int64_t*> grown
    nodes.category_room = room
    return True


cdef void free_nodes(Nodes* nodes) noexcept nogil:
    free(nodes.records)
    free(nodes.values)
    free(nodes.codes)
    free(nodes.children)


cdef bint reserve_parts(Parts* parts, Py_ssize_t n) noexcept nogil:
    parts.branch = <uint32_t*> malloc(n * sizeof(uint32_t))
    parts.begin = <uint32_t*> malloc((n + 3) * sizeof(uint32_t))
    parts.goes_left = <uint8_t*> malloc(n + 1)
    parts.side = <uint8_t*> malloc(n)
    parts.spare_double = <double*> malloc(n * sizeof(double))
    parts.spare = <uint32_t*> parts.spare_double
    parts.end = NULL
    return (parts.branch != NULL and parts.begin != NULL and parts.goes_left != NULL and parts.side != NULL
            and parts.spare_double != NULL)


cdef void free_parts(Parts* parts) noexcept nogil:
    free(parts.branch)
    free(parts.begin)
    free(parts.goes_left)
    free(parts.side)
    free(parts.spare_double)
    free(parts.end)


# ------------------------------------------------------------------------------------------------ one node

cdef void describe(Scratch* s, const Rules* rules, const Rows* rows, Record* record, double* value) noexcept nogil:
    """Weight, impurity and value of a node; the scratch is prepared for its search."""
    cdef Py_ssize_t q
    blank(record, rows.n)
    if rules.regression and rules.mode != DEVIATIONS:
        _describe_means(s, rules, rows, record, value)
    prepare(s, rules, rows)
    if not rules.regression:
        describe_classes(s, rules, record, value)
    elif rules.mode == DEVIATIONS:
        record.weight = s.sweep.sum_all[0]
        record.impurity = max(side_cost(&s.sweep, False) / record.weight, 0.0)
        for q in range(rules.n_outputs):
            value[q] = side_median(&s.sweep, False, q)


cdef void blank(Record* record, Py_ssize_t n) noexcept nogil:
    """The record of a leaf of n rows, of which nothing else is known."""
    record.left = record.right = -1
    record.feature, record.kind, record.missing_left, record.gain = -2, 0, 0, 0
    record.code_left = record.code_right = -1
    record.threshold = -2
    record.category_start = 0
    record.n_samples = n


cdef void describe_classes(Scratch* s, const Rules* rules, Record* record, double* value) noexcept nogil:
    """By the totals of its classes, in the scratch. Of several outputs, the mean impurity."""
    cdef Py_ssize_t k, q
    cdef double p, impurity
    record.weight = record.impurity = 0
    for k in range(rules.n_classes):
        record.weight += s.sweep.count_right[k] if rules.mode == COUNTS else s.sweep.sum_all[k]
    for q in range(rules.n_outputs):
        impurity = 0 if rules.criterion == ENTROPY else 1
        for k in range(q * rules.n_classes, (q + 1) * rules.n_classes):
            p = value[k] = (s.sweep.count_right[k] if rules.mode == COUNTS else s.sweep.sum_all[k]) / record.weight
            if rules.criterion == ENTROPY:
                impurity -= p * log2(p) if p > 0 else 0.0
            else:
                impurity -= p * p
        record.impurity += max(impurity, 0.0) / rules.n_outputs


cdef void _describe_means(Scratch* s, const Rules* rules, const Rows* rows, Record* record,
                          double* value) noexcept nogil:
    """Also the middles: the means, of whole numbers rounded; the Poisson deviance has no exact sums."""
    cdef Py_ssize_t i, q
    cdef double impurity = 0
    record.weight = rows.n if rows.weight == NULL else 0
    for i in range(rows.n if rows.weight != NULL else 0):
        record.weight += rows.weight[i]
    for q in range(rules.n_outputs):
        impurity += _describe_mean(rules, rows, record.weight, q, &value[q])
        s.sweep.middles[q] = rint(value[q]) if rules.whole and rules.criterion != POISSON else value[q]
    record.impurity = impurity / rules.n_outputs


cdef double _describe_mean(const Rules* rules, const Rows* rows, double weight, Py_ssize_t q,
                           double* value) noexcept nogil:
    """Mean as the least target plus the mean of what is above it: exact where all are equal. Returns the impurity.

    That, too, is of what is above the least: far from 0 the mean is rounded by more than the node is wide.

    The sum is compensated (Neumaier 1974): the order of the rows does not change it but in its last bit.
    """
    cdef Py_ssize_t i
    cdef double w, off, term, total = 0, lost = 0, above, mean, impurity = 0, grown
    cdef double least = target_of(rules, rows, 0, q)
    for i in range(rows.n):
        least = min(least, target_of(rules, rows, i, q))
    for i in range(rows.n):
        w = rows.weight[i] if rows.weight != NULL else 1.0
        term = w * (target_of(rules, rows, i, q) - least)
        grown = total + term
        lost += (total - grown) + term if total >= term else (term - grown) + total
        total = grown
    above = (total + lost) / weight
    mean = least + above
    for i in range(rows.n):
        w = rows.weight[i] if rows.weight != NULL else 1.0
        off = target_of(rules, rows, i, q) - least - above
        if rules.criterion == POISSON:  # half the mean deviance
            impurity += w * mean * unit_deviance(off / mean) if mean > 0 else 0.0
        else:
            impurity += w * off * off
    value[0] = mean
    return max(impurity / weight, 0.0)


cdef void clip(const Rules* rules, double* value, const Place* place) noexcept nogil:
    """Hold a prediction within what the monotonic constraints of its ancestors allow."""
    if not rules.monotone:
        return
    if rules.regression:
        value[0] = min(max(value[0], place.lower), place.upper)
    elif rules.n_classes == 2:
        value[1] = min(max(value[1], place.lower), place.upper)
        value[0] = 1 - value[1]


cdef bint may_split(const Limits* limits, const Record* record, int64_t depth) noexcept nogil:
    return (depth < limits.max_depth and record.n_samples >= limits.min_split
            and record.n_samples >= 2 * limits.min_leaf and record.weight >= 2 * limits.min_weight
            and record.impurity > limits.pure)


cdef Py_ssize_t choose(const Split* splits, Py_ssize_t n, double tolerance, bint ratio) noexcept nogil:
    """The place of the best split, -1 if there is none: the lowest column of equal ones.

    By the gain; by the gain ratio among the columns whose gain is at least the average (Quinlan 1986, section 7).
    """
    cdef Py_ssize_t i, best = -1, n_found = 0
    cdef double top = -INFINITY, average = 0, worth
    for i in range(n):
        if splits[i].gain > -INFINITY:
            n_found += 1
            average += splits[i].gain
    if n_found == 0:
        return -1
    average = average / n_found - tolerance if ratio else -INFINITY
    for i in range(n):
        if splits[i].gain > -INFINITY and splits[i].gain >= average:
            worth = splits[i].gain / splits[i].info if ratio else splits[i].gain
            top = max(top, worth)
    for i in range(n):
        if splits[i].gain > -INFINITY and splits[i].gain >= average:
            worth = splits[i].gain / splits[i].info if ratio else splits[i].gain
            if worth >= top - tolerance and (best < 0 or splits[i].column < splits[best].column):
                best = i
    return best


cdef bint gains_enough(const Split* split, const Limits* limits) noexcept nogil:
    """A gain below 0 is a rounded 0: an impure node is split even at gain 0, as the exclusive or needs."""
    return max(split.gain, 0.0) / limits.total_weight + DBL_EPSILON >= limits.min_decrease


# ------------------------------------------------------------------------------------------------ parting its rows

cdef void find_branches(const Column* column, const Rows* rows, const Node* node, const Rules* rules, Scratch* s,
                        const Split* split, Parts* parts) noexcept nogil:
    """The branch of each row. `s.present` are the categories of the node after it."""
    cdef Py_ssize_t i
    cdef uint32_t code
    cdef bint unknown
    cdef Split again
    if column.order != NULL:
        _find_sides(column, rows, split, parts)
        return
    if column.kind == SUBSET:
        search_column(column, rows, node, rules, s, &again, parts.goes_left)
    gather(column, rows, 0, rows.n, s.slot)
    parts.n_branches = 2
    parts.any_missing = False
    if column.kind == NUMERIC:
        for i in range(rows.n):
            code = s.slot[i]
            if code == column.n_codes:
                parts.branch[i] = NOWHERE if rules.fractional else not split.missing_left
                parts.any_missing = True
            else:
                parts.branch[i] = (column.original[code] if column.original != NULL else code) > split.left
    elif column.kind == BUNDLE:
        for i in range(rows.n):
            code = s.slot[i]
            parts.branch[i] = (column.original[code] if column.original != NULL else code) == split.left
    else:
        s.n_groups = rank_by_bits(s, rows.n)
        unknown = rules.fractional and s.present[s.n_groups - 1] == column.n_codes
        s.n_groups -= unknown
        for i in range(rows.n):
            if unknown and <Py_ssize_t> s.slot[i] == s.n_groups:
                parts.branch[i] = NOWHERE
            else:
                parts.branch[i] = s.slot[i] if column.kind == MULTIWAY else not parts.goes_left[s.slot[i]]
        if column.kind == MULTIWAY:
            parts.n_branches = s.n_groups


cdef void _find_sides(const Column* column, const Rows* rows, const Split* split, Parts* parts) noexcept nogil:
    """As find_branches, of a presorted column; `parts.side`, too."""
    cdef const uint32_t* order = column.order + column.first
    cdef Py_ssize_t i
    cdef uint32_t code
    parts.n_branches = 2
    parts.any_missing = order[column.n_entries - 1] >> 16 == column.n_codes
    for i in range(rows.n if column.n_entries < rows.n else 0):
        parts.side[rows.row[i]] = column.original[column.rest] > split.left
    for i in range(column.n_entries):
        code = order[i] >> 16
        parts.side[order[i] & 0xffff] = not split.missing_left if code == column.n_codes else \
            column.original[code] > split.left
    for i in range(rows.n):
        parts.branch[i] = parts.side[rows.row[i]]


cdef void part_rows(const Column* column, Rows* rows, const Node* node, const Rules* rules, Scratch* s,
                    const Split* split, Parts* parts) noexcept nogil:
    """Put the rows of each branch side by side, in their order."""
    cdef Py_ssize_t i, b
    find_branches(column, rows, node, rules, s, split, parts)
    memset(parts.begin, 0, (parts.n_branches + 2) * sizeof(uint32_t))
    for i in range(rows.n):
        parts.begin[parts.branch[i] + 2] += 1
    for b in range(parts.n_branches):
        parts.begin[b + 2] += parts.begin[b + 1]
    for i in range(rows.n):  # the place of each row; begin[b + 1] becomes the end of branch b
        b = parts.branch[i] + 1
        parts.branch[i] = parts.begin[b]
        parts.begin[b] += 1
    _permute(rows.row, parts, rows.n)
    _permute(rows.label, parts, rows.n)
    _permute_double(rows.weight, parts, rows.n)
    _permute_double(rows.target, parts, rows.n)


cdef void note_split(const Column* column, const Split* split, const Parts* parts, Record* record) noexcept nogil:
    """Complete the record of a node that was parted."""
    record.feature, record.kind = split.column, NUMERIC if column.kind == BUNDLE else column.kind
    record.gain = max(split.gain / record.weight, 0.0)
    if column.kind == BUNDLE:
        record.code_left, record.code_right, record.threshold = 0, 1, NAN
    elif column.kind == NUMERIC:
        record.code_left, record.code_right, record.threshold = split.left, split.right, split.threshold
    record.missing_left = parts.end == NULL and 2 * <int64_t> parts.begin[1] > record.n_samples
    if parts.any_missing:
        record.missing_left = split.missing_left


cdef void _permute(uint32_t* x, Parts* parts, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        parts.spare[parts.branch[i]] = x[i]
    memcpy(x, parts.spare, n * sizeof(uint32_t))


cdef void _permute_double(double* x, Parts* parts, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if x == NULL:
        return
    for i in range(n):
        parts.spare_double[parts.branch[i]] = x[i]
    memcpy(x, parts.spare_double, n * sizeof(double))


cdef double _prediction(Scratch* s, const Rules* rules, Rows* rows, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """What a branch would predict: the share of class 1, the mean or the median."""
    cdef Rows part = rows[0]
    cdef Record record
    cdef double value[2]
    part.row += begin
    part.label += begin
    part.n = end - begin
    if part.weight != NULL:
        part.weight += begin
    if part.target != NULL:
        part.target += begin
    describe(s, rules, &part, &record, value)
    return value[0] if rules.regression else value[1]


cdef void bounds(const Column* column, const Record* node, Rows* rows, const Rules* rules, Scratch* s,
                 const Parts* parts, const Place* place, Py_ssize_t branch, double* lower,
                 double* upper) noexcept nogil:
    """The interval a branch may predict in: cut at the middle of both predictions where the column is constrained."""
    cdef double middle
    lower[0], upper[0] = place.lower, place.upper
    if column.monotonic == 0 or column.kind != NUMERIC:
        return
    middle = (_prediction(s, rules, rows, 0, parts.begin[1]) / 2
              + _prediction(s, rules, rows, parts.begin[1], rows.n) / 2)
    if (column.monotonic > 0) == (branch == 0):
        upper[0] = middle
    else:
        lower[0] = middle
