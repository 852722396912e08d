from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

DTYPE: Final[np.dtype[Any]]
ELEMENTARY: Final[tuple[str, ...]]

def all_finite(numbers: Real) -> bool: ...
def elementary(name: str, x: Real, out: Real) -> Real: ...
def evaluate(
    plan: bytes, parameters: Real, data: tuple[Any, ...], objective: tuple[int, float], wanted: tuple[Any, ...]
) -> tuple[int, float, int]: ...
def layout(plan: bytes) -> tuple[int, list[tuple[int, int, int, int, int, int]]]: ...
def predict(plan: bytes, parameters: Real, X: NDArray[Any], out: Real) -> Real: ...
def predict_row(plan: bytes, parameters: memoryview, x: object) -> Real | None: ...
def train(
    plan: bytes,
    parameters: Real,
    recipe: tuple[Any, ...],
    state: tuple[Any, ...],
    data: tuple[Any, ...],
    objective: tuple[int, float],
    epochs: tuple[Any, ...],
    workspace: Real,
) -> tuple[int, int, int]: ...
def training_workspace(plan: bytes, n: int, batch_size: int, clip_norm: float) -> int: ...
