"""Sums over parameters in double, and the test for finite numbers."""
from bp_core._kernel_table cimport BLOCK_ROWS, LANES
from bp_core._simd cimport VL, real, vr, vr_add, vr_load, vr_store, vr_sub, vr_zero

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
