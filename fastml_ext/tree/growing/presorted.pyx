"""Presorted columns of a subtree: a node's rows stand side by side in the order of their codes, one scan finds the cut.

`Column.order` holds code << 16 | number of the row, ascending within each node, for a subtree has at most 65536 rows.
The rows of a branch are taken out of their node in order (Mehta, Agrawal, Rissanen 1996), so nothing is sorted again.
Of a column most of whose rows have one value, these have no entry: what they add up to is what the entries leave.

A scan judges cuts by sums that are multiplied by reciprocals; what may be the best by that is judged once more, by the
very divisions of the other kernels (sweep.pxd), so that equal splits are equal here and there.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from fastml_ext.tree.enums cimport COUNTS, ENTROPY, POISSON, SUMS
from fastml_ext.tree.growing.apart cimport poisson_cost
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules
from fastml_ext.tree.growing.sweep cimport side_cost, start


cdef bint number_rows(Scratch* s, const Rules* rules, const Rows* rows) noexcept nogil:
    """Copies of the rows' labels, weights and targets in the order of their numbers; False where there is no room."""
    cdef Py_ssize_t i, n = rows.n
    s.by_number = rows[0]
    s.by_number.label = <uint32_t*> malloc(n * sizeof(uint32_t))
    s.by_number.weight = <double*> malloc(n * sizeof(double)) if rows.weight != NULL else NULL
    s.by_number.target = <double*> malloc(n * sizeof(double)) if rows.target != NULL else NULL
    s.reciprocal = <double*> malloc((n + 1) * sizeof(double))
    s.numbers = <uint32_t*> malloc(n * sizeof(uint32_t))
    if s.numbers == NULL or s.by_number.label == NULL or s.reciprocal == NULL \
            or (rows.weight != NULL and s.by_number.weight == NULL) \
            or (rows.target != NULL and s.by_number.target == NULL):
        return False
    memcpy(s.by_number.label, rows.label, n * sizeof(uint32_t))
    if rows.weight != NULL:
        memcpy(s.by_number.weight, rows.weight, n * sizeof(double))
    if rows.target != NULL:
        memcpy(s.by_number.target, rows.target, n * sizeof(double))
    s.reciprocal[0] = 0
    for i in range(1, n + 1):
        s.reciprocal[i] = 1.0 / i
    return True


cdef void free_numbers(Scratch* s) noexcept nogil:
    free(s.by_number.label)
    free(s.by_number.weight)
    free(s.by_number.target)
    free(s.reciprocal)
    free(s.numbers)


cdef bint are_scanned(const Rules* rules, const Rows* rows) noexcept nogil:
    """Whether `scan` knows these rules; others are searched by groups."""
    return (rules.n_outputs == 1 and not rules.ratio and rules.min_weight <= 0
            and (rules.mode == COUNTS or (rules.mode == SUMS and rules.regression and rows.weight == NULL)))


cdef bint is_scanned(const Column* column, const Rows* rows, const Rules* rules) noexcept nogil:
    """Whether `scan` searches the column in a node; rows whose value is missing come last."""
    return (column.monotonic == 0 and are_scanned(rules, rows) and (
        column.n_entries == 0 or column.order[column.first + column.n_entries - 1] >> 16 != column.n_codes))


# ------------------------------------------------------------------------------------------------ scanning

cdef enum:
    MEANS = 0
    DEVIANCES = 1  # Poisson
    TWO_CLASSES = 2  # Gini
    CLASSES = 3
    ENTROPIES = 4

cdef struct Scan:  # of one column: what is left of the cut, and the best cut so far
    Scratch* s
    const Rules* rules
    double middle, every, every_positive, parent, tolerance, best_gain, limit, scale
    double left, positive  # sums of the targets from the middle, or of the labels, and how many are above 0
    int64_t score_left, score_right, score
    Py_ssize_t n, n_left, min_leaf
    uint32_t code_left, code_right  # of the best cut
    bint found


cdef void scan(const Column* column, const Rows* rows, const Node* node, const Rules* rules, Scratch* s,
               Split* split) noexcept nogil:
    """As search_column, of a column that `is_scanned`."""
    cdef const uint32_t* order = column.order + column.first
    cdef Scan c
    cdef Py_ssize_t n_entries = column.n_entries
    split.constant = n_entries == 0 or (n_entries == rows.n and order[0] >> 16 == order[n_entries - 1] >> 16)
    if split.constant:
        return
    c.s, c.rules, c.n, c.n_left, c.min_leaf, c.found = s, rules, rows.n, 0, rules.min_leaf, False
    c.tolerance, c.best_gain, c.limit = node.tolerance, -INFINITY, -INFINITY
    c.left = c.positive = c.every_positive = 0
    c.code_left = c.code_right = 0
    c.parent = side_cost(&s.sweep, False)
    if rules.mode == COUNTS:
        c.middle, c.every, c.scale = 0, s.sweep.count_right[1] if rules.n_classes > 1 else 0, 0
        c.score_left, c.score_right, c.score = 0, s.sweep.score_right, s.sweep.score_right
        if rules.criterion == ENTROPY:
            _scan(&c, ENTROPIES, order, n_entries, column.rest)
            start(&s.sweep)
        elif rules.n_classes == 2:
            _scan(&c, TWO_CLASSES, order, n_entries, column.rest)
        else:
            _scan(&c, CLASSES, order, n_entries, column.rest)
            start(&s.sweep)
    else:
        c.middle, c.every = s.sweep.middles[0], s.sweep.sum_all[1]
        if rules.criterion == POISSON:
            c.every_positive, c.scale = s.sweep.sum_all[2], 1 / c.middle if c.middle > 0 else 0
            _scan(&c, DEVIANCES, order, n_entries, column.rest)
        else:
            _scan(&c, MEANS, order, n_entries, column.rest)
    split.gain = c.best_gain
    if c.found:
        split.left, split.right = column.original[c.code_left], column.original[c.code_right]


cdef inline void _scan(Scan* c, int kind, const uint32_t* order, Py_ssize_t n_entries, uint32_t rest) noexcept nogil:
    """Judge every cut: entries in the order of their codes, and at the place of theirs the rows without an entry."""
    cdef bint waits = n_entries < c.n
    cdef Py_ssize_t e
    cdef uint32_t key, code, previous = order[0] >> 16
    if waits and rest < previous:
        _add_rest(c, kind, order, n_entries)
        previous, waits = rest, False
    for e in range(n_entries):
        key = order[e]
        code = key >> 16
        if code != previous:
            if waits and rest < code:
                _judge(c, kind, previous, rest)
                _add_rest(c, kind, order, n_entries)
                previous, waits = rest, False
            _judge(c, kind, previous, code)
            previous = code
        _add(c, kind, key & 0xffff)
    if waits:
        _judge(c, kind, previous, rest)


cdef inline void _add(Scan* c, int kind, uint32_t row) noexcept nogil:
    """A row to the left."""
    cdef uint32_t k, a, b
    cdef double target
    c.n_left += 1
    if kind == MEANS:
        c.left += c.s.by_number.target[row] - c.middle
    elif kind == DEVIANCES:
        target = c.s.by_number.target[row]
        c.left += target - c.middle
        c.positive += target > 0
    elif kind == TWO_CLASSES:
        c.left += c.s.by_number.label[row]
    else:
        k = c.s.by_number.label[row]
        a, b = c.s.sweep.count_left[k], c.s.sweep.count_right[k]
        c.s.sweep.count_left[k], c.s.sweep.count_right[k] = a + 1, b - 1
        if kind == CLASSES:
            c.score_left += 2 * <int64_t> a + 1
            c.score_right += 1 - 2 * <int64_t> b
        else:
            c.score += (c.rules.logs[a + 1] - c.rules.logs[a]) + (c.rules.logs[b - 1] - c.rules.logs[b])


cdef void _add_rest(Scan* c, int kind, const uint32_t* order, Py_ssize_t n_entries) noexcept nogil:
    """The rows without an entry to the left: all that the entries are not."""
    cdef Py_ssize_t e, k, n_classes = c.rules.n_classes
    cdef uint32_t* rest = c.s.slot  # of the classes
    cdef uint32_t a, b
    cdef double target, left = c.every, positive = c.every_positive
    c.n_left += c.n - n_entries
    if kind <= TWO_CLASSES:
        for e in range(n_entries):
            if kind == TWO_CLASSES:
                left -= c.s.by_number.label[order[e] & 0xffff]
            else:
                target = c.s.by_number.target[order[e] & 0xffff]
                left -= target - c.middle
                positive -= target > 0
        c.left += left
        c.positive += positive
        return
    for k in range(n_classes):
        rest[k] = c.s.sweep.count_left[k] + c.s.sweep.count_right[k]
    for e in range(n_entries):
        rest[c.s.by_number.label[order[e] & 0xffff]] -= 1
    for k in range(n_classes):
        a, b = c.s.sweep.count_left[k], c.s.sweep.count_right[k]
        c.s.sweep.count_left[k], c.s.sweep.count_right[k] = a + rest[k], b - rest[k]
        if kind == CLASSES:
            c.score_left += <int64_t> (a + rest[k]) * (a + rest[k]) - <int64_t> a * a
            c.score_right += <int64_t> (b - rest[k]) * (b - rest[k]) - <int64_t> b * b
        else:
            c.score += (c.rules.logs[a + rest[k]] - c.rules.logs[a]) + (c.rules.logs[b - rest[k]] - c.rules.logs[b])


cdef inline void _judge(Scan* c, int kind, uint32_t code_left, uint32_t code_right) noexcept nogil:
    """Take the cut behind the rows that were added if it gains more than the best before."""
    cdef Py_ssize_t n_left = c.n_left, n_right = c.n - c.n_left
    cdef const double* reciprocal = c.s.reciprocal
    cdef double right, ones_left, ones_right, score_left = 0, score_right = 0, gain, largest = 0
    if kind == MEANS:
        right = c.every - c.left
        score_left, score_right = c.left * c.left, right * right
        if score_left * reciprocal[n_left] + score_right * reciprocal[n_right] <= c.limit:
            return
    elif kind == DEVIANCES:
        right = c.every - c.left
        if (n_left * _deviance_bound(c.left * reciprocal[n_left] * c.scale)
                + n_right * _deviance_bound(right * reciprocal[n_right] * c.scale)) * c.middle <= c.limit:
            return
    elif kind != ENTROPIES:
        largest = c.n
        if kind == TWO_CLASSES:
            ones_left, ones_right = c.left, c.every - c.left
            score_left = ones_left * ones_left + (n_left - ones_left) * (n_left - ones_left)
            score_right = ones_right * ones_right + (n_right - ones_right) * (n_right - ones_right)
        else:
            score_left, score_right = <double> c.score_left, <double> c.score_right
        if score_left * reciprocal[n_left] + score_right * reciprocal[n_right] - c.n <= c.limit:
            return
    if n_left < c.min_leaf or n_right < c.min_leaf:
        return
    if kind == MEANS:
        gain = c.parent - (-score_left / n_left - score_right / n_right)
    elif kind == DEVIANCES:
        gain = c.parent - _deviance(c, n_left, n_right)
    elif kind == ENTROPIES:
        gain = c.parent - <double> (c.rules.logs[n_left] + c.rules.logs[n_right] - c.score) * c.rules.unit
    else:
        gain = c.parent - ((n_left - score_left / n_left) + (n_right - score_right / n_right))
    if gain > c.best_gain + c.tolerance or (not c.found and gain > -INFINITY):
        c.found, c.best_gain, c.code_left, c.code_right = True, gain, code_left, code_right
        # What needs a closer look: well within the tolerance, and within the rounding of the largest number.
        c.limit = gain + 0.5 * c.tolerance - c.parent - largest * 2.0 ** -48


cdef inline double _deviance_bound(double x) noexcept nogil:
    """Not below unit_deviance(x), and close to it where x is small."""
    return x * x * (0.5 if x >= 0 else 0.5 - 0.5 * x)


cdef double _deviance(Scan* c, Py_ssize_t n_left, Py_ssize_t n_right) noexcept nogil:
    cdef double left[3]
    cdef double right[3]
    left[0], left[1], left[2] = n_left, c.left, c.positive
    right[0], right[1], right[2] = n_right, c.every - c.left, c.every_positive - c.positive
    return poisson_cost(&c.s.sweep, left, 0) + poisson_cost(&c.s.sweep, right, 0)


# ------------------------------------------------------------------------------------------------ parting

cdef Py_ssize_t part_order(uint32_t* order, Py_ssize_t n, const uint8_t* side, bint left, bint right,
                           uint32_t* spare) noexcept nogil:
    """Put the entries that go left before the others, both in order; how many these are.

    left, right: whether that side is needed; what is not needed is lost.
    """
    cdef Py_ssize_t i, to = 0, from_end = n, at = 0
    cdef uint32_t key, goes_right
    if left and right:
        for i in range(n):
            key = order[i]
            goes_right = side[key & 0xffff]
            order[to] = key
            spare[at] = key
            at += goes_right
            to += 1 - goes_right
        memcpy(order + to, spare, at * sizeof(uint32_t))
        return to
    if left:
        for i in range(n):
            key = order[i]
            order[to] = key
            to += 1 - side[key & 0xffff]
        return to
    for i in range(n - 1, -1, -1):
        key = order[i]
        order[from_end - 1] = key
        from_end -= side[key & 0xffff]
    return from_end
