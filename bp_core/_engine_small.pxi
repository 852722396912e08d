"""Steps of a small network: the same numbers by one kernel call instead of some twenty."""
from bp_core._kernel_table cimport SmallLayer, SmallStep

ctypedef struct Small:              # what lives as long as the native call
    SmallStep step
    Py_ssize_t loaded               # rows of the data that are in job.x, all of them or none
    Py_ssize_t scaled               # rows whose scale is set


cdef bint goes_small(const Training* t) noexcept nogil:
    """Whether the steps of this call need nothing that the kernel for small networks leaves out."""
    return (
        t.job.small_x != NULL and t.job.csr == NULL and not t.job.weights.open and not t.job.sizes.open and not t.job.missing
        and t.update.recipe.l2 == 0 and t.update.recipe.l1 == 0 and t.update.recipe.clip_norm == 0
        and t.update.recipe.max_norm == 0 and not t.update.mean.open)


cdef void lay_small_layer(const Job* job, Py_ssize_t l, SmallLayer* small) noexcept nogil:
    cdef const Kernels* kernels = <const Kernels*>job.net.kernels.small
    cdef const Layer* layer = &job.net.layers[l]
    small.fan_in, small.fan_out = layer.fan_in, layer.fan_out
    small.activate = kernels.activate[layer.activation]
    small.activation = layer.activation
    small.derive = NULL if layer.activation == SOFTMAX else kernels.derive[layer.activation]
    small.W, small.b_row, small.WT = layer.W, layer.b_row, layer.WT
    small.b = NULL if layer.bias == NO_BIAS else layer.b
    small.z, small.a, small.delta = layer.z, layer.a, layer.delta
    small.grad_W = job.gradient + layer.W_at
    small.grad_b = job.gradient + layer.b_at
    small.shared_bias = layer.bias == LAYER_BIAS


cdef void lay_small(const Training* t, Small* small) noexcept nogil:
    cdef const Job* job = &t.job
    cdef Py_ssize_t l
    small.loaded = small.scaled = 0
    small.step.n_layers = job.net.n_layers
    small.step.row_loss, small.step.scale = job.row_loss, job.scale
    small.step.loss = (<const Kernels*>job.net.kernels.small).loss[job.loss]
    small.step.loss_gives_dz = loss_reads_z(job.loss)
    small.step.parameter = job.parameter
    small.step.descends = t.update.recipe.optimizer == SGD
    for l in range(job.net.n_layers):
        lay_small_layer(job, l, &small.step.layers[l])


cdef inline void copy_line(const real* source, real* out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(LINE):
        out[i] = source[i]


cdef Status load_small(Training* t, Worker* worker, Small* small) noexcept nogil:
    """The batch in hand. Few rows are converted once a call and copied from there; an epoch of one batch stays."""
    cdef Job* job = &t.job
    cdef const int64_t* order = job.order
    cdef Py_ssize_t n = job.X.rows, s, at
    cdef Status status
    small.step.x, small.step.targets = job.x, job.targets
    if n > BLOCK_ROWS:
        return load_rows(job, worker, t.first, 0, t.rows, True, <double>t.rows * job.gradient_outputs)
    if small.loaded == 0:
        job.order = NULL
        status = load_rows(job, worker, 0, 0, n, True, 1)
        job.order = order
        if status != DONE:
            return status
        small.loaded = n
    if small.scaled != t.rows:
        load_weights(job, 0, 0, t.rows, <double>t.rows * job.gradient_outputs)
        small.scaled = t.rows
    if t.rows == n and order == NULL:
        return DONE
    if check_order(job, t.first, t.rows) != DONE:
        return BAD_ORDER
    for s in range(t.rows):
        at = row_at(job, t.first + s) * LINE
        copy_line(job.x + at, job.small_x + s * LINE)
        copy_line(job.targets + at, job.small_targets + s * LINE)
    small.step.x, small.step.targets = job.small_x, job.small_targets
    return DONE


cdef void refresh_small(const Net* net) noexcept nogil:
    """Bias rows and transposed copies after an update."""
    cdef Layer* layer
    cdef Py_ssize_t l, j, k
    for l in range(net.n_layers):
        layer = &net.layers[l]
        if layer.bias != UNIT_BIAS:
            spread_bias(layer)
        if l > 0:
            for k in range(layer.fan_in):
                for j in range(layer.fan_out):
                    layer.WT[j * LINE + k] = layer.W[k * LINE + j]


cdef void apply_small(Training* t, Worker* worker, const Kernels* kernels) noexcept nogil:
    """The update, by the words that the gradient was just written in: a wider word would wait for all its parts."""
    kernels.update[t.update.recipe.optimizer](
        <real*>t.job.parameters.data, t.job.gradient, state_at(&t.update.m, 0), state_at(&t.update.v, 0),
        t.job.net.size, &worker.rule)


cdef void run_small(Training* t, Worker* worker) noexcept nogil:
    """All steps of a call."""
    cdef const Kernels* kernels = <const Kernels*>t.job.net.kernels.small
    cdef Small small
    cdef Py_ssize_t rows
    cdef double sum
    cdef Status status
    lay_small(t, &small)
    while not t.over:
        rows = t.rows
        status = load_small(t, worker, &small)
        if status != DONE:
            t.job.bad_row = worker.bad_row
            stop(t, status)
            return
        small.step.rate = <real>rate_of_step(t, worker)
        sum = kernels.small_pass(&small.step, rows)
        if not take_loss(t, worker, sum / (<double>rows * t.job.value_outputs)):
            stop(t, NOT_FINITE)
            return
        if not small.step.descends:
            apply_small(t, worker, kernels)
        refresh_small(&t.job.net)
