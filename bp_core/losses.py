"""The losses by name, and which output activations each takes.

For n rows and m outputs a with targets y:

====================  ==============================================================
name                  value
====================  ==============================================================
half_squared_error    1/n sum_s 1/2 sum_j (y - a)^2
mse                   1/(nm) sum (y - a)^2
mae                   1/(nm) sum abs(y - a)
huber                 1/(nm) sum of r^2/2 where abs(r) <= t, else t (abs(r) - t/2)
quantile              1/(nm) sum max(q r, (q - 1) r), r = y - a
log_cosh              1/(nm) sum log cosh(y - a)
poisson               1/n sum_s sum_j y log(y / a) - y + a, computed from z
binary_cross_entropy  -1/(nm) sum y log a + (1 - y) log(1 - a), computed from z
cross_entropy         -1/n sum_s sum_j y log a, computed from z
====================  ==============================================================

At a kink the derivative is the one from the left; that of abs at 0, and of quantile where y = a, is 0.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bp_core._checks import check_representable, is_number
from bp_core._names import look_up
from bp_core._settings import Settings

NAMES = (
    "half_squared_error",
    "mse",
    "mae",
    "huber",
    "quantile",
    "log_cosh",
    "poisson",
    "binary_cross_entropy",
    "cross_entropy",
)
CODES = {name: code for code, name in enumerate(NAMES)}
GIVEN, GIVEN_SOFTMAX = len(NAMES), len(NAMES) + 1
"""The engine's codes of a loss computed elsewhere: the targets are its derivatives by the outputs."""
SUMMED = ("half_squared_error", "poisson", "cross_entropy")
"""The losses that are a sum over the outputs of a row, not their mean."""


SMOOTHED = ("cross_entropy", "binary_cross_entropy")
"""The losses whose targets are classes, which can be smoothed."""


class Objective(NamedTuple):
    """What the engine takes: the loss, and what a batch's sums are divided by, times the batch's size."""

    code: int
    parameter: float = 1.0
    """The threshold of huber, the level of quantile."""
    value_outputs: float = 1.0
    gradient_outputs: float = 1.0
    smoothing: float = 0.0
    """The share of a target that is spread evenly over the classes."""


def objective(name: str, parameter: float, n_out: int) -> Objective:
    """The objective of a loss by name for so many outputs."""
    outputs = 1.0 if name in SUMMED else float(n_out)
    return Objective(CODES[name], parameter, outputs, outputs)


@dataclass(frozen=True, repr=False, eq=False)
class Huber(Settings):
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


@dataclass(frozen=True, repr=False, eq=False)
class Quantile(Settings):
    """The quantile loss with its own level, so that the output estimates that quantile of y.

    max(q r, (q - 1) r) for r = y - a: a target above the output costs q for each unit of distance, one below
    1 - q (R. Koenker and G. Bassett, 1978). Also called pinball loss; with a level of 0.5, which the name
    "quantile" means, it is half the mae and its minimum the median. Where y = a its derivative is 0.

    Parameters
    ----------
    level : float, default 0.5
        The share q of the targets that are to lie below the output; between 0 and 1.

    Raises
    ------
    ValueError
        For a level that does not lie between 0 and 1.

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network((2, 1), seed=0)
    >>> [net.loss([[0.0, 0.0]], [[y]], loss=bp.Quantile(level=0.75)) for y in (4.0, -4.0)]
    [3.0, 1.0]
    """

    level: float = 0.5

    def __post_init__(self) -> None:
        if not is_number(self.level) or not 0 < self.level < 1:
            raise ValueError(f"level is {self.level!r}; expected a number between 0 and 1")


LossLike = str | Huber | Quantile

OUTPUTS = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "exp"}
"""The losses that are computed from z, and the output that each needs."""

PARAMETERS = {"huber": "threshold", "quantile": "level"}
"""The losses with a number of their own, and its name."""


def resolve(loss: LossLike, output: str) -> tuple[str, float]:
    """The (name, parameter) of a loss for an output activation; raise where the two do not fit.

    The parameter is Huber's threshold or the level of a quantile; other losses have none, and do not read it.
    """
    name, parameter = _named(loss)
    if name == "auto":
        name = "cross_entropy" if output == "softmax" else "half_squared_error"
    needed = OUTPUTS.get(name, output)
    if needed != output:
        raise ValueError(f"loss {name} needs output {needed}, not {output}; for {output} use {_right(output)}")
    if output == "softmax" and name != "cross_entropy":
        raise ValueError(f"loss {name} does not fit output softmax; use cross_entropy")
    return name, parameter


def check_parameter(name: str, parameter: float, dtype: np.dtype[Any]) -> None:
    """Raise where the number of a loss becomes one that it cannot have in the network's dtype."""
    if name in PARAMETERS:
        check_representable(PARAMETERS[name], parameter, dtype)
    if name == "quantile" and dtype.type(parameter) == 1:
        raise ValueError(f"level is {parameter!r}, which {dtype} can only hold as 1.0")


def check_smoothing(label_smoothing: object, name: str) -> float:
    """Return the share of a target that is spread evenly; raise where the loss has no classes."""
    if not is_number(label_smoothing) or not 0 <= label_smoothing <= 1:  # type: ignore[operator]
        raise ValueError(f"label_smoothing is {label_smoothing!r}; expected a number from 0 to 1")
    if label_smoothing and name not in SMOOTHED:
        raise ValueError(f"label_smoothing is {label_smoothing!r}; it is for {' and '.join(SMOOTHED)}, not {name}")
    return float(label_smoothing)  # type: ignore[arg-type]


def _named(loss: LossLike) -> tuple[str, float]:
    """The (name, parameter) of a loss as it is given."""
    if isinstance(loss, Huber):
        return "huber", loss.threshold
    if isinstance(loss, Quantile):
        return "quantile", loss.level
    _check_object(loss)
    name = look_up("loss", loss, ("auto", *NAMES))
    return name, 0.5 if name == "quantile" else 1.0


def _check_object(loss: object) -> None:
    """Raise for the class of a loss in place of an object."""
    if isinstance(loss, type) and issubclass(loss, (Huber, Quantile)):
        name = loss.__name__
        raise TypeError(f"loss is the class {name}; expected one of its objects, such as bp.{name}()")


def _right(output: str) -> str:
    """What fits an output, in words."""
    own = [name for name, needed in OUTPUTS.items() if needed == output]
    return own[0] if own else "half_squared_error or mse"
