"""The derivatives of every output by every input: one forward pass, then one backward pass per output."""


cdef void output_slopes(const Job* job, Py_ssize_t rows) noexcept nogil:
    """f'(z) of the output; softmax has none, as each of its outputs depends on every z."""
    cdef const Layer* layer = &job.net.layers[job.net.n_layers - 1]
    cdef Py_ssize_t i
    if layer.activation == SOFTMAX:
        return
    for i in range(rows * layer.stride):
        job.slopes[i] = 1
    job.net.kernels.derive[layer.activation](layer.z, layer.a, job.slopes, rows, layer.fan_out, layer.stride)


cdef void output_delta(const Job* job, Py_ssize_t rows, Py_ssize_t j) noexcept nogil:
    """delta = da_j/dz of the output: f'(z) at unit j and 0 elsewhere, or a row of softmax's derivatives."""
    cdef const Layer* layer = &job.net.layers[job.net.n_layers - 1]
    cdef Py_ssize_t s
    if layer.activation == SOFTMAX:
        job.net.kernels.derive_softmax(layer.a, layer.delta, rows, layer.fan_out, layer.stride, j)
        return
    memset(layer.delta, 0, rows * layer.stride * sizeof(real))
    for s in range(rows):
        layer.delta[s * layer.stride + j] = job.slopes[s * layer.stride + j]


cdef Status derive_rows(Job* job, real* out) noexcept nogil:
    """All rows, chunk by chunk: da_j/dx of every output j to out (n, n_out, n_in)."""
    cdef Worker* worker = &job.workers[0]
    cdef Py_ssize_t n_in = job.net.n_in, n_out = job.net.n_out, first = 0, rows, j
    cdef Status status
    start_pass(&job.net)
    while first < job.X.rows:
        rows = min(job.X.rows - first, <Py_ssize_t>BLOCK_ROWS)
        status = load_table(job, worker, &job.X, BAD_X, first, rows, job.x, job.net.x_stride)
        if status != DONE:
            return status
        forward_pass(job, first, 0, rows)
        output_slopes(job, rows)
        for j in range(n_out):
            output_delta(job, rows, j)
            backward_pass(job, 0, rows)
            copy_rows(job.delta_x, job.net.x_stride, out + (first * n_out + j) * n_in, n_out * n_in, n_in, rows)
        first += rows
    return DONE


cdef Needs jacobian_needs(Py_ssize_t n) noexcept nogil:
    cdef Needs needs
    memset(&needs, 0, sizeof(needs))
    needs.rows = min(n, <Py_ssize_t>BLOCK_ROWS)
    needs.threads = 1
    needs.backward = needs.inputs = needs.slopes = True
    return needs


def jacobian(bytes plan, parameters, X, out):
    """da_j/dx_k of every row of X (n, n_in) into the contiguous array `out` (n, n_out, n_in); changes no parameter.

    Returns (status, the row that a BAD_ status means).
    """
    cdef Job job
    cdef Run result
    cdef Needs needs
    cdef Status status
    memset(&job, 0, sizeof(Job))
    result.open = False
    try:
        open_net(&job.net, plan)
        open_reals(&job.parameters, parameters, job.net.size, False, "the parameters")
        open_table(&job.X, X, "X")
        expect_shape(&job.X, job.X.rows, job.net.n_in, "X")
        open_rows(&result, out, job.X.rows, job.net.n_out * job.net.n_in, "out")
        needs = jacobian_needs(job.X.rows)
        bind_parameters(&job.net, <real*>job.parameters.data)
        bind_workspace(&job, &needs, zeros(workspace_reals(&job, &needs), DTYPE))
        with nogil:
            status = derive_rows(&job, <real*>result.data)
        return status, job.workers[0].bad_row
    finally:
        close_run(&result)
        close_job(&job)
