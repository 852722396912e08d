"""The central difference beside a derivative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core._gradient_check import FLOOR, TOLERANCE, Differences, near_kink
from bp_core._unit_names import Parameter
from bp_core.explain._lines import Line, words
from bp_core.explain._notation import number
from bp_core.losses import LossLike

if TYPE_CHECKING:
    from bp_core.network import Network

Real = NDArray[Any]
MOST_ROWS = 128
"""Rows that a difference is taken over: each costs two passes over all of them."""

TOLERANCES = {"float32": 1e-4, "float64": TOLERANCE}
"""How far a derivative of so many digits may be from the difference, which is computed in float64."""


@dataclass(frozen=True)
class Check:
    """A derivative and its central difference.

    Attributes
    ----------
    difference : float or None
        The central difference of the loss in float64; None where every row lies within 1e-4 of a kink, where a
        difference says nothing.
    derivative : float or None
        The core's derivative over the same rows.
    error : float or None
        abs(derivative - difference) / (abs(difference) + g + 1e-3), g being the largest absolute derivative of the
        same array.
    agrees : bool or None
        Whether ``error`` is at most 1e-6, of a float32 network 1e-4.
    n_rows, n_checked : int
        Rows of the batch, and how many of them the difference is over.
    reason : str
        Why it is not over all of them.
    """

    difference: float | None
    derivative: float | None
    error: float | None
    agrees: bool | None
    n_rows: int
    n_checked: int
    reason: str

    def line(self) -> Line:
        """Say it in words."""
        if self.difference is None or self.derivative is None or self.error is None:
            return words(f"central difference: none, as {self.reason}")
        verdict = "they agree" if self.agrees else "THEY DO NOT AGREE"
        said = f"central difference {number(self.difference)}"
        if self.n_checked < self.n_rows:
            said += f" over {self.n_checked:,} of {self.n_rows:,} rows, where the derivative is "
            said += f"{number(self.derivative)} ({self.reason})"
        return words(f"{said}, error {self.error:.0e}: {verdict}")

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "difference": self.difference,
            "error": self.error,
            "agrees": self.agrees,
            "check": self.line().parts[0],
        }


class Checker:
    """Central differences over the rows of a batch that lie at no kink, and not over too many of them."""

    def __init__(self, net: Network, X: Real, y: Real, loss: LossLike) -> None:
        kept = np.flatnonzero(~near_kink(net, X.astype(np.float64), y, loss))
        self._n_rows, self._at_kink = X.shape[0], X.shape[0] - kept.size
        kept = kept[:MOST_ROWS]
        self._n_checked, self._tolerance = kept.size, TOLERANCES[net.dtype.name]
        if kept.size:
            self._gradients = net.gradients(X[kept], y[kept], loss=loss)
            self._differences = Differences(net, X[kept], y[kept], loss)

    def check(self, parameter: Parameter) -> Check:
        """Compare the core's derivative of a parameter with the difference."""
        counts = self._n_rows, self._n_checked, self._reason()
        if not self._n_checked:
            return Check(None, None, None, None, *counts)
        l, place = parameter.layer, parameter.place
        derivative = float(getattr(self._gradients, parameter.kind)[l][place])
        array = f"{parameter.kind}[{l}]"
        difference = self._differences.difference(array, place)
        error = abs(derivative - difference) / (abs(difference) + self._differences.arrays[array].largest + FLOOR)
        return Check(difference, derivative, error, error <= self._tolerance, *counts)

    def _reason(self) -> str:
        if self._n_rows == self._at_kink == 1:
            return "the row lies within 1e-4 of a kink"
        said = []
        if self._at_kink:
            lie = "1 row lies" if self._at_kink == 1 else f"{self._at_kink:,} rows lie"
            said.append(f"{lie} within 1e-4 of a kink")
        if self._n_checked == MOST_ROWS < self._n_rows - self._at_kink:
            said.append(f"{MOST_ROWS} are enough")
        return " and ".join(said)
