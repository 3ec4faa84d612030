"""The Poisson deviance and deviations from the median: apart, for inlined they slow the other criteria down."""

from libc.math cimport INFINITY, fabs, log, log1p

from fastml_ext.tree.growing.state cimport Deviations, Sweep, target_of


cdef double unit_deviance(double x) noexcept nogil:
    """(1 + x) log(1 + x) - x for x >= -1: half the Poisson deviance of a target 1 + x from the mean 1."""
    if x <= -1:
        return 1
    x = min(x, 1e300)  # of a mean with hardly a digit left
    if fabs(x) > 0.25:
        return (1 + x) * log(1 + x) - x
    if fabs(x) > 0.03125:
        return (1 + x) * log1p(x) - x
    return x * x * (1 / 2.0 - x * (1 / 6.0 - x * (1 / 12.0 - x * (1 / 20.0 - x * (1 / 30.0 - x * (
        1 / 42.0 - x * (1 / 56.0 - x * (1 / 72.0 - x * (1 / 90.0 - x * (1 / 110.0))))))))))  # where the terms cancel


cdef double poisson_cost(const Sweep* s, const double* sums, Py_ssize_t q) noexcept nogil:
    """Of output q. A side whose targets are all 0 has no deviance, and is not allowed."""
    cdef double weight = sums[0]
    if sums[1 + s.rules.n_outputs + q] == 0 or s.middles[q] <= 0:
        return INFINITY
    if weight <= 0:  # a side of rows so light that the other side's rounding hides them
        return 0
    return -weight * s.middles[q] * unit_deviance(sums[1 + q] / weight / s.middles[q])


cdef void fenwick_add(double* tree, Py_ssize_t n, Py_ssize_t rank, double w, double wt) noexcept nogil:
    rank += 1
    while rank <= n:
        tree[2 * rank] += w
        tree[2 * rank + 1] += wt
        rank += rank & -rank


cdef void shift_row(Sweep* s, Py_ssize_t i, int sign) noexcept nogil:
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


cdef void start_deviations(Sweep* s) noexcept nogil:
    """Every row to the right."""
    cdef Deviations* of
    cdef Py_ssize_t k, q
    for q in range(s.rules.n_outputs):
        of = s.deviations + q
        for k in range(2 * (of.n_ranks + 1)):
            of.tree_right[k] += of.tree_left[k]
            of.tree_left[k] = 0
        of.target_left, of.target_right = 0, of.target_all
    s.n_right += s.n_left
    s.n_left = 0
    s.weight_left, s.weight_right = 0, s.sum_all[0]


cdef inline Py_ssize_t _rank_at(const Deviations* of, bint left, double weight, double* below,
                                double* below_target) noexcept nogil:
    """The rank at which the targets of a side, in ascending order, first weigh more; what is before it."""
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


cdef double side_median(const Sweep* s, bint left, Py_ssize_t q) noexcept nogil:
    """The weighted median of output q; the middle of two targets where the weight is cut in half between them.

    Sums of weights are rounded: two that differ by 1e-14 of them are taken for equal.
    """
    cdef double half = (s.weight_left if left else s.weight_right) / 2, w = 0, wt = 0
    cdef const Deviations* of = s.deviations + q
    cdef double lower = of.ranked[_rank_at(of, left, half * (1 - 1e-14), &w, &wt)]
    cdef double upper = of.ranked[_rank_at(of, left, half * (1 + 1e-14), &w, &wt)]
    return lower if lower == upper else lower / 2 + upper / 2


cdef double deviations_cost(const Sweep* s, bint left) noexcept nogil:
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
