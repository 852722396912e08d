"""Backpropagation against central differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core.activations import KINKED
from bp_core.losses import LossLike, resolve
from bp_core.results import GradientCheck

if TYPE_CHECKING:
    from bp_core.network import Network

Real = NDArray[Any]
Place = tuple[int, ...]
STEP = 6e-6
TOLERANCE = 1e-6
FLOOR = 1e-3
NEAR_KINK = 1e-4
MOST_PER_ARRAY = 1000


class Moved(NamedTuple):
    """An array that can move: its values, moved in place, their gradient, and the largest of it."""

    values: Real
    gradient: Real
    largest: float


class Differences:
    """Central differences of the loss, in a float64 copy of a network; nothing of the caller's is changed."""

    def __init__(self, net: Network, X: Real, y: Real, loss: LossLike) -> None:
        self._net = net._twin(np.float64)
        self._X = np.array(X, dtype=np.float64)
        self._y, self._loss = y, loss
        found = self._net.gradients(self._X, y, loss=loss)
        pairs = [(f"weights[{l}]", W, found.weights[l]) for l, W in enumerate(self._net.weights)]
        pairs += [(f"biases[{l}]", b, found.biases[l]) for l, b in enumerate(self._net.biases) if b.size]
        pairs += [("inputs", self._X, found.inputs)]
        self.arrays = {name: Moved(values, g, float(np.abs(g).max())) for name, values, g in pairs}
        """Everything that can move, by name."""

    def compare(self, name: str, place: Place) -> tuple[float, float]:
        """The central difference at a place of an array, and how far backpropagation is from it."""
        difference, moved = self.difference(name, place), self.arrays[name]
        return difference, abs(float(moved.gradient[place]) - difference) / (abs(difference) + moved.largest + FLOOR)

    def difference(self, name: str, place: Place) -> float:
        """(loss(p + h) - loss(p - h)) / 2h, with the step that float64 really made."""
        values = self.arrays[name].values
        p = float(values[place])
        h = STEP * max(1.0, abs(p))
        above, below = p + h, p - h
        values[place] = above
        upper = self._net.loss(self._X, self._y, loss=self._loss)
        values[place] = below
        lower = self._net.loss(self._X, self._y, loss=self._loss)
        values[place] = p
        return (upper - lower) / (above - below)


def check(net: Network, X: Real, y: Real, loss: LossLike) -> GradientCheck:
    """Compare the gradients of a network's float64 copy, for the rows that lie at no kink."""
    rows = np.array(X, dtype=np.float64)
    kept = ~near_kink(net, rows, y, loss)
    if not kept.any():
        raise ValueError("every row of X lies within 1e-4 of a kink; move the inputs or parameters a little")
    differences = Differences(net, rows[kept], y[kept], loss)
    worst, max_error, n_checked = "", -1.0, 0
    for name, moved in differences.arrays.items():
        for place in _places(moved.gradient):
            _, error = differences.compare(name, place)
            n_checked += 1
            if not error <= max_error:
                worst, max_error = f"{name}[{', '.join(map(str, place))}]", error
    return GradientCheck(max_error <= TOLERANCE, max_error, worst, n_checked, int(np.count_nonzero(~kept)))


def near_kink(net: Network, X: Real, y: Real, loss: LossLike) -> NDArray[np.bool_]:
    """Rows with a z, or for mae, quantile and huber a residual, within 1e-4 of a kink."""
    passed = net._twin(np.float64).forward(X)
    near = np.zeros(X.shape[0], dtype=bool)
    for z, activation in zip(passed.z, (*net.hidden, net.output), strict=True):
        if activation in KINKED:
            near |= (np.abs(z) < NEAR_KINK).any(axis=1)
    name, parameter = resolve(loss, net.output)
    if name in ("mae", "quantile", "huber"):
        kink = parameter if name == "huber" else 0.0
        residual = np.abs(passed.output - y)
        near |= (np.abs(residual - kink) < NEAR_KINK).any(axis=1)
    return near


def _places(array: Real) -> Iterator[Place]:
    """The places to compare: all, or evenly spread ones."""
    count = min(array.size, MOST_PER_ARRAY)
    for at in np.linspace(0, array.size - 1, count).astype(np.int64):
        yield tuple(int(i) for i in np.unravel_index(at, array.shape))
