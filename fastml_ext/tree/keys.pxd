"""The bits of a number as an unsigned integer in the order of the numbers."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

ctypedef fused number:
    float
    double
    uint8_t
    int32_t
    int64_t
    uint64_t

ctypedef fused word:
    uint32_t
    uint64_t


cdef inline word key_of(number value, word kind) noexcept nogil:
    """Unsigned integers in the order of the values; -0.0 is 0.0, and NaN comes last."""
    cdef word bits = 0, sign = <word> 1 << (8 * sizeof(word) - 1)
    cdef number zero = 0
    if number is float or number is double:
        if value != value:
            return ~<word> 0
        if value == zero:
            return sign
        memcpy(&bits, &value, sizeof(number))
        return ~bits if bits & sign else bits | sign
    elif number is int32_t or number is int64_t:
        return (<word> value) ^ sign
    else:
        return <word> value
