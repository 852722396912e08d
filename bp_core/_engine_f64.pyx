"""The engine in float64: the build sets the dtype."""
include "_engine.pxi"
