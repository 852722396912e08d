"""Sparse rows (CSR) as Python gave them: opened by the buffer protocol and checked.

Row s has its numbers at places indptr[s] to indptr[s + 1] of `data`, and their columns at the same places of `indices`.
Another thread may write to all three at any time. So whatever decides where memory is read or written is copied first
and looked at in the copy, row by row (`_engine_sparse.pxi`): the ends of a row, then its columns.
"""
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc

from bp_core._kernel_table cimport LINE, Kernels, SparsePart, SparseRow

cdef enum:
    MOST_PARTS = 5              # of a worker's rows in hand: CHUNK_ROWS of them, perhaps not from a block's start on

cdef extern from *:
    const size_t MOST_ENTRIES "((size_t)1 << 30)"   # of a worker's rows in hand: they are counted in int32

ctypedef struct Integers:       # a contiguous array of int32 or int64
    Run run
    bint wide                   # int64

ctypedef struct Room:           # memory that grows
    char* memory
    size_t size

ctypedef struct SparseShare:    # what one thread of a call has for itself
    Room entries                # the numbers of its rows in hand, and their columns
    Room sorted                 # the same, column by column
    SparsePart parts[5]         # MOST_PARTS
    Py_ssize_t n_parts
    int status                  # of its rows in a prediction
    Py_ssize_t bad_row          # that this means

ctypedef struct Csr:
    Table data                  # (entries,)
    Integers indices            # (entries,)
    Integers indptr             # (rows + 1,)
    Py_ssize_t entries
    Py_ssize_t rows
    Py_ssize_t columns
    SparseRow* in_hand          # as many as the call has rows in hand
    SparseShare* shares         # one for each thread
    Py_ssize_t n_shares


cdef int open_integers(Integers* integers, object array, str name) except -1:
    """Open a contiguous, aligned array of int32 or int64 as this CPU writes them."""
    cdef Py_buffer* buffer = &integers.run.buffer
    PyObject_GetBuffer(array, buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
    integers.run.open = True
    if (
        buffer.format == NULL or buffer.format[0] == 0 or buffer.format[0] not in b"ilq" or buffer.format[1] != 0
        or buffer.itemsize not in (4, 8) or <size_t>buffer.buf % <size_t>buffer.itemsize != 0 or buffer.ndim != 1
    ):
        raise TypeError(f"{name} of X: expected one dimension of int32 or int64")
    integers.wide = buffer.itemsize == 8
    integers.run.data, integers.run.length = buffer.buf, buffer.shape[0]
    return 0


cdef inline int64_t integer_at(const Integers* integers, Py_ssize_t i) noexcept nogil:
    if integers.wide:
        return (<const int64_t*>integers.run.data)[i]
    return (<const int32_t*>integers.run.data)[i]


cdef Csr* open_csr(X, Py_ssize_t n_in) except NULL:
    """Open (data, indices, indptr, shape); `close_csr` frees it."""
    cdef Csr* csr = <Csr*>calloc(1, sizeof(Csr))
    if csr == NULL:
        raise MemoryError("no memory for a sparse X")
    try:
        fill_csr(csr, X, n_in)
    except BaseException:
        close_csr(csr)
        raise
    return csr


cdef int fill_csr(Csr* csr, X, Py_ssize_t n_in) except -1:
    data, indices, indptr, (csr.rows, csr.columns) = X
    open_table(&csr.data, data, "the data of X")
    open_integers(&csr.indices, indices, "the indices")
    open_integers(&csr.indptr, indptr, "the indptr")
    csr.entries = csr.data.rows
    if csr.data.buffer.ndim != 1 or csr.indices.run.length != csr.entries:
        raise ValueError(f"X has {csr.entries} numbers and {csr.indices.run.length} indices; expected as many")
    if csr.rows < 0 or csr.columns != n_in:
        raise ValueError(f"X has shape ({csr.rows}, {csr.columns}); expected (n, {n_in})")
    if csr.indptr.run.length - 1 != csr.rows:
        raise ValueError(f"the indptr of X has length {csr.indptr.run.length}; expected {csr.rows} + 1")
    return 0


cdef int take_shares(Csr* csr, Py_ssize_t rows, Py_ssize_t threads) except -1:
    """Room for so many rows in hand, and for what each thread has for itself."""
    csr.in_hand = <SparseRow*>calloc(rows, sizeof(SparseRow))
    csr.shares = <SparseShare*>calloc(threads, sizeof(SparseShare))
    if csr.in_hand == NULL or csr.shares == NULL:
        raise MemoryError("no memory for the rows of a sparse X")
    csr.n_shares = threads
    return 0


cdef void close_csr(Csr* csr) noexcept:
    cdef Py_ssize_t t
    if csr == NULL:
        return
    close_table(&csr.data)
    close_run(&csr.indices.run)
    close_run(&csr.indptr.run)
    for t in range(csr.n_shares):
        free(csr.shares[t].entries.memory)
        free(csr.shares[t].sorted.memory)
    free(csr.shares)
    free(csr.in_hand)
    free(csr)


cdef bint reserve(Room* room, size_t size) noexcept nogil:
    """Whether there are so many bytes now; what was in the room is gone where it has grown."""
    if room.size < size:
        free(room.memory)
        room.size = size + size // 4
        room.memory = <char*>malloc(room.size)
        if room.memory == NULL:
            room.size = 0
    return room.memory != NULL
