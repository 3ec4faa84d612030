"""Down a tree by codes: of numbers by how many thresholds are below them, of categories by their own.

Contract: reference/applying.py. `apply` stops at one node; `blend` follows every branch that a row whose value is
missing gets a share of.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc

import numpy as np

from fastml_ext.tree.enums cimport LEAF, MULTIWAY, SUBSET

cdef struct Nodes:  # of a tree, as in structure.py
    const uint8_t* kind
    const uint8_t* missing_left
    const int64_t* feature
    const int64_t* cut
    const int64_t* left
    const int64_t* right
    const int64_t* category_start
    const int64_t* category_code
    const int64_t* category_child

cdef struct Share:
    int64_t node
    double part


cdef class CodedTree:
    """A Tree, and of each NUMERIC node the place of its threshold among those of its column: `cut`."""

    cdef Nodes nodes
    cdef Py_ssize_t n_nodes
    cdef tuple kept

    def __init__(self, tree, const int64_t[::1] cut):
        cdef const uint8_t[::1] kind = tree.kind, missing_left = tree.missing_go_to_left.view(np.uint8)
        cdef const int64_t[::1] feature = tree.feature, left = tree.children_left, right = tree.children_right
        cdef const int64_t[::1] start = tree.category_start, code = tree.category_code, child = tree.category_child
        self.kept, self.n_nodes = (tree, cut), kind.shape[0]
        self.nodes.kind, self.nodes.missing_left = &kind[0], &missing_left[0]
        self.nodes.feature, self.nodes.cut = &feature[0], &cut[0]
        self.nodes.left, self.nodes.right, self.nodes.category_start = &left[0], &right[0], &start[0]
        if code.shape[0]:
            self.nodes.category_code, self.nodes.category_child = &code[0], &child[0]


cdef inline int64_t _entry(const Nodes* tree, int64_t at, int64_t code) noexcept nogil:
    """Where a category stands in a node's list, -1 if it did not occur there in training."""
    cdef int64_t low = tree.category_start[at], end = tree.category_start[at + 1], high = end, middle
    while low < high:
        middle = (low + high) // 2
        if tree.category_code[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low if low < end and tree.category_code[low] == code else -1


cdef inline int64_t _child(const Nodes* tree, int64_t at, int64_t code) noexcept nogil:
    """The node to which a row goes on, -1 if it stops at this one."""
    cdef int64_t entry
    cdef bint goes_left
    if tree.kind[at] == MULTIWAY or tree.kind[at] == SUBSET:
        entry = _entry(tree, at, code)
        return tree.category_child[entry] if entry >= 0 else -1
    if code < -1:
        return -1
    goes_left = tree.missing_left[at] if code < 0 else code <= tree.cut[at]
    return tree.left[at] if goes_left else tree.right[at]


def walk_codes(Py_ssize_t start, Py_ssize_t stop, const int64_t[:, ::1] codes, CodedTree tree not None,
               int64_t[::1] out):
    """Put the node at which each row stops into out.

    codes: of numbers, how many thresholds of the column are below them, -1 where missing, -2 for an ordered category
    that was not fitted
    """
    cdef Nodes nodes = tree.nodes
    cdef Py_ssize_t i
    cdef int64_t at, child
    with nogil:
        for i in range(start, stop):
            at = 0
            while nodes.kind[at] != LEAF:
                child = _child(&nodes, at, codes[i, nodes.feature[at]])
                if child < 0:
                    break
                at = child
            out[i] = at


def blend_codes(Py_ssize_t start, Py_ssize_t stop, const int64_t[:, ::1] codes, const int64_t[::1] missing,
                CodedTree tree not None, const double[::1] weight, const double[:, ::1] value,
                double[:, ::1] out):
    """Add to out the value of each node that a row stops at, times its share. missing: each column's code for it."""
    cdef Nodes nodes = tree.nodes
    cdef Share* stack = <Share*> malloc((tree.n_nodes + 1) * sizeof(Share))
    cdef Share top
    cdef Py_ssize_t i, k, height
    cdef int64_t code, child
    if stack == NULL:
        raise MemoryError
    with nogil:
        for i in range(start, stop):
            stack[0].node, stack[0].part = 0, 1
            height = 1
            while height:
                height -= 1
                top = stack[height]
                child = -1
                if nodes.kind[top.node] != LEAF:
                    code = codes[i, nodes.feature[top.node]]
                    if code == missing[nodes.feature[top.node]]:
                        height = _push_branches(&nodes, stack, height, &top, weight)
                        continue
                    child = _child(&nodes, top.node, code)
                if child >= 0:
                    stack[height].node, stack[height].part = child, top.part
                    height += 1
                    continue
                for k in range(out.shape[1]):
                    out[i, k] += top.part * value[top.node, k]
    free(stack)


cdef Py_ssize_t _push_branches(const Nodes* tree, Share* stack, Py_ssize_t height, const Share* top,
                               const double[::1] weight) noexcept nogil:
    """Every branch gets the share that it had of the node's weight in training; the first is on top."""
    cdef int64_t entry, at = top.node
    if tree.kind[at] == MULTIWAY:
        for entry in range(tree.category_start[at + 1] - 1, tree.category_start[at] - 1, -1):
            height = _push(stack, height, tree.category_child[entry], top, weight)
        return height
    height = _push(stack, height, tree.right[at], top, weight)
    return _push(stack, height, tree.left[at], top, weight)


cdef inline Py_ssize_t _push(Share* stack, Py_ssize_t height, int64_t node, const Share* top,
                             const double[::1] weight) noexcept nogil:
    stack[height].node, stack[height].part = node, top.part * (weight[node] / weight[top.node])
    return height + 1
