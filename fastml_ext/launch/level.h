/* The highest level of x86-64 that this processor has: a part of _launch.c. */

#if defined(_MSC_VER)
#include <intrin.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__x86_64__) || defined(_M_X64)
static void cpuid(uint32_t leaf, uint32_t r[4])
{
#if defined(_MSC_VER)
    __cpuidex((int *)r, (int)leaf, 0);
#else
    __cpuid_count(leaf, 0, r[0], r[1], r[2], r[3]);
#endif
}

/* Which registers the system saves: bits 1 and 2 those of SSE and AVX, 5 to 7 those of AVX-512. */
static uint64_t saved_registers(void)
{
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
#endif
}

/* The highest level of x86-64 (psABI, table 3.1) whose every feature is there. */
static int level(void)
{
    uint32_t r[4];
    cpuid(0, r);
    uint32_t most = r[0];
    cpuid(0x80000000, r);
    uint32_t most_extended = r[0];
    if (most < 1 || most_extended < 0x80000001)
        return 1;
    cpuid(1, r);
    uint32_t c1 = r[2], b7 = 0, c8;
    if (most >= 7) {
        cpuid(7, r);
        b7 = r[1];
    }
    cpuid(0x80000001, r);
    c8 = r[2];
    /* sse3 ssse3 cx16 sse4.1 sse4.2 popcnt; lahf */
    const uint32_t C1_V2 = 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23, C8_V2 = 1u << 0;
    /* fma movbe osxsave avx f16c; bmi1 avx2 bmi2; lzcnt */
    const uint32_t C1_V3 = 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29, B7_V3 = 1u << 3 | 1u << 5 | 1u << 8;
    const uint32_t C8_V3 = 1u << 5;
    /* avx512 f dq cd bw vl */
    const uint32_t B7_V4 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
    if ((c1 & C1_V2) != C1_V2 || (c8 & C8_V2) != C8_V2)
        return 1;
    if ((c1 & C1_V3) != C1_V3 || (b7 & B7_V3) != B7_V3 || (c8 & C8_V3) != C8_V3 || (saved_registers() & 0x6) != 0x6)
        return 2;
    return (b7 & B7_V4) != B7_V4 || (saved_registers() & 0xE6) != 0xE6 ? 3 : 4;
}
#else
static int level(void) { return 0; }
#endif
