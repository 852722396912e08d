/* The largest error of an array of results, in units in the last place of the true value.
 *
 * float32 is compared with the C library in double, float64 with libquadmath in 113 bits. A wrong
 * infinity, NaN or sign of zero, or a sigmoid, tanh or erf above 1, counts as infinitely far off.
 */
#include <math.h>
#include <quadmath.h>

enum { EXP, EXPM1, LOG, LOG1P, ERF, TANH, SIGMOID, COSPI };

static double cospi_of_float(double x)
{
    const double b = fabs(remainder(x, 2)), d = 0.5 - b;
    return b < 0.25 ? cos(M_PI * b) : b > 0.75 ? -cos(M_PI * (1 - b)) : sin(M_PI * d);
}

static __float128 cospi_of_double(__float128 x)
{
    const __float128 b = fabsq(remainderq(x, 2)), d = 0.5Q - b;
    return b < 0.25Q ? cosq(M_PIq * b) : b > 0.75Q ? -cosq(M_PIq * (1 - b)) : sinq(M_PIq * d);
}

static double reference_of_float(int which, double x)
{
    switch (which) {
    case EXP: return exp(x);
    case EXPM1: return expm1(x);
    case LOG: return log(x);
    case LOG1P: return log1p(x);
    case ERF: return erf(x);
    case TANH: return tanh(x);
    case COSPI: return cospi_of_float(x);
    default: return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
    }
}

static __float128 reference_of_double(int which, __float128 x)
{
    switch (which) {
    case EXP: return expq(x);
    case EXPM1: return expm1q(x);
    case LOG: return logq(x);
    case LOG1P: return log1pq(x);
    case ERF: return erfq(x);
    case TANH: return tanhq(x);
    case COSPI: return cospi_of_double(x);
    default: return x < 0 ? expq(x) / (1 + expq(x)) : 1 / (1 + expq(-x));
    }
}

#define DEFINE(dtype, real, wide, reference, exponent_of, scale, mantissa_bits, least_exponent)           \
void true_##dtype(int which, const real *x, wide *want, long n)                                          \
{                                                                                                        \
    for (long i = 0; i < n; i++) want[i] = reference(which, x[i]);                                       \
}                                                                                                        \
static double error_##dtype(int which, real got, wide want)                                              \
{                                                                                                        \
    const real rounded = (real)want;                                                                     \
    int exponent;                                                                                        \
    if (isnan(rounded)) return isnan(got) ? 0 : INFINITY;                                                \
    if (which >= ERF && fabs((double)got) > 1) return INFINITY;                                          \
    if (got == rounded && isinf(got)) return 0;                                                          \
    if (isnan(got) || isinf(got) || signbit(got) != signbit(rounded)) return INFINITY;                   \
    exponent_of(want, &exponent);                                                                        \
    if (want == 0 || exponent - 1 < least_exponent) exponent = least_exponent + 1;                       \
    const wide off = scale((wide)got - want, mantissa_bits + 1 - exponent);                              \
    return (double)(off < 0 ? -off : off);                                                               \
}                                                                                                        \
double worst_##dtype(int which, const real *x, const real *got, const wide *want, long n, real *worst_x) \
{                                                                                                        \
    double worst = 0.5;                                                                                  \
    for (long i = 0; i < n; i++) {                                                                       \
        if (got[i] == (real)want[i] && got[i] != 0) continue; /* rounded correctly: at most 0.5 */       \
        const double error = error_##dtype(which, got[i], want[i]);                                      \
        if (error > worst) { worst = error; *worst_x = x[i]; }                                           \
    }                                                                                                    \
    return worst;                                                                                        \
}

DEFINE(float32, float, double, reference_of_float, frexp, ldexp, 23, -126)
DEFINE(float64, double, __float128, reference_of_double, frexpq, ldexpq, 52, -1022)
