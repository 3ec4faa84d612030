"""Subtrees grown depth first, each by one thread, on a compact copy of its rows' codes.

Contract: reference/growing.py.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, qsort, realloc
from libc.string cimport memcpy

import numpy as np

from fastml_ext.tree.enums cimport DEVIATIONS, LARGEST, MULTIWAY, NUMERIC, SUBSET
from fastml_ext.tree.growing.alone cimport grow_alone
from fastml_ext.tree.growing.compact cimport compact, free_columns
from fastml_ext.tree.growing.fractions cimport Fractions, close_fractions, deal_rows, fill_fractions, open_fractions
from fastml_ext.tree.growing.groups cimport Scratch, release, reserve
from fastml_ext.tree.growing.nodes cimport (
    Limits, Nodes, Parts, Place, Record,
    bounds, choose, clip, describe, free_nodes, free_parts, gains_enough, may_split, more_categories, more_nodes,
    note_split, part_rows, reserve_parts,
)
from fastml_ext.tree.growing.presorted cimport are_scanned, free_numbers, number_rows, part_order
from fastml_ext.tree.growing.problem cimport Problem, Waiting
from fastml_ext.tree.growing.search cimport Split, mix, search_column
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules, tie_of
from fastml_ext.tree.growing.sweep cimport rounded_shares

from fastml_ext.tree.growing.nodes import RECORD


def grow_subtrees(Py_ssize_t start, Py_ssize_t stop, Problem problem, list waiting):
    """[(records, values, category codes, category children)] of the nodes waiting[start:stop], with all below them.

    The rows of each are reordered.
    """
    cdef Waiting root
    cdef Rows rows
    cdef Nodes nodes
    cdef bint grown
    trees = []
    for root in waiting[start:stop]:
        rows = problem.rows(&root.place)
        with nogil:
            grown = _grow(problem, root, &rows, &nodes)
        try:
            if not grown:
                raise MemoryError
            trees.append(_arrays(&nodes))
        finally:
            free_nodes(&nodes)
    return trees


cdef _arrays(Nodes* nodes):
    records = np.empty(nodes.n, RECORD)
    values = np.empty((nodes.n, nodes.n_classes))
    codes = np.empty(nodes.n_categories, np.uint32)
    children = np.empty(nodes.n_categories, np.int64)
    cdef Record[::1] record = records
    cdef double[:, ::1] value = values
    cdef uint32_t[::1] code
    cdef int64_t[::1] child
    memcpy(&record[0], nodes.records, nodes.n * sizeof(Record))
    memcpy(&value[0, 0], nodes.values, nodes.n * nodes.n_classes * sizeof(double))
    if nodes.n_categories:
        code, child = codes, children
        memcpy(&code[0], nodes.codes, nodes.n_categories * sizeof(uint32_t))
        memcpy(&child[0], nodes.children, nodes.n_categories * sizeof(int64_t))
    return records, values, codes, children


cdef struct Keyed:
    uint64_t key
    uint32_t column


cdef struct Extent:  # of a presorted column, in a node
    uint32_t column, first, n


cdef struct Work:
    const Rules* rules
    const Limits* limits
    Nodes* nodes
    Scratch scratch
    Parts parts
    Fractions fractions  # of shares of rows
    Column* columns  # the compact copies
    Py_ssize_t n_columns
    uint32_t* order  # columns; those known to be constant come first
    uint32_t* searched
    Split* splits
    Keyed* keyed
    Place* stack
    Py_ssize_t height, room
    double* values
    bint presorts  # whether columns of numbers are presorted
    bint pairs_are_alike
    bint any_partial  # and some of them lack the entries of a code: then each node keeps where its own stand
    Extent* extents  # a stack of those of the nodes that wait, and room for the two branches of one
    Extent* branch_extents
    Py_ssize_t n_extents, extent_room


cdef bint _presorts(const Column* columns, const Rules* rules, const Limits* limits, const uint32_t* active,
                    Py_ssize_t n_active, const Rows* rows) noexcept nogil:
    """Presorted columns are parted in every node: that is worth it where most of them are searched, in two branches."""
    cdef Py_ssize_t j
    if rules.mode == DEVIATIONS or rules.random or rules.fractional or rows.n > LARGEST:
        return False
    for j in range(n_active):
        if columns[active[j]].kind == MULTIWAY:
            return False
    return limits.max_features == 0 or 3 * limits.max_features > n_active


cdef bint _grow(Problem problem, Waiting root, Rows* rows, Nodes* nodes) noexcept nogil:
    """Grow one subtree; False where memory runs out."""
    cdef const Column* columns = problem.columns
    cdef const Rules* rules = &problem.rules
    cdef const Limits* limits = &problem.limits
    cdef Py_ssize_t n_active = root.columns.shape[0]
    cdef const uint32_t* active = &root.columns[0] if n_active else NULL
    cdef Work work
    cdef Py_ssize_t j
    cdef bint grown
    cdef uint32_t n_codes = 0
    nodes.records, nodes.values, nodes.codes, nodes.children = NULL, NULL, NULL, NULL
    nodes.n = nodes.room = nodes.n_categories = nodes.category_room = 0
    nodes.n_classes = rules.n_outputs * rules.n_classes
    if problem.alone >= 0 and rows.n == problem.every.n:
        return grow_alone(columns + problem.alone, rows, rules, limits, nodes)
    work.rules, work.limits, work.nodes = rules, limits, nodes
    work.n_columns = 0
    work.columns = <Column*> calloc(n_active + 1, sizeof(Column))
    work.order = <uint32_t*> calloc(2 * (n_active + 1), sizeof(uint32_t))
    work.searched = work.order + n_active + 1
    work.splits = <Split*> calloc(n_active + 1, sizeof(Split))
    work.keyed = <Keyed*> calloc(n_active + 1, sizeof(Keyed))
    work.stack, work.height, work.room = NULL, 0, 0
    work.extents, work.n_extents, work.extent_room, work.any_partial = NULL, 0, 0, False
    work.branch_extents = <Extent*> calloc(2 * (n_active + 1), sizeof(Extent))
    for j in range(n_active):
        n_codes = max(n_codes, columns[active[j]].n_codes)
    work.scratch.memory = NULL
    work.scratch.by_number.label, work.scratch.reciprocal, work.scratch.numbers = NULL, NULL, NULL
    work.scratch.by_number.weight = work.scratch.by_number.target = NULL
    grown = reserve_parts(&work.parts, rows.n) and open_fractions(&work.fractions, rows, &work.parts, rules.fractional)
    grown &= reserve(&work.scratch, rules, rows.n,
                     max(<Py_ssize_t> n_codes, _n_labels(rules, rows) if rules.mode == DEVIATIONS else 0))
    work.presorts = _presorts(columns, rules, limits, active, n_active, rows)
    grown = grown and (not work.presorts or number_rows(&work.scratch, rules, rows))
    grown &= work.columns != NULL and work.order != NULL and work.splits != NULL and work.keyed != NULL
    grown &= work.branch_extents != NULL
    grown = grown and _read_columns(&work, columns, active, n_active, rows) and _grow_from(&work, &root.place, rows)
    if rows.n <= LARGEST and work.columns != NULL:
        free_columns(work.columns, n_active)
    free(work.columns)
    free(work.order)
    free(work.splits)
    free(work.keyed)
    free(work.stack)
    free(work.extents)
    free(work.branch_extents)
    free_parts(&work.parts)
    close_fractions(&work.fractions)
    free_numbers(&work.scratch)
    release(&work.scratch)
    return grown


cdef Py_ssize_t _n_labels(const Rules* rules, const Rows* rows) noexcept nogil:
    cdef Py_ssize_t i, q, most = 0
    for i in range(rows.n):
        if rules.n_outputs == 1:
            most = max(most, <Py_ssize_t> rows.label[i])
        else:
            for q in range(rules.n_outputs):
                most = max(most, <Py_ssize_t> rules.labels[rows.label[i] * rules.n_outputs + q])
    return most + 1


cdef bint _read_columns(Work* work, const Column* columns, const uint32_t* active, Py_ssize_t n_active,
                        Rows* rows) noexcept nogil:
    """The columns of the subtree; False where memory runs out.

    A tree of fractional instances is one subtree, however large: above LARGEST rows its codes stay where they are.
    """
    cdef Py_ssize_t i
    if rows.n > LARGEST:
        for i in range(n_active):
            work.columns[i] = columns[active[i]]
        work.n_columns = n_active
    else:
        work.n_columns = compact(&work.scratch, work.rules, columns, active, n_active, rows, work.presorts,
                                 work.columns)
        for i in range(rows.n):
            rows.row[i] = <uint32_t> i
    for i in range(work.n_columns):
        work.order[i] = <uint32_t> i
        work.any_partial |= work.columns[i].partial
    work.pairs_are_alike = _pairs_are_alike(work, rows)
    return work.n_columns >= 0


cdef bint _push_extents(Work* work, Py_ssize_t n_constant, const Extent* extents) noexcept nogil:
    """Where the entries of the presorted columns of a node stand, until it is its turn."""
    cdef Py_ssize_t n = work.n_columns - n_constant
    cdef void* grown
    if work.n_extents + n > work.extent_room:
        work.extent_room = 2 * work.extent_room + n + 64
        grown = realloc(work.extents, work.extent_room * sizeof(Extent))
        if grown == NULL:
            return False
        work.extents = <Extent*> grown
    memcpy(work.extents + work.n_extents, extents, n * sizeof(Extent))
    work.n_extents += n
    return True


cdef void _pop_extents(Work* work, const Place* place) noexcept nogil:
    """Tell the presorted columns where the entries of the node stand that is grown now."""
    cdef Py_ssize_t i, n = work.n_columns - place.n_constant
    cdef Column* column
    cdef const Extent* extent
    if work.any_partial:
        work.n_extents -= n
        for i in range(n):
            extent = work.extents + work.n_extents + i
            work.columns[extent.column].first, work.columns[extent.column].n_entries = extent.first, extent.n
        return
    for i in range(place.n_constant, work.n_columns):
        column = work.columns + work.order[i]
        column.first, column.n_entries = place.begin, place.end - place.begin


cdef bint _push(Work* work, const Place* place) noexcept nogil:
    cdef void* grown
    if work.height == work.room:
        work.room = 2 * work.room + 64
        grown = realloc(work.stack, work.room * sizeof(Place))
        if grown == NULL:
            return False
        work.stack = <Place*> grown
    work.stack[work.height] = place[0]
    work.height += 1
    return True


cdef bint _grow_from(Work* work, const Place* root, const Rows* given) noexcept nogil:
    cdef Place place = root[0]
    cdef const Rows* rows = given
    cdef Nodes* nodes = work.nodes
    cdef Record* record
    cdef Rows part
    cdef Py_ssize_t i
    place.end, place.begin = place.end - place.begin, 0
    place.parent, place.n_constant, place.is_leaf = -1, 0, False
    if work.rules.fractional:
        fill_fractions(&work.fractions, given)
        rows = &work.fractions.rows
    for i in range(work.n_columns if work.any_partial else 0):
        work.branch_extents[i].column, work.branch_extents[i].first = <uint32_t> i, 0
        work.branch_extents[i].n = <uint32_t> work.columns[i].n_entries
    if not _push(work, &place) or (work.any_partial and not _push_extents(work, 0, work.branch_extents)):
        return False
    while work.height:
        work.height -= 1
        place = work.stack[work.height]
        if work.presorts and not place.is_leaf:
            _pop_extents(work, &place)
        if not more_nodes(nodes):
            return False
        if place.parent >= 0:
            record = nodes.records + place.parent
            if record.kind == MULTIWAY:
                nodes.children[record.category_start + place.branch] = nodes.n
            elif place.branch == 0:
                record.left = nodes.n
            else:
                record.right = nodes.n
        part.row, part.label, part.n = rows.row + place.begin, rows.label + place.begin, place.end - place.begin
        part.weight = rows.weight + place.begin if rows.weight != NULL else NULL
        part.target = rows.target + place.begin if rows.target != NULL else NULL
        part.share = rows.share + place.begin if rows.share != NULL else NULL
        part.begin = place.begin
        if not _grow_node(work, &place, &part):
            return False
    for i in range(nodes.n):
        record = nodes.records + i
        if record.kind == SUBSET:
            _resolve(nodes, record, nodes.n_categories if i + 1 == nodes.n else nodes.records[i + 1].category_start)
    return True


cdef void _resolve(Nodes* nodes, const Record* record, Py_ssize_t end) noexcept nogil:
    """The categories of a SUBSET split were noted with their branch: put the child in its place."""
    cdef Py_ssize_t i
    for i in range(record.category_start, end):
        nodes.children[i] = record.right if nodes.children[i] else record.left


cdef bint _grow_node(Work* work, Place* place, Rows* rows) noexcept nogil:
    """Describe a node, split it where it may be, and put its children on the stack, the first on top."""
    cdef Nodes* nodes = work.nodes
    cdef Record* record = nodes.records + nodes.n
    cdef double* value = nodes.values + nodes.n * nodes.n_classes
    cdef Node node
    cdef double shares
    cdef Py_ssize_t best, n_searched
    cdef const Column* column
    cdef const Split* split
    describe(&work.scratch, work.rules, rows, record, value)
    clip(work.rules, value, place)
    record.category_start = nodes.n_categories
    nodes.n += 1
    if place.is_leaf or not may_split(work.limits, record, place.depth):
        return True
    shares = work.scratch.sweep.sum_all[work.rules.n_stats - 1]
    if rows.share != NULL and rounded_shares(shares) < work.limits.min_split:
        return True
    node.weight, node.tolerance = record.weight, tie_of(record.weight, record.impurity)
    node.lower, node.upper, node.key = place.lower, place.upper, place.key
    if rows.n == 2 and work.pairs_are_alike:
        n_searched = _search_pair(work, place, rows, &node)
    else:
        n_searched = _search(work, place, rows, &node)
    best = choose(work.splits, n_searched, node.tolerance, work.rules.ratio)
    if best < 0 or not gains_enough(work.splits + best, work.limits):
        return True
    column, split = work.columns + work.searched[best], work.splits + best
    node.key = mix(place.key, column.number)
    if not work.rules.fractional:
        part_rows(column, rows, &node, work.rules, &work.scratch, split, &work.parts)
    elif not deal_rows(column, &work.fractions, place, &node, work.rules, &work.scratch, split, &work.parts):
        return False
    note_split(column, split, &work.parts, record)
    if record.kind != NUMERIC and not _note_categories(work, column):
        return False
    return _push_children(work, column, place, record, rows)


cdef int _by_key(const void* a, const void* b) noexcept nogil:
    cdef uint64_t x = (<const Keyed*> a).key, y = (<const Keyed*> b).key
    return 1 if x > y else -1 if x < y else 0


cdef bint _pairs_are_alike(const Work* work, const Rows* rows) noexcept nogil:
    """Whether in a node of two rows every column that tells them apart gains the same, by one rule."""
    cdef Py_ssize_t i
    if not work.presorts or work.rules.monotone or not are_scanned(work.rules, rows):
        return False
    for i in range(work.n_columns):
        if work.columns[i].kind != NUMERIC or work.columns[i].order == NULL:
            return False
    return work.limits.max_features == 0 and work.limits.min_leaf <= 1


cdef Py_ssize_t _search_pair(Work* work, const Place* place, const Rows* rows, const Node* node) noexcept nogil:
    """Search the first column that tells two rows apart: the others gain the same."""
    cdef Py_ssize_t i, best = -1
    cdef const Column* column
    for i in range(place.n_constant, work.n_columns):
        column = work.columns + work.order[i]
        if column.n_entries == 0 or (column.n_entries == 2 and column.order[column.first] >> 16
                                     == column.order[column.first + 1] >> 16):
            continue
        if best < 0 or column.number < work.columns[best].number:
            best = work.order[i]
    if best < 0:
        return 0
    work.searched[0] = <uint32_t> best
    search_column(work.columns + best, rows, node, work.rules, &work.scratch, work.splits, NULL)
    return 1


cdef Py_ssize_t _search(Work* work, Place* place, const Rows* rows, const Node* node) noexcept nogil:
    """Search the columns that are not constant, or max_features of them in the order of their keys."""
    cdef Py_ssize_t i, n_searched = 0, n_left = work.n_columns - place.n_constant
    cdef bint some = work.limits.max_features > 0, found = False
    cdef uint32_t j
    cdef Node keyed = node[0]
    for i in range(n_left):
        work.keyed[i].column = work.order[place.n_constant + i]
        if some or work.rules.random:
            work.keyed[i].key = mix(place.key, work.columns[work.keyed[i].column].number)
    if some:
        qsort(work.keyed, n_left, sizeof(Keyed), _by_key)
    for i in range(n_left):
        if some and found and n_searched >= work.limits.max_features:
            break
        j = work.keyed[i].column
        keyed.key = work.keyed[i].key
        search_column(work.columns + j, rows, &keyed, work.rules, &work.scratch, work.splits + n_searched, NULL)
        if work.splits[n_searched].constant:  # and so in the whole subtree: from here on it is passed over
            work.order[place.n_constant] = j
            place.n_constant += 1
        else:
            work.searched[n_searched] = j
            found |= work.splits[n_searched].gain > -INFINITY
            n_searched += 1
    else:
        i = n_left
    memcpy(work.order + place.n_constant, work.searched, n_searched * sizeof(uint32_t))
    for j in range(<uint32_t> i, <uint32_t> n_left):
        work.order[place.n_constant + n_searched + j - i] = work.keyed[j].column
    return n_searched


cdef bint _note_categories(Work* work, const Column* column) noexcept nogil:
    """List the node's categories; their children are numbered when these are grown."""
    cdef Nodes* nodes = work.nodes
    cdef Py_ssize_t g
    cdef uint32_t code
    if not more_categories(nodes, work.scratch.n_groups):
        return False
    for g in range(work.scratch.n_groups):
        code = work.scratch.present[g]
        nodes.codes[nodes.n_categories] = column.original[code] if column.original != NULL else code
        nodes.children[nodes.n_categories] = not work.parts.goes_left[g] if column.kind == SUBSET else -1
        nodes.n_categories += 1
    return True


cdef void _part_columns(Work* work, const Column* column, const Place* place, const Rows* rows,
                        bint* is_leaf) noexcept nogil:
    """Part the presorted columns, but for the sides of which it is known that they are leaves."""
    cdef Py_ssize_t i, n, n_left = work.parts.begin[1]
    cdef const Column* other
    cdef Extent* left
    cdef Extent* right
    is_leaf[0] = _surely_leaf(work, place.depth + 1, rows, 0, n_left)
    is_leaf[1] = _surely_leaf(work, place.depth + 1, rows, n_left, rows.n)
    if is_leaf[0] and is_leaf[1]:
        return
    if column.order == NULL:
        for i in range(rows.n):
            work.parts.side[rows.row[i]] = i >= n_left
    for i in range(place.n_constant, work.n_columns):
        other = work.columns + work.order[i]
        n = 0
        if other.order != NULL:
            n = part_order(other.order + other.first, other.n_entries, work.parts.side, not is_leaf[0], not is_leaf[1],
                           work.parts.spare)
        left, right = work.branch_extents + i, work.branch_extents + work.n_columns + i
        left.column = right.column = work.order[i]
        left.first, left.n = <uint32_t> other.first, <uint32_t> n
        right.first, right.n = <uint32_t> (other.first + n), <uint32_t> (other.n_entries - n)


cdef bint _surely_leaf(const Work* work, int64_t depth, const Rows* rows, Py_ssize_t begin,
                       Py_ssize_t end) noexcept nogil:
    """Whether a branch is a leaf because of its depth, its size or equal targets: most leaves are."""
    cdef Py_ssize_t i
    if depth >= work.limits.max_depth or end - begin < max(work.limits.min_split, 2 * work.limits.min_leaf):
        return True
    if work.rules.n_outputs > 1:
        return False
    for i in range(begin + 1, end):
        if rows.target[i] != rows.target[begin] if work.rules.regression else rows.label[i] != rows.label[begin]:
            return False
    return True


cdef bint _push_children(Work* work, const Column* column, const Place* place, const Record* record,
                         Rows* rows) noexcept nogil:
    cdef Place child
    cdef Py_ssize_t b = work.parts.n_branches, name
    cdef bint is_leaf[2]
    if work.presorts:
        _part_columns(work, column, place, rows, is_leaf)
    while b > 0:
        b -= 1
        name = 2 + work.nodes.codes[record.category_start + b] if column.kind == MULTIWAY else b
        if work.rules.fractional:
            child.begin, child.end = work.parts.end[b + 1], work.parts.end[b]
        else:
            child.begin, child.end = place.begin + work.parts.begin[b], place.begin + work.parts.begin[b + 1]
        child.depth, child.parent, child.branch = place.depth + 1, work.nodes.n - 1, b
        child.n_constant, child.key = place.n_constant, mix(place.key, name)
        child.lower, child.upper = place.lower, place.upper
        child.is_leaf = work.presorts and is_leaf[b]
        if work.rules.monotone:
            bounds(column, record, rows, work.rules, &work.scratch, &work.parts, place, b, &child.lower, &child.upper)
        if not _push(work, &child):
            return False
        if work.any_partial and not is_leaf[b] and not _push_extents(
                work, place.n_constant, work.branch_extents + b * work.n_columns + place.n_constant):
            return False
    return True
