"""The rows of a tree of fractional instances: a row stands in every branch that gets a share of it.

Contract: reference/fractions.py. Nodes are grown depth first, so the rows of those that wait lie on a stack: a node's
rows are the last ones, and those of its branches take their place, the first branch's on top.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from fastml_ext.tree.growing.groups cimport Scratch
from fastml_ext.tree.growing.nodes cimport NOWHERE, Parts, Place, find_branches
from fastml_ext.tree.growing.search cimport Split
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules


cdef bint open_fractions(Fractions* fractions, const Rows* rows, Parts* parts, bint wanted) noexcept nogil:
    """Room for the rows of the root, if wanted; False where there is none."""
    cdef bint target = rows.target != NULL
    fractions.room = 0
    fractions.rows.row = fractions.rows.label = fractions.spare.row = fractions.spare.label = NULL
    fractions.rows.weight = fractions.rows.target = fractions.rows.share = NULL
    fractions.spare.weight = fractions.spare.target = fractions.spare.share = NULL
    if not wanted:
        return True
    parts.end = <int64_t*> malloc((rows.n + 3) * sizeof(int64_t))
    return parts.end != NULL and _make_room(fractions, rows.n, target) and _allot(&fractions.spare, rows.n, target)


cdef void fill_fractions(Fractions* fractions, const Rows* rows) noexcept nogil:
    """The rows of the root, all of each."""
    cdef Py_ssize_t i
    _copy(rows, 0, &fractions.rows, 0, rows.n)
    for i in range(rows.n):
        fractions.rows.share[i] = 1


cdef void close_fractions(Fractions* fractions) noexcept nogil:
    _release(&fractions.rows)
    _release(&fractions.spare)


cdef void _release(Rows* rows) noexcept nogil:
    free(rows.row)
    free(rows.label)
    free(rows.weight)
    free(rows.target)
    free(rows.share)


cdef bint _allot(Rows* rows, Py_ssize_t n, bint target) noexcept nogil:
    """Arrays of n rows, with what they had."""
    cdef void* grown[5]
    grown[0] = realloc(rows.row, n * sizeof(uint32_t))
    rows.row = <uint32_t*> grown[0] if grown[0] != NULL else rows.row
    grown[1] = realloc(rows.label, n * sizeof(uint32_t))
    rows.label = <uint32_t*> grown[1] if grown[1] != NULL else rows.label
    grown[2] = realloc(rows.weight, n * sizeof(double))
    rows.weight = <double*> grown[2] if grown[2] != NULL else rows.weight
    grown[3] = realloc(rows.share, n * sizeof(double))
    rows.share = <double*> grown[3] if grown[3] != NULL else rows.share
    grown[4] = realloc(rows.target, n * sizeof(double)) if target else NULL
    rows.target = <double*> grown[4] if grown[4] != NULL else rows.target
    return (grown[0] != NULL and grown[1] != NULL and grown[2] != NULL and grown[3] != NULL
            and (grown[4] != NULL or not target))


cdef bint _make_room(Fractions* fractions, Py_ssize_t n, bint target) noexcept nogil:
    if n <= fractions.room:
        return True
    if not _allot(&fractions.rows, n + n // 2, target):
        return False
    fractions.room = n + n // 2
    return True


cdef void _copy(const Rows* rows, Py_ssize_t begin, Rows* to, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    memcpy(to.row + at, rows.row + begin, n * sizeof(uint32_t))
    memcpy(to.label + at, rows.label + begin, n * sizeof(uint32_t))
    memcpy(to.weight + at, rows.weight + begin, n * sizeof(double))
    if rows.share != NULL:
        memcpy(to.share + at, rows.share + begin, n * sizeof(double))
    if rows.target != NULL:
        memcpy(to.target + at, rows.target + begin, n * sizeof(double))


cdef bint deal_rows(const Column* column, Fractions* fractions, const Place* place, const Node* node,
                    const Rules* rules, Scratch* s, const Split* split, Parts* parts) noexcept nogil:
    """Put the rows of each branch in the place of the node's; a row of unknown value into all of them, in shares."""
    cdef Rows part = fractions.rows
    cdef Rows* spare = &fractions.spare
    cdef Py_ssize_t i, b, n = place.end - place.begin, n_unknown = 0
    cdef double known = 0
    part.row += place.begin
    part.label += place.begin
    part.weight += place.begin
    part.share += place.begin
    part.target = part.target + place.begin if part.target != NULL else NULL
    part.n = n
    find_branches(column, &part, node, rules, s, split, parts)
    _copy(&fractions.rows, place.begin, spare, 0, n)
    for b in range(parts.n_branches):
        parts.spare_double[b] = parts.begin[b] = 0
    for i in range(n):
        if parts.branch[i] == NOWHERE:
            n_unknown += 1
        else:
            parts.spare_double[parts.branch[i]] += spare.weight[i]
            parts.begin[parts.branch[i]] += 1
            known += spare.weight[i]
    if not _make_room(fractions, place.end + (parts.n_branches - 1) * n_unknown, part.target != NULL):
        return False
    parts.end[parts.n_branches] = parts.end[parts.n_branches - 1] = place.begin
    for b in range(parts.n_branches - 1, 0, -1):  # where each branch begins, and, when its rows are there, ends
        parts.end[b - 1] = parts.end[b] + <Py_ssize_t> parts.begin[b] + n_unknown
    for i in range(n):
        if parts.branch[i] != NOWHERE:
            _put(spare, i, &fractions.rows, &parts.end[parts.branch[i]], 1)
            continue
        for b in range(parts.n_branches):
            _put(spare, i, &fractions.rows, &parts.end[b], parts.spare_double[b] / known)
    return True


cdef inline void _put(const Rows* rows, Py_ssize_t i, Rows* to, int64_t* end, double share) noexcept nogil:
    cdef int64_t at = end[0]
    end[0] += 1
    to.row[at], to.label[at] = rows.row[i], rows.label[i]
    to.weight[at], to.share[at] = share * rows.weight[i], share * rows.share[i]
    if rows.target != NULL:
        to.target[at] = rows.target[i]
