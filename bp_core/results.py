"""What forward, gradients and check_gradients return."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bp_core._settings import Settings

Real = NDArray[np.float32] | NDArray[np.float64]


def _shapes(arrays: tuple[Real, ...]) -> str:
    return ", ".join(str(array.shape) for array in arrays)


@dataclass(frozen=True, eq=False, repr=False)
class ForwardPass:
    """Every number of a forward pass.

    Attributes
    ----------
    z : tuple of ndarray, each (n, units)
        Pre-activations: ``z[0] = X @ weights[0] + biases[0]``.
    a : tuple of ndarray, each (n, units)
        Activations of the layers above the inputs; ``a[-1]`` is the output.

    For one row given as 1-D x the row axis is dropped.
    """

    z: tuple[Real, ...]
    a: tuple[Real, ...]

    def __repr__(self) -> str:
        return f"<ForwardPass of {_shapes(self.a)}: .z, .a, .output>"

    @property
    def output(self) -> Real:
        """The activations of the last layer, as ``Network.predict`` returns them."""
        return self.a[-1]


@dataclass(frozen=True, eq=False, repr=False)
class Gradients:
    """The derivatives of the loss; nothing is changed by computing them.

    Attributes
    ----------
    loss : float
        The loss over the rows given.
    weights : tuple of ndarray, each (fan_in, fan_out)
        dLoss/dW per layer.
    biases : tuple of ndarray
        dLoss/db per layer, in the shapes of ``Network.biases``.
    deltas : tuple of ndarray, each (n, fan_out)
        dLoss/dz per layer and row; each contains the division by n.
    inputs : ndarray, (n, n_in)
        dLoss/dX.

    For one row given as 1-D x the row axis is dropped from ``deltas`` and ``inputs``.
    """

    loss: float
    weights: tuple[Real, ...]
    biases: tuple[Real, ...]
    deltas: tuple[Real, ...]
    inputs: Real

    def __repr__(self) -> str:
        return f"<Gradients at loss {self.loss:g}: .weights {_shapes(self.weights)}, .biases, .deltas, .inputs>"


@dataclass(frozen=True, repr=False, eq=False)
class GradientCheck(Settings):
    """Backpropagation against central differences.

    Attributes
    ----------
    ok : bool
        Whether ``max_error`` is at most 1e-6.
    max_error : float
        The largest abs(backprop - difference) / (abs(difference) + g + 1e-3), g being the largest
        absolute gradient of the same array.
    worst : str
        Where that is, as in ``"weights[0][1, 2]"``.
    n_checked : int
        How many derivatives were compared.
    rows_left_out : int
        Rows that lie within 1e-4 of a kink, where a difference says nothing.
    """

    ok: bool
    max_error: float
    worst: str
    n_checked: int
    rows_left_out: int
