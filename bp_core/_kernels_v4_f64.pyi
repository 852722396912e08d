# The kernels for v4, float64.
from typing import Final

kernels: Final[object]  # a capsule that holds the struct Kernels
