/* One vector word of reals and the operations the kernels are written in.
 *
 * The build picks one section with -DBP_ISA_V4, -DBP_ISA_V3, -DBP_ISA_NEON or
 * -DBP_ISA_BASE, and the number type with -DBP_F64 (see real.h). Every section
 * defines the same names:
 *
 *   BP_ISA   the instruction set's name        BP_VL   reals in a word
 *   BP_MANY_REGISTERS   1 with 32 vector registers, 0 with 16
 *   vr       a word of BP_VL reals             vm      one truth value per real
 *
 * Semantics that every section keeps to the bit (the numeric contract leans on
 * them): fma rounds once, except on base, where it is a product and a sum;
 * min(a, b) is "a < b ? a : b" and max(a, b) is "a > b ? a : b" per real, so a
 * NaN in b is kept; div and sqrt are correctly rounded; comparisons with a NaN
 * are false.
 */
#ifndef BP_SIMD_H
#define BP_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "real.h"

#if defined(_MSC_VER) && !defined(__clang__)
#define BP_INLINE static __forceinline
#else
#define BP_INLINE static inline __attribute__((always_inline))
#endif

#if BP_IS_F64
#define BP_MANTISSA_BITS 52
#define BP_SIGN_BIT UINT64_C(0x8000000000000000)
typedef uint64_t real_bits;
#else
#define BP_MANTISSA_BITS 23
#define BP_SIGN_BIT UINT32_C(0x80000000)
typedef uint32_t real_bits;
#endif

/* Whether vr_fma rounds once. */
#if defined(BP_ISA_BASE)
#define BP_FUSED 0
#else
#define BP_FUSED 1
#endif

BP_INLINE real real_from_bits(real_bits bits) { real r; memcpy(&r, &bits, sizeof r); return r; }

/* ------------------------------------------------------------------ x86-64 */
#if defined(BP_ISA_V4) || defined(BP_ISA_V3) || (defined(BP_ISA_BASE) && (defined(__x86_64__) || defined(_M_X64)))
#include <immintrin.h>

#if defined(BP_ISA_V4)
#define BP_ISA "v4"
#define BP_MANY_REGISTERS 1
#if BP_IS_F64
#define BP_VL 8
#define BP_X86(op) _mm512_##op##_pd
#define BP_X86_INT(op) _mm512_##op##_epi64
#define BP_X86_TO_INT _mm512_castpd_si512
#define BP_X86_TO_REAL _mm512_castsi512_pd
#define BP_X86_LT(a, b) _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ)
#define BP_X86_CLASS _mm512_fpclass_pd_mask
typedef __m512d vr;
typedef __mmask8 vm;
#else
#define BP_VL 16
#define BP_X86(op) _mm512_##op##_ps
#define BP_X86_INT(op) _mm512_##op##_epi32
#define BP_X86_TO_INT _mm512_castps_si512
#define BP_X86_TO_REAL _mm512_castsi512_ps
#define BP_X86_LT(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)
#define BP_X86_CLASS _mm512_fpclass_ps_mask
typedef __m512 vr;
typedef __mmask16 vm;
#endif
BP_INLINE vr vr_fma(vr a, vr b, vr c) { return BP_X86(fmadd)(a, b, c); }
BP_INLINE vr vr_fnma(vr a, vr b, vr c) { return BP_X86(fnmadd)(a, b, c); }
BP_INLINE vm vr_lt(vr a, vr b) { return BP_X86_LT(a, b); }
#define BP_HAS_SETTLED
BP_INLINE vr vr_settled(vr a) /* 0x24: below the normal range, or -0 */
{
    return BP_X86(mask_blend)(BP_X86_CLASS(a, 0x24), a, BP_X86_TO_REAL(_mm512_setzero_si512()));
}
BP_INLINE vr vr_select(vm m, vr a, vr b) { return BP_X86(mask_blend)(m, b, a); }
BP_INLINE vm vm_first(int n) { return (vm)((1u << n) - 1u); }

#elif defined(BP_ISA_V3)
#define BP_ISA "v3"
#define BP_MANY_REGISTERS 0
#if BP_IS_F64
#define BP_VL 4
#define BP_X86(op) _mm256_##op##_pd
#define BP_X86_INT(op) _mm256_##op##_epi64
#define BP_X86_TO_INT _mm256_castpd_si256
#define BP_X86_TO_REAL _mm256_castsi256_pd
typedef __m256d vr;
typedef __m256d vm;
BP_INLINE vm vm_first(int n)
{
    return BP_X86_TO_REAL(_mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)));
}
#else
#define BP_VL 8
#define BP_X86(op) _mm256_##op##_ps
#define BP_X86_INT(op) _mm256_##op##_epi32
#define BP_X86_TO_INT _mm256_castps_si256
#define BP_X86_TO_REAL _mm256_castsi256_ps
typedef __m256 vr;
typedef __m256 vm;
BP_INLINE vm vm_first(int n)
{
    return BP_X86_TO_REAL(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}
#endif
BP_INLINE vr vr_fma(vr a, vr b, vr c) { return BP_X86(fmadd)(a, b, c); }
BP_INLINE vr vr_fnma(vr a, vr b, vr c) { return BP_X86(fnmadd)(a, b, c); }
BP_INLINE vm vr_lt(vr a, vr b) { return BP_X86(cmp)(a, b, _CMP_LT_OQ); }
BP_INLINE vr vr_select(vm m, vr a, vr b) { return BP_X86(blendv)(b, a, m); }

#else /* base: SSE2, which every x86-64 CPU has */
#define BP_ISA "base"
#define BP_MANY_REGISTERS 0
#if BP_IS_F64
#define BP_VL 2
#define BP_X86(op) _mm_##op##_pd
#define BP_X86_INT(op) _mm_##op##_epi64
#define BP_X86_TO_INT _mm_castpd_si128
#define BP_X86_TO_REAL _mm_castsi128_pd
typedef __m128d vr;
typedef __m128d vm;
BP_INLINE vm vm_first(int n) { return _mm_cmplt_pd(_mm_setr_pd(0.0, 1.0), _mm_set1_pd((double)n)); }
#else
#define BP_VL 4
#define BP_X86(op) _mm_##op##_ps
#define BP_X86_INT(op) _mm_##op##_epi32
#define BP_X86_TO_INT _mm_castps_si128
#define BP_X86_TO_REAL _mm_castsi128_ps
typedef __m128 vr;
typedef __m128 vm;
BP_INLINE vm vm_first(int n) { return _mm_cmplt_ps(_mm_setr_ps(0.0f, 1.0f, 2.0f, 3.0f), _mm_set1_ps((float)n)); }
#endif
BP_INLINE vr vr_fma(vr a, vr b, vr c) { return BP_X86(add)(BP_X86(mul)(a, b), c); }
BP_INLINE vr vr_fnma(vr a, vr b, vr c) { return BP_X86(sub)(c, BP_X86(mul)(a, b)); }
BP_INLINE vm vr_lt(vr a, vr b) { return BP_X86(cmplt)(a, b); }
BP_INLINE vr vr_select(vm m, vr a, vr b) { return BP_X86(or)(BP_X86(and)(m, a), BP_X86(andnot)(m, b)); }
#endif

BP_INLINE vr vr_load(const real *p) { return BP_X86(loadu)(p); }
BP_INLINE void vr_store(real *p, vr a) { BP_X86(storeu)(p, a); }
BP_INLINE vr vr_set1(real x) { return BP_X86(set1)(x); }
BP_INLINE vr vr_add(vr a, vr b) { return BP_X86(add)(a, b); }
BP_INLINE vr vr_sub(vr a, vr b) { return BP_X86(sub)(a, b); }
BP_INLINE vr vr_mul(vr a, vr b) { return BP_X86(mul)(a, b); }
BP_INLINE vr vr_div(vr a, vr b) { return BP_X86(div)(a, b); }
#if defined(BP_ISA_V4) && !BP_IS_F64
/* The root rounded to nearest, as the instruction gives it, by fused multiply-adds: the divider that both division
 * and root wait for is the bottleneck of Adam. From y near 1 / sqrt(a), g = a y and h = y / 2 are refined once; then
 * a - g g is exact, and g + h (a - g g) rounds to the right number for every mantissa (tests/test_elementary.py tries
 * all). Where a - g g could fall below the normal range, or a is not finite, the instruction does it; 0 stays 0. */
BP_INLINE vr vr_sqrt(vr a)
{
    const vr half = _mm512_set1_ps(0.5f);
    const vm some = _mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const vm plain = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(a, _mm512_set1_ps(0x1p120f), _CMP_LE_OQ), a,
                                             _mm512_set1_ps(0x1p-96f), _CMP_GE_OQ);
    vr y, g, h, r;
    if (some != plain)
        return _mm512_sqrt_ps(a);
    y = _mm512_maskz_rsqrt14_ps(some, a);
    g = _mm512_mul_ps(a, y);
    h = _mm512_mul_ps(half, y);
    r = _mm512_fnmadd_ps(g, h, half);
    g = _mm512_fmadd_ps(g, r, g);
    h = _mm512_fmadd_ps(h, r, h);
    return _mm512_fmadd_ps(_mm512_fnmadd_ps(g, g, a), h, g);
}
#else
BP_INLINE vr vr_sqrt(vr a) { return BP_X86(sqrt)(a); }
#endif
BP_INLINE vr vr_min(vr a, vr b) { return BP_X86(min)(a, b); }
BP_INLINE vr vr_max(vr a, vr b) { return BP_X86(max)(a, b); }
BP_INLINE vr vr_and(vr a, vr b) { return BP_X86(and)(a, b); }
BP_INLINE vr vr_or(vr a, vr b) { return BP_X86(or)(a, b); }
BP_INLINE vr vr_shift_left(vr a, int bits) { return BP_X86_TO_REAL(BP_X86_INT(slli)(BP_X86_TO_INT(a), bits)); }
BP_INLINE vr vr_shift_right(vr a, int bits) { return BP_X86_TO_REAL(BP_X86_INT(srli)(BP_X86_TO_INT(a), bits)); }
#if !BP_IS_F64 && !defined(BP_ISA_BASE)
#define BP_SQUARE 8
/* out[j, i] = in[i, j] for a square of 8 x 8: pairs, fours, halves change places. */
BP_INLINE void transpose_square(const real *in, ptrdiff_t in_stride, real *out, ptrdiff_t out_stride)
{
    __m256 a[8], b[8];
    for (int i = 0; i < 4; i++) {       /* rows i and i + 4 side by side: the halves are in place from the start */
        const real *low = in + i * in_stride, *high = low + 4 * in_stride;
        a[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
        a[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low + 4)), _mm_loadu_ps(high + 4), 1);
    }
    for (int h = 0; h < 8; h += 4) {
        b[h] = _mm256_unpacklo_ps(a[h], a[h + 1]);
        b[h + 1] = _mm256_unpackhi_ps(a[h], a[h + 1]);
        b[h + 2] = _mm256_unpacklo_ps(a[h + 2], a[h + 3]);
        b[h + 3] = _mm256_unpackhi_ps(a[h + 2], a[h + 3]);
        _mm256_storeu_ps(out + h * out_stride, _mm256_shuffle_ps(b[h], b[h + 2], 0x44));
        _mm256_storeu_ps(out + (h + 1) * out_stride, _mm256_shuffle_ps(b[h], b[h + 2], 0xEE));
        _mm256_storeu_ps(out + (h + 2) * out_stride, _mm256_shuffle_ps(b[h + 1], b[h + 3], 0x44));
        _mm256_storeu_ps(out + (h + 3) * out_stride, _mm256_shuffle_ps(b[h + 1], b[h + 3], 0xEE));
    }
}
#elif BP_IS_F64 && !defined(BP_ISA_BASE)
#define BP_SQUARE 4
BP_INLINE void transpose_square(const real *in, ptrdiff_t in_stride, real *out, ptrdiff_t out_stride)
{
    __m256d a[4];
    for (int i = 0; i < 2; i++) {
        const real *low = in + i * in_stride, *high = low + 2 * in_stride;
        a[i] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low)), _mm_loadu_pd(high), 1);
        a[i + 2] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low + 2)), _mm_loadu_pd(high + 2), 1);
    }
    for (int h = 0; h < 4; h += 2) {
        _mm256_storeu_pd(out + h * out_stride, _mm256_unpacklo_pd(a[h], a[h + 1]));
        _mm256_storeu_pd(out + (h + 1) * out_stride, _mm256_unpackhi_pd(a[h], a[h + 1]));
    }
}
#elif BP_IS_F64
#define BP_SQUARE 4
BP_INLINE void transpose_square(const real *in, ptrdiff_t in_stride, real *out, ptrdiff_t out_stride)
{
    for (int i = 0; i < 4; i += 2) {
        for (int j = 0; j < 4; j += 2) {
            const __m128d a = _mm_loadu_pd(in + i * in_stride + j), b = _mm_loadu_pd(in + (i + 1) * in_stride + j);
            _mm_storeu_pd(out + j * out_stride + i, _mm_unpacklo_pd(a, b));
            _mm_storeu_pd(out + (j + 1) * out_stride + i, _mm_unpackhi_pd(a, b));
        }
    }
}
#else
#define BP_SQUARE 4
BP_INLINE void transpose_square(const real *in, ptrdiff_t in_stride, real *out, ptrdiff_t out_stride)
{
    __m128 a = _mm_loadu_ps(in), b = _mm_loadu_ps(in + in_stride);
    __m128 c = _mm_loadu_ps(in + 2 * in_stride), d = _mm_loadu_ps(in + 3 * in_stride);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(out, a);
    _mm_storeu_ps(out + out_stride, b);
    _mm_storeu_ps(out + 2 * out_stride, c);
    _mm_storeu_ps(out + 3 * out_stride, d);
}
#endif

/* sums[r] = start[r] + the sum of 16 lanes for each of four dots, lanes 8 apart, then 4 apart, then (0 + 2) + (1 + 3). */
#if defined(BP_ISA_V4) && !BP_IS_F64
#define BP_HAS_SUM_FOUR_DOTS
BP_INLINE void sum_four_dots(const vr *lanes, const real *start, real *sums)
{
    const __m512 a = _mm512_add_ps(_mm512_shuffle_f32x4(lanes[0], lanes[1], 0x44),
                                   _mm512_shuffle_f32x4(lanes[0], lanes[1], 0xEE));
    const __m512 b = _mm512_add_ps(_mm512_shuffle_f32x4(lanes[2], lanes[3], 0x44),
                                   _mm512_shuffle_f32x4(lanes[2], lanes[3], 0xEE));
    __m512 c = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
    c = _mm512_add_ps(c, _mm512_permute_ps(c, 0x4E));
    c = _mm512_add_ps(c, _mm512_permute_ps(c, 0xB1));
    _mm_storeu_ps(sums, _mm_add_ps(_mm_loadu_ps(start), _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, c))));
}
#elif defined(BP_ISA_V4)
#define BP_HAS_SUM_FOUR_DOTS
BP_INLINE void sum_four_dots(const vr *lanes, const real *start, real *sums)
{
    const __m512d u = _mm512_add_pd(lanes[0], lanes[1]), v = _mm512_add_pd(lanes[2], lanes[3]);
    const __m512d w = _mm512_add_pd(lanes[4], lanes[5]), x = _mm512_add_pd(lanes[6], lanes[7]);
    const __m512d a = _mm512_add_pd(_mm512_shuffle_f64x2(u, v, 0x44), _mm512_shuffle_f64x2(u, v, 0xEE));
    const __m512d b = _mm512_add_pd(_mm512_shuffle_f64x2(w, x, 0x44), _mm512_shuffle_f64x2(w, x, 0xEE));
    __m512d c = _mm512_add_pd(_mm512_shuffle_f64x2(a, b, 0x88), _mm512_shuffle_f64x2(a, b, 0xDD));
    c = _mm512_add_pd(c, _mm512_permute_pd(c, 0x55));
    _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(start),
                                         _mm512_castpd512_pd256(_mm512_maskz_compress_pd(0x55, c))));
}
#elif defined(BP_ISA_V3) && !BP_IS_F64
#define BP_HAS_SUM_FOUR_DOTS
BP_INLINE void sum_four_dots(const vr *lanes, const real *start, real *sums)
{
    const __m256 u = _mm256_add_ps(lanes[0], lanes[1]), v = _mm256_add_ps(lanes[2], lanes[3]);
    const __m256 w = _mm256_add_ps(lanes[4], lanes[5]), x = _mm256_add_ps(lanes[6], lanes[7]);
    const __m256 a = _mm256_add_ps(_mm256_permute2f128_ps(u, v, 0x20), _mm256_permute2f128_ps(u, v, 0x31));
    const __m256 b = _mm256_add_ps(_mm256_permute2f128_ps(w, x, 0x20), _mm256_permute2f128_ps(w, x, 0x31));
    const __m256 c = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xEE));
    const __m256 d = _mm256_add_ps(_mm256_shuffle_ps(c, c, 0x88), _mm256_shuffle_ps(c, c, 0xDD));
    _mm_storeu_ps(sums, _mm_add_ps(_mm_loadu_ps(start),
                                   _mm_unpacklo_ps(_mm256_castps256_ps128(d), _mm256_extractf128_ps(d, 1))));
}
#elif defined(BP_ISA_V3)
#define BP_HAS_SUM_FOUR_DOTS
BP_INLINE vr lanes_4_apart(const vr *lanes)
{
    return _mm256_add_pd(_mm256_add_pd(lanes[0], lanes[2]), _mm256_add_pd(lanes[1], lanes[3]));
}
BP_INLINE void sum_four_dots(const vr *lanes, const real *start, real *sums)
{
    const __m256d u = lanes_4_apart(lanes), v = lanes_4_apart(lanes + 4);
    const __m256d w = lanes_4_apart(lanes + 8), x = lanes_4_apart(lanes + 12);
    const __m256d a = _mm256_add_pd(_mm256_permute2f128_pd(u, v, 0x20), _mm256_permute2f128_pd(u, v, 0x31));
    const __m256d b = _mm256_add_pd(_mm256_permute2f128_pd(w, x, 0x20), _mm256_permute2f128_pd(w, x, 0x31));
    const __m256d c = _mm256_hadd_pd(a, b);
    _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(start), _mm256_permute4x64_pd(c, 0xD8)));
}
#endif

/* ------------------------------------------------------------------- arm64 */
#elif defined(BP_ISA_NEON)
#include <arm_neon.h>
#define BP_ISA "neon"
#define BP_MANY_REGISTERS 1
#if BP_IS_F64
#define BP_VL 2
#define BP_ARM(op) op##_f64
#define BP_ARM_U(op) op##_u64
#define BP_ARM_S64_OR_S32 vdupq_n_s64
#define BP_ARM_TO_INT vreinterpretq_u64_f64
#define BP_ARM_TO_REAL vreinterpretq_f64_u64
typedef float64x2_t vr;
typedef uint64x2_t vm;
BP_INLINE vm vm_first(int n)
{
    const uint64_t lane[2] = {0, 1};
    return vcltq_u64(vld1q_u64(lane), vdupq_n_u64((uint64_t)n));
}
#else
#define BP_VL 4
#define BP_ARM(op) op##_f32
#define BP_ARM_U(op) op##_u32
#define BP_ARM_S64_OR_S32 vdupq_n_s32
#define BP_ARM_TO_INT vreinterpretq_u32_f32
#define BP_ARM_TO_REAL vreinterpretq_f32_u32
typedef float32x4_t vr;
typedef uint32x4_t vm;
BP_INLINE vm vm_first(int n)
{
    const uint32_t lane[4] = {0, 1, 2, 3};
    return vcltq_u32(vld1q_u32(lane), vdupq_n_u32((uint32_t)n));
}
#endif
BP_INLINE vr vr_load(const real *p) { return BP_ARM(vld1q)(p); }
BP_INLINE void vr_store(real *p, vr a) { BP_ARM(vst1q)(p, a); }
BP_INLINE vr vr_set1(real x) { return BP_ARM(vdupq_n)(x); }
BP_INLINE vr vr_add(vr a, vr b) { return BP_ARM(vaddq)(a, b); }
BP_INLINE vr vr_sub(vr a, vr b) { return BP_ARM(vsubq)(a, b); }
BP_INLINE vr vr_mul(vr a, vr b) { return BP_ARM(vmulq)(a, b); }
BP_INLINE vr vr_div(vr a, vr b) { return BP_ARM(vdivq)(a, b); }
BP_INLINE vr vr_sqrt(vr a) { return BP_ARM(vsqrtq)(a); }
BP_INLINE vr vr_fma(vr a, vr b, vr c) { return BP_ARM(vfmaq)(c, a, b); }
BP_INLINE vr vr_fnma(vr a, vr b, vr c) { return BP_ARM(vfmsq)(c, a, b); }
BP_INLINE vm vr_lt(vr a, vr b) { return BP_ARM(vcltq)(a, b); }
BP_INLINE vr vr_select(vm m, vr a, vr b) { return BP_ARM(vbslq)(m, a, b); }
BP_INLINE vr vr_min(vr a, vr b) { return vr_select(vr_lt(a, b), a, b); }
BP_INLINE vr vr_max(vr a, vr b) { return vr_select(vr_lt(b, a), a, b); }
BP_INLINE vr vr_and(vr a, vr b) { return BP_ARM_TO_REAL(BP_ARM_U(vandq)(BP_ARM_TO_INT(a), BP_ARM_TO_INT(b))); }
BP_INLINE vr vr_or(vr a, vr b) { return BP_ARM_TO_REAL(BP_ARM_U(vorrq)(BP_ARM_TO_INT(a), BP_ARM_TO_INT(b))); }
BP_INLINE vr vr_shift_left(vr a, int bits)
{
    return BP_ARM_TO_REAL(BP_ARM_U(vshlq)(BP_ARM_TO_INT(a), BP_ARM_S64_OR_S32(bits)));
}
BP_INLINE vr vr_shift_right(vr a, int bits)
{
    return BP_ARM_TO_REAL(BP_ARM_U(vshlq)(BP_ARM_TO_INT(a), BP_ARM_S64_OR_S32(-bits)));
}

/* ------------------------------------------- base: any other CPU, one real */
#elif defined(BP_ISA_BASE)
#define BP_ISA "base"
#define BP_MANY_REGISTERS 0
#define BP_VL 1
typedef real vr;
typedef int vm;
#if BP_IS_F64
#define BP_SQRT __builtin_sqrt
#else
#define BP_SQRT __builtin_sqrtf
#endif
BP_INLINE real_bits real_to_bits(real r) { real_bits b; memcpy(&b, &r, sizeof b); return b; }
BP_INLINE vr vr_load(const real *p) { return *p; }
BP_INLINE void vr_store(real *p, vr a) { *p = a; }
BP_INLINE vr vr_set1(real x) { return x; }
BP_INLINE vr vr_add(vr a, vr b) { return a + b; }
BP_INLINE vr vr_sub(vr a, vr b) { return a - b; }
BP_INLINE vr vr_mul(vr a, vr b) { return a * b; }
BP_INLINE vr vr_div(vr a, vr b) { return a / b; }
BP_INLINE vr vr_sqrt(vr a) { return BP_SQRT(a); }
BP_INLINE vr vr_fma(vr a, vr b, vr c) { return a * b + c; }
BP_INLINE vr vr_fnma(vr a, vr b, vr c) { return c - a * b; }
BP_INLINE vm vr_lt(vr a, vr b) { return a < b; }
BP_INLINE vr vr_select(vm m, vr a, vr b) { return m ? a : b; }
BP_INLINE vm vm_first(int n) { return n > 0; }
BP_INLINE vr vr_min(vr a, vr b) { return a < b ? a : b; }
BP_INLINE vr vr_max(vr a, vr b) { return a > b ? a : b; }
BP_INLINE vr vr_and(vr a, vr b) { return real_from_bits(real_to_bits(a) & real_to_bits(b)); }
BP_INLINE vr vr_or(vr a, vr b) { return real_from_bits(real_to_bits(a) | real_to_bits(b)); }
BP_INLINE vr vr_shift_left(vr a, int bits) { return real_from_bits(real_to_bits(a) << bits); }
BP_INLINE vr vr_shift_right(vr a, int bits) { return real_from_bits(real_to_bits(a) >> bits); }

#else
#error "simd.h: define one of BP_ISA_V4, BP_ISA_V3, BP_ISA_NEON, BP_ISA_BASE"
#endif

#ifndef BP_SQUARE
#define BP_SQUARE 4
/* out[j, i] = in[i, j] for a square of 4 x 4. */
BP_INLINE void transpose_square(const real *in, ptrdiff_t in_stride, real *out, ptrdiff_t out_stride)
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            out[j * out_stride + i] = in[i * in_stride + j];
}
#endif

/* Words that hold the contract's 16 lanes. */
#define BP_LANE_WORDS (16 / BP_VL)

#ifndef BP_HAS_SUM_FOUR_DOTS
BP_INLINE void sum_four_dots(const vr *lanes, const real *start, real *sums)
{
    for (int r = 0; r < 4; r++) {
        real lane[16];
        for (int i = 0; i < BP_LANE_WORDS; i++)
            vr_store(lane + i * BP_VL, lanes[r * BP_LANE_WORDS + i]);
        for (int i = 0; i < 8; i++)
            lane[i] += lane[i + 8];
        for (int i = 0; i < 4; i++)
            lane[i] += lane[i + 4];
        sums[r] = start[r] + ((lane[0] + lane[2]) + (lane[1] + lane[3]));
    }
}
#endif

/* Ask for the cache line of p, as far as the second level; a hint, whatever the address. */
#if defined(__GNUC__) || defined(__clang__)
BP_INLINE void ask_for_line(const char *p) { __builtin_prefetch(p, 0, 2); }
#elif defined(_M_X64)
BP_INLINE void ask_for_line(const char *p) { _mm_prefetch(p, _MM_HINT_T1); }
#else
BP_INLINE void ask_for_line(const char *p) { (void)p; }
#endif

/* Words of the widest register tile of several rows. */
#define BP_WIDEST (BP_MANY_REGISTERS ? 4 : 2)

#define BP_TABLE_NAME "bp_core.kernels/4/" BP_ISA "/" BP_DTYPE

/* ------------------------------------- written once from the operations above */
BP_INLINE vr vr_zero(void) { return vr_set1((real)0); }
BP_INLINE vr vr_bits(real_bits bits) { return vr_set1(real_from_bits(bits)); }
BP_INLINE vr vr_abs(vr a) { return vr_and(a, vr_bits((real_bits)(BP_SIGN_BIT - 1))); }
BP_INLINE vr vr_sign_of(vr a) { return vr_and(a, vr_bits((real_bits)BP_SIGN_BIT)); }
BP_INLINE vr vr_neg(vr a) { return vr_sub(vr_bits((real_bits)BP_SIGN_BIT), a); }
BP_INLINE vr vr_with_sign(vr magnitude, vr sign) { return vr_or(magnitude, sign); } /* magnitude >= 0 */
BP_INLINE vr vr_keep(vm m, vr a) { return vr_select(m, a, vr_zero()); }
#ifndef BP_HAS_SETTLED
/* 0 in place of a number below the normal range, and of -0; a NaN stays. */
BP_INLINE vr vr_settled(vr a)
{
    return vr_select(vr_lt(vr_abs(a), vr_bits((real_bits)1 << BP_MANTISSA_BITS)), vr_zero(), a);
}
#endif
/* 2^n from the low mantissa bits of t = 1.5 * 2^mantissa_bits + bias + n, 1 <= bias + n <= 2 * bias. */
BP_INLINE vr vr_power_of_two(vr t) { return vr_shift_left(t, BP_MANTISSA_BITS); }

#endif
