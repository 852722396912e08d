"""Whole passes over the rows in hand: load, forward, loss, backward."""
from bp_core._kernel_table cimport CROSS_ENTROPY, IDENTITY, POISSON

cdef enum:
    FAR_OUT = 1 << 14               # a z whose exp(-z) is 0


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
    """Class indices as rows of zeros with a one; a missing one as zeros alone."""
    cdef Py_ssize_t s, stride = padded(job.net.n_out)
    cdef real* targets = job.targets + at * stride
    cdef int64_t index
    memset(targets, 0, rows * stride * sizeof(real))
    for s in range(rows):
        index = (<const int64_t*>job.classes.data)[row_at(job, first + s)]
        if index == -1 and job.missing:
            continue
        if index < 0 or index >= job.net.n_out:
            worker.bad_row = row_at(job, first + s)
            return BAD_CLASS
        targets[s * stride + index] = 1
        smooth(job, targets + s * stride)
    return DONE


cdef inline void smooth(const Job* job, real* target) noexcept nogil:
    """y = (1 - smoothing) y + smoothing / m over the m classes; each output of binary_cross_entropy is one of two."""
    cdef real kept = 1 - job.smoothing
    cdef real share = job.smoothing / <real>(2 if job.loss == BINARY_CROSS_ENTROPY else job.net.n_out)
    cdef Py_ssize_t j
    if job.smoothing != 0:
        for j in range(job.net.n_out):
            target[j] = kept * target[j] + share


cdef Status load_numbers(
    const Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows,
) noexcept nogil:
    """Targets that are numbers; where some may be missing, a NaN stays one."""
    cdef Py_ssize_t s, stride = padded(job.net.n_out)
    cdef real* targets = job.targets + at * stride
    cdef Status status = load_table(job, worker, &job.y, BAD_Y, first, rows, targets, stride)
    if status != DONE and (not job.missing or has_infinity(job, worker, first, at, rows)):
        return BAD_Y
    if job.smoothing != 0:
        for s in range(rows):
            smooth(job, targets + s * stride)
    return DONE


cdef bint has_infinity(const Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows) noexcept nogil:
    cdef Py_ssize_t s, j, stride = padded(job.net.n_out)
    cdef const real* target = job.targets + at * stride
    for s in range(rows):
        for j in range(job.net.n_out):
            if target[j] == target[j] and target[j] - target[j] != 0:
                worker.bad_row = row_at(job, first + s)
                return True
        target += stride
    return False


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
    finite = read_rows(
        job.net.kernels, table, first, order, rows, job.X.rows - first - rows, out, out_stride)
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
    if job.csr != NULL:
        status = load_sparse(job, worker, first, at, rows)
    else:
        status = load_table(job, worker, &job.X, BAD_X, first, rows, job.x + at * job.net.x_stride, job.net.x_stride)
    if not targets:
        return DONE if status == BAD_X else status
    if status != DONE:
        return status
    load_weights(job, first, at, rows, divisor)
    if job.classes.open:
        return load_classes(job, worker, first, at, rows)
    return load_numbers(job, worker, first, at, rows)


cdef double sum_sizes(const Job* job, Py_ssize_t first, Py_ssize_t rows) noexcept nogil:
    """The sizes of the rows from place `first` of the order, added in order."""
    cdef double sum = 0
    cdef Py_ssize_t s, row
    for s in range(first, first + rows):
        row = row_at(job, s)
        if 0 <= row < job.X.rows:
            sum += (<const double*>job.sizes.data)[row]
    return sum


cdef double size_of_batch(const Job* job, Py_ssize_t first, Py_ssize_t rows) noexcept nogil:
    """What the rows from place `first` of the order count for: their number, or the sum of their sizes.

    1 where none of them counts: their losses are then 0.
    """
    cdef double sum = sum_sizes(job, first, rows) if job.sizes.open else <double>rows
    return sum if sum != 0 else 1


cdef inline double share_of_epoch(const Job* job, Py_ssize_t first, Py_ssize_t rows) noexcept nogil:
    """What the rows from place `first` of the order weigh in the loss of the epoch; those without a target nothing."""
    return sum_sizes(job, first, rows) if job.missing and job.sizes.open else <double>rows


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


cdef void drop_units(Job* job, Layer* layer, Py_ssize_t l, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows) noexcept nogil:
    """out = a * mask for rows `first`, ... of the order, which the mask counts from the start of the batch."""
    cdef Py_ssize_t place = at * layer.stride
    job.net.kernels.drop(
        layer.a + place, layer.mask + place, layer.out + place, rows, layer.fan_out, layer.stride,
        job.dropout_key, job.step, <uint32_t>l, <uint64_t>(first - job.batch_first), layer.kept, layer.kept_scale)


cdef void forward_pass(Job* job, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows) noexcept nogil:
    """Layer after layer, for rows `first`, ... of the order at places `at`, ... of the chunk."""
    cdef const real* a_prev = job.x + at * job.net.x_stride
    cdef Py_ssize_t a_prev_stride = job.net.x_stride, l
    cdef Layer* layer
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        if l == 0 and job.csr != NULL:
            sparse_layer_forward(
                &job.net, job.csr.in_hand + at, layer.z + at * layer.stride, layer.a + at * layer.stride, rows)
        else:
            layer_forward(
                &job.net, layer, a_prev, a_prev_stride, layer.z + at * layer.stride, layer.a + at * layer.stride, rows)
        if layer.mask != NULL:
            drop_units(job, layer, l, first, at, rows)
        a_prev, a_prev_stride = layer.out + at * layer.stride, layer.stride


cdef void loss_pass(Job* job, Py_ssize_t at, Py_ssize_t rows, bint backward) noexcept nogil:
    """The loss of each row; with `backward` also dLoss/dz of the output."""
    cdef Layer* layer = &job.net.layers[job.net.n_layers - 1]
    cdef const Kernels* kernels = job.net.kernels
    cdef Py_ssize_t place = at * layer.stride
    cdef real* delta = layer.delta + place if backward else NULL
    kernels.loss[job.loss](
        layer.z + place, layer.a + place, job.targets + place, job.scale + at, job.row_loss + at, delta,
        rows, layer.fan_out, layer.stride, job.parameter)
    if backward and not loss_reads_z(job.loss) and layer.activation != IDENTITY:
        kernels.derive[layer.activation](layer.z + place, layer.a + place, delta, rows, layer.fan_out, layer.stride)


cdef inline void layer_backward(
    const Net* net, const Layer* layer, const real* delta, real* delta_prev, Py_ssize_t delta_prev_stride,
    Py_ssize_t rows,
) noexcept nogil:
    """delta_prev = delta W^T, from a transposed copy where there is one."""
    cdef bint transposed = layer.WT != NULL
    net.kernels.backward(
        delta, layer.stride, layer.WT if transposed else layer.W, layer.WT_stride if transposed else layer.W_stride,
        transposed, delta_prev, delta_prev_stride, rows, layer.fan_in, layer.fan_out)


cdef void backward_pass(Job* job, Py_ssize_t at, Py_ssize_t rows) noexcept nogil:
    """delta_prev = (delta W^T) f'(z_prev), from the output down; dLoss/dx where it is wanted."""
    cdef Layer* layer = &job.net.layers[job.net.n_layers - 1]
    cdef Layer* below
    cdef Py_ssize_t l, place
    for l in range(job.net.n_layers - 1, 0, -1):
        layer = &job.net.layers[l]
        below = &job.net.layers[l - 1]
        place = at * below.stride
        layer_backward(&job.net, layer, layer.delta + at * layer.stride, below.delta + place, below.stride, rows)
        if below.mask != NULL:
            job.net.kernels.multiply(below.mask + place, below.delta + place, rows * below.stride)
        job.net.kernels.derive[below.activation](
            below.z + place, below.a + place, below.delta + place, rows, below.fan_out, below.stride)
    if job.delta_x != NULL:
        layer = &job.net.layers[0]
        layer_backward(
            &job.net, layer, layer.delta + at * layer.stride,
            job.delta_x + at * job.net.x_stride, job.net.x_stride, rows)


cdef void blank_missing(Job* job, Py_ssize_t at, Py_ssize_t rows) noexcept nogil:
    """Where a target is missing, give it and the output values whose loss and delta are exactly 0."""
    cdef const Layer* layer = &job.net.layers[job.net.n_layers - 1]
    cdef real* y = job.targets + at * layer.stride
    cdef real* a = layer.a + at * layer.stride
    cdef real* z = layer.z + at * layer.stride
    cdef Py_ssize_t i, j
    for i in range(rows * layer.stride):
        if y[i] == y[i]:
            continue
        if job.loss == CROSS_ENTROPY:
            for j in range(i // layer.stride * layer.stride, i // layer.stride * layer.stride + layer.fan_out):
                y[j] = 0
        elif job.loss == BINARY_CROSS_ENTROPY:
            z[i], y[i], a[i] = FAR_OUT, 1, 1
        elif job.loss == POISSON:
            z[i], y[i], a[i] = -FAR_OUT, 0, 0
        else:
            y[i] = a[i]


cdef void sum_losses(const Job* job, Py_ssize_t rows, double* sum) noexcept nogil:
    """Add the chunk's weighted losses."""
    sum[0] = job.net.kernels.sum_losses(
        job.row_loss, job.row_weight if job.weights.open else NULL, rows, sum[0])


cdef void carry_rows(
    Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows, double divisor,
) noexcept nogil:
    """Rows `first`, ... of the order at places `at`, ... of the chunk: forward, loss, every delta."""
    worker.status = load_rows(job, worker, first, at, rows, True, divisor)
    if worker.status == DONE and job.csr != NULL:
        worker.status = sort_rows(job, worker, at, rows)
    if worker.status == DONE:
        forward_pass(job, first, at, rows)
        if job.missing:
            blank_missing(job, at, rows)
        loss_pass(job, at, rows, True)
        backward_pass(job, at, rows)


cdef void rows_pass(Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t rows, double divisor) noexcept nogil:
    """This worker's share of the chunk that starts at place `first` of the order: forward, loss, every delta."""
    cdef Py_ssize_t at = rows * worker.number // job.team.barrier.size
    cdef Py_ssize_t count = rows * (worker.number + 1) // job.team.barrier.size - at
    worker.status = DONE
    forget_parts(job, worker)
    if count > 0:
        carry_rows(job, worker, first + at, at, count, divisor)


cdef const Worker* first_failure(const Job* job) noexcept nogil:
    """The first worker, in the order of the rows, that could not do its share, or NULL."""
    cdef Py_ssize_t t
    for t in range(job.team.barrier.size):
        if job.workers[t].status != DONE:
            return &job.workers[t]
    return NULL
