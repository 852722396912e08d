"""Dropout: masks from counters, so that any thread makes any mask.

The random words are those of Philox4x32-10 (J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): ten
rounds turn a counter of four 32-bit words, under a key of two, into four words of a random stream.
"""
from libc.stdint cimport uint32_t, uint64_t

from bp_core._simd cimport VL, real, vr_load, vr_mul, vr_store

cdef extern from *:
    const uint32_t PHILOX_M0 "UINT32_C(0xD2511F53)"
    const uint32_t PHILOX_M1 "UINT32_C(0xCD9E8D57)"
    const uint32_t PHILOX_W0 "UINT32_C(0x9E3779B9)"
    const uint32_t PHILOX_W1 "UINT32_C(0xBB67AE85)"

cdef enum:
    COUNTERS_ABREAST = 32       # more than the compiler unrolls: it makes vector code of the loop instead


cdef inline uint32_t high_product(uint32_t a, uint32_t b) noexcept nogil:
    """The upper half of a * b by products of halves: GCC makes vector code of these, not of a widening product."""
    cdef uint32_t low = (a & 0xFFFF) * (b & 0xFFFF)
    cdef uint32_t middle = (a >> 16) * (b & 0xFFFF) + (low >> 16)
    cdef uint32_t other = (a & 0xFFFF) * (b >> 16) + (middle & 0xFFFF)
    return (a >> 16) * (b >> 16) + (middle >> 16) + (other >> 16)


cdef inline void philox(uint32_t* c0, uint32_t* c1, uint32_t* c2, uint32_t* c3, uint32_t k0, uint32_t k1) noexcept nogil:
    """Ten rounds of 32 counters side by side, in place."""
    cdef uint32_t left, right
    cdef Py_ssize_t round, i
    for round in range(10):
        for i in range(COUNTERS_ABREAST):
            left, right = c0[i], c2[i]
            c0[i] = high_product(PHILOX_M1, right) ^ c1[i] ^ k0
            c2[i] = high_product(PHILOX_M0, left) ^ c3[i] ^ k1
            c1[i], c3[i] = PHILOX_M1 * right, PHILOX_M0 * left
        k0 += PHILOX_W0
        k1 += PHILOX_W1


ctypedef struct Place:              # of four units in a mask
    Py_ssize_t group
    uint32_t row


cdef inline void advance(Place* place, Py_ssize_t groups) noexcept nogil:
    """The next four units of the row, else the first of the next row."""
    place.group += 1
    if place.group == groups:
        place.group, place.row = 0, place.row + 1


cdef inline void write_mask(const uint32_t* word, uint32_t kept, real scale, real* mask, Py_ssize_t units) noexcept nogil:
    """The next four units of a row, or as many as it has: `scale` where the unit's word is below `kept`, else 0."""
    cdef Py_ssize_t i
    for i in range(4 if units > 4 else units):
        mask[i] = scale if word[i * COUNTERS_ABREAST] < kept else 0


cdef void draw_masks(
    real* mask, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, uint64_t key, uint64_t step, uint32_t layer,
    uint64_t first, uint32_t kept, real scale,
) noexcept nogil:
    """Counter (unit / 4, row, layer, step): its four words decide on four units."""
    cdef uint32_t words[128]
    cdef Place drawn = Place(0, 0), written = Place(0, 0)
    cdef Py_ssize_t groups = (n + 3) // 4, left = rows * groups, i
    while left > 0:
        for i in range(COUNTERS_ABREAST):
            words[i] = <uint32_t>drawn.group
            words[COUNTERS_ABREAST + i] = <uint32_t>first + drawn.row
            words[2 * COUNTERS_ABREAST + i] = layer
            words[3 * COUNTERS_ABREAST + i] = <uint32_t>step
            advance(&drawn, groups)
        philox(
            words, words + COUNTERS_ABREAST, words + 2 * COUNTERS_ABREAST, words + 3 * COUNTERS_ABREAST,
            <uint32_t>key, <uint32_t>(key >> 32) ^ <uint32_t>(step >> 32))
        for i in range(COUNTERS_ABREAST if left > COUNTERS_ABREAST else left):
            write_mask(words + i, kept, scale, mask + written.row * stride + 4 * written.group, n - 4 * written.group)
            advance(&written, groups)
        left -= COUNTERS_ABREAST


cdef void drop(
    const real* a,          # IN   (rows, n), padding read
    real* mask,             # OUT  (rows, n): 0 or `scale`; its padding must be 0 and stays so
    real* dropped,          # OUT  (rows, n): a * mask
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t stride, uint64_t key, uint64_t step, uint32_t layer,
    uint64_t first, uint32_t kept, real scale,
) noexcept nogil:
    """A unit is kept, times `scale`, where its word of the random stream is below `kept`, else 0."""
    cdef Py_ssize_t i = 0
    draw_masks(mask, rows, n, stride, key, step, layer, first, kept, scale)
    while i < rows * stride:
        vr_store(dropped + i, vr_mul(vr_load(a + i), vr_load(mask + i)))
        i += VL


cdef void multiply(const real* factors, real* x, Py_ssize_t n) noexcept nogil:
    """x *= factors; n is a multiple of the word."""
    cdef Py_ssize_t i = 0
    while i < n:
        vr_store(x + i, vr_mul(vr_load(x + i), vr_load(factors + i)))
        i += VL
