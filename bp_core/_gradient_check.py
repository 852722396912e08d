"""Backpropagation against central differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core.activations import KINKED
from bp_core.losses import LossLike, resolve
from bp_core.results import GradientCheck

if TYPE_CHECKING:
    from bp_core.network import Network

Real = NDArray[Any]
STEP = 6e-6
TOLERANCE = 1e-6
FLOOR = 1e-3
NEAR_KINK = 1e-4
MOST_PER_ARRAY = 1000


def check(net: Network, X: Real, y: Real, loss: LossLike) -> GradientCheck:
    """Compare the gradients of a float64 network; its parameters come back to the bit."""
    rows = np.array(X, dtype=np.float64)
    kept = ~_near_kink(net, rows, y, loss)
    if not kept.any():
        raise ValueError("every row of X lies within 1e-4 of a kink; move the inputs or parameters a little")
    rows, targets = rows[kept], y[kept]
    twin = net.copy()
    found = twin.gradients(rows, targets, loss=loss)
    worst, max_error, n_checked = "", -1.0, 0
    for name, values, gradient in _arrays(twin, rows, found):
        largest = float(np.abs(gradient).max())
        for place in _places(gradient):
            difference = _difference(twin, rows, targets, loss, values, place)
            error = abs(float(gradient[place]) - difference) / (abs(difference) + largest + FLOOR)
            n_checked += 1
            if not error <= max_error:
                worst, max_error = f"{name}[{', '.join(map(str, place))}]", error
    return GradientCheck(max_error <= TOLERANCE, max_error, worst, n_checked, int(np.count_nonzero(~kept)))


def _arrays(net: Network, X: Real, found: Any) -> Iterator[tuple[str, Real, Real]]:
    """Name, values and gradient of everything that can move; values are moved in place."""
    for l, (W, grad_W) in enumerate(zip(net.weights, found.weights, strict=True)):
        yield f"weights[{l}]", W, grad_W
    for l, (b, grad_b) in enumerate(zip(net.biases, found.biases, strict=True)):
        if b.size:
            yield f"biases[{l}]", b, grad_b
    yield "inputs", X, found.inputs


def _places(array: Real) -> Iterator[tuple[int, ...]]:
    """The places to compare: all, or evenly spread ones."""
    count = min(array.size, MOST_PER_ARRAY)
    for at in np.linspace(0, array.size - 1, count).astype(np.int64):
        yield tuple(int(i) for i in np.unravel_index(at, array.shape))


def _difference(net: Network, X: Real, y: Real, loss: LossLike, values: Real, place: tuple[int, ...]) -> float:
    """(loss(p + h) - loss(p - h)) / 2h, with the step that float64 really made."""
    p = float(values[place])
    h = STEP * max(1.0, abs(p))
    above, below = p + h, p - h
    values[place] = above
    upper = net.loss(X, y, loss=loss)
    values[place] = below
    lower = net.loss(X, y, loss=loss)
    values[place] = p
    return (upper - lower) / (above - below)


def _near_kink(net: Network, X: Real, y: Real, loss: LossLike) -> NDArray[np.bool_]:
    """Rows with a z, or for mae and huber a residual, within 1e-4 of a kink."""
    passed = net.forward(X)
    near = np.zeros(X.shape[0], dtype=bool)
    for z, activation in zip(passed.z, (*net.hidden, net.output), strict=True):
        if activation in KINKED:
            near |= (np.abs(z) < NEAR_KINK).any(axis=1)
    name, threshold = resolve(loss, net.output)
    if name in ("mae", "huber"):
        kink = threshold if name == "huber" else 0.0
        residual = np.abs(passed.output - y)
        near |= (np.abs(residual - kink) < NEAR_KINK).any(axis=1)
    return near
