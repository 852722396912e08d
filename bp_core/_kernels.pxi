"""Every kernel of one instruction set and dtype, their table, and its capsule."""
from cpython.pycapsule cimport PyCapsule_New

from bp_core._kernel_table cimport Kernels

include "_elementary.pyx"
include "_activations.pyx"
include "_softmax.pyx"
include "_losses.pyx"
include "_likelihoods.pyx"
include "_norms.pyx"
include "_updates.pyx"
include "_dropout.pyx"
include "_gather.pyx"
include "_tile.pyx"
include "_panels.pyx"
include "_dense.pyx"
include "_narrow.pyx"
include "_small.pyx"
include "_sparse.pyx"
include "_normal_equations.pyx"

cdef extern from "cpu_guard.h":
    pass

cdef extern from "simd.h":
    const char* TABLE_NAME "BP_TABLE_NAME"

cdef Kernels table = Kernels(
    word=VL, small=NULL,
    elementary=[
        exp_array, expm1_array, log_array, log1p_array, erf_array, tanh_array, sigmoid_array, cospi_array, sqrt_array,
    ],
    activate=[
        activate_identity, activate_sigmoid, activate_tanh, activate_relu, activate_leaky_relu, activate_elu,
        activate_gelu, activate_silu, activate_softplus, activate_softsign, activate_exp, activate_softmax,
    ],
    derive=[
        derive_identity, derive_sigmoid, derive_tanh, derive_relu, derive_leaky_relu, derive_elu,
        derive_gelu, derive_silu, derive_softplus, derive_softsign, derive_exp,
    ],
    loss=[
        loss_half_squared_error, loss_mse, loss_mae, loss_huber, loss_quantile, loss_log_cosh, loss_poisson,
        loss_binary_cross_entropy, loss_cross_entropy, loss_given, loss_given_softmax,
    ],
    update=[
        update_sgd, update_momentum, update_nesterov, update_rmsprop, update_adagrad, update_adam, update_adamw,
        update_nadam, update_rprop,
    ],
    derive_softmax=derive_softmax,
    forward=dense_forward, forward_narrow=narrow_forward,
    backward=dense_backward, gradient=dense_gradient, sum_units=sum_units, descend=dense_descend, transpose=transpose,
    add=add, drop=drop, multiply=multiply, limit_norms=limit_norms, average=average,
    penalize=penalize, scale=scale, sum_squares=sum_squares, sum_absolutes=sum_absolutes, sum_losses=sum_losses,
    all_finite=all_finite, gather=gather, small_pass=small_pass,
    gather_columns=gather_columns, sort_entries=sort_entries,
    sparse_forward=sparse_forward, sparse_forward_narrow=sparse_forward_narrow,
    sparse_gradient=sparse_gradient, sparse_descend=sparse_descend,
    jacobian_rows=jacobian_rows, damp=damp, factorize=factorize, solve_triangle=solve_triangle,
)
table.small = &table
kernels = PyCapsule_New(&table, TABLE_NAME, NULL)
