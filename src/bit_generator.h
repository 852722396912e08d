/* What the capsule "BitGenerator" of a numpy.random bit generator points to (a stable part of
 * NumPy's C interface, numpy/random/bitgen.h), stated here so that no NumPy header is needed. */
#ifndef BP_BIT_GENERATOR_H
#define BP_BIT_GENERATOR_H

#include <stdint.h>

typedef struct {
    void *state;
    uint64_t (*next_uint64)(void *state);
    uint32_t (*next_uint32)(void *state);
    double (*next_double)(void *state);
    uint64_t (*next_raw)(void *state);
} bp_bit_generator;

#endif
