"""Softmax: the one activation that takes a whole row at once.

A row alone has its numbers side by side in words. Of few units many rows go together, each in its own lane: the
largest, the sum and its logarithm are then operations on words like any other, and no word is half empty.
"""
from bp_core._kernel_table cimport LANES
from bp_core._simd cimport (
    SQUARE, VL, real, vm, vm_first, vr, vr_add, vr_div, vr_keep, vr_load, vr_lt, vr_mul, vr_select, vr_set1,
    vr_store, vr_sub, vr_zero,
)


cdef inline Py_ssize_t in_squares(Py_ssize_t n) noexcept nogil:
    """n, rounded up to whole squares of `transpose`; rows have as much room."""
    return (n + SQUARE - 1) // SQUARE * SQUARE


cdef inline Py_ssize_t largest_at(const real* x, Py_ssize_t n) noexcept nogil:
    """Where the largest of x (n,) is, the first of equals."""
    cdef Py_ssize_t j, at = 0
    for j in range(1, n):
        if x[j] > x[at]:
            at = j
    return at


cdef inline real tree_of(real* lane) noexcept nogil:
    """The sum of 16 lanes, which change."""
    cdef Py_ssize_t j
    for j in range(8):
        lane[j] += lane[j + 8]
    for j in range(4):
        lane[j] += lane[j + 4]
    return (lane[0] + lane[2]) + (lane[1] + lane[3])


cdef real sum_lanes(const real* x, Py_ssize_t n) noexcept nogil:
    """The sum of x (n,): lane = j mod 16, then the tree."""
    cdef real lane[16]
    cdef Py_ssize_t j
    for j in range(LANES):
        lane[j] = x[j] if j < n else <real>0
    for j in range(LANES, n):
        lane[j % LANES] += x[j]
    return tree_of(lane)


cdef inline vr sum_abreast(const real* column) noexcept nogil:
    """The same sum of VL rows, from 16 columns, those from n on zeros."""
    cdef vr lane[8]
    cdef Py_ssize_t j
    for j in range(8):
        lane[j] = vr_add(vr_load(column + j * VL), vr_load(column + (j + 8) * VL))
    for j in range(4):
        lane[j] = vr_add(lane[j], lane[j + 4])
    return vr_add(vr_add(lane[0], lane[2]), vr_add(lane[1], lane[3]))


cdef void exp_abreast(
    const real* z,              # IN   (rows, n), rows `stride` apart, padding read
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
    real* column,               # OUT  (16, VL): exp(z_j - max z), from n on zeros
    real* top,                  # OUT  (VL,): the largest of each row
    real* top_at,               # OUT  (VL,): where it is, the first of equals
) noexcept nogil:
    cdef Py_ssize_t j
    cdef vr largest, at = vr_zero(), word
    cdef vm larger
    for j in range(in_squares(n)):
        vr_store(column + j * VL, vr_zero())
    table.transpose(z, stride, column, VL, rows, in_squares(n))
    largest = vr_load(column)
    for j in range(1, n):
        word = vr_load(column + j * VL)
        larger = vr_lt(largest, word)
        largest = vr_select(larger, word, largest)
        at = vr_select(larger, vr_set1(<real>j), at)
    for j in range(n):
        vr_store(column + j * VL, exp_word(vr_sub(vr_load(column + j * VL), largest)))
    for j in range(n, LANES):
        vr_store(column + j * VL, vr_zero())
    vr_store(top, largest)
    vr_store(top_at, at)


cdef void softmax_abreast(
    const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, real* column,
) noexcept nogil:
    """activate_softmax of at most VL rows; the padding of a becomes 0."""
    cdef real unused[16]
    cdef vr divisor
    cdef Py_ssize_t j
    exp_abreast(z, rows, n, stride, column, unused, unused)
    divisor = sum_abreast(column)
    for j in range(n):
        vr_store(column + j * VL, vr_div(vr_load(column + j * VL), divisor))
    table.transpose(column, VL, a, stride, in_squares(n), rows)


cdef inline void softmax_row(const real* z, real* a, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j = 0
    cdef vr shift = vr_set1(z[largest_at(z, n)]), divisor
    while j < n:
        vr_store(a + j, exp_word(vr_sub(vr_load(z + j), shift)))
        j += VL
    divisor = vr_set1(sum_lanes(a, n))
    j = 0
    while j < n:
        vr_store(a + j, vr_div(vr_load(a + j), divisor))
        j += VL


cdef void activate_softmax(const real* z, real* a, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    """a = exp(z - max z) / sum exp(z - max z), row by row."""
    cdef real column[256]
    cdef Py_ssize_t s = 0, count
    while s < rows:
        count = rows_abreast(rows - s, n)
        if count > 0:
            softmax_abreast(z + s * stride, a + s * stride, count, n, stride, column)
        else:
            count = 1
            softmax_row(z + s * stride, a + s * stride, n)
        s += count


cdef void derive_softmax(
    const real* a, real* delta, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, Py_ssize_t j,
) noexcept nogil:
    """delta = da_j/dz = a_j (e_j - a), row by row, e_j being 1 at j and 0 elsewhere; its padding 0."""
    cdef Py_ssize_t s, i
    cdef vr factor, product
    for s in range(rows):
        factor = vr_set1(-a[j])
        i = 0
        while i < n:
            product = vr_mul(factor, vr_load(a + i))
            if n - i < VL:
                product = vr_keep(vm_first(<int>(n - i)), product)
            vr_store(delta + i, product)
            i += VL
        delta[j] = a[j] * (<real>1 - a[j])
        a += stride
        delta += stride
