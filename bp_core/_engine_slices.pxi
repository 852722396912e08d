"""A worker's slice of the parameters: which rows of every W are its own, and its way through them."""


cdef inline Py_ssize_t row_of_share(const Job* job, const Layer* layer, Py_ssize_t number) noexcept nogil:
    """The first row of W that belongs to a worker of this number, or to one after it."""
    cdef Py_ssize_t at = job.net.size * number // job.team.barrier.size - layer.W_at
    cdef Py_ssize_t height = min(<Py_ssize_t>SLICE_ROWS, layer.W_rows), part = height * layer.W_stride
    if at <= 0:
        return 0
    return min(layer.W_rows, (at + part - 1) // part * height)


cdef inline bint owns_bias(const Job* job, const Worker* worker, const Layer* layer) noexcept nogil:
    cdef Py_ssize_t size = job.team.barrier.size
    return layer.b_size > 0 and (
        job.net.size * worker.number // size <= layer.b_at < job.net.size * (worker.number + 1) // size)


cdef inline Py_ssize_t lines_from(const Layer* layer, Py_ssize_t j) noexcept nogil:
    return (layer.W_columns + LINE - 1) // LINE - j // LINE


cdef inline void shape_panels(const Job* job, Py_ssize_t l, Panel* panel) noexcept nogil:
    """How large a layer's panels are: few whole rows of it where X is sparse, as each row has few products."""
    cdef Py_ssize_t lines = lines_from(&job.net.layers[l], 0)
    panel.most_rows, panel.most_lines = PANEL_ROWS, PANEL_LINES
    if l == 0 and job.csr != NULL and not job.net.layers[0].narrow and lines <= PANEL_ROWS * PANEL_LINES:
        panel.most_rows, panel.most_lines = PANEL_ROWS * PANEL_LINES // lines, lines


cdef inline Py_ssize_t panel_columns(const Layer* layer, const Panel* panel) noexcept nogil:
    """How many columns, whole lines, the panel has: all panels of a row are nearly as wide."""
    cdef Py_ssize_t lines = lines_from(layer, panel.j)
    cdef Py_ssize_t panels = (lines + panel.most_lines - 1) // panel.most_lines
    return (lines + panels - 1) // panels * LINE


cdef void lay_panel(const Worker* worker, const Layer* layer, real* gradient, Panel* panel) noexcept nogil:
    """Where the gradient of a panel is made: in the whole `gradient`, or, if that is NULL, in a room of its own."""
    panel.columns = panel_columns(layer, panel)
    panel.stride = panel.columns if gradient == NULL else layer.W_stride
    panel.gradient = worker.panel
    if gradient != NULL:
        panel.gradient = gradient + layer.W_at + panel.k * layer.W_stride + panel.j


cdef void slice_pass(
    Job* job, const Update* update, const Worker* worker, Py_ssize_t rows, bint add, bint last, bint applied,
) noexcept nogil:
    """The gradient of this worker's slice over the rows in hand; after the last rows penalised, and `applied`.

    `update` may be NULL: then nothing but the gradient is computed.
    """
    cdef Layer* layer
    cdef Panel panel
    cdef SparsePart parts[320]      # MOST_THREADS * MOST_PARTS
    cdef Py_ssize_t l, end
    take_parts(job, 0, job.team.barrier.size, 0, rows, parts, &panel)
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        panel.k, end = row_of_share(job, layer, worker.number), row_of_share(job, layer, worker.number + 1)
        shape_panels(job, l, &panel)
        while panel.k < end:
            panel.rows, panel.j = min(panel.most_rows, end - panel.k), 0
            while panel.j < layer.W_columns:
                lay_panel(worker, layer, job.gradient, &panel)
                panel_pass(job, update, worker, l, rows, &panel, add, last, applied)
                panel.j += panel.columns
            panel.k += panel.rows
        if owns_bias(job, worker, layer):
            bias_gradient(job, worker, layer, rows, add, last)
            if applied:
                apply_bias(job, update, worker, layer)


cdef void apply_rows(
    const Job* job, const Update* update, const Worker* worker, const Layer* layer, Py_ssize_t k, Py_ssize_t rows,
) noexcept nogil:
    """The update of whole rows of W from the whole gradient, and of their part of the transposed copy."""
    cdef Py_ssize_t at = k * layer.W_stride
    apply(job, update, worker, layer.W + at, job.gradient + layer.W_at + at, rows * layer.W_stride)
    copy_transposed(job, layer, k, rows, 0, layer.W_columns)


cdef void apply_slice(Job* job, const Update* update, const Worker* worker) noexcept nogil:
    """The clipped update of this worker's slice from the whole gradient."""
    cdef real factor = clipping(job, update)
    cdef Layer* layer
    cdef Py_ssize_t l, k, rows
    for l in range(job.net.n_layers):
        layer = &job.net.layers[l]
        k = row_of_share(job, layer, worker.number)
        rows = row_of_share(job, layer, worker.number + 1) - k
        if rows > 0:
            job.net.kernels.scale(job.gradient + layer.W_at + k * layer.W_stride, rows * layer.W_stride, factor)
            apply_rows(job, update, worker, layer, k, rows)
        if owns_bias(job, worker, layer):
            job.net.kernels.scale(job.gradient + layer.b_at, layer.b_size, factor)
            apply_bias(job, update, worker, layer)
