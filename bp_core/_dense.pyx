"""The three products of a dense layer: forward, the way back and the gradient."""
from bp_core._kernel_table cimport BLOCK_ROWS, Wish
from bp_core._simd cimport VL, real, vr, vr_add, vr_load, vr_store, vr_zero


cdef inline Py_ssize_t words_of(Py_ssize_t n) noexcept nogil:
    return (n + VL - 1) // VL


cdef inline void lay_product(
    Product* g, const real* A, Py_ssize_t A_row, Py_ssize_t A_step, const real* B, Py_ssize_t B_stride,
    real* C, Py_ssize_t C_stride, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t depth,
) noexcept nogil:
    """C = A B from zeros."""
    g.A, g.A_row, g.A_step = A, A_row, A_step
    g.B, g.B_stride, g.turned = B, B_stride, False
    g.start, g.start_stride = NULL, 0
    g.C, g.C_stride = C, C_stride
    g.rows, g.columns, g.words = rows, columns, words_of(columns)
    g.depth, g.later, g.asks = depth, 0, False
    g.finish, g.asking = SET, NULL


cdef void dense_forward(
    const real* a_prev,         # IN   (batch, fan_in), rows a_prev_stride apart
    Py_ssize_t a_prev_stride,
    const real* W,              # IN   (fan_in, fan_out), rows W_stride apart, padding read
    Py_ssize_t W_stride,
    const real* b,              # IN   (fan_out,), padding read
    real* z,                    # OUT  (batch, fan_out); overlaps no input
    Py_ssize_t z_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """z[s, j] = b[j] + sum_k a_prev[s, k] * W[k, j], one chain of FMAs in the order of k."""
    cdef Product g
    lay_product(&g, a_prev, a_prev_stride, 1, W, W_stride, z, z_stride, batch, fan_out, fan_in)
    g.start = b
    product(&g)


cdef void dense_backward(
    const real* delta,          # IN   (batch, fan_out)
    Py_ssize_t delta_stride,
    const real* W,              # IN   (fan_in, fan_out), or its transpose, padding then read; rows W_stride apart
    Py_ssize_t W_stride,
    bint transposed,
    real* delta_prev,           # OUT  (batch, fan_in); overlaps no input
    Py_ssize_t delta_prev_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """delta_prev[s, k] = sum_j delta[s, j] * W[k, j], one chain of FMAs from 0 in the order of j."""
    cdef Product g
    lay_product(&g, delta, delta_stride, 1, W, W_stride, delta_prev, delta_prev_stride, batch, fan_in, fan_out)
    g.turned = not transposed
    product(&g)


cdef void dense_gradient(
    const real* a_prev,         # IN   (batch, fan_in), rows a_prev_stride apart
    Py_ssize_t a_prev_stride,
    const real* delta,          # IN   (batch, fan_out), padding read
    Py_ssize_t delta_stride,
    real* grad,                 # OUT  (fan_in, fan_out), padding written; IN too when add
    Py_ssize_t grad_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out, bint add,
    const Wish* wish,           # IN   or NULL
) noexcept nogil:
    """grad[k, j] (+)= sum_s a_prev[s, k] * delta[s, j]: a chain from 0 per block of rows, blocks added in order."""
    cdef Product g
    cdef Asking asking
    cdef Py_ssize_t s = 0
    lay_product(&g, a_prev, 1, a_prev_stride, delta, delta_stride, grad, grad_stride, fan_in, fan_out, batch)
    if wish != NULL:
        g.asking = &asking
        start_asking(&asking, wish, fan_in * g.words * batch)
    while s < batch:
        g.A = a_prev + s * a_prev_stride
        g.B = delta + s * delta_stride
        g.depth = BLOCK_ROWS if batch - s > BLOCK_ROWS else batch - s
        g.finish = ADD if add or s > 0 else SET
        piece(&g)
        s += g.depth


cdef void dense_descend(
    const real* a_prev,         # IN   (batch, fan_in), rows a_prev_stride apart
    Py_ssize_t a_prev_stride,
    const real* delta,          # IN   (batch, fan_out), padding read
    Py_ssize_t delta_stride,
    real* W,                    # INOUT (fan_in, fan_out), padding written
    Py_ssize_t W_stride,
    real rate, Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """W[k, j] -= rate * sum_s a_prev[s, k] * delta[s, j], a chain from 0 over at most 128 rows."""
    cdef Product g
    lay_product(&g, a_prev, 1, a_prev_stride, delta, delta_stride, W, W_stride, fan_in, fan_out, batch)
    g.finish, g.rate = DESCEND, rate
    piece(&g)


cdef inline void unit_chains(
    const real* delta, Py_ssize_t delta_stride, real* sums,
    Py_ssize_t rows, Py_ssize_t width, Py_ssize_t abreast, bint add,
) noexcept nogil:
    """`width` words of sums over `abreast` blocks of `rows` rows at once; those two are constants at compile time."""
    cdef vr total[8]
    cdef Py_ssize_t s, v, block, c
    for c in range(width * abreast):
        total[c] = vr_zero()
    for s in range(rows):
        for block in range(abreast):
            for v in range(width):
                c = block * width + v
                total[c] = vr_add(total[c], vr_load(delta + (block * BLOCK_ROWS + s) * delta_stride + v * VL))
    for block in range(abreast):
        for v in range(width):
            c = block * width + v
            vr_store(sums + v * VL, vr_add(vr_load(sums + v * VL), total[c]) if add or block > 0 else total[c])


cdef inline Py_ssize_t unit_words(
    const real* delta, Py_ssize_t delta_stride, real* sums, Py_ssize_t batch, Py_ssize_t words, Py_ssize_t w,
    Py_ssize_t width, Py_ssize_t abreast, bint add,
) noexcept nogil:
    """`width` words at a time, `abreast` blocks while there are so many: a chain waits for itself.

    Returns the first word left.
    """
    cdef Py_ssize_t s, rows
    while w + width <= words:
        s = 0
        while s < batch:
            rows = min(batch - s, abreast * BLOCK_ROWS)
            if rows == abreast * BLOCK_ROWS:
                unit_chains(
                    delta + s * delta_stride + w * VL, delta_stride, sums + w * VL, BLOCK_ROWS, width, abreast,
                    add or s > 0)
            else:
                rows = min(rows, <Py_ssize_t>BLOCK_ROWS)
                unit_chains(
                    delta + s * delta_stride + w * VL, delta_stride, sums + w * VL, rows, width, 1, add or s > 0)
            s += rows
        w += width
    return w


cdef void sum_units(
    const real* delta,          # IN   (batch, fan_out), padding read
    Py_ssize_t delta_stride,
    real* sums,                 # OUT  (fan_out,), padding of the last word written; IN too when add
    Py_ssize_t batch, Py_ssize_t fan_out, bint add,
) noexcept nogil:
    """sums[j] (+)= sum_s delta[s, j]: a chain from 0 per block of rows, blocks added in order."""
    cdef Py_ssize_t words = words_of(fan_out), w = 0
    w = unit_words(delta, delta_stride, sums, batch, words, w, 4, 1, add)
    w = unit_words(delta, delta_stride, sums, batch, words, w, 2, 4, add)
    unit_words(delta, delta_stride, sums, batch, words, w, 1, 4, add)
