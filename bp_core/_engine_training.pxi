"""What training is given, opened and checked, and what it needs of the workspace."""
from bp_core._kernel_table cimport ADAGRAD, MOMENTUM, NESTEROV, OPTIMIZERS, RMSPROP, RPROP


cdef int open_update(Training* t, recipe, tuple state) except -1:
    """The optimiser, and the arrays it lives in: (m, v and the moving average or None, counters, running)."""
    cdef Recipe* r = &t.update.recipe
    cdef Py_ssize_t size = t.job.net.size
    (r.optimizer, r.momentum, r.rho, r.epsilon, r.weight_decay, r.l2, r.l1, r.clip_norm,
     r.velocity, r.raw_epsilon, r.shares_penalty, r.max_norm, r.average_share, dropout,
     t.job.dropout_key) = plain_tuple(recipe)
    if not 0 <= r.optimizer < OPTIMIZERS:
        raise ValueError(f"unknown optimizer, number {r.optimizer}")
    m, v, mean, counters, running = state
    open_dropout(&t.job.net, dropout)
    if r.average_share != 0:
        open_reals(&t.update.mean, mean, size, True, "the moving average")
    if m is not None:
        open_reals(&t.update.m, m, size, True, "the optimizer's first state")
    if v is not None:
        open_reals(&t.update.v, v, size, True, "the optimizer's second state")
    open_run(&t.counters, counters, b'q', True, "the counters")
    expect_length(&t.counters, COUNTERS, "the counters")
    open_run(&t.running, running, b'd', True, "the running numbers")
    expect_length(&t.running, RUNNING, "the running numbers")
    t.update.powers = <double*>t.running.data
    return check_state(t)


cdef int open_dropout(Net* net, dropout) except -1:
    """How many of 2^32 units each hidden layer keeps, from the shares it drops; none given: no dropout."""
    cdef double kept
    cdef Py_ssize_t l
    if not dropout:
        return 0
    if len(dropout) != net.n_layers - 1:
        raise ValueError(f"{len(dropout)} dropout rates; expected {net.n_layers - 1}, one for each hidden layer")
    for l in range(net.n_layers - 1):
        kept = 1 - <double>dropout[l]
        if not 1e-9 < kept <= 1:
            raise ValueError(f"dropout is {dropout[l]}; expected rates from 0 up to, not including, 1")
        if kept < 1:
            net.layers[l].kept = <uint32_t>min(kept * 4294967296.0, 4294967295.0)
        net.layers[l].kept_scale = <real>(1 / kept)
    return 0


cdef bint has_dropout(const Net* net) noexcept nogil:
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        if net.layers[l].kept > 0:
            return True
    return False


cdef int check_state(Training* t) except -1:
    """Raise if the optimiser's arrays are missing or the position is none in these rows."""
    cdef int kind = t.update.recipe.optimizer
    cdef int64_t position = (<int64_t*>t.counters.data)[POSITION]
    if kind in (MOMENTUM, NESTEROV, ADAM, ADAMW, NADAM, RPROP) and not t.update.m.open:
        raise ValueError("this optimizer needs its first state")
    if kind in (RMSPROP, ADAGRAD, ADAM, ADAMW, NADAM, RPROP) and not t.update.v.open:
        raise ValueError("this optimizer needs its second state")
    if not 0 <= position < t.job.X.rows:
        raise ValueError(f"position {position} lies outside the {t.job.X.rows} rows")
    return 0


cdef int open_rates(Training* t, object rates) except -1:
    open_run(&t.rates, rates, b'd', False, "the learning rates")
    return expect_length(&t.rates, 1, "the learning rates")


cdef int open_epochs(Training* t, object order, object losses, object seconds) except -1:
    open_run(&t.order, order, b'q', True, "the order of the rows")
    open_run(&t.losses, losses, b'd', True, "the losses")
    open_run(&t.seconds, seconds, b'd', True, "the seconds")
    expect_length(&t.losses, t.epochs, "the losses")
    expect_length(&t.seconds, t.epochs, "the seconds")
    if t.random != NULL or t.given_order:
        expect_length(&t.order, t.job.X.rows, "the order of the rows")
        if t.job.X.rows > MAX_SHUFFLED:
            raise ValueError(f"{t.job.X.rows} rows are too many to shuffle; expected at most {MAX_SHUFFLED}")
    if t.given_order or (t.random != NULL and t.batch_size < t.job.X.rows):
        t.job.order = <const int64_t*>t.order.data       # an epoch begun in an earlier call goes on
    if t.epochs < 1 or t.batch_size < 1:
        raise ValueError(f"{t.epochs} epochs with batches of {t.batch_size}; expected at least 1 of each")
    return 0


cdef void close_training(Training* t) noexcept:
    close_job(&t.job)
    close_run(&t.update.m)
    close_run(&t.update.v)
    close_run(&t.update.mean)
    close_run(&t.order)
    close_run(&t.rates)
    close_run(&t.counters)
    close_run(&t.running)
    close_run(&t.losses)
    close_run(&t.seconds)


cdef Needs training_needs(
    const Net* net, Py_ssize_t n, Py_ssize_t batch_size, bint clips, bint drops, Py_ssize_t threads,
) noexcept nogil:
    """A batch of one chunk without clipping goes panel by panel, any other by the whole gradient.

    A small network has its whole gradient too, and room for all rows where they are few; so have workers that
    exchange gradients, each with a chunk for itself.
    """
    cdef Needs needs
    cdef Py_ssize_t rows = min(n, batch_size), chunk = threads * <Py_ssize_t>CHUNK_ROWS
    memset(&needs, 0, sizeof(needs))
    needs.drops = drops
    needs.small = threads == 1 and not drops and rows <= BLOCK_ROWS and is_small(net)
    needs.rows = n if needs.small and n <= BLOCK_ROWS else min(rows, chunk)
    needs.threads = threads
    needs.backward = True
    needs.blocks = exchanged_blocks(net, rows, threads)
    if needs.blocks:
        needs.rows = chunk
    needs.gradient = rows > chunk or clips or needs.small or needs.blocks > 0
    return needs
