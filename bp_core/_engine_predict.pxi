"""Prediction, and one look at all that a pass computes: z, a, loss, deltas, gradients."""
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from numpy import empty, zeros

cdef extern from "Python.h":
    bint PyObject_CheckBuffer(object array)
    int try_buffer "PyObject_GetBuffer"(object array, Py_buffer* buffer, int flags) noexcept
    void PyErr_Clear()

cdef object new_array = empty       # found once, not by name at every call
cdef object new_dtype = DTYPE

cdef enum:
    SMALL = 2048                # reals of scratch that live on the stack


# ----------------------------------------------------------------- prediction
cdef Py_ssize_t prediction_reals(const Net* net, Py_ssize_t rows) noexcept nogil:
    """Room for converted rows, two layers of activations, and bias rows."""
    return rows * (net.x_stride + 2 * net.widest) + bias_rows_size(net)


cdef real* take_prediction(Net* net, Py_ssize_t rows, real* room) noexcept nogil:
    """Let the layers share two rooms in turn; returns where converted rows go."""
    cdef real* x = take(&room, rows * net.x_stride)
    cdef real* pair[2]
    cdef Py_ssize_t l
    pair[0], pair[1] = take(&room, rows * net.widest), take(&room, rows * net.widest)
    take_bias_rows(net, &room)
    for l in range(net.n_layers):
        net.layers[l].z = net.layers[l].a = pair[l % 2]
    return x


cdef inline void copy_rows(const real* rows_from, Py_ssize_t stride, real* out, Py_ssize_t n, Py_ssize_t rows) noexcept nogil:
    """out (rows, n), contiguous, from rows `stride` apart."""
    cdef Py_ssize_t s
    for s in range(rows):
        memcpy(out + s * n, rows_from + s * stride, n * sizeof(real))


cdef void predict_rows(Net* net, const Table* X, real* room, real* out) noexcept nogil:
    """The output for every row of X, a block of rows at a time."""
    cdef Py_ssize_t block = min(X.rows, <Py_ssize_t>BLOCK_ROWS), first = 0, rows
    cdef real* converted = take_prediction(net, block, room)
    cdef Layer* last = &net.layers[net.n_layers - 1]
    cdef bint in_place = is_rows_of_real(X)
    start_pass(net)
    while first < X.rows:
        rows = min(block, X.rows - first)
        if in_place:
            forward_pass(
                net, <const real*>(X.data + first * X.row_step), X.row_step // <Py_ssize_t>sizeof(real), rows)
        else:
            read_rows(net.kernels, X, first, NULL, rows, converted, net.x_stride)
            forward_pass(net, converted, net.x_stride, rows)
        copy_rows(last.a, last.stride, out + first * net.n_out, net.n_out, rows)
        first += rows


cdef int predict_table(Net* net, const Table* X, real* out) except -1:
    """Find room, on the stack for a small network and one row, and predict without the GIL."""
    cdef real small[2048]
    cdef Py_ssize_t rows = min(X.rows, <Py_ssize_t>BLOCK_ROWS), size = prediction_reals(net, rows)
    cdef real* room = NULL
    if rows == 1 and size <= SMALL:
        predict_rows(net, X, small, out)
        return 0
    room = <real*>calloc(size + LINE, sizeof(real))
    if room == NULL:
        raise MemoryError(f"no memory for {size} numbers of scratch")
    with nogil:
        predict_rows(net, X, <real*>((<size_t>room + 63) // 64 * 64), out)
        free(room)
    return 0


cdef bint is_plain_row(object x, Table* X, Py_ssize_t n_in) except -1:
    """Open x where it is a plain row: one-dimensional, contiguous, of this dtype, n_in long."""
    cdef char code = b'f' if sizeof(real) == sizeof(float) else b'd'
    if not PyObject_CheckBuffer(x):
        return False
    if try_buffer(x, &X.buffer, PyBUF_STRIDES | PyBUF_FORMAT) < 0:
        PyErr_Clear()                       # dates, for one; the longer path says what is wrong
        return False
    X.open = True
    if X.buffer.ndim != 1 or X.buffer.shape[0] != n_in or X.buffer.strides[0] != <Py_ssize_t>sizeof(real):
        return False
    if X.buffer.format == NULL or X.buffer.format[0] != code or X.buffer.format[1] != 0:
        return False
    X.kind = FLOAT32 if sizeof(real) == sizeof(float) else FLOAT64
    X.data, X.rows, X.columns = <const char*>X.buffer.buf, 1, n_in
    X.step, X.row_step, X.swapped = sizeof(real), n_in * <Py_ssize_t>sizeof(real), False
    return True


def predict_row(bytes plan, parameters, x):
    """The output for one plain row as a new array, or None where the input needs the longer path."""
    cdef Net net
    cdef Table X
    cdef Run numbers, target
    X.open = numbers.open = target.open = False
    open_net(&net, plan)
    try:
        if not is_plain_row(x, &X, net.n_in):
            return None
        out = new_array(net.n_out, new_dtype)
        open_reals(&numbers, parameters, net.size, False, "the parameters")
        open_reals(&target, out, net.n_out, True, "out")
        bind_parameters(&net, <real*>numbers.data)
        predict_table(&net, &X, <real*>target.data)
        return out
    finally:
        close_run(&target)
        close_run(&numbers)
        close_table(&X)
        close_net(&net)


def predict(bytes plan, parameters, X, out):
    """The output for every row of X (n, n_in) into the contiguous array `out` (n, n_out); returns out."""
    cdef Net net
    cdef Table table
    cdef Run numbers, target
    table.open = numbers.open = target.open = False
    open_net(&net, plan)
    try:
        open_table(&table, X, "X")
        expect_shape(&table, table.rows, net.n_in, "X")
        open_reals(&numbers, parameters, net.size, False, "the parameters")
        open_rows(&target, out, table.rows, net.n_out, "out")
        bind_parameters(&net, <real*>numbers.data)
        if table.rows:
            predict_table(&net, &table, <real*>target.data)
        return out
    finally:
        close_run(&target)
        close_run(&numbers)
        close_table(&table)
        close_net(&net)


# ----------------------------------------------------------------- evaluation
ctypedef struct Sinks:              # where an evaluation writes; closed ones are not wanted
    Run* z                          # per layer (n, fan_out)
    Run* a
    Run* delta
    Run inputs                      # (n, n_in)
    Run gradient                    # (size,), laid out as the parameters


cdef int open_sinks(Run** runs, const Net* net, object arrays, Py_ssize_t rows, str name) except -1:
    """Open one array per layer; `runs[0]` is freed by `close_sinks` in any case."""
    cdef Py_ssize_t l
    runs[0] = <Run*>calloc(net.n_layers, sizeof(Run))
    if runs[0] == NULL:
        raise MemoryError("no memory for the results")
    if arrays is None:
        return 0
    for l in range(net.n_layers):
        open_rows(&runs[0][l], arrays[l], rows, net.layers[l].fan_out, name)
    return 0


cdef void close_runs(Run* runs, Py_ssize_t n) noexcept:
    cdef Py_ssize_t l
    if runs != NULL:
        for l in range(n):
            close_run(&runs[l])
        free(runs)


cdef void close_sinks(Sinks* sinks, Py_ssize_t n_layers) noexcept:
    close_runs(sinks.z, n_layers)
    close_runs(sinks.a, n_layers)
    close_runs(sinks.delta, n_layers)
    close_run(&sinks.inputs)
    close_run(&sinks.gradient)


cdef void write_rows(
    const Run* sink, const real* rows_from, Py_ssize_t stride, Py_ssize_t n, Py_ssize_t first, Py_ssize_t rows,
) noexcept nogil:
    if sink.open:
        copy_rows(rows_from, stride, <real*>sink.data + first * n, n, rows)


cdef void write_layers(Job* job, Sinks* sinks, Py_ssize_t first, Py_ssize_t rows, bint backward) noexcept nogil:
    """Copy what the passes left in the workspace to where it is wanted."""
    cdef Layer* layer
    cdef Py_ssize_t l
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        write_rows(&sinks.z[l], layer.z, layer.stride, layer.fan_out, first, rows)
        write_rows(&sinks.a[l], layer.a, layer.stride, layer.fan_out, first, rows)
        if backward:
            write_rows(&sinks.delta[l], layer.delta, layer.stride, layer.fan_out, first, rows)
    if backward:
        write_rows(&sinks.inputs, job.delta_x, job.net.x_stride, job.net.n_in, first, rows)


cdef Status evaluate_rows(Job* job, Sinks* sinks, bint targets, bint backward, double* loss) noexcept nogil:
    """All rows as one batch, chunk by chunk."""
    cdef Py_ssize_t n = job.X.rows, first = 0, rows
    cdef double divisor = loss_divisor(job, n), sum = 0
    cdef Status status
    start_pass(&job.net)
    while first < n:
        rows = min(n - first, <Py_ssize_t>CHUNK_ROWS)
        status = load_rows(job, first, rows, targets, divisor)
        if status != DONE:
            return status
        forward_pass(&job.net, job.x, job.net.x_stride, rows)
        if targets:
            sum = loss_pass(job, rows, backward, sum)
        if backward:
            backward_pass(job, rows)
            sum_gradient(job, rows, first > 0)
        write_layers(job, sinks, first, rows, backward)
        first += rows
    if backward:
        finish_gradient(job)
        memcpy(sinks.gradient.data, job.gradient, job.net.size * sizeof(real))
    loss[0] = sum / divisor
    return DONE


cdef Needs evaluation_needs(Py_ssize_t n, bint backward) noexcept nogil:
    cdef Needs needs
    memset(&needs, 0, sizeof(needs))
    needs.rows = min(n, <Py_ssize_t>CHUNK_ROWS)
    needs.backward = needs.gradient = needs.inputs = backward
    needs.all_z = True
    return needs


cdef int open_evaluation(Job* job, Sinks* sinks, tuple data, tuple wanted) except -1:
    """The rows, their targets where there are any, and the results that are wanted."""
    X, y, classes, weights = data
    z, a, delta, inputs, gradient = wanted
    open_table(&job.X, X, "X")
    expect_shape(&job.X, job.X.rows, job.net.n_in, "X")
    if y is not None or classes is not None:
        open_targets(job, y, classes, weights)
    open_sinks(&sinks.z, &job.net, z, job.X.rows, "z")
    open_sinks(&sinks.a, &job.net, a, job.X.rows, "a")
    open_sinks(&sinks.delta, &job.net, delta, job.X.rows, "delta")
    if gradient is not None:
        open_reals(&sinks.gradient, gradient, job.net.size, True, "the gradient")
        open_rows(&sinks.inputs, inputs, job.X.rows, job.net.n_in, "the gradient by the inputs")
    return 0


def evaluate(bytes plan, parameters, tuple data, tuple objective, tuple wanted):
    """One pass over (X, y, classes, weights), all rows as one batch; changes no parameter.

    `wanted` is (z, a, delta, inputs, gradient): lists of an array per layer, two arrays, or None each.
    Without targets there is no loss, without `gradient` no backward pass.
    Returns (status, loss, the row that a BAD_ status means).
    """
    cdef Job job
    cdef Sinks sinks
    cdef Needs needs
    cdef Status status
    cdef double loss = 0
    cdef bint targets = data[1] is not None or data[2] is not None, backward = wanted[4] is not None
    memset(&job, 0, sizeof(Job))
    memset(&sinks, 0, sizeof(Sinks))
    job.loss, job.threshold = objective
    try:
        open_net(&job.net, plan)
        if targets:
            check_loss(&job.net, job.loss)
        open_reals(&job.parameters, parameters, job.net.size, False, "the parameters")
        open_evaluation(&job, &sinks, data, wanted)
        if job.X.rows < 1 or (backward and not targets):
            raise ValueError("a loss needs at least one row and its targets")
        needs = evaluation_needs(job.X.rows, backward)
        bind_parameters(&job.net, <real*>job.parameters.data)
        bind_workspace(&job, &needs, zeros(workspace_reals(&job, &needs), DTYPE))
        with nogil:
            status = evaluate_rows(&job, &sinks, targets, backward, &loss)
        return status, loss, job.bad_row
    finally:
        close_sinks(&sinks, job.net.n_layers)
        close_job(&job)
