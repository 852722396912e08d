"""Losses that are the likelihood of an output: computed from z, where an output may round to 0, 1 or infinity.

Behind their own output, sigmoid, softmax or exp, dloss/dz is a - y, and they give scale * dloss/dz at once.
"""
from bp_core._kernel_table cimport LANES
from bp_core._simd cimport (
    VL, real, vm, vr, vr_abs, vr_add, vr_bits, vr_fnma, vr_load, vr_lt, vr_max, vr_mul, vr_neg, vr_select, vr_set1,
    vr_store, vr_sub, vr_zero,
)


cdef void binary_terms(const real* z, const real* y, real* linear, real* curved) noexcept nogil:
    """A word of max(z, 0) - y z and one of log(1 + e^-|z|), whose sum is the loss of a number."""
    cdef vr z_word = vr_load(z), y_word = vr_load(y)
    vr_store(linear, vr_sub(vr_max(vr_zero(), z_word), vr_mul(y_word, z_word)))
    vr_store(curved, log1p_word(exp_word(vr_neg(vr_abs(z_word)))))


cdef inline double binary_row(const real* z, const real* y, Py_ssize_t n) noexcept nogil:
    """The sum of both terms in 16 lanes and the tree."""
    cdef double lane[16]
    cdef real linear[16]
    cdef real curved[16]
    cdef Py_ssize_t i, j = 0
    for i in range(LANES):
        lane[i] = 0
    while j < n:
        binary_terms(z + j, y + j, linear, curved)
        add_lanes(lane, linear, j, min(n - j, VL))
        add_lanes(lane, curved, j, min(n - j, VL))
        j += VL
    return tree(lane)


cdef inline void binary_numbers(const real* z, const real* y, Py_ssize_t stride, double* row_loss) noexcept nogil:
    """The losses of VL rows of one number each."""
    cdef real linear[128]
    cdef real curved[128]
    cdef Py_ssize_t s
    side_by_side(z, stride, linear)
    side_by_side(y, stride, curved)
    binary_terms(linear, curved, linear, curved)
    for s in range(VL):
        row_loss[s] = <double>linear[s] + <double>curved[s]


cdef void loss_binary_cross_entropy(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    """row_loss = sum_j max(z, 0) - y z + log(1 + e^-|z|); delta = scale (a - y)."""
    cdef Py_ssize_t s = 0
    while n == 1 and rows_abreast(rows - s, n) == VL:
        binary_numbers(z + s * stride, y + s * stride, stride, row_loss + s)
        s += VL
    while s < rows:
        row_loss[s] = binary_row(z + s * stride, y + s * stride, n)
        s += 1
    if delta == NULL:
        return
    for s in range(rows):
        scaled_difference(a + s * stride, y + s * stride, <real>1, scale[s], delta + s * stride, n)


cdef inline void scaled_difference(
    const real* a, const real* y, real share, real scale, real* delta, Py_ssize_t n,
) noexcept nogil:
    """delta = scale (share a - y), its padding 0."""
    cdef Py_ssize_t j = 0
    while j < n:
        store_scaled(delta, vr_sub(vr_mul(vr_set1(share), vr_load(a + j)), vr_load(y + j)), scale, j, n)
        j += VL


cdef inline real sum_of_others(const real* z, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """sum_j exp(z_j - z_at) but for j = at, where the largest is, in 16 lanes and the tree; log1p of it is that of all.

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
    return tree_of(lane)


cdef void cross_entropy_abreast(
    const real* z, const real* y, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
    real* top, real* others, real* class_,
) noexcept nogil:
    """Of at most VL rows max z, the sum of the others and where the only y is that is not 0, -1 without one."""
    cdef real column[256]
    cdef vr none = vr_set1(<real>-1), half = vr_set1(<real>0.5), smallest = vr_bits(1)
    cdef vr further = none, found = none, at, place
    cdef vm is_zero
    cdef Py_ssize_t j
    exp_abreast(z, rows, n, stride, column, top, class_)
    at = vr_load(class_)
    for j in range(n):
        place = vr_sub(at, vr_set1(<real>j))
        vr_store(column + j * VL, vr_select(vr_lt(vr_abs(place), half), vr_zero(), vr_load(column + j * VL)))
    vr_store(others, sum_abreast(column))
    table.transpose(y, stride, column, VL, rows, in_squares(n))
    for j in range(n):
        is_zero = vr_lt(vr_abs(vr_load(column + j * VL)), smallest)
        found = vr_select(is_zero, found, vr_set1(<real>j))
        further = vr_select(is_zero, further, vr_add(further, vr_set1(<real>1)))
    vr_store(class_, vr_select(vr_lt(vr_abs(further), smallest), found, none))


cdef inline double cross_entropy_of(
    const real* z, const real* y, Py_ssize_t n, double top, double rest,
) noexcept nogil:
    """sum_j y_j (rest - (z_j - top)) in 16 lanes and the tree, rest being log sum exp(z - top)."""
    cdef double lane[16]
    cdef Py_ssize_t j
    for j in range(LANES):
        lane[j] = 0
    for j in range(n):
        if y[j] != 0:
            lane[j % LANES] += <double>y[j] * (rest - (<double>z[j] - top))
    return tree(lane)


cdef void loss_cross_entropy(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    """row_loss = sum_j y_j (log sum exp z - z_j); delta = scale (a sum_j y_j - y)."""
    cdef real top[16]
    cdef real rest[16]
    cdef real class_[16]
    cdef real share
    cdef Py_ssize_t s, j, first = 0, count
    while first < rows:
        count = rows_abreast(rows - first, n)
        if count > 0:
            cross_entropy_abreast(z, y, count, n, stride, top, rest, class_)
        else:
            count = 1
            j = largest_at(z, n)
            top[0], class_[0] = z[j], -1
            vr_store(rest, vr_set1(sum_of_others(z, j, n)))
        vr_store(rest, log1p_word(vr_load(rest)))
        for s in range(count):
            if class_[s] >= 0:
                j = <Py_ssize_t>class_[s]
                share = y[j]
                row_loss[first + s] = <double>share * (<double>rest[s] - (<double>z[j] - <double>top[s]))
            else:
                share = sum_lanes(y, n)
                row_loss[first + s] = cross_entropy_of(z, y, n, top[s], rest[s])
            if delta != NULL:
                scaled_difference(a, y, share, scale[first + s], delta, n)
                delta += stride
            z += stride
            a += stride
            y += stride
        first += count


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
    cdef real terms[16]
    cdef Py_ssize_t s, j
    for s in range(rows):
        for j in range(LANES):
            lane[j] = 0
        j = 0
        while j < n:
            vr_store(terms, half_deviance_word(vr_load(z + j), vr_load(a + j), vr_load(y + j)))
            add_lanes(lane, terms, j, min(n - j, VL))
            j += VL
        row_loss[s] = tree(lane)
        if delta != NULL:
            scaled_difference(a, y, <real>1, scale[s], delta, n)
            delta += stride
        z += stride
        a += stride
        y += stride
