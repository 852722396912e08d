"""Which inputs vary in the pictures of a replay, and the rows of the grids they vary over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core.pages._recording import Recording

Real = NDArray[Any]
MARGIN = 0.08
"""How far a picture reaches beyond the data, as a share of their span."""


class Slice:
    """One or two inputs that vary, the others held at their mean."""

    def __init__(self, recording: Recording, inputs: Sequence[int | str] | None) -> None:
        self.inputs = _choose(recording, inputs)
        X = recording.rows.X
        self.held = X.mean(axis=0)
        self.ranges = [_range(X[:, k]) for k in self.inputs]

    def grid(self, points: int) -> Real:
        """Rows (points ** len(inputs), n_in); of two inputs the first varies fastest, the second from high to low."""
        steps = [np.linspace(low, high, points) for low, high in self.ranges]
        rows = np.tile(self.held, (points ** len(self.inputs), 1))
        rows[:, self.inputs[0]] = np.tile(steps[0], rows.shape[0] // points)
        if len(self.inputs) == 2:
            rows[:, self.inputs[1]] = np.repeat(steps[1][::-1], points)
        return rows

    def rows(self, places: Real) -> Real:
        """Rows (n, n_in) at places (n, 2) of the picture, in shares of its sides from the left and from the top."""
        rows = np.tile(self.held, (places.shape[0], 1))
        (left, right), (bottom, top) = self.ranges
        rows[:, self.inputs[0]] = left + (right - left) * places[:, 0]
        rows[:, self.inputs[1]] = top + (bottom - top) * places[:, 1]
        return rows


def _choose(recording: Recording, inputs: Sequence[int | str] | None) -> tuple[int, ...]:
    """The inputs that vary, by index."""
    n_in = recording.net.layer_sizes[0]
    if inputs is not None:
        return _look_up(inputs, recording.input_names, min(n_in, 2))
    if n_in <= 2:
        return tuple(range(n_in))
    W = np.abs(recording.net.weights[0].astype(np.float64)).sum(axis=1)
    weight = np.nan_to_num(W * recording.rows.X.std(axis=0))
    first, second = sorted(int(k) for k in np.argsort(-weight, kind="stable")[:2])
    return first, second


def _look_up(inputs: Sequence[int | str], names: tuple[str, ...], wanted: int) -> tuple[int, ...]:
    """Indices of inputs given by index or name."""
    found = tuple(names.index(k) if isinstance(k, str) and k in names else k for k in inputs)
    fits = all(isinstance(k, (int, np.integer)) and 0 <= k < len(names) for k in found)
    if isinstance(inputs, str) or not fits or len(set(found)) != len(found) or len(found) != wanted:
        there_is = f"0 to {len(names) - 1}, or " + ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        count = "one input" if wanted == 1 else "two different inputs"
        raise ValueError(f"inputs is {inputs!r}; expected {count} out of {there_is}")
    return tuple(int(k) for k in found)


def _range(values: Real) -> tuple[float, float]:
    """Where a picture begins and ends."""
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low)
    if not math.isfinite(margin) or margin == 0:
        margin = max(1.0, abs(low) * MARGIN) if high == low else 0.0
    return low - margin, high + margin
