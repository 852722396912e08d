/* real: the number type of one build of the kernels and of the engine.
 *
 * float, or double with -DBP_F64. Free of intrinsics, so that the engine,
 * which is compiled for every CPU of its platform, may include it.
 */
#ifndef BP_REAL_H
#define BP_REAL_H

#ifdef BP_F64
typedef double real;
#define BP_DTYPE "f64"
#define BP_IS_F64 1
#else
typedef float real;
#define BP_DTYPE "f32"
#define BP_IS_F64 0
#endif

/* Rows of weights and activations start a whole number of these apart. */
#define BP_LINE_BYTES 64
#define BP_LINE ((int)(BP_LINE_BYTES / sizeof(real)))

#endif
