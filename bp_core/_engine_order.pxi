"""The order of the rows in an epoch."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from "bit_generator.h" nogil:
    ctypedef struct bp_bit_generator:
        void* state
        uint64_t (*next_uint64)(void* state) noexcept nogil

cdef Py_ssize_t MAX_SHUFFLED = <Py_ssize_t>0xFFFFFFFF


cdef inline uint32_t next_half(bp_bit_generator* random, uint64_t* word, Py_ssize_t* halves) noexcept nogil:
    """The lower half of a word, then its upper half."""
    if halves[0] == 0:
        word[0], halves[0] = random.next_uint64(random.state), 2
    halves[0] -= 1
    return <uint32_t>(word[0] if halves[0] == 1 else word[0] >> 32)


cdef void shuffle_order(bp_bit_generator* random, int64_t* order, Py_ssize_t n) noexcept nogil:
    """A uniform permutation of 0 ... n - 1 (Fisher and Yates, from the end), n below 2^32.

    A number below `bound` is the upper half of half a word times `bound`, drawn again where the lower half
    is one of the 2^32 mod bound that would come once too often (D. Lemire, 2019).
    """
    cdef uint64_t word = 0, product
    cdef Py_ssize_t i, other, halves = 0
    cdef uint32_t bound
    cdef int64_t row
    for i in range(n - 1, 0, -1):
        bound = <uint32_t>(i + 1)
        product = <uint64_t>next_half(random, &word, &halves) * bound
        if <uint32_t>product < bound:
            while <uint32_t>product < -bound % bound:
                product = <uint64_t>next_half(random, &word, &halves) * bound
        other = <Py_ssize_t>(product >> 32)
        row = order[i]
        order[i] = order[other]
        order[other] = row


def shuffle(order, random):
    """Put the numbers 0 ... n - 1 into `order` (n,) as `train` shuffles the rows of an epoch."""
    cdef Run run
    cdef Py_ssize_t i
    cdef bp_bit_generator* words = <bp_bit_generator*>PyCapsule_GetPointer(random, "BitGenerator")
    run.open = False
    try:
        open_run(&run, order, b'q', True, "the order of the rows")
        if run.length > MAX_SHUFFLED:
            raise ValueError(f"{run.length} rows are too many to shuffle; expected at most {MAX_SHUFFLED}")
        with nogil:
            for i in range(run.length):
                (<int64_t*>run.data)[i] = i
            shuffle_order(words, <int64_t*>run.data, run.length)
    finally:
        close_run(&run)
