"""The kernels for base, float32: the build sets the instruction set and the dtype."""
include "_kernels.pxi"
