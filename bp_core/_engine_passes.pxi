"""Whole passes over the rows in hand: load, forward, loss, backward.

A batch is handled in chunks that stay in cache; a chunk is a whole number of the contract's blocks, so
the chunk size changes no bit. `Job` is all that one native call knows; each of its threads, a `Worker`,
carries its own rows of a chunk through all layers.
"""
from bp_core._kernel_table cimport (
    BINARY_CROSS_ENTROPY, BLOCK_ROWS, CROSS_ENTROPY, HALF_SQUARED_ERROR, IDENTITY, LOSSES, SIGMOID, SOFTMAX, Rule,
)

cdef enum:
    CHUNK_ROWS = 4 * BLOCK_ROWS     # a thread's rows of a chunk
    PANEL_ROWS = 120                # most rows and lines of a panel of grad_W, which stays in the first cache
    PANEL_LINES = 4

cdef enum Status:                   # why a native call stopped
    DONE, OUT_OF_TIME, TARGET_LOSS, NOT_FINITE, BAD_X, BAD_Y, BAD_CLASS, BAD_ORDER

ctypedef struct Worker:             # what one thread of a call has for itself
    Py_ssize_t number
    real* panel                     # (PANEL_ROWS, PANEL_LINES lines)
    real* bias_row                  # (widest,): the gradient of a bias
    double powers[2]                # beta1^t, beta2^t
    Rule rule                       # the numbers of the step in hand
    Status status                   # of its rows
    Py_ssize_t bad_row              # the row a BAD_... status means
    char own_line[64]

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
    Py_ssize_t chunk            # most rows in hand: a whole number of blocks for each worker
    real* x                     # (chunk, n_in): the rows in hand, converted
    real* targets               # (chunk, n_out)
    real* scale                 # (chunk,): weight / divisor
    real* small_x               # (BLOCK_ROWS, LINE): the rows of a small network's batch, or NULL
    real* small_targets         # (BLOCK_ROWS, LINE)
    real* gradient              # (size,): the whole gradient, or NULL
    real* unit_sums             # the sums of delta behind every shared bias, right behind `gradient`
    real* block_gradients       # (blocks, size + unit sums): of the rows of all workers but the first, or NULL
    double* block_losses        # (blocks,): the weighted losses of each block of 128 rows of the batch
    real* delta_x               # (chunk, n_in): dLoss/dx, or NULL
    double* row_loss            # (chunk,)
    double* row_weight          # (chunk,)
    double* block_sums          # (2, blocks of 128 rows in all W and b): parts of penalties and norms
    Team team
    Worker workers[64]          # MOST_THREADS

ctypedef struct Needs:          # what of the workspace a call uses
    Py_ssize_t rows
    Py_ssize_t threads
    bint backward
    bint gradient               # the whole gradient
    Py_ssize_t blocks           # of 128 rows of a batch whose workers share nothing but their gradients; else 0
    bint inputs
    bint all_z
    bint small                  # rows for the steps of a small network


cdef inline bint loss_reads_z(int loss) noexcept nogil:
    """Whether a loss is computed from z, and gives dLoss/dz at once."""
    return loss == CROSS_ENTROPY or loss == BINARY_CROSS_ENTROPY


cdef inline double* take_doubles(real** room, Py_ssize_t n) noexcept nogil:
    return <double*>take(room, n * <Py_ssize_t>(sizeof(double) // sizeof(real)))


cdef inline Py_ssize_t blocks_of(Py_ssize_t rows) noexcept nogil:
    return (rows + BLOCK_ROWS - 1) // BLOCK_ROWS


cdef Py_ssize_t all_blocks(const Net* net) noexcept nogil:
    """Blocks of rows of every W, and one for every b."""
    cdef Py_ssize_t l, blocks = net.n_layers
    for l in range(net.n_layers):
        blocks += blocks_of(net.layers[l].W_rows)
    return blocks


cdef void take_layer(Layer* layer, const Needs* needs, bint z_apart, bint transposed, real** room) noexcept nogil:
    """Room for the activations of one layer, and for what its backward pass needs."""
    layer.a = take(room, needs.rows * layer.stride)
    layer.z = take(room, needs.rows * layer.stride) if z_apart or keeps_z(layer) else layer.a
    if needs.backward:
        layer.delta = take(room, needs.rows * layer.stride)
    if transposed and not layer.narrow:
        layer.WT = take(room, layer.fan_out * layer.WT_stride)


cdef inline Py_ssize_t first_block(Py_ssize_t blocks, Py_ssize_t number, Py_ssize_t size) noexcept nogil:
    """The first of a batch's blocks that belongs to a worker of this number of `size`, or to one after it."""
    return (blocks * number + size - 1) // size


cdef Py_ssize_t unit_sums_size(const Net* net) noexcept nogil:
    cdef Py_ssize_t l, size = 0
    for l in range(net.n_layers):
        if net.layers[l].bias == LAYER_BIAS:
            size += net.layers[l].stride
    return size


cdef void take_gradients(Job* job, const Needs* needs, real** room) noexcept nogil:
    """Room for what the rows' deltas are summed to."""
    cdef Py_ssize_t l, at = 0, sums = unit_sums_size(&job.net)
    job.gradient = take(room, job.net.size) if needs.gradient else NULL
    job.unit_sums = take(room, sums)
    for l in range(job.net.n_layers):
        if job.net.layers[l].bias == LAYER_BIAS:
            job.net.layers[l].unit_sums = job.unit_sums + at
            at += job.net.layers[l].stride
    if needs.blocks:
        job.block_losses = take_doubles(room, needs.blocks)
        job.block_gradients = take(
            room, (needs.blocks - first_block(needs.blocks, 1, needs.threads)) * (job.net.size + sums))


cdef void take_workers(Job* job, const Needs* needs, real** room) noexcept nogil:
    cdef Worker* worker
    cdef Py_ssize_t t
    for t in range(needs.threads):
        worker = &job.workers[t]
        worker.number = t
        worker.panel = take(room, PANEL_ROWS * PANEL_LINES * LINE)
        worker.bias_row = take(room, job.net.widest)


cdef real* take_workspace(Job* job, const Needs* needs, real* room) noexcept nogil:
    """Point everything at its place from `room` on; returns the end."""
    cdef Net* net = &job.net
    cdef Py_ssize_t l
    job.x = take(&room, needs.rows * net.x_stride)
    job.targets = take(&room, needs.rows * padded(net.n_out))
    job.scale = take(&room, needs.rows)
    job.row_loss = take_doubles(&room, needs.rows)
    job.row_weight = take_doubles(&room, needs.rows)
    job.block_sums = take_doubles(&room, 2 * all_blocks(net))
    take_bias_rows(net, &room)
    for l in range(net.n_layers):
        take_layer(
            &net.layers[l], needs, needs.all_z or (l == net.n_layers - 1 and loss_reads_z(job.loss)),
            needs.backward and (l > 0 or needs.inputs), &room)
    job.small_x = take(&room, BLOCK_ROWS * LINE) if needs.small else NULL
    job.small_targets = take(&room, BLOCK_ROWS * LINE) if needs.small else NULL
    job.delta_x = take(&room, needs.rows * net.x_stride) if needs.inputs else NULL
    if needs.backward:
        take_gradients(job, needs, &room)
        take_workers(job, needs, &room)
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


cdef Status load_classes(Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows) noexcept nogil:
    """Class indices as rows of zeros with a one."""
    cdef Py_ssize_t s, stride = padded(job.net.n_out)
    cdef real* targets = job.targets + at * stride
    cdef int64_t index
    memset(targets, 0, rows * stride * sizeof(real))
    for s in range(rows):
        index = (<const int64_t*>job.classes.data)[row_at(job, first + s)]
        if index < 0 or index >= job.net.n_out:
            worker.bad_row = row_at(job, first + s)
            return BAD_CLASS
        targets[s * stride + index] = 1
    return DONE


cdef void load_weights(Job* job, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows, double divisor) noexcept nogil:
    """The rows' weights, and what their gradients are multiplied by."""
    cdef Py_ssize_t s
    cdef real share = <real>(1 / divisor)
    if not job.weights.open:
        for s in range(at, at + rows):
            job.scale[s] = share
        return
    for s in range(rows):
        job.row_weight[at + s] = (<const double*>job.weights.data)[row_at(job, first + s)]
        job.scale[at + s] = <real>(job.row_weight[at + s] / divisor)


cdef Status load_table(
    const Job* job, Worker* worker, const Table* table, Status bad, Py_ssize_t first, Py_ssize_t rows,
    real* out, Py_ssize_t out_stride,
) noexcept nogil:
    """Gather and convert rows `first`, ... of the order; `bad` where one is not finite."""
    cdef const int64_t* order = NULL
    cdef Py_ssize_t finite
    if job.order != NULL:
        order = job.order + first
    finite = read_rows(job.net.kernels, table, first, order, rows, out, out_stride)
    if finite == rows:
        return DONE
    worker.bad_row = row_at(job, first + finite)
    return bad


cdef Status load_rows(
    Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows, bint targets, double divisor,
) noexcept nogil:
    """Rows `first`, ... of the order to places `at`, ... of the chunk, with their targets and weights."""
    cdef Status status = check_order(job, first, rows)
    if status != DONE:
        return status
    status = load_table(job, worker, &job.X, BAD_X, first, rows, job.x + at * job.net.x_stride, job.net.x_stride)
    if not targets:
        return DONE
    if status != DONE:
        return status
    load_weights(job, first, at, rows, divisor)
    if job.classes.open:
        return load_classes(job, worker, first, at, rows)
    return load_table(
        job, worker, &job.y, BAD_Y, first, rows, job.targets + at * padded(job.net.n_out), padded(job.net.n_out))


cdef double loss_divisor(const Job* job, Py_ssize_t rows) noexcept nogil:
    """What the summed losses of a batch are divided by: its rows, or its numbers for a mean over outputs."""
    if job.loss == HALF_SQUARED_ERROR or job.loss == CROSS_ENTROPY:
        return <double>rows
    return <double>rows * <double>job.net.n_out


# ----------------------------------------------------------------- the passes
cdef void refresh_layer(Net* net, Layer* layer) noexcept nogil:
    """Bring what is derived from a layer's parameters up to date: the bias row and the transposed copy."""
    spread_bias(layer)
    if layer.WT != NULL and not layer.narrow:
        net.kernels.transpose(
            layer.W, layer.W_stride, layer.WT, layer.WT_stride, layer.fan_in, layer.fan_out)


cdef void start_pass(Net* net) noexcept nogil:
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        refresh_layer(net, &net.layers[l])


cdef inline void layer_forward(
    const Net* net, const Layer* layer, const real* a_prev, Py_ssize_t a_prev_stride, real* z, real* a, Py_ssize_t rows,
) noexcept nogil:
    """z = a_prev W + b and a = f(z)."""
    if layer.narrow:
        net.kernels.forward_narrow(
            a_prev, a_prev_stride, layer.W, layer.W_stride, layer.b_row, z, layer.stride,
            rows, layer.fan_in, layer.fan_out)
    else:
        net.kernels.forward(
            a_prev, a_prev_stride, layer.W, layer.W_stride, layer.b_row, z, layer.stride,
            rows, layer.fan_in, layer.fan_out)
    net.kernels.activate[layer.activation](z, a, rows, layer.fan_out, layer.stride)


cdef void forward_pass(Job* job, Py_ssize_t at, Py_ssize_t rows) noexcept nogil:
    """Layer after layer, for `rows` rows of the chunk from `at`."""
    cdef const real* a_prev = job.x + at * job.net.x_stride
    cdef Py_ssize_t a_prev_stride = job.net.x_stride, l
    cdef Layer* layer
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        layer_forward(
            &job.net, layer, a_prev, a_prev_stride, layer.z + at * layer.stride, layer.a + at * layer.stride, rows)
        a_prev, a_prev_stride = layer.a + at * layer.stride, layer.stride


cdef void loss_pass(Job* job, Py_ssize_t at, Py_ssize_t rows, bint backward) noexcept nogil:
    """The loss of each row; with `backward` also dLoss/dz of the output."""
    cdef Layer* layer = &job.net.layers[job.net.n_layers - 1]
    cdef const Kernels* kernels = job.net.kernels
    cdef Py_ssize_t place = at * layer.stride
    cdef real* delta = layer.delta + place if backward else NULL
    kernels.loss[job.loss](
        layer.z + place, layer.a + place, job.targets + place, job.scale + at, job.row_loss + at, delta,
        rows, layer.fan_out, layer.stride, job.threshold)
    if backward and not loss_reads_z(job.loss) and layer.activation != IDENTITY:
        kernels.derive[layer.activation](layer.z + place, layer.a + place, delta, rows, layer.fan_out, layer.stride)


cdef void backward_pass(Job* job, Py_ssize_t at, Py_ssize_t rows) noexcept nogil:
    """delta_prev = (delta W^T) f'(z_prev), from the output down; dLoss/dx where it is wanted."""
    cdef const Kernels* kernels = job.net.kernels
    cdef Layer* layer
    cdef Layer* below
    cdef Py_ssize_t l, place
    for l in range(job.net.n_layers - 1, 0, -1):
        layer = &job.net.layers[l]
        below = &job.net.layers[l - 1]
        place = at * below.stride
        kernels.backward(
            layer.delta + at * layer.stride, layer.stride, layer.WT, layer.WT_stride, below.delta + place, below.stride,
            rows, layer.fan_in, layer.fan_out)
        kernels.derive[below.activation](
            below.z + place, below.a + place, below.delta + place, rows, below.fan_out, below.stride)
    if job.delta_x != NULL:
        layer = &job.net.layers[0]
        kernels.backward(
            layer.delta + at * layer.stride, layer.stride, layer.WT, layer.WT_stride,
            job.delta_x + at * job.net.x_stride, job.net.x_stride, rows, layer.fan_in, layer.fan_out)


cdef void sum_losses(const Job* job, Py_ssize_t rows, double* sum) noexcept nogil:
    """Add the chunk's weighted losses."""
    sum[0] = job.net.kernels.sum_losses(
        job.row_loss, job.row_weight if job.weights.open else NULL, rows, sum[0])


cdef void carry_rows(
    Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows, double divisor,
) noexcept nogil:
    """Rows `first`, ... of the order at places `at`, ... of the chunk: forward, loss, every delta."""
    worker.status = load_rows(job, worker, first, at, rows, True, divisor)
    if worker.status == DONE:
        forward_pass(job, at, rows)
        loss_pass(job, at, rows, True)
        backward_pass(job, at, rows)


cdef void rows_pass(Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t rows, double divisor) noexcept nogil:
    """This worker's share of the chunk that starts at place `first` of the order: forward, loss, every delta."""
    cdef Py_ssize_t at = rows * worker.number // job.team.barrier.size
    cdef Py_ssize_t count = rows * (worker.number + 1) // job.team.barrier.size - at
    worker.status = DONE
    if count > 0:
        carry_rows(job, worker, first + at, at, count, divisor)


cdef const Worker* first_failure(const Job* job) noexcept nogil:
    """The first worker, in the order of the rows, that could not do its share, or NULL."""
    cdef Py_ssize_t t
    for t in range(job.team.barrier.size):
        if job.workers[t].status != DONE:
            return &job.workers[t]
    return NULL
