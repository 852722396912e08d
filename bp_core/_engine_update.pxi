"""From deltas to new parameters.

A batch that fits one chunk is updated panel by panel: a panel of grad_W, its penalty, its update and
its transposed copy while all of it is in cache, and the whole gradient is never in memory. A longer
batch, and clipping, which needs the norm of everything first, sum the whole gradient before.
"""
from bp_core._kernel_table cimport ADAM, ADAMW, Rule

cdef extern from "<math.h>" nogil:
    double sqrt(double x)       # compiled to the exact instruction

ctypedef struct Recipe:         # how a gradient becomes a change; plain numbers, fixed for a call
    int optimizer
    double learning_rate
    double momentum             # or beta1
    double rho                  # or beta2
    double epsilon
    double weight_decay
    double l2
    double l1
    double clip_norm            # 0: no clipping

ctypedef struct Update:
    Recipe recipe
    Rule rule                   # the numbers of the step in hand
    Run m
    Run v
    double* powers              # beta1^t, beta2^t


cdef inline real* state_at(const Run* run, Py_ssize_t at) noexcept nogil:
    return <real*>run.data + at if run.open else NULL


cdef void begin_step(Update* update) noexcept nogil:
    """The rule's numbers for the next step; Adam's powers of beta are running products."""
    cdef const Recipe* recipe = &update.recipe
    cdef Rule* rule = &update.rule
    rule.learning_rate = <real>recipe.learning_rate
    rule.momentum, rule.one_minus_momentum = <real>recipe.momentum, <real>(1 - recipe.momentum)
    rule.rho, rule.one_minus_rho = <real>recipe.rho, <real>(1 - recipe.rho)
    rule.epsilon = <real>recipe.epsilon
    if recipe.optimizer == ADAM or recipe.optimizer == ADAMW:
        update.powers[0] *= recipe.momentum
        update.powers[1] *= recipe.rho
        rule.learning_rate = <real>(recipe.learning_rate / (1 - update.powers[0]))
        rule.root_scale = <real>(1 / sqrt(1 - update.powers[1]))
        rule.keep = <real>(1 - recipe.learning_rate * recipe.weight_decay)


cdef void apply(Job* job, Update* update, real* p, const real* gradient, Py_ssize_t n) noexcept nogil:
    """One run of parameters, wherever in the buffer it lies."""
    cdef Py_ssize_t at = p - <real*>job.parameters.data
    job.net.kernels.update[update.recipe.optimizer](
        p, gradient, state_at(&update.m, at), state_at(&update.v, at), n, &update.rule)


cdef void penalize(Job* job, const Update* update, const real* W, real* gradient, Py_ssize_t n) noexcept nogil:
    if update.recipe.l2 != 0 or update.recipe.l1 != 0:
        job.net.kernels.penalize(W, gradient, n, <real>update.recipe.l2, <real>update.recipe.l1)


cdef double penalty(const Job* job, const Update* update) noexcept nogil:
    """l2 / 2 sum W^2 + l1 sum |W| over all weights, never biases."""
    cdef const Layer* layer
    cdef double squares = 0, absolutes = 0
    cdef Py_ssize_t l
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        if update.recipe.l2 != 0:
            squares += job.net.kernels.sum_squares(layer.W, layer.fan_in, layer.fan_out, layer.stride)
        if update.recipe.l1 != 0:
            absolutes += job.net.kernels.sum_absolutes(layer.W, layer.fan_in, layer.fan_out, layer.stride)
    return 0.5 * update.recipe.l2 * squares + update.recipe.l1 * absolutes


# -------------------------------------------------------- panel by panel
cdef void update_weights(Job* job, Update* update, Py_ssize_t l, Py_ssize_t rows) noexcept nogil:
    """All panels of one W: gradient, penalty, update, transposed copy."""
    cdef Layer* layer = &job.net.layers[l]
    cdef Py_ssize_t k = 0, count, height = panel_rows(layer)
    cdef real* W
    while k < layer.fan_in:
        count = min(height, layer.fan_in - k)
        W = layer.W + k * layer.stride
        weight_gradient(job, l, rows, k, count, layer.panel, False)
        penalize(job, update, W, layer.panel, count * layer.stride)
        apply(job, update, W, layer.panel, count * layer.stride)
        if layer.WT != NULL:
            job.net.kernels.transpose(W, layer.stride, layer.WT + k, layer.WT_stride, count, layer.fan_out)
        k += count


cdef void update_panels(Job* job, Update* update, Py_ssize_t rows) noexcept nogil:
    """One step over a batch that is one chunk."""
    cdef Layer* layer
    cdef Py_ssize_t l
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        update_weights(job, update, l, rows)
        if layer.bias != NO_BIAS:
            bias_gradient(job, layer, rows, layer.panel, False)
            finish_bias_gradient(layer, layer.panel)
            apply(job, update, layer.b, layer.panel, layer.b_size)
            spread_bias(layer)


# ------------------------------------------------------ the whole gradient
cdef void sum_gradient(Job* job, Py_ssize_t rows, bint add) noexcept nogil:
    """The whole gradient of the rows in hand, or, with `add`, to the rows before."""
    cdef Layer* layer
    cdef Py_ssize_t l
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        weight_gradient(job, l, rows, 0, layer.fan_in, job.gradient + layer.W_at, add)
        bias_gradient(job, layer, rows, job.gradient + layer.b_at, add)


cdef void finish_gradient(Job* job) noexcept nogil:
    """What has to wait until all rows are in."""
    cdef Py_ssize_t l
    for l in range(job.net.n_layers):
        finish_bias_gradient(&job.net.layers[l], job.gradient + job.net.layers[l].b_at)


cdef double gradient_norm(const Job* job) noexcept nogil:
    """The norm of the whole gradient, layer after layer, W before b."""
    cdef const Layer* layer
    cdef double squares = 0
    cdef Py_ssize_t l
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        squares += job.net.kernels.sum_squares(
            job.gradient + layer.W_at, layer.fan_in, layer.fan_out, layer.stride)
        if layer.b_size:
            squares += job.net.kernels.sum_squares(job.gradient + layer.b_at, 1, layer.b_size, layer.b_size)
    return sqrt(squares)


cdef void update_whole(Job* job, Update* update) noexcept nogil:
    """One step from the whole gradient: penalty, clipping, update, what is derived from the parameters."""
    cdef Layer* layer
    cdef double norm
    cdef Py_ssize_t l
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        penalize(job, update, layer.W, job.gradient + layer.W_at, layer.fan_in * layer.stride)
    if update.recipe.clip_norm > 0:
        norm = gradient_norm(job)
        if norm > update.recipe.clip_norm:
            job.net.kernels.scale(job.gradient, job.net.size, <real>(update.recipe.clip_norm / norm))
    apply(job, update, <real*>job.parameters.data, job.gradient, job.net.size)
    start_pass(&job.net)
