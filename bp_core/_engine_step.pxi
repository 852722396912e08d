"""One step from Python by the shortest way: plain arrays in, everything else prepared by the trainer.

A step that cannot go this way changes nothing: the longer way takes it, or says in the user's words why not.
"""
from libc.math cimport INFINITY

cdef double SUM_TOLERANCE = 5e-4        # well within the longer way's

cdef enum:
    SHORT_STEP = 1 << 14                # rows times parameters


cdef void clear_training(Training* t, Py_ssize_t threads) noexcept nogil:
    """Zeros, but for the workers that are not there, who are most of it, and the number of those who are."""
    cdef char* start = <char*>t
    cdef char* workers = <char*>&t.job.workers[0]
    cdef char* rest = <char*>&t.update
    memset(start, 0, workers - start)
    memset(workers, 0, threads * sizeof(Worker))
    memset(rest, 0, start + sizeof(Training) - rest)
    t.threads = threads


cdef bint are_probabilities(const Job* job) noexcept nogil:
    """Whether all targets lie from 0 to 1 and, for cross_entropy, every row sums to 1."""
    cdef Py_ssize_t s, j
    cdef const real* row
    cdef double sum
    if not is_rows_of_real(&job.y):
        return False
    for s in range(job.y.rows):
        row = <const real*>(job.y.data + s * job.y.row_step)
        sum = 0
        for j in range(job.y.columns):
            if not 0 <= row[j] <= 1:
                return False
            sum += row[j]
        if job.loss == CROSS_ENTROPY and not 1 - SUM_TOLERANCE <= sum <= 1 + SUM_TOLERANCE:
            return False
    return True


cdef bint are_from_zero(const Job* job) noexcept nogil:
    """Whether no target lies below 0."""
    cdef Py_ssize_t s, j
    if not is_rows_of_real(&job.y):
        return False
    for s in range(job.y.rows):
        for j in range(job.y.columns):
            if not (<const real*>(job.y.data + s * job.y.row_step))[j] >= 0:
                return False
    return True


cdef bint are_classes(const Job* job) noexcept nogil:
    """Whether there is one class of this network's for each row."""
    cdef const int64_t* index = <const int64_t*>job.classes.data
    cdef Py_ssize_t s
    if job.classes.length != job.X.rows:
        return False
    for s in range(job.classes.length):
        if not 0 <= index[s] < job.net.n_out:
            return False
    return True


cdef bint open_plain_classes(Job* job, object y) except -1:
    """Open class indices: a contiguous ndarray (n,) of int64, all in range."""
    cdef const char* code
    if type(y) is not plain_array or try_buffer(y, &job.classes.buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0:
        PyErr_Clear()
        return False
    job.classes.open = True
    code = job.classes.buffer.format
    if job.classes.buffer.ndim != 1 or job.classes.buffer.itemsize != 8:
        return False
    if (code[0] != b'l' and code[0] != b'q') or code[1] != 0:
        return False
    job.classes.data, job.classes.length = job.classes.buffer.buf, job.classes.buffer.shape[0]
    return are_classes(job)


cdef bint open_plain_targets(Job* job, object y) except -1:
    """Open plain targets that the loss takes as they are."""
    if not open_plain(y, &job.y):
        close_table(&job.y)
        return job.loss == CROSS_ENTROPY and open_plain_classes(job, y)
    if job.y.buffer.ndim == 1 and job.loss == CROSS_ENTROPY:
        return False                    # classes written as floats
    if job.y.rows != job.X.rows or job.y.columns != job.net.n_out:
        return False
    if job.loss == POISSON:
        return are_from_zero(job)
    return not loss_reads_z(job.loss) or are_probabilities(job)


cdef bint open_step(Training* t, tuple prepared, object X, object y) except -1:
    """Open all that a step reads and writes; False where the data need the longer way."""
    _, _, _, plan, parameters, recipe, state, objective, rows, workspace, rates, _, _ = prepared
    cdef Needs needs
    open_objective(&t.job, objective)
    t.epochs, t.batch_size, t.target_loss, t.budget = 1, rows, -INFINITY, INFINITY
    open_net(&t.job.net, plan)
    if not open_plain(X, &t.job.X) or t.job.X.buffer.ndim != 2 or t.job.X.rows < 1:
        return False
    if t.job.X.rows != t.batch_size or t.job.X.columns != t.job.net.n_in or not open_plain_targets(&t.job, y):
        return False
    check_loss(&t.job.net, t.job.loss)
    open_reals(&t.job.parameters, parameters, t.job.net.size, True, "the parameters")
    open_update(t, recipe, state)
    open_rates(t, rates)
    needs = training_needs(
        &t.job.net, t.job.X.rows, t.batch_size, t.update.recipe.clip_norm > 0, has_dropout(&t.job.net), t.threads)
    t.job.chunk = t.threads * <Py_ssize_t>CHUNK_ROWS
    bind_parameters(&t.job.net, <real*>t.job.parameters.data)
    bind_workspace(&t.job, &needs, workspace)
    return True


cdef bint find_rate(Training* t, int64_t first, int64_t step) noexcept:
    """Have the rates begin with that of this step; they begin with that of step `first`, or hold for all if it is -1."""
    if first < 0:
        return True
    if step < first or step - first >= t.rates.length:
        return False
    t.rates.data = <double*>t.rates.data + (step - first)
    t.rates.length -= <Py_ssize_t>(step - first)
    return True


cdef bint is_short(const Training* t) noexcept nogil:
    """Whether a step takes about as long as giving the GIL away and getting it back."""
    return t.threads == 1 and t.job.X.rows <= SHORT_STEP // t.job.net.size


cdef Status take_step(Training* t, double* loss) noexcept:
    cdef double seconds = 0
    cdef Status status
    t.losses.data, t.seconds.data = loss, &seconds
    if is_short(t):
        return train_without_gil(t)
    with nogil:
        status = train_without_gil(t)
    return status


def step(tuple prepared, X, y):
    """One step over the rows of X as one batch; returns the loss before it.

    `prepared` is (acquire and release of the network's lock, counters, plan, parameters, recipe, state, objective,
    rows, workspace, rates, the step of the first rate or -1 where one holds for all, threads), as `train` takes them; of
    the counters the step is counted. None, with nothing changed, where the step needs the longer way: arrays that are
    not plain, other rows than the workspace is for, no rate for this step, a network in other hands, a number that is
    not finite, and all else that is wrong.
    """
    cdef Training t
    cdef Run counters
    cdef int64_t* step_count
    cdef double loss = 0
    acquire, release, books = prepared[:3]
    t.threads = check_threads(prepared[12])
    if not acquire(False):
        return None
    clear_training(&t, t.threads)
    counters.open = False
    try:
        open_run(&counters, books, b'q', True, "the counters")
        expect_length(&counters, COUNTERS, "the counters")
        step_count = <int64_t*>counters.data + STEP
        if not open_step(&t, prepared, X, y) or not find_rate(&t, prepared[11], step_count[0]):
            return None
        if take_step(&t, &loss) != DONE:
            return None
        step_count[0] += 1
        return loss
    finally:
        close_run(&counters)
        close_training(&t)
        release()
