"""The engine in float32: the build sets the dtype."""
include "_engine.pxi"
