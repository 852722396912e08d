"""The three products of a dense layer, by one register tile.

``C[i, :] = start[i, :] + sum_p A(i, p) * B[p, :]``: elements of A are broadcast, words of B are
multiplied, and a tile of C stays in registers. Every number of C is one chain of FMAs in the order
of p, so tiles, strips, panels and cuts change the speed and never a bit.
"""
from libc.string cimport memset

from bp_core._simd cimport (
    MANY_REGISTERS, SQUARE, VL, WIDEST, ask_for_line, real, transpose_square, vr, vr_add, vr_fma, vr_fnma, vr_load, vr_set1, vr_store, vr_zero,
)
from bp_core._kernel_table cimport BLOCK_ROWS, Wish

cdef enum:
    CUT = 128               # a longer sum is cut into pieces, so that a panel of B stays in the first cache
    PACK_ROWS = 24          # from so many rows of C on, a panel of B whose rows lie far apart is copied side by side
    FAR = 2                 # far: so many times the panel's width
    ASKED_BYTES = 1 << 20   # of B: from so many on a panel is asked for while the one before it is at work

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
    bint turned             # B is the transpose of what lies there: element (p, j) at B[j * B_stride + p], j below columns
    Py_ssize_t columns
    const real* start       # row i at start + i * start_stride; NULL: zeros
    Py_ssize_t start_stride
    real* C                 # row i at C + i * C_stride, whole words
    Py_ssize_t C_stride
    Py_ssize_t rows         # of C
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


cdef void pack(const Product* g, Py_ssize_t w, Py_ssize_t width, real* room) noexcept nogil:
    """The panel of `width` words from word w of B, its words side by side."""
    cdef Py_ssize_t p, v
    for p in range(g.depth):
        for v in range(width):
            vr_store(room + (p * width + v) * VL, vr_load(g.B + p * g.B_stride + (w + v) * VL))


cdef void pack_turned(const Product* g, Py_ssize_t w, Py_ssize_t width, real* room) noexcept nogil:
    """The same from the transpose of B, zeros behind its last column."""
    cdef Py_ssize_t first = w * VL, columns = min(width * VL, g.columns - first), p
    transpose(g.B + first * g.B_stride, g.B_stride, room, width * VL, columns, g.depth)
    if columns < width * VL:
        for p in range(g.depth):
            memset(room + p * width * VL + columns, 0, (width * VL - columns) * sizeof(real))


cdef void packed_panel(const Product* g, Py_ssize_t w, Py_ssize_t width, real* room) noexcept nogil:
    """The same, with B's words copied side by side first: far rows would share few cache sets."""
    cdef Product local = g[0]
    if g.turned:
        pack_turned(g, w, width, room)
    else:
        pack(g, w, width, room)
    local.B, local.B_stride = room - w * VL, width * VL
    panel_of(&local, w, width)


cdef inline Py_ssize_t panel_width(const Product* g, Py_ssize_t w) noexcept nogil:
    """Words of the panel from word w: in as few panels as can be, all of nearly the same width."""
    cdef Py_ssize_t panels = (g.words - w + WIDEST - 1) // WIDEST
    return (g.words - w + panels - 1) // panels


cdef void wish_for_panel(const Product* g, Py_ssize_t w, Py_ssize_t width, Wish* wish) noexcept nogil:
    """The panel of B behind that of `width` words from w: beside it, or the first of the next cut."""
    cdef bint beside = w + width < g.words
    cdef Py_ssize_t p = 0 if beside else g.depth, depth = g.depth if beside else min(g.later, g.depth)
    cdef Py_ssize_t word = w + width if beside else 0
    wish.arrays[0], wish.arrays[1] = <const char*>(g.B + p * g.B_stride + word * VL), NULL
    wish.rows, wish.row_bytes = depth, width * VL * sizeof(real)
    wish.row_step = g.B_stride * sizeof(real)
    if g.turned:
        wish.arrays[0] = <const char*>(g.B + word * VL * g.B_stride + p)
        wish.rows, wish.row_bytes = width * VL if depth > 0 else 0, depth * sizeof(real)


cdef void packed_panels(const Product* g) noexcept nogil:
    """Panel after panel, each asked for while the one before it is at work."""
    cdef vr room[512]           # CUT rows of WIDEST words
    cdef Product local = g[0]
    cdef Asking asking
    cdef Wish wish
    cdef Py_ssize_t w = 0, width
    while w < g.words:
        width = panel_width(g, w)
        if g.asks:
            wish_for_panel(g, w, width, &wish)
            start_asking(&asking, &wish, g.rows * width * g.depth)
            local.asking = &asking
        packed_panel(&local, w, width, <real*>room)
        w += width


cdef void piece(const Product* g) noexcept nogil:
    """The product over the whole depth of g."""
    cdef Py_ssize_t w = 0, width
    if g.rows == 1 and not g.turned:
        only_row(g)
        return
    if g.turned or g.rows >= PACK_ROWS and g.depth >= 32 and g.B_stride >= FAR * WIDEST * VL:
        packed_panels(g)
        return
    while w < g.words:
        width = panel_width(g, w)
        panel_of(g, w, width)
        w += width


cdef void product(Product* g) noexcept nogil:
    """The product, cut over the depth where that is long: the unfinished chains wait in C."""
    g.asking = NULL
    g.later = g.depth
    g.asks = g.B_stride * (g.words * VL if g.turned else g.depth) * <Py_ssize_t>sizeof(real) >= ASKED_BYTES
    while g.later > 0:
        g.depth = CUT if g.later > CUT else g.later
        g.later -= g.depth
        piece(g)
        g.A += g.depth * g.A_step
        g.B += g.depth * (1 if g.turned else g.B_stride)
        g.start = g.C
        g.start_stride = g.C_stride


cdef inline Py_ssize_t words_of(Py_ssize_t n) noexcept nogil:
    return (n + VL - 1) // VL


cdef void dense_forward(
    const real* a_prev,         # IN   (batch, fan_in), rows a_prev_stride apart
    Py_ssize_t a_prev_stride,
    const real* W,              # IN   (fan_in, fan_out), rows W_stride apart, padding read
    Py_ssize_t W_stride,
    const real* b,              # IN   (fan_out,), padding read
    real* z,                    # OUT  (batch, fan_out); overlaps no input
    Py_ssize_t z_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """z[s, j] = b[j] + sum_k a_prev[s, k] * W[k, j], one chain of FMAs in the order of k."""
    cdef Product g
    g.A, g.A_row, g.A_step = a_prev, a_prev_stride, 1
    g.B, g.B_stride, g.turned = W, W_stride, False
    g.start, g.start_stride = b, 0
    g.C, g.C_stride = z, z_stride
    g.rows, g.words, g.depth, g.finish = batch, words_of(fan_out), fan_in, SET
    product(&g)


cdef void dense_backward(
    const real* delta,          # IN   (batch, fan_out)
    Py_ssize_t delta_stride,
    const real* WT,             # IN   (fan_out, fan_in), rows WT_stride apart, padding read
    Py_ssize_t WT_stride,
    real* delta_prev,           # OUT  (batch, fan_in); overlaps no input
    Py_ssize_t delta_prev_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """delta_prev[s, k] = sum_j delta[s, j] * WT[j, k], one chain of FMAs from 0 in the order of j."""
    cdef Product g
    g.A, g.A_row, g.A_step = delta, delta_stride, 1
    g.B, g.B_stride, g.turned = WT, WT_stride, False
    g.start, g.start_stride = NULL, 0
    g.C, g.C_stride = delta_prev, delta_prev_stride
    g.rows, g.words, g.depth, g.finish = batch, words_of(fan_in), fan_out, SET
    product(&g)


cdef void dense_backward_turned(
    const real* delta,          # IN   (batch, fan_out)
    Py_ssize_t delta_stride,
    const real* W,              # IN   (fan_in, fan_out), rows W_stride apart
    Py_ssize_t W_stride,
    real* delta_prev,           # OUT  (batch, fan_in); overlaps no input
    Py_ssize_t delta_prev_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """The same from W itself, transposed panel by panel as it is packed."""
    cdef Product g
    g.A, g.A_row, g.A_step = delta, delta_stride, 1
    g.B, g.B_stride, g.turned, g.columns = W, W_stride, True, fan_in
    g.start, g.start_stride = NULL, 0
    g.C, g.C_stride = delta_prev, delta_prev_stride
    g.rows, g.words, g.depth, g.finish = batch, words_of(fan_in), fan_out, SET
    product(&g)


cdef void dense_gradient(
    const real* a_prev,         # IN   (batch, fan_in), consecutive s a_prev_stride apart, consecutive k a_prev_step apart
    Py_ssize_t a_prev_stride, Py_ssize_t a_prev_step,
    const real* delta,          # IN   (batch, fan_out), padding read
    Py_ssize_t delta_stride,
    real* grad,                 # OUT  (fan_in, fan_out), padding written; IN too when add
    Py_ssize_t grad_stride,
    Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out, bint add,
    const Wish* wish,           # IN   or NULL
) noexcept nogil:
    """grad[k, j] (+)= sum_s a_prev[s, k] * delta[s, j]: a chain from 0 per block of rows, blocks added in order."""
    cdef Product g
    cdef Asking asking
    cdef Py_ssize_t s = 0
    g.A_row, g.A_step = a_prev_step, a_prev_stride
    g.B_stride, g.turned = delta_stride, False
    g.start, g.start_stride = NULL, 0
    g.C, g.C_stride = grad, grad_stride
    g.rows, g.words, g.asks = fan_in, words_of(fan_out), False
    g.asking = NULL
    if wish != NULL:
        g.asking = &asking
        start_asking(&asking, wish, fan_in * words_of(fan_out) * batch)
    while s < batch:
        g.A = a_prev + s * a_prev_stride
        g.B = delta + s * delta_stride
        g.depth = BLOCK_ROWS if batch - s > BLOCK_ROWS else batch - s
        g.finish = ADD if add or s > 0 else SET
        piece(&g)
        s += g.depth


cdef void dense_descend(
    const real* a_prev,         # IN   (batch, fan_in), consecutive s a_prev_stride apart
    Py_ssize_t a_prev_stride,
    const real* delta,          # IN   (batch, fan_out), padding read
    Py_ssize_t delta_stride,
    real* W,                    # INOUT (fan_in, fan_out), padding written
    Py_ssize_t W_stride,
    real rate, Py_ssize_t batch, Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """W[k, j] -= rate * sum_s a_prev[s, k] * delta[s, j], a chain from 0 over at most 128 rows."""
    cdef Product g
    g.A, g.A_row, g.A_step = a_prev, 1, a_prev_stride
    g.B, g.B_stride, g.turned = delta, delta_stride, False
    g.start, g.start_stride = NULL, 0
    g.C, g.C_stride = W, W_stride
    g.rows, g.words, g.depth, g.finish, g.rate = fan_in, words_of(fan_out), batch, DESCEND, rate
    g.asks, g.asking = False, NULL
    piece(&g)


cdef inline void transpose_edge(
    const real* W, Py_ssize_t W_stride, real* WT, Py_ssize_t WT_stride,
    Py_ssize_t k0, Py_ssize_t k1, Py_ssize_t j0, Py_ssize_t j1,
) noexcept nogil:
    """WT[j, k] = W[k, j] for k from k0 to k1 and j from j0 to j1."""
    cdef Py_ssize_t j, k
    for k in range(k0, k1):
        for j in range(j0, j1):
            WT[j * WT_stride + k] = W[k * W_stride + j]


cdef void transpose(
    const real* W,              # IN   (fan_in, fan_out)
    Py_ssize_t W_stride,
    real* WT,                   # OUT  (fan_out, fan_in)
    Py_ssize_t WT_stride,
    Py_ssize_t fan_in, Py_ssize_t fan_out,
) noexcept nogil:
    """WT[j, k] = W[k, j], square after square, the edges one by one."""
    cdef Py_ssize_t j, k = 0
    while k + SQUARE <= fan_in:
        j = 0
        while j + SQUARE <= fan_out:
            transpose_square(W + k * W_stride + j, W_stride, WT + j * WT_stride + k, WT_stride)
            j += SQUARE
        transpose_edge(W, W_stride, WT, WT_stride, k, k + SQUARE, j, fan_out)
        k += SQUARE
    transpose_edge(W, W_stride, WT, WT_stride, k, fan_in, 0, fan_out)
