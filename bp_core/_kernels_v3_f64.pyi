# The kernels for v3, float64.
from typing import Final

kernels: Final[object]  # a capsule that holds the struct Kernels
