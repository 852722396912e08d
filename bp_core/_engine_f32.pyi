from collections.abc import Callable, Sequence
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import disjoint_base

_Real: TypeAlias = NDArray[np.float32]

DTYPE: Final[np.dtype[Any]]
ELEMENTARY: Final[tuple[str, ...]]

@disjoint_base
class Prepared:
    def __new__(cls, plan: bytes, parameters: _Real, longer: Callable[..., Any]) -> Self: ...
    def __call__(
        self, X: ArrayLike, *, out: NDArray[Any] | None = None, n_threads: int | None = None
    ) -> NDArray[Any]: ...

def all_finite(plan: bytes, parameters: _Real) -> bool: ...
def elementary(name: str, x: _Real, out: _Real) -> _Real: ...
def evaluate(
    plan: bytes, parameters: _Real, data: Sequence[Any], objective: Sequence[Any], wanted: tuple[Any, ...]
) -> tuple[int, float, int]: ...
def jacobian(plan: bytes, parameters: _Real, X: NDArray[Any], out: _Real) -> tuple[int, int]: ...
def layout(plan: bytes) -> tuple[int, list[tuple[int, int, int, int, bool, int, int]]]: ...
def loss_behind(
    plan: bytes,
    parameters: _Real,
    step: _Real,
    trial: _Real,
    data: Sequence[Any],
    objective: Sequence[Any],
    penalty: tuple[float, bool],
) -> tuple[int, int, float]: ...
def normal_equations(
    plan: bytes,
    parameters: _Real,
    data: Sequence[Any],
    objective: Sequence[Any],
    penalty: tuple[float, bool],
    matrix: _Real,
) -> tuple[int, int, float, float]: ...
def normal_equations_shape(plan: bytes) -> tuple[int, int]: ...
def predict(
    plan: bytes, parameters: _Real, X: NDArray[Any] | tuple[Any, ...], out: _Real, threads: int
) -> tuple[int, int]: ...
def predict_plain(plan: bytes, parameters: memoryview, X: object, out: object) -> _Real | None: ...
def shuffle(order: NDArray[np.int64], random: object) -> None: ...
def solve_damped(size: int, matrix: _Real, damping: float, relative: bool, factors: _Real, step: _Real) -> bool: ...
def step(prepared: tuple[Any, ...], X: object, y: object) -> float | None: ...
def train(
    plan: bytes,
    parameters: _Real,
    recipe: Sequence[Any],
    state: tuple[Any, ...],
    data: Sequence[Any],
    objective: Sequence[Any],
    epochs: Sequence[Any],
    workspace: _Real,
) -> tuple[int, int]: ...
def training_workspace(
    plan: bytes, n: int, batch_size: int, loss: int, clips: bool, drops: bool, threads: int, sparse: bool = False
) -> int: ...
