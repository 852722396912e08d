"""The first layer's passes where X is sparse: rows gathered as they are stored, and sorted by columns for the gradient.

The gradient goes through W row by row, and a row of W belongs to a column of X. So each worker sorts its rows in hand
by columns, in parts that lie within one block of the contract; for its slice of W a worker reads the parts of all.
"""

# ------------------------------------------------------------------- the rows
cdef bint lay_row(const Csr* csr, Py_ssize_t s, SparseRow* row) noexcept nogil:
    """Where row s of X begins and ends; False where that is not within the data."""
    cdef int64_t start = integer_at(&csr.indptr, s), end = integer_at(&csr.indptr, s + 1)
    if not 0 <= start <= end <= csr.entries or end - start > csr.columns:
        return False
    row.at, row.n = start, end - start
    return True


cdef bint read_row(const Kernels* kernels, const Csr* csr, const SparseRow* row, bint* finite) noexcept nogil:
    """Copy the numbers and columns of a row; False where the columns do not ascend within X."""
    cdef const char* indices = <const char*>csr.indices.run.data + row.at * (8 if csr.indices.wide else 4)
    cdef bint plain = is_rows_of_real(&csr.data) and csr.data.row_step == sizeof(real)
    finite[0] = row.n == 0 or kernels.gather(
        csr.data.data + row.at * csr.data.row_step, 0, csr.data.row_step, csr.data.kind, csr.data.swapped, plain,
        NULL, 0, <real*>row.values, 0, 1, row.n) == 1
    return kernels.gather_columns(indices, csr.indices.wide, <int32_t*>row.columns, row.n, csr.columns)


cdef Status gather_sparse(
    const Kernels* kernels, const Csr* csr, Room* room, Py_ssize_t first, const int64_t* order, Py_ssize_t rows,
    SparseRow* out, Py_ssize_t* bad_row,
) noexcept nogil:
    """Rows that `order` names, else first, ..., converted; all are there where one is not finite."""
    cdef size_t entries = 0
    cdef Py_ssize_t s, row
    cdef real* values
    cdef int32_t* columns
    cdef bint finite
    cdef Status status = DONE
    for s in range(rows):
        row = first + s if order == NULL else <Py_ssize_t>order[s]
        if not 0 <= row < csr.rows or not lay_row(csr, row, &out[s]):
            bad_row[0] = row
            return BAD_ENTRIES
        entries += out[s].n
    if entries > MOST_ENTRIES or not reserve(room, entries * (sizeof(real) + sizeof(int32_t)) + LINE * sizeof(real)):
        return NO_MEMORY
    values, columns = <real*>room.memory, <int32_t*>(room.memory + (entries + LINE) * sizeof(real))
    for s in range(rows):
        out[s].values, out[s].columns = values, columns
        values, columns = values + out[s].n, columns + out[s].n
        if not read_row(kernels, csr, &out[s], &finite):
            bad_row[0] = first + s if order == NULL else <Py_ssize_t>order[s]
            return BAD_ENTRIES
        if not finite and status == DONE:
            bad_row[0] = first + s if order == NULL else <Py_ssize_t>order[s]
            status = BAD_X
    return status


cdef int open_X(Job* job, X) except -1:
    """Open X (n, n_in): an array of numbers, or the parts of a CSR matrix as a tuple."""
    if isinstance(X, tuple):
        job.csr = open_csr(X, job.net.n_in)
        job.X.rows, job.X.columns = job.csr.rows, job.csr.columns
        return 0
    open_table(&job.X, X, "X")
    return expect_shape(&job.X, job.X.rows, job.net.n_in, "X")


cdef Status load_sparse(
    const Job* job, Worker* worker, Py_ssize_t first, Py_ssize_t at, Py_ssize_t rows,
) noexcept nogil:
    """Rows `first`, ... of the order to places `at`, ... of the chunk."""
    cdef const int64_t* order = NULL
    if job.order != NULL:
        order = job.order + first
    return gather_sparse(
        job.net.kernels, job.csr, &job.csr.shares[worker.number].entries, first, order, rows, job.csr.in_hand + at,
        &worker.bad_row)


cdef void sparse_layer_forward(
    const Net* net, const SparseRow* rows_in_hand, real* z, real* a, Py_ssize_t rows,
) noexcept nogil:
    """z = X W + b and a = f(z) of the first layer."""
    cdef const Layer* layer = &net.layers[0]
    if layer.narrow:
        net.kernels.sparse_forward_narrow(
            rows_in_hand, layer.W, layer.W_stride, layer.b_row, z, layer.stride, rows, layer.fan_out)
    else:
        net.kernels.sparse_forward(
            rows_in_hand, layer.W, layer.W_stride, layer.b_row, z, layer.stride, rows, layer.fan_out)
    net.kernels.activate[layer.activation](z, a, rows, layer.fan_out, layer.stride)


# --------------------------------------------------------------- the gradient
cdef Status sort_rows(const Job* job, const Worker* worker, Py_ssize_t at, Py_ssize_t rows) noexcept nogil:
    """Sort the worker's rows at places `at`, ... of the chunk by columns, a part for each block they lie in."""
    cdef SparseShare* share = &job.csr.shares[worker.number]
    cdef SparsePart* part
    cdef size_t entries = 0, starts_size = job.net.n_in + 2
    cdef Py_ssize_t s, end = at + rows, count
    cdef real* values
    cdef int32_t* numbers
    for s in range(at, end):
        entries += job.csr.in_hand[s].n
    if not reserve(
        &share.sorted, entries * (sizeof(real) + sizeof(int32_t)) + MOST_PARTS * starts_size * sizeof(int32_t)
    ):
        return NO_MEMORY
    values, numbers = <real*>share.sorted.memory, <int32_t*>(share.sorted.memory + entries * sizeof(real))
    share.n_parts = 0
    s = at
    while s < end:
        count = min(end - s, BLOCK_ROWS - s % BLOCK_ROWS)
        part = &share.parts[share.n_parts]
        part.starts, part.samples, part.values = numbers, numbers + starts_size, values
        part.block = s // BLOCK_ROWS
        job.net.kernels.sort_entries(
            job.csr.in_hand + s, count, s, numbers, numbers + starts_size, values, job.net.n_in)
        entries = part.starts[job.net.n_in]
        numbers, values = numbers + starts_size + entries, values + entries
        share.n_parts += 1
        s += count
    return DONE


cdef void forget_parts(const Job* job, const Worker* worker) noexcept nogil:
    """A worker that gets no rows has no parts either."""
    if job.csr != NULL:
        job.csr.shares[worker.number].n_parts = 0


cdef void take_parts(
    const Job* job, Py_ssize_t worker, Py_ssize_t behind, Py_ssize_t at, Py_ssize_t rows, SparsePart* parts, Panel* panel,
) noexcept nogil:
    """Give the panel the parts, in order, of some workers that lie at places `at` to at + rows, whole blocks."""
    cdef Py_ssize_t p
    cdef const SparseShare* share
    panel.parts, panel.n_parts = parts, 0
    if job.csr == NULL:
        return
    while worker < behind:
        share = &job.csr.shares[worker]
        for p in range(share.n_parts):
            if at <= share.parts[p].block * BLOCK_ROWS < at + rows:
                parts[panel.n_parts] = share.parts[p]
                panel.n_parts += 1
        worker += 1


cdef void sparse_panel_gradient(const Job* job, const Panel* panel, bint add) noexcept nogil:
    """grad_W of a panel of the first layer over the panel's parts; its padding becomes 0."""
    cdef const Layer* layer = &job.net.layers[0]
    if layer.narrow:
        job.net.kernels.sparse_gradient(
            panel.parts, panel.n_parts, layer.delta + panel.k, layer.stride, panel.gradient, panel.stride,
            panel.j, min(panel.columns, layer.W_columns - panel.j), panel.rows, True, add)
        clear_padding(layer, panel, panel.gradient, panel.stride)
    else:
        job.net.kernels.sparse_gradient(
            panel.parts, panel.n_parts, layer.delta + panel.j, layer.stride, panel.gradient, panel.stride,
            panel.k, panel.rows, panel.columns, False, add)


cdef void sparse_descend_panel(const Job* job, const Worker* worker, const Panel* panel) noexcept nogil:
    """The gradient of a panel of the first layer and its update by plain SGD at once."""
    cdef const Layer* layer = &job.net.layers[0]
    cdef real* W = layer.W + panel.k * layer.W_stride + panel.j
    if layer.narrow:
        job.net.kernels.sparse_descend(
            panel.parts, panel.n_parts, layer.delta + panel.k, layer.stride, W, layer.W_stride,
            worker.rule.learning_rate, panel.j, min(panel.columns, layer.W_columns - panel.j), panel.rows, True)
    else:
        job.net.kernels.sparse_descend(
            panel.parts, panel.n_parts, layer.delta + panel.j, layer.stride, W, layer.W_stride,
            worker.rule.learning_rate, panel.k, panel.rows, panel.columns, False)
