"""Order statistics of columns, by selection. Contract: reference.py.

A sample of a column tells between which two numbers a quantile lies; one pass counts what is below and keeps what is
between, and the rest is a selection among some hundredths of the column. Where the sample was wrong, the whole column
is selected from: the result is exact whatever the order of the rows.
"""

from cython cimport floating
from libc.math cimport floor, sqrt
from libc.stdlib cimport free, malloc

import numpy as np

from fastml_ext import pool

__all__ = ["quantiles"]

cdef enum:
    SAMPLE = 1024  # numbers of a column that are sorted to begin with
    SMALL = 4096  # numbers of a column that are sorted as they are
    DEEPEST = 64  # divisions, of which random rows need 1.5 log2(n)
    LINE = 64  # bytes: columns that lie in one are read together


def quantiles(X, q, n_jobs=None):
    """Numbers beside each quantile of each column, and how many are there. Contract: reference.py."""
    n, d = X.shape
    low, high = np.full((len(q), d), np.nan, X.dtype), np.full((len(q), d), np.nan, X.dtype)
    count = np.zeros(d, np.int64)
    together = LINE // X.dtype.itemsize
    given = X, np.ascontiguousarray(q, np.float64), together, low, high, count
    pool.run(_quantiles, -(-d // together), *given, cost=6.0 * n * together * (1 + len(q) / 8), n_jobs=n_jobs)
    return low, high, count


def _quantiles(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[::1] q, Py_ssize_t together,
               floating[:, ::1] low, floating[:, ::1] high, long long[::1] count):
    """Of groups of columns."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], m = q.shape[0], group, first, last, i, j, k
    cdef floating *columns = <floating *> malloc(n * together * sizeof(floating))
    cdef floating *kept = <floating *> malloc(n * sizeof(floating))
    cdef floating sample[SAMPLE]
    cdef floating *column
    if columns == NULL or kept == NULL:
        free(columns)
        free(kept)
        raise MemoryError(f"no memory for {together} columns of {n} numbers")
    with nogil:
        for group in range(start, stop):
            first = group * together
            last = min(first + together, d)
            for i in range(n):
                for j in range(last - first):
                    columns[j * n + i] = X[i, first + j]
            for j in range(first, last):
                column = columns + (j - first) * n
                k = _compact(column, n)
                count[j] = k
                if k > SMALL and m <= 8:
                    for i in range(SAMPLE):
                        sample[i] = column[(i * k + k // 2) // SAMPLE]
                    _sort(sample, SAMPLE)
                    for i in range(m):
                        _select_near(column, sample, kept, k, q[i] * (k - 1), &low[i, j], &high[i, j])
                elif k:
                    _sort(column, k)
                    for i in range(m):
                        _take(column, k, 0, q[i] * (k - 1), &low[i, j], &high[i, j])
    free(columns)
    free(kept)


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


cdef inline void _take(const floating *ordered, Py_ssize_t n, Py_ssize_t offset, double at, floating *low,
                       floating *high) noexcept nogil:
    """The numbers beside the place `at`, of ordered numbers whose first one has the place `offset`."""
    cdef Py_ssize_t below = <Py_ssize_t> floor(at)
    low[0] = ordered[below - offset]
    high[0] = ordered[min(below + 1, offset + n - 1) - offset]


cdef void _select_near(const floating *x, const floating *sample, floating *kept, Py_ssize_t n, double at,
                       floating *low, floating *high) noexcept nogil:
    """low and high: the numbers at the places beside `at` of x (n,), were it in order."""
    cdef Py_ssize_t below = <Py_ssize_t> floor(at), above = min(below + 1, n - 1), i, place, margin, size = 0
    cdef Py_ssize_t under = 0, upto = 0
    cdef floating least, most
    place = below * SAMPLE // n
    margin = <Py_ssize_t> (3.5 * sqrt(<double> place * (SAMPLE - place) / SAMPLE)) + 2
    least, most = sample[max(place - margin, 0)], sample[min(place + margin, SAMPLE - 1)]
    if place - margin < 0:
        for i in range(n):
            least = x[i] if x[i] < least else least
    if place + margin > SAMPLE - 1:
        for i in range(n):
            most = x[i] if x[i] > most else most
    if least == most:
        for i in range(n):
            under += x[i] < least
            upto += x[i] <= least
        if under <= below and above < upto:
            low[0] = high[0] = least
            return
    else:
        for i in range(n):
            kept[size] = x[i]
            under += x[i] < least
            size += (x[i] >= least) & (x[i] <= most)
        if under <= below and above < under + size:
            _select(kept, size, below - under)
            low[0] = kept[below - under]
            high[0] = low[0] if above == below else _least(kept, above - under, size)
            return
    for i in range(n):
        kept[i] = x[i]
    _select(kept, n, below)
    low[0] = kept[below]
    high[0] = low[0] if above == below else _least(kept, above, n)


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
