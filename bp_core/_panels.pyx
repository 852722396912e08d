"""Whole products: cut over the depth, panel after panel, panels of far rows packed side by side."""
from libc.string cimport memset

from bp_core._kernel_table cimport Wish
from bp_core._simd cimport SQUARE, VL, WIDEST, real, transpose_square, vr, vr_load, vr_store

cdef enum:
    CUT = 128               # a longer sum is cut into pieces, so that a panel of B stays in the first cache
    PACK_ROWS = 24          # from so many rows of C on, a panel of B whose rows lie far apart is copied side by side
    FAR = 2                 # far: so many times the panel's width
    FAR_BYTES = 1 << 20     # of B: from so many on a panel is asked for while the one before it is at work


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
    """All rows of C for `width` words from w of B, copied side by side first: far rows would share few cache sets."""
    cdef Product local = g[0]
    if g.turned:
        pack_turned(g, w, width, room)
    else:
        pack(g, w, width, room)
    local.B, local.B_stride = room - w * VL, width * VL
    panel_of(&local, w, width)


cdef inline Py_ssize_t panel_width(const Product* g, Py_ssize_t w) noexcept nogil:
    """Words of the panel from word w: in as few panels as can be, all of nearly the same width."""
    cdef Py_ssize_t left = g.words - w, panels
    if left <= WIDEST:
        return left             # most often; a division takes as long as a small tile
    panels = (left + WIDEST - 1) // WIDEST
    return (left + panels - 1) // panels


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
    g.later = g.depth
    g.asks = g.B_stride * (g.words * VL if g.turned else g.depth) * <Py_ssize_t>sizeof(real) >= FAR_BYTES
    while g.later > 0:
        g.depth = CUT if g.later > CUT else g.later
        g.later -= g.depth
        piece(g)
        g.A += g.depth * g.A_step
        g.B += g.depth * (1 if g.turned else g.B_stride)
        g.start = g.C
        g.start_stride = g.C_stride
