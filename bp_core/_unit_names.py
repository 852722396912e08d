"""The article's names of units and parameters: x1, z1, a1, W1, b1, ..., numbered on through the layers.

W1, W2, ... are weights[0] in C order, then weights[1]: in a 2-3-1 network W1, W2, W3 lead from x1 to z1, z2, z3,
W4 to W6 from x2, and W7, W8, W9 from a1, a2, a3 to z4. Biases are numbered the same way: b1, b2, ... are all of
biases[0], then biases[1].
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple


class Unit(NamedTuple):
    """A unit by its place: layer -1 holds the inputs, layer l the units that weights[l] leads to."""

    layer: int
    j: int


class Parameter(NamedTuple):
    """A parameter by its place; k is None for a bias, j is None for a bias that its layer shares."""

    layer: int
    k: int | None
    j: int | None

    @property
    def kind(self) -> str:
        """Where it is kept: "weights" or "biases"."""
        return "biases" if self.k is None else "weights"

    @property
    def place(self) -> tuple[int, ...]:
        """Its place in the array of its layer."""
        return (self.j or 0,) if self.k is None else (self.k, self.j or 0)


class UnitNames:
    """Names and places in one network, whatever its size: nothing is listed, all is counted.

    >>> names = UnitNames((2, 3, 1), ("layer", "layer"))
    >>> names.weight(1, 0, 0), names.bias(1, 0), names.z(1, 0), names.source(1, 0)
    ('W7', 'b2', 'z4', 'a1')
    >>> names.parameter("W5")
    Parameter(layer=0, k=1, j=1)
    """

    def __init__(self, layer_sizes: tuple[int, ...], bias: tuple[str, ...]) -> None:
        self.layer_sizes, self.bias_modes = layer_sizes, bias
        sizes = [fan_in * fan_out for fan_in, fan_out in pairwise(layer_sizes)]
        lengths = [{"none": 0, "layer": 1, "unit": n}[mode] for mode, n in zip(bias, layer_sizes[1:], strict=True)]
        self._units = [0, *accumulate(layer_sizes[1:])]
        self._weights = [0, *accumulate(sizes)]
        self._biases = [0, *accumulate(lengths)]

    # -------------------------------------------------------- from a place to a name
    def number(self, l: int, j: int) -> int:
        """The number of a unit above the inputs, from 1 up."""
        return self._units[l] + j + 1

    def z(self, l: int, j: int) -> str:
        """The pre-activation of a unit: z4."""
        return f"z{self.number(l, j)}"

    def a(self, l: int, j: int) -> str:
        """The activation of a unit: a4; of layer -1 the input: x1."""
        return f"x{j + 1}" if l < 0 else f"a{self.number(l, j)}"

    def source(self, l: int, k: int) -> str:
        """What a weight of layer l leads from: x1, a1."""
        return self.a(l - 1, k)

    def y(self, j: int) -> str:
        """The target of an output: y, or y1, y2, ... of several."""
        return "y" if self.layer_sizes[-1] == 1 else f"y{j + 1}"

    def weight(self, l: int, k: int, j: int) -> str:
        """The name of weights[l][k, j]."""
        return f"W{self._weights[l] + k * self.layer_sizes[l + 1] + j + 1}"

    def bias(self, l: int, j: int) -> str | None:
        """The name of the bias of unit j of layer l; None where the layer has none."""
        mode = self.bias_modes[l]
        if mode == "none":
            return None
        return f"b{self._biases[l] + 1 + (j if mode == 'unit' else 0)}"

    def name(self, parameter: Parameter) -> str:
        """The name of a weight or bias: W7, b2."""
        l, k, j = parameter
        return str(self.bias(l, j or 0)) if k is None else self.weight(l, k, j or 0)

    def ends(self, parameter: Parameter) -> tuple[str, list[str]]:
        """What a parameter leads from, and the units it leads to; a bias leads from 1."""
        l, k, j = parameter
        units = range(self.layer_sizes[l + 1]) if j is None else (j,)
        return "1" if k is None else self.source(l, k), [self.z(l, unit) for unit in units]

    def parameters(self) -> Iterator[Parameter]:
        """Every weight in the order of the numbers, then every bias."""
        for l, (fan_in, fan_out) in enumerate(pairwise(self.layer_sizes)):
            yield from (Parameter(l, k, j) for k in range(fan_in) for j in range(fan_out))
        for l, (mode, fan_out) in enumerate(zip(self.bias_modes, self.layer_sizes[1:], strict=True)):
            units = {"none": (), "layer": (None,), "unit": range(fan_out)}[mode]
            yield from (Parameter(l, None, j) for j in units)

    # -------------------------------------------------------- from a name to a place
    def parameter(self, name: str) -> Parameter:
        """The place of W7 or b2; raise with what there is."""
        kind, number = _split(name, "Wb", "a parameter such as W1 or b1")
        starts = self._weights if kind == "W" else self._biases
        if not 1 <= number <= starts[-1]:
            raise ValueError(f"there is no {name}; this network has {self._there_is(kind, starts[-1])}")
        l = bisect_right(starts, number - 1) - 1
        at = number - 1 - starts[l]
        if kind == "W":
            return Parameter(l, *divmod(at, self.layer_sizes[l + 1]))
        return Parameter(l, None, at if self.bias_modes[l] == "unit" else None)

    def unit(self, name: str) -> Unit:
        """The place of x1, z3 or a3; raise with what there is."""
        kind, number = _split(name, "xza", "a unit such as x1, z1 or a1")
        last = self.layer_sizes[0] if kind == "x" else self._units[-1]
        if not 1 <= number <= last:
            raise ValueError(f"there is no {name}; this network has {self._there_is(kind, last)}")
        if kind == "x":
            return Unit(-1, number - 1)
        l = bisect_right(self._units, number - 1) - 1
        return Unit(l, number - 1 - self._units[l])

    @staticmethod
    def _there_is(kind: str, last: int) -> str:
        if last == 0:
            return f"no {kind}"
        return f"{kind}1 only" if last == 1 else f"{kind}1 to {kind}{last}"


def _split(name: object, kinds: str, expected: str) -> tuple[str, int]:
    """The letter and the number of a name."""
    found = re.fullmatch(rf"([{kinds}])([1-9][0-9]{{0,17}})", name) if isinstance(name, str) else None
    if found is None:
        raise ValueError(f"{name!r} is no name here; expected {expected}")
    return found[1], int(found[2])
