"""Training: steps and epochs inside one native call.

A call runs until its epochs are done, its time is up, the target loss is reached or something is
wrong. All that must outlive it lies in arrays of the caller, which are up to date after every step.
"""
from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

cdef extern from "clock.h" nogil:
    double bp_clock()

cdef enum:                      # the places of the counters
    STEP, EPOCH, POSITION
    COUNTERS

cdef enum:                      # the places of the running numbers
    LOSS_SUM = POWERS           # behind the powers
    LAST_RATE
    RUNNING

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
