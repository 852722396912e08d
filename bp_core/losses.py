"""The losses by name, and which output activations each takes.

For n rows and m outputs a with targets y:

====================  ==============================================================
name                  value
====================  ==============================================================
half_squared_error    1/n sum_s 1/2 sum_j (y - a)^2
mse                   1/(nm) sum (y - a)^2
mae                   1/(nm) sum abs(y - a)
huber                 1/(nm) sum of r^2/2 where abs(r) <= t, else t (abs(r) - t/2)
binary_cross_entropy  -1/(nm) sum y log a + (1 - y) log(1 - a), computed from z
cross_entropy         -1/n sum_s sum_j y log a, computed from z
====================  ==============================================================

At a kink the derivative is the one from the left; that of abs at 0 is 0.
"""

from dataclasses import dataclass
from typing import NamedTuple

from bp_core._checks import is_number
from bp_core._names import look_up

NAMES = ("half_squared_error", "mse", "mae", "huber", "binary_cross_entropy", "cross_entropy")
CODES = {name: code for code, name in enumerate(NAMES)}
GIVEN, GIVEN_SOFTMAX = len(NAMES), len(NAMES) + 1
"""The engine's codes of a loss computed elsewhere: the targets are its derivatives by the outputs."""
SUMMED = ("half_squared_error", "cross_entropy")
"""The losses that are a sum over the outputs of a row, not their mean."""


class Objective(NamedTuple):
    """What the engine takes: the loss, and what a batch's sums are divided by, times the batch's size."""

    code: int
    parameter: float = 1.0
    """The threshold of huber."""
    value_outputs: float = 1.0
    gradient_outputs: float = 1.0
    smoothing: float = 0.0
    """The share of a target that is spread evenly over the classes."""


def objective(name: str, parameter: float, n_out: int) -> Objective:
    """The objective of a loss by name for so many outputs."""
    outputs = 1.0 if name in SUMMED else float(n_out)
    return Objective(CODES[name], parameter, outputs, outputs)


@dataclass(frozen=True)
class Huber:
    """The Huber loss with its own threshold.

    Squared up to ``threshold``, linear beyond: r^2/2 where abs(r) <= t, else t (abs(r) - t/2)
    (P. J. Huber, 1964).

    Parameters
    ----------
    threshold : float, default 1.0
        The size t of a residual from which the loss is linear; positive.

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network((2, 1), seed=0)
    >>> net.loss([[0.0, 0.0]], [[3.0]], loss=bp.Huber(threshold=2.0))
    4.0
    """

    threshold: float = 1.0

    def __post_init__(self) -> None:
        if not is_number(self.threshold) or self.threshold <= 0:
            raise ValueError(f"threshold is {self.threshold!r}; expected a positive number")


LossLike = str | Huber


def resolve(loss: LossLike, output: str) -> tuple[str, float]:
    """The (name, threshold) of a loss for an output activation; raise where the two do not fit."""
    if isinstance(loss, Huber):
        name, threshold = "huber", loss.threshold
    else:
        name, threshold = look_up("loss", loss, ("auto", *NAMES)), 1.0
    if name == "auto":
        name = "cross_entropy" if output == "softmax" else "half_squared_error"
    if name == "cross_entropy" and output != "softmax":
        right = "binary_cross_entropy" if output == "sigmoid" else "half_squared_error or mse"
        raise ValueError(f"loss cross_entropy needs output softmax, not {output}; for {output} use {right}")
    if name != "cross_entropy" and output == "softmax":
        raise ValueError(f"loss {name} does not fit output softmax; use cross_entropy")
    if name == "binary_cross_entropy" and output != "sigmoid":
        raise ValueError(
            f"loss binary_cross_entropy needs output sigmoid, not {output}; for {output} use half_squared_error or mse"
        )
    return name, threshold
