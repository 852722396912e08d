/* The floating-point peak of one core: chains of fused multiply-adds that never leave the registers.
 *
 * Prints "LEVEL F32 F64" in GFLOP/s, the best of the blocks timed within the seconds given. The instruction set is the
 * widest that the compiler's flags allow. Twelve chains hide a latency of four cycles on two units; where there are 32
 * registers, 24 chains hide more. Without fused multiply-add the loop multiplies, then adds. */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LEVEL "avx512"
typedef __m512 vec_f32;
typedef __m512d vec_f64;
#define SET_f32(x) _mm512_set1_ps(x)
#define SET_f64(x) _mm512_set1_pd(x)
#define FMA_f32(a, x, y) _mm512_fmadd_ps(a, x, y)
#define FMA_f64(a, x, y) _mm512_fmadd_pd(a, x, y)
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define LEVEL "avx2"
typedef __m256 vec_f32;
typedef __m256d vec_f64;
#define SET_f32(x) _mm256_set1_ps(x)
#define SET_f64(x) _mm256_set1_pd(x)
#define FMA_f32(a, x, y) _mm256_fmadd_ps(a, x, y)
#define FMA_f64(a, x, y) _mm256_fmadd_pd(a, x, y)
#elif defined(__aarch64__)
#include <arm_neon.h>
#define LEVEL "neon"
typedef float32x4_t vec_f32;
typedef float64x2_t vec_f64;
#define SET_f32(x) vdupq_n_f32(x)
#define SET_f64(x) vdupq_n_f64(x)
#define FMA_f32(a, x, y) vfmaq_f32(y, a, x)
#define FMA_f64(a, x, y) vfmaq_f64(y, a, x)
#elif defined(__SSE2__)
#include <emmintrin.h>
#define LEVEL "sse2"
typedef __m128 vec_f32;
typedef __m128d vec_f64;
#define SET_f32(x) _mm_set1_ps(x)
#define SET_f64(x) _mm_set1_pd(x)
#define FMA_f32(a, x, y) _mm_add_ps(_mm_mul_ps(a, x), y)
#define FMA_f64(a, x, y) _mm_add_pd(_mm_mul_pd(a, x), y)
#else
#define LEVEL "scalar"
typedef float vec_f32;
typedef double vec_f64;
#define SET_f32(x) (x)
#define SET_f64(x) (x)
#define FMA_f32(a, x, y) ((a) * (x) + (y))
#define FMA_f64(a, x, y) ((a) * (x) + (y))
#endif

#define SIX(op, p) op(p##0) op(p##1) op(p##2) op(p##3) op(p##4) op(p##5)
#define TWELVE(op, p) SIX(op, p) SIX(op, p##_)
#if defined(__AVX512F__) || defined(__aarch64__)
#define CHAINS 24
#define EACH(op) TWELVE(op, a) TWELVE(op, b)
#else
#define CHAINS 12
#define EACH(op) TWELVE(op, a)
#endif

#define ROUNDS 200000

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static volatile char sink;

/* One block: ROUNDS times CHAINS fused multiply-adds; returns GFLOP/s. The values converge to 2, far from denormals. */
#define BLOCK(real, type)                                                                                              \
    static double block_##type(void) {                                                                                 \
        const vec_##type x = SET_##type((real)0.5), y = SET_##type((real)1.0);                                         \
        EACH(DECLARE_##type)                                                                                           \
        double start = seconds_now();                                                                                  \
        for (long round = 0; round < ROUNDS; round++) {                                                                \
            EACH(STEP_##type)                                                                                          \
        }                                                                                                              \
        double seconds = seconds_now() - start;                                                                        \
        vec_##type sum = SET_##type((real)0.0);                                                                        \
        EACH(ADD_##type)                                                                                               \
        sink = *(char *)&sum;                                                                                          \
        return 2e-9 * CHAINS * ROUNDS * (sizeof(vec_##type) / sizeof(real)) / seconds;                                 \
    }
#define DECLARE_f32(a) vec_f32 a = SET_f32(1.0f);
#define DECLARE_f64(a) vec_f64 a = SET_f64(1.0);
#define STEP_f32(a) a = FMA_f32(a, x, y); __asm__ volatile("" : KEEP(a));
#define STEP_f64(a) a = FMA_f64(a, x, y); __asm__ volatile("" : KEEP(a));
#define ADD_f32(a) sum = FMA_f32(sum, x, a);
#define ADD_f64(a) sum = FMA_f64(sum, x, a);
#if defined(__aarch64__)
#define KEEP(a) "+w"(a)
#elif defined(__AVX512F__)
#define KEEP(a) "+v"(a)
#elif defined(__x86_64__)
#define KEEP(a) "+x"(a)
#else
#define KEEP(a) "+m"(a)
#endif
BLOCK(float, f32)
BLOCK(double, f64)

static double best(double (*block)(void), double seconds) {
    double top = 0, end = seconds_now() + seconds;
    do {
        double rate = block();
        if (rate > top) top = rate;
    } while (seconds_now() < end);
    return top;
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 0.1;
    double f32 = best(block_f32, seconds / 2), f64 = best(block_f64, seconds / 2);
    printf("%s %.2f %.2f\n", LEVEL, f32, f64);
    return 0;
}
