"""A slice of the loss surface: one or two parameters move, all others stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core._unit_names import UnitNames
from bp_core.losses import LossLike
from bp_core.network import Network

Float = NDArray[np.float64]


class Slice:
    """The loss as a function of one or two parameters of a copy of a network."""

    def __init__(self, net: Network, X: ArrayLike, y: ArrayLike, loss: LossLike, parameters: tuple[str, ...]) -> None:
        self._net, self._data, self._loss = net.copy(), (X, y), loss
        names = UnitNames(net.layer_sizes, net.bias)
        self._places = [names.parameter(name) for name in parameters]

    def _find(self, weights: Sequence[Any], biases: Sequence[Any]) -> list[tuple[Any, Any]]:
        """The array and the index of each parameter."""
        return [
            (biases[place.layer], place.j or 0) if place.k is None else (weights[place.layer], (place.k, place.j))
            for place in self._places
        ]

    def _go_to(self, position: Float) -> None:
        for (array, index), value in zip(self._find(self._net.weights, self._net.biases), position, strict=True):
            array[index] = value

    def start(self) -> Float:
        """Return where the network stands."""
        return np.array([array[index] for array, index in self._find(self._net.weights, self._net.biases)], float)

    def loss(self, position: Float) -> float:
        """Return the loss there."""
        self._go_to(position)
        return self._net.loss(*self._data, loss=self._loss)

    def slope(self, position: Float) -> tuple[float, Float]:
        """Return the loss there, and its derivatives by the parameters."""
        self._go_to(position)
        found = self._net.gradients(*self._data, loss=self._loss)
        return found.loss, np.array([array[index] for array, index in self._find(found.weights, found.biases)], float)

    def holds(self, position: Float) -> bool:
        """Whether the network's dtype holds these numbers."""
        with np.errstate(over="ignore"):
            return bool(np.isfinite(position.astype(self._net.dtype)).all())
