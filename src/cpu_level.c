/* This file is also linked into modules of kernels, with their flags. So that asking "can this CPU
 * run it?" needs nothing that the answer could deny, the functions here keep to general registers:
 * one number at a time, and no AVX where the compiler can be told.
 */
#include "cpu_level.h"

#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)

#include <stdint.h>
#if defined(_MSC_VER)
#include <intrin.h>
#include <immintrin.h>
#define BP_PLAIN
#else
#include <cpuid.h>
#define BP_PLAIN __attribute__((target("no-avx")))
#endif

enum { EBX = 1, ECX = 2 };

/* One register of a leaf; 0 where the CPU has no such leaf. */
BP_PLAIN static uint32_t cpuid(uint32_t leaf, int which)
{
#if defined(_MSC_VER)
    int words[4];
    __cpuid(words, (int)(leaf & 0x80000000u));
    if ((uint32_t)words[0] < leaf)
        return 0;
    __cpuidex(words, (int)leaf, 0);
    return (uint32_t)words[which];
#else
    uint32_t eax, ebx, ecx, edx;
    if (__get_cpuid_max(leaf & 0x80000000u, 0) < leaf)
        return 0;
    __cpuid_count(leaf, 0, eax, ebx, ecx, edx);
    return which == EBX ? ebx : ecx;
#endif
}

/* The register sets that the operating system saves: XCR0. */
BP_PLAIN static uint64_t saved_registers(void)
{
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
#endif
}

BP_PLAIN static int all_of(uint64_t word, uint64_t bits) { return (word & bits) == bits; }

BP_PLAIN const char *bp_cpu_level(void)
{
    const uint32_t fma = 1u << 12, movbe = 1u << 22, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const uint32_t bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8, lzcnt = 1u << 5;
    const uint32_t avx512 = (1u << 16) | (1u << 17) | (1u << 28) | (1u << 30) | (1u << 31); /* F DQ CD BW VL */
    const uint64_t ymm = 0x6, zmm = 0xe6;

    if (!all_of(cpuid(1, ECX), fma | movbe | osxsave | avx | f16c) || !all_of(cpuid(7, EBX), bmi1 | avx2 | bmi2)
        || !all_of(cpuid(0x80000001u, ECX), lzcnt) || !all_of(saved_registers(), ymm))
        return "base";
    return all_of(cpuid(7, EBX), avx512) && all_of(saved_registers(), zmm) ? "v4" : "v3";
}

BP_PLAIN int bp_cpu_runs(const char *level)
{
    const char *best = bp_cpu_level();
    if (strcmp(best, "base") == 0)
        return strcmp(level, "base") == 0;
    return strcmp(best, "v4") == 0 || strcmp(level, "v4") != 0;
}

#else

#if defined(__aarch64__) || defined(_M_ARM64)
const char *bp_cpu_level(void) { return "neon"; }
#else
const char *bp_cpu_level(void) { return "base"; }
#endif

int bp_cpu_runs(const char *level) { return strcmp(level, bp_cpu_level()) == 0; }

#endif
