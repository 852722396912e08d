"""Normal equations: J^T J and J^T r of all rows, their damped solution, and the loss where it leads.

r are the residuals a - y, times the root of what a row's squared error counts for in the loss, so that the loss is
r^T r / 2; J are their derivatives by the parameters, in the order of `get_parameters`. The rows of J, for each block of
128 samples output after output, are never all in memory. J^T J is the upper triangle of (size, stride) numbers, J^T r
its column `size`.
"""
from libc.math cimport INFINITY
from libc.string cimport memmove

from bp_core._kernel_table cimport HALF_SQUARED_ERROR, LANES, MSE

cdef enum:
    J_ROWS = 4 * BLOCK_ROWS     # of J in hand: J^T J is read and written once for so many
    TRIANGLE_ROWS = 48          # of J^T J made at a time, none of it left of the first row's diagonal
    TRIANGLE_COLUMNS = 256      # whose columns of J stay in the second cache

ctypedef struct Equations:
    Job job
    Update update               # for its penalty
    Run matrix                  # (size, stride)
    Py_ssize_t size             # parameters, padding not counted
    Py_ssize_t stride
    real* J                     # (rows in hand, stride)
    real* roots                 # (BLOCK_ROWS,): the root of what a row's squared error counts for
    real* column                # (stride,)
    Py_ssize_t filled           # rows of J in hand
    bint begun                  # J^T J holds some rows


cdef Py_ssize_t count_parameters(const Net* net) noexcept nogil:
    """Of W and b, padding not counted."""
    cdef Py_ssize_t l, size = 0
    for l in range(net.n_layers):
        size += net.layers[l].fan_in * net.layers[l].fan_out + b_length(&net.layers[l])
    return size


cdef inline Py_ssize_t triangle_stride(Py_ssize_t size) noexcept nogil:
    """Reals from one row to the next: the right side, and what is read and written in whole words behind it."""
    return padded(size + 1 + LANES)


# ------------------------------------------------------------------- rows of J
cdef void weigh_residuals(Equations* e, Py_ssize_t rows) noexcept nogil:
    """The root of a row's share of the loss; f'(z) becomes 0 where a target is missing."""
    cdef const Layer* layer = &e.job.net.layers[e.job.net.n_layers - 1]
    cdef Py_ssize_t s, i
    for s in range(rows):
        e.roots[s] = <real>sqrt((2 if e.job.loss == MSE else 1) * <double>e.job.scale[s])
    if e.job.missing:
        for i in range(rows * layer.stride):
            if e.job.targets[i] != e.job.targets[i]:
                e.job.slopes[i] = 0
        blank_missing(&e.job, 0, rows)


cdef void residual_delta(const Equations* e, Py_ssize_t rows, Py_ssize_t j) noexcept nogil:
    """delta = dr_j/dz of the output: f'(z) times the row's root at unit j, 0 elsewhere."""
    cdef const Layer* layer = &e.job.net.layers[e.job.net.n_layers - 1]
    cdef Py_ssize_t s
    memset(layer.delta, 0, rows * layer.stride * sizeof(real))
    for s in range(rows):
        layer.delta[s * layer.stride + j] = e.roots[s] * e.job.slopes[s * layer.stride + j]


cdef void bias_columns(const Equations* e, const Layer* layer, real* J, Py_ssize_t rows) noexcept nogil:
    """dr/db: delta itself, of a shared bias the sum over the units in the order of j."""
    cdef real total
    cdef Py_ssize_t s, j
    if layer.bias == UNIT_BIAS:
        copy_rows(layer.delta, layer.stride, J, e.stride, layer.fan_out, rows)
    elif layer.bias == LAYER_BIAS:
        for s in range(rows):
            total = 0
            for j in range(layer.fan_out):
                total = total + layer.delta[s * layer.stride + j]
            J[s * e.stride] = total


cdef void fill_rows(Equations* e, Py_ssize_t rows, Py_ssize_t j) noexcept nogil:
    """The next `rows` rows of J and r: those of output j."""
    cdef const Layer* layer
    cdef const Layer* output = &e.job.net.layers[e.job.net.n_layers - 1]
    cdef const real* a_prev = e.job.x
    cdef Py_ssize_t a_prev_stride = e.job.net.x_stride, l, s
    cdef real* J = e.J + e.filled * e.stride
    for l in range(e.job.net.n_layers):
        layer = &e.job.net.layers[l]
        e.job.net.kernels.jacobian_rows(
            a_prev, a_prev_stride, layer.delta, layer.stride, J, e.stride, rows, layer.fan_in, layer.fan_out)
        J += layer.fan_in * layer.fan_out
        bias_columns(e, layer, J, rows)
        J += b_length(layer)
        a_prev, a_prev_stride = layer.a, layer.stride
    for s in range(rows):
        J[s * e.stride] = e.roots[s] * (output.a[s * output.stride + j] - e.job.targets[s * output.stride + j])
        memset(J + s * e.stride + 1, 0, (e.stride - e.size - 1) * sizeof(real))
    e.filled += rows


cdef void add_columns(const Equations* e, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    """The columns `first` ... end of the triangle J^T [J r] += that of the first `rows` rows in hand."""
    cdef real* N = <real*>e.matrix.data
    cdef Py_ssize_t i = 0, j
    while i < min(end, e.size):
        j = max(first, i)
        e.job.net.kernels.gradient(
            e.J + i, e.stride, e.J + j, e.stride, N + i * e.stride + j, e.stride,
            rows, min(e.size - i, <Py_ssize_t>TRIANGLE_ROWS), end - j, e.begun, NULL)
        i += TRIANGLE_ROWS


cdef void add_rows(Equations* e, Py_ssize_t rows) noexcept nogil:
    """J^T [J r] += that of the first `rows` rows in hand, a chain a block of 128; the others move up."""
    cdef Py_ssize_t c = 0
    if rows == 0:
        return
    while c <= e.size:
        add_columns(e, rows, c, min(c + TRIANGLE_COLUMNS, e.size + 1))
        c += TRIANGLE_COLUMNS
    e.begun = True
    e.filled -= rows
    memmove(e.J, e.J + rows * e.stride, e.filled * e.stride * sizeof(real))


cdef Status add_samples(Equations* e, Py_ssize_t first, Py_ssize_t rows, double divisor) noexcept nogil:
    """One block of samples: forward, the loss of each row, and for every output a backward pass."""
    cdef Job* job = &e.job
    cdef Py_ssize_t j
    cdef Status status = load_rows(job, &job.workers[0], first, 0, rows, True, divisor)
    if status != DONE:
        return status
    forward_pass(job, first, 0, rows)
    output_slopes(job, rows)
    weigh_residuals(e, rows)
    loss_pass(job, 0, rows, False)
    for j in range(job.net.n_out):
        residual_delta(e, rows, j)
        backward_pass(job, 0, rows)
        fill_rows(e, rows, j)
        if e.filled >= J_ROWS:
            add_rows(e, e.filled - e.filled % BLOCK_ROWS)
    return DONE


# -------------------------------------------------------------- the equations
cdef inline real* W_at(const Layer* layer, Py_ssize_t k, Py_ssize_t j) noexcept nogil:
    """W[k, j], wherever it is stored."""
    return layer.W + (j * layer.W_stride + k if layer.narrow else k * layer.W_stride + j)


cdef void add_penalty(Equations* e) noexcept nogil:
    """l2 to the diagonal and l2 W to the right side, for every weight."""
    cdef const Layer* layer
    cdef real l2 = <real>e.job.workers[0].l2
    cdef real* N = <real*>e.matrix.data
    cdef Py_ssize_t l, k, j, i = 0
    for l in range(e.job.net.n_layers):
        layer = &e.job.net.layers[l]
        for k in range(layer.fan_in):
            for j in range(layer.fan_out):
                N[i * (e.stride + 1)] += l2
                N[i * e.stride + e.size] += l2 * W_at(layer, k, j)[0]
                i += 1
        i += b_length(layer)


cdef double gradient_norm(const Equations* e) noexcept nogil:
    """The root of the sum of squares of J^T r, 16 lanes and the tree."""
    cdef const real* N = <const real*>e.matrix.data
    cdef Py_ssize_t i
    for i in range(e.size):
        e.column[i] = N[i * e.stride + e.size]
    return sqrt(e.job.net.kernels.sum_squares(e.column, 1, e.size, e.stride))


cdef Status make_equations(Equations* e, double* loss, double* norm) noexcept nogil:
    """All rows as one batch, block after block."""
    cdef Job* job = &e.job
    cdef Py_ssize_t n = job.X.rows, first = 0, rows
    cdef double size = size_of_batch(job, 0, n), sum = 0
    cdef Status status
    bp_barrier_init(&job.team.barrier, 1)
    start_pass(&job.net)
    while first < n:
        rows = min(n - first, <Py_ssize_t>BLOCK_ROWS)
        status = add_samples(e, first, rows, size * job.gradient_outputs)
        if status != DONE:
            return status
        sum_losses(job, rows, &sum)
        first += rows
    add_rows(e, e.filled)
    share_penalty(&e.update.recipe, &job.workers[0], size)
    sum_penalties(job, &e.update, &job.workers[0])
    loss[0] = sum / (size * job.value_outputs) + penalty(job, &job.workers[0])
    if job.workers[0].l2 != 0:
        add_penalty(e)
    norm[0] = gradient_norm(e)
    return DONE


cdef Needs equations_needs(Py_ssize_t n) noexcept nogil:
    cdef Needs needs = jacobian_needs(n)
    needs.inputs = False
    return needs


cdef real* take_equations(Equations* e, const Needs* needs, real* room) noexcept nogil:
    """Point everything at its place from `room` on; returns the end."""
    cdef Py_ssize_t rows = J_ROWS + BLOCK_ROWS
    if e.job.X.rows < rows // e.job.net.n_out:
        rows = e.job.X.rows * e.job.net.n_out
    room = take_workspace(&e.job, needs, room)
    e.roots = take(&room, BLOCK_ROWS)
    e.column = take(&room, e.stride)
    e.J = take(&room, rows * e.stride)
    return room


cdef int open_equations(
    Equations* e, bytes plan, parameters, bint writable, data, objective, tuple penalty,
) except -1:
    """The network, the rows and their targets; only squared errors."""
    open_objective(&e.job, tuple(objective))
    open_net(&e.job.net, plan)
    check_loss(&e.job.net, e.job.loss)
    if e.job.loss != MSE and e.job.loss != HALF_SQUARED_ERROR:
        raise ValueError(f"loss number {e.job.loss} is no squared error")
    e.size = count_parameters(&e.job.net)
    e.stride = triangle_stride(e.size)
    open_reals(&e.job.parameters, parameters, e.job.net.size, writable, "the parameters")
    open_data(&e.job, tuple(data), True)
    if e.job.csr != NULL:
        raise ValueError("the normal equations take dense rows")
    if e.job.X.rows < 1:
        raise ValueError("a loss needs at least one row and its targets")
    e.update.recipe.l2, e.update.recipe.shares_penalty = penalty
    bind_parameters(&e.job.net, <real*>e.job.parameters.data)
    return 0


cdef int open_triangle(Run* run, object array, Py_ssize_t size, bint writable, str name) except -1:
    """Open (size, stride) numbers; the product may be beyond any integer."""
    cdef Py_ssize_t stride = triangle_stride(size)
    open_reals(run, array, 0, writable, name)
    if run.length // stride < size:
        raise ValueError(f"{name} holds {run.length} numbers; expected {size} rows of {stride}")
    return 0


def normal_equations_shape(bytes plan):
    """(size, stride) of the array that the others call a matrix."""
    cdef Net net
    open_net(&net, plan)
    try:
        return count_parameters(&net), triangle_stride(count_parameters(&net))
    finally:
        close_net(&net)


def normal_equations(bytes plan, parameters, data, objective, tuple penalty, matrix):
    """J^T J into the upper triangle of `matrix` and J^T r into its column `size`; changes no parameter.

    `data` and `objective` are as `train` takes them, `penalty` is (l2, whether it is divided by the size of the batch).
    Returns (status, the row that a BAD_ status means, loss, norm of the gradient), penalty included.
    """
    cdef Equations e
    cdef Needs needs
    cdef Status status
    cdef double loss = 0, norm = 0
    cdef real* fake = <real*><size_t>4096       # only differences are used
    memset(&e, 0, sizeof(Equations))
    try:
        open_equations(&e, plan, parameters, False, data, objective, penalty)
        open_triangle(&e.matrix, matrix, e.size, True, "the matrix")
        needs = equations_needs(e.job.X.rows)
        open_reals(&e.job.workspace, zeros(take_equations(&e, &needs, fake) - fake + LINE, DTYPE), 0, True, "")
        take_equations(&e, &needs, <real*>((<size_t>e.job.workspace.data + 63) // 64 * 64))
        with nogil:
            status = make_equations(&e, &loss, &norm)
        return status, e.job.workers[0].bad_row, loss, norm
    finally:
        close_run(&e.matrix)
        close_job(&e.job)


# ---------------------------------------------------------------- the solution
def solve_damped(Py_ssize_t size, matrix, double damping, bint relative, factors, step):
    """step = (J^T J + D)^-1 J^T r, D = damping, or damping times the diagonal where that is above 0.

    `matrix` is read; `factors`, as large, gets the Cholesky factors. False where a pivot is not positive.
    """
    cdef const Kernels* kernels = (<Kernels**>slot)[0]
    cdef Run runs[3]
    cdef Py_ssize_t stride, i
    cdef bint solved
    memset(runs, 0, sizeof(runs))
    if not 1 <= size <= MAX_SIZE:
        raise ValueError(f"{size} parameters; expected 1 to {MAX_SIZE}")
    stride = triangle_stride(size)
    try:
        open_triangle(&runs[0], matrix, size, False, "the matrix")
        open_triangle(&runs[1], factors, size, True, "the factors")
        open_reals(&runs[2], step, stride, True, "the step")
        with nogil:
            kernels.damp(
                <const real*>runs[0].data, <real*>runs[1].data, stride, size, size + 1, <real>damping, relative)
            solved = kernels.factorize(<real*>runs[1].data, stride, size, size + 1) == size
            if solved:
                kernels.solve_triangle(<const real*>runs[1].data, stride, size, <real*>runs[2].data)
        return bool(solved)
    finally:
        for i in range(3):
            close_run(&runs[i])


cdef void subtract_step(const Net* net, const real* step) noexcept nogil:
    """Every parameter less its number of the step, which goes by the order of `get_parameters`."""
    cdef const Layer* layer
    cdef Py_ssize_t l, k, j
    for l in range(net.n_layers):
        layer = &net.layers[l]
        for k in range(layer.fan_in):
            for j in range(layer.fan_out):
                W_at(layer, k, j)[0] -= step[j]
            step += layer.fan_out
        for j in range(b_length(layer)):
            layer.b[j] -= step[j]
        step += b_length(layer)


def loss_behind(bytes plan, parameters, step, trial, data, objective, tuple penalty):
    """trial = parameters - step; returns (status, the row that a BAD_ status means, the loss there, penalty included).

    The loss is infinite where a parameter of the trial is.
    """
    cdef Equations e
    cdef Run start, move
    cdef Sinks sinks
    cdef Needs needs
    cdef Status status
    cdef double loss = 0
    memset(&e, 0, sizeof(Equations))
    memset(&sinks, 0, sizeof(Sinks))
    start.open = move.open = False
    try:
        open_equations(&e, plan, trial, True, data, objective, penalty)
        open_reals(&start, parameters, e.job.net.size, False, "the parameters")
        open_reals(&move, step, e.size, False, "the step")
        open_sinks(&sinks.z, &e.job.net, None, e.job.X.rows, "z")
        open_sinks(&sinks.a, &e.job.net, None, e.job.X.rows, "a")
        open_sinks(&sinks.delta, &e.job.net, None, e.job.X.rows, "delta")
        needs = evaluation_needs(e.job.X.rows, False, False)
        bind_workspace(&e.job, &needs, zeros(workspace_reals(&e.job, &needs), DTYPE))
        with nogil:
            memcpy(e.job.parameters.data, start.data, e.job.net.size * sizeof(real))
            subtract_step(&e.job.net, <const real*>move.data)
            status = penalized_loss(&e, &sinks, &loss)
        return status, e.job.bad_row, loss
    finally:
        close_run(&start)
        close_run(&move)
        close_sinks(&sinks, e.job.net.n_layers)
        close_job(&e.job)


cdef Status penalized_loss(Equations* e, Sinks* sinks, double* loss) noexcept nogil:
    cdef Status status = evaluate_rows(&e.job, sinks, True, False, loss)
    share_penalty(&e.update.recipe, &e.job.workers[0], size_of_batch(&e.job, 0, e.job.X.rows))
    sum_penalties(&e.job, &e.update, &e.job.workers[0])
    loss[0] += penalty(&e.job, &e.job.workers[0])
    if not parameters_finite(&e.job.net):
        loss[0] = INFINITY
    return status
