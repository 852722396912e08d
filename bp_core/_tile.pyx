"""The register tile, by which all products of a dense layer are computed.

``C[i, :] = start[i, :] + sum_p A(i, p) * B[p, :]``: elements of A are broadcast, words of B are
multiplied, and a tile of C stays in registers. Every number of C is one chain of FMAs in the order
of p, so tiles, strips, panels and cuts change the speed and never a bit.
"""
from bp_core._kernel_table cimport Wish
from bp_core._simd cimport (
    MANY_REGISTERS, VL, ask_for_line, real, vr, vr_add, vr_fma, vr_fnma, vr_load, vr_set1, vr_store, vr_zero,
)

cdef enum Finish:           # what becomes of the finished chains
    SET, ADD, DESCEND

ctypedef struct Asking:     # for the rows of a wish, spread over the tiles
    Wish wish
    Py_ssize_t next         # row to ask for
    Py_ssize_t pace         # FMAs of words between two rows
    Py_ssize_t credit       # FMAs since the last row

ctypedef struct Product:
    const real* A           # element (i, p) at A[i * A_row + p * A_step]
    Py_ssize_t A_row
    Py_ssize_t A_step
    const real* B           # row p at B + p * B_stride, whole words
    Py_ssize_t B_stride
    bint turned             # what lies there is the transpose of B: element (p, j) at B[j * B_stride + p]
    const real* start       # row i at start + i * start_stride; NULL: zeros
    Py_ssize_t start_stride
    real* C                 # row i at C + i * C_stride, whole words
    Py_ssize_t C_stride
    Py_ssize_t rows         # of C
    Py_ssize_t columns      # of C
    Py_ssize_t words        # of a row of C
    Py_ssize_t depth        # numbers in a chain
    Py_ssize_t later        # rows of B behind them, for a product cut over the depth
    bint asks               # for the panels of B
    Finish finish           # C = chains; C += chains; C -= rate * chains
    real rate
    Asking* asking          # or NULL


cdef void start_asking(Asking* asking, const Wish* wish, Py_ssize_t work) noexcept nogil:
    """So that all rows are asked for in the first half of `work` FMAs of words: the last ones take their time too."""
    asking.wish = wish[0]
    asking.next = asking.credit = 0
    asking.pace = work // (2 * wish.rows) if wish.rows > 0 else 0


cdef void ask_for_rows(Asking* asking) noexcept nogil:
    """The next rows, as many as the work done so far pays for."""
    cdef Py_ssize_t at, array
    while asking.credit >= asking.pace and asking.next < asking.wish.rows:
        for array in range(3):
            if asking.wish.arrays[array] == NULL:
                break
            at = 0
            while at < asking.wish.row_bytes:
                ask_for_line(asking.wish.arrays[array] + asking.next * asking.wish.row_step + at)
                at += 64
        asking.credit -= asking.pace
        asking.next += 1


cdef inline void tile(
    const Product* g, Py_ssize_t i, Py_ssize_t w, Py_ssize_t height, Py_ssize_t width,
) noexcept nogil:
    """The tile of `height` rows from i and `width` words from w; both sizes are constants at compile time."""
    cdef vr acc[24]
    cdef vr b[8]
    cdef vr a
    cdef Py_ssize_t r, v, p
    cdef Py_ssize_t A_row = g.A_row, A_step = g.A_step, B_stride = g.B_stride, depth = g.depth
    # One address for every four rows of a tall tile: with one for all, GCC has no register left for the multiples.
    cdef const real* A[4]
    cdef Py_ssize_t group = 4 if height > 8 else 8, q, groups = (height + group - 1) // group
    cdef const real* B = g.B + w * VL
    cdef const real* start = g.start
    cdef Py_ssize_t start_stride = g.start_stride, C_stride = g.C_stride
    cdef real* C = g.C + i * C_stride + w * VL
    cdef Finish finish = g.finish
    cdef vr rate

    for q in range(groups):
        A[q] = g.A + (i + q * group) * A_row
    if start == NULL:
        for r in range(height):
            for v in range(width):
                acc[r * width + v] = vr_zero()
    else:
        for r in range(height):
            for v in range(width):
                acc[r * width + v] = vr_load(start + (i + r) * start_stride + (w + v) * VL)
    for p in range(depth):
        for v in range(width):
            b[v] = vr_load(B + v * VL)
        for r in range(height):
            a = vr_set1(A[r // group][r % group * A_row])
            for v in range(width):
                acc[r * width + v] = vr_fma(a, b[v], acc[r * width + v])
        for q in range(groups):
            A[q] += A_step
        B += B_stride
    if finish == ADD:
        for r in range(height):
            for v in range(width):
                acc[r * width + v] = vr_add(vr_load(C + r * C_stride + v * VL), acc[r * width + v])
    elif finish == DESCEND:
        rate = vr_set1(g.rate)
        for r in range(height):
            for v in range(width):
                acc[r * width + v] = vr_fnma(rate, acc[r * width + v], vr_load(C + r * C_stride + v * VL))
    for r in range(height):
        for v in range(width):
            vr_store(C + r * C_stride + v * VL, acc[r * width + v])


cdef inline Py_ssize_t strip(
    const Product* g, Py_ssize_t i, Py_ssize_t w, Py_ssize_t height, Py_ssize_t width,
) noexcept nogil:
    """Tiles down the rows from i while a whole one fits; returns the first row left."""
    while i + height <= g.rows:
        if g.asking != NULL:
            g.asking.credit += height * width * g.depth
            ask_for_rows(g.asking)
        tile(g, i, w, height, width)
        i += height
    return i


# Each a function of its own: in one piece the compiler runs out of registers.
cdef Py_ssize_t strip_6x4(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 6, 4)


cdef Py_ssize_t strip_4x4(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 4, 4)


cdef Py_ssize_t strip_2x4(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 2, 4)


cdef Py_ssize_t strip_1x4(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 1, 4)


cdef Py_ssize_t strip_8x3(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 8, 3)


cdef Py_ssize_t strip_4x3(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 4, 3)


cdef Py_ssize_t strip_2x3(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 2, 3)


cdef Py_ssize_t strip_1x3(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 1, 3)


cdef Py_ssize_t strip_12x2(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 12, 2)


cdef Py_ssize_t strip_10x2(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 10, 2)


cdef Py_ssize_t strip_8x2(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 8, 2)


cdef Py_ssize_t strip_6x2(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 6, 2)


cdef Py_ssize_t strip_4x2(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 4, 2)


cdef Py_ssize_t strip_2x2(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 2, 2)


cdef Py_ssize_t strip_1x2(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 1, 2)


cdef Py_ssize_t strip_16x1(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 16, 1)


cdef Py_ssize_t strip_12x1(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 12, 1)


cdef Py_ssize_t strip_4x1(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 4, 1)


cdef Py_ssize_t strip_2x1(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 2, 1)


cdef Py_ssize_t strip_1x1(const Product* g, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    return strip(g, i, w, 1, 1)


cdef void panel_of(const Product* g, Py_ssize_t w, Py_ssize_t width) noexcept nogil:
    """All rows of `width` words from w, in the tallest tiles whose accumulators fit the registers, then shorter ones."""
    cdef Py_ssize_t i = 0
    if width == 4:
        i = strip_1x4(g, strip_2x4(g, strip_4x4(g, strip_6x4(g, i, w), w), w), w)
    elif width == 3:
        i = strip_1x3(g, strip_2x3(g, strip_4x3(g, strip_8x3(g, i, w), w), w), w)
    elif width == 2:
        if MANY_REGISTERS:
            i = strip_10x2(g, strip_12x2(g, i, w), w)
        i = strip_6x2(g, strip_8x2(g, i, w) if MANY_REGISTERS else i, w)
        i = strip_1x2(g, strip_2x2(g, strip_4x2(g, i, w), w), w)
    else:
        i = strip_16x1(g, i, w) if MANY_REGISTERS else strip_12x1(g, i, w)
        i = strip_1x1(g, strip_2x1(g, strip_4x1(g, i, w), w), w)


cdef inline Py_ssize_t row_tiles(const Product* g, Py_ssize_t w, Py_ssize_t width) noexcept nogil:
    """Tiles along the only row from word w while a whole one fits; returns the first word left."""
    while w + width <= g.words:
        tile(g, 0, w, 1, width)
        w += width
    return w


cdef void only_row(const Product* g) noexcept nogil:
    cdef Py_ssize_t w = 0
    w = row_tiles(g, w, 8)
    w = row_tiles(g, w, 4)
    w = row_tiles(g, w, 2)
    row_tiles(g, w, 1)
