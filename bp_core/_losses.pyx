"""Losses: the value of each row in double, and the derivative by the output.

Terms are computed in real and summed in double, 16 lanes and a tree. The five losses of a residual
give scale * dloss/da; the two cross-entropies are computed from z and give scale * dloss/dz.
"""
from bp_core._kernel_table cimport BLOCK_ROWS, LANES
from bp_core._simd cimport (
    VL, real, vm_first, vr, vr_abs, vr_add, vr_keep, vr_load, vr_lt, vr_max, vr_min, vr_mul, vr_neg, vr_select,
    vr_set1, vr_sign_of, vr_store, vr_sub, vr_with_sign, vr_zero,
)

ctypedef double (*term_fn)(real r, real threshold) noexcept nogil
ctypedef vr (*pull_fn)(vr r, vr threshold) noexcept nogil


cdef inline double tree(const double* lane) noexcept nogil:
    """The sum of 16 lanes, in the one order every loss and norm uses."""
    cdef double half[8]
    cdef Py_ssize_t i
    for i in range(8):
        half[i] = lane[i] + lane[i + 8]
    for i in range(4):
        half[i] += half[i + 4]
    return (half[0] + half[2]) + (half[1] + half[3])


cdef inline double small_tree(const double* lane) noexcept nogil:
    """The same sum where lanes 4 to 15 are 0."""
    return (lane[0] + lane[2]) + (lane[1] + lane[3])


cdef inline void residual_loss(
    term_fn term, pull_fn pull, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real threshold,
) noexcept nogil:
    """row_loss = sum_j term(a - y), delta = scale * pull(a - y); both functions are constants at compile time."""
    cdef Py_ssize_t s, j
    cdef vr word
    for s in range(rows):
        row_loss[s] = sum_terms(term, a, y, n, threshold)
        if delta != NULL:
            j = 0
            while j < n:
                word = pull(vr_sub(vr_load(a + j), vr_load(y + j)), vr_set1(threshold))
                store_scaled(delta, word, scale[s], j, n)
                j += VL
            delta += stride
        a += stride
        y += stride


cdef inline void store_scaled(real* delta, vr word, real scale, Py_ssize_t j, Py_ssize_t n) noexcept nogil:
    """One word of a row of deltas, times the row's scale; its padding 0."""
    word = vr_mul(vr_set1(scale), word)
    if n - j < VL:
        word = vr_keep(vm_first(<int>(n - j)), word)
    vr_store(delta + j, word)


cdef inline double sum_terms(
    term_fn term, const real* a, const real* y, Py_ssize_t n, real threshold,
) noexcept nogil:
    """sum_j term(a - y), 16 lanes and the tree; of few terms only the lanes that hold something."""
    cdef double lane[16]
    cdef double even, odd
    cdef Py_ssize_t j
    if n <= 4:
        even = term(a[0] - y[0], threshold)
        if n == 1:
            return even
        odd = term(a[1] - y[1], threshold)
        if n > 2:
            even += term(a[2] - y[2], threshold)
        if n > 3:
            odd += term(a[3] - y[3], threshold)
        return even + odd
    for j in range(LANES):
        lane[j] = 0
    for j in range(n):
        lane[j % LANES] += term(a[j] - y[j], threshold)
    return tree(lane)


cdef inline double half_square(real r, real threshold) noexcept nogil:
    return <double>0.5 * (<double>r * <double>r)


cdef inline vr residual(vr r, vr threshold) noexcept nogil:
    return r


cdef inline double square(real r, real threshold) noexcept nogil:
    return <double>r * <double>r


cdef inline vr twice(vr r, vr threshold) noexcept nogil:
    return vr_add(r, r)


cdef inline double absolute(real r, real threshold) noexcept nogil:
    return <double>r if r > 0 else <double>-r


cdef inline vr sign(vr r, vr threshold) noexcept nogil:
    """-1, 0, 1; a NaN stays."""
    cdef vr one = vr_set1(<real>1)
    return vr_select(vr_lt(vr_zero(), vr_abs(r)), vr_with_sign(one, vr_sign_of(r)), r)


cdef inline double huber(real r, real threshold) noexcept nogil:
    """r^2 / 2 where |r| <= t, else t (|r| - t / 2)."""
    cdef double size = absolute(r, threshold)
    if size > <double>threshold:
        return <double>threshold * (size - <double>0.5 * <double>threshold)
    return half_square(r, threshold)


cdef inline vr clipped(vr r, vr threshold) noexcept nogil:
    """r within -threshold ... threshold; a NaN stays."""
    return vr_max(vr_neg(threshold), vr_min(threshold, r))


cdef void loss_half_squared_error(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real threshold,
) noexcept nogil:
    residual_loss(half_square, residual, a, y, scale, row_loss, delta, rows, n, stride, threshold)


cdef void loss_mse(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real threshold,
) noexcept nogil:
    residual_loss(square, twice, a, y, scale, row_loss, delta, rows, n, stride, threshold)


cdef void loss_mae(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real threshold,
) noexcept nogil:
    residual_loss(absolute, sign, a, y, scale, row_loss, delta, rows, n, stride, threshold)


cdef void loss_huber(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real threshold,
) noexcept nogil:
    residual_loss(huber, clipped, a, y, scale, row_loss, delta, rows, n, stride, threshold)


cdef inline void add_lanes(double* lane, vr terms, Py_ssize_t first, Py_ssize_t count) noexcept nogil:
    """lane[first mod 16 ...] += the first `count` numbers of a word."""
    cdef real buffer[16]
    cdef Py_ssize_t i
    vr_store(buffer, terms)
    for i in range(count):
        lane[(first + i) % LANES] += <double>buffer[i]


cdef void loss_binary_cross_entropy(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real threshold,
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
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real threshold,
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


cdef inline double weighted_sum(const real* a, const real* y, Py_ssize_t n) noexcept nogil:
    """sum_j y_j a_j in 16 lanes and the tree."""
    cdef double lane[16]
    cdef Py_ssize_t j
    for j in range(LANES):
        lane[j] = 0
    for j in range(n):
        lane[j % LANES] += <double>y[j] * <double>a[j]
    return tree(lane)


cdef void loss_given(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real threshold,
) noexcept nogil:
    """y holds dloss/da of a loss that is computed elsewhere: row_loss = sum_j y_j a_j, delta = scale y."""
    cdef Py_ssize_t s, j
    for s in range(rows):
        row_loss[s] = weighted_sum(a, y, n)
        j = 0
        while delta != NULL and j < n:
            store_scaled(delta + s * stride, vr_load(y + j), scale[s], j, n)
            j += VL
        a += stride
        y += stride


cdef void loss_given_softmax(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real threshold,
) noexcept nogil:
    """The same behind a softmax, as dLoss/dz: delta_j = scale a_j (y_j - sum_i y_i a_i)."""
    cdef Py_ssize_t s, j
    cdef vr mean
    for s in range(rows):
        row_loss[s] = weighted_sum(a, y, n)
        mean = vr_set1(<real>row_loss[s])
        j = 0
        while delta != NULL and j < n:
            store_scaled(delta + s * stride, vr_mul(vr_load(a + j), vr_sub(vr_load(y + j), mean)), scale[s], j, n)
            j += VL
        a += stride
        y += stride


cdef double sum_losses(const double* row_loss, const double* row_weight, Py_ssize_t rows, double sum) noexcept nogil:
    """sum + the weighted losses: lane = row mod 16 and a tree per block of 128 rows, blocks in order."""
    cdef double lane[16]
    cdef Py_ssize_t first = 0, last, s
    if rows <= 4:
        for s in range(4):
            lane[s] = 0
        for s in range(rows):
            lane[s] = row_loss[s] if row_weight == NULL else row_weight[s] * row_loss[s]
        return sum + small_tree(lane)
    while first < rows:
        last = min(first + BLOCK_ROWS, rows)
        for s in range(LANES):
            lane[s] = 0
        for s in range(first, last):
            lane[s % LANES] += row_loss[s] if row_weight == NULL else row_weight[s] * row_loss[s]
        sum += tree(lane)
        first = last
    return sum
