"""A loss that is a Python function: called with a batch's outputs, it gives losses and their derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks, _passes, losses
from bp_core._checks import STATUS_BAD_X, STATUS_NOT_FINITE
from bp_core._targets import Data
from bp_core.losses import Objective
from bp_core.network import Network

if TYPE_CHECKING:
    from bp_core.trainer import Trainer

Real = NDArray[Any]
Function = Callable[[Real, Real], tuple[ArrayLike, ArrayLike]]

NAME = "a function"
"""What stands for the name of such a loss."""

RETURNS = "expected (losses (n,), derivatives by the outputs (n, n_out))"


class Step(NamedTuple):
    """How a step ended."""

    status: int
    loss: float
    bad_row: int
    what: str = "the loss is not finite"
    """In words, where the status is that it diverged."""


class LossFunction:
    """Calls the function, checks what it returns, and has the engine take the derivatives from there."""

    def __init__(self, function: Function, net: Network) -> None:
        self._function, self._net = function, net
        self.objective = Objective(losses.GIVEN_SOFTMAX if net.output == "softmax" else losses.GIVEN)

    def loss_of(self, data: Data) -> float:
        """The mean of the losses; not finite where the function says so."""
        outputs, _, _ = _passes.outputs(self._net, data.X)
        return _mean(self._call(outputs, data)[0], data)

    def step(self, trainer: Trainer, data: Data, threads: int, rate: float) -> Step:
        """One step over the rows as one batch; nothing changes where its loss is not finite."""
        outputs, status, bad_row = _passes.outputs(self._net, data.X, threads)
        if status:
            return Step(status, math.nan, bad_row)
        if not np.isfinite(outputs).all():
            return self._no_step(data)
        values, derivatives = self._call(outputs, data)
        fault = _fault("losses", values) or _fault("derivatives", derivatives.astype(self._net.dtype))
        if fault is not None:
            return Step(STATUS_NOT_FINITE, math.nan, 0, fault)
        loss = _mean(values, data) + self._penalty(trainer)
        status, _, bad_row = trainer._state.step(
            trainer._recipe(), Data(data.X, derivatives, weights=data.weights), self.objective, threads, rate
        )
        return Step(status, loss, bad_row)

    def _no_step(self, data: Data) -> Step:
        """Blame a row of X that is not finite, else the parameters."""
        bad = _checks.first_bad_row(data.X, self._net.dtype)
        if bad is not None:
            return Step(STATUS_BAD_X, math.nan, bad)
        return Step(STATUS_NOT_FINITE, math.nan, 0, "an output is not finite")

    def _call(self, outputs: Real, data: Data) -> tuple[Real, Real]:
        """The losses in float64 and the derivatives, in the shapes they must have."""
        targets = data.targets.view()
        targets.flags.writeable = False  # they may be the user's own
        returned: Any = self._function(outputs, targets)
        if not isinstance(returned, (tuple, list)) or len(returned) != 2:
            raise TypeError(f"the loss function returns {type(returned).__name__}; {RETURNS}")
        values = _checks.numeric("losses of the loss function", returned[0])
        derivatives = _checks.numeric("derivatives of the loss function", returned[1])
        for name, array, shape in (("losses", values, outputs.shape[:1]), ("derivatives", derivatives, outputs.shape)):
            if array.shape != shape:
                raise ValueError(f"the loss function returns {name} of shape {array.shape}; expected {shape}")
        return values.astype(np.float64), derivatives

    def _penalty(self, trainer: Trainer) -> float:
        """l2 / 2 sum W^2 + l1 sum abs(W)."""
        recipe, value = trainer._recipe(), 0.0
        for W in self._net.weights if recipe.l2 or recipe.l1 else ():
            wide = W.astype(np.float64)
            value += recipe.l2 / 2 * float(np.square(wide).sum()) + recipe.l1 * float(np.abs(wide).sum())
        return value


def check(loss: object) -> bool:
    """Whether a loss is a function."""
    return callable(loss) and not isinstance(loss, type)


def _mean(values: Real, data: Data) -> float:
    """The weighted mean: sum w loss / n."""
    return float((values if data.weights is None else values * data.weights).mean())


def _fault(name: str, array: Real) -> str | None:
    """Which number is not finite, in words."""
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if finite.all():
        return None
    row = int(np.argmin(finite))
    return f"the loss function gives {name} {array[row].tolist()} for row {row} of its batch"
