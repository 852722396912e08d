"""The kernels for v3, float64: the build sets the instruction set and the dtype."""
include "_kernels.pxi"
