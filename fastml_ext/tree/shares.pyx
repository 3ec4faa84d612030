"""Down every branch that a row of missing values gets a share of. Contract: reference.py."""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc

from fastml_ext.tree.state cimport MULTIWAY, NUMERIC

cdef struct Share:
    int64_t node
    double part


def blend_codes(Py_ssize_t start, Py_ssize_t stop, const int64_t[:, ::1] codes, const int64_t[::1] missing,
                const uint8_t[::1] kind, const int64_t[::1] feature, const int64_t[::1] cut, const int64_t[::1] left,
                const int64_t[::1] right, const int64_t[::1] category_start, const int64_t[::1] category_code,
                const int64_t[::1] category_child, const double[::1] weight, const double[:, ::1] value,
                double[:, ::1] out):
    """Add to out the value of each node that a row stops at, times its share. missing: each column's code for it."""
    cdef Share* stack = <Share*> malloc((kind.shape[0] + 1) * sizeof(Share))
    cdef Share top
    cdef Py_ssize_t i, k, height
    cdef int64_t at, code, entry
    if stack == NULL:
        raise MemoryError
    with nogil:
        for i in range(start, stop):
            stack[0].node, stack[0].part = 0, 1
            height = 1
            while height:
                height -= 1
                top = stack[height]
                at = top.node
                if kind[at]:
                    code = codes[i, feature[at]]
                    if code == missing[feature[at]]:
                        if kind[at] == MULTIWAY:
                            for entry in range(category_start[at + 1] - 1, category_start[at] - 1, -1):
                                height = _push(stack, height, category_child[entry], top.part, weight, at)
                        else:
                            height = _push(stack, height, right[at], top.part, weight, at)
                            height = _push(stack, height, left[at], top.part, weight, at)
                        continue
                    if kind[at] == NUMERIC:
                        if code >= -1:
                            stack[height].node = left[at] if code <= cut[at] else right[at]
                            height += 1
                            continue
                    else:
                        entry = _entry(category_code, category_start[at], category_start[at + 1], code)
                        if entry >= 0:
                            stack[height].node = category_child[entry]
                            height += 1
                            continue
                for k in range(out.shape[1]):
                    out[i, k] += top.part * value[at, k]
    free(stack)


cdef inline Py_ssize_t _push(Share* stack, Py_ssize_t height, int64_t node, double part, const double[::1] weight,
                             int64_t parent) noexcept nogil:
    """A branch gets the share that it had of the node's weight in training."""
    stack[height].node, stack[height].part = node, part * (weight[node] / weight[parent])
    return height + 1


cdef inline int64_t _entry(const int64_t[::1] listed, int64_t low, int64_t end, int64_t code) noexcept nogil:
    """Where a category stands in a node's list, -1 if it did not occur there."""
    cdef int64_t high = end, middle
    while low < high:
        middle = (low + high) // 2
        if listed[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low if low < end and listed[low] == code else -1
