"""What looks at all parameters at once: penalties, the norm of the gradient, bounds on norms, the moving average."""


ctypedef double (*sum_fn)(const real* x, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil


cdef void sum_blocks(
    const Job* job, const Worker* worker, sum_fn sum, const real* parameters, bint biases, double* sums,
) noexcept nogil:
    """This worker's share of the sums over blocks of 128 rows of every W, and over every b."""
    cdef const Layer* layer
    cdef Py_ssize_t l, k, block = 0, size = job.team.barrier.size
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        k = 0
        while k < layer.W_rows:
            if block % size == worker.number:
                sums[block] = sum(
                    parameters + layer.W_at + k * layer.W_stride, min(layer.W_rows - k, <Py_ssize_t>BLOCK_ROWS),
                    layer.W_columns, layer.W_stride)
            k += BLOCK_ROWS
            block += 1
        if block % size == worker.number:
            sums[block] = sum(parameters + layer.b_at, 1, b_length(layer), layer.b_size) if biases and layer.b_size else 0
        block += 1


cdef double total_of_blocks(const Job* job, const double* sums) noexcept nogil:
    """The blocks in order, layer after layer, W before b."""
    cdef double total = 0
    cdef Py_ssize_t block
    for block in range(all_blocks(&job.net)):
        total += sums[block]
    return total


cdef void sum_penalties(const Job* job, const Update* update, const Worker* worker) noexcept nogil:
    """This worker's share of sum W^2 and sum |W| over all weights, never biases."""
    cdef const real* parameters = <const real*>job.parameters.data
    if update.recipe.l2 != 0:
        sum_blocks(job, worker, job.net.kernels.sum_squares, parameters, False, job.block_sums)
    if update.recipe.l1 != 0:
        sum_blocks(
            job, worker, job.net.kernels.sum_absolutes, parameters, False, job.block_sums + all_blocks(&job.net))


cdef double penalty(const Job* job, const Worker* worker) noexcept nogil:
    """l2 / 2 sum W^2 + l1 sum |W|."""
    cdef double total = 0
    if worker.l2 != 0:
        total += 0.5 * worker.l2 * total_of_blocks(job, job.block_sums)
    if worker.l1 != 0:
        total += worker.l1 * total_of_blocks(job, job.block_sums + all_blocks(&job.net))
    return total


cdef real clipping(const Job* job, const Update* update) noexcept nogil:
    """What the gradient is multiplied by: 1, or less where the norm of the whole is above the limit."""
    cdef double norm = sqrt(total_of_blocks(job, job.block_sums))
    return <real>(update.recipe.clip_norm / norm) if norm > update.recipe.clip_norm else <real>1


# ------------------------------------------------------------ behind the update
cdef void limit_slice(const Job* job, const Update* update, const Worker* worker) noexcept nogil:
    """Bound the norms of the weights into this worker's units, whole lines of them."""
    cdef const Layer* layer
    cdef Py_ssize_t l, j, end, lines, size = job.team.barrier.size
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        lines = (layer.fan_out + LINE - 1) // LINE
        j = lines * worker.number // size * LINE
        end = min(layer.fan_out, lines * (worker.number + 1) // size * LINE)
        if j >= end:
            continue
        if layer.narrow:
            job.net.kernels.limit_norms(
                layer.W + j * layer.W_stride, layer.W_stride, 1, end - j, layer.fan_in, update.recipe.max_norm)
        elif job.net.kernels.limit_norms(
                layer.W + j, 1, layer.W_stride, end - j, layer.fan_in, update.recipe.max_norm):
            copy_transposed(job, layer, 0, layer.W_rows, j, end - j)


cdef void average_slice(const Job* job, const Update* update, const Worker* worker) noexcept nogil:
    """Take this worker's share of the parameters, whole lines, into their moving average."""
    cdef Py_ssize_t lines = job.net.size // LINE, size = job.team.barrier.size
    cdef Py_ssize_t at = lines * worker.number // size * LINE, end = lines * (worker.number + 1) // size * LINE
    job.net.kernels.average(
        <real*>update.mean.data + at, <const real*>job.parameters.data + at, end - at,
        <real>update.recipe.average_share)
