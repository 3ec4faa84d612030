"""Trees of classes on one column that varies: a node is an interval of its values, and no row is moved.

Contract: reference/growing.py. What stands left of each cut is counted once, in `Line.before`; a node's classes are a
difference of two of these. So labels that change from value to value, n levels of them, take no pass over the rows a
level.

Nor does a node look at all of its cuts. Its gain is a convex function of (rows, rows of class k) left of the cut, so
within a box of these it is largest at a corner. Cuts stand in blocks, two blocks in a larger one, and so on; each has
the box of its cuts, aligned with the classes' shares of the table, and is left out where no corner gains enough. The
cut taken is that of a scan from left to right, in which a later cut must gain more by the tolerance.
"""

from libc.math cimport INFINITY, NAN, log2
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memset

from fastml_ext.tree.enums cimport COUNTS, ENTROPY, NUMERIC
from fastml_ext.tree.growing.groups cimport Scratch, entry_code
from fastml_ext.tree.growing.nodes cimport (
    Limits, Nodes, Parts, Record,
    blank, describe_classes, gains_enough, may_split, more_nodes, note_split,
)
from fastml_ext.tree.growing.search cimport Split
from fastml_ext.tree.growing.state cimport Column, Rows, Rules, tie_of

cdef enum:
    MOST_CLASSES = 8  # of which every cut has its counts
    BLOCK = 16  # cuts that are judged one by one
    LEVELS = 32


cdef struct Interval:  # a node that waits for its turn: groups first .. last
    Py_ssize_t first, last
    int64_t depth, parent
    bint is_right


cdef struct Line:
    const Rules* rules
    Py_ssize_t n_groups, n_classes, n_levels
    uint32_t* code  # of each group
    uint32_t* before  # (n_groups + 1, n_classes) rows of the groups left of each cut, by class
    uint32_t* n_before  # (n_groups + 1,)
    double share[MOST_CLASSES]  # of the classes in the table
    double* low  # of the blocks of all levels: the range of (rows of class k) - share[k] (rows)
    double* high
    Py_ssize_t level[LEVELS]  # the first block of each
    Interval* waiting
    Py_ssize_t height, room
    # of the node in hand
    Py_ssize_t first, last, low_cut, high_cut
    double parent, tolerance, margin
    int64_t n
    uint32_t counts[MOST_CLASSES]


cdef Py_ssize_t find_alone(const Column* columns, Py_ssize_t n_columns, const Rules* rules,
                           const Rows* rows) noexcept nogil:
    """The only column that has more than one value, where `grow_alone` knows it and the rules; else -1."""
    cdef Py_ssize_t j, i, found = -1
    if (rules.mode != COUNTS or rules.ratio or rules.random or rules.monotone or rules.fractional
            or rules.min_weight > 0 or rules.n_outputs > 1 or rules.n_classes > MOST_CLASSES):
        return -1
    for j in range(n_columns):
        if columns[j].n_codes > 1:
            if found >= 0 or columns[j].kind != NUMERIC:
                return -1
            found = j
    for j in range(n_columns if found >= 0 else 0):
        if columns[j].rows != NULL:
            return -1
        for i in range(rows.n):
            if entry_code(columns + j, rows.row[i]) == columns[j].n_codes:  # a value is missing
                return -1
    return found


# ------------------------------------------------------------------------------------------------ counts and boxes

cdef bint _count(Line* line, const Column* column, const Rows* rows) noexcept nogil:
    """The groups, and what stands left of each; False where memory runs out."""
    cdef Py_ssize_t i, g = 0, k = line.n_classes, j
    cdef Py_ssize_t n_codes = column.n_codes
    cdef uint32_t here
    line.before = <uint32_t*> calloc((n_codes + 1) * k, sizeof(uint32_t))
    line.n_before = <uint32_t*> malloc((n_codes + 1) * sizeof(uint32_t))
    line.code = <uint32_t*> malloc(n_codes * sizeof(uint32_t))
    if line.before == NULL or line.n_before == NULL or line.code == NULL:
        return False
    for i in range(rows.n):
        line.before[(entry_code(column, rows.row[i]) + 1) * k + rows.label[i]] += 1
    line.n_before[0] = 0
    for i in range(n_codes):
        here = 0
        for j in range(k):
            here += line.before[(i + 1) * k + j]
        if here == 0:
            continue
        for j in range(k):
            line.before[(g + 1) * k + j] = line.before[g * k + j] + line.before[(i + 1) * k + j]
        line.n_before[g + 1] = line.n_before[g] + here
        line.code[g] = <uint32_t> i
        g += 1
    line.n_groups = g
    return True


cdef bint _box(Line* line) noexcept nogil:
    """The boxes of blocks of cuts, level by level; False where memory runs out."""
    cdef Py_ssize_t k = line.n_classes, n_cuts = line.n_groups + 1, size, total = 0, b, c, i, j, below
    cdef double x
    line.n_levels, size = 0, (n_cuts + BLOCK - 1) // BLOCK
    while True:
        line.level[line.n_levels] = total
        line.n_levels, total = line.n_levels + 1, total + size
        if size == 1:
            break
        size = (size + 1) // 2
    line.low = <double*> malloc(2 * total * k * sizeof(double))
    if line.low == NULL:
        return False
    line.high = line.low + total * k
    for b in range(total * k):
        line.low[b], line.high[b] = INFINITY, -INFINITY
    for c in range(n_cuts):
        for j in range(k):
            x = line.before[c * k + j] - line.share[j] * line.n_before[c]
            b = c // BLOCK * k + j
            line.low[b], line.high[b] = min(line.low[b], x), max(line.high[b], x)
    for below in range(line.n_levels - 1):
        for b in range(line.level[below + 1] - line.level[below]):
            for j in range(k):
                c = (line.level[below + 1] + b // 2) * k + j
                i = (line.level[below] + b) * k + j
                line.low[c], line.high[c] = min(line.low[c], line.low[i]), max(line.high[c], line.high[i])
    return True


# ------------------------------------------------------------------------------------------------ one cut, one block

cdef double _gain(const Line* line, Py_ssize_t cut) noexcept nogil:
    """As sweep.pxd: parent - cost."""
    cdef Py_ssize_t k = line.n_classes, j
    cdef const uint32_t* here = line.before + cut * k
    cdef const uint32_t* begin = line.before + line.first * k
    cdef const int64_t* logs = line.rules.logs
    cdef int64_t n_left = line.n_before[cut] - line.n_before[line.first], n_right = line.n - n_left
    cdef int64_t left, right, score_left = 0, score_right = 0
    if line.rules.criterion == ENTROPY:
        for j in range(k):
            left = here[j] - begin[j]
            score_left += logs[left]
            score_right += logs[line.counts[j] - left]
        return line.parent - <double> (logs[n_left] - score_left + logs[n_right] - score_right) * line.rules.unit
    for j in range(k):
        left = here[j] - begin[j]
        right = line.counts[j] - left
        score_left += left * left
        score_right += right * right
    return line.parent - ((<double> n_left - <double> score_left / <double> n_left)
                          + (<double> n_right - <double> score_right / <double> n_right))


cdef double _bound(const Line* line, Py_ssize_t level, Py_ssize_t b) noexcept nogil:
    """What no cut of a block gains more than."""
    cdef Py_ssize_t k = line.n_classes, j, end
    cdef Py_ssize_t cut[2]
    cdef const double* low = line.low + (line.level[level] + b) * k
    cdef const double* high = line.high + (line.level[level] + b) * k
    cdef const uint32_t* begin = line.before + line.first * k
    cdef double best = -INFINITY, n_left, n_right, total, at, one, other
    cut[0] = max(b * BLOCK << level, line.low_cut)
    cut[1] = min(((b + 1) * BLOCK << level) - 1, line.high_cut)
    for end in range(2):
        n_left = line.n_before[cut[end]] - line.n_before[line.first]
        n_right = line.n - n_left
        total = 0
        for j in range(k):
            at = line.share[j] * line.n_before[cut[end]] - begin[j]
            one, other = at + low[j], at + high[j]
            if line.rules.criterion == ENTROPY:
                total += max(_shares(one, line.counts[j] - one, n_left, n_right),
                             _shares(other, line.counts[j] - other, n_left, n_right))
            else:
                total += max(one * one / n_left + (line.counts[j] - one) * (line.counts[j] - one) / n_right,
                             other * other / n_left + (line.counts[j] - other) * (line.counts[j] - other) / n_right)
        best = max(best, total)
    return line.parent + best - (0 if line.rules.criterion == ENTROPY else line.n) + line.margin


cdef double _shares(double left, double right, double n_left, double n_right) noexcept nogil:
    """Of a class: left log2 (left / n_left), and the same of the right. Infinite where the box leaves what can be."""
    if left < 0 or right < 0:
        return INFINITY
    return (left * log2(left / n_left) if left > 0 else 0.0) + (right * log2(right / n_right) if right > 0 else 0.0)


# ------------------------------------------------------------------------------------------------ the cut of a node

cdef double _most(const Line* line, Py_ssize_t level, Py_ssize_t b, double most) noexcept nogil:
    """The larger of `most` and the best gain in a block."""
    cdef Py_ssize_t c
    cdef double left, right
    if level == 0:
        for c in range(max(b * BLOCK, line.low_cut), min((b + 1) * BLOCK, line.high_cut + 1)):
            most = max(most, _gain(line, c))
        return most
    left, right = _bound_or_none(line, level - 1, 2 * b), _bound_or_none(line, level - 1, 2 * b + 1)
    if left >= right:
        if left > most:
            most = _most(line, level - 1, 2 * b, most)
        return _most(line, level - 1, 2 * b + 1, most) if right > most else most
    if right > most:
        most = _most(line, level - 1, 2 * b + 1, most)
    return _most(line, level - 1, 2 * b, most) if left > most else most


cdef double _bound_or_none(const Line* line, Py_ssize_t level, Py_ssize_t b) noexcept nogil:
    """As _bound; -infinity where the block has none of the node's cuts."""
    if b * BLOCK << level > line.high_cut or (b + 1) * BLOCK << level <= line.low_cut:
        return -INFINITY
    return _bound(line, level, b)


cdef Py_ssize_t _first_near(const Line* line, Py_ssize_t level, Py_ssize_t b, double gain,
                            Py_ssize_t end) noexcept nogil:
    """The first cut of a block, before `end`, beside which `gain` is not more by the tolerance; -1 if there is none."""
    cdef Py_ssize_t c, found
    if b * BLOCK << level >= end or _bound_or_none(line, level, b) < gain - 2 * line.tolerance:
        return -1
    if level == 0:
        for c in range(max(b * BLOCK, line.low_cut), min((b + 1) * BLOCK, end)):
            if not gain > _gain(line, c) + line.tolerance:
                return c
        return -1
    found = _first_near(line, level - 1, 2 * b, gain, end)
    return found if found >= 0 else _first_near(line, level - 1, 2 * b + 1, gain, end)


cdef Py_ssize_t _scan(const Line* line) noexcept nogil:
    """The cut of a scan from left to right."""
    cdef Py_ssize_t c, best = line.low_cut
    cdef double gain, best_gain = _gain(line, best)
    for c in range(line.low_cut + 1, line.high_cut + 1):
        gain = _gain(line, c)
        if gain > best_gain + line.tolerance:
            best, best_gain = c, gain
    return best


cdef Py_ssize_t _best_cut(const Line* line) noexcept nogil:
    """The cut that a scan would take: the first of the best, unless one that is nearly as good stands before it."""
    cdef Py_ssize_t top = line.n_levels - 1, best
    cdef double most
    if line.high_cut - line.low_cut < 4 * BLOCK:
        return _scan(line)
    most = max(_gain(line, line.low_cut), _gain(line, line.high_cut))
    most = _most(line, top, 0, most)
    best = _first_near(line, top, 0, most, line.high_cut + 1)
    if best < 0 or _first_near(line, top, 0, _gain(line, best), best) >= 0:
        return _scan(line)
    return best


cdef Py_ssize_t _cut_of(const uint32_t* n_before, int64_t n, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
    """The first cut, of low .. high, with n rows on its left; high + 1 if there is none."""
    cdef Py_ssize_t middle
    high += 1
    while low < high:
        middle = (low + high) // 2
        if n_before[middle] < n:
            low = middle + 1
        else:
            high = middle
    return low


cdef Py_ssize_t _search(Line* line, const Record* record, Split* split) noexcept nogil:
    """The best split of the node in hand, and its cut; -1 if there is none."""
    cdef Py_ssize_t j, cut
    cdef int64_t score = 0, least = max(<int64_t> line.rules.min_leaf, 1)
    cdef int64_t before = line.n_before[line.first]
    line.low_cut = _cut_of(line.n_before, before + least, line.first + 1, line.last - 1)
    line.high_cut = _cut_of(line.n_before, before + line.n - least + 1, line.first + 1, line.last - 1) - 1
    if line.low_cut > line.high_cut:
        return -1
    for j in range(line.n_classes):
        score += line.rules.logs[line.counts[j]] if line.rules.criterion == ENTROPY \
            else <int64_t> line.counts[j] * line.counts[j]
    if line.rules.criterion == ENTROPY:
        line.parent = <double> (line.rules.logs[line.n] - score) * line.rules.unit
    else:
        line.parent = <double> line.n - <double> score / <double> line.n
    line.tolerance = tie_of(record.weight, record.impurity)
    line.margin = line.n * 2.0 ** -40  # more than all roundings of a bound
    cut = _best_cut(line)
    split.gain, split.info, split.threshold = _gain(line, cut), 0, NAN
    split.missing_left = split.constant = False
    split.left, split.right = line.code[cut - 1], line.code[cut]
    return cut


# ------------------------------------------------------------------------------------------------ the tree

cdef bint _push(Line* line, Py_ssize_t first, Py_ssize_t last, int64_t depth, int64_t parent,
                bint is_right) noexcept nogil:
    cdef void* grown
    cdef Interval* place
    if line.height == line.room:
        line.room = 2 * line.room + 64
        grown = realloc(line.waiting, line.room * sizeof(Interval))
        if grown == NULL:
            return False
        line.waiting = <Interval*> grown
    place = line.waiting + line.height
    place.first, place.last, place.depth, place.parent, place.is_right = first, last, depth, parent, is_right
    line.height += 1
    return True


cdef bint _grow(Line* line, const Column* column, const Limits* limits, Nodes* nodes) noexcept nogil:
    """Node by node, the left branch first; False where memory runs out."""
    cdef Interval place
    cdef Record* record
    cdef Scratch scratch
    cdef Parts parts
    cdef uint32_t begin[3]
    cdef Split split
    cdef Py_ssize_t j, cut, k = line.n_classes
    memset(&scratch, 0, sizeof(Scratch))
    scratch.sweep.count_right = line.counts
    parts.begin, parts.end, parts.any_missing = begin, NULL, False
    split.column = column.number
    if not _push(line, 0, line.n_groups, 0, -1, False):
        return False
    while line.height:
        line.height -= 1
        place = line.waiting[line.height]
        if not more_nodes(nodes):
            return False
        if place.parent >= 0 and place.is_right:
            nodes.records[place.parent].right = nodes.n
        elif place.parent >= 0:
            nodes.records[place.parent].left = nodes.n
        record = nodes.records + nodes.n
        line.first, line.last = place.first, place.last
        line.n = line.n_before[place.last] - line.n_before[place.first]
        for j in range(k):
            line.counts[j] = line.before[place.last * k + j] - line.before[place.first * k + j]
        blank(record, line.n)
        describe_classes(&scratch, line.rules, record, nodes.values + nodes.n * k)
        nodes.n += 1
        if not may_split(limits, record, place.depth):
            continue
        cut = _search(line, record, &split)
        if cut < 0 or not gains_enough(&split, limits):
            continue
        begin[0], begin[1], begin[2] = 0, line.n_before[cut] - line.n_before[place.first], <uint32_t> line.n
        note_split(column, &split, &parts, record)
        if not (_push(line, cut, place.last, place.depth + 1, nodes.n - 1, True)
                and _push(line, place.first, cut, place.depth + 1, nodes.n - 1, False)):
            return False
    return True


cdef bint grow_alone(const Column* column, const Rows* rows, const Rules* rules, const Limits* limits,
                     Nodes* nodes) noexcept nogil:
    """Grow the tree of the rows on this column, which `find_alone` found; False where memory runs out."""
    cdef Line line
    cdef Py_ssize_t j, last
    cdef bint grown
    line.rules, line.n_classes = rules, rules.n_classes
    line.low, line.waiting, line.height, line.room = NULL, NULL, 0, 0
    grown = _count(&line, column, rows)
    if grown:
        last = line.n_groups * line.n_classes
        for j in range(line.n_classes):
            line.share[j] = line.before[last + j] / <double> line.n_before[line.n_groups]
        grown = _box(&line) and _grow(&line, column, limits, nodes)
    free(line.before)
    free(line.n_before)
    free(line.code)
    free(line.low)
    free(line.waiting)
    return grown
