"""One look at all that a pass computes: z, a, loss, deltas, gradients."""
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from numpy import zeros

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
        copy_rows(rows_from, stride, <real*>sink.data + first * n, n, n, rows)


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
    cdef Worker* worker = &job.workers[0]
    cdef Py_ssize_t n = job.X.rows, first = 0, rows
    cdef double size = size_of_batch(job, 0, n), sum = 0
    cdef Status status
    bp_barrier_init(&job.team.barrier, 1)
    start_pass(&job.net)
    while first < n:
        rows = min(n - first, <Py_ssize_t>CHUNK_ROWS)
        status = load_rows(job, worker, first, 0, rows, targets, size * job.gradient_outputs)
        if status == DONE and backward and job.csr != NULL:
            status = sort_rows(job, worker, 0, rows)
        if status != DONE:
            job.bad_row = worker.bad_row
            return status
        forward_pass(job, first, 0, rows)
        if targets:
            if job.missing:
                blank_missing(job, 0, rows)
            loss_pass(job, 0, rows, backward)
            sum_losses(job, rows, &sum)
        if backward:
            backward_pass(job, 0, rows)
            slice_pass(job, NULL, worker, rows, first > 0, first + rows == n, False)
        write_layers(job, sinks, first, rows, backward)
        first += rows
    if backward:
        memcpy(sinks.gradient.data, job.gradient, job.net.size * sizeof(real))
    loss[0] = sum / (size * job.value_outputs)
    return DONE


cdef Needs evaluation_needs(Py_ssize_t n, bint backward, bint inputs) noexcept nogil:
    cdef Needs needs
    memset(&needs, 0, sizeof(needs))
    needs.rows = min(n, <Py_ssize_t>CHUNK_ROWS)
    needs.threads = 1
    needs.backward = needs.gradient = backward
    needs.inputs = inputs
    needs.all_z = True
    return needs


cdef int open_evaluation(Job* job, Sinks* sinks, data, tuple wanted) except -1:
    """The rows, their targets where there are any, and the results that are wanted."""
    z, a, delta, inputs, gradient = wanted
    open_data(job, data, data[1] is not None or data[2] is not None)
    open_sinks(&sinks.z, &job.net, z, job.X.rows, "z")
    open_sinks(&sinks.a, &job.net, a, job.X.rows, "a")
    open_sinks(&sinks.delta, &job.net, delta, job.X.rows, "delta")
    if gradient is not None:
        open_reals(&sinks.gradient, gradient, job.net.size, True, "the gradient")
        if inputs is not None:
            open_rows(&sinks.inputs, inputs, job.X.rows, job.net.n_in, "the gradient by the inputs")
    return 0


def evaluate(bytes plan, parameters, data, objective, tuple wanted):
    """One pass over (X, y, classes, weights, sizes, whether targets may be missing), all rows as one batch; changes no parameter.

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
    try:
        open_objective(&job, objective)
        open_net(&job.net, plan)
        if targets:
            check_loss(&job.net, job.loss)
        open_reals(&job.parameters, parameters, job.net.size, False, "the parameters")
        open_evaluation(&job, &sinks, data, wanted)
        if job.X.rows < 1 or (backward and not targets):
            raise ValueError("a loss needs at least one row and its targets")
        needs = evaluation_needs(job.X.rows, backward, sinks.inputs.open)
        needs.sparse = job.csr != NULL
        if needs.sparse:
            take_shares(job.csr, needs.rows, 1)
        bind_parameters(&job.net, <real*>job.parameters.data)
        bind_workspace(&job, &needs, zeros(workspace_reals(&job, &needs), DTYPE))
        with nogil:
            status = evaluate_rows(&job, &sinks, targets, backward, &loss)
        return status, loss, job.bad_row
    finally:
        close_sinks(&sinks, job.net.n_layers)
        close_job(&job)
