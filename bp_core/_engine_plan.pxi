"""The plan of a network, its checks, and where each layer's numbers lie.

A plan is a ``bytes`` of int64: the number of layers of weights L, the L + 1 layer sizes, L activations,
L bias modes. The parameters are one buffer: for each layer the rows of W, then b, each row padded with
zeros to a whole number of 64-byte lines. A narrow layer, of few units and many inputs, stores the transpose
of W: its rows are then long, where those of W would be mostly padding.
"""
from cpython.bytes cimport PyBytes_AsString, PyBytes_Size
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset

from bp_core._kernel_table cimport ACTIVATIONS, GELU, LINE, SILU, Kernels, real

cdef enum BiasMode:
    NO_BIAS, LAYER_BIAS, UNIT_BIAS
    BIAS_MODES

cdef enum:
    MAX_SIZE = 1 << 30              # units of a layer
    FEW_LAYERS = 4                  # need no allocation
    NARROW_UNITS = 8                # a layer of at most so many units
    NARROW_INPUTS = 16              # and at least so many inputs is narrow (the numeric contract)

cdef extern from *:
    const int64_t MAX_PARAMETERS "(INT64_C(1) << 44)"

ctypedef struct Layer:
    Py_ssize_t fan_in
    Py_ssize_t fan_out
    Py_ssize_t stride               # reals from one row of z, a, delta to the next
    Py_ssize_t W_rows               # of W as it is stored: fan_in, or fan_out where narrow
    Py_ssize_t W_columns            # fan_out, or fan_in
    Py_ssize_t W_stride             # reals from one stored row to the next
    Py_ssize_t WT_stride            # reals from one row of the transposed copy of W to the next
    Py_ssize_t W_at                 # where W and b start in the parameters
    Py_ssize_t b_at
    Py_ssize_t b_size               # reals of b: a row, a line or nothing
    bint narrow                     # W is stored transposed
    int activation
    int bias
    real* W                         # (W_rows, W_columns)
    real* b                         # (b_size,)
    real* b_row                     # (stride,): b, or its one number for every unit, or zeros
    real* WT                        # (fan_out, fan_in): a transposed copy, W itself where narrow, or NULL
    real* z                         # (rows, fan_out); a itself where z need not be kept
    real* a                         # (rows, fan_out)
    real* mask                      # (rows, fan_out): 0 or kept_scale, or NULL
    real* out                       # (rows, fan_out): what the next layer reads, a or a * mask
    uint32_t kept                   # a unit stays where its random word is below; 0: no dropout
    real kept_scale
    real* delta                     # (rows, fan_out)
    real* unit_sums                 # (stride,): the sums of delta behind a shared bias, or NULL

ctypedef struct Net:
    const Kernels* kernels
    Py_ssize_t n_layers
    Py_ssize_t n_in
    Py_ssize_t n_out
    Py_ssize_t x_stride
    Py_ssize_t size                 # reals in the parameters, padding included
    Py_ssize_t widest               # the longest row of any layer, padding included
    Layer* layers                   # `few`, or allocated: a Net stays where it was opened
    Layer few[4]


cdef inline Py_ssize_t padded(Py_ssize_t n) noexcept nogil:
    """n in whole lines, and one line more where rows would lie a multiple of 4096 bytes apart."""
    cdef Py_ssize_t stride = (n + LINE - 1) // LINE * LINE
    return stride + LINE if stride % (64 * LINE) == 0 else stride


cdef inline bint is_narrow(Py_ssize_t fan_in, Py_ssize_t fan_out) noexcept nogil:
    return fan_out <= NARROW_UNITS and fan_in >= NARROW_INPUTS


cdef int check_plan(const int64_t* words, Py_ssize_t n_words) except -1:
    """Raise unless the plan is whole and every size safe."""
    cdef int64_t n_layers = words[0] if n_words > 0 else 0
    cdef int64_t total = 0, l, fan_in, fan_out
    if n_layers < 1 or n_layers > n_words or n_words != 2 + 3 * n_layers:
        raise ValueError("the plan of the network is damaged: its length and its number of layers disagree")
    for l in range(n_layers + 1):
        if words[1 + l] < 1 or words[1 + l] > MAX_SIZE:
            raise ValueError(f"layer {l} has {words[1 + l]} units; expected 1 to {MAX_SIZE}")
    for l in range(n_layers):
        if not 0 <= words[2 + n_layers + l] < ACTIVATIONS:
            raise ValueError(f"layer {l} has an unknown activation, number {words[2 + n_layers + l]}")
        if not 0 <= words[2 + 2 * n_layers + l] < BIAS_MODES:
            raise ValueError(f"layer {l} has an unknown bias mode, number {words[2 + 2 * n_layers + l]}")
        fan_in, fan_out = words[1 + l], words[2 + l]
        if is_narrow(fan_in, fan_out):
            fan_in, fan_out = fan_out, fan_in
        total += (fan_in + 2) * <int64_t>padded(fan_out)
        if total > MAX_PARAMETERS:
            raise ValueError(f"the network has more than {MAX_PARAMETERS} parameters")
    return 0


cdef int open_net(Net* net, bytes plan) except -1:
    """Check the plan and lay the layers out; `close_net` frees them."""
    cdef const int64_t* words = <const int64_t*>PyBytes_AsString(plan)
    cdef Py_ssize_t n_words = PyBytes_Size(plan) // <Py_ssize_t>sizeof(int64_t)
    if PyBytes_Size(plan) % <Py_ssize_t>sizeof(int64_t) != 0:
        raise ValueError("the plan of the network is damaged: it is no whole number of words")
    check_plan(words, n_words)
    net.kernels = (<Kernels**>slot)[0]
    net.n_layers = words[0]
    net.n_in = words[1]
    net.n_out = words[1 + net.n_layers]
    net.layers = net.few
    if net.n_layers > FEW_LAYERS:
        net.layers = <Layer*>PyMem_Malloc(net.n_layers * sizeof(Layer))
    if net.layers == NULL:
        raise MemoryError("no memory for the plan of the network")
    memset(net.layers, 0, net.n_layers * sizeof(Layer))
    lay_out(net, words)
    return 0


cdef void lay_out(Net* net, const int64_t* words) noexcept nogil:
    """Sizes, strides and places of every layer."""
    cdef Layer* layer
    cdef Py_ssize_t l
    net.x_stride = padded(net.n_in)
    net.size = 0
    net.widest = net.x_stride
    for l in range(net.n_layers):
        layer = &net.layers[l]
        layer.fan_in, layer.fan_out = words[1 + l], words[2 + l]
        layer.activation = <int>words[2 + net.n_layers + l]
        layer.bias = <int>words[2 + 2 * net.n_layers + l]
        layer.stride = padded(layer.fan_out)
        layer.narrow = is_narrow(layer.fan_in, layer.fan_out)
        layer.W_rows = layer.fan_out if layer.narrow else layer.fan_in
        layer.W_columns = layer.fan_in if layer.narrow else layer.fan_out
        layer.W_stride, layer.WT_stride = padded(layer.W_columns), padded(layer.fan_in)
        layer.b_size = layer.stride if layer.bias == UNIT_BIAS else (LINE if layer.bias == LAYER_BIAS else 0)
        layer.W_at = net.size
        layer.b_at = layer.W_at + layer.W_rows * layer.W_stride
        net.size = layer.b_at + layer.b_size
        net.widest = max(net.widest, layer.stride)


cdef void close_net(Net* net) noexcept:
    if net.layers != net.few:
        PyMem_Free(net.layers)
    net.layers = NULL


cdef bint is_small(const Net* net) noexcept nogil:
    """Whether every layer fits one word of the kernels for small networks, and every row one line."""
    cdef Py_ssize_t l
    if net.n_layers > FEW_LAYERS or net.n_in > LINE:
        return False
    for l in range(net.n_layers):
        if net.layers[l].narrow or net.layers[l].fan_out > (<const Kernels*>net.kernels.small).word:
            return False
    return True


cdef inline Py_ssize_t b_length(const Layer* layer) noexcept nogil:
    """Numbers in b, padding not counted."""
    return layer.fan_out if layer.bias == UNIT_BIAS else (1 if layer.bias == LAYER_BIAS else 0)


cdef inline bint keeps_z(const Layer* layer) noexcept nogil:
    """Whether the derivative needs z beside a."""
    return layer.activation == GELU or layer.activation == SILU


cdef void bind_parameters(Net* net, real* parameters) noexcept nogil:
    """Point every layer at its W and b."""
    cdef Layer* layer
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        layer = &net.layers[l]
        layer.W = parameters + layer.W_at
        layer.b = layer.b_row = parameters + layer.b_at
        layer.WT = layer.W if layer.narrow else NULL


cdef inline real* take(real** room, Py_ssize_t n) noexcept nogil:
    """The next n reals of a workspace; whole lines, so that every piece starts a line."""
    cdef real* piece = room[0]
    room[0] = piece + (n + LINE - 1) // LINE * LINE
    return piece


cdef void take_bias_rows(Net* net, real** room) noexcept nogil:
    """Room for the rows of b that are not stored as rows."""
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        if net.layers[l].bias != UNIT_BIAS:
            net.layers[l].b_row = take(room, net.layers[l].stride)


cdef Py_ssize_t bias_rows_size(const Net* net) noexcept nogil:
    cdef Py_ssize_t l, size = 0
    for l in range(net.n_layers):
        if net.layers[l].bias != UNIT_BIAS:
            size += net.layers[l].stride
    return size


cdef void spread_bias(Layer* layer) noexcept nogil:
    """Bring b_row up to date with b where it is not b itself."""
    cdef Py_ssize_t j
    if layer.bias == UNIT_BIAS:
        return
    for j in range(layer.stride):
        layer.b_row[j] = layer.b[0] if layer.bias == LAYER_BIAS and j < layer.fan_out else <real>0


def layout(bytes plan):
    """Where each layer lies: (size, [(W_at, rows, columns, stride, narrow, b_at, b_length), ...]), in reals."""
    cdef Net net
    cdef Layer* layer
    cdef Py_ssize_t l
    open_net(&net, plan)
    try:
        places = []
        for l in range(net.n_layers):
            layer = &net.layers[l]
            places.append((
                layer.W_at, layer.W_rows, layer.W_columns, layer.W_stride, bool(layer.narrow),
                layer.b_at, b_length(layer),
            ))
        return net.size, places
    finally:
        close_net(&net)
