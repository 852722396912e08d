"""Whole passes over the rows in hand: load, forward, loss, backward, gradient.

Rows are handled in chunks that stay in cache; a chunk is a whole number of the contract's blocks, so
the chunk size changes no bit. `Job` is all that one native call knows.
"""
from bp_core._kernel_table cimport (
    BINARY_CROSS_ENTROPY, BLOCK_ROWS, CROSS_ENTROPY, HALF_SQUARED_ERROR, LOSSES, SIGMOID, SOFTMAX,
)

cdef enum:
    CHUNK_ROWS = 4 * BLOCK_ROWS

cdef enum:
    PANEL_BYTES = 131072        # of grad_W: a panel, its weights and their state stay in the second-level cache

cdef enum Status:               # why a native call stopped
    DONE, OUT_OF_TIME, TARGET_LOSS, NOT_FINITE, BAD_X, BAD_Y, BAD_CLASS, BAD_ORDER

ctypedef struct Job:
    Net net
    Table X                     # (n, n_in)
    Table y                     # (n, n_out); closed without targets or with class indices
    Run classes                 # (n,) int64, instead of y
    Run weights                 # (n,) float64 with mean 1, or closed
    Run parameters
    Run workspace
    const int64_t* order        # (n,) which row comes when, or NULL: as they lie
    Py_ssize_t bad_row          # the row a BAD_... status means
    int loss
    real threshold
    real* x                     # (chunk, n_in): the rows in hand, converted
    real* targets               # (chunk, n_out)
    real* scale                 # (chunk,): weight / divisor
    real* gradient              # (size,): the whole gradient, or NULL
    real* delta_x               # (chunk, n_in): dLoss/dx, or NULL
    double* row_loss            # (chunk,)
    double* row_weight          # (chunk,)

ctypedef struct Needs:          # what of the workspace a call uses
    Py_ssize_t rows
    bint backward
    bint panels                 # the gradient by panels
    bint gradient               # the whole gradient
    bint inputs
    bint all_z


cdef inline Py_ssize_t panel_rows(const Layer* layer) noexcept nogil:
    """Rows of W in a panel: a multiple of 24, the rows of any tile, near PANEL_BYTES."""
    cdef Py_ssize_t rows = PANEL_BYTES // (layer.stride * <Py_ssize_t>sizeof(real)) // 24 * 24
    return min(min(max(rows, 24), 120), layer.fan_in)


cdef inline double* take_doubles(real** room, Py_ssize_t n) noexcept nogil:
    return <double*>take(room, n * <Py_ssize_t>(sizeof(double) // sizeof(real)))


cdef void take_layer(Layer* layer, const Needs* needs, bint output, bint transposed, real** room) noexcept nogil:
    """Room for the activations of one layer, and for what its backward pass needs; a loss may read z of the output."""
    layer.a = take(room, needs.rows * layer.stride)
    layer.z = take(room, needs.rows * layer.stride) if needs.all_z or output or keeps_z(layer) else layer.a
    if needs.backward:
        layer.delta = take(room, needs.rows * layer.stride)
        layer.unit_sums = take(room, layer.stride) if layer.bias == LAYER_BIAS else NULL
    if transposed:
        layer.WT = take(room, layer.fan_out * layer.WT_stride)
    if needs.panels:
        layer.panel = take(room, panel_rows(layer) * layer.stride)


cdef real* take_workspace(Job* job, const Needs* needs, real* room) noexcept nogil:
    """Point everything at its place from `room` on; returns the end."""
    cdef Net* net = &job.net
    cdef Py_ssize_t l
    job.x = take(&room, needs.rows * net.x_stride)
    job.targets = take(&room, needs.rows * padded(net.n_out))
    job.scale = take(&room, needs.rows)
    job.row_loss = take_doubles(&room, needs.rows)
    job.row_weight = take_doubles(&room, needs.rows)
    take_bias_rows(net, &room)
    for l in range(net.n_layers):
        take_layer(
            &net.layers[l], needs, l == net.n_layers - 1, needs.backward and (l > 0 or needs.inputs), &room)
    job.gradient = take(&room, net.size) if needs.gradient else NULL
    job.delta_x = take(&room, needs.rows * net.x_stride) if needs.inputs else NULL
    return room


cdef Py_ssize_t workspace_reals(Job* job, const Needs* needs) noexcept nogil:
    """How many reals `take_workspace` takes, with one line to align them."""
    cdef real* fake = <real*><size_t>4096       # only differences are used
    return take_workspace(job, needs, fake) - fake + LINE


cdef int bind_workspace(Job* job, const Needs* needs, object array) except -1:
    """Open the workspace, which must be zeros at first, and take it."""
    cdef size_t address
    open_reals(&job.workspace, array, workspace_reals(job, needs), True, "the workspace")
    address = (<size_t>job.workspace.data + 63) // 64 * 64
    take_workspace(job, needs, <real*>address)
    return 0


cdef int check_loss(const Net* net, int loss) except -1:
    """Raise for a pair of loss and output that no kernel serves."""
    cdef int output = net.layers[net.n_layers - 1].activation
    if not 0 <= loss < LOSSES:
        raise ValueError(f"unknown loss, number {loss}")
    if (loss == CROSS_ENTROPY) != (output == SOFTMAX) or (loss == BINARY_CROSS_ENTROPY and output != SIGMOID):
        raise ValueError("the loss does not fit the activation of the output")
    return 0


cdef int open_targets(Job* job, object y, object classes, object weights) except -1:
    """Open the targets, of one of two kinds, and the row weights; all as long as X."""
    if classes is not None:
        open_run(&job.classes, classes, b'q', False, "the class indices")
        expect_length(&job.classes, job.X.rows, "the class indices")
    else:
        open_table(&job.y, y, "y")
        expect_shape(&job.y, job.X.rows, job.net.n_out, "y")
    if weights is not None:
        open_run(&job.weights, weights, b'd', False, "sample_weight")
        expect_length(&job.weights, job.X.rows, "sample_weight")
    return 0


cdef void close_job(Job* job) noexcept:
    close_table(&job.X)
    close_table(&job.y)
    close_run(&job.classes)
    close_run(&job.weights)
    close_run(&job.parameters)
    close_run(&job.workspace)
    close_net(&job.net)


# ------------------------------------------------------------------- the rows
cdef inline Py_ssize_t row_at(const Job* job, Py_ssize_t at) noexcept nogil:
    """Which row of the data comes at this place of the order."""
    return at if job.order == NULL else <Py_ssize_t>job.order[at]


cdef Status check_order(Job* job, Py_ssize_t first, Py_ssize_t rows) noexcept nogil:
    """Every row that is about to be read must lie within the data."""
    cdef Py_ssize_t s
    if job.order == NULL:
        return DONE if first + rows <= job.X.rows else BAD_ORDER
    for s in range(rows):
        if job.order[first + s] < 0 or job.order[first + s] >= job.X.rows:
            return BAD_ORDER
    return DONE


cdef Status load_classes(Job* job, Py_ssize_t first, Py_ssize_t rows) noexcept nogil:
    """Class indices as rows of zeros with a one."""
    cdef Py_ssize_t s, stride = padded(job.net.n_out)
    cdef int64_t index
    memset(job.targets, 0, rows * stride * sizeof(real))
    for s in range(rows):
        index = (<const int64_t*>job.classes.data)[row_at(job, first + s)]
        if index < 0 or index >= job.net.n_out:
            job.bad_row = row_at(job, first + s)
            return BAD_CLASS
        job.targets[s * stride + index] = 1
    return DONE


cdef void load_weights(Job* job, Py_ssize_t first, Py_ssize_t rows, double divisor) noexcept nogil:
    """The rows' weights, and what their gradients are multiplied by."""
    cdef Py_ssize_t s
    cdef real share = <real>(1 / divisor)
    if not job.weights.open:
        for s in range(rows):
            job.scale[s] = share
        return
    for s in range(rows):
        job.row_weight[s] = (<const double*>job.weights.data)[row_at(job, first + s)]
        job.scale[s] = <real>(job.row_weight[s] / divisor)


cdef Status load_targets(Job* job, Py_ssize_t first, Py_ssize_t rows, const int64_t* order) noexcept nogil:
    cdef Py_ssize_t finite
    if job.classes.open:
        return load_classes(job, first, rows)
    finite = read_rows(job.net.kernels, &job.y, first, order, rows, job.targets, padded(job.net.n_out))
    if finite == rows:
        return DONE
    job.bad_row = row_at(job, first + finite)
    return BAD_Y


cdef Status load_rows(Job* job, Py_ssize_t first, Py_ssize_t rows, bint targets, double divisor) noexcept nogil:
    """Gather and convert rows `first`, ... of the order, with their targets and weights."""
    cdef const int64_t* order = NULL
    cdef Status status = check_order(job, first, rows)
    cdef Py_ssize_t finite
    if status != DONE:
        return status
    if job.order != NULL:
        order = job.order + first
    finite = read_rows(job.net.kernels, &job.X, first, order, rows, job.x, job.net.x_stride)
    if not targets:
        return DONE
    if finite < rows:
        job.bad_row = row_at(job, first + finite)
        return BAD_X
    load_weights(job, first, rows, divisor)
    return load_targets(job, first, rows, order)


cdef double loss_divisor(const Job* job, Py_ssize_t rows) noexcept nogil:
    """What the summed losses of a batch are divided by: its rows, or its numbers for a mean over outputs."""
    if job.loss == HALF_SQUARED_ERROR or job.loss == CROSS_ENTROPY:
        return <double>rows
    return <double>rows * <double>job.net.n_out


# ----------------------------------------------------------------- the passes
cdef void start_pass(Net* net) noexcept nogil:
    """Bring what is derived from the parameters up to date: bias rows and transposed copies."""
    cdef Layer* layer
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        layer = &net.layers[l]
        spread_bias(layer)
        if layer.WT != NULL:
            net.kernels.transpose(
                layer.W, layer.stride, layer.WT, layer.WT_stride, layer.fan_in, layer.fan_out)


cdef void forward_pass(Net* net, const real* x, Py_ssize_t x_stride, Py_ssize_t rows) noexcept nogil:
    """z = a_prev W + b and a = f(z), layer after layer."""
    cdef const Kernels* kernels = net.kernels
    cdef const real* a_prev = x
    cdef Py_ssize_t a_prev_stride = x_stride, l
    cdef Layer* layer
    for l in range(net.n_layers):
        layer = &net.layers[l]
        kernels.forward(
            a_prev, a_prev_stride, layer.W, layer.stride, layer.b_row, layer.z, layer.stride,
            rows, layer.fan_in, layer.fan_out)
        kernels.activate[layer.activation](layer.z, layer.a, rows, layer.fan_out, layer.stride)
        a_prev, a_prev_stride = layer.a, layer.stride


cdef double loss_pass(Job* job, Py_ssize_t rows, bint backward, double sum) noexcept nogil:
    """Add the rows' weighted losses to `sum`; with `backward` write dLoss/dz of the output."""
    cdef Layer* layer = &job.net.layers[job.net.n_layers - 1]
    cdef const Kernels* kernels = job.net.kernels
    kernels.loss[job.loss](
        layer.z, layer.a, job.targets, job.scale, job.row_loss, layer.delta if backward else NULL,
        rows, layer.fan_out, layer.stride, job.threshold)
    if backward and job.loss != CROSS_ENTROPY and job.loss != BINARY_CROSS_ENTROPY:
        kernels.derive[layer.activation](layer.z, layer.a, layer.delta, rows, layer.fan_out, layer.stride)
    return kernels.sum_losses(job.row_loss, job.row_weight if job.weights.open else NULL, rows, sum)


cdef void backward_pass(Job* job, Py_ssize_t rows) noexcept nogil:
    """delta_prev = (delta W^T) f'(z_prev), from the output down; dLoss/dx where it is wanted."""
    cdef const Kernels* kernels = job.net.kernels
    cdef Layer* layer
    cdef Layer* below
    cdef Py_ssize_t l
    for l in range(job.net.n_layers - 1, 0, -1):
        layer = &job.net.layers[l]
        below = &job.net.layers[l - 1]
        kernels.backward(
            layer.delta, layer.stride, layer.WT, layer.WT_stride, below.delta, below.stride,
            rows, layer.fan_in, layer.fan_out)
        kernels.derive[below.activation](below.z, below.a, below.delta, rows, below.fan_out, below.stride)
    if job.delta_x != NULL:
        layer = &job.net.layers[0]
        kernels.backward(
            layer.delta, layer.stride, layer.WT, layer.WT_stride, job.delta_x, job.net.x_stride,
            rows, layer.fan_in, layer.fan_out)


# --------------------------------------------------------------- the gradient
cdef void weight_gradient(
    Job* job, Py_ssize_t l, Py_ssize_t rows, Py_ssize_t k, Py_ssize_t count, real* grad_W, bint add,
) noexcept nogil:
    """grad_W of `count` input units from k of layer l, over the rows in hand."""
    cdef Layer* layer = &job.net.layers[l]
    cdef const real* a_prev = job.x if l == 0 else job.net.layers[l - 1].a
    cdef Py_ssize_t a_prev_stride = job.net.x_stride if l == 0 else job.net.layers[l - 1].stride
    job.net.kernels.gradient(
        a_prev + k, a_prev_stride, 1, layer.delta, layer.stride, grad_W, layer.stride,
        rows, count, layer.fan_out, add)


cdef void bias_gradient(Job* job, const Layer* layer, Py_ssize_t rows, real* grad_b, bint add) noexcept nogil:
    """The sum of every unit's delta over the rows in hand, which is grad_W with a_prev = 1."""
    cdef real one = 1
    if layer.bias != NO_BIAS:
        job.net.kernels.gradient(
            &one, 0, 0, layer.delta, layer.stride, grad_b if layer.bias == UNIT_BIAS else layer.unit_sums,
            layer.stride, rows, 1, layer.fan_out, add)


cdef void finish_bias_gradient(const Layer* layer, real* grad_b) noexcept nogil:
    """The gradient of a bias that all units share: the units' sums added in the order of j."""
    cdef real total = 0
    cdef Py_ssize_t j
    if layer.bias == LAYER_BIAS:
        for j in range(layer.fan_out):
            total = total + layer.unit_sums[j]
        memset(grad_b, 0, layer.b_size * sizeof(real))
        grad_b[0] = total
