"""The three products of a dense layer: forward, the way back and the gradient."""
from bp_core._kernel_table cimport BLOCK_ROWS, Wish
from bp_core._simd cimport VL, real


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
    const real* WT,             # IN   (fan_out, fan_in), rows WT_stride apart, padding read
    Py_ssize_t WT_stride,
    real* delta_prev,           # OUT  (batch, fan_in); overlaps no input
    Py_ssize_t delta_prev_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """delta_prev[s, k] = sum_j delta[s, j] * WT[j, k], one chain of FMAs from 0 in the order of j."""
    cdef Product g
    lay_product(&g, delta, delta_stride, 1, WT, WT_stride, delta_prev, delta_prev_stride, batch, fan_in, fan_out)
    product(&g)


cdef void dense_backward_turned(
    const real* delta,          # IN   (batch, fan_out)
    Py_ssize_t delta_stride,
    const real* W,              # IN   (fan_in, fan_out), rows W_stride apart
    Py_ssize_t W_stride,
    real* delta_prev,           # OUT  (batch, fan_in); overlaps no input
    Py_ssize_t delta_prev_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """The same from W itself, transposed panel by panel as it is packed."""
    cdef Product g
    lay_product(&g, delta, delta_stride, 1, W, W_stride, delta_prev, delta_prev_stride, batch, fan_in, fan_out)
    g.turned = True
    product(&g)


cdef void dense_gradient(
    const real* a_prev,         # IN   (batch, fan_in), consecutive s a_prev_stride apart, consecutive k a_prev_step apart
    Py_ssize_t a_prev_stride, Py_ssize_t a_prev_step,
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
    lay_product(&g, a_prev, a_prev_step, a_prev_stride, delta, delta_stride, grad, grad_stride, fan_in, fan_out, batch)
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
    const real* a_prev,         # IN   (batch, fan_in), consecutive s a_prev_stride apart
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
