/* A word of 64-bit lanes, and what a counter-based random generator does with it.
 *
 *   BP_UL   lanes in a word          vu   a word
 *
 * vu_product multiplies the low 32 bits of the lanes to 64 bits; what stands above them does not count.
 */
#ifndef BP_RANDOM_WORDS_H
#define BP_RANDOM_WORDS_H

#include "simd.h"

#if defined(BP_ISA_V4)
#define BP_UL 8
typedef __m512i vu;
BP_INLINE vu vu_load(const uint64_t *p) { return _mm512_loadu_si512(p); }
BP_INLINE void vu_store(uint64_t *p, vu a) { _mm512_storeu_si512(p, a); }
BP_INLINE vu vu_set1(uint64_t x) { return _mm512_set1_epi64((long long)x); }
BP_INLINE vu vu_xor(vu a, vu b) { return _mm512_xor_si512(a, b); }
BP_INLINE vu vu_product(vu a, vu b) { return _mm512_mul_epu32(a, b); }
BP_INLINE vu vu_upper(vu a) { return _mm512_srli_epi64(a, 32); }

#elif defined(BP_ISA_V3)
#define BP_UL 4
typedef __m256i vu;
BP_INLINE vu vu_load(const uint64_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
BP_INLINE void vu_store(uint64_t *p, vu a) { _mm256_storeu_si256((__m256i *)p, a); }
BP_INLINE vu vu_set1(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
BP_INLINE vu vu_xor(vu a, vu b) { return _mm256_xor_si256(a, b); }
BP_INLINE vu vu_product(vu a, vu b) { return _mm256_mul_epu32(a, b); }
BP_INLINE vu vu_upper(vu a) { return _mm256_srli_epi64(a, 32); }

#elif defined(BP_ISA_BASE) && (defined(__x86_64__) || defined(_M_X64))
#define BP_UL 2
typedef __m128i vu;
BP_INLINE vu vu_load(const uint64_t *p) { return _mm_loadu_si128((const __m128i *)p); }
BP_INLINE void vu_store(uint64_t *p, vu a) { _mm_storeu_si128((__m128i *)p, a); }
BP_INLINE vu vu_set1(uint64_t x) { return _mm_set1_epi64x((long long)x); }
BP_INLINE vu vu_xor(vu a, vu b) { return _mm_xor_si128(a, b); }
BP_INLINE vu vu_product(vu a, vu b) { return _mm_mul_epu32(a, b); }
BP_INLINE vu vu_upper(vu a) { return _mm_srli_epi64(a, 32); }

#elif defined(BP_ISA_NEON)
#define BP_UL 2
typedef uint64x2_t vu;
BP_INLINE vu vu_load(const uint64_t *p) { return vld1q_u64(p); }
BP_INLINE void vu_store(uint64_t *p, vu a) { vst1q_u64(p, a); }
BP_INLINE vu vu_set1(uint64_t x) { return vdupq_n_u64(x); }
BP_INLINE vu vu_xor(vu a, vu b) { return veorq_u64(a, b); }
BP_INLINE vu vu_product(vu a, vu b) { return vmull_u32(vmovn_u64(a), vmovn_u64(b)); }
BP_INLINE vu vu_upper(vu a) { return vshrq_n_u64(a, 32); }

#else
#define BP_UL 1
typedef uint64_t vu;
BP_INLINE vu vu_load(const uint64_t *p) { return *p; }
BP_INLINE void vu_store(uint64_t *p, vu a) { *p = a; }
BP_INLINE vu vu_set1(uint64_t x) { return x; }
BP_INLINE vu vu_xor(vu a, vu b) { return a ^ b; }
BP_INLINE vu vu_product(vu a, vu b) { return (a & UINT64_C(0xFFFFFFFF)) * (b & UINT64_C(0xFFFFFFFF)); }
BP_INLINE vu vu_upper(vu a) { return a >> 32; }
#endif

#endif
