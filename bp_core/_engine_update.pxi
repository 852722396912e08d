"""From deltas to new parameters.

Each worker owns a fixed slice of the parameters. It goes through it panel by panel: a panel of grad_W, summed
over the whole chunk, its penalty, its update and its part of the transposed copy, where there is one, while all of it
is in the first cache. Plain SGD takes the sums off W without writing them down.
A batch of one chunk never has its gradient in memory. A longer batch, and clipping, which needs the norm
of everything first, collect the whole gradient.
"""
from bp_core._kernel_table cimport ADAM, ADAMW, NADAM, SGD, Wish

cdef extern from "<math.h>" nogil:
    double sqrt(double x)       # compiled to the exact instruction

cdef enum:
    FAR_PARAMETERS = 1 << 20    # bytes, from which on parameters are asked for before their update
    SLICE_ROWS = 12             # slices of W are cut at whole tiles

ctypedef struct Recipe:         # how a gradient becomes a change; plain numbers, fixed for a call
    int optimizer
    double momentum             # or beta1; Rprop: decrease
    double rho                  # or beta2; Rprop: increase
    double epsilon              # Rprop: the smallest step
    double weight_decay         # NAdam: 0.96^momentum_decay; Rprop: the largest step
    double l2
    double l1
    double clip_norm            # 0: no clipping
    bint velocity               # momentum: m holds the rates, m = momentum m - rate g
    bint raw_epsilon            # Adam: rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)
    bint shares_penalty         # l2 and l1 are divided by the size of the batch
    double max_norm             # of the weights into a unit; 0: no limit
    double average_share        # what of each step's parameters goes into their moving average; 0: none

ctypedef struct Update:
    Recipe recipe
    Run m
    Run v
    Run mean                    # the moving average of the parameters
    double* powers              # (POWERS,), as the caller keeps them


cdef inline void share_penalty(const Recipe* recipe, Worker* worker, double size) noexcept nogil:
    """The penalties of a step over a batch of this size."""
    worker.l2 = recipe.l2 / size if recipe.shares_penalty else recipe.l2
    worker.l1 = recipe.l1 / size if recipe.shares_penalty else recipe.l1


cdef void begin_step(const Recipe* recipe, Worker* worker, double rate) noexcept nogil:
    """The rule's numbers for the next step; powers of beta and the like are running products."""
    cdef Rule* rule = &worker.rule
    rule.learning_rate = <real>rate
    rule.momentum, rule.one_minus_momentum = <real>recipe.momentum, <real>(1 - recipe.momentum)
    rule.carry = rule.momentum
    if recipe.velocity and worker.last_rate > 0 and rate > 0:
        rule.carry = <real>(recipe.momentum * worker.last_rate / rate)
    worker.last_rate = rate
    worker.taken += 1
    rule.rho, rule.one_minus_rho = <real>recipe.rho, <real>(1 - recipe.rho)
    rule.epsilon, rule.largest = <real>recipe.epsilon, <real>recipe.weight_decay
    if recipe.optimizer == ADAM or recipe.optimizer == ADAMW:
        worker.powers[BETA1_POWER] *= recipe.momentum
        worker.powers[BETA2_POWER] *= recipe.rho
        rule.learning_rate = <real>(rate / (1 - worker.powers[BETA1_POWER]))
        rule.root_scale = <real>(1 / sqrt(1 - worker.powers[BETA2_POWER]))
        rule.keep = <real>(1 - rate * recipe.weight_decay)
        if recipe.raw_epsilon:
            rule.learning_rate = <real>(rate * sqrt(1 - worker.powers[BETA2_POWER]) / (1 - worker.powers[BETA1_POWER]))
            rule.root_scale = 1
    elif recipe.optimizer == NADAM:
        begin_nadam_step(recipe, worker, rate)


cdef void begin_nadam_step(const Recipe* recipe, Worker* worker, double rate) noexcept nogil:
    """The momentum of step t is mu = beta1 (1 - 0.96^(t momentum_decay) / 2); `mu_next` that of the step after it."""
    cdef Rule* rule = &worker.rule
    cdef double decay = worker.powers[DECAY_POWER] * recipe.weight_decay
    cdef double mu = recipe.momentum * (1 - 0.5 * decay)
    cdef double mu_next = recipe.momentum * (1 - 0.5 * (decay * recipe.weight_decay))
    cdef double product = worker.powers[BETA1_POWER] * mu
    worker.powers[BETA1_POWER], worker.powers[DECAY_POWER] = product, decay
    worker.powers[BETA2_POWER] *= recipe.rho
    rule.gradient_rate = <real>(rate * (1 - mu) / (1 - product))
    rule.learning_rate = <real>(rate * mu_next / (1 - product * mu_next))
    rule.root_scale = <real>(1 / sqrt(1 - worker.powers[BETA2_POWER]))


# --------------------------------------------------------------- the gradient
ctypedef struct Panel:          # of W as it is stored, and of its gradient
    Py_ssize_t k                # first row
    Py_ssize_t rows
    Py_ssize_t j                # first column
    Py_ssize_t columns          # whole lines
    real* gradient
    Py_ssize_t stride           # reals from one row of `gradient` to the next
    Py_ssize_t most_rows        # of the layer's panels
    Py_ssize_t most_lines
    const SparsePart* parts     # of the rows in hand, where X is sparse: for the first layer
    Py_ssize_t n_parts


ctypedef struct Factors:        # grad_W of a panel is left^T right
    const real* left            # of W's rows
    Py_ssize_t left_stride
    const real* right           # of W's columns
    Py_ssize_t right_stride


cdef Factors factors_of(const Job* job, Py_ssize_t l, Py_ssize_t at, const Panel* panel) noexcept nogil:
    """a_prev and delta of the rows in hand from place `at` on, the other way round where W is stored transposed."""
    cdef const Layer* layer = &job.net.layers[l]
    cdef Py_ssize_t a_prev_stride = job.net.x_stride if l == 0 else job.net.layers[l - 1].stride
    cdef const real* a_prev = (job.x if l == 0 else job.net.layers[l - 1].out) + at * a_prev_stride
    cdef const real* delta = layer.delta + at * layer.stride
    if layer.narrow:
        return Factors(delta + panel.k, layer.stride, a_prev + panel.j, a_prev_stride)
    return Factors(a_prev + panel.k, a_prev_stride, delta + panel.j, layer.stride)


cdef void panel_gradient(
    const Job* job, Py_ssize_t l, Py_ssize_t at, Py_ssize_t rows, const Panel* panel, bint add, const Wish* wish,
) noexcept nogil:
    """grad_W of a panel over `rows` rows in hand from place `at` on; its padding becomes 0."""
    cdef Factors f
    if l == 0 and job.csr != NULL:
        sparse_panel_gradient(job, panel, add)
        return
    f = factors_of(job, l, at, panel)
    job.net.kernels.gradient(
        f.left, f.left_stride, f.right, f.right_stride, panel.gradient, panel.stride,
        rows, panel.rows, panel.columns, add, wish)
    clear_padding(&job.net.layers[l], panel, panel.gradient, panel.stride)


cdef void clear_padding(const Layer* layer, const Panel* panel, real* numbers, Py_ssize_t stride) noexcept nogil:
    """Zeros beyond the last column of a narrow layer: a_prev, unlike delta, has no zeros in its padding."""
    cdef Py_ssize_t k, j
    if not layer.narrow:
        return
    for k in range(panel.rows):
        for j in range(layer.W_columns - panel.j, panel.columns):
            numbers[k * stride + j] = 0


cdef inline real* bias_room(const Job* job, const Worker* worker, const Layer* layer) noexcept nogil:
    """Where the gradient of a bias is made."""
    return worker.bias_row if job.gradient == NULL else job.gradient + layer.b_at


cdef void unit_gradient(
    const Job* job, const Layer* layer, Py_ssize_t at, Py_ssize_t rows, real* grad_b, bint add,
) noexcept nogil:
    """The sum of every unit's delta over the rows in hand; its padding becomes 0."""
    job.net.kernels.sum_units(
        layer.delta + at * layer.stride, layer.stride, grad_b, rows, layer.fan_out, add)
    # The room may have held another layer's, and only words that hold a unit are written.
    memset(grad_b + layer.fan_out, 0, (layer.stride - layer.fan_out) * sizeof(real))


cdef void share_bias(const Layer* layer, real* grad_b) noexcept nogil:
    """The gradient of a bias that all units share: the units' sums, added in the order of j."""
    cdef real total = 0
    cdef Py_ssize_t j
    for j in range(layer.fan_out):
        total = total + layer.unit_sums[j]
    memset(grad_b, 0, layer.b_size * sizeof(real))
    grad_b[0] = total


cdef void bias_gradient(
    const Job* job, const Worker* worker, const Layer* layer, Py_ssize_t rows, bint add, bint last,
) noexcept nogil:
    """The gradient of a bias over the rows in hand; that of a shared one is whole after the last rows."""
    cdef real* grad_b = bias_room(job, worker, layer)
    unit_gradient(job, layer, 0, rows, grad_b if layer.bias == UNIT_BIAS else layer.unit_sums, add)
    if layer.bias == LAYER_BIAS and last:
        share_bias(layer, grad_b)


# ----------------------------------------------------------------- the update
cdef inline real* state_at(const Run* run, Py_ssize_t at) noexcept nogil:
    return <real*>run.data + at if run.open else NULL


cdef inline void apply(
    const Job* job, const Update* update, const Worker* worker, real* p, const real* gradient, Py_ssize_t n,
) noexcept nogil:
    """One run of parameters, wherever in the buffer it lies."""
    cdef Py_ssize_t at = p - <real*>job.parameters.data
    job.net.kernels.update[update.recipe.optimizer](
        p, gradient, state_at(&update.m, at), state_at(&update.v, at), n, &worker.rule)


cdef inline void penalize(const Job* job, const Worker* worker, const real* W, real* gradient, Py_ssize_t n) noexcept nogil:
    if worker.l2 != 0 or worker.l1 != 0:
        job.net.kernels.penalize(W, gradient, n, <real>worker.l2, <real>worker.l1)


cdef void penalize_panel(const Job* job, const Worker* worker, const Layer* layer, const Panel* panel) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(panel.rows):
        penalize(
            job, worker, layer.W + (panel.k + k) * layer.W_stride + panel.j, panel.gradient + k * panel.stride,
            panel.columns)


cdef void copy_transposed(
    const Job* job, const Layer* layer, Py_ssize_t k, Py_ssize_t rows, Py_ssize_t j, Py_ssize_t columns,
) noexcept nogil:
    """Bring a part of the transposed copy of W up to date, where there is one."""
    if layer.WT != NULL and not layer.narrow:
        job.net.kernels.transpose(
            layer.W + k * layer.W_stride + j, layer.W_stride, layer.WT + j * layer.WT_stride + k, layer.WT_stride,
            rows, columns)


cdef void apply_panel(
    const Job* job, const Update* update, const Worker* worker, const Layer* layer, const Panel* panel,
) noexcept nogil:
    """The update of a panel."""
    cdef real* W = layer.W + panel.k * layer.W_stride + panel.j
    cdef Py_ssize_t k
    if panel.columns == layer.W_stride and panel.stride == layer.W_stride:
        apply(job, update, worker, W, panel.gradient, panel.rows * layer.W_stride)
    else:
        for k in range(panel.rows):
            apply(job, update, worker, W + k * layer.W_stride, panel.gradient + k * panel.stride, panel.columns)


cdef inline bint descends(const Job* job, const Update* update, Py_ssize_t rows) noexcept nogil:
    """Whether a step is W -= rate * one chain of products: then no gradient need be written down."""
    return (
        job.gradient == NULL and rows <= BLOCK_ROWS
        and update.recipe.optimizer == SGD and update.recipe.l2 == 0 and update.recipe.l1 == 0)


cdef void descend_panel(
    const Job* job, const Worker* worker, Py_ssize_t l, Py_ssize_t rows, const Panel* panel,
) noexcept nogil:
    """The gradient of a panel and its update by plain SGD at once."""
    cdef Layer* layer = &job.net.layers[l]
    cdef Factors f
    cdef real* W = layer.W + panel.k * layer.W_stride + panel.j
    if l == 0 and job.csr != NULL:
        sparse_descend_panel(job, worker, panel)
        return
    f = factors_of(job, l, 0, panel)
    job.net.kernels.descend(
        f.left, f.left_stride, f.right, f.right_stride, W, layer.W_stride,
        worker.rule.learning_rate, rows, panel.rows, panel.columns)
    clear_padding(layer, panel, W, layer.W_stride)


cdef const Wish* parameters_of(
    const Job* job, const Update* update, const Layer* layer, const Panel* panel, Wish* wish,
) noexcept nogil:
    """The panel's parameters and moments, which its update reads; NULL where they wait in the second-level cache."""
    cdef real* W = layer.W + panel.k * layer.W_stride + panel.j
    cdef Py_ssize_t at = W - <real*>job.parameters.data
    if job.net.size * <Py_ssize_t>sizeof(real) < FAR_PARAMETERS:
        return NULL
    wish.arrays[0] = <const char*>W
    wish.arrays[1] = <const char*>state_at(&update.m if update.m.open else &update.v, at)
    wish.arrays[2] = <const char*>state_at(&update.v, at) if update.m.open else NULL
    wish.row_step = layer.W_stride * sizeof(real)
    wish.row_bytes = panel.columns * sizeof(real)
    wish.rows = panel.rows
    return wish


cdef void panel_pass(
    Job* job, const Update* update, const Worker* worker, Py_ssize_t l, Py_ssize_t rows, Panel* panel,
    bint add, bint last, bint applied,
) noexcept nogil:
    """A panel's gradient, its penalty, its update and its part of the transposed copy: see `slice_pass`."""
    cdef Layer* layer = &job.net.layers[l]
    cdef Wish wish
    cdef const Wish* asked
    if applied and descends(job, update, rows):
        descend_panel(job, worker, l, rows, panel)
    else:
        asked = parameters_of(job, update, layer, panel, &wish) if applied else NULL
        panel_gradient(job, l, 0, rows, panel, add, asked)
        if last and update != NULL:
            penalize_panel(job, worker, layer, panel)
        if not applied:
            return
        apply_panel(job, update, worker, layer, panel)
    copy_transposed(job, layer, panel.k, panel.rows, panel.j, min(panel.columns, layer.W_columns - panel.j))


cdef void apply_bias(Job* job, const Update* update, const Worker* worker, Layer* layer) noexcept nogil:
    apply(job, update, worker, layer.b, bias_room(job, worker, layer), layer.b_size)
    spread_bias(layer)
