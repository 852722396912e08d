# exp, expm1, log, log1p, erf, tanh, sigmoid, cospi on vector words, and the root's array (floor 1; only ever included).
#
# One source for both dtypes and every instruction set: operations of src/simd.h only, no table, no
# branch on a value. With fused multiply-add at most 2 ulp in float32 and 4 in float64 from the true
# value, and the same bits everywhere. docs/design/elementary.md tells why each step is as it is;
# bench/elementary/fit.py finds the coefficients.
from libc.math cimport INFINITY, NAN
from bp_core._simd cimport (
    FUSED, IS_F64, MANTISSA_BITS, VL, real, real_bits, vm, vr, vr_abs, vr_add, vr_and, vr_bits, vr_div, vr_fma, vr_fnma,
    vr_load, vr_lt, vr_max, vr_min, vr_mul, vr_or, vr_power_of_two, vr_select, vr_set1, vr_shift_right, vr_sign_of,
    vr_sqrt, vr_store, vr_sub, vr_with_sign,
)

ctypedef vr (*word_fn)(vr x) noexcept nogil


# ---------------------------------------------------------------- small parts

cdef inline vr by_dtype(double f32, double f64) noexcept nogil:
    """The constant of this build's dtype in every lane."""
    return vr_set1(<real>(f64 if IS_F64 else f32))


cdef inline vr horner(vr p, vr x, double c) noexcept nogil:
    """p * x + c: one step of a polynomial."""
    return vr_fma(p, x, vr_set1(<real>c))


cdef inline vr magic() noexcept nogil:
    """1.5 * 2^mantissa_bits + bias: adding it rounds to a whole number and biases it as an exponent."""
    return by_dtype(12583039.0, 6755399441056767.0)


cdef inline vr leading_half(vr x) noexcept nogil:
    """x cut to half its bits, so that a product with another half is exact."""
    return vr_and(x, vr_bits(~<real_bits>0 << <int>(27 if IS_F64 else 12)))


cdef inline vr put_right(vr y, vr a, vr b, vr b_rest, vr inverse) noexcept nogil:
    """y near a / b, moved by what is missing to a / (b + b_rest); `inverse` is near 1 / b. Rounds nearly once."""
    return vr_fma(vr_fnma(y, b_rest, vr_fnma(y, b, a)), inverse, y)


cdef inline vr quotient(vr a, vr b, vr b_rest) noexcept nogil:
    """The same without fused multiply-add: from a quotient of half the bits, whose product with half of b is exact."""
    cdef vr inverse = vr_div(vr_set1(<real>1.0), b)
    cdef vr y = leading_half(vr_mul(a, inverse))
    cdef vr b_half = leading_half(b)
    cdef vr missing = vr_fnma(y, b_rest, vr_fnma(y, vr_sub(b, b_half), vr_fnma(y, b_half, a)))
    return vr_fma(missing, inverse, y)


# ---------------------------------------------------------------- exponentials

cdef inline vr ln2_leading() noexcept nogil:
    """ln 2 to 16 bits (float32) or 42 (float64): a whole number below 2^8 or 2^11 times it is exact."""
    return by_dtype(0.69314575, 0.6931471805598903)


cdef inline vr ln2_rest() noexcept nogil:
    """ln 2 - ln2_leading()."""
    return by_dtype(1.4286068e-06, 5.497923018708371e-14)


ctypedef struct Reduced:            # of x
    vr t                            # 1.5 * 2^mantissa_bits + bias + n: vr_power_of_two(t) is 2^n
    vr n                            # round(x / ln 2)
    vr leading                      # x - n * ln2_leading(), without a rounding error


cdef inline Reduced reduce_by_ln2(vr x) noexcept nogil:
    """The whole powers of two taken out of exp(x)."""
    cdef Reduced reduced
    reduced.t = vr_fma(x, by_dtype(1.442695, 1.4426950408889634), magic())
    reduced.n = vr_sub(reduced.t, magic())
    reduced.leading = vr_fnma(reduced.n, ln2_leading(), x)
    return reduced


cdef inline vr exp_rest(vr r, bint by_pairs) noexcept nogil:
    """q in exp(r) = 1 + r + r^2 q(r), abs(r) <= ln2 / 2.

    In float64 odd and even powers go apart, and in float32 pairs of them where latency counts: shorter chains.
    """
    cdef vr q, odd, square = vr_mul(r, r)
    cdef double c0 = 0.5, c1 = 0.16666667, c2 = 0.04166638, c3 = 0.008333276, c4 = 0.0013939373, c5 = 0.00019912871
    if IS_F64:
        odd = vr_set1(<real>2.511335658478136e-08)
        odd = horner(odd, square, 2.7557231713772588e-06)
        odd = horner(odd, square, 0.00019841269898526485)
        odd = horner(odd, square, 0.008333333333316822)
        odd = horner(odd, square, 0.16666666666666682)
        q = vr_set1(<real>2.762464009737861e-07)
        q = horner(q, square, 2.4801509248881144e-05)
        q = horner(q, square, 0.0013888888927715763)
        q = horner(q, square, 0.04166666666659111)
        q = horner(q, square, 0.5000000000000003)
        q = vr_fma(odd, r, q)
        return q
    q = horner(vr_set1(<real>c5), r, c4)
    if by_pairs:
        q = vr_fma(q, square, horner(vr_set1(<real>c3), r, c2))
        return vr_fma(q, square, horner(vr_set1(<real>c1), r, c0))
    return horner(horner(horner(horner(q, r, c3), r, c2), r, c1), r, c0)


cdef inline vr exp_in_range(vr x) noexcept nogil:
    """exp(x) where it is 0, finite or just above the largest number: x is clamped already."""
    cdef Reduced reduced = reduce_by_ln2(x)
    cdef vr r = vr_fnma(reduced.n, ln2_rest(), reduced.leading)
    # 2^n in two factors: n may lie outside the exponents, and only the last product may round
    cdef vr half = vr_fma(x, by_dtype(0.7213475, 0.7213475204444817), magic())
    cdef vr other_half = vr_sub(reduced.t, vr_sub(half, magic()))
    cdef vr factor = vr_power_of_two(half)
    cdef vr y = vr_fma(horner(exp_rest(r, True), r, 1.0), vr_mul(r, factor), factor)
    return vr_mul(y, vr_power_of_two(other_half))


cdef inline vr exp_word(vr x) noexcept nogil:
    """exp(x)."""
    return exp_in_range(vr_max(by_dtype(-104.0, -746.0), vr_min(by_dtype(89.0, 710.0), x)))


ctypedef struct InTwoParts:
    vr leading
    vr rest


cdef inline InTwoParts reduced_parts(Reduced reduced) noexcept nogil:
    """x - n ln 2, and its rounding error."""
    cdef InTwoParts r
    r.leading = vr_fnma(reduced.n, ln2_rest(), reduced.leading)
    r.rest = vr_fnma(reduced.n, ln2_rest(), vr_sub(reduced.leading, r.leading))
    return r


cdef inline vr expm1_scaled(InTwoParts r, vr scale, vr scale_less_one) noexcept nogil:
    """scale * exp(r) - (scale - scale_less_one), for a scale that is a power of two."""
    cdef vr curved = vr_fma(vr_mul(r.leading, r.leading), exp_rest(r.leading, False), r.rest)
    return vr_fma(scale, curved, vr_fma(scale, r.leading, scale_less_one))


cdef inline vr expm1_of(Reduced reduced, InTwoParts r) noexcept nogil:
    """exp(x) - 1 where 2^n is a normal number."""
    cdef vr scale = vr_power_of_two(reduced.t)
    return expm1_scaled(r, scale, vr_sub(scale, vr_set1(<real>1.0)))


cdef inline vr expm1_word(vr x) noexcept nogil:
    """exp(x) - 1."""
    cdef vr clamped = vr_max(by_dtype(-20.0, -40.0), vr_min(by_dtype(89.0, 710.0), x))
    cdef Reduced reduced = reduce_by_ln2(clamped)
    # half the result first: 2^n itself may lie just above the largest number
    cdef vr scale = vr_power_of_two(vr_sub(reduced.t, vr_set1(<real>1.0)))
    cdef vr y = expm1_scaled(reduced_parts(reduced), scale, vr_sub(scale, vr_set1(<real>0.5)))
    # halving would round a number below the normal range, and lose the sign of 0
    cdef vm tiny = vr_lt(vr_abs(x), vr_set1(<real>8.673617379884035e-19))
    return vr_select(tiny, x, vr_add(y, y))


cdef inline vr sigmoid_word(vr x) noexcept nogil:
    """1 / (1 + exp(-x)), from e = exp(-abs(x)): 1 / (1 + e), or e / (1 + e) below 0."""
    cdef vr e = exp_in_range(vr_max(by_dtype(-104.0, -746.0), vr_or(x, vr_set1(<real>-0.0))))
    cdef vr one = vr_set1(<real>1.0)
    cdef vr b = vr_add(one, e)
    cdef vr b_rest = vr_sub(e, vr_sub(b, one))
    cdef vm negative = vr_lt(x, vr_set1(<real>0.0))
    cdef vr a = vr_select(negative, e, one)
    cdef vr y
    if not FUSED:
        return quotient(a, b, b_rest)
    y = vr_div(a, b)
    return put_right(y, a, b, b_rest, vr_select(negative, vr_sub(one, y), y))


cdef inline vr tanh_word(vr x) noexcept nogil:
    """u / (u + 2), u = expm1(2 abs(x)), with the sign of x."""
    cdef vr a = vr_min(by_dtype(10.0, 20.0), vr_abs(x))
    cdef Reduced reduced = reduce_by_ln2(vr_add(a, a))
    cdef vr u = expm1_of(reduced, reduced_parts(reduced))
    cdef vr two = vr_set1(<real>2.0)
    cdef vr b = vr_add(u, two)
    cdef vr b_rest = vr_sub(u, vr_sub(b, two))
    cdef vr half = vr_set1(<real>0.5)
    cdef vr y
    if FUSED:
        y = vr_div(u, b)
        # 2 / b is 1 - y, but for its rounding, which can be as large as itself where y is nearly 1
        y = vr_min(vr_set1(<real>1.0), put_right(y, u, b, b_rest, vr_fnma(y, half, half)))
    else:
        y = quotient(u, b, b_rest)
    return vr_with_sign(y, vr_sign_of(x))


# ---------------------------------------------------------------- error function

cdef inline vr log_erfc_rest(vr a) noexcept nogil:
    """P in log(erfc(a)) = c a + a P(a), c = -2 / sqrt(pi) rounded, 0 <= a <= 4 (float32) or 6 (float64)."""
    cdef vr square = vr_mul(a, a)
    cdef vr odd, even
    if IS_F64:
        odd = vr_set1(<real>3.5923071461763225e-15)
        odd = horner(odd, square, 3.3644375486474554e-12)
        odd = horner(odd, square, 3.760793814418032e-10)
        odd = horner(odd, square, 1.0773564661906906e-08)
        odd = horner(odd, square, 6.573556811392844e-08)
        odd = horner(odd, square, -5.706244449029091e-07)
        odd = horner(odd, square, -3.13294915410705e-06)
        odd = horner(odd, square, 2.9575674466158573e-05)
        odd = horner(odd, square, -2.590449879549284e-05)
        odd = horner(odd, square, -0.0016962076698164791)
        odd = horner(odd, square, 0.01912844699309578)
        odd = horner(odd, square, -0.6366197723675909)
        even = vr_set1(<real>-1.6149171056476015e-13)
        even = horner(even, square, -4.301888383866148e-11)
        even = horner(even, square, -2.3605630433570855e-09)
        even = horner(even, square, -3.458558926953981e-08)
        even = horner(even, square, 1.1703742575788535e-08)
        even = horner(even, square, 2.037176907506266e-06)
        even = horner(even, square, -3.1696828630254975e-06)
        even = horner(even, square, -6.442047504118659e-05)
        even = horner(even, square, 0.0005901324299121192)
        even = horner(even, square, 0.00020919485391432448)
        even = horner(even, square, -0.10277260330131552)
        even = horner(even, square, -1.533545961316588e-17)
    else:
        odd = vr_set1(<real>-1.1932942e-06)
        odd = horner(odd, square, -0.00016748083)
        odd = horner(odd, square, -0.0017993536)
        odd = horner(odd, square, 0.019117694)
        odd = horner(odd, square, -0.6366198)
        even = vr_set1(<real>2.1354555e-05)
        even = horner(even, square, 0.0007406857)
        even = horner(even, square, 0.00025306086)
        even = horner(even, square, -0.102771275)
        even = horner(even, square, 5.8635383e-08)
    return vr_fma(odd, a, even)


cdef inline vr erf_word(vr x) noexcept nogil:
    """1 - exp(log(erfc(abs(x)))), with the sign of x."""
    cdef vr a = vr_min(by_dtype(4.0, 6.0), vr_abs(x))
    cdef vr rest = log_erfc_rest(a)
    cdef vr c = by_dtype(-1.1283792, -1.1283791670955126)
    cdef vr leading = vr_mul(c, a)
    cdef vr y = vr_fma(rest, a, leading)
    # the rounding errors of the product and of the sum
    cdef vr y_rest = vr_fma(rest, a, vr_sub(vr_sub(leading, y), vr_fnma(c, a, leading)))
    cdef Reduced reduced = reduce_by_ln2(y)
    cdef InTwoParts r = reduced_parts(reduced)
    r.rest = vr_add(r.rest, y_rest)
    return vr_with_sign(vr_abs(expm1_of(reduced, r)), vr_sign_of(x))


# ---------------------------------------------------------------- logarithms

ctypedef struct Split:              # x = 2^k m, sqrt(1/2) <= m < sqrt(2)
    vr minus_k
    vr scale                        # 2^(2 - k), never outside the normal numbers


cdef inline Split split_word(vr x) noexcept nogil:
    """The binary exponent of x: normal and at least 2^4 above the smallest normal number."""
    cdef Split split
    # the exponent field of x / sqrt(8) is bias + k - 2; below the bits of 2^mantissa_bits it is a number
    cdef vr field = vr_shift_right(vr_mul(x, by_dtype(0.35355338, 0.3535533905932738)), MANTISSA_BITS)
    cdef vr number = vr_or(field, by_dtype(8388608.0, 4503599627370496.0))
    split.minus_k = vr_sub(by_dtype(8388608.0 + 125.0, 4503599627370496.0 + 1021.0), number)
    split.scale = vr_power_of_two(vr_sub(by_dtype(20971520.0 + 254.0, 11258999068426240.0 + 2046.0), number))
    return split


cdef inline vr log_rest(vr z) noexcept nogil:
    """P in log((1 + s) / (1 - s)) = 2 s + s z P(z), z = s^2, abs(s) <= (sqrt(2) - 1) / (sqrt(2) + 1)."""
    cdef vr p
    if IS_F64:
        p = vr_set1(<real>0.14745243494231683)
        p = horner(p, z, 0.15319421541935932)
        p = horner(p, z, 0.18183340091233507)
        p = horner(p, z, 0.22222203229819038)
        p = horner(p, z, 0.285714286926983)
        p = horner(p, z, 0.3999999999966468)
        p = horner(p, z, 0.6666666666666691)
    else:
        p = vr_set1(<real>0.29835933)
        p = horner(p, z, 0.3997912)
        p = horner(p, z, 0.6666676)
    return p


cdef inline vr log_of(vr f, vr minus_k) noexcept nogil:
    """log(1 + f) + k ln 2 = f - (f^2/2 - s (f^2/2 + z P(z))) + k ln 2, s = f / (2 + f)."""
    cdef vr s = vr_div(f, vr_add(f, vr_set1(<real>2.0)))
    cdef vr z = vr_mul(s, s)
    cdef vr half_square = vr_mul(vr_mul(f, vr_set1(<real>0.5)), f)
    cdef vr curved = vr_fma(z, log_rest(z), half_square)
    cdef vr less = vr_fnma(s, curved, vr_fma(minus_k, ln2_rest(), half_square))
    return vr_fnma(minus_k, ln2_leading(), vr_sub(f, less))


cdef inline vr log_special(vr x, vr y) noexcept nogil:
    """y, but log(x) where x is 0, negative, infinite or NaN; x is not below the normal range."""
    cdef vr undefined = vr_select(vr_lt(x, vr_set1(<real>0.0)), vr_set1(<real>NAN), vr_set1(<real>-INFINITY))
    cdef vr defined = vr_select(vr_lt(x, vr_set1(<real>INFINITY)), y, x)
    return vr_select(vr_lt(x, by_dtype(1.1754943508222875e-38, 2.2250738585072014e-308)), undefined, defined)


cdef inline vr log_word(vr x) noexcept nogil:
    """log(x)."""
    cdef vm small = vr_lt(x, by_dtype(7.888609052210118e-31, 9.332636185032189e-302))
    cdef vr scaled = vr_select(small, vr_mul(x, vr_set1(<real>18446744073709551616.0)), x)
    cdef Split split = split_word(scaled)
    cdef vr minus_k = vr_select(small, vr_add(split.minus_k, vr_set1(<real>64.0)), split.minus_k)
    cdef vr f = horner(vr_mul(scaled, split.scale), vr_set1(<real>0.25), -1.0)
    return log_special(scaled, log_of(f, minus_k))


cdef inline vr log1p_word(vr x) noexcept nogil:
    """log(1 + x), with the rounding error of 1 + x put back."""
    cdef vr one = vr_set1(<real>1.0)
    cdef vr u = vr_add(one, x)
    cdef vr u_rest = vr_sub(x, vr_sub(u, one))
    cdef Split split = split_word(u)
    cdef vr quarter = vr_set1(<real>0.25)
    cdef vr f = vr_fma(vr_mul(u_rest, split.scale), quarter, horner(vr_mul(u, split.scale), quarter, -1.0))
    return vr_or(log_special(u, log_of(f, split.minus_k)), vr_sign_of(x))


# ---------------------------------------------------------------- cosine

cdef inline vr half_turns_left(vr x) noexcept nogil:
    """abs(x - 2 round(x / 2)), from 0 to 1 and exact: cos(pi x) depends on nothing else."""
    cdef vr a = vr_abs(x)
    cdef vr unit = by_dtype(8388608.0, 4503599627370496.0)     # adding it rounds to a whole number
    cdef vr turns = vr_sub(vr_fma(a, vr_set1(<real>0.5), unit), unit)
    # from twice the unit on every number is even; a - a is 0, or NaN
    cdef vm plain = vr_lt(a, vr_add(unit, unit))
    return vr_abs(vr_select(plain, vr_fnma(vr_set1(<real>2.0), turns, a), vr_sub(a, a)))


cdef inline vr cospi_near_zero(vr c) noexcept nogil:
    """cos(pi c), 0 <= c <= 1/4."""
    cdef vr q, z = vr_mul(c, c)
    if IS_F64:
        q = vr_set1(<real>-0.00010361388026527351)
        q = horner(q, z, 0.001929476230147855)
        q = horner(q, z, -0.02580688659006092)
        q = horner(q, z, 0.23533063023279133)
        q = horner(q, z, -1.3352627688528913)
        q = horner(q, z, 4.058712126416759)
        q = horner(q, z, -4.934802200544679)
    else:
        q = vr_set1(<real>0.23155405)
        q = horner(q, z, -1.3350743)
        q = horner(q, z, 4.0587087)
        q = horner(q, z, -4.934802)
    return horner(q, z, 1.0)


cdef inline vr sinpi_near_zero(vr d) noexcept nogil:
    """sin(pi d), 0 <= d <= 1/4; pi is kept in two parts."""
    cdef vr q, z = vr_mul(d, d)
    if IS_F64:
        q = vr_set1(<real>0.00046175985092239646)
        q = horner(q, z, -0.007370065982514779)
        q = horner(q, z, 0.08214587245280205)
        q = horner(q, z, -0.5992645290523644)
        q = horner(q, z, 2.550164039875166)
        q = horner(q, z, -5.167712780049965)
    else:
        q = vr_set1(<real>-0.58975345)
        q = horner(q, z, 2.549836)
        q = horner(q, z, -5.16771)
    cdef vr rest = vr_mul(by_dtype(-8.742278e-08, 1.2246467991473532e-16), d)
    return vr_fma(by_dtype(3.1415927, 3.141592653589793), d, vr_fma(vr_mul(z, d), q, rest))


cdef inline vr cospi_word(vr x) noexcept nogil:
    """cos(pi x): exactly 0 halfway between whole numbers, and 1 or -1 at them."""
    cdef vr half = vr_set1(<real>0.5)
    cdef vr b = half_turns_left(x)
    cdef vr c = vr_min(vr_sub(vr_set1(<real>1.0), b), b)       # the distance to the nearest whole number
    cdef vm near = vr_lt(c, vr_set1(<real>0.25))
    cdef vr y = vr_select(near, cospi_near_zero(c), sinpi_near_zero(vr_sub(half, c)))
    return vr_select(vr_lt(half, b), vr_sub(vr_set1(<real>0.0), y), y)


# ---------------------------------------------------------------- arrays

cdef inline void each_word(word_fn function, const real* x, real* out, Py_ssize_t n) noexcept nogil:
    """out[i] = function(x[i]); the last part of a word is filled up with ones."""
    cdef real[16] tail
    cdef Py_ssize_t i = 0
    cdef Py_ssize_t lane
    while i + VL <= n:
        vr_store(out + i, function(vr_load(x + i)))
        i += VL
    if i == n:
        return
    for lane in range(VL):
        tail[lane] = x[i + lane] if i + lane < n else <real>1.0
    vr_store(tail, function(vr_load(tail)))
    for lane in range(n - i):
        out[i + lane] = tail[lane]


cdef void exp_array(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    each_word(exp_word, x, out, n)


cdef void expm1_array(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    each_word(expm1_word, x, out, n)


cdef void log_array(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    each_word(log_word, x, out, n)


cdef void log1p_array(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    each_word(log1p_word, x, out, n)


cdef void erf_array(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    each_word(erf_word, x, out, n)


cdef void tanh_array(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    each_word(tanh_word, x, out, n)


cdef void sigmoid_array(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    each_word(sigmoid_word, x, out, n)


cdef void cospi_array(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    each_word(cospi_word, x, out, n)


cdef void sqrt_array(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    each_word(vr_sqrt, x, out, n)
