"""Activations and their derivatives, word by word.

An activation maps z to a and may work in place. Its derivative multiplies dLoss/da by f'(z),
written in terms of a where that is exact enough, so that z need be kept for gelu and silu only.
"""
from bp_core._kernel_table cimport LANES, SIGMOID_FUNCTION, elementary_fn
from bp_core._simd cimport (
    FUSED, SQUARE, VL, real, vm_first, vr, vr_abs, vr_add, vr_div, vr_fma, vr_fnma, vr_keep, vr_load, vr_lt, vr_max,
    vr_mul, vr_neg, vr_select, vr_set1, vr_store, vr_sub, vr_zero,
)

ctypedef vr (*value_fn)(vr z) noexcept nogil
ctypedef vr (*slope_fn)(vr z, vr a) noexcept nogil


cdef inline void map_rows(
    value_fn f, const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    """a = f(z), whole words; `f` is a constant at compile time."""
    cdef Py_ssize_t s, j
    for s in range(rows):
        j = 0
        while j < n:
            vr_store(a + s * stride + j, f(vr_load(z + s * stride + j)))
            j += VL


cdef inline void slope_rows(
    slope_fn f, const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    """delta *= f(z, a), whole words, then zeros in the padding of the last; `f` is a constant at compile time."""
    cdef Py_ssize_t s, j, at
    cdef vr product
    for s in range(rows):
        j = 0
        while j < n:
            at = s * stride + j
            product = vr_mul(vr_load(delta + at), f(vr_load(z + at), vr_load(a + at)))
            if n - j < VL:
                product = vr_keep(vm_first(<int>(n - j)), product)
            vr_store(delta + at, product)
            j += VL


cdef inline Py_ssize_t rows_abreast(Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """How many of the next rows, of at most 16 numbers, go together, a row in each lane; 0 where they are too few.

    The table's word is VL: of a loop that ends at 16 for certain the compiler would make 16 copies.
    """
    if not FUSED or VL <= 2 or n - LANES > table.word - VL or rows < VL // 2:
        return 0
    return min(rows, VL)


cdef inline void side_by_side(const real* x, Py_ssize_t stride, real* room) noexcept nogil:
    """The first numbers of VL rows, padding read; room for squares of `transpose` behind them."""
    table.transpose(x, stride, room, VL, VL, SQUARE)


cdef inline void map_numbers(elementary_fn f, const real* z, real* a, Py_ssize_t stride) noexcept nogil:
    """a = f(z) for VL rows of one number each, in one word."""
    cdef real room[128]
    cdef Py_ssize_t s
    side_by_side(z, stride, room)
    f(room, room, VL)
    for s in range(VL):
        a[s * stride] = room[s]


cdef inline vr one() noexcept nogil:
    return vr_set1(<real>1)


# ------------------------------------------------------------------ f(z)
cdef inline vr identity_word(vr z) noexcept nogil:
    return z


cdef inline vr relu_word(vr z) noexcept nogil:
    return vr_max(vr_zero(), z)


cdef inline vr leaky_relu_word(vr z) noexcept nogil:
    return vr_select(vr_lt(vr_zero(), z), z, vr_mul(vr_set1(<real>0.01), z))


cdef inline vr elu_word(vr z) noexcept nogil:
    return vr_select(vr_lt(vr_zero(), z), z, expm1_word(z))


cdef inline vr normal_cdf_word(vr z) noexcept nogil:
    """Phi(z) = (1 + erf(z / sqrt 2)) / 2."""
    cdef vr scaled = erf_word(vr_mul(z, vr_set1(<real>0.70710678118654752440)))
    return vr_fma(scaled, vr_set1(<real>0.5), vr_set1(<real>0.5))


cdef inline vr gelu_word(vr z) noexcept nogil:
    return vr_mul(z, normal_cdf_word(z))


cdef inline vr silu_word(vr z) noexcept nogil:
    return vr_mul(z, sigmoid_word(z))


cdef inline vr softplus_word(vr z) noexcept nogil:
    """log(1 + e^z) = max(z, 0) + log1p(e^-|z|)."""
    return vr_add(vr_max(vr_zero(), z), log1p_word(exp_word(vr_neg(vr_abs(z)))))


cdef inline vr softsign_word(vr z) noexcept nogil:
    return vr_div(z, vr_add(one(), vr_abs(z)))


# ------------------------------------------------- f'(z), from z and a = f(z)
cdef inline vr sigmoid_slope(vr z, vr a) noexcept nogil:
    return vr_mul(a, vr_sub(one(), a))


cdef inline vr tanh_slope(vr z, vr a) noexcept nogil:
    return vr_fnma(a, a, one())


cdef inline vr relu_slope(vr z, vr a) noexcept nogil:
    return vr_keep(vr_lt(vr_zero(), a), one())


cdef inline vr leaky_relu_slope(vr z, vr a) noexcept nogil:
    return vr_select(vr_lt(vr_zero(), a), one(), vr_set1(<real>0.01))


cdef inline vr elu_slope(vr z, vr a) noexcept nogil:
    return vr_select(vr_lt(vr_zero(), a), one(), vr_add(a, one()))


cdef inline vr gelu_slope(vr z, vr a) noexcept nogil:
    """Phi(z) + z phi(z), phi the normal density."""
    cdef vr density = vr_mul(
        exp_word(vr_mul(vr_mul(z, z), vr_set1(<real>-0.5))), vr_set1(<real>0.39894228040143267794))
    return vr_fma(z, density, normal_cdf_word(z))


cdef inline vr silu_slope(vr z, vr a) noexcept nogil:
    """g + z g (1 - g) = g + a (1 - g), g = sigmoid(z)."""
    cdef vr g = sigmoid_word(z)
    return vr_fma(a, vr_sub(one(), g), g)


cdef inline vr softplus_slope(vr z, vr a) noexcept nogil:
    """sigmoid(z) = 1 - e^-a."""
    return vr_neg(expm1_word(vr_neg(a)))


cdef inline vr softsign_slope(vr z, vr a) noexcept nogil:
    """1 / (1 + |z|)^2 = (1 - |a|)^2."""
    cdef vr rest = vr_sub(one(), vr_abs(a))
    return vr_mul(rest, rest)


cdef inline vr exp_slope(vr z, vr a) noexcept nogil:
    return a


# ----------------------------------------------------- the table's functions
cdef void activate_identity(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    if z != a:
        map_rows(identity_word, z, a, rows, n, stride)


cdef void activate_sigmoid(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    cdef Py_ssize_t s = 0
    while n == 1 and rows_abreast(rows - s, n) == VL:
        map_numbers(table.elementary[<int>SIGMOID_FUNCTION], z + s * stride, a + s * stride, stride)
        s += VL
    map_rows(sigmoid_word, z + s * stride, a + s * stride, rows - s, n, stride)


cdef void activate_tanh(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    map_rows(tanh_word, z, a, rows, n, stride)


cdef void activate_relu(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    map_rows(relu_word, z, a, rows, n, stride)


cdef void activate_leaky_relu(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    map_rows(leaky_relu_word, z, a, rows, n, stride)


cdef void activate_elu(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    map_rows(elu_word, z, a, rows, n, stride)


cdef void activate_gelu(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    map_rows(gelu_word, z, a, rows, n, stride)


cdef void activate_silu(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    map_rows(silu_word, z, a, rows, n, stride)


cdef void activate_softplus(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    map_rows(softplus_word, z, a, rows, n, stride)


cdef void activate_softsign(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    map_rows(softsign_word, z, a, rows, n, stride)


cdef void activate_exp(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    map_rows(exp_word, z, a, rows, n, stride)


cdef void derive_identity(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    """f' = 1: only the padding is cleared."""
    cdef Py_ssize_t s, last = (n // VL) * VL
    if last == n:
        return
    for s in range(rows):
        vr_store(delta + last, vr_keep(vm_first(<int>(n - last)), vr_load(delta + last)))
        delta += stride


cdef void derive_sigmoid(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(sigmoid_slope, z, a, delta, rows, n, stride)


cdef void derive_tanh(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(tanh_slope, z, a, delta, rows, n, stride)


cdef void derive_relu(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(relu_slope, z, a, delta, rows, n, stride)


cdef void derive_leaky_relu(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(leaky_relu_slope, z, a, delta, rows, n, stride)


cdef void derive_elu(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(elu_slope, z, a, delta, rows, n, stride)


cdef void derive_gelu(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(gelu_slope, z, a, delta, rows, n, stride)


cdef void derive_silu(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(silu_slope, z, a, delta, rows, n, stride)


cdef void derive_softplus(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(softplus_slope, z, a, delta, rows, n, stride)


cdef void derive_softsign(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(softsign_slope, z, a, delta, rows, n, stride)


cdef void derive_exp(
    const real* z, const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    slope_rows(exp_slope, z, a, delta, rows, n, stride)
