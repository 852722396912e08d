"""The kernels for v4, float64: the build sets the instruction set and the dtype."""
include "_kernels.pxi"
