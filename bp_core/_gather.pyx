"""Rows of any numeric array, converted to real as they are gathered."""
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from bp_core._kernel_table cimport (
    BOOL, FLOAT16, FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, LONGDOUBLE, UINT8, UINT16, UINT32, UINT64, Source,
)
from bp_core._simd cimport IS_F64, real

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


cdef bint gather(
    const char* source, Source kind, bint swapped, Py_ssize_t step, real* row, Py_ssize_t n,
) noexcept nogil:
    """One row, converted; False if a number of it is not finite."""
    if kind == (FLOAT64 if IS_F64 else FLOAT32) and not swapped and step == sizeof(real):
        memcpy(row, source, n * sizeof(real))
    else:
        convert_row(source, kind, swapped, step, row, n)
    return all_finite(row, n)
