"""Rows of a Jacobian, and the solution of damped normal equations by Cholesky's factors.

The matrix is an upper triangle N, ``columns`` = size + 1 wide: its last column is the right side. Factors U of
N + damping come in place of its negative: ``-N + U^T U`` then is a product as any other, one chain of FMAs for each
number, and U^T y = right side is solved on the way, in that last column.
"""
from libc.string cimport memset

from bp_core._kernel_table cimport LANES
from bp_core._simd cimport (
    LANE_WORDS, VL, real, vr, vr_div, vr_fma, vr_load, vr_mul, vr_neg, vr_set1, vr_sqrt, vr_store, vr_zero,
)

cdef enum:
    FACTOR_ROWS = 96        # of U, for which all rows above are read once
    FACTOR_COLUMNS = 512    # whose unfinished chains stay in the second cache
    PIVOT_ROWS = 24         # of U, whose pivots are found in one go


cdef inline void column_times(
    const real* a_prev, real delta, real* J, Py_ssize_t fan_in,
) noexcept nogil:
    """J[k] = a_prev[k] * delta in whole words."""
    cdef Py_ssize_t k = 0
    while k < fan_in:
        vr_store(J + k, vr_mul(vr_load(a_prev + k), vr_set1(delta)))
        k += VL


cdef inline void row_times(real a_prev, const real* delta, real* J, Py_ssize_t fan_out) noexcept nogil:
    """J[j] = a_prev * delta[j] in whole words."""
    cdef Py_ssize_t j = 0
    while j < fan_out:
        vr_store(J + j, vr_mul(vr_set1(a_prev), vr_load(delta + j)))
        j += VL


cdef void jacobian_rows(
    const real* a_prev,         # IN   (rows, fan_in), rows a_prev_stride apart, padding read
    Py_ssize_t a_prev_stride,
    const real* delta,          # IN   (rows, fan_out), rows delta_stride apart, padding read
    Py_ssize_t delta_stride,
    real* J,                    # OUT  (rows, fan_in * fan_out), rows J_stride apart, and up to a word behind each
    Py_ssize_t J_stride,
    Py_ssize_t rows, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """J[s, k * fan_out + j] = a_prev[s, k] * delta[s, j]."""
    cdef Py_ssize_t s, k
    for s in range(rows):
        if fan_out == 1:
            column_times(a_prev, delta[0], J, fan_in)
        else:
            for k in range(fan_in):
                row_times(a_prev[k], delta, J + k * fan_out, fan_out)
        a_prev += a_prev_stride
        delta += delta_stride
        J += J_stride


cdef void damp(
    const real* N,              # IN   (size, columns), the upper triangle, rows stride apart, padding read
    real* M,                    # OUT  (size, columns), the upper triangle
    Py_ssize_t stride, Py_ssize_t size, Py_ssize_t columns,
    real damping, bint relative,
) noexcept nogil:
    """M = -N, its diagonal -(N_ii + damping), or -(N_ii + damping N_ii) where that is relative and N_ii above 0."""
    cdef Py_ssize_t i, c
    cdef real diagonal, more
    for i in range(size):
        c = i - i % LANES
        while c < columns:
            vr_store(M + c, vr_neg(vr_load(N + c)))
            c += VL
        diagonal = N[i]
        more = damping
        if relative and diagonal > 0:
            more = damping * diagonal
        M[i] = -(diagonal + more)
        N += stride
        M += stride


cdef void add_rows_above(
    real* M, Py_ssize_t stride, Py_ssize_t above, Py_ssize_t i, Py_ssize_t rows, Py_ssize_t columns,
) noexcept nogil:
    """M[i ..., i ...] += U^T U over the rows from `above` up to i."""
    cdef Product g
    cdef const real* U = M + above * stride
    cdef Py_ssize_t c = i
    if i == above:
        return
    while c < columns:
        lay_product(
            &g, U + i, 1, stride, U + c, stride, M + i * stride + c, stride,
            rows, min(columns - c, <Py_ssize_t>FACTOR_COLUMNS), i - above)
        g.start, g.start_stride = g.C, stride
        product(&g)
        c += FACTOR_COLUMNS


cdef inline void divide_words(
    real* row,                  # INOUT (width words)
    real root, Py_ssize_t width,
) noexcept nogil:
    """row = -row / root."""
    cdef Py_ssize_t v
    for v in range(width):
        vr_store(row + v * VL, vr_div(vr_neg(vr_load(row + v * VL)), vr_set1(root)))


cdef inline void add_to_rows_below(
    real* M,                    # INOUT (rows, width words), rows stride apart; row p is one of U
    const real* multipliers,    # IN   (rows,)
    Py_ssize_t stride, Py_ssize_t p, Py_ssize_t rows, Py_ssize_t width,
) noexcept nogil:
    """M[i] += multipliers[i] * M[p] for every row i below p."""
    cdef vr u[4]
    cdef vr multiplier
    cdef Py_ssize_t i, v
    for v in range(width):
        u[v] = vr_load(M + p * stride + v * VL)
    for i in range(p + 1, rows):
        multiplier = vr_set1(multipliers[i])
        for v in range(width):
            vr_store(M + i * stride + v * VL, vr_fma(multiplier, u[v], vr_load(M + i * stride + v * VL)))


cdef inline real root_of(real square) noexcept nogil:
    cdef real word[16]
    vr_store(word, vr_sqrt(vr_set1(square)))
    return word[0]


cdef Py_ssize_t find_pivots(
    real* M,                    # INOUT (rows, rows in whole words) of the diagonal
    Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t before,
) noexcept nogil:
    """Rows of U in the words of the diagonal; returns how many have a pivot.

    `before` columns lie left of them: what a row has there, in the 16 lanes of its diagonal, becomes 0.
    """
    cdef Py_ssize_t p, c, left
    cdef real square, root
    cdef real* row = M
    for p in range(rows):
        square = -row[p]
        if not (square > 0 and square - square == 0):
            return p
        root = root_of(square)
        c = p - p % VL
        while c < rows:
            divide_words(row + c, root, 1)
            c += VL
        c = p - p % VL
        while c < rows:
            add_to_rows_below(M + c, row, stride, p, rows, 1)
            c += VL
        left = (before + p) % LANES
        memset(row + p - left, 0, left * sizeof(real))
        row[p] = root
        row += stride
    return rows


cdef inline void finish_words(
    real* M, const real* pivots, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t width,
) noexcept nogil:
    """Rows of U, `width` words of them right of the diagonal; pivots (rows, rows) are U there."""
    cdef Py_ssize_t p
    for p in range(rows):
        divide_words(M + p * stride, pivots[p * stride + p], width)
        add_to_rows_below(M, pivots + p * stride, stride, p, rows, width)


cdef Py_ssize_t finish_rows(
    real* M, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t before,
) noexcept nogil:
    """Rows of U from the diagonal on; returns how many have a pivot."""
    cdef Py_ssize_t done = find_pivots(M, stride, rows, before), c = words_of(rows) * VL
    if done < rows:
        return done
    while c + 3 * VL < columns:
        finish_words(M + c, M, stride, rows, 4)
        c += 4 * VL
    while c < columns:
        finish_words(M + c, M, stride, rows, 1)
        c += VL
    return rows


cdef Py_ssize_t factorize(
    real* M,                    # IN   -(N + damping), the upper triangle   OUT  U, with N + damping = U^T U
    Py_ssize_t stride, Py_ssize_t size, Py_ssize_t columns,
) noexcept nogil:
    """U, each number one chain of FMAs over the rows above it, then divided by its row's pivot.

    Beyond the triangle a column holds the solution of U^T y = its own numbers. Returns the first row whose pivot is
    no root of a positive finite number, else size.
    """
    cdef Py_ssize_t first = 0, end, i, rows, done
    while first < size:
        i = first
        end = min(first + FACTOR_ROWS, size)
        add_rows_above(M, stride, 0, first, end - first, columns)
        while i < end:
            rows = min(end - i, <Py_ssize_t>PIVOT_ROWS)
            add_rows_above(M, stride, first, i, rows, columns)
            done = finish_rows(M + i * (stride + 1), stride, rows, columns - i, i)
            if done < rows:
                return i + done
            i += rows
        first = end
    return size


cdef inline real lanes_dot(const real* u, const real* x, Py_ssize_t n) noexcept nogil:
    """The sum of u * x over n numbers, a multiple of 16: lane = i mod 16, each one chain of FMAs, then the tree."""
    cdef vr lane[16]
    cdef real sums[16]
    cdef Py_ssize_t i, j = 0
    for i in range(LANE_WORDS):
        lane[i] = vr_zero()
    while j < n:
        for i in range(LANE_WORDS):
            lane[i] = vr_fma(vr_load(u + j + i * VL), vr_load(x + j + i * VL), lane[i])
        j += LANES
    for i in range(LANE_WORDS):
        vr_store(sums + i * VL, lane[i])
    return sum_lanes(sums, LANES)


cdef void solve_triangle(
    const real* U,              # IN   (size, size + 1): a triangle and its right side; 0 in the lanes left of the diagonal
    Py_ssize_t stride, Py_ssize_t size,
    real* x,                    # OUT  (size,), zeros to the end of the last 16
) noexcept nogil:
    """x[i] = (right side[i] - sum_j U[i, j] x[j]) / U[i, i], from the last row up, in 16 lanes and the tree."""
    cdef Py_ssize_t i, j, end = (size + LANES - 1) // LANES * LANES
    cdef const real* row
    memset(x, 0, end * sizeof(real))
    for i in range(size - 1, -1, -1):
        row = U + i * stride
        j = i - i % LANES
        x[i] = (row[size] - lanes_dot(row + j, x + j, end - j)) / row[i]
