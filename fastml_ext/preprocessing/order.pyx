"""Order statistics of columns, by selection. Contract: reference.py.

A sample of a column tells between which two numbers a quantile lies; one pass over the rows counts what is below and
keeps what is between, of all quantiles of eight columns at once, and the rest is a selection among some hundredths of
the column. Where the sample was wrong, the whole column is selected from: the result is exact whatever the order of
the rows.
"""

from cython cimport floating
from libc.math cimport INFINITY, NAN, floor, sqrt
from libc.stdlib cimport free, malloc

import numpy as np

from fastml_ext import pool

__all__ = ["quantiles"]

cdef enum:
    SAMPLE = 1024  # numbers of a column that are sorted to begin with
    SMALL = 4096  # numbers of a column that are sorted as they are
    MOST = 8  # quantiles that are selected; more are taken from sorted columns
    WIDE = 8  # columns that are read together
    ROWS = 256  # that are read together
    DEEPEST = 64  # divisions, of which random rows need 1.5 log2(n)
    LINE = 64  # bytes

cdef double SURE = 3.0  # standard deviations of a place in the sample


def quantiles(X, q, n_jobs=None):
    """Numbers beside each quantile of each column, and how many are there. Contract: reference.py."""
    n, d = X.shape
    q = np.ascontiguousarray(q, np.float64)
    low, high = np.empty((len(q), d), X.dtype), np.empty((len(q), d), X.dtype)
    count = np.zeros(d, np.int64)
    if n <= SMALL or len(q) > MOST:
        cost = 6.0 * n * (1 + len(q) / 8)
        pool.run(_by_sorting, d, X, q, low, high, count, cost=cost, step=LINE // X.dtype.itemsize, n_jobs=n_jobs)
        return low, high, count
    order = np.argsort(q, kind="stable")
    given = X, q[order], low, high, count
    pool.run(_by_samples, -(-d // WIDE), *given, cost=(2.0 + len(q)) * n * WIDE, n_jobs=n_jobs)
    back = np.empty_like(order)
    back[order] = np.arange(len(q))
    return low[back], high[back], count


def _by_sorting(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[::1] q,
                floating[:, ::1] low, floating[:, ::1] high, long long[::1] count):
    """Of columns, a line of the cache at a time."""
    cdef Py_ssize_t n = X.shape[0], m = q.shape[0], wide = LINE // sizeof(floating), first, last, i, j, k
    cdef floating *columns = <floating *> malloc(n * wide * sizeof(floating))
    cdef floating *column
    if columns == NULL:
        raise MemoryError(f"no memory for {wide} columns of {n} numbers")
    with nogil:
        first = start
        while first < stop:
            last = min(first + wide, stop)
            for i in range(n):
                for j in range(last - first):
                    columns[j * n + i] = X[i, first + j]
            for j in range(first, last):
                column = columns + (j - first) * n
                k = _compact(column, n)
                count[j] = k
                if k:
                    _sort(column, k)
                for i in range(m):
                    _take(column, k, q[i] * (k - 1), &low[i, j], &high[i, j])
            first = last
    free(columns)


cdef struct Group:
    Py_ssize_t n, d, wide  # rows, columns of the table, columns of the group
    Py_ssize_t n_brackets  # the most that one of them has
    Py_ssize_t bracket[MOST * WIDE]  # of a quantile of a column
    double least[MOST * WIDE]  # the ends of a bracket of a column, which are in it
    double most[MOST * WIDE]
    Py_ssize_t from_least[MOST * WIDE]  # numbers that are not below it
    Py_ssize_t known[WIDE]
    Py_ssize_t size[WIDE]  # numbers in any bracket


def _by_samples(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[::1] q,
                floating[:, ::1] low, floating[:, ::1] high, long long[::1] count):
    """Of groups of columns; q ascends."""
    cdef Py_ssize_t n = X.shape[0], m = q.shape[0], i, j, at, first
    cdef floating *kept = <floating *> malloc(n * (WIDE + 2) * sizeof(floating))
    cdef floating *work
    cdef Group group
    if kept == NULL:
        raise MemoryError(f"no memory for {WIDE + 2} columns of {n} numbers")
    group.n, group.d = n, X.shape[1]
    with nogil:
        work = kept + n * WIDE
        for at in range(start, stop):
            first = at * WIDE
            group.wide, group.n_brackets = min(WIDE, group.d - first), 0
            for j in range(group.wide):
                _bracket(&X[0, first + j], &q[0], m, &group, j)
            _keep(&X[0, first], &group, kept)
            for j in range(group.wide):
                count[first + j] = group.known[j]
                for i in range(m):
                    _settle(&X[0, first + j], q[i], &group, group.bracket[i * WIDE + j], j, kept + j * n, work,
                            &low[i, first + j], &high[i, first + j])
    free(kept)


cdef void _bracket(const floating *x, const double *q, Py_ssize_t m, Group *group, Py_ssize_t j) noexcept nogil:
    """Between which numbers a sample of the column x expects its quantiles; brackets that meet are one."""
    cdef floating sample[SAMPLE]
    cdef double low, high
    cdef Py_ssize_t i, place, margin, b = -1, k = 0
    for i in range(SAMPLE):
        sample[k] = x[(i * group.n + group.n // 2) // SAMPLE * group.d]
        k += sample[k] == sample[k]
    _sort(sample, k)
    for i in range(MOST):
        group.least[i * WIDE + j] = group.most[i * WIDE + j] = NAN  # no number is in it
    for i in range(m):
        place = <Py_ssize_t> (q[i] * (k - 1)) if k else 0
        margin = <Py_ssize_t> (SURE * sqrt(<double> place * (k - place) / max(k, 1))) + 2
        low = sample[place - margin] if place >= margin else -INFINITY
        high = sample[place + margin] if place + margin < k else INFINITY
        if b < 0 or low > group.most[b * WIDE + j]:
            b += 1
            group.least[b * WIDE + j] = low
        group.most[b * WIDE + j] = high
        group.bracket[i * WIDE + j] = b
    group.n_brackets = max(group.n_brackets, b + 1)


cdef void _keep(const floating *x, Group *group, floating *kept) noexcept nogil:
    """One pass over the rows: what lies in a bracket is kept, and what does not lie below one is counted."""
    cdef floating tile[WIDE * ROWS]
    cdef Py_ssize_t i, j, first = 0, rows
    for j in range(WIDE):
        group.known[j] = group.size[j] = 0
    for j in range(MOST * WIDE):
        group.from_least[j] = 0
    while first < group.n:
        rows = min(ROWS, group.n - first)
        for i in range(rows):
            for j in range(group.wide):
                tile[j * ROWS + i] = x[(first + i) * group.d + j]
        for j in range(group.wide):
            _keep_some(tile + j * ROWS, rows, group, j, kept + j * group.n)
        first += rows


cdef void _keep_some(const floating *x, Py_ssize_t n, Group *group, Py_ssize_t j, floating *kept) noexcept nogil:
    """The same of some rows of one column."""
    cdef int ends[ROWS]  # of brackets, how many a number has passed: an odd number is in one
    cdef int known = 0, passed = 0
    cdef floating low = <floating> group.least[j], high = <floating> group.most[j]
    cdef Py_ssize_t i, b, size = group.size[j]
    for i in range(n):
        known += x[i] == x[i]
    group.known[j] += known
    for i in range(n):
        passed += x[i] >= low
        ends[i] = (x[i] >= low) + (x[i] > high)
    group.from_least[j] += passed
    for b in range(1, group.n_brackets):
        low, high, passed = <floating> group.least[b * WIDE + j], <floating> group.most[b * WIDE + j], 0
        for i in range(n):
            passed += x[i] >= low
            ends[i] += (x[i] >= low) + (x[i] > high)
        group.from_least[b * WIDE + j] += passed
    for i in range(n):
        kept[size] = x[i]
        size += ends[i] & 1
    group.size[j] = size


cdef void _settle(const floating *x, double q, const Group *group, Py_ssize_t b, Py_ssize_t j, const floating *kept,
                  floating *work, floating *low, floating *high) noexcept nogil:
    """low and high: the numbers beside the quantile q of the column x, from what was kept of its bracket b."""
    cdef Py_ssize_t k = group.known[j], below, above, under, size = 0, i
    cdef floating first = <floating> group.least[b * WIDE + j], last = <floating> group.most[b * WIDE + j]
    if k == 0:
        low[0] = high[0] = <floating> NAN
        return
    below = <Py_ssize_t> floor(q * (k - 1))
    above = min(below + 1, k - 1)
    under = k - group.from_least[b * WIDE + j]
    for i in range(group.size[j]):
        work[size] = kept[i]
        size += (kept[i] >= first) & (kept[i] <= last)
    if not (under <= below and above < under + size):  # the sample was wrong
        under = size = 0
        for i in range(group.n):
            work[size] = x[i * group.d]
            size += work[size] == work[size]
    elif first == last:
        low[0] = high[0] = first
        return
    if size > SMALL:
        _select_near(work, work + group.n, size, below - under, low, high)
        return
    _select(work, size, below - under)
    low[0] = work[below - under]
    high[0] = low[0] if above == below else _least(work, above - under, size)


cdef Py_ssize_t _compact(floating *x, Py_ssize_t n) noexcept nogil:
    """How many of the n numbers are there; they are moved to the front."""
    cdef Py_ssize_t i, held = 0
    cdef int missing = 0
    for i in range(n):
        missing |= x[i] != x[i]
    if not missing:
        return n
    for i in range(n):
        x[held] = x[i]
        held += x[i] == x[i]
    return held


cdef inline void _take(const floating *ordered, Py_ssize_t n, double at, floating *low, floating *high) noexcept nogil:
    """The numbers beside the place `at`; NaN where there are none."""
    cdef Py_ssize_t below = <Py_ssize_t> floor(at)
    low[0] = ordered[below] if n else <floating> NAN
    high[0] = ordered[min(below + 1, n - 1)] if n else <floating> NAN


cdef void _select_near(const floating *x, floating *kept, Py_ssize_t n, Py_ssize_t below, floating *low,
                       floating *high) noexcept nogil:
    """low and high: the number at the place `below` of x (n,), were it in order, and the next; by a sample of x."""
    cdef Py_ssize_t above = min(below + 1, n - 1), i, size = 0, under = 0, place, margin
    cdef floating sample[SAMPLE]
    cdef floating least, most
    for i in range(SAMPLE):
        sample[i] = x[(i * n + n // 2) // SAMPLE]
    _sort(sample, SAMPLE)
    place = <Py_ssize_t> (<double> below / n * SAMPLE)
    margin = <Py_ssize_t> (SURE * sqrt(<double> place * (SAMPLE - place) / SAMPLE)) + 2
    least = sample[place - margin] if place >= margin else <floating> -INFINITY
    most = sample[place + margin] if place + margin < SAMPLE else <floating> INFINITY
    for i in range(n):
        kept[size] = x[i]
        under += x[i] < least
        size += (x[i] >= least) & (x[i] <= most)
    if not (under <= below and above < under + size):
        under, size = 0, n
        for i in range(n):
            kept[i] = x[i]
    elif least == most:
        low[0] = high[0] = least
        return
    _select(kept, size, below - under)
    low[0] = kept[below - under]
    high[0] = low[0] if above == below else _least(kept, above - under, size)


cdef inline floating _least(const floating *x, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef floating found = x[start]
    cdef Py_ssize_t i
    for i in range(start + 1, stop):
        found = x[i] if x[i] < found else found
    return found


cdef void _select(floating *x, Py_ssize_t n, Py_ssize_t k) noexcept nogil:
    """Put into x[k] what would stand there in order, with nothing larger before it and nothing less after it.

    Where the middle of three divides badly too often, as rows can be made to, heaps put the rest in order.
    """
    cdef Py_ssize_t left = 0, right = n - 1, i, j
    cdef int depth = DEEPEST
    while left < right:
        if depth == 0:
            _heapsort(x + left, right - left + 1)
            return
        depth -= 1
        _part(x, left, right, &i, &j)
        if k <= j:
            right = j
        elif k >= i:
            left = i
        else:
            return


cdef inline void _part(floating *x, Py_ssize_t left, Py_ssize_t right, Py_ssize_t *above,
                       Py_ssize_t *below) noexcept nogil:
    """Divide left..right by the middle of three: nothing larger up to `below`, nothing less from `above` on."""
    cdef Py_ssize_t i = left, j = right
    cdef floating pivot = _middle(x[left], x[left + (right - left) // 2], x[right])
    while i <= j:
        while x[i] < pivot:
            i += 1
        while x[j] > pivot:
            j -= 1
        if i <= j:
            x[i], x[j] = x[j], x[i]
            i += 1
            j -= 1
    above[0], below[0] = i, j


cdef inline floating _middle(floating a, floating b, floating c) noexcept nogil:
    return max(min(a, b), min(max(a, b), c))


cdef void _sort(floating *x, Py_ssize_t n) noexcept nogil:
    """Quicksort by the middle of three, then insertion; a half that is too deep is put in order by heaps."""
    _quicksort(x, 0, n - 1, DEEPEST)


cdef void _quicksort(floating *x, Py_ssize_t left, Py_ssize_t right, int depth) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef floating pivot
    while right - left > 24:
        if depth == 0:
            _heapsort(x + left, right - left + 1)
            return
        depth -= 1
        _part(x, left, right, &i, &j)
        if j - left < right - i:
            _quicksort(x, left, j, depth)
            left = i
        else:
            _quicksort(x, i, right, depth)
            right = j
    for i in range(left + 1, right + 1):
        pivot, j = x[i], i - 1
        while j >= left and x[j] > pivot:
            x[j + 1] = x[j]
            j -= 1
        x[j + 1] = pivot


cdef void _heapsort(floating *x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = n // 2, parent, child
    cdef floating moved
    while True:
        if i > 0:
            i -= 1
            moved = x[i]
        else:
            n -= 1
            if n <= 0:
                return
            moved, x[n] = x[n], x[0]
        parent, child = i, 2 * i + 1
        while child < n:
            if child + 1 < n and x[child + 1] > x[child]:
                child += 1
            if x[child] <= moved:
                break
            x[parent] = x[child]
            parent, child = child, 2 * child + 1
        x[parent] = moved
