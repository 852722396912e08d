"""What the picture of a network shows: which numbers, between which units, and in which words."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks
from bp_core._unit_names import UnitNames
from bp_core._wording import count
from bp_core.plot._ink import short
from bp_core.plot._layout import RADIUS, columns, shown_units

if TYPE_CHECKING:
    from bp_core.network import Network
    from bp_core.results import Gradients

Real = NDArray[Any]

FEW = 20
"""Up to so many lines each is labelled, if not asked otherwise."""

MOST_LABELS = 60
"""More are no longer placed well, nor read, and take long to place."""

MOST_ROOM = 16
"""Crossings from which on a picture gets no taller, only wider."""


class Lines(NamedTuple):
    """Lines of one kind in one layer: from point to point, the number and the name of each."""

    segments: Real
    values: Real
    names: list[str]


class Scene:
    """The numbers of a network, or their gradients, and the places of the units that are drawn."""

    def __init__(self, net: Network, gradients: Gradients | None, max_units: int, show_values: bool | None) -> None:
        self.net, self.sizes = net, net.layer_sizes
        self.weights, self.biases = _numbers(net, gradients)
        self.of_gradients = gradients is not None
        self.names = UnitNames(net.layer_sizes, net.bias)
        shown = [len(shown_units(size, max_units)) for size in self.sizes]
        self.n_lines = sum(n * m for n, m in pairwise(shown))
        self.labelled = self._are_labelled(show_values)
        self.columns = columns(self.sizes, max_units, *self._distances(shown))

    def _are_labelled(self, asked: bool | None) -> bool:
        if asked and self.n_lines > MOST_LABELS:
            raise ValueError(
                f"show_values=True asks for {self.n_lines} labels on edges; at most {MOST_LABELS} can be read: "
                "a smaller max_units draws fewer"
            )
        return self.n_lines <= FEW if asked is None else asked

    def _distances(self, shown: list[int]) -> tuple[float, float]:
        """Between units, and between layers: labels need room, the more the more lines cross."""
        if self.labelled:
            more = max(0, *((n - 1) * (m - 1) - 2 for n, m in pairwise(shown)))
            return 1.5 + 0.07 * min(more, MOST_ROOM), 5.2 + 0.15 * more + 1.4 * self.of_gradients
        return 1.0, max(2.6, 0.38 * max(shown))

    # ------------------------------------------------------------- numbers
    @property
    def largest(self) -> float:
        """The largest size of a number, drawn or not: what is drawn widest."""
        return max(float(np.abs(part).max()) for part in self._parts())

    def extremes(self) -> tuple[float, float]:
        """The lowest and the highest of all numbers, drawn or not."""
        parts = self._parts()
        return min(float(part.min()) for part in parts), max(float(part.max()) for part in parts)

    def _parts(self) -> list[Real]:
        return [part for part in (*self.weights, *self.biases) if part.size]

    def edges(self, l: int) -> Lines:
        """The weights between the units drawn, source by source."""
        left, right = self.columns[l], self.columns[l + 1]
        ends = [((left.x, y), (right.x, y_to)) for y in left.y for y_to in right.y]
        names = [self.names.weight(l, k, j) for k in left.shown for j in right.shown]
        return Lines(np.array(ends), self.weights[l][np.ix_(left.shown, right.shown)].ravel(), names)

    # -------------------------------------------------------------- biases
    def bias_unit(self, l: int) -> tuple[float, float] | None:
        """Where the bias stands that layer l shares; None where it has its own, or none."""
        if self.net.bias[l] != "layer":
            return None
        left, right = self.columns[l], self.columns[l + 1]
        return left.x + 0.3 * (right.x - left.x), max(left.top, right.top) + 1.0

    def bias_lines(self, l: int) -> Lines | None:
        """From the shared bias to each unit, or a tick under each that has its own."""
        right, mode = self.columns[l + 1], self.net.bias[l]
        if mode == "none":
            return None
        at = self.bias_unit(l)
        names = [str(self.names.bias(l, j)) for j in right.shown]
        if at is not None:
            values = np.repeat(self.biases[l], len(right.shown))
            return Lines(np.array([(at, (right.x, y)) for y in right.y]), values, names)
        ticks = [((right.x, y - RADIUS), (right.x, y - RADIUS - TICK)) for y in right.y]
        return Lines(np.array(ticks), self.biases[l][right.shown], names)

    # --------------------------------------------------------------- words
    def unit_name(self, layer: int, index: int) -> str:
        """Of a unit by its column: x1, a1."""
        return self.names.a(layer - 1, index)

    def label(self, name: str, value: float) -> str:
        """A parameter, or its derivative, with its value."""
        return f"dE/d{name} = {short(value)}" if self.of_gradients else f"{name} = {short(value)}"

    def caption(self, layer: int) -> tuple[str, str]:
        """What stands under a column: how many units, and what they compute."""
        n, last = self.sizes[layer], layer == len(self.sizes) - 1
        what = "input" if layer == 0 else "output" if last else "unit"
        activation = "" if layer == 0 else (*self.net.hidden, self.net.output)[layer - 1]
        return count(n, what), activation

    def legend(self) -> list[tuple[float, str]]:
        """A number to draw a sample line for, and what it says."""
        low, high = self.extremes()
        kinds = "weight or bias" if any(part.size for part in self.biases) else "weight"
        what = kinds.replace("weight", "dE/dW").replace("bias", "dE/db") if self.of_gradients else kinds
        found = [(high, f"{what} above 0, at most {short(high)}")] if high > 0 else []
        found += [(low, f"{what} below 0, at least {short(low)}")] if low < 0 else []
        return found or [(0.0, f"every {what} is 0")]

    def notes(self) -> list[str]:
        """What the picture would not say by itself."""
        said = ["The tick under a unit is its bias."] if "unit" in self.net.bias and not self.labelled else []
        reduced = next((column for column in self.columns if column.left_out), None)
        if reduced is not None:
            n = len(reduced.shown)
            some = f"the first {n - n // 2} and the last {n // 2}"
            said.append(f"Of each layer above {n} units {some} are drawn, and only the edges between units drawn.")
        return said


TICK = 0.16
"""The length of the tick that is a unit's own bias."""


def _numbers(net: Network, gradients: Gradients | None) -> tuple[tuple[Real, ...], tuple[Real, ...]]:
    """Weights and biases, or their gradients, all finite and in the shapes of the network."""
    source: Any = net if gradients is None else gradients
    for kind, parts in (("weights", net.weights), ("biases", net.biases)):
        given = getattr(source, kind)
        found, expected = [array.shape for array in given], [array.shape for array in parts]
        if found != expected:
            raise ValueError(f"gradients.{kind} have shapes {found}; expected {expected}, those of this network")
        for l, array in enumerate(given):
            if array.size:
                _checks.check_finite(f"{'gradients.' if gradients is not None else ''}{kind}[{l}]", array, net.dtype)
    return source.weights, source.biases
