"""Losses that are the likelihood of an output: computed from z, where an output may round to 0, 1 or infinity.

Behind their own output, sigmoid, softmax or exp, dloss/dz is a - y, and they give scale * dloss/dz at once.
"""
from bp_core._kernel_table cimport LANES
from bp_core._simd cimport (
    VL, real, vm, vr, vr_abs, vr_fnma, vr_load, vr_lt, vr_max, vr_mul, vr_neg, vr_select, vr_set1, vr_store, vr_sub,
    vr_zero,
)


cdef void loss_binary_cross_entropy(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    """row_loss = sum_j max(z, 0) - y z + log(1 + e^-|z|); delta = scale (a - y)."""
    cdef double lane[16]
    cdef Py_ssize_t s, j, count
    cdef vr z_word, y_word
    for s in range(rows):
        for j in range(LANES):
            lane[j] = 0
        j = 0
        while j < n:
            count = min(n - j, VL)
            z_word, y_word = vr_load(z + j), vr_load(y + j)
            add_lanes(lane, vr_sub(vr_max(vr_zero(), z_word), vr_mul(y_word, z_word)), j, count)
            add_lanes(lane, log1p_word(exp_word(vr_neg(vr_abs(z_word)))), j, count)
            j += VL
        row_loss[s] = tree(lane)
        if delta != NULL:
            scaled_difference(a, y, <real>1, scale[s], delta, n)
            delta += stride
        z += stride
        a += stride
        y += stride


cdef inline void scaled_difference(
    const real* a, const real* y, real share, real scale, real* delta, Py_ssize_t n,
) noexcept nogil:
    """delta = scale (share a - y), its padding 0."""
    cdef Py_ssize_t j = 0
    while j < n:
        store_scaled(delta, vr_sub(vr_mul(vr_set1(share), vr_load(a + j)), vr_load(y + j)), scale, j, n)
        j += VL


cdef inline real log_sum_exp(const real* z, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """log sum_j exp(z_j - z_at), z_at the largest: log1p of the sum of the others, in 16 lanes.

    The loss of a row that is nearly right is that small sum; beside the largest term, 1, it would be rounded away.
    """
    cdef real lane[16]
    cdef real buffer[16]
    cdef Py_ssize_t i, j = 0
    for i in range(LANES):
        lane[i] = 0
    while j < n:
        vr_store(buffer, exp_word(vr_sub(vr_load(z + j), vr_set1(z[at]))))
        for i in range(min(n - j, VL)):
            if j + i != at:
                lane[(j + i) % LANES] += buffer[i]
        j += VL
    vr_store(buffer, log1p_word(vr_set1(sum_lanes(lane, LANES))))
    return buffer[0]


cdef void loss_cross_entropy(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    """row_loss = sum_j y_j (log sum exp z - z_j); delta = scale (a sum_j y_j - y)."""
    cdef double lane[16]
    cdef Py_ssize_t s, j, at
    cdef real rest
    for s in range(rows):
        at = largest_at(z, n)
        rest = log_sum_exp(z, at, n)
        for j in range(LANES):
            lane[j] = 0
        for j in range(n):
            if y[j] != 0:
                lane[j % LANES] += <double>y[j] * (<double>rest - (<double>z[j] - <double>z[at]))
        row_loss[s] = tree(lane)
        if delta != NULL:
            scaled_difference(a, y, sum_lanes(y, n), scale[s], delta, n)
            delta += stride
        z += stride
        a += stride
        y += stride


cdef inline vr half_deviance_word(vr z, vr a, vr y) noexcept nogil:
    """y log(y / a) - y + a, a being e^z; a alone where y is 0.

    With d = z - log y it is y (e^d - 1 - d). Near d = 0 e^d - 1 is computed as such, since a - y would cancel; what
    is left there may round below 0.
    """
    cdef vr d = vr_sub(z, log_word(y))
    cdef vm near = vr_lt(vr_abs(d), vr_set1(<real>1))
    cdef vr gap = vr_select(near, vr_mul(y, expm1_word(d)), vr_sub(a, y))
    return vr_select(vr_lt(vr_zero(), y), vr_max(vr_zero(), vr_fnma(y, d, gap)), a)


cdef void loss_poisson(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    """row_loss = sum_j y log(y / a) - y + a; delta = scale (a - y)."""
    cdef double lane[16]
    cdef Py_ssize_t s, j
    for s in range(rows):
        for j in range(LANES):
            lane[j] = 0
        j = 0
        while j < n:
            add_lanes(
                lane, half_deviance_word(vr_load(z + j), vr_load(a + j), vr_load(y + j)), j, min(n - j, VL))
            j += VL
        row_loss[s] = tree(lane)
        if delta != NULL:
            scaled_difference(a, y, <real>1, scale[s], delta, n)
            delta += stride
        z += stride
        a += stride
        y += stride
