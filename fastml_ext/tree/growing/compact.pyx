"""The columns of a subtree: the codes of its rows, ranked anew among themselves, and those of numbers presorted."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from fastml_ext.tree.enums cimport NUMERIC
from fastml_ext.tree.growing.groups cimport Scratch, entry_code, gather, is_rest, list_rows, rank_by_bits
from fastml_ext.tree.growing.presorted cimport are_scanned
from fastml_ext.tree.growing.state cimport Column, Rows, Rules

cdef enum:
    HISTOGRAM = 4  # codes of a column that is counted in every node rather than presorted
    MOSTLY = 4  # in a partial column all rows but one of so many have the same code


cdef Py_ssize_t compact(Scratch* s, const Rules* rules, const Column* columns, const uint32_t* active,
                        Py_ssize_t n_active, const Rows* rows, bint presorts, Column* out) noexcept nogil:
    """Put the columns that are not constant into out; their number, or -1 where memory runs out."""
    cdef Py_ssize_t j, n_columns = 0
    cdef const Column* whole
    cdef int found
    cdef bint scanned = presorts and are_scanned(rules, rows)
    for j in range(n_active):
        whole, found = columns + active[j], 0
        if whole.rows != NULL and scanned and whole.kind == NUMERIC and whole.monotonic == 0:
            found = _compact_entries(s, whole, rows, out + n_columns)
        elif whole.rows != NULL and is_rest(whole, rows):
            continue
        if found == 0:
            gather(whole, rows, 0, rows.n, s.slot)
            s.n_groups = rank_by_bits(s, rows.n)
            found = _compact_codes(s, whole, rows.n, presorts, scanned, out + n_columns) if s.n_groups > 1 else 2
        if found < 0:
            return -1
        n_columns += found == 1
    return n_columns


cdef void free_columns(Column* columns, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        free(columns[j].order if columns[j].order != NULL else <void*> columns[j].codes)


cdef int _compact_entries(Scratch* s, const Column* whole, const Rows* rows, Column* local) noexcept nogil:
    """A sparse column, by its entries alone: 1, or 2 if it is constant, 0 if it is to be read as a dense one, or -1."""
    cdef Py_ssize_t e, m = 0
    cdef int64_t at
    cdef uint32_t code
    for e in range(whole.n_entries):
        at = <int64_t> rows.where[whole.rows[e]] - rows.begin
        if not 0 <= at < rows.n:
            continue
        code = entry_code(whole, e)
        if code == whole.rest:
            continue
        if code == whole.n_codes or MOSTLY * (m + 1) > rows.n:
            return 0
        s.slot[m], s.numbers[m] = code, <uint32_t> at
        m += 1
    if m == 0:
        return 2
    s.slot[m] = whole.rest
    s.n_groups = rank_by_bits(s, m + 1)
    local[0] = whole[0]
    local.codes = NULL  # or it would be freed
    code = s.slot[m]
    list_rows(s, m + 1)
    return _presort(s, local, m + 1, False, code, s.numbers)


cdef int _compact_codes(Scratch* s, const Column* whole, Py_ssize_t n, bint presorts, bint scanned,
                        Column* local) noexcept nogil:
    """A column by the codes of all rows, which are ranked in `slot`: 1, or -1 where memory runs out."""
    cdef bint missing = s.present[s.n_groups - 1] == whole.n_codes, partial
    cdef Py_ssize_t largest
    local[0] = whole[0]
    local.codes, local.rows = NULL, NULL
    if presorts and whole.kind == NUMERIC:
        list_rows(s, n)
        largest = _largest_group(s)
        partial = scanned and not missing and whole.monotonic == 0 and MOSTLY * (n - _size(s, largest)) < n
        if partial or s.n_groups > HISTOGRAM:
            return _presort(s, local, n, missing, largest if partial else -1, NULL)
    return _copy_codes(s, whole, n, missing, local)


cdef int _copy_codes(Scratch* s, const Column* whole, Py_ssize_t n, bint missing, Column* local) noexcept nogil:
    cdef Py_ssize_t i, n_groups = s.n_groups
    cdef uint16_t* wide
    cdef uint8_t* narrow
    cdef uint32_t* original
    cdef double* values
    local.width = 1 if n_groups <= 256 else 2
    wide = <uint16_t*> malloc(n * local.width + n_groups * 12 + 16)
    if wide == NULL:
        return -1
    values = <double*> (<char*> wide + ((n * local.width + 7) & ~<size_t> 7))
    original = <uint32_t*> (values + n_groups)
    narrow = <uint8_t*> wide
    for i in range(n):
        if local.width == 1:
            narrow[i] = <uint8_t> s.slot[i]
        else:
            wide[i] = <uint16_t> s.slot[i]
    memcpy(original, s.present, n_groups * sizeof(uint32_t))
    if whole.values != NULL:
        for i in range(n_groups - missing):
            values[i] = whole.values[original[i]]
        local.values = values
    local.codes, local.original, local.n_codes = wide, original, <uint32_t> (n_groups - missing)
    return 1


cdef inline Py_ssize_t _size(const Scratch* s, Py_ssize_t g) noexcept nogil:
    return <Py_ssize_t> s.begin[g + 1] - <Py_ssize_t> s.begin[g]


cdef Py_ssize_t _largest_group(const Scratch* s) noexcept nogil:
    cdef Py_ssize_t g, largest = 0
    for g in range(1, s.n_groups):
        if _size(s, g) > _size(s, largest):
            largest = g
    return largest


cdef int _presort(Scratch* s, Column* local, Py_ssize_t n, bint missing, Py_ssize_t rest,
                  const uint32_t* numbers) noexcept nogil:
    """The n listed rows in the order of their codes; those of group `rest`, if there is one, have no entry.

    numbers: of the rows that are listed; NULL where they are the same
    """
    cdef Py_ssize_t i, g, at = 0, n_groups = s.n_groups, n_entries = n - _size(s, rest) if rest >= 0 else n
    local.order = <uint32_t*> malloc((n_entries + n_groups) * sizeof(uint32_t))
    if local.order == NULL:
        return -1
    for g in range(n_groups):
        for i in range(<Py_ssize_t> s.begin[g], <Py_ssize_t> s.begin[g + 1] if g != rest else 0):
            local.order[at] = <uint32_t> g << 16 | (s.listed[i] if numbers == NULL else numbers[s.listed[i]])
            at += 1
    memcpy(local.order + n_entries, s.present, n_groups * sizeof(uint32_t))
    local.codes, local.rows = NULL, NULL
    local.original, local.n_codes = local.order + n_entries, <uint32_t> (n_groups - missing)
    local.first, local.n_entries, local.rest, local.partial = 0, n_entries, <uint32_t> max(rest, 0), rest >= 0
    return 1
