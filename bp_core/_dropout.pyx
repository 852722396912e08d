"""Dropout: masks from counters, so that any thread makes any mask.

The random words are those of Philox4x32-10 (J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): ten
rounds turn a counter of four 32-bit words, under a key of two, into four words of a random stream.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from bp_core._simd cimport VL, real, vr_load, vr_mul, vr_store

cdef extern from "random_words.h" nogil:
    ctypedef struct vu:                     # a word of UL 64-bit lanes
        pass
    enum:
        UL "BP_UL"
    vu vu_load(const uint64_t* p)
    void vu_store(uint64_t* p, vu a)
    vu vu_set1(uint64_t x)
    vu vu_xor(vu a, vu b)
    vu vu_product(vu a, vu b)               # of the low halves of the lanes
    vu vu_upper(vu a)                       # the upper half of each lane

cdef extern from *:
    const uint32_t PHILOX_M0 "UINT32_C(0xD2511F53)"
    const uint32_t PHILOX_M1 "UINT32_C(0xCD9E8D57)"
    const uint32_t PHILOX_W0 "UINT32_C(0x9E3779B9)"
    const uint32_t PHILOX_W1 "UINT32_C(0xBB67AE85)"

cdef enum:
    ROUNDS = 10
    COUNTERS = 32       # abreast: more than the compiler unrolls, so that it makes vector code of loops over them


ctypedef struct Stream:         # what all counters of a mask share
    vu keys[20]                 # two a round
    uint32_t layer
    uint32_t step
    uint32_t kept               # a unit is kept where its word is below,
    real scale                  # times this


cdef inline void open_stream(Stream* stream, uint64_t key, uint64_t step) noexcept nogil:
    """The keys of all rounds; the step's upper half goes into the key, as a counter has no room for it."""
    cdef uint32_t k0 = <uint32_t>key, k1 = <uint32_t>(key >> 32) ^ <uint32_t>(step >> 32)
    cdef Py_ssize_t round
    for round in range(ROUNDS):
        stream.keys[2 * round], stream.keys[2 * round + 1] = vu_set1(k0), vu_set1(k1)
        k0 += PHILOX_W0
        k1 += PHILOX_W1


cdef inline void philox(const vu* keys, uint64_t* c) noexcept nogil:
    """Ten rounds of two words of counters, in place: word w of counter i is the low half of c[COUNTERS * w + i]."""
    cdef vu c0[2]
    cdef vu c1[2]
    cdef vu c2[2]
    cdef vu c3[2]
    cdef vu left, right
    cdef Py_ssize_t i, round
    for i in range(2):
        c0[i], c1[i] = vu_load(c + i * UL), vu_load(c + COUNTERS + i * UL)
        c2[i], c3[i] = vu_load(c + 2 * COUNTERS + i * UL), vu_load(c + 3 * COUNTERS + i * UL)
    for round in range(ROUNDS):
        for i in range(2):
            left, right = vu_product(vu_set1(PHILOX_M0), c0[i]), vu_product(vu_set1(PHILOX_M1), c2[i])
            c0[i] = vu_xor(vu_xor(vu_upper(right), c1[i]), keys[2 * round])
            c2[i] = vu_xor(vu_xor(vu_upper(left), c3[i]), keys[2 * round + 1])
            c1[i], c3[i] = right, left
    for i in range(2):
        vu_store(c + i * UL, c0[i])
        vu_store(c + COUNTERS + i * UL, c1[i])
        vu_store(c + 2 * COUNTERS + i * UL, c2[i])
        vu_store(c + 3 * COUNTERS + i * UL, c3[i])


cdef inline void draw(
    const Stream* stream, uint64_t group, uint64_t row, bint down,
    real* fours,            # OUT  (COUNTERS, 4): what four units each are multiplied by
) noexcept nogil:
    """The masks of counters (group, row, layer, step), and on from there down the rows, or else along the groups."""
    cdef uint64_t c[128]
    cdef real factors[128]
    cdef real scale = stream.scale, zero = 0
    cdef uint32_t kept = stream.kept
    cdef uint64_t rows = 0 - <uint64_t>down
    cdef Py_ssize_t i
    for i in range(COUNTERS):
        c[i] = group + (<uint64_t>i & ~rows)
        c[COUNTERS + i] = row + (<uint64_t>i & rows)
        c[2 * COUNTERS + i] = stream.layer
        c[3 * COUNTERS + i] = stream.step
    i = 0
    while i < COUNTERS:
        philox(stream.keys, c + i)
        i += 2 * UL
    for i in range(4 * COUNTERS):
        factors[i] = scale if <uint32_t>c[i] < kept else zero
    for i in range(COUNTERS):
        fours[4 * i], fours[4 * i + 1] = factors[i], factors[COUNTERS + i]
        fours[4 * i + 2], fours[4 * i + 3] = factors[2 * COUNTERS + i], factors[3 * COUNTERS + i]


cdef void draw_masks(
    const Stream* stream, real* mask, Py_ssize_t rows, Py_ssize_t groups, Py_ssize_t stride, uint64_t first,
) noexcept nogil:
    """Whole fours of units, abreast down the rows or along the groups, whichever are more."""
    cdef bint down = rows > groups
    cdef Py_ssize_t inner = rows if down else groups, outer = groups if down else rows
    cdef Py_ssize_t inner_step = stride if down else 4, outer_step = 4 if down else stride, i, at, o
    cdef real fours[128]
    for o in range(outer):
        at = 0
        while at < inner:
            draw(stream, o if down else at, first + (at if down else o), down, fours)
            for i in range(COUNTERS if inner - at > COUNTERS else inner - at):
                memcpy(mask + o * outer_step + (at + i) * inner_step, fours + 4 * i, 4 * sizeof(real))
            at += COUNTERS


cdef void drop(
    const real* a,          # IN   (rows, n), padding read
    real* mask,             # OUT  (rows, n): 0 or `scale`; its padding must be 0 and stays so
    real* dropped,          # OUT  (rows, n): a * mask
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, uint64_t key, uint64_t step, uint32_t layer,
    uint64_t first, uint32_t kept, real scale,
) noexcept nogil:
    """A unit is kept, times `scale`, where its word of the random stream is below `kept`, else 0.

    Counter (unit / 4, row, layer, step): its four words decide on four units.
    """
    cdef Stream stream
    cdef Py_ssize_t groups = (n + 3) // 4, s, j, i = 0
    stream.layer, stream.step, stream.kept, stream.scale = layer, <uint32_t>step, kept, scale
    open_stream(&stream, key, step)
    draw_masks(&stream, mask, rows, groups, stride, first)
    for s in range(rows):
        for j in range(n, 4 * groups):
            mask[s * stride + j] = 0
    while i < rows * stride:
        vr_store(dropped + i, vr_mul(vr_load(a + i), vr_load(mask + i)))
        i += VL


cdef void multiply(const real* factors, real* x, Py_ssize_t n) noexcept nogil:
    """x *= factors; n is a multiple of the word."""
    cdef Py_ssize_t i = 0
    while i < n:
        vr_store(x + i, vr_mul(vr_load(x + i), vr_load(factors + i)))
        i += VL
