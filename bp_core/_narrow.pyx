"""Forward through a narrow layer: few units, many inputs, and W stored transposed.

A word of the register tile would hold few units and much padding; so words run along the inputs instead.
z[s, j] = b[j] + sum_k a_prev[s, k] * WT[j, k] in 16 lanes (lane = k mod 16), each a chain of FMAs from 0, and
one tree over them: always, for one row as for many.
"""
from bp_core._kernel_table cimport LANES
from bp_core._simd cimport LANE_WORDS, VL, real, sum_four_dots, vm_first, vr, vr_fma, vr_keep, vr_load, vr_zero


cdef inline void dot(
    const real* x,          # IN   (n,), the rest of the last word is read
    const real* w,          # IN   (n,), then zeros to the end of the last line
    Py_ssize_t n,
    vr* lanes,              # OUT  16 lanes
) noexcept nogil:
    """lanes[i mod 16] = sum x[i] w[i], each lane one chain in the order of i; a lane that runs short adds 0."""
    cdef Py_ssize_t i, k = 0, left
    cdef vr word
    for i in range(LANE_WORDS):
        lanes[i] = vr_zero()
    while k + LANES <= n:
        for i in range(LANE_WORDS):
            lanes[i] = vr_fma(vr_load(x + k + i * VL), vr_load(w + k + i * VL), lanes[i])
        k += LANES
    if k == n:
        return
    for i in range(LANE_WORDS):
        left = n - k - i * VL
        if left <= 0:
            lanes[i] = vr_fma(vr_zero(), vr_zero(), lanes[i])
            continue
        word = vr_load(x + k + i * VL)
        if left < VL:
            word = vr_keep(vm_first(<int>left), word)
        lanes[i] = vr_fma(word, vr_load(w + k + i * VL), lanes[i])


cdef inline void four_units(
    const real* x, const real* WT, Py_ssize_t WT_stride, const real* b, real* z, Py_ssize_t fan_in,
) noexcept nogil:
    """z of four units of one row."""
    cdef vr lanes[64]
    cdef Py_ssize_t j
    for j in range(4):
        dot(x, WT + j * WT_stride, fan_in, lanes + j * LANE_WORDS)
    sum_four_dots(lanes, b, z)


cdef inline void four_rows(
    const real* x, Py_ssize_t x_stride, const real* w, real b, real* z, Py_ssize_t z_stride, Py_ssize_t fan_in,
    Py_ssize_t rows,
) noexcept nogil:
    """z of one unit of four rows, or of fewer, where the last one stands for those that are missing."""
    cdef vr lanes[64]
    cdef real start[4]
    cdef real sums[4]
    cdef Py_ssize_t r
    for r in range(4):
        start[r] = b
        dot(x + min(r, rows - 1) * x_stride, w, fan_in, lanes + r * LANE_WORDS)
    sum_four_dots(lanes, start, sums)
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
            four_units(a_prev + s * a_prev_stride, WT + j * WT_stride, WT_stride, b + j, z + s * z_stride + j, fan_in)
            j += 4
    for j in range(fours, fan_out):
        s = 0
        while s < batch:
            four_rows(
                a_prev + s * a_prev_stride, a_prev_stride, WT + j * WT_stride, b[j], z + s * z_stride + j, z_stride,
                fan_in, min(batch - s, 4))
            s += 4
