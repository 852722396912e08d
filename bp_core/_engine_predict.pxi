"""Prediction: many rows in threads, one row by the shortest way."""
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from numpy import empty, ndarray

cdef extern from "Python.h":
    int try_buffer "PyObject_GetBuffer"(object array, Py_buffer* buffer, int flags) noexcept
    void PyErr_Clear()

cdef object new_array = empty       # found once, not by name at every call
cdef object new_dtype = DTYPE
cdef object plain_array = ndarray   # its subclasses may mean more than their numbers: a mask, for one

cdef enum:
    SMALL = 2048                # reals of scratch that live on the stack
    ROWS_STEP = 12              # the tiles' heights, but for a few, divide it
    MOST_ROWS = 252             # taken through all layers at once,
    WIDE_ROWS = 132             # or so many where a layer
    WIDE = 520                  # is wider, so that two layers' activations stay in the second-level cache
    SHARED_WORK = 1 << 23       # rows times parameters, from which on threads may be of use


ctypedef struct Prediction:         # all that the threads of one prediction share
    Net* net
    Table X
    Csr* csr                        # X where it is sparse, else NULL
    Run parameters                  # that `out` may not overlap
    Run out
    real* room
    Py_ssize_t block                # rows taken through all layers at once
    Team team


cdef Py_ssize_t prediction_reals(const Net* net, Py_ssize_t rows) noexcept nogil:
    """Room for converted rows and two layers of activations; each piece a whole number of lines."""
    return rows * (net.x_stride + 2 * net.widest)


cdef Py_ssize_t room_of_thread(const Prediction* p) noexcept nogil:
    """What a thread needs of that for its blocks: no room for rows of X where X is sparse."""
    return 2 * p.block * p.net.widest if p.csr != NULL else prediction_reals(p.net, p.block)


cdef void leave_out_rows(Net* net) noexcept nogil:
    """Let the widest row be one of a layer's, where there is no room for rows of X."""
    cdef Py_ssize_t l
    net.widest = 0
    for l in range(net.n_layers):
        net.widest = max(net.widest, net.layers[l].stride)


cdef inline void copy_rows(
    const real* rows_from, Py_ssize_t stride, real* out, Py_ssize_t out_stride, Py_ssize_t n, Py_ssize_t rows,
) noexcept nogil:
    """Rows of n numbers, from `stride` apart to `out_stride` apart."""
    cdef Py_ssize_t s
    for s in range(rows):
        memcpy(out + s * out_stride, rows_from + s * stride, n * sizeof(real))


cdef void upper_layers(
    const Net* net, Py_ssize_t l, const real* a_prev, Py_ssize_t a_prev_stride, Py_ssize_t rows,
    real* pair, Py_ssize_t block, real* out,
) noexcept nogil:
    """From layer l to the output, layer after layer between two rooms; a_prev may be the first of them if l is 1."""
    cdef const Layer* layer
    cdef real* a
    while l < net.n_layers:
        layer = &net.layers[l]
        a = pair + l % 2 * block * net.widest
        layer_forward(net, layer, a_prev, a_prev_stride, a, a, rows)
        a_prev, a_prev_stride = a, layer.stride
        l += 1
    copy_rows(a_prev, a_prev_stride, out, net.n_out, net.n_out, rows)


cdef void predict_block(
    const Net* net, const Table* X, Py_ssize_t first, Py_ssize_t rows, real* room, Py_ssize_t block, real* out,
) noexcept nogil:
    """The output for some rows of X, layer after layer between two rooms.

    Rows are read in place where they are numbers of this kind, but for a narrow layer, which reads whole words.
    """
    cdef const real* a_prev = room
    cdef Py_ssize_t a_prev_stride = net.x_stride
    if is_rows_of_real(X) and not net.layers[0].narrow:
        a_prev, a_prev_stride = <const real*>(X.data + first * X.row_step), X.row_step // <Py_ssize_t>sizeof(real)
    else:
        read_rows(net.kernels, X, first, NULL, rows, 0, room, net.x_stride)
    upper_layers(
        net, 0, a_prev, a_prev_stride, rows, room + block * net.x_stride, block, out + first * net.n_out)


cdef Status predict_sparse_block(
    const Prediction* p, SparseShare* share, SparseRow* rows_in_hand, Py_ssize_t first, Py_ssize_t rows, real* room,
) noexcept nogil:
    """The same for sparse rows; a number that is not finite is no reason to stop."""
    cdef const Layer* layer = &p.net.layers[0]
    cdef Status status = gather_sparse(
        p.net.kernels, p.csr, &share.entries, first, NULL, rows, rows_in_hand, &share.bad_row)
    if status != DONE and status != BAD_X:
        return status
    sparse_layer_forward(p.net, rows_in_hand, room, room, rows)
    upper_layers(
        p.net, 1, room, layer.stride, rows, room, p.block, <real*>p.out.data + first * p.net.n_out)
    return DONE


cdef void predict_share(void* prediction, Py_ssize_t number) noexcept nogil:
    """One thread's blocks of rows."""
    cdef Prediction* p = <Prediction*>prediction
    cdef real* room = p.room + number * room_of_thread(p)
    cdef Py_ssize_t blocks = (p.X.rows + p.block - 1) // p.block, size = p.team.barrier.size
    cdef Py_ssize_t first = blocks * number // size * p.block
    cdef Py_ssize_t end = min(p.X.rows, blocks * (number + 1) // size * p.block)
    while first < end:
        if p.csr != NULL:
            p.csr.shares[number].status = predict_sparse_block(
                p, &p.csr.shares[number], p.csr.in_hand + number * p.block, first, min(p.block, end - first), room)
            if p.csr.shares[number].status != DONE:
                return
        else:
            predict_block(
                p.net, &p.X, first, min(p.block, end - first), room, p.block, <real*>p.out.data)
        first += p.block


cdef inline Py_ssize_t rows_at_once(const Prediction* p, Py_ssize_t threads) noexcept nogil:
    """Rows of a block: many, for the sake of packing, and few enough for every thread to have some."""
    cdef Py_ssize_t share = (p.X.rows + threads - 1) // threads
    return min(
        <Py_ssize_t>(MOST_ROWS if p.net.widest <= WIDE else WIDE_ROWS),
        (share + ROWS_STEP - 1) // ROWS_STEP * ROWS_STEP, p.X.rows)


cdef int predict_in_threads(Prediction* p, Py_ssize_t threads) except -1:
    """Find room, and predict without the GIL."""
    cdef Py_ssize_t size
    cdef real* room
    threads = max(<Py_ssize_t>1, min(threads, <Py_ssize_t>MOST_THREADS))
    p.block = rows_at_once(p, threads)
    threads = min(threads, (p.X.rows + p.block - 1) // p.block)
    if p.csr != NULL:
        take_shares(p.csr, threads * p.block, threads)
    size = threads * room_of_thread(p) + bias_rows_size(p.net) + LINE
    room = <real*>malloc(size * sizeof(real))
    if room == NULL:
        raise MemoryError(f"no memory for {size} numbers of scratch")
    with nogil:
        p.room = <real*>((<size_t>room + 63) // 64 * 64)
        prepare_bias_rows(p.net, p.room + threads * room_of_thread(p))
        run_team(&p.team, predict_share, p, threads)
        free(room)
    return 0


cdef void prepare_bias_rows(Net* net, real* room) noexcept nogil:
    cdef Py_ssize_t l
    take_bias_rows(net, &room)
    for l in range(net.n_layers):
        spread_bias(&net.layers[l])


cdef int predict_rows(Prediction* p, Py_ssize_t threads) except -1:
    """All rows: on the stack where they and the network are small, then without releasing the GIL."""
    cdef real small[2048]
    cdef Py_ssize_t size, rows = p.X.rows
    if rows > BLOCK_ROWS or p.csr != NULL:
        return predict_in_threads(p, threads)
    size = prediction_reals(p.net, rows)
    if size + bias_rows_size(p.net) > SMALL:
        return predict_in_threads(p, threads)
    prepare_bias_rows(p.net, small + size)
    predict_block(p.net, &p.X, 0, rows, small, rows, <real*>p.out.data)
    return 0


cdef bint open_plain(object array, Table* table) except -1:
    """Open an ndarray of one or two dimensions, float32 or float64 as this CPU writes them; False for all else."""
    cdef const char* code
    if type(array) is not plain_array:
        return False
    if try_buffer(array, &table.buffer, PyBUF_STRIDES | PyBUF_FORMAT) < 0:
        PyErr_Clear()                       # dates, for one; the longer way says what is wrong
        return False
    table.open = True
    code = table.buffer.format
    if (code[0] != b'f' and code[0] != b'd') or code[1] != 0:
        return False
    if table.buffer.ndim != 1 and table.buffer.ndim != 2:
        return False
    table.kind, table.swapped = FLOAT32 if code[0] == b'f' else FLOAT64, False
    table.data = <const char*>table.buffer.buf
    table.rows, table.row_step = table.buffer.shape[0], table.buffer.strides[0]
    table.columns, table.step = 1, table.buffer.itemsize
    if table.buffer.ndim == 2:
        table.columns, table.step = table.buffer.shape[1], table.buffer.strides[1]
    return True


cdef bint open_plain_rows(object X, Table* table, Py_ssize_t n_in) except -1:
    """Open a plain array of rows, or one row, of n_in numbers side by side."""
    if not open_plain(X, table):
        return False
    if table.buffer.ndim == 1:
        table.columns, table.step, table.rows = table.rows, table.row_step, 1
        table.row_step = n_in * table.step
    return (
        table.columns == n_in and table.rows >= 1 and table.step == table.buffer.itemsize
        and table.row_step >= n_in * table.step)


cdef bint overlap(const void* a, const void* a_end, const void* b, const void* b_end) noexcept nogil:
    return <size_t>a < <size_t>b_end and <size_t>b < <size_t>a_end


cdef bint open_plain_out(Prediction* p, object out) except -1:
    """Open the array to write to; False unless it has the shape, the kind and memory of its own."""
    cdef Py_buffer* buffer = &p.out.buffer
    cdef char code = b'f' if sizeof(real) == sizeof(float) else b'd'
    cdef const char* X_end = p.X.data + (p.X.rows - 1) * p.X.row_step + p.X.columns * p.X.step
    cdef char* end
    if type(out) is not plain_array or try_buffer(out, buffer, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE | PyBUF_FORMAT) < 0:
        PyErr_Clear()
        return False
    p.out.open = True
    if buffer.format[0] != code or buffer.format[1] != 0 or buffer.ndim != p.X.buffer.ndim:
        return False
    if buffer.shape[buffer.ndim - 1] != p.net.n_out or (buffer.ndim == 2 and buffer.shape[0] != p.X.rows):
        return False
    p.out.data, p.out.length = buffer.buf, buffer.len // <Py_ssize_t>sizeof(real)
    end = <char*>buffer.buf + buffer.len
    return <size_t>buffer.buf % sizeof(real) == 0 and not overlap(buffer.buf, end, p.X.data, X_end) and not overlap(
        buffer.buf, end, p.parameters.data, <real*>p.parameters.data + p.parameters.length)


cdef object new_out(Prediction* p):
    """Open a new array for the output."""
    if p.X.buffer.ndim == 1:
        out = new_array(p.net.n_out, new_dtype)
    else:
        out = new_array((p.X.rows, p.net.n_out), new_dtype)
    open_rows(&p.out, out, p.X.rows, p.net.n_out, "out")
    return out


cdef void open_nothing(Prediction* p) noexcept:
    p.X.open = p.parameters.open = p.out.open = False
    p.csr = NULL


cdef void close_prediction(Prediction* p) noexcept:
    close_run(&p.out)
    close_run(&p.parameters)
    close_table(&p.X)
    close_csr(p.csr)


cdef object predict_opened(Prediction* p, object X, object out):
    """Open the data and predict; None where they are not plain, something is wrong, or threads could share the work."""
    if not open_plain_rows(X, &p.X, p.net.n_in) or (p.X.rows > 1 and p.X.rows > SHARED_WORK // p.net.size):
        return None
    if out is None:
        out = new_out(p)
    elif not open_plain_out(p, out):
        return None
    predict_rows(p, 1)
    return out


def predict_plain(bytes plan, parameters, X, out):
    """The output for a plain array, one row or many, in `out` or, where that is None, in a new array.

    None where the input needs the longer way: arrays that are not plain, all that is wrong, and work that threads
    could share.
    """
    cdef Net net
    cdef Prediction p
    open_nothing(&p)
    open_net(&net, plan)
    p.net = &net
    try:
        open_reals(&p.parameters, parameters, net.size, False, "the parameters")
        bind_parameters(&net, <real*>p.parameters.data)
        return predict_opened(&p, X, out)
    finally:
        close_prediction(&p)
        close_net(&net)


cdef tuple outcome_of(const Prediction* p):
    """The status of the first thread that could not read its rows, and the row it means."""
    cdef Py_ssize_t t
    if p.csr != NULL:
        for t in range(p.csr.n_shares):
            if p.csr.shares[t].status != DONE:
                return p.csr.shares[t].status, p.csr.shares[t].bad_row
    return DONE, 0


def predict(bytes plan, parameters, X, out, Py_ssize_t threads):
    """The output for every row of X (n, n_in) into the contiguous array `out` (n, n_out).

    Returns (status, the row that it means): a sparse X may be damaged, or changed by another thread.
    """
    cdef Net net
    cdef Prediction p
    open_nothing(&p)
    open_net(&net, plan)
    p.net = &net
    try:
        if isinstance(X, tuple):
            p.csr = open_csr(X, net.n_in)
            p.X.rows = p.csr.rows
            leave_out_rows(&net)
        else:
            open_table(&p.X, X, "X")
            expect_shape(&p.X, p.X.rows, net.n_in, "X")
        open_reals(&p.parameters, parameters, net.size, False, "the parameters")
        open_rows(&p.out, out, p.X.rows, net.n_out, "out")
        bind_parameters(&net, <real*>p.parameters.data)
        if p.X.rows:
            predict_rows(&p, threads)
        return outcome_of(&p)
    finally:
        close_prediction(&p)
        close_net(&net)
