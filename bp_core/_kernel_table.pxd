"""The kernel table: the signature of every kernel, once.

Every (instruction set, dtype) fills one; the engine calls through it. Rows of ``z``, ``a``,
``delta`` and ``y`` are ``stride`` reals apart; a kernel may write the padding of the last word of
a row, and reads padding only where it says so. All sizes are at least 1 unless stated.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "real.h":
    ctypedef double real                    # float or double: the header decides
    const char* DTYPE_NAME "BP_DTYPE"
    enum:
        LINE "BP_LINE"                      # reals in 64 bytes

cdef enum:
    BLOCK_ROWS = 128                        # rows of one chain of a gradient sum (the numeric contract)
    LANES = 16                              # lanes of a loss or norm (the numeric contract)

cdef enum Activation:
    IDENTITY, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, GELU, SILU, SOFTPLUS, SOFTSIGN, EXPONENTIAL, SOFTMAX
    ACTIVATIONS

cdef enum Loss:
    HALF_SQUARED_ERROR, MSE, MAE, HUBER, QUANTILE, LOG_COSH, POISSON, BINARY_CROSS_ENTROPY, CROSS_ENTROPY
    GIVEN, GIVEN_SOFTMAX
    LOSSES

cdef enum Optimizer:
    SGD, MOMENTUM, NESTEROV, RMSPROP, ADAGRAD, ADAM, ADAMW, NADAM, RPROP
    OPTIMIZERS

cdef enum Elementary:
    EXP, EXPM1, LOG, LOG1P, ERF, TANH_FUNCTION, SIGMOID_FUNCTION, COSPI, SQUARE_ROOT
    ELEMENTARIES

cdef enum Source:                           # what X, y and weights may be made of
    BOOL, INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT16, FLOAT32, FLOAT64, LONGDOUBLE
    SOURCES

ctypedef struct Rule:                       # the numbers of one update; unused ones are 0
    real learning_rate                      # Adam, AdamW: already divided by 1 - beta1^t; NAdam: that of m
    real gradient_rate                      # NAdam: that of the gradient itself
    real momentum                           # SGD's momentum, Adam's beta1, Rprop's decrease
    real carry                              # what SGD's m is carried on with: the momentum, or a share of it
    real one_minus_momentum
    real rho                                # RMSprop's rho, Adam's beta2, Rprop's increase
    real one_minus_rho
    real epsilon                            # Rprop: the smallest step
    real largest                            # Rprop: the largest step
    real root_scale                         # Adam and kin: 1 / sqrt(1 - beta2^t)
    real keep                               # AdamW: 1 - learning_rate * weight_decay

ctypedef void (*elementary_fn)(const real* x, real* out, Py_ssize_t n) noexcept nogil
ctypedef void (*activate_fn)(
    const real* z,          # IN   (rows, n)
    real* a,                # OUT  (rows, n); may be z
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil
ctypedef void (*derive_fn)(
    const real* z,          # IN   (rows, n); read by gelu and silu only
    const real* a,          # IN   (rows, n)
    real* delta,            # IN   dLoss/da   OUT  dLoss/dz; its padding becomes 0
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
) noexcept nogil
ctypedef void (*loss_fn)(
    const real* z,          # IN   (rows, n); read by the losses that are computed from z only
    const real* a,          # IN   (rows, n)
    const real* y,          # IN   (rows, n)
    const real* scale,      # IN   (rows,): the weight of each row's gradient
    double* row_loss,       # OUT  (rows,): the loss of each row, unweighted, before any division
    real* delta,            # OUT  (rows, n): scale * dloss/da (computed from z: scale * dloss/dz), padding 0; or NULL
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride,
    real parameter,         # the one number that a loss may have: Huber's threshold, the level of a quantile
) noexcept nogil
ctypedef void (*update_fn)(
    real* p,                # INOUT (n,) parameters
    const real* gradient,   # IN   (n,)
    real* m,                # INOUT (n,) first state, where the rule has one
    real* v,                # INOUT (n,) second state, where the rule has one
    Py_ssize_t n,           # a multiple of LINE
    const Rule* rule,
) noexcept nogil

ctypedef struct SmallLayer:                 # of a network whose layers each fit one word; all rows are a LINE apart
    Py_ssize_t fan_in
    Py_ssize_t fan_out
    int activation
    activate_fn activate
    derive_fn derive                        # not of softmax
    real* W                                 # IN   (fan_in, fan_out); OUT too where the step descends
    real* b                                 # IN   (fan_out,), (1,) where shared, NULL without bias; OUT like W
    const real* b_row                       # IN   (LINE,)
    const real* WT                          # IN   (fan_out, fan_in); not of the first layer
    real* z                                 # OUT  (rows, fan_out); a itself where z need not be kept
    real* a                                 # OUT  (rows, fan_out)
    real* delta                             # OUT  (rows, fan_out)
    real* grad_W                            # OUT  like W, unless the step descends
    real* grad_b                            # OUT  like b
    bint shared_bias

ctypedef struct SmallStep:
    Py_ssize_t n_layers
    SmallLayer layers[4]
    const real* x                           # IN   (rows, n_in)
    const real* targets                     # IN   (rows, n_out)
    const real* scale                       # IN   (rows,)
    double* row_loss                        # OUT  (rows,)
    loss_fn loss
    bint loss_gives_dz                      # instead of dLoss/da
    real parameter
    bint descends                           # parameters -= rate * gradient, which is not written
    real rate

ctypedef struct SparseRow:                  # the numbers of a row of X that are stored, in the order of their columns
    const int32_t* columns                  # (n,) ascending
    const real* values                      # (n,)
    Py_ssize_t n
    Py_ssize_t at                           # where it begins in the arrays of X

ctypedef struct SparsePart:                 # of rows of one block, one after the other: their numbers column by column
    const int32_t* starts                   # (fan_in + 1,): column k is at starts[k] to starts[k + 1]
    const int32_t* samples                  # the row of each number, ascending within a column
    const real* values
    Py_ssize_t block                        # parts of one block continue each other's chains

ctypedef struct Wish:                       # rows that what follows a product reads: asked for while it is computed
    const char* arrays[3]                   # the first row in each; NULL: fewer arrays
    Py_ssize_t row_step                     # bytes
    Py_ssize_t row_bytes
    Py_ssize_t rows

ctypedef struct Kernels:
    Py_ssize_t word                         # reals in a word
    const void* small                       # the Kernels whose words suit small networks best: these or another level's
    elementary_fn elementary[9]
    activate_fn activate[12]
    derive_fn derive[11]                    # softmax has none of this kind: cross_entropy gives dLoss/dz
    loss_fn loss[11]
    update_fn update[9]
    # delta[s, i] = da_j/dz_i behind a softmax: a_j (1 - a_j) for i = j, else -a_j a_i
    void (*derive_softmax)(
        const real* a,          # IN   (rows, n), padding read
        real* delta,            # OUT  (rows, n), padding of the last word 0; overlaps no input
        Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, Py_ssize_t j,
    ) noexcept nogil
    # z[s, j] = b[j] + sum_k a_prev[s, k] * W[k, j], one chain of FMAs in the order of k
    void (*forward)(
        const real* a_prev,     # IN   (batch, fan_in), rows a_prev_stride apart
        Py_ssize_t a_prev_stride,
        const real* W,          # IN   (fan_in, fan_out), rows W_stride apart, padding read
        Py_ssize_t W_stride,
        const real* b,          # IN   (fan_out,), padding read
        real* z,                # OUT  (batch, fan_out); overlaps no input
        Py_ssize_t z_stride,
        Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
    ) noexcept nogil
    # the same for a narrow layer, whose W is stored transposed: z[s, j] = b[j] + the tree over 16 lanes (lane = k mod 16)
    void (*forward_narrow)(
        const real* a_prev,     # IN   (batch, fan_in), rows a_prev_stride apart, padding read and ignored
        Py_ssize_t a_prev_stride,
        const real* WT,         # IN   (fan_out, fan_in), rows WT_stride apart, padding read: zeros
        Py_ssize_t WT_stride,
        const real* b,          # IN   (fan_out,)
        real* z,                # OUT  (batch, fan_out); overlaps no input
        Py_ssize_t z_stride,
        Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
    ) noexcept nogil
    # delta_prev[s, k] = sum_j delta[s, j] * W[k, j], one chain of FMAs from 0 in the order of j
    void (*backward)(
        const real* delta,      # IN   (batch, fan_out)
        Py_ssize_t delta_stride,
        const real* W,          # IN   (fan_in, fan_out), or its transpose, padding then read; rows W_stride apart
        Py_ssize_t W_stride,
        bint transposed,        # if not, W is turned as it is packed: quicker for large layers and many rows
        real* delta_prev,       # OUT  (batch, fan_in); overlaps no input
        Py_ssize_t delta_prev_stride,
        Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
    ) noexcept nogil
    # grad[k, j] (+)= sum_s a_prev[s, k] * delta[s, j], a chain from 0 per block of 128 rows, blocks added in order
    void (*gradient)(
        const real* a_prev,     # IN   (batch, fan_in), rows a_prev_stride apart
        Py_ssize_t a_prev_stride,
        const real* delta,      # IN   (batch, fan_out), padding read
        Py_ssize_t delta_stride,
        real* grad,             # OUT  (fan_in, fan_out), padding written; IN too when add
        Py_ssize_t grad_stride,
        Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out, bint add,
        const Wish* wish,       # IN   or NULL
    ) noexcept nogil
    # sums[j] (+)= sum_s delta[s, j], in the same order
    void (*sum_units)(
        const real* delta,      # IN   (batch, fan_out), padding read
        Py_ssize_t delta_stride,
        real* sums,             # OUT  (fan_out,), padding of the last word written; IN too when add
        Py_ssize_t batch, Py_ssize_t fan_out, bint add,
    ) noexcept nogil
    # W[k, j] -= rate * sum_s a_prev[s, k] * delta[s, j], a chain from 0 over at most 128 rows
    void (*descend)(
        const real* a_prev,     # IN   (batch, fan_in), rows a_prev_stride apart
        Py_ssize_t a_prev_stride,
        const real* delta,      # IN   (batch, fan_out), padding read
        Py_ssize_t delta_stride,
        real* W,                # INOUT (fan_in, fan_out), padding written
        Py_ssize_t W_stride,
        real rate, Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
    ) noexcept nogil
    # forward, loss, backward and gradient, written or applied, of a small network over at most 128 rows; returns the sum
    # of the losses, and neither writes nor applies where that is not finite
    double (*small_pass)(const SmallStep* step, Py_ssize_t rows) noexcept nogil
    # WT[j, k] = W[k, j]
    void (*transpose)(
        const real* W,          # IN   (fan_in, fan_out)
        Py_ssize_t W_stride,
        real* WT,               # OUT  (fan_out, fan_in)
        Py_ssize_t WT_stride,
        Py_ssize_t fan_in, Py_ssize_t fan_out,
    ) noexcept nogil
    # gradient += l2 * W + l1 * sign(W)
    void (*penalize)(const real* W, real* gradient, Py_ssize_t n, real l2, real l1) noexcept nogil
    # a unit is kept, times `scale`, where its word of the random stream is below `kept`, else 0
    void (*drop)(
        const real* a,          # IN   (rows, n), padding read
        real* mask,             # OUT  (rows, n): 0 or `scale`; its padding must be 0 and stays so
        real* dropped,          # OUT  (rows, n): a * mask
        Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, uint64_t key, uint64_t step, uint32_t layer,
        uint64_t first, uint32_t kept, real scale,
    ) noexcept nogil
    # sum += part; n is a multiple of LINE
    void (*add)(const real* part, real* sum, Py_ssize_t n) noexcept nogil
    # x *= factors
    void (*multiply)(const real* factors, real* x, Py_ssize_t n) noexcept nogil
    # scale the weights into each unit down to this norm; whether there were any to scale
    bint (*limit_norms)(
        real* W,                # INOUT unit u's weight of input k at W[u * unit_step + k * input_step]
        Py_ssize_t unit_step, Py_ssize_t input_step, Py_ssize_t units, Py_ssize_t inputs, double limit,
    ) noexcept nogil
    # mean += share * (p - mean)
    void (*average)(real* mean, const real* p, Py_ssize_t n, real share) noexcept nogil
    # gradient *= factor
    void (*scale)(real* gradient, Py_ssize_t n, real factor) noexcept nogil
    # sum of x^2 and of |x| in double: lane = column mod 16 and a tree per block of 128 rows, blocks in order
    double (*sum_squares)(const real* x, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil
    double (*sum_absolutes)(const real* x, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride) noexcept nogil
    # sum of weight * loss in double: lane = row mod 16 and a tree per block of 128 rows, blocks in order, from `sum`
    double (*sum_losses)(const double* row_loss, const double* row_weight, Py_ssize_t rows, double sum) noexcept nogil
    # whether all n numbers are finite
    bint (*all_finite)(const real* x, Py_ssize_t n) noexcept nogil
    # rows of any numeric array, converted; how many were finite before the first that is not
    Py_ssize_t (*gather)(
        const char* data,       # IN   row 0; rows `row_step` bytes apart, numbers `step` bytes apart, any alignment
        Py_ssize_t row_step, Py_ssize_t step, Source kind, bint swapped,
        bint plain,             # rows of aligned reals side by side
        const int64_t* order,   # IN   (rows + further,) which rows, the first `rows` within the array; NULL: 0, 1, ...
        Py_ssize_t further,     # rows that a later call will want
        real* out,              # OUT  (rows, n), rows out_stride apart
        Py_ssize_t out_stride, Py_ssize_t rows, Py_ssize_t n,
    ) noexcept nogil
    # the columns of a sparse row, copied; whether they ascend and lie from 0 to fan_in - 1
    bint (*gather_columns)(
        const void* indices,    # IN   (n,) of int32, or of int64 where `wide`
        bint wide,
        int32_t* columns,       # OUT  (n,)
        Py_ssize_t n, Py_ssize_t fan_in,
    ) noexcept nogil
    # sparse rows column by column
    void (*sort_entries)(
        const SparseRow* rows,  # IN   (n_rows,)
        Py_ssize_t n_rows,
        Py_ssize_t first,       # what the first row is called
        int32_t* starts,        # OUT  (fan_in + 2,); the last number is room
        int32_t* samples,       # OUT  as many as the rows store
        real* values,           # OUT  the same
        Py_ssize_t fan_in,
    ) noexcept nogil
    # z[s, j] = b[j] + sum_k x[s, k] * W[k, j], one chain of FMAs over the stored k in ascending order
    void (*sparse_forward)(
        const SparseRow* rows,  # IN   (batch,)
        const real* W,          # IN   (fan_in, fan_out), rows W_stride apart, padding read
        Py_ssize_t W_stride,
        const real* b,          # IN   (fan_out,), padding read
        real* z,                # OUT  (batch, fan_out); overlaps no input
        Py_ssize_t z_stride,
        Py_ssize_t batch, Py_ssize_t fan_out,
    ) noexcept nogil
    # the same for a narrow layer: 16 lanes (lane = k mod 16), each a chain from 0 over its stored k, and the tree
    void (*sparse_forward_narrow)(
        const SparseRow* rows,  # IN   (batch,)
        const real* WT,         # IN   (fan_out, fan_in), rows WT_stride apart
        Py_ssize_t WT_stride,
        const real* b,          # IN   (fan_out,), padding read
        real* z,                # OUT  (batch, fan_out), padding of the last word written; overlaps no input
        Py_ssize_t z_stride,
        Py_ssize_t batch, Py_ssize_t fan_out,
    ) noexcept nogil
    # grad[k, j] (+)= sum_s x[s, first + k] * delta[s, j]: a chain from 0 over the rows of a block that store k, blocks in order
    void (*sparse_gradient)(
        const SparsePart* parts,    # IN   (n_parts,), in the order of their rows
        Py_ssize_t n_parts,
        const real* delta,      # IN   row s at delta + s * delta_stride, padding read
        Py_ssize_t delta_stride,
        real* grad,             # OUT  (columns, units), padding of the last word written; IN too when add
        Py_ssize_t grad_stride,
        Py_ssize_t first, Py_ssize_t columns, Py_ssize_t units,
        bint narrow,            # grad is (units, columns), at most 8 units
        bint add,
    ) noexcept nogil
    # W[k, j] -= rate * the same over the parts of one block; a row of W that no row stores stays
    void (*sparse_descend)(
        const SparsePart* parts,    # IN   (n_parts,)
        Py_ssize_t n_parts,
        const real* delta,      # IN   row s at delta + s * delta_stride, padding read
        Py_ssize_t delta_stride,
        real* W,                # INOUT (columns, units), or (units, columns) where narrow
        Py_ssize_t W_stride,
        real rate, Py_ssize_t first, Py_ssize_t columns, Py_ssize_t units, bint narrow,
    ) noexcept nogil
    # J[s, k * fan_out + j] = a_prev[s, k] * delta[s, j]: the derivatives by W of the outputs that delta comes from
    void (*jacobian_rows)(
        const real* a_prev,     # IN   (rows, fan_in), rows a_prev_stride apart, padding read
        Py_ssize_t a_prev_stride,
        const real* delta,      # IN   (rows, fan_out), rows delta_stride apart, padding read
        Py_ssize_t delta_stride,
        real* J,                # OUT  (rows, fan_in * fan_out), rows J_stride apart, and up to a word behind each
        Py_ssize_t J_stride,
        Py_ssize_t rows, Py_ssize_t fan_in, Py_ssize_t fan_out,
    ) noexcept nogil
    # M = -N, its diagonal -(N_ii + damping), or -(N_ii + damping * N_ii) where that is relative and N_ii above 0
    void (*damp)(
        const real* N,          # IN   (size, columns), the upper triangle, padding read
        real* M,                # OUT  (size, columns), the upper triangle
        Py_ssize_t stride, Py_ssize_t size, Py_ssize_t columns,
        real damping, bint relative,
    ) noexcept nogil
    # -M = U^T U, each number one chain of FMAs over the rows above; the first row without a pivot, else size
    Py_ssize_t (*factorize)(
        real* M,                # IN   (size, columns), the upper triangle   OUT  U, beyond it U^-T (-M)
        Py_ssize_t stride, Py_ssize_t size, Py_ssize_t columns,
    ) noexcept nogil
    # U x = column `size` of U, from the last row up, in 16 lanes (lane = column mod 16) and the tree
    void (*solve_triangle)(
        const real* U,          # IN   (size, size + 1), the upper triangle, as factorize leaves it
        Py_ssize_t stride, Py_ssize_t size,
        real* x,                # OUT  (size,), zeros to the end of the last 16
    ) noexcept nogil
