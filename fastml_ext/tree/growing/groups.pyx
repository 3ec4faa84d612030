"""Groups: the rows of a node by the codes of a column, counted or listed. Contract: reference/growing.py."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from fastml_ext.tree.enums cimport COUNTS, DEVIATIONS, SUMS
from fastml_ext.tree.growing.apart cimport fenwick_add
from fastml_ext.tree.growing.state cimport Column, Deviations, Rows, Rules, Sweep, target_of
from fastml_ext.tree.growing.sweep cimport add_outputs, add_target, start

cdef enum:
    TINY = 24  # rows sorted by insertion rather than counted
    CHUNK = 1024  # rows whose codes are gathered before they are counted: within the first cache
    SMALL = 1024  # cells of a histogram that are worth clearing whatever the number of rows

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <intrin.h>
    static int lowest_bit(unsigned long long x) { unsigned long i; _BitScanForward64(&i, x); return (int) i; }
    #else
    static inline int lowest_bit(unsigned long long x) { return __builtin_ctzll(x); }
    #endif
    """
    int lowest_bit(uint64_t x) nogil

ctypedef fused code_t:
    uint8_t
    uint16_t
    uint32_t


# ------------------------------------------------------------------------------------------------ memory

cdef void* _part(char* memory, size_t* used, size_t size) noexcept nogil:
    """The next `size` bytes of the memory, from the beginning of a cache line on; NULL while they are only counted."""
    cdef size_t begin = used[0]
    used[0] += (size + 63) & ~<size_t> 63
    return memory + begin if memory != NULL else NULL


cdef size_t _lay_out(Scratch* s, const Rules* rules, Py_ssize_t n, Py_ssize_t n_codes, char* memory) noexcept nogil:
    """Give every array its part of the memory; the bytes of all of them."""
    cdef Py_ssize_t groups = min(n, n_codes) + 1, q
    cdef Py_ssize_t outputs = rules.n_outputs if rules.mode == DEVIATIONS else 0
    cdef size_t used = 0
    cdef double* totals
    cdef uint32_t* ranks
    cdef double* ranked
    cdef double* left
    cdef double* right
    s.sums = <double*> _part(memory, &used, s.cells * (4 if rules.mode == COUNTS else 8))
    s.counts = <uint32_t*> s.sums
    totals = <double*> _part(memory, &used, 4 * rules.n_stats * sizeof(double))
    s.present = <uint32_t*> _part(memory, &used, groups * sizeof(uint32_t))
    s.slot = <uint32_t*> _part(memory, &used, n * sizeof(uint32_t))
    s.listed = <uint32_t*> _part(memory, &used, n * sizeof(uint32_t))
    s.begin = <uint32_t*> _part(memory, &used, (groups + 1) * sizeof(uint32_t))
    s.keys = <uint64_t*> _part(memory, &used, TINY * sizeof(uint64_t))
    s.bits = <uint64_t*> _part(memory, &used, (n_codes // 64 + 2) * sizeof(uint64_t))
    s.rank = <uint32_t*> _part(memory, &used, (n_codes + 1) * sizeof(uint32_t))
    s.sweep.middles = <double*> _part(memory, &used, rules.n_outputs * sizeof(double))
    s.sweep.deviations = <Deviations*> _part(memory, &used, outputs * sizeof(Deviations))
    ranks = <uint32_t*> _part(memory, &used, outputs * n * sizeof(uint32_t))
    ranked = <double*> _part(memory, &used, outputs * n * sizeof(double))
    left = <double*> _part(memory, &used, outputs * (n + 1) * 2 * sizeof(double))
    right = <double*> _part(memory, &used, outputs * (n + 1) * 2 * sizeof(double))
    if memory == NULL:
        return used
    s.sweep.sum_left, s.sweep.sum_right = totals, totals + rules.n_stats
    s.sweep.sum_all, s.sweep.sum_kept = totals + 2 * rules.n_stats, totals + 3 * rules.n_stats
    s.sweep.count_left = <uint32_t*> totals  # in the place of the sums
    s.sweep.count_right = s.sweep.count_left + rules.n_stats
    for q in range(outputs):
        s.sweep.deviations[q].rank, s.sweep.deviations[q].ranked = ranks + q * n, ranked + q * n
        s.sweep.deviations[q].tree_left = left + 2 * q * (n + 1)
        s.sweep.deviations[q].tree_right = right + 2 * q * (n + 1)
    return used


cdef bint reserve(Scratch* s, const Rules* rules, Py_ssize_t n, Py_ssize_t n_codes) noexcept nogil:
    """Room for nodes of n rows and columns of n_codes codes; False where there is none. Pages not used cost nothing."""
    memset(&s.sweep, 0, sizeof(Sweep))
    s.cells = n + SMALL
    s.memory = calloc(_lay_out(s, rules, n, n_codes, NULL), 1)
    if s.memory == NULL:
        return False
    _lay_out(s, rules, n, n_codes, <char*> s.memory)
    return True


cdef void release(Scratch* s) noexcept nogil:
    free(s.memory)


cdef void prepare(Scratch* s, const Rules* rules, const Rows* rows) noexcept nogil:
    """Put the rows of a node on the right side: once for all columns, for every search restores it.

    The middles of means must stand there.
    """
    cdef Sweep* sweep = &s.sweep
    cdef Py_ssize_t i, q, last = rules.n_stats - 1
    cdef double w
    sweep.rules, sweep.rows = rules, rows
    sweep.n_left, sweep.n_right = 0, rows.n
    if rules.mode == COUNTS:
        memset(sweep.count_left, 0, 2 * rules.n_stats * sizeof(uint32_t))
        for i in range(rows.n):
            sweep.count_right[rows.label[i]] += 1
    elif rules.mode == SUMS:
        memset(sweep.sum_all, 0, rules.n_stats * sizeof(double))
        for i in range(rows.n):
            w = rows.weight[i] if rows.weight != NULL else 1.0
            if rules.n_outputs > 1:
                add_outputs(rules, sweep.middles, rows.label[i], w, sweep.sum_all)
            elif rules.regression:
                add_target(rules, sweep.middles[0], rows.target[i], w, sweep.sum_all)
            else:
                sweep.sum_all[rows.label[i]] += w
        if rows.share == NULL:
            sweep.sum_all[last] = rows.n
        else:
            for i in range(rows.n):
                sweep.sum_all[last] += rows.share[i]
    else:
        sweep.sum_all[0] = rows.n if rows.weight == NULL else 0
        for i in range(rows.n if rows.weight != NULL else 0):
            sweep.sum_all[0] += rows.weight[i]
        for q in range(rules.n_outputs):
            _rank_targets(s, rules, rows, q)
    start(sweep)


cdef void prepare_totals(Scratch* s, const Rules* rules, const Rows* rows, const double* totals) noexcept nogil:
    """As prepare, where the totals of the node are known, and after them the middles; not for DEVIATIONS."""
    cdef Py_ssize_t k
    for k in range(rules.n_outputs):
        s.sweep.middles[k] = totals[rules.n_stats + k]
    s.sweep.rules, s.sweep.rows = rules, rows
    s.sweep.n_left, s.sweep.n_right = 0, rows.n
    for k in range(rules.n_stats):
        if rules.mode == COUNTS:
            s.sweep.count_left[k], s.sweep.count_right[k] = 0, <uint32_t> totals[k]
        else:
            s.sweep.sum_all[k] = totals[k]
    start(&s.sweep)


cdef void _rank_targets(Scratch* s, const Rules* rules, const Rows* rows, Py_ssize_t q) noexcept nogil:
    """Of output q: the ranks of the targets, and all of them on the right side."""
    cdef Deviations* of = s.sweep.deviations + q
    cdef Py_ssize_t i
    cdef double w, wt
    for i in range(rows.n):
        s.slot[i] = rows.label[i] if rules.n_outputs == 1 else rules.labels[rows.label[i] * rules.n_outputs + q]
    of.n_ranks = rank_by_bits(s, rows.n)
    memset(of.tree_left, 0, 16 * (of.n_ranks + 1))
    memset(of.tree_right, 0, 16 * (of.n_ranks + 1))
    for i in range(rows.n):
        of.rank[i] = s.slot[i]
        of.ranked[s.slot[i]] = target_of(rules, rows, i, q)
    of.middle = of.ranked[of.n_ranks // 2]
    of.target_all = 0
    for i in range(rows.n):
        w = rows.weight[i] if rows.weight != NULL else 1.0
        wt = w * (target_of(rules, rows, i, q) - of.middle)
        of.target_all += wt
        fenwick_add(of.tree_right, of.n_ranks, of.rank[i], w, wt)


# ------------------------------------------------------------------------------------------------ groups of equal codes

cdef void _gather(const code_t* codes, const uint32_t* row, Py_ssize_t n, uint32_t* out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = codes[row[i]]


cdef uint32_t entry_code(const Column* column, Py_ssize_t e) noexcept nogil:
    if column.width == 1:
        return (<const uint8_t*> column.codes)[e]
    if column.width == 2:
        return (<const uint16_t*> column.codes)[e]
    return (<const uint32_t*> column.codes)[e]


cdef bint is_rest(const Column* column, const Rows* rows) noexcept nogil:
    """Whether a sparse column has the code of its implicit values in all of these rows."""
    cdef Py_ssize_t e
    cdef int64_t at
    for e in range(column.n_entries):
        at = <int64_t> rows.where[column.rows[e]] - rows.begin
        if 0 <= at < rows.n and entry_code(column, e) != column.rest:
            return False
    return True


cdef void gather(const Column* column, const Rows* rows, Py_ssize_t first, Py_ssize_t n,
                 uint32_t* codes) noexcept nogil:
    """The codes of n rows from the first on."""
    cdef const uint32_t* row = rows.row + first
    cdef Py_ssize_t i
    cdef int64_t at
    if column.rows != NULL:
        for i in range(n):
            codes[i] = column.rest
        for i in range(column.n_entries):
            at = <int64_t> rows.where[column.rows[i]] - rows.begin - first
            if 0 <= at < n:
                codes[at] = entry_code(column, i)
    elif column.width == 1:
        _gather(<const uint8_t*> column.codes, row, n, codes)
    elif column.width == 2:
        _gather(<const uint16_t*> column.codes, row, n, codes)
    else:
        _gather(<const uint32_t*> column.codes, row, n, codes)


cdef Py_ssize_t rank_by_bits(Scratch* s, Py_ssize_t n) noexcept nogil:
    """Replace the codes in `slot` by their ranks among those that occur; these are listed in `present` and counted."""
    cdef Py_ssize_t i, word, last = 0, n_groups = 0
    cdef uint64_t bits
    cdef uint32_t code
    for i in range(n):
        word = s.slot[i] >> 6
        s.bits[word] |= <uint64_t> 1 << (s.slot[i] & 63)
        last = max(last, word)
    for word in range(last + 1):
        bits = s.bits[word]
        s.bits[word] = 0
        while bits:
            code = <uint32_t> (64 * word + lowest_bit(bits))
            s.present[n_groups] = code
            s.rank[code] = <uint32_t> n_groups
            n_groups += 1
            bits &= bits - 1
    for i in range(n):
        s.slot[i] = s.rank[s.slot[i]]
    return n_groups


cdef void _sort_tiny(Scratch* s, Py_ssize_t n) noexcept nogil:
    """Groups of the few codes in `slot`, as lists of rows, by insertion."""
    cdef Py_ssize_t i, j
    cdef uint64_t key
    for i in range(n):
        key = <uint64_t> s.slot[i] << 32 | <uint64_t> i
        j = i
        while j > 0 and s.keys[j - 1] > key:
            s.keys[j] = s.keys[j - 1]
            j -= 1
        s.keys[j] = key
    s.n_groups = 0
    for i in range(n):
        if i == 0 or (s.keys[i] >> 32) != (s.keys[i - 1] >> 32):
            s.present[s.n_groups] = <uint32_t> (s.keys[i] >> 32)
            s.begin[s.n_groups] = <uint32_t> i
            s.n_groups += 1
        s.listed[i] = <uint32_t> s.keys[i]
    s.begin[s.n_groups] = <uint32_t> n
    s.sweep.listed, s.sweep.begin = s.listed, s.begin


cdef void list_rows(Scratch* s, Py_ssize_t n) noexcept nogil:
    """Lists of the rows of each group, by counting."""
    cdef Py_ssize_t i, g
    memset(s.begin, 0, (s.n_groups + 1) * sizeof(uint32_t))
    for i in range(n):
        s.begin[s.slot[i] + 1] += 1
    for g in range(s.n_groups):
        s.begin[g + 1] += s.begin[g]
    for i in range(n):
        g = s.slot[i]
        s.listed[s.begin[g]] = <uint32_t> i
        s.begin[g] += 1
    for g in range(s.n_groups, 0, -1):
        s.begin[g] = s.begin[g - 1]
    s.begin[0] = 0
    s.sweep.listed, s.sweep.begin = s.listed, s.begin


cdef bint _list_order(Scratch* s, const uint32_t* order, Py_ssize_t n) noexcept nogil:
    """Lists of the rows of each group of a presorted column, by their numbers; False where there is but one group."""
    cdef Py_ssize_t i
    s.n_groups = 0
    if order[0] >> 16 == order[n - 1] >> 16:
        return False
    for i in range(n):
        if i == 0 or order[i] >> 16 != order[i - 1] >> 16:
            s.present[s.n_groups] = order[i] >> 16
            s.begin[s.n_groups] = <uint32_t> i
            s.n_groups += 1
        s.listed[i] = order[i] & 0xffff
    s.begin[s.n_groups] = <uint32_t> n
    s.sweep.listed, s.sweep.begin, s.sweep.rows = s.listed, s.begin, &s.by_number
    return True


cdef void _count_rows(Scratch* s, const Rules* rules, const Rows* rows, const uint32_t* slot, Py_ssize_t first,
                      Py_ssize_t n) noexcept nogil:
    """Add rows first .. first + n, whose groups are in slot, to the histogram."""
    cdef Py_ssize_t i, k = rules.n_stats
    cdef const uint32_t* label = rows.label + first
    cdef const double* target = rows.target + first
    cdef double* cell
    cdef double w, middle = s.sweep.middles[0]
    if rules.mode == COUNTS:
        if k == 2:
            for i in range(n):
                s.counts[2 * slot[i] + label[i]] += 1
        else:
            for i in range(n):
                s.counts[slot[i] * k + label[i]] += 1
        return
    for i in range(n):
        w = rows.weight[first + i] if rows.weight != NULL else 1.0
        cell = s.sums + slot[i] * k
        if rules.n_outputs > 1:
            add_outputs(rules, s.sweep.middles, label[i], w, cell)
        elif rules.regression:
            add_target(rules, middle, target[i], w, cell)
        else:
            cell[label[i]] += w
        cell[k - 1] += rows.share[first + i] if rows.share != NULL else 1.0


cdef void _count_entries(Scratch* s, const Column* column, const Rules* rules, const Rows* rows) noexcept nogil:
    """The histogram of a sparse column: its entries, and what of the node's totals is left for its implicit values."""
    cdef Py_ssize_t e, code, j, k = rules.n_stats
    cdef int64_t at
    cdef uint32_t group
    cdef uint32_t seen
    cdef double sum_seen
    for e in range(column.n_entries):
        at = <int64_t> rows.where[column.rows[e]] - rows.begin
        if 0 <= at < rows.n:
            group = entry_code(column, e)
            _count_rows(s, rules, rows, &group, at, 1)
    for j in range(k):
        seen, sum_seen = 0, 0
        for code in range(column.n_codes + 1):
            if rules.mode == COUNTS:
                seen += s.counts[code * k + j]
            else:
                sum_seen += s.sums[code * k + j]
        if rules.mode == COUNTS:
            s.counts[column.rest * k + j] += s.sweep.count_right[j] - seen
        else:
            s.sums[column.rest * k + j] += s.sweep.sum_all[j] - sum_seen


cdef void _close_ranks(Scratch* s, const Rules* rules, Py_ssize_t n_codes) noexcept nogil:
    """Drop the empty rows of the histogram."""
    cdef Py_ssize_t code, j, k = rules.n_stats
    cdef bint occurs
    s.n_groups = 0
    for code in range(n_codes):
        if rules.mode == COUNTS:
            occurs = False
            for j in range(k):
                occurs |= s.counts[code * k + j] != 0
        else:
            occurs = s.sums[code * k + k - 1] != 0
        if occurs:
            if s.n_groups != code:
                for j in range(k):
                    if rules.mode == COUNTS:
                        s.counts[s.n_groups * k + j] = s.counts[code * k + j]
                    else:
                        s.sums[s.n_groups * k + j] = s.sums[code * k + j]
            s.present[s.n_groups] = <uint32_t> code
            s.n_groups += 1


cdef bint _one_value(const uint32_t* codes, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(1, n):
        if codes[i] != codes[0]:
            return False
    return True


cdef bint group(Scratch* s, const Column* column, const Rules* rules, const Rows* rows) noexcept nogil:
    """Group the rows of a node by their codes; False where there is but one group.

    A few rows are sorted; many rows of few codes counted; the others marked in a bitmap that ranks them.
    """
    cdef Py_ssize_t n = rows.n, n_codes = <Py_ssize_t> column.n_codes + 1, size = 4 if rules.mode == COUNTS else 8, i
    s.sweep.listed = NULL
    s.sweep.counts, s.sweep.sums = s.counts, s.sums
    if column.order != NULL:
        return _list_order(s, column.order + column.first, n)
    s.sweep.rows = rows
    if n > TINY and rules.mode != DEVIATIONS and n_codes <= 2 * n and n_codes * rules.n_stats <= s.cells:
        memset(s.counts, 0, n_codes * rules.n_stats * size)
        i = 0
        if column.rows != NULL:
            _count_entries(s, column, rules, rows)
            i = n
        while i < n:
            gather(column, rows, i, min(CHUNK, n - i), s.slot)
            _count_rows(s, rules, rows, s.slot, i, min(CHUNK, n - i))
            i += CHUNK
        _close_ranks(s, rules, n_codes)
        return s.n_groups > 1
    gather(column, rows, 0, n, s.slot)
    if _one_value(s.slot, n):
        return False
    if n <= TINY:
        _sort_tiny(s, n)
        return True
    s.n_groups = rank_by_bits(s, n)
    if rules.mode == DEVIATIONS or s.n_groups * rules.n_stats > s.cells:
        list_rows(s, n)
    else:
        memset(s.counts, 0, s.n_groups * rules.n_stats * size)
        _count_rows(s, rules, rows, s.slot, 0, n)
    return True
