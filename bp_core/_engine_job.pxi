"""What one native call knows, and where in its workspace everything lies.

A batch is handled in chunks that stay in cache; a chunk is a whole number of the contract's blocks, so
the chunk size changes no bit. `Job` is all that one native call knows; each of its threads, a `Worker`,
carries its own rows of a chunk through all layers.
"""
from bp_core._kernel_table cimport (
    BINARY_CROSS_ENTROPY, BLOCK_ROWS, CROSS_ENTROPY, EXPONENTIAL, GIVEN_SOFTMAX, LOSSES, POISSON, SIGMOID, SOFTMAX, Rule,
)

cdef enum:
    TURNED_ROWS = 32            # from so many rows and units on backward packs W itself
    TURNED_SIZE = 128
    CHUNK_ROWS = 4 * BLOCK_ROWS     # a thread's rows of a chunk
    PANEL_ROWS = 120                # most rows and lines of a panel of grad_W, which stays in the first cache
    PANEL_LINES = 4

cdef enum Status:                   # why a native call stopped
    DONE, OUT_OF_TIME, TARGET_LOSS, NOT_FINITE, BAD_X, BAD_Y, BAD_CLASS, BAD_ORDER, BAD_ENTRIES, NO_MEMORY

cdef enum:                          # the places of a worker's powers, and of the running numbers they come from
    BETA1_POWER                     # beta1^t; of NAdam the product of the momenta so far
    BETA2_POWER                     # beta2^t
    DECAY_POWER                     # of NAdam 0.96^(t momentum_decay)
    POWERS

ctypedef struct Worker:             # what one thread of a call has for itself
    Py_ssize_t number
    real* panel                     # (PANEL_ROWS, PANEL_LINES lines)
    real* bias_row                  # (widest,): the gradient of a bias
    double powers[3]                # POWERS
    double last_rate                # of the step before, 0 before the first
    double l2                       # of the step in hand
    double l1
    Py_ssize_t taken                # steps of this call
    Rule rule                       # the numbers of the step in hand
    Status status                   # of its rows
    Py_ssize_t bad_row              # the row a BAD_... status means
    char own_line[64]

ctypedef struct Job:
    Net net
    Table X                     # (n, n_in); closed where X is sparse, but for its shape
    Csr* csr                    # X where it is sparse, else NULL
    Table y                     # (n, n_out); closed without targets or with class indices
    Run classes                 # (n,) int64, instead of y
    Run weights                 # (n,) float64, or closed
    Run sizes                   # (n,) float64: what a row adds to the divisor of its batch, or closed: 1
    bint missing                # a NaN in y, or class -1, is a target that is not there
    Run parameters
    Run workspace
    const int64_t* order        # (n,) which row comes when, or NULL: as they lie
    Py_ssize_t bad_row          # the row a BAD_... status means
    int loss
    real parameter              # the one number that a loss may have
    double value_outputs        # the summed loss is divided by the batch's size and this,
    double gradient_outputs     # its gradient by the batch's size and this
    real smoothing              # the share of a target that is spread evenly
    uint64_t dropout_key
    uint64_t step               # the number of the step in hand, and where its batch begins in the order, for dropout
    Py_ssize_t batch_first
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
    real* slopes                # (chunk, n_out): f'(z) of the output, or NULL
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
    bint slopes
    bint all_z
    bint small                  # rows for the steps of a small network
    bint drops                  # masks of the hidden layers
    bint sparse                 # no room for rows of X


cdef inline bint loss_reads_z(int loss) noexcept nogil:
    """Whether a loss is computed from z, and gives dLoss/dz at once."""
    return loss == CROSS_ENTROPY or loss == BINARY_CROSS_ENTROPY or loss == POISSON or loss == GIVEN_SOFTMAX


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


cdef inline bint turns(const Layer* layer, Py_ssize_t rows) noexcept nogil:
    """Whether a worker's `rows` go back sooner by turning W as it is packed than by a copy that is kept transposed."""
    return rows >= TURNED_ROWS and layer.fan_in >= TURNED_SIZE and layer.fan_out >= TURNED_SIZE


cdef void take_layer(Layer* layer, const Needs* needs, bint z_apart, bint transposed, real** room) noexcept nogil:
    """Room for the activations of one layer, and for what its backward pass needs."""
    layer.a = take(room, needs.rows * layer.stride)
    layer.z = take(room, needs.rows * layer.stride) if z_apart or keeps_z(layer) else layer.a
    layer.out = layer.a
    if needs.backward:
        layer.delta = take(room, needs.rows * layer.stride)
    if transposed and not layer.narrow and not turns(layer, needs.rows // needs.threads):
        layer.WT = take(room, layer.fan_out * layer.WT_stride)


cdef void take_masks(Net* net, const Needs* needs, real** room) noexcept nogil:
    """Room for what dropout does to the hidden layers."""
    cdef Layer* layer
    cdef Py_ssize_t l
    for l in range(net.n_layers - 1 if needs.drops else 0):
        layer = &net.layers[l]
        layer.mask = take(room, needs.rows * layer.stride)
        layer.out = take(room, needs.rows * layer.stride)
        if layer.kept == 0:
            layer.mask, layer.out = NULL, layer.a


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
    job.x = take(&room, 0 if needs.sparse else needs.rows * net.x_stride)
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
    take_masks(net, needs, &room)
    job.small_x = take(&room, BLOCK_ROWS * LINE) if needs.small else NULL
    job.small_targets = take(&room, BLOCK_ROWS * LINE) if needs.small else NULL
    job.delta_x = take(&room, needs.rows * net.x_stride) if needs.inputs else NULL
    job.slopes = take(&room, needs.rows * padded(net.n_out)) if needs.slopes else NULL
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
    if (
        (loss == CROSS_ENTROPY or loss == GIVEN_SOFTMAX) != (output == SOFTMAX)
        or (loss == BINARY_CROSS_ENTROPY and output != SIGMOID) or (loss == POISSON and output != EXPONENTIAL)
    ):
        raise ValueError("the loss does not fit the activation of the output")
    return 0


cdef inline tuple plain_tuple(object items):
    """The items as a tuple that is no subclass: unpacked by less code, and sooner."""
    return tuple(items)


cdef int open_objective(Job* job, objective) except -1:
    """The loss and what it is divided by."""
    job.loss, job.parameter, job.value_outputs, job.gradient_outputs, job.smoothing = plain_tuple(objective)
    return 0


cdef int open_data(Job* job, data, bint targets) except -1:
    """Open X (n, n_in) and, if they are wanted, the targets."""
    X, y, classes, weights, sizes, job.missing = plain_tuple(data)
    open_X(job, X)
    if targets:
        open_targets(job, y, classes)
        open_row_numbers(job, &job.weights, weights, "sample_weight")
        open_row_numbers(job, &job.sizes, sizes, "the sizes of the rows")
    return 0


cdef int open_row_numbers(const Job* job, Run* run, object numbers, str name) except -1:
    """Open one float64 for each row of X, if there are any."""
    if numbers is not None:
        open_run(run, numbers, b'd', False, name)
        expect_length(run, job.X.rows, name)
    return 0


cdef int open_targets(Job* job, object y, object classes) except -1:
    """Open the targets, of one of two kinds, as long as X."""
    if classes is not None:
        open_run(&job.classes, classes, b'q', False, "the class indices")
        expect_length(&job.classes, job.X.rows, "the class indices")
    else:
        open_table(&job.y, y, "y")
        expect_shape(&job.y, job.X.rows, job.net.n_out, "y")
    return 0


cdef void close_job(Job* job) noexcept:
    close_table(&job.X)
    close_csr(job.csr)
    close_table(&job.y)
    close_run(&job.classes)
    close_run(&job.weights)
    close_run(&job.sizes)
    close_run(&job.parameters)
    close_run(&job.workspace)
    close_net(&job.net)
