"""A sweep holds the rows of a node in two heaps, left and right; groups of equal codes are moved from right to left.

What a pair of heaps costs is their weighted impurity, up to a constant of the node: the best split is the cheapest.

    COUNTS      classes, every weight 1: whole numbers, so that sums are exact in any order. n log2 n is a table of
                64-bit fixed-point numbers: sums of them are exact too, and rows may be moved one after the other
    SUMS        weighted classes (weight of each class, count) and means (weight, weight x target, count), in float64;
                for the Poisson deviance also how many targets are not 0, which no rounding of a sum tells
    DEVIATIONS  sums of absolute deviations from the median, by Fenwick trees over the ranks of the targets

Targets are taken from a middle of the node's own, so that their sums are as small as the node is wide: a sum of squares
far from 0 would have no digit left for what a split gains. Middles of whole numbers are whole, and sums stay exact.

A group is a row of a histogram, or, where histograms would be longer than the rows themselves, a list of rows.
"""

from libc.math cimport INFINITY, fabs, log1p, log2
from libc.stdint cimport int8_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef enum:
    NUMERIC = 1
    MULTIWAY = 2
    SUBSET = 3
    BUNDLE = 4  # columns of two values of which at most one has its higher value in any row, as codes 1, 2, ...

cdef enum:
    COUNTS = 0
    SUMS = 1
    DEVIATIONS = 2

cdef enum:
    GINI = 0
    ENTROPY = 1
    SQUARED_ERROR = 2
    POISSON = 3
    ABSOLUTE_ERROR = 4

cdef struct Column:
    const void* codes
    const double* values  # of the codes, for thresholds drawn at random; or NULL
    const uint32_t* original  # the codes' names in the whole table; or NULL where they are the same
    const uint32_t* rows  # of a sparse column, ascending: the rows that `codes` are of; NULL of a dense one
    Py_ssize_t n_entries
    uint32_t rest  # of a sparse column: the code of all other rows
    const uint32_t* members  # BUNDLE: the columns that codes 1, 2, ... stand for
    uint32_t n_codes  # also the code of a missing value
    uint32_t number  # of the column in the input
    uint8_t width  # bytes of a code
    uint8_t kind
    int8_t monotonic

cdef struct Rules:  # what holds for a whole tree
    int mode, criterion
    bint regression, ratio, random, monotone
    bint fractional  # a row whose value is missing goes down every branch with a share of its weight
    Py_ssize_t n_classes, n_outputs, n_stats, min_leaf
    bint whole  # every target is a whole number
    double min_weight, unit  # the worth of 1 in `logs`
    const int64_t* logs  # n log2 n
    # Of several outputs, none of them COUNTS; a row's label is then its place here, and each output has its own sums.
    const uint32_t* labels  # (n, n_outputs) classes, or ranks of the targets, or NULL
    const double* targets  # (n, n_outputs) or NULL

cdef struct Rows:  # the rows of one node, in their order in the table
    uint32_t* row
    uint32_t* label  # class, or rank of the target
    double* weight  # or NULL: 1 each
    double* target  # or NULL in classification
    const uint32_t* where  # of every row of the table its place in the order of all; NULL without sparse columns
    int64_t begin  # the place of the first of these rows in it
    double* share  # of each row in the node, which is what is counted; or NULL: all of it
    Py_ssize_t n

cdef struct Node:  # what a search must know of its node
    double weight, tolerance, lower, upper
    uint64_t key

cdef struct Deviations:  # of one output, in DEVIATIONS
    Py_ssize_t n_ranks  # distinct targets in the node
    double* ranked  # the targets, ascending
    uint32_t* rank  # of each row
    double* tree_left  # Fenwick trees of (weight, weight x target)
    double* tree_right
    double middle, target_left, target_right, target_all

cdef struct Sweep:
    const Rules* rules
    const Rows* rows
    double* middles  # (n_outputs,) what the node's targets are taken from
    Py_ssize_t n_groups
    const uint32_t* counts  # (n_groups, n_stats) or
    const double* sums  # (n_groups, n_stats) or
    const uint32_t* listed  # rows in order of their groups; group g has listed[begin[g]:begin[g + 1]]
    const uint32_t* begin
    uint32_t* count_left
    uint32_t* count_right
    double* sum_left
    double* sum_right
    double* sum_all
    double* sum_kept  # sum_all is kept here while the rows whose value is missing are set aside
    int64_t n_left, n_right, score_left, score_right
    Deviations* deviations  # (n_outputs,)
    double weight_left, weight_right
    int8_t monotonic
    double lower, upper


cdef inline double target_of(const Rules* rules, const Rows* rows, Py_ssize_t i, Py_ssize_t q) noexcept nogil:
    return rows.target[i] if rules.n_outputs == 1 else rules.targets[rows.label[i] * rules.n_outputs + q]


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


cdef inline void fenwick_add(double* tree, Py_ssize_t n, Py_ssize_t rank, double w, double wt) noexcept nogil:
    rank += 1
    while rank <= n:
        tree[2 * rank] += w
        tree[2 * rank + 1] += wt
        rank += rank & -rank


cdef inline void _shift_row(Sweep* s, Py_ssize_t i, int sign) noexcept nogil:
    """Row i of the node to the left, or back for sign = -1, in DEVIATIONS."""
    cdef double w = sign * (s.rows.weight[i] if s.rows.weight != NULL else 1.0), wt
    cdef Deviations* of
    cdef Py_ssize_t q
    for q in range(s.rules.n_outputs):
        of = s.deviations + q
        wt = w * (target_of(s.rules, s.rows, i, q) - of.middle)
        fenwick_add(of.tree_left, of.n_ranks, of.rank[i], w, wt)
        fenwick_add(of.tree_right, of.n_ranks, of.rank[i], -w, -wt)
        of.target_left += wt
        of.target_right -= wt
    s.weight_left += w
    s.weight_right -= w
    s.n_left += sign
    s.n_right -= sign


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
                _shift_row(s, s.listed[k], sign)
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
    cdef Py_ssize_t k, q, n = s.rules.n_stats
    cdef Deviations* of
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
        for q in range(s.rules.n_outputs):
            of = s.deviations + q
            for k in range(2 * (of.n_ranks + 1)):
                of.tree_right[k] += of.tree_left[k]
                of.tree_left[k] = 0
            of.target_left, of.target_right = 0, of.target_all
        s.n_right += s.n_left
        s.n_left = 0
        s.weight_left, s.weight_right = 0, s.sum_all[0]


cdef inline double unit_deviance(double x) noexcept nogil:
    """(1 + x) log(1 + x) - x for x >= -1: half the Poisson deviance of a target 1 + x from the mean 1."""
    cdef double power = 1, total = 0
    cdef int k
    if x <= -1:
        return 1
    if fabs(x) > 0.03125:
        return (1 + x) * log1p(x) - x
    for k in range(2, 12):  # its series, for the two terms above cancel
        total += power / (k * (k - 1))
        power *= -x
    return x * x * total


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
    """Of output q. A side whose targets are all 0 has no Poisson deviance, and is not allowed."""
    cdef double weight = sums[0], total = sums[1 + q]
    if s.rules.criterion == POISSON and sums[1 + s.rules.n_outputs + q] == 0:
        return INFINITY
    if weight <= 0:  # as above
        return 0
    if s.rules.criterion == POISSON:
        return -weight * s.middles[q] * unit_deviance(total / (weight * s.middles[q]))
    return -total * total / weight


cdef inline double _sums_cost(Sweep* s, const double* sums) noexcept nogil:
    """The mean over the outputs."""
    cdef Py_ssize_t q
    cdef double total = 0
    if s.rules.n_outputs == 1:
        return _mean_cost(s, sums, 0) if s.rules.regression else _classes_cost(s.rules, sums)
    for q in range(s.rules.n_outputs):
        total += _mean_cost(s, sums, q) if s.rules.regression else _classes_cost(s.rules, sums + q * s.rules.n_classes)
    return total / s.rules.n_outputs


cdef inline Py_ssize_t _rank_at(const Deviations* of, bint left, double weight, double* below,
                                double* below_target) noexcept nogil:
    """The rank at which the targets of a heap, in ascending order, first weigh more; what is before it."""
    cdef const double* tree = of.tree_left if left else of.tree_right
    cdef double w = 0, wt = 0
    cdef Py_ssize_t at = 0, step = 1
    while 2 * step <= of.n_ranks:
        step *= 2
    while step:
        if at + step < of.n_ranks and w + tree[2 * (at + step)] <= weight:
            at += step
            w += tree[2 * at]
            wt += tree[2 * at + 1]
        step //= 2
    below[0], below_target[0] = w, wt
    return at


cdef inline double heap_median(Sweep* s, bint left, Py_ssize_t q) noexcept nogil:
    """The weighted median of output q; the middle of two targets where the weight is cut in half between them."""
    cdef double half = (s.weight_left if left else s.weight_right) / 2, w = 0, wt = 0
    cdef const Deviations* of = s.deviations + q
    cdef double lower = of.ranked[_rank_at(of, left, half * (1 - 1e-14), &w, &wt)]
    cdef double upper = of.ranked[_rank_at(of, left, half * (1 + 1e-14), &w, &wt)]
    return lower if lower == upper else lower / 2 + upper / 2


cdef inline double _deviations_cost(Sweep* s, bint left) noexcept nogil:
    """The mean over the outputs."""
    cdef double weight = s.weight_left if left else s.weight_right, w = 0, wt = 0, median, target, total = 0
    cdef const Deviations* of
    cdef Py_ssize_t q
    for q in range(s.rules.n_outputs):
        of = s.deviations + q
        median = of.ranked[_rank_at(of, left, weight / 2, &w, &wt)] - of.middle
        target = of.target_left if left else of.target_right
        total += median * w - wt + (target - wt) - median * (weight - w)
    return total if s.rules.n_outputs == 1 else total / s.rules.n_outputs


cdef inline double side_cost(Sweep* s, bint left) noexcept nogil:
    cdef int64_t n, score
    if s.rules.mode == COUNTS:
        n, score = (s.n_left, s.score_left) if left else (s.n_right, s.score_right)
        if s.rules.criterion == ENTROPY:
            return <double> (s.rules.logs[n] - score) * s.rules.unit
        return <double> n - <double> score / <double> n
    if s.rules.mode == SUMS:
        return _sums_cost(s, s.sum_left if left else s.sum_right)
    return _deviations_cost(s, left)


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


cdef inline int64_t side_count(Sweep* s, bint left) noexcept nogil:
    if s.rules.mode == SUMS:
        # a sum of shares is rounded
        return <int64_t> ((s.sum_left if left else s.sum_right)[s.rules.n_stats - 1] + 1e-9)
    return s.n_left if left else s.n_right


cdef inline double side_place(Sweep* s, bint left, Py_ssize_t k) noexcept nogil:
    """What the heap would predict: the share of class k, the mean (of output k) from its middle, or the median."""
    cdef const double* sums = s.sum_left if left else s.sum_right
    if s.rules.mode == DEVIATIONS:
        return heap_median(s, left, k)
    if s.rules.mode == COUNTS:
        return <double> (s.count_left if left else s.count_right)[k] / side_weight(s, left)
    return sums[1 + k if s.rules.regression else k] / side_weight(s, left)


cdef inline double side_value(Sweep* s, bint left) noexcept nogil:
    """What the heap would predict: the share of class 1, the mean, or the median."""
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
    """Cost of the two heaps, or infinity where the rules forbid them."""
    if not (side_allowed(s, True) and side_allowed(s, False)):
        return INFINITY
    if s.monotonic != 0 and (side_value(s, True) - side_value(s, False)) * s.monotonic > 0:
        return INFINITY
    if s.rules.mode == COUNTS and s.rules.criterion == ENTROPY:  # one conversion: equal counts give equal bits
        return <double> (s.rules.logs[s.n_left] - s.score_left + s.rules.logs[s.n_right] - s.score_right) * s.rules.unit
    return side_cost(s, True) + side_cost(s, False)


cdef inline double split_info(double weight, double total) noexcept nogil:
    return -weight / total * log2(weight / total) if weight > 0 else 0.0
