"""Long batches of networks that are small beside them: workers exchange gradients instead of rows.

Each worker carries whole blocks of the batch from the data to their gradients and looks at nobody else's rows.
The first one adds its blocks' gradients up as it goes, since they come first in the contract's order; each block
of the others has an array of its own. After one barrier every worker adds those, in order, to its slice.
`_threads.py` knows the same limits, for the number of threads.
"""
cdef enum:
    MOST_BLOCK_BYTES = 1 << 22      # of all blocks' gradients
    ADDED = 1024                    # reals that stay in the first cache while block after block is added


cdef inline bint even_shares(Py_ssize_t rows, Py_ssize_t size) noexcept nogil:
    """Whether the largest share of a batch's blocks is at most a third above an even share of its rows."""
    return 3 * first_block(blocks_of(rows), 1, size) * BLOCK_ROWS * size <= 4 * rows


cdef Py_ssize_t exchanged_blocks(const Net* net, Py_ssize_t rows, Py_ssize_t threads) noexcept nogil:
    """How many blocks batches of so many rows have, if the workers go through them block by block, else 0."""
    cdef Py_ssize_t blocks = blocks_of(rows)
    cdef Py_ssize_t bytes_each = (net.size + unit_sums_size(net)) * <Py_ssize_t>sizeof(real)
    if threads == 1 or blocks > MOST_BLOCK_BYTES // bytes_each or not even_shares(rows, threads):
        return 0
    return blocks


cdef inline bint exchanges_gradients(const Job* job, Py_ssize_t rows) noexcept nogil:
    """Whether the workers go through a batch of so many rows block by block."""
    return job.block_gradients != NULL and even_shares(rows, job.team.barrier.size)


cdef inline Py_ssize_t row_of_block(const Job* job, Py_ssize_t rows, Py_ssize_t number) noexcept nogil:
    """The first row of the batch that belongs to a worker of this number, or to one after it."""
    return min(rows, first_block(blocks_of(rows), number, job.team.barrier.size) * BLOCK_ROWS)


cdef void rows_gradient(
    const Job* job, const Worker* worker, Py_ssize_t at, Py_ssize_t rows, real* gradient, bint add,
) noexcept nogil:
    """The whole gradient, sums behind shared biases after it, of some of the worker's rows in hand."""
    cdef const Layer* layer
    cdef Panel panel
    cdef SparsePart parts[5]        # MOST_PARTS
    cdef Py_ssize_t l
    cdef real* sums = gradient + job.net.size
    take_parts(job, worker.number, worker.number + 1, at, rows, parts, &panel)
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        panel.k = 0
        shape_panels(job, l, &panel)
        while panel.k < layer.W_rows:
            panel.rows, panel.j = min(panel.most_rows, layer.W_rows - panel.k), 0
            while panel.j < layer.W_columns:
                lay_panel(worker, layer, gradient, &panel)
                panel_gradient(job, l, at, rows, &panel, add, NULL)
                panel.j += panel.columns
            panel.k += panel.rows
        if layer.bias == UNIT_BIAS:
            unit_gradient(job, layer, at, rows, gradient + layer.b_at, add)
        elif layer.bias == LAYER_BIAS:
            unit_gradient(job, layer, at, rows, sums + (layer.unit_sums - job.unit_sums), add)


cdef void finish_blocks(
    Job* job, const Worker* worker, Py_ssize_t block, Py_ssize_t own, Py_ssize_t at, Py_ssize_t rows,
) noexcept nogil:
    """The gradients and losses of the blocks in hand, of which the first is number `block` of the batch.

    `own` is the first block that does not belong to the first worker.
    """
    cdef Py_ssize_t stride = job.net.size + unit_sums_size(&job.net), end = at + rows, count
    if worker.number == 0:
        rows_gradient(job, worker, at, rows, job.gradient, block > 0)
    while at < end:
        count = min(end - at, <Py_ssize_t>BLOCK_ROWS)
        job.block_losses[block] = job.net.kernels.sum_losses(
            job.row_loss + at, job.row_weight + at if job.weights.open else NULL, count, 0)
        if worker.number > 0:
            rows_gradient(job, worker, at, count, job.block_gradients + (block - own) * stride, False)
        at += count
        block += 1


cdef void blocks_pass(Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t rows, double divisor) noexcept nogil:
    """This worker's blocks of the batch that starts at place `first` of the order, through to their gradients."""
    cdef Py_ssize_t s = row_of_block(job, rows, worker.number), end = row_of_block(job, rows, worker.number + 1)
    cdef Py_ssize_t at = worker.number * <Py_ssize_t>CHUNK_ROWS, count
    cdef Py_ssize_t own = first_block(blocks_of(rows), 1, job.team.barrier.size)
    worker.status = DONE
    while s < end and worker.status == DONE:
        count = min(end - s, <Py_ssize_t>CHUNK_ROWS)
        carry_rows(job, worker, first + s, at, count, divisor)
        if worker.status == DONE:
            finish_blocks(job, worker, s // BLOCK_ROWS, own, at, count)
        s += count


cdef double total_of_losses(const Job* job, Py_ssize_t rows) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t block
    for block in range(blocks_of(rows)):
        total += job.block_losses[block]
    return total


cdef void add_blocks(const Job* job, Py_ssize_t rows, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """Add n numbers from `at` on of the other workers' gradients, block after block, to those of the first."""
    cdef Py_ssize_t blocks = blocks_of(rows), stride = job.net.size + unit_sums_size(&job.net)
    cdef Py_ssize_t count, block
    cdef real* sum
    blocks -= first_block(blocks, 1, job.team.barrier.size)
    while n > 0:
        count = min(n, <Py_ssize_t>ADDED)
        sum = job.gradient + at
        for block in range(blocks):
            job.net.kernels.add(job.block_gradients + block * stride + at, sum, count)
        at += count
        n -= count


cdef void blocks_slice(
    Job* job, const Update* update, const Worker* worker, Py_ssize_t rows, bint applied,
) noexcept nogil:
    """The gradient of this worker's slice over the whole batch, penalised, and `applied`."""
    cdef Layer* layer
    cdef Py_ssize_t l, k, count, at
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        k = row_of_share(job, layer, worker.number)
        count = row_of_share(job, layer, worker.number + 1) - k
        at = layer.W_at + k * layer.W_stride
        if count > 0:
            add_blocks(job, rows, at, count * layer.W_stride)
            penalize(job, worker, layer.W + k * layer.W_stride, job.gradient + at, count * layer.W_stride)
            if applied:
                apply_rows(job, update, worker, layer, k, count)
        if owns_bias(job, worker, layer):
            blocks_bias(job, layer, rows)
            if applied:
                apply_bias(job, update, worker, layer)


cdef void blocks_bias(const Job* job, const Layer* layer, Py_ssize_t rows) noexcept nogil:
    if layer.bias == UNIT_BIAS:
        add_blocks(job, rows, layer.b_at, layer.b_size)
    else:
        add_blocks(job, rows, layer.unit_sums - job.gradient, layer.stride)
        share_bias(layer, job.gradient + layer.b_at)
