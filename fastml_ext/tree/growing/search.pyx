"""The best split of one column in one node. Contract: reference/growing.py."""

from libc.math cimport INFINITY, NAN
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, qsort
from libc.string cimport memset

from fastml_ext.tree.enums cimport BUNDLE, DEVIATIONS, MULTIWAY, NUMERIC
from fastml_ext.device.splitmix cimport step
from fastml_ext.tree.growing.groups cimport Scratch, group
from fastml_ext.tree.growing.presorted cimport is_scanned, scan
from fastml_ext.tree.growing.state cimport Column, Node, Rows, Rules, Sweep
from fastml_ext.tree.growing.sweep cimport (
    cost, move, side_allowed, side_cost, side_place, side_weight, split_info, start,
)

cdef enum:
    EXHAUSTIVE = 10  # categories of which every two-way grouping is tried: 511


cdef uint64_t mix(uint64_t key, uint64_t branch) noexcept nogil:
    """The key of a branch of a node, or of a column in a node."""
    return step(key, branch + 1)


cdef double uniform(uint64_t key) noexcept nogil:
    return (key >> 11) * (1.0 / 9007199254740992.0)


cdef void search_column(const Column* column, const Rows* rows, const Node* node, const Rules* rules, Scratch* s,
                        Split* split, uint8_t* goes_left) noexcept nogil:
    """The best split of a column; `goes_left`, if given, takes for each group of a SUBSET split where it goes."""
    split.gain, split.info, split.threshold = -INFINITY, 0, NAN
    split.missing_left = False
    split.left = split.right = 0
    split.column = column.number
    if column.order != NULL and is_scanned(column, rows, rules):
        scan(column, rows, node, rules, s, split)
        return
    split.constant = not group(s, column, rules, rows)
    if split.constant:
        return
    if rules.fractional and s.present[s.n_groups - 1] == column.n_codes:
        _search_known(column, node, rules, s, split, goes_left)
    else:
        search_groups(column, node, rules, s, split, goes_left)
    start(&s.sweep)


cdef void _search_known(const Column* column, const Node* node, const Rules* rules, Scratch* s, Split* split,
                        uint8_t* goes_left) noexcept nogil:
    """Search the rows whose value is known: the others, the last group, are set aside. Quinlan 1993, section 3.2."""
    cdef Sweep* sweep = &s.sweep
    cdef Py_ssize_t g, k, n = rules.n_stats
    cdef double missing
    s.n_groups -= 1
    split.constant = s.n_groups < 2  # below this node no other value is met
    if split.constant:
        return
    for g in range(s.n_groups):
        move(sweep, g, 1)
    for k in range(n):
        sweep.sum_kept[k], sweep.sum_all[k] = sweep.sum_all[k], sweep.sum_left[k]
    missing = node.weight - side_weight(sweep, True)
    start(sweep)
    search_groups(column, node, rules, s, split, goes_left)
    split.info += split_info(missing, node.weight)
    for k in range(n):
        sweep.sum_all[k] = sweep.sum_kept[k]


cdef void search_groups(const Column* column, const Node* node, const Rules* rules, Scratch* s, Split* split,
                        uint8_t* goes_left) noexcept nogil:
    """The best split of a column whose groups are found, with every row on the right side."""
    cdef Py_ssize_t last
    s.sweep.monotonic, s.sweep.lower, s.sweep.upper = column.monotonic, node.lower, node.upper
    last = s.n_groups - (s.present[s.n_groups - 1] == column.n_codes)  # the missing values, if any, are the last group
    if column.kind == NUMERIC:
        if rules.random:
            _random_cut(s, column, node, last, split)
        else:
            _best_cut(s, node, last, split)
        if column.original != NULL:
            split.left = column.original[split.left]
            split.right = column.original[split.right]
    elif column.kind == BUNDLE:
        _best_member(s, column, node, split)
    elif column.kind == MULTIWAY:
        _every_branch(s, node, split)
    elif s.n_groups > EXHAUSTIVE or _ordering_is_exact(rules):
        _best_ordering(s, node, rules, split, goes_left)
    else:
        _best_grouping(s, node, split, goes_left)


cdef inline bint _ordering_is_exact(const Rules* rules) noexcept nogil:
    """The best grouping of two classes, or for a mean, cuts the order of the categories, where none is forbidden."""
    return rules.n_classes <= 2 and rules.mode != DEVIATIONS and rules.min_leaf <= 1 and rules.min_weight == 0 \
        and not rules.fractional and rules.n_outputs == 1


cdef inline bint _better(Scratch* s, const Node* node, double parent, Split* split) noexcept nogil:
    """Take the present cut where it gains more than what was found before."""
    cdef double gain = parent - cost(&s.sweep)
    if gain > split.gain + node.tolerance or (split.gain == -INFINITY and gain > -INFINITY):
        split.gain = gain
        if s.sweep.rules.ratio:
            split.info = (split_info(side_weight(&s.sweep, True), node.weight)
                          + split_info(side_weight(&s.sweep, False), node.weight))
        return True
    return False


cdef void _best_cut(Scratch* s, const Node* node, Py_ssize_t last, Split* split) noexcept nogil:
    """The best threshold among groups 0 .. last; the missing values, if any, go right, then left."""
    cdef double parent = side_cost(&s.sweep, False)
    cdef Py_ssize_t g
    for g in range(last if last < s.n_groups else last - 1):
        move(&s.sweep, g, 1)
        if _better(s, node, parent, split):
            split.left, split.right = s.present[g], s.present[g + 1]
    if last == s.n_groups:
        return
    start(&s.sweep)
    move(&s.sweep, last, 1)
    for g in range(last - 1):
        move(&s.sweep, g, 1)
        if _better(s, node, parent, split):
            split.left, split.right, split.missing_left = s.present[g], s.present[g + 1], True


cdef void _random_cut(Scratch* s, const Column* column, const Node* node, Py_ssize_t last, Split* split) noexcept nogil:
    """One threshold drawn uniformly between the smallest and the largest value; missing values go to either side."""
    cdef double parent = side_cost(&s.sweep, False), low, high, t
    cdef Py_ssize_t g = 0
    if last < 2:  # one value and missing ones
        move(&s.sweep, 0, 1)
        if _better(s, node, parent, split):
            split.left, split.right = s.present[0], s.present[1]
        return
    low, high = column.values[s.present[0]], column.values[s.present[last - 1]]
    t = low + uniform(node.key) * (high - low) if high - low < INFINITY else \
        (1 - uniform(node.key)) * low + uniform(node.key) * high
    if not t < high:
        t = low
    if last < s.n_groups and mix(node.key, 0) & 1:
        split.missing_left = True
        move(&s.sweep, last, 1)
    while g == 0 or (g < last - 1 and column.values[s.present[g]] <= t):
        move(&s.sweep, g, 1)
        g += 1
    if _better(s, node, parent, split):
        split.left, split.right, split.threshold = s.present[g - 1], s.present[g], t


cdef void _best_member(Scratch* s, const Column* column, const Node* node, Split* split) noexcept nogil:
    """The best column of a bundle; the left side takes the rows in which it has its higher value."""
    cdef double parent = side_cost(&s.sweep, False)
    cdef Py_ssize_t g
    cdef uint32_t code
    for g in range(s.n_groups):
        code = column.original[s.present[g]] if column.original != NULL else s.present[g]
        if code > 0:
            start(&s.sweep)
            move(&s.sweep, g, 1)
            if _better(s, node, parent, split):
                split.left, split.column = code, column.members[code - 1]


cdef void _every_branch(Scratch* s, const Node* node, Split* split) noexcept nogil:
    """A branch for each group, each of which must be allowed; of shares of rows, two of them, as in C4.5."""
    cdef double total = side_cost(&s.sweep, False)
    cdef Py_ssize_t g, n_allowed = 0
    for g in range(s.n_groups):
        start(&s.sweep)
        move(&s.sweep, g, 1)
        if side_allowed(&s.sweep, True):
            n_allowed += 1
        elif not s.sweep.rules.fractional:
            return
        total -= side_cost(&s.sweep, True)
        split.info += split_info(side_weight(&s.sweep, True), node.weight)
    if total > -INFINITY and n_allowed > 1:
        split.gain = total


ctypedef struct Scored:
    double score
    uint32_t group


cdef int _by_score(const void* a, const void* b) noexcept nogil:
    cdef const Scored* x = <const Scored*> a
    cdef const Scored* y = <const Scored*> b
    if x.score != y.score:
        return 1 if x.score > y.score else -1
    return 1 if x.group > y.group else -1


cdef void _best_ordering(Scratch* s, const Node* node, const Rules* rules, Split* split,
                         uint8_t* goes_left) noexcept nogil:
    """Order the groups by what they predict, and cut: exact for two classes and for means (Fisher 1958, Breiman 1984).

    With more classes, or outputs, the groups are ordered by the share of each class, or each mean, in turn.
    """
    cdef double parent = side_cost(&s.sweep, False)
    cdef Py_ssize_t g, i, k, first = 0, last = 1
    cdef Scored* scored = <Scored*> calloc(s.n_groups, sizeof(Scored))
    if scored == NULL:
        return
    if not rules.regression or rules.n_outputs > 1:
        first = 1 if rules.n_outputs == 1 and rules.n_classes == 2 else 0
        last = rules.n_outputs * rules.n_classes
    for k in range(first, last):
        for g in range(s.n_groups):
            start(&s.sweep)
            move(&s.sweep, g, 1)
            scored[g].score, scored[g].group = side_place(&s.sweep, True, k), <uint32_t> g
        qsort(scored, s.n_groups, sizeof(Scored), _by_score)
        start(&s.sweep)
        for i in range(s.n_groups - 1):
            move(&s.sweep, scored[i].group, 1)
            if _better(s, node, parent, split) and goes_left != NULL:
                memset(goes_left, 0, s.n_groups)
                for g in range(i + 1):
                    goes_left[scored[g].group] = True
        start(&s.sweep)
    free(scored)


cdef void _best_grouping(Scratch* s, const Node* node, Split* split, uint8_t* goes_left) noexcept nogil:
    """Try every two-way grouping in the order of a Gray code, which moves one group at a time; group 0 stays left."""
    cdef double parent = side_cost(&s.sweep, False), gain
    cdef uint32_t i, mask = 0, best = 0, bit
    cdef Py_ssize_t g
    move(&s.sweep, 0, 1)
    for i in range(1u << (s.n_groups - 1)):
        if i > 0:
            bit = 0
            while not i >> bit & 1:
                bit += 1
            mask ^= 1u << bit
            move(&s.sweep, bit + 1, 1 if mask >> bit & 1 else -1)
        if mask + 1 == 1u << (s.n_groups - 1):
            continue  # every group is on the left
        gain = parent - cost(&s.sweep)
        if gain >= split.gain - node.tolerance and mask < best and gain > -INFINITY:
            split.gain = -INFINITY  # as good as the best, and the lower of the two
        if _better(s, node, parent, split):
            best = mask
            if goes_left != NULL:
                for g in range(s.n_groups):
                    goes_left[g] = g == 0 or best >> (g - 1) & 1
