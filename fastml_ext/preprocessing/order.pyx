"""Order statistics of short columns, by sorting; called by ranks.py. Contract: reference.py."""

from cython cimport floating
from libc.math cimport NAN, floor
from libc.stdlib cimport free, malloc

__all__ = ["sort_few"]

cdef enum:
    DEEPEST = 64  # divisions, of which random rows need 1.5 log2(n)
    LINE = 64  # bytes


def sort_few(Py_ssize_t start, Py_ssize_t stop, const floating[:, ::1] X, const double[::1] q,
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
