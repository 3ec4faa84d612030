/* What the launcher and the kernels that were compiled ahead of time know of one another. */
#ifndef FASTML_LAUNCH_H
#define FASTML_LAUNCH_H

#include <stdint.h>

/* Numba's: what a failing kernel raises, as the pickle of (class, arguments or None, place). */
typedef struct {
    const char *pickle;
    int32_t size;
    const char *hash;
    void *unwrap;
    int32_t dynamic;
} fastml_excinfo;

/* A variant of a kernel as machine code: reads its arguments from slots, writes its result into ret, and returns 0 or
   -2, or a number above 0 with the reason in the last argument. It needs neither Python nor its lock. */
typedef int32_t (*fastml_entry)(uint64_t *slots, uint64_t *ret, fastml_excinfo **reason);

/* The codes of the arguments and of the result are described in _launch.c. */
typedef struct {
    const char *kernel, *code, *ret;
    fastml_entry entry;
} fastml_variant;

/* What the capsule `table` of fastml_ext._kernels_<level> points to: `count` variants, sorted by kernel as strcmp does,
   and what gives back one share in the memory of an array that a kernel returned. */
typedef struct {
    const fastml_variant *variants;
    int32_t count;
    void (*release)(void *owner);
} fastml_kernels;

#define FASTML_KERNELS "fastml_ext.kernels" /* the name of that capsule */

#endif
