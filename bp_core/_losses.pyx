"""Losses: the value of each row in double, and the derivative by the output.

Terms are computed in real and summed in double, 16 lanes and a tree. The losses here are those of a residual
and give scale * dloss/da; `_likelihoods.pyx` has those that are computed from z. `parameter` is the one
number that a loss may have.
"""
from bp_core._kernel_table cimport BLOCK_ROWS, LANES
from bp_core._simd cimport (
    VL, real, vm, vm_first, vr, vr_abs, vr_add, vr_div, vr_keep, vr_load, vr_lt, vr_max, vr_min, vr_mul, vr_neg,
    vr_select, vr_set1, vr_sign_of, vr_store, vr_sub, vr_with_sign, vr_zero,
)

ctypedef double (*term_fn)(real r, real parameter) noexcept nogil
ctypedef vr (*pull_fn)(vr r, vr parameter) noexcept nogil


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
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    """row_loss = sum_j term(a - y), delta = scale * pull(a - y); both functions are constants at compile time."""
    cdef Py_ssize_t s, j
    cdef vr word
    for s in range(rows):
        row_loss[s] = sum_terms(term, a, y, n, parameter)
        if delta != NULL:
            j = 0
            while j < n:
                word = pull(vr_sub(vr_load(a + j), vr_load(y + j)), vr_set1(parameter))
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
    term_fn term, const real* a, const real* y, Py_ssize_t n, real parameter,
) noexcept nogil:
    """sum_j term(a - y), 16 lanes and the tree; of few terms only the lanes that hold something."""
    cdef double lane[16]
    cdef double even, odd
    cdef Py_ssize_t j
    if n <= 4:
        even = term(a[0] - y[0], parameter)
        if n == 1:
            return even
        odd = term(a[1] - y[1], parameter)
        if n > 2:
            even += term(a[2] - y[2], parameter)
        if n > 3:
            odd += term(a[3] - y[3], parameter)
        return even + odd
    for j in range(LANES):
        lane[j] = 0
    for j in range(n):
        lane[j % LANES] += term(a[j] - y[j], parameter)
    return tree(lane)


cdef inline double half_square(real r, real parameter) noexcept nogil:
    return <double>0.5 * (<double>r * <double>r)


cdef inline vr residual(vr r, vr parameter) noexcept nogil:
    return r


cdef inline double square(real r, real parameter) noexcept nogil:
    return <double>r * <double>r


cdef inline vr twice(vr r, vr parameter) noexcept nogil:
    return vr_add(r, r)


cdef inline double absolute(real r, real parameter) noexcept nogil:
    return <double>r if r > 0 else <double>-r


cdef inline vr sign(vr r, vr parameter) noexcept nogil:
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


cdef inline double tilted(real r, real level) noexcept nogil:
    """(1 - q) r above 0, q |r| below, r being a - y."""
    return (<double>1 - <double>level) * <double>r if r > 0 else <double>level * <double>-r


cdef inline vr tilt(vr r, vr level) noexcept nogil:
    """1 - q where r is above 0, -q below, 0 at 0; a NaN stays."""
    cdef vr pull = vr_select(vr_lt(vr_zero(), r), vr_sub(vr_set1(<real>1), level), vr_neg(level))
    return vr_select(vr_lt(vr_zero(), vr_abs(r)), pull, r)


cdef void loss_half_squared_error(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    residual_loss(half_square, residual, a, y, scale, row_loss, delta, rows, n, stride, parameter)


cdef void loss_mse(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    residual_loss(square, twice, a, y, scale, row_loss, delta, rows, n, stride, parameter)


cdef void loss_mae(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    residual_loss(absolute, sign, a, y, scale, row_loss, delta, rows, n, stride, parameter)


cdef void loss_huber(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    residual_loss(huber, clipped, a, y, scale, row_loss, delta, rows, n, stride, parameter)


cdef void loss_quantile(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    residual_loss(tilted, tilt, a, y, scale, row_loss, delta, rows, n, stride, parameter)


cdef inline void add_lanes(double* lane, const real* terms, Py_ssize_t first, Py_ssize_t count) noexcept nogil:
    """lane[first mod 16 ...] += the first `count` numbers of a word."""
    cdef Py_ssize_t i
    for i in range(count):
        lane[(first + i) % LANES] += <double>terms[i]


cdef inline vr log_cosh_word(vr r) noexcept nogil:
    """log cosh r: |r| + log1p(e^-2|r|) - log 2, and below 1, where that would cancel, log1p(cosh r - 1).

    cosh r - 1 = t^2 / (2 (1 + t)) with t = e^-|r| - 1.
    """
    cdef vr size = vr_abs(r)
    cdef vr t = expm1_word(vr_neg(size))
    cdef vr power = vr_add(vr_set1(<real>1), t)
    cdef vm near = vr_lt(size, vr_set1(<real>1))
    cdef vr rest = vr_select(near, vr_div(vr_mul(t, t), vr_add(power, power)), vr_mul(power, power))
    cdef vr start = vr_select(near, vr_zero(), vr_sub(size, vr_set1(<real>0.69314718055994530942)))
    return vr_add(start, log1p_word(rest))


cdef void loss_log_cosh(
    const real* z, const real* a, const real* y, const real* scale, double* row_loss, real* delta,
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
) noexcept nogil:
    """row_loss = sum_j log cosh(a - y); delta = scale tanh(a - y)."""
    cdef double lane[16]
    cdef real terms[16]
    cdef Py_ssize_t s, j
    cdef vr r
    for s in range(rows):
        for j in range(LANES):
            lane[j] = 0
        j = 0
        while j < n:
            r = vr_sub(vr_load(a + j), vr_load(y + j))
            vr_store(terms, log_cosh_word(r))
            add_lanes(lane, terms, j, min(n - j, VL))
            if delta != NULL:
                store_scaled(delta, tanh_word(r), scale[s], j, n)
            j += VL
        row_loss[s] = tree(lane)
        if delta != NULL:
            delta += stride
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
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
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
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real parameter,
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
