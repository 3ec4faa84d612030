"""A sweep holds the rows of a node on two sides, left and right; groups of equal codes are moved from right to left.

What two sides cost is their weighted impurity, up to a constant of the node: the best split is the cheapest.

    COUNTS      classes, every weight 1: whole numbers, so that sums are exact in any order. n log2 n is a table of
                64-bit fixed-point numbers: sums of them are exact too, and rows may be moved one after the other
    SUMS        weighted classes (weight of each class, count) and means (weight, weight x target, count), in float64;
                for the Poisson deviance also how many targets are not 0, which no rounding of a sum tells
    DEVIATIONS  sums of absolute deviations from the median, by Fenwick trees over the ranks of the targets

Targets are taken from a middle of the node's own, so that their sums are as small as the node is wide: a sum of squares
far from 0 would have no digit left for what a split gains. Middles of whole numbers are whole, and sums stay exact.

A group is a row of a histogram, or, where histograms would be longer than the rows themselves, a list of rows.
"""

from libc.math cimport INFINITY, log2
from libc.stdint cimport int64_t, uint32_t

from fastml_ext.tree.enums cimport COUNTS, DEVIATIONS, ENTROPY, POISSON, SUMS
from fastml_ext.tree.growing.apart cimport deviations_cost, side_median, poisson_cost, shift_row, start_deviations
from fastml_ext.tree.growing.state cimport Rules, Sweep


cdef inline double xlog2x(double x) noexcept nogil:
    return x * log2(x) if x > 0 else 0.0


cdef inline void _count(Sweep* s, Py_ssize_t k, int64_t step) noexcept nogil:
    cdef int64_t left = s.count_left[k], right = s.count_right[k]
    cdef const int64_t* logs = s.rules.logs
    s.n_left += step
    s.n_right -= step
    s.count_left[k] = <uint32_t> (left + step)
    s.count_right[k] = <uint32_t> (right - step)
    if s.rules.criterion == ENTROPY:
        s.score_left += logs[left + step] - logs[left]
        s.score_right += logs[right - step] - logs[right]
    else:
        s.score_left += step * (2 * left + step)
        s.score_right += step * (step - 2 * right)


cdef inline void add_target(const Rules* rules, double middle, double target, double w, double* sums) noexcept nogil:
    """A row of one output, or of weight -w taken out again."""
    sums[0] += w
    sums[1] += w * (target - middle)
    if rules.criterion == POISSON and target > 0:
        sums[2] += 1 if w > 0 else -1


cdef inline void add_outputs(const Rules* rules, const double* middles, Py_ssize_t row, double w,
                             double* sums) noexcept nogil:
    """A row of several outputs into their sums."""
    cdef Py_ssize_t q, n = rules.n_outputs
    if rules.regression:
        sums[0] += w
        for q in range(n):
            sums[1 + q] += w * (rules.targets[row * n + q] - middles[q])
            if rules.criterion == POISSON and rules.targets[row * n + q] > 0:
                sums[1 + n + q] += 1 if w > 0 else -1
    else:
        for q in range(n):
            sums[q * rules.n_classes + rules.labels[row * n + q]] += w


cdef inline void _add_row(Sweep* s, Py_ssize_t i, int sign) noexcept nogil:
    """Row i of the node to the left, or back for sign = -1, in SUMS."""
    cdef double w = s.rows.weight[i] if s.rows.weight != NULL else 1.0, share
    cdef Py_ssize_t last = s.rules.n_stats - 1, at
    w *= sign
    if s.rules.n_outputs > 1:
        add_outputs(s.rules, s.middles, s.rows.label[i], w, s.sum_left)
        add_outputs(s.rules, s.middles, s.rows.label[i], -w, s.sum_right)
    elif s.rules.regression:
        add_target(s.rules, s.middles[0], s.rows.target[i], w, s.sum_left)
        add_target(s.rules, s.middles[0], s.rows.target[i], -w, s.sum_right)
    else:
        at = s.rows.label[i]
        s.sum_left[at] += w
        s.sum_right[at] -= w
    share = sign * (s.rows.share[i] if s.rows.share != NULL else 1.0)
    s.sum_left[last] += share
    s.sum_right[last] -= share


cdef inline void move(Sweep* s, Py_ssize_t g, int sign) noexcept nogil:
    """Group g from the right to the left, or back for sign = -1."""
    cdef Py_ssize_t k, n = s.rules.n_stats
    cdef const uint32_t* counts
    cdef const double* sums
    if s.listed != NULL:
        for k in range(<Py_ssize_t> s.begin[g], <Py_ssize_t> s.begin[g + 1]):
            if s.rules.mode == COUNTS:
                _count(s, s.rows.label[s.listed[k]], sign)
            elif s.rules.mode == SUMS:
                _add_row(s, s.listed[k], sign)
            else:
                shift_row(s, s.listed[k], sign)
    elif s.rules.mode == COUNTS:
        counts = s.counts + g * n
        for k in range(n):
            if counts[k]:
                _count(s, k, sign * <int64_t> counts[k])
    else:
        sums = s.sums + g * n
        for k in range(n):
            s.sum_left[k] += sign * sums[k]
            s.sum_right[k] -= sign * sums[k]


cdef inline void start(Sweep* s) noexcept nogil:
    """Every row to the right. `sum_all` and count_left + count_right are those of the node, whatever was moved."""
    cdef Py_ssize_t k, n = s.rules.n_stats
    if s.rules.mode == COUNTS:
        s.n_right += s.n_left
        s.n_left = s.score_left = s.score_right = 0
        for k in range(n):
            s.count_right[k] += s.count_left[k]
            s.count_left[k] = 0
            s.score_right += (s.rules.logs[s.count_right[k]] if s.rules.criterion == ENTROPY
                              else <int64_t> s.count_right[k] * s.count_right[k])
    elif s.rules.mode == SUMS:
        for k in range(n):
            s.sum_left[k] = 0
            s.sum_right[k] = s.sum_all[k]
    else:
        start_deviations(s)


cdef inline double _classes_cost(const Rules* rules, const double* sums) noexcept nogil:
    cdef Py_ssize_t k
    cdef double total = 0, score = 0
    for k in range(rules.n_classes):
        total += sums[k]
        score += xlog2x(sums[k]) if rules.criterion == ENTROPY else sums[k] * sums[k]
    if total <= 0:  # a side of rows so light that the other side's rounding hides them
        return 0
    return xlog2x(total) - score if rules.criterion == ENTROPY else total - score / total


cdef inline double _mean_cost(Sweep* s, const double* sums, Py_ssize_t q) noexcept nogil:
    """Of output q."""
    if s.rules.criterion == POISSON:
        return poisson_cost(s, sums, q)
    return -sums[1 + q] * sums[1 + q] / sums[0] if sums[0] > 0 else 0.0  # as above


cdef inline double _sums_cost(Sweep* s, const double* sums) noexcept nogil:
    """The mean over the outputs."""
    cdef Py_ssize_t q
    cdef double total = 0
    if s.rules.n_outputs == 1:
        return _mean_cost(s, sums, 0) if s.rules.regression else _classes_cost(s.rules, sums)
    for q in range(s.rules.n_outputs):
        total += _mean_cost(s, sums, q) if s.rules.regression else _classes_cost(s.rules, sums + q * s.rules.n_classes)
    return total / s.rules.n_outputs


cdef inline double side_cost(Sweep* s, bint left) noexcept nogil:
    cdef int64_t n, score
    if s.rules.mode == COUNTS:
        n, score = (s.n_left, s.score_left) if left else (s.n_right, s.score_right)
        if s.rules.criterion == ENTROPY:
            return <double> (s.rules.logs[n] - score) * s.rules.unit
        return <double> n - <double> score / <double> n
    if s.rules.mode == SUMS:
        return _sums_cost(s, s.sum_left if left else s.sum_right)
    return deviations_cost(s, left)


cdef inline double side_weight(Sweep* s, bint left) noexcept nogil:
    cdef Py_ssize_t k
    cdef double total = 0
    cdef const double* sums = s.sum_left if left else s.sum_right
    if s.rules.mode == COUNTS:
        return s.n_left if left else s.n_right
    if s.rules.mode == DEVIATIONS:
        return s.weight_left if left else s.weight_right
    if s.rules.regression:
        return sums[0]
    for k in range(s.rules.n_classes):
        total += sums[k]
    return total


cdef inline double rounded_shares(double shares) noexcept nogil:
    """A sum of shares of rows, which rounding may have left a little below a whole number; ROUNDED in the reference."""
    return shares + 1e-9


cdef inline int64_t side_count(Sweep* s, bint left) noexcept nogil:
    if s.rules.mode == SUMS:
        return <int64_t> rounded_shares((s.sum_left if left else s.sum_right)[s.rules.n_stats - 1])
    return s.n_left if left else s.n_right


cdef inline double side_place(Sweep* s, bint left, Py_ssize_t k) noexcept nogil:
    """What the side would predict: the share of class k, the mean (of output k) from its middle, or the median."""
    cdef const double* sums = s.sum_left if left else s.sum_right
    if s.rules.mode == DEVIATIONS:
        return side_median(s, left, k)
    if s.rules.mode == COUNTS:
        return <double> (s.count_left if left else s.count_right)[k] / side_weight(s, left)
    return sums[1 + k if s.rules.regression else k] / side_weight(s, left)


cdef inline double side_value(Sweep* s, bint left) noexcept nogil:
    """What the side would predict: the share of class 1, the mean, or the median."""
    if s.rules.mode == SUMS and s.rules.regression:
        return s.middles[0] + side_place(s, left, 0)
    return side_place(s, left, 0 if s.rules.regression else 1)


cdef inline bint side_allowed(Sweep* s, bint left) noexcept nogil:
    cdef double value
    if side_count(s, left) < s.rules.min_leaf:
        return False
    if s.rules.min_weight > 0 and side_weight(s, left) < s.rules.min_weight:
        return False
    if s.monotonic != 0:
        value = side_value(s, left)
        return s.lower <= value <= s.upper
    return True


cdef inline double cost(Sweep* s) noexcept nogil:
    """Cost of the two sides, or infinity where the rules forbid them."""
    if not (side_allowed(s, True) and side_allowed(s, False)):
        return INFINITY
    if s.monotonic != 0 and (side_value(s, True) - side_value(s, False)) * s.monotonic > 0:
        return INFINITY
    if s.rules.mode == COUNTS and s.rules.criterion == ENTROPY:  # one conversion: equal counts give equal bits
        return <double> (s.rules.logs[s.n_left] - s.score_left + s.rules.logs[s.n_right] - s.score_right) * s.rules.unit
    return side_cost(s, True) + side_cost(s, False)


cdef inline double split_info(double weight, double total) noexcept nogil:
    return -weight / total * log2(weight / total) if weight > 0 else 0.0
