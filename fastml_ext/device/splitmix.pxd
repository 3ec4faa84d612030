# The output function of SplitMix64 (Steele, Lea, Flood 2014), for Cython; numbers.py has it for Numba.
from libc.stdint cimport uint64_t


cdef inline uint64_t finalise(uint64_t z) noexcept nogil:
    """Every bit of z moves half the bits of the result."""
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9u
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EBu
    return z ^ (z >> 31)


cdef inline uint64_t step(uint64_t state, uint64_t n) noexcept nogil:
    """The n-th number of the stream that begins at `state`, counted from 1."""
    return finalise(state + n * <uint64_t> 0x9E3779B97F4A7C15u)
