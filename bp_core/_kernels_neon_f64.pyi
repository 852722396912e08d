# The kernels for neon, float64.
from typing import Final

kernels: Final[object]  # a capsule that holds the struct Kernels
