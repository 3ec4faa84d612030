"""Presorted columns of a subtree: a node's rows stand side by side in the order of their codes, one scan finds the cut.

`Column.order` holds code << 16 | number of the row, ascending within each node, for a subtree has at most 65536 rows.
The rows of a branch are taken out of their node in order (Mehta, Agrawal, Rissanen 1996), so nothing is sorted again.

A scan judges cuts by sums that are multiplied by reciprocals; what may be the best by that is judged once more, by the
very divisions of the other kernels (sweep.pxd), so that equal splits are equal here and there.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from fastml_ext.tree.apart cimport poisson_cost
from fastml_ext.tree.state cimport COUNTS, ENTROPY, POISSON, SUMS, Column, Node, Rows, Rules
from fastml_ext.tree.sweep cimport side_cost, start


cdef bint number_rows(Scratch* s, const Rules* rules, const Rows* rows) noexcept nogil:
    """Copies of the rows' labels, weights and targets in the order of their numbers; False where there is no room."""
    cdef Py_ssize_t i, n = rows.n
    s.by_number = rows[0]
    s.by_number.label = <uint32_t*> malloc(n * sizeof(uint32_t))
    s.by_number.weight = <double*> malloc(n * sizeof(double)) if rows.weight != NULL else NULL
    s.by_number.target = <double*> malloc(n * sizeof(double)) if rows.target != NULL else NULL
    s.reciprocal = <double*> malloc((n + 1) * sizeof(double))
    if s.by_number.label == NULL or s.reciprocal == NULL or (rows.weight != NULL and s.by_number.weight == NULL) \
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


cdef bint is_scanned(const Column* column, const Rows* rows, const Rules* rules) noexcept nogil:
    """Whether `scan` knows the rules of the column; others are searched by groups."""
    return (rules.n_outputs == 1 and not rules.ratio and column.monotonic == 0 and rules.min_weight <= 0
            and (rules.mode == COUNTS or (rules.mode == SUMS and rules.regression and rows.weight == NULL))
            and column.order[rows.begin + rows.n - 1] >> 16 != column.n_codes)


cdef void scan(const Column* column, const Rows* rows, const Node* node, const Rules* rules, Scratch* s,
               Split* split) noexcept nogil:
    """As search_column, of a column that `is_scanned`."""
    cdef const uint32_t* order = column.order + rows.begin
    cdef Py_ssize_t best
    split.constant = order[0] >> 16 == order[rows.n - 1] >> 16
    if split.constant:
        return
    if rules.mode == COUNTS:
        if rules.criterion == ENTROPY:
            best = _scan_entropy(order, rows.n, node, rules, s, split)
        elif rules.n_classes == 2:
            best = _scan_two_classes(order, rows.n, node, rules, s, split)
        else:
            best = _scan_classes(order, rows.n, node, rules, s, split)
    elif rules.criterion == POISSON:
        best = _scan_poisson(order, rows.n, node, rules, s, split)
    else:
        best = _scan_means(order, rows.n, node, rules, s, split)
    if best >= 0:
        split.left, split.right = column.original[order[best] >> 16], column.original[order[best + 1] >> 16]


cdef inline double _limit(double gain, const Node* node, double parent, double largest) noexcept nogil:
    """The least score that has to be looked at closely; largest: of the numbers that were rounded on the way to it."""
    return gain + 0.5 * node.tolerance - parent - largest * 2.0 ** -48


cdef Py_ssize_t _scan_means(const uint32_t* order, Py_ssize_t n, const Node* node, const Rules* rules, Scratch* s,
                            Split* split) noexcept nogil:
    """The last row left of the best cut, -1 if there is none; the gain goes into `split`. So do the others."""
    cdef const double* target = s.by_number.target
    cdef const double* reciprocal = s.reciprocal
    cdef double middle = s.sweep.middles[0], every = s.sweep.sum_all[1], left = 0, right, gain
    cdef double parent = side_cost(&s.sweep, False), best_gain = -INFINITY, limit = -INFINITY
    cdef Py_ssize_t i, best = -1
    cdef uint32_t key, following = order[0]
    for i in range(1, n):
        key, following = following, order[i]
        left += target[key & 0xffff] - middle
        if key >> 16 == following >> 16:
            continue
        right = every - left
        if left * left * reciprocal[i] + right * right * reciprocal[n - i] <= limit:
            continue
        if i < rules.min_leaf or n - i < rules.min_leaf:
            continue
        gain = parent - (-left * left / i - right * right / (n - i))
        if gain > best_gain + node.tolerance or best < 0:
            best, best_gain = i - 1, gain
            limit = _limit(gain, node, parent, 0)
    split.gain = best_gain
    return best


cdef inline double _deviance_bound(double x) noexcept nogil:
    """Not below unit_deviance(x), and close to it where x is small."""
    return x * x * (0.5 if x >= 0 else 0.5 - 0.5 * x)


cdef Py_ssize_t _scan_poisson(const uint32_t* order, Py_ssize_t n, const Node* node, const Rules* rules, Scratch* s,
                              Split* split) noexcept nogil:
    cdef const double* target = s.by_number.target
    cdef const double* reciprocal = s.reciprocal
    cdef double middle = s.sweep.middles[0], every = s.sweep.sum_all[1], n_positive = s.sweep.sum_all[2]
    cdef double left[4]
    cdef double right[4]
    cdef double value, gain, parent = side_cost(&s.sweep, False), best_gain = -INFINITY, limit = -INFINITY
    cdef double scale = 1 / middle if middle > 0 else 0
    cdef double sum_left = 0, positive = 0, sum_right
    cdef Py_ssize_t i, best = -1
    cdef uint32_t key, following = order[0]
    for i in range(1, n):
        key, following = following, order[i]
        value = target[key & 0xffff]
        sum_left += value - middle
        positive += value > 0
        if key >> 16 == following >> 16:
            continue
        sum_right = every - sum_left
        if (i * _deviance_bound(sum_left * reciprocal[i] * scale)
                + (n - i) * _deviance_bound(sum_right * reciprocal[n - i] * scale)) * middle <= limit:
            continue
        if i < rules.min_leaf or n - i < rules.min_leaf:
            continue
        left[0], left[1], left[2] = i, sum_left, positive
        right[0], right[1], right[2] = n - i, sum_right, n_positive - positive
        gain = parent - (poisson_cost(&s.sweep, left, 0) + poisson_cost(&s.sweep, right, 0))
        if gain > best_gain + node.tolerance or (best < 0 and gain > -INFINITY):
            best, best_gain = i - 1, gain
            limit = _limit(gain, node, parent, 0)
    split.gain = best_gain
    return best


cdef Py_ssize_t _scan_two_classes(const uint32_t* order, Py_ssize_t n, const Node* node, const Rules* rules, Scratch* s,
                                  Split* split) noexcept nogil:
    """Gini; every number is whole, and exact."""
    cdef const uint32_t* label = s.by_number.label
    cdef const double* reciprocal = s.reciprocal
    cdef double parent = side_cost(&s.sweep, False), best_gain = -INFINITY, limit = -INFINITY, gain
    cdef double ones, zeros, right_ones, right_zeros, score_left, score_right
    cdef double every_one = s.sweep.count_right[1], every_zero = s.sweep.count_right[0]
    cdef Py_ssize_t i, best = -1
    cdef uint32_t key, following = order[0], count = 0
    for i in range(1, n):
        key, following = following, order[i]
        count += label[key & 0xffff]
        if key >> 16 == following >> 16:
            continue
        ones = count
        zeros = i - ones
        right_ones, right_zeros = every_one - ones, every_zero - zeros
        score_left, score_right = ones * ones + zeros * zeros, right_ones * right_ones + right_zeros * right_zeros
        if score_left * reciprocal[i] + score_right * reciprocal[n - i] - n <= limit:
            continue
        if i < rules.min_leaf or n - i < rules.min_leaf:
            continue
        gain = parent - ((i - score_left / i) + ((n - i) - score_right / (n - i)))
        if gain > best_gain + node.tolerance or best < 0:
            best, best_gain = i - 1, gain
            limit = _limit(gain, node, parent, n)
    split.gain = best_gain
    return best


cdef Py_ssize_t _scan_classes(const uint32_t* order, Py_ssize_t n, const Node* node, const Rules* rules, Scratch* s,
                              Split* split) noexcept nogil:
    """Gini of several classes."""
    cdef const uint32_t* label = s.by_number.label
    cdef const double* reciprocal = s.reciprocal
    cdef uint32_t* count_left = s.sweep.count_left
    cdef uint32_t* count_right = s.sweep.count_right
    cdef double parent = side_cost(&s.sweep, False), best_gain = -INFINITY, limit = -INFINITY, gain
    cdef int64_t score_left = 0, score_right = s.sweep.score_right
    cdef Py_ssize_t i, best = -1
    cdef uint32_t key, following = order[0], k
    for i in range(1, n):
        key, following = following, order[i]
        k = label[key & 0xffff]
        score_left += 2 * count_left[k] + 1
        score_right += 1 - 2 * <int64_t> count_right[k]
        count_left[k] += 1
        count_right[k] -= 1
        if key >> 16 == following >> 16:
            continue
        if score_left * reciprocal[i] + score_right * reciprocal[n - i] - n <= limit:
            continue
        if i < rules.min_leaf or n - i < rules.min_leaf:
            continue
        gain = parent - ((i - <double> score_left / i) + ((n - i) - <double> score_right / (n - i)))
        if gain > best_gain + node.tolerance or best < 0:
            best, best_gain = i - 1, gain
            limit = _limit(gain, node, parent, n)
    split.gain = best_gain
    start(&s.sweep)
    return best


cdef Py_ssize_t _scan_entropy(const uint32_t* order, Py_ssize_t n, const Node* node, const Rules* rules, Scratch* s,
                              Split* split) noexcept nogil:
    """Sums of fixed-point logarithms are exact, and need no division."""
    cdef const uint32_t* label = s.by_number.label
    cdef const int64_t* logs = rules.logs
    cdef uint32_t* count_left = s.sweep.count_left
    cdef uint32_t* count_right = s.sweep.count_right
    cdef double parent = side_cost(&s.sweep, False), best_gain = -INFINITY, gain
    cdef int64_t score = s.sweep.score_right
    cdef Py_ssize_t i, best = -1
    cdef uint32_t key, following = order[0], k, a, b
    for i in range(1, n):
        key, following = following, order[i]
        k = label[key & 0xffff]
        a, b = count_left[k], count_right[k]
        score += (logs[a + 1] - logs[a]) + (logs[b - 1] - logs[b])
        count_left[k], count_right[k] = a + 1, b - 1
        if key >> 16 == following >> 16:
            continue
        gain = parent - <double> (logs[i] + logs[n - i] - score) * rules.unit
        if gain > best_gain + node.tolerance or best < 0:
            if i < rules.min_leaf or n - i < rules.min_leaf:
                continue
            best, best_gain = i - 1, gain
    split.gain = best_gain
    start(&s.sweep)
    return best


# ------------------------------------------------------------------------------------------------ parting

cdef void part_order(uint32_t* order, Py_ssize_t n, Py_ssize_t n_left, const uint8_t* side, bint left, bint right,
                     uint32_t* spare) noexcept nogil:
    """Put the n_left rows that go left before the others, both in order; left, right: whether that side is needed."""
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
        memcpy(order + n_left, spare, (n - n_left) * sizeof(uint32_t))
    elif left:
        for i in range(n):
            key = order[i]
            order[to] = key
            to += 1 - side[key & 0xffff]
    else:
        for i in range(n - 1, -1, -1):
            key = order[i]
            order[from_end - 1] = key
            from_end -= side[key & 0xffff]
