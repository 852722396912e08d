"""Sums over parameters in double, and the test for finite numbers."""
from bp_core._kernel_table cimport BLOCK_ROWS, LANES
from bp_core._simd cimport VL, real, vr, vr_add, vr_load, vr_store, vr_sub, vr_zero

cdef extern from "<math.h>" nogil:
    double root "sqrt"(double x)     # compiled to the exact instruction

ctypedef double (*size_fn)(real x) noexcept nogil


cdef inline double square_of(real x) noexcept nogil:
    return <double>x * <double>x


cdef inline double size_of(real x) noexcept nogil:
    return <double>x if x > 0 else <double>-x


cdef inline double sum_rows(
    size_fn size, const real* x, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil:
    """sum size(x): lane = column mod 16 and a tree per block of 128 rows, blocks in order."""
    cdef double lane[16]
    cdef double sum = 0
    cdef Py_ssize_t first = 0, last, k, j, i
    while first < rows:
        last = min(first + BLOCK_ROWS, rows)
        for i in range(LANES):
            lane[i] = 0
        for k in range(first, last):
            j = 0
            while j + LANES <= n:
                for i in range(LANES):
                    lane[i] += size(x[k * stride + j + i])
                j += LANES
            for i in range(n - j):
                lane[i] += size(x[k * stride + j + i])
        sum += tree(lane)
        first = last
    return sum


cdef double sum_squares(const real* x, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    return sum_rows(square_of, x, rows, n, stride)


cdef double sum_absolutes(const real* x, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    return sum_rows(size_of, x, rows, n, stride)


cdef bint all_finite(const real* x, Py_ssize_t n) noexcept nogil:
    """x - x is 0 for a finite x and NaN for any other."""
    cdef real rest[16]
    cdef vr total = vr_zero(), word
    cdef Py_ssize_t i = 0
    while i + VL <= n:
        word = vr_load(x + i)
        total = vr_add(total, vr_sub(word, word))
        i += VL
    vr_store(rest, total)
    while i < n:
        rest[0] += x[i] - x[i]
        i += 1
    for i in range(VL):
        if rest[i] != 0:
            return False
    return True


cdef enum:
    UNITS_ABREAST = 16          # sums of squares side by side


cdef inline bint limit_some(
    real* W, Py_ssize_t unit_step, Py_ssize_t input_step, Py_ssize_t units, Py_ssize_t inputs, double limit,
) noexcept nogil:
    """At most 16 units: the squares of each in one chain of double over k, then its weights times limit / norm."""
    cdef double sum[16]
    cdef real factor[16]
    cdef Py_ssize_t u, k
    cdef bint any_ = False
    for u in range(units):
        sum[u] = 0
    for k in range(inputs):
        for u in range(units):
            sum[u] += square_of(W[u * unit_step + k * input_step])
    for u in range(units):
        factor[u] = 1
        if sum[u] > limit * limit:
            factor[u], any_ = <real>(limit / root(sum[u])), True
    if any_:
        for k in range(inputs):
            for u in range(units):
                W[u * unit_step + k * input_step] *= factor[u]
    return any_


cdef bint limit_norms(
    real* W,                    # INOUT unit u's weight of input k at W[u * unit_step + k * input_step]
    Py_ssize_t unit_step, Py_ssize_t input_step, Py_ssize_t units, Py_ssize_t inputs, double limit,
) noexcept nogil:
    """Scale the weights into each unit down to this norm; returns whether there were any to scale."""
    cdef Py_ssize_t u = 0, count
    cdef bint any_ = False
    while u < units:
        count = UNITS_ABREAST if units - u > UNITS_ABREAST else units - u
        if unit_step == 1:
            any_ |= limit_some(W + u, 1, input_step, count, inputs, limit)
        else:
            any_ |= limit_some(W + u * unit_step, unit_step, 1, count, inputs, limit)
        u += count
    return any_
