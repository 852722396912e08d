"""The kernels for neon, float64: the build sets the instruction set and the dtype."""
include "_kernels.pxi"
