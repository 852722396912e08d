"""What a fit watches: one number for each epoch, and the parameters of the epoch where it was best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _metrics
from bp_core._names import look_up
from bp_core._targets import Data
from bp_core.network import Network

Real = NDArray[Any]
MonitorLike = str | Callable[[Network, ArrayLike, ArrayLike], float]
LOSSES = ("loss", "validation_loss")
NAMES = (*LOSSES, *_metrics.METRICS)
BEST = {**dict.fromkeys(LOSSES, "min"), **dict.fromkeys(_metrics.METRICS, "max")}
"""Whether the lowest or the highest value of a name is the best."""


class Monitor(NamedTuple):
    """The number watched: a column of the history, or computed from the network after each epoch."""

    column: str
    lowest: bool = True
    """Whether lower is better; else higher is."""
    compute: Callable[[Network], float] | None = None
    chosen: bool = False
    """Whether the user named it, so that the history has it as ``monitored``."""


TRAINING_LOSS = Monitor("loss")


def check(
    monitor: object, mode: object, net: Network, validation: Data | None, as_given: tuple[Any, ...] | None
) -> Monitor:
    """Return what to watch; ``as_given`` are the validation data in the user's own objects."""
    if mode is not None:
        look_up("mode", mode, ("min", "max"))
    if monitor is None or isinstance(monitor, str):
        return _by_name(monitor, mode, net, validation)
    if not callable(monitor):
        expected = f"{', '.join(NAMES)}, or a function of network, X and y"
        raise TypeError(f"monitor is {monitor!r}; expected {expected}")
    if as_given is None:
        raise ValueError("monitor is a function of network, X and y of the validation data; pass validation_data")
    X, y = as_given[:2]
    return Monitor("monitored", mode != "max", lambda net: _number(monitor(net, X, y)), chosen=True)


def _by_name(monitor: str | None, mode: object, net: Network, validation: Data | None) -> Monitor:
    name = look_up("monitor", monitor, NAMES) if monitor else ("loss" if validation is None else "validation_loss")
    if mode not in (None, BEST[name]):
        raise ValueError(f"mode is {mode!r}; the best {name} is its {BEST[name]}imum")
    if name != "loss" and validation is None:
        raise ValueError(f"monitor {name} needs validation_data")
    if name in LOSSES:
        return Monitor(name, chosen=monitor is not None)
    assert validation is not None
    _metrics.check(name, net)
    metric = _metrics.METRICS[name]
    return Monitor("monitored", lowest=False, compute=lambda net: metric(net, validation), chosen=True)


def _number(value: Any) -> float:
    """What the user's function gives, which may be NaN."""
    if isinstance(value, (bool, np.bool_)) or np.ndim(value) != 0:
        raise TypeError(f"monitor gives {value!r}; expected a number")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"monitor gives {value!r}; expected a number") from None


class Best:
    """The best watched value and the parameters that had it; and apart from it, the epochs without a gain."""

    def __init__(self, min_delta: float, lowest: bool) -> None:
        self._min_delta, self._sign = min_delta, 1.0 if lowest else -1.0
        self._lowest = self._reference = np.inf
        self._waited = 0
        self.parameters: Real | None = None

    def look(self, value: float, parameters: Real) -> int:
        """Take an epoch's value into account; returns the epochs since it was last better by more than min_delta."""
        value *= self._sign
        if value < self._lowest or self.parameters is None:
            self._lowest = value if value < np.inf else np.inf
            self.parameters = parameters.copy()
        self._waited += 1
        if value < self._reference - self._min_delta:
            self._reference, self._waited = value, 0
        return self._waited
