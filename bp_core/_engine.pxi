"""The engine of one dtype: whole passes, the last check of every size, no state between calls.

A `Prepared` network outlives a call, but never changes.

The Python face checks in the user's words first; what is raised here guards memory. Every call
releases the GIL while it computes.
"""
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.string cimport memset

from numpy import dtype

from bp_core import _dispatch
from bp_core._kernel_table cimport DTYPE_NAME, real

DTYPE = dtype("float32" if sizeof(real) == sizeof(float) else "float64")

include "_engine_plan.pxi"
include "_engine_arrays.pxi"
include "_engine_team.pxi"
include "_engine_csr.pxi"
include "_engine_job.pxi"
include "_engine_passes.pxi"
include "_engine_update.pxi"
include "_engine_slices.pxi"
include "_engine_norms.pxi"
include "_engine_sparse.pxi"
include "_engine_blocks.pxi"
include "_engine_order.pxi"
include "_engine_train.pxi"
include "_engine_training.pxi"
include "_engine_small.pxi"
include "_engine_predict.pxi"
include "_engine_evaluate.pxi"
include "_engine_jacobian.pxi"
include "_engine_normal.pxi"
include "_engine_prepared.pxi"
include "_engine_step.pxi"

cdef void* slot = PyCapsule_GetPointer(
    _dispatch.slots[(<bytes>DTYPE_NAME).decode()], b"bp_core.slot/1/" + <bytes>DTYPE_NAME)

ELEMENTARY = ("exp", "expm1", "log", "log1p", "erf", "tanh", "sigmoid", "cospi", "sqrt")


def elementary(name, x, out):
    """out[i] = name(x[i]) for contiguous x and out of this engine's dtype; returns out."""
    cdef Run source, target
    cdef Py_ssize_t which = ELEMENTARY.index(name)
    memset(&source, 0, sizeof(Run))
    memset(&target, 0, sizeof(Run))
    try:
        open_reals(&source, x, 0, False, "x")
        open_reals(&target, out, source.length, True, "out")
        with nogil:
            (<Kernels**>slot)[0].elementary[which](<const real*>source.data, <real*>target.data, source.length)
    finally:
        close_run(&source)
        close_run(&target)
    return out


cdef bint parameters_finite(const Net* net) noexcept nogil:
    """Whether every W and b is finite; the padding does not matter."""
    cdef const Layer* layer
    cdef Py_ssize_t l, k
    for l in range(net.n_layers):
        layer = &net.layers[l]
        for k in range(layer.W_rows):
            if not net.kernels.all_finite(layer.W + k * layer.W_stride, layer.W_columns):
                return False
        if layer.bias != NO_BIAS and not net.kernels.all_finite(layer.b, b_length(layer)):
            return False
    return True


def all_finite(bytes plan, parameters):
    """Whether every parameter is finite."""
    cdef Net net
    cdef Run run
    cdef bint finite
    run.open = False
    open_net(&net, plan)
    try:
        open_reals(&run, parameters, net.size, False, "the parameters")
        bind_parameters(&net, <real*>run.data)
        with nogil:
            finite = parameters_finite(&net)
        return bool(finite)
    finally:
        close_run(&run)
        close_net(&net)


cdef Py_ssize_t check_threads(Py_ssize_t threads) except -1:
    if not 1 <= threads <= MOST_THREADS:
        raise ValueError(f"{threads} threads; expected 1 to {MOST_THREADS}")
    return threads


def training_workspace(
    bytes plan, Py_ssize_t n, Py_ssize_t batch_size, int loss, bint clips, bint drops, Py_ssize_t threads,
    bint sparse=False,
):
    """The length of the array of zeros that `train` needs as its workspace."""
    cdef Job job
    cdef Needs needs
    if n < 1 or batch_size < 1:
        raise ValueError(f"{n} rows in batches of {batch_size}; expected at least 1 of each")
    memset(&job, 0, sizeof(Job))
    job.loss = loss
    try:
        open_net(&job.net, plan)
        needs = training_needs(&job.net, n, batch_size, clips, drops, check_threads(threads))
        needs.sparse = sparse
        return workspace_reals(&job, &needs)
    finally:
        close_job(&job)


def train(bytes plan, parameters, recipe, tuple state, data, objective, epochs, workspace):
    """Run steps and epochs; see the tuples' unpacking for what they hold.

    Returns (status, the row that a BAD_ status means); the counters tell how many epochs were finished.
    """
    cdef Training t
    cdef Status status
    cdef Needs needs
    memset(&t, 0, sizeof(Training))
    (t.epochs, t.batch_size, t.target_loss, t.budget, order, t.given_order, losses, seconds, random, t.threads,
     rates, t.varies) = plain_tuple(epochs)
    try:
        open_objective(&t.job, objective)
        open_net(&t.job.net, plan)
        check_loss(&t.job.net, t.job.loss)
        open_reals(&t.job.parameters, parameters, t.job.net.size, True, "the parameters")
        open_data(&t.job, data, True)
        if random is not None:
            t.random = <bp_bit_generator*>PyCapsule_GetPointer(random, "BitGenerator")
        open_update(&t, recipe, state)
        open_rates(&t, rates)
        open_epochs(&t, order, losses, seconds)
        needs = training_needs(
            &t.job.net, t.job.X.rows, t.batch_size, t.update.recipe.clip_norm > 0, has_dropout(&t.job.net),
            check_threads(t.threads))
        needs.sparse = t.job.csr != NULL
        if needs.sparse:
            take_shares(t.job.csr, needs.rows, t.threads)
        t.job.chunk = t.threads * <Py_ssize_t>CHUNK_ROWS
        bind_parameters(&t.job.net, <real*>t.job.parameters.data)
        bind_workspace(&t.job, &needs, workspace)
        with nogil:
            status = train_without_gil(&t)
        return status, t.job.bad_row
    finally:
        close_training(&t)
