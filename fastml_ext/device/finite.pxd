"""Whether floats are finite, by their bits, in registers as wide as the processor has them.

An exponent of all ones is infinity or NaN. Adding one to it carries into the sign bit, which was cleared.
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

    FASTML_INLINE uint32_t fastml_seen32(const uint32_t* x, Py_ssize_t n) {
        uint32_t seen = 0;
        for (Py_ssize_t i = 0; i < n; i++) seen |= (x[i] & 0x7fffffffu) + 0x00800000u;
        return seen >> 31;
    }
    FASTML_INLINE uint32_t fastml_seen64(const uint64_t* x, Py_ssize_t n) {
        uint64_t seen = 0;
        for (Py_ssize_t i = 0; i < n; i++) seen |= (x[i] & 0x7fffffffffffffffu) + 0x0010000000000000u;
        return (uint32_t) (seen >> 63);
    }
    #ifdef FASTML_AVX2
    FASTML_AVX2 uint32_t fastml_wide32(const uint32_t* x, Py_ssize_t n) { return fastml_seen32(x, n); }
    FASTML_AVX2 uint32_t fastml_wide64(const uint64_t* x, Py_ssize_t n) { return fastml_seen64(x, n); }
    FASTML_INLINE int fastml_finite32(const uint32_t* x, Py_ssize_t n) {
        return !(n >= 128 && __builtin_cpu_supports("avx2") ? fastml_wide32(x, n) : fastml_seen32(x, n));
    }
    FASTML_INLINE int fastml_finite64(const uint64_t* x, Py_ssize_t n) {
        return !(n >= 64 && __builtin_cpu_supports("avx2") ? fastml_wide64(x, n) : fastml_seen64(x, n));
    }
    #else
    FASTML_INLINE int fastml_finite32(const uint32_t* x, Py_ssize_t n) { return !fastml_seen32(x, n); }
    FASTML_INLINE int fastml_finite64(const uint64_t* x, Py_ssize_t n) { return !fastml_seen64(x, n); }
    #endif
    """
    bint finite32 "fastml_finite32" (const uint32_t* x, Py_ssize_t n) noexcept nogil
    bint finite64 "fastml_finite64" (const uint64_t* x, Py_ssize_t n) noexcept nogil
