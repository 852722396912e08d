"""Forward through a narrow layer: few units, many inputs, and W stored transposed.

A word of the register tile would hold few units and much padding; so words run along the inputs instead.
z[s, j] = b[j] + sum_k a_prev[s, k] * WT[j, k] in 16 lanes (lane = k mod 16), each a chain of FMAs from 0, and
one tree over them: always, for one row as for many.
"""
from bp_core._kernel_table cimport LANES
from bp_core._simd cimport LANE_WORDS, VL, real, sum_four_dots, vm_first, vr, vr_fma, vr_keep, vr_load, vr_zero


cdef inline vr tail_word(const real* x, Py_ssize_t left) noexcept nogil:
    """The first `left` numbers of a word, the others 0."""
    if left <= 0:
        return vr_zero()
    return vr_load(x) if left >= VL else vr_keep(vm_first(<int>left), vr_load(x))


cdef inline void four_dots(
    const real* x, Py_ssize_t x_step,   # IN   (n,) each, so far apart; the rest of the last word is read
    const real* w, Py_ssize_t w_step,   # IN   (n,) each, then zeros to the end of the last line
    Py_ssize_t n,
    const real* start,                  # IN   (4,)
    real* sums,                         # OUT  (4,)
) noexcept nogil:
    """sums = start + x . w, in 16 lanes (lane = i mod 16), each one chain in the order of i; a short lane adds 0."""
    cdef vr lanes[64]
    cdef Py_ssize_t d, i, at, k = 0
    for i in range(4 * LANE_WORDS):
        lanes[i] = vr_zero()
    while k + LANES <= n:
        for d in range(4):
            for i in range(LANE_WORDS):
                at = k + i * VL
                lanes[d * LANE_WORDS + i] = vr_fma(
                    vr_load(x + d * x_step + at), vr_load(w + d * w_step + at), lanes[d * LANE_WORDS + i])
        k += LANES
    if k < n:
        for d in range(4):
            for i in range(LANE_WORDS):
                at = k + i * VL
                lanes[d * LANE_WORDS + i] = vr_fma(
                    tail_word(x + d * x_step + at, n - at), tail_word(w + d * w_step + at, n - at),
                    lanes[d * LANE_WORDS + i])
    sum_four_dots(lanes, start, sums)


cdef inline void some_rows(
    const real* x, Py_ssize_t x_stride, const real* w, real b, real* z, Py_ssize_t z_stride, Py_ssize_t fan_in,
    Py_ssize_t rows,
) noexcept nogil:
    """z of one unit of `rows` rows, 4, or 1 which then stands for four."""
    cdef real start[4]
    cdef real sums[4]
    cdef Py_ssize_t r
    for r in range(4):
        start[r] = b
    four_dots(x, x_stride, w, 0, fan_in, start, sums)
    for r in range(rows):
        z[r * z_stride] = sums[r]


cdef void narrow_forward(
    const real* a_prev,     # IN   (batch, fan_in), rows a_prev_stride apart, padding read and ignored
    Py_ssize_t a_prev_stride,
    const real* WT,         # IN   (fan_out, fan_in), rows WT_stride apart, padding read: zeros
    Py_ssize_t WT_stride,
    const real* b,          # IN   (fan_out,)
    real* z,                # OUT  (batch, fan_out); overlaps no input
    Py_ssize_t z_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """z[s, j] = b[j] + the sum of 16 lanes. Trees go four at a time: over four units of a row, or four rows of a unit."""
    cdef Py_ssize_t s, j, fours = fan_out // 4 * 4
    for s in range(batch):
        j = 0
        while j < fours:
            four_dots(
                a_prev + s * a_prev_stride, 0, WT + j * WT_stride, WT_stride, fan_in, b + j, z + s * z_stride + j)
            j += 4
    for j in range(fours, fan_out):
        s = 0
        while s + 4 <= batch:
            some_rows(
                a_prev + s * a_prev_stride, a_prev_stride, WT + j * WT_stride, b[j], z + s * z_stride + j, z_stride,
                fan_in, 4)
            s += 4
        while s < batch:
            some_rows(
                a_prev + s * a_prev_stride, 0, WT + j * WT_stride, b[j], z + s * z_stride + j, 0, fan_in, 1)
            s += 1
