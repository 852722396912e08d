#include "cpu_level.h"

#if defined(__x86_64__) || defined(_M_X64)

#include <stdint.h>
#if defined(_MSC_VER)
#include <intrin.h>
#include <immintrin.h>
#else
#include <cpuid.h>
#endif

typedef struct { uint32_t eax, ebx, ecx, edx; } registers;

static registers cpuid(uint32_t leaf)
{
    registers r = {0, 0, 0, 0};
#if defined(_MSC_VER)
    int words[4];
    __cpuid(words, (int)(leaf & 0x80000000u));
    if ((uint32_t)words[0] >= leaf) {
        __cpuidex(words, (int)leaf, 0);
        r.eax = words[0]; r.ebx = words[1]; r.ecx = words[2]; r.edx = words[3];
    }
#else
    if (__get_cpuid_max(leaf & 0x80000000u, 0) >= leaf)
        __cpuid_count(leaf, 0, r.eax, r.ebx, r.ecx, r.edx);
#endif
    return r;
}

/* The register sets that the operating system saves: XCR0. */
static uint64_t saved_registers(void)
{
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
#endif
}

static int all_of(uint64_t word, uint64_t bits) { return (word & bits) == bits; }

const char *bp_cpu_level(void)
{
    const uint32_t fma = 1u << 12, movbe = 1u << 22, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const uint32_t bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8, lzcnt = 1u << 5;
    const uint32_t avx512 = (1u << 16) | (1u << 17) | (1u << 28) | (1u << 30) | (1u << 31); /* F DQ CD BW VL */
    const uint64_t ymm = 0x6, zmm = 0xe6;
    const registers leaf1 = cpuid(1), leaf7 = cpuid(7), extended = cpuid(0x80000001u);

    if (!all_of(leaf1.ecx, fma | movbe | osxsave | avx | f16c) || !all_of(leaf7.ebx, bmi1 | avx2 | bmi2)
        || !all_of(extended.ecx, lzcnt) || !all_of(saved_registers(), ymm))
        return "base";
    return all_of(leaf7.ebx, avx512) && all_of(saved_registers(), zmm) ? "v4" : "v3";
}

#elif defined(__aarch64__) || defined(_M_ARM64)

const char *bp_cpu_level(void) { return "neon"; }

#else

const char *bp_cpu_level(void) { return "base"; }

#endif
