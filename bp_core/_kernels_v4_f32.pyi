# The kernels for v4, float32.
from typing import Final

kernels: Final[object]  # a capsule that holds the struct Kernels
