"""One step of a small network in one call: forward, loss, backward, gradient, and the change where that is plain SGD.

Of a network whose layers each fit one word, calls and general loops cost more than the arithmetic. Here words
run along the units and rows follow each other; every number has the order of additions of the general passes,
so which of the two runs changes no bit.
"""
from libc.math cimport isfinite

from bp_core._kernel_table cimport IDENTITY, LINE, RELU, SIGMOID, TANH, SmallLayer, SmallStep
from bp_core._simd cimport (
    VL, real, vm, vm_first, vr, vr_fma, vr_fnma, vr_keep, vr_load, vr_mul, vr_set1, vr_store, vr_zero,
)


cdef inline bint is_common(int activation) noexcept nogil:
    """Whether the functions below know it; any other is a pass of its own over memory."""
    return activation == SIGMOID or activation == TANH or activation == RELU or activation == IDENTITY


cdef inline vr common_value(int activation, vr z) noexcept nogil:
    if activation == SIGMOID:
        return sigmoid_word(z)
    if activation == TANH:
        return tanh_word(z)
    return relu_word(z) if activation == RELU else z


cdef inline vr common_slope(int activation, vm units, vr delta, vr a) noexcept nogil:
    """delta times the slope, zeros in its padding."""
    cdef vr product = delta
    if activation == SIGMOID:
        product = vr_mul(delta, sigmoid_slope(a, a))
    elif activation == TANH:
        product = vr_mul(delta, tanh_slope(a, a))
    elif activation == RELU:
        product = vr_mul(delta, relu_slope(a, a))
    return vr_keep(units, product)


cdef inline vm units_of(const SmallLayer* layer) noexcept nogil:
    """True in the reals of a word that are units."""
    return vm_first(<int>min(layer.fan_out, VL))


cdef inline void small_forward(const SmallLayer* layer, const real* a_prev, Py_ssize_t rows) noexcept nogil:
    """z[s, j] = b[j] + sum_k a_prev[s, k] * W[k, j], one chain of FMAs in the order of k; a = f(z)."""
    cdef Py_ssize_t s, k, fan_in = layer.fan_in
    cdef int activation = layer.activation
    cdef bint common = is_common(activation)
    cdef const real* W = layer.W
    cdef real* z_row = layer.z
    cdef real* a_row = layer.a
    cdef vr b = vr_load(layer.b_row), z
    for s in range(rows):
        z = b
        for k in range(fan_in):
            z = vr_fma(vr_set1(a_prev[k]), vr_load(W + k * LINE), z)
        vr_store(z_row, z)
        if common:
            vr_store(a_row, common_value(activation, z))
        a_prev += LINE
        z_row += LINE
        a_row += LINE
    if not common:
        layer.activate(layer.z, layer.a, rows, layer.fan_out, LINE)


cdef inline void small_backward(const SmallLayer* layer, const SmallLayer* below, Py_ssize_t rows) noexcept nogil:
    """delta_prev[s, k] = f'(z_prev) sum_j delta[s, j] * WT[j, k], one chain of FMAs from 0 in the order of j."""
    cdef Py_ssize_t s, j, fan_out = layer.fan_out
    cdef bint common = is_common(below.activation)
    cdef const real* WT = layer.WT
    cdef vm units = units_of(below)
    cdef vr total
    for s in range(rows):
        total = vr_zero()
        for j in range(fan_out):
            total = vr_fma(vr_set1(layer.delta[s * LINE + j]), vr_load(WT + j * LINE), total)
        if common:
            total = common_slope(below.activation, units, total, vr_load(below.a + s * LINE))
        vr_store(below.delta + s * LINE, total)
    if not common:
        below.derive(below.z, below.a, below.delta, rows, below.fan_out, LINE)


cdef inline void small_slope(const SmallLayer* last, Py_ssize_t rows) noexcept nogil:
    """dLoss/da of the output becomes dLoss/dz."""
    cdef vm units = units_of(last)
    cdef Py_ssize_t s
    if not is_common(last.activation):
        last.derive(last.z, last.a, last.delta, rows, last.fan_out, LINE)
        return
    for s in range(rows):
        vr_store(last.delta + s * LINE, common_slope(
            last.activation, units, vr_load(last.delta + s * LINE), vr_load(last.a + s * LINE)))


cdef inline vr small_column(
    const real* factor, Py_ssize_t factor_stride, const real* delta, Py_ssize_t rows,
) noexcept nogil:
    """sum_s factor[s] * delta[s, :], one chain of FMAs from 0 in the order of the rows."""
    cdef Py_ssize_t s
    cdef vr total = vr_zero()
    for s in range(rows):
        total = vr_fma(vr_set1(factor[s * factor_stride]), vr_load(delta + s * LINE), total)
    return total


cdef inline void small_change(const SmallStep* step, vr gradient, real* p, real* out) noexcept nogil:
    """A word of gradient, applied to the parameters or written down."""
    if step.descends:
        vr_store(p, vr_fnma(vr_set1(step.rate), gradient, vr_load(p)))
    else:
        vr_store(out, gradient)


cdef inline vr sum_of_units(const SmallLayer* layer, vr units) noexcept nogil:
    """The units' numbers added in the order of j, in the first place of a word of zeros."""
    cdef real numbers[16]
    cdef real total = 0
    cdef Py_ssize_t j
    vr_store(numbers, units)
    for j in range(min(layer.fan_out, VL)):
        total = total + numbers[j]
    return vr_keep(vm_first(1), vr_set1(total))


cdef inline void small_gradient(
    const SmallStep* step, const SmallLayer* layer, const real* a_prev, Py_ssize_t rows,
) noexcept nogil:
    """grad_W, and grad_b where there is a bias, written or applied; of a shared one the units' sums in the order of j."""
    cdef real one = 1
    cdef Py_ssize_t k
    cdef vr total
    for k in range(layer.fan_in):
        total = small_column(a_prev + k, LINE, layer.delta, rows)
        small_change(step, total, layer.W + k * LINE, layer.grad_W + k * LINE)
    if layer.b == NULL:
        return
    total = small_column(&one, 0, layer.delta, rows)
    if layer.shared_bias:
        total = sum_of_units(layer, total)
    small_change(step, total, layer.b, layer.grad_b)


cdef double small_pass(const SmallStep* step, Py_ssize_t rows) noexcept nogil:
    """The losses of the rows and the gradient of every parameter, written or applied; rows of all arrays are a line apart.

    Returns the sum of the losses; where that is not finite, nothing is written or applied.
    """
    cdef const SmallLayer* layer = &step.layers[0]
    cdef const SmallLayer* last = &step.layers[step.n_layers - 1]
    cdef Py_ssize_t l
    cdef double sum
    small_forward(layer, step.x, rows)
    for l in range(1, step.n_layers):
        small_forward(&step.layers[l], step.layers[l - 1].a, rows)
    step.loss(
        last.z, last.a, step.targets, step.scale, step.row_loss, last.delta, rows, last.fan_out, LINE, step.parameter)
    sum = sum_losses(step.row_loss, NULL, rows, 0)
    if not isfinite(sum):
        return sum
    if not step.loss_gives_dz:
        small_slope(last, rows)
    for l in range(step.n_layers - 1, 0, -1):
        small_backward(&step.layers[l], &step.layers[l - 1], rows)
    small_gradient(step, layer, step.x, rows)
    for l in range(1, step.n_layers):
        small_gradient(step, &step.layers[l], step.layers[l - 1].a, rows)
    return sum
