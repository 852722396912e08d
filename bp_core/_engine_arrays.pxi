"""Arrays as Python gave them: opened by the buffer protocol, checked, and read row by row."""
from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)

from bp_core._kernel_table cimport (
    BOOL, FLOAT16, FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, LONGDOUBLE, UINT8, UINT16, UINT32, UINT64, Source,
)

ctypedef struct Table:              # a one- or two-dimensional array of any numeric dtype, any strides
    Py_buffer buffer
    const char* data
    Py_ssize_t rows
    Py_ssize_t columns              # 1 for a one-dimensional array
    Py_ssize_t row_step             # bytes
    Py_ssize_t step
    Source kind
    bint swapped                    # bytes in the other order than this CPU's
    bint open

ctypedef struct Run:                # a contiguous array of one C type
    Py_buffer buffer
    void* data
    Py_ssize_t length               # numbers
    bint open

cdef extern from *:
    """
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    #define BP_OTHER_ORDER '<'
    #else
    #define BP_OTHER_ORDER '>'
    #endif
    """
    const char OTHER_ORDER "BP_OTHER_ORDER"


cdef int source_kind(char code, Py_ssize_t itemsize) noexcept:
    """The Source of a format letter of the struct module, -1 for one that is no real number."""
    if code == b'?':
        return BOOL
    if code == b'e':
        return FLOAT16
    if code == b'f':
        return FLOAT32
    if code == b'd':
        return FLOAT64
    if code == b'g':
        return FLOAT64 if itemsize == 8 else LONGDOUBLE
    if code in b'bhilqn':
        return {1: INT8, 2: INT16, 4: INT32, 8: INT64}.get(itemsize, -1)
    if code in b'BHILQN':
        return {1: UINT8, 2: UINT16, 4: UINT32, 8: UINT64}.get(itemsize, -1)
    return -1


cdef int open_table(Table* table, object array, str name) except -1:
    """Open any real numeric array of one or two dimensions for reading."""
    cdef const char* code
    cdef int kind
    PyObject_GetBuffer(array, &table.buffer, PyBUF_STRIDES | PyBUF_FORMAT)
    table.open = True
    code = table.buffer.format
    if code == NULL:
        raise TypeError(f"{name} does not say what kind of numbers it holds")
    table.swapped = code[0] == OTHER_ORDER or (code[0] == b'!' and OTHER_ORDER == b'>')
    if code[0] in b'@=<>!':
        code += 1
    kind = source_kind(code[0], table.buffer.itemsize) if code[0] != 0 and code[1] == 0 else -1
    if kind < 0 or (kind == LONGDOUBLE and table.swapped):
        raise TypeError(f"{name} holds numbers of format {table.buffer.format!r}; expected real numbers")
    if table.buffer.ndim != 1 and table.buffer.ndim != 2:
        raise ValueError(f"{name} has {table.buffer.ndim} dimensions; expected 1 or 2")
    table.kind = <Source>kind
    table.data = <const char*>table.buffer.buf
    table.rows, table.row_step = table.buffer.shape[0], table.buffer.strides[0]
    table.columns, table.step = 1, table.buffer.itemsize
    if table.buffer.ndim == 2:
        table.columns, table.step = table.buffer.shape[1], table.buffer.strides[1]
    return 0


cdef int expect_shape(const Table* table, Py_ssize_t rows, Py_ssize_t columns, str name) except -1:
    if table.rows != rows or table.columns != columns:
        raise ValueError(f"{name} has shape ({table.rows}, {table.columns}); expected ({rows}, {columns})")
    return 0


cdef void close_table(Table* table) noexcept:
    if table.open:
        PyBuffer_Release(&table.buffer)
        table.open = False


cdef int open_run(Run* run, object array, char code, bint writable, str name) except -1:
    """Open a contiguous array whose format letter is `code` ('l' and 'q' are both int64 where they are)."""
    cdef const char* found
    cdef Py_ssize_t itemsize = sizeof(float) if code == b'f' else 8
    PyObject_GetBuffer(array, &run.buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if writable else 0))
    run.open = True
    found = run.buffer.format
    if found == NULL or run.buffer.itemsize != itemsize or found[1] != 0 or not (
        found[0] == code or (code == b'q' and found[0] == b'l')
    ):
        raise TypeError(f"{name} has the wrong kind of numbers")
    run.data = run.buffer.buf
    run.length = run.buffer.len // itemsize
    return 0


cdef int open_rows(Run* run, object array, Py_ssize_t rows, Py_ssize_t columns, str name) except -1:
    """Open a contiguous writable array of real for so many rows; their product may be beyond any integer."""
    open_reals(run, array, 0, True, name)
    if run.length // columns < rows:
        raise ValueError(f"{name} holds {run.length} numbers; expected {rows} rows of {columns}")
    return 0


cdef int open_reals(Run* run, object array, Py_ssize_t at_least, bint writable, str name) except -1:
    """Open a contiguous array of real with at least so many numbers."""
    open_run(run, array, b'f' if sizeof(real) == sizeof(float) else b'd', writable, name)
    return expect_length(run, at_least, name)


cdef int expect_length(const Run* run, Py_ssize_t at_least, str name) except -1:
    if run.length < at_least:
        raise ValueError(f"{name} holds {run.length} numbers; expected at least {at_least}")
    return 0


cdef void close_run(Run* run) noexcept:
    if run.open:
        PyBuffer_Release(&run.buffer)
        run.open = False


cdef inline bint is_rows_of_real(const Table* table) noexcept nogil:
    """Whether rows are aligned numbers of the kind `real`, side by side."""
    return (
        table.kind == (FLOAT32 if sizeof(real) == sizeof(float) else FLOAT64) and not table.swapped
        and table.step == <Py_ssize_t>sizeof(real) and table.row_step % <Py_ssize_t>sizeof(real) == 0
        and <size_t>table.data % sizeof(real) == 0
    )


cdef inline Py_ssize_t read_rows(
    const Kernels* kernels, const Table* table, Py_ssize_t first, const int64_t* order,
    Py_ssize_t rows, Py_ssize_t further, real* out, Py_ssize_t out_stride,
) noexcept nogil:
    """Rows of the table, converted: those that `order` names, else first, ...; returns how many were finite.

    `order` names `further` rows more, which will be wanted soon.
    """
    return kernels.gather(
        table.data + (0 if order != NULL else first) * table.row_step, table.row_step, table.step, table.kind,
        table.swapped, is_rows_of_real(table), order, further, out, out_stride, rows, table.columns)
