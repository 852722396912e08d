"""The vector word of ``src/simd.h`` and its operations, as Cython sees them."""

cdef extern from "simd.h" nogil:
    ctypedef double real                    # float or double: real.h decides
    ctypedef unsigned long long real_bits   # an unsigned integer as wide as real
    ctypedef struct vr:                     # a word of VL reals
        pass
    ctypedef struct vm:                     # one truth value per real of a word
        pass
    enum:
        VL "BP_VL"                          # reals in a word
        MANY_REGISTERS "BP_MANY_REGISTERS"  # whether there are 32 vector registers, not 16
        WIDEST "BP_WIDEST"                  # words of the widest tile of several rows
        LANE_WORDS "BP_LANE_WORDS"          # words that hold 16 lanes
        SQUARE "BP_SQUARE"                  # rows and columns of transpose_square
        IS_F64 "BP_IS_F64"
        MANTISSA_BITS "BP_MANTISSA_BITS"
        FUSED "BP_FUSED"                    # whether vr_fma rounds once
    const char* ISA_NAME "BP_ISA"
    const char* DTYPE_NAME "BP_DTYPE"

    vr vr_load(const real* p)
    void vr_store(real* p, vr a)
    vr vr_set1(real x)
    vr vr_zero()
    vr vr_bits(real_bits bits)
    vr vr_add(vr a, vr b)
    vr vr_sub(vr a, vr b)                   # a - b
    vr vr_mul(vr a, vr b)
    vr vr_div(vr a, vr b)
    vr vr_sqrt(vr a)
    vr vr_fma(vr a, vr b, vr c)             # a * b + c
    vr vr_fnma(vr a, vr b, vr c)            # c - a * b
    vr vr_min(vr a, vr b)                   # a < b ? a : b
    vr vr_max(vr a, vr b)                   # a > b ? a : b
    vr vr_abs(vr a)
    vr vr_neg(vr a)
    vr vr_sign_of(vr a)                     # the sign bit alone
    vr vr_with_sign(vr magnitude, vr sign)
    vr vr_and(vr a, vr b)
    vr vr_or(vr a, vr b)
    vr vr_shift_right(vr a, int bits)
    vr vr_power_of_two(vr t)
    vm vr_lt(vr a, vr b)
    vm vm_first(int n)                      # true in the first n reals
    vr vr_select(vm m, vr a, vr b)          # m ? a : b
    vr vr_keep(vm m, vr a)                  # m ? a : 0
    vr vr_settled(vr a)                     # 0 where a lies below the normal range
    void ask_for_line(const char* p)        # a hint that p is read soon
    void transpose_square(const real* source, ptrdiff_t source_stride, real* out, ptrdiff_t out_stride)
    void sum_four_dots(const vr* lanes, const real* start, real* sums)  # four sums of 16 lanes, each by the one tree
