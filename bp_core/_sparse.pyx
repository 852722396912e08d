"""The products of a first layer whose rows are sparse: only the numbers that are stored take part.

A fused multiply-add by 0 leaves a finite sum as it is, so every chain of the dense products is kept and the links by 0
are left out: the bits are those of the same rows stored dense, up to the sign of a zero.
"""
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from bp_core._kernel_table cimport LANES, SparsePart, SparseRow
from bp_core._simd cimport VL, real, vr, vr_add, vr_fma, vr_fnma, vr_load, vr_set1, vr_store, vr_zero

cdef enum:
    ABREAST = 8             # words of one row of W whose chains run side by side
    NARROW_ROOM = 16        # reals that hold the units of a narrow layer in whole words


# ------------------------------------------------------------------- the rows
cdef inline bint ascends(const int32_t* columns, Py_ssize_t n, Py_ssize_t fan_in) noexcept nogil:
    """Whether n columns, at least one, ascend and so all lie from 0 to fan_in - 1 if the first and the last do."""
    cdef bint rising = columns[0] >= 0 and columns[n - 1] < fan_in
    cdef Py_ssize_t i
    for i in range(1, n):
        rising &= columns[i] > columns[i - 1]
    return rising


cdef bint gather_columns(
    const void* indices,        # IN   (n,) of int32, or of int64 where `wide`
    bint wide,
    int32_t* columns,           # OUT  (n,)
    Py_ssize_t n, Py_ssize_t fan_in,
) noexcept nogil:
    """Copy the columns of a row, and look at the copy: what it was made from may change at any time."""
    cdef const int64_t* source = <const int64_t*>indices
    cdef int64_t lost = 0
    cdef Py_ssize_t i
    if n == 0:
        return True
    if wide:
        for i in range(n):
            lost |= source[i]
            columns[i] = <int32_t>source[i]
    else:
        for i in range(n):
            columns[i] = (<const int32_t*>indices)[i]
    return (lost >> 31) == 0 and ascends(columns, n, fan_in)


cdef void sort_entries(
    const SparseRow* rows,      # IN   (n_rows,)
    Py_ssize_t n_rows,
    Py_ssize_t first,           # what the first row is called
    int32_t* starts,            # OUT  (fan_in + 2,): column k is at starts[k] to starts[k + 1]; the last is room
    int32_t* samples,           # OUT  the row of each entry, ascending within a column
    real* values,               # OUT
    Py_ssize_t fan_in,
) noexcept nogil:
    """The entries of some rows, column by column: they are counted, and each put in its place, row after row."""
    cdef Py_ssize_t s, i, k
    cdef int32_t* place
    memset(starts, 0, (fan_in + 2) * sizeof(int32_t))
    for s in range(n_rows):
        for i in range(rows[s].n):
            starts[rows[s].columns[i] + 2] += 1
    for k in range(2, fan_in + 2):
        starts[k] += starts[k - 1]
    for s in range(n_rows):
        for i in range(rows[s].n):
            place = starts + rows[s].columns[i] + 1
            samples[place[0]], values[place[0]] = <int32_t>(first + s), rows[s].values[i]
            place[0] += 1


# -------------------------------------------------------------------- forward
cdef inline void row_chains(
    const SparseRow* row, const real* W, Py_ssize_t W_stride, const real* b, real* z, Py_ssize_t width,
) noexcept nogil:
    """`width` words of z of a row, a constant at compile time."""
    cdef vr acc[8]
    cdef vr x
    cdef const real* w
    cdef Py_ssize_t i, v
    for v in range(width):
        acc[v] = vr_load(b + v * VL)
    for i in range(row.n):
        x = vr_set1(row.values[i])
        w = W + row.columns[i] * W_stride
        for v in range(width):
            acc[v] = vr_fma(x, vr_load(w + v * VL), acc[v])
    for v in range(width):
        vr_store(z + v * VL, acc[v])


cdef inline void some_row_chains(
    const SparseRow* row, const real* W, Py_ssize_t W_stride, const real* b, real* z, Py_ssize_t width,
) noexcept nogil:
    if width == 8:
        row_chains(row, W, W_stride, b, z, 8)
    elif width == 7:
        row_chains(row, W, W_stride, b, z, 7)
    elif width == 6:
        row_chains(row, W, W_stride, b, z, 6)
    elif width == 5:
        row_chains(row, W, W_stride, b, z, 5)
    elif width == 4:
        row_chains(row, W, W_stride, b, z, 4)
    elif width == 3:
        row_chains(row, W, W_stride, b, z, 3)
    elif width == 2:
        row_chains(row, W, W_stride, b, z, 2)
    else:
        row_chains(row, W, W_stride, b, z, 1)


cdef inline Py_ssize_t words_abreast(Py_ssize_t left) noexcept nogil:
    """How many of the words left go side by side: in as few turns as can be, all of nearly the same width."""
    cdef Py_ssize_t turns = (left + ABREAST - 1) // ABREAST
    return (left + turns - 1) // turns


cdef void sparse_forward(
    const SparseRow* rows,      # IN   (batch,)
    const real* W,              # IN   (fan_in, fan_out), rows W_stride apart, padding read
    Py_ssize_t W_stride,
    const real* b,              # IN   (fan_out,), padding read
    real* z,                    # OUT  (batch, fan_out); overlaps no input
    Py_ssize_t z_stride,
    Py_ssize_t batch, Py_ssize_t fan_out,
) noexcept nogil:
    """z[s, j] = b[j] + sum_k x[s, k] * W[k, j], one chain of FMAs over the stored k in ascending order."""
    cdef Py_ssize_t s, w, width, words = words_of(fan_out)
    for s in range(batch):
        w = 0
        while w < words:
            width = words_abreast(words - w)
            some_row_chains(rows + s, W + w * VL, W_stride, b + w * VL, z + s * z_stride + w * VL, width)
            w += width


cdef inline void narrow_word(const real* lanes, const real* b, real* z, Py_ssize_t words) noexcept nogil:
    """z = b + the tree over 16 lanes, of which each is a row of units: 8 apart, 4 apart, then (0 + 2) + (1 + 3)."""
    cdef vr sums[4]
    cdef Py_ssize_t i, v, step = words * VL
    for v in range(words):
        for i in range(4):
            sums[i] = vr_add(
                vr_add(vr_load(lanes + i * step + v * VL), vr_load(lanes + (i + 8) * step + v * VL)),
                vr_add(vr_load(lanes + (i + 4) * step + v * VL), vr_load(lanes + (i + 12) * step + v * VL)))
        vr_store(z + v * VL, vr_add(
            vr_load(b + v * VL), vr_add(vr_add(sums[0], sums[2]), vr_add(sums[1], sums[3]))))


cdef inline void take_column(
    const real* WT, Py_ssize_t WT_stride, Py_ssize_t units, real* column,
) noexcept nogil:
    """One number of each unit, side by side; NARROW_ROOM reals are written."""
    cdef Py_ssize_t j
    for j in range(units):
        column[j] = WT[j * WT_stride]
    for j in range(units, NARROW_ROOM):
        column[j] = 0


cdef void sparse_forward_narrow(
    const SparseRow* rows,      # IN   (batch,)
    const real* WT,             # IN   (fan_out, fan_in), rows WT_stride apart
    Py_ssize_t WT_stride,
    const real* b,              # IN   (fan_out,), padding read
    real* z,                    # OUT  (batch, fan_out), padding of the last word written; overlaps no input
    Py_ssize_t z_stride,
    Py_ssize_t batch, Py_ssize_t fan_out,
) noexcept nogil:
    """z[s, j] = b[j] + the tree over 16 lanes (lane = k mod 16), each a chain of FMAs from 0 over its stored k."""
    cdef real lanes[256]        # LANES rows of NARROW_ROOM
    cdef real column[16]
    cdef real* lane
    cdef vr x
    cdef Py_ssize_t s, i, v, k, words = words_of(fan_out)
    for s in range(batch):
        memset(lanes, 0, LANES * words * VL * sizeof(real))
        for i in range(rows[s].n):
            k = rows[s].columns[i]
            take_column(WT + k, WT_stride, fan_out, column)
            x, lane = vr_set1(rows[s].values[i]), lanes + k % LANES * words * VL
            for v in range(words):
                vr_store(lane + v * VL, vr_fma(x, vr_load(column + v * VL), vr_load(lane + v * VL)))
        narrow_word(lanes, b, z + s * z_stride, words)


# --------------------------------------------------------------- the gradient
ctypedef struct SparseProduct:
    const SparsePart* parts     # in the order of their rows
    Py_ssize_t n_parts
    const real* delta           # row s at delta + s * delta_stride, padding of the last word read
    Py_ssize_t delta_stride
    Finish finish               # out = chains; out += chains; out -= rate * chains
    real rate


cdef inline void fold(real* out, const vr* acc, Py_ssize_t width, Finish finish, real rate) noexcept nogil:
    """What becomes of finished chains."""
    cdef Py_ssize_t v
    cdef vr step = vr_set1(rate)
    for v in range(width):
        if finish == SET:
            vr_store(out + v * VL, acc[v])
        elif finish == ADD:
            vr_store(out + v * VL, vr_add(vr_load(out + v * VL), acc[v]))
        else:
            vr_store(out + v * VL, vr_fnma(step, acc[v], vr_load(out + v * VL)))


cdef inline void column_chains(
    const SparseProduct* g, Py_ssize_t k, Py_ssize_t at, real* out, Py_ssize_t width,
) noexcept nogil:
    """`width` words, a constant at compile time, of the sums of column k for the units from `at`, block after block."""
    cdef vr acc[8]
    cdef vr x
    cdef const real* delta
    cdef const SparsePart* part
    cdef Py_ssize_t p, i, v, block = -1
    cdef Finish finish = g.finish
    for v in range(width):
        acc[v] = vr_zero()
    for p in range(g.n_parts):
        part = &g.parts[p]
        if part.starts[k] == part.starts[k + 1]:
            continue
        if block >= 0 and part.block != block:
            fold(out, acc, width, finish, g.rate)
            finish = ADD
            for v in range(width):
                acc[v] = vr_zero()
        block = part.block
        for i in range(part.starts[k], part.starts[k + 1]):
            x = vr_set1(part.values[i])
            delta = g.delta + part.samples[i] * g.delta_stride + at
            for v in range(width):
                acc[v] = vr_fma(x, vr_load(delta + v * VL), acc[v])
    if block >= 0 or finish == SET:
        fold(out, acc, width, finish, g.rate)


cdef inline void some_column_chains(
    const SparseProduct* g, Py_ssize_t k, Py_ssize_t at, real* out, Py_ssize_t width,
) noexcept nogil:
    if width == 8:
        column_chains(g, k, at, out, 8)
    elif width == 7:
        column_chains(g, k, at, out, 7)
    elif width == 6:
        column_chains(g, k, at, out, 6)
    elif width == 5:
        column_chains(g, k, at, out, 5)
    elif width == 4:
        column_chains(g, k, at, out, 4)
    elif width == 3:
        column_chains(g, k, at, out, 3)
    elif width == 2:
        column_chains(g, k, at, out, 2)
    else:
        column_chains(g, k, at, out, 1)


cdef inline bint has_entries(const SparseProduct* g, Py_ssize_t k) noexcept nogil:
    cdef Py_ssize_t p
    for p in range(g.n_parts):
        if g.parts[p].starts[k] != g.parts[p].starts[k + 1]:
            return True
    return False


cdef void wide_columns(
    const SparseProduct* g, Py_ssize_t first, Py_ssize_t columns, real* out, Py_ssize_t out_stride, Py_ssize_t units,
) noexcept nogil:
    """out[k] for the columns of X from `first`, a row of units each."""
    cdef Py_ssize_t k, w, width, words = words_of(units)
    for k in range(columns):
        w = 0
        while w < words:
            width = words_abreast(words - w)
            some_column_chains(g, first + k, w * VL, out + k * out_stride + w * VL, width)
            w += width


cdef void narrow_columns(
    const SparseProduct* g, Py_ssize_t first, Py_ssize_t columns, real* out, Py_ssize_t out_stride, Py_ssize_t units,
) noexcept nogil:
    """out[:, k] for the columns of X from `first`: the transpose of the same, as a narrow layer stores it."""
    cdef real column[16]
    cdef Py_ssize_t k, j, w
    for k in range(columns):
        if g.finish != SET:
            if not has_entries(g, first + k):
                continue
            take_column(out + k, out_stride, units, column)
        for w in range(words_of(units)):
            column_chains(g, first + k, w * VL, column + w * VL, 1)
        for j in range(units):
            out[j * out_stride + k] = column[j]


cdef void sparse_gradient(
    const SparsePart* parts,    # IN   (n_parts,), in the order of their rows
    Py_ssize_t n_parts,
    const real* delta,          # IN   row s at delta + s * delta_stride, padding read
    Py_ssize_t delta_stride,
    real* grad,                 # OUT  (columns, units), padding of the last word written; IN too when add
    Py_ssize_t grad_stride,
    Py_ssize_t first, Py_ssize_t columns, Py_ssize_t units,
    bint narrow,                # grad is (units, columns), at most 8 units
    bint add,
) noexcept nogil:
    """grad[k, j] (+)= sum_s x[s, first + k] * delta[s, j]: a chain from 0 over the rows of each block that store k, blocks in order."""
    cdef SparseProduct g = SparseProduct(parts, n_parts, delta, delta_stride, ADD if add else SET, 0)
    if narrow:
        narrow_columns(&g, first, columns, grad, grad_stride, units)
    else:
        wide_columns(&g, first, columns, grad, grad_stride, units)


cdef void sparse_descend(
    const SparsePart* parts,    # IN   (n_parts,), all of one block
    Py_ssize_t n_parts,
    const real* delta,          # IN   row s at delta + s * delta_stride, padding read
    Py_ssize_t delta_stride,
    real* W,                    # INOUT (columns, units)
    Py_ssize_t W_stride,
    real rate, Py_ssize_t first, Py_ssize_t columns, Py_ssize_t units, bint narrow,
) noexcept nogil:
    """W[k, j] -= rate * sum_s x[s, first + k] * delta[s, j], a chain from 0; rows of W that no row stores stay."""
    cdef SparseProduct g = SparseProduct(parts, n_parts, delta, delta_stride, DESCEND, rate)
    if narrow:
        narrow_columns(&g, first, columns, W, W_stride, units)
    else:
        wide_columns(&g, first, columns, W, W_stride, units)
