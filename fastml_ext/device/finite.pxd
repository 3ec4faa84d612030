"""Whether floats are finite, or no larger than a bound, by their bits, in registers as wide as the processor has them.

An exponent of all ones is infinity or NaN. Adding one to it carries into the sign bit, which was cleared; a larger
addend carries from smaller magnitudes on: the bits of magnitudes are in the order of the magnitudes.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>

    #if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
    #define FASTML_INLINE static inline __attribute__((always_inline, unused))
    #define FASTML_AVX2 __attribute__((target("avx2"), unused)) static
    #else
    #define FASTML_INLINE static inline
    #endif

    FASTML_INLINE uint32_t fastml_seen32(const uint32_t* x, Py_ssize_t n, uint32_t carry) {
        uint32_t seen = 0;
        for (Py_ssize_t i = 0; i < n; i++) seen |= (x[i] & 0x7fffffffu) + carry;
        return seen >> 31;
    }
    FASTML_INLINE uint32_t fastml_seen64(const uint64_t* x, Py_ssize_t n, uint64_t carry) {
        uint64_t seen = 0;
        for (Py_ssize_t i = 0; i < n; i++) seen |= (x[i] & 0x7fffffffffffffffu) + carry;
        return (uint32_t) (seen >> 63);
    }
    #ifdef FASTML_AVX2
    FASTML_AVX2 uint32_t fastml_wide32(const uint32_t* x, Py_ssize_t n, uint32_t carry) {
        return fastml_seen32(x, n, carry);
    }
    FASTML_AVX2 uint32_t fastml_wide64(const uint64_t* x, Py_ssize_t n, uint64_t carry) {
        return fastml_seen64(x, n, carry);
    }
    FASTML_INLINE int fastml_within32(const uint32_t* x, Py_ssize_t n, uint32_t carry) {
        return !(n >= 128 && __builtin_cpu_supports("avx2") ? fastml_wide32(x, n, carry)
            : fastml_seen32(x, n, carry));
    }
    FASTML_INLINE int fastml_within64(const uint64_t* x, Py_ssize_t n, uint64_t carry) {
        return !(n >= 64 && __builtin_cpu_supports("avx2") ? fastml_wide64(x, n, carry)
            : fastml_seen64(x, n, carry));
    }
    #else
    FASTML_INLINE int fastml_within32(const uint32_t* x, Py_ssize_t n, uint32_t carry) {
        return !fastml_seen32(x, n, carry);
    }
    FASTML_INLINE int fastml_within64(const uint64_t* x, Py_ssize_t n, uint64_t carry) {
        return !fastml_seen64(x, n, carry);
    }
    #endif
    FASTML_INLINE int fastml_finite32(const uint32_t* x, Py_ssize_t n) { return fastml_within32(x, n, 0x00800000u); }
    FASTML_INLINE int fastml_finite64(const uint64_t* x, Py_ssize_t n) {
        return fastml_within64(x, n, 0x0010000000000000u);
    }
    """
    bint finite32 "fastml_finite32" (const uint32_t* x, Py_ssize_t n) noexcept nogil
    bint finite64 "fastml_finite64" (const uint64_t* x, Py_ssize_t n) noexcept nogil
    bint within32 "fastml_within32" (const uint32_t* x, Py_ssize_t n, uint32_t carry) noexcept nogil
    bint within64 "fastml_within64" (const uint64_t* x, Py_ssize_t n, uint64_t carry) noexcept nogil
