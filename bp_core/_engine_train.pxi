"""Training: steps and epochs inside one native call.

A call runs until its epochs are done, its time is up, the target loss is reached or something is
wrong. All that must outlive it lies in arrays of the caller, which are up to date after every step.
"""
from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from bp_core._kernel_table cimport ADAGRAD, MOMENTUM, NESTEROV, OPTIMIZERS, RMSPROP, RPROP

cdef extern from "clock.h" nogil:
    double bp_clock()

cdef extern from "bit_generator.h" nogil:
    ctypedef struct bp_bit_generator:
        void* state
        uint64_t (*next_uint64)(void* state) noexcept nogil

cdef enum:                      # the places of the counters
    STEP, EPOCH, POSITION
    COUNTERS

cdef enum:                      # the places of the running numbers
    LOSS_SUM = POWERS           # behind the powers
    LAST_RATE
    RUNNING

cdef Py_ssize_t MAX_SHUFFLED = <Py_ssize_t>0xFFFFFFFF

cdef double CLOCK_INTERVAL = 1e-3   # seconds between two readings of the clock, about

ctypedef struct Pace:           # reads the clock about once a millisecond and shares time among epochs
    double start
    double last
    double unshared             # seconds not yet given to an epoch
    Py_ssize_t wait             # steps to the next reading
    Py_ssize_t stride           # steps between two readings
    Py_ssize_t shared           # epochs that have their time

ctypedef struct Training:
    Job job
    Update update
    Run order                   # (n,) the order of the rows in this epoch
    Run rates                   # (1,), or one for each step of the call if it `varies`
    bint varies
    bint given_order            # every epoch of this call goes by `order` as it is
    Run counters
    Run running
    Run losses                  # (epochs,) OUT
    Run seconds                 # (epochs,) INOUT: the seconds of an epoch are added
    bp_bit_generator* random    # NULL: rows as they lie
    Py_ssize_t batch_size
    Py_ssize_t epochs           # of this call
    Py_ssize_t done             # epochs finished in this call
    Py_ssize_t threads          # wanted
    double target_loss          # stop at an epoch at or below; -inf: never
    double budget               # seconds
    Pace pace
    Py_ssize_t first            # the batch in hand: its place in the order
    Py_ssize_t rows
    bint over                   # no further step
    Status status               # why


cdef inline uint32_t next_half(bp_bit_generator* random, uint64_t* word, Py_ssize_t* halves) noexcept nogil:
    """The lower half of a word, then its upper half."""
    if halves[0] == 0:
        word[0], halves[0] = random.next_uint64(random.state), 2
    halves[0] -= 1
    return <uint32_t>(word[0] if halves[0] == 1 else word[0] >> 32)


cdef void shuffle_order(bp_bit_generator* random, int64_t* order, Py_ssize_t n) noexcept nogil:
    """A uniform permutation of 0 ... n - 1 (Fisher and Yates, from the end), n below 2^32.

    A number below `bound` is the upper half of half a word times `bound`, drawn again where the lower half
    is one of the 2^32 mod bound that would come once too often (D. Lemire, 2019).
    """
    cdef uint64_t word = 0, product
    cdef Py_ssize_t i, other, halves = 0
    cdef uint32_t bound
    cdef int64_t row
    for i in range(n - 1, 0, -1):
        bound = <uint32_t>(i + 1)
        product = <uint64_t>next_half(random, &word, &halves) * bound
        if <uint32_t>product < bound:
            while <uint32_t>product < -bound % bound:
                product = <uint64_t>next_half(random, &word, &halves) * bound
        other = <Py_ssize_t>(product >> 32)
        row = order[i]
        order[i] = order[other]
        order[other] = row


cdef void begin_epoch(Training* t) noexcept nogil:
    """The order of its rows: as they lie, and shuffled unless the epoch is one batch."""
    cdef int64_t* order = <int64_t*>t.order.data
    cdef Py_ssize_t i, n = t.job.X.rows
    (<double*>t.running.data)[LOSS_SUM] = 0
    if t.given_order:
        t.job.order = order
        return
    if t.random == NULL or t.batch_size >= n:
        t.job.order = NULL
        return
    for i in range(n):
        order[i] = i
    shuffle_order(t.random, order, n)
    t.job.order = order


cdef void lay_batch(Training* t) noexcept nogil:
    """The next batch, the first of a new epoch where the last one is done."""
    cdef Py_ssize_t position = <Py_ssize_t>(<int64_t*>t.counters.data)[POSITION]
    if position == 0:
        begin_epoch(t)
    t.first, t.rows = position, min(t.batch_size, t.job.X.rows - position)
    t.job.batch_first = position
    t.job.step = <uint64_t>(<int64_t*>t.counters.data)[STEP]


cdef void stop(Training* t, Status status) noexcept nogil:
    t.over, t.status = True, status


cdef void finish_step(Training* t, const Worker* worker, double loss) noexcept nogil:
    """The leader's books of a step: its loss and, while the others still apply it, what comes next."""
    cdef int64_t* counters = <int64_t*>t.counters.data
    cdef double* running = <double*>t.running.data
    cdef bint reached = False
    memcpy(running, worker.powers, POWERS * sizeof(double))
    running[LAST_RATE] = worker.last_rate
    running[LOSS_SUM] += loss * share_of_epoch(&t.job, t.first, t.rows)
    counters[STEP] += 1
    counters[POSITION] += t.rows
    if counters[POSITION] == t.job.X.rows:
        reached = end_epoch(t)
    if reached:
        stop(t, TARGET_LOSS)
    elif t.done == t.epochs:
        stop(t, DONE)
    elif out_of_time(t) or (t.varies and worker.taken == t.rates.length):
        stop(t, OUT_OF_TIME)
    else:
        lay_batch(t)


cdef bint run_step(Training* t, Worker* worker) noexcept nogil:
    """One step over the batch in hand, by all workers together; False where it could not be taken.

    Barrier: all rows are in. The slices of the parameters. Barrier.
    """
    cdef Job* job = &t.job
    cdef bint clips = t.update.recipe.clip_norm > 0, taken
    cdef double size = size_of_batch(job, t.first, t.rows)
    share_penalty(&t.update.recipe, worker, size)
    sum_penalties(job, &t.update, worker)
    if exchanges_gradients(job, t.rows):
        taken = run_blocks(t, worker, size, not clips)
    else:
        taken = run_chunks(t, worker, size, not clips)
    if not taken:
        return False
    if clips:
        sum_blocks(job, worker, job.net.kernels.sum_squares, job.gradient, True, job.block_sums)
        bp_barrier_wait(&job.team.barrier)
        apply_slice(job, &t.update, worker)
        bp_barrier_wait(&job.team.barrier)
    finish_parameters(t, worker)
    return True


cdef void finish_parameters(Training* t, Worker* worker) noexcept nogil:
    """What follows an update that all workers have made: the bound on norms, barrier; the moving average."""
    if t.update.recipe.max_norm > 0:
        limit_slice(&t.job, &t.update, worker)
        bp_barrier_wait(&t.job.team.barrier)
    if t.update.mean.open:
        average_slice(&t.job, &t.update, worker)


cdef bint run_blocks(Training* t, Worker* worker, double size, bint applied) noexcept nogil:
    """The gradient of the batch in hand, penalised, and `applied`: blocks first, then slices."""
    cdef Job* job = &t.job
    cdef Py_ssize_t rows = t.rows
    blocks_pass(job, worker, t.first, rows, size * job.gradient_outputs)
    bp_barrier_wait(&job.team.barrier)
    if first_failure(job) != NULL:
        return False
    if not take_loss(t, worker, total_of_losses(job, rows) / (size * job.value_outputs) + penalty(job, worker)):
        return False
    blocks_slice(job, &t.update, worker, rows, applied)
    bp_barrier_wait(&job.team.barrier)
    return True


cdef bint run_chunks(Training* t, Worker* worker, double size, bint applied) noexcept nogil:
    """The same, chunk by chunk: each chunk's rows, barrier, slices, barrier."""
    cdef Job* job = &t.job
    cdef Py_ssize_t first = t.first, rows = t.rows, at = 0, count
    cdef double sum = 0
    cdef bint last
    while at < rows:
        count = min(rows - at, job.chunk)
        last = at + count == rows
        rows_pass(job, worker, first + at, count, size * job.gradient_outputs)
        bp_barrier_wait(&job.team.barrier)
        if first_failure(job) != NULL:
            return False
        sum_losses(job, count, &sum)
        if last and not take_loss(t, worker, sum / (size * job.value_outputs) + penalty(job, worker)):
            return False
        slice_pass(job, &t.update, worker, count, at > 0, last, last and applied)
        bp_barrier_wait(&job.team.barrier)
        at += count
    return True


cdef inline double rate_of_step(const Training* t, const Worker* worker) noexcept nogil:
    return (<const double*>t.rates.data)[worker.taken if t.varies else 0]


cdef bint take_loss(Training* t, Worker* worker, double loss) noexcept nogil:
    """Prepare the update, or refuse it where the loss is not finite; the leader keeps the books."""
    if not isfinite(loss):
        return False
    begin_step(&t.update.recipe, worker, rate_of_step(t, worker))
    if worker.number == 0:
        finish_step(t, worker, loss)
    return True


cdef void work_through(void* training, Py_ssize_t number) noexcept nogil:
    """All steps of a call, as one of its workers sees them."""
    cdef Training* t = <Training*>training
    cdef Worker* worker = &t.job.workers[number]
    cdef const Worker* failed
    memcpy(worker.powers, t.update.powers, POWERS * sizeof(double))
    worker.last_rate, worker.taken = (<const double*>t.running.data)[LAST_RATE], 0
    if goes_small(t):
        run_small(t, worker)
        return
    while not t.over:
        if run_step(t, worker):
            continue
        if number == 0:
            failed = first_failure(&t.job)
            stop(t, NOT_FINITE if failed == NULL else failed.status)
            t.job.bad_row = 0 if failed == NULL else failed.bad_row
        return


cdef void read_clock(Training* t) noexcept nogil:
    """Share the time since the last reading among the epochs finished since, and set the next reading."""
    cdef Pace* pace = &t.pace
    cdef double now = bp_clock()
    cdef double* seconds = <double*>t.seconds.data
    cdef Py_ssize_t epoch
    pace.unshared += now - pace.last
    if t.done > pace.shared:
        for epoch in range(pace.shared, t.done):
            seconds[epoch] += pace.unshared / <double>(t.done - pace.shared)
        pace.shared, pace.unshared = t.done, 0
    if now - pace.last < 0.5 * CLOCK_INTERVAL:
        pace.stride *= 2
    elif now - pace.last > 2 * CLOCK_INTERVAL and pace.stride > 1:
        pace.stride //= 2
    pace.last, pace.wait = now, pace.stride


cdef bint out_of_time(Training* t) noexcept nogil:
    t.pace.wait -= 1
    if t.pace.wait > 0:
        return False
    read_clock(t)
    return t.pace.last - t.pace.start >= t.budget


cdef bint end_epoch(Training* t) noexcept nogil:
    """Write the epoch's loss down; True if it reaches the target."""
    cdef int64_t* counters = <int64_t*>t.counters.data
    cdef double share = share_of_epoch(&t.job, 0, t.job.X.rows)
    cdef double loss = (<double*>t.running.data)[LOSS_SUM] / share if share > 0 else 0
    (<double*>t.losses.data)[t.done] = loss
    t.done += 1
    counters[EPOCH] += 1
    counters[POSITION] = 0
    return loss <= t.target_loss


cdef Status train_without_gil(Training* t) noexcept nogil:
    t.pace.start = t.pace.last = bp_clock()
    t.pace.wait = t.pace.stride = 1
    start_pass(&t.job.net)
    lay_batch(t)
    run_team(&t.job.team, work_through, t, t.threads)
    read_clock(t)
    (<double*>t.seconds.data)[min(t.done, t.epochs - 1)] += t.pace.unshared
    return t.status


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


def shuffle(order, random):
    """Put the numbers 0 ... n - 1 into `order` (n,) as `train` shuffles the rows of an epoch."""
    cdef Run run
    cdef Py_ssize_t i
    cdef bp_bit_generator* words = <bp_bit_generator*>PyCapsule_GetPointer(random, "BitGenerator")
    run.open = False
    try:
        open_run(&run, order, b'q', True, "the order of the rows")
        if run.length > MAX_SHUFFLED:
            raise ValueError(f"{run.length} rows are too many to shuffle; expected at most {MAX_SHUFFLED}")
        with nogil:
            for i in range(run.length):
                (<int64_t*>run.data)[i] = i
            shuffle_order(words, <int64_t*>run.data, run.length)
    finally:
        close_run(&run)


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
