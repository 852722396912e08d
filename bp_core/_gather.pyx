"""Rows of any numeric array, converted to real as they are gathered."""
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from bp_core._kernel_table cimport (
    BOOL, FLOAT16, FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, LONGDOUBLE, UINT8, UINT16, UINT32, UINT64, Source,
)
from bp_core._simd cimport (
    VL, ask_for_line, real, vm_first, vr, vr_add, vr_keep, vr_load, vr_store, vr_sub, vr_zero,
)

ctypedef fused number:
    int8_t
    uint8_t
    int16_t
    uint16_t
    int32_t
    uint32_t
    int64_t
    uint64_t
    float
    double
    long double


cdef inline void load(void* value, const char* source, Py_ssize_t size, bint swapped) noexcept nogil:
    """`size` bytes from any alignment, in reverse order when swapped."""
    cdef Py_ssize_t i
    if not swapped:
        memcpy(value, source, size)
        return
    for i in range(size):
        (<char*>value)[i] = source[size - 1 - i]


cdef inline void convert(
    number* value, const char* source, bint swapped, Py_ssize_t step, real* row, Py_ssize_t n,
) noexcept nogil:
    """row = the numbers `step` bytes apart; `value` is room for one of them, and names their type."""
    cdef Py_ssize_t k
    if not swapped and step == sizeof(number):       # a loop the compiler can make words of
        for k in range(n):
            memcpy(value, source + k * <Py_ssize_t>sizeof(number), sizeof(number))
            row[k] = <real>value[0]
        return
    for k in range(n):
        load(value, source + k * step, sizeof(number), swapped)
        row[k] = <real>value[0]


cdef inline double half_to_double(uint16_t bits) noexcept nogil:
    """IEEE 754 binary16: sign, 5 bits of exponent with bias 15, 10 bits of mantissa."""
    cdef uint64_t sign = <uint64_t>(bits >> 15) << 63
    cdef uint64_t exponent = (bits >> 10) & 31
    cdef uint64_t mantissa = bits & 1023
    cdef uint64_t wide
    cdef double value
    if exponent == 0:                                # zero or subnormal: mantissa * 2^-24
        value = <double>mantissa * <double>5.9604644775390625e-08
        return -value if sign else value
    exponent = 2047 if exponent == 31 else exponent + 1008
    wide = sign | (exponent << 52) | (mantissa << 42)
    memcpy(&value, &wide, sizeof(value))
    return value


cdef inline void convert_half(
    const char* source, bint swapped, Py_ssize_t step, real* row, Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t k
    cdef uint16_t bits
    for k in range(n):
        load(&bits, source + k * step, sizeof(bits), swapped)
        row[k] = <real>half_to_double(bits)


cdef void convert_row(
    const char* source, Source kind, bint swapped, Py_ssize_t step, real* row, Py_ssize_t n,
) noexcept nogil:
    """The conversion for each kind of number; long double is never swapped."""
    cdef int8_t i8
    cdef uint8_t u8
    cdef int16_t i16
    cdef uint16_t u16
    cdef int32_t i32
    cdef uint32_t u32
    cdef int64_t i64
    cdef uint64_t u64
    cdef float f32
    cdef double f64
    cdef long double wide
    if kind == FLOAT32:
        convert(&f32, source, swapped, step, row, n)
    elif kind == FLOAT64:
        convert(&f64, source, swapped, step, row, n)
    elif kind == UINT8 or kind == BOOL:
        convert(&u8, source, swapped, step, row, n)
    elif kind == INT8:
        convert(&i8, source, swapped, step, row, n)
    elif kind == INT16:
        convert(&i16, source, swapped, step, row, n)
    elif kind == UINT16:
        convert(&u16, source, swapped, step, row, n)
    elif kind == INT32:
        convert(&i32, source, swapped, step, row, n)
    elif kind == UINT32:
        convert(&u32, source, swapped, step, row, n)
    elif kind == INT64:
        convert(&i64, source, swapped, step, row, n)
    elif kind == UINT64:
        convert(&u64, source, swapped, step, row, n)
    elif kind == FLOAT16:
        convert_half(source, swapped, step, row, n)
    elif kind == LONGDOUBLE:
        convert(&wide, source, False, step, row, n)


cdef enum:
    SHORT_ROW = 16
    ROWS_AHEAD = 2              # so far ahead a row is asked for


cdef inline real copy_short_row(const real* source, real* row, Py_ssize_t n) noexcept nogil:
    """A plain row of a few numbers, one by one: a word read back at once would have to wait for their stores.

    Returns the sum of x - x: 0, or NaN where a number is not finite.
    """
    cdef real rest = 0
    cdef Py_ssize_t k
    for k in range(n):
        row[k] = source[k]
        rest = rest + (source[k] - source[k])
    return rest


cdef inline vr copy_row(const real* source, real* row, Py_ssize_t n) noexcept nogil:
    """A plain row of at least a word, the last word ending with it; returns the sum of x - x: 0, or NaN somewhere."""
    cdef vr even = vr_zero(), odd = vr_zero(), a, b
    cdef Py_ssize_t j = 0
    while j + 2 * VL <= n:
        a, b = vr_load(source + j), vr_load(source + j + VL)
        vr_store(row + j, a)
        vr_store(row + j + VL, b)
        even, odd = vr_add(even, vr_sub(a, a)), vr_add(odd, vr_sub(b, b))
        j += 2 * VL
    if j + VL <= n:
        a = vr_load(source + j)
        vr_store(row + j, a)
        even = vr_add(even, vr_sub(a, a))
    if n % VL != 0:
        b = vr_load(source + n - VL)
        vr_store(row + n - VL, b)
        odd = vr_add(odd, vr_sub(b, b))
    return vr_add(even, odd)


cdef inline vr rest_of_row(const real* row, Py_ssize_t n) noexcept nogil:
    """The same sum over a row whose padding may be read."""
    cdef vr total = vr_zero(), word
    cdef Py_ssize_t j = 0
    while j + VL <= n:
        word = vr_load(row + j)
        total = vr_add(total, vr_sub(word, word))
        j += VL
    if j < n:
        word = vr_keep(vm_first(<int>(n - j)), vr_load(row + j))
        total = vr_add(total, vr_sub(word, word))
    return total


cdef inline void ask_for_row(
    const char* data, Py_ssize_t row_step, int64_t row, Py_ssize_t step, Py_ssize_t n,
) noexcept nogil:
    """Ask for all lines of a row whose numbers lie close together; nobody has checked the row's number yet."""
    cdef size_t at = <size_t>data + <size_t>row * <size_t>row_step
    cdef size_t end = at + <size_t>(n * step)
    if step <= 0 or step > 16:
        return
    while at < end:
        ask_for_line(<const char*>at)
        at += 64


cdef inline bint is_zero(vr word) noexcept nogil:
    cdef real lane[16]
    cdef Py_ssize_t i
    vr_store(lane, word)
    for i in range(VL):
        if lane[i] != 0:
            return False
    return True


cdef Py_ssize_t finite_rows(const real* out, Py_ssize_t out_stride, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """How many rows come before the first with a number that is not finite."""
    cdef Py_ssize_t s
    for s in range(rows):
        if not all_finite(out + s * out_stride, n):
            return s
    return rows


cdef Py_ssize_t gather(
    const char* data, Py_ssize_t row_step, Py_ssize_t step, Source kind, bint swapped, bint plain,
    const int64_t* order, Py_ssize_t further, real* out, Py_ssize_t out_stride, Py_ssize_t rows, Py_ssize_t n,
) noexcept nogil:
    """Rows converted, the test for finite numbers made once for all of them."""
    cdef const char* source
    cdef real* row = out
    cdef vr rest = vr_zero()
    cdef real rest_of_short = 0
    cdef Py_ssize_t s
    for s in range(rows):
        source = data + (s if order == NULL else <Py_ssize_t>order[s]) * row_step
        if order != NULL and n > SHORT_ROW and s + ROWS_AHEAD < rows + further:
            ask_for_row(data, row_step, order[s + ROWS_AHEAD], step, n)
        if not plain:
            convert_row(source, kind, swapped, step, row, n)
            rest = vr_add(rest, rest_of_row(row, n))
        elif n <= SHORT_ROW:
            rest_of_short = rest_of_short + copy_short_row(<const real*>source, row, n)
        else:
            rest = vr_add(rest, copy_row(<const real*>source, row, n))
        row += out_stride
    return rows if is_zero(rest) and rest_of_short == 0 else finite_rows(out, out_stride, rows, n)
