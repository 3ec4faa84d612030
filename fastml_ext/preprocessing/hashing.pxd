"""A table of hashes, for codes of distinct values."""

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define fastml_prefetch(address) __builtin_prefetch(address)
    #else
    #define fastml_prefetch(address) ((void) 0)
    #endif
    """
    void fastml_prefetch(const void *) noexcept nogil

cdef enum:
    FIRST = 1024  # places of a table to begin with


cdef struct Place:
    uint64_t hash
    int64_t code  # and one more, so that 0 is an empty place
    const void *value  # an object that the list of the distinct ones holds, or the bytes of an item
    Py_ssize_t length  # of these bytes


cdef struct Table:
    Place *places
    uint64_t size  # a power of two
    int64_t used


cdef inline bint begin(Table *table) noexcept nogil:
    table.size, table.used = FIRST, 0
    table.places = <Place *> calloc(FIRST, sizeof(Place))
    return table.places is not NULL


cdef inline bint grow(Table *table) noexcept nogil:
    """Four times as many places, once half of them are used."""
    cdef uint64_t size = 4 * table.size, i, at
    cdef Place *places = <Place *> calloc(size, sizeof(Place))
    if places is NULL:
        return False
    for i in range(table.size):
        if table.places[i].code:
            at = table.places[i].hash & (size - 1)
            while places[at].code:
                at = (at + 1) & (size - 1)
            places[at] = table.places[i]
    free(table.places)
    table.places, table.size = places, size
    return True
